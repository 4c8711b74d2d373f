//! Lists: cutting, joining, combining.

use super::{Attribute, fail};
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::Repr;
use crate::{TemplateError, Value, limits};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("join", "value d= attribute=", join).takes_unknown(),
    builtin("reverse", "value", reverse).moves(),
    builtin("batch", "value linecount fill_with=", batch).moves(),
    builtin("slice", "value slices fill_with=", slice).moves(),
    builtin("flatten", "mylist levels= skip_nulls=", flatten_filter).moves(),
    builtin("zip", "*", zip).shallow(),
    builtin("zip_longest", "* **", zip_longest).moves(),
    builtin("product", "* **", product).moves(),
    builtin("permutations", "iterable r=", permutations).moves(),
    builtin("combinations", "iterable r", combinations).moves(),
    builtin("subelements", "obj subelements skip_missing=", subelements).moves(),
    builtin("extract", "item container morekeys=", extract).shallow(),
];

/// The most elements that combinations may have together.
const MAX_COMBINED: usize = 1_000_000;

fn join(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if value.is_unknown() {
        return Ok(value.clone());
    }
    let attribute = Attribute::new(given.some(2), None);
    let mut parts = Vec::new();
    for item in cx.items(value)? {
        parts.push(cx.printed_as_str(&cx.known_all(&attribute.of(cx, &item)?)?)?);
    }
    let between = given.given(1).map_or_else(String::new, Value::text);
    limits::joined(&parts, &between)?;
    Ok(parts.join(&between).into())
}

fn reverse(cx: &Cx<'_>, given: &Given) -> Evaluated {
    if let Some(text) = given.value(0).as_str() {
        return Ok(text.chars().rev().collect::<String>().into());
    }
    let mut items =
        given.items(cx, 0).map_err(|error| error.apart().context_unstopped("argument must be iterable"))?;
    items.reverse();
    Ok(items.into())
}

fn batch(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    // Jinja2 compares lengths with whatever it is given: with no number all is one line.
    let count =
        given.value(1).as_int().map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut lines: Vec<Vec<Value>> = items.chunks(count.max(1)).map(<[Value]>::to_vec).collect();
    if let (Some(fill), Some(last)) = (given.some(2), lines.last_mut()) {
        limits::items(count)?;
        last.resize(count, fill.clone());
    }
    Ok(lines.into_iter().map(Value::list).collect())
}

fn slice(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    given.refuse_none(1, "unsupported operand type(s) for //: 'int' and 'NoneType'")?;
    let slices = given.size(1, 1)?;
    if slices == 0 {
        return fail("integer division or modulo by zero");
    }
    limits::items(slices)?;
    let (each, extra) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let mut columns = Vec::new();
    for at in 0..slices {
        let mut part: Vec<Value> = rest.by_ref().take(each + usize::from(at < extra)).collect();
        if let Some(fill) = given.some(2)
            && at >= extra
        {
            part.push(fill.clone());
        }
        columns.push(Value::list(part));
    }
    Ok(columns.into())
}

/// Takes lists apart that are elements of a list.
pub(crate) fn flatten(items: &[Value], levels: Option<i128>, skip_nulls: bool) -> Vec<Value> {
    let mut flat = Vec::new();
    for item in items {
        let is_null = item.is_none() || matches!(item.as_str(), Some("None" | "null"));
        if skip_nulls && is_null {
            continue;
        }
        match (item.as_items(), levels) {
            (Some(inner), None) => flat.extend(flatten(inner, None, skip_nulls)),
            (Some(inner), Some(levels)) if levels >= 1 => {
                flat.extend(flatten(inner, Some(levels - 1), skip_nulls));
            }
            _ => flat.push(item.clone()),
        }
    }
    flat
}

fn flatten_filter(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    let levels = if given.some(1).is_some() { Some(given.int(1, 0)?) } else { None };
    Ok(flatten(&items, levels, given.flag(2, true)).into())
}

fn columns(cx: &Cx<'_>, given: &Given) -> Result<Vec<Vec<Value>>, TemplateError> {
    given.rest.iter().map(|list| cx.items(list)).collect()
}

