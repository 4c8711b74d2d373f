use rplay_syntax::{Data, Node};

use super::fail;
use super::yaml_canonical::dump_canonical;
use super::yaml_dump::{Layout, dump};
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::Dict;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("to_yaml", "a * **", |_, given| to_yaml(given, 2, None)).takes_unknown(),
    builtin("to_nice_yaml", "a indent= * **", to_nice_yaml).takes_unknown(),
    builtin("from_yaml", "data", from_yaml),
    builtin("from_yaml_all", "data", from_yaml_all),
];

fn to_nice_yaml(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    to_yaml(given, given.size(1, 4)?, Some(false))
}

fn to_yaml(given: &Given, indent: usize, flow: Option<bool>) -> Evaluated {
    let known = [
        "indent",
        "width",
        "default_flow_style",
        "sort_keys",
        "explicit_start",
        "explicit_end",
        "canonical",
        "default_style",
        "allow_unicode",
        "line_break",
        "vault_behavior",
        "dump_vault_tags",
    ];
    if let Some((name, _)) = given.named.iter().find(|(name, _)| !known.contains(&&**name)) {
        return fail(format!("dump_all() got an unexpected keyword argument '{name}'"));
    }
    let size = |name: &str, default: usize| {
        given
            .option(name)
            .and_then(Value::as_i64)
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(default)
    };
    let on = |name: &str, default: bool| given.option(name).map_or(default, Value::is_truthy);
    let indent = size("indent", indent);
    let indent = if (2..10).contains(&indent) { indent } else { 2 };
    let width = size("width", 80);
    let layout = Layout {
        indent,
        width: if width > indent * 2 { width } else { 80 },
        flow: given.option("default_flow_style").map_or(flow, Value::as_bool),
        sort_keys: on("sort_keys", true),
        explicit_start: on("explicit_start", false),
        explicit_end: on("explicit_end", false),
        default_style: given.option("default_style").and_then(|style| style.text().chars().next()),
    };
    if on("canonical", false) {
        return dump_canonical(given.value(0), &layout).map(Value::from);
    }
    dump(given.value(0), &layout).map(Value::from)
}

fn from_yaml(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if let Some(text) = value.as_str() {
        return parse(text);
    }
    if !value.is_none() {
        let kind = value.type_name();
        cx.deprecate(format!("The from_yaml filter ignored non-string input of type '{kind}'."));
    }
    Ok(value.clone())
}

/// Reads a YAML document; what it holds is data, never a template.
pub(crate) fn parse(text: &str) -> Evaluated {
    let parsed = rplay_syntax::parse("<unicode string>", text);
    let parsed = parsed.map_err(|fault| TemplateError::runtime(fault.message))?;
    Ok(plain(&parsed.node))
}

fn from_yaml_all(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if value.is_none() {
        return Ok(Value::list(Vec::new()));
    }
    let Some(text) = value.as_str() else { return Ok(value.clone()) };
    let parsed = rplay_syntax::parse_all("<unicode string>", text);
    let parsed = parsed.map_err(|fault| TemplateError::runtime(fault.message))?;
    Ok(parsed.iter().map(|document| plain(&document.node)).collect())
}

fn plain(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::NONE,
        Data::Bool(yes) => (*yes).into(),
        Data::Int(number) => (*number).into(),
        Data::BigInt(digits) => digits.parse::<i128>().map_or_else(|_| Value::from(&**digits), Value::from),
        Data::Float(number) => (*number).into(),
        Data::Text(text) => Value::from(&*text.text),
        Data::Seq(items) => items.iter().map(plain).collect(),
        Data::Map(mapping) => {
            let entries = mapping.entries.iter().map(|(key, value)| (plain(key), plain(value)));
            entries.collect::<Dict>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn yaml_is_read_as_version_1_1() {
        give(&[
            ("'{a: 1, b: [x, yes]}' | from_yaml", json!({"a": 1, "b": ["x", true]})),
            ("'' | from_yaml", json!(null)),
            ("none | from_yaml", json!(null)),
            ("'[1, 0x1f, 1_000, 1.5, ~, on]' | from_yaml", json!([1, 31, 1000, 1.5, null, true])),
            ("'1' | from_yaml_all", json!([1])),
        ]);
    }
}
