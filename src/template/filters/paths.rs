//! `os.path`, without asking the file system more than it does.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("basename", "p", |_, given| Ok(split(path(given)?).1.into())),
    builtin("dirname", "p", |_, given| Ok(split(path(given)?).0.into())),
    builtin("splitext", "p", |_, given| Ok(split_extension(path(given)?))),
    builtin("expanduser", "path", |cx, given| Ok(expand_user(cx, path(given)?).into())),
    builtin("expandvars", "path", |cx, given| Ok(expand_vars(cx, path(given)?).into())),
    builtin("realpath", "filename", |cx, given| Ok(cx.world().real_path(&absolute(cx, path(given)?)).into())),
    builtin("relpath", "path start=", |cx, given| {
        let path = path(given)?;
        if path.is_empty() {
            return fail("no path specified");
        }
        Ok(relative(cx, path, &given.text_or(1, ".")).into())
    }),
    builtin("normpath", "path", |_, given| Ok(normal(path(given)?).into())),
    builtin("path_join", "paths", path_join),
    builtin("commonpath", "paths", common_path),
    builtin("fileglob", "pathname", |cx, given| {
        Ok(crate::lookups::glob_files(cx, &given.text(0)).into_iter().map(Value::from).collect())
    }),
    builtin("win_basename", "p", |_, given| Ok(win_split(path(given)?).1.into())),
    builtin("win_dirname", "p", |_, given| Ok(win_split(path(given)?).0.into())),
    builtin("win_splitdrive", "p", |_, given| {
        let path = path(given)?;
        let (drive, rest) = path.split_at(drive(path));
        Ok(Value::tuple(vec![drive.into(), rest.into()]))
    }),
];

/// Returns the first argument, which has to be a path.
fn path(given: &Given) -> Result<&str, TemplateError> {
    let value = given.value(0);
    value.as_str().ok_or_else(|| {
        let kind = value.type_name();
        TemplateError::runtime(format!("expected str, bytes or os.PathLike object, not {kind}"))
    })
}

fn split(path: &str) -> (String, String) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (head, tail) = path.split_at(at);
    let bare = head.trim_end_matches('/');
    (if bare.is_empty() { head } else { bare }.to_owned(), tail.to_owned())
}

/// Returns how long the drive at the beginning of a path of Windows is: a letter, or a computer and what it shares.
fn drive(path: &str) -> usize {
    let bare = path.replace('/', "\\");
    let Some(shared) = bare.strip_prefix("\\\\") else {
        return if bare.get(1..2) == Some(":") { 2 } else { 0 };
    };
    let long = shared.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("?\\UNC\\"));
    let start = if long { 8 } else { 2 };
    let end = |from: usize| bare.get(from..).and_then(|rest| rest.find('\\')).map(|at| from + at);
    end(start).and_then(|at| end(at + 1)).unwrap_or(path.len())
}

fn win_split(path: &str) -> (String, String) {
    let drive = drive(path);
    let (drive, path) = path.split_at(drive);
    let at = path.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (head, tail) = path.split_at(at);
    let bare = head.trim_end_matches(['/', '\\']);
    (format!("{drive}{}", if bare.is_empty() { head } else { bare }), tail.to_owned())
}

fn split_extension(path: &str) -> Value {
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let (folder, name) = path.split_at(name_at);
    let leading = name.len() - name.trim_start_matches('.').len();
    let dot = name.rfind('.').filter(|dot| *dot >= leading && leading < name.len());
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    Value::tuple(vec![format!("{folder}{stem}").into(), extension.into()])
}

pub(crate) fn expand_user(cx: &Cx<'_>, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match cx.world().home((!user.is_empty()).then_some(user)) {
        Some(home) => format!("{}{tail}", home.trim_end_matches('/')),
        None => path.to_owned(),
    }
}

fn expand_vars(cx: &Cx<'_>, path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let braced = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
        let length = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
        let (name, after) = braced.unwrap_or_else(|| tail.split_at(length));
        match cx.world().env(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(rest.get(at..rest.len() - after.len()).unwrap_or_default()),
        }
        rest = after;
    }
    out + rest
}

pub(crate) fn absolute(cx: &Cx<'_>, path: &str) -> String {
    normal(&join(&[cx.world().current_folder().as_str(), path]))
}

fn join(parts: &[&str]) -> String {
    let mut joined = String::new();
    for (at, part) in parts.iter().enumerate() {
        if part.starts_with('/') || at == 0 {
            (*part).clone_into(&mut joined);
        } else {
            if !joined.is_empty() && !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(part);
        }
    }
    joined
}

