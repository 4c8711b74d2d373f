//! Agents for real: started by a shell, by su, by sshd. What runs on the other side is this very test program.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rplay_event::{Kind, Masker};
use rplay_module::{
    Action, Address, BoxFuture, Child, ControllerFile, Cx, Deed, Done, Effect, Exit, FailureKind, Foretold,
    InCheck, Mode, Module, Outcome, Ownership, Params, Progress, Realm, Result, Runnable as _, Sandbox,
    Shared, World,
};
use serde_json::{Value, json};

use super::agent::{Agent, serve};
use super::elevation::{Elevation, Method};
use super::settings::AgentProgram;
use super::ssh::{self, Ssh};
use super::transport::Transport;
use super::*;
use crate::child::Children;
use crate::emit::Emitter;

/// Says who it runs as and what it sees.
#[derive(Params)]
struct WhoParams {
    /// A file of the controller's.
    src: Option<ControllerFile>,
    /// A command line to run.
    run: Option<String>,
}

struct Who;

impl Action for Who {
    type Params = WhoParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &WhoParams) -> Result<Deed> {
        cx.warn("a word from the host");
        let content = p.src.as_ref().map(|src| std::fs::read_to_string(&src.path).unwrap_or_default());
        let mut said = String::new();
        if let Some(run) = &p.run {
            let argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), run.clone()];
            let exit = cx.spawn(Child { argv, ..Child::default() }).await?;
            said = String::from_utf8_lossy(&exit.stdout).trim().to_owned();
        }
        let realm = Realm { account: "1".to_owned(), ..Realm::default() };
        Ok(Deed::new(
            false,
            json!({
                "user": rustix::process::getuid().as_raw(), "content": content, "said": said,
                "home": cx.env("HOME"), "own": cx.env("OWN"),
                "ours": cx.owns(&Address::new("thing", "a"), &realm), "token": cx.token("x"),
            }),
        ))
    }
}

const MODULES: &[Module] = &[Module {
    names: &["who"],
    native: false,
    spec: <WhoParams as Params>::spec,
    pick: |_| Box::new(Done("who", Who)),
}];

/// What makes this program an agent, as libtest takes it.
const AGENT: [&str; 5] =
    ["--exact", "connection::tests::helper_that_is_an_agent", "--nocapture", "--skip", "serve-as-agent"];

