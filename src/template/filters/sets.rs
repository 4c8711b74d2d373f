//! Lists as sets. Python's sets have no order of their own: here the first list's order is kept.

use indexmap::IndexSet;

use super::select::each_once;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::Cx;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("union", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        Ok(distinct(a.into_iter().chain(b).collect()))
    }),
    builtin("intersect", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        Ok(distinct(among(a, &b, true)))
    }),
    builtin("difference", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        Ok(distinct(among(a, &b, false)))
    }),
    builtin("symmetric_difference", "a b", |cx, given| {
        let (a, b) = lists(cx, given)?;
        let (left, right) = (among(a.clone(), &b, false), among(b, &a, false));
        Ok(distinct(left.into_iter().chain(right).collect()))
    }),
];

fn lists(cx: &Cx<'_>, given: &Given) -> Result<(Vec<Value>, Vec<Value>), TemplateError> {
    Ok((given.items(cx, 0)?, given.items(cx, 1)?))
}

/// Returns the items that are, or are not, among others.
fn among(items: Vec<Value>, others: &[Value], wanted: bool) -> Vec<Value> {
    if items.iter().chain(others).all(Value::is_hashable) {
        let others: IndexSet<&Value> = others.iter().collect();
        return items.into_iter().filter(|item| others.contains(item) == wanted).collect();
    }
    items.into_iter().filter(|item| others.contains(item) == wanted).collect()
}

fn distinct(items: Vec<Value>) -> Value {
    if items.iter().all(Value::is_hashable) {
        return items.into_iter().collect::<IndexSet<Value>>().into_iter().collect();
    }
    each_once(&items).into()
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
        ]);
    }
}
