use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Kind, ParamFault, Reader};
use crate::{Part, Secret};

/// A type that a parameter can have.
pub trait Param: Sized {
    /// The value is never shown.
    const SECRET: bool = false;

    /// Returns what the argument check and the documentation call it.
    fn kind() -> Kind;

    /// Reads a value that was coerced to the kind; faults go to the reader.
    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self>;

    /// Returns what an omitted parameter is; `None` for a type that cannot be omitted.
    fn omitted() -> Option<Self> {
        None
    }
}

/// An enum whose variants are a parameter's choices. Derived.
pub trait Choice: Sized + Copy + 'static {
    /// Every accepted text, several of one variant next to each other.
    const ALL: &'static [(&'static str, Self)];

    /// Returns the variant's text; of several the first.
    fn as_str(self) -> &'static str;

    /// Returns the variant of that text; exact, as Ansible's choices are.
    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == text).map(|(_, variant)| *variant)
    }
}

/// A JSON document, such as a policy; given as text or as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(pub Value);

/// A size in bytes; `1K`, `1.5MB` and `2gigabyte` are read as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Part for Json {
    fn shown(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn forget(&mut self) {}
}

impl Part for Bytes {
    fn shown(&self) -> Option<Value> {
        Some(Value::from(self.0))
    }

    fn forget(&mut self) {}
}

impl Param for String {
    fn kind() -> Kind {
        Kind::Text
    }

    /// A text whose kind was made `json` has the document as compact text.
    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl Param for PathBuf {
    fn kind() -> Kind {
        Kind::Path
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Param for bool {
    fn kind() -> Kind {
        Kind::Bool
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Param for $type {
            fn kind() -> Kind {
                Kind::Int
            }

            fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
                let wide = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))?;
                let read = wide.try_into().ok();
                if read.is_none() {
                    let (low, high) = (<$type>::MIN, <$type>::MAX);
                    reader.fault(ParamFault::new(path, format!("value of {path} must be from {low} to {high}, got: {wide}")));
                }
                read
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl Param for f64 {
    fn kind() -> Kind {
        Kind::Float
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Param for Bytes {
    fn kind() -> Kind {
        Kind::Bytes
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        value.as_u64().map(Self)
    }
}

impl Param for Value {
    fn kind() -> Kind {
        Kind::Raw
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl Param for Json {
    fn kind() -> Kind {
        Kind::Json
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        Some(Self(value.clone()))
    }
}

impl<T: Param> Param for Option<T> {
    const SECRET: bool = T::SECRET;

    fn kind() -> Kind {
        T::kind()
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(reader, path, value).map(Some) }
    }

    fn omitted() -> Option<Self> {
        Some(None)
    }
}

impl<T: Param> Param for Secret<T> {
    const SECRET: bool = true;

    fn kind() -> Kind {
        T::kind()
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        T::read(reader, path, value).map(Self::new)
    }
}

impl<T: Param> Param for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        let items = value.as_array()?.iter().enumerate();
        // Every element is read, so that every fault is found.
        let read: Vec<_> = items.map(|(at, item)| T::read(reader, &format!("{path}[{at}]"), item)).collect();
        read.into_iter().collect()
    }
}

macro_rules! dicts {
    ($($type:ident),*) => {$(
        impl<T: Param> Param for $type<String, T> {
            const SECRET: bool = T::SECRET;

            fn kind() -> Kind {
                Kind::Dict(Box::new(T::kind()))
            }

            fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
                let fields = value.as_object()?.iter();
                let read: Vec<_> = fields
                    .map(|(key, item)| Some((key.clone(), T::read(reader, &format!("{path}.{key}"), item)?)))
                    .collect();
                read.into_iter().collect()
            }
        }
    )*};
}

dicts!(BTreeMap, IndexMap);
