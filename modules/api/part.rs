use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::{Fact, Secret};

/// What a [`crate::Resource`] manages and compares. Equality is idempotence. Derived.
pub trait State: Part + Clone + PartialEq + Send + Sync {}

/// A piece of a state: it can be shown field by field, and its facts can be forgotten. Derived with `State`.
pub trait Part {
    /// Returns what is managed, as JSON; `None` for facts and for what is not set.
    fn shown(&self) -> Option<Value>;

    /// Makes every [`Fact`] unknown, for a thing that is to be made anew.
    fn forget(&mut self);
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Part for $type {
            fn shown(&self) -> Option<Value> {
                Some(Value::from(self.clone()))
            }

            fn forget(&mut self) {}
        }
    )*};
}

plain!(String, bool, i32, i64, u16, u32, u64, usize, f32, f64);

impl Part for Value {
    fn shown(&self) -> Option<Value> {
        Some(self.clone())
    }

    fn forget(&mut self) {}
}

impl<T> Part for Fact<T> {
    fn shown(&self) -> Option<Value> {
        None
    }

    fn forget(&mut self) {
        *self = Self::Unknown;
    }
}

impl<T> Part for Secret<T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::from("********"))
    }

    fn forget(&mut self) {}
}

impl<T: Part> Part for Option<T> {
    fn shown(&self) -> Option<Value> {
        self.as_ref().and_then(Part::shown)
    }

    fn forget(&mut self) {
        self.iter_mut().for_each(Part::forget);
    }
}

impl<T: Part> Part for Vec<T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(Part::shown).collect()))
    }

    fn forget(&mut self) {
        self.iter_mut().for_each(Part::forget);
    }
}

impl<T: Part + Ord> Part for BTreeSet<T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Array(self.iter().filter_map(Part::shown).collect()))
    }

    /// A set's elements are identities: none of them is a fact.
    fn forget(&mut self) {}
}

impl<T: Part> Part for BTreeMap<String, T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Object(shown_fields(self.iter())))
    }

    fn forget(&mut self) {
        self.values_mut().for_each(Part::forget);
    }
}

impl<T: Part> Part for IndexMap<String, T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::Object(shown_fields(self.iter())))
    }

    fn forget(&mut self) {
        self.values_mut().for_each(Part::forget);
    }
}

fn shown_fields<'a, T: Part + 'a>(fields: impl Iterator<Item = (&'a String, &'a T)>) -> Map<String, Value> {
    fields.filter_map(|(name, field)| Some((name.clone(), field.shown()?))).collect()
}
