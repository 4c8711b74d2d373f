use std::fmt;

use rplay_module::Part;
use rplay_module::params::{Kind, Param, Reader};
use serde_json::Value;

use super::Piece;

/// An enum of the SDK's: a few texts. Implemented by [`words!`](super::words).
pub(crate) trait Vocabulary: Clone + Send + Sync + 'static {
    fn words() -> &'static [&'static str];

    fn word(text: &str) -> Self;

    fn text(&self) -> &str;
}

/// One of a few texts, as a field of a table.
#[derive(Clone)]
pub(crate) struct Word<T>(T);

impl<T: Vocabulary> Word<T> {
    pub(crate) fn new(text: &str) -> Self {
        Self(T::word(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.text()
    }

    pub(crate) fn to_sdk(&self) -> T {
        self.0.clone()
    }

    pub(crate) fn from_sdk(sdk: &T) -> Self {
        Self(sdk.clone())
    }
}

impl<T: Vocabulary> PartialEq for Word<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<T: Vocabulary> fmt::Debug for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: Vocabulary> Param for Word<T> {
    fn kind() -> Kind {
        Kind::Choice(T::words().to_vec())
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        value.as_str().map(Self::new)
    }
}

impl<T: Vocabulary> Part for Word<T> {
    fn shown(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }

    fn forget(&mut self) {}
}

impl<T: Vocabulary> Piece for Word<T> {
    fn json(&self) -> Value {
        Value::from(self.as_str())
    }

    /// A stand-in answers with an empty text where AWS leaves the field out.
    fn is_blank(&self) -> bool {
        self.as_str().is_empty()
    }
}
