//! Keys of mappings in a list: kept, removed, renamed. community.general and ansible.utils each have their own words.

use rplay_module::pattern::{Flags, Pattern};

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::regex::compile;
use crate::value::Dict;
use crate::{TemplateError, Value};

const GENERAL: &str = "community.general";
const UTILS: &str = "ansible.utils";

pub(super) const FILTERS: &[Builtin] = &[
    builtin("keep_keys", "data target= matching_parameter=", |cx, given| listed(cx, given, true)).of(GENERAL),
    builtin("remove_keys", "data target= matching_parameter=", |cx, given| listed(cx, given, false))
        .of(GENERAL),
    builtin("replace_keys", "data target= matching_parameter=", replace).of(GENERAL),
    builtin("keep_keys", "data target= matching_parameter=", |cx, given| deep(cx, given, Deed::Keep))
        .of(UTILS),
    builtin("remove_keys", "data target= matching_parameter=", |cx, given| deep(cx, given, Deed::Remove))
        .of(UTILS),
    builtin("replace_keys", "data target= matching_parameter=", |cx, given| deep(cx, given, Deed::Replace))
        .of(UTILS),
];

/// How a key fits a word.
enum Matcher {
    Equal(String),
    StartsWith(String),
    EndsWith(String),
    Regex(Box<Pattern>),
}

impl Matcher {
    fn of(how: &str, word: &str) -> Result<Self, TemplateError> {
        Ok(match how {
            "equal" | "equality" => Self::Equal(word.to_owned()),
            "starts_with" => Self::StartsWith(word.to_owned()),
            "ends_with" => Self::EndsWith(word.to_owned()),
            "regex" => Self::Regex(Box::new(compile(word, Flags { anchored: true, ..Flags::default() })?)),
            other => return fail(format!("'{other}' is no way to match keys")),
        })
    }

    fn fits(&self, key: &str) -> bool {
        match self {
            Self::Equal(word) => key == word,
            Self::StartsWith(word) => key.starts_with(word.as_str()),
            Self::EndsWith(word) => key.ends_with(word.as_str()),
            Self::Regex(regex) => regex.is_in(key),
        }
    }
}

/// Returns the matchers with what a fitting key becomes.
fn targets(cx: &Cx<'_>, given: &Given) -> Result<Vec<(Matcher, Value)>, TemplateError> {
    let how = given.text_or(2, "equal");
    let target = given.value(1);
    let words = match target.as_items() {
        Some(items) => items.to_vec(),
        None if target.is_mapping() => vec![target.clone()],
        None => cx.items(&Value::list(vec![target.clone()]))?,
    };
    let matcher = |word: &Value| match (word.get("before"), word.get("after")) {
        (Some(before), Some(after)) => Ok((Matcher::of(&how, &before.text())?, after.clone())),
        _ => Ok((Matcher::of(&how, &word.text())?, Value::NONE)),
    };
    words.iter().map(matcher).collect()
}

fn listed(cx: &Cx<'_>, given: &Given, keeps: bool) -> Evaluated {
    let targets = targets(cx, given)?;
    let fits = |key: &Value| targets.iter().any(|(matcher, _)| matcher.fits(&key.text()));
    let filtered = |item: &Value| -> Value {
        let entries = item.entries().filter(|(key, _)| fits(key) == keeps);
        entries.map(|(key, value)| (key.clone(), value.clone())).collect::<Dict>().into()
    };
    Ok(given.items(cx, 0)?.iter().map(filtered).collect())
}

fn replace(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let targets = targets(cx, given)?;
    let renamed = |key: &Value| {
        let target = targets.iter().find(|(matcher, _)| matcher.fits(&key.text()));
        target.map_or_else(|| key.clone(), |(_, after)| after.clone())
    };
    let replaced = |item: &Value| -> Value {
        item.entries().map(|(key, value)| (renamed(key), value.clone())).collect::<Dict>().into()
    };
    Ok(given.items(cx, 0)?.iter().map(replaced).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Keep,
    Remove,
    Replace,
}

fn deep(cx: &Cx<'_>, given: &Given, deed: Deed) -> Evaluated {
    let targets = targets(cx, given)?;
    Ok(in_depth(given.value(0), &targets, deed).unwrap_or_else(|| Value::from(Dict::new())))
}

/// Returns what is left of a value; `None` where nothing in it was to be kept.
fn in_depth(value: &Value, targets: &[(Matcher, Value)], deed: Deed) -> Option<Value> {
    if let Some(items) = value.as_items() {
        let left: Vec<Value> = items.iter().filter_map(|item| in_depth(item, targets, deed)).collect();
        return (deed != Deed::Keep || !left.is_empty()).then(|| left.into());
    }
    if !value.is_mapping() {
        return (deed != Deed::Keep).then(|| value.clone());
    }
    let mut left = Dict::new();
    for (key, inner) in value.entries() {
        let target = targets.iter().find(|(matcher, _)| matcher.fits(&key.text()));
        let entry = match (deed, target) {
            (Deed::Keep, Some(_)) => Some((key.clone(), inner.clone())),
            (Deed::Remove, Some(_)) => None,
            (Deed::Replace, Some((_, after))) => {
                in_depth(inner, targets, deed).map(|inner| (after.clone(), inner))
            }
            (_, None) => in_depth(inner, targets, deed).map(|inner| (key.clone(), inner)),
        };
        left.extend(entry);
    }
    (deed != Deed::Keep || !left.is_empty()).then(|| left.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn keys_are_kept_removed_and_renamed() {
        give(&[
            ("ld | community.general.keep_keys(target=['n'])", json!([{"n": "x"}, {"n": "y"}, {"n": "z"}])),
            ("ld[:1] | community.general.remove_keys(target=['n', 'o'])", json!([{"v": 2, "g": "p"}])),
            (
                "[{'ab': 1}] | community.general.replace_keys(target=[{'before': 'a', 'after': 'c'}], matching_parameter='starts_with')",
                json!([{"c": 1}]),
            ),
            (
                "{'a': {'b': 1, 'c': 2}, 'd': 3} | ansible.utils.keep_keys(target=['b'])",
                json!({"a": {"b": 1}}),
            ),
            ("{'a': {'b': 1, 'c': 2}} | ansible.utils.remove_keys(target=['b'])", json!({"a": {"c": 2}})),
        ]);
    }
}
