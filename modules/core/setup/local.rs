//! The facts that the host's owner put into a folder: JSON, INI, or programs that print either.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rplay_module::{Child, Cx};
use serde_json::{Map, Value};

use super::Facts;

/// Returns the facts by file name; what cannot be read is a text that says why, and a warning.
pub(super) async fn facts(cx: &Cx, folder: &Path) -> Value {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "fact"))
        .collect();
    files.sort();
    let mut found = Facts::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let fact = match output(cx, &file).await {
            Ok(text) => read(&text).map_err(|why| match why {
                Unread::Neither => {
                    format!("error loading facts as JSON or ini - please check content: {}", file.display())
                }
                Unread::Value(why) => {
                    format!("error loading facts as ini - please check content: {} ({why})", file.display())
                }
            }),
            Err(why) => Err(why),
        };
        found.insert(
            name,
            fact.unwrap_or_else(|why| {
                cx.warn(why.clone());
                Value::from(why)
            }),
        );
    }
    Value::Object(found)
}

async fn output(cx: &Cx, file: &Path) -> Result<String, String> {
    let shown = file.display();
    let metadata = file.metadata().map_err(|error| format!("Could not stat fact ({shown}): {error}"))?;
    if metadata.permissions().mode() & 0o100 == 0 {
        return Ok(std::fs::read_to_string(file).unwrap_or_default());
    }
    let child = Child {
        argv: vec![file.to_string_lossy().into_owned()],
        timeout: Some(Duration::from_mins(1)),
        ..Child::default()
    };
    let exit =
        cx.spawn(child).await.map_err(|error| format!("Could not execute fact script ({shown}): {error}"))?;
    if exit.rc != 0 || exit.timed_out {
        let said = String::from_utf8_lossy(&exit.stderr);
        return Err(format!("Failure executing fact script ({shown}), rc: {}, err: {said}", exit.rc));
    }
    String::from_utf8(exit.stdout)
        .map_err(|_| format!("error loading fact - output of running \"{shown}\" was not utf-8"))
}

/// Why a text is no facts.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    Neither,
    /// A value names another one that is not there, or does not name it as it has to.
    Value(String),
}

fn read(text: &str) -> Result<Value, Unread> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let sections = ini(text).ok_or(Unread::Neither)?;
    let mut found = Facts::new();
    for (name, section) in &sections {
        let value = |(option, text): (&String, &Value)| {
            let text = text.as_str().unwrap_or_default();
            let filled = filled(text, section.as_object(), (name, option)).map_err(Unread::Value)?;
            Ok((option.clone(), Value::from(filled)))
        };
        let facts =
            section.as_object().into_iter().flatten().map(value).collect::<Result<Facts, Unread>>()?;
        found.insert(name.clone(), Value::Object(facts));
    }
    Ok(Value::Object(found))
}

/// Puts other values of the section in place of `%(name)s`; `%%` is a percent sign.
fn filled(text: &str, section: Option<&Facts>, (name, option): (&str, &str)) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(tail) = after.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let Some(inside) = after.strip_prefix('(') else {
            return Err(format!("'%' must be followed by '%' or '(', found: '%{after}'"));
        };
        let Some((key, tail)) = inside.split_once(")s") else {
            return Err(format!("bad interpolation variable reference '%{after}'"));
        };
        let Some(value) =
            section.and_then(|section| section.get(&key.to_lowercase())).and_then(Value::as_str)
        else {
            return Err(format!(
                "Bad value substitution: option '{option}' in section '{name}' contains an interpolation key '{key}' which \
                 is not a valid option name. Raw value: '{text}'"
            ));
        };
        out.push_str(value);
        rest = tail;
    }
    Ok(out + rest)
}

/// Reads sections of `name = value` or `name: value`, as Python's `configparser`; names in lower case, and what stands
/// under `[DEFAULT]` is in every section.
fn ini(text: &str) -> Option<Facts> {
    let mut defaults = Facts::new();
    let mut sections: Vec<(String, Facts)> = Vec::new();
    let mut last: Option<String> = None;
    for line in text.lines() {
        let plain = line.trim();
        if plain.is_empty() || plain.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = plain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.to_owned(), Map::new()));
            last = None;
            continue;
        }
        let (section, facts) = sections.last_mut()?;
        let facts = if section == "DEFAULT" { &mut defaults } else { facts };
        if line.starts_with([' ', '\t'])
            && let Some(Value::String(value)) = last.as_ref().and_then(|name| facts.get_mut(name))
        {
            value.push('\n');
            value.push_str(plain);
            continue;
        }
        let (name, value) = plain.split_once(['=', ':'])?;
        let name = name.trim().to_lowercase();
        facts.insert(name.clone(), Value::from(value.trim()));
        last = Some(name);
    }
    let mut found = Facts::new();
    for (name, facts) in sections.into_iter().filter(|(name, _)| name != "DEFAULT") {
        let whole: Facts = defaults.clone().into_iter().chain(facts).collect();
        found.insert(name, Value::Object(whole));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sections_are_read_as_python_reads_them() {
        let text = "# us\n[DEFAULT]\nzone: a\n[web]\nPort = 80\nhosts = x\n  y\n[db]\nzone=b\n";
        let expected =
            json!({ "web": { "zone": "a", "port": "80", "hosts": "x\ny" }, "db": { "zone": "b" } });
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn what_is_neither_json_nor_sections_is_refused() {
        assert_eq!(read("hello"), Err(Unread::Neither));
        assert_eq!(read("[a]\nhello"), Err(Unread::Neither));
        assert_eq!(read("[1, 2]"), Ok(json!([1, 2])));
    }

    #[test]
    fn values_name_each_other() {
        assert_eq!(read("[a]\nx = 1\ny = %(X)s%%\n"), Ok(json!({ "a": { "x": "1", "y": "1%" } })));
        let why = "'%' must be followed by '%' or '(', found: '% bad'".to_owned();
        assert_eq!(read("[a]\nx = a % bad\n"), Err(Unread::Value(why)));
    }
}
