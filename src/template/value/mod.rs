//! The values that templates work on: Python's, as far as a template can see them.

mod big;
mod convert;
mod number;
mod order;
mod print;

use std::fmt;
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};
use num_bigint::BigInt;

use crate::TemplateError;
use crate::lazy::Lazy;
use crate::marker;
use crate::object::Object;

pub(crate) use big::{big_to_float, digits, parse_whole, truncated, whole};
pub(crate) use number::{float_repr, parse_float, parse_int};
pub(crate) use order::{compare, float_to_int, int_to_float};

/// A mapping; its keys are scalars or tuples, in the order they were put in.
pub(crate) type Dict = IndexMap<Value, Value>;

/// A value: cheap to clone, never changed in place.
#[derive(Clone, Default)]
pub struct Value(pub(crate) Repr);

#[derive(Clone, Default)]
pub(crate) enum Repr {
    #[default]
    None,
    Bool(bool),
    Int(i128),
    /// A whole number that 128 bits do not hold.
    Big(Arc<BigInt>),
    Float(f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Value>>),
    Tuple(Arc<Vec<Value>>),
    Dict(Arc<Dict>),
    /// What the user wrote and nothing has used yet.
    Lazy(Arc<Lazy>),
    Object(Arc<Object>),
    /// Leaves out the parameter or the element it stands for.
    Omit,
    /// Cannot be known before the run; the label says what it is.
    Unknown(Arc<str>),
    /// An undefined variable, or an error that `default` may still catch.
    Undefined(Arc<TemplateError>),
}

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    None,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    List,
    Dict,
    /// A function, a date, a namespace: what only lives inside a template.
    Object,
    Omit,
    Unknown,
    Undefined,
}

impl Value {
    pub const NONE: Self = Self(Repr::None);

    /// Returns a value that cannot be known before the run.
    pub fn unknown(label: impl Into<Arc<str>>) -> Self {
        Self(Repr::Unknown(label.into()))
    }

    /// Returns an undefined value; using it fails with the message.
    pub fn undefined(message: impl Into<String>) -> Self {
        Self(Repr::Undefined(Arc::new(TemplateError::undefined(message))))
    }

