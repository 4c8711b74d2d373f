use super::{fail, flatten};
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::{Dict, Repr};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("combine", "* **", combine).moves(),
    builtin("dict2items", "mydict key_name= value_name=", dict_to_items).moves(),
    builtin("items2dict", "mylist key_name= value_name=", items_to_dict).moves(),
    builtin("rekey_on_member", "data key duplicates=", rekey_on_member),
];

fn combine(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let known = |name: &str| matches!(name, "recursive" | "list_merge");
    if given.named.iter().any(|(name, _)| !known(name)) {
        return fail("'recursive' and 'list_merge' are the only valid keyword arguments");
    }
    let recursive = given.option("recursive").is_some_and(Value::is_truthy);
    let list_merge = given.option("list_merge").map_or_else(|| "replace".to_owned(), Value::text);
    let dicts = flatten(&given.rest, Some(1), true);
    let mut dicts = dicts.into_iter().rev();
    let Some(last) = dicts.next() else { return Ok(Dict::new().into()) };
    dicts.try_fold(last, |high, low| merge(&low, &high, recursive, &list_merge))
}

/// Merges two mappings as Ansible's `merge_hash` does: the second wins.
fn merge(low: &Value, high: &Value, recursive: bool, list_merge: &str) -> Evaluated {
    if !matches!(list_merge, "replace" | "keep" | "append" | "prepend" | "append_rp" | "prepend_rp") {
        return fail(
            "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'",
        );
    }
    let (Repr::Dict(low), Repr::Dict(high)) = (&low.0, &high.0) else {
        return fail(format!(
            "failed to combine variables, expected dicts but got a '{}' and a '{}'.",
            low.class_name(),
            high.class_name()
        ));
    };
    if low.is_empty() || low == high {
        return Ok(Value(Repr::Dict(high.clone())));
    }
    let mut merged = Dict::clone(low);
    if list_merge == "replace" && !recursive {
        merged.extend(high.iter().map(|(key, value)| (key.clone(), value.clone())));
        return Ok(merged.into());
    }
    for (key, high) in high.iter() {
        let value = match merged.get(key) {
            None => high.clone(),
            Some(low) if low.is_mapping() && high.is_mapping() => {
                if recursive {
                    merge(low, high, true, list_merge)?
                } else {
                    high.clone()
                }
            }
            Some(low) => match (&low.0, &high.0) {
                (Repr::List(low), Repr::List(high)) => merge_lists(low, high, list_merge),
                _ => high.clone(),
            },
        };
        merged.insert(key.clone(), value);
    }
    Ok(merged.into())
}

fn merge_lists(low: &[Value], high: &[Value], how: &str) -> Value {
    let without = |items: &[Value], others: &[Value]| -> Vec<Value> {
        items.iter().filter(|item| !others.contains(item)).cloned().collect()
    };
    match how {
        "keep" => low.to_vec(),
        "append" => [low, high].concat(),
        "prepend" => [high, low].concat(),
        "append_rp" => [without(low, high), high.to_vec()].concat(),
        "prepend_rp" => [high.to_vec(), without(low, high)].concat(),
        _ => high.to_vec(),
    }
    .into()
}

fn dict_to_items(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let dict = given.value(0);
    if !dict.is_mapping() {
        let kind = dict.type_name();
        return fail(format!("dict2items requires a dictionary, got <class '{kind}'> instead."));
    }
    let dict = cx.forced_once(dict);
    let (key_name, value_name) =
        (Value::from(given.text_or(1, "key")), Value::from(given.text_or(2, "value")));
    let entry = |(key, value): (&Value, &Value)| -> Value {
        let entry: Dict =
            [(key_name.clone(), key.clone()), (value_name.clone(), value.clone())].into_iter().collect();
        entry.into()
    };
    Ok(dict.entries().map(entry).collect())
}

fn items_to_dict(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let list = given.value(0);
    let Some(items) = list.as_items() else {
        let kind = list.type_name();
        return fail(format!("items2dict requires a list, got <class '{kind}'> instead."));
    };
    let (key_name, value_name) = (given.text_or(1, "key"), given.text_or(2, "value"));
    let mut dict = Dict::new();
    for item in items {
        if !item.is_mapping() {
            let message = format!("items2dict requires a list of dictionaries, got {} instead.", list.repr());
            return Err(TemplateError::runtime(message).apart());
        }
        let (Some(key), Some(value)) = (item.get(&key_name), item.get(&value_name)) else {
            let message = format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', got {} instead.",
                list.repr()
            );
            return Err(TemplateError::runtime(message).apart());
        };
        dict.insert(hashable(key)?.clone(), value.clone());
    }
    Ok(dict.into())
}

