//! The filters of community.general for lists, counts and files of values.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::csv::csv_rows;
use super::fail;
use super::select::each_once;
use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::dice::Dice;
use crate::eval::{Args, Cx, Evaluated};
use crate::value::{Dict, compare};

const GENERAL: &str = "community.general";

pub(super) const FILTERS: &[Builtin] = &[
    builtin("counter", "sequence", counter).of(GENERAL),
    builtin("accumulate", "sequence", accumulate).of(GENERAL),
    builtin("crc32", "value", |_, given| Ok(format!("{:x}", crc32(given.text(0).as_bytes())).into())).of(GENERAL),
    builtin("dict", "sequence", dict_of_pairs).of(GENERAL),
    builtin("dict_kv", "value key", dict_of_one).of(GENERAL),
    builtin("groupby_as_dict", "sequence attribute", grouped).of(GENERAL),
    builtin("from_csv", "value dialect= fieldnames= delimiter= skipinitialspace= strict=", from_csv).of(GENERAL),
    builtin("from_ini", "value", from_ini).of(GENERAL),
    builtin("to_ini", "value", to_ini).of(GENERAL),
    builtin("lists_mergeby", "* **", merge_by).of(GENERAL),
    builtin("lists_union", "* **", |cx, given| lists(cx, given, "union")).of(GENERAL),
    builtin("lists_intersect", "* **", |cx, given| lists(cx, given, "intersect")).of(GENERAL),
    builtin("lists_difference", "* **", |cx, given| lists(cx, given, "difference")).of(GENERAL),
    builtin("lists_symmetric_difference", "* **", |cx, given| lists(cx, given, "symmetric_difference")).of(GENERAL),
    builtin("random_mac", "value seed=", random_mac).of(GENERAL),
    builtin("version_sort", "value reverse=", version_sort).of(GENERAL),
    builtin("jc", "value parser= quiet= raw=", |_, _| {
        fail("jc needs Python's library of that name, which rplay has not: use from_csv, from_ini or regex_findall")
    })
    .of(GENERAL),
];

fn counter(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let sequence = given.value(0);
    if !sequence.is_sequence() && !sequence.is_text() {
        return fail(format!(
            "Argument for community.general.counter must be a sequence (string or list). {} is {}",
            sequence.text(),
            sequence.type_name()
        ));
    }
    let mut counts: IndexMap<Value, i64> = IndexMap::new();
    for item in cx.items(sequence)? {
        if !item.is_hashable() {
            return fail(format!(
                "community.general.counter needs a sequence with hashable elements (int, float or str) - unhashable type: '{}'",
                item.type_name()
            ));
        }
        *counts.entry(item).or_default() += 1;
    }
    Ok(counts.into_iter().map(|(item, count)| (item, count.into())).collect::<Dict>().into())
}

fn accumulate(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut sums: Vec<Value> = Vec::new();
    for item in given.items(cx, 0)? {
        let sum = match sums.last() {
            Some(last) => cx.arithmetic(crate::parse::tree::Operator::Add, last, &item)?,
            None => item,
        };
        sums.push(sum);
    }
    Ok(sums.into())
}

/// The check sum of Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn dict_of_pairs(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut dict = Dict::new();
    for pair in given.items(cx, 0)? {
        let pair = cx.items(&pair)?;
        let [key, value] = pair.as_slice() else {
            return fail(format!(
                "dictionary update sequence element has length {}; 2 is required",
                pair.len()
            ));
        };
        dict.insert(key.clone(), value.clone());
    }
    Ok(dict.into())
}

fn dict_of_one(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok([(given.value(1).clone(), given.value(0).clone())].into_iter().collect::<Dict>().into())
}

fn grouped(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let attribute = given.text(1);
    let mut groups = Dict::new();
    for (at, element) in given.items(cx, 0)?.into_iter().enumerate() {
        if !element.is_mapping() {
            return fail(format!(
                "Sequence element #{} is not a mapping, but of type {}",
                at + 1,
                element.type_name()
            ));
        }
        let Some(key) = element.get(&attribute).cloned() else {
            return fail(format!("Attribute not contained in element #{} of sequence", at + 1));
        };
        if groups.contains_key(&key) {
            return fail(format!("Multiple sequence entries have attribute value {}", key.repr()));
        }
        groups.insert(key, element);
    }
    Ok(groups.into())
}