fn zip(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let columns = columns(cx, given)?;
    let length = columns.iter().map(Vec::len).min().unwrap_or(0);
    let rows = (0..length).map(|at| row(&columns, at, &Value::NONE));
    let checked = rows.map(|row| {
        let undefined = row.iter().find_map(|item| match &item.0 {
            Repr::Undefined(error) => Some(TemplateError::clone(error)),
            _ => None,
        });
        undefined.map_or(Ok(row), Err)
    });
    checked.collect::<Result<Vec<_>, _>>().map(Value::list)
}

fn row(columns: &[Vec<Value>], at: usize, fill: &Value) -> Value {
    Value::tuple(columns.iter().map(|column| column.get(at).unwrap_or(fill).clone()).collect())
}

fn zip_longest(cx: &Cx<'_>, given: &Given) -> Evaluated {
    if given.named.iter().any(|(name, _)| &**name != "fillvalue") {
        return fail("zip_longest() got an unexpected keyword argument");
    }
    let columns = columns(cx, given)?;
    let length = columns.iter().map(Vec::len).max().unwrap_or(0);
    let fill = given.option("fillvalue").cloned().unwrap_or_default();
    Ok((0..length).map(|at| row(&columns, at, &fill)).collect())
}

fn product(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let repeat = match given.option("repeat") {
        Some(repeat) => repeat.as_i64().and_then(|repeat| usize::try_from(repeat).ok()).unwrap_or(0),
        None => 1,
    };
    let columns = columns(cx, given)?;
    let columns: Vec<&Vec<Value>> = std::iter::repeat_n(&columns, repeat).flatten().collect();
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for column in columns {
        if rows.len().saturating_mul(column.len()) > MAX_COMBINED {
            return fail("the product has too many elements");
        }
        rows = rows
            .iter()
            .flat_map(|row| column.iter().map(|item| row.iter().chain([item]).cloned().collect()))
            .collect();
    }
    Ok(rows.into_iter().map(Value::tuple).collect())
}

fn permutations(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    let length = given.size(1, items.len())?;
    let mut rows = Vec::new();
    let mut chosen = Vec::new();
    permute(&items, length, &mut chosen, &mut rows)?;
    Ok(rows.into())
}

fn permute(
    items: &[Value],
    length: usize,
    chosen: &mut Vec<usize>,
    rows: &mut Vec<Value>,
) -> Result<(), TemplateError> {
    if chosen.len() == length {
        rows.push(Value::tuple(chosen.iter().filter_map(|at| items.get(*at).cloned()).collect()));
        let too_many = rows.len().saturating_mul(length) > MAX_COMBINED;
        return if too_many { fail("there are too many permutations") } else { Ok(()) };
    }
    for at in 0..items.len() {
        if !chosen.contains(&at) {
            chosen.push(at);
            permute(items, length, chosen, rows)?;
            chosen.pop();
        }
    }
    Ok(())
}

fn combinations(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let items = given.items(cx, 0)?;
    let length = given.size(1, 0)?;
    let mut rows = Vec::new();
    combine(&items, length, 0, &mut Vec::new(), &mut rows)?;
    Ok(rows.into())
}

fn combine(
    items: &[Value],
    length: usize,
    from: usize,
    chosen: &mut Vec<Value>,
    rows: &mut Vec<Value>,
) -> Result<(), TemplateError> {
    if chosen.len() == length {
        rows.push(Value::tuple(chosen.clone()));
        let too_many = rows.len().saturating_mul(length) > MAX_COMBINED;
        return if too_many { fail("there are too many combinations") } else { Ok(()) };
    }
    for (at, item) in items.iter().enumerate().skip(from) {
        chosen.push(item.clone());
        combine(items, length, at + 1, chosen, rows)?;
        chosen.pop();
    }
    Ok(())
}

fn subelements(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let elements: Vec<Value> = match &given.value(0).0 {
        Repr::Dict(dict) => dict.values().cloned().collect(),
        Repr::List(items) => items.to_vec(),
        _ => return fail("obj must be a list of dicts or a nested dict"),
    };
    let path: Vec<String> = match &given.value(1).0 {
        Repr::List(items) => items.iter().map(Value::text).collect(),
        Repr::Str(text) => text.split('.').map(str::to_owned).collect(),
        _ => return fail("subelements must be a list or a string"),
    };
    let mut found = Vec::new();
    for element in elements {
        for value in inner_list(&element, &path, given.flag(2, false))? {
            found.push(Value::tuple(vec![element.clone(), value]));
        }
    }
    Ok(found.into())
}

