//! What `command` and `shell` have in common: they run a process and tell everything of it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rplay_module::{Child, Cx, Deed, Exit, Failure, Result, unknown, words};
use serde_json::{Value, json};

use crate::info::system_words;
use crate::{glob, paths, stamp};

/// A process to run, as the playbook has it.
pub(crate) struct Order<'a> {
    pub(crate) line: Option<&'a str>,
    pub(crate) argv: Option<&'a [String]>,
    pub(crate) how: How<'a>,
    pub(crate) bounds: Bounds<'a>,
    pub(crate) stdin: Option<&'a str>,
    pub(crate) stdin_add_newline: bool,
    pub(crate) strip_empty_ends: bool,
}

/// Who reads the command line.
#[derive(Clone, Copy)]
pub(crate) enum How<'a> {
    /// We split it and, if `expand`, replace `~` and variables.
    Directly { expand: bool },
    /// This shell.
    Shell(&'a str),
}

/// Where it runs, and whether it has to.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) chdir: Option<&'a Path>,
    pub(crate) creates: Option<&'a Path>,
    pub(crate) removes: Option<&'a Path>,
}

/// The order after splitting, in a folder that is there.
struct Ready {
    /// What the result calls it: the line, or the list of words.
    cmd: Value,
    folder: PathBuf,
}

/// Why it need not run.
struct Needless {
    reason: String,
    stdout: String,
}

impl Order<'_> {
    /// Tells what check mode tells of a process: nothing but whether it would run.
    pub(crate) fn foretell(&self, cx: &Cx) -> Result<Deed> {
        let ready = self.ready(cx)?;
        if let Some(needless) = self.needless(cx, &ready) {
            return Ok(left_out(&ready, "Would", &needless));
        }
        let mut deed = bare(&ready.cmd, "Command would have run if not in check mode", Some(0), "");
        // Skipped and changed exclude each other: only an order that is bound to a path claims a change.
        deed.skipped = self.bounds.creates.is_none() && self.bounds.removes.is_none();
        deed.changed = !deed.skipped;
        deed.unknown = true;
        Ok(deed)
    }

    pub(crate) async fn perform(&self, cx: &Cx) -> Result<Deed> {
        let ready = self.ready(cx)?;
        if let Some(needless) = self.needless(cx, &ready) {
            return Ok(left_out(&ready, "Did", &needless));
        }
        if ready.cmd.is_null() {
            let message = "Argument 'args' to run_command must be list or string";
            return Err(Failure::new(message).field("rc", 257).field("cmd", Value::Null));
        }
        let argv = self.words(cx, &ready.cmd);
        let Some(program) = argv.first() else { return Err(not_started(&argv, 257, "the command is empty")) };
        if let Err(error) = startable(cx, &ready.folder, program) {
            return Err(not_started(&argv, error.0, &error.1));
        }
        let start = cx.now();
        let child = Child {
            argv: argv.clone(),
            folder: Some(ready.folder.clone()),
            stdin: self.input(),
            ..Child::default()
        };
        let exit = cx.spawn(child).await.map_err(|failure| not_started(&argv, 257, &failure.message))?;
        let end = cx.now();
        let mut deed = self.ended(&ready, &exit);
        deed.result.insert("start".to_owned(), Value::from(stamp::local(start)));
        deed.result.insert("end".to_owned(), Value::from(stamp::local(end)));
        let took = end.duration_since(start).unwrap_or_default();
        deed.result.insert("delta".to_owned(), Value::from(stamp::delta(took)));
        Ok(deed)
    }

    fn ready(&self, cx: &Cx) -> Result<Ready> {
        let cmd = self.cmd()?;
        let folder = self
            .bounds
            .chdir
            .map_or_else(|| cx.world().folder().to_owned(), |chdir| paths::absolute(cx, chdir));
        if self.bounds.chdir.is_some()
            && !unknown::is_unknown(&folder.to_string_lossy())
            && let Err(error) = enter(&folder)
        {
            let message = "Unable to change directory before execution.";
            let deed = bare(&cmd, message, None, "");
            let mut failure = Failure::new(message);
            failure.result = deed.result;
            let number = error.raw_os_error().unwrap_or_default();
            let said = system_words(&error);
            return Err(failure.because(format!("[Errno {number}] {said}: b'{}'", folder.display())));
        }
        Ok(Ready { cmd, folder })
    }

    fn cmd(&self) -> Result<Value> {
        match (self.line, self.argv, self.how) {
            (Some(line), _, How::Shell(_)) => Ok(Value::from(line)),
            (Some(line), _, How::Directly { .. }) if !line.is_empty() => {
                let words = words::split(line).map_err(|error| Failure::new(error.to_string()))?;
                Ok(if words.is_empty() { Value::Null } else { Value::from(words) })
            }
            (Some(_), _, _) => Ok(Value::Null),
            (None, argv, _) => Ok(Value::from(argv.unwrap_or_default())),
        }
    }

    /// Relative patterns are seen from the folder that the process would run in.
    fn needless(&self, cx: &Cx, ready: &Ready) -> Option<Needless> {
        let pattern = |path: Option<&Path>| {
            path.map(|path| paths::expand(cx, path))
                .filter(|pattern| !pattern.is_empty() && !unknown::is_unknown(pattern))
        };
        if let Some(creates) = pattern(self.bounds.creates)
            && glob::exists(&ready.folder, &creates)
        {
            let stdout = format!("skipped, since {creates} exists");
            return Some(Needless { reason: format!("'{creates}' exists"), stdout });
        }
        let removes = pattern(self.bounds.removes).filter(|removes| !glob::exists(&ready.folder, removes))?;
        let stdout = format!("skipped, since {removes} does not exist");
        Some(Needless { reason: format!("'{removes}' does not exist"), stdout })
    }

    fn ended(&self, ready: &Ready, exit: &Exit) -> Deed {
        let (stdout, stderr) = (self.output(&exit.stdout), self.output(&exit.stderr));
        let msg = if exit.rc == 0 { "" } else { "non-zero return code" };
        let mut deed = Deed::new(
            true,
            json!({
                "cmd": ready.cmd, "rc": exit.rc, "msg": msg,
                "stdout": stdout, "stdout_lines": stamp::lines(&stdout),
                "stderr": stderr, "stderr_lines": stamp::lines(&stderr),
            }),
        );
        deed.failure = (exit.rc != 0).then(|| Failure::new(msg));
        deed
    }

    fn output(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        if self.strip_empty_ends { text.trim_end_matches(['\r', '\n']).to_owned() } else { text.into_owned() }
    }

    fn words(&self, cx: &Cx, cmd: &Value) -> Vec<String> {
        let plain: Vec<String> = cmd
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        match self.how {
            How::Shell(shell) => {
                let quoted = || plain.iter().map(|word| words::quote(word)).collect::<Vec<_>>().join(" ");
                let line = cmd.as_str().map_or_else(quoted, str::to_owned);
                vec![shell.to_owned(), "-c".to_owned(), line]
            }
            How::Directly { expand: true } => {
                plain.iter().map(|word| paths::expand(cx, Path::new(word))).collect()
            }
            How::Directly { expand: false } => plain,
        }
    }

    fn input(&self) -> Option<Vec<u8>> {
        let text = self.stdin.filter(|text| !text.is_empty())?;
        let newline = if self.stdin_add_newline { "\n" } else { "" };
        Some(format!("{text}{newline}").into_bytes())
    }
}