    /// Returns the class that Ansible's messages name: what templates work with are containers of its own.
    pub(crate) fn class_name(&self) -> &'static str {
        match self.type_name() {
            "list" => "_AnsibleLazyTemplateList",
            "dict" => "_AnsibleLazyTemplateDict",
            name => name,
        }
    }

    /// Returns the class with the module that it is in, as Python prints it.
    pub(crate) fn qualified_name(&self) -> String {
        match self.class_name() {
            name if name.starts_with('_') => {
                format!("ansible._internal._templating._lazy_containers.{name}")
            }
            name => name.to_owned(),
        }
    }

    /// Returns what Jinja2's messages call a thing of this class.
    pub(crate) fn thing(&self) -> String {
        match self.class_name() {
            "NoneType" => "None".to_owned(),
            _ => format!("{} object", self.qualified_name()),
        }
    }

    /// Returns what leaves out the parameter that it is given to.
    pub fn omit() -> Self {
        Self(Repr::Omit)
    }

    pub fn kind(&self) -> Kind {
        match &self.0 {
            Repr::None => Kind::None,
            Repr::Bool(_) => Kind::Bool,
            Repr::Int(_) | Repr::Big(_) => Kind::Int,
            Repr::Float(_) => Kind::Float,
            Repr::Str(_) => Kind::Text,
            Repr::Bytes(_) => Kind::Bytes,
            Repr::List(_) | Repr::Tuple(_) => Kind::List,
            Repr::Dict(_) => Kind::Dict,
            Repr::Lazy(lazy) => lazy.kind(),
            Repr::Object(_) => Kind::Object,
            Repr::Omit => Kind::Omit,
            Repr::Unknown(_) => Kind::Unknown,
            Repr::Undefined(_) => Kind::Undefined,
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self.0, Repr::None)
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self.0, Repr::Undefined(_))
    }

    pub fn is_omit(&self) -> bool {
        matches!(self.0, Repr::Omit)
    }

    /// Returns whether nothing at all is known of it.
    pub fn is_unknown(&self) -> bool {
        match &self.0 {
            Repr::Unknown(_) => true,
            Repr::Str(text) => marker::whole_label(text).is_some(),
            _ => false,
        }
    }

    /// Returns whether any part of it cannot be known yet, down to a part of a text.
    pub fn contains_unknown(&self) -> bool {
        match &self.0 {
            Repr::Unknown(_) => true,
            Repr::Str(text) => marker::is_marked(text),
            Repr::List(items) | Repr::Tuple(items) => items.iter().any(Self::contains_unknown),
            Repr::Dict(dict) => {
                dict.iter().any(|(key, value)| key.contains_unknown() || value.contains_unknown())
            }
            Repr::Lazy(lazy) => lazy.contains_unknown(),
            _ => false,
        }
    }

    /// Returns Python's truth of it; what is unknown or undefined is not true.
    pub fn is_truthy(&self) -> bool {
        match &self.0 {
            Repr::None | Repr::Unknown(_) | Repr::Undefined(_) => false,
            Repr::Bool(yes) => *yes,
            Repr::Int(number) => *number != 0,
            Repr::Float(number) => *number != 0.0,
            Repr::Str(text) => !text.is_empty(),
            Repr::Bytes(bytes) => !bytes.is_empty(),
            Repr::List(items) | Repr::Tuple(items) => !items.is_empty(),
            Repr::Dict(dict) => !dict.is_empty(),
            Repr::Lazy(lazy) => lazy.len() > 0,
            Repr::Object(object) => object.is_truthy(),
            Repr::Big(_) | Repr::Omit => true,
        }
    }

    /// Returns the value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.0 {
            Repr::Dict(dict) => dict.get(&TextKey(key)),
            _ => None,
        }
    }

    /// Returns an element of a list.
    pub fn index(&self, index: usize) -> Option<&Self> {
        self.as_items()?.get(index)
    }

    /// Returns the elements of a list, or the keys of a mapping, as Python iterates.
    pub fn iter(&self) -> impl Iterator<Item = &Self> {
        let (items, dict) = match &self.0 {
            Repr::List(items) | Repr::Tuple(items) => (Some(items.iter()), None),
            Repr::Dict(dict) => (None, Some(dict.keys())),
            _ => (None, None),
        };
        items.into_iter().flatten().chain(dict.into_iter().flatten())
    }

    /// Returns the entries of a mapping, in their order; nothing for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&Self, &Self)> {
        match &self.0 {
            Repr::Dict(dict) => Some(dict.iter()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// Returns how many elements, entries or characters it has.
    pub fn len(&self) -> Option<usize> {
        match &self.0 {
            Repr::Str(text) => Some(text.chars().count()),
            Repr::Bytes(bytes) => Some(bytes.len()),
            Repr::List(items) | Repr::Tuple(items) => Some(items.len()),
            Repr::Dict(dict) => Some(dict.len()),
            Repr::Lazy(lazy) => Some(lazy.len()),
            Repr::Object(object) => object.len(),
            _ => None,
        }
    }

    /// Returns whether it has a length, and that is none.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Repr::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Int(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    pub fn as_items(&self) -> Option<&[Self]> {
        match &self.0 {
            Repr::List(items) | Repr::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the same mapping with the entry set; anything else becomes a mapping of that one entry.
    #[must_use]
    pub fn with(&self, key: &str, value: Self) -> Self {
        let mut dict = match &self.0 {
            Repr::Dict(dict) => Dict::clone(dict),
            _ => Dict::new(),
        };
        dict.insert(Self::from(key), value);
        Self::from(dict)
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self(Repr::List(Arc::new(items)))
    }

    pub(crate) fn tuple(items: Vec<Self>) -> Self {
        Self(Repr::Tuple(Arc::new(items)))
    }

    pub(crate) fn error(error: TemplateError) -> Self {
        Self(Repr::Undefined(Arc::new(error)))
    }

    pub(crate) fn object(object: Object) -> Self {
        Self(Repr::Object(Arc::new(object)))
    }

    /// Returns Python's integer, also of a boolean.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self.0 {
            Repr::Int(number) => Some(number),
            Repr::Bool(yes) => Some(i128::from(yes)),
            _ => None,
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.0, Repr::Str(_))
    }

    /// Returns whether it is a mapping, whatever it came from.
    pub fn is_mapping(&self) -> bool {
        self.kind() == Kind::Dict
    }

    pub(crate) fn is_sequence(&self) -> bool {
        self.kind() == Kind::List
    }

    /// Returns the name of its type as Ansible's messages give it.
    pub fn type_name(&self) -> &'static str {
        match &self.0 {
            Repr::None => "NoneType",
            Repr::Bool(_) => "bool",
            Repr::Int(_) | Repr::Big(_) => "int",
            Repr::Float(_) => "float",
            Repr::Str(_) => "str",
            Repr::Bytes(_) => "bytes",
            Repr::List(_) => "list",
            Repr::Tuple(_) => "tuple",
            Repr::Dict(_) => "dict",
            Repr::Lazy(lazy) => lazy.type_name(),
            Repr::Object(object) => object.type_name(),
            Repr::Omit => "Omit",
            Repr::Unknown(_) => "unknown",
            Repr::Undefined(_) => "UndefinedMarker",
        }
    }

    /// Returns whether it may be a key of a mapping.
    pub(crate) fn is_hashable(&self) -> bool {
        match &self.0 {
            Repr::List(_) | Repr::Dict(_) | Repr::Lazy(_) => false,
            Repr::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

/// Looks up a text among keys without making a value of it.
pub(crate) struct TextKey<'a>(pub(crate) &'a str);

impl std::hash::Hash for TextKey<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        order::hash_text(self.0, state);
    }
}

impl Equivalent<Value> for TextKey<'_> {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
