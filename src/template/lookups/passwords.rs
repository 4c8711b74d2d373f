//! Passwords that are made once and kept in a file.

use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::filters::absolute;
use crate::{TemplateError, Value};

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

struct Wish {
    path: String,
    length: usize,
    chars: Vec<char>,
}

pub(super) fn password(cx: &Cx<'_>, given: &Given) -> Items {
    given.terms.iter().map(|term| kept(cx, &wish(&term.text(), given)?)).collect()
}

/// Reads `path length=20 chars=ascii_letters,digits`.
fn wish(term: &str, given: &Given) -> Result<Wish, TemplateError> {
    let mut length = given.option("length").map(Value::text);
    let mut chars = given.option("chars").map(|chars| match chars.as_items() {
        Some(items) => items.iter().map(Value::text).collect(),
        None => sets(&chars.text()),
    });
    let mut path = Vec::new();
    for word in term.split(' ') {
        match word.split_once('=') {
            Some(("length", value)) => length = Some(value.to_owned()),
            Some(("chars", value)) => chars = Some(sets(value.trim_matches(['\'', '"']))),
            Some((name @ ("encrypt" | "ident" | "seed"), _)) => return unbuilt(name),
            Some((name, _)) => {
                return fail(format!("Unrecognized parameter(s) given to password lookup: {name}"));
            }
            None => path.push(word),
        }
    }
    for name in ["encrypt", "ident", "seed"] {
        if given.option(name).is_some_and(|value| !value.is_none()) {
            return unbuilt(name);
        }
    }
    let length = length.as_deref().unwrap_or("20");
    let length = length.parse().map_err(|_| TemplateError::runtime(format!("'{length}' is no length")))?;
    let chars = chars.unwrap_or_else(|| sets("ascii_letters,digits,.,:-_"));
    let chars: Vec<char> = chars.iter().flat_map(|set| expand(set).chars().collect::<Vec<_>>()).collect();
    if chars.is_empty() {
        return fail("there are no characters to make a password of");
    }
    Ok(Wish { path: path.join(" ").trim().to_owned(), length, chars })
}

fn unbuilt<T>(option: &str) -> Result<T, TemplateError> {
    fail(format!("the option '{option}' of the password lookup is not built yet"))
}

fn sets(text: &str) -> Vec<String> {
    let comma = text.contains(",,").then(|| ",".to_owned());
    let sets = text.replace(",,", ",");
    comma.into_iter().chain(sets.split(',').filter(|set| !set.is_empty()).map(str::to_owned)).collect()
}

fn expand(set: &str) -> String {
    match set {
        "ascii_letters" => [LOWERCASE, UPPERCASE].concat(),
        "ascii_lowercase" => LOWERCASE.into(),
        "ascii_uppercase" => UPPERCASE.into(),
        "digits" => DIGITS.into(),
        "hexdigits" => "0123456789abcdefABCDEF".into(),
        "octdigits" => "01234567".into(),
        "punctuation" => PUNCTUATION.into(),
        other => other.to_owned(),
    }
}

fn kept(cx: &Cx<'_>, wish: &Wish) -> Result<Value, TemplateError> {
    let folder = cx.scope.search_path().pop().unwrap_or_default();
    let path = crate::filters::expand_user(cx, &wish.path);
    let path = if path.starts_with('/') { path } else { absolute(cx, &format!("{folder}/{path}")) };
    cx.mark_secret();
    if path != "/dev/null" && cx.world().path_kind(&path, true).is_some() {
        let bytes = cx.world().read_file(&path).map_err(TemplateError::runtime)?;
        let text = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
        let password = text.split_once(" salt=").map_or(&*text, |(password, _)| password);
        return Ok(password.into());
    }
    let password: String = (0..wish.length).filter_map(|_| pick(cx, &wish.chars)).collect();
    if path != "/dev/null" {
        cx.world().write_private(&path, &format!("{password}\n")).map_err(TemplateError::runtime)?;
    }
    Ok(password.into())
}

/// Picks without favouring any: numbers that would are thrown away.
fn pick(cx: &Cx<'_>, chars: &[char]) -> Option<char> {
    let count = chars.len() as u64;
    let fair = u64::MAX - u64::MAX % count.max(1);
    loop {
        let number = cx.world().random();
        if number < fair {
            return chars.get(usize::try_from(number % count).ok()?).copied();
        }
    }
}
