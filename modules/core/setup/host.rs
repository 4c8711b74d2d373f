use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::Facts;

/// The host whose facts are read: its files under a root, its clock and its environment.
pub(super) struct Host {
    root: PathBuf,
    pub(super) now: SystemTime,
    pub(super) env: BTreeMap<String, String>,
    pub(super) patience: Duration,
    /// The Python that is said to be the host's.
    pub(super) python: Option<String>,
    warnings: Mutex<Vec<String>>,
}

impl Host {
    pub(super) fn new(root: PathBuf, now: SystemTime, env: BTreeMap<String, String>) -> Self {
        Self { root, now, env, patience: Duration::from_secs(10), python: None, warnings: Mutex::default() }
    }

    pub(super) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns where a path of the host is found.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns what a file says, without the blanks around it; `None` where there is nothing to read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Returns what a file says as a fact: null where there is nothing to read.
    pub(super) fn fact(&self, path: &str) -> Value {
        self.text(path).map_or(Value::Null, Value::from)
    }

    pub(super) fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Returns what is in a folder, in alphabetical order.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.filter_map(Result::ok).map(name).collect();
        names.sort();
        names
    }

    /// Returns the last part of what a link points at.
    pub(super) fn target(&self, link: &str) -> Option<String> {
        let target = std::fs::read_link(self.path(link)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// Returns a program's path, going by `PATH` and where the system's own programs are.
    pub(super) fn program(&self, name: &str) -> Option<String> {
        let path = self.env.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        let folders = path.split(':').chain(["/sbin", "/usr/sbin", "/usr/local/sbin"]);
        folders
            .filter(|folder| Path::new(folder).is_absolute())
            .map(|folder| format!("{}/{name}", folder.trim_end_matches('/')))
            .find(|path| self.path(path).is_file())
    }
}

/// Returns the fields of a JSON object as facts.
pub(super) fn facts(object: Value) -> Facts {
    match object {
        Value::Object(facts) => facts,
        _ => Facts::new(),
    }
}
