use std::collections::HashSet;

use fancy_regex::Regex;
use indexmap::IndexSet;

use super::address::parse_address;
use super::{Inventory, InventoryError, LOCALHOSTS};

/// Hosts that a pattern means, by their places in the inventory, and what it named in vain.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) hosts: IndexSet<usize>,
    /// What matched neither host nor group.
    pub(crate) unmatched: Vec<String>,
    pub(crate) warnings: Vec<&'static str>,
}

/// Splits a pattern at its commas, or where it has none at its colons.
///
/// Source of the rules: `split_host_pattern` in `ansible/inventory/manager.py`.
pub(crate) fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<&str> = if pattern.contains(',') {
        pattern.split(',').collect()
    } else if parse_address(pattern, true).is_some() {
        vec![pattern]
    } else {
        at_colons(pattern)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// What stands in brackets stays together.
fn at_colons(pattern: &str) -> Vec<&str> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(c) = pattern.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = pattern.get(at..).unwrap_or_default();
        if let ('[', Some(end)) = (c, rest.find(']')) {
            at += end + 1;
            continue;
        }
        at += c.len_utf8();
        if c.is_whitespace() || matches!(c, ':' | '[' | ']') {
            parts.push(pattern.get(start..at - c.len_utf8()).unwrap_or_default());
            start = at;
        }
    }
    parts.push(pattern.get(start..).unwrap_or_default());
    parts
}

/// Finds hosts by patterns. Source of the rules: `InventoryManager` in `ansible/inventory/manager.py`.
pub(crate) struct Chooser<'a> {
    pub(crate) inventory: &'a mut Inventory,
}

impl Chooser<'_> {
    /// Returns the hosts of patterns: those named, then only those also in `&…`, then without those in `!…`.
    pub(crate) fn choose(&mut self, patterns: &[String]) -> Result<Chosen, InventoryError> {
        let mut chosen = Chosen::default();
        for pattern in ordered(patterns) {
            if self.inventory.is_host(pattern) {
                chosen.hosts.extend(self.inventory.host(pattern));
                continue;
            }
            let (mark, bare) = match pattern.as_bytes().first() {
                Some(mark @ (b'!' | b'&')) => (Some(*mark), pattern.get(1..).unwrap_or_default()),
                _ => (None, pattern),
            };
            let found = self.one(bare, &mut chosen)?;
            match mark {
                Some(b'!') => chosen.hosts.retain(|host| !found.contains(host)),
                Some(_) => chosen.hosts.retain(|host| found.contains(host)),
                None => chosen.hosts.extend(found),
            }
        }
        Ok(chosen)
    }

    fn one(&mut self, pattern: &str, chosen: &mut Chosen) -> Result<IndexSet<usize>, InventoryError> {
        let (name, subscript) = subscript(pattern, chosen);
        let hosts = self.matches(name, chosen)?;
        let Some(subscript) = subscript.filter(|_| !hosts.is_empty()) else { return Ok(hosts) };
        subscript.of(&hosts).ok_or_else(|| {
            InventoryError::new(format!("No hosts matched the subscripted pattern '{pattern}'"))
        })
    }

    fn groups(&self, pattern: &str, form: &Form) -> Vec<usize> {
        if matches!(form, Form::Name) {
            return self.inventory.groups.get_index_of(pattern).into_iter().collect();
        }
        let names = self.inventory.groups.keys().enumerate();
        names.filter(|(_, name)| form.fits(pattern, name)).map(|(at, _)| at).collect()
    }

    fn hosts(&self, pattern: &str, form: &Form) -> Vec<usize> {
        if matches!(form, Form::Name) {
            let at = self.inventory.hosts.get_full(pattern).filter(|(.., host)| !host.implicit);
            return at.map(|(at, ..)| at).into_iter().collect();
        }
        let hosts = self.inventory.listed();
        hosts.filter(|(_, host)| form.fits(pattern, &host.name)).map(|(at, _)| at).collect()
    }

    fn matches(&mut self, pattern: &str, chosen: &mut Chosen) -> Result<IndexSet<usize>, InventoryError> {
        let form = Form::new(pattern)?;
        let groups = self.groups(pattern, &form);
        let mut found: IndexSet<usize> =
            groups.iter().flat_map(|group| self.inventory.hosts_of(*group)).collect();
        if groups.is_empty() || pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']) {
            found.extend(self.hosts(pattern, &form));
        }
        if found.is_empty() && LOCALHOSTS.contains(&pattern) {
            found.extend(self.inventory.host(pattern));
        }
        if found.is_empty() && groups.is_empty() && pattern != "all" {
            chosen.unmatched.push(pattern.to_owned());
        }
        Ok(found)
    }
}

