//! A policy document as a piece of state.

use rplay_module::{Failure, Part, Result};
use serde_json::Value;

use crate::policy;

/// A policy document, kept as it was written or given back: what is sent and returned. Equal to any other that says the
/// same, shown in the one form in which equal ones look equal.
#[derive(Clone, Debug)]
pub struct Document(Value);

impl Document {
    /// Returns a document that is kept as it is.
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    /// Reads a document of an answer; `what` is as in "trust policy of role app".
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn parse(text: &str, what: &str) -> Result<Self> {
        let parsed = policy::parse(text);
        parsed.map(Self).map_err(|error| Failure::new(format!("could not read the {what}: {error}")))
    }

    /// Returns it as it was written.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// Returns it as a call takes it.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// Returns whether it names a role or a user: one that was just made is not known everywhere yet.
    pub fn names_principals(&self) -> bool {
        principals(&self.0)
    }
}

fn principals(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(principals),
        Value::Array(items) => items.iter().any(principals),
        Value::String(text) => {
            text.starts_with("arn:") && (text.contains(":role/") || text.contains(":user/"))
        }
        _ => false,
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        policy::same(&self.0, &other.0)
    }
}

impl Part for Document {
    fn shown(&self) -> Option<Value> {
        Some(policy::normal(&self.0))
    }

    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_that_say_the_same_are_equal_and_look_equal() {
        let list = Document::new(json!({ "Statement": [{ "Effect": "Allow", "Action": ["a:b"] }] }));
        let text = Document::new(json!({ "Statement": { "Action": "a:b", "Effect": "Allow" } }));
        assert_eq!(list, text);
        assert_eq!(list.shown(), text.shown());
        assert_ne!(list.text(), text.text());
    }

    #[test]
    fn only_roles_and_users_are_principals_that_take_time() {
        let of = |principal: Value| Document::new(json!({ "Statement": [{ "Principal": principal }] }));
        assert!(of(json!({ "AWS": ["arn:aws:iam::1:role/a"] })).names_principals());
        assert!(of(json!({ "AWS": "arn:aws:iam::1:user/a" })).names_principals());
        assert!(!of(json!({ "Service": "ecs-tasks.amazonaws.com" })).names_principals());
        assert!(!of(json!({ "AWS": "123456789012" })).names_principals());
    }
}
