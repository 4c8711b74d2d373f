//! Python's regular expressions, on fancy-regex: what `regexp:` and its kin take (`lineinfile`, `replace`, `find`), and the
//! filters and tests of templates.

use std::fmt::Write as _;

use fancy_regex::{Captures, Regex};

mod python_fault;

/// Python's flags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multiline: bool,
    /// The dot is a newline as well.
    pub dotall: bool,
    /// Only what stands at the beginning counts: Python's `match`.
    pub anchored: bool,
    /// Only what reaches to the end counts: with `anchored`, Python's `fullmatch`.
    pub to_the_end: bool,
}

/// How far a substitution goes.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The most matches that are replaced.
    pub count: usize,
    /// The longest text that it may give, in bytes.
    pub longest: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self { count: usize::MAX, longest: usize::MAX }
    }
}

/// A regular expression that cannot be read, or a replacement that does not fit it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("{}", told(pattern, reason))]
    Invalid { pattern: String, reason: String },
    #[error("the text would be longer than {longest} bytes")]
    TooLong { longest: usize },
    #[error("{0}")]
    Refused(String),
}

/// Python's words, where they are known.
fn told(pattern: &str, reason: &str) -> String {
    python_fault::told(pattern)
        .unwrap_or_else(|| format!("the regular expression '{pattern}' is not valid: {reason}"))
}

fn fail(message: impl Into<String>) -> PatternError {
    PatternError::Refused(message.into())
}

/// A regular expression as Python reads it.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern written for Python's `re`.
    ///
    /// # Errors
    /// When it is no pattern.
    pub fn new(pattern: &str, flags: Flags) -> Result<Self, PatternError> {
        let mut translated = String::with_capacity(pattern.len() + 16);
        for (wanted, flag) in [(flags.ignore_case, "(?i)"), (flags.multiline, "(?m)"), (flags.dotall, "(?s)")]
        {
            translated.push_str(if wanted { flag } else { "" });
        }
        translated.push_str(if flags.anchored { "\\A" } else { "" });
        translated.push_str("(?:");
        translate(pattern, flags.multiline || inline_multiline(pattern), &mut translated);
        translated.push_str(if flags.to_the_end { ")\\z" } else { ")" });
        Regex::new(&translated)
            .map(Self)
            .map_err(|error| PatternError::Invalid { pattern: pattern.to_owned(), reason: error.to_string() })
    }

    /// Returns the first match anywhere in a text.
    ///
    /// # Errors
    /// When finding it takes too many steps.
    pub fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>, PatternError> {
        self.0.captures(text).map_err(|error| fail(error.to_string()))
    }

    /// Returns the first match anywhere in a text; what takes too many steps to find is none.
    pub fn search<'t>(&self, text: &'t str) -> Option<Captures<'t, str>> {
        self.captures(text).ok().flatten()
    }

    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }

    /// Returns all matches that do not overlap, as Python's `finditer` does.
    pub fn matches<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = Result<Captures<'t, str>, PatternError>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at > text.len() {
                return None;
            }
            let captures = match self.0.captures_from_pos(text, at) {
                Ok(captures) => captures?,
                Err(error) => {
                    at = text.len() + 1;
                    return Some(Err(fail(error.to_string())));
                }
            };
            let whole = captures.get(0)?;
            // What is empty is followed by the next character.
            let next = || text.get(whole.end()..).and_then(|rest| rest.chars().next());
            at =
                whole.end() + if whole.start() == whole.end() { next().map_or(1, char::len_utf8) } else { 0 };
            Some(Ok(captures))
        })
    }

    /// Returns how many groups there are, the whole match included.
    pub fn groups(&self) -> usize {
        self.0.captures_len()
    }

    /// Returns a group's number, by number or name.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn group(&self, name: &str) -> Result<usize, PatternError> {
        self.group_at(name, 1)
    }

    /// Returns the number of a group that is named at that place of a replacement.
    fn group_at(&self, name: &str, at: usize) -> Result<usize, PatternError> {
        if let Ok(number) = name.parse::<usize>() {
            if number < self.groups() {
                return Ok(number);
            }
            return Err(fail(format!("invalid group reference {number} at position {at}")));
        }
        let named = self.0.capture_names().position(|known| known == Some(name));
        named.ok_or_else(|| fail(format!("unknown group name '{name}'")))
    }

    /// Fills a replacement (`\1`, `\g<name>`) with the groups of a match, as Python's `expand` does.
    ///
    /// # Errors
    /// When the replacement names a group that the pattern does not have.
    pub fn expand(&self, replacement: &str, captures: &Captures<'_, str>) -> Result<String, PatternError> {
        let parts = self.template(replacement)?;
        Ok(parts.iter().map(|part| part.filled(captures)).collect())
    }

    /// Replaces matches as Python's `subn` does: returns the text and how many there were.
    ///
    /// # Errors
    /// When the replacement does not fit the pattern.
    pub fn substitute(&self, text: &str, replacement: &str) -> Result<(String, usize), PatternError> {
        self.substitute_within(text, replacement, Extent::default())
    }

    /// As [`substitute`](Self::substitute), no further than told.
    ///
    /// # Errors
    /// When the replacement does not fit the pattern, or the text becomes too long.
    pub fn substitute_within(
        &self,
        text: &str,
        replacement: &str,
        extent: Extent,
    ) -> Result<(String, usize), PatternError> {
        let parts = self.template(replacement)?;
        let mut out = String::with_capacity(text.len());
        let (mut done, mut copied) = (0, 0);
        for captures in self.matches(text).take(extent.count) {
            let captures = captures?;
            let Some(whole) = captures.get(0) else { break };
            out.push_str(text.get(copied..whole.start()).unwrap_or_default());
            for part in &parts {
                out.push_str(part.filled(&captures));
                if out.len() > extent.longest {
                    return Err(PatternError::TooLong { longest: extent.longest });
                }
            }
            copied = whole.end();
            done += 1;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Ok((out, done))
    }

    /// Returns whether the pattern itself asks for lines (`(?m)`).
    pub fn asks_for_lines(pattern: &str) -> bool {
        inline_multiline(pattern)
    }
}

