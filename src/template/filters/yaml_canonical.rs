//! YAML as `canonical=true` asks for it: every node with its tag, all scalars quoted, all collections in brackets.

use super::yaml_dump::{Layout, escape};
use crate::value::{Repr, float_repr};
use crate::{TemplateError, Value};

/// Writes a value as a document of its own.
pub(super) fn dump_canonical(value: &Value, layout: &Layout) -> Result<String, TemplateError> {
    let mut out = String::from("---\n");
    node(value, layout, 0, &mut out)?;
    out.push('\n');
    Ok(out)
}

fn node(value: &Value, layout: &Layout, depth: usize, out: &mut String) -> Result<(), TemplateError> {
    let indent = |depth: usize| format!("\n{}", " ".repeat(depth * layout.indent));
    match &value.0 {
        Repr::List(items) | Repr::Tuple(items) => {
            out.push_str("!!seq [");
            for item in items.iter() {
                out.push_str(&indent(depth + 1));
                node(item, layout, depth + 1, out)?;
                out.push(',');
            }
            if !items.is_empty() {
                out.push_str(&indent(depth));
            }
            out.push(']');
        }
        Repr::Dict(dict) => {
            let mut entries: Vec<(&Value, &Value)> = dict.iter().collect();
            if layout.sort_keys {
                entries.sort_by_cached_key(|(key, _)| key.text());
            }
            out.push_str("!!map {");
            for (key, item) in &entries {
                out.push_str(&indent(depth + 1));
                out.push_str("? ");
                node(key, layout, depth + 1, out)?;
                out.push_str(&indent(depth + 1));
                out.push_str(": ");
                node(item, layout, depth + 1, out)?;
                out.push(',');
            }
            if !entries.is_empty() {
                out.push_str(&indent(depth));
            }
            out.push('}');
        }
        _ => scalar(value, out)?,
    }
    Ok(())
}

fn scalar(value: &Value, out: &mut String) -> Result<(), TemplateError> {
    let (tag, text) = match &value.0 {
        Repr::None => ("null", "null".to_owned()),
        Repr::Bool(yes) => ("bool", yes.to_string()),
        Repr::Int(_) | Repr::Big(_) => ("int", value.text()),
        Repr::Float(number) => ("float", float_repr(*number)),
        Repr::Str(text) => ("str", text.to_string()),
        _ => {
            let message = format!("('cannot represent an object', {})", value.repr());
            return Err(TemplateError::runtime(message));
        }
    };
    out.push_str("!!");
    out.push_str(tag);
    out.push_str(" \"");
    out.extend(text.chars().map(escape));
    out.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn each_node_has_its_tag() {
        give(&[
            ("'thing' | to_yaml(canonical=true)", json!("---\n!!str \"thing\"\n")),
            (
                "{'b': [1, none], 'a': {}} | to_yaml(canonical=true)",
                json!(concat!(
                    "---\n!!map {\n  ? !!str \"a\"\n  : !!map {},\n  ? !!str \"b\"\n",
                    "  : !!seq [\n    !!int \"1\",\n    !!null \"null\",\n  ],\n}\n"
                )),
            ),
        ]);
    }
}
