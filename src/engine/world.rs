use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;
use rplay_event::Kind;
use rplay_module::{
    Address, BoxFuture, Child, Exit, Foretold, Ownership, Progress, Realm, Result, Sandbox, Shared, World,
};

use crate::child::Children;
use crate::emit::Emitter;
use crate::hosts::Host;
use crate::in_flight::InFlight;
use crate::records::Records;
use crate::run::{Runner, TaskRun};

/// The world as a module sees it: one per task and host.
pub(crate) struct TaskWorld {
    task: u64,
    host: String,
    emitter: Emitter,
    records: Arc<Records>,
    shared: Arc<Shared>,
    children: Arc<Children>,
    /// The task's own environment, laid over the process's.
    own: IndexMap<String, String>,
    process: Arc<BTreeMap<String, String>>,
    folder: PathBuf,
    sandbox: Option<Sandbox>,
    reach: Vec<(String, SocketAddr)>,
    playbook: String,
    now: fn() -> SystemTime,
    random: fn(&mut [u8]),
    /// What the module has warned of, which its result has as well.
    warned: Arc<Mutex<Vec<String>>>,
    in_flight: InFlight,
}

impl TaskWorld {
    pub(crate) fn new(
        runner: &Runner,
        task: &TaskRun<'_>,
        host: &Host,
        own: IndexMap<String, String>,
    ) -> Self {
        Self {
            task: task.id,
            host: host.name.to_string(),
            emitter: runner.emitter.clone(),
            records: Arc::clone(&runner.records),
            shared: Arc::clone(&runner.shared),
            children: Arc::clone(&runner.children),
            own,
            process: Arc::clone(&runner.settings.environment),
            // Ansible runs the modules of local connections in the folder of the playbook.
            folder: runner.settings.folder.join(&task.play.loaded.head.folder),
            sandbox: runner.settings.sandbox.clone(),
            reach: runner.settings.reach.clone(),
            playbook: task.play.loaded.head.file.to_string(),
            now: runner.settings.now,
            random: runner.settings.random,
            warned: Arc::default(),
            in_flight: runner.busy.clone(),
        }
    }

    /// Returns what the module warns of, as it comes.
    pub(crate) fn warned(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.warned)
    }

    /// Returns the whole environment of a child.
    fn environment(&self, child: &Child) -> Vec<(String, String)> {
        let own = self.own.iter().map(|(name, value)| (name.clone(), value.clone()));
        sandboxed(&self.process, own, self.sandbox.as_ref(), &child.env)
    }
}

/// Returns the whole environment of a child: the process's, the task's own, and the child's, one over the other; with a
/// sandbox, nothing of AWS's but the sandbox's.
pub(crate) fn sandboxed(
    process: &BTreeMap<String, String>,
    own: impl Iterator<Item = (String, String)>,
    sandbox: Option<&Sandbox>,
    child: &[(String, String)],
) -> Vec<(String, String)> {
    let own: Vec<(String, String)> = own.collect();
    let mut all = process.clone();
    all.extend(own.iter().cloned());
    if let Some(sandbox) = sandbox {
        all.retain(|name, _| !is_hidden(name));
        all.extend(sandbox_environment(sandbox));
        all.extend(own.into_iter().filter(|(name, _)| is_region(name)));
    }
    all.extend(child.iter().cloned());
    all.into_iter().collect()
}

/// Returns what points AWS's own tools at a stand-in, and keeps them away from the user's accounts.
pub fn sandbox_environment(sandbox: &Sandbox) -> Vec<(String, String)> {
    [
        ("AWS_ACCESS_KEY_ID", sandbox.access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", sandbox.secret_key.as_str()),
        ("AWS_REGION", sandbox.region.as_str()),
        ("AWS_DEFAULT_REGION", sandbox.region.as_str()),
        ("AWS_ENDPOINT_URL", sandbox.endpoint.as_str()),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Returns whether a variable of the environment is none of a sandbox's business.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with("AWS_") && !is_region(name)
}

fn is_region(name: &str) -> bool {
    matches!(name, "AWS_REGION" | "AWS_DEFAULT_REGION")
}

impl World for TaskWorld {
    fn now(&self) -> SystemTime {
        (self.now)()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn env(&self, name: &str) -> Option<String> {
        if self.sandbox.is_some() && is_hidden(name) {
            return None;
        }
        self.own.get(name).or_else(|| self.process.get(name)).cloned()
    }

    fn own_env(&self) -> Vec<String> {
        self.own.keys().cloned().collect()
    }

    fn random(&self, bytes: &mut [u8]) {
        (self.random)(bytes);
    }

    fn progress(&self, progress: Progress) {
        self.in_flight.doing(self.task, &self.host, &progress.headline);
        self.emitter.emit(Kind::Progress { task: self.task, host: self.host.clone(), progress });
    }

    fn warn(&self, message: String) {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        self.emitter.emit(Kind::Warning { message });
    }

    fn deprecate(&self, message: String) {
        self.emitter.emit(Kind::Deprecated { message });
    }

    fn secret(&self, text: &str) {
        self.emitter.masker().add(text);
    }

    fn spawn(&self, mut child: Child) -> BoxFuture<'static, Result<Exit>> {
        child.folder = Some(match child.folder {
            Some(folder) => self.folder.join(folder),
            None => self.folder.clone(),
        });
        let children = Arc::clone(&self.children);
        let environment = self.environment(&child);
        Box::pin(async move { children.run(child, environment).await })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn foretold(&self, address: &Address) -> Option<Foretold> {
        self.records.foretold(address)
    }

    fn foretell(&self, address: Address, what: Foretold) {
        self.records.foretell(address, what);
    }

    fn owns(&self, address: &Address, realm: &Realm) -> bool {
        self.records.owns(address, realm)
    }

    fn own(&self, address: &Address, realm: &Realm, stage: Ownership) {
        self.in_flight.owned(self.task, &self.host, &address.to_string(), stage);
        if let Err(message) = self.records.own(address, realm, stage, (self.now)()) {
            self.emitter.warn(message);
        }
    }

    fn token(&self, purpose: &str) -> String {
        self.records.token(&self.playbook, purpose)
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.reach.iter().find(|(ending, _)| host.ends_with(ending.as_str())).map(|(_, address)| *address)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        self.sandbox.clone()
    }
}
