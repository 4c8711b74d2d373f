use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::unknown::{self, Cause};

/// What only the other side knows: ids, ARNs, times.
///
/// Equal to any other fact, so that it never makes a difference between what is and what is wanted.
#[derive(Clone, Debug, Default)]
pub enum Fact<T> {
    Known(T),
    /// Not read yet, or not there before the run.
    #[default]
    Unknown,
}

impl<T> PartialEq for Fact<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Fact<T> {}

impl<T> From<T> for Fact<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> Fact<T> {
    /// Returns a fact from an answer's optional field.
    pub fn from_answer(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }

    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

impl<T: Serialize> Fact<T> {
    /// Returns the value as JSON, or the marker of something to be created.
    pub fn json(&self, label: &str) -> Value {
        match self {
            Self::Known(value) => serde_json::to_value(value).unwrap_or(Value::Null),
            Self::Unknown => Value::String(unknown::marker(Cause::Created, label)),
        }
    }
}

impl Fact<String> {
    /// Returns the text, or the marker of something to be created.
    pub fn text(&self, label: &str) -> String {
        self.known().cloned().unwrap_or_else(|| unknown::marker(Cause::Created, label))
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unknown => serializer.serialize_str(&unknown::marker(Cause::Created, "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_never_make_a_difference() {
        assert_eq!(Fact::Known("vpc-1"), Fact::Known("vpc-2"));
        assert_eq!(Fact::Known("vpc-1"), Fact::Unknown);
    }
}
