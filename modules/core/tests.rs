//! A world for the tests of these modules: a folder, a clock that only sleeping moves, processes that really run.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rplay_module::{
    Address, BoxFuture, Child, Cx, Exit, Failure, Foretold, Mode, Outcome, Ownership, Progress, Realm,
    Result, Sandbox, Shared, World,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::MODULES;

pub(crate) struct Bench {
    world: Arc<BenchWorld>,
}

struct BenchWorld {
    folder: TempDir,
    state: Mutex<State>,
    shared: Shared,
}

#[derive(Default)]
struct State {
    env: HashMap<String, String>,
    clock: Duration,
    slept: Vec<u64>,
    warnings: Vec<String>,
    deprecated: Vec<String>,
    reach: HashMap<String, SocketAddr>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // The provider is installed once per program; here each test is one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let env = HashMap::from([("HOME".to_owned(), home), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let state = Mutex::new(State { env, ..State::default() });
        Self { world: Arc::new(BenchWorld { folder, state, shared: Shared::default() }) }
    }

    pub(crate) async fn run(&self, name: &str, args: &Value, mode: Mode) -> Outcome {
        let module = MODULES.iter().find(|module| module.names.contains(&name)).unwrap();
        let cx = Cx::new(Arc::clone(&self.world) as Arc<dyn World>, module.native);
        (module.pick)(args).run(&cx, args, mode).await
    }

    pub(crate) fn folder(&self) -> &Path {
        self.world.folder.path()
    }

    pub(crate) fn home(&self) -> &str {
        self.folder().to_str().unwrap()
    }

    pub(crate) fn set_env(&self, name: &str, value: &str) {
        self.world.state.lock().unwrap().env.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn reach(&self, host: &str, address: SocketAddr) {
        self.world.state.lock().unwrap().reach.insert(host.to_owned(), address);
    }

    pub(crate) fn slept(&self) -> Vec<u64> {
        self.world.state.lock().unwrap().slept.clone()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.world.state.lock().unwrap().warnings.clone()
    }

    pub(crate) fn deprecated(&self) -> Vec<String> {
        self.world.state.lock().unwrap().deprecated.clone()
    }
}

impl World for BenchWorld {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.state.lock().unwrap().clock
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock().unwrap();
        state.clock += time;
        state.slept.push(time.as_secs());
        Box::pin(std::future::ready(()))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.state.lock().unwrap().env.get(name).cloned()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn progress(&self, _: Progress) {}

    fn warn(&self, message: String) {
        self.state.lock().unwrap().warnings.push(message);
    }

    fn deprecate(&self, message: String) {
        self.state.lock().unwrap().deprecated.push(message);
    }

    fn secret(&self, _: &str) {}

    fn spawn(&self, child: Child) -> BoxFuture<'static, Result<Exit>> {
        let (folder, env) = (self.folder.path().to_owned(), self.state.lock().unwrap().env.clone());
        let ran = tokio::task::spawn_blocking(move || run(&child, &folder, &env));
        Box::pin(async { ran.await.unwrap().map_err(|error| Failure::new(error.to_string())) })
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn foretold(&self, _: &Address) -> Option<Foretold> {
        None
    }

    fn foretell(&self, _: Address, _: Foretold) {}

    fn owns(&self, _: &Address, _: &Realm) -> bool {
        false
    }

    fn own(&self, _: &Address, _: &Realm, _: Ownership) {}

    fn token(&self, purpose: &str) -> String {
        purpose.to_owned()
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.state.lock().unwrap().reach.get(host).copied()
    }

    fn sandbox(&self) -> Option<Sandbox> {
        None
    }
}

fn run(child: &Child, folder: &Path, env: &HashMap<String, String>) -> std::io::Result<Exit> {
    let mut started = Command::new(&child.argv[0])
        .args(&child.argv[1..])
        .current_dir(child.folder.as_deref().unwrap_or(folder))
        .env_clear()
        .envs(env)
        .envs(child.env.clone())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = started.stdin.take() {
        stdin.write_all(child.stdin.as_deref().unwrap_or_default())?;
    }
    let mut out = Exit::default();
    started.stdout.take().unwrap().read_to_end(&mut out.stdout)?;
    started.stderr.take().unwrap().read_to_end(&mut out.stderr)?;
    let status = started.wait()?;
    out.rc = status.code().unwrap_or_else(|| -status.signal().unwrap_or_default());
    Ok(out)
}
