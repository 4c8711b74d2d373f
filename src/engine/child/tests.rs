use std::future::Future as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::task::{Context, Waker};

use super::*;

/// A named pipe in a folder of its own: a reader meets its end when the last process that holds it is dead, so that
/// nothing has to be waited for by the clock.
struct Witness {
    folder: tempfile::TempDir,
}

impl Witness {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), rustix::fs::Mode::RWXU).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("pipe")
    }

    /// A shell and a process that it has started, both holding the pipe; they say so when they are up, and again should
    /// nobody have killed them.
    fn family(&self) -> Child {
        let script =
            "exec 9> \"$WITNESS\"; sh -c 'echo child; sleep 30; echo survived' >&9 & echo parent >&9; wait";
        Child { env: vec![("WITNESS".to_owned(), self.path().display().to_string())], ..shell(script) }
    }

    /// Waits until both are up.
    fn listen(&self) -> BufReader<File> {
        let mut reader = BufReader::new(File::open(self.path()).unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        reader.read_line(&mut line).unwrap();
        assert!(line == "parent\nchild\n" || line == "child\nparent\n", "{line}");
        reader
    }
}

/// What is heard until every process that holds the pipe is dead.
fn last_words(mut reader: BufReader<File>) -> String {
    let mut words = String::new();
    reader.read_to_string(&mut words).unwrap();
    words
}

fn shell(script: &str) -> Child {
    Child { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), ..Child::default() }
}

fn path() -> Vec<(String, String)> {
    vec![("PATH".to_owned(), std::env::var("PATH").unwrap_or_default())]
}

fn children() -> Children {
    Children { quiet: Duration::from_millis(20), ..Children::default() }
}

fn run(child: Child) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(children().run(child, path()))
}

fn stdout(exit: &Exit) -> &str {
    std::str::from_utf8(&exit.stdout).unwrap()
}

#[test]
fn both_outputs_and_the_status_are_returned() {
    let exit = run(shell("echo out; echo err >&2; exit 3")).unwrap();
    assert_eq!(exit, Exit { rc: 3, stdout: b"out\n".into(), stderr: b"err\n".into(), timed_out: false });
}

#[test]
fn a_signal_is_a_negative_status_as_in_python() {
    assert_eq!(run(shell("kill -TERM $$")).unwrap().rc, -15);
}

#[test]
fn more_than_a_pipe_holds_goes_in_and_out_at_once() {
    let input = vec![b'x'; 1_000_000];
    let child = Child { stdin: Some(input.clone()), ..shell("tee /dev/stderr") };
    let exit = run(child).unwrap();
    assert_eq!((exit.stdout, exit.stderr), (input.clone(), input));
}

#[test]
fn input_that_is_not_wanted_is_no_failure() {
    let exit = run(Child { stdin: Some(vec![b'x'; 1_000_000]), ..shell("exec 0<&-; echo done") }).unwrap();
    assert_eq!((exit.rc, stdout(&exit)), (0, "done\n"));
}

#[test]
fn without_input_there_is_nothing_to_read() {
    assert_eq!(stdout(&run(shell("cat; echo end")).unwrap()), "end\n");
    assert_eq!(stdout(&run(Child { stdin: Some(Vec::new()), ..shell("cat; echo end") }).unwrap()), "end\n");
}

#[test]
fn the_environment_is_what_was_given_and_nothing_else() {
    let child =
        Child { env: vec![("B".to_owned(), "own".to_owned())], ..shell("env | grep -v ^_= | grep -v ^PWD=") };
    let env =
        [("A", "1"), ("B", "run's"), ("PATH", "/usr/bin:/bin")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let exit = children().run_here(child, env.to_vec()).unwrap();
    let mut lines: Vec<&str> = stdout(&exit).lines().filter(|line| !line.starts_with("SHLVL=")).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=1", "B=own", "PATH=/usr/bin:/bin"]);
}

#[test]
fn a_child_runs_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let exit = run(Child { folder: Some(folder.path().to_owned()), ..shell("pwd -P") }).unwrap();
    assert_eq!(PathBuf::from(stdout(&exit).trim()), folder.path().canonicalize().unwrap());
}

#[test]
fn a_child_leads_a_session_without_a_terminal() {
    let exit = run(shell(
        "set -- $(cat /proc/$$/stat); test $5-$6 = $$-$$ && echo leads; echo x >/dev/tty || echo alone",
    ));
    assert_eq!(stdout(&exit.unwrap()), "leads\nalone\n");
}

#[test]
fn a_missing_program_fails_in_ansibles_words() {
    let failure =
        run(Child { argv: vec!["nosuch".to_owned(), "a b".to_owned()], ..Child::default() }).unwrap_err();
    assert_eq!(failure.message, "[Errno 2] No such file or directory: b'nosuch'");
    assert_eq!(failure.result["rc"], 2);
    assert_eq!(failure.result["cmd"], "nosuch 'a b'");
}

