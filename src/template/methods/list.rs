use std::cmp::Ordering;

use crate::builtin::Given;
use crate::eval::{Args, Cx, Evaluated};
use crate::value::compare;
use crate::{TemplateError, Value};

pub(super) const NAMES: &[&str] = &["count", "index", "copy"];
pub(super) const MUTATING: &[&str] =
    &["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

pub(super) fn call(cx: &Cx<'_>, target: &Value, name: &str, args: Args) -> Evaluated {
    let params = if name == "copy" { "" } else { "value start= stop=" };
    let given = Given::bind(&format!("list.{name}"), params, args)?;
    if name == "copy" {
        return Ok(target.clone());
    }
    let items = cx.items(&cx.known_all(target)?)?;
    let wanted = given.value(0);
    if name == "count" {
        return Ok(items.iter().filter(|item| *item == wanted).count().into());
    }
    let (start, stop) = (given.size(1, 0)?, given.size(2, items.len())?);
    let found = items.iter().enumerate().skip(start).take(stop.saturating_sub(start));
    match found.into_iter().find(|(_, item)| *item == wanted) {
        Some((at, _)) => Ok(at.into()),
        None => fail(format!("{} is not in list", wanted.repr())),
    }
}

pub(super) fn mutate(
    cx: &Cx<'_>,
    target: &Value,
    name: &str,
    args: Args,
) -> Result<(Value, Value), TemplateError> {
    let params = match name {
        "append" | "remove" => "value",
        "extend" => "iterable",
        "insert" => "index value",
        "pop" => "index=",
        "sort" => "key= reverse=",
        _ => "",
    };
    let given = Given::bind(&format!("list.{name}"), params, args)?;
    let mut items = cx.items(target)?;
    let mut result = Value::NONE;
    match name {
        "append" => items.push(given.value(0).clone()),
        "clear" => items.clear(),
        "extend" => items.extend(given.items(cx, 0)?),
        "insert" => {
            let at = place(given.int(0, 0)?, items.len()).min(items.len());
            items.insert(at, given.value(1).clone());
        }
        "pop" => {
            if items.is_empty() {
                return fail("pop from empty list");
            }
            let at = place(given.int(0, -1)?, items.len());
            if at >= items.len() {
                return fail("pop index out of range");
            }
            result = items.remove(at);
        }
        "remove" => match items.iter().position(|item| item == given.value(0)) {
            Some(at) => drop(items.remove(at)),
            None => return fail("list.remove(x): x not in list"),
        },
        "reverse" => items.reverse(),
        _ => {
            sort(&mut items, given.flag(1, false), Value::clone)?;
        }
    }
    Ok((items.into(), result))
}

fn place(index: i128, length: usize) -> usize {
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    usize::try_from(if index < 0 { (index + length).max(0) } else { index }).unwrap_or(usize::MAX)
}

/// Sorts as Python does, keeping the order of what is equal; what has no order is an error.
pub(crate) fn sort(
    items: &mut [Value],
    reverse: bool,
    key: impl Fn(&Value) -> Value,
) -> Result<(), TemplateError> {
    let mut error = None;
    items.sort_by(|a, b| match compare(&key(a), &key(b), "<") {
        Ok(Some(order)) if reverse => order.reverse(),
        Ok(order) => order.unwrap_or(Ordering::Equal),
        Err(failed) => {
            error.get_or_insert(failed);
            Ordering::Equal
        }
    });
    error.map_or(Ok(()), Err)
}
