//! Filters that run filters and tests, or look at attributes, of each element.

use std::cmp::Ordering;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Args, Cx, Evaluated, known_truth};
use crate::methods;
use crate::value::{Dict, Repr, parse_int};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("map", "value * **", map).shallow().takes_unknown(),
    builtin("select", "value * **", |cx, given| select(cx, given, true, false)).shallow(),
    builtin("reject", "value * **", |cx, given| select(cx, given, false, false)).shallow(),
    builtin("selectattr", "value * **", |cx, given| select(cx, given, true, true)).shallow(),
    builtin("rejectattr", "value * **", |cx, given| select(cx, given, false, true)).shallow(),
    builtin("groupby", "value attribute default= case_sensitive=", groupby),
    builtin("sort", "value reverse= case_sensitive= attribute=", sort),
    builtin("unique", "a case_sensitive= attribute=", unique),
    builtin("min", "value case_sensitive= attribute=", |cx, given| extreme(cx, given, false)),
    builtin("max", "value case_sensitive= attribute=", |cx, given| extreme(cx, given, true)),
    builtin("sum", "iterable attribute= start=", sum),
    builtin("dictsort", "value case_sensitive= by= reverse=", dictsort),
];

/// `a.b.0`, or `a,b` where several are meant.
pub(crate) struct Attribute {
    paths: Vec<Vec<Value>>,
    default: Option<Value>,
}

impl Attribute {
    /// Reads what `attribute=` was given; none is the element itself.
    pub(crate) fn new(attribute: Option<&Value>, default: Option<&Value>) -> Self {
        let paths = match attribute {
            None => vec![Vec::new()],
            Some(attribute) => match attribute.as_str() {
                Some(text) => vec![path(text)],
                None => vec![vec![attribute.clone()]],
            },
        };
        Self { paths, default: default.cloned() }
    }

    /// Reads several, separated by commas.
    fn several(attribute: Option<&Value>) -> Self {
        match attribute.and_then(Value::as_str) {
            Some(text) => Self { paths: text.split(',').map(path).collect(), default: None },
            None => Self::new(attribute, None),
        }
    }

    fn one(&self, cx: &Cx<'_>, item: &Value, path: &[Value]) -> Evaluated {
        let mut value = item.clone();
        for part in path {
            value = cx.item(&value, part, 0)?;
            if value.is_undefined()
                && let Some(default) = &self.default
            {
                value = default.clone();
            }
        }
        Ok(value)
    }

    pub(crate) fn of(&self, cx: &Cx<'_>, item: &Value) -> Evaluated {
        match self.paths.as_slice() {
            [path] => self.one(cx, item, path),
            paths => {
                paths.iter().map(|path| self.one(cx, item, path)).collect::<Result<_, _>>().map(Value::list)
            }
        }
    }

    /// Returns the attribute to be compared: texts without their case unless that counts.
    fn key(&self, cx: &Cx<'_>, item: &Value, case_sensitive: bool) -> Evaluated {
        let fold = |value: &Value| match value.as_str() {
            Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
            _ => value.clone(),
        };
        let value = cx.known_all(&self.of(cx, item)?)?;
        Ok(match &value.0 {
            Repr::List(parts) if self.paths.len() > 1 => parts.iter().map(fold).collect(),
            _ => fold(&value),
        })
    }
}

fn path(text: &str) -> Vec<Value> {
    let part = |part: &str| match parse_int(part, 10) {
        Some(index) if part.bytes().all(|b| b.is_ascii_digit()) => Value::from(index),
        _ => Value::from(part),
    };
    text.split('.').map(part).collect()
}

fn map(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if value.is_unknown() {
        return Ok(value.clone());
    }
    let items = if value.is_truthy() { cx.items(value)? } else { Vec::new() };
    if given.rest.is_empty()
        && let Some(attribute) = given.option("attribute")
    {
        if let Some((name, _)) =
            given.named.iter().find(|(name, _)| !matches!(&**name, "attribute" | "default"))
        {
            return fail(format!("Unexpected keyword argument '{name}'"));
        }
        let attribute = Attribute::new(Some(attribute), given.option("default"));
        return items.iter().map(|item| attribute.of(cx, item)).collect::<Result<_, _>>().map(Value::list);
    }
    let Some((name, rest)) = given.rest.split_first() else { return fail("map requires a filter argument") };
    let name = name.text();
    let mut mapped = Vec::with_capacity(items.len());
    for item in items {
        let positional = std::iter::once(item).chain(rest.iter().cloned()).collect();
        mapped.push(cx.filter_named(&name, Args { positional, named: given.named.clone() })?);
    }
    Ok(mapped.into())
}

