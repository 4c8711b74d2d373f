//! Python's operators on numbers, texts, lists and dates.

use num_bigint::BigInt;

use super::{Cx, Evaluated};
use crate::object::Object;
use crate::parse::tree::Operator;
use crate::value::{Repr, big_to_float, int_to_float, whole};
use crate::{TemplateError, Value, limits};

/// The longest text or list that repetition may make.
const MAX_REPEATED: usize = 50_000_000;

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

impl Cx<'_> {
    pub(crate) fn arithmetic(&self, operator: Operator, left: &Value, right: &Value) -> Evaluated {
        let percent = operator == Operator::Remainder && left.is_text();
        if left.is_unknown() || right.is_unknown() || (percent && right.contains_unknown()) {
            let unknown = if left.is_unknown() { left } else { right };
            return Ok(self.seen(Value::unknown(unknown.text())));
        }
        if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
            return integers(operator, left, right);
        }
        if let (Some(left), Some(right)) = (left.as_big(), right.as_big()) {
            return big_integers(operator, &left, &right);
        }
        if let (Some(left), Some(right)) = (number(left), number(right)) {
            return floats(operator, left, right);
        }
        match operator {
            Operator::Add => self.add(left, right),
            Operator::Multiply => self.multiply(left, right),
            Operator::Remainder if left.is_text() => {
                super::percent_format_of(&left.text(), &self.forced(right)).map(Value::from)
            }
            Operator::Subtract => subtract(left, right),
            _ => unsupported(operator, left, right),
        }
    }

    fn add(&self, left: &Value, right: &Value) -> Evaluated {
        match (&left.0, &right.0) {
            (Repr::Str(left), Repr::Str(right)) => {
                limits::text(left.len().saturating_add(right.len()))?;
                Ok(format!("{left}{right}").into())
            }
            (Repr::Bytes(left), Repr::Bytes(right)) => {
                Ok(Value(Repr::Bytes(left.iter().chain(right.iter()).copied().collect())))
            }
            (Repr::Object(left), Repr::Object(right)) => match left.plus(right) {
                Some(sum) => Ok(Value::object(sum)),
                None => fail(format!(
                    "unsupported operand type(s) for +: '{}' and '{}'",
                    left.type_name(),
                    right.type_name()
                )),
            },
            (Repr::Tuple(left), Repr::Tuple(right)) => {
                Ok(Value::tuple(left.iter().chain(right.iter()).cloned().collect()))
            }
            _ if left.type_name() == "list" && right.type_name() == "list" => {
                let (mut items, more) = (self.items(left)?, self.items(right)?);
                limits::items(items.len().saturating_add(more.len()))?;
                items.extend(more);
                Ok(items.into())
            }
            (Repr::Str(_) | Repr::Tuple(_) | Repr::List(_) | Repr::Lazy(_), _)
                if left.type_name() != "dict" =>
            {
                let kind = left.type_name();
                fail(format!("can only concatenate {kind} (not \"{}\") to {kind}", right.class_name()))
            }
            _ => unsupported(Operator::Add, left, right),
        }
    }

    fn multiply(&self, left: &Value, right: &Value) -> Evaluated {
        let (sequence, times) = if left.as_int().is_some() { (right, left) } else { (left, right) };
        let repeatable = sequence.is_text() || sequence.is_sequence();
        let Some(times) = times.as_int().filter(|_| repeatable) else {
            let other = if repeatable { times } else { sequence };
            if left.is_text() || left.is_sequence() || right.is_text() || right.is_sequence() {
                return fail(format!("can't multiply sequence by non-int of type '{}'", other.class_name()));
            }
            return unsupported(Operator::Multiply, left, right);
        };
        let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
        if sequence.len().unwrap_or(0).saturating_mul(times) > MAX_REPEATED {
            return fail("the result of the repetition is too long");
        }
        if let Some(text) = sequence.as_str() {
            return Ok(text.repeat(times).into());
        }
        let items = self.items(sequence)?;
        let repeated = std::iter::repeat_n(items, times).flatten().collect();
        Ok(if matches!(sequence.0, Repr::Tuple(_)) { Value::tuple(repeated) } else { Value::list(repeated) })
    }
}