fn inline_multiline(pattern: &str) -> bool {
    pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'))
        .is_some_and(|(flags, _)| flags.chars().all(|flag| flag.is_ascii_alphabetic()) && flags.contains('m'))
}

/// Rewrites what Python and fancy-regex write differently.
fn translate(pattern: &str, multiline: bool, out: &mut String) {
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_start = false;
    while let Some(c) = chars.next() {
        let at_start = std::mem::take(&mut class_start);
        match c {
            '\\' => escape(&mut chars, in_class, out),
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                class_start = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if in_class && at_start => out.push_str("\\]"),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            '-' if in_class && chars.peek() == Some(&'-') => out.push_str("\\-"),
            '$' if !in_class && !multiline => out.push_str("(?:$|(?=\\n\\z))"),
            '{' if !in_class => brace(&mut chars, out),
            '(' if !in_class && chars.peek() == Some(&'?') => group(&mut chars, out),
            _ => out.push(c),
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn escape(chars: &mut Chars<'_>, in_class: bool, out: &mut String) {
    match chars.next() {
        Some('Z') if !in_class => out.push_str("\\z"),
        Some('b') if in_class => out.push_str("\\x08"),
        Some(
            c @ ('<' | '>' | ' ' | '"' | '\'' | '/' | '@' | '!' | '%' | ',' | ':' | ';' | '=' | '_' | '`'),
        ) => out.push(c),
        Some('0') => {
            let mut code = 0;
            for _ in 0..2 {
                let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                code = code * 8 + digit;
                chars.next();
            }
            _ = write!(out, "\\x{code:02x}");
        }
        Some(other) => out.extend(['\\', other]),
        None => out.push('\\'),
    }
}

/// `{,n}` counts from none; a brace that counts nothing is itself.
fn brace(chars: &mut Chars<'_>, out: &mut String) {
    let ahead: String = chars.clone().take_while(|c| *c != '}').collect();
    let closed = chars.clone().nth(ahead.chars().count()) == Some('}');
    let counts = closed
        && !ahead.is_empty()
        && ahead != ","
        && ahead.chars().all(|c| c.is_ascii_digit() || c == ',')
        && ahead.matches(',').count() < 2;
    out.push_str(match (counts, ahead.starts_with(',')) {
        (true, true) => "{0",
        (true, false) => "{",
        _ => "\\{",
    });
    if closed && ahead == "," {
        chars.nth(1);
        out.truncate(out.len() - 2);
        out.push_str("{0,}");
    }
}

/// Drops the flags that Python alone has.
fn group(chars: &mut Chars<'_>, out: &mut String) {
    out.push('(');
    let flags: String = chars.clone().skip(1).take_while(char::is_ascii_alphabetic).collect();
    let after = chars.clone().nth(1 + flags.chars().count());
    if flags.is_empty() || !matches!(after, Some(')' | ':')) {
        return;
    }
    let kept: String = flags.chars().filter(|flag| !matches!(flag, 'a' | 'u' | 'L')).collect();
    if kept.len() == flags.len() {
        return;
    }
    for _ in 0..=flags.chars().count() {
        chars.next();
    }
    out.push('?');
    out.push_str(&kept);
    if kept.is_empty() && after == Some(')') {
        out.push(':');
    }
}

enum Part {
    Text(String),
    Group(usize),
}

impl Part {
    fn filled<'a>(&'a self, captures: &'a Captures<'_, str>) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Group(group) => captures.get(*group).map_or("", |group| group.as_str()),
        }
    }
}

