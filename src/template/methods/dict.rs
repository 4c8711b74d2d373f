use std::sync::Arc;

use crate::builtin::Given;
use crate::eval::{Args, Cx, Evaluated};
use crate::value::{Dict, Repr};
use crate::{Scope, TemplateError, Value};

pub(super) const NAMES: &[&str] = &["copy", "get", "items", "keys", "values"];
pub(super) const MUTATING: &[&str] = &["clear", "pop", "popitem", "setdefault", "update"];

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

fn params(name: &str) -> &'static str {
    match name {
        "get" | "pop" | "setdefault" => "key default=",
        "update" => "other= **",
        _ => "",
    }
}

pub(super) fn call(cx: &Cx<'_>, target: &Value, name: &str, args: Args) -> Evaluated {
    let given = Given::bind(&format!("dict.{name}"), params(name), args)?;
    match name {
        "get" => {
            let key = given.value(0);
            if !key.is_hashable() {
                return fail(format!("unhashable type: '{}'", key.type_name()));
            }
            let found = match key.as_str() {
                Some(name) => cx.text_item(target, name),
                None => match &cx.forced_once(target).0 {
                    Repr::Dict(dict) => dict.get(key).cloned(),
                    _ => None,
                },
            };
            Ok(found.unwrap_or_else(|| given.value(1).clone()))
        }
        "keys" => cx.items(target).map(Value::list),
        "values" => Ok(cx.forced_once(target).entries().map(|(_, value)| value.clone()).collect()),
        "items" => Ok(pairs(&cx.forced_once(target))),
        _ => Ok(target.clone()),
    }
}

fn pairs(dict: &Value) -> Value {
    dict.entries().map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()])).collect()
}

/// Calls a mapping's method on variables that are looked up by name.
pub(super) fn call_scope(cx: &Cx<'_>, scope: &Arc<dyn Scope>, name: &str, args: Args) -> Evaluated {
    let given = Given::bind(&format!("dict.{name}"), params(name), args)?;
    let names = || scope.names().into_iter();
    let value = |name: &str| cx.scoped(scope, name).unwrap_or_default();
    Ok(match name {
        "get" => cx.scoped(scope, &given.text(0)).unwrap_or_else(|| given.value(1).clone()),
        "keys" => names().map(Value::from).collect(),
        "values" => names().map(|name| value(&name)).collect(),
        "items" => names().map(|name| Value::tuple(vec![name.as_str().into(), value(&name)])).collect(),
        _ => Value::object(crate::object::Object::Scope(Arc::clone(scope))),
    })
}

pub(super) fn mutate(
    cx: &Cx<'_>,
    target: &Value,
    name: &str,
    args: Args,
) -> Result<(Value, Value), TemplateError> {
    let given = Given::bind(&format!("dict.{name}"), params(name), args)?;
    let Repr::Dict(dict) = &target.0 else { return fail("the mapping cannot be changed") };
    let mut dict = Dict::clone(dict);
    let key = given.value(0);
    if matches!(name, "pop" | "setdefault") && !key.is_hashable() {
        return fail(format!("unhashable type: '{}'", key.type_name()));
    }
    let mut result = Value::NONE;
    match name {
        "clear" => dict.clear(),
        "pop" => match dict.shift_remove(key).or_else(|| given.given(1).cloned()) {
            Some(value) => result = value,
            None => return fail(key.repr()),
        },
        "popitem" => match dict.pop() {
            Some((key, value)) => result = Value::tuple(vec![key, value]),
            None => return fail("'popitem(): dictionary is empty'"),
        },
        "setdefault" => {
            result = dict.entry(key.clone()).or_insert_with(|| given.value(1).clone()).clone();
        }
        _ => {
            let other = cx.forced_once(key);
            if other.is_mapping() {
                dict.extend(other.entries().map(|(key, value)| (key.clone(), value.clone())));
            } else if given.given(0).is_some() {
                for pair in cx.items(&other)? {
                    let pair = cx.items(&pair)?;
                    let [key, value] = pair.as_slice() else {
                        return fail(
                            "dictionary update sequence element has the wrong length; 2 is required",
                        );
                    };
                    dict.insert(key.clone(), value.clone());
                }
            }
            dict.extend(given.named.iter().map(|(name, value)| (Value::from(&**name), value.clone())));
        }
    }
    Ok((dict.into(), result))
}