fn from_csv(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let dialect = given.text_or(1, "excel");
    let delimiter = match (given.some(3).map(Value::text), dialect.as_str()) {
        (Some(text), _) => text.chars().next().unwrap_or(','),
        (None, "excel-tab") => '\t',
        (None, "excel" | "unix") => ',',
        (None, other) => {
            return fail(format!("Dialect '{other}' is not supported by your version of python."));
        }
    };
    let mut rows = csv_rows(&given.text(0), delimiter).into_iter().filter(|row| !row.is_empty());
    let names: Vec<String> = match given.some(2) {
        Some(names) => cx.items(names)?.iter().map(Value::text).collect(),
        None => rows.next().unwrap_or_default(),
    };
    let skips = given.flag(4, false);
    let cell = |cell: Option<&String>| match cell {
        Some(cell) if skips => Value::from(cell.trim_start()),
        Some(cell) => Value::from(cell.as_str()),
        None => Value::NONE,
    };
    Ok(rows
        .map(|cells| {
            let columns = names.iter().enumerate();
            let dict: Dict =
                columns.map(|(at, name)| (Value::from(name.as_str()), cell(cells.get(at)))).collect();
            Value::from(dict)
        })
        .collect())
}

fn from_ini(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(text) = given.value(0).as_str() else {
        return fail(format!("from_ini requires a str, got {}", given.value(0).type_name()));
    };
    let sections = crate::lookups::ini_sections(text)?;
    let section = |section: IndexMap<String, Option<String>>| -> Value {
        let value = |value: Option<String>| value.map_or(Value::NONE, Value::from);
        section.into_iter().map(|(key, found)| (Value::from(key), value(found))).collect::<Dict>().into()
    };
    Ok(sections
        .into_iter()
        .filter(|(name, values)| name != "DEFAULT" || !values.is_empty())
        .map(|(name, values)| (Value::from(name), section(values)))
        .collect::<Dict>()
        .into())
}

fn to_ini(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    if !value.is_mapping() {
        return fail(format!("to_ini requires a dict, got {}", value.type_name()));
    }
    if value.is_empty() {
        return fail("to_ini received an empty dict. An empty dict cannot be converted.");
    }
    let mut out = String::new();
    for (name, section) in value.entries() {
        _ = writeln!(out, "[{}]", name.text());
        for (key, value) in section.entries() {
            _ = writeln!(out, "{} = {}", key.text(), value.text().replace('\n', "\n\t"));
        }
        out.push('\n');
    }
    Ok(out.into())
}

