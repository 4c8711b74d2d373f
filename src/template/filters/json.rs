//! JSON as Python's `json` writes and reads it.

use std::fmt::Write as _;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::object::Object;
use crate::value::{Dict, Repr, float_repr};
use crate::{TemplateError, Value, marker, methods};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("to_json", "a profile= **", to_json).takes_unknown(),
    builtin("to_nice_json", "a indent= sort_keys= **", to_nice_json).takes_unknown(),
    builtin("from_json", "a profile= **", from_json),
    builtin("tojson", "value indent=", tojson).takes_unknown(),
];

/// How JSON is laid out.
#[derive(Clone, Debug)]
pub(super) struct Style {
    pub(super) indent: Option<String>,
    pub(super) between: String,
    pub(super) after_key: String,
    pub(super) sort_keys: bool,
    pub(super) ascii: bool,
    /// Python's own types and no more, and keys in Python's order.
    of_python: bool,
}

impl Style {
    fn plain() -> Self {
        Self {
            indent: None,
            between: ", ".into(),
            after_key: ": ".into(),
            sort_keys: false,
            ascii: true,
            of_python: false,
        }
    }

    fn from(given: &Given, indent: Option<&Value>) -> Result<Self, TemplateError> {
        let mut style = Self::plain();
        if let Some(indent) = indent {
            style.indent = indention(indent, given.value(0).is_text())?;
            style.between = ",".into();
        }
        if let Some([between, after_key]) = given.option("separators").and_then(Value::as_items) {
            (style.between, style.after_key) = (between.text(), after_key.text());
        }
        style.sort_keys = given.option("sort_keys").is_some_and(Value::is_truthy);
        style.ascii = given.option("ensure_ascii").is_none_or(Value::is_truthy);
        Ok(style)
    }
}

/// Returns what Python indents by; it does not look at it for a text.
fn indention(indent: &Value, for_text: bool) -> Result<Option<String>, TemplateError> {
    if let Some(width) = indent.as_int() {
        return Ok(Some(" ".repeat(usize::try_from(width).unwrap_or(0))));
    }
    if for_text || indent.is_text() {
        return Ok(Some(indent.text()));
    }
    if indent.is_sequence() {
        return fail("'str' object cannot be interpreted as an integer");
    }
    fail(format!("can't multiply sequence by non-int of type '{}'", indent.type_name()))
}

fn check(given: &Given) -> Result<(), TemplateError> {
    let known = [
        "indent",
        "sort_keys",
        "ensure_ascii",
        "separators",
        "skipkeys",
        "allow_nan",
        "check_circular",
        "vault_to_text",
        "preprocess_unsafe",
        "default",
    ];
    match given.named.iter().find(|(name, _)| !known.contains(&&**name)) {
        Some((name, _)) => {
            fail(format!("JSONEncoder.__init__() got an unexpected keyword argument '{name}'"))
        }
        None => Ok(()),
    }
}

fn to_json(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    check(given)?;
    let indent = given.option("indent").filter(|indent| !indent.is_none());
    dumps(given.value(0), &Style::from(given, indent)?).map(Value::from)
}

fn to_nice_json(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    check(given)?;
    let four = Value::from(4_i64);
    let style = Style {
        sort_keys: given.flag(2, true),
        between: ",".into(),
        after_key: ": ".into(),
        ..Style::from(given, Some(given.given(1).unwrap_or(&four)).filter(|indent| !indent.is_none()))?
    };
    dumps(given.value(0), &style).map(Value::from)
}

/// Jinja2's own, safe to stand in HTML.
fn tojson(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let style = Style { sort_keys: true, of_python: true, ..Style::from(given, given.some(1))? };
    let json = dumps(given.value(0), &style)?;
    let safe = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027")];
    let unmarked = !marker::is_marked(&json);
    Ok(safe.iter().filter(|_| unmarked).fold(json, |json, (c, code)| json.replace(c, code)).into())
}

pub(super) fn dumps(value: &Value, style: &Style) -> Result<String, TemplateError> {
    let mut out = String::new();
    write(value, style, 0, &mut out)?;
    Ok(out)
}

fn write(value: &Value, style: &Style, depth: usize, out: &mut String) -> Result<(), TemplateError> {
    match &value.0 {
        Repr::None => out.push_str("null"),
        Repr::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Repr::Int(number) => _ = write!(out, "{number}"),
        Repr::Big(number) => _ = write!(out, "{number}"),
        Repr::Float(number) => out.push_str(&float(*number)),
        Repr::Str(text) => write_text(text, style.ascii, out),
        Repr::Unknown(label) => write_text(&marker::mark(label), style.ascii, out),
        Repr::Bytes(_) if !style.of_python => {
            return fail("Object of type 'bytes' is not JSON serializable by the 'tagless' profile.");
        }
        Repr::List(items) | Repr::Tuple(items) => {
            write_all(out, style, depth, ['[', ']'], items.len(), |at, out| {
                items.get(at).map_or(Ok(()), |item| write(item, style, depth + 1, out))
            })?;
        }
        Repr::Dict(dict) => write_dict(dict, style, depth, out)?,
        Repr::Object(object) => match &**object {
            Object::Date(date) if !style.of_python => write_text(&methods::iso_date(date), style.ascii, out),
            _ => return unserializable(value),
        },
        _ => return unserializable(value),
    }
    Ok(())
}

