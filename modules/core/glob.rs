//! Whether something matches a path with `*`, `?` and `[…]` in it, as Python's `glob` reads it (`creates:`, `removes:`).

use std::path::Path;

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

/// Matches one name against one part of a pattern, as Python's `fnmatch`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut wanted = pattern.chars();
    let mut given = name.chars();
    match wanted.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = wanted.as_str();
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| name.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        Some('?') => given.next().is_some() && matches(wanted.as_str(), given.as_str()),
        Some('[') => match (class(wanted.as_str()), given.next()) {
            (Some((set, rest)), Some(character)) => set.has(character) && matches(rest, given.as_str()),
            (None, Some('[')) => matches(wanted.as_str(), given.as_str()),
            _ => false,
        },
        Some(plain) => given.next() == Some(plain) && matches(wanted.as_str(), given.as_str()),
    }
}

/// What stands between brackets.
struct Class<'a> {
    negated: bool,
    members: &'a str,
}

/// Reads a class up to its closing bracket, which as the first member is no end.
fn class(pattern: &str) -> Option<(Class<'_>, &str)> {
    let (negated, body) = pattern.strip_prefix('!').map_or((false, pattern), |body| (true, body));
    let first = body.chars().next()?.len_utf8();
    let end = first + body.get(first..)?.find(']')?;
    Some((Class { negated, members: body.get(..end)? }, body.get(end + 1..)?))
}

impl Class<'_> {
    fn has(&self, character: char) -> bool {
        let mut found = false;
        let mut members = self.members.chars();
        while let Some(low) = members.next() {
            let mut ahead = members.clone();
            match (ahead.next(), ahead.next()) {
                (Some('-'), Some(high)) => {
                    found |= (low..=high).contains(&character);
                    members = ahead;
                }
                _ => found |= low == character,
            }
        }
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_python_matches_them() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.tx", false),
            ("?b", "ab", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a*b*c", "aXbYc", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

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
