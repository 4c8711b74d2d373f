use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::{Address, Progress, Realm, Result};

/// A future that can be sent to another thread, behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything outside a module: clock, environment, processes, progress, what this run has foretold.
///
/// Cheap to clone. One is made per task and host.
#[derive(Clone)]
pub struct Cx {
    world: Arc<dyn World>,
    /// Ids that the steps of this one task have found or made. Not kept beyond it: any `command: aws …` between two
    /// tasks may have changed the rest.
    known: Arc<Mutex<HashMap<Address, Option<String>>>>,
    native: bool,
}

/// What the engine (and a test) provides behind [`Cx`].
pub trait World: Send + Sync {
    fn now(&self) -> SystemTime;
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// The task's `environment:`, else the process's; under `--sandbox` without anything of AWS.
    fn env(&self, name: &str) -> Option<String>;
    /// The names of the task's `environment:`.
    fn own_env(&self) -> Vec<String> {
        Vec::new()
    }
    fn random(&self, bytes: &mut [u8]);
    /// Tells what is being done now.
    fn progress(&self, progress: Progress);
    fn warn(&self, message: String);
    fn deprecate(&self, message: String);
    /// Says that a text must never be shown.
    fn secret(&self, text: &str);
    /// Runs a child that dies with rplay.
    fn spawn(&self, child: Child) -> BoxFuture<'static, Result<Exit>>;
    /// The folder that relative paths of a task's own files start from.
    fn folder(&self) -> &Path;
    /// What lives as long as the run, by type: client caches.
    fn shared(&self) -> &Shared;
    /// What this run has foretold of an address.
    fn foretold(&self, address: &Address) -> Option<Foretold>;
    fn foretell(&self, address: Address, what: Foretold);
    /// Whether the ownership file says that rplay made it.
    fn owns(&self, address: &Address, realm: &Realm) -> bool;
    /// Adds a line to the ownership file, on disk before this returns.
    fn own(&self, address: &Address, realm: &Realm, stage: Ownership);
    /// A client token that is the same in a rerun after a crash.
    fn token(&self, purpose: &str) -> String;
    /// Where `--sandbox` and `uri` find a host by its name: `(address, port, Host header)`.
    fn reach(&self, host: &str) -> Option<std::net::SocketAddr>;
    /// The stand-in of `--sandbox`; with it no credentials, profiles or config files of the environment are read.
    fn sandbox(&self) -> Option<Sandbox>;
}

/// A stand-in for AWS on this machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sandbox {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

/// A process to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Child {
    /// The program and its arguments.
    pub argv: Vec<String>,
    pub folder: Option<PathBuf>,
    /// Beside the task's environment.
    pub env: Vec<(String, String)>,
    pub stdin: Option<Vec<u8>>,
    pub timeout: Option<Duration>,
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its status, or minus the signal that ended it, as Python has it.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub timed_out: bool,
}

/// A line of the ownership file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// About to be created; it was not there just before. After a crash this counts as created.
    Intended,
    Created,
    /// Deleted by us, or not created after all.
    Gone,
}

/// What a plan or a check has said of an address; beats what is found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Foretold {
    /// Created or replaced; the text stands for its id.
    Created(String),
    Deleted,
}

/// A file beside the playbook or role, found by the engine before the module runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerFile {
    pub path: PathBuf,
    /// Set where the engine made the text itself: a rendered template, a decrypted vault file.
    pub content: Option<Vec<u8>>,
}

/// The ids of what a plan or check has foretold to go.
#[derive(Default)]
struct Doomed(Mutex<HashSet<String>>);

/// Things that live as long as the run, one per type.
#[derive(Default)]
pub struct Shared {
    things: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Shared {
    /// Returns the thing of this type, made at its first use.
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = things.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(thing).downcast().expect("the key is the type")
    }
}

impl Cx {
    /// Returns a context for one task; `native` says that the module's name is rplay's own.
    pub fn new(world: Arc<dyn World>, native: bool) -> Self {
        Self { world, known: Arc::default(), native }
    }

    /// Returns a context of the same task that has not looked anything up yet: each walk of a destroy sees the world for
    /// itself, as the one before only foretold.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { known: Arc::default(), ..self.clone() }
    }

    pub fn world(&self) -> &dyn World {
        self.world.as_ref()
    }

    pub fn now(&self) -> SystemTime {
        self.world.now()
    }

    pub async fn sleep(&self, time: Duration) {
        self.world.sleep(time).await;
    }

    pub fn env(&self, name: &str) -> Option<String> {
        self.world.env(name)
    }

    pub fn progress(&self, progress: Progress) {
        self.world.progress(progress);
    }

    pub fn warn(&self, message: impl Into<String>) {
        self.world.warn(message.into());
    }

    pub async fn spawn(&self, child: Child) -> Result<Exit> {
        self.world.spawn(child).await
    }

    /// Returns whether a thing was made by rplay, going by the ownership file.
    pub fn owns(&self, address: &Address, realm: &Realm) -> bool {
        self.world.owns(address, realm)
    }

    pub fn token(&self, purpose: &str) -> String {
        self.world.token(purpose)
    }

    /// Returns the one thing of its type that lives as long as the run.
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.world.shared().of()
    }

    /// Returns the tag that says whose a thing is, for the call that creates it; `None` under Ansible's names, whose
    /// results must not have tags that the playbook does not name.
    pub fn owner_tag(&self) -> Option<(String, String)> {
        self.native.then(|| (OWNER_TAG.to_owned(), "rplay".to_owned()))
    }

    /// Returns the id of the thing at an address: what this run foretold beats what `find` finds; what an earlier step
    /// of this task found or made is not asked for again.
    pub async fn lookup<F>(&self, address: &Address, find: F) -> Result<Option<String>>
    where
        F: Future<Output = Result<Option<String>>> + Send,
    {
        if let Some(id) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(address) {
            return Ok(id.clone());
        }
        match self.world.foretold(address) {
            Some(Foretold::Created(marker)) => Ok(Some(marker)),
            Some(Foretold::Deleted) => Ok(None),
            None => {
                let id = find.await?;
                self.note(address.clone(), id.clone());
                Ok(id)
            }
        }
    }

    /// Returns whether this run has foretold that the thing with this id will be gone, deleted or replaced.
    pub fn is_doomed(&self, id: &str) -> bool {
        self.shared::<Doomed>().0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Remembers that the thing with this id will be gone.
    pub fn doom(&self, id: String) {
        self.shared::<Doomed>().0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Remembers an id for the rest of this task.
    pub(crate) fn note(&self, address: Address, id: Option<String>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(address, id);
    }
}

/// The tag that says that rplay made a thing.
pub const OWNER_TAG: &str = "rplay:owner";
