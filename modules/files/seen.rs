//! What is at a path.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rplay_module::{Child, Cx, Failure};
use serde_json::{Map, Value, json};

use crate::accounts::Table;
use crate::{mode, paths};

/// What kind of thing it is, as Ansible's `state` has it. A file with a second name is `hard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Hard,
    Directory,
    Link,
}

impl Kind {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Hard => "hard",
            Self::Directory => "directory",
            Self::Link => "link",
        }
    }
}

/// A thing at a path; links are not followed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) bits: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    /// Device and number: two names of one file have the same.
    pub(crate) identity: (u64, u64),
    /// Where a link leads.
    pub(crate) target: Option<String>,
    /// In seconds, as Python has them.
    pub(crate) accessed: f64,
    pub(crate) modified: f64,
    /// `lsattr`'s flags; only asked for where they are managed.
    pub(crate) flags: String,
}

/// Looks at a path; `None` when nothing is there, or nobody may know.
pub(crate) fn look(path: &Path) -> Option<Seen> {
    let found = path.symlink_metadata().ok()?;
    let kind = match () {
        () if found.is_symlink() => Kind::Link,
        () if found.is_dir() => Kind::Directory,
        () if found.nlink() > 1 => Kind::Hard,
        () => Kind::File,
    };
    Some(Seen {
        kind,
        bits: found.mode() & mode::ALL,
        uid: found.uid(),
        gid: found.gid(),
        size: found.len(),
        identity: (found.dev(), found.ino()),
        target: std::fs::read_link(path).ok().map(|target| target.to_string_lossy().into_owned()),
        accessed: seconds(found.atime(), found.atime_nsec()),
        modified: seconds(found.mtime(), found.mtime_nsec()),
        flags: String::new(),
    })
}

/// A time as Python's floating point has it; comparing these is what Ansible does.
#[expect(clippy::cast_precision_loss, reason = "Python loses the same digits")]
pub(crate) fn seconds(whole: i64, nanos: i64) -> f64 {
    whole as f64 + nanos as f64 / 1e9
}

/// Returns the flags that `lsattr` shows; none where there are none to show.
pub(crate) async fn flags(cx: &Cx, path: &Path) -> String {
    let fields = lsattr(cx, "-d", path).await;
    fields.and_then(|fields| fields.into_iter().next()).unwrap_or_default().replace('-', "")
}

/// Returns the words of `lsattr`'s answer.
pub(crate) async fn lsattr(cx: &Cx, options: &str, path: &Path) -> Option<Vec<String>> {
    let argv = vec!["lsattr".to_owned(), options.to_owned(), path.to_string_lossy().into_owned()];
    let exit = cx.spawn(Child { argv, ..Child::default() }).await.ok().filter(|exit| exit.rc == 0)?;
    Some(String::from_utf8_lossy(&exit.stdout).split_whitespace().map(str::to_owned).collect())
}

/// Returns what Ansible adds to every result that names a path which is there.
pub(crate) async fn info(cx: &Cx, shown: &str) -> Map<String, Value> {
    let path = paths::real(cx, shown);
    // A link to nothing is not there, as Ansible sees it.
    let Some(seen) = path.metadata().ok().and_then(|_| look(&path)) else { return Map::new() };
    let fields = json!({
        "uid": seen.uid,
        "gid": seen.gid,
        "owner": Table::Users.name_of(cx, seen.uid).await,
        "group": Table::Groups.name_of(cx, seen.gid).await,
        "mode": mode::shown(seen.bits),
        "state": seen.kind.text(),
        "size": seen.size,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Adds to a failure that names a path what every result of one tells.
pub(crate) async fn informed(cx: &Cx, failure: Failure) -> Failure {
    let named = ["path", "dest"].iter().find_map(|name| failure.result.get(*name)).and_then(Value::as_str);
    let Some(path) = named.map(str::to_owned) else { return failure };
    beside(failure, &info(cx, &path).await)
}

/// Adds to a failure what is known of its path, where it does not say so itself.
pub(crate) fn beside(mut failure: Failure, info: &Map<String, Value>) -> Failure {
    for (name, value) in info {
        failure.result.entry(name.clone()).or_insert_with(|| value.clone());
    }
    failure
}

/// Returns the bits that a new file must not have; the kernel tells them only here without changing them.
pub(crate) fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o022)
}

/// Returns an error of the system as Python shows it, with the path that it is about.
pub(crate) fn errno_words(error: &io::Error, path: &Path) -> String {
    let number = error.raw_os_error().unwrap_or_default();
    format!("[Errno {number}] {}: b{}", system_words(error), crate::python::literal(&path.to_string_lossy()))
}

/// Returns the system's own words for an error, without the number that Rust adds.
pub(crate) fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
