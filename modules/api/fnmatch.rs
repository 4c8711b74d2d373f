//! File name patterns with `*`, `?` and `[…]`, as Python's `fnmatch` reads them.

/// Matches one name against one part of a pattern, as Python's `fnmatch`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut wanted = pattern.chars();
    let mut given = name.chars();
    match wanted.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = wanted.as_str();
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| name.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        Some('?') => given.next().is_some() && matches(wanted.as_str(), given.as_str()),
        Some('[') => match (class(wanted.as_str()), given.next()) {
            (Some((set, rest)), Some(character)) => set.has(character) && matches(rest, given.as_str()),
            (None, Some('[')) => matches(wanted.as_str(), given.as_str()),
            _ => false,
        },
        Some(plain) => given.next() == Some(plain) && matches(wanted.as_str(), given.as_str()),
    }
}

/// What stands between brackets.
struct Class<'a> {
    negated: bool,
    members: &'a str,
}

/// Reads a class up to its closing bracket, which as the first member is no end.
fn class(pattern: &str) -> Option<(Class<'_>, &str)> {
    let (negated, body) = pattern.strip_prefix('!').map_or((false, pattern), |body| (true, body));
    let first = body.chars().next()?.len_utf8();
    let end = first + body.get(first..)?.find(']')?;
    Some((Class { negated, members: body.get(..end)? }, body.get(end + 1..)?))
}

impl Class<'_> {
    fn has(&self, character: char) -> bool {
        let mut found = false;
        let mut members = self.members.chars();
        while let Some(low) = members.next() {
            let mut ahead = members.clone();
            match (ahead.next(), ahead.next()) {
                (Some('-'), Some(high)) => {
                    found |= (low..=high).contains(&character);
                    members = ahead;
                }
                _ => found |= low == character,
            }
        }
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_python_matches_them() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.tx", false),
            ("?b", "ab", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a*b*c", "aXbYc", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
