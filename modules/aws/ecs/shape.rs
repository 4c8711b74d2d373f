//! Structures of AWS as tables: one row a field, and everything a module needs of it comes from the row.
//!
//! ```ignore
//! shape! {
//!     /// A port of a container.
//!     PortMapping {
//!         /// The port inside the container. Omitted: none is named.
//!         container_port: int,
//!         /// `tcp` or `udp`. Omitted: `tcp`.
//!         protocol: word(TransportProtocol),
//!     }
//! }
//! ```
//!
//! makes a struct `PortMapping` whose fields are all optional, and which is at once
//! - **parameters** ([`rplay_module::Params`]): each field by its `snake_case` name and by AWS's camelCase one, coerced as
//!   Ansible coerces, wrong words and names as faults with their paths. A struct can be flattened into a module's own.
//!   `#[param(required)]` and the derive's other marks go before a row;
//! - **state** ([`rplay_module::State`]): comparable, shown field by field (`#[state(...)]` marks as in the derive);
//! - [`Shape`]: to the SDK's type of the same name (by its builder) and from it;
//! - [`Piece`]: as AWS's own JSON, and without what is empty.
//!
//! The kinds of a row, and what the field is:
//!
//! | kind | field | as the SDK has it |
//! | --- | --- | --- |
//! | `text` | `Option<String>` | text |
//! | `int`, `long`, `decimal`, `flag` | `Option<i32>`, `<i64>`, `<f64>`, `<bool>` | the same |
//! | `word(T)` | `Option<Word<T>>` | the SDK's enum `T`; its values are the parameter's choices |
//! | `texts`, `ints`, `words(T)` | `Option<Vec<..>>` | a list of these |
//! | `map` | `Option<BTreeMap<String, String>>` | a map of texts |
//! | `pairs(T)` | `Option<Pairs<T>>` | a list of `T` ([`Pair`]), which people write as a mapping as well |
//! | `shape(S)` | `Option<S>` | another table's structure |
//! | `shapes(S)` | `Option<Vec<S>>` | a list of these |
//!
//! An enum is made known to `word` by one line in [`words!`]. What a server fills in by itself is no business of a table: a
//! resource's `normal` takes it out, after [`Piece::tidy`] has taken out what is empty.

mod pairs;
mod piece;
mod word;

pub(crate) use pairs::{NameAndValue, Pair, Pairs};
pub(crate) use piece::{Piece, fields_json, kept, tidied};
pub(crate) use rplay_client_ecs::sdk::types;
pub(crate) use word::{Vocabulary, Word};

use rplay_client_ecs::sdk::error::BuildError;
use rplay_module::{Failure, Result};

/// A structure that the SDK has as well.
pub(crate) trait Shape: Sized {
    type Sdk;

    /// Returns the SDK's structure.
    ///
    /// # Errors
    /// A field is missing that the SDK cannot do without, and no `#[param(required)]` has caught it.
    fn to_sdk(&self) -> Result<Self::Sdk>;

    fn from_sdk(sdk: &Self::Sdk) -> Self;
}

/// A field of the SDK's, which it holds as an option or, where AWS always gives it, as it is.
pub(crate) trait Given<T> {
    fn given(&self) -> Option<&T>;
}

impl<T> Given<T> for T {
    fn given(&self) -> Option<&T> {
        Some(self)
    }
}

impl<T> Given<T> for Option<T> {
    fn given(&self) -> Option<&T> {
        self.as_ref()
    }
}

/// What an SDK's builder gives: the structure, or where it has required fields, perhaps.
pub(crate) trait Built<T> {
    fn built(self) -> Result<T>;
}

impl<T> Built<T> for T {
    fn built(self) -> Result<T> {
        Ok(self)
    }
}

impl<T> Built<T> for Result<T, BuildError> {
    fn built(self) -> Result<T> {
        self.map_err(|error| Failure::bug(format!("a required field is not checked: {error}")))
    }
}

