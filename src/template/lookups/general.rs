//! The lookups of community.general that make texts and merge variables.

use rplay_module::pattern::Flags;

use super::options::Options;
use super::{Given, Items, fail};
use crate::dice::Dice;
use crate::eval::{Args, Cx};
use crate::filters::encode_base64;
use crate::regex::compile;
use crate::{TemplateError, Value};

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const SPECIAL: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// Characters that look like others.
const SIMILAR: &str = "il1LoO0";

const STRING_OPTIONS: &[&str] = &[
    "length",
    "upper",
    "lower",
    "numbers",
    "special",
    "min_lower",
    "min_upper",
    "min_numeric",
    "min_special",
    "override_special",
    "override_all",
    "ignore_similar_chars",
    "similar_chars",
    "base64",
    "seed",
];

pub(super) fn random_string(cx: &Cx<'_>, given: &Given) -> Items {
    let options = Options::new("random_string", STRING_OPTIONS, given);
    let similar = options.text("similar_chars").unwrap_or_else(|| SIMILAR.into());
    let ignored = if options.flag("ignore_similar_chars", false) { similar } else { String::new() };
    let upper = LOWERCASE.to_uppercase();
    let special = options.text("override_special").unwrap_or_else(|| SPECIAL.into());
    let seed = options.text("seed").map(Value::from);
    let mut dice = Dice::new(cx, seed.as_ref())?;
    let usable = |chars: &str| -> Vec<char> { chars.chars().filter(|c| !ignored.contains(*c)).collect() };
    let (mut all, mut chosen): (Vec<char>, Vec<char>) = (Vec::new(), Vec::new());
    if let Some(chars) = options.text("override_all") {
        all = usable(&chars);
    } else {
        let sets = [
            ("lower", "min_lower", LOWERCASE),
            ("upper", "min_upper", upper.as_str()),
            ("numbers", "min_numeric", DIGITS),
            ("special", "min_special", special.as_str()),
        ];
        for (wanted, least, chars) in sets {
            let chars = usable(chars);
            let least = options.int(least, 0)?;
            chosen.extend((0..least).filter_map(|_| dice.choose(&chars)));
            if options.flag(wanted, true) {
                all.extend(chars);
            }
        }
    }
    let length = usize::try_from(options.int("length", 8)?).unwrap_or(0).min(1_000_000);
    if all.is_empty() {
        return fail("Available characters cannot be empty. Please change constraints");
    }
    let missing = length.saturating_sub(chosen.len());
    chosen.extend((0..missing).filter_map(|_| dice.choose(&all)));
    dice.shuffle(&mut chosen);
    let text: String = chosen.into_iter().collect();
    cx.mark_secret();
    Ok(vec![if options.flag("base64", false) { encode_base64(text.as_bytes()).into() } else { text.into() }])
}

/// Merges all variables whose names fit: lists are joined, mappings combined.
pub(super) fn merge_variables(cx: &Cx<'_>, given: &Given) -> Items {
    let options = Options::new("merge_variables", &["pattern_type", "initial_value", "override"], given);
    let kind = options.text("pattern_type").unwrap_or_else(|| "regex".into());
    let mut names = cx.scope.names();
    names.sort();
    let mut merged = Vec::new();
    for term in &given.terms {
        let pattern = term.text();
        let regex = compile(&pattern, Flags::default())?;
        let fits = |name: &str| match kind.as_str() {
            "prefix" => name.starts_with(&pattern),
            "suffix" => name.ends_with(&pattern),
            _ => regex.is_in(name),
        };
        let mut result = options.value("initial_value").cloned();
        for name in names.iter().filter(|name| fits(name)) {
            let value = cx.known_all(&cx.variable(&name.as_str().into()).unwrap_or_default())?;
            result = Some(match result {
                None => value,
                Some(before) => joined(cx, &before, value)?,
            });
        }
        merged.push(result.unwrap_or_default());
    }
    Ok(merged)
}

fn joined(cx: &Cx<'_>, before: &Value, value: Value) -> Result<Value, TemplateError> {
    if before.is_mapping() && value.is_mapping() {
        let args = Args {
            positional: vec![before.clone(), value],
            named: vec![("recursive".into(), true.into()), ("list_merge".into(), "append".into())],
        };
        return cx.filter_named("combine", args);
    }
    let (Some(first), Some(second)) = (before.as_items(), value.as_items()) else {
        return fail("Unable to merge, argument must be an iterable or a dictionary");
    };
    Ok([first, second].concat().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::give;

    #[test]
    fn texts_are_made_within_their_limits() {
        give(&[
            ("lookup('community.general.random_string', length=3, override_all='x')", json!("xxx")),
            (
                "lookup('community.general.random_string', length=4, upper=false, special=false, numbers=false) is match('^[a-z]{4}$')",
                json!(true),
            ),
        ]);
    }
}
