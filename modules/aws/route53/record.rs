//! The shape of a record: names, values, and what makes two of them the same.

use rplay_client_route53::absolute;
use rplay_module::Address;

/// The longest piece of a TXT value (RFC 1035, section 3.3).
const LONGEST_TEXT: usize = 255;

/// Returns the address of a record: a name has one per type, and per identifier where there are several.
pub(crate) fn address(zone: &str, name: &str, kind: &str, identifier: Option<&str>) -> Address {
    let (zone, name) = (absolute(zone), absolute(name));
    let (zone, name) = (zone.trim_end_matches('.'), name.trim_end_matches('.'));
    let identifier = identifier.map(|identifier| format!("/{identifier}")).unwrap_or_default();
    Address::new("route53.record", format!("{zone}/{name} {kind}{identifier}"))
}

/// Returns the whole name of a record: one that does not end in the zone's name is below it.
pub(crate) fn whole_name(record: &str, zone: &str) -> String {
    let (name, zone) = (absolute(record), absolute(zone));
    if name == zone || name.ends_with(&format!(".{zone}")) { name } else { format!("{name}{zone}") }
}

/// Returns a value as Route 53 keeps it: texts quoted, in pieces of 255 bytes, with what is no plain character as `\303`.
/// A text that begins with a quotation mark is taken as it is.
pub(crate) fn value(kind: &str, value: &str) -> String {
    if !matches!(kind, "TXT" | "SPF") || value.starts_with('"') {
        return value.to_owned();
    }
    let pieces: Vec<String> = value.as_bytes().chunks(LONGEST_TEXT).map(quoted).collect();
    if pieces.is_empty() { "\"\"".to_owned() } else { pieces.join(" ") }
}

fn quoted(piece: &[u8]) -> String {
    let inside = piece.iter().map(|&byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    format!("\"{}\"", inside.collect::<String>())
}

/// Returns a value as it is compared: the dot at the end of a host name, its case, and how an address is written make no
/// difference.
pub(crate) fn compared(kind: &str, value: &str) -> String {
    match kind {
        "CNAME" | "NS" | "PTR" | "MX" | "SRV" => absolute(value),
        "A" | "AAAA" => match value.trim().parse::<std::net::IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => value.trim().to_owned(),
        },
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_outside_the_zone_is_below_it() {
        assert_eq!(whole_name("www", "web.example"), "www.web.example.");
        assert_eq!(whole_name("WWW.web.example", "web.example."), "www.web.example.");
        assert_eq!(whole_name("web.example", "web.example"), "web.example.");
    }

    #[test]
    fn texts_are_quoted_and_cut_at_255() {
        assert_eq!(value("TXT", "v=spf1 -all"), "\"v=spf1 -all\"");
        assert_eq!(value("TXT", "\"as it is\""), "\"as it is\"");
        let long = "a".repeat(300);
        assert_eq!(value("TXT", &long), format!("\"{}\" \"{}\"", "a".repeat(255), "a".repeat(45)));
        assert_eq!(value("TXT", r#"a"b\ä"#), r#""a\"b\\\303\244""#);
        assert_eq!(value("TXT", ""), "\"\"");
    }

    #[test]
    fn host_names_are_the_same_with_and_without_their_dot() {
        assert_eq!(compared("CNAME", "A.example"), compared("CNAME", "a.example."));
        assert_ne!(compared("TXT", "\"A\""), compared("TXT", "\"a\""));
        assert_eq!(compared("AAAA", "2001:DB8:0:0::1"), compared("AAAA", "2001:db8::1"));
    }
}