fn select(cx: &Cx<'_>, given: &Given, keeps: bool, by_attribute: bool) -> Evaluated {
    let value = given.value(0);
    let mut rest = given.rest.as_slice();
    let attribute = match (by_attribute, rest.split_first()) {
        (true, Some((name, others))) => {
            rest = others;
            Attribute::new(Some(name), None)
        }
        (true, None) => return fail("Missing parameter for attribute name"),
        (false, _) => Attribute::new(None, None),
    };
    let items = if value.is_truthy() { cx.items(value)? } else { Vec::new() };
    let mut kept = Vec::new();
    for item in items {
        let subject = attribute.of(cx, &item)?;
        let result = match rest.split_first() {
            None => match &subject.0 {
                Repr::Undefined(error) => return Err(TemplateError::clone(error)),
                _ => subject,
            },
            Some((name, others)) => {
                let positional = std::iter::once(subject).chain(others.iter().cloned()).collect();
                cx.test_named(&name.text(), Args { positional, named: given.named.clone() })?
            }
        };
        if let Repr::Undefined(error) = &result.0 {
            return Err(TemplateError::clone(error));
        }
        match known_truth(&result) {
            None => return Ok(cx.seen(Value::unknown("selection"))),
            Some(chosen) if chosen == keeps => kept.push(item),
            Some(_) => {}
        }
    }
    Ok(kept.into())
}

fn groupby(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let case_sensitive = given.flag(3, false);
    let attribute = Attribute::new(given.some(1), given.some(2));
    let mut keyed = Vec::new();
    for item in given.items(cx, 0)? {
        keyed.push(Value::tuple(vec![attribute.key(cx, &item, case_sensitive)?, item]));
    }
    let key = |pair: &Value| pair.index(0).cloned().unwrap_or_default();
    methods::sort(&mut keyed, false, key)?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for pair in &keyed {
        let item = pair.index(1).cloned().unwrap_or_default();
        match groups.last_mut() {
            Some((last, items)) if *last == key(pair) => items.push(item),
            _ => groups.push((key(pair), vec![item])),
        }
    }
    let group = |(key, items): (Value, Vec<Value>)| {
        let grouper = match items.first() {
            Some(first) if !case_sensitive => attribute.of(cx, first)?,
            _ => key,
        };
        Ok(Value::tuple(vec![grouper, items.into()]))
    };
    groups.into_iter().map(group).collect::<Result<Vec<_>, _>>().map(Value::list)
}

fn sort(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let attribute = Attribute::several(given.some(3));
    let case_sensitive = given.flag(2, false);
    let mut keyed = Vec::new();
    for item in given.items(cx, 0)? {
        keyed.push(Value::tuple(vec![attribute.key(cx, &item, case_sensitive)?, item]));
    }
    methods::sort(&mut keyed, given.flag(1, false), |pair| pair.index(0).cloned().unwrap_or_default())?;
    Ok(keyed.iter().map(|pair| pair.index(1).cloned().unwrap_or_default()).collect())
}

fn unique(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    let (case_sensitive, attribute) = (given.flag(1, false), given.some(2));
    let getter = Attribute::new(attribute, None);
    let mut seen = indexmap::IndexSet::new();
    let mut kept = Vec::new();
    for item in &items {
        let key = getter.key(cx, item, case_sensitive)?;
        if !key.is_hashable() {
            if given.value(1).as_bool() == Some(false) || attribute.is_some() {
                return fail(format!(
                    "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied: unhashable type: '{}'",
                    key.class_name()
                ));
            }
            return Ok(each_once(&items).into());
        }
        if seen.insert(key) {
            kept.push(item.clone());
        }
    }
    Ok(kept.into())
}

/// Returns each element once, comparing one by one.
pub(super) fn each_once(items: &[Value]) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(item) {
            kept.push(item.clone());
        }
    }
    kept
}

