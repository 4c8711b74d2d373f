use std::sync::Arc;

use super::format_call::format_call;
use crate::builtin::Given;
use crate::eval::{Args, Cx, Evaluated};
use crate::value::Repr;
use crate::{TemplateError, Value, limits};

pub(super) const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

pub(super) fn call(cx: &Cx<'_>, text: &Arc<str>, name: &str, args: Args) -> Evaluated {
    let params = match name {
        "center" | "ljust" | "rjust" => "width fillchar=",
        "zfill" => "width",
        "count" | "find" | "rfind" | "index" | "rindex" | "startswith" | "endswith" => "sub start= end=",
        "join" => "iterable",
        "strip" | "lstrip" | "rstrip" => "chars=",
        "partition" | "rpartition" => "sep",
        "removeprefix" | "removesuffix" => "affix",
        "replace" => "old new count=",
        "split" | "rsplit" => "sep= maxsplit=",
        "splitlines" => "keepends=",
        "expandtabs" => "tabsize=",
        "encode" => "encoding= errors=",
        "format_map" => "mapping",
        "format" => return format_call(text, &args).map(Value::from),
        _ => "",
    };
    let given = Given::bind(&format!("str.{name}"), params, args)?;
    if let Some(answer) = question(text, name) {
        return Ok(answer.into());
    }
    match name {
        "count" | "find" | "rfind" | "index" | "rindex" | "startswith" | "endswith" => {
            search(text, name, &given)
        }
        "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => split(text, name, &given),
        "center" | "ljust" | "rjust" | "zfill" => pad(text, name, &given),
        "join" => {
            let items = cx.items(given.value(0))?;
            let mut parts = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                match item.as_str() {
                    Some(part) => parts.push(part),
                    None => {
                        return fail(format!(
                            "sequence item {at}: expected str instance, {} found",
                            item.type_name()
                        ));
                    }
                }
            }
            limits::joined(&parts, text)?;
            Ok(parts.join(text).into())
        }
        "strip" | "lstrip" | "rstrip" => Ok(strip(text, name, given.some(0)).into()),
        "removeprefix" => Ok(text.strip_prefix(given.str(0)?).unwrap_or(text).into()),
        "removesuffix" => Ok(text.strip_suffix(given.str(0)?).unwrap_or(text).into()),
        "replace" => {
            let count = given.int(2, -1)?;
            let (old, new) = (given.str(0)?, given.str(1)?);
            limits::replaced(text, old, new, usize::try_from(count).unwrap_or(usize::MAX))?;
            Ok(match usize::try_from(count) {
                Ok(count) => text.replacen(old, new, count),
                Err(_) => text.replace(old, new),
            }
            .into())
        }
        "expandtabs" => {
            let size = given.size(0, 8)?;
            limits::text(text.matches('\t').count().saturating_mul(size))?;
            Ok(expand_tabs(text, size).into())
        }
        "encode" => Ok(Value(Repr::Bytes(text.as_bytes().into()))),
        "format_map" => {
            let named = given.value(0).entries().map(|(key, value)| (key.text().into(), value.clone()));
            format_call(text, &Args { positional: Vec::new(), named: named.collect() }).map(Value::from)
        }
        _ => Ok(recased(text, name).into()),
    }
}

fn recased(text: &str, name: &str) -> String {
    match name {
        "upper" => text.to_uppercase(),
        // Letter by letter, so that a sigma at the end is one like any other.
        "casefold" => text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
        "title" => title(text),
        "capitalize" => capitalize(text),
        "swapcase" => text
            .chars()
            .flat_map(|c| -> Vec<char> {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            })
            .collect(),
        _ => text.to_lowercase(),
    }
}

pub(crate) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(title_case).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.push_str(&title_case(c));
        }
        inside = c.is_lowercase() || c.is_uppercase() || title_case(c) == c.to_string() && c.is_alphabetic();
    }
    out
}

/// Returns a letter as it begins a word: of one that is several when it is large, only the first is.
fn title_case(c: char) -> String {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}'.into(),
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}'.into(),
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}'.into(),
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}'.into(),
        _ => {
            let mut large = c.to_uppercase();
            match large.next() {
                Some(first) if first.is_uppercase() => {
                    [first].into_iter().chain(large.flat_map(char::to_lowercase)).collect()
                }
                first => first.into_iter().chain(large).collect(),
            }
        }
    }
}

