//! Paths as the playbook writes them and as the system needs them.

use std::path::{Path, PathBuf};

use rplay_module::{Cx, words};

/// Returns the path with `$VAR` and `~` expanded, as Ansible expands what it calls a path.
pub(crate) fn expand(cx: &Cx, path: &Path) -> String {
    words::expand(&path.to_string_lossy(), |name| cx.env(name), |user| home(cx, user))
}

/// Returns the expanded path seen from the task's folder.
pub(crate) fn absolute(cx: &Cx, path: &Path) -> PathBuf {
    cx.world().folder().join(expand(cx, path))
}

/// Returns a user's home folder; without a name that of whoever runs the task.
pub(crate) fn home(cx: &Cx, user: &str) -> Option<String> {
    if user.is_empty() {
        return cx.env("HOME");
    }
    entry("/etc/passwd", |fields| fields.first() == Some(&user), 5)
}

/// Returns the name of a user by number.
pub(crate) fn user(uid: u32) -> Option<String> {
    named("/etc/passwd", uid)
}

/// Returns the name of a group by number.
pub(crate) fn group(gid: u32) -> Option<String> {
    named("/etc/group", gid)
}

fn named(file: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    entry(file, |fields| fields.get(2) == Some(&id.as_str()), 0)
}

fn entry(file: &str, meant: impl Fn(&[&str]) -> bool, field: usize) -> Option<String> {
    let lines = std::fs::read_to_string(file).ok()?;
    lines
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| meant(fields))?
        .get(field)
        .map(|&text| text.to_owned())
}