/// Merges lists of mappings by what they have under one key.
fn merge_by(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut terms = given.rest.clone();
    let index = match given.named.iter().find(|(name, _)| &**name == "index") {
        Some((_, index)) => index.text(),
        None if terms.len() > 1 && terms.last().is_some_and(Value::is_text) => {
            terms.pop().map(|index| index.text()).unwrap_or_default()
        }
        None => return fail("lists_mergeby missing index"),
    };
    let options: Vec<_> = given.named.iter().filter(|(name, _)| &**name != "index").cloned().collect();
    let lists = match terms.as_slice() {
        [only] if only.as_items().is_some_and(|items| items.iter().all(Value::is_sequence)) => {
            cx.items(only)?
        }
        _ => terms,
    };
    let mut merged: IndexMap<Value, Value> = IndexMap::new();
    for list in &lists {
        for element in cx.items(list)? {
            let Some(key) = element.get(&index).cloned() else { continue };
            let combined = match merged.get(&key) {
                None => element,
                Some(before) => {
                    let args = Args { positional: vec![before.clone(), element], named: options.clone() };
                    cx.filter_named("combine", args)?
                }
            };
            merged.insert(key, combined);
        }
    }
    let mut failed = None;
    merged.sort_by(|a, _, b, _| {
        compare(a, b, "<")
            .unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(merged.into_values().collect()),
    }
}

fn lists(cx: &Cx<'_>, given: &Given, how: &str) -> Evaluated {
    let flattens = given.option("flatten").is_some_and(Value::is_truthy);
    let mut lists = Vec::new();
    for list in &given.rest {
        let items = cx.items(list)?;
        if flattens {
            lists.extend(items.iter().map(|item| cx.items(item)).collect::<Result<Vec<_>, _>>()?);
        } else {
            lists.push(items);
        }
    }
    let mut lists = lists.into_iter();
    let mut result = each_once(&lists.next().unwrap_or_default());
    for list in lists {
        let kept = |items: &[Value], others: &[Value], wanted: bool| -> Vec<Value> {
            items.iter().filter(|item| others.contains(item) == wanted).cloned().collect()
        };
        result = match how {
            "union" => [result, list].concat(),
            "intersect" => kept(&result, &list, true),
            "difference" => kept(&result, &list, false),
            _ => [kept(&result, &list, false), kept(&list, &result, false)].concat(),
        };
        result = each_once(&result);
    }
    Ok(result.into())
}

fn random_mac(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(prefix) = given.value(0).as_str() else {
        return fail(format!(
            "Invalid value type ({}) for random_mac ({})",
            given.value(0).type_name(),
            given.text(0)
        ));
    };
    let mut parts: Vec<String> =
        prefix.to_lowercase().trim_matches(':').split(':').map(str::to_owned).collect();
    let is_part = |part: &String| part.len() == 2 && part.chars().all(|c| c.is_ascii_hexdigit());
    if prefix.is_empty() || parts.len() > 5 || !parts.iter().all(is_part) {
        return fail(format!("Invalid value ({prefix}) for random_mac"));
    }
    let mut dice = Dice::new(cx, given.some(1))?;
    let bits = 8 * (6 - parts.len());
    let number = dice.below(1 << bits);
    for at in (0..6 - parts.len()).rev() {
        parts.push(format!("{:02x}", (number >> (8 * at)) & 0xff));
    }
    Ok(parts.join(":").into())
}

fn version_sort(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let mut versions = given.items(cx, 0)?;
    versions.sort_by(|a, b| crate::predicates::compare_loosely(&a.text(), &b.text()));
    if given.flag(1, false) {
        versions.reverse();
    }
    Ok(versions.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn lists_are_counted_merged_and_sorted() {
        give(&[
            ("'abca' | community.general.counter", json!({"a": 2, "b": 1, "c": 1})),
            ("[1, 2, 3] | community.general.accumulate", json!([1, 3, 6])),
            ("'hello' | community.general.crc32", json!("3610a686")),
            ("[['a', 1]] | community.general.dict", json!({"a": 1})),
            ("'v' | community.general.dict_kv('k')", json!({"k": "v"})),
            ("(ld | community.general.groupby_as_dict('n')).y.v", json!(1)),
            ("['1.10', '1.2', '1.9'] | community.general.version_sort", json!(["1.2", "1.9", "1.10"])),
            ("[1, 2] | community.general.lists_union([2, 3], [4])", json!([1, 2, 3, 4])),
            ("[[1, 2], [2, 3]] | community.general.lists_intersect(flatten=true)", json!([2])),
            (
                "[{'n': 1, 'a': 1}] | community.general.lists_mergeby([{'n': 1, 'b': 2}, {'n': 0}], 'n')",
                json!([{"n": 0}, {"n": 1, "a": 1, "b": 2}]),
            ),
            ("('52:54' | community.general.random_mac(seed='x')) | length", json!(17)),
        ]);
    }

    #[test]
    fn files_of_values_are_read_and_written() {
        give(&[
            ("'a,b\n1,2\n' | community.general.from_csv", json!([{"a": "1", "b": "2"}])),
            ("'[s]\nA = 1\n' | community.general.from_ini", json!({"s": {"A": "1"}})),
            ("{'s': {'a': 1}} | community.general.to_ini", json!("[s]\na = 1\n\n")),
        ]);
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        refuse(&[(
            "5 | community.general.counter",
            "The filter plugin 'community.general.counter' failed: Argument for community.general.counter must be a sequence (string or list). 5 is int",
        )]);
    }
}
