use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

/// Returns TOML as Python's `tomli_w` writes it. Nothing in TOML says null: such variables are left out.
pub(super) fn text(value: &Json) -> String {
    let mut out = String::new();
    if let Json::Object(fields) = value {
        table(fields, "", &mut out);
    }
    out
}

fn table(fields: &Map<String, Json>, path: &str, out: &mut String) {
    let (tables, values): (Vec<_>, Vec<_>) =
        fields.iter().filter(|(_, value)| !value.is_null()).partition(|(_, value)| value.is_object());
    if !path.is_empty() && (!values.is_empty() || tables.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "[{path}]");
    }
    for (name, value) in values {
        let _ = writeln!(out, "{} = {}", key(name), literal(value, 0));
    }
    for (name, value) in tables {
        let path = if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) };
        if let Json::Object(fields) = value {
            table(fields, &path, out);
        }
    }
}

fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    if bare { name.to_owned() } else { quoted(name) }
}

fn literal(value: &Json, depth: usize) -> String {
    match value {
        Json::String(text) => quoted(text),
        Json::Array(items) if items.is_empty() => "[]".to_owned(),
        Json::Array(items) => {
            let inner = "    ".repeat(depth + 1);
            let mut lines = String::new();
            for item in items {
                let _ = writeln!(lines, "{inner}{},", literal(item, depth + 1));
            }
            format!("[\n{lines}{}]", "    ".repeat(depth))
        }
        Json::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Json::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), literal(value, depth)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::Null => quoted(""),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push('\t'),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_come_after_values_and_an_empty_one_has_its_heading() {
        let shown = json!({
            "all": {"vars": {"x": "a\"b"}},
            "web": {"children": ["sub"], "hosts": {"a.b": {}, "c": {"n": 1, "m": {"k": true}}}},
        });
        assert_eq!(
            text(&shown),
            "[all.vars]\nx = \"a\\\"b\"\n\n[web]\nchildren = [\n    \"sub\",\n]\n\n[web.hosts.\"a.b\"]\n\n[web.hosts.c]\nn = 1\n\n\
             [web.hosts.c.m]\nk = true\n"
        );
    }
}
