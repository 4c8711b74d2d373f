//! Modules that are called outside of any task: for templates and inventories.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rplay_event::Masker;
use rplay_module::{
    Address, BoxFuture, Child, Cx, Exit, Foretold, Mode, Module, Outcome, Ownership, Progress, Realm, Result,
    Sandbox, Shared, World,
};
use serde_json::Value;

use crate::child::Children;
use crate::settings::Settings;
use crate::world::{is_hidden, sandboxed};

/// Calls modules that only read.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Outside>);

/// The world of a call that belongs to no task.
struct Outside {
    env: Arc<BTreeMap<String, String>>,
    folder: PathBuf,
    reach: Vec<(String, SocketAddr)>,
    sandbox: Option<Sandbox>,
    children: Children,
    masker: Masker,
    shared: Shared,
    now: fn() -> SystemTime,
    random: fn(&mut [u8]),
}

impl Caller {
    pub(crate) fn new(settings: &Settings, children: &Children, masker: &Masker) -> Self {
        Self(Arc::new(Outside {
            env: Arc::clone(&settings.environment),
            folder: settings.folder.clone(),
            reach: settings.reach.clone(),
            sandbox: settings.sandbox.clone(),
            children: children.clone(),
            masker: masker.clone(),
            shared: Shared::default(),
            now: settings.now,
            random: settings.random,
        }))
    }

    /// Calls a module and waits for what comes of it.
    ///
    /// Templates and inventories are plain functions, so the call runs on a thread of its own until it is answered.
    ///
    /// # Errors
    /// When it cannot be begun, or comes to no end.
    pub(crate) fn call(&self, module: Module, args: &Value) -> Result<Outcome, String> {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let world: Arc<dyn World> = Arc::clone(&self.0) as Arc<dyn World>;
            let cx = Cx::new(world, false);
            Ok(runtime.block_on((module.pick)(args).run(&cx, args, Mode::Apply)))
        };
        let outcome = std::thread::scope(|scope| scope.spawn(run).join());
        outcome.map_err(|_| "the request came to no end".to_owned())?
    }
}

impl World for Outside {
    fn now(&self) -> SystemTime {
        (self.now)()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn env(&self, name: &str) -> Option<String> {
        let hidden = self.sandbox.is_some() && is_hidden(name);
        self.env.get(name).filter(|_| !hidden).cloned()
    }

    fn random(&self, bytes: &mut [u8]) {
        (self.random)(bytes);
    }

    fn progress(&self, _progress: Progress) {}

    fn warn(&self, _message: String) {}

    fn deprecate(&self, _message: String) {}

    fn secret(&self, text: &str) {
        self.masker.add(text);
    }

    fn spawn(&self, child: Child) -> BoxFuture<'static, Result<Exit>> {
        let children = self.children.clone();
        let environment = sandboxed(&self.env, std::iter::empty(), self.sandbox.as_ref(), &child.env);
        Box::pin(async move { children.run(child, environment).await })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn foretold(&self, _address: &Address) -> Option<Foretold> {
        None
    }

    fn foretell(&self, _address: Address, _what: Foretold) {}

    fn owns(&self, _address: &Address, _realm: &Realm) -> bool {
        false
    }

    fn own(&self, _address: &Address, _realm: &Realm, _stage: Ownership) {}

    fn token(&self, purpose: &str) -> String {
        purpose.to_owned()
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.reach.iter().find(|(ending, _)| host.ends_with(ending.as_str())).map(|(_, address)| *address)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        self.sandbox.clone()
    }
}
