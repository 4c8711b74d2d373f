use std::collections::BTreeMap;

use rplay_module::{Cx, OWNER_TAG, Part};
use serde_json::{Map, Value};

/// The tags of a thing, as a field of a state.
///
/// The tag that says that rplay made it and the ones that AWS itself sets are kept, but neither compared nor shown: what
/// the playbook does not name must not make a difference.
#[derive(Clone, Debug, Default)]
pub struct Tags(BTreeMap<String, String>);

/// What has to be done to go from some tags to others. Never touches hidden tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    pub set: BTreeMap<String, String>,
    pub remove: Vec<String>,
}

impl Tags {
    /// Returns the tags as they shall be: those asked for, and unless `purge` says so those that are there already. An
    /// omitted parameter leaves all of them alone.
    #[must_use]
    pub fn desired<'a, M>(asked: Option<M>, purge: bool, have: Option<&Self>) -> Self
    where
        M: IntoIterator<Item = (&'a String, &'a String)>,
    {
        let have = have.cloned().unwrap_or_default();
        let Some(asked) = asked else { return have };
        let mut tags = if purge { Self(have.hidden()) } else { have };
        tags.0.extend(asked.into_iter().map(|(key, value)| (key.clone(), value.clone())));
        tags
    }

    /// Returns what makes these tags into the wanted ones.
    pub fn change(&self, want: &Self) -> TagChange {
        let set = want.iter().filter(|(key, value)| self.get(key) != Some(value));
        TagChange {
            set: set.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            remove: self
                .iter()
                .map(|(key, _)| key)
                .filter(|key| want.get(key).is_none())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Returns the tags for the call that creates the thing, with the one that says whose it is.
    pub fn for_creation(&self, cx: &Cx) -> BTreeMap<String, String> {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).chain(cx.owner_tag()).collect()
    }

    /// Returns whether the thing itself says that rplay made it.
    pub fn owned(&self) -> bool {
        self.0.contains_key(OWNER_TAG)
    }

    /// Returns a tag's value, hidden or not.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Returns the tags that people see, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|(key, _)| !is_hidden(key)).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the tags that people see as a mapping, for results.
    pub fn json(&self) -> Value {
        Value::Object(
            self.iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Map<_, _>>(),
        )
    }

    fn hidden(&self) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter(|(key, _)| is_hidden(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// Keys that begin with `aws:` can be neither set nor removed by anyone but AWS.
fn is_hidden(key: &str) -> bool {
    key == OWNER_TAG || key.starts_with("aws:")
}

impl TagChange {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

impl PartialEq for Tags {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tags {}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Part for Tags {
    fn shown(&self) -> Option<Value> {
        Some(self.json())
    }

    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> BTreeMap<String, String> {
        BTreeMap::from([("env".to_owned(), "prod".to_owned())])
    }

    #[test]
    fn what_is_omitted_is_left_alone() {
        let have = Tags::from_iter([("a", "1")]);
        assert_eq!(Tags::desired(None::<&BTreeMap<_, _>>, true, Some(&have)), have);
    }

    #[test]
    fn purging_removes_what_is_not_asked_for_and_keeps_what_is_hidden() {
        let have =
            Tags::from_iter([("a", "1"), (OWNER_TAG, "rplay"), ("aws:cloudformation:stack-name", "s")]);
        let want = Tags::desired(Some(&asked()), true, Some(&have));
        assert_eq!(want.json(), serde_json::json!({ "env": "prod" }));
        assert!(want.owned());
        assert_eq!(
            have.change(&want),
            TagChange { set: asked(), remove: vec!["a".to_owned()] },
            "hidden tags are neither set nor removed"
        );
    }

    #[test]
    fn without_purging_only_what_is_asked_for_changes() {
        let have = Tags::from_iter([("a", "1"), ("env", "test")]);
        let want = Tags::desired(Some(&asked()), false, Some(&have));
        assert_eq!(have.change(&want), TagChange { set: asked(), remove: Vec::new() });
        assert_eq!(want.get("a"), Some("1"));
    }

    #[test]
    fn hidden_tags_make_no_difference() {
        let plain = Tags::from_iter([("env", "prod")]);
        let owned = plain.clone().with(OWNER_TAG, "rplay");
        assert_eq!(plain, owned);
        assert!(owned.change(&plain).is_empty());
    }
}
