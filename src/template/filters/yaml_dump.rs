//! YAML as `PyYAML` lays it out.

mod block;

use std::sync::LazyLock;

use fancy_regex::Regex;
use rplay_syntax::Data;

use crate::object::Object;
use crate::value::{Dict, Repr, float_repr};
use crate::{TemplateError, Value, marker, methods};

/// What `to_yaml` may be given.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) indent: usize,
    pub(super) width: usize,
    /// None: collections of nothing but scalars stand on one line.
    pub(super) flow: Option<bool>,
    pub(super) sort_keys: bool,
    pub(super) explicit_start: bool,
    pub(super) explicit_end: bool,
    pub(super) default_style: Option<char>,
}

struct Emitter<'a> {
    layout: &'a Layout,
    out: String,
    column: usize,
    /// The last thing written was white space.
    whitespace: bool,
    /// Nothing but indentation and dashes stands on the line.
    indention: bool,
    indent: Option<usize>,
    flow_level: usize,
}

/// Where a node stands.
#[derive(Clone, Copy, Default)]
struct Place {
    mapping: bool,
    key: bool,
}

pub(super) fn dump(value: &Value, layout: &Layout) -> Result<String, TemplateError> {
    let mut emitter = Emitter {
        layout,
        out: String::new(),
        column: 0,
        whitespace: true,
        indention: true,
        indent: None,
        flow_level: 0,
    };
    if layout.explicit_start {
        emitter.indicator("---", true, false, false);
    }
    emitter.node(value, Place::default())?;
    emitter.write_indent();
    if layout.explicit_end {
        emitter.out.push_str("...\n");
    }
    Ok(emitter.out)
}

