//! The options of a lookup: given by name, or as `key=value` words in a term, each read as its type.

use std::sync::Arc;

use super::Given;
use crate::value::{Repr, float_to_int, parse_float, parse_int};
use crate::{TemplateError, Value};

/// The options of one lookup, of which only the known ones count.
#[derive(Clone)]
pub(super) struct Options {
    plugin: &'static str,
    names: &'static [&'static str],
    given: Vec<(Arc<str>, Value)>,
}

impl Options {
    pub(super) fn new(plugin: &'static str, names: &'static [&'static str], given: &Given) -> Self {
        let known = |(name, _): &&(Arc<str>, Value)| names.contains(&&**name);
        Self { plugin, names, given: given.options.iter().filter(known).cloned().collect() }
    }

    /// Sets what a term says; false where the lookup has no such option.
    pub(super) fn set(&mut self, name: &str, value: &str) -> bool {
        let known = self.names.contains(&name);
        if known {
            self.put(name, value.into());
        }
        known
    }

    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.given.retain(|(known, _)| &**known != name);
        self.given.push((name.into(), value));
    }

    /// Returns an option that was given and is not none.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let found = self.given.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value).filter(|value| !value.is_none())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(Value::text)
    }

    /// Returns a truth as Ansible reads it: what is neither yes nor no is no.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.value(name).map_or(default, boolean)
    }

    pub(super) fn int(&self, name: &str, default: i128) -> Result<i128, TemplateError> {
        self.whole(name, "int").map(|number| number.unwrap_or(default))
    }

    /// Reads a whole number, of the kind that the plugin's documentation calls it.
    pub(super) fn whole(&self, name: &str, kind: &str) -> Result<Option<i128>, TemplateError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let whole = |number: f64| float_to_int(number);
        match &value.0 {
            Repr::Str(text) => parse_int(text, 10).or_else(|| parse_float(text).and_then(whole)),
            Repr::Float(number) => whole(*number),
            _ => value.as_int(),
        }
        .map(Some)
        .ok_or_else(|| self.invalid(name, kind, value))
    }

    pub(super) fn invalid(&self, name: &str, kind: &str, value: &Value) -> TemplateError {
        TemplateError::runtime(format!(
            "Config '{name}' for '{}' lookup plugin from 'Direct' has an invalid value: Invalid value provided for '{kind}': {}",
            self.plugin,
            value.repr()
        ))
    }
}

/// Returns Ansible's truth of a value.
pub(super) fn boolean(value: &Value) -> bool {
    match &value.0 {
        Repr::Str(text) => {
            matches!(text.to_lowercase().trim(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0")
        }
        Repr::Bool(yes) => *yes,
        _ => *value == Value::from(1_i64),
    }
}
