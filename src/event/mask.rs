use std::fmt::Write as _;
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{Event, Kind};

/// What stands where a secret was.
pub const MASK: &str = "********";

/// Shorter secrets are masked only where a whole value is equal: `true` inside every sentence helps nobody.
const SHORTEST_INSIDE: usize = 8;

/// Knows the secrets of a run and is the one way to make an [`Event`].
///
/// Texts of 8 bytes and more are masked wherever they stand, also inside longer, base64, URL- or JSON-escaped text;
/// shorter ones only where the whole value is equal. Numbers, booleans, access key ids and account ids are never masked.
#[derive(Clone, Debug, Default)]
pub struct Masker {
    secrets: Arc<RwLock<Secrets>>,
}

#[derive(Default)]
struct Secrets {
    /// Every written form of the long secrets, longest first, so that a secret inside another leaves nothing.
    inside: Vec<Form>,
    whole: Vec<String>,
}

/// One way to write a secret.
#[derive(Clone, PartialEq, Eq)]
struct Form {
    text: String,
    /// In base64 a secret shares characters with its neighbours: all of the run is masked with it.
    base64: bool,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("inside", &self.inside.len())
            .field("whole", &self.whole.len())
            .finish()
    }
}

impl Masker {
    /// Adds a secret; text of several lines is masked line by line as well.
    pub fn add(&self, secret: &str) {
        let secret = secret.trim_end_matches('\n');
        if secret.trim().is_empty() || secret == MASK || is_identifier(secret) {
            return;
        }
        let mut secrets = self.secrets.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for part in std::iter::once(secret).chain(secret.lines().filter(|line| secret != *line)) {
            if part.len() < SHORTEST_INSIDE {
                if part == secret && !secrets.whole.iter().any(|known| known == part) {
                    secrets.whole.push(part.to_owned());
                }
            } else if !secrets.inside.iter().any(|known| known.text == part) {
                secrets.inside.extend(written_forms(part));
            }
        }
        secrets.inside.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
        secrets.inside.dedup_by(|a, b| a.text == b.text);
    }

    /// Adds every text inside a value, except mapping keys.
    pub fn add_all(&self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_all(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.add_all(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns the text without secrets.
    pub fn text(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        secrets.masked(text).unwrap_or_else(|| text.to_owned())
    }

    /// Returns the value without secrets, in mapping keys too.
    pub fn value(&self, value: Value) -> Value {
        let secrets = self.secrets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if secrets.inside.is_empty() && secrets.whole.is_empty() {
            return value;
        }
        secrets.value(value)
    }

    /// Returns the event, with every secret in it masked.
    pub fn event(&self, kind: Kind) -> Event {
        let secrets = self.secrets.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if secrets.inside.is_empty() && secrets.whole.is_empty() {
            return Event(kind);
        }
        let tag = |value: &Value| value.get("event").cloned();
        let plain = serde_json::to_value(&kind).expect("events have text keys and no fallible fields");
        let name = tag(&plain);
        let mut masked = secrets.value(plain);
        if let (Some(fields), Some(name)) = (masked.as_object_mut(), name) {
            fields.insert("event".to_owned(), name);
        }
        match serde_json::from_value(masked) {
            Ok(kind) => Event(kind),
            // A secret that equals a variant's name, such as `ok`: what cannot be said without it is not said.
            Err(_) => {
                Event(Kind::Warning { message: "an event was withheld: it could not be masked".to_owned() })
            }
        }
    }
}

impl Secrets {
    fn masked(&self, text: &str) -> Option<String> {
        if self.whole.iter().any(|secret| secret == text) {
            return Some(MASK.to_owned());
        }
        let mut masked: Option<String> = None;
        for form in &self.inside {
            let current = masked.as_deref().unwrap_or(text);
            if current.contains(form.text.as_str()) {
                masked = Some(if form.base64 {
                    without_run(current, &form.text)
                } else {
                    current.replace(&form.text, MASK)
                });
            }
        }
        masked
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.masked(&text).unwrap_or(text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(key, field)| (self.inside_only(&key).unwrap_or(key), self.value(field)))
                    .collect::<Map<_, _>>(),
            ),
            other => other,
        }
    }

    /// A short secret that happens to equal a key says nothing; a long one as a key does.
    fn inside_only(&self, key: &str) -> Option<String> {
        self.inside.iter().any(|form| key.contains(form.text.as_str())).then(|| self.masked(key)).flatten()
    }
}

/// Account ids and access key ids stand in every ARN and are no secrets.
fn is_identifier(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let key_id = text.len() == 20 && (text.starts_with("AKIA") || text.starts_with("ASIA"));
    digits || key_id
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

fn written_forms(secret: &str) -> Vec<Form> {
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
    let plain = plain.into_iter().map(|text| Form { text, base64: false });
    let encoded = encoded.into_iter().map(|text| Form { text, base64: true });
    let mut forms: Vec<Form> =
        plain.chain(encoded).filter(|form| form.text.len() >= SHORTEST_INSIDE).collect();
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
fn url_escaped(text: &str, plus: bool, slash: bool) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masker(secrets: &[&str]) -> Masker {
        let masker = Masker::default();
        for secret in secrets {
            masker.add(secret);
        }
        masker
    }

    #[test]
    fn a_secret_is_masked_in_every_written_form() {
        let secret = "pa\"ss wörd/+9&";
        let masker = masker(&[secret]);
        let long = format!("user:{secret}");
        let forms = [
            format!("a {secret} b"),
            json!({ "password": secret }).to_string(),
            STANDARD.encode(secret),
            STANDARD.encode(&long),
            STANDARD.encode(format!("x{long}y")),
            URL_SAFE_NO_PAD.encode(format!("xy{long}")),
            url_escaped(secret, false, false),
            url_escaped(secret, true, true),
        ];
        for form in forms {
            assert!(masker.text(&form).contains(MASK), "not masked: {form}");
        }
    }

    #[test]
    fn a_short_secret_is_masked_only_as_a_whole_value() {
        let masker = masker(&["true!"]);
        assert_eq!(
            masker.value(json!({ "a": "true!", "b": "it is true!" })),
            json!({ "a": MASK, "b": "it is true!" })
        );
    }

    #[test]
    fn account_and_key_ids_are_no_secrets() {
        let masker = masker(&["123456789012", "AKIAIOSFODNN7EXAMPLE"]);
        assert_eq!(masker.text("arn:aws:iam::123456789012:role/a"), "arn:aws:iam::123456789012:role/a");
    }

    #[test]
    fn a_secret_inside_another_leaves_nothing_of_either() {
        let masker = masker(&["correct horse", "correct horse battery staple"]);
        assert_eq!(masker.text("say: correct horse battery staple."), format!("say: {MASK}."));
    }

    #[test]
    fn an_event_is_masked_in_every_field() {
        let masker = masker(&["hunter2hunter2"]);
        let event = masker.event(Kind::Warning { message: "it is hunter2hunter2".to_owned() });
        assert_eq!(event.kind(), &Kind::Warning { message: format!("it is {MASK}") });
    }

    #[test]
    fn a_secret_that_equals_a_variant_withholds_the_event_and_nothing_else() {
        let masker = masker(&["warning", "run_done"]);
        assert_eq!(masker.event(Kind::RunDone { exit_code: 2 }).kind(), &Kind::RunDone { exit_code: 2 });
    }
}
