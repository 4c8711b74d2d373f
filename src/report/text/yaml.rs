use std::sync::LazyLock;

use fancy_regex::Regex;
use serde_json::{Map, Value};

use super::float;

/// The column after which libyaml folds a text at its next space.
const WIDTH: usize = 80;

/// Returns the mapping as `PyYAML`'s C dumper writes it for Ansible's `result_format=yaml`, keys sorted.
///
/// `indent` is libyaml's `best_indent`. `lossy` is Ansible's readable form: a text of several lines becomes a block even
/// where trailing blanks, tabs or special characters would forbid it; they are dropped.
pub(crate) fn yaml(fields: &Map<String, Value>, indent: usize, lossy: bool) -> String {
    let mut emitter = Emitter { out: String::new(), column: 0, bare: true, open_ended: false, indent, lossy };
    if fields.is_empty() {
        emitter.put("{}");
    } else {
        emitter.mapping(fields, 0);
    }
    if emitter.column > 0 {
        emitter.out.push('\n');
    }
    if emitter.open_ended {
        emitter.out.push_str("...\n");
    }
    emitter.out
}

struct Emitter {
    out: String,
    /// How many characters stand on the line.
    column: usize,
    /// Whether the line has nothing but blanks and the indicators `-`, `?` and `:` of nested blocks.
    bare: bool,
    /// Whether a block kept its blank last lines: libyaml then marks the document's end.
    open_ended: bool,
    indent: usize,
    lossy: bool,
}

impl Emitter {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
        self.bare = false;
    }

    fn put_indicator(&mut self, indicator: &str) {
        let bare = self.bare;
        if self.column > 0 && !self.out.ends_with(' ') {
            self.put(" ");
        }
        self.put(indicator);
        self.bare = bare;
    }

    /// Goes to a column: on this line where only indicators stand before it, else on the next.
    fn align(&mut self, column: usize) {
        let at_blank = self.column == 0 || self.out.ends_with(' ');
        if !self.bare || self.column > column || (self.column == column && !at_blank) {
            self.break_line();
        }
        while self.column < column {
            self.out.push(' ');
            self.column += 1;
        }
        self.bare = true;
    }

    fn break_line(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.bare = true;
    }

    fn mapping(&mut self, fields: &Map<String, Value>, column: usize) {
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort_by_key(|(key, _)| key.as_str());
        for (key, value) in sorted {
            self.align(column);
            let simple = self.readable(key);
            if is_simple_key(&simple) {
                if key.contains(is_python_break) {
                    self.double_quoted(&simple, column, true);
                } else {
                    self.scalar(key, column, true);
                }
                self.put(":");
            } else {
                self.put_indicator("?");
                self.text(key, column);
                self.open_ended = false;
                self.align(column);
                self.put_indicator(":");
            }
            self.value(value, column, true);
        }
    }

    fn sequence(&mut self, items: &[Value], column: usize) {
        for item in items {
            self.align(column);
            self.put_indicator("-");
            self.value(item, column, false);
        }
    }

    /// Writes what follows a `:` or a `-`. A list as a mapping's value stands at the mapping's own column.
    fn value(&mut self, value: &Value, column: usize, in_mapping: bool) {
        match value {
            Value::Object(fields) if fields.is_empty() => self.put(" {}"),
            Value::Array(items) if items.is_empty() => self.put(" []"),
            Value::Object(fields) => self.mapping(fields, column + self.indent),
            Value::Array(items) if in_mapping && !self.bare => self.sequence(items, column),
            Value::Array(items) => self.sequence(items, column + self.indent),
            Value::String(text) => self.text(text, column),
            Value::Null => self.put(" null"),
            Value::Bool(value) => self.put(if *value { " true" } else { " false" }),
            Value::Number(number) => {
                let text = number
                    .as_f64()
                    .filter(|_| number.is_f64())
                    .map_or_else(|| number.to_string(), yaml_float);
                self.put(" ");
                self.put(&text);
            }
        }
    }

    fn text(&mut self, text: &str, column: usize) {
        let readable = self.readable(text);
        if text.contains(is_python_break) && Look::of(&readable).block_allowed {
            return self.block(&readable, column + self.indent);
        }
        self.put(" ");
        if text.contains(is_python_break) {
            self.double_quoted(&readable, column + self.indent, false);
        } else {
            self.scalar(text, column, false);
        }
    }

    fn readable(&self, text: &str) -> String {
        if self.lossy && text.contains(is_python_break) { readable(text) } else { text.to_owned() }
    }

    fn scalar(&mut self, text: &str, column: usize, key: bool) {
        let look = Look::of(text);
        if look.plain_allowed && !(key && text.is_empty()) && !resolves(text) {
            self.folded(text, column + self.indent, key, false);
        } else if look.single_allowed {
            self.put("'");
            self.folded(&text.replace('\'', "''"), column + self.indent, key, true);
            self.put("'");
        } else {
            self.double_quoted(text, column + self.indent, key);
        }
    }

    /// Writes a plain or single-quoted text, broken at single spaces beyond [`WIDTH`].
    fn folded(&mut self, text: &str, column: usize, key: bool, quoted: bool) {
        let chars: Vec<char> = text.chars().collect();
        let mut after_space = false;
        for (index, &char) in chars.iter().enumerate() {
            let last = quoted && (index == 0 || index + 1 == chars.len());
            let space_next = chars.get(index + 1) == Some(&' ');
            if char == ' ' && !key && !after_space && self.column > WIDTH && !space_next && !last {
                self.align(column);
            } else {
                self.put(char.encode_utf8(&mut [0; 4]));
            }
            after_space = char == ' ';
        }
    }

    fn double_quoted(&mut self, text: &str, column: usize, key: bool) {
        self.put("\"");
        let chars: Vec<char> = text.chars().collect();
        let mut after_space = false;
        for (index, &char) in chars.iter().enumerate() {
            if char == ' '
                && !key
                && !after_space
                && self.column > WIDTH
                && index > 0
                && index + 1 < chars.len()
            {
                self.align(column);
                if chars.get(index + 1) == Some(&' ') {
                    self.put("\\");
                }
            } else {
                self.put(&escaped(char));
            }
            after_space = char == ' ';
        }
        self.put("\"");
    }

    /// Writes a text of several lines as a `|` block.
    fn block(&mut self, text: &str, column: usize) {
        self.put(" |");
        if text.starts_with(is_break) || text.starts_with(' ') {
            self.put(&self.indent.to_string());
        }
        let ends = text.chars().rev().take_while(|char| is_break(*char)).count();
        match ends {
            0 => self.put("-"),
            1 if text.chars().count() > 1 => {}
            _ => {
                self.put("+");
                self.open_ended = true;
            }
        }
        self.break_line();
        for char in text.chars() {
            if is_break(char) {
                // libyaml writes the other breaks as they are; only a newline begins a line here too.
                self.out.push(char);
                self.column = 0;
                self.bare = true;
            } else {
                if self.column == 0 {
                    self.align(column);
                }
                self.put(char.encode_utf8(&mut [0; 4]));
            }
        }
    }
}

