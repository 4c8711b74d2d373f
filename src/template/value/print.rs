//! Values as Python's `str` and `repr` print them.

use std::fmt::Write as _;

use super::{Repr, Value, float_repr};
use crate::marker;

impl Value {
    /// Returns Python's `str` of it: what stands in a text that it is put into.
    pub fn text(&self) -> String {
        match &self.0 {
            Repr::Str(text) => text.to_string(),
            Repr::Unknown(label) => marker::mark(label),
            Repr::Object(object) => object.text(),
            _ => self.repr(),
        }
    }

    /// Returns Python's `repr` of it.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out);
        out
    }

    fn write_repr(&self, out: &mut String) {
        match &self.0 {
            Repr::None => out.push_str("None"),
            Repr::Bool(yes) => out.push_str(if *yes { "True" } else { "False" }),
            Repr::Int(number) => _ = write!(out, "{number}"),
            Repr::Big(number) => _ = write!(out, "{number}"),
            Repr::Float(number) => out.push_str(&float_repr(*number)),
            Repr::Str(text) => write_text_repr(text, out),
            Repr::Bytes(bytes) => write_bytes_repr(bytes, out),
            Repr::List(items) => write_items(out, '[', items, ']'),
            Repr::Tuple(items) => {
                write_items(out, '(', items, ')');
                if items.len() == 1 {
                    out.insert(out.len() - 1, ',');
                }
            }
            Repr::Dict(dict) => {
                out.push('{');
                for (at, (key, value)) in dict.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    key.write_repr(out);
                    out.push_str(": ");
                    value.write_repr(out);
                }
                out.push('}');
            }
            Repr::Lazy(lazy) => out.push_str(&lazy.repr()),
            Repr::Object(object) => out.push_str(&object.repr()),
            Repr::Omit => out.push_str("<<Omit>>"),
            Repr::Unknown(label) => write_text_repr(&marker::mark(label), out),
            Repr::Undefined(_) => out.push_str("Undefined"),
        }
    }
}

fn write_items(out: &mut String, open: char, items: &[Value], close: char) {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        item.write_repr(out);
    }
    out.push(close);
}

fn write_text_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ if is_printable(c) => out.push(c),
            _ => write_escaped(u32::from(c), out),
        }
    }
    out.push(quote);
}

fn write_escaped(code: u32, out: &mut String) {
    _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// What Python prints as it is; the marker's character is let through, so that a marker stays one.
fn is_printable(c: char) -> bool {
    match c {
        ' ' | '\u{f8ff}' => true,
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e000}'..='\u{f8fe}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{10ffff}' => false,
        _ => !c.is_control() && !c.is_whitespace(),
    }
}

fn write_bytes_repr(bytes: &[u8], out: &mut String) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.push('b');
    out.push(char::from(quote));
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ if *byte == quote => out.extend(['\\', char::from(quote)]),
            0x20..=0x7e => out.push(char::from(*byte)),
            _ => _ = write!(out, "\\x{byte:02x}"),
        }
    }
    out.push(char::from(quote));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_print_as_python_prints_them() {
        let value = Value::from_json(json!({"a": [1, 2.0, null, true], "b": "it's", "c": "q\"'\n"}));
        assert_eq!(value.text(), r#"{'a': [1, 2.0, None, True], 'b': "it's", 'c': 'q"\'\n'}"#);
        assert_eq!(Value::tuple(vec![1_i64.into()]).text(), "(1,)");
        assert_eq!(Value::from("\u{1}é\u{a0}").repr(), "'\\x01é\\xa0'");
    }
}