fn extreme(cx: &Cx<'_>, given: &Given, largest: bool) -> Evaluated {
    let attribute = Attribute::new(given.some(2), None);
    let case_sensitive = given.flag(1, false);
    let mut best: Option<(Value, Value)> = None;
    for item in given.items(cx, 0)? {
        let key = attribute.key(cx, &item, case_sensitive)?;
        let better = match &best {
            None => true,
            Some((known, _)) => {
                let order = crate::value::compare(&key, known, if largest { ">" } else { "<" })?;
                order == Some(if largest { Ordering::Greater } else { Ordering::Less })
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    let none = || Value::undefined("No aggregated item, sequence was empty.");
    Ok(best.map_or_else(none, |(_, item)| item))
}

fn sum(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let attribute = Attribute::new(given.some(1), None);
    let mut total = given.given(2).cloned().unwrap_or_else(|| 0_i64.into());
    if total.is_text() {
        return fail("sum() can't sum strings [use ''.join(seq) instead]");
    }
    for item in given.items(cx, 0)? {
        let value = cx.known_all(&attribute.of(cx, &item)?)?;
        total = cx.arithmetic(crate::parse::tree::Operator::Add, &total, &value)?;
    }
    Ok(total)
}

fn dictsort(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let at = match given.text_or(2, "key").as_str() {
        "key" => 0,
        "value" => 1,
        _ => return fail("You can only sort by either \"key\" or \"value\""),
    };
    let Repr::Dict(dict) = &given.value(0).0 else {
        return fail(format!("'{}' object has no attribute 'items'", given.value(0).type_name()));
    };
    let mut pairs = pairs(dict);
    let case_sensitive = given.flag(1, false);
    methods::sort(&mut pairs, given.flag(3, false), |pair| {
        let value = pair.index(at).cloned().unwrap_or_default();
        match value.as_str() {
            Some(text) if !case_sensitive => text.to_lowercase().into(),
            _ => value,
        }
    })?;
    Ok(pairs.into())
}

fn pairs(dict: &Dict) -> Vec<Value> {
    dict.iter().map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn elements_are_mapped_and_selected() {
        give(&[
            ("ld | map(attribute='n')", json!(["x", "y", "z"])),
            ("ld | map(attribute='o.k')", json!([1, 2, 3])),
            ("ld | map(attribute='zz', default='-')", json!(["-", "-", "-"])),
            ("ls | map('upper')", json!(["B", "A", "C", "A"])),
            ("['1', '2'] | map('int') | sum", json!(3)),
            ("['a'] | map('regex_replace', '^', 'x')", json!(["xa"])),
            ("[nope] | map('default', 'q')", json!(["q"])),
            ("l | select('odd')", json!([3, 1])),
            ("l | reject('odd')", json!([2])),
            ("l | select('>', 1)", json!([3, 2])),
            ("[0, 1, ''] | select", json!([1])),
            ("ld | selectattr('v', 'gt', 1) | map(attribute='n')", json!(["x", "z"])),
            ("ld | rejectattr('g', 'eq', 'p') | map(attribute='n')", json!(["y"])),
            ("ld | selectattr('o.k', 'equalto', 2) | map(attribute='n')", json!(["y"])),
            ("ld | selectattr('zz', 'defined')", json!([])),
            ("ld | selectattr('n', 'in', ['x', 'y']) | map(attribute='v')", json!([2, 1])),
        ]);
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        refuse(&[
            ("l | map", "The filter plugin 'ansible.builtin.map' failed: map requires a filter argument"),
            ("l | map('nope')", "The filter plugin 'ansible.builtin.map' failed: No filter named 'nope'."),
            (
                "l | select('nope')",
                "The filter plugin 'ansible.builtin.select' failed: No test named 'nope'.",
            ),
            ("ld | map(attribute='zz')", "object of type 'dict' has no attribute 'zz'"),
            ("ld | selectattr('zz', 'eq', 1)", "object of type 'dict' has no attribute 'zz'"),
        ]);
    }

    #[test]
    fn lists_are_ordered_and_grouped() {
        give(&[
            ("l | sort", json!([1, 2, 3])),
            ("l | sort(reverse=true)", json!([3, 2, 1])),
            ("ls | sort", json!(["A", "a", "b", "c"])),
            ("ls | sort(case_sensitive=true)", json!(["A", "a", "b", "c"])),
            ("ld | sort(attribute='v') | map(attribute='n')", json!(["y", "x", "z"])),
            ("ld | sort(attribute='g,v') | map(attribute='n')", json!(["x", "z", "y"])),
            ("ld | groupby('g') | map('first')", json!(["p", "q"])),
            ("(ld | groupby('g') | first).list | map(attribute='n')", json!(["x", "z"])),
            ("[1, 1, 2] | unique", json!([1, 2])),
            ("['a', 'A', 'b'] | unique", json!(["a", "b"])),
            ("[{'a': 1}, {'a': 1}] | unique", json!([{"a": 1}])),
            ("ld | unique(attribute='g') | map(attribute='n')", json!(["x", "y"])),
            ("l | min", json!(1)),
            ("ls | max", json!("c")),
            ("ld | max(attribute='v') | items | first", json!(["n", "z"])),
            ("l | sum", json!(6)),
            ("l | sum(start=10)", json!(16)),
            ("ld | sum(attribute='v')", json!(6)),
            ("[] | max | default('none')", json!("none")),
            ("{'b': 1, 'A': 2} | dictsort", json!([["A", 2], ["b", 1]])),
            ("{'b': 1, 'A': 2} | dictsort(true)", json!([["A", 2], ["b", 1]])),
            ("{'b': 1, 'a': 2} | dictsort(by='value')", json!([["b", 1], ["a", 2]])),
            ("{'b': 1, 'a': 2} | dictsort(reverse=true)", json!([["b", 1], ["a", 2]])),
        ]);
    }

    #[test]
    fn what_has_no_order_is_refused() {
        refuse(&[
            (
                "[1, 'a'] | sort",
                "The filter plugin 'ansible.builtin.sort' failed: '<' not supported between instances of 'str' and 'int'",
            ),
            (
                "[1, 'a'] | max",
                "The filter plugin 'ansible.builtin.max' failed: '>' not supported between instances of 'str' and 'int'",
            ),
            (
                "s | sum",
                "The filter plugin 'ansible.builtin.sum' failed: unsupported operand type(s) for +: 'int' and 'str'",
            ),
        ]);
    }
}