#[test]
fn what_may_not_be_executed_fails_in_ansibles_words() {
    let failure = run(Child { argv: vec!["/etc/passwd".to_owned()], ..Child::default() }).unwrap_err();
    assert_eq!(failure.message, "[Errno 13] Permission denied: b'/etc/passwd'");
    assert_eq!(failure.result["rc"], 13);
}

#[test]
fn a_missing_folder_fails_in_ansibles_words() {
    let failure = run(Child { folder: Some("/nosuch".into()), ..shell("true") }).unwrap_err();
    let words =
        "Unable to change directory before execution: [Errno 2] No such file or directory: b'/nosuch'";
    assert_eq!(failure.message, words);
    assert_eq!(failure.result["rc"], Value::Null);
    let failure = run(Child { folder: Some("/etc/passwd".into()), ..shell("true") }).unwrap_err();
    assert!(failure.message.ends_with("[Errno 20] Not a directory: b'/etc/passwd'"), "{failure}");
}

#[test]
fn a_timeout_kills_the_whole_group_and_keeps_what_was_said() {
    let witness = Witness::new();
    let mut child = witness.family();
    child.timeout = Some(Duration::from_secs(1));
    if let Some(script) = child.argv.last_mut() {
        script.insert_str(0, "echo before; ");
    }
    let ran = std::thread::spawn(move || run(child).unwrap());
    let listening = witness.listen();
    assert_eq!(last_words(listening), "");
    let exit = ran.join().unwrap();
    assert_eq!((exit.rc, exit.timed_out, stdout(&exit)), (-9, true, "before\n"));
}

#[test]
fn a_dropped_future_kills_the_whole_group() {
    let witness = Witness::new();
    let children = children();
    let mut future = Box::pin(children.run(witness.family(), path()));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let listening = witness.listen();
    drop(future);
    assert_eq!(last_words(listening), "");
}

#[test]
fn killing_all_ends_what_runs_and_lets_nothing_start() {
    let witness = Witness::new();
    let children = children();
    let running = (children.clone(), witness.family());
    let ran = std::thread::spawn(move || running.0.run_here(running.1, path()));
    let listening = witness.listen();
    children.kill_all();
    assert_eq!(last_words(listening), "");
    assert_eq!(ran.join().unwrap().unwrap_err().kind, FailureKind::Cancelled);
    assert_eq!(children.run_here(shell("true"), path()).unwrap_err().kind, FailureKind::Cancelled);
}

#[test]
fn what_is_left_in_the_background_lives_on_and_is_not_waited_for() {
    let witness = Witness::new();
    // It goes on after its parent has ended and been reaped, and holds the outputs all the while.
    let script = "sh -c '{ echo up; sleep 0.2; echo alive; } >\"$WITNESS\"' & echo started";
    let env = vec![("WITNESS".to_owned(), witness.path().display().to_string())];
    let exit = run(Child { env, ..shell(script) }).unwrap();
    assert_eq!((exit.rc, stdout(&exit)), (0, "started\n"));
    assert_eq!(std::fs::read_to_string(witness.path()).unwrap(), "up\nalive\n");
}

#[test]
fn a_lookup_waits_until_the_outputs_are_closed() {
    let exit = children().run_here(shell("(sleep 0.1; echo late) & echo early"), path()).unwrap();
    assert_eq!(stdout(&exit), "early\nlate\n");
}

#[test]
fn a_child_that_has_closed_its_outputs_is_waited_for() {
    assert_eq!(run(shell("exec >&- 2>&-; sleep 0.1; exit 7")).unwrap().rc, 7);
}

const HELPER: &str = "RPLAY_TEST_WITNESS_OF_A_KILL";

/// No test by itself: what `a_killed_rplay_leaves_no_process_behind` starts and kills.
#[test]
fn helper_that_waits_for_its_family() {
    if let Some(witness) = std::env::var_os(HELPER) {
        let folder = tempfile::tempdir().unwrap();
        let family = Witness { folder }.family();
        let env = vec![("WITNESS".to_owned(), witness.into_string().unwrap())];
        run(Child { env, ..family }).unwrap();
    }
}

#[test]
fn a_killed_rplay_leaves_no_process_behind() {
    let witness = Witness::new();
    let module = module_path!().split_once("::").unwrap().1;
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::helper_that_waits_for_its_family")])
        .env(HELPER, witness.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let listening = witness.listen();
    helper.kill().unwrap();
    helper.wait().unwrap();
    assert_eq!(last_words(listening), "");
}
