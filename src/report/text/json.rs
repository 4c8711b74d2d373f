use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::float;

/// How `json.dumps` is called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// `None` for one line.
    pub(crate) indent: Option<usize>,
    /// Whether everything beyond ASCII is escaped.
    pub(crate) ascii: bool,
}

/// Returns the value as `json.dumps(.., sort_keys=True)` of Python writes it.
pub(crate) fn json(value: &Value, layout: Layout) -> String {
    let mut out = String::new();
    write_value(&mut out, value, layout, 0);
    out
}

fn write_value(out: &mut String, value: &Value, layout: Layout, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => out.push_str(&float(number)),
            None => write_plain(out, number),
        },
        Value::String(text) => write_text(out, text, layout.ascii),
        Value::Array(items) => write_array(out, items, layout, depth),
        Value::Object(fields) => write_object(out, fields, layout, depth),
    }
}

fn write_plain(out: &mut String, number: &serde_json::Number) {
    write!(out, "{number}").expect("a String takes every text");
}

fn write_array(out: &mut String, items: &[Value], layout: Layout, depth: usize) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        separate(out, layout, depth + 1, index > 0);
        write_value(out, item, layout, depth + 1);
    }
    if !items.is_empty() {
        close(out, layout, depth);
    }
    out.push(']');
}

fn write_object(out: &mut String, fields: &Map<String, Value>, layout: Layout, depth: usize) {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_str());
    out.push('{');
    for (index, (key, field)) in sorted.into_iter().enumerate() {
        separate(out, layout, depth + 1, index > 0);
        write_text(out, key, layout.ascii);
        out.push_str(": ");
        write_value(out, field, layout, depth + 1);
    }
    if !fields.is_empty() {
        close(out, layout, depth);
    }
    out.push('}');
}

fn separate(out: &mut String, layout: Layout, depth: usize, comma: bool) {
    match layout.indent {
        Some(indent) => {
            out.push_str(if comma { ",\n" } else { "\n" });
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
        None if comma => out.push_str(", "),
        None => {}
    }
}

fn close(out: &mut String, layout: Layout, depth: usize) {
    if let Some(indent) = layout.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    }
}

fn write_text(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            char if char < ' ' || (ascii && !(' '..='~').contains(&char)) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a String takes every text");
                }
            }
            char => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn one_line_has_sorted_keys_and_spaces_after_separators() {
        let written =
            json(&value!({"b": [1, true, null], "a": {"x": 1.0, "Z": {}, "e": []}}), Layout::default());
        assert_eq!(written, r#"{"a": {"Z": {}, "e": [], "x": 1.0}, "b": [1, true, null]}"#);
    }

    #[test]
    fn indented_containers_stand_on_their_own_lines_unless_they_are_empty() {
        let written = json(&value!({"a": [1, {}], "b": []}), Layout { indent: Some(4), ascii: false });
        assert_eq!(written, "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": []\n}");
    }

    #[test]
    fn only_quotes_backslashes_and_controls_are_escaped() {
        let written = json(&value!("é\u{1f600}\"\\\n\t\u{1b}\u{7f}/"), Layout::default());
        assert_eq!(written, "\"é\u{1f600}\\\"\\\\\\n\\t\\u001b\u{7f}/\"");
    }

    #[test]
    fn ascii_escapes_what_lies_beyond_in_utf16_units() {
        let written = json(&value!("é\u{1f600}\u{7f}"), Layout { indent: None, ascii: true });
        assert_eq!(written, r#""\u00e9\ud83d\ude00\u007f""#);
    }
}
