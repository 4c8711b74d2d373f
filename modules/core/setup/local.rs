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
            Ok(text) => read(&text).ok_or_else(|| {
                format!("error loading facts as JSON or ini - please check content: {}", file.display())
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

fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| ini(text))
}

/// Reads sections of `name = value` or `name: value`, as Python's `configparser`; names in lower case, and what stands
/// under `[DEFAULT]` is in every section.
fn ini(text: &str) -> Option<Value> {
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
    Some(Value::Object(found))
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
        assert_eq!(read(text), Some(expected));
    }

    #[test]
    fn what_is_neither_json_nor_sections_is_refused() {
        assert_eq!(read("hello"), None);
        assert_eq!(read("[a]\nhello"), None);
        assert_eq!(read("[1, 2]"), Some(json!([1, 2])));
    }
}
