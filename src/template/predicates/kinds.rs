//! What kind of value it is.

use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::object::Object;
use crate::parse::tree::Operator;
use crate::value::Repr;
use crate::{ErrorKind, TemplateError, Value};

pub(super) const TESTS: &[Builtin] = &[
    builtin("defined", "value", |_, given| is_defined(given, true)).takes_undefined(),
    builtin("undefined", "value", |_, given| is_defined(given, false)).takes_undefined(),
    builtin("none", "value", |_, given| Ok(given.value(0).is_none().into())).shallow(),
    builtin("boolean", "value", |_, given| Ok(given.value(0).as_bool().is_some().into())).shallow(),
    builtin("true", "value", |_, given| Ok((given.value(0).as_bool() == Some(true)).into())).shallow(),
    builtin("false", "value", |_, given| Ok((given.value(0).as_bool() == Some(false)).into())).shallow(),
    builtin(
        "integer",
        "value",
        |_, given| Ok(matches!(given.value(0).0, Repr::Int(_) | Repr::Big(_)).into()),
    )
    .shallow(),
    builtin("float", "value", |_, given| Ok(matches!(given.value(0).0, Repr::Float(_)).into())).shallow(),
    builtin("number", "value", |_, given| {
        Ok(matches!(given.value(0).0, Repr::Bool(_) | Repr::Int(_) | Repr::Big(_) | Repr::Float(_)).into())
    })
    .shallow(),
    builtin("string", "value", |_, given| Ok(given.value(0).is_text().into())).shallow(),
    builtin("mapping", "value", |_, given| Ok(is_mapping(given.value(0)).into())).shallow(),
    builtin("sequence", "value", |_, given| {
        let value = given.value(0);
        let listed = value.is_sequence() || value.is_text() || is_mapping(value);
        Ok((listed || matches!(value.0, Repr::Bytes(_))).into())
    })
    .shallow(),
    builtin("iterable", "value", |cx, given| Ok(cx.items(given.value(0)).is_ok().into())).shallow(),
    builtin("callable", "value", |_, given| Ok(is_callable(given.value(0)).into())).shallow(),
    builtin("escaped", "value", |_, _| Ok(false.into())).shallow(),
    builtin("even", "value", |cx, given| rest_of_two(cx, given, 0)),
    builtin("odd", "value", |cx, given| rest_of_two(cx, given, 1)),
    builtin("nan", "value", is_nan),
    builtin("isnan", "value", is_nan),
    builtin("truthy", "value convert_bool=", |cx, given| Ok(truth(cx, given)?.into())).shallow(),
    builtin("falsy", "value convert_bool=", |cx, given| Ok((!truth(cx, given)?).into())).shallow(),
    builtin("filter", "value", |cx, given| Ok(cx.shared.filters.contains_key(&given.text(0)).into())),
    builtin("test", "value", |cx, given| Ok(cx.shared.tests.contains_key(&given.text(0)).into())),
];

fn is_defined(given: &Given, wanted: bool) -> Evaluated {
    match &given.value(0).0 {
        Repr::Undefined(error) if error.kind == ErrorKind::Undefined => Ok((!wanted).into()),
        Repr::Undefined(error) => Err(TemplateError::clone(error)),
        Repr::Object(object) if matches!(**object, Object::Blank) => Ok((!wanted).into()),
        // What is unknown now will be something then.
        _ => Ok(wanted.into()),
    }
}

fn is_mapping(value: &Value) -> bool {
    value.is_mapping() || matches!(&value.0, Repr::Object(object) if matches!(**object, Object::Scope(_)))
}

fn is_callable(value: &Value) -> bool {
    let Repr::Object(object) = &value.0 else { return false };
    matches!(
        **object,
        Object::Function(_)
            | Object::Method(..)
            | Object::Macro(_)
            | Object::Block { .. }
            | Object::Joiner { .. }
    )
}

/// Returns whether the rest of a division by two is that number.
fn rest_of_two(cx: &Cx<'_>, given: &Given, rest: i64) -> Evaluated {
    let found = cx.arithmetic(Operator::Remainder, given.value(0), &2_i64.into())?;
    Ok((found == rest.into()).into())
}

fn is_nan(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    match given.value(0).0 {
        Repr::Float(number) => Ok(number.is_nan().into()),
        _ => Ok(false.into()),
    }
}

fn truth(cx: &Cx<'_>, given: &Given) -> Result<bool, TemplateError> {
    let value = given.value(0);
    if !given.flag(1, false) {
        return Ok(value.is_truthy());
    }
    if value.is_mapping() || value.is_sequence() {
        // They are printed, to say that they are no booleans.
        return cx.known_all(value).map(|value| value.is_truthy());
    }
    Ok(match value.text().trim().to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => true,
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => false,
        _ => value.is_truthy(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn values_are_told_apart() {
        give(&[
            ("n is defined", json!(true)),
            ("nope is defined", json!(false)),
            ("d.zz is undefined", json!(true)),
            ("none is none", json!(true)),
            ("n is not none", json!(true)),
            ("s is string", json!(true)),
            ("n is number", json!(true)),
            ("true is number", json!(true)),
            ("n is integer", json!(true)),
            ("f is float", json!(true)),
            ("true is integer", json!(false)),
            ("t is boolean", json!(true)),
            ("t is true", json!(true)),
            ("l is sequence", json!(true)),
            ("s is sequence", json!(true)),
            ("d is mapping", json!(true)),
            ("l is iterable", json!(true)),
            ("n is iterable", json!(false)),
            ("n is odd", json!(true)),
            ("4 is even", json!(true)),
            ("'' is falsy", json!(true)),
            ("'x' is truthy", json!(true)),
            ("'no' is truthy(convert_bool=true)", json!(false)),
            ("range is callable", json!(true)),
            ("'upper' is filter", json!(true)),
            ("'nope' is filter", json!(false)),
        ]);
    }

    #[test]
    fn what_has_no_kind_is_refused() {
        refuse(&[
            (
                "'a' is odd",
                "The test plugin 'ansible.builtin.odd' failed: not all arguments converted during string formatting",
            ),
            ("nope is string", "'nope' is undefined"),
        ]);
    }
}