/// No test by itself: what the others start on the other side.
#[test]
fn helper_that_is_an_agent() {
    if !std::env::args().any(|word| word == "serve-as-agent") {
        return;
    }
    let agent = Agent {
        modules: MODULES.to_vec(),
        environment: std::env::vars().collect(),
        folder: std::env::current_dir().unwrap(),
        now: SystemTime::now,
        random,
        program: program(),
        input: Box::new(BufReader::new(std::io::stdin())),
        output: Box::new(std::io::stdout()),
        leave: |code| std::process::exit(code.into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(serve(agent));
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

fn program() -> AgentProgram {
    let file = std::env::current_exe().unwrap();
    AgentProgram { file, args: AGENT.map(str::to_owned).to_vec() }
}

/// The controller's side: it knows of one thing that it is rplay's.
#[derive(Default)]
struct Controller {
    warnings: Mutex<Vec<String>>,
    shared: Shared,
}

impl World for Controller {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn random(&self, bytes: &mut [u8]) {
        random(bytes);
    }

    fn progress(&self, _: Progress) {}

    fn warn(&self, message: String) {
        self.warnings.lock().unwrap().push(message);
    }

    fn deprecate(&self, _: String) {}

    fn secret(&self, _: &str) {}

    fn spawn(&self, _: Child) -> BoxFuture<'static, Result<Exit>> {
        unreachable!("the agent starts its own processes")
    }

    fn folder(&self) -> &Path {
        Path::new("/")
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn foretold(&self, _: &Address) -> Option<Foretold> {
        None
    }

    fn foretell(&self, _: Address, _: Foretold) {}

    fn owns(&self, address: &Address, _: &Realm) -> bool {
        address.name == "a"
    }

    fn own(&self, _: &Address, _: &Realm, _: Ownership) {}

    fn token(&self, purpose: &str) -> String {
        format!("token of {purpose}")
    }

    fn reach(&self, _: &str) -> Option<std::net::SocketAddr> {
        None
    }

    fn sandbox(&self) -> Option<Sandbox> {
        None
    }
}

/// A bench with one way to a host.
struct Bench {
    children: Arc<Children>,
    connections: Arc<Connections>,
    controller: Arc<Controller>,
    place: Arc<Place>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(transport: Transport, elevation: Option<Elevation>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Whoever one becomes must get there too.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let environment: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| matches!(name.as_str(), "PATH" | "HOME")).collect();
        let place = Place::plain(transport, elevation, folder.path(), program(), environment, random);
        Self {
            children: Arc::default(),
            connections: Arc::default(),
            controller: Arc::default(),
            place: Arc::new(place),
            _folder: folder,
        }
    }

    /// Returns what the connections will tell.
    fn listen(&mut self) -> Arc<Mutex<Vec<String>>> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let hear = move |event: rplay_event::Event| {
            if let Kind::Said { message } = event.kind() {
                sink.lock().unwrap().push(message.clone());
            }
        };
        self.connections = Arc::new(Connections::telling(Emitter::new(Masker::default(), Box::new(hear))));
        told
    }

    fn run(&self, args: &Value) -> Outcome {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let remote = Remote {
            connections: Arc::clone(&self.connections),
            children: Arc::clone(&self.children),
            place: Arc::clone(&self.place),
            module: MODULES[0],
            work: Work {
                environment: vec![("OWN".to_owned(), "mine".to_owned())],
                sandbox: None,
                reach: Vec::new(),
            },
        };
        let cx = Cx::new(Arc::clone(&self.controller) as Arc<dyn World>, false);
        runtime.block_on(async {
            let outcome = remote.run(&cx, args, Mode::Apply).await;
            // A pipe belongs to the runtime that it was opened in.
            self.connections.forget(&self.place);
            outcome
        })
    }
}

fn become_nobody(method: Method, exe: Option<&Path>, password: Option<&str>) -> Elevation {
    Elevation {
        method,
        user: "nobody".to_owned(),
        exe: exe.map(|exe| exe.display().to_string()),
        flags: (method == Method::Su).then(|| "-s /bin/sh".to_owned()),
        password: password.map(|password| rplay_module::Secret::new(password.to_owned())),
        prompts: Vec::new(),
        chdir: None,
        strip_preamble: true,
        patience: Duration::from_secs(20),
    }
}

#[test]
fn an_agent_behind_a_shell_runs_modules_and_asks_the_controller_what_only_it_knows() {
    let bench = Bench::new(Transport::Local, None);
    let outcome = bench.run(&json!({ "run": "echo $OWN" }));
    assert_eq!(outcome.failure, None);
    assert_eq!((&outcome.result["own"], &outcome.result["said"]), (&json!("mine"), &json!("mine")));
    assert_eq!((&outcome.result["ours"], &outcome.result["token"]), (&json!(true), &json!("token of x")));
    assert_eq!(*bench.controller.warnings.lock().unwrap(), ["a word from the host"]);
}

#[test]
fn su_makes_another_user_of_the_agent_and_files_travel_along() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let mut bench = Bench::new(Transport::Local, Some(become_nobody(Method::Su, None, None)));
    let told = bench.listen();
    let folder = tempfile::tempdir().unwrap();
    // Only we can read it.
    let file = folder.path().join("private");
    std::fs::write(&file, "for your eyes").unwrap();
    let outcome = bench.run(&json!({ "src": rplay_module::params::to_wire(&file, None) }));
    assert_eq!(outcome.failure, None);
    assert_ne!(outcome.result["user"], json!(0));
    assert_eq!(outcome.result["content"], json!("for your eyes"));
    let told = told.lock().unwrap();
    assert!(
        told.len() == 1 && told[0].starts_with("<localhost> EXEC /bin/sh -c 'su -s /bin/sh nobody -c "),
        "{told:?}"
    );
}