fn normal(path: &str) -> String {
    let root = match path {
        _ if path.starts_with("//") && !path.starts_with("///") => "//",
        _ if path.starts_with('/') => "/",
        _ => "",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else if part != ".." || root.is_empty() {
            parts.push(part);
        }
    }
    let normal = format!("{root}{}", parts.join("/"));
    if normal.is_empty() { ".".into() } else { normal }
}

fn relative(cx: &Cx<'_>, path: &str, start: &str) -> String {
    let (path, start) = (absolute(cx, path), absolute(cx, start));
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let shared = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), start.len() - shared);
    let steps: Vec<String> = up.chain(path.into_iter().skip(shared)).collect();
    if steps.is_empty() { ".".into() } else { steps.join("/") }
}

fn path_join(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let paths = given.value(0);
    if paths.is_text() {
        return Ok(paths.clone());
    }
    let Some(items) = paths.as_items() else {
        let kind = paths.type_name();
        return fail(format!("|path_join expects string or sequence, got <class '{kind}'> instead."));
    };
    let parts = texts(items)?;
    if parts.is_empty() {
        return fail("join() missing 1 required positional argument: 'a'");
    }
    Ok(join(&parts).into())
}

fn texts(items: &[Value]) -> Result<Vec<&str>, TemplateError> {
    let text = |item: &Value| {
        TemplateError::runtime(format!(
            "join() argument must be str, bytes, or os.PathLike object, not '{}'",
            item.type_name()
        ))
    };
    items.iter().map(|item| item.as_str().ok_or_else(|| text(item))).collect()
}

fn common_path(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let paths = given.value(0);
    let Some(items) = paths.as_items() else {
        return fail(format!("|commonpath expects sequence, got <class '{}'> instead.", paths.type_name()));
    };
    let paths = texts(items)?;
    let Some(first) = paths.first() else { return fail("commonpath() arg is an empty sequence") };
    if paths.iter().any(|path| path.starts_with('/') != first.starts_with('/')) {
        return fail("Can't mix absolute and relative paths");
    }
    let split: Vec<Vec<&str>> = paths
        .iter()
        .map(|path| path.split('/').filter(|part| !part.is_empty() && *part != ".").collect())
        .collect();
    let mut shared: Vec<&str> = split.first().cloned().unwrap_or_default();
    for parts in &split {
        let same = shared.iter().zip(parts).take_while(|(a, b)| a == b).count();
        shared.truncate(same);
    }
    let root = if first.starts_with('/') { "/" } else { "" };
    Ok(format!("{root}{}", shared.join("/")).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn paths_are_taken_apart_and_joined() {
        give(&[
            ("'/etc/foo/bar.tar.gz' | basename", json!("bar.tar.gz")),
            ("'/etc/foo/bar.tar.gz' | dirname", json!("/etc/foo")),
            ("'/etc/foo/' | dirname", json!("/etc/foo")),
            ("'/etc/foo/bar.tar.gz' | splitext", json!(["/etc/foo/bar.tar", ".gz"])),
            ("'.bashrc' | splitext", json!([".bashrc", ""])),
            ("['/a', 'b', 'c'] | path_join", json!("/a/b/c")),
            ("['/a', '/b'] | path_join", json!("/b")),
            ("'/a/b/../c//d/.' | normpath", json!("/a/c/d")),
            ("'/a/b/c' | relpath('/a')", json!("b/c")),
            ("'/a' | relpath('/a/b')", json!("..")),
            ("['/a/b', '/a/c'] | commonpath", json!("/a")),
            (r"'C:\\a\\b.txt' | win_basename", json!("b.txt")),
            (r"'C:\\a\\b.txt' | win_dirname", json!("C:\\\\a")),
            (r"'C:\\a\\b.txt' | win_splitdrive", json!(["C:", "\\\\a\\\\b.txt"])),
            (r"'//host/share/a' | win_splitdrive", json!(["//host/share", "/a"])),
        ]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        refuse(&[
            (
                "5 | basename",
                "The filter plugin 'ansible.builtin.basename' failed: expected str, bytes or os.PathLike object, not int",
            ),
            (
                "5 | path_join",
                "The filter plugin 'ansible.builtin.path_join' failed: |path_join expects string or sequence, got <class 'int'> instead.",
            ),
        ]);
    }
}
