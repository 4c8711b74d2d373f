//! Whole numbers without bounds: those that 128 bits do not hold.

use std::sync::Arc;

use num_bigint::{BigInt, Sign};

use super::{Repr, Value};

/// Python reads no longer numbers, because that takes too long.
const MAX_DIGITS: usize = 4300;

/// Returns the number as a value, in its small form where it has one.
pub(crate) fn whole(number: BigInt) -> Value {
    match i128::try_from(&number) {
        Ok(small) => small.into(),
        Err(_) => Value(Repr::Big(Arc::new(number))),
    }
}

/// Reads what Python's `int(text, base)` does, of any length.
pub(crate) fn parse_whole(text: &str, base: u32) -> Option<Value> {
    if let Some(small) = super::parse_int(text, base) {
        return Some(small.into());
    }
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match (base, lower.get(..2)) {
        (0 | 16, Some("0x")) => (16, lower.get(2..)?),
        (0 | 8, Some("0o")) => (8, lower.get(2..)?),
        (0 | 2, Some("0b")) => (2, lower.get(2..)?),
        (0, _) if lower.starts_with('0') => return None,
        (0, _) => (10, lower.as_str()),
        (base, _) => (base, lower.as_str()),
    };
    let digits = super::number::without_underscores(digits)?;
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    if digits.len() > MAX_DIGITS && !base.is_power_of_two() {
        return None;
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(whole(if negative { -number } else { number }))
}

impl Value {
    /// Returns Python's integer of any size, also of a boolean.
    pub(crate) fn as_big(&self) -> Option<BigInt> {
        match &self.0 {
            Repr::Big(number) => Some(BigInt::clone(number)),
            _ => self.as_int().map(BigInt::from),
        }
    }

    /// Returns whether it is an integer, and so whether a boolean is.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.0, Repr::Big(_)) || self.as_int().is_some()
    }
}

/// Returns the nearest float; what is larger than all of them is infinite.
pub(crate) fn big_to_float(number: &BigInt) -> f64 {
    // Printing and reading rounds to the nearest, as Python does.
    number.to_string().parse().unwrap_or(f64::INFINITY)
}

/// Returns the digits of the absolute value, and whether it is below zero.
pub(crate) fn digits(number: &BigInt, base: u32) -> (bool, String) {
    (number.sign() == Sign::Minus, number.magnitude().to_str_radix(base))
}

/// Returns the whole number that a float of any size is, without its fraction.
pub(crate) fn truncated(number: f64) -> Option<Value> {
    if !number.is_finite() {
        return None;
    }
    match super::float_to_int(number.trunc()) {
        Some(small) => Some(small.into()),
        None => format!("{number:.0}").parse().ok().map(whole),
    }
}
