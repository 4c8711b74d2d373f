use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use crate::config::Surroundings;
use crate::setting::Kind;

/// Returns what a written value is for a setting of this kind; `None` where it is none.
///
/// `file` is the file it stands in. Source of the rules: `ensure_type` in `config/manager.py`.
pub(crate) fn converted(
    value: Value,
    kind: Kind,
    file: Option<&Path>,
    around: &Surroundings,
) -> Option<Value> {
    if value.is_null() {
        return Some(value);
    }
    let path = |text: &str| json!(absolute(text, file, around).display().to_string());
    match (kind, value) {
        (Kind::Raw | Kind::Text, Value::String(text)) => Some(json!(unquoted(&text, file))),
        (Kind::Raw, other) => Some(other),
        (Kind::Bool, value) => Some(Value::Bool(truth(&value))),
        (Kind::Int, value) => integer(&value).map(Value::from),
        (Kind::Float, Value::String(text)) => text.trim().parse::<f64>().ok().map(Value::from),
        (Kind::Float, value) => value.as_f64().map(Value::from),
        (Kind::Text, value @ (Value::Bool(_) | Value::Number(_))) => Some(json!(value.to_string())),
        (Kind::List, Value::String(text)) => {
            Some(text.split(',').map(|word| json!(unquote(word.trim()))).collect())
        }
        (Kind::Path, Value::String(text)) => Some(path(&unquoted(&text, file))),
        (Kind::PathSpec, Value::String(text)) => Some(text.split(':').map(path).collect()),
        (Kind::PathList, Value::String(text)) => {
            Some(text.split(',').map(|word| path(word.trim())).collect())
        }
        (Kind::PathSpec | Kind::PathList, Value::Array(words)) => {
            words.iter().map(|word| word.as_str().map(path)).collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        (Kind::List, value @ Value::Array(_)) | (Kind::Dict, value @ Value::Object(_)) => Some(value),
        _ => None,
    }
}

/// Returns whether a text says that something is so, as Ansible's settings say it.
pub fn is_true(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0")
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => is_true(text),
        _ => false,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<f64>().ok().and_then(whole))
        }
        other => other.as_i64().or_else(|| other.as_f64().and_then(whole)),
    }
}

fn whole(number: f64) -> Option<i64> {
    format!("{number:.0}").parse().ok().filter(|_| number.fract() == 0.0)
}

fn unquoted(text: &str, file: Option<&Path>) -> String {
    if file.is_some() { unquote(text).to_owned() } else { text.to_owned() }
}

/// Returns the text without the quotes around it.
fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.ends_with('\\')) {
            return inner;
        }
    }
    text
}

/// Returns a path with `~`, `$VARIABLES` and `{{CWD}}` filled in, from the folder of the file it stands in or the current one.
pub(crate) fn absolute(text: &str, file: Option<&Path>, around: &Surroundings) -> PathBuf {
    let text = text.replace("{{CWD}}", &around.folder.display().to_string());
    let text = with_variables(&text, around);
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match &around.home {
            Some(home) => PathBuf::from(format!("{}{rest}", home.display())),
            None => PathBuf::from(&text),
        },
        _ => PathBuf::from(&text),
    };
    let base = file.and_then(Path::parent).unwrap_or(&around.folder);
    normal(&base.join(path))
}

fn with_variables(text: &str, around: &Surroundings) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, tail)) => (name, tail),
            None => after.split_at(
                after.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(after.len()),
            ),
        };
        if let Some(value) = around.env.get(name).filter(|_| !name.is_empty()) {
            out.push_str(value);
        } else {
            out.push('$');
            out.push_str(&after[..after.len() - tail.len()]);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Takes `.` and `..` out of a path without asking the file system, as Python's `normpath`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            env: std::sync::Arc::new([("X".to_owned(), "ex".to_owned())].into()),
            home: Some("/home/me".into()),
            folder: "/work".into(),
        }
    }

    fn made(text: &str, kind: Kind) -> Option<Value> {
        converted(json!(text), kind, None, &around())
    }

    #[test]
    fn texts_become_what_the_setting_is() {
        assert_eq!(made("On", Kind::Bool), Some(json!(true)));
        assert_eq!(made("maybe", Kind::Bool), Some(json!(false)));
        assert_eq!(made("12", Kind::Int), Some(json!(12)));
        assert_eq!(made("3.0", Kind::Int), Some(json!(3)));
        assert_eq!(made("3.5", Kind::Int), None);
        assert_eq!(made("x", Kind::Int), None);
        assert_eq!(made("a, 'b'", Kind::List), Some(json!(["a", "b"])));
    }

    #[test]
    fn paths_are_absolute_and_those_of_a_file_begin_at_the_file() {
        assert_eq!(
            made("~/a:../b:$X/${X}:$NO", Kind::PathSpec),
            Some(json!(["/home/me/a", "/b", "/work/ex/ex", "/work/$NO"]))
        );
        let of_file =
            converted(json!("'roles'"), Kind::Path, Some(Path::new("/etc/ansible/ansible.cfg")), &around());
        assert_eq!(of_file, Some(json!("/etc/ansible/roles")));
    }
}