fn unserializable<T>(value: &Value) -> Result<T, TemplateError> {
    fail(format!("Object of type {} is not JSON serializable", value.type_name()))
}

fn float(number: f64) -> String {
    match float_repr(number).as_str() {
        "nan" => "NaN".into(),
        "inf" => "Infinity".into(),
        "-inf" => "-Infinity".into(),
        text => text.to_owned(),
    }
}

fn write_dict(dict: &Dict, style: &Style, depth: usize, out: &mut String) -> Result<(), TemplateError> {
    let mut entries: Vec<(&Value, &Value)> = dict.iter().collect();
    if style.sort_keys {
        if style.of_python {
            let mut keys: Vec<Value> = dict.keys().cloned().collect();
            methods::sort(&mut keys, false, Value::clone)?;
            entries = keys.iter().filter_map(|key| dict.get_key_value(key)).collect();
        } else {
            // Ansible has made texts of the keys before Python sorts them.
            entries.sort_by_cached_key(|(key, _)| key.json_key());
        }
    }
    write_all(out, style, depth, ['{', '}'], entries.len(), |at, out| {
        let Some((key, value)) = entries.get(at) else { return Ok(()) };
        if matches!(key.0, Repr::Tuple(_) | Repr::Bytes(_)) {
            return fail(format!("keys must be str, int, float, bool or None, not {}", key.type_name()));
        }
        write_text(&key.json_key(), style.ascii, out);
        out.push_str(&style.after_key);
        write(value, style, depth + 1, out)
    })
}

fn write_all(
    out: &mut String,
    style: &Style,
    depth: usize,
    [open, close]: [char; 2],
    count: usize,
    mut each: impl FnMut(usize, &mut String) -> Result<(), TemplateError>,
) -> Result<(), TemplateError> {
    out.push(open);
    let new_line = |out: &mut String, depth: usize| {
        if let Some(indent) = &style.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    for at in 0..count {
        if at > 0 {
            out.push_str(&style.between);
        }
        new_line(out, depth + 1);
        each(at, out)?;
    }
    if count > 0 {
        new_line(out, depth);
    }
    out.push(close);
    Ok(())
}

fn write_text(text: &str, ascii: bool, out: &mut String) {
    let keeps_marker = marker::is_marked(text);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\u{f8ff}' if keeps_marker => out.push(c),
            _ if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    _ = write!(out, "\\u{unit:04x}");
                }
            }
            '\x7f' if ascii => out.push(c),
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn from_json(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    match &value.0 {
        Repr::Str(text) => parse(text),
        Repr::Bytes(bytes) => parse(&String::from_utf8_lossy(bytes)),
        _ => fail(format!("the JSON object must be str, bytes or bytearray, not {}", value.type_name())),
    }
}

