//! Attributes of load balancers and target groups: texts by AWS's keys, some of them with parameters of their own.

use std::collections::BTreeMap;
use std::fmt::Display;

/// The attributes that a task asks for.
#[derive(Default)]
pub(crate) struct Asked(BTreeMap<String, String>);

impl Asked {
    /// Starts with what stands under `attributes`.
    pub(crate) fn of(given: Option<&BTreeMap<String, String>>) -> Self {
        let given = given.into_iter().flatten();
        Self(given.map(|(key, value)| (key.clone(), text(value))).collect())
    }

    /// Adds what has a parameter of its own; that beats the same key under `attributes`.
    #[must_use]
    pub(crate) fn with<T: Display>(mut self, key: &str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.to_string());
        }
        self
    }

    pub(crate) fn done(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// A YAML boolean reaches a text parameter as Python writes it.
fn text(value: &str) -> String {
    match value {
        "True" => "true".to_owned(),
        "False" => "false".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns those of the attributes found that a task asks for: the others are not managed.
pub(crate) fn managed(
    asked: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let managed = found.iter().filter(|(key, _)| asked.contains_key(*key));
    managed.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Returns the wanted attributes that are not as they shall be.
pub(crate) fn changed<'a>(
    have: &'a BTreeMap<String, String>,
    want: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    want.iter().filter(|(key, value)| have.get(*key) != Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_parameter_of_its_own_beats_the_same_key_in_the_mapping() {
        let given = map(&[("a", "True"), ("b", "1")]);
        let asked = Asked::of(Some(&given)).with("b", Some(2)).with("c", None::<bool>).done();
        assert_eq!(asked, map(&[("a", "true"), ("b", "2")]));
    }

    #[test]
    fn only_what_is_asked_for_is_managed() {
        let (asked, found) = (map(&[("a", "1"), ("b", "2")]), map(&[("a", "1"), ("c", "3")]));
        assert_eq!(managed(&asked, &found), map(&[("a", "1")]));
        assert_eq!(changed(&found, &asked).collect::<Vec<_>>(), [(&"b".to_owned(), &"2".to_owned())]);
    }
}
