//! A task whose module is not rplay's: found, called as Ansible calls it, and its answer read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use rplay_event::Diff;
use rplay_module::{Child, DiffSide, Exit, Intent, Mode, Planned, World as _};
use rplay_template::Value;
use serde_json::{Map, Value as Json, json};

use super::protocol::{self, Style};
use super::{Fallthrough, Foreign, interpreter};
use crate::private;
use crate::run::{Ended, Runner, Stop};
use crate::world::TaskWorld;

/// Runs a Python module inside of the package that it belongs to.
const RUNNER: &str = include_str!("module.py");

/// What a call needs besides the module.
pub(crate) struct ForeignCall<'a> {
    pub(crate) name: &'a str,
    pub(crate) args: &'a IndexMap<String, Value>,
    pub(crate) mode: Mode,
    pub(crate) no_log: bool,
    pub(crate) diff: bool,
    pub(crate) verbosity: u8,
}

impl Runner {
    /// Calls a module that is not rplay's, on this machine.
    pub(crate) async fn foreign(
        &self,
        module: &Foreign,
        call: &ForeignCall<'_>,
        world: TaskWorld,
    ) -> Result<Ended, Stop> {
        if matches!(call.mode, Mode::Plan | Mode::PlanDestroy | Mode::Destroy) {
            return Ok(planned(call));
        }
        let prepared = match self.fallthrough.prepare(module, call) {
            Ok(prepared) => prepared,
            Err(message) => return Ok(Ended::failed(message)),
        };
        self.fallthrough.say(&format!(
            "module '{}' runs as Ansible runs it: {}",
            call.name,
            module.path.display()
        ));
        let exit = tokio::select! {
            exit = world.spawn(prepared.child.clone()) => exit,
            () = self.interrupt.requested() => return Err(Stop::Interrupted),
        };
        Ok(match exit {
            Ok(exit) => self.printed_result(&exit, call),
            Err(failure) => Ended::failed(failure.message),
        })
    }

    /// Reads what a module printed.
    fn printed_result(&self, exit: &Exit, call: &ForeignCall<'_>) -> Ended {
        let (stdout, stderr) = (String::from_utf8_lossy(&exit.stdout), String::from_utf8_lossy(&exit.stderr));
        let mut result = match protocol::result(&stdout) {
            Ok(result) => result,
            Err(why) => return unreadable(why, exit, &stdout, &stderr),
        };
        let mut told = |name: &str| -> Vec<String> {
            let given = result.shift_remove(name).unwrap_or_default();
            given.as_array().into_iter().flatten().filter_map(protocol::message).collect()
        };
        told("warnings").into_iter().for_each(|warning| self.emitter.warn(warning));
        for message in told("deprecations") {
            self.emit(rplay_event::Kind::Deprecated { message });
        }
        result.retain(|name, _| !name.starts_with("_ansible_"));
        if call.verbosity < 3 {
            result.shift_remove("invocation");
        }
        add_lines(&mut result);
        let failed = result.get("rc").is_some_and(|rc| rc.as_i64().is_some_and(|rc| rc != 0));
        result.entry("changed").or_insert(json!(false));
        result.entry("failed").or_insert(json!(failed));
        let diff = result.shift_remove("diff").filter(|_| call.diff).map(differences).unwrap_or_default();
        let facts = result.get("ansible_facts").cloned().map(Value::from_json);
        Ended { result, diff, facts, ..Ended::default() }
    }
}

/// `stdout` and `stderr` also come as lists of lines.
fn add_lines(result: &mut Map<String, Json>) {
    for name in ["stdout", "stderr"] {
        let lines = format!("{name}_lines");
        if let Some(text) = result.get(name).and_then(Json::as_str).filter(|_| !result.contains_key(&lines)) {
            let split: Json = text.lines().collect();
            result.insert(lines, split);
        }
    }
}

