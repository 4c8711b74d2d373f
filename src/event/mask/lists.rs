//! Secrets that a list holds in pieces: the words of a command, the characters of a text.

use std::ops::Range;

use serde_json::Value;

use super::MASK;
use super::forms::collapsed;
use super::words::SHORTEST_INSIDE;

/// The long secrets, as neighbouring texts of a list make them up.
#[derive(Default)]
pub(super) struct Pieces {
    /// Of several words, as a shell's or Python's splitting leaves them: with single spaces, and without quotes.
    spaced: Vec<String>,
    /// As they are.
    joined: Vec<String>,
}

impl Pieces {
    pub(super) fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST_INSIDE {
            return;
        }
        self.joined.push(secret.to_owned());
        let spaced = collapsed(secret);
        if spaced.contains(' ') && spaced.len() >= SHORTEST_INSIDE {
            let bare: String = spaced.chars().filter(|mark| !"'\"\\".contains(*mark)).collect();
            if bare != spaced && bare.len() >= SHORTEST_INSIDE {
                self.spaced.push(bare);
            }
            self.spaced.push(spaced);
        }
    }

    /// Masks what of neighbouring texts makes up a secret.
    pub(super) fn mask(&self, items: &mut [Value]) {
        for neighbours in items.chunk_by_mut(|left, right| left.is_string() && right.is_string()) {
            if neighbours.len() > 1 {
                mask_with(neighbours, " ", &self.spaced);
                mask_with(neighbours, "", &self.joined);
            }
        }
    }
}

fn mask_with(items: &mut [Value], separator: &str, secrets: &[String]) {
    if secrets.is_empty() {
        return;
    }
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    let whole = texts.join(separator);
    let found: Vec<Range<usize>> = secrets
        .iter()
        .flat_map(|secret| whole.match_indices(secret.as_str()))
        .map(|(at, secret)| at..at + secret.len())
        .collect();
    if found.is_empty() {
        return;
    }
    let mut begin = 0;
    for item in items {
        let Value::String(text) = item else { continue };
        let place = begin..begin + text.len();
        begin = place.end + separator.len();
        // What stands in one item as a whole is masked there, in every form.
        let parts = found.iter().filter(|found| found.start < place.start || found.end > place.end);
        let inside = parts.filter_map(|found| {
            let part = found.start.max(place.start)..found.end.min(place.end);
            (part.start < part.end).then(|| part.start - place.start..part.end - place.start)
        });
        if let Some(masked) = without(text, inside.collect()) {
            *text = masked;
        }
    }
}

/// Returns the text with the ranges masked, those that overlap as one; `None` without any.
fn without(text: &str, mut ranges: Vec<Range<usize>>) -> Option<String> {
    ranges.sort_by_key(|range| range.start);
    let last = ranges.last()?.end;
    let mut masked = String::new();
    let mut at = 0;
    for range in &ranges {
        if range.start >= at {
            masked.push_str(text.get(at..range.start)?);
            masked.push_str(MASK);
        }
        at = at.max(range.end);
    }
    masked.push_str(text.get(at.max(last)..)?);
    Some(masked)
}