impl Emitter<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.whitespace = true;
        self.indention = true;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.column < indent {
            self.whitespace = true;
            self.put(&" ".repeat(indent - self.column));
        }
    }

    fn indicator(&mut self, sign: &str, needs_space: bool, is_space: bool, indention: bool) {
        if !self.whitespace && needs_space {
            self.put(" ");
        }
        self.put(sign);
        self.whitespace = is_space;
        self.indention = self.indention && indention;
    }

    fn deeper(&mut self, flow: bool, stays: bool) -> Option<usize> {
        let before = self.indent;
        self.indent = match before {
            None => Some(if flow { self.layout.indent } else { 0 }),
            Some(indent) if stays => Some(indent),
            Some(indent) => Some(indent + self.layout.indent),
        };
        before
    }

    fn node(&mut self, value: &Value, place: Place) -> Result<(), TemplateError> {
        match &value.0 {
            Repr::List(items) | Repr::Tuple(items) => {
                let flow = self.is_flow(items.is_empty(), items.iter());
                self.sequence(items, flow, place)
            }
            Repr::Dict(dict) => {
                let flow = self.is_flow(dict.is_empty(), dict.iter().flat_map(|(key, value)| [key, value]));
                self.mapping(dict, flow)
            }
            _ => {
                let scalar = Scalar::of(value)?;
                let before = self.deeper(true, false);
                self.scalar(&scalar, place);
                self.indent = before;
                Ok(())
            }
        }
    }

    fn is_flow<'v>(&self, is_empty: bool, mut parts: impl Iterator<Item = &'v Value>) -> bool {
        let styled = self.layout.default_style.is_some();
        let simple = |part: &Value| !styled && !part.is_sequence() && !part.is_mapping();
        self.flow_level > 0 || is_empty || self.layout.flow.unwrap_or_else(|| parts.all(simple))
    }

    fn sequence(&mut self, items: &[Value], flow: bool, place: Place) -> Result<(), TemplateError> {
        if flow {
            self.indicator("[", true, true, false);
            self.flow_level += 1;
            let before = self.deeper(true, false);
            for (at, item) in items.iter().enumerate() {
                self.next_in_flow(at);
                self.node(item, Place::default())?;
            }
            self.end_flow("]", before);
            return Ok(());
        }
        let stays = place.mapping && !self.indention;
        let before = self.deeper(false, stays);
        for item in items {
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Place::default())?;
        }
        self.indent = before;
        Ok(())
    }

    fn next_in_flow(&mut self, at: usize) {
        if at > 0 {
            self.indicator(",", false, false, false);
        }
        if self.column > self.layout.width {
            self.write_indent();
        }
    }

    fn end_flow(&mut self, sign: &str, before: Option<usize>) {
        self.indent = before;
        self.flow_level -= 1;
        self.indicator(sign, false, false, false);
    }

    fn mapping(&mut self, dict: &Dict, flow: bool) -> Result<(), TemplateError> {
        let mut keys: Vec<Value> = dict.keys().cloned().collect();
        if self.layout.sort_keys {
            let mut sorted = keys.clone();
            if methods::sort(&mut sorted, false, Value::clone).is_ok() {
                keys = sorted;
            }
        }
        let entries = keys.iter().filter_map(|key| dict.get_key_value(key));
        if flow {
            self.indicator("{", true, true, false);
            self.flow_level += 1;
            let before = self.deeper(true, false);
            for (at, (key, value)) in entries.enumerate() {
                self.next_in_flow(at);
                self.entry(key, value)?;
            }
            self.end_flow("}", before);
            return Ok(());
        }
        let before = self.deeper(false, false);
        for (key, value) in entries {
            self.write_indent();
            self.entry(key, value)?;
        }
        self.indent = before;
        Ok(())
    }

    fn entry(&mut self, key: &Value, value: &Value) -> Result<(), TemplateError> {
        const LONGEST_KEY: usize = 128;
        let text = key.text();
        let simple = !key.is_sequence() && text.chars().count() < LONGEST_KEY && !text.contains('\n');
        if simple {
            self.node(key, Place { mapping: true, key: true })?;
            self.indicator(":", false, false, false);
        } else {
            self.indicator("?", true, false, true);
            self.node(key, Place { mapping: true, ..Place::default() })?;
            self.write_indent();
            self.indicator(":", true, false, true);
        }
        self.node(value, Place { mapping: true, ..Place::default() })
    }

    fn scalar(&mut self, scalar: &Scalar, place: Place) {
        let analysis = Analysis::of(&scalar.text);
        let style = self.style(scalar, &analysis, place);
        let split = !place.key;
        if style != '\0' && !scalar.is_text {
            // Without the mark it would read back as a text.
            self.indicator("!", true, false, false);
        }
        match style {
            '\0' => self.plain(&scalar.text, split),
            '|' => self.literal(&scalar.text),
            '>' => self.folded(&scalar.text),
            '\'' => self.single_quoted(&scalar.text, split),
            _ => self.double_quoted(&scalar.text, split),
        }
    }

    fn style(&self, scalar: &Scalar, analysis: &Analysis, place: Place) -> char {
        match self.layout.default_style {
            Some('"') => return '"',
            Some('|' | '>') if !analysis.allow_block || self.flow_level > 0 || place.key => return '"',
            Some(style @ ('|' | '>')) => return style,
            Some('\'') if analysis.allow_single => return '\'',
            _ => {}
        }
        let allowed =
            if self.flow_level > 0 { analysis.allow_flow_plain } else { analysis.allow_block_plain };
        let unfit_key = place.key && (scalar.text.is_empty() || analysis.multiline);
        if scalar.plain && allowed && !unfit_key {
            return '\0';
        }
        if analysis.allow_single && !(place.key && analysis.multiline) { '\'' } else { '"' }
    }

    fn begin_scalar(&mut self) {
        if !self.whitespace {
            self.put(" ");
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn plain(&mut self, text: &str, split: bool) {
        if text.is_empty() {
            return;
        }
        self.begin_scalar();
        let mut rest = text;
        while !rest.is_empty() {
            let spaces = rest.len() - rest.trim_start_matches(' ').len();
            if spaces > 0 {
                if spaces == 1 && self.column > self.layout.width && split {
                    self.write_indent();
                    self.whitespace = false;
                    self.indention = false;
                } else {
                    self.put(&" ".repeat(spaces));
                }
                rest = rest.get(spaces..).unwrap_or_default();
            }
            let (word, tail) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            self.put(word);
            rest = tail;
        }
    }

    fn single_quoted(&mut self, text: &str, split: bool) {
        self.indicator("'", true, false, false);
        let mut rest = text;
        while !rest.is_empty() {
            let begin = rest.len() == text.len();
            if rest.starts_with(' ') {
                let spaces = rest.len() - rest.trim_start_matches(' ').len();
                let inner = !begin && spaces < rest.len();
                if spaces == 1 && self.column > self.layout.width && split && inner {
                    self.write_indent();
                } else {
                    self.put(&" ".repeat(spaces));
                }
                rest = rest.get(spaces..).unwrap_or_default();
            } else if rest.starts_with('\n') {
                let breaks = rest.len() - rest.trim_start_matches('\n').len();
                for _ in 0..=breaks {
                    self.line_break();
                }
                self.write_indent();
                rest = rest.get(breaks..).unwrap_or_default();
            } else {
                let (word, tail) = rest.split_at(rest.find([' ', '\n']).unwrap_or(rest.len()));
                self.put(&word.replace('\'', "''"));
                rest = tail;
            }
        }
        self.indicator("'", false, false, false);
    }

    fn double_quoted(&mut self, text: &str, split: bool) {
        self.indicator("\"", true, false, false);
        let mut chars = text.chars().peekable();
        let mut before = None;
        while let Some(c) = chars.next() {
            let may_break = before.is_some_and(|before| before != ' ') && chars.peek().is_some();
            if c == ' ' && may_break && split && self.column > self.layout.width {
                self.write_indent();
                if chars.peek() == Some(&' ') {
                    self.put("\\");
                }
            } else {
                self.put(&escape(c));
            }
            before = Some(c);
        }
        self.indicator("\"", false, false, false);
    }
}

pub(super) fn escape(c: char) -> String {
    match c {
        '\0' => "\\0".into(),
        '\x07' => "\\a".into(),
        '\x08' => "\\b".into(),
        '\t' => "\\t".into(),
        '\n' => "\\n".into(),
        '\x0b' => "\\v".into(),
        '\x0c' => "\\f".into(),
        '\r' => "\\r".into(),
        '\x1b' => "\\e".into(),
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\u{85}' => "\\N".into(),
        '\u{a0}' => "\\_".into(),
        '\u{2028}' => "\\L".into(),
        '\u{2029}' => "\\P".into(),
        _ if is_printable(c) => c.to_string(),
        _ => match u32::from(c) {
            code @ 0..=0xff => format!("\\x{code:02X}"),
            code @ 0x100..=0xffff => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    }
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && c != '\u{feff}'
}

/// A scalar's text, and whether it reads back as itself without quotes.
struct Scalar {
    text: String,
    plain: bool,
    is_text: bool,
}

impl Scalar {
    fn of(value: &Value) -> Result<Self, TemplateError> {
        let plain = |text: &str| Self { text: text.to_owned(), plain: true, is_text: false };
        Ok(match &value.0 {
            Repr::None => plain("null"),
            Repr::Bool(yes) => plain(if *yes { "true" } else { "false" }),
            Repr::Int(number) => plain(&number.to_string()),
            Repr::Big(number) => plain(&number.to_string()),
            Repr::Float(number) => plain(&yaml_float(*number)),
            Repr::Str(text) => Self { plain: reads_as_text(text), text: text.to_string(), is_text: true },
            Repr::Unknown(label) => Self { text: marker::mark(label), plain: true, is_text: true },
            Repr::Object(object) => match &**object {
                Object::Date(_) => plain(&object.text()),
                _ => return Err(unrepresentable(value)),
            },
            _ => return Err(unrepresentable(value)),
        })
    }
}

fn unrepresentable(value: &Value) -> TemplateError {
    TemplateError::runtime(format!("('cannot represent an object', {})", value.repr()))
}

fn yaml_float(number: f64) -> String {
    match float_repr(number).as_str() {
        "nan" => ".nan".into(),
        "inf" => ".inf".into(),
        "-inf" => "-.inf".into(),
        text if !text.contains('.') && text.contains('e') => text.replacen('e', ".0e", 1),
        text => text.to_owned(),
    }
}

static TIMESTAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?",
        r"(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$"
    ))
    .ok()
});

