//! What is made of a secret is a secret: its parts, its reverse, its digest.

use super::Cx;
use crate::Value;
use crate::value::Repr;

/// What these return is told from their other arguments, or tells nothing.
const TELL_NOTHING: [&str; 5] = ["ternary", "type_debug", "bool", "default", "d"];

impl Cx<'_> {
    /// Returns whether what a filter makes of its first argument is to be concealed.
    pub(crate) fn filters_secret(&self, filter: &str, subject: Option<&Value>) -> bool {
        subject.is_some_and(|subject| self.is_secret(subject)) && !TELL_NOTHING.contains(&filter)
    }

    /// Returns whether the value is a text that is not to be shown, or a list of nothing else.
    pub(crate) fn is_secret(&self, value: &Value) -> bool {
        match &value.0 {
            Repr::Str(text) => self.world().is_secret(text),
            Repr::List(items) | Repr::Tuple(items) if !items.is_empty() => {
                items.iter().all(|item| matches!(&item.0, Repr::Str(text) if self.world().is_secret(text)))
            }
            _ => false,
        }
    }

    /// Tells the world of the texts in a value that was made of a secret.
    pub(crate) fn conceal(&self, value: &Value) {
        match &value.0 {
            Repr::Str(text) => self.world().conceal(text),
            Repr::List(items) | Repr::Tuple(items) => items.iter().for_each(|item| self.conceal(item)),
            Repr::Dict(dict) => dict.values().for_each(|item| self.conceal(item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::Scope;
    use crate::testing::{concealed, engine, written};

    #[test]
    fn what_is_made_of_a_secret_is_concealed_and_nothing_else() {
        let scope: Arc<dyn Scope> = Arc::new(written(&json!({"pw": "S3cr3t one", "other": "public"})));
        for (template, expected) in [
            ("pw | upper", vec!["S3CR3T ONE"]),
            ("pw | reverse", vec!["eno t3rc3S"]),
            ("pw[:4]", vec!["S3cr"]),
            ("pw.split(' ')", vec!["S3cr3t", "one"]),
            ("[pw] | map('lower') | list", vec!["s3cr3t one"]),
            ("pw | ternary('production', other)", vec![]),
            ("other | upper", vec![]),
            ("[pw, other] | last", vec![]),
            ("pw | length", vec![]),
        ] {
            engine().evaluate_str(template, &scope).unwrap();
            let found = concealed();
            assert!(
                expected.iter().all(|text| found.iter().any(|known| known == text)),
                "{template}: {found:?}"
            );
            assert!(!expected.is_empty() || found.is_empty(), "{template}: {found:?}");
        }
    }
}
