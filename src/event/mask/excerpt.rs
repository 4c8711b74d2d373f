//! The lines of a playbook that a fault shows: what is secret in them, and where the mark stands afterwards.

use serde_json::{Map, Value};

use super::{MASK, Secrets};

/// Shorter values, and the words that every playbook is full of, are shown.
const SHORTEST: usize = 4;
const USUAL: [&str; 5] = ["true", "false", "null", "none", "present"];

/// Masks an excerpt's text, short secrets too where they stand as values, and moves its mark along.
pub(super) fn mask(secrets: &Secrets, fields: &mut Map<String, Value>) {
    let is_excerpt = ["first_line", "label", "start", "end"].iter().all(|name| fields.contains_key(*name));
    let Some(text) = fields.get("text").and_then(Value::as_str).filter(|_| is_excerpt).map(str::to_owned)
    else {
        return;
    };
    let masked = shown(secrets, &text);
    if masked == text {
        return;
    }
    for name in ["start", "end"] {
        let at = fields.get(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let at = at.map(|at| moved(secrets, &text, &masked, at, name == "end"));
        fields.insert(name.to_owned(), Value::from(at.unwrap_or_default()));
    }
    fields.insert("text".to_owned(), Value::from(masked));
}

/// Returns where a place of the text is in the masked one: where a mask has swallowed it, an end of its line.
fn moved(secrets: &Secrets, text: &str, masked: &str, at: usize, end: bool) -> usize {
    let before = text.get(..at).unwrap_or(text);
    let same = shown(secrets, before);
    if masked.starts_with(&same) {
        return same.len();
    }
    let lines = before.matches('\n').count();
    let begin: usize = masked.split_inclusive('\n').take(lines).map(str::len).sum();
    let line = masked.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    begin + if end { line.len() } else { line.len() - line.trim_start().len() }
}

fn shown(secrets: &Secrets, text: &str) -> String {
    let mut text = secrets.masked_inside(text).unwrap_or_else(|| text.to_owned());
    for secret in &secrets.whole {
        if secret.len() >= SHORTEST && !USUAL.contains(&secret.as_str()) && text.contains(secret.as_str()) {
            text = without_value(&text, secret);
        }
    }
    text
}

/// Masks a short secret where it stands as a value: after a colon or an equals sign.
fn without_value(text: &str, secret: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(secret) {
        let (before, from) = rest.split_at(at);
        let after = from.get(secret.len()..).unwrap_or_default();
        let follows = before.trim_end_matches(['"', '\'', ' ']).ends_with([':', '=']);
        let ends = after.is_empty() || after.starts_with(['"', '\'', ' ', ',', '}', ']', '\n', '\r']);
        out.push_str(before);
        out.push_str(if follows && ends { MASK } else { secret });
        rest = after;
    }
    out + rest
}
