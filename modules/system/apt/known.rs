//! What dpkg and apt know of packages: whether they are there, and which version could be.

use std::cmp::Ordering;
use std::collections::HashMap;

use rplay_module::{Cx, Failure, Result, fnmatch};

use super::{AptParams, State, orders};
use crate::program::Order;

/// A package as the playbook names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    text: String,
    name: String,
    /// `=` or `>=`, and a version.
    version: Option<(bool, String)>,
}

impl Asked {
    fn read(text: &str) -> Self {
        let (name, version) = match text.split_once('=') {
            None => (text, None),
            Some((name, version)) => match name.strip_suffix('>') {
                Some(name) => (name, Some((true, version.to_owned()))),
                None => (name, Some((false, version.to_owned()))),
            },
        };
        Self { text: text.to_owned(), name: name.to_owned(), version }
    }
}

/// What is known of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// The version that is there.
    installed: Option<String>,
    /// It is gone but for its configuration.
    leftovers: bool,
    /// The version that apt would install.
    candidate: Option<String>,
    /// Every version that apt could install, highest first.
    versions: Vec<String>,
}

/// The packages that are asked for, and what is known of them.
pub(super) struct Packages {
    asked: Vec<Asked>,
    known: HashMap<String, Known>,
    /// No package of its own, but something that others provide: by which packages.
    provided: HashMap<String, Vec<String>>,
    cx: Cx,
}

impl Packages {
    pub(super) async fn about(cx: &Cx, names: &[String], release: Option<&str>) -> Result<Self> {
        let mut asked = Vec::new();
        for text in names {
            let one = Asked::read(text);
            if !one.name.contains(['*', '?', '[', ']', '!']) {
                asked.push(one);
                continue;
            }
            let matching = matching(cx, &one.name).await?;
            if matching.is_empty() {
                return Err(Failure::new(format!("No package(s) matching '{}' available", one.name)));
            }
            asked.extend(matching.iter().map(|name| Asked::read(name)));
        }
        let mut packages = Self { asked, known: HashMap::new(), provided: HashMap::new(), cx: cx.clone() };
        if !packages.asked.is_empty() {
            packages.look(release).await?;
        }
        Ok(packages)
    }

    async fn look(&mut self, release: Option<&str>) -> Result<()> {
        let names: Vec<String> = self.asked.iter().map(|one| one.name.clone()).collect();
        let format = "${Package}\t${binary:Package}\t${db:Status-Status}\t${Version}\n";
        let order = Order::new(["dpkg-query", "-W", "-f", format]).args(names.clone());
        let found = orders::plain(order).run(&self.cx).await?;
        for line in found.out.lines() {
            let [name, full, status, version] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap_or_default();
            for key in names.iter().filter(|key| *key == name || *key == full) {
                let known = self.known.entry(key.clone()).or_default();
                match status {
                    "installed" => known.installed = Some(version.to_owned()),
                    "config-files" => known.leftovers = true,
                    _ => {}
                }
            }
        }
        let release = release.map(|release| format!("APT::Default-Release={release}"));
        let order = Order::new(["apt-cache", "policy"]).option("-o", release).args(names.clone());
        let said = orders::plain(order).run(&self.cx).await?.out;
        for (name, candidate, versions) in policies(&said) {
            let Some(key) =
                names.iter().find(|key| **key == name || key.split(':').next() == Some(name.as_str()))
            else {
                continue;
            };
            let known = self.known.entry(key.clone()).or_default();
            known.candidate = candidate;
            known.versions = versions;
        }
        let strange: Vec<String> = names.into_iter().filter(|name| self.is_virtual(name)).collect();
        for name in strange {
            let providers = providers(&self.cx, &name).await?;
            self.provided.insert(name, providers);
        }
        Ok(())
    }

    /// No version of it is there or to be had: something that others provide, or nothing at all.
    fn is_virtual(&self, name: &str) -> bool {
        self.known.get(name).is_none_or(|known| {
            known.installed.is_none() && known.candidate.is_none() && known.versions.is_empty()
        })
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.iter().map(|one| one.text.clone()).collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.asked.iter().map(|one| one.name.clone()).collect()
    }

    /// Returns what has to be named to apt-get so that every package is there as it shall be.
    pub(super) async fn wanted(&self, p: &AptParams) -> Result<Vec<String>> {
        let mut wanted = Vec::new();
        for one in &self.asked {
            wanted.extend(self.want(one, p).await?);
        }
        Ok(wanted)
    }

    async fn want(&self, one: &Asked, p: &AptParams) -> Result<Option<String>> {
        if let Some(providers) = self.provided.get(&one.name) {
            if providers.is_empty() {
                return Err(Failure::new(format!("No package matching '{}' is available", one.name)));
            }
            if let [provider] = providers.as_slice()
                && installed(&self.cx, provider).await?
            {
                return Ok(None);
            }
            return Ok((!p.only_upgrade).then(|| one.text.clone()));
        }
        let unknown = Known::default();
        let known = self.known.get(&one.name).unwrap_or(&unknown);
        let (fits, best) = self.versions(one, known).await?;
        if known.installed.is_none() && p.only_upgrade {
            return Ok(None);
        }
        if !fits && best.is_none() {
            return Err(Failure::new(format!("no available installation candidate for {}", one.text)));
        }
        let named = best.map(|best| format!("{}={best}", one.name));
        let missing = known.installed.is_none();
        Ok(if named.is_some() && (missing || p.state == State::Latest || !fits) {
            named
        } else if fits && named.is_some() && matches!(one.version, Some((false, _))) {
            Some(one.text.clone())
        } else {
            None
        })
    }

