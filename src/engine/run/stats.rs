use std::sync::PoisonError;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::item::Ended;
use super::{Runner, flag};
use crate::hosts::Host;

/// What `set_stats` has collected, by host; what is not of one host is under `_run`.
///
/// Source of the rules: `ansible/executor/stats.py`.
#[derive(Debug, Default)]
pub(crate) struct CustomStats {
    by_host: IndexMap<String, Map<String, Json>>,
}

/// What stands for the whole run in place of a host.
const RUN: &str = "_run";

impl CustomStats {
    pub(crate) fn told(&self) -> IndexMap<String, Map<String, Json>> {
        self.by_host.clone()
    }

    fn add(&mut self, host: &str, name: &str, value: &Json, aggregate: bool) {
        let stats = self.by_host.entry(host.to_owned()).or_default();
        match stats.get_mut(name) {
            Some(known) if aggregate => merge(known, value),
            _ => {
                stats.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// Adds a value to one of its kind: mappings are merged, all else is summed or appended; other kinds are left alone.
fn merge(known: &mut Json, value: &Json) {
    match (&mut *known, value) {
        (Json::Object(known), Json::Object(value)) => {
            for (name, value) in value {
                match known.get_mut(name) {
                    Some(inner) if inner.is_object() && value.is_object() => merge(inner, value),
                    _ => {
                        known.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Json::Array(known), Json::Array(value)) => known.extend(value.iter().cloned()),
        (Json::String(known), Json::String(value)) => known.push_str(value),
        (Json::Number(one), Json::Number(other)) => {
            if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
                *known = Json::from(one.saturating_add(other));
            } else if let (true, true, Some(one), Some(other)) =
                (one.is_f64(), other.is_f64(), one.as_f64(), other.as_f64())
            {
                *known = Json::from(one + other);
            }
        }
        _ => {}
    }
}

impl Runner {
    /// Keeps what a `set_stats` has told, for itself or its items.
    pub(super) fn custom_stats(&self, host: &Host, ended: &Ended) {
        for told in &ended.stats {
            let Some(data) = told.get("data").and_then(Json::as_object) else { continue };
            let host = if flag(told, "per_host") { &*host.name } else { RUN };
            let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, value) in data {
                stats.add(host, name, value, flag(told, "aggregate"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_aggregated_is_added_to_what_is_of_its_kind() {
        for (first, second, expected) in [
            (json!(1), json!(2), json!(3)),
            (json!("a"), json!("b"), json!("ab")),
            (json!([1]), json!([2]), json!([1, 2])),
            (json!({"a": {"b": 1}}), json!({"a": {"c": 2}}), json!({"a": {"b": 1, "c": 2}})),
            (json!(1), json!("b"), json!(1)),
        ] {
            let mut stats = CustomStats::default();
            stats.add(RUN, "x", &first, true);
            stats.add(RUN, "x", &second, true);
            assert_eq!(stats.told()[RUN]["x"], expected);
        }
    }

    #[test]
    fn what_is_not_aggregated_takes_the_place_of_what_was_there() {
        let mut stats = CustomStats::default();
        stats.add("a", "x", &json!(1), false);
        stats.add("a", "x", &json!(2), false);
        assert_eq!(stats.told()["a"]["x"], json!(2));
    }
}