/// Reads JSON; errors are worded as Python words them.
pub(crate) fn parse(text: &str) -> Evaluated {
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() { reader.fail("Extra data", reader.at) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, message: &str, at: usize) -> Result<T, TemplateError> {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        fail(format!("{message}: line {line} column {column} (char {})", before.chars().count()))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn value(&mut self) -> Evaluated {
        match self.peek() {
            Some(b'"') => self.string().map(Value::from),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') if !self.rest().starts_with("-Infinity") => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Evaluated) -> Evaluated {
        if self.depth > 200 {
            return fail("maximum recursion depth exceeded while decoding a JSON object");
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Evaluated {
        let words: [(&str, Value); 6] = [
            ("null", Value::NONE),
            ("true", true.into()),
            ("false", false.into()),
            ("NaN", f64::NAN.into()),
            ("Infinity", f64::INFINITY.into()),
            ("-Infinity", f64::NEG_INFINITY.into()),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.fail("Expecting value", self.at)
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Evaluated {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return self.fail("Expecting value", start);
        }
        let mut is_float = false;
        let whole_end = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() > 0 { is_float = true } else { self.at = whole_end }
        }
        let before_exponent = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() > 0 { is_float = true } else { self.at = before_exponent }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if is_float {
            return text.parse::<f64>().map(Value::from).or_else(|_| self.fail("Expecting value", start));
        }
        text.parse::<i128>()
            .map(Value::from)
            .or_else(|_| fail(format!("the whole number {text} is too large")))
    }

    fn string(&mut self) -> Result<String, TemplateError> {
        let begin = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return self.fail("Unterminated string starting at", begin);
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => out.push(self.escaped(begin)?),
                _ if u32::from(c) < 0x20 => return self.fail("Invalid control character at", self.at),
                _ => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escaped(&mut self, begin: usize) -> Result<char, TemplateError> {
        let at = self.at;
        self.at += 1;
        let Some(code) = self.rest().chars().next() else {
            return self.fail("Unterminated string starting at", begin);
        };
        self.at += code.len_utf8();
        Ok(match code {
            '"' | '\\' | '/' => code,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.unit()?;
                if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.unit()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    self.at = back;
                }
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            _ => return self.fail("Invalid \\escape", at),
        })
    }

    fn unit(&mut self) -> Result<u32, TemplateError> {
        let hex = self.text.get(self.at..self.at + 4);
        match hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.fail("Invalid \\uXXXX escape", self.at),
        }
    }

    fn object(&mut self) -> Evaluated {
        self.at += 1;
        let mut dict = Dict::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(dict.into());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail("Expecting property name enclosed in double quotes", self.at);
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.fail("Expecting ':' delimiter", self.at);
            }
            self.at += 1;
            self.skip_space();
            dict.insert(key.into(), self.value()?);
            self.skip_space();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(dict.into());
                }
                Some(b',') => self.at += 1,
                _ => return self.fail("Expecting ',' delimiter", self.at),
            }
            self.skip_space();
        }
    }

    fn array(&mut self) -> Evaluated {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items.into());
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return Ok(items.into());
                }
                Some(b',') => self.at += 1,
                _ => return self.fail("Expecting ',' delimiter", self.at),
            }
            self.skip_space();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{give, refuse};
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_laid_out_as_python_does() {
        let value = Value::from_json(json!({"b": [1, 2.0, "é\u{1F600}"], "a": {}, "c": []}));
        assert_eq!(
            dumps(&value, &Style::plain()).expect("all can be written"),
            r#"{"b": [1, 2.0, "\u00e9\ud83d\ude00"], "a": {}, "c": []}"#
        );
        let nice =
            Style { indent: Some("    ".into()), between: ",".into(), sort_keys: true, ..Style::plain() };
        assert_eq!(
            dumps(&value, &nice).expect("all can be written"),
            "{\n    \"a\": {},\n    \"b\": [\n        1,\n        2.0,\n        \"\\u00e9\\ud83d\\ude00\"\n    ],\n    \"c\": []\n}"
        );
    }

    #[test]
    fn mistakes_are_worded_as_python_does() {
        for (text, message) in [
            ("x", "Expecting value: line 1 column 1 (char 0)"),
            ("{\"a\": 1,}", "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)"),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("1 1", "Extra data: line 1 column 3 (char 2)"),
            ("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)"),
        ] {
            assert_eq!(parse(text).expect_err("it is no JSON").message, message);
        }
    }

    #[test]
    fn json_filters_take_pythons_options() {
        give(&[
            ("d | to_json", json!("{\"b\": 1, \"a\": 2, \"c\": {\"d\": 3}}")),
            ("{2: 'b', 10: 'a'} | tojson", json!("{\"2\": \"b\", \"10\": \"a\"}")),
            ("d | to_json(indent=1)", json!("{\n \"b\": 1,\n \"a\": 2,\n \"c\": {\n  \"d\": 3\n }\n}")),
            (
                "d | to_json(sort_keys=true, separators=[',', ':'])",
                json!("{\"a\":2,\"b\":1,\"c\":{\"d\":3}}"),
            ),
            ("'é' | to_json", json!("\"\\u00e9\"")),
            ("'é' | to_json(ensure_ascii=false)", json!("\"é\"")),
            (
                "d | to_nice_json",
                json!("{\n    \"a\": 2,\n    \"b\": 1,\n    \"c\": {\n        \"d\": 3\n    }\n}"),
            ),
            (
                "d | to_nice_json(indent=2)",
                json!("{\n  \"a\": 2,\n  \"b\": 1,\n  \"c\": {\n    \"d\": 3\n  }\n}"),
            ),
            ("{1: none, true: 1.0} | to_json", json!("{\"1\": 1.0}")),
            (r#"'{"a": [1, 2.0, null, true]}' | from_json"#, json!({"a": [1, 2.0, null, true]})),
            ("d | to_json | from_json == d", json!(true)),
            ("'<a>' | tojson", json!("\"\\u003ca\\u003e\"")),
        ]);
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        refuse(&[
            (
                "5 | from_json",
                "The filter plugin 'ansible.builtin.from_json' failed: the JSON object must be str, bytes or bytearray, not int",
            ),
            (
                "d | to_json(nope=1)",
                "The filter plugin 'ansible.builtin.to_json' failed: JSONEncoder.__init__() got an unexpected keyword argument 'nope'",
            ),
        ]);
    }
}
