//! A node as a JSON value that says all that `PyYAML`'s node says: place, kind and value.

use rplay_syntax::{Data, Node, Origin};
use serde_json::{Value, json};

/// Returns `[line, column, kind, value]`; elements and entries are such values again.
pub(crate) fn written(node: &Node) -> Value {
    let (kind, value) = match &node.data {
        Data::Null => ("null", Value::Null),
        Data::Bool(value) => ("bool", json!(value)),
        Data::Int(value) => ("int", json!(value.to_string())),
        Data::BigInt(digits) => ("int", json!(digits.as_ref())),
        Data::Float(value) => ("float", json!(format!("{:016x}", value.to_bits()))),
        Data::Text(text) => {
            let kind = match text.origin {
                Origin::Template => "text",
                Origin::Unsafe => "unsafe",
                Origin::Vault => "vault",
            };
            (kind, json!(text.text.as_ref()))
        }
        Data::Seq(items) => ("seq", items.iter().map(written).collect()),
        Data::Map(mapping) => {
            ("map", mapping.iter().map(|(key, value)| json!([written(key), written(value)])).collect())
        }
    };
    json!([node.span.line, node.span.column, kind, value])
}
