//! Pages for `lookup('url', ...)`: asked for by the module `uri`, which knows proxies, redirections and certificates.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rplay_event::Masker;
use rplay_module::{
    Address, BoxFuture, Child, Cx, Exit, Foretold, Mode, Module, Ownership, Progress, Realm, Result, Sandbox,
    Shared, World,
};
use rplay_template::Unfetched;
use serde_json::{Value, json};

use crate::child::Children;
use crate::settings::Settings;

/// What asks for pages.
pub(crate) struct Fetcher {
    uri: Module,
    outside: Arc<Outside>,
}

/// The world of a request that belongs to no task.
struct Outside {
    env: Arc<BTreeMap<String, String>>,
    folder: PathBuf,
    reach: Vec<(String, SocketAddr)>,
    sandbox: Option<Sandbox>,
    children: Arc<Children>,
    masker: Masker,
    shared: Shared,
    now: fn() -> SystemTime,
    random: fn(&mut [u8]),
}

impl Fetcher {
    /// Returns what asks with the module of that name; `None` where this binary has no such module.
    pub(crate) fn new(
        settings: &Settings,
        modules: &[Module],
        children: &Arc<Children>,
        masker: &Masker,
    ) -> Option<Self> {
        let uri = *modules.iter().find(|module| module.names.contains(&"uri"))?;
        let outside = Outside {
            env: Arc::clone(&settings.environment),
            folder: settings.folder.clone(),
            reach: settings.reach.clone(),
            sandbox: settings.sandbox.clone(),
            children: Arc::clone(children),
            masker: masker.clone(),
            shared: Shared::default(),
            now: settings.now,
            random: settings.random,
        };
        Some(Self { uri, outside: Arc::new(outside) })
    }

    /// Returns the page that the module's parameters ask for.
    ///
    /// Templates are plain functions, so the request runs on a thread of its own until it is answered.
    pub(crate) fn fetch(&self, mut args: Value) -> Result<String, Unfetched> {
        if let Some(args) = args.as_object_mut() {
            args.insert("return_content".into(), true.into());
            args.insert("status_code".into(), (200..300).collect::<Vec<_>>().into());
        }
        let broken = |why: &str| Unfetched { status: -1, message: why.to_owned() };
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| broken(&error.to_string()))?;
            let world: Arc<dyn World> = Arc::clone(&self.outside) as Arc<dyn World>;
            let cx = Cx::new(world, false);
            Ok(runtime.block_on((self.uri.pick)(&args).run(&cx, &args, Mode::Apply)))
        };
        let outcome = std::thread::scope(|scope| scope.spawn(run).join());
        let outcome = outcome.map_err(|_| broken("the request came to no end"))??;
        let status = outcome.result.get("status").and_then(Value::as_i64).unwrap_or(-1);
        if let Some(failure) = outcome.failure {
            // The module says first which statuses it would have taken.
            let message = failure.message.split_once("]: ").map_or(&*failure.message, |(_, why)| why);
            return Err(Unfetched { status, message: message.to_owned() });
        }
        let content = outcome.result.get("content").cloned().unwrap_or_else(|| json!(""));
        Ok(content.as_str().map_or_else(|| content.to_string(), str::to_owned))
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
        self.env.get(name).cloned()
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
        let children = Arc::clone(&self.children);
        let environment = self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
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
