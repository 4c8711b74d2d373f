//! Values and differences as Python writes them: what Ansible prints is what these four make of a value.

mod json;
mod repr;
mod unified;
mod yaml;

use serde_json::{Map, Value};

pub(crate) use json::{Layout, json};
pub(crate) use repr::{float, label};
pub(crate) use unified::unified;
pub(crate) use yaml::yaml;

/// Returns a value as Python's `str()` writes it: a text as it is, all else as a literal.
pub fn as_python(value: &Value) -> String {
    label(value)
}

/// Returns a mapping as YAML, its keys sorted.
pub fn as_yaml(fields: &Map<String, Value>) -> String {
    yaml(fields, 2, false)
}
