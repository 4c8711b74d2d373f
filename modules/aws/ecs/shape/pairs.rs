use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use rplay_client_ecs::sdk::error::BuildError;
use rplay_module::params::{Kind, Param, ParamFault, Params, Parsed, Reader, parse};
use rplay_module::{Part, Result};
use serde_json::{Map, Value};

use super::{Built, Piece, types};

/// A structure of the SDK's that is a name and a value: a list of these is a mapping.
pub(crate) trait Pair: Sized + Send + Sync + 'static {
    /// What AWS calls the value: `value`, `valueFrom`.
    const VALUE: &'static str;
    /// How one of a list is written.
    type Written: Params + Into<(String, String)>;

    fn pair(name: &str, value: &str) -> Result<Self>;

    fn name(&self) -> &str;

    fn value(&self) -> &str;
}

/// A list of names and values, written as a mapping `{NAME: value}` or as AWS's list of two-field mappings. Its order
/// says nothing, and AWS does not keep it; of two with the same name the last counts.
pub(crate) struct Pairs<T>(BTreeMap<String, String>, PhantomData<T>);

impl<T: Pair> Pairs<T> {
    pub(crate) fn to_sdk(&self) -> Result<Vec<T>> {
        self.0.iter().map(|(name, value)| T::pair(name, value)).collect()
    }

    /// Returns these with others in place of those of the same names.
    #[must_use]
    pub(crate) fn with(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    pub(crate) fn from_sdk(items: &[T]) -> Self {
        items.iter().map(|item| (item.name().to_owned(), item.value().to_owned())).collect()
    }
}

impl<T> FromIterator<(String, String)> for Pairs<T> {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect(), PhantomData)
    }
}

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(BTreeMap::new(), PhantomData)
    }
}

impl<T> Clone for Pairs<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T> PartialEq for Pairs<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> fmt::Debug for Pairs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> Part for Pairs<T> {
    fn shown(&self) -> Option<Value> {
        Some(Piece::json(&self.0))
    }

    fn forget(&mut self) {}
}

impl<T: Pair> Piece for Pairs<T> {
    fn json(&self) -> Value {
        let items = self.0.iter().map(|(name, value)| {
            let fields = [("name", name), (T::VALUE, value)];
            Value::Object(
                fields.map(|(key, text)| (key.to_owned(), Value::from(text.as_str()))).into_iter().collect(),
            )
        });
        Value::Array(items.collect())
    }

    fn is_blank(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Pair> Param for Pairs<T> {
    /// Two forms have no kind of their own: each element is judged here.
    fn kind() -> Kind {
        Kind::Raw
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        let elements: Vec<(String, Value, &str)> = match value {
            Value::Array(items) => {
                let numbered = items.iter().enumerate();
                numbered.map(|(at, item)| (format!("{path}[{at}]"), item.clone(), "")).collect()
            }
            Value::Object(fields) => {
                let named = fields.iter();
                named
                    .map(|(name, value)| (format!("{path}.{name}"), element::<T>(name, value), T::VALUE))
                    .collect()
            }
            _ => {
                let wanted = format!("a mapping of names to values, or a list of {{name, {}}}", T::VALUE);
                reader.fault(ParamFault::new(path, format!("value of {path} must be {wanted}")));
                return None;
            }
        };
        let read: Vec<_> =
            elements.iter().map(|(path, value, inner)| read_one::<T>(reader, path, value, inner)).collect();
        read.into_iter().collect()
    }
}

/// An empty value in a mapping (`A:`) is an empty text.
fn element<T: Pair>(name: &str, value: &Value) -> Value {
    let value = if value.is_null() { Value::from("") } else { value.clone() };
    Value::Object(Map::from_iter([("name".to_owned(), Value::from(name)), (T::VALUE.to_owned(), value)]))
}

/// Reads one element; `inner` is the field that the mapping form does not write.
fn read_one<T: Pair>(
    reader: &mut Reader<'_>,
    path: &str,
    value: &Value,
    inner: &str,
) -> Option<(String, String)> {
    match parse::<T::Written>(value) {
        Ok(Parsed { params, .. }) => Some(params.into()),
        Err(faults) => {
            for fault in faults {
                let place = match fault.path.as_str() {
                    within if within.is_empty() || within == inner => path.to_owned(),
                    within => format!("{path}.{within}"),
                };
                reader.fault(ParamFault { path: place, ..fault });
            }
            None
        }
    }
}

/// A name and a value.
#[derive(rplay_module::Params)]
pub(crate) struct NameAndValue {
    /// The name.
    name: String,
    /// The value. Omitted: empty.
    #[param(default)]
    value: String,
}

/// A name, and where its value comes from.
#[derive(rplay_module::Params)]
#[params(camel_case)]
pub(crate) struct NameAndSource {
    /// The name.
    name: String,
    /// The ARN of a secret, or of a parameter of the Systems Manager (in the same region its name is enough).
    value_from: String,
}

impl From<NameAndValue> for (String, String) {
    fn from(written: NameAndValue) -> Self {
        (written.name, written.value)
    }
}

impl From<NameAndSource> for (String, String) {
    fn from(written: NameAndSource) -> Self {
        (written.name, written.value_from)
    }
}

impl Pair for types::KeyValuePair {
    const VALUE: &'static str = "value";
    type Written = NameAndValue;

    fn pair(name: &str, value: &str) -> Result<Self> {
        Ok(Self::builder().name(name).value(value).build())
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

impl Pair for types::Secret {
    const VALUE: &'static str = "valueFrom";
    type Written = NameAndSource;

    fn pair(name: &str, value: &str) -> Result<Self> {
        let built: Result<Self, BuildError> = Self::builder().name(name).value_from(value).build();
        built.built()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn value(&self) -> &str {
        &self.value_from
    }
}
