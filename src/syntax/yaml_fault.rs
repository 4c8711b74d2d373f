//! What is wrong with text that is no YAML, in libyaml's words, and what to do about it, in ours.

use std::borrow::Cow;
use std::sync::Arc;

use libyaml_safer::{Error, Mark};
use rplay_event::{Fault, Span};

use crate::tag_comma::{self, Unread};

const YAML_FAILED: &str = "YAML parsing failed:";

/// A text with its name: what positions and excerpts are made of.
pub(crate) struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
    /// The text with a newline at its end, without which libyaml-safer panics in a block scalar.
    padded: Cow<'a, str>,
    /// The length of `padded` in bytes, if the text ends without a line break.
    open_end: Option<u64>,
}

impl<'a> Source<'a> {
    /// Takes the text in, unless it holds characters that YAML does not allow.
    pub(crate) fn new(name: &str, text: &'a str) -> Result<Self, Fault> {
        let text = without_mark(text);
        let padded = if text.ends_with('\n') { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) };
        let open_end = (!text.ends_with(['\n', '\r'])).then_some(padded.len() as u64);
        let source = Self { name: name.into(), text, padded, open_end };
        if let Some(at) = text.chars().position(|character| !is_allowed(character)) {
            return Err(source.forbidden(at));
        }
        match tag_comma::check(&source.padded) {
            Ok(()) => Ok(source),
            Err(Unread { at, problem, help }) => {
                let span = source.span(at.line + 1, at.column + 1);
                Err(source.fault(problem, &span).help(help))
            }
        }
    }

    pub(crate) fn padded(&self) -> &[u8] {
        self.padded.as_bytes()
    }

    pub(crate) fn span(&self, line: u64, column: u64) -> Span {
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Span::new(Arc::clone(&self.name), narrow(line), narrow(column))
    }

    pub(crate) fn fault(&self, problem: impl AsRef<str>, span: &Span) -> Fault {
        Fault::new(format!("{YAML_FAILED} {}", problem.as_ref())).at(span).with_source(self.text, "")
    }

    /// Takes back the newline that was added to the text, of a block scalar that ends with the text.
    ///
    /// It is part of the value where the last line is, and where blank lines are kept (`|+`).
    pub(crate) fn unpadded(&self, mut value: String, end: u64) -> String {
        if self.open_end.is_some_and(|length| end >= length) && value.ends_with('\n') {
            let is_blank = |line: &str| line.bytes().all(|byte| byte == b' ');
            let last_line = |text: &str| is_blank(text.rsplit('\n').next().unwrap_or(text));
            if !last_line(self.text) || last_line(value.strip_suffix('\n').unwrap_or(&value)) {
                value.pop();
            }
        }
        value
    }

    fn forbidden(&self, at: usize) -> Fault {
        let before: String = self.text.chars().take(at).collect();
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let span = self.span(line as u64 + 1, column as u64 + 1);
        let code = self.text.chars().nth(at).map_or(0, u32::from);
        self.fault("Control characters are not allowed.", &span).help(format!(
            "remove the character U+{code:04X}, or write it as \"\\u{code:04x}\" in double quotes"
        ))
    }

    fn line(&self, number: u32) -> Option<&'a str> {
        self.text.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Returns where an unquoted value that was meant to be a template begins, and how to write it.
    pub(crate) fn template_advice(&self, span: &Span) -> Option<(Span, String)> {
        let advice = unquoted_template(&Line::new(self.line(span.line)?))?;
        let column = u32::try_from(advice.column? + 1).ok()?;
        Some((Span { column, ..span.clone() }, advice.help))
    }
}

