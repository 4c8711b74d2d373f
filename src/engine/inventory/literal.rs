use std::iter::Peekable;
use std::str::Chars;

use rplay_event::Span;
use rplay_syntax::{Data, Mapping, Node};

/// How deep a literal may nest.
const DEEPEST: usize = 100;

/// Returns the value of a Python literal; text that is none stands for itself, and is a template.
///
/// Tuples and sets become lists, bytes and what only Python has (complex numbers, the ellipsis) texts, as Ansible's
/// inventories in INI have it. Source of the rules: Python's `ast.literal_eval`.
pub(super) fn value(text: &str, span: &Span) -> Node {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']).chars().peekable(), span };
    let node = reader.whole();
    node.unwrap_or_else(|| Node::text(text, span))
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    span: &'a Span,
}

impl Reader<'_> {
    /// Reads a literal that ends where the text does; values between commas are a tuple.
    fn whole(&mut self) -> Option<Node> {
        let first = self.literal(0)?;
        let node = match self.peek() {
            Some(',') => {
                let mut items = vec![first];
                self.rest.next();
                self.items(&mut items, None, 0)?;
                Node::seq(items, self.span)
            }
            _ => first,
        };
        self.peek().is_none().then_some(node)
    }

    /// Returns what comes after blanks and a comment.
    fn peek(&mut self) -> Option<char> {
        while let Some(c) = self.rest.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' | '\x0c' => {
                    self.rest.next();
                }
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                _ => break,
            }
        }
        self.rest.peek().copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.rest.next().is_some()
    }

    fn literal(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            '[' => {
                self.rest.next();
                let mut items = Vec::new();
                self.items(&mut items, Some(']'), depth)?;
                Some(Node::seq(items, self.span))
            }
            '(' => self.parentheses(depth),
            '{' => self.braces(depth),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    /// Reads elements up to the closing character, or to the end of the text.
    fn items(&mut self, items: &mut Vec<Node>, close: Option<char>, depth: usize) -> Option<()> {
        loop {
            match (self.peek(), close) {
                (None, None) => return Some(()),
                (None, Some(_)) => return None,
                (Some(c), Some(close)) if c == close => {
                    self.rest.next();
                    return Some(());
                }
                _ => {}
            }
            items.push(self.literal(depth + 1)?);
            if !self.eat(',') && self.peek() != close {
                return None;
            }
        }
    }

    /// Reads a tuple, or the one value that stands in parentheses.
    fn parentheses(&mut self, depth: usize) -> Option<Node> {
        self.rest.next();
        if self.eat(')') {
            return Some(Node::seq(Vec::new(), self.span));
        }
        let first = self.literal(depth + 1)?;
        if self.eat(')') {
            return Some(first);
        }
        if !self.eat(',') {
            return None;
        }
        let mut items = vec![first];
        self.items(&mut items, Some(')'), depth)?;
        Some(Node::seq(items, self.span))
    }

    /// Reads a mapping or a set.
    fn braces(&mut self, depth: usize) -> Option<Node> {
        self.rest.next();
        if self.eat('}') {
            return Some(Node::map(Mapping::default(), self.span));
        }
        let first = self.literal(depth + 1)?;
        if !self.eat(':') {
            return self.set(first, depth);
        }
        let mut mapping = Mapping::default();
        let mut key = first;
        loop {
            if matches!(key.data, Data::Seq(_) | Data::Map(_)) {
                return None;
            }
            let value = self.literal(depth + 1)?;
            match mapping.entries.iter_mut().find(|(known, _)| known.data == key.data) {
                Some(entry) => entry.1 = value,
                None => mapping.entries.push((key, value)),
            }
            let more = self.eat(',');
            if self.eat('}') {
                return Some(Node::map(mapping, self.span));
            }
            if !more {
                return None;
            }
            key = self.literal(depth + 1)?;
            if !self.eat(':') {
                return None;
            }
        }
    }

    fn set(&mut self, first: Node, depth: usize) -> Option<Node> {
        let mut items = vec![first];
        if !self.eat(',') && self.peek() != Some('}') {
            return None;
        }
        self.items(&mut items, Some('}'), depth)?;
        let mut distinct: Vec<Node> = Vec::new();
        for item in items {
            if !distinct.iter().any(|known| known.data == item.data) {
                distinct.push(item);
            }
        }
        Some(Node::seq(distinct, self.span))
    }

    fn number(&mut self) -> Option<Node> {
        let mut sign = String::new();
        if self.rest.next_if_eq(&'-').is_some() {
            sign.push('-');
        } else {
            let _ = self.rest.next_if_eq(&'+');
        }
        if !matches!(self.peek()?, '.' | '0'..='9') {
            return None;
        }
        let mut text = String::new();
        while let Some(c) = self.rest.peek().copied() {
            let exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x") && !text.starts_with("0X");
            if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || (exponent && matches!(c, '+' | '-')))
            {
                break;
            }
            text.push(c);
            self.rest.next();
        }
        if text == "..." && sign.is_empty() {
            return Some(Node::text("...", self.span));
        }
        number(&sign, &text, self.span)
    }

    fn word(&mut self) -> Option<Node> {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
        }
        if matches!(self.rest.peek(), Some('\'' | '"')) {
            return self.strings(&word);
        }
        match word.as_str() {
            "True" => Some(Node::bool(true, self.span)),
            "False" => Some(Node::bool(false, self.span)),
            "None" => Some(Node::null(self.span)),
            "set" => {
                let empty = self.eat('(') && self.eat(')');
                empty.then(|| Node::seq(Vec::new(), self.span))
            }
            _ => None,
        }
    }

    /// Reads strings that stand one after the other, which are one.
    fn strings(&mut self, prefix: &str) -> Option<Node> {
        let mut text = String::new();
        let mut prefix = prefix.to_owned();
        let bytes = is_bytes(&prefix);
        loop {
            if is_bytes(&prefix) != bytes {
                return None;
            }
            let raw = match prefix.to_ascii_lowercase().as_str() {
                "" | "u" | "b" => false,
                "r" | "br" | "rb" => true,
                _ => return None,
            };
            text.push_str(&self.string(raw, bytes)?);
            self.peek();
            prefix.clear();
            while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
                prefix.push(c);
            }
            if !matches!(self.rest.peek(), Some('\'' | '"')) {
                return prefix.is_empty().then(|| {
                    // Ansible makes texts of bytes, and trusts none of them.
                    if bytes { Node::unsafe_text(text, self.span) } else { Node::text(text, self.span) }
                });
            }
        }
    }

    fn string(&mut self, raw: bool, bytes: bool) -> Option<String> {
        let quote = self.rest.next()?;
        let mut text = String::new();
        let triple = self.rest.next_if_eq(&quote).is_some();
        if triple && self.rest.next_if_eq(&quote).is_none() {
            return Some(text);
        }
        loop {
            match self.rest.next()? {
                c if c == quote && !triple => return Some(text),
                c if c == quote && self.closes(quote, &mut text) => return Some(text),
                c if c == quote => {}
                '\\' if raw => {
                    text.push('\\');
                    text.push(self.rest.next()?);
                }
                '\\' => self.escape(&mut text, bytes)?,
                '\n' if !triple => return None,
                c if bytes && !c.is_ascii() => return None,
                c => text.push(c),
            }
        }
    }

    /// Returns whether two more quotes follow the one that was read; those that do not belong to the text.
    fn closes(&mut self, quote: char, text: &mut String) -> bool {
        if self.rest.next_if_eq(&quote).is_none() {
            text.push(quote);
            return false;
        }
        if self.rest.next_if_eq(&quote).is_none() {
            text.push(quote);
            text.push(quote);
            return false;
        }
        true
    }

    fn escape(&mut self, text: &mut String, bytes: bool) -> Option<()> {
        let c = self.rest.next()?;
        let plain = match c {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => c,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.digits(2, 16)?,
            'u' if !bytes => self.digits(4, 16)?,
            'U' if !bytes => self.digits(8, 16)?,
            'N' if !bytes => return None,
            '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    let Some(next) = self.rest.next_if(|c| c.is_digit(8)) else { break };
                    code = code * 8 + next.to_digit(8)?;
                }
                char::from_u32(code)?
            }
            other => {
                text.push('\\');
                other
            }
        };
        text.push(plain);
        Some(())
    }

    fn digits(&mut self, count: usize, radix: u32) -> Option<char> {
        let mut code = 0_u32;
        for _ in 0..count {
            code = code.checked_mul(radix)?.checked_add(self.rest.next()?.to_digit(radix)?)?;
        }
        char::from_u32(code)
    }
}