fn question(text: &str, name: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let cased = |wanted: fn(char) -> bool, other: fn(char) -> bool| {
        text.chars().any(wanted) && !text.chars().any(other)
    };
    Some(match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isdecimal" | "isdigit" => all(|c| c.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "islower" => cased(char::is_lowercase, char::is_uppercase),
        "isupper" => cased(char::is_uppercase, char::is_lowercase),
        "istitle" => text.chars().any(char::is_alphabetic) && title(text) == text,
        "isidentifier" => {
            text.starts_with(|c: char| c == '_' || c.is_alphabetic())
                && text.chars().all(|c| c == '_' || c.is_alphanumeric())
        }
        "isprintable" => !text.chars().any(char::is_control),
        _ => return None,
    })
}

/// Returns the part of the text that the second and third argument cut out, and the characters before it.
fn window(text: &str, given: &Given) -> Result<(String, i128), TemplateError> {
    let length = i128::try_from(text.chars().count()).unwrap_or(0);
    let clamp = |at: i128| if at < 0 { (at + length).max(0) } else { at };
    let start = clamp(given.int(1, 0)?);
    let end = clamp(given.int(2, length)?).min(length);
    let skip = usize::try_from(start).unwrap_or(usize::MAX);
    let take = usize::try_from(end - start).unwrap_or(0);
    Ok((text.chars().skip(skip).take(take).collect(), start))
}

fn search(text: &str, name: &str, given: &Given) -> Evaluated {
    let (part, before) = window(text, given)?;
    if let "startswith" | "endswith" = name {
        let wanted = given.value(0);
        let options = wanted.as_items().unwrap_or(std::slice::from_ref(wanted));
        let mut found = false;
        for option in options {
            let Some(affix) = option.as_str() else {
                return fail(format!(
                    "{name} first arg must be str or a tuple of str, not {}",
                    option.type_name()
                ));
            };
            found |= if name == "startswith" { part.starts_with(affix) } else { part.ends_with(affix) };
        }
        return Ok(found.into());
    }
    let Some(wanted) = given.value(0).as_str() else {
        return fail(format!("must be str, not {}", given.value(0).type_name()));
    };
    if name == "count" {
        return Ok(part.matches(wanted).count().into());
    }
    let found = if name.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
    match found {
        Some(at) => {
            let chars = part.get(..at).map_or(0, |head| head.chars().count());
            Ok((before + i128::try_from(chars).unwrap_or(0)).into())
        }
        None if name.ends_with("index") => fail("substring not found"),
        None => Ok((-1_i64).into()),
    }
}

