//! Values as they are: defaults, types, choices.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::dice::Dice;
use crate::eval::{Cx, Evaluated};
use crate::value::Repr;
use crate::{ErrorKind, TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("default", "value default_value= boolean=", default).takes_undefined(),
    builtin("d", "value default_value= boolean=", default).takes_undefined(),
    builtin("mandatory", "value msg=", mandatory).takes_undefined(),
    builtin("ternary", "value true_val false_val none_val=", ternary).takes_undefined(),
    builtin("type_debug", "value", type_debug).takes_undefined(),
    builtin("list", "value", list).shallow(),
    builtin("length", "value", length).shallow(),
    builtin("count", "value", length).shallow(),
    builtin("first", "seq", first).shallow(),
    builtin("last", "seq", last).shallow(),
    builtin("attr", "obj name", attr).shallow(),
    builtin("items", "value", items).moves(),
    builtin("finalize", "value", |cx, given| cx.finish(given.value(0))).of("ansible._protomatter"),
    builtin("random", "end start= step= seed=", random),
    builtin("shuffle", "mylist seed=", shuffle).moves(),
];

fn is_undefined(value: &Value) -> bool {
    matches!(&value.0, Repr::Undefined(error) if error.kind == ErrorKind::Undefined)
}

fn default(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let fallback = || given.given(1).cloned().unwrap_or_else(|| "".into());
    let boolean = match given.given(2) {
        None => false,
        Some(flag) => match flag.as_bool() {
            Some(flag) => flag,
            None => {
                return fail(format!(
                    "The 'boolean' argument must be of type 'bool', not '{}'.",
                    flag.type_name()
                ));
            }
        },
    };
    if is_undefined(value) {
        return Ok(fallback());
    }
    if value.is_undefined() || value.is_unknown() {
        return Ok(value.clone());
    }
    Ok(if boolean && !value.is_truthy() { fallback() } else { value.clone() })
}

fn mandatory(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if !is_undefined(value) {
        return Ok(value.clone());
    }
    if let Some(message) = given.some(1) {
        return fail(message.text());
    }
    let Repr::Undefined(error) = &value.0 else { return Ok(value.clone()) };
    let name = match error.message.strip_suffix(" is undefined") {
        Some(name) => format!("{name} "),
        None => error
            .message
            .split_once("has no attribute ")
            .map_or_else(String::new, |(_, name)| format!("{name} ")),
    };
    fail(format!("Mandatory variable {name}not defined."))
}

fn ternary(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if let Repr::Undefined(error) = &value.0 {
        return Err(TemplateError::clone(error));
    }
    if value.is_unknown() {
        return Ok(value.clone());
    }
    let chosen = match given.some(3) {
        Some(none) if value.is_none() => none,
        _ if value.is_truthy() => given.value(1),
        _ => given.value(2),
    };
    Ok(chosen.clone())
}

fn type_debug(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok(match &given.value(0).0 {
        Repr::Unknown(_) => given.value(0).clone(),
        Repr::Undefined(error) if error.kind != ErrorKind::Undefined => "CapturedExceptionMarker".into(),
        _ => given.value(0).type_name().into(),
    })
}

fn list(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    match items.iter().find(|item| item.is_undefined()).map(|item| &item.0) {
        Some(Repr::Undefined(error)) => Err(TemplateError::clone(error)),
        _ => Ok(items.into()),
    }
}

fn length(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    match value.len() {
        Some(length) => Ok(length.into()),
        None => fail(format!("object of type '{}' has no len()", value.type_name())),
    }
}

fn first(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let none = || Value::undefined("No first item, sequence was empty.");
    Ok(given.items(cx, 0)?.into_iter().next().unwrap_or_else(none))
}

fn last(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let none = || Value::undefined("No last item, sequence was empty.");
    Ok(given.items(cx, 0)?.pop().unwrap_or_else(none))
}

fn attr(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let (object, name) = (given.value(0), given.text(1));
    let is_item = cx.text_item(object, &name).is_some();
    let value = cx.attribute(object, &name.as_str().into(), 0);
    if is_item || value.is_undefined() {
        let kind = object.type_name();
        return Ok(Value::undefined(format!("object of type '{kind}' has no attribute '{name}'")));
    }
    Ok(value)
}

fn items(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if !value.is_mapping() {
        return fail("Can only get item pairs from a mapping.");
    }
    let value = cx.forced_once(value);
    Ok(value.entries().map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()])).collect())
}

