//! Values as they are: defaults, types, choices.

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
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
    builtin("pprint", "value", pprint),
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

/// Python's `pformat`, for what fits on one line.
fn pprint(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut out = String::new();
    pretty(given.value(0), 0, 0, &mut out);
    Ok(out.into())
}

fn pretty(value: &Value, indent: usize, after: usize, out: &mut String) {
    const WIDTH: usize = 80;
    let flat = sorted(value).repr();
    if flat.chars().count() + indent + after <= WIDTH {
        out.push_str(&flat);
        return;
    }
    let separator = format!(",\n{}", " ".repeat(indent + 1));
    match &sorted(value).0 {
        Repr::Dict(dict) => {
            out.push('{');
            for (at, (key, value)) in dict.iter().enumerate() {
                let key = key.repr();
                let is_last = at + 1 == dict.len();
                out.push_str(if at == 0 { "" } else { &separator });
                out.push_str(&key);
                out.push_str(": ");
                let inner = indent + 1 + key.chars().count() + 2;
                pretty(value, inner, if is_last { after + 1 } else { 1 }, out);
            }
            out.push('}');
        }
        Repr::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                let is_last = at + 1 == items.len();
                out.push_str(if at == 0 { "" } else { &separator });
                pretty(item, indent + 1, if is_last { after + 1 } else { 1 }, out);
            }
            out.push(']');
        }
        _ => out.push_str(&flat),
    }
}

/// `pformat` sorts the keys of mappings.
fn sorted(value: &Value) -> Value {
    match &value.0 {
        Repr::Dict(dict) => {
            let mut entries: Vec<_> = dict.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| {
                crate::value::compare(a, b, "<").ok().flatten().unwrap_or(std::cmp::Ordering::Equal)
            });
            entries.into_iter().collect::<crate::value::Dict>().into()
        }
        Repr::List(items) => items.iter().map(sorted).collect(),
        _ => value.clone(),
    }
}

/// A repeatable source of numbers: Python's own sequence is not promised, its being repeatable is.
struct Dice<'a, 'b> {
    cx: &'a Cx<'b>,
    seed: Option<u64>,
}

impl<'a, 'b> Dice<'a, 'b> {
    fn new(cx: &'a Cx<'b>, seed: Option<&Value>) -> Self {
        let hashed = seed.map(|seed| {
            let digest = super::hex_digest("sha1", seed.text().as_bytes()).unwrap_or_default();
            digest.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
        });
        Self { cx, seed: hashed }
    }

    fn below(&mut self, limit: u128) -> u128 {
        let bits = match &mut self.seed {
            None => self.cx.world().random(),
            Some(state) => {
                // SplitMix64.
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
        };
        u128::from(bits) % limit.max(1)
    }
}

fn random(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let end = given.value(0);
    let mut dice = Dice::new(cx, given.some(3));
    if let Some(stop) = end.as_int() {
        let (start, step) = (given.int(1, 0)?, given.int(2, 1)?);
        let step = if step == 0 { 1 } else { step };
        let choices = Value::object(crate::object::Object::Range { start, stop, step });
        let count = choices.len().unwrap_or(0);
        if count == 0 {
            return fail(format!("empty range for randrange() ({start}, {stop}, {})", stop - start));
        }
        let chosen = i128::try_from(dice.below(count as u128)).unwrap_or(0);
        return Ok((start + chosen * step).into());
    }
    let Ok(items) = cx.items(end) else { return fail("random can only be used on sequences and integers") };
    if given.flag(1, false) || given.flag(2, false) {
        return fail("start and step can only be used with integer values");
    }
    let chosen = usize::try_from(dice.below(items.len() as u128)).unwrap_or(0);
    match items.get(chosen) {
        Some(item) => Ok(item.clone()),
        None => fail("list index out of range"),
    }
}

fn shuffle(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Ok(mut items) = given.items(cx, 0) else { return Ok(given.value(0).clone()) };
    let mut dice = Dice::new(cx, given.some(1).filter(|seed| seed.is_truthy()));
    for last in (1..items.len()).rev() {
        let other = usize::try_from(dice.below(last as u128 + 1)).unwrap_or(0);
        items.swap(last, other);
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
            ("[nope] | length", json!(1)),
            ("[1, nope] | first", json!(1)),
        ]);
    }
}
