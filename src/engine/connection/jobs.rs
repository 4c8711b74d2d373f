//! Asynchronous tasks: a process of its own that outlives whoever began it, and a file with what came of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rplay_module::{Failure, Outcome, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::settings::AgentProgram;
use super::wire::{Begin, Order};
use crate::child::detach;

/// What the process of an asynchronous task is told on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(super) order: Order,
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) limit: u64,
    /// What is carried lies here, and goes when the task is over.
    pub(super) staged: Option<PathBuf>,
}

/// What makes an agent the process of an asynchronous task.
pub(super) const JOB: &str = "--job";

impl Job {
    /// Begins a task on this machine; returns its name and where its result will be.
    ///
    /// Source: `ansible/modules/async_wrapper.py` for the folder, the file and what is in it.
    pub(crate) fn begin(
        program: &AgentProgram,
        order: Order,
        begin: &Begin,
        home: Option<&str>,
        staged: Option<PathBuf>,
    ) -> Result<(String, String)> {
        let folder = expanded(&begin.folder, home);
        let shown = folder.display();
        fs::create_dir_all(&folder)
            .map_err(|error| Failure::new(format!("could not create directory: {shown} - {error}")))?;
        let name = format!("j{}.{}", begin.number, std::process::id());
        let file = folder.join(&name);
        let told = file.display().to_string();
        let job = Job { order, file: file.clone(), name: name.clone(), limit: begin.limit, staged };
        let started = || -> io::Result<()> {
            job.write(&Map::from_iter([
                ("started".to_owned(), json!(true)),
                ("finished".to_owned(), json!(false)),
                ("ansible_job_id".to_owned(), json!(name)),
            ]))?;
            let mut command = Command::new(&program.file);
            command.args(&program.args).arg(JOB);
            if let Some(folder) = &job.order.folder {
                command.current_dir(folder);
            }
            detach(command, &serde_json::to_vec(&job)?).map(drop)
        };
        started().map_err(|error| Failure::new(format!("could not begin the task: {error}")))?;
        Ok((name, told))
    }

    /// Writes what came of the task, whole or not at all.
    pub(super) fn write(&self, result: &Map<String, Value>) -> io::Result<()> {
        let beside = self.file.with_file_name(format!("{}.tmp", self.name));
        fs::write(&beside, serde_json::to_vec(result)?)?;
        fs::rename(beside, &self.file)
    }
}

/// Returns an outcome as a module's own result, which is what the file holds.
pub(super) fn result(outcome: Outcome, action: &str) -> Map<String, Value> {
    let mut result = outcome.result;
    result.insert("changed".to_owned(), json!(outcome.changed));
    if outcome.skipped {
        result.insert("skipped".to_owned(), json!(true));
    }
    if let Some(failure) = outcome.failure {
        let message = match &failure.kind {
            rplay_module::FailureKind::Arguments(faults) => rplay_module::params::message(faults, action),
            _ => failure.message.clone(),
        };
        result.extend(failure.result);
        result.insert("failed".to_owned(), json!(true));
        result.insert("msg".to_owned(), json!(message));
    }
    result
}

/// Returns a path with the home folder in the place of `~`, and that of a user in the place of `~USER`.
pub(super) fn expanded(path: &str, home: Option<&str>) -> PathBuf {
    let Some(rest) = path.strip_prefix('~') else { return PathBuf::from(path) };
    let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
    let folder = if user.is_empty() { home.map(str::to_owned) } else { home_of(user) };
    folder.map_or_else(|| PathBuf::from(path), |folder| Path::new(&folder).join(below))
}

fn home_of(user: &str) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = passwd.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| (fields.next() == Some(user)).then(|| fields.nth(4).map(str::to_owned))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_a_home_folder_where_that_is_known() {
        let cases = [
            ("~", "/h"),
            ("~/a/b", "/h/a/b"),
            ("~root/a", "/root/a"),
            ("~no-such-user/a", "~no-such-user/a"),
            ("a~", "a~"),
        ];
        for (path, place) in cases {
            assert_eq!(expanded(path, Some("/h")), PathBuf::from(place), "{path}");
        }
        assert_eq!(expanded("~/a", None), PathBuf::from("~/a"));
    }
}