pub(crate) fn negate(value: &Value) -> Evaluated {
    match &value.0 {
        Repr::Unknown(_) => Ok(value.clone()),
        Repr::Float(number) => Ok((-number).into()),
        _ => match value.as_int() {
            Some(number) => Ok(whole(-BigInt::from(number))),
            None if value.is_whole() => Ok(value.as_big().map_or(Value::NONE, |number| whole(-number))),
            None => fail(format!("bad operand type for unary -: '{}'", value.class_name())),
        },
    }
}

pub(crate) fn plus(value: &Value) -> Evaluated {
    match &value.0 {
        Repr::Unknown(_) | Repr::Float(_) => Ok(value.clone()),
        _ => match value.as_int() {
            Some(number) => Ok(number.into()),
            None if value.is_whole() => Ok(value.clone()),
            None => fail(format!("bad operand type for unary +: '{}'", value.class_name())),
        },
    }
}

pub(crate) fn number(value: &Value) -> Option<f64> {
    match &value.0 {
        Repr::Float(number) => Some(*number),
        Repr::Big(number) => Some(big_to_float(number)),
        _ => value.as_int().map(int_to_float),
    }
}

fn unsupported(operator: Operator, left: &Value, right: &Value) -> Evaluated {
    fail(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        operator.sign(),
        left.class_name(),
        right.class_name()
    ))
}

fn too_large() -> TemplateError {
    TemplateError::runtime("the whole number is too large")
}

fn integers(operator: Operator, left: i128, right: i128) -> Evaluated {
    let small = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide if right == 0 => return fail("division by zero"),
        Operator::Divide => return Ok((int_to_float(left) / int_to_float(right)).into()),
        Operator::FloorDivide if right == 0 => return fail("integer division or modulo by zero"),
        Operator::FloorDivide => left.checked_div(right).map(|quotient| {
            let exact = left % right == 0;
            if !exact && (left < 0) != (right < 0) { quotient - 1 } else { quotient }
        }),
        Operator::Remainder if right == 0 => return fail("integer modulo by zero"),
        Operator::Remainder => left
            .checked_rem(right)
            .map(|rest| if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }),
        Operator::Power if right < 0 => return floats(operator, int_to_float(left), int_to_float(right)),
        Operator::Power => u32::try_from(right).ok().and_then(|power| left.checked_pow(power)),
    };
    match small {
        Some(small) => Ok(small.into()),
        None => big_integers(operator, &left.into(), &right.into()),
    }
}

/// The longest number that a power may make, in bits.
const MAX_BITS: u64 = 1 << 16;

fn big_integers(operator: Operator, left: &BigInt, right: &BigInt) -> Evaluated {
    let zero = BigInt::ZERO;
    let floor = |left: &BigInt, right: &BigInt| {
        let (quotient, rest) = (left / right, left % right);
        let rounds_up = rest != zero && (rest < zero) != (*right < zero);
        if rounds_up { (quotient - 1, rest + right) } else { (quotient, rest) }
    };
    Ok(match operator {
        Operator::Add => whole(left + right),
        Operator::Subtract => whole(left - right),
        Operator::Multiply if left.bits() + right.bits() > MAX_BITS => return Err(too_large()),
        Operator::Multiply => whole(left * right),
        Operator::Divide if *right == zero => return fail("division by zero"),
        Operator::Divide => (big_to_float(left) / big_to_float(right)).into(),
        Operator::FloorDivide if *right == zero => return fail("integer division or modulo by zero"),
        Operator::FloorDivide => whole(floor(left, right).0),
        Operator::Remainder if *right == zero => return fail("integer modulo by zero"),
        Operator::Remainder => whole(floor(left, right).1),
        Operator::Power if *right < zero => {
            return floats(operator, big_to_float(left), big_to_float(right));
        }
        Operator::Power => match u32::try_from(right) {
            Ok(power) if left.bits().saturating_mul(power.into()) <= MAX_BITS => whole(left.pow(power)),
            _ => return Err(too_large()),
        },
    })
}

fn floats(operator: Operator, left: f64, right: f64) -> Evaluated {
    let zero = right == 0.0;
    Ok(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if zero => return fail("float division by zero"),
        Operator::Divide => left / right,
        Operator::FloorDivide if zero => return fail("float floor division by zero"),
        Operator::FloorDivide => floor_divide(left, right),
        Operator::Remainder if zero => return fail("float modulo"),
        Operator::Remainder => remainder(left, right),
        Operator::Power if left == 0.0 && right < 0.0 => {
            return fail("0.0 cannot be raised to a negative power");
        }
        Operator::Power if left < 0.0 && right.fract() != 0.0 => {
            return fail("Type 'complex' is unsupported for variable storage.");
        }
        Operator::Power => left.powf(right),
    }
    .into())
}