/// What is longer is no number that somebody means.
const LONGEST_NUMBER: usize = 1_000;

fn reads_as_text(text: &str) -> bool {
    if matches!(text, "" | "=" | "<<") || text.starts_with(['-', '.', '~']) && text.len() < 2 {
        return text == "." || text == "-";
    }
    let could_be_other = text.len() <= LONGEST_NUMBER
        && text.starts_with(|c: char| c.is_ascii_digit() || "+-.~nNyYtTfFoO".contains(c));
    if !could_be_other {
        return true;
    }
    if TIMESTAMP.as_ref().is_some_and(|timestamp| timestamp.is_match(text).unwrap_or(false)) {
        return false;
    }
    match rplay_syntax::parse("<value>", text) {
        Ok(parsed) => matches!(parsed.node.data, Data::Text(_) | Data::Map(_) | Data::Seq(_)),
        Err(_) => true,
    }
}

/// What a text's characters allow.
struct Analysis {
    multiline: bool,
    allow_flow_plain: bool,
    allow_block_plain: bool,
    allow_single: bool,
    allow_block: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let is_break = |c: char| matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let is_space =
            |c: Option<&char>| c.is_none_or(|c| matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(*c));
        let (mut flow, mut block) = (text.starts_with("---") || text.starts_with("..."), false);
        block |= flow;
        let (mut breaks, mut special, mut space_break, mut break_space) = (false, false, false, false);
        for (at, c) in chars.iter().enumerate() {
            let followed = is_space(chars.get(at + 1));
            let before = at.checked_sub(1).and_then(|before| chars.get(before));
            let preceded = is_space(before);
            match (at, *c) {
                (
                    0,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                    | '`',
                ) => (flow, block) = (true, true),
                (_, ':') | (0, '?') => {
                    flow = true;
                    block |= followed;
                }
                (0, '-') if followed => (flow, block) = (true, true),
                (1.., ',' | '?' | '[' | ']' | '{' | '}') => flow = true,
                (1.., '#') if preceded => (flow, block) = (true, true),
                _ => {}
            }
            breaks |= is_break(*c);
            special |= !is_printable(*c);
            space_break |= is_break(*c) && before == Some(&' ');
            break_space |= *c == ' ' && before.is_some_and(|before| is_break(*before));
        }
        let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
        let edged = edge(chars.first()) || edge(chars.last());
        let plain = !edged && !break_space && !space_break && !special && !breaks;
        Self {
            multiline: breaks,
            allow_flow_plain: plain && !flow && !chars.is_empty(),
            allow_block_plain: plain && !block,
            allow_single: !break_space && !space_break && !special,
            allow_block: !text.is_empty() && !text.ends_with(' ') && !space_break && !special,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn yaml_is_laid_out_as_pyyaml_does() {
        give(&[
            ("'a' | to_yaml(default_style='|')", json!("|-\n  a\n")),
            (
                "d | to_yaml(default_style='|')",
                json!("\"a\": ! |-\n  2\n\"b\": ! |-\n  1\n\"c\":\n  \"d\": ! |-\n    3\n"),
            ),
            ("d | to_yaml", json!("a: 2\nb: 1\nc: {d: 3}\n")),
            ("d | to_nice_yaml", json!("a: 2\nb: 1\nc:\n    d: 3\n")),
            (
                "ld | to_nice_yaml",
                json!(
                    "-   g: p\n    n: x\n    o:\n        k: 1\n    v: 2\n-   g: q\n    n: y\n    o:\n        k: 2\n    v: 1\n-   g: p\n    n: z\n    o:\n        k: 3\n    v: 3\n"
                ),
            ),
            (
                "ld | to_yaml",
                json!(
                    "- g: p\n  n: x\n  o: {k: 1}\n  v: 2\n- g: q\n  n: y\n  o: {k: 2}\n  v: 1\n- g: p\n  n: z\n  o: {k: 3}\n  v: 3\n"
                ),
            ),
            (
                "{'a': [1, {'b': 2}], 'e': [], 'f': {}} | to_nice_yaml(indent=2)",
                json!("a:\n- 1\n- b: 2\ne: []\nf: {}\n"),
            ),
            ("{'b': 1, 'a': 2} | to_nice_yaml(sort_keys=false)", json!("b: 1\na: 2\n")),
            (
                r#"['a: b', 'yes', '1', '', ' x', 'x ', 'a\nb', '- a', '#c', 'a #b', 'null', '1.5', '2020-01-01', '{a', 'é', "it's", '1e3', '0x1f', '-', '~', 'a:b', '*a', '!x', '1:30'] | to_nice_yaml"#,
                json!(
                    "- 'a: b'\n- 'yes'\n- '1'\n- ''\n- ' x'\n- 'x '\n- a\\nb\n- '- a'\n- '#c'\n- 'a #b'\n- 'null'\n- '1.5'\n- '2020-01-01'\n- '{a'\n- é\n- it's\n- 1e3\n- '0x1f'\n- '-'\n- '~'\n- a:b\n- '*a'\n- '!x'\n- '1:30'\n"
                ),
            ),
            ("[none, true, 1.0, 1e20, -5] | to_yaml", json!("[null, true, 1.0, 1.0e+20, -5]\n")),
            (r#""a\tb" | to_yaml"#, json!("a\\tb\n")),
            (
                "('word ' * 30) | to_nice_yaml",
                json!(
                    "'word word word word word word word word word word word word word word word word word\n    word word word word word word word word word word word word word '\n"
                ),
            ),
            (
                "{'k': 'word ' * 30} | to_nice_yaml",
                json!(
                    "k: 'word word word word word word word word word word word word word word word word\n    word word word word word word word word word word word word word word '\n"
                ),
            ),
            (
                r#"{'k': "it's word " * 12} | to_nice_yaml"#,
                json!(
                    "k: 'it''s word it''s word it''s word it''s word it''s word it''s word it''s word it''s\n    word it''s word it''s word it''s word it''s word '\n"
                ),
            ),
            ("s | to_yaml", json!("hello\n")),
        ]);
    }
}
