//! The difference of two states, field by field.

use serde_json::Value;

use crate::{FieldChange, unknown};

/// Returns every managed field that differs, in the order of the wanted side; lists of named things by name.
pub fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let gone = old.keys().filter(|key| !new.contains_key(*key));
            for key in new.keys().chain(gone) {
                compare(&join(path, key), old.get(key), new.get(key), found);
            }
        }
        (None, Some(Value::Object(new))) if !new.is_empty() => {
            new.iter().for_each(|(key, value)| compare(&join(path, key), None, Some(value), found));
        }
        (Some(Value::Object(old)), None) if !old.is_empty() => {
            old.iter().for_each(|(key, value)| compare(&join(path, key), Some(value), None, found));
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => compare_lists(path, old, new, found),
        _ => found.push(FieldChange {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
            unknown: after.is_some_and(|value| unknown::cause_in(value).is_some()),
        }),
    }
}

/// Lists of named things are compared name by name, lists of other mappings place by place, the rest as a whole.
fn compare_lists(path: &str, old: &[Value], new: &[Value], found: &mut Vec<FieldChange>) {
    if let (Some(old_names), Some(new_names)) = (names(old), names(new)) {
        let gone = old_names.iter().filter(|name| !new_names.contains(name));
        for name in new_names.iter().chain(gone) {
            let of = |names: &[String], list: &'_ [Value]| {
                names.iter().position(|other| other == name).and_then(|at| list.get(at)).cloned()
            };
            compare(&join(path, name), of(&old_names, old).as_ref(), of(&new_names, new).as_ref(), found);
        }
        return;
    }
    let mappings = |list: &[Value]| !list.is_empty() && list.iter().all(Value::is_object);
    if mappings(old) && mappings(new) && old.len() == new.len() {
        for (at, (old, new)) in old.iter().zip(new).enumerate() {
            compare(&join(path, &at.to_string()), Some(old), Some(new), found);
        }
        return;
    }
    let unknown = new.iter().any(|value| unknown::cause_in(value).is_some());
    let list = |list: &[Value]| Some(Value::Array(list.to_vec()));
    found.push(FieldChange { path: path.to_owned(), before: list(old), after: list(new), unknown });
}

/// The `name` or `Name` of each element, where all have one and no two are the same.
fn names(list: &[Value]) -> Option<Vec<String>> {
    let names: Vec<String> = list
        .iter()
        .map(|item| ["name", "Name"].iter().find_map(|key| item.get(*key)?.as_str()).map(str::to_owned))
        .collect::<Option<_>>()?;
    let distinct =
        names.iter().enumerate().all(|(at, name)| names.iter().position(|other| other == name) == Some(at));
    (distinct && !names.is_empty()).then_some(names)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        changes(Some(before), Some(after)).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn a_field_of_a_named_element_is_found_by_name() {
        let of = |value: &str| {
            json!({ "containers": [{ "name": "web", "environment": [
                { "name": "A", "value": "1" }, { "name": "MODE", "value": value }] }] })
        };
        assert_eq!(paths(&of("x"), &of("y")), ["containers.web.environment.MODE.value"]);
    }

    #[test]
    fn lists_of_plain_values_differ_as_a_whole() {
        assert_eq!(paths(&json!({ "subnets": ["a"] }), &json!({ "subnets": ["a", "b"] })), ["subnets"]);
    }

    #[test]
    fn what_is_only_on_one_side_is_listed_leaf_by_leaf() {
        let found = changes(None, Some(&json!({ "a": { "b": 1 }, "c": [] })));
        assert_eq!(found.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["a.b", "c"]);
        assert!(found.iter().all(|change| change.before.is_none()));
    }

    #[test]
    fn an_unknown_side_is_marked() {
        let marker = unknown::marker(unknown::Cause::Created, "vpc app: id");
        let found = changes(Some(&json!({ "vpc": "vpc-1" })), Some(&json!({ "vpc": marker })));
        assert!(found[0].unknown);
    }
}
