//! What a text looks like.

use rplay_module::pattern::Flags;

use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::filters::Url;
use crate::regex::compile;

use super::fail;

pub(super) const TESTS: &[Builtin] = &[
    builtin("match", "value pattern= ignorecase= multiline=", |_, given| matches(given, "match")),
    builtin("search", "value pattern= ignorecase= multiline=", |_, given| matches(given, "search")),
    builtin("regex", "value= pattern= ignorecase= multiline= match_type=", |_, given| {
        matches(given, &given.text_or(4, "search"))
    }),
    builtin("lower", "value", |_, given| Ok(is_lower(&given.text(0)).into())),
    builtin("upper", "value", |_, given| Ok(is_upper(&given.text(0)).into())),
    builtin("uri", "value schemes=", |_, given| Ok(is_uri(given).into())),
    builtin("url", "value schemes=", |_, given| {
        let is_whole = |url: &Url| !url.netloc.is_empty() || url.scheme == "file";
        Ok((is_uri(given) && Url::of(given.value(0)).is_ok_and(|url| is_whole(&url))).into())
    }),
    builtin("urn", "value", |_, given| {
        Ok(Url::of(given.value(0)).is_ok_and(|url| url.scheme == "urn").into())
    }),
    builtin("vault_encrypted", "value", vault_encrypted),
];

fn matches(given: &Given, how: &str) -> Evaluated {
    if !matches!(how, "match" | "search" | "fullmatch") {
        // Ansible's test takes the name of another way for the way itself.
        return fail("'str' object is not callable");
    }
    let flags = Flags {
        ignore_case: given.flag(2, false),
        multiline: given.flag(3, false),
        anchored: matches!(how, "match" | "fullmatch"),
        to_the_end: how == "fullmatch",
        ..Flags::default()
    };
    let text = given.text(0);
    if given.given(1).is_some_and(|pattern| !pattern.is_text()) {
        return fail("first argument must be string or compiled pattern");
    }
    let found = compile(&given.text_or(1, ""), flags)?.captures(&text)?;
    Ok(found.is_some().into())
}

fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)
}

fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

fn is_uri(given: &Given) -> bool {
    let Ok(url) = Url::of(given.value(0)) else { return false };
    match given.some(1) {
        Some(schemes) if schemes.is_truthy() => schemes.iter().any(|scheme| scheme.text() == url.scheme),
        _ => true,
    }
}

/// A value that was encrypted is opened by the time a template sees it; what still is, was read from elsewhere.
fn vault_encrypted(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    Ok(given.value(0).as_str().is_some_and(|text| text.starts_with("$ANSIBLE_VAULT")).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn texts_are_matched() {
        give(&[
            ("s is match('he')", json!(true)),
            ("s is match('l')", json!(false)),
            ("s is search('l')", json!(true)),
            ("s is regex('^h')", json!(true)),
            ("s is search('L', ignorecase=true)", json!(true)),
            ("s is regex('hello', match_type='fullmatch')", json!(true)),
            ("s is lower", json!(true)),
            ("'ABC1' is upper", json!(true)),
            ("'http://x/y' is url", json!(true)),
            ("'x' is url", json!(false)),
            ("'http://x' is url(schemes=['ftp'])", json!(false)),
            ("'urn:x:y' is urn", json!(true)),
            ("5 is match('5')", json!(true)),
        ]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        refuse(&[(
            "s is match(5)",
            "The test plugin 'ansible.builtin.match' failed: first argument must be string or compiled pattern",
        )]);
    }
}