impl Pattern {
    /// Reads `\1`, `\g<1>`, `\g<name>` and escapes of a replacement.
    fn template(&self, replacement: &str) -> Result<Vec<Part>, PatternError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut chars = replacement.chars().peekable();
        let whole = replacement.chars().count();
        while let Some(c) = chars.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            let group = match chars.next() {
                None => return Err(fail("bad escape (end of pattern) at position 0")),
                Some('g') => {
                    if chars.next() != Some('<') {
                        return Err(fail("missing <"));
                    }
                    let at = whole - chars.clone().count();
                    let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                    Some(self.group_at(&name, at)?)
                }
                Some('0') => {
                    text.push('\0');
                    None
                }
                Some(digit) if digit.is_ascii_digit() => {
                    let at = whole - chars.clone().count() - 1;
                    let mut number = digit.to_string();
                    if let Some(second) = chars.next_if(char::is_ascii_digit) {
                        number.push(second);
                    }
                    Some(self.group_at(&number, at)?)
                }
                Some(other) => {
                    match other {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'a' => text.push('\x07'),
                        'b' => text.push('\x08'),
                        'f' => text.push('\x0c'),
                        'v' => text.push('\x0b'),
                        '\\' => text.push('\\'),
                        other if other.is_ascii_alphabetic() => {
                            return Err(fail(format!("bad escape \\{other} at position 0")));
                        }
                        other => text.extend(['\\', other]),
                    }
                    None
                }
            };
            if let Some(group) = group {
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Group(group));
            }
        }
        parts.push(Part::Text(text));
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text, Flags::default()).unwrap()
    }

    #[test]
    fn a_dollar_stands_before_the_last_newline_too() {
        assert!(pattern("one$").is_in("one\n"));
        assert!(!pattern("one$").is_in("one\ntwo\n"));
        let lines = Pattern::new("^one$", Flags { multiline: true, ..Flags::default() }).unwrap();
        assert!(lines.is_in("two\none\nthree"));
    }

    #[test]
    fn a_match_begins_at_the_beginning() {
        let anchored = Pattern::new("(?i)b|c", Flags { anchored: true, ..Flags::default() }).unwrap();
        assert_eq!([anchored.is_in("Bad"), anchored.is_in("ab"), anchored.is_in("cat")], [true, false, true]);
    }

    #[test]
    fn groups_are_filled_in() {
        let (text, count) = pattern(r"(?P<key>\w+)=(\w+)").substitute("a=1 b=2", r"\2\g<key>\n").unwrap();
        assert_eq!((text.as_str(), count), ("1a\n 2b\n", 2));
        assert!(pattern("a").substitute("a", r"\1").is_err());
    }

    #[test]
    fn matches_are_replaced_as_python_replaces_them() {
        for (text, whole, replacement, expected) in [
            (r"^a(.*)$", "abc", r"x\1", "xbc"),
            (r"(?P<w>\w+) (\w+)", "a b", r"\2 \g<w>", "b a"),
            ("x*", "abxd", "-", "-a-b--d-"),
            (r"b$", "ab\n", "c", "ac\n"),
            (r"[[]a]", "[a]", "", ""),
            (r"a{,2}b", "aab", "x", "x"),
            (r"\.", "a.b", "", "ab"),
            (r"(a)(?=b)", "abac", r"<\1>", "<a>bac"),
            (r"a\Z", "aa", "b", "ab"),
            (r"{x}", "{x}", "y", "y"),
            (r"a", "a", r"\2", "invalid group reference 2 at position 1"),
        ] {
            let replaced = pattern(text).substitute(whole, replacement);
            let replaced = replaced.map_or_else(|error| error.to_string(), |(text, _)| text);
            assert_eq!(replaced, expected, "{text}");
        }
    }

    #[test]
    fn a_substitution_goes_no_further_than_told() {
        let within = |count, longest| pattern("a").substitute_within("aaa", "bb", Extent { count, longest });
        assert_eq!(within(2, 100), Ok(("bbbba".to_owned(), 2)));
        assert_eq!(within(0, 100), Ok(("aaa".to_owned(), 0)));
        assert_eq!(within(3, 4), Err(PatternError::TooLong { longest: 4 }));
    }

    #[test]
    fn all_of_a_text_can_be_asked_for() {
        let whole =
            Pattern::new("a|ab", Flags { anchored: true, to_the_end: true, ..Flags::default() }).unwrap();
        assert_eq!([whole.is_in("ab"), whole.is_in("abc"), whole.is_in("a\n")], [true, false, false]);
    }
}
