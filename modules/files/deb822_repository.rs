use std::collections::BTreeMap;
use std::path::Path;

use rplay_http::{Ended, Question};
use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Value, json};

use crate::attributes::Attributes;
use crate::content::Source;
use crate::seen::{self, system_words};
use crate::tree::Entry;
use crate::write::{self, Manner};
use crate::{paths, settle};

/// Keeps a source of Debian packages in a file of its own, in the format of deb822.
#[derive(Params)]
pub(crate) struct Deb822RepositoryParams {
    /// The source's name; its file is called after it.
    name: String,
    /// Whether the file shall be there.
    #[param(default = "present")]
    state: State,
    /// Where packages are fetched from.
    uris: Option<Vec<String>>,
    /// The releases, or paths that end with a slash.
    suites: Option<Vec<String>>,
    /// The parts of a release.
    components: Option<Vec<String>>,
    /// Whether packages, their sources, or both are fetched.
    #[param(default = ["deb"])]
    types: Vec<Type>,
    /// The key that signs it: a file on the host, an address to fetch it from, a fingerprint, or the key itself.
    signed_by: Option<String>,
    /// For which machines.
    architectures: Option<Vec<String>>,
    /// In which languages descriptions are fetched.
    languages: Option<Vec<String>>,
    /// What is fetched of the source.
    targets: Option<Vec<String>>,
    /// Whether it is used.
    enabled: Option<bool>,
    /// Whether it is taken for signed whatever its signature.
    trusted: Option<bool>,
    /// Whether a source that was signed may be unsigned.
    allow_downgrade_to_insecure: Option<bool>,
    /// Whether it may be unsigned.
    allow_insecure: Option<bool>,
    /// Whether it may be signed with a weak algorithm.
    allow_weak: Option<bool>,
    /// Whether files are asked for by their checksum.
    by_hash: Option<bool>,
    /// Whether the machine's clock is taken into account.
    check_date: Option<bool>,
    /// Whether an old release is refused.
    check_valid_until: Option<bool>,
    /// How many seconds in the future a release may be.
    date_max_future: Option<i64>,
    /// The path of the `InRelease` file.
    inrelease_path: Option<String>,
    /// Whether differences of indexes are fetched.
    pdiffs: Option<bool>,
    /// The permissions of the file.
    #[param(default = "0644")]
    mode: Value,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Deb,
    #[choice("deb-src")]
    DebSrc,
}

/// Where apt keeps what this module writes.
const SOURCES: &str = "/etc/apt/sources.list.d";
const KEYRINGS: &str = "/etc/apt/keyrings";

/// A key to keep beside the source.
struct Key {
    path: String,
    bytes: Vec<u8>,
    folder_changes: bool,
}

/// What the parameters come to.
struct Plan {
    source: String,
    repo: String,
    key: Option<Key>,
    /// What the result calls the key's file.
    key_filename: Option<String>,
}

