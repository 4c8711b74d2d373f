//! Paths as the playbook writes them and as the system needs them.

use std::path::{Path, PathBuf};

use rplay_module::{Cx, words};

use crate::accounts;

/// Returns the path with `$VAR` and `~` expanded, as Ansible expands what it calls a path.
pub(crate) fn expand(cx: &Cx, path: &Path) -> String {
    words::expand(&path.to_string_lossy(), |name| cx.env(name), |user| accounts::home(cx, user))
}

/// Returns where an expanded path leads, seen from the task's folder.
pub(crate) fn real(cx: &Cx, shown: &str) -> PathBuf {
    cx.world().folder().join(shown)
}

/// Joins as Python's `os.path.join` does: no second slash, and an absolute path stands alone.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if name.starts_with('/') || folder.is_empty() {
        return name.to_owned();
    }
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// Returns what stands before the last slash, as Python's `os.path.dirname` does.
pub(crate) fn folder_of(path: &str) -> &str {
    match path.rfind('/') {
        None => "",
        Some(0) => "/",
        Some(at) => path.get(..at).unwrap_or_default().trim_end_matches('/'),
    }
}

/// Returns what stands after the last slash.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns the folders on the way to a path, itself included, outermost first.
pub(crate) fn way_to(path: &str) -> Vec<String> {
    let mut way = Vec::new();
    let mut at = if path.starts_with('/') { "/".to_owned() } else { String::new() };
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = join(&at, part);
        way.push(at.clone());
    }
    way
}

/// Returns the path with every link on the way followed; what is not there yet stays as it is.
pub(crate) fn followed(cx: &Cx, shown: &str) -> String {
    let path = real(cx, shown);
    let resolved = std::fs::canonicalize(&path).or_else(|_| {
        // A link to nothing: its target, seen from where the link is.
        let target = std::fs::read_link(&path)?;
        Ok::<_, std::io::Error>(path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)))
    });
    resolved.map_or_else(|_| shown.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// Takes `.`, `..` and double slashes out of a path, as Python's `normpath` does.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", None) if absolute => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_python_does() {
        assert_eq!(
            [join("a", "b"), join("a/", "b"), join("a", "/b"), join("", "b")],
            ["a/b", "a/b", "/b", "b"]
        );
        assert_eq!(
            [folder_of("/a/b"), folder_of("/a"), folder_of("a"), folder_of("a/b/")],
            ["/a", "/", "", "a/b"]
        );
        assert_eq!([name_of("/a/b"), name_of("a"), name_of("a/")], ["b", "a", ""]);
        assert_eq!(way_to("/a//b"), ["/a", "/a/b"]);
        assert_eq!(way_to("a/b/"), ["a", "a/b"]);
    }

    #[test]
    fn paths_are_evened_out() {
        for (path, even) in
            [("/a//b/../c/.", "/a/c"), ("./a", "a"), (".", "."), ("/..", "/"), ("../a", "../a")]
        {
            assert_eq!(normal(path), even);
        }
    }
}