/// Returns a text without the byte order mark that editors on Windows put before it, and that no position counts.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns the fault that an error of the YAML library is.
pub(crate) fn fault(source: &Source<'_>, error: &Error) -> Fault {
    let words = [error.context().unwrap_or_default(), error.problem()].join(" ");
    let mut problem = words.trim().to_owned();
    if let Some(first) = problem.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    problem.push('.');
    let mark = mark(error);
    let mut span = source.span(mark.line + 1, mark.column + 1);
    let advice = source.line(span.line).and_then(|line| advice(&Line::new(line), error));
    if let Some(column) = advice.as_ref().and_then(|advice| advice.column) {
        span.column = u32::try_from(column + 1).unwrap_or(u32::MAX);
    }
    let fault = source.fault(problem, &span);
    match advice.map(|advice| advice.help).or_else(|| general_advice(error)) {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// Returns the place to look at: of a quotation that never ends, where it begins.
fn mark(error: &Error) -> Mark {
    let problem = error.problem_mark().unwrap_or_default();
    match error.context() {
        Some("while scanning a quoted scalar") => error.context_mark().unwrap_or(problem),
        _ => problem,
    }
}

/// What to do about a line.
struct Advice {
    help: String,
    /// Where in the line the trouble begins, in characters from 0.
    column: Option<usize>,
}

/// A line taken apart: `  - key: value`.
struct Line<'a> {
    whole: &'a str,
    key: Option<&'a str>,
    value: &'a str,
}

impl<'a> Line<'a> {
    fn new(line: &'a str) -> Self {
        let mut rest = line.trim_start();
        while let Some(item) = rest.strip_prefix("- ") {
            rest = item.trim_start();
        }
        let is_word = |key: &str| key.chars().all(|part| part.is_alphanumeric() || "_ .-".contains(part));
        match rest.split_once(": ").filter(|(key, _)| !key.is_empty() && is_word(key)) {
            Some((key, value)) => Self { whole: line, key: Some(key), value: value.trim() },
            None => Self { whole: line, key: None, value: rest.trim() },
        }
    }

    /// Returns where the value begins, in characters.
    fn column(&self) -> Option<usize> {
        let bytes = self.whole.rfind(self.value)?;
        Some(self.whole.get(..bytes)?.chars().count())
    }

    /// Returns the line with quotes around its value: those that need no escaping in it.
    fn quoted(&self) -> String {
        let value = match (self.value.contains('"'), self.value.contains('\'')) {
            (false, _) => format!("\"{}\"", self.value),
            (true, false) => format!("'{}'", self.value),
            (true, true) => format!("'{}'", self.value.replace('\'', "''")),
        };
        self.key.map_or_else(|| value.clone(), |key| format!("{key}: {value}"))
    }

    fn advice(&self, reason: &str) -> Advice {
        Advice { help: format!("{reason}: {}", self.quoted()), column: self.column() }
    }
}

fn advice(line: &Line<'_>, error: &Error) -> Option<Advice> {
    tab(line, error)
        .or_else(|| unquoted_template(line))
        .or_else(|| unquoted_colon(line))
        .or_else(|| half_quoted(line))
        .or_else(|| reserved(line, error))
}

/// Judges a tab in the indentation, or one that the library could not read.
fn tab(line: &Line<'_>, error: &Error) -> Option<Advice> {
    let column = line.whole.chars().position(|character| character == '\t')?;
    let indents = line.whole.chars().take(column).all(|character| character == ' ' || character == '-');
    let unread = error.problem().contains("tab") || error.problem().contains("cannot start any token");
    (indents || unread).then(|| Advice {
        help: "YAML is indented with spaces, never with tabs".to_owned(),
        column: Some(column),
    })
}

/// Judges `key: {{ value }}`, which YAML takes for a mapping.
fn unquoted_template(line: &Line<'_>) -> Option<Advice> {
    let opens = ["{{", "{%", "{#"].iter().any(|mark| line.value.starts_with(mark));
    opens.then(|| line.advice("a value that begins with a template needs quotes"))
}

/// Judges `key: echo a: b`, of which YAML makes a mapping in a value.
fn unquoted_colon(line: &Line<'_>) -> Option<Advice> {
    let plain = !line.value.starts_with(['"', '\'', '[', '{', '|', '>', '#', ':']);
    let colon = line.key.is_some() && (line.value.contains(": ") || line.value.ends_with(':'));
    (plain && colon).then(|| line.advice("a value with a colon and a space in it needs quotes"))
}

/// Judges `key: "a" and b`: a quotation ends where its quote comes again.
fn half_quoted(line: &Line<'_>) -> Option<Advice> {
    let quote = line.value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inside = line.value.strip_prefix(quote)?;
    let ends_early = inside.find(quote).is_some_and(|end| end + 1 < inside.len());
    ends_early.then(|| {
        line.advice("a value that begins with a quote must end with it; put quotes around the whole")
    })
}

/// Judges a value that begins with a character that YAML keeps for itself.
fn reserved(line: &Line<'_>, error: &Error) -> Option<Advice> {
    let starts = line.value.starts_with(['@', '`', '%', '*', '&', '!']);
    let unread = error.problem().contains("cannot start any token")
        || error.problem().contains("did not find expected");
    let first = line.value.chars().next()?;
    (starts && unread).then(|| line.advice(&format!("a value that begins with {first} needs quotes")))
}

fn general_advice(error: &Error) -> Option<String> {
    let help = match error.problem() {
        "mapping values are not allowed in this context" => {
            "look at the indentation and for a `key: value` behind a value that has begun on the line before"
        }
        "did not find expected key" | "did not find expected '-' indicator" => {
            "look at the indentation of this line: it belongs to none of the lines above"
        }
        "could not find expected ':'" => "a key needs a colon and a space behind it: `key: value`",
        "did not find expected ',' or '}'" => {
            "a `{` is not closed, or a comma is missing between two entries"
        }
        "did not find expected ',' or ']'" => {
            "a `[` is not closed, or a comma is missing between two elements"
        }
        "found unexpected end of stream" => "the quotation that begins here has no end",
        "found unknown escape character" => {
            "in double quotes write `\\\\` for a backslash, or use single quotes"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn each_slip_is_named_with_the_line_that_was_meant() {
        let cases = [
            (
                "a:\n  msg: {{ foo }}\n",
                2,
                8,
                "a value that begins with a template needs quotes: msg: \"{{ foo }}\"",
            ),
            (
                "a:\n  msg: {{ foo }}/\"x\"\n",
                2,
                8,
                "a value that begins with a template needs quotes: msg: '{{ foo }}/\"x\"'",
            ),
            (
                "- name: {% if a %}\n",
                1,
                9,
                "a value that begins with a template needs quotes: name: \"{% if a %}\"",
            ),
            (
                "- shell: echo 'a: b'\n",
                1,
                10,
                "a value with a colon and a space in it needs quotes: shell: \"echo 'a: b'\"",
            ),
            (
                "- when: \"a\" in b\n",
                1,
                9,
                "a value that begins with a quote must end with it; put quotes around the whole: when: '\"a\" in b'",
            ),
            ("- a:\n\tb: c\n", 2, 1, "YAML is indented with spaces, never with tabs"),
            ("- a: @b\n", 1, 6, "a value that begins with @ needs quotes: a: \"@b\""),
            ("- a: *.txt\n", 1, 6, "a value that begins with * needs quotes: a: \"*.txt\""),
            ("- a: \"b\n- c: d\n", 1, 6, "the quotation that begins here has no end"),
            ("- a: \"C:\\d\"\n", 1, 9, "in double quotes write `\\\\` for a backslash, or use single quotes"),
            ("- a: {b: c\n- d: e\n", 2, 4, "a `{` is not closed, or a comma is missing between two entries"),
            ("- a: [b\n- d: e\n", 2, 4, "a `[` is not closed, or a comma is missing between two elements"),
            (
                "a:\n  b: c\n d: e\n",
                3,
                2,
                "look at the indentation of this line: it belongs to none of the lines above",
            ),
            ("a:\n  b\nc: d\ne\n", 5, 1, "a key needs a colon and a space behind it: `key: value`"),
            ("a: \u{7}\n", 1, 4, "remove the character U+0007, or write it as \"\\u0007\" in double quotes"),
        ];
        for (text, line, column, help) in cases {
            let fault = parse("p.yml", text).expect_err("the text is no YAML");
            let span = fault.span.expect("the fault has a place");
            assert_eq!(
                (span.line, span.column, fault.help.as_deref()),
                (line, column, Some(help)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_problem_is_told_in_libyamls_words() {
        let cases = [
            ("- a: b: c\n", "YAML parsing failed: Mapping values are not allowed in this context."),
            (
                "- a: \"b\n",
                "YAML parsing failed: While scanning a quoted scalar found unexpected end of stream.",
            ),
            (
                "a:\n  b: c\n d: e\n",
                "YAML parsing failed: While parsing a block mapping did not find expected key.",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse("p.yml", text).expect_err("the text is no YAML").message, message, "{text:?}");
        }
    }
}
