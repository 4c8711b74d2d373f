//! Words, paths and documents in texts, as Python reads and writes them (`shlex`, `os.path`, `json`): `command` lines,
//! `validate:`, `~` and `$VAR`, a `body:` or `content:` that is data.

use std::fmt::Write as _;

use serde_json::Value;

/// A text that cannot be split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error("No closing quotation")]
    NoClosingQuotation,
    #[error("No escaped character")]
    NoEscapedCharacter,
}

/// Splits a text into words as a POSIX shell does, without expanding anything.
pub fn split(text: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut characters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => {
                word.get_or_insert_default().push(characters.next().ok_or(SplitError::NoEscapedCharacter)?);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), SplitError> {
    loop {
        match characters.next().ok_or(SplitError::NoClosingQuotation)? {
            '\'' => return Ok(()),
            other => word.push(other),
        }
    }
}

/// In double quotes a backslash escapes only itself and the quote.
fn double_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), SplitError> {
    loop {
        match characters.next().ok_or(SplitError::NoClosingQuotation)? {
            '"' => return Ok(()),
            '\\' => match characters.next().ok_or(SplitError::NoEscapedCharacter)? {
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

/// Quotes a word so that a shell reads it as one.
pub fn quote(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

/// Replaces `$NAME` and `${NAME}`, then a leading `~` or `~user`; what is not known stays as it is.
pub fn expand(
    text: &str,
    env: impl Fn(&str) -> Option<String>,
    home: impl Fn(&str) -> Option<String>,
) -> String {
    let text = variables(text, env);
    let Some(rest) = text.strip_prefix('~') else { return text };
    let (user, tail) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    match home(user) {
        Some(home) => {
            let expanded = format!("{}{tail}", home.trim_end_matches('/'));
            if expanded.is_empty() { "/".to_owned() } else { expanded }
        }
        None => text,
    }
}

fn variables(text: &str, env: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, whole) = variable(after);
        if let Some(value) = name.and_then(&env) {
            out.push_str(&value);
        } else {
            out.push('$');
            out.push_str(after.get(..whole).unwrap_or_default());
        }
        rest = after.get(whole..).unwrap_or_default();
    }
    out + rest
}

/// Returns the name after a dollar sign, and how many bytes it takes with its braces.
fn variable(after: &str) -> (Option<&str>, usize) {
    if let Some(braced) = after.strip_prefix('{') {
        return match braced.find('}') {
            Some(end) => (braced.get(..end), end + 2),
            None => (None, 0),
        };
    }
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
    (after.get(..end).filter(|name| !name.is_empty()), end)
}

/// Writes data as Python's `json.dumps` does: spaces after commas and colons, and nothing but ASCII.
pub fn document(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(document).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{}: {}", quoted(key), document(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    for character in Value::from(text).to_string().chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_written_as_python_writes_it() {
        let data = json!({ "a": [1, 2.5, null, true], "b": "ä\n😀" });
        assert_eq!(document(&data), r#"{"a": [1, 2.5, null, true], "b": "\u00e4\n\ud83d\ude00"}"#);
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (text, words) in [
            ("echo hi", vec!["echo", "hi"]),
            ("  a\tb\n", vec!["a", "b"]),
            (r#"a "b c" 'd e'f"#, vec!["a", "b c", "d ef"]),
            (r#""a\"b\\c\d" '\'"#, vec![r#"a"b\c\d"#, r"\"]),
            (r"a\ b \'", vec!["a b", "'"]),
            ("'' x", vec!["", "x"]),
            ("", vec![]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn what_is_left_open_is_an_error() {
        assert_eq!(split("echo 'a"), Err(SplitError::NoClosingQuotation));
        assert_eq!(split("echo \"a"), Err(SplitError::NoClosingQuotation));
        assert_eq!(split("echo a\\"), Err(SplitError::NoEscapedCharacter));
    }

    #[test]
    fn a_quoted_word_is_split_back_into_itself() {
        for word in ["plain", "a b", "it's", "", "$HOME", "a\"b"] {
            assert_eq!(split(&quote(word)).unwrap(), [word]);
        }
        assert_eq!(quote("a/b-c"), "a/b-c");
    }

    #[test]
    fn variables_and_homes_are_expanded_and_the_unknown_is_left_alone() {
        let env = |name: &str| (name == "X").then(|| "1".to_owned());
        let home = |user: &str| (user.is_empty()).then(|| "/home/me".to_owned());
        for (text, expanded) in [
            ("$X/${X}/$Y/${Y}", "1/1/$Y/${Y}"),
            ("~/a", "/home/me/a"),
            ("~", "/home/me"),
            ("~bob/a", "~bob/a"),
            ("a~", "a~"),
            ("$", "$"),
            ("${X", "${X"),
            ("$Xy", "$Xy"),
        ] {
            assert_eq!(expand(text, env, home), expanded);
        }
    }
}