impl Deb822RepositoryParams {
    /// Returns the name that files have: small letters, digits and dashes.
    fn slug(&self) -> String {
        let mut slug = String::new();
        let mut gap = false;
        for character in self.name.to_lowercase().chars() {
            let blank = character == '_' || character.is_whitespace();
            if blank && !gap {
                slug.push('-');
            }
            gap = blank;
            if character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-' {
                slug.push(character);
            }
        }
        slug
    }

    fn source(&self) -> String {
        format!("{SOURCES}/{}.sources", self.slug())
    }

    fn keys(&self) -> [String; 2] {
        ["asc", "gpg"].map(|ending| format!("{KEYRINGS}/{}.{ending}", self.slug()))
    }

    /// Returns the file's text; `signed_by` is what the key comes to.
    fn text(&self, signed_by: Option<&str>) -> String {
        let truth = |value: Option<bool>| value.map(|value| (if value { "yes" } else { "no" }).to_owned());
        let list = |value: &Option<Vec<String>>| value.as_ref().map(|words| words.join(" "));
        let types: Vec<&str> = self.types.iter().map(|kind| kind.as_str()).collect();
        // In the order of the parameters' names.
        let fields = BTreeMap::from([
            ("allow_downgrade_to_insecure", truth(self.allow_downgrade_to_insecure)),
            ("allow_insecure", truth(self.allow_insecure)),
            ("allow_weak", truth(self.allow_weak)),
            ("architectures", list(&self.architectures)),
            ("by_hash", truth(self.by_hash)),
            ("check_date", truth(self.check_date)),
            ("check_valid_until", truth(self.check_valid_until)),
            ("components", list(&self.components)),
            ("date_max_future", self.date_max_future.map(|seconds| seconds.to_string())),
            ("enabled", truth(self.enabled)),
            ("inrelease_path", self.inrelease_path.clone()),
            ("languages", list(&self.languages)),
            ("name", Some(self.name.clone())),
            ("pdiffs", truth(self.pdiffs)),
            ("signed_by", signed_by.map(str::to_owned)),
            ("suites", list(&self.suites)),
            ("targets", list(&self.targets)),
            ("trusted", truth(self.trusted)),
            ("types", Some(types.join(" "))),
            ("uris", list(&self.uris)),
        ]);
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| line(name, &value)).collect()
    }

    async fn plan(&self, cx: &Cx) -> Result<Plan> {
        let source = self.source();
        let Some(signed_by) = &self.signed_by else {
            return Ok(Plan { source, repo: self.text(None), key: None, key_filename: None });
        };
        if paths::real(cx, signed_by).is_file() {
            let key_filename = Some(signed_by.clone());
            return Ok(Plan { source, repo: self.text(Some(signed_by)), key: None, key_filename });
        }
        if !is_address(signed_by) {
            return Ok(Plan { source, repo: self.text(Some(signed_by)), key: None, key_filename: None });
        }
        let bytes = fetch(cx, signed_by).await?;
        let armored = String::from_utf8_lossy(&bytes).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
        let [asc, gpg] = self.keys();
        let path = if armored { asc } else { gpg };
        let folder_changes = !paths::real(cx, KEYRINGS).is_dir();
        let repo = self.text(Some(&path));
        Ok(Plan {
            source,
            repo,
            key_filename: Some(path.clone()),
            key: Some(Key { path, bytes, folder_changes }),
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes::of_mode(self.mode.clone())
    }

    /// Returns the files that shall go.
    fn there(&self, cx: &Cx) -> Vec<String> {
        let files = std::iter::once(self.source()).chain(self.keys());
        files.filter(|file| paths::real(cx, file).exists()).collect()
    }

    fn gone(&self, changed: bool) -> Deed {
        let [_, key] = self.keys();
        Deed::new(changed, json!({ "repo": null, "dest": self.source(), "key_filename": key }))
    }
}

impl Plan {
    async fn deed(&self, cx: &Cx, changed: bool) -> Deed {
        let mut deed = Deed::new(
            changed,
            json!({ "repo": self.repo, "dest": self.source, "key_filename": self.key_filename }),
        );
        deed.result.extend(seen::info(cx, &self.source).await);
        deed
    }
}

fn line(name: &str, value: &str) -> String {
    let shown = match name {
        "name" => "X-Repolib-Name".to_owned(),
        "uris" => "URIs".to_owned(),
        other => other.split('_').map(capital).collect::<Vec<_>>().join("-"),
    };
    if !value.contains('\n') {
        return if value.is_empty() { format!("{shown}:\n") } else { format!("{shown}: {value}\n") };
    }
    let mut text = format!("{shown}:\n");
    for part in value.trim().lines().map(str::trim) {
        text.push_str("    ");
        text.push_str(if part.is_empty() { "." } else { part });
        text.push('\n');
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// A key's own text has colons too: only what stands before one like a scheme makes an address.
fn is_address(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

async fn fetch(cx: &Cx, url: &str) -> Result<Vec<u8>> {
    let failed = |why: &str| Failure::new(format!("Could not fetch signed_by key: {why}"));
    if let Some(path) = url.strip_prefix("file://") {
        return std::fs::read(path).map_err(|error| failed(&system_words(&error)));
    }
    let asked = rplay_http::ask(cx, &Question::get(url)).await;
    match asked.map_err(|failure| failed(&failure.message))?.ended {
        Ended::Success(answer, _) => Ok(answer.body),
        Ended::Refusal(_, said) | Ended::Nothing(said) => Err(failed(&said)),
    }
}

fn differs(cx: &Cx, shown: &str, bytes: &[u8]) -> bool {
    std::fs::read(paths::real(cx, shown)).map_or(true, |there| there != bytes)
}

async fn put(cx: &Cx, shown: &str, bytes: &[u8], mode: &Attributes) -> Result<bool> {
    let changes = differs(cx, shown, bytes);
    if changes {
        let manner = Manner { unsafe_writes: mode.writes_unsafely(cx), validate: None, keeps: true };
        write::file(cx, shown, &Source::Bytes(bytes.to_vec()), &Entry::of("file"), manner).await?;
    }
    Ok(settle::settle(cx, mode, shown).await?.changed || changes)
}

pub(crate) struct Deb822Repository;

impl Action for Deb822Repository {
    type Params = Deb822RepositoryParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &Deb822RepositoryParams) -> Result<Deed> {
        if p.state == State::Absent {
            return Ok(p.gone(!p.there(cx).is_empty()));
        }
        let plan = p.plan(cx).await?;
        let key_changes = plan.key.as_ref().is_some_and(|key| differs(cx, &key.path, &key.bytes));
        let mode_changes = settle::foretold(cx, &p.attributes(), &plan.source).await?.changed;
        let changed = key_changes || mode_changes || differs(cx, &plan.source, plan.repo.as_bytes());
        Ok(plan.deed(cx, changed).await)
    }

    async fn perform(&self, cx: &Cx, p: &Deb822RepositoryParams) -> Result<Deed> {
        if p.state == State::Absent {
            let there = p.there(cx);
            there.iter().try_for_each(|file| write::remove(cx, file))?;
            return Ok(p.gone(!there.is_empty()));
        }
        let plan = p.plan(cx).await?;
        let mut changed = false;
        if let Some(key) = &plan.key {
            if key.folder_changes {
                write::folder(cx, KEYRINGS)?;
                settle::settle(cx, &Attributes::of_mode(Value::from("0755")), KEYRINGS).await?;
            }
            changed |= put(cx, &key.path, &key.bytes, &Attributes::of_mode(Value::from("0644"))).await?;
        }
        if !Path::new(SOURCES).is_dir() {
            return Err(Failure::new(format!(
                "could not write {}: there is no folder {SOURCES}",
                plan.source
            )));
        }
        changed |= put(cx, &plan.source, plan.repo.as_bytes(), &p.attributes()).await?;
        Ok(plan.deed(cx, changed).await)
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Mode, params};
    use serde_json::json;

    use super::{Deb822RepositoryParams, is_address};
    use crate::tests::Bench;

    fn given(args: &serde_json::Value) -> Deb822RepositoryParams {
        params::parse::<Deb822RepositoryParams>(args).unwrap_or_else(|_| panic!("{args}")).params
    }

    #[test]
    fn the_source_is_written_in_the_order_of_its_parameters() {
        let source = given(&json!({
            "name": "My_Repo  one!", "uris": ["https://h/debian"], "suites": "stable", "components": "main contrib",
            "enabled": true, "by_hash": false, "date_max_future": 10, "types": ["deb", "deb-src"],
        }));
        assert_eq!(source.slug(), "my-repo-one");
        assert_eq!(
            source.text(Some("-----BEGIN-----\n\n  key\n-----END-----\n")),
            "By-Hash: no\nComponents: main contrib\nDate-Max-Future: 10\nEnabled: yes\n\
             X-Repolib-Name: My_Repo  one!\nSigned-By:\n    -----BEGIN-----\n    .\n    key\n    -----END-----\n\
             Suites: stable\nTypes: deb deb-src\nURIs: https://h/debian\n"
        );
    }

    #[test]
    fn only_what_begins_like_one_is_an_address() {
        assert!(is_address("https://h/k.asc"));
        assert!(!is_address("ABCD1234") && !is_address("-----BEGIN PGP\nVersion: 1\n"));
    }

    #[tokio::test]
    async fn a_source_is_foretold_with_what_would_be_written() {
        let args = json!({ "name": "rplay none", "uris": "http://127.0.0.1/d", "suites": "./" });
        let foretold = Bench::new().run("deb822_repository", &args, Mode::Check).await;
        assert!(foretold.changed, "{:?}", foretold.failure);
        assert_eq!(foretold.result["dest"], "/etc/apt/sources.list.d/rplay-none.sources");
        assert_eq!(
            foretold.result["repo"],
            "X-Repolib-Name: rplay none\nSuites: ./\nTypes: deb\nURIs: http://127.0.0.1/d\n"
        );
        let absent = json!({ "name": "rplay none", "state": "absent" });
        let kept = Bench::new().run("deb822_repository", &absent, Mode::Apply).await;
        assert!(!kept.changed && kept.result["repo"].is_null());
        assert_eq!(kept.result["key_filename"], "/etc/apt/keyrings/rplay-none.gpg");
    }
}
