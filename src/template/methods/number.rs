use crate::builtin::Given;
use crate::eval::{Args, Evaluated};
use crate::value::{Repr, float_to_int};
use crate::{TemplateError, Value};

pub(super) const INT_NAMES: &[&str] =
    &["bit_length", "is_integer", "__and__", "__or__", "__xor__", "__lshift__", "__rshift__"];
pub(super) const FLOAT_NAMES: &[&str] = &["is_integer", "hex"];

/// Returns an attribute of a number, as far as it is no method.
pub(super) fn attribute(target: &Value, name: &str) -> Option<Value> {
    let whole = !matches!(target.0, Repr::Float(_));
    Some(match name {
        "real" | "numerator" if whole => crate::value::whole(target.as_big()?),
        "real" => target.clone(),
        "imag" if whole => 0_i64.into(),
        "imag" => 0.0.into(),
        "denominator" if whole => 1_i64.into(),
        _ => return None,
    })
}

pub(super) fn call(target: &Value, name: &str, args: Args) -> Evaluated {
    let params = if name.starts_with("__") { "other" } else { "" };
    let given = Given::bind(&format!("int.{name}"), params, args)?;
    if let Repr::Float(number) = target.0 {
        return Ok(float_to_int(number).is_some().into());
    }
    let number = target.as_int().unwrap_or(0);
    let other = given.int(0, 0)?;
    let shift = u32::try_from(other).unwrap_or(u32::MAX);
    let too_large = || TemplateError::runtime("the whole number is too large");
    Ok(match name {
        "bit_length" => {
            let bits = u128::BITS - number.unsigned_abs().leading_zeros();
            i128::from(bits).into()
        }
        "is_integer" => true.into(),
        "__and__" => (number & other).into(),
        "__or__" => (number | other).into(),
        "__xor__" => (number ^ other).into(),
        "__lshift__" => {
            let factor = 2_i128.checked_pow(shift).ok_or_else(too_large)?;
            number.checked_mul(factor).ok_or_else(too_large)?.into()
        }
        _ => number.checked_shr(shift).unwrap_or(if number < 0 { -1 } else { 0 }).into(),
    })
}
