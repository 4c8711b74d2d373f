use std::sync::LazyLock;

use fancy_regex::Regex;

/// The forms of addresses, with ranges in brackets. Source: `ansible/parsing/utils/addresses.py`.
struct Forms {
    ipv4: Regex,
    ipv6: Regex,
    hostname: Regex,
}

static FORMS: LazyLock<Forms> = LazyLock::new(|| {
    let number = r"\[[0-9]+:[0-9]+(?::[0-9]+)?\]";
    let hexadecimal = r"\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]";
    let letters = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]";
    let part = format!("(?:[01]?[0-9]{{1,2}}|2[0-4][0-9]|25[0-5]|{number})");
    let label = format!(r"(?:\w|{letters})(?:[\w-]|{letters})*(?<![_-])");
    let word = format!("(?:[0-9a-f]{{1,4}}|{hexadecimal})");
    let six = [
        format!("(?:{word}:){{7}}{word}"),
        format!("(?:{word}:){{1,6}}:"),
        format!("(?:{word}:)(?::{word}){{1,6}}"),
        format!("(?:{word}:){{2}}(?::{word}){{1,5}}"),
        format!("(?:{word}:){{3}}(?::{word}){{1,4}}"),
        format!("(?:{word}:){{4}}(?::{word}){{1,3}}"),
        format!("(?:{word}:){{5}}(?::{word}){{1,2}}"),
        format!("(?:{word}:){{6}}(?::{word})"),
        format!(":(?::{word}){{1,6}}"),
        format!("{word}?::"),
        format!(r"(?:0:){{6}}(?:{word}\.){{3}}{word}"),
        format!(r"::(?:ffff:)?(?:{word}\.){{3}}{word}"),
        format!(r"(?:0:){{5}}ffff:(?:{word}\.){{3}}{word}"),
    ];
    let compile = |form: &str| Regex::new(&format!("(?i)^(?:{form})$")).expect("the forms are constant");
    Forms {
        ipv4: compile(&format!(r"(?:{part}\.){{3}}{part}")),
        ipv6: compile(&six.join("|")),
        hostname: compile(&format!(r"{label}(?:\.{label})*")),
    }
});

/// Returns the host and port of an address; `None` where it is no address at all.
///
/// With `ranges` what stands in brackets may stand for several.
pub(super) fn parse_address(address: &str, ranges: bool) -> Option<(&str, Option<u32>)> {
    let (host, port) = with_port(address);
    let fits = |form: &Regex| form.is_match(host).unwrap_or(false);
    let known = is_plain(host) || fits(&FORMS.ipv4) || fits(&FORMS.ipv6) || fits(&FORMS.hostname);
    (known && (ranges || !host.contains('['))).then_some((host, port))
}

/// Returns the host and the port that a name of a single host has.
pub(crate) fn split_port(name: &str) -> (&str, Option<u32>) {
    parse_address(name, false).unwrap_or((name, None))
}

/// Returns whether an address has the form of a number, not of a name.
pub(super) fn is_number(address: &str) -> bool {
    let fits = |form: &Regex| form.is_match(address).unwrap_or(false);
    (address.contains('.') && fits(&FORMS.ipv4)) || (address.contains(':') && fits(&FORMS.ipv6))
}

/// Most hosts are this simple, and need no regular expression.
fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host.split('.').all(|label| {
            label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
                && label.bytes().next().is_some_and(|c| c != b'-')
                && label.bytes().last().is_some_and(|c| c.is_ascii_alphanumeric())
        })
}

/// Splits `host:22` and `[host]:22`; a colon within brackets belongs to a range.
fn with_port(address: &str) -> (&str, Option<u32>) {
    let Some((host, port)) = address.rsplit_once(':') else { return (address, None) };
    let digits = !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit());
    let Some(port) = port.parse().ok().filter(|_| digits) else { return (address, None) };
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'))
        && !inner.is_empty()
        && !has_own_bracket(inner)
    {
        return (inner, Some(port));
    }
    if outside_brackets(host).any(|c| matches!(c, ':' | ']')) { (address, None) } else { (host, Some(port)) }
}

/// `[a:b]x[c:d]` is no bracketed host but one with two ranges.
fn has_own_bracket(inner: &str) -> bool {
    inner.find(']').is_some_and(|end| inner.find('[').is_none_or(|start| end < start))
}

fn outside_brackets(text: &str) -> impl Iterator<Item = char> {
    let mut inside = false;
    text.chars().filter(move |c| {
        match c {
            '[' => inside = true,
            ']' if inside => {
                inside = false;
                return false;
            }
            _ => {}
        }
        !inside && *c != '['
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_ports_are_told_apart() {
        for (address, expected) in [
            ("a", Some(("a", None))),
            ("a.b-c:22", Some(("a.b-c", Some(22)))),
            ("192.0.2.1:8080", Some(("192.0.2.1", Some(8080)))),
            ("::1", Some(("::1", None))),
            ("2001:db8::2", Some(("2001:db8::2", None))),
            ("[2001:db8::2]:22", Some(("2001:db8::2", Some(22)))),
            ("a[1:3]", Some(("a[1:3]", None))),
            ("a[1:3]:22", Some(("a[1:3]", Some(22)))),
            ("a[1:3]b[x:z].c", Some(("a[1:3]b[x:z].c", None))),
            ("ünder", Some(("ünder", None))),
            ("a:b", None),
            ("a-", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(parse_address(address, true), expected, "{address}");
        }
        assert_eq!(parse_address("a[1:3]", false), None);
    }

    #[test]
    fn only_numbers_have_no_short_name() {
        assert!(is_number("192.0.2.1") && is_number("::1"));
        assert!(!is_number("web.example.com") && !is_number("web"));
    }
}