fn yaml_float(number: f64) -> String {
    let text = float(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

/// libyaml writes a key after `?` when it has several lines or is long.
fn is_simple_key(key: &str) -> bool {
    key.len() <= 128 && !key.contains(is_break)
}

/// What Ansible makes of a text of several lines, so that a block can hold it: no trailing blanks, tabs or specials.
fn readable(text: &str) -> String {
    let mut out = String::new();
    for char in expanded(text.trim_end()).chars().filter(|char| is_kept(*char)) {
        if is_python_break(char) {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out.push(char);
    }
    out
}

fn expanded(text: &str) -> String {
    const TAB: usize = 8;
    let mut column = 0;
    let mut out = String::new();
    for char in text.chars() {
        let width = if char == '\t' { TAB - column % TAB } else { 1 };
        column = if matches!(char, '\n' | '\r') { 0 } else { column + width };
        match char {
            '\t' => out.extend(std::iter::repeat_n(' ', width)),
            char => out.push(char),
        }
    }
    out
}

fn is_kept(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && char != '\u{feff}'
}

/// The breaks for which Ansible asks for a block.
fn is_python_break(char: char) -> bool {
    matches!(char, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_break(char: char) -> bool {
    matches!(char, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml counts as printable: nothing beyond the basic plane.
fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && char != '\u{feff}'
}

fn escaped(char: char) -> String {
    match char {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        char if is_printable(char) => char.to_string(),
        char => match u32::from(char) {
            code @ ..=0xff => format!("\\x{code:02X}"),
            code @ 0x100..=0xffff => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    }
}

/// How a text may be written, as libyaml's emitter decides it.
struct Look {
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
}

impl Look {
    fn of(text: &str) -> Self {
        let (Some(first), Some(last)) = (text.chars().next(), text.chars().last()) else {
            return Self { plain_allowed: true, single_allowed: true, block_allowed: false };
        };
        let outer = |char: char| char == ' ' || is_break(char);
        let special = !text.chars().all(is_printable);
        let space_break =
            text.chars().zip(text.chars().skip(1)).any(|(left, right)| left == ' ' && is_break(right));
        let break_space =
            text.chars().zip(text.chars().skip(1)).any(|(left, right)| is_break(left) && right == ' ');
        let plain_allowed =
            !outer(first) && !outer(last) && !special && !text.contains(is_break) && !has_indicators(text);
        Self {
            plain_allowed,
            single_allowed: !special && !space_break && !break_space,
            block_allowed: !special && !space_break && last != ' ',
        }
    }
}

/// Whether something in the text would be read as structure, in block context.
fn has_indicators(text: &str) -> bool {
    let blank = |char: Option<char>| char.is_none_or(|char| char == ' ' || char == '\t' || is_break(char));
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let at_start = match first {
        Some(
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
        ) => true,
        Some('?' | ':' | '-') => blank(second),
        _ => false,
    };
    at_start
        || text.starts_with("---")
        || text.starts_with("...")
        || text.contains(": ")
        || text.ends_with(':')
        || text.contains(" #")
}

/// Whether the plain text would be read as something else than a text, by YAML 1.1 as `PyYAML` knows it.
fn resolves(text: &str) -> bool {
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^(?:
                | ~ | null | Null | NULL | = | <<
                | yes | Yes | YES | no | No | NO | true | True | TRUE | false | False | FALSE | on | On | ON | off | Off | OFF
                | [-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)? | \.[0-9][0-9_]*(?:[eE][-+][0-9]+)?
                | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]* | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
                | [-+]?0b[01_]+ | [-+]?0[0-7_]+ | [-+]?(?:0|[1-9][0-9_]*) | [-+]?0x[0-9a-fA-F_]+
                | [-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+
                | [0-9]{4}-[0-9]{2}-[0-9]{2}
                | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?
                  (?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?
            )$",
        )
        .expect("the pattern is a constant that the tests compile")
    });
    OTHER.is_match(text).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        yaml(value.as_object().expect("the tests give mappings"), 4, true)
    }

    #[test]
    fn texts_are_quoted_where_they_would_be_read_as_something_else() {
        let value = json!({"l": [
            "x: y", "- a", "a #b", "a:b", "", " lead", "trail ", "yes", "~", "1", "1e3", "1.0e+3", "0o7", "12:30:45",
            "2020-01-01", "'q'", "\"dq\"", "tab\there", "esc\u{1b}[0m", "\u{1f600}", "?x", "? x", "-", "key:", "o'clock",
            "a]", "a, b", "é", "\\",
        ]});
        assert_eq!(
            written(&value),
            "l:\n- 'x: y'\n- '- a'\n- 'a #b'\n- a:b\n- ''\n- ' lead'\n- 'trail '\n- 'yes'\n- '~'\n- '1'\n- 1e3\n- '1.0e+3'\n\
             - 0o7\n- '12:30:45'\n- '2020-01-01'\n- '''q'''\n- '\"dq\"'\n- \"tab\\there\"\n- \"esc\\e[0m\"\n- \"\\U0001F600\"\n\
             - ?x\n- '? x'\n- '-'\n- 'key:'\n- o'clock\n- a]\n- a, b\n- é\n- \\\n"
        );
    }

    #[test]
    fn nested_lists_and_mappings_are_padded_to_the_indent() {
        let value =
            json!({"a": [[1, 2.0, 1e-7], {"b": [], "c": {}}, {"d": {"e": null}}], "z": {"y": [true]}});
        assert_eq!(
            written(&value),
            "a:\n-   - 1\n    - 2.0\n    - 1.0e-07\n-   b: []\n    c: {}\n-   d:\n        e: null\nz:\n    y:\n    - true\n"
        );
    }

    #[test]
    fn several_lines_become_a_block_whatever_stands_in_them() {
        let value = json!({"a": "x\n  y\n\nz\n", "b": "\nlead", "c": "  in\nout", "d": "tab\there \nnext\u{1b}", "e": 1});
        assert_eq!(
            written(&value),
            "a: |-\n    x\n      y\n\n    z\nb: |4-\n\n    lead\nc: |4-\n      in\n    out\nd: |-\n    tab     here\n    next\ne: 1\n"
        );
    }

    #[test]
    fn a_faithful_block_keeps_its_end_and_falls_back_to_quotes() {
        let fields = json!({"a": "x\ny\n", "b": "x\n\n", "c": "x \ny"});
        assert_eq!(
            yaml(fields.as_object().expect("a mapping"), 2, false),
            "a: |\n  x\n  y\nb: |+\n  x\n\nc: \"x \\ny\"\n...\n"
        );
    }

    #[test]
    fn long_texts_are_folded_at_the_next_space() {
        let value = json!({
            "plain": "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii jjjjjjjjj",
            "quoted": "aaaaaaaa: bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii jjjjjjjjj",
        });
        assert_eq!(
            written(&value),
            "plain: aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh\n    iiiiiiiii jjjjjjjjj\n\
             quoted: 'aaaaaaaa: bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh\n    iiiiiiiii jjjjjjjjj'\n"
        );
    }

    #[test]
    fn keys_of_several_lines_and_long_ones_follow_a_question_mark() {
        let value = json!({"a\nb": 4, "": 2, "1": [3]});
        assert_eq!(written(&value), "'': 2\n'1':\n- 3\n? |-\n    a\n    b\n: 4\n");
    }
}
