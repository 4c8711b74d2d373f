//! Secrets are masked by value, where events are made.

mod excerpt;
mod forms;
mod lists;
mod words;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use serde_json::{Map, Value};

use self::forms::{Form, written_forms};
use crate::{Event, Kind};

/// What stands where a secret was.
pub const MASK: &str = "********";

/// Knows the secrets of a run and is the one way to make an [`Event`].
///
/// Texts of 8 bytes and more, and of 6 that nobody would call a word, are masked wherever they stand, also inside longer,
/// base64, URL- or JSON-escaped text and where a list holds them in pieces; shorter ones only where the whole value is
/// equal. Of a secret of several words those are masked by themselves that are no everyday words. Numbers, booleans,
/// access key ids and account ids are never masked.
#[derive(Clone, Debug, Default)]
pub struct Masker {
    secrets: Arc<RwLock<Secrets>>,
}

#[derive(Default)]
struct Secrets {
    /// Every written form of the long secrets, longest first, so that a secret inside another leaves nothing.
    inside: Vec<Form>,
    whole: Vec<String>,
    /// What is a secret as a whole, as against a text that only is not to be shown.
    marked: HashSet<String>,
    /// The long ones of them as lists hold them in pieces.
    pieces: lists::Pieces,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("inside", &self.inside.len())
            .field("whole", &self.whole.len())
            .finish_non_exhaustive()
    }
}

impl Masker {
    /// Adds a secret; text of several lines is masked line by line as well, and one of several words by those that are
    /// no everyday words.
    pub fn add(&self, secret: &str) {
        let Some(secret) = nameable(secret) else { return };
        let mut secrets = self.write();
        if !secrets.marked.insert(secret.to_owned()) {
            return;
        }
        secrets.pieces.add(secret);
        secrets.hide(secret);
        words::telling(secret).for_each(|word| secrets.inside.extend(written_forms(word)));
        secrets.sort();
    }

    /// Adds a text that is not to be shown, as it stands and line by line: a whole file, or what a task said.
    pub fn add_text(&self, text: &str) {
        let Some(text) = nameable(text) else { return };
        let mut secrets = self.write();
        secrets.hide(text);
        secrets.sort();
    }

    /// Adds a text that was made of a secret: what could as well be an everyday word is masked as a whole value only,
    /// and what is too short to tell anything not at all.
    pub fn add_derived(&self, text: &str) {
        let Some(text) = nameable(text).filter(|text| words::tells(text)) else { return };
        if words::is_everyday(text) {
            let mut secrets = self.write();
            secrets.marked.insert(text.to_owned());
            secrets.add_whole(text);
        } else {
            self.add(text);
        }
    }

    /// Returns whether the text as a whole is a secret, or was made of one.
    pub fn is_secret(&self, text: &str) -> bool {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        !secrets.marked.is_empty() && secrets.marked.contains(text.trim_end_matches('\n'))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Secrets> {
        self.secrets.write().unwrap_or_else(PoisonError::into_inner)
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
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.masked(text).unwrap_or_else(|| text.to_owned())
    }

    /// Returns the value without secrets, in mapping keys too.
    pub fn value(&self, value: Value) -> Value {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        if secrets.inside.is_empty() && secrets.whole.is_empty() {
            return value;
        }
        secrets.value(value)
    }

    /// Returns the event, with every secret in it masked.
    pub fn event(&self, kind: Kind) -> Event {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
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
    fn hide(&mut self, text: &str) {
        for part in std::iter::once(text).chain(text.lines().filter(|line| text != *line)) {
            let known = |secrets: &Self| secrets.inside.iter().any(|known| known.text == part);
            if words::is_long(part) {
                if !known(self) {
                    self.inside.extend(written_forms(part));
                }
            } else if part == text {
                self.add_whole(part);
            }
        }
    }

    fn add_whole(&mut self, text: &str) {
        if !self.whole.iter().any(|known| known == text) {
            self.whole.push(text.to_owned());
        }
    }

    fn sort(&mut self) {
        self.inside.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
        self.inside.dedup_by(|a, b| a.text == b.text);
    }

    fn masked(&self, text: &str) -> Option<String> {
        if self.whole.iter().any(|secret| secret == text) {
            return Some(MASK.to_owned());
        }
        self.masked_inside(text)
    }

    fn masked_inside(&self, text: &str) -> Option<String> {
        let mut masked: Option<String> = None;
        for form in &self.inside {
            let current = masked.as_deref().unwrap_or(text);
            if current.contains(form.text.as_str()) {
                masked = Some(form.masked(current));
            }
        }
        masked
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.masked(&text).unwrap_or(text)),
            Value::Array(mut items) => {
                self.pieces.mask(&mut items);
                Value::Array(items.into_iter().map(|item| self.value(item)).collect())
            }
            Value::Object(mut fields) => {
                excerpt::mask(self, &mut fields);
                Value::Object(
                    fields
                        .into_iter()
                        .map(|(key, field)| (self.inside_only(&key).unwrap_or(key), self.value(field)))
                        .collect::<Map<_, _>>(),
                )
            }
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

/// Returns the secret as it is looked for; `None` where there is nothing to hide.
fn nameable(secret: &str) -> Option<&str> {
    let secret = secret.trim_end_matches('\n');
    let nothing = secret.trim().is_empty() || secret == MASK || is_identifier(secret);
    (!nothing).then_some(secret)
}

#[cfg(test)]
mod tests;
