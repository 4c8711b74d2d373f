//! Attributes, items, slices, and what can be iterated.

use std::sync::Arc;

use rplay_syntax::Data;

use super::{Cx, Evaluated};
use crate::object::Object;
use crate::scope::Found;
use crate::value::{Repr, TextKey};
use crate::{Scope, ScopeClass, TemplateError, Value, limits, marker, methods};

impl Cx<'_> {
    /// Returns `target.name`: a method, or else the item of that name.
    pub(crate) fn attribute(&self, target: &Value, name: &Arc<str>, at: u32) -> Value {
        match &target.0 {
            Repr::Undefined(_) => return target.clone(),
            Repr::Unknown(label) => return self.seen(Value::unknown(format!("{label}.{name}"))),
            _ => {}
        }
        if let Repr::Object(object) = &target.0
            && let Some(value) = self.object_attribute(object, name)
        {
            return value;
        }
        if methods::exists(target, name) {
            return Value::object(Object::Method(target.clone(), Arc::clone(name)));
        }
        if let Some(value) = methods::attribute(target, name) {
            return value;
        }
        if let Some(value) = self.text_item(target, name).or_else(|| group_part(target, name)) {
            return value;
        }
        if name.starts_with("__") && name.ends_with("__") {
            return Value::error(
                TemplateError::runtime(format!(
                    "access to attribute {} of {} object is unsafe.",
                    Value::from(&**name).repr(),
                    Value::from(target.type_name()).repr()
                ))
                .framed()
                .located(at, &self.source, self.span.as_ref()),
            );
        }
        self.no_attribute(target, &Value::from(&**name), at)
    }

    fn no_attribute(&self, target: &Value, key: &Value, at: u32) -> Value {
        let class = match &target.0 {
            Repr::Object(object) => object.scope_class(),
            _ => None,
        };
        let kind = match class {
            Some(ScopeClass::Hosts) => return self.undefined(format!("hostvars[{}]", key.repr()), at),
            Some(ScopeClass::Host) => "HostVarsVars",
            _ => target.type_name(),
        };
        self.undefined(
            if key.is_truthy() {
                format!("object of type '{kind}' has no attribute {}", key.repr())
            } else if key.is_text() {
                format!("'{kind} object' has no attribute {}", key.repr())
            } else {
                format!("{} has no element {}", target.thing(), key.repr())
            },
            at,
        )
    }

    /// Returns the value under a text key of any mapping.
    pub(crate) fn text_item(&self, target: &Value, name: &str) -> Option<Value> {
        match &target.0 {
            Repr::Dict(dict) => dict.get(&TextKey(name)).cloned().map(|value| self.seen(value)),
            Repr::Lazy(lazy) => lazy.position(name).map(|index| self.child(lazy, index)),
            Repr::Object(object) => match &**object {
                Object::Scope(scope) => self.scoped(scope, name),
                Object::Namespace(namespace) => namespace.lock().ok()?.get(&TextKey(name)).cloned(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns a value of a scope that is itself a value.
    pub(crate) fn scoped(&self, scope: &Arc<dyn Scope>, name: &str) -> Option<Value> {
        if Arc::ptr_eq(scope, &self.scope) {
            return self.variable(&Arc::from(name));
        }
        let found = scope.lookup(name)?;
        let secret = scope.is_secret(name);
        if secret {
            self.mark_secret();
        }
        let value = match found {
            Found::Scope(inner) => Value::object(Object::Scope(inner)),
            Found::Data(value) => value,
            Found::Written(_) => self
                .in_scope(&self.keep(Arc::clone(scope)))
                .found(found, Some(scope))
                .unwrap_or_else(Value::error),
        };
        if secret {
            self.conceal(&value);
        }
        Some(self.seen(value))
    }

    /// Returns `target[key]`: the item, or else the attribute of that name.
    pub(crate) fn item(&self, target: &Value, key: &Value, at: u32) -> Evaluated {
        match (&target.0, &key.0) {
            (Repr::Undefined(_), _) => return Ok(target.clone()),
            (_, Repr::Undefined(error)) => return Err(TemplateError::clone(error)),
            (Repr::Unknown(label), _) => {
                return Ok(self.seen(Value::unknown(format!("{label}[{}]", key.repr()))));
            }
            (_, Repr::Unknown(_)) => return Ok(self.seen(key.clone())),
            _ => {}
        }
        if key.as_str().is_some_and(marker::is_marked) {
            return Ok(self.seen(Value::unknown(marker_label(key))));
        }
        if let Some(value) = self.own_item(target, key) {
            return Ok(self.seen(value));
        }
        if let Some(name) = key.as_str() {
            if methods::exists(target, name) {
                return Ok(Value::object(Object::Method(target.clone(), name.into())));
            }
            if let Repr::Object(object) = &target.0
                && let Some(value) = self.object_attribute(object, name)
            {
                return Ok(value);
            }
        }
        let part = key
            .as_str()
            .and_then(|name| methods::attribute(target, name).or_else(|| group_part(target, name)));
        Ok(part.unwrap_or_else(|| self.no_attribute(target, key, at)))
    }

    fn own_item(&self, target: &Value, key: &Value) -> Option<Value> {
        if let Some(name) = key.as_str()
            && let Some(value) = self.text_item(target, name)
        {
            return Some(value);
        }
        match &target.0 {
            Repr::Dict(dict) if key.is_hashable() => dict.get(key).cloned(),
            Repr::List(items) | Repr::Tuple(items) => items.get(position(key, items.len())?).cloned(),
            Repr::Str(text) => {
                let length = text.chars().count();
                text.chars().nth(position(key, length)?).map(|c| Value::from(c.to_string()))
            }
            Repr::Bytes(bytes) => {
                bytes.get(position(key, bytes.len())?).map(|byte| Value(Repr::Int((*byte).into())))
            }
            Repr::Lazy(lazy) => match &lazy.node.data {
                Data::Map(mapping) => {
                    let is_key = |known: &Data| self.key(known) == *key;
                    let at = mapping.entries.iter().position(|(known, _)| is_key(&known.data))?;
                    Some(self.child(lazy, at))
                }
                _ => Some(self.child(lazy, position(key, lazy.len()).filter(|at| *at < lazy.len())?)),
            },
            Repr::Object(object) if matches!(**object, Object::Range { .. }) => {
                let items = object.items();
                items.get(position(key, items.len())?).cloned()
            }
            _ => None,
        }
    }

    /// Returns `target[start:stop:step]`.
    pub(crate) fn slice(&self, target: &Value, bounds: &[Option<Value>; 3]) -> Evaluated {
        if target.is_undefined() {
            return Ok(target.clone());
        }
        let unknown = |value: &Value| value.contains_unknown() && (value.is_unknown() || value.is_text());
        if unknown(target) || bounds.iter().flatten().any(unknown) {
            return Ok(self.seen(Value::unknown("slice")));
        }
        let target = self.forced_once(target);
        let indices = |length: usize| slice_indices(bounds, length);
        let sliced: Value = match &target.0 {
            Repr::Str(text) => {
                let chars: Vec<char> = text.chars().collect();
                let at = indices(chars.len())?;
                at.into_iter().filter_map(|at| chars.get(at)).collect::<String>().into()
            }
            Repr::List(items) => pick(items, &indices(items.len())?).into(),
            Repr::Tuple(items) => Value::tuple(pick(items, &indices(items.len())?)),
            Repr::Bytes(bytes) => {
                let at = indices(bytes.len())?;
                Value(Repr::Bytes(at.into_iter().filter_map(|at| bytes.get(at).copied()).collect()))
            }
            Repr::Object(object) if matches!(**object, Object::Range { .. }) => {
                let items = self.items(&target)?;
                pick(&items, &indices(items.len())?).into()
            }
            Repr::Dict(_) => return Err(TemplateError::runtime("unhashable type: 'slice'")),
            _ => {
                let kind = target.type_name();
                return Err(TemplateError::runtime(format!("'{kind}' object is not subscriptable")));
            }
        };
        if target.is_text() && self.is_secret(&target) {
            self.conceal(&sliced);
        }
        Ok(sliced)
    }

    /// Returns the elements as Python iterates over the value.
    pub(crate) fn items(&self, value: &Value) -> Result<Vec<Value>, TemplateError> {
        match &value.0 {
            Repr::List(items) | Repr::Tuple(items) => Ok(items.to_vec()),
            Repr::Dict(dict) => Ok(dict.keys().cloned().collect()),
            Repr::Str(text) => Ok(text.chars().map(|c| Value::from(c.to_string())).collect()),
            Repr::Bytes(bytes) => Ok(bytes.iter().map(|byte| Value(Repr::Int((*byte).into()))).collect()),
            Repr::Lazy(lazy) => Ok(match &lazy.node.data {
                Data::Map(mapping) => mapping.entries.iter().map(|(key, _)| self.key(&key.data)).collect(),
                _ => (0..lazy.len()).map(|index| self.child(lazy, index)).collect(),
            }),
            Repr::Object(object) => match &**object {
                Object::Range { .. } | Object::Blank => {
                    limits::items(object.len().unwrap_or(usize::MAX))?;
                    Ok(object.items())
                }
                Object::Scope(scope) => Ok(scope.names().into_iter().map(Value::from).collect()),
                _ => Err(not_iterable(value)),
            },
            Repr::Undefined(error) => Err(TemplateError::clone(error)),
            _ => Err(not_iterable(value)),
        }
    }
}

/// Returns a part of what `groupby` gives, which is a pair with names.
fn group_part(target: &Value, name: &str) -> Option<Value> {
    match (&target.0, name) {
        (Repr::Tuple(pair), "grouper") if pair.len() == 2 => pair.first().cloned(),
        (Repr::Tuple(pair), "list") if pair.len() == 2 => pair.get(1).cloned(),
        _ => None,
    }
}

fn not_iterable(value: &Value) -> TemplateError {
    TemplateError::runtime(format!("'{}' object is not iterable", value.type_name()))
}

fn marker_label(key: &Value) -> String {
    key.text().replace(marker::UNKNOWN_START, "").replace(marker::UNKNOWN_END, "")
}

/// Returns the place that a Python index means.
fn position(key: &Value, length: usize) -> Option<usize> {
    let index = key.as_int()?;
    let length = i128::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok()
}

fn pick(items: &[Value], indices: &[usize]) -> Vec<Value> {
    indices.iter().filter_map(|at| items.get(*at).cloned()).collect()
}

/// Returns the places that a Python slice means.
fn slice_indices(bounds: &[Option<Value>; 3], length: usize) -> Result<Vec<usize>, TemplateError> {
    let bound = |at: usize| match bounds.get(at).and_then(Option::as_ref) {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => value.as_int().map(Some).ok_or_else(|| {
            TemplateError::runtime("slice indices must be integers or None or have an __index__ method")
        }),
    };
    let (start, end, step) = (bound(0)?, bound(1)?, bound(2)?.unwrap_or(1));
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    if step == 0 {
        return Err(TemplateError::runtime("slice step cannot be zero"));
    }
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |index: i128| if index < 0 { (index + length).max(lowest) } else { index.min(highest) };
    let mut at = start.map_or(if step > 0 { lowest } else { highest }, clamp);
    let end = end.map_or(if step > 0 { highest } else { lowest }, clamp);
    let mut indices = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        indices.extend(usize::try_from(at));
        at = at.saturating_add(step);
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn items_attributes_and_slices_are_pythons() {
        give(&[
            ("s[0]", json!("h")),
            ("s[-1]", json!("o")),
            ("s[1:3]", json!("el")),
            ("s[::-1]", json!("olleh")),
            ("s[-3:-1]", json!("ll")),
            ("s[10:]", json!("")),
            ("l[1:]", json!([1, 2])),
            ("l[::-1]", json!([2, 1, 3])),
            ("l[-1]", json!(2)),
            ("d.c.d", json!(3)),
            ("d['c']['d']", json!(3)),
            ("ld.0.n", json!("x")),
            ("ld[1].v", json!(1)),
            ("deep.x", json!(6)),
            ("deep.y[0]", json!("hello")),
            ("indirect", json!("5-hello")),
            ("d.get('zz', 9)", json!(9)),
            ("(1, 2)[0]", json!(1)),
            ("{1: 'a'}[1]", json!("a")),
            ("nope.a.b | default('x')", json!("x")),
            ("d.zz.yy | default('x')", json!("x")),
            ("l[10] | default('x')", json!("x")),
        ]);
    }
}
