//! Passwords that are made once and kept in a file.

use rplay_syntax::{Words, key_values_and_rest};

use super::options::Options;
use super::{Given, Items, fail};
use crate::crypt::{Scheme, Wish};
use crate::dice::Dice;
use crate::eval::Cx;
use crate::filters::{absolute, random_salt};
use crate::{TemplateError, Value};

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const WHITESPACE: &str = " \t\n\r\x0b\x0c";

/// A password that is made anew each time, because nothing is kept there.
const NOWHERE: &str = "/dev/null";
const OPTIONS: &[&str] = &["length", "encrypt", "chars", "ident", "seed"];
const MAX_LENGTH: i128 = 1_000_000;
const SALT: &str = " salt=";
const IDENT: &str = " ident=";

/// What the file holds.
struct Kept {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

pub(super) fn password(cx: &Cx<'_>, given: &Given) -> Items {
    given.terms.iter().map(|term| one(cx, &term.text(), Options::new("password", OPTIONS, given))).collect()
}

fn one(cx: &Cx<'_>, term: &str, mut options: Options) -> Result<Value, TemplateError> {
    let path = read_term(term, &mut options)?;
    let path = crate::filters::expand_user(cx, &path);
    let folder = cx.scope.search_path().pop().unwrap_or_default();
    let path = if path.starts_with('/') { path } else { absolute(cx, &format!("{folder}/{path}")) };
    cx.mark_secret();
    let exists = path != NOWHERE && cx.world().path_kind(&path, true).is_some();
    let mut kept = if exists { read(cx, &path)? } else { made(cx, &options)? };
    let mut changed = !exists;
    let Some(encrypt) = options.text("encrypt").filter(|encrypt| !encrypt.is_empty()) else {
        if changed {
            write(cx, &path, &kept)?;
        }
        return Ok(kept.password.into());
    };
    let scheme = Scheme::named(&encrypt);
    if kept.salt.is_none() {
        kept.salt = Some(random_salt(cx, scheme.map_or(8, Scheme::salt_size))?);
        changed = true;
    }
    changed |= choose_ident(&mut kept, &options, scheme)?;
    if changed {
        write(cx, &path, &kept)?;
    }
    let Some(scheme) = scheme else {
        return fail(format!("Installed passlib version does not support the '{encrypt}' algorithm."));
    };
    let salt = kept.salt.as_deref().unwrap_or_default();
    let wish = Wish { password: &kept.password, salt, rounds: None, ident: kept.ident.as_deref() };
    let hash = scheme.hash(&wish);
    hash.map(Value::from).map_err(|why| TemplateError::runtime(format!("Could not hash the secret: {why}")))
}

/// Sets the version of the hash; returns whether the file has to say so.
fn choose_ident(kept: &mut Kept, options: &Options, scheme: Option<Scheme>) -> Result<bool, TemplateError> {
    let wanted = options.text("ident").filter(|ident| !ident.is_empty());
    match (&kept.ident, wanted) {
        (Some(kept), Some(wanted)) if *kept != wanted => {
            fail(format!("The ident parameter provided ({kept}) does not match the stored one ({wanted})."))
        }
        (Some(_), _) => Ok(false),
        (None, Some(wanted)) => {
            kept.ident = Some(wanted);
            Ok(false)
        }
        (None, None) => {
            kept.ident = scheme.and_then(Scheme::ident).map(str::to_owned);
            Ok(kept.ident.is_some())
        }
    }
}

/// Takes the options out of `path length=20 chars=ascii_letters,digits`; what is left is the path.
fn read_term(term: &str, options: &mut Options) -> Result<String, TemplateError> {
    let Some((first, rest)) = term.split_once(' ') else { return Ok(term.to_owned()) };
    let Words { named, free_form } =
        key_values_and_rest(rest).map_err(|fault| TemplateError::runtime(fault.message))?;
    let path = match free_form {
        Some(free) => format!("{first} {free}"),
        None => first.to_owned(),
    };
    if !term.starts_with(&path) {
        return fail("Unrecognized value after key=value parameters given to password lookup");
    }
    let unknown: Vec<&str> =
        named.iter().map(|(name, _)| name.as_str()).filter(|name| !OPTIONS.contains(name)).collect();
    if !unknown.is_empty() {
        return fail(format!("Unrecognized parameter(s) given to password lookup: {}", unknown.join(", ")));
    }
    for (name, value) in named {
        match name.as_str() {
            "chars" => options.put("chars", sets(&value).into_iter().map(Value::from).collect()),
            _ => drop(options.set(&name, &value)),
        }
    }
    Ok(path)
}

/// Cuts at commas; two of them mean one among the characters.
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
        "whitespace" => WHITESPACE.into(),
        "printable" => [DIGITS, LOWERCASE, UPPERCASE, PUNCTUATION, WHITESPACE].concat(),
        other => other.to_owned(),
    }
}

