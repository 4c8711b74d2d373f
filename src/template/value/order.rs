//! Equality, hash and order as Python has them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Repr, Value};
use crate::TemplateError;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::None, Repr::None) | (Repr::Omit, Repr::Omit) => true,
            (Repr::Str(a), Repr::Str(b)) | (Repr::Unknown(a), Repr::Unknown(b)) => a == b,
            (Repr::Bytes(a), Repr::Bytes(b)) => a == b,
            (Repr::List(a), Repr::List(b)) | (Repr::Tuple(a), Repr::Tuple(b)) => a == b,
            (Repr::Dict(a), Repr::Dict(b)) => a == b,
            (Repr::Undefined(a), Repr::Undefined(b)) => a == b,
            (Repr::Object(a), Repr::Object(b)) => a.equals(b),
            (Repr::Lazy(a), Repr::Lazy(b)) => std::sync::Arc::ptr_eq(a, b),
            _ => numbers(self, other) == Some(Numbers::Ordered(Ordering::Equal)),
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Repr::Str(text) => hash_text(text, state),
            Repr::Bool(_) | Repr::Int(_) => {
                state.write_u8(1);
                state.write_i128(self.as_int().unwrap_or(0));
            }
            Repr::Float(number) => hash_float(*number, state),
            Repr::Big(number) => number.hash(state),
            Repr::Bytes(bytes) => bytes.hash(state),
            Repr::Tuple(items) => items.hash(state),
            Repr::Unknown(label) => label.hash(state),
            _ => state.write_u8(2),
        }
    }
}

pub(crate) fn hash_text<H: Hasher>(text: &str, state: &mut H) {
    state.write_u8(3);
    text.hash(state);
}

/// Hashes 1.0 as 1, because they are the same key.
fn hash_float<H: Hasher>(number: f64, state: &mut H) {
    state.write_u8(1);
    match float_to_int(number) {
        Some(int) => state.write_i128(int),
        None => state.write_u64(number.to_bits()),
    }
}

/// Returns the whole number that the float is exactly.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(crate) fn float_to_int(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e38).then_some(number as i128)
}

/// Returns a whole number as the nearest float.
#[expect(clippy::cast_precision_loss, reason = "Python rounds in the same way")]
pub(crate) fn int_to_float(number: i128) -> f64 {
    number as f64
}

/// How two numbers stand to each other.
#[derive(PartialEq, Eq)]
enum Numbers {
    Ordered(Ordering),
    /// One of them is `nan`.
    Unordered,
}

/// Compares two numbers; `None` when one is no number.
fn numbers(a: &Value, b: &Value) -> Option<Numbers> {
    let order = match (&a.0, &b.0) {
        (Repr::Float(a), Repr::Float(b)) => a.partial_cmp(b),
        (Repr::Float(a), Repr::Big(b)) => a.partial_cmp(&super::big_to_float(b)),
        (Repr::Big(a), Repr::Float(b)) => super::big_to_float(a).partial_cmp(b),
        (Repr::Float(a), _) => compare_mixed(*a, b.as_int()?),
        (_, Repr::Float(b)) => compare_mixed(*b, a.as_int()?).map(Ordering::reverse),
        (Repr::Big(_), _) | (_, Repr::Big(_)) => Some(a.as_big()?.cmp(&b.as_big()?)),
        _ => Some(a.as_int()?.cmp(&b.as_int()?)),
    };
    Some(order.map_or(Numbers::Unordered, Numbers::Ordered))
}

fn compare_mixed(float: f64, int: i128) -> Option<Ordering> {
    match float_to_int(float) {
        Some(exact) => Some(exact.cmp(&int)),
        None => float.partial_cmp(&int_to_float(int)),
    }
}

/// Orders two values for the operator; what Python cannot order is its `TypeError`.
pub(crate) fn compare(a: &Value, b: &Value, operator: &str) -> Result<Option<Ordering>, TemplateError> {
    match (&a.0, &b.0) {
        (Repr::Str(a), Repr::Str(b)) => Ok(Some(a.cmp(b))),
        (Repr::Bytes(a), Repr::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Repr::List(a), Repr::List(b)) | (Repr::Tuple(a), Repr::Tuple(b)) => {
            for (a, b) in a.iter().zip(b.iter()) {
                if a != b {
                    return compare(a, b, operator);
                }
            }
            Ok(Some(a.len().cmp(&b.len())))
        }
        (Repr::Object(a_object), Repr::Object(b_object)) => {
            a_object.compare(b_object).map(Some).ok_or_else(|| unordered(a, b, operator))
        }
        _ => match numbers(a, b) {
            Some(Numbers::Ordered(order)) => Ok(Some(order)),
            Some(Numbers::Unordered) => Ok(None),
            None => Err(unordered(a, b, operator)),
        },
    }
}

fn unordered(a: &Value, b: &Value, operator: &str) -> TemplateError {
    TemplateError::runtime(format!(
        "'{operator}' not supported between instances of '{}' and '{}'",
        a.class_name(),
        b.class_name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Dict;

    #[test]
    fn numbers_are_equal_across_types_and_are_the_same_key() {
        assert_eq!(Value::from(1_i64), Value::from(1.0));
        assert_eq!(Value::from(1_i64), Value::from(true));
        assert_ne!(Value::from("1"), Value::from(1_i64));
        let dict: Dict = [(Value::from(1_i64), Value::NONE)].into_iter().collect();
        assert!(dict.contains_key(&Value::from(1.0)) && dict.contains_key(&Value::from(true)));
    }

    #[test]
    fn a_list_is_no_tuple() {
        assert_ne!(Value::list(vec![]), Value::tuple(vec![]));
    }

    #[test]
    fn text_and_number_have_no_order() {
        let error = compare(&"a".into(), &1_i64.into(), "<").expect_err("Python refuses it");
        assert_eq!(error.message, "'<' not supported between instances of 'str' and 'int'");
    }
}
