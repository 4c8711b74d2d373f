//! Lists as sets. Python's sets have no order that could be told, except of small numbers: here the first list's
//! order is kept.

use indexmap::IndexSet;

use super::select::each_once;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::Cx;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("union", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        Ok(distinct(a.into_iter().chain(b).collect(), true))
    }),
    builtin("intersect", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        let sets = are_hashable(&b);
        Ok(distinct(among(a, &b, true), sets))
    }),
    builtin("difference", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        let sets = are_hashable(&b);
        Ok(distinct(among(a, &b, false), sets))
    }),
    builtin("symmetric_difference", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        let sets = are_hashable(&a) && are_hashable(&b);
        let (left, right) = (among(a.clone(), &b, false), among(b, &a, false));
        Ok(distinct(left.into_iter().chain(right).collect(), sets))
    }),
];

fn lists(cx: &Cx<'_>, given: &Given) -> Result<(Vec<Value>, Vec<Value>), TemplateError> {
    // Ansible's filters have already failed to make a set when they fail to go through the list.
    let first = given.items(cx, 0).map_err(TemplateError::apart)?;
    let second = given.items(cx, 1).map_err(|_| {
        let kind = given.value(1).class_name();
        TemplateError::runtime(format!("argument of type '{kind}' is not iterable")).apart()
    })?;
    Ok((first, second))
}

/// Returns the items that are, or are not, among others.
fn among(items: Vec<Value>, others: &[Value], wanted: bool) -> Vec<Value> {
    if items.iter().chain(others).all(Value::is_hashable) {
        let others: IndexSet<&Value> = others.iter().collect();
        return items.into_iter().filter(|item| others.contains(item) == wanted).collect();
    }
    items.into_iter().filter(|item| others.contains(item) == wanted).collect()
}

fn are_hashable(items: &[Value]) -> bool {
    items.iter().all(Value::is_hashable)
}

/// Returns each item once; `sets` says whether Ansible's filter makes sets of all it is given.
fn distinct(items: Vec<Value>, sets: bool) -> Value {
    if are_hashable(&items) {
        let mut items: Vec<Value> = items.into_iter().collect::<IndexSet<Value>>().into_iter().collect();
        if sets && are_small(&items) {
            items.sort_by_key(Value::as_int);
        }
        return items.into();
    }
    each_once(&items).into()
}

/// Returns whether all are whole numbers so small that Python's sets have them in their order.
///
/// A number is its own hash, and the table is never smaller than this for so many.
fn are_small(items: &[Value]) -> bool {
    let table = match items.len() {
        0..5 => 8,
        5..20 => 32,
        20..77 => 128,
        _ => return false,
    };
    items.iter().all(|item| item.as_int().is_some_and(|number| (0..table).contains(&number)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn lists_are_sets() {
        give(&[
            ("[3, 1] | union([1, 2]) | sort", json!([1, 2, 3])),
            ("[1, 2] | intersect([2, 3])", json!([2])),
            ("[1, 2] | difference([2, 3])", json!([1])),
            ("[1, 2] | symmetric_difference([2, 3]) | sort", json!([1, 3])),
            ("[{'a': 1}] | union([{'a': 1}, {'b': 2}])", json!([{"a": 1}, {"b": 2}])),
            ("[[1], [2]] | difference([[2]])", json!([[1]])),
            ("[3, 1, 2] | union([0])", json!([0, 1, 2, 3])),
            ("['c', 'a'] | union(['b'])", json!(["c", "a", "b"])),
        ]);
    }
}
