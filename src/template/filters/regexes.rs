use rplay_module::pattern::{Extent, Flags};

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::limits::LONGEST_TEXT;
use crate::regex::compile;
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin(
        "regex_replace",
        "value= pattern= replacement= ignorecase= multiline= count= mandatory_count=",
        regex_replace,
    ),
    builtin("regex_findall", "value regex multiline= ignorecase=", regex_findall),
    builtin("regex_search", "value regex * **", regex_search),
    builtin("regex_escape", "string re_type=", regex_escape),
];

fn regex_replace(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.text_or(0, "");
    let pattern = if given.given(1).is_some() { pattern(given, 1)? } else { "" };
    if let Some(wrong) = given.given(2).filter(|replacement| !replacement.is_text()) {
        let kind = wrong.type_name();
        return fail(format!("decoding to str: need a bytes-like object, {kind} found"));
    }
    let text = if given.value(0).is_none() { "None".to_owned() } else { text };
    let flags =
        Flags { ignore_case: given.flag(3, false), multiline: given.flag(4, false), ..Flags::default() };
    let (count, mandatory) = (given.size(5, 0)?, given.size(6, 0)?);
    let regex = compile(pattern, flags)?;
    let extent = Extent { count: if count == 0 { usize::MAX } else { count }, longest: LONGEST_TEXT };
    let (replaced, done) = regex.substitute_within(&text, &given.text_or(2, ""), extent)?;
    if mandatory > 0 && mandatory != done {
        return fail(format!(
            "'{pattern}' should match {mandatory} times, but matches {count} times in '{text}'"
        ));
    }
    Ok(replaced.into())
}

/// Returns the argument that is a regular expression.
fn pattern(given: &Given, at: usize) -> Result<&str, TemplateError> {
    let pattern = given.value(at).as_str();
    pattern.ok_or_else(|| TemplateError::runtime("first argument must be string or compiled pattern"))
}

fn regex_findall(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let flags =
        Flags { ignore_case: given.flag(3, false), multiline: given.flag(2, false), ..Flags::default() };
    let regex = compile(pattern(given, 1)?, flags)?;
    let text = given.text(0);
    let group = |captures: &fancy_regex::Captures<'_, str>, at: usize| {
        Value::from(captures.get(at).map_or("", |group| group.as_str()))
    };
    let found = regex.matches(&text).map(|captures| {
        let captures = captures?;
        Ok(match regex.groups() {
            1 => group(&captures, 0),
            2 => group(&captures, 1),
            count => Value::tuple((1..count).map(|at| group(&captures, at)).collect()),
        })
    });
    found.collect::<Result<Vec<_>, TemplateError>>().map(Value::list)
}

fn regex_search(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let on = |name: &str| given.option(name).is_some_and(Value::is_truthy);
    let flags = Flags { ignore_case: on("ignorecase"), multiline: on("multiline"), ..Flags::default() };
    let regex = compile(pattern(given, 1)?, flags)?;
    let text = given.text(0);
    let wanted: Vec<String> =
        given.rest.iter().map(|arg| group_name(&arg.text())).collect::<Result<_, _>>()?;
    let Some(captures) = regex.captures(&text)? else { return Ok(Value::NONE) };
    let group = |at: usize| captures.get(at).map_or(Value::NONE, |group| Value::from(group.as_str()));
    if wanted.is_empty() {
        return Ok(group(0));
    }
    let numbers =
        wanted.iter().map(|name| regex.group(name).map_err(|_| TemplateError::runtime("no such group")));
    numbers.map(|number| number.map(group)).collect::<Result<Vec<_>, _>>().map(Value::list)
}

/// Returns the group that `\1` or `\g<name>` means.
fn group_name(reference: &str) -> Result<String, TemplateError> {
    let name = match reference.strip_prefix("\\g") {
        Some(rest) => rest.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')),
        None => reference.strip_prefix('\\').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())),
    };
    name.map(str::to_owned).ok_or_else(|| {
        let begins = reference.starts_with('\\');
        TemplateError::runtime(if begins {
            "'NoneType' object has no attribute 'group'"
        } else {
            "Unknown argument"
        })
    })
}

fn regex_escape(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.text(0);
    let special = match given.text_or(1, "python").as_str() {
        "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c",
        "posix_basic" => "].[^$*\\",
        "posix_extended" => return fail("Regex type (posix_extended) not yet implemented"),
        other => return fail(format!("Invalid regex type ({other})")),
    };
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn patterns_replace_and_find() {
        give(&[
            ("s | regex_replace('l+', 'L')", json!("heLo")),
            (r"s | regex_replace('(h)(e)', '\2\1')", json!("ehllo")),
            (r"s | regex_replace('^(?P<x>.)', '<\g<x>>')", json!("<h>ello")),
            ("s | regex_replace('L', 'x', ignorecase=true)", json!("hexxo")),
            ("s | regex_replace('l', 'x', count=1)", json!("hexlo")),
            ("lines | regex_replace('^', '> ', multiline=true)", json!("> one\n> two\n> \n> four")),
            (r"'foo.bar' | regex_replace('\.bar$', '')", json!("foo")),
            ("s | regex_search('l+')", json!("ll")),
            (r"s | regex_search('(h)(e)', '\1', '\2')", json!(["h", "e"])),
            (r"s | regex_search('(?P<x>l)', '\g<x>')", json!(["l"])),
            ("s | regex_search('zz')", json!(null)),
            ("s | regex_findall('l')", json!(["l", "l"])),
            (r"'a1b22' | regex_findall('[a-z](\d+)')", json!(["1", "22"])),
            (r"'a1b22' | regex_findall('([a-z])(\d+)')", json!([["a", "1"], ["b", "22"]])),
            ("'a.b*c' | regex_escape", json!("a\\.b\\*c")),
            ("'a.b*c' | regex_escape('posix_basic')", json!("a\\.b\\*c")),
            ("5 | regex_replace('5', 'x')", json!("x")),
        ]);
    }

    #[test]
    fn an_unknown_group_is_refused() {
        refuse(&[
            (
                r"s | regex_replace('(l)', '\2')",
                "The filter plugin 'ansible.builtin.regex_replace' failed: invalid group reference 2 at position 1",
            ),
            (
                "s | regex_search('l', 'x')",
                "The filter plugin 'ansible.builtin.regex_search' failed: Unknown argument",
            ),
        ]);
    }
}
