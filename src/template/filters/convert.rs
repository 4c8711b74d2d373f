//! From one scalar type to another.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::{
    Repr, big_to_float, float_to_int, int_to_float, parse_float, parse_whole, truncated, whole,
};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("bool", "value", to_bool),
    builtin("int", "value default= base=", int).shallow(),
    builtin("float", "value default=", float).shallow(),
    builtin("string", "object", string).takes_unknown(),
    builtin("abs", "x", abs),
    builtin("round", "value precision= method=", round),
];

fn to_bool(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let word = match &value.0 {
        Repr::Str(text) => text.to_lowercase(),
        Repr::Bool(_) | Repr::Int(_) => value.text().to_lowercase(),
        _ => String::new(),
    };
    Ok(match word.as_str() {
        "yes" | "on" | "true" | "1" => true,
        "no" | "off" | "false" | "0" => false,
        _ => {
            let result = *value == Value::from(1_i64);
            cx.deprecate(format!(
                "The `bool` filter coerced invalid value {} ({}) to {}.",
                value.repr(),
                value.type_name(),
                Value::from(result).repr()
            ));
            result
        }
    }
    .into())
}

fn int(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let default = || given.given(1).cloned().unwrap_or_else(|| 0_i64.into());
    // What is no base is no number either.
    if given.given(2).is_some_and(|base| base.as_int().is_none()) && value.is_text() {
        return Ok(default());
    }
    let base = u32::try_from(given.int(2, 10)?).unwrap_or(10);
    let number = match &value.0 {
        Repr::Str(text) => {
            let whole = if base <= 36 && base != 1 { parse_whole(text, base) } else { None };
            whole.or_else(|| parse_float(text).and_then(truncated))
        }
        Repr::Float(number) => truncated(*number),
        Repr::Big(_) => Some(value.clone()),
        _ => value.as_int().map(Value::from),
    };
    Ok(number.unwrap_or_else(default))
}

fn float(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let number = match &value.0 {
        Repr::Str(text) => parse_float(text),
        Repr::Float(number) => Some(*number),
        Repr::Big(number) => Some(big_to_float(number)),
        _ => value.as_int().map(int_to_float),
    };
    Ok(number.map_or_else(|| given.given(1).cloned().unwrap_or_else(|| 0.0.into()), Value::from))
}

fn string(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok(given.text(0).into())
}

fn abs(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    match &value.0 {
        Repr::Float(number) => Ok(number.abs().into()),
        Repr::Big(number) => Ok(whole(number.magnitude().clone().into())),
        _ => match value.as_int() {
            Some(number) => Ok(number.abs().into()),
            None => fail(format!("bad operand type for abs(): '{}'", value.type_name())),
        },
    }
}

fn round(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let precision = given.int(1, 0)?;
    let method = given.text_or(2, "common");
    if !matches!(method.as_str(), "common" | "ceil" | "floor") {
        return fail("method must be common, ceil or floor");
    }
    if method == "common" {
        if matches!(value.0, Repr::Big(_)) {
            return Ok(value.clone());
        }
        if let Some(number) = value.as_int() {
            return Ok(round_int(number, precision).into());
        }
        let Repr::Float(number) = value.0 else {
            return fail(format!("type {} doesn't define __round__ method", value.type_name()));
        };
        if given.given(1).is_some_and(Value::is_none) {
            // Without a precision Python gives a whole number.
            let whole = truncated(number.round_ties_even());
            return whole.ok_or_else(|| TemplateError::runtime("cannot convert float infinity to integer"));
        }
        return Ok(round_half_even(number, precision).into());
    }
    given.refuse_none(1, "unsupported operand type(s) for ** or pow(): 'int' and 'NoneType'")?;
    let number = match value.0 {
        Repr::Float(number) => number,
        _ => match value.as_int() {
            Some(number) => int_to_float(number),
            None => {
                return fail(format!("unsupported operand type(s) for *: '{}' and 'int'", value.type_name()));
            }
        },
    };
    let factor = 10_f64.powi(i32::try_from(precision).unwrap_or(0));
    let scaled = number * factor;
    // Python rounds to an integer here, which has no negative zero.
    let whole = if method == "ceil" { scaled.ceil() } else { scaled.floor() } + 0.0;
    Ok((whole / factor).into())
}

/// Python rounds to the even neighbour in decimal, as printing with a precision does.
fn round_half_even(number: f64, precision: i128) -> f64 {
    match usize::try_from(precision) {
        Ok(digits) if digits <= 308 => format!("{number:.digits$}").parse().unwrap_or(number),
        Ok(_) => number,
        Err(_) => {
            float_to_int(number.trunc()).map_or(number, |whole| int_to_float(round_int(whole, precision)))
        }
    }
}

fn round_int(number: i128, precision: i128) -> i128 {
    let Ok(digits) = u32::try_from(-precision) else { return number };
    let Some(unit) = 10_i128.checked_pow(digits) else { return 0 };
    let (floor, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && floor % 2 != 0);
    (floor + i128::from(up)) * unit
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn scalars_are_converted() {
        give(&[
            ("'5' | int", json!(5)),
            ("'5.7' | int", json!(5)),
            ("'x' | int", json!(0)),
            ("'x' | int(7)", json!(7)),
            ("'0x1f' | int(base=16)", json!(31)),
            ("5.9 | int", json!(5)),
            ("-5.9 | int", json!(-5)),
            ("true | int", json!(1)),
            ("none | int", json!(0)),
            ("'3.5' | float", json!(3.5)),
            ("'x' | float", json!(0.0)),
            ("'1e3' | float", json!(1000.0)),
            ("'yes' | bool", json!(true)),
            ("'No' | bool", json!(false)),
            ("1 | bool", json!(true)),
            ("'maybe' | bool", json!(false)),
            ("5 | string", json!("5")),
            ("5.0 | string", json!("5.0")),
            ("l | string", json!("[3, 1, 2]")),
            ("-5 | abs", json!(5)),
            ("2.567 | round(2)", json!(2.57)),
            ("2.567 | round(none)", json!(3)),
            ("2.5 | round", json!(2.0)),
            ("3.5 | round", json!(4.0)),
            ("0.125 | round(2)", json!(0.12)),
            ("2.1 | round(0, 'ceil')", json!(3.0)),
            ("2.9 | round(0, 'floor')", json!(2.0)),
            ("1250 | round(-2)", json!(1200)),
            ("5 | round", json!(5)),
        ]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        refuse(&[
            (
                "'x' | round",
                "The filter plugin 'ansible.builtin.round' failed: type str doesn't define __round__ method",
            ),
            (
                "'x' | abs",
                "The filter plugin 'ansible.builtin.abs' failed: bad operand type for abs(): 'str'",
            ),
            (
                "1 | round(0, 'up')",
                "The filter plugin 'ansible.builtin.round' failed: method must be common, ceil or floor",
            ),
        ]);
    }
}