fn hashable(key: &Value) -> Result<&Value, TemplateError> {
    if key.is_hashable() { Ok(key) } else { fail(format!("unhashable type: '{}'", key.type_name())) }
}

fn rekey_on_member(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let (data, key) = (given.value(0), given.value(1));
    let duplicates = given.text_or(2, "error");
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        return fail(format!("duplicates parameter to rekey_on_member has unknown value '{duplicates}'"));
    }
    let members: Vec<&Value> = match &data.0 {
        Repr::Dict(dict) => dict.values().collect(),
        Repr::List(items) | Repr::Tuple(items) => items.iter().collect(),
        _ => return fail("Type is not a valid list, set, or dict"),
    };
    let mut rekeyed = Dict::new();
    for member in members {
        let Repr::Dict(dict) = &member.0 else { return fail("List item is not a valid dict") };
        let Some(name) = dict.get(key) else {
            let message = format!("Key {} was not found.", key.repr());
            return Err(TemplateError::runtime(message).about(member));
        };
        if rekeyed.contains_key(hashable(name)?) && duplicates == "error" {
            return fail(format!("Key {} is not unique, cannot convert to dict.", name.repr()));
        }
        rekeyed.insert(name.clone(), member.clone());
    }
    Ok(rekeyed.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn mappings_are_combined_and_turned_into_lists() {
        give(&[
            ("d | combine({'b': 9})", json!({"b": 9, "a": 2, "c": {"d": 3}})),
            ("d | combine({'c': {'e': 1}})", json!({"b": 1, "a": 2, "c": {"e": 1}})),
            ("d | combine({'c': {'e': 1}}, recursive=true)", json!({"b": 1, "a": 2, "c": {"d": 3, "e": 1}})),
            ("[{'a': 1}, {'b': 2}] | combine", json!({"a": 1, "b": 2})),
            ("{'a': [1]} | combine({'a': [2]}, list_merge='append')", json!({"a": [1, 2]})),
            ("{'a': [1, 2]} | combine({'a': [2]}, list_merge='prepend')", json!({"a": [2, 1, 2]})),
            ("{'a': [1, 2]} | combine({'a': [2]}, list_merge='append_rp')", json!({"a": [1, 2]})),
            ("{'a': [1, 2]} | combine({'a': [2]}, list_merge='prepend_rp')", json!({"a": [2, 1]})),
            ("{'a': [1]} | combine({'a': [2]}, list_merge='keep')", json!({"a": [1]})),
            ("{'a': 1} | dict2items", json!([{"key": "a", "value": 1}])),
            ("{'a': 1} | dict2items(key_name='k', value_name='v')", json!([{"k": "a", "v": 1}])),
            ("[{'key': 'a', 'value': 1}] | items2dict", json!({"a": 1})),
            ("ld | items2dict('n', 'v')", json!({"x": 2, "y": 1, "z": 3})),
            ("ld | rekey_on_member('n') | list", json!(["x", "y", "z"])),
        ]);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        refuse(&[
            (
                "'a' | combine({})",
                "The filter plugin 'ansible.builtin.combine' failed: failed to combine variables, expected dicts but got a 'str' and a '_AnsibleLazyTemplateDict'.",
            ),
            (
                "d | combine({}, nope=1)",
                "The filter plugin 'ansible.builtin.combine' failed: 'recursive' and 'list_merge' are the only valid keyword arguments",
            ),
            (
                "[1] | dict2items",
                "The filter plugin 'ansible.builtin.dict2items' failed: dict2items requires a dictionary, got <class 'list'> instead.",
            ),
            (
                "s | items2dict",
                "The filter plugin 'ansible.builtin.items2dict' failed: items2dict requires a list, got <class 'str'> instead.",
            ),
            (
                "[{'a': 1}] | items2dict",
                "The filter plugin 'ansible.builtin.items2dict' failed: items2dict requires each dictionary in the list to contain the keys 'key' and 'value', got [{'a': 1}] instead.",
            ),
            (
                "ld | rekey_on_member('g')",
                "The filter plugin 'ansible.builtin.rekey_on_member' failed: Key 'p' is not unique, cannot convert to dict.",
            ),
            (
                "ld | rekey_on_member('zz')",
                "The filter plugin 'ansible.builtin.rekey_on_member' failed: Key 'zz' was not found.",
            ),
        ]);
    }
}
