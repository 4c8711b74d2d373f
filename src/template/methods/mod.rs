//! The methods of Python's types, as far as templates use them.

mod date;
mod dict;
mod format_call;
mod list;
mod number;
mod text;

pub(crate) use list::sort;
pub(crate) use text::{capitalize, centered, split_lines};

use crate::eval::{Args, Cx, Evaluated};
use crate::object::Object;
use crate::value::Repr;
use crate::{TemplateError, Value};

/// Returns whether `value.name` is a method.
pub(crate) fn exists(value: &Value, name: &str) -> bool {
    names(value).contains(&name) || mutates(value, name)
}

fn names(value: &Value) -> &'static [&'static str] {
    match &value.0 {
        Repr::Str(_) => text::NAMES,
        Repr::Bytes(_) => &["decode", "hex"],
        Repr::Bool(_) | Repr::Int(_) => number::INT_NAMES,
        Repr::Float(_) => number::FLOAT_NAMES,
        Repr::Object(object) => match &**object {
            Object::Date(_) => date::NAMES,
            Object::Delta(_) => &["total_seconds"],
            Object::Scope(_) => dict::NAMES,
            _ => &[],
        },
        _ if value.is_mapping() => dict::NAMES,
        Repr::Tuple(_) => &["count", "index"],
        _ if value.is_sequence() => list::NAMES,
        _ => &[],
    }
}

/// Returns `value.name` where that is neither a method nor an item.
pub(crate) fn attribute(value: &Value, name: &str) -> Option<Value> {
    match value.0 {
        Repr::Bool(_) | Repr::Int(_) | Repr::Big(_) | Repr::Float(_) => number::attribute(value, name),
        _ => None,
    }
}

/// Returns whether the method changes the value it is called on.
pub(crate) fn mutates(value: &Value, name: &str) -> bool {
    match value.type_name() {
        "dict" if !matches!(value.0, Repr::Object(_)) => dict::MUTATING.contains(&name),
        "list" => list::MUTATING.contains(&name),
        _ => false,
    }
}

/// Calls a method that changes nothing.
pub(crate) fn call(cx: &Cx<'_>, target: &Value, name: &str, args: Args) -> Evaluated {
    match &target.0 {
        Repr::Str(text) => text::call(cx, text, name, args),
        Repr::Bytes(bytes) => match name {
            "decode" => String::from_utf8(bytes.to_vec()).map(Value::from).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                TemplateError::runtime(format!(
                    "'utf-8' codec can't decode byte in position {at}: invalid start byte"
                ))
            }),
            _ => Ok(crate::filters::hex(bytes).into()),
        },
        Repr::Bool(_) | Repr::Int(_) | Repr::Float(_) => number::call(target, name, args),
        Repr::Object(object) => match &**object {
            Object::Date(date) => date::call(date, name, args),
            Object::Delta(microseconds) => Ok(crate::object::total_seconds(*microseconds).into()),
            Object::Scope(scope) => dict::call_scope(cx, scope, name, args),
            _ => Err(missing(target, name)),
        },
        _ if target.is_mapping() => dict::call(cx, target, name, args),
        _ if target.is_sequence() => list::call(cx, target, name, args),
        _ => Err(missing(target, name)),
    }
}

/// Calls a method that changes its target: returns the changed target and the method's result.
pub(crate) fn mutate(
    cx: &Cx<'_>,
    target: &Value,
    name: &str,
    args: Args,
) -> Result<(Value, Value), TemplateError> {
    if target.is_mapping() {
        dict::mutate(cx, target, name, args)
    } else {
        list::mutate(cx, target, name, args)
    }
}

fn missing(target: &Value, name: &str) -> TemplateError {
    TemplateError::runtime(format!("'{}' object has no attribute '{name}'", target.type_name()))
}

/// Returns a date as Python's `isoformat` writes it.
pub(crate) fn iso_date(date: &jiff::civil::DateTime) -> String {
    date::iso(date, "T")
}
