//! From the values of a template's parts to one value, and from values in use to finished ones.

use rplay_syntax::Data;

use super::{Cx, Evaluated};
use crate::object::Object;
use crate::value::{Dict, Repr};
use crate::{ErrorKind, TemplateError, Value};

impl Cx<'_> {
    /// Joins what a template printed: a single value keeps its type, several become a text.
    pub(crate) fn join(&self, mut parts: Vec<Value>) -> Value {
        parts.retain(|part| !part.is_none());
        if parts.len() < 2 {
            return parts.pop().unwrap_or_default();
        }
        parts.retain(|part| !part.is_omit());
        let mut out = String::new();
        for part in &parts {
            match self.printed(part) {
                Ok(text) => out.push_str(&text),
                Err(error) => return Value::error(error),
            }
        }
        out.into()
    }

    /// Returns the text of a value inside of a longer one.
    pub(crate) fn printed(&self, value: &Value) -> Result<String, TemplateError> {
        match &value.0 {
            Repr::Str(text) => Ok(text.to_string()),
            Repr::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            Repr::List(_) | Repr::Tuple(_) | Repr::Dict(_) | Repr::Lazy(_) => Ok(self.settle(value)?.text()),
            Repr::Undefined(error) => self.state.stand_in(error),
            Repr::Object(object) => match &**object {
                Object::Module(module) => self.printed(&module.body),
                Object::Scope(_) => Ok(self.finish(value)?.text()),
                _ => Ok(value.text()),
            },
            _ => Ok(value.text()),
        }
    }

    /// Finishes a value inside of others: renders what is left, drops what is omitted, makes lists of tuples.
    fn settle(&self, value: &Value) -> Evaluated {
        self.state.check_stack()?;
        match &value.0 {
            Repr::Lazy(_) => self.settle(&self.forced_once(value)),
            Repr::List(items) | Repr::Tuple(items) => {
                let kept = items.iter().filter(|item| !item.is_omit());
                kept.map(|item| self.settle(item)).collect::<Result<Vec<_>, _>>().map(Value::list)
            }
            Repr::Dict(dict) => {
                let mut settled = Dict::with_capacity(dict.len());
                for (key, value) in dict.iter() {
                    if !value.is_omit() {
                        settled.insert(key.clone(), self.settle(value)?);
                    }
                }
                Ok(settled.into())
            }
            Repr::Undefined(error) => self.state.stand_in(error).map(Value::from),
            _ => Ok(value.clone()),
        }
    }

    /// Finishes a whole value; what has no place in a variable is an error.
    pub(crate) fn finish(&self, value: &Value) -> Evaluated {
        if value.is_omit() {
            let help = "Callers must be prepared to handle this value. This is most likely a bug in the code requesting templating.";
            let error = TemplateError::new(ErrorKind::Omitted, "A template was resolved to an Omit scalar.");
            return Err(error.help(Some(help.to_owned())));
        }
        let settled = self.settle(value)?;
        self.storable(settled)
    }

    fn storable(&self, value: Value) -> Evaluated {
        match &value.0 {
            Repr::Object(object) => match &**object {
                Object::Date(_) => Ok(value),
                Object::Scope(scope) => {
                    let mut dict = Dict::new();
                    for name in scope.names() {
                        let inner = self.scoped(scope, &name).unwrap_or_default();
                        if !inner.is_omit() {
                            dict.insert(name.into(), self.finish(&inner)?);
                        }
                    }
                    Ok(dict.into())
                }
                Object::Module(module) => self.finish(&module.body),
                other => Err(TemplateError::runtime(format!(
                    "Type {} is unsupported for variable storage.",
                    Value::from(other.type_name()).repr()
                ))
                .about(&value)),
            },
            Repr::List(items) if items.iter().any(holds_object) => items
                .iter()
                .map(|item| self.storable(item.clone()))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::list),
            Repr::Dict(dict) if dict.values().any(holds_object) => {
                let entries =
                    dict.iter().map(|(key, value)| Ok((key.clone(), self.storable(value.clone())?)));
                entries.collect::<Result<Dict, TemplateError>>().map(Value::from)
            }
            _ => Ok(value),
        }
    }

    /// Returns the value with everything in it rendered; errors stay in it as values.
    pub(crate) fn forced(&self, value: &Value) -> Value {
        if let Err(error) = self.state.check_stack() {
            return Value::error(error);
        }
        if !holds_lazy(value) {
            return value.clone();
        }
        match &value.0 {
            Repr::Lazy(_) => self.forced(&self.forced_once(value)),
            Repr::List(items) => items.iter().map(|item| self.forced(item)).collect(),
            Repr::Tuple(items) => Value::tuple(items.iter().map(|item| self.forced(item)).collect()),
            Repr::Dict(dict) => {
                dict.iter().map(|(key, value)| (key.clone(), self.forced(value))).collect::<Dict>().into()
            }
            _ => value.clone(),
        }
    }

    /// Returns a list or mapping whose own elements are rendered, though not what is in them.
    pub(crate) fn forced_once(&self, value: &Value) -> Value {
        let Repr::Lazy(lazy) = &value.0 else { return value.clone() };
        let children = (0..lazy.len()).map(|index| self.child(lazy, index));
        match &lazy.node.data {
            Data::Map(mapping) => {
                let keys = mapping.entries.iter().map(|(key, _)| self.key(&key.data));
                keys.zip(children).collect::<Dict>().into()
            }
            _ => children.collect(),
        }
    }

    /// Returns a key as it is written: keys are no templates.
    pub(crate) fn key(&self, data: &Data) -> Value {
        match data {
            Data::Text(text) => Value::from(&*text.text),
            data => self.scalar(data).unwrap_or_default(),
        }
    }
}

/// Returns the first error anywhere in the value.
pub(crate) fn first_error(value: &Value) -> Option<&TemplateError> {
    match &value.0 {
        Repr::Undefined(error) => Some(error),
        Repr::List(items) | Repr::Tuple(items) => items.iter().find_map(first_error),
        Repr::Dict(dict) => dict.values().find_map(first_error),
        _ => None,
    }
}

fn holds_lazy(value: &Value) -> bool {
    match &value.0 {
        Repr::Lazy(_) => true,
        Repr::List(items) | Repr::Tuple(items) => items.iter().any(holds_lazy),
        Repr::Dict(dict) => dict.values().any(holds_lazy),
        _ => false,
    }
}

fn holds_object(value: &Value) -> bool {
    match &value.0 {
        Repr::Object(_) => true,
        Repr::List(items) | Repr::Tuple(items) => items.iter().any(holds_object),
        Repr::Dict(dict) => dict.values().any(holds_object),
        _ => false,
    }
}
