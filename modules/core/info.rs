use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::paths;

/// Returns what Ansible adds to every result that names a path which is there.
pub(crate) fn path_info(path: &Path) -> Map<String, Value> {
    let mut info = Map::new();
    let (Ok(own), Ok(target)) = (path.symlink_metadata(), path.metadata()) else { return info };
    let state = match () {
        () if own.is_symlink() => "link",
        () if own.is_dir() => "directory",
        () if target.nlink() > 1 => "hard",
        () => "file",
    };
    let fields = json!({
        "uid": own.uid(),
        "gid": own.gid(),
        "owner": paths::user(own.uid()).unwrap_or_else(|| own.uid().to_string()),
        "group": paths::group(own.gid()).unwrap_or_else(|| own.gid().to_string()),
        "mode": format!("0{:03o}", own.permissions().mode() & 0o7777),
        "state": state,
        "size": own.len(),
    });
    if let Value::Object(fields) = fields {
        info.extend(fields);
    }
    info
}

/// Returns the system's own words for an error, without the number that Rust adds.
pub(crate) fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
