//! Paths into values, and places in lists: `get_path`, `to_paths` and `index_of` of ansible.utils.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Args, Cx, Evaluated};
use crate::value::Dict;
use crate::{ErrorKind, TemplateError, Value};

const UTILS: &str = "ansible.utils";

pub(super) const FILTERS: &[Builtin] = &[
    builtin("get_path", "var path wantlist=", get_path).of(UTILS),
    builtin("to_paths", "var prepend= wantlist=", to_paths).of(UTILS),
    builtin("index_of", "data test value= key= fail_on_missing= wantlist=", index_of).of(UTILS),
    builtin("param_list_compare", "base target=", param_list).of(UTILS),
];

fn get_path(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut value = given.value(0).clone();
    for step in steps(&given.text(1))? {
        value = cx.item(&value, &step, 0)?;
        if let crate::value::Repr::Undefined(error) = &value.0 {
            return match error.kind {
                ErrorKind::Undefined => fail(error.message.clone()),
                _ => Err(TemplateError::clone(error)),
            };
        }
    }
    if given.flag(2, false) && !value.is_sequence() {
        return Ok(Value::list(vec![value]));
    }
    Ok(value)
}

/// Reads `a.b[0]['c d']`.
fn steps(path: &str) -> Result<Vec<Value>, TemplateError> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let (step, tail) = match quote {
                Some(quote) => {
                    let found = inner.get(1..).and_then(|inner| inner.split_once(&format!("{quote}]")));
                    found.map(|(key, tail)| (Value::from(key), tail))
                }
                None => inner.split_once(']').map(|(index, tail)| {
                    let number = index.trim().parse::<i64>();
                    (number.map_or_else(|_| Value::from(index), Value::from), tail)
                }),
            }
            .ok_or_else(|| TemplateError::runtime(format!("'{path}' is no path")))?;
            steps.push(step);
            rest = tail;
            continue;
        }
        let bare = rest.strip_prefix('.').unwrap_or(rest);
        let (name, tail) = bare.split_at(bare.find(['.', '[']).unwrap_or(bare.len()));
        if name.is_empty() {
            return fail(format!("'{path}' is no path"));
        }
        steps.push(name.parse::<i64>().map_or_else(|_| Value::from(name), Value::from));
        rest = tail;
    }
    Ok(steps)
}

fn to_paths(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let prepend = given.some(1).map(Value::text);
    if prepend.as_deref() == Some("") {
        return fail("Error when using plugin 'to_paths': 'prepend' must not be empty");
    }
    let mut paths = Dict::new();
    flatten(given.value(0), prepend.unwrap_or_default(), &mut paths);
    Ok(if given.flag(2, false) { Value::list(vec![paths.into()]) } else { paths.into() })
}

fn flatten(value: &Value, path: String, paths: &mut Dict) {
    let join = |key: String| {
        if path.is_empty() { key.trim_start_matches('.').to_owned() } else { format!("{path}{key}") }
    };
    if let Some(items) = value.as_items().filter(|items| !items.is_empty()) {
        for (at, item) in items.iter().enumerate() {
            flatten(item, join(format!("[{at}]")), paths);
        }
    } else if value.is_mapping() && !value.is_empty() {
        for (key, inner) in value.entries() {
            flatten(inner, join(step_of(key)), paths);
        }
    } else {
        paths.insert(path.into(), value.clone());
    }
}

/// Returns how a key is written in a path: a name after a full stop, anything else in brackets.
fn step_of(key: &Value) -> String {
    let text = key.text();
    let plain = key.is_text()
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if plain {
        format!(".{text}")
    } else if key.is_text() {
        format!("[{}]", key.repr())
    } else {
        format!("[{text}]")
    }
}

fn index_of(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    let test = given.text(1);
    let mut places: Vec<Value> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let value = match given.some(3) {
            None => Some(item.clone()),
            Some(key) => item.get(&key.text()).cloned(),
        };
        let Some(value) = value else {
            if given.flag(4, false) {
                return fail(format!("'{}' was not found in element {at}", given.text(3)));
            }
            continue;
        };
        let mut positional = vec![value];
        positional.extend(given.given(2).cloned());
        let found = cx.test_named(&test, Args::of(positional))?;
        if let crate::value::Repr::Undefined(error) = &found.0 {
            return Err(TemplateError::clone(error));
        }
        if found.is_truthy() {
            places.push(at.into());
        }
    }
    Ok(match places.as_slice() {
        [only] if !given.flag(5, false) => only.clone(),
        _ => places.into(),
    })
}

/// Returns what is wanted of and what is left of a list of names, `all` and `!name` among them.
fn param_list(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let base: Vec<String> = given.items(cx, 0)?.iter().map(Value::text).collect();
    let target: Vec<String> = match given.some(1) {
        Some(target) => cx.items(target)?.iter().map(Value::text).collect(),
        None => Vec::new(),
    };
    let excluded: Vec<&str> = target.iter().filter_map(|name| name.strip_prefix('!')).collect();
    let includes_all = target.iter().any(|name| name == "all") || target.len() == excluded.len();
    let known = |name: &&String| base.contains(name);
    let supported: Vec<Value> = if includes_all {
        base.iter()
            .filter(|name| !excluded.contains(&name.as_str()))
            .map(|name| name.as_str().into())
            .collect()
    } else {
        target
            .iter()
            .filter(known)
            .filter(|name| !excluded.contains(&name.as_str()))
            .map(|name| name.as_str().into())
            .collect()
    };
    let is_unknown = |name: &&String| {
        let name = name.trim_start_matches('!');
        name != "all" && !base.iter().any(|known| known == name)
    };
    let unsupported: Vec<Value> = target.iter().filter(is_unknown).map(|name| name.as_str().into()).collect();
    let entries =
        [(Value::from("actionable"), supported.into()), (Value::from("unsupported"), unsupported.into())];
    Ok(entries.into_iter().collect::<Dict>().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn paths_lead_into_values_and_back() {
        give(&[
            ("{'a': {'b': [1, {'c d': 2}]}} | ansible.utils.get_path(\"a.b[1]['c d']\")", json!(2)),
            ("{'a': 1} | ansible.utils.get_path('a', wantlist=true)", json!([1])),
            (
                "{'a': {'b': [1, 2]}, 'x.y': {}} | ansible.utils.to_paths",
                json!({"a.b[0]": 1, "a.b[1]": 2, "['x.y']": {}}),
            ),
            ("{'a': {'b': 1}} | ansible.utils.to_paths(prepend='top')", json!({"top.a.b": 1})),
        ]);
    }

    #[test]
    fn elements_are_found_by_tests() {
        give(&[
            ("[1, 2, 3] | ansible.utils.index_of('eq', 2)", json!(1)),
            ("[1, 2, 3] | ansible.utils.index_of('odd')", json!([0, 2])),
            ("ld | ansible.utils.index_of('eq', 'y', 'n')", json!(1)),
            ("ld | ansible.utils.index_of('eq', 'y', 'n', wantlist=true)", json!([1])),
            ("ld | ansible.utils.index_of('eq', 'nobody', 'n')", json!([])),
        ]);
    }

    #[test]
    fn a_path_to_nothing_is_refused() {
        refuse(&[(
            "{'a': 1} | ansible.utils.get_path('b')",
            "The filter plugin 'ansible.utils.get_path' failed: object of type 'dict' has no attribute 'b'",
        )]);
    }
}