fn remainder(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        rest.copysign(right)
    } else if (rest < 0.0) != (right < 0.0) {
        rest + right
    } else {
        rest
    }
}

fn floor_divide(left: f64, right: f64) -> f64 {
    let rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest != 0.0 && (rest < 0.0) != (right < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(left / right);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

fn subtract(left: &Value, right: &Value) -> Evaluated {
    if let (Repr::Object(a), Repr::Object(b)) = (&left.0, &right.0)
        && let Some(difference) = Object::minus(a, b)
    {
        return Ok(Value::object(difference));
    }
    unsupported(Operator::Subtract, left, right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn numbers_are_calculated_as_python_does() {
        give(&[
            ("1 + 2", json!(3)),
            ("7 / 2", json!(3.5)),
            ("'50%%' % nope", json!("50%")),
            ("'%(a)s' % {'a': 1, 'b': nope}", json!("1")),
            ("6 / 2", json!(3.0)),
            ("7 // 2", json!(3)),
            ("-7 // 2", json!(-4)),
            ("7 // -2", json!(-4)),
            ("-7 % 3", json!(2)),
            ("7 % -3", json!(-2)),
            ("7.5 % 2", json!(1.5)),
            ("-7.5 // 2", json!(-4.0)),
            ("2 ** 10", json!(1024)),
            ("2 ** -1", json!(0.5)),
            ("0.1 + 0.2", json!(0.300_000_000_000_000_04)),
            ("1e16 * 10", json!(1e+17)),
            ("true + 1", json!(2)),
            ("-n", json!(-5)),
            ("--n", json!(5)),
            ("+n", json!(5)),
            ("10 ** 15", json!(1_000_000_000_000_000_i64)),
            ("(10 ** 40 // 3) | string", json!("3333333333333333333333333333333333333333")),
            ("-(2 ** 200) // 3 % 1000", json!(874)),
            ("2 ** 200 - 2 ** 200 + 1", json!(1)),
            ("2 ** 200 > 1.5 and 2 ** 200 != 2 ** 199", json!(true)),
            ("('x' | hash | int(base=16)) % 60", json!(30)),
        ]);
    }

    #[test]
    fn what_python_cannot_calculate_is_refused() {
        refuse(&[
            ("1 / 0", "Error rendering template: division by zero"),
            ("1 // 0", "Error rendering template: integer division or modulo by zero"),
            ("1 % 0", "Error rendering template: integer modulo by zero"),
            ("1.5 / 0", "Error rendering template: float division by zero"),
            ("1.5 // 0", "Error rendering template: float floor division by zero"),
            ("1.5 % 0", "Error rendering template: float modulo"),
            ("0 ** -1", "Error rendering template: 0.0 cannot be raised to a negative power"),
            ("1 + 'a'", "Error rendering template: unsupported operand type(s) for +: 'int' and 'str'"),
            ("'a' + 1", r#"Error rendering template: can only concatenate str (not "int") to str"#),
            ("l + 'a'", r#"Error rendering template: can only concatenate list (not "str") to list"#),
            ("'a' - 1", "Error rendering template: unsupported operand type(s) for -: 'str' and 'int'"),
            ("none + 1", "Error rendering template: unsupported operand type(s) for +: 'NoneType' and 'int'"),
            ("'a' * 'b'", "Error rendering template: can't multiply sequence by non-int of type 'str'"),
            ("- 'a'", "Error rendering template: bad operand type for unary -: 'str'"),
        ]);
    }

    #[test]
    fn texts_and_lists_are_added_and_repeated() {
        give(&[
            ("'a' + 'b'", json!("ab")),
            ("'ab' * 2", json!("abab")),
            ("2 * 'ab'", json!("abab")),
            ("'a' * -1", json!("")),
            ("[1] + [2]", json!([1, 2])),
            ("[1] * 3", json!([1, 1, 1])),
            ("l + [4]", json!([3, 1, 2, 4])),
            ("'%s-%d' % ('a', 3)", json!("a-3")),
        ]);
    }
}
