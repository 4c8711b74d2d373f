use std::fmt::Write as _;

use serde_json::Value;

/// Returns a loop item's label: `str()` of the value in Python.
pub(crate) fn label(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => {
            number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), float)
        }
        Value::String(text) => repr_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, field)| format!("{}: {}", repr_text(key), repr(field))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            char if char == quote => out.extend(['\\', char]),
            char if printable(char) => out.push(char),
            char => write_escape(&mut out, char),
        }
    }
    out.push(quote);
    out
}

fn write_escape(out: &mut String, char: char) {
    let code = u32::from(char);
    let written = match code {
        ..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
    written.expect("a String takes every text");
}

/// `str.isprintable`: all but controls, formats, private use and every space that is not the plain one.
fn printable(char: char) -> bool {
    !(char.is_control()
        || (char.is_whitespace() && char != ' ')
        || matches!(char,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}' | '\u{f0000}'..))
}

/// Returns a float as Python's `repr` writes it: the shortest digits that give the same number back.
pub(crate) fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let power: i32 = exponent.parse().expect("Rust writes a float's exponent as an integer");
    if (-4..16).contains(&power) {
        return format!("{number:?}");
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_its_own_label_and_anything_else_is_python() {
        assert_eq!(label(&json!("it's")), "it's");
        assert_eq!(label(&json!(null)), "None");
        assert_eq!(
            label(&json!({"a": [true, 1.0, "d'e", "q\"'", "n\n\u{1b}\u{a0}é"]})),
            "{'a': [True, 1.0, \"d'e\", 'q\"\\'', 'n\\n\\x1b\\xa0é']}"
        );
    }

    #[test]
    fn floats_change_to_exponents_where_python_changes() {
        let written: Vec<String> =
            [1.0, -0.5, 1e15, 1e16, 1.5e300, 0.0001, 0.000_012_5, 123_456.789].map(float).into();
        assert_eq!(
            written,
            ["1.0", "-0.5", "1000000000000000.0", "1e+16", "1.5e+300", "0.0001", "1.25e-05", "123456.789"]
        );
    }
}