fn left_out(ready: &Ready, mood: &str, needless: &Needless) -> Deed {
    let message = format!("{mood} not run command since {}", needless.reason);
    bare(&ready.cmd, &message, Some(0), &needless.stdout)
}

/// The result of a process that was not started.
fn bare(cmd: &Value, msg: &str, rc: Option<i32>, stdout: &str) -> Deed {
    Deed::new(
        false,
        json!({
            "cmd": cmd, "rc": rc, "msg": msg, "start": null, "end": null, "delta": null,
            "stdout": stdout, "stdout_lines": stamp::lines(stdout), "stderr": "", "stderr_lines": [],
        }),
    )
}

fn enter(folder: &Path) -> io::Result<()> {
    if folder.metadata()?.is_dir() { Ok(()) } else { Err(rustix::io::Errno::NOTDIR.into()) }
}

/// Looks for the program beforehand, so that what is wrong is told in the system's words and number.
fn startable(cx: &Cx, folder: &Path, program: &str) -> std::result::Result<(), (i32, String)> {
    let missing = (2, format!("[Errno 2] No such file or directory: b'{program}'"));
    let denied = (13, format!("[Errno 13] Permission denied: b'{program}'"));
    let look = |path: &Path| match path.metadata() {
        Err(_) => Err(missing.clone()),
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(denied.clone()),
    };
    if program.contains('/') {
        return look(&folder.join(program));
    }
    let path = cx.env("PATH").unwrap_or_else(|| "/bin:/usr/bin".to_owned());
    let mut worst = Err(missing.clone());
    for place in path.split(':') {
        match look(&folder.join(place).join(program)) {
            Ok(()) => return Ok(()),
            Err(error) if error.0 == denied.0 => worst = Err(error),
            Err(_) => {}
        }
    }
    worst
}

fn not_started(argv: &[String], rc: i32, why: &str) -> Failure {
    let cmd = argv.iter().map(|word| words::quote(word)).collect::<Vec<_>>().join(" ");
    Failure::new("Error executing command.")
        .because(why)
        .field("rc", rc)
        .field("cmd", cmd)
        .field("stdout", "")
        .field("stdout_lines", Value::Array(Vec::new()))
        .field("stderr", "")
        .field("stderr_lines", Value::Array(Vec::new()))
}
