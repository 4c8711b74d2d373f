//! Paths as the playbook writes them, what results say of them, and files that are replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rplay_module::{Cx, Deed, words};
use serde_json::Value;

/// Returns the path with `$VAR` and `~` expanded, as Ansible expands what it calls a path.
pub(crate) fn expand(cx: &Cx, path: &Path) -> String {
    words::expand(&path.to_string_lossy(), |name| cx.env(name), |user| home(cx, user))
}

/// Returns where an expanded path leads, seen from the task's folder.
pub(crate) fn real(cx: &Cx, shown: &str) -> PathBuf {
    cx.world().folder().join(shown)
}

fn home(cx: &Cx, user: &str) -> Option<String> {
    if user.is_empty() {
        return cx.env("HOME");
    }
    field("/etc/passwd", |fields| fields.first() == Some(&user), 5)
}

fn field(file: &str, meant: impl Fn(&[&str]) -> bool, field: usize) -> Option<String> {
    let lines = fs::read_to_string(file).ok()?;
    let fields =
        lines.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| meant(fields))?;
    fields.get(field).map(|&text| text.to_owned())
}

/// Adds what Ansible adds to every result that names a path which is there.
pub(crate) fn informed(cx: &Cx, mut deed: Deed, shown: &str) -> Deed {
    let path = real(cx, shown);
    let (Ok(own), Ok(target)) = (path.symlink_metadata(), path.metadata()) else { return deed };
    let state = match () {
        () if own.is_symlink() => "link",
        () if own.is_dir() => "directory",
        () if target.nlink() > 1 => "hard",
        () => "file",
    };
    let name = |file: &str, id: u32| {
        let text = id.to_string();
        field(file, |fields| fields.get(2) == Some(&text.as_str()), 0).unwrap_or(text)
    };
    let fields = [
        ("uid", Value::from(own.uid())),
        ("gid", Value::from(own.gid())),
        ("owner", Value::from(name("/etc/passwd", own.uid()))),
        ("group", Value::from(name("/etc/group", own.gid()))),
        ("mode", Value::from(format!("0{:03o}", own.mode() & 0o7777))),
        ("state", Value::from(state)),
        ("size", Value::from(own.len())),
    ];
    deed.result.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    deed
}

/// Puts a content into a file as a whole; one that was there keeps its owner and permissions.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::NamedTempFile::with_prefix_in(".ansible_tmp", folder)?;
    new.write_all(content)?;
    let bits = match path.metadata() {
        Ok(old) => match chown(new.path(), Some(old.uid()), Some(old.gid())) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => old.mode() & 0o7777,
        },
        Err(_) => 0o666 & !umask(),
    };
    fs::set_permissions(new.path(), fs::Permissions::from_mode(bits))?;
    new.persist(path).map(drop).map_err(|error| error.error)
}

/// The kernel tells it only here without changing it.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o022)
}
