//! An edit of each field of a document.

use serde_json::{Value, json};

/// An edit of one field.
#[derive(Debug)]
pub(super) struct Edit {
    /// Where, in the document.
    pub(super) pointer: String,
    pub(super) value: Value,
    /// What the difference must name: the field, or where an element got another name, both names.
    paths: Vec<String>,
}

impl Edit {
    /// Returns whether a difference names the edited field and nothing else.
    pub(super) fn is_named_by(&self, paths: &[&str]) -> bool {
        match self.paths.as_slice() {
            [path] => paths == [path],
            names => {
                let of = |name: &String, path: &str| path == name || path.starts_with(&format!("{name}."));
                paths.iter().all(|path| names.iter().any(|name| of(name, path)))
                    && names.iter().all(|name| paths.iter().any(|path| of(name, path)))
            }
        }
    }
}

/// What a field becomes where a word will not do with an `x` behind it.
fn other(field: &str, value: &str) -> Option<&'static str> {
    Some(match (field, value) {
        ("taskDefinition", _) => "web:8",
        ("availabilityZoneRebalancing" | "assignPublicIp" | "includeQueryParameters", _) => "DISABLED",
        ("propagateTags", _) => "TASK_DEFINITION",
        ("strategy", _) => "CANARY",
        ("targetType", _) => "PAUSE",
        ("action", _) => "ROLLBACK",
        ("sourceServiceRevisionCleanup", _) => "DEFERRED",
        ("type", "COUNT") => "BOUNDED_PERCENT",
        ("type", "EXTERNAL") => "ECS",
        ("type", "memberOf") => "distinctInstance",
        ("type", "binpack") => "spread",
        ("field", _) => "MEMORY",
        ("logDriver", _) => "splunk",
        ("format", _) => "JSON",
        ("logLevel", _) => "info",
        ("filesystemType", _) => "xfs",
        ("healthCheckProtocol", _) => "HTTPS",
        _ => return None,
    })
}

/// Words of which AWS has only one cannot be edited.
const ONE_WORD: [&str; 1] = ["volume"];
/// Mappings whose keys are the user's.
const FREE: [&str; 3] = ["options", "hookDetails", "deep"];

/// Returns an edit of each field in the document.
pub(super) fn edits(document: &Value) -> Vec<Edit> {
    let mut found = Vec::new();
    collect(document, "", "", "", &mut found);
    found
}

fn collect(value: &Value, field: &str, pointer: &str, path: &str, found: &mut Vec<Edit>) {
    let mut edit =
        |value: Value| found.push(Edit { pointer: pointer.to_owned(), value, paths: vec![path.to_owned()] });
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                let shown = if FREE.contains(&field) { key.clone() } else { shown(key) };
                let path = if key == "awsvpcConfiguration" { path.to_owned() } else { join(path, &shown) };
                collect(inner, key, &format!("{pointer}/{key}"), &path, found);
            }
        }
        Value::Array(items) if items.iter().all(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                element(item, field, &format!("{pointer}/{at}"), (path, at), found);
            }
        }
        Value::Array(items) => {
            let more = match field {
                "lifecycleStages" => "PRE_SCALE_UP",
                "accessTypes" => "PUBLIC",
                "securityGroups" => "sg-more",
                _ => "zz-more",
            };
            edit(items.iter().cloned().chain([json!(more)]).collect());
        }
        Value::Bool(flag) => edit(json!(!flag)),
        Value::Number(number) => edit(number.as_i64().map_or_else(|| json!(7.25), |whole| json!(whole + 1))),
        Value::String(text) if ONE_WORD.contains(&text.as_str()) => {}
        Value::String(text) => {
            edit(json!(other(field, text).map_or_else(|| format!("{text}x"), str::to_owned)));
        }
        Value::Null => unreachable!("no field is null"),
    }
}

fn element(item: &Value, field: &str, pointer: &str, (path, at): (&str, usize), found: &mut Vec<Edit>) {
    let name = item["name"].as_str();
    for (key, inner) in item.as_object().unwrap() {
        let pointer = format!("{pointer}/{key}");
        let inside = match (name, key.as_str()) {
            (Some(name), "name") => {
                let another = format!("{name}x");
                let paths = vec![join(path, &another), join(path, name)];
                found.push(Edit { pointer, paths, value: json!(another) });
                continue;
            }
            // A list of names and values is shown as a mapping.
            (Some(name), _) if field == "secretOptions" => join(path, name),
            (Some(name), key) => join(&join(path, name), &shown(key)),
            (None, key) => join(&join(path, &at.to_string()), &shown(key)),
        };
        collect(inner, key, &pointer, &inside, found);
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// A field as states show it.
fn shown(field: &str) -> String {
    match field {
        "sizeInGiB" => "size_in_gib".to_owned(),
        other => rplay_aws::camel_to_snake(other),
    }
}
