//! What a judged level is for those who asked: values to read, values to show, values for the rules.

use super::{Coerced, Entry, Given, HashMap, HashSet, INTERNAL, Level, Map, Spec, Status, Value};

/// What Ansible puts in the place of a secret.
const NO_LOG: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

/// Returns the good values by name; beside them, of an open level, whatever else was given.
pub(super) fn values(
    spec: &Spec,
    entries: Vec<Entry<'_>>,
    args: &Map<String, Value>,
    level: &Level,
) -> Coerced {
    let mut fields = Map::new();
    let mut status = Status::Known;
    for Entry { spec, coerced, .. } in entries {
        match coerced {
            None => {
                if spec.required {
                    status = Status::Bad;
                }
            }
            Some(Coerced { value, status: Status::Known }) => {
                fields.insert(spec.name.to_owned(), value);
            }
            Some(Coerced { status: Status::Unknown(marker), .. }) if spec.required => {
                fields.insert(spec.name.to_owned(), spec.kind.stand_in(&marker));
                if !level.is_top() {
                    status = status.worst(Status::Unknown(marker));
                }
            }
            Some(Coerced { status: Status::Unknown(_), .. }) => {}
            Some(Coerced { status: Status::Bad, .. }) => status = Status::Bad,
        }
    }
    if spec.open {
        let named = |key: &str| spec.params.iter().any(|param| param.spelled().any(|name| name == key));
        let further = args.iter().filter(|(key, _)| !named(key) && !key.starts_with(INTERNAL));
        fields.extend(further.map(|(key, value)| (key.clone(), value.clone())));
    }
    Coerced { value: Value::Object(fields), status }
}

/// Returns every parameter, and every other key as it was given, as Ansible's `invocation` has them.
pub(super) fn shown(entries: Vec<Entry<'_>>, args: &Map<String, Value>) -> Map<String, Value> {
    let given = args.iter().filter(|(key, _)| !key.starts_with(INTERNAL));
    let mut fields: Map<String, Value> = given.map(|(key, value)| (key.clone(), value.clone())).collect();
    for Entry { spec, coerced, .. } in entries {
        fields.insert(
            spec.name.to_owned(),
            coerced.map_or_else(|| spec.shown.clone().unwrap_or_default(), |coerced| coerced.value),
        );
        if spec.secret || spec.censored {
            spec.spelled().filter_map(|name| fields.get_mut(name).map(mask).map(drop)).for_each(drop);
        }
    }
    fields
}

/// Ansible hides texts and numbers, and leaves what tells nothing.
fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => fields.values_mut().for_each(mask),
        Value::String(text) if text.is_empty() => {}
        Value::String(_) | Value::Number(_) => *value = Value::from(NO_LOG),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Calls with the level as the rules see it.
pub(super) fn with_given<T>(entries: &[Entry<'_>], level: &Level, call: impl FnOnce(&Given<'_>) -> T) -> T {
    let mut values = HashMap::new();
    let mut open = HashSet::new();
    let mut paths = HashMap::new();
    for Entry { spec, path, coerced, unknown } in entries {
        let Some(coerced) = coerced else { continue };
        paths.insert(spec.name, path.clone());
        let known = !matches!(coerced.status, Status::Unknown(_)) && unknown.is_none();
        if known && super::value::marker_in(&coerced.value).is_none() {
            values.insert(spec.name, &coerced.value);
        } else {
            open.insert(spec.name);
        }
    }
    call(&Given { values: &values, open: &open, paths: &paths, level: &level.path })
}
