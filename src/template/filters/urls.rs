use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::{Dict, Repr};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("urlsplit", "value query= alias=", urlsplit),
    builtin("urlencode", "value", urlencode),
    builtin("urldecode", "string", |_, given| Ok(decode(given.method(0, "replace")?, true).into())),
];

/// The parts of a URL as Python's `urlsplit` finds them.
#[derive(Debug, Default)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) netloc: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fragment: String,
}

impl Url {
    pub(crate) fn split(text: &str) -> Self {
        let mut url = Self::default();
        let text = text.trim_start_matches(|c: char| c <= ' ').replace(['\t', '\r', '\n'], "");
        let mut rest = &*text;
        if let Some((scheme, tail)) = text.split_once(':') {
            let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(legal) {
                url.scheme = scheme.to_ascii_lowercase();
                rest = tail;
            }
        }
        if let Some(tail) = rest.strip_prefix("//") {
            let (netloc, tail) = tail.split_at(tail.find(['/', '?', '#']).unwrap_or(tail.len()));
            netloc.clone_into(&mut url.netloc);
            rest = tail;
        }
        let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = before.split_once('?').unwrap_or((before, ""));
        (url.path, url.query, url.fragment) = (path.into(), query.into(), fragment.into());
        url
    }

    /// Returns what a value's parts are: Python takes what is false for nothing, and what is no text for bytes.
    pub(crate) fn of(value: &Value) -> Result<Self, TemplateError> {
        let url = match &value.0 {
            Repr::Bytes(bytes) => Self::split(&String::from_utf8_lossy(bytes)),
            _ => match value.as_str() {
                Some(text) => Self::split(text),
                None if !value.is_truthy() => Self::default(),
                None => return fail(format!("'{}' object has no attribute 'decode'", value.type_name())),
            },
        };
        if url.netloc.contains('[') == url.netloc.contains(']') { Ok(url) } else { fail("Invalid IPv6 URL") }
    }

    fn user_info(&self) -> (Option<&str>, Option<&str>) {
        match self.netloc.rsplit_once('@') {
            None => (None, None),
            Some((info, _)) => match info.split_once(':') {
                Some((user, password)) => (Some(user), Some(password)),
                None => (Some(info), None),
            },
        }
    }

    fn host_and_port(&self) -> (Option<String>, Option<&str>) {
        let host = self.netloc.rsplit_once('@').map_or(&*self.netloc, |(_, host)| host);
        let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, tail)) => (name, tail.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        let name = (!name.is_empty()).then(|| name.to_lowercase());
        (name, port.filter(|port| !port.is_empty()))
    }
}

fn urlsplit(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    if !given.value(0).is_hashable() {
        return fail(format!("unhashable type: '{}'", given.value(0).class_name()));
    }
    let url = Url::of(given.value(0))?;
    let told = |text: &str| {
        if given.value(0).is_text() { Value::from(text) } else { Value(Repr::Bytes(text.bytes().collect())) }
    };
    let (user, password) = url.user_info();
    let (host, port) = url.host_and_port();
    let port = match port.map(str::parse::<u16>) {
        None => Value::NONE,
        Some(Ok(port)) => i64::from(port).into(),
        Some(Err(_)) => return fail("Port could not be cast to integer value"),
    };
    let maybe = |text: Option<&str>| text.map_or(Value::NONE, told);
    let parts: Dict = [
        ("fragment", told(&url.fragment)),
        ("hostname", maybe(host.as_deref())),
        ("netloc", told(&url.netloc)),
        ("password", maybe(password)),
        ("path", told(&url.path)),
        ("port", port),
        ("query", told(&url.query)),
        ("scheme", told(&url.scheme)),
        ("username", maybe(user)),
    ]
    .into_iter()
    .map(|(name, value)| (Value::from(name), value))
    .collect();
    let wanted = given.text_or(1, "");
    if wanted.is_empty() {
        return Ok(parts.into());
    }
    match Value::from(parts).get(&wanted) {
        Some(found) => Ok(found.clone()),
        None => fail(format!("{}: unknown URL component: {wanted}", given.text_or(2, "urlsplit"))),
    }
}

/// Escapes as Python's `quote` does.
pub(crate) fn encode(text: &str, safe: &str, plus: bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else if plus && byte == b' ' {
            out.push('+');
        } else {
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str, plus: bool) -> String {
    let text = if plus { text.replace('+', " ") } else { text.to_owned() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn urlencode(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let pairs: Vec<(Value, Value)> = match &value.0 {
        Repr::Dict(dict) => dict.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        Repr::List(items) | Repr::Tuple(items) => {
            items.iter().map(|pair| pair_of(cx, pair)).collect::<Result<_, _>>()?
        }
        _ => return Ok(encode(&value.text(), "/", false).into()),
    };
    let query = |text: &Value| encode(&text.text(), "", true);
    let parts: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", query(key), query(value))).collect();
    Ok(parts.join("&").into())
}

fn pair_of(cx: &Cx<'_>, pair: &Value) -> Result<(Value, Value), TemplateError> {
    match cx.items(pair)?.as_slice() {
        [key, value] => Ok((key.clone(), value.clone())),
        items => fail(format!("not enough values to unpack (expected 2, got {})", items.len())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn urls_are_taken_apart_and_encoded() {
        give(&[
            (
                "'https://user:pw@Example.com:8080/p/a?x=1&y=2#frag' | urlsplit",
                json!({"fragment": "frag", "hostname": "example.com", "netloc": "user:pw@Example.com:8080", "password": "pw", "path": "/p/a", "port": 8080, "query": "x=1&y=2", "scheme": "https", "username": "user"}),
            ),
            ("'https://user:pw@Example.com:8080/p' | urlsplit('hostname')", json!("example.com")),
            ("false | urlsplit('hostname')", json!(null)),
            ("'\n# 1\n#' | urlsplit('fragment')", json!(" 1#")),
            ("none is uri", json!(true)),
            ("1 is uri", json!(false)),
            ("'http://[::1' is uri", json!(false)),
            ("'https://example.com/p' | urlsplit('port')", json!(null)),
            ("'mailto:a@b' | urlsplit('path')", json!("a@b")),
            ("'a b/c?d=é' | urlencode", json!("a%20b/c%3Fd%3D%C3%A9")),
            ("{'a': 'b c', 'd': 1} | urlencode", json!("a=b+c&d=1")),
            ("[['a', '&']] | urlencode", json!("a=%26")),
        ]);
    }

    #[test]
    fn an_unknown_part_is_refused() {
        refuse(&[(
            "'x' | urlsplit('nope')",
            "The filter plugin 'ansible.builtin.urlsplit' failed: urlsplit: unknown URL component: nope",
        )]);
    }
}