fn unreadable(why: &str, exit: &Exit, stdout: &str, stderr: &str) -> Ended {
    let mut ended = Ended::failed(format!("Module result deserialization failed: {why}"));
    ended.set("module_stdout", stdout);
    ended.set("module_stderr", stderr);
    ended.set("rc", exit.rc);
    ended
}

fn planned(call: &ForeignCall<'_>) -> Ended {
    let planned =
        Planned { address: call.name.to_owned(), action: Intent::WillRun, fields: Vec::new(), reason: None };
    let mut ended =
        Ended { planned: vec![planned], registered: Some(Value::unknown(call.name)), ..Ended::default() };
    ended.set("changed", true);
    ended
}

/// Returns the differences that a module tells in Ansible's form.
fn differences(diff: Json) -> Vec<Diff> {
    let given = match diff {
        Json::Array(diffs) => diffs,
        diff => vec![diff],
    };
    let text = |diff: &Json, name: &str| diff.get(name).and_then(Json::as_str).map(str::to_owned);
    let side = |value: Option<&Json>| match value {
        None | Some(Json::Null) => DiffSide::Absent,
        Some(Json::String(text)) => DiffSide::Text(text.clone()),
        Some(data) => DiffSide::Data(data.clone()),
    };
    let shown = given.iter().filter(|diff| diff.as_object().is_some_and(|fields| !fields.is_empty()));
    shown
        .map(|diff| Diff {
            before: side(diff.get("before")),
            after: side(diff.get("after")),
            before_header: text(diff, "before_header"),
            after_header: text(diff, "after_header"),
            prepared: text(diff, "prepared"),
        })
        .collect()
}

/// A child to start, and the folder of the files it is given, which goes with it.
pub(super) struct Prepared {
    pub(super) child: Child,
    _desk: Option<Desk>,
}

impl Fallthrough {
    pub(super) fn prepare(&self, module: &Foreign, call: &ForeignCall<'_>) -> Result<Prepared, String> {
        let source = fs::read(&module.path)
            .map_err(|error| format!("could not read {}: {error}", module.path.display()))?;
        let args = arguments(call);
        match Style::of(&source) {
            Style::Python => self.python_module(module, &source, &args),
            Style::JsonInside => {
                let desk = self.desk()?;
                let script = desk.file("module", &protocol::with_arguments(&source, &json(&args)), 0o700)?;
                self.script(&source, &script, None, desk)
            }
            Style::JsonFile => {
                let desk = self.desk()?;
                let file = desk.file("args", json(&args).to_string().as_bytes(), 0o600)?;
                self.script(&source, &module.path, Some(file), desk)
            }
            Style::Words => {
                let desk = self.desk()?;
                let words: Vec<(String, String)> =
                    args.iter().map(|(name, value)| (name.clone(), value.text())).collect();
                let file = desk.file("args", protocol::words(&words).as_bytes(), 0o600)?;
                self.script(&source, &module.path, Some(file), desk)
            }
            Style::Binary => {
                let desk = self.desk()?;
                let file = desk.file("args", json(&args).to_string().as_bytes(), 0o600)?;
                let program = desk.file("module", &source, 0o700)?;
                Ok(Prepared { child: child(&[&program, &file]), _desk: Some(desk) })
            }
        }
    }

    fn python_module(
        &self,
        module: &Foreign,
        source: &[u8],
        args: &IndexMap<String, Value>,
    ) -> Result<Prepared, String> {
        let python = self.python().ok_or_else(interpreter::missing)?;
        // What finds them costs more than many a module.
        let needs =
            module.python_name.is_some() || String::from_utf8_lossy(source).contains("ansible_collections");
        let collections = if needs { self.collections(Some(python)) } else { Vec::new() };
        let order = json!({
            "path": module.path,
            "name": module.python_name,
            "args": json(args),
            "module_utils": self.places.module_utils(),
            "collections": collections,
        });
        let command = [python.program.as_str(), "-c", RUNNER].map(str::to_owned).to_vec();
        let stdin = Some(order.to_string().into_bytes());
        Ok(Prepared { child: Child { argv: command, stdin, ..Child::default() }, _desk: None })
    }

