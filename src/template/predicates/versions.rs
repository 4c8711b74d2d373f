//! Versions, in four ways to compare them.

use std::cmp::Ordering;

use fancy_regex::Regex;

use super::fail;
use crate::TemplateError;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};

pub(super) const TESTS: &[Builtin] = &[
    builtin("version", "value version operator= strict= version_type=", version),
    builtin("version_compare", "value version operator= strict= version_type=", version),
];

fn version(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let wanted = |order: Ordering, operator: &str| {
        Some(match operator {
            "==" | "=" | "eq" => order.is_eq(),
            "<" | "lt" => order.is_lt(),
            "<=" | "le" => order.is_le(),
            ">" | "gt" => order.is_gt(),
            ">=" | "ge" => order.is_ge(),
            "!=" | "<>" | "ne" => order.is_ne(),
            _ => return None,
        })
    };
    if given.some(3).is_some() && given.some(4).is_some() {
        return fail("Cannot specify both 'strict' and 'version_type'");
    }
    if !given.value(0).is_truthy() {
        return fail("Input version value cannot be empty");
    }
    if !given.value(1).is_truthy() {
        return fail("Version parameter to compare against cannot be empty");
    }
    let kind = if given.flag(3, false) { "strict".to_owned() } else { given.text_or(4, "loose") };
    let compare: fn(&str, &str) -> Result<Ordering, TemplateError> = match kind.as_str() {
        "loose" => loose,
        "strict" => strict,
        "semver" | "semantic" => semantic,
        "pep440" => pep440,
        _ => {
            let message = format!(
                "Invalid version type ({kind}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            );
            return Err(TemplateError::runtime(message).apart());
        }
    };
    let operator = given.text_or(2, "eq");
    if wanted(Ordering::Equal, &operator).is_none() {
        return fail(format!(
            "Invalid operator type ({operator}). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'"
        ));
    }
    let order = compare(&given.text(0), &given.text(1))
        .map_err(|error| error.context("Version comparison failed").apart())?;
    Ok(wanted(order, &operator).unwrap_or(false).into())
}

/// A part of a loose version.
#[derive(PartialEq)]
enum Part {
    Number(u128),
    Word(String),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if c.is_ascii_lowercase() {
                1
            } else if c == '.' {
                2
            } else {
                3
            }
        };
        let end = rest.find(|c: char| class(c) != class(first)).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        match class(first) {
            0 => parts.push(Part::Number(part.parse().unwrap_or(u128::MAX))),
            2 => {}
            _ => parts.push(Part::Word(part.to_owned())),
        }
        rest = tail;
    }
    parts
}

/// Orders versions part by part; numbers stand before words.
pub(crate) fn compare_loosely(a: &str, b: &str) -> Ordering {
    loose(a, b).unwrap_or_else(|_| a.cmp(b))
}

fn loose(a: &str, b: &str) -> Result<Ordering, TemplateError> {
    let (a, b) = (parts(a), parts(b));
    for (a, b) in a.iter().zip(&b) {
        let order = match (a, b) {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Word(a), Part::Word(b)) => a.cmp(b),
            (Part::Number(_), Part::Word(_)) => {
                return fail("'<' not supported between instances of 'int' and 'str'");
            }
            (Part::Word(_), Part::Number(_)) => {
                return fail("'<' not supported between instances of 'str' and 'int'");
            }
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(a.len().cmp(&b.len()))
}

fn captured<'t>(pattern: &str, text: &'t str) -> Option<fancy_regex::Captures<'t, str>> {
    Regex::new(pattern).ok()?.captures(text).ok()?
}

fn number(captures: &fancy_regex::Captures<'_, str>, group: usize) -> u128 {
    captures.get(group).and_then(|group| group.as_str().parse().ok()).unwrap_or(0)
}

type StrictKey = ([u128; 3], Option<(String, u128)>);

fn strict(a: &str, b: &str) -> Result<Ordering, TemplateError> {
    let key = |text: &str| -> Result<StrictKey, TemplateError> {
        let Some(found) = captured(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$", text) else {
            return fail(format!("invalid version number '{text}'"));
        };
        let pre = found.get(4).map(|letter| (letter.as_str().to_owned(), number(&found, 5)));
        Ok(([number(&found, 1), number(&found, 2), number(&found, 3)], pre))
    };
    let ((a, a_pre), (b, b_pre)) = (key(a)?, key(b)?);
    Ok(a.cmp(&b).then_with(|| released_last(a_pre.as_ref(), b_pre.as_ref(), Ord::cmp)))
}

/// A version without a pre-release mark comes after those with one.
fn released_last<T>(a: Option<&T>, b: Option<&T>, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare(a, b),
    }
}

fn semantic(a: &str, b: &str) -> Result<Ordering, TemplateError> {
    type Key = ([u128; 3], Option<String>);
    let key = |text: &str| -> Result<Key, TemplateError> {
        let pattern =
            r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$";
        let Some(found) = captured(pattern, text) else {
            return fail(format!("invalid semantic version '{text}'"));
        };
        let pre = found.get(4).map(|pre| pre.as_str().to_owned());
        Ok(([number(&found, 1), number(&found, 2), number(&found, 3)], pre))
    };
    let ((a, a_pre), (b, b_pre)) = (key(a)?, key(b)?);
    Ok(a.cmp(&b).then_with(|| released_last(a_pre.as_ref(), b_pre.as_ref(), |a, b| identifiers(a, b))))
}

