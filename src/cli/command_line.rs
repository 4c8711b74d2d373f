//! The command line as it is kept: what `-e` sets may be secret, so its names are kept and few of its values.

use rplay_event::MASK;
use rplay_syntax::{key_values, parse};

/// What names of secrets have in them.
const TELLING: [&str; 9] = ["auth", "cred", "key", "pass", "pin", "pw", "secret", "token", "code"];
/// How long a number or a version may be that is shown.
const LONGEST: usize = 12;

/// Returns the words of a command line without what may be secret in them.
pub(crate) fn kept(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut sets = false;
    let mut kept = Vec::new();
    for word in words {
        let shown = match word.strip_prefix("--extra-vars=") {
            _ if sets => variables(&word),
            Some(given) => format!("--extra-vars={}", variables(given)),
            None => match word.strip_prefix("-e").filter(|given| !given.is_empty()) {
                Some(given) => format!("-e{}", variables(given)),
                None => word.clone(),
            },
        };
        sets = !sets && matches!(word.as_str(), "-e" | "--extra-vars");
        kept.push(shown);
    }
    kept
}

/// Returns what one `-e` sets: `name=value` words, a mapping of which the names are kept, or a file.
fn variables(given: &str) -> String {
    if given.starts_with('@') {
        return given.to_owned();
    }
    if given.trim_start().starts_with(['{', '[']) {
        let parsed = parse("<extra vars>", given).ok();
        let names = parsed.as_ref().and_then(|parsed| parsed.node.as_map()).map(|mapping| {
            let names = mapping.iter().map(|(name, _)| format!("{}: {MASK}", name.key_text()));
            format!("{{{}}}", names.collect::<Vec<_>>().join(", "))
        });
        return names.unwrap_or_else(|| MASK.to_owned());
    }
    let pairs = key_values(given).unwrap_or_default();
    if pairs.is_empty() {
        return MASK.to_owned();
    }
    let words = pairs.iter().map(|(name, value)| {
        let value = if is_harmless(name, value) { value.as_str() } else { MASK };
        format!("{name}={value}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns whether a value is nobody's secret: yes, no, a number or a version, under a name that does not say otherwise.
fn is_harmless(name: &str, value: &str) -> bool {
    let name = name.to_lowercase();
    let is_word = matches!(value.to_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off");
    let number = value.strip_prefix('v').unwrap_or(value);
    let is_number = value.len() <= LONGEST
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    (is_word || is_number) && !TELLING.iter().any(|telling| name.contains(telling))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        kept(words.iter().map(|word| (*word).to_owned())).join(" ")
    }

    #[test]
    fn names_are_kept_and_only_values_that_are_nobodys_secret() {
        let cases: [(&[&str], &str); 8] = [
            (&["rplay", "site.yml", "-e", "size_of_cluster=3"], "rplay site.yml -e size_of_cluster=3"),
            (&["-e", "tag=v1.4.2 debug=Yes name=web"], "-e tag=v1.4.2 debug=Yes name=********"),
            (
                &["-e", "db_pass=1234 PIN=1 api_token=true"],
                "-e db_pass=******** PIN=******** api_token=********",
            ),
            (&["-ename='a b'", "--extra-vars=size=3"], "-ename=******** --extra-vars=size=3"),
            (&["--extra-vars", "@vars.yml", "-e@more.yml"], "--extra-vars @vars.yml -e@more.yml"),
            (&["-e", r#"{"a": {"b": "hush"}, "c": 1}"#, "-v"], "-e {a: ********, c: ********} -v"),
            (&["-e", "-e", "x=1"], "-e ******** x=1"),
            (&["-e", "hush", "-e", "{hush"], "-e ******** -e ********"),
        ];
        for (words, expected) in cases {
            assert_eq!(shown(words), expected);
        }
    }
}