/// Writes a program that stands for sudo: it asks for the password as sudo does where it is told to.
fn pretended(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("sudo");
    std::fs::write(&path, format!("#!/bin/sh\nfor last; do :; done\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_password_goes_to_whoever_asks_for_it_and_not_to_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let asks =
        "printf '%s' \"$4\" >&2; read -r given; [ \"$given\" = hush ] || exit 1; exec /bin/sh -c \"$last\"";
    let sudo = pretended(folder.path(), asks);
    let bench = Bench::new(Transport::Local, Some(become_nobody(Method::Sudo, Some(&sudo), Some("hush"))));
    let outcome = bench.run(&json!({}));
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.result["own"], json!("mine"));
}

#[test]
fn what_sudo_says_in_place_of_success_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            "echo 'sudo: a password is required' >&2; exit 1",
            None,
            "Premature end of stream waiting for become success.\n>>> Standard Error\nsudo: a password is required\n",
        ),
        (
            "printf '%s' \"$4\" >&2; read -r given; printf '\\n%s' \"$4\" >&2; read -r given; exit 1",
            Some("wrong"),
            "Duplicate become password prompt encountered waiting for become success.",
        ),
        (
            "echo hello",
            None,
            "Premature end of stream waiting for become success.\n>>> Standard Output\nhello\n",
        ),
    ];
    for (script, password, message) in cases {
        let sudo = pretended(folder.path(), script);
        let bench = Bench::new(Transport::Local, Some(become_nobody(Method::Sudo, Some(&sudo), password)));
        let failure = bench.run(&json!({})).failure.unwrap();
        assert!(failure.message.starts_with(message), "{}", failure.message);
        assert_eq!(failure.kind, FailureKind::Refused);
    }
}

/// A real sshd on a port of its own; it ends with the test.
struct Sshd {
    process: std::process::Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sshd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for key in ["host", "user"] {
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(at(key))
                .status()
                .expect("openssh-client is installed: see CONTRIBUTING.md");
            assert!(made.success());
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n",
            at("host").display(),
            at("user.pub").display()
        );
        std::fs::write(at("config"), config).unwrap();
        if rustix::process::getuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let process = std::process::Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(at("config"))
            .stdin(std::process::Stdio::null())
            .stderr(std::fs::File::create(at("log")).unwrap())
            .spawn()
            .expect("openssh-server is installed: see CONTRIBUTING.md");
        let sshd = Self { process, folder, port };
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < deadline, "sshd does not answer: {}", sshd.log());
            std::thread::yield_now();
        }
        sshd
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn way(&self) -> Ssh {
        Ssh {
            host: "127.0.0.1".to_owned(),
            port: Some(self.port),
            user: None,
            key: Some(self.folder.path().join("user")),
            common_args: Some("-F none -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR".to_owned()),
            args: Some(String::new()),
            ..ssh::sample()
        }
    }
}

#[test]
fn over_ssh_the_agent_ships_itself_once_and_runs_modules() {
    let sshd = Sshd::start();
    let mut bench = Bench::new(Transport::Ssh(Box::new(sshd.way())), None);
    let told = bench.listen();
    let file = sshd.folder.path().join("conf");
    std::fs::write(&file, "from here").unwrap();
    for _ in 0..2 {
        let outcome = bench.run(&json!({
            "src": rplay_module::params::to_wire(&file, None), "run": "echo $SSH_CONNECTION" }));
        assert_eq!(outcome.failure, None, "{}", sshd.log());
        assert_eq!(outcome.result["content"], json!("from here"));
        assert!(outcome.result["said"].as_str().unwrap().starts_with("127.0.0.1 "));
        let stored: Vec<_> = std::fs::read_dir(&bench.place.remote_tmp)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(stored.len(), 1, "one program, and nothing else is left: {stored:?}");
        assert!(stored[0].starts_with("rplay-"));
    }
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 4, "two lines a connection: {told:?}");
    assert!(told[0].starts_with("<127.0.0.1> ESTABLISH SSH CONNECTION FOR USER: "), "{told:?}");
    assert!(told[1].starts_with("<127.0.0.1> SSH: EXEC ssh "), "{told:?}");
}

#[test]
fn a_host_that_does_not_answer_is_unreachable_in_ssh_s_own_words() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let way = Ssh {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        args: Some("-F none".to_owned()),
        ..ssh::sample()
    };
    let failure = Bench::new(Transport::Ssh(Box::new(way)), None).run(&json!({})).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    let words = format!(
        "Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port {port}: Connection refused"
    );
    assert_eq!(failure.message, words);
}

#[test]
fn a_command_needs_nothing_but_a_shell_on_the_host() {
    let sshd = Sshd::start();
    let bench = Bench::new(Transport::Ssh(Box::new(sshd.way())), None);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let environment = bench.place.outer_environment();
    let command = "cat; echo err >&2; exit 3";
    let ran = runtime
        .block_on(execute(&bench.children, &bench.place, command, Some(b"input"), environment))
        .unwrap();
    assert_eq!((ran.rc, ran.stdout.as_slice(), ran.stderr.as_slice()), (3, &b"input"[..], &b"err\n"[..]));
}