    /// Starts a script by the program that its first line names.
    fn script(
        &self,
        source: &[u8],
        path: &Path,
        args: Option<PathBuf>,
        desk: Desk,
    ) -> Result<Prepared, String> {
        let words = protocol::interpreter(source)
            .ok_or_else(|| format!("module ({}) is missing interpreter line", path.display()))?;
        let mut command = if protocol::is_python(&words) {
            vec![self.python().map_or("python3", |python| python.program.as_str()).to_owned()]
        } else {
            words
        };
        command.push(path.display().to_string());
        command.extend(args.map(|args| args.display().to_string()));
        Ok(Prepared { child: Child { argv: command, ..Child::default() }, _desk: Some(desk) })
    }

    /// Returns what to do where a module's Python lacks a package: how Ansible's `missing_required_lib` words it.
    pub(crate) fn lacking(&self, result: &Map<String, Json>) -> Option<String> {
        let said = result.get("msg").and_then(Json::as_str)?;
        let (_, rest) = said.split_once("Failed to import the required Python library (")?;
        let (names, _) = rest.split_once(')')?;
        let packages: Vec<&str> =
            names.split([' ', ',']).filter(|word| !matches!(*word, "" | "and")).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // Some say more than names: "docker (Python >= 2.7) or docker-py".
        if packages.is_empty()
            || !packages.iter().all(|name| name.chars().all(plain))
            || names.contains(" or ")
        {
            return None;
        }
        let python = self.python().map_or("python3", |python| python.program.as_str());
        Some(format!("`{python} -m pip install {}` installs what it needs", packages.join(" ")))
    }

    fn desk(&self) -> Result<Desk, String> {
        let mut noise = [0; 8];
        (self.random)(&mut noise);
        let temp = self.environment.get("TMPDIR").map_or("/tmp", String::as_str);
        let folder = Path::new(temp).join(format!("rplay-module-{:x}", u64::from_ne_bytes(noise)));
        private::folder(&folder).map_err(|error| error.to_string())?;
        Ok(Desk { folder })
    }
}

fn child(argv: &[&Path]) -> Child {
    Child { argv: argv.iter().map(|word| word.display().to_string()).collect(), ..Child::default() }
}

/// Returns the arguments with those that Ansible adds.
fn arguments(call: &ForeignCall<'_>) -> IndexMap<String, Value> {
    let mut args = call.args.clone();
    let own = [
        ("_ansible_check_mode", Value::from(call.mode == Mode::Check)),
        ("_ansible_no_log", Value::from(call.no_log)),
        ("_ansible_debug", Value::from(false)),
        ("_ansible_diff", Value::from(call.diff)),
        ("_ansible_verbosity", Value::from(i64::from(call.verbosity))),
        ("_ansible_version", Value::from("2.19.14")),
        ("_ansible_module_name", Value::from(call.name)),
        ("_ansible_syslog_facility", Value::from("LOG_USER")),
        (
            "_ansible_selinux_special_fs",
            ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"].map(Value::from).into_iter().collect(),
        ),
        ("_ansible_socket", Value::NONE),
        ("_ansible_shell_executable", Value::from("/bin/sh")),
        ("_ansible_keep_remote_files", Value::from(false)),
        ("_ansible_tmpdir", Value::NONE),
        ("_ansible_remote_tmp", Value::from("~/.ansible/tmp")),
    ];
    args.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
    args
}

fn json(args: &IndexMap<String, Value>) -> Json {
    Json::Object(args.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}

/// A folder with files that only the user can read.
struct Desk {
    folder: PathBuf,
}

impl Desk {
    fn file(&self, name: &str, content: &[u8], mode: u32) -> Result<PathBuf, String> {
        use std::io::Write as _;
        let path = self.folder.join(name);
        let written = private::fresh(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.set_permissions(fs::Permissions::from_mode(mode))
        });
        written.map(|()| path).map_err(|error| error.to_string())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