/// Returns each of a list's structures as the SDK's.
pub(crate) fn all_to_sdk<S: Shape>(shapes: &[S]) -> Result<Vec<S::Sdk>> {
    shapes.iter().map(S::to_sdk).collect()
}

/// Makes the tables; see the top of this file.
macro_rules! shape {
    ($($(#[$doc:meta])* $name:ident { $($(#[$mark:meta])* $field:ident: $kind:ident $(($of:ident))?,)* })*) => {$(
        $(#[$doc])*
        #[derive(rplay_module::Params, rplay_module::State, Clone, Debug, Default, PartialEq)]
        #[params(camel_case)]
        pub(crate) struct $name {
            $($(#[$mark])* pub(crate) $field: Option<$crate::shape::shape!(@field $kind $(($of))?)>,)*
        }

        impl $crate::shape::Shape for $name {
            type Sdk = $crate::shape::types::$name;

            fn to_sdk(&self) -> rplay_module::Result<Self::Sdk> {
                let builder = Self::Sdk::builder();
                $(let builder = $crate::shape::shape!(@put builder, $field, self.$field, $kind $(($of))?);)*
                $crate::shape::Built::<Self::Sdk>::built(builder.build())
            }

            fn from_sdk(sdk: &Self::Sdk) -> Self {
                Self { $($field: $crate::shape::shape!(@get sdk.$field, $kind $(($of))?),)* }
            }
        }

        impl $crate::shape::Piece for $name {
            fn json(&self) -> serde_json::Value {
                $crate::shape::fields_json([
                    $((stringify!($field), self.$field.as_ref().map($crate::shape::Piece::json)),)*
                ])
            }

            fn tidy(&mut self) {
                $($crate::shape::tidied(&mut self.$field);)*
            }

            fn is_blank(&self) -> bool {
                true $(&& self.$field.is_none())*
            }

            fn keep(&mut self, have: &Self) {
                $($crate::shape::kept(&mut self.$field, &have.$field);)*
            }
        }
    )*};

    (@field text) => { String };
    (@field int) => { i32 };
    (@field long) => { i64 };
    (@field decimal) => { f64 };
    (@field flag) => { bool };
    (@field word($of:ident)) => { $crate::shape::Word<$crate::shape::types::$of> };
    (@field texts) => { Vec<String> };
    (@field ints) => { Vec<i32> };
    (@field words($of:ident)) => { Vec<$crate::shape::Word<$crate::shape::types::$of>> };
    (@field map) => { std::collections::BTreeMap<String, String> };
    (@field pairs($of:ident)) => { $crate::shape::Pairs<$crate::shape::types::$of> };
    (@field shape($of:ident)) => { $of };
    (@field shapes($of:ident)) => { Vec<$of> };

    // Into the builder. Its methods of lists and maps add one element each.
    (@put $builder:ident, $field:ident, $value:expr, text) => { $crate::shape::shape!(@one $builder, $field, $value, String::clone) };
    (@put $builder:ident, $field:ident, $value:expr, int) => { $crate::shape::shape!(@one $builder, $field, $value, i32::clone) };
    (@put $builder:ident, $field:ident, $value:expr, long) => { $crate::shape::shape!(@one $builder, $field, $value, i64::clone) };
    (@put $builder:ident, $field:ident, $value:expr, decimal) => { $crate::shape::shape!(@one $builder, $field, $value, f64::clone) };
    (@put $builder:ident, $field:ident, $value:expr, flag) => { $crate::shape::shape!(@one $builder, $field, $value, bool::clone) };
    (@put $builder:ident, $field:ident, $value:expr, word($of:ident)) => {
        $crate::shape::shape!(@one $builder, $field, $value, $crate::shape::Word::to_sdk)
    };
    (@put $builder:ident, $field:ident, $value:expr, shape($of:ident)) => {
        match &$value {
            Some(value) => $builder.$field($crate::shape::Shape::to_sdk(value)?),
            None => $builder,
        }
    };
    (@put $builder:ident, $field:ident, $value:expr, map) => {
        $value.iter().flatten().fold($builder, |builder, (key, value)| builder.$field(key.clone(), value.clone()))
    };
    (@put $builder:ident, $field:ident, $value:expr, texts) => { $crate::shape::shape!(@each $builder, $field, $value, String::clone) };
    (@put $builder:ident, $field:ident, $value:expr, ints) => { $crate::shape::shape!(@each $builder, $field, $value, i32::clone) };
    (@put $builder:ident, $field:ident, $value:expr, words($of:ident)) => {
        $crate::shape::shape!(@each $builder, $field, $value, $crate::shape::Word::to_sdk)
    };
    (@put $builder:ident, $field:ident, $value:expr, shapes($of:ident)) => {{
        let items = $crate::shape::all_to_sdk($value.as_deref().unwrap_or_default())?;
        items.into_iter().fold($builder, |builder, item| builder.$field(item))
    }};
    (@put $builder:ident, $field:ident, $value:expr, pairs($of:ident)) => {{
        let items = $value.as_ref().map($crate::shape::Pairs::to_sdk).transpose()?.unwrap_or_default();
        items.into_iter().fold($builder, |builder, item| builder.$field(item))
    }};
    (@one $builder:ident, $field:ident, $value:expr, $to_sdk:expr) => {
        match &$value {
            Some(value) => $builder.$field($to_sdk(value)),
            None => $builder,
        }
    };
    (@each $builder:ident, $field:ident, $value:expr, $to_sdk:expr) => {
        $value.iter().flatten().fold($builder, |builder, item| builder.$field($to_sdk(item)))
    };

    // Out of the SDK's structure.
    (@get $from:expr, text) => { $crate::shape::shape!(@given String, $from).cloned() };
    (@get $from:expr, int) => { $crate::shape::shape!(@given i32, $from).copied() };
    (@get $from:expr, long) => { $crate::shape::shape!(@given i64, $from).copied() };
    (@get $from:expr, decimal) => { $crate::shape::shape!(@given f64, $from).copied() };
    (@get $from:expr, flag) => { $crate::shape::shape!(@given bool, $from).copied() };
    (@get $from:expr, word($of:ident)) => {
        $crate::shape::shape!(@given $crate::shape::types::$of, $from).map($crate::shape::Word::from_sdk)
    };
    (@get $from:expr, texts) => { $crate::shape::shape!(@given Vec<String>, $from).cloned() };
    (@get $from:expr, ints) => { $crate::shape::shape!(@given Vec<i32>, $from).cloned() };
    (@get $from:expr, words($of:ident)) => {
        $crate::shape::shape!(@given Vec<$crate::shape::types::$of>, $from)
            .map(|items| items.iter().map($crate::shape::Word::from_sdk).collect())
    };
    (@get $from:expr, map) => {
        $crate::shape::shape!(@given std::collections::HashMap<String, String>, $from)
            .map(|map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    (@get $from:expr, pairs($of:ident)) => {
        $crate::shape::shape!(@given Vec<$crate::shape::types::$of>, $from).map(|items| $crate::shape::Pairs::from_sdk(items))
    };
    (@get $from:expr, shape($of:ident)) => {
        $crate::shape::shape!(@given <$of as $crate::shape::Shape>::Sdk, $from).map($crate::shape::Shape::from_sdk)
    };
    (@get $from:expr, shapes($of:ident)) => {
        $crate::shape::shape!(@given Vec<<$of as $crate::shape::Shape>::Sdk>, $from)
            .map(|items| items.iter().map($crate::shape::Shape::from_sdk).collect())
    };
    (@given $type:ty, $from:expr) => { $crate::shape::Given::<$type>::given(&$from) };
}

/// Makes enums of the SDK known to `word` rows.
macro_rules! words {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::shape::Vocabulary for $crate::shape::types::$name {
            fn words() -> &'static [&'static str] {
                Self::values()
            }

            fn word(text: &str) -> Self {
                Self::from(text)
            }

            fn text(&self) -> &str {
                self.as_str()
            }
        }
    )*};
}

pub(crate) use {shape, words};