/// Puts what adds hosts before what leaves only some, and both before what takes away.
fn ordered(patterns: &[String]) -> Vec<&str> {
    let of = |mark: Option<char>| {
        patterns.iter().map(String::as_str).filter(move |pattern| {
            let first = pattern.chars().next().filter(|c| matches!(c, '&' | '!'));
            !pattern.is_empty() && first == mark
        })
    };
    let mut ordered: Vec<&str> = of(None).collect();
    if ordered.is_empty() {
        ordered.push("all");
    }
    ordered.extend(of(Some('&')));
    ordered.extend(of(Some('!')));
    ordered
}

/// How a pattern is compared with names.
enum Form {
    /// By equality.
    Name,
    Regex(Regex),
}

impl Form {
    fn new(pattern: &str) -> Result<Self, InventoryError> {
        let wrong = || InventoryError::new(format!("Invalid host list pattern: {pattern}"));
        if let Some(expression) = pattern.strip_prefix('~') {
            let anchored = format!("^(?:{expression})");
            return Regex::new(&anchored).map(Self::Regex).map_err(|_| wrong());
        }
        if !pattern.contains(['*', '?', '[']) {
            return Ok(Self::Name);
        }
        Regex::new(&glob(pattern)).map(Self::Regex).map_err(|_| wrong())
    }

