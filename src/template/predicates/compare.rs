//! Operators by name, and questions about what is in what.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::parse::tree::{Comparison, Operator};
use crate::value::Repr;
use crate::{TemplateError, Value};

pub(super) const TESTS: &[Builtin] = &[
    builtin("eq", "a b", |cx, given| by(cx, given, Comparison::Equal)),
    builtin("equalto", "a b", |cx, given| by(cx, given, Comparison::Equal)),
    builtin("==", "a b", |cx, given| by(cx, given, Comparison::Equal)),
    builtin("ne", "a b", |cx, given| by(cx, given, Comparison::NotEqual)),
    builtin("!=", "a b", |cx, given| by(cx, given, Comparison::NotEqual)),
    builtin("lt", "a b", |cx, given| by(cx, given, Comparison::Less)),
    builtin("lessthan", "a b", |cx, given| by(cx, given, Comparison::Less)),
    builtin("<", "a b", |cx, given| by(cx, given, Comparison::Less)),
    builtin("le", "a b", |cx, given| by(cx, given, Comparison::LessOrEqual)),
    builtin("<=", "a b", |cx, given| by(cx, given, Comparison::LessOrEqual)),
    builtin("gt", "a b", |cx, given| by(cx, given, Comparison::Greater)),
    builtin("greaterthan", "a b", |cx, given| by(cx, given, Comparison::Greater)),
    builtin(">", "a b", |cx, given| by(cx, given, Comparison::Greater)),
    builtin("ge", "a b", |cx, given| by(cx, given, Comparison::GreaterOrEqual)),
    builtin(">=", "a b", |cx, given| by(cx, given, Comparison::GreaterOrEqual)),
    builtin("in", "value seq", |cx, given| by(cx, given, Comparison::In)),
    builtin("contains", "seq value", contains),
    builtin("subset", "a b", |cx, given| holds_all(cx, given.value(1), given.value(0))),
    builtin("issubset", "a b", |cx, given| holds_all(cx, given.value(1), given.value(0))),
    builtin("superset", "a b", |cx, given| holds_all(cx, given.value(0), given.value(1))),
    builtin("issuperset", "a b", |cx, given| holds_all(cx, given.value(0), given.value(1))),
    builtin("all", "iterable", |cx, given| truth_is(cx, given, false)).shallow(),
    builtin("any", "iterable", |cx, given| truth_is(cx, given, true)).shallow(),
    builtin("sameas", "value other", |_, given| Ok(same(given.value(0), given.value(1)).into())).shallow(),
    builtin("divisibleby", "value num", divisible),
];

fn by(cx: &Cx<'_>, given: &Given, comparison: Comparison) -> Evaluated {
    let known = cx.compare_values(given.value(0), comparison, given.value(1))?;
    Ok(known.map_or_else(|| Value::unknown("comparison"), Value::from))
}

fn contains(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let known = cx.compare_values(given.value(1), Comparison::In, given.value(0))?;
    Ok(known.map_or_else(|| Value::unknown("comparison"), Value::from))
}

/// Returns whether any element is true, or whether all are: at the first that decides, the others do not matter.
fn truth_is(cx: &Cx<'_>, given: &Given, decisive: bool) -> Evaluated {
    for element in given.items(cx, 0)? {
        match &element.0 {
            Repr::Undefined(error) => return Err(TemplateError::clone(error)),
            Repr::Unknown(_) => return Ok(element),
            _ if element.is_truthy() == decisive => return Ok(decisive.into()),
            _ => {}
        }
    }
    Ok((!decisive).into())
}

fn holds_all(cx: &Cx<'_>, whole: &Value, part: &Value) -> Evaluated {
    let (whole, part) = (cx.items(whole)?, cx.items(part)?);
    if let Some(wrong) = whole.iter().chain(&part).find(|item| !item.is_hashable()) {
        return fail(format!("unhashable type: '{}'", wrong.type_name()));
    }
    Ok(part.iter().all(|item| whole.contains(item)).into())
}

/// Python's `is`: what it keeps once is the same object, and so is the same container.
fn same(a: &Value, b: &Value) -> bool {
    match (&a.0, &b.0) {
        (Repr::List(a), Repr::List(b)) | (Repr::Tuple(a), Repr::Tuple(b)) => std::sync::Arc::ptr_eq(a, b),
        (Repr::Dict(a), Repr::Dict(b)) => std::sync::Arc::ptr_eq(a, b),
        _ => a.type_name() == b.type_name() && a == b,
    }
}

fn divisible(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let rest = cx.arithmetic(Operator::Remainder, given.value(0), given.value(1))?;
    Ok((rest == 0_i64.into()).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn values_are_compared_by_name() {
        give(&[
            ("n is eq 5", json!(true)),
            ("n is ne(5)", json!(false)),
            ("[1, nope] == [2, nope]", json!(false)),
            ("[1, nope] == [1]", json!(false)),
            ("{'a': nope} in []", json!(false)),
            ("{'a': nope} != {'b': 1}", json!(true)),
            ("n is gt 4", json!(true)),
            ("n is lessthan 4", json!(false)),
            ("n is in [5, 6]", json!(true)),
            ("l is contains 1", json!(true)),
            ("[1, 2] is subset([1, 2, 3])", json!(true)),
            ("[1, 2, 3] is superset([1])", json!(true)),
            ("[true, 1] is all", json!(true)),
            ("[0, 1] is any", json!(true)),
            ("n is divisibleby(5)", json!(true)),
            ("n is sameas n", json!(true)),
            ("none is sameas none", json!(true)),
            ("1 is sameas true", json!(false)),
            ("l is ansible.builtin.contains 1", json!(true)),
        ]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        refuse(&[
            ("s is nope", "Syntax error in template: No test named 'nope'."),
            (
                "n is subset([1])",
                "The test plugin 'ansible.builtin.subset' failed: 'int' object is not iterable",
            ),
        ]);
    }
}
