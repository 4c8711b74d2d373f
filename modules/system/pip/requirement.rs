//! Packages as `pip` takes them: a name with extras, versions and conditions, or an address.

use std::fmt;

use super::version::Version;

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// As the playbook writes it.
    text: String,
    /// Set where it is a name rather than an address or a path.
    named: Option<Named>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    extras: String,
    /// Sorted, as pip itself writes them.
    versions: Vec<(String, String)>,
    condition: String,
}

const RELATIONS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// Puts together what commas took apart: `a>1` and `<2` are one.
pub(super) fn all(names: &[String]) -> Vec<Requirement> {
    let mut whole: Vec<String> = Vec::new();
    let mut bracketed = false;
    for part in names.iter().flat_map(|name| name.split(',')) {
        let version = RELATIONS.iter().any(|relation| part.trim_start().starts_with(relation));
        match whole.last_mut() {
            Some(last) if version || bracketed => {
                last.push(',');
                last.push_str(part);
            }
            _ => whole.push(part.to_owned()),
        }
        bracketed = (bracketed || part.contains('[')) && !part.contains(']');
    }
    whole.iter().map(|text| Requirement::read(text)).collect()
}

impl Requirement {
    fn read(text: &str) -> Self {
        Self { text: text.to_owned(), named: Named::read(text) }
    }

    pub(super) fn has_versions(&self) -> bool {
        self.named.as_ref().is_some_and(|named| !named.versions.is_empty())
    }

    pub(super) fn is_address(&self) -> bool {
        ["git+", "svn+", "hg+", "bzr+"].iter().any(|scheme| self.text.starts_with(scheme))
    }

    /// Returns the same package at a version, or within versions.
    pub(super) fn at(self, version: &str) -> Self {
        let version = version.trim_start();
        let relation = if version.starts_with(|first: char| first.is_ascii_digit()) { "==" } else { " " };
        Self::read(&format!("{self}{relation}{version}"))
    }

    /// Returns whether an installed package is what is asked for.
    pub(super) fn is(&self, name: &str, version: &str) -> bool {
        let Some(named) = &self.named else { return false };
        let fits = |(relation, wanted): &(String, String)| Version::of(version).meets(relation, wanted);
        plain(&named.name) == plain(name) && named.versions.iter().all(fits)
    }
}

/// Names are the same whatever case and sign they are written with (PEP 503).
fn plain(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

impl Named {
    fn read(text: &str) -> Option<Self> {
        let (text, condition) = text.split_once(';').unwrap_or((text, ""));
        let text = text.trim();
        let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
        let (name, mut rest) = text.split_at(end.unwrap_or(text.len()));
        if !name.starts_with(|first: char| first.is_ascii_alphanumeric())
            || !name.ends_with(|last: char| last.is_ascii_alphanumeric())
        {
            return None;
        }
        let mut extras = String::new();
        rest = rest.trim_start();
        if rest.starts_with('[') {
            let (inside, tail) = rest.split_at(rest.find(']')? + 1);
            extras = inside.split_whitespace().collect();
            rest = tail.trim_start();
        }
        let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
        let mut versions = Vec::new();
        for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let relation = RELATIONS.iter().find(|relation| part.starts_with(**relation))?;
            versions.push(((*relation).to_owned(), part.get(relation.len()..)?.trim().to_owned()));
        }
        versions.sort_by_key(|(relation, version)| format!("{relation}{version}"));
        Some(Self { name: name.to_owned(), extras, versions, condition: condition.trim().to_owned() })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(named) = &self.named else { return f.write_str(&self.text) };
        write!(f, "{}{}", named.name, named.extras)?;
        let versions: Vec<String> =
            named.versions.iter().map(|(relation, version)| format!("{relation}{version}")).collect();
        f.write_str(&versions.join(","))?;
        if named.condition.is_empty() { Ok(()) } else { write!(f, "; {}", named.condition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        all(&names).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_put_together() {
        for (names, expected) in [
            (vec!["a>1.1", "<1.3", "b"], vec!["a<1.3,>1.1", "b"]),
            (vec!["a>1.1,<1.3,b"], vec!["a<1.3,>1.1", "b"]),
            (vec!["a[x,y]==1"], vec!["a[x,y]==1"]),
            (vec!["git+https://h/r@v#egg=x"], vec!["git+https://h/r@v#egg=x"]),
            (vec!["/tmp/x.whl"], vec!["/tmp/x.whl"]),
        ] {
            assert_eq!(texts(&names), expected);
        }
    }

    #[test]
    fn a_version_is_added() {
        let of = |text: &str, version: &str| Requirement::read(text).at(version).to_string();
        assert_eq!([of("a", "1.0"), of("a", "<2,>1"), of("a", "==1")], ["a==1.0", "a<2,>1", "a==1"]);
    }

    #[test]
    fn an_installed_package_is_found_by_any_spelling() {
        assert!(Requirement::read("Foo.Bar>=1").is("foo_bar", "1.2"));
        assert!(!Requirement::read("foo-bar>=2").is("foo-bar", "1.2"));
        assert!(!Requirement::read("foo").is("bar", "1"));
    }
}