fn made(cx: &Cx<'_>, options: &Options) -> Result<Kept, TemplateError> {
    let sets: Vec<String> = match options.value("chars") {
        None => vec!["ascii_letters".into(), "digits".into(), ".,:-_".into()],
        Some(chars) => match chars.as_items() {
            Some(items) => items.iter().map(Value::text).collect(),
            None => sets(&chars.text()),
        },
    };
    let chars: Vec<char> = sets.iter().flat_map(|set| expand(set).chars().collect::<Vec<_>>()).collect();
    let chars: Vec<char> = chars.into_iter().filter(|c| !matches!(c, '"' | '\'')).collect();
    if chars.is_empty() {
        return fail("Cannot choose from an empty sequence");
    }
    let length = options.whole("length", "integer")?.unwrap_or(20).clamp(0, MAX_LENGTH);
    let seed = options.text("seed").map(Value::from);
    let mut dice = Dice::new(cx, seed.as_ref())?;
    let password = (0..length).filter_map(|_| dice.choose(&chars)).collect();
    Ok(Kept { password, salt: None, ident: None })
}

fn read(cx: &Cx<'_>, path: &str) -> Result<Kept, TemplateError> {
    let bytes = cx.world().read_file(path).map_err(TemplateError::runtime)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    let Some((password, rest)) = text.rsplit_once(SALT) else {
        return Ok(Kept { password: text.to_owned(), salt: None, ident: None });
    };
    let (salt, ident) = match rest.rsplit_once(IDENT) {
        Some((salt, ident)) => (salt, Some(ident.to_owned())),
        None => (rest, None),
    };
    let salt = Some(salt.to_owned()).filter(|salt| !salt.is_empty());
    Ok(Kept { password: password.to_owned(), salt, ident })
}

fn write(cx: &Cx<'_>, path: &str, kept: &Kept) -> Result<(), TemplateError> {
    if path == NOWHERE {
        return Ok(());
    }
    let mut text = kept.password.clone();
    if let Some(salt) = &kept.salt {
        text.extend([SALT, salt]);
        if let Some(ident) = &kept.ident {
            text.extend([IDENT, ident]);
        }
    }
    text.push('\n');
    cx.world().write_private(path, &text).map_err(TemplateError::runtime)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn passwords_are_made_or_read() {
        give(&[
            ("lookup('password', '/dev/null', length=3, chars='x')", json!("xxx")),
            ("lookup('password', '/dev/null length=2 chars=y')", json!("yy")),
            ("lookup('password', '/dev/null', seed='host')", json!("lPvaeNQqlO__O0dUYiwe")),
            ("lookup('password', '/play/files/password')", json!("kept")),
            (
                "lookup('password', '/play/files/password', encrypt='md5_crypt')",
                json!("$1$saltsalt$iwb8TS5vri.fv78FO2lvH."),
            ),
        ]);
    }

    #[test]
    fn what_is_no_wish_for_a_password_is_refused() {
        refuse(&[
            (
                "lookup('password', '/dev/null size=5')",
                "The lookup plugin 'password' failed: Unrecognized parameter(s) given to password lookup: size",
            ),
            (
                "lookup('password', '/dev/null length=5 more')",
                "The lookup plugin 'password' failed: Unrecognized value after key=value parameters given to password lookup",
            ),
        ]);
    }
}