fn inner_list(element: &Value, path: &[String], skip_missing: bool) -> Result<Vec<Value>, TemplateError> {
    let mut value = element.clone();
    for key in path {
        if !value.is_mapping() {
            let indexed = if value.is_sequence() { "list indices" } else { "indices" };
            return fail(format!(
                "the key {key} should point to a dictionary, got '{}': {indexed} must be integers or slices, not str",
                value.text()
            ));
        }
        value = match value.get(key) {
            Some(inner) => inner.clone(),
            None if skip_missing => return Ok(Vec::new()),
            None => {
                let message = format!("could not find '{key}' key in iterated item {}", value.repr());
                return Err(TemplateError::runtime(message).apart());
            }
        };
    }
    match &value.0 {
        Repr::List(items) => Ok(items.to_vec()),
        _ => fail(format!(
            "the key '{}' should point to a list, got {}",
            path.last().map_or("", String::as_str),
            value.repr()
        )),
    }
}

fn extract(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut value = cx.item(given.value(1), given.value(0), 0)?;
    let more = match given.some(2) {
        None => Vec::new(),
        Some(keys) if matches!(keys.0, Repr::List(_)) => cx.items(keys)?,
        Some(key) => vec![key.clone()],
    };
    for key in more {
        value = cx.item(&value, &key, 0)?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn lists_are_cut_and_combined() {
        give(&[
            ("l | join(', ')", json!("3, 1, 2")),
            ("ld | join(',', attribute='n')", json!("x,y,z")),
            ("l | reverse", json!([2, 1, 3])),
            ("s | reverse", json!("olleh")),
            ("[1, 2, 3] | batch(2)", json!([[1, 2], [3]])),
            ("[1, 2, 3] | batch(2, 'x')", json!([[1, 2], [3, "x"]])),
            ("[1, 2, 3, 4, 5] | slice(2)", json!([[1, 2, 3], [4, 5]])),
            ("[1, 2, 3, 4, 5] | slice(3, 'x')", json!([[1, 2], [3, 4], [5, "x"]])),
            ("ll | flatten", json!([1, 2, 3, 4, 5])),
            ("ll | flatten(levels=1)", json!([1, 2, 3, [4, null], 5])),
            ("ll | flatten(skip_nulls=false)", json!([1, 2, 3, 4, null, 5])),
            ("[1, 2] | zip(['a', 'b'])", json!([[1, "a"], [2, "b"]])),
            ("[1, 2, 3] | zip_longest(['a'], fillvalue='-')", json!([[1, "a"], [2, "-"], [3, "-"]])),
            ("[1, 2] | product(['a', 'b'])", json!([[1, "a"], [1, "b"], [2, "a"], [2, "b"]])),
            ("[1, 2] | product(repeat=2)", json!([[1, 1], [1, 2], [2, 1], [2, 2]])),
            ("[1, 2, 3] | permutations(2)", json!([[1, 2], [1, 3], [2, 1], [2, 3], [3, 1], [3, 2]])),
            ("[1, 2, 3] | combinations(2)", json!([[1, 2], [1, 3], [2, 3]])),
            (
                "[{'a': [1, 2], 'b': 1}] | subelements('a')",
                json!([[{"a": [1, 2], "b": 1}, 1], [{"a": [1, 2], "b": 1}, 2]]),
            ),
            ("[{'b': 1}] | subelements('a', skip_missing=true)", json!([])),
            ("0 | extract(['a', 'b'])", json!("a")),
            ("'c' | extract(d, 'd')", json!(3)),
            ("['a', 'b'] | map('extract', d)", json!([2, 1])),
        ]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        refuse(&[
            ("5 | join", "The filter plugin 'ansible.builtin.join' failed: 'int' object is not iterable"),
            ("[1, nope] | join(',')", "'nope' is undefined"),
            (
                "[{'b': 1}] | subelements('a')",
                "The filter plugin 'ansible.builtin.subelements' failed: could not find 'a' key in iterated item {'b': 1}",
            ),
            (
                "[{'a': 1}] | subelements('a')",
                "The filter plugin 'ansible.builtin.subelements' failed: the key 'a' should point to a list, got 1",
            ),
        ]);
    }
}