    /// Returns whether the version that is there will do, and which other one there is.
    async fn versions(&self, one: &Asked, known: &Known) -> Result<(bool, Option<String>)> {
        let have = known.installed.as_deref();
        let other = |best: Option<&String>| best.filter(|best| have != Some(best.as_str())).cloned();
        Ok(match &one.version {
            None => (have.is_some(), other(known.candidate.as_ref())),
            Some((false, version)) => {
                let fits = |text: &str| fnmatch::matches(version, text);
                (have.is_some_and(fits), other(known.versions.iter().find(|version| fits(version))))
            }
            Some((true, version)) => {
                let enough = async |text: &str| compare(&self.cx, text, version).await.map(Ordering::is_ge);
                let there = match have {
                    Some(have) => enough(have).await?,
                    None => false,
                };
                let best = match &known.candidate {
                    Some(best) if enough(best).await? => Some(best),
                    _ => None,
                };
                (there, other(best))
            }
        })
    }

    /// Returns what there is of the packages to be removed.
    pub(super) fn removable(&self, purge: bool) -> Vec<String> {
        let there = |one: &&Asked| {
            self.known.get(&one.name).is_some_and(|known| {
                let fits = match (&known.installed, &one.version) {
                    (Some(have), Some((false, version))) => fnmatch::matches(version, have),
                    (have, _) => have.is_some(),
                };
                fits || (known.leftovers && purge)
            })
        };
        self.asked.iter().filter(there).map(|one| one.text.clone()).collect()
    }
}

/// Returns the order of two versions, as dpkg sees it.
pub(super) async fn compare(cx: &Cx, one: &str, other: &str) -> Result<Ordering> {
    for (relation, order) in [("lt", Ordering::Less), ("eq", Ordering::Equal)] {
        if Order::new(["dpkg", "--compare-versions", one, relation, other]).run(cx).await?.ok() {
            return Ok(order);
        }
    }
    Ok(Ordering::Greater)
}

async fn installed(cx: &Cx, name: &str) -> Result<bool> {
    let order = orders::plain(Order::new(["dpkg-query", "-W", "-f", "${db:Status-Status}", name]));
    Ok(order.run(cx).await?.out.contains("installed"))
}

/// Returns the packages whose names match a pattern.
async fn matching(cx: &Cx, pattern: &str) -> Result<Vec<String>> {
    let all = orders::plain(Order::new(["apt-cache", "pkgnames"])).run(cx).await?;
    let mut names: Vec<String> =
        all.out.lines().filter(|name| fnmatch::matches(pattern, name)).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// Returns the packages that provide something.
async fn providers(cx: &Cx, name: &str) -> Result<Vec<String>> {
    let shown = orders::plain(Order::new(["apt-cache", "showpkg", name])).run(cx).await?;
    let lines = shown.out.lines().skip_while(|line| !line.starts_with("Reverse Provides:")).skip(1);
    let mut names: Vec<String> =
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Reads `apt-cache policy`: of each package its name, candidate, and the versions of its table.
fn policies(text: &str) -> Vec<(String, Option<String>, Vec<String>)> {
    let mut found: Vec<(String, Option<String>, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            found.push((name.to_owned(), None, Vec::new()));
            continue;
        }
        let Some((_, candidate, versions)) = found.last_mut() else { continue };
        if let Some(version) = line.trim_start().strip_prefix("Candidate: ") {
            *candidate = Some(version.to_owned()).filter(|version| version != "(none)");
            continue;
        }
        // ` *** 1.2-3 990` is the version that is there, `     1.2-3 500` another; sources are set further in.
        let row = line
            .strip_prefix(" *** ")
            .or_else(|| line.strip_prefix("     "))
            .filter(|row| !row.starts_with(' '));
        if let Some(version) = row.and_then(|row| row.split_whitespace().next()) {
            versions.push(version.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_asked_for_with_or_without_a_version() {
        for (text, name, version) in [
            ("a", "a", None),
            ("a=1.0*", "a", Some((false, "1.0*".to_owned()))),
            ("a>=1:2", "a", Some((true, "1:2".to_owned()))),
        ] {
            let asked = Asked::read(text);
            assert_eq!((asked.name.as_str(), asked.version), (name, version));
        }
    }

    #[test]
    fn the_policy_of_apt_is_read() {
        let text = "bash:\n  Installed: 5.2-2\n  Candidate: 5.2-3\n  Version table:\n     5.2-3 500\n        500 http://x y/main amd64 Packages\n *** 5.2-2 100\n        100 /var/lib/dpkg/status\nnone:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let expected = vec![
            ("bash".to_owned(), Some("5.2-3".to_owned()), vec!["5.2-3".to_owned(), "5.2-2".to_owned()]),
            ("none".to_owned(), None, vec![]),
        ];
        assert_eq!(policies(text), expected);
    }
}
