use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::ready;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rplay_module::{
    Address, BoxFuture, Child, Cx, Exit, Failure, Foretold, Ownership, Progress, Realm, Result, Sandbox,
    Shared, World,
};
use tempfile::TempDir;

/// When a test's clock starts: a Tuesday in 2023.
const START: u64 = 1_700_000_000;

/// Everything outside a module, set and read by a test. Its clock stands still but for sleeping, which takes no time.
pub struct TestWorld {
    env: BTreeMap<String, String>,
    sandbox: Option<Sandbox>,
    hosts: BTreeMap<String, SocketAddr>,
    folder: TempDir,
    things: Shared,
    /// Children are not scripted, but run.
    runs_children: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slept: Duration,
    drawn: u8,
    progress: Vec<Progress>,
    warnings: Vec<String>,
    deprecations: Vec<String>,
    secrets: Vec<String>,
    foretold: HashMap<Address, Foretold>,
    ownership: Vec<(Address, Realm, Ownership)>,
    children: VecDeque<(Vec<String>, Exit)>,
    spawned: Vec<Child>,
}

impl TestWorld {
    /// Returns a world without environment, with a temporary folder of its own.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self {
            env: BTreeMap::new(),
            sandbox: None,
            hosts: BTreeMap::new(),
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            things: Shared::default(),
            runs_children: false,
            state: Mutex::default(),
        }
    }

    /// Returns a world with a region and made-up keys, as clients need them.
    #[must_use]
    pub fn aws() -> Self {
        Self::new()
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "a secret access key")
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Makes a host be found at an address.
    #[must_use]
    pub fn host(mut self, name: &str, address: SocketAddr) -> Self {
        self.hosts.insert(name.to_owned(), address);
        self
    }

    /// Says how the next child ends, and what its command line must begin with.
    #[must_use]
    pub fn child(self, argv: &[&str], exit: Exit) -> Self {
        let argv = argv.iter().map(|&argument| argument.to_owned()).collect();
        self.state().children.push_back((argv, exit));
        self
    }

    /// Lets children really run, with this world's environment and in its folder.
    #[must_use]
    pub fn running_children(mut self) -> Self {
        self.runs_children = true;
        self
    }

    /// Says that an earlier run made a thing.
    #[must_use]
    pub fn owning(self, address: Address, realm: Realm) -> Self {
        self.state().ownership.push((address, realm, Ownership::Created));
        self
    }

    /// Returns the world as contexts hold it.
    #[must_use]
    pub fn start(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// Returns the context of a task under one of Ansible's module names.
    pub fn cx(self: &Arc<Self>) -> Cx {
        Cx::new(Arc::<Self>::clone(self), false)
    }

    /// Returns the context of a task under one of rplay's own module names: what it creates carries the owner's tag.
    pub fn native_cx(self: &Arc<Self>) -> Cx {
        Cx::new(Arc::<Self>::clone(self), true)
    }

    pub fn progress(&self) -> Vec<Progress> {
        self.state().progress.clone()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

    pub fn deprecations(&self) -> Vec<String> {
        self.state().deprecations.clone()
    }

    /// Returns the texts that must never be shown.
    pub fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    /// Returns the lines of the ownership file.
    pub fn ownership(&self) -> Vec<(Address, Realm, Ownership)> {
        self.state().ownership.clone()
    }

    /// Returns the children that were started.
    pub fn spawned(&self) -> Vec<Child> {
        self.state().spawned.clone()
    }

    /// Returns how long modules have slept.
    pub fn slept(&self) -> Duration {
        self.state().slept
    }

    /// Forgets what was foretold: the next run begins.
    pub fn next_run(&self) {
        self.state().foretold.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for TestWorld {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START) + self.state().slept
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.state().slept += time;
        Box::pin(tokio::task::yield_now())
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut state = self.state();
        for byte in bytes {
            state.drawn = state.drawn.wrapping_add(1);
            *byte = state.drawn;
        }
    }

    fn progress(&self, progress: Progress) {
        self.state().progress.push(progress);
    }

    fn warn(&self, message: String) {
        self.state().warnings.push(message);
    }

    fn deprecate(&self, message: String) {
        self.state().deprecations.push(message);
    }

    fn secret(&self, text: &str) {
        self.state().secrets.push(text.to_owned());
    }

    fn spawn(&self, child: Child) -> BoxFuture<'static, Result<Exit>> {
        let mut state = self.state();
        if self.runs_children {
            state.spawned.push(child.clone());
            let (folder, env) = (self.folder.path().to_owned(), self.env.clone());
            let ran = tokio::task::spawn_blocking(move || run(&child, &folder, &env));
            return Box::pin(async {
                ran.await
                    .expect("running a child does not panic")
                    .map_err(|error| Failure::new(error.to_string()))
            });
        }
        let answer = match state.children.pop_front() {
            Some((argv, exit)) if child.argv.starts_with(&argv) => Ok(exit),
            Some((argv, _)) => {
                Err(Failure::bug(format!("expected the child {argv:?}, got {:?}", child.argv)))
            }
            None => Err(Failure::bug(format!("no child was expected, got {:?}", child.argv))),
        };
        state.spawned.push(child);
        Box::pin(ready(answer))
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn shared(&self) -> &Shared {
        &self.things
    }

    fn foretold(&self, address: &Address) -> Option<Foretold> {
        self.state().foretold.get(address).cloned()
    }

    fn foretell(&self, address: Address, what: Foretold) {
        self.state().foretold.insert(address, what);
    }

    fn owns(&self, address: &Address, realm: &Realm) -> bool {
        let state = self.state();
        let last = state.ownership.iter().rev().find(|(owned, place, _)| owned == address && place == realm);
        last.is_some_and(|(_, _, stage)| *stage != Ownership::Gone)
    }

    fn own(&self, address: &Address, realm: &Realm, stage: Ownership) {
        self.state().ownership.push((address.clone(), realm.clone(), stage));
    }

    fn token(&self, purpose: &str) -> String {
        format!("token for {purpose}")
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.hosts.get(host).copied()
    }

    fn sandbox(&self) -> Option<Sandbox> {
        self.sandbox.clone()
    }
}

fn run(child: &Child, folder: &Path, env: &BTreeMap<String, String>) -> std::io::Result<Exit> {
    let (program, arguments) = child.argv.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut started = Command::new(program)
        .args(arguments)
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
    let ended = started.wait_with_output()?;
    let rc = ended.status.code().unwrap_or_else(|| -ended.status.signal().unwrap_or_default());
    Ok(Exit { rc, stdout: ended.stdout, stderr: ended.stderr, timed_out: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_the_clock_and_takes_no_time() {
        let cx = TestWorld::new().start().cx();
        let before = cx.now();
        cx.sleep(Duration::from_hours(1)).await;
        assert_eq!(cx.now(), before + Duration::from_hours(1));
    }

    #[test]
    fn the_last_line_of_the_ownership_file_counts() {
        let (world, address, realm) = (TestWorld::new(), Address::new("ec2.vpc", "app"), Realm::default());
        assert!(!world.owns(&address, &realm));
        world.own(&address, &realm, Ownership::Intended);
        assert!(world.owns(&address, &realm), "after a crash this counts as created");
        world.own(&address, &realm, Ownership::Gone);
        assert!(!world.owns(&address, &realm));
    }

    #[tokio::test]
    async fn children_really_run_where_that_is_wanted() {
        let world =
            TestWorld::new().env("PATH", "/usr/bin:/bin").env("NAME", "me").running_children().start();
        let argv = ["sh", "-c", "cat; echo $NAME; exit 3"].map(str::to_owned).to_vec();
        let child = Child { argv, stdin: Some(b"hello ".to_vec()), ..Child::default() };
        let exit = world.cx().spawn(child).await.unwrap();
        assert_eq!((exit.rc, exit.stdout.as_slice()), (3, b"hello me\n".as_slice()));
    }

    #[tokio::test]
    async fn an_unexpected_child_is_a_failure() {
        let world = TestWorld::new().child(&["git", "clone"], Exit { rc: 3, ..Exit::default() }).start();
        let child = |argv: &[&str]| Child {
            argv: argv.iter().map(|&argument| argument.to_owned()).collect(),
            ..Child::default()
        };
        assert_eq!(world.cx().spawn(child(&["git", "clone", "x"])).await.unwrap().rc, 3);
        assert!(world.cx().spawn(child(&["rm"])).await.is_err());
        assert_eq!(world.spawned().len(), 2);
    }
}