    fn fits(&self, pattern: &str, name: &str) -> bool {
        match self {
            Self::Name => pattern == name,
            Self::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

/// Returns the regular expression of a shell's pattern. Source of the rules: Python's `fnmatch.translate`.
pub(crate) fn glob(pattern: &str) -> String {
    let mut expression = String::from("(?s)^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => match class(rest.as_str()) {
                Some((class, after)) => {
                    expression.push_str(&class);
                    rest = after.chars();
                }
                None => expression.push_str(r"\["),
            },
            c => expression.push_str(&fancy_regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    expression
}

/// Returns the class that stands before the closing bracket, and what comes after it.
fn class(text: &str) -> Option<(String, &str)> {
    let negated = text.starts_with('!');
    let inner = text.get(usize::from(negated)..)?;
    // A bracket that comes first is one of the characters.
    let skip = inner.chars().next().filter(|c| *c == ']').map_or(0, char::len_utf8);
    let end = inner.get(skip..)?.find(']')? + skip;
    let mut class = String::from(if negated { "[^" } else { "[" });
    for c in inner.get(..end)?.chars() {
        if matches!(c, '\\' | '[' | ']' | '^' | '&' | '~' | '|') {
            class.push('\\');
        }
        class.push(c);
    }
    class.push(']');
    Some((class, inner.get(end + 1..)?))
}

/// `[1]` or `[1:3]` behind a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscript {
    One(i64),
    /// Both ends belong to it; without the last one it reaches to the end.
    Range(usize, Option<usize>),
}

impl Subscript {
    fn of(self, hosts: &IndexSet<usize>) -> Option<IndexSet<usize>> {
        match self {
            Self::One(at) => {
                let at = if at < 0 { i64::try_from(hosts.len()).ok()? + at } else { at };
                hosts.get_index(usize::try_from(at).ok()?).map(|host| IndexSet::from([*host]))
            }
            // Python takes an end of 0 for none: the first host alone.
            Self::Range(start, Some(0)) => hosts.get_index(start).map(|host| IndexSet::from([*host])),
            Self::Range(start, end) => {
                let count = end.map_or(hosts.len(), |end| (end + 1).saturating_sub(start));
                Some(hosts.iter().skip(start).take(count).copied().collect())
            }
        }
    }
}

/// Splits a subscript off a pattern that is no regular expression.
fn subscript<'a>(pattern: &'a str, chosen: &mut Chosen) -> (&'a str, Option<Subscript>) {
    let parts = || {
        let (name, inner) = pattern.strip_suffix(']')?.rsplit_once('[')?;
        let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if name.is_empty() || pattern.starts_with('~') {
            return None;
        }
        let bare = inner.strip_prefix('-').unwrap_or(inner);
        if !bare.is_empty() && digits(bare) {
            return Some((name, Subscript::One(inner.parse().ok()?), false));
        }
        let at = inner.find([':', '-'])?;
        let (start, end) = (inner.get(..at)?, inner.get(at + 1..)?);
        if start.is_empty() || !digits(start) || !digits(end) {
            return None;
        }
        let last = if end.is_empty() { None } else { Some(end.parse().ok()?) };
        let range = Subscript::Range(start.parse().ok()?, last);
        Some((name, range, inner.get(at..=at) == Some("-")))
    };
    match parts() {
        None => (pattern, None),
        Some((name, subscript, dash)) => {
            if dash {
                chosen
                    .warnings
                    .push("Use [x:y] inclusive subscripts instead of [x-y] which has been removed");
            }
            (name, Some(subscript))
        }
    }
}

impl Chosen {
    /// Leaves only the hosts that are in the other one too.
    pub(crate) fn limit(&mut self, other: &Self) {
        let others: HashSet<usize> = other.hosts.iter().copied().collect();
        self.hosts.retain(|host| others.contains(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::GroupNames;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        for (group, hosts) in [("web", ["w1", "w2", "w3"]), ("db", ["d1", "d2", "w3"])] {
            inventory.add_group(group).expect("a name");
            for host in hosts {
                inventory.add_host(host, Some(group), None).expect("a name");
            }
        }
        inventory.reconcile();
        inventory
    }

    fn choose(pattern: &str) -> String {
        let mut inventory = inventory();
        let chosen = Chooser { inventory: &mut inventory }.choose(&split(pattern)).expect("a pattern");
        let names: Vec<&str> = chosen.hosts.iter().map(|host| &*inventory.hosts[*host].name).collect();
        names.join(" ")
    }

    #[test]
    fn patterns_choose_hosts_as_ansibles_do() {
        for (pattern, hosts) in [
            ("all", "w1 w2 w3 d1 d2"),
            ("*", "w1 w2 w3 d1 d2"),
            ("web", "w1 w2 w3"),
            ("web:db", "w1 w2 w3 d1 d2"),
            ("db,w1", "d1 d2 w3 w1"),
            ("web:&db", "w3"),
            ("web:!w2", "w1 w3"),
            ("!web", "d1 d2"),
            ("&db", "w3 d1 d2"),
            ("w*", "w1 w2 w3"),
            ("[wd]1", "w1 d1"),
            ("[!w]1", "d1"),
            ("~(w|d)[12]$", "w1 w2 d1 d2"),
            ("web[0]", "w1"),
            ("web[-1]", "w3"),
            ("web[1:]", "w2 w3"),
            ("web[0:1]", "w1 w2"),
            ("web[1:1]", "w2"),
            ("web[5:]", ""),
            ("w?[1]", "w2"),
            ("localhost", "localhost"),
            ("ungr*", ""),
        ] {
            assert_eq!(choose(pattern), hosts, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_means_nothing_is_told_and_one_beyond_the_end_is_wrong() {
        let mut inventory = inventory();
        let mut chooser = Chooser { inventory: &mut inventory };
        let chosen = chooser.choose(&split("web,nope,no*")).expect("a pattern");
        assert_eq!(chosen.unmatched, ["nope", "no*"]);
        let error = chooser.choose(&split("web[7]")).expect_err("no such host");
        assert_eq!(error.message, "No hosts matched the subscripted pattern 'web[7]'");
        chooser.choose(&split("~(")).expect_err("no regular expression");
    }

    #[test]
    fn colons_split_only_where_there_is_no_comma_and_no_bracket() {
        for (pattern, parts) in [
            ("a:b", vec!["a", "b"]),
            ("a,b:c", vec!["a", "b:c"]),
            ("a[1:2]:b", vec!["a[1:2]", "b"]),
            ("::1", vec!["::1"]),
            ("a b", vec!["a", "b"]),
            (" a , b ", vec!["a", "b"]),
            ("web:&db:!x", vec!["web", "&db", "!x"]),
        ] {
            assert_eq!(split(pattern), parts, "{pattern}");
        }
    }
}
