//! Python's spelling of values, which users see in Ansible's messages and get where a text is wanted.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Returns the type's name as Ansible's messages have it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Returns what `str(value)` gives.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// Returns what `repr(value)` gives.
pub(super) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_repr(number),
        Value::String(text) => text_repr(text),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{}: {}", text_repr(key), repr(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Rust and Python switch to exponents at the same sizes, and differ in how they write them.
fn number_repr(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let text = format!("{float:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => out.extend(['\\', character]),
            _ if character.is_ascii_control() => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out
}

/// Reads a Python literal (`{'a': [1, None]}`), as texts have it that came out of a template; `None` when it is none.
pub(super) fn literal(text: &str) -> Option<Value> {
    let mut rest = Literal(text.trim());
    let value = rest.value(0)?;
    rest.space().is_empty().then_some(value)
}

/// What is left to read.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// Deeper literals than anyone writes are refused rather than read on the stack.
    const DEEPEST: usize = 64;

    fn space(&mut self) -> &'a str {
        self.0 = self.0.trim_start();
        self.0
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.space().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > Self::DEEPEST {
            return None;
        }
        match self.space().chars().next()? {
            '{' => self.mapping(depth),
            '[' => self.items("[", "]", depth),
            '(' => self.items("(", ")", depth),
            '\'' | '"' => self.quoted().map(Value::from),
            _ => self.word(),
        }
    }

    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<Value> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.value(depth + 1)?);
            if !self.eat(",") && !self.space().starts_with(close) {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    fn mapping(&mut self, depth: usize) -> Option<Value> {
        self.eat("{");
        let mut fields = Map::new();
        while !self.eat("}") {
            let key = self.value(depth + 1)?;
            if !self.eat(":") {
                return None;
            }
            fields.insert(self::text(&key), self.value(depth + 1)?);
            if !self.eat(",") && !self.space().starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(fields))
    }

    fn quoted(&mut self) -> Option<String> {
        let mut characters = self.0.chars();
        let quote = characters.next()?;
        let mut out = String::new();
        loop {
            match characters.next()? {
                '\\' => out.push(match characters.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other @ ('\\' | '\'' | '"') => other,
                    _ => return None,
                }),
                end if end == quote => break,
                other => out.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(out)
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.0.find(|c: char| !(c.is_alphanumeric() || "+-._".contains(c))).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        match word {
            "True" => Some(Value::from(true)),
            "False" => Some(Value::from(false)),
            "None" => Some(Value::Null),
            _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                serde_json::from_str(word).ok()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_spelled_as_python_spells_them() {
        let value =
            json!({ "a": 1, "b": [true, null, "x'y", "it's \"so\"", "\n"], "c": [1e16, 0.1, 1e-5, 30.0] });
        assert_eq!(
            text(&value),
            r#"{'a': 1, 'b': [True, None, "x'y", 'it\'s "so"', '\n'], 'c': [1e+16, 0.1, 1e-05, 30.0]}"#
        );
        assert_eq!(text(&json!("it's")), "it's");
    }

    #[test]
    fn a_literal_is_read_back() {
        assert_eq!(
            literal("{'a': [1, 2.5, (True, None,)], \"b\": 'x\\'y'}"),
            Some(json!({ "a": [1, 2.5, [true, null]], "b": "x'y" }))
        );
        assert_eq!(literal("{'a': open('x')}"), None);
        assert_eq!(literal("{'a' 1}"), None);
        assert_eq!(literal(&"[".repeat(100_000)), None);
    }
}