fn identifiers(a: &str, b: &str) -> Ordering {
    for (a, b) in a.split('.').zip(b.split('.')) {
        let order = match (a.parse::<u128>(), b.parse::<u128>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
    a.split('.').count().cmp(&b.split('.').count())
}

/// What a version of PEP 440 is ordered by: epoch, release, and the marks around it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pep440 {
    epoch: u128,
    release: Vec<u128>,
    pre: (u8, u128),
    post: Option<u128>,
    dev: u128,
    local: Vec<(bool, u128, String)>,
}

fn pep440(a: &str, b: &str) -> Result<Ordering, TemplateError> {
    Ok(pep440_key(a)?.cmp(&pep440_key(b)?))
}

fn pep440_key(text: &str) -> Result<Pep440, TemplateError> {
    let pattern = concat!(
        r"^v?(?:(\d+)!)?(\d+(?:\.\d+)*)",
        r"(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?",
        r"(?:(?:-(\d+))|(?:[-_.]?(post|rev|r)[-_.]?(\d*)))?",
        r"(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$"
    );
    let lower = text.trim().to_lowercase();
    let Some(found) = captured(pattern, &lower) else { return fail(format!("Invalid version: '{text}'")) };
    let mut release: Vec<u128> = found
        .get(2)
        .map(|release| release.as_str().split('.').map(|part| part.parse().unwrap_or(0)).collect())
        .unwrap_or_default();
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let has = |group: usize| found.get(group).is_some();
    let post = if has(5) { Some(number(&found, 5)) } else { has(6).then(|| number(&found, 7)) };
    let pre = match found.get(3).map(|pre| pre.as_str()) {
        Some("a" | "alpha") => (1, number(&found, 4)),
        Some("b" | "beta") => (2, number(&found, 4)),
        Some(_) => (3, number(&found, 4)),
        // A development release of no pre-release comes before all of those.
        None if has(8) && post.is_none() => (0, 0),
        None => (4, 0),
    };
    let local = found.get(10).map_or_else(Vec::new, |local| {
        let part = |part: &str| match part.parse() {
            Ok(number) => (true, number, String::new()),
            Err(_) => (false, 0, part.to_owned()),
        };
        local.as_str().split(['-', '_', '.']).map(part).collect()
    });
    let dev = if has(8) { number(&found, 9) } else { u128::MAX };
    Ok(Pep440 { epoch: number(&found, 1), release, pre, post, dev, local })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{give, refuse};
    use serde_json::json;

    #[test]
    fn versions_are_compared_by_their_kind() {
        for (compare, a, b, order) in [
            (loose as fn(&str, &str) -> _, "1.10", "1.9", Ordering::Greater),
            (loose, "1.0", "1.0.0", Ordering::Less),
            (strict, "1.0a1", "1.0", Ordering::Less),
            (strict, "1.0", "1.0.0", Ordering::Equal),
            (semantic, "1.0.0-rc.1", "1.0.0-rc.11", Ordering::Less),
            (semantic, "1.0.0+x", "1.0.0", Ordering::Equal),
            (pep440, "1.0.dev1", "1.0a1", Ordering::Less),
            (pep440, "1.0rc1", "1.0", Ordering::Less),
            (pep440, "1.0.post1", "1.0", Ordering::Greater),
            (pep440, "1.0", "1.0.0", Ordering::Equal),
        ] {
            assert_eq!(compare(a, b).expect("both are versions"), order, "{a} {b}");
        }
    }

    #[test]
    fn versions_are_tested_with_an_operator() {
        give(&[
            ("'1.10' is version('1.9', '>')", json!(true)),
            ("'1.0' is version('1.0.0', 'lt')", json!(true)),
            ("'1.0' is version('1.0', '>=', strict=true)", json!(true)),
            ("'1.0.0-rc1' is version('1.0.0', '<', version_type='semver')", json!(true)),
            ("'1.2' is version('1.2')", json!(true)),
        ]);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        refuse(&[
            (
                "'' is version('1')",
                "The test plugin 'ansible.builtin.version' failed: Input version value cannot be empty",
            ),
            (
                "'1' is version('1', 'foo')",
                "The test plugin 'ansible.builtin.version' failed: Invalid operator type (foo). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'",
            ),
            (
                "'1.a' is version('1.1', '<')",
                "The test plugin 'ansible.builtin.version' failed: Version comparison failed: '<' not supported between instances of 'str' and 'int'",
            ),
            (
                "'x' is version('1.1', '<', strict=true)",
                "The test plugin 'ansible.builtin.version' failed: Version comparison failed: invalid version number 'x'",
            ),
            (
                "'1' is version('1', version_type='x')",
                "The test plugin 'ansible.builtin.version' failed: Invalid version type (x). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'",
            ),
        ]);
    }
}
