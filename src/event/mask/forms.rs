//! The ways to write a secret.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::MASK;
use super::words::SHORTEST_INSIDE;

/// One way to write a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) text: String,
    /// In base64 a secret shares characters with its neighbours: all of the run is masked with it.
    base64: bool,
}

impl Form {
    /// Returns the text with every place of the form masked.
    pub(super) fn masked(&self, text: &str) -> String {
        if self.base64 { without_run(text, &self.text) } else { text.replace(&self.text, MASK) }
    }
}

/// Masks each base64 text that the form stands in, from its first character to its last.
fn without_run(text: &str, form: &str) -> String {
    let in_run = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=')
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(form) {
        let (before, from) = rest.split_at(at);
        out.push_str(before.trim_end_matches(in_run));
        out.push_str(MASK);
        rest = from.trim_start_matches(in_run);
    }
    out + rest
}

/// Returns every form of a secret that is long enough to be looked for inside of a text.
pub(super) fn written_forms(secret: &str) -> Vec<Form> {
    let escaped = json_escaped(secret);
    let plain = [
        secret.to_owned(),
        json_escaped(&escaped),
        json_ascii_escaped(secret),
        url_escaped(secret, false, false),
        url_escaped(secret, true, false),
        url_escaped(secret, false, true),
        url_escaped(secret, true, true),
        escaped,
        collapsed(secret),
    ];
    let mut encoded: Vec<String> = Vec::new();
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        encoded.push(engine.encode(secret));
    }
    // Inside longer base64 a secret starts at one of three offsets; the bytes that its neighbours share are left out.
    for shift in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.bytes()).collect();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            let start = if shift == 0 { 0 } else { shift + 1 };
            let end = padded.len() / 3 * 4;
            encoded.extend(text.get(start..end).map(str::to_owned));
        }
    }
    let shortest = secret.len().min(SHORTEST_INSIDE);
    let plain = plain.into_iter().filter(|text| text.len() >= shortest);
    let plain = plain.map(|text| Form { text, base64: false });
    let encoded = encoded.into_iter().filter(|text| text.len() >= SHORTEST_INSIDE);
    let encoded = encoded.map(|text| Form { text, base64: true });
    let mut forms: Vec<Form> = plain.chain(encoded).collect();
    forms.sort_by(|a, b| a.text.cmp(&b.text));
    forms.dedup_by(|a, b| a.text == b.text);
    forms
}

fn json_escaped(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

fn json_ascii_escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut units = [0_u16; 2];
    for character in json_escaped(text).chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                write!(escaped, "\\u{unit:04x}").expect("a string takes any text");
            }
        }
    }
    escaped
}

/// Programs differ in how they write a blank, and whether they leave the slash.
pub(super) fn url_escaped(text: &str, plus: bool, slash: bool) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            b' ' if plus => escaped.push('+'),
            b'/' if slash => escaped.push('/'),
            _ => write!(escaped, "%{byte:02X}").expect("a string takes any text"),
        }
    }
    escaped
}

/// Returns the text with a single space for each run of white space: what a shell makes of it.
pub(super) fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