fn split(text: &str, name: &str, given: &Given) -> Evaluated {
    match name {
        "splitlines" => return Ok(split_lines(text, given.flag(0, false)).into()),
        "partition" | "rpartition" => {
            let separator = given.str(0)?;
            if separator.is_empty() {
                return fail("empty separator");
            }
            let forwards = name == "partition";
            let parts = if forwards { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match parts {
                Some((head, tail)) => [head, separator, tail],
                None if forwards => [text, "", ""],
                None => ["", "", text],
            };
            return Ok(Value::tuple(parts.into_iter().map(Value::from).collect()));
        }
        _ => {}
    }
    let limit = usize::try_from(given.int(1, -1)?).ok();
    let from_right = name == "rsplit";
    let Some(separator) = given.some(0) else {
        return Ok(split_whitespace(text, limit, from_right).into_iter().map(Value::from).collect());
    };
    let Some(separator) = separator.as_str() else {
        return fail(format!("must be str or None, not {}", separator.type_name()));
    };
    if separator.is_empty() {
        return fail("empty separator");
    }
    let pieces = limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
    let mut parts: Vec<Value> = if from_right {
        text.rsplitn(pieces, separator).map(Value::from).collect()
    } else {
        text.splitn(pieces, separator).map(Value::from).collect()
    };
    if from_right {
        parts.reverse();
    }
    Ok(parts.into())
}

fn split_whitespace(text: &str, limit: Option<usize>, from_right: bool) -> Vec<String> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = if from_right { rest.trim_end() } else { rest.trim_start() };
        if rest.is_empty() {
            break;
        }
        if parts.len() >= limit {
            parts.push(if from_right { rest.trim_end() } else { rest }.to_owned());
            break;
        }
        if from_right {
            let at = rest.rfind(char::is_whitespace);
            let (head, part) = match at {
                Some(at) => {
                    let width = rest.get(at..).and_then(|tail| tail.chars().next()).map_or(1, char::len_utf8);
                    (rest.get(..at).unwrap_or_default(), rest.get(at + width..).unwrap_or_default())
                }
                None => ("", rest),
            };
            parts.push(part.to_owned());
            rest = head;
        } else {
            let (part, tail) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            parts.push(part.to_owned());
            rest = tail;
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// Splits at every line end that Python knows.
pub(crate) fn split_lines(text: &str, keep_ends: bool) -> Vec<Value> {
    let is_end = |c: char| {
        matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let tail = rest.get(end..).unwrap_or_default();
        let width = if tail.starts_with("\r\n") { 2 } else { tail.chars().next().map_or(0, char::len_utf8) };
        let kept = if keep_ends { end + width } else { end };
        lines.push(Value::from(rest.get(..kept).unwrap_or_default()));
        rest = rest.get(end + width..).unwrap_or_default();
    }
    lines
}

fn strip(text: &str, name: &str, chars: Option<&Value>) -> String {
    let set = chars.map(Value::text);
    let strips = |c: char| set.as_ref().map_or(c.is_whitespace(), |set| set.contains(c));
    match name {
        "strip" => text.trim_matches(strips),
        "lstrip" => text.trim_start_matches(strips),
        _ => text.trim_end_matches(strips),
    }
    .to_owned()
}

fn pad(text: &str, name: &str, given: &Given) -> Evaluated {
    let width = given.size(0, 0)?;
    limits::text(width)?;
    let missing = width.saturating_sub(text.chars().count());
    if name == "zfill" {
        let (sign, digits) = match text.chars().next() {
            Some(sign @ ('+' | '-')) => (sign.to_string(), text.get(1..).unwrap_or_default()),
            _ => (String::new(), text),
        };
        return Ok(format!("{sign}{}{digits}", "0".repeat(missing)).into());
    }
    let fill = given.text_or(1, " ");
    if fill.chars().count() != 1 {
        return fail("The fill character must be exactly one character long");
    }
    let (before, after) = match name {
        "ljust" => (0, missing),
        "rjust" => (missing, 0),
        _ => centered(missing, width),
    };
    Ok(format!("{}{text}{}", fill.repeat(before), fill.repeat(after)).into())
}

/// Python puts the odd one on the left only when the width is odd, too.
pub(crate) fn centered(missing: usize, width: usize) -> (usize, usize) {
    let before = missing / 2 + (missing & width & 1);
    (before, missing - before)
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn texts_have_pythons_methods() {
        give(&[
            ("s.upper()", json!("HELLO")),
            ("s.title()", json!("Hello")),
            ("'ßa ǆ 1a'.title()", json!("Ssa ǅ 1A")),
            ("s.replace('l', 'L', 1)", json!("heLlo")),
            ("'a,b,c'.split(',', 1)", json!(["a", "b,c"])),
            ("'a,b,c'.rsplit(',', 1)", json!(["a,b", "c"])),
            ("' a  b '.split()", json!(["a", "b"])),
            ("'a b c'.split(none, 1)", json!(["a", "b c"])),
            ("s.startswith('he')", json!(true)),
            ("s.endswith(('x', 'lo'))", json!(true)),
            ("s.find('l')", json!(2)),
            ("s.rfind('l')", json!(3)),
            ("s.find('l', 3)", json!(3)),
            ("s.index('l')", json!(2)),
            ("s.count('l')", json!(2)),
            ("' x '.strip()", json!("x")),
            ("'xxaxx'.lstrip('x')", json!("axx")),
            ("s.center(11, '*')", json!("***hello***")),
            ("s.ljust(8) ~ '|'", json!("hello   |")),
            ("'-42'.zfill(5)", json!("-0042")),
            ("','.join(ls)", json!("b,A,c,a")),
            ("s.partition('l')", json!(["he", "l", "lo"])),
            ("'a.b.c'.rpartition('.')", json!(["a.b", ".", "c"])),
            ("'{} {}'.format(1, 'a')", json!("1 a")),
            ("s.isalpha()", json!(true)),
            ("'12'.isdigit()", json!(true)),
            ("'aB'.swapcase()", json!("Ab")),
            (r#""a\nb\n".splitlines() | length"#, json!(1)),
            ("'abc'.removeprefix('a')", json!("bc")),
            ("'a' .encode('utf-8').decode()", json!("a")),
        ]);
    }

    #[test]
    fn what_the_methods_refuse_is_refused() {
        refuse(&[
            ("s.index('z')", "Error rendering template: substring not found"),
            ("s.split('')", "Error rendering template: empty separator"),
            (
                "s.upper(1)",
                "Error rendering template: str.upper() takes 0 positional arguments but 1 was given",
            ),
            ("','.join([1])", "Error rendering template: sequence item 0: expected str instance, int found"),
        ]);
    }
}
