//! A whole run of the binary, in a folder of its own.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What a test runs: `Play::new(env!("CARGO_BIN_EXE_rplay")).playbook("…").run()`. Several runs share the folder.
pub struct Play {
    binary: PathBuf,
    folder: TempDir,
    playbook: Option<String>,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    stdin: Option<String>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// The exit status, or minus the signal that ended it.
    pub code: i32,
}

/// A run that goes on.
pub struct Running {
    child: Child,
    /// What was read of stdout while waiting for something in it.
    seen: Vec<u8>,
}

impl Play {
    /// Returns a run of this binary in an empty folder, with an empty home and nothing of AWS in the environment.
    ///
    /// # Panics
    /// Where no temporary folder can be made.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("home")).expect("a folder can be made in it");
        Self { binary: binary.into(), folder, playbook: None, args: Vec::new(), env: Vec::new(), stdin: None }
    }

    /// Writes the playbook, and runs it.
    #[must_use]
    pub fn playbook(mut self, text: &str) -> Self {
        self.playbook = Some("playbook.yml".to_owned());
        self.file("playbook.yml", text)
    }

    /// Writes a file beside the playbook, such as `vars/all.yml`.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        let parent = path.parent().expect("a file in a folder has a parent");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        self
    }

    /// Adds arguments, before the playbook.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Points the run at an endpoint, as an account of a stand-in.
    #[must_use]
    pub fn aws(self, endpoint: &str, account: &str) -> Self {
        self.env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", account)
            .env("AWS_SECRET_ACCESS_KEY", "a secret access key")
            .env("AWS_REGION", "eu-west-1")
    }

    /// Returns the folder that the run is started in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn run(&self) -> Ran {
        self.run_with::<&str>([])
    }

    /// Runs once more, with further arguments.
    pub fn run_with<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        self.start_with(args).wait()
    }

    /// Starts a run that the test ends or waits for.
    pub fn start(&self) -> Running {
        self.start_with::<&str>([])
    }

    /// # Panics
    /// Where the binary cannot be started.
    pub fn start_with<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Running {
        let mut command = self.command();
        command.args(args.into_iter().map(Into::into)).args(&self.playbook);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        if let (Some(text), Some(mut pipe)) = (&self.stdin, child.stdin.take()) {
            // A run that ends without reading is no fault of the test.
            pipe.write_all(text.as_bytes()).ok();
        }
        Running { child, seen: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(&self.args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            .env("LANG", "C.UTF-8")
            .env("USER", "tester")
            // No machine role: looking for one goes to the network.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Signals of the test go to the run alone.
            .process_group(0);
        command
    }
}

impl Running {
    /// Returns the process id, for a listener that ends the run from the outside.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the run as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().ok();
    }

    /// Waits until the run has printed a text.
    ///
    /// # Panics
    /// Where the run ends without it.
    pub fn wait_for_output(&mut self, text: &str) {
        let stdout = self.child.stdout.as_mut().expect("stdout is a pipe");
        let mut byte = [0];
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let read = stdout.read(&mut byte).expect("a pipe can be read");
            assert!(read == 1, "the run ended without {text:?}: {}", String::from_utf8_lossy(&self.seen));
            self.seen.extend(byte);
        }
    }

    /// Interrupts the run as Ctrl-C does.
    ///
    /// # Panics
    /// Where the run is over already.
    pub fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(id, Signal::INT).expect("the run is still there");
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// Where the output cannot be read.
    pub fn wait(self) -> Ran {
        let output = self.child.wait_with_output().expect("a child can be waited for");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let stdout = [self.seen, output.stdout].concat();
        let code = output.status.code().or_else(|| output.status.signal().map(|signal| -signal));
        Ran { stdout: text(stdout), stderr: text(output.stderr), code: code.unwrap_or(-1) }
    }
}

impl Ran {
    /// Fails the test unless stdout is this, as a whole.
    #[must_use]
    #[track_caller]
    pub fn stdout(self, expected: &str) -> Self {
        assert!(
            self.stdout == expected,
            "stdout is\n{}\nnot\n{expected}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails the test unless stderr is this, as a whole.
    #[must_use]
    #[track_caller]
    pub fn stderr(self, expected: &str) -> Self {
        assert!(self.stderr == expected, "stderr is\n{}\nnot\n{expected}", self.stderr);
        self
    }

    /// Fails the test unless the run ended with this status.
    #[track_caller]
    pub fn code(&self, expected: i32) {
        let (out, err) = (&self.stdout, &self.stderr);
        assert_eq!(self.code, expected, "stdout:\n{out}\nstderr:\n{err}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_sees_its_own_folder_and_nothing_of_the_users() {
        let play = Play::new("/bin/sh").args(["-c", "cat vars/all.yml; echo $HOME; env | grep -c ^AWS_"]);
        let ran = play.file("vars/all.yml", "a: 1\n").run();
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!((lines[0], lines[2]), ("a: 1", "1"));
        assert!(lines[1].ends_with("/home"), "{}", lines[1]);
    }

    #[test]
    fn how_a_run_ended_is_told() {
        let ran = Play::new("/bin/sh").args(["-c", "read line; echo got $line; exit 3"]).stdin("it\n").run();
        ran.stdout("got it\n").stderr("").code(3);
        let mut running = Play::new("/bin/sh").args(["-c", "read forever"]).stdin("").start();
        running.kill();
        assert!([-9, 1].contains(&running.wait().code));
    }
}