fn is_bytes(prefix: &str) -> bool {
    prefix.contains(['b', 'B'])
}

/// Returns a number as Python reads it; `None` where Python would not.
fn number(sign: &str, text: &str, span: &Span) -> Option<Node> {
    let lower = text.to_ascii_lowercase();
    let plain = without_underscores(&lower)?;
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            let number = i64::from_str_radix(digits, radix).ok()?;
            return Some(Node::int(if sign.is_empty() { number } else { number.checked_neg()? }, span));
        }
    }
    if plain.bytes().all(|c| c.is_ascii_digit()) {
        if plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|c| c != b'0') {
            return None;
        }
        let digits = plain.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        return Some(match format!("{sign}{digits}").parse::<i64>() {
            Ok(number) => Node::int(number, span),
            Err(_) => Node::new(Data::BigInt(format!("{sign}{digits}").into()), span),
        });
    }
    if let Some(imaginary) = plain.strip_suffix('j') {
        imaginary.parse::<f64>().ok()?;
        return Some(Node::text(format!("{sign}{plain}"), span));
    }
    let known = plain.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'));
    let number: f64 = plain.parse().ok().filter(|_| known)?;
    Some(Node::float(if sign.is_empty() { number } else { -number }, span))
}

/// An underscore may stand between two digits, and nowhere else.
fn without_underscores(text: &str) -> Option<String> {
    let wrong = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    let beside = text.contains("_.") || text.contains("._") || text.contains("e_") || text.contains("_e");
    (!wrong && (!beside || text.starts_with("0x"))).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> serde_json::Value {
        value(text, &Span::new("hosts", 1, 1)).to_json()
    }

    #[test]
    fn literals_are_pythons() {
        for (text, expected) in [
            ("1", json!(1)),
            ("-5", json!(-5)),
            ("1_000", json!(1000)),
            ("0x1f", json!(31)),
            ("0o17", json!(15)),
            ("1.5e3", json!(1500.0)),
            (".5", json!(0.5)),
            ("True", json!(true)),
            ("None", json!(null)),
            ("'a' \"b\"", json!("ab")),
            (r"'a\tb\x41'", json!("a\tbA")),
            (r"r'a\tb'", json!(r"a\tb")),
            ("b'x'", json!("x")),
            ("'''a'b'''", json!("a'b")),
            ("[1, 'two', [3]]", json!([1, "two", [3]])),
            ("(1, 2)", json!([1, 2])),
            ("(1)", json!(1)),
            ("1, 2", json!([1, 2])),
            ("{1, 2, 1}", json!([1, 2])),
            ("{'a': 1, 'b': {'c': [ ]}}", json!({"a": 1, "b": {"c": []}})),
            ("8080 # the port", json!(8080)),
            ("...", json!("...")),
            ("18446744073709551616", json!("18446744073709551616")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_stands_for_itself() {
        for text in [
            "web",
            "true",
            "no",
            "0123",
            "1 2",
            "1__0",
            "--1",
            "-True",
            "'a",
            "[1, 2",
            "{'a' 1}",
            "a.b",
            "1+2",
            "10.0.0.1",
            "f'x'",
            "foo(1)",
            "/etc/passwd",
            "5m",
            "{[1]: 2}",
            "",
            "'a' + 'b'",
            "1,,2",
            "[,]",
        ] {
            assert_eq!(read(text), json!(text), "{text}");
        }
    }

    #[test]
    fn a_text_of_an_inventory_is_a_template() {
        assert!(value("{{ a }}", &Span::new("hosts", 1, 1)).may_be_template());
        assert!(value("'{{ a }}'", &Span::new("hosts", 1, 1)).may_be_template());
    }
}
