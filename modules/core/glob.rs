//! Whether something matches a path with `*`, `?` and `[…]` in it, as Python's `glob` reads it (`creates:`, `removes:`).

use std::path::Path;

use rplay_module::fnmatch::matches;

/// Returns whether anything is at the path; without wildcards a broken link counts as well.
pub(crate) fn exists(folder: &Path, pattern: &str) -> bool {
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (Path::new("/"), rest),
        None => (folder, pattern),
    };
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return !pattern.is_empty();
    }
    find(root, &parts, pattern.ends_with('/'))
}

fn find(folder: &Path, parts: &[&str], wants_folder: bool) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return !wants_folder || folder.is_dir();
    };
    if !part.contains(['*', '?', '[']) {
        let next = folder.join(part);
        return next.symlink_metadata().is_ok() && find(&next, rest, wants_folder);
    }
    let Ok(entries) = folder.read_dir() else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let hidden = name.starts_with('.') && !part.starts_with('.');
        !hidden && matches(part, &name) && find(&entry.path(), rest, wants_folder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_looked_for_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        std::fs::write(folder.path().join("logs/a.log"), "").unwrap();
        std::fs::write(folder.path().join(".hidden"), "").unwrap();
        for (pattern, expected) in [
            ("logs", true),
            ("logs/", true),
            ("l*/*.log", true),
            ("l*/*.txt", false),
            ("logs/a.log/", false),
            ("nothing", false),
            ("*hidden", false),
            (".h*", true),
            ("", false),
            ("/", true),
        ] {
            assert_eq!(exists(folder.path(), pattern), expected, "{pattern}");
        }
    }
}