fn random(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let end = given.value(0);
    let mut dice = Dice::new(cx, given.some(3))?;
    if let Some(stop) = end.as_int() {
        let truthy = |at: usize| given.some(at).filter(|value| value.is_truthy());
        let start = truthy(1).map_or(Ok(0), |_| given.int(1, 0))?;
        let step = truthy(2).map_or(Ok(1), |_| given.int(2, 1))?;
        let width = stop - start;
        let size = step.abs();
        let count = (width * step.signum() + size - 1).div_euclid(size);
        if count <= 0 {
            return fail(format!("empty range for randrange() ({start}, {stop}, {width})"));
        }
        let chosen = i128::try_from(dice.below(count.unsigned_abs())).unwrap_or(0);
        return Ok((start + chosen * step).into());
    }
    let Ok(items) = cx.items(end) else { return fail("random can only be used on sequences and integers") };
    if given.flag(1, false) || given.flag(2, false) {
        return fail("start and step can only be used with integer values");
    }
    if end.is_mapping() {
        // Python asks the mapping for a number.
        let index = i128::try_from(dice.below(items.len() as u128)).unwrap_or(0);
        return match cx.item(end, &index.into(), 0)? {
            value if value.is_undefined() => fail(index.to_string()),
            value => Ok(value),
        };
    }
    match dice.choose(&items) {
        Some(item) => Ok(item.clone()),
        None => fail("Cannot choose from an empty sequence"),
    }
}

fn shuffle(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Ok(mut items) = given.items(cx, 0) else { return Ok(given.value(0).clone()) };
    // What is no seed leaves the list as it is.
    if let Ok(mut dice) = Dice::new(cx, given.some(1).filter(|seed| seed.is_truthy())) {
        dice.shuffle(&mut items);
    }
    Ok(items.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn what_is_missing_is_replaced() {
        give(&[
            ("nope | default('y')", json!("y")),
            ("nope | d(5)", json!(5)),
            ("nope | default", json!("")),
            ("'' | default('y', true)", json!("y")),
            ("'' | default('y')", json!("")),
            ("none | default('y')", json!(null)),
            ("none | default('y', true)", json!("y")),
            ("d.zz | mandatory | default('x') if false else 1", json!(1)),
            ("n | mandatory", json!(5)),
            ("true | ternary('a', 'b')", json!("a")),
            ("none | ternary('a', 'b', 'c')", json!("c")),
            ("none | ternary('a', 'b')", json!("b")),
            ("n | type_debug", json!("int")),
            ("l | type_debug", json!("list")),
            ("none | type_debug", json!("NoneType")),
        ]);
    }

    #[test]
    fn what_cannot_be_replaced_is_refused() {
        refuse(&[
            (
                "nope | mandatory",
                "The filter plugin 'ansible.builtin.mandatory' failed: Mandatory variable 'nope' not defined.",
            ),
            (
                "d.zz | mandatory",
                "The filter plugin 'ansible.builtin.mandatory' failed: Mandatory variable 'zz' not defined.",
            ),
            ("nope | mandatory('say it')", "The filter plugin 'ansible.builtin.mandatory' failed: say it"),
            (
                "nope | default(1, 2)",
                "The filter plugin 'ansible.builtin.default' failed: The 'boolean' argument must be of type 'bool', not 'int'.",
            ),
            (
                "'x' | from_json | default(3)",
                "The filter plugin 'ansible.builtin.from_json' failed: Expecting value: line 1 column 1 (char 0)",
            ),
            ("nope | ternary(1, 2)", "'nope' is undefined"),
            (
                "5 | length",
                "The filter plugin 'ansible.builtin.length' failed: object of type 'int' has no len()",
            ),
            ("[] | first", "No first item, sequence was empty."),
            ("5 | list", "The filter plugin 'ansible.builtin.list' failed: 'int' object is not iterable"),
        ]);
    }

    #[test]
    fn elements_are_counted_and_chosen() {
        give(&[
            ("l | first", json!(3)),
            ("l | last", json!(2)),
            ("s | first", json!("h")),
            ("l | length", json!(3)),
            ("d | count", json!(3)),
            ("[] | first | default('none')", json!("none")),
            ("s | list", json!(["h", "e", "l", "l", "o"])),
            ("d | list", json!(["b", "a", "c"])),
            ("d | items", json!([["b", 1], ["a", 2], ["c", {"d": 3}]])),
            ("7 | random(start=7) if false else 7", json!(7)),
            ("59 | random(seed='host')", json!(5)),
            ("l | random(seed=7)", json!(1)),
            ("[1, 2, 3, 4] | shuffle(seed='host')", json!([3, 4, 2, 1])),
            ("[1, 2, 3, 4] | shuffle(seed=[1])", json!([1, 2, 3, 4])),
            ("[nope] | length", json!(1)),
            ("[1, nope] | first", json!(1)),
        ]);
    }
}
