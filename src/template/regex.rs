//! Python's regular expressions, on fancy-regex.

use std::fmt::Write as _;

use fancy_regex::{Captures, Regex};

use crate::TemplateError;

/// Python's flags, as Ansible's filters take them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) ignore_case: bool,
    pub(crate) multiline: bool,
}

fn fail(message: impl Into<String>) -> TemplateError {
    TemplateError::runtime(message)
}

/// Compiles a pattern written for Python's `re`.
pub(crate) fn compile(pattern: &str, flags: Flags) -> Result<Regex, TemplateError> {
    let mut translated = String::with_capacity(pattern.len() + 8);
    if flags.ignore_case || flags.multiline {
        translated.push_str("(?");
        translated.push_str(if flags.ignore_case { "i" } else { "" });
        translated.push_str(if flags.multiline { "m" } else { "" });
        translated.push(')');
    }
    translate(pattern, flags.multiline, &mut translated);
    Regex::new(&translated).map_err(|error| match crate::regex_fault::fault(pattern) {
        Some(fault) => fail(fault),
        None => fail(format!("the regular expression '{pattern}' is not valid: {error}")),
    })
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

/// Returns all matches that do not overlap, as Python's `finditer` does.
pub(crate) fn find_all<'t>(regex: &Regex, text: &'t str) -> Result<Vec<Captures<'t, str>>, TemplateError> {
    let mut found = Vec::new();
    let mut at = 0;
    while at <= text.len() {
        let captures = regex.captures_from_pos(text, at).map_err(|error| fail(error.to_string()))?;
        let Some(captures) = captures else { break };
        let Some(whole) = captures.get(0) else { break };
        at = if whole.start() == whole.end() {
            let width =
                text.get(whole.end()..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            whole.end() + width
        } else {
            whole.end()
        };
        found.push(captures);
    }
    Ok(found)
}

/// Replaces matches as Python's `subn` does: returns the text and how many there were.
pub(crate) fn substitute(
    regex: &Regex,
    text: &str,
    replacement: &str,
    limit: usize,
) -> Result<(String, usize), TemplateError> {
    let parts = template(replacement, regex)?;
    let mut out = String::with_capacity(text.len());
    let (mut done, mut copied) = (0, 0);
    for captures in find_all(regex, text)? {
        if limit > 0 && done >= limit {
            break;
        }
        let Some(whole) = captures.get(0) else { break };
        out.push_str(text.get(copied..whole.start()).unwrap_or_default());
        for part in &parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => out.push_str(captures.get(*group).map_or("", |group| group.as_str())),
            }
        }
        copied = whole.end();
        done += 1;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok((out, done))
}

enum Part {
    Text(String),
    Group(usize),
}

/// Reads `\1`, `\g<1>`, `\g<name>` and escapes of a replacement.
fn template(replacement: &str, regex: &Regex) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = replacement.chars().peekable();
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
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                Some(group_number(&name, regex)?)
            }
            Some('0') => {
                text.push('\0');
                None
            }
            Some(digit) if digit.is_ascii_digit() => {
                let mut number = digit.to_string();
                if let Some(second) = chars.next_if(char::is_ascii_digit) {
                    number.push(second);
                }
                Some(group_number(&number, regex)?)
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

/// Returns a group's number, by number or name.
pub(crate) fn group_number(name: &str, regex: &Regex) -> Result<usize, TemplateError> {
    if let Ok(number) = name.parse::<usize>() {
        if number < regex.captures_len() {
            return Ok(number);
        }
        return Err(fail(format!("invalid group reference {number} at position 1")));
    }
    let named = regex.capture_names().position(|known| known == Some(name));
    named.ok_or_else(|| fail(format!("unknown group name '{name}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, text: &str, replacement: &str) -> String {
        let regex = compile(pattern, Flags::default()).expect("the pattern is legal");
        substitute(&regex, text, replacement, 0).map_or_else(|error| error.message, |(text, _)| text)
    }

    #[test]
    fn matches_are_replaced_as_python_replaces_them() {
        for (pattern, text, replacement, expected) in [
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
            assert_eq!(replaced(pattern, text, replacement), expected, "{pattern}");
        }
    }
}
