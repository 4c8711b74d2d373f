//! `pprint`: Python's `pformat`, as it lays out what Ansible's templates give it.
//!
//! Their lists and mappings are of Ansible's own types, which `pformat` does not know and prints on one line in the
//! order they have; only texts and tuples are broken at 80 characters.

use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::methods::split_lines;
use crate::value::Repr;

pub(super) const FILTERS: &[Builtin] = &[builtin("pprint", "value", pprint)];

const WIDTH: usize = 80;

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    /// What follows on the same line.
    after: usize,
    /// It is in nothing else.
    is_whole: bool,
}

fn pprint(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut out = String::new();
    pretty(given.value(0), Place { indent: 0, after: 0, is_whole: true }, &mut out);
    Ok(out.into())
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn pretty(value: &Value, place: Place, out: &mut String) {
    let flat = value.repr();
    if length(&flat) + place.indent + place.after <= WIDTH {
        out.push_str(&flat);
        return;
    }
    match &value.0 {
        Repr::Str(text) => pretty_text(text, place, out),
        Repr::Tuple(items) => {
            let end = if items.len() == 1 { ",)" } else { ")" };
            out.push('(');
            let indent = place.indent + 1;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(",\n");
                    out.push_str(&" ".repeat(indent));
                }
                let after = if at + 1 == items.len() { place.after + end.len() } else { 1 };
                pretty(item, Place { indent, after, is_whole: false }, out);
            }
            out.push_str(end);
        }
        _ => out.push_str(&flat),
    }
}

/// Breaks a text at its line ends and after white space.
fn pretty_text(text: &str, place: Place, out: &mut String) {
    let extra = usize::from(place.is_whole);
    let (indent, after) = (place.indent + extra, place.after + extra);
    let width = WIDTH.saturating_sub(indent);
    let repr = |text: &str| Value::from(text).repr();
    let lines = split_lines(text, true);
    let mut chunks = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let is_last = number + 1 == lines.len();
        let line = line.text();
        let whole = repr(&line);
        if length(&whole) <= width.saturating_sub(if is_last { after } else { 0 }) {
            chunks.push(whole);
            continue;
        }
        let words = words(&line);
        let mut current = String::new();
        for (at, word) in words.iter().enumerate() {
            let room = width.saturating_sub(if is_last && at + 1 == words.len() { after } else { 0 });
            let longer = format!("{current}{word}");
            if length(&repr(&longer)) <= room {
                current = longer;
                continue;
            }
            if !current.is_empty() {
                chunks.push(repr(&current));
            }
            current.clone_from(word);
        }
        if !current.is_empty() {
            chunks.push(repr(&current));
        }
    }
    let brackets = place.is_whole && chunks.len() > 1;
    out.push_str(if brackets { "(" } else { "" });
    out.push_str(&chunks.join(&format!("\n{}", " ".repeat(indent))));
    out.push_str(if brackets { ")" } else { "" });
}

/// Cuts a text into words, each with the white space after it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_space = true;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if c.is_whitespace() || !was_space => word.push(c),
            _ => words.push(c.to_string()),
        }
        was_space = c.is_whitespace();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn long_texts_and_tuples_are_broken() {
        give(&[
            ("{'b': 1, 'a': 2} | pprint", json!("{'b': 1, 'a': 2}")),
            ("('b c ' * 20) | pprint | length", json!(88)),
            (
                "(1, 'x ' * 45) | pprint",
                json!(format!("(1,\n '{}'\n '{}')", "x ".repeat(38), "x ".repeat(7))),
            ),
        ]);
    }
}
