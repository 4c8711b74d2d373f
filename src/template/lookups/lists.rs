//! Lookups that arrange lists.

use super::{Given, Items, fail};
use crate::Value;
use crate::eval::Cx;
use crate::filters::flatten;
use crate::value::{Dict, Repr, TextKey};

pub(super) fn list(_cx: &Cx<'_>, given: &Given) -> Items {
    Ok(given.terms.clone())
}

/// `with_items`: lists among the terms are taken apart, one level deep.
pub(super) fn items(_cx: &Cx<'_>, given: &Given) -> Items {
    Ok(once_flat(&given.terms))
}

fn once_flat(terms: &[Value]) -> Vec<Value> {
    let take_apart = |term: &Value| term.as_items().map_or_else(|| vec![term.clone()], <[Value]>::to_vec);
    terms.iter().flat_map(take_apart).collect()
}

pub(super) fn flattened(_cx: &Cx<'_>, given: &Given) -> Items {
    Ok(flatten(&given.terms, None, true))
}

pub(super) fn indexed_items(_cx: &Cx<'_>, given: &Given) -> Items {
    let items = once_flat(&given.terms);
    Ok(items.into_iter().enumerate().map(|(at, item)| Value::tuple(vec![at.into(), item])).collect())
}

pub(super) fn dict(_cx: &Cx<'_>, given: &Given) -> Items {
    let mut items = Vec::new();
    for term in &given.terms {
        let Repr::Dict(dict) = &term.0 else {
            return fail(format!(
                "the 'dict' lookup plugin expects a dictionary, got '{}' of type <class '{}'>)",
                term.text(),
                term.qualified_name()
            ));
        };
        for (key, value) in dict.iter() {
            let entry: Dict = [(Value::from("key"), key.clone()), (Value::from("value"), value.clone())]
                .into_iter()
                .collect();
            items.push(entry.into());
        }
    }
    Ok(items)
}

/// Every combination of one element of each list; a list in a list is taken apart.
pub(super) fn nested(cx: &Cx<'_>, given: &Given) -> Items {
    if given.terms.is_empty() {
        return fail("with_nested requires at least one element in the nested list");
    }
    if let [only] = given.terms.as_slice() {
        return cx.items(only)?.iter().map(|item| pieces(cx, item).map(Value::list)).collect();
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for term in &given.terms {
        let column = if term.is_text() { vec![term.clone()] } else { cx.items(term)? };
        rows = rows
            .iter()
            .flat_map(|row| column.iter().map(|item| row.iter().chain([item]).cloned().collect()))
            .collect();
    }
    Ok(rows.into_iter().map(|row| Value::list(flatten(&row, None, false))).collect())
}

/// Takes apart an element of the only list: a text into its letters.
fn pieces(cx: &Cx<'_>, item: &Value) -> Items {
    Ok(flatten(&cx.items(item)?, None, false))
}

/// The first elements of each list, the second ones, and so on; what is missing is none.
pub(super) fn together(cx: &Cx<'_>, given: &Given) -> Items {
    if given.terms.is_empty() {
        return fail("with_together requires at least one element in each list");
    }
    let mut columns = Vec::new();
    for term in &given.terms {
        columns.push(if term.is_text() { vec![term.clone()] } else { cx.items(term)? });
    }
    let length = columns.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| -> Value {
        let row: Vec<Value> =
            columns.iter().map(|column| column.get(at).cloned().unwrap_or_default()).collect();
        flatten(&row, None, false).into()
    };
    Ok((0..length).map(row).collect())
}

pub(super) fn random_choice(cx: &Cx<'_>, given: &Given) -> Items {
    let count = given.terms.len() as u64;
    if count == 0 {
        return Ok(Vec::new());
    }
    let chosen = usize::try_from(cx.world().random() % count).unwrap_or(0);
    Ok(given.terms.get(chosen).cloned().into_iter().collect())
}

pub(super) fn subelements(_cx: &Cx<'_>, given: &Given) -> Items {
    let [elements, path, rest @ ..] = given.terms.as_slice() else {
        return fail("subelements lookup expects a list of two or three items,");
    };
    let elements: Vec<Value> = match &elements.0 {
        Repr::List(items) => items.to_vec(),
        Repr::Dict(dict) => dict.values().cloned().collect(),
        _ => {
            return fail(
                "subelements lookup expects a list of two or three items, first a dict or a list, second a string pointing to the subkey",
            );
        }
    };
    let path = path.text();
    let skip_missing = rest.first().and_then(|flags| flags.get("skip_missing")).is_some_and(Value::is_truthy);
    let mut found = Vec::new();
    for element in elements {
        if element.get("skipped").is_some_and(Value::is_truthy) {
            continue;
        }
        let mut value = Some(&element);
        for key in path.split('.') {
            value = value.and_then(|value| value.get(key));
        }
        match value.map(|value| (value, value.as_items())) {
            Some((_, Some(items))) => {
                let rest = without(&element, &path);
                found.extend(items.iter().map(|item| Value::tuple(vec![rest.clone(), item.clone()])));
            }
            Some((value, None)) => {
                return fail(format!("the key {path} should point to a list, got '{}'", value.text()));
            }
            None if skip_missing => {}
            None => {
                return fail(format!("could not find '{path}' key in iterated item '{}'", element.text()));
            }
        }
    }
    Ok(found)
}

/// Returns the element without the list at the end of the path: what is in it comes one by one.
fn without(element: &Value, path: &str) -> Value {
    let Repr::Dict(dict) = &element.0 else { return element.clone() };
    let mut dict = Dict::clone(dict);
    match path.split_once('.') {
        None => drop(dict.shift_remove(&TextKey(path))),
        Some((key, rest)) => {
            if let Some(inner) = dict.get_mut(&TextKey(key)) {
                *inner = without(inner, rest);
            }
        }
    }
    dict.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn lists_are_arranged() {
        give(&[
            ("query('items', [1, [2]], 3)", json!([1, [2], 3])),
            ("query('list', [1], 2)", json!([[1], 2])),
            ("lookup('dict', {'a': 1})", json!({"key": "a", "value": 1})),
            ("q('nested', [1, 2], ['a'])", json!([[1, "a"], [2, "a"]])),
            ("q('together', [1, 2], ['a'])", json!([[1, "a"], [2, null]])),
            ("q('indexed_items', ['a', 'b'])", json!([[0, "a"], [1, "b"]])),
            ("q('subelements', [{'a': [1, 2], 'b': 1}], 'a')", json!([[{"b": 1}, 1], [{"b": 1}, 2]])),
            ("q('subelements', [{'b': 1}], 'a', {'skip_missing': true})", json!([])),
            ("lookup('items', ['a', 'b'])", json!("a,b")),
            ("lookup('items', ['a', 1])", json!(["a", 1])),
            ("lookup('items', ['a'], wantlist=true)", json!(["a"])),
            ("lookup('ansible.builtin.items', ['a'])", json!("a")),
        ]);
    }

    #[test]
    fn what_a_lookup_refuses_is_refused() {
        refuse(&[
            (
                "lookup('dict', 5)",
                "The lookup plugin 'dict' failed: the 'dict' lookup plugin expects a dictionary, got '5' of type <class 'int'>)",
            ),
            ("lookup('nope')", "The lookup plugin 'nope' was not found."),
            ("lookup('items', nope)", "'nope' is undefined"),
        ]);
    }
}
