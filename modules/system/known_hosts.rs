use std::io::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::json;
use sha1::Sha1;

use crate::paths;
use crate::program::{self, Order};

/// Keeps a host's key in a file of those that SSH knows.
#[derive(Params)]
pub(crate) struct KnownHostsParams {
    /// The host.
    #[param(alias = "host")]
    name: String,
    /// The line of the key: host, kind, key.
    key: Option<String>,
    /// The file.
    #[param(default = "~/.ssh/known_hosts")]
    path: PathBuf,
    /// Whether the host's name is hashed in the file.
    #[param(default = false)]
    hash_host: bool,
    /// Whether the key shall be there; without a key, `absent` takes out all of the host.
    #[param(default = "present")]
    state: State,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

/// What the file has of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    host: bool,
    /// The key differs, or is of a kind that the file does not have.
    other: bool,
    /// The line with the key of that kind, from 1.
    line: Option<usize>,
}

/// What shall be done.
struct Work {
    path: String,
    host: String,
    key: Option<String>,
    found: Found,
    before: Option<String>,
}

/// The parts of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key<'a> {
    marker: Option<&'a str>,
    host: &'a str,
    kind: &'a str,
    key: &'a str,
}

fn key_of(line: &str) -> Option<Key<'_>> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (marker, rest) = match fields.split_first() {
        Some((first, rest)) if first.starts_with('@') => (Some(*first), rest),
        _ => (None, fields.as_slice()),
    };
    match rest {
        [host, kind, key, ..] => Some(Key { marker, host, kind, key }),
        _ => None,
    }
}

impl KnownHostsParams {
    async fn work(&self, cx: &Cx) -> Result<Work> {
        let host = self.name.to_lowercase();
        let given = self.key.as_deref().filter(|key| !key.is_empty());
        if given.is_none() && self.state == State::Present {
            return Err(Failure::new("No key specified when adding a host"));
        }
        let path = paths::expand(cx, &self.path);
        let keygen = program::require(cx, "ssh-keygen")?;
        let key = given.map(|key| if self.hash_host { hashed(cx, &host, key) } else { key.to_owned() });
        let key = key.map(|key| if key.ends_with('\n') { key } else { key + "\n" });
        if let Some(key) = &key {
            sane(cx, &keygen, &host, key).await?;
        }
        let before = std::fs::read(paths::real(cx, &path)).ok();
        let before = before.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut found = Found::default();
        if before.is_some() {
            let file = paths::real(cx, &path).to_string_lossy().into_owned();
            found = search(cx, &keygen, &host, key.as_deref(), &file).await?;
        }
        Ok(Work { path, host, key, found, before })
    }

    fn changes(&self, work: &Work) -> bool {
        // A key that is not there cannot be taken out, whatever other keys the host has.
        if self.state == State::Absent && work.key.is_some() && work.found.line.is_none() {
            return false;
        }
        work.found.other || (self.state == State::Present) != work.found.host
    }

    /// Returns the file as it shall be.
    fn after(&self, work: &Work) -> String {
        let mut lines: Vec<&str> = work.before.as_deref().unwrap_or_default().split_inclusive('\n').collect();
        let present = self.state == State::Present;
        if let Some(at) = work.found.line.and_then(|line| line.checked_sub(1)).filter(|at| *at < lines.len())
            && (work.found.other || !present)
        {
            lines.remove(at);
        }
        let mut text = lines.concat();
        if let Some(key) =
            work.key.as_deref().filter(|_| present && (work.found.other || work.found.line.is_none()))
        {
            text.push_str(key);
        }
        text
    }

    fn deed(&self, work: &Work, changed: bool) -> Deed {
        let mut deed = Deed::new(
            changed,
            json!({
                "name": self.name, "key": self.key, "path": work.path, "hash_host": self.hash_host,
                "state": self.state.as_str(),
            }),
        );
        let header = if work.before.is_some() { work.path.as_str() } else { "/dev/null" };
        deed.diff.push(Diff {
            before: DiffSide::Text(work.before.clone().unwrap_or_default()),
            after: DiffSide::Text(self.after(work)),
            before_header: Some(header.to_owned()),
            after_header: Some(work.path.clone()),
            prepared: None,
        });
        deed
    }

    async fn apply(&self, cx: &Cx, work: &Work) -> Result<()> {
        let file = paths::real(cx, &work.path);
        if self.state == State::Absent && work.key.is_none() {
            let argv =
                [program::require(cx, "ssh-keygen")?, "-R".to_owned(), work.host.clone(), "-f".to_owned()];
            let ran = Order::new(argv).arg(file.to_string_lossy()).run(cx).await?;
            return if ran.ok() { Ok(()) } else { Err(ran.failure(ran.err.trim_end())) };
        }
        paths::replace(&file, self.after(work).as_bytes()).map_err(|error| {
            Failure::new(format!("Failed to write to file '{}'.", work.path)).hint(error.to_string())
        })
    }
}

/// Lets `ssh-keygen` say whether a key is one of that host, which for a hashed name nothing else can.
async fn sane(cx: &Cx, keygen: &str, host: &str, key: &str) -> Result<()> {
    if host.split_once(',').is_some_and(|(first, _)| !first.trim().is_empty()) {
        return Err(Failure::new(
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
        ));
    }
    let fail = |error: std::io::Error| Failure::new(format!("Failed to write to temporary file: {error}"));
    let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
    file.write_all(key.as_bytes()).map_err(fail)?;
    let argv = [keygen, "-F", host, "-f"].map(str::to_owned);
    let ran = Order::new(argv).arg(file.path().to_string_lossy()).run(cx).await?;
    if ran.out.is_empty() {
        return Err(Failure::new("Host parameter does not match hashed host field in supplied key"));
    }
    Ok(())
}

async fn search(cx: &Cx, keygen: &str, host: &str, key: Option<&str>, file: &str) -> Result<Found> {
    let ran = Order::new([keygen, "-F", host, "-f", file]).run(cx).await?;
    if ran.out.is_empty() && ran.err.is_empty() && matches!(ran.rc, 0 | 1) {
        return Ok(Found::default());
    }
    if !ran.ok() {
        let message = format!("ssh-keygen failed (rc={}, stdout='{}',stderr='{}')", ran.rc, ran.out, ran.err);
        return Err(Failure::new(message));
    }
    Ok(match key.and_then(key_of) {
        None => Found { host: true, ..Found::default() },
        Some(new) => compared(&ran.out, new),
    })
}

/// Reads what `ssh-keygen -F` says: before each key a comment with its line.
fn compared(said: &str, new: Key<'_>) -> Found {
    let mut line = None;
    for text in said.lines().filter(|text| !text.is_empty()) {
        if text.starts_with('#') {
            line = text
                .split_once("found: line ")
                .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
            continue;
        }
        let Some(found) = key_of(text) else { continue };
        let marked = found
            .marker
            .is_some_and(|marker| marker.starts_with("@cert-authority") || marker.starts_with("@revoke"));
        let both_hashed = !marked && new.host.starts_with("|1|") && found.host.starts_with("|1|");
        let same = Key { host: if both_hashed { found.host } else { new.host }, ..new } == found;
        if same {
            return Found { host: true, other: false, line };
        }
        if !marked && found.kind == new.kind {
            return Found { host: true, other: true, line };
        }
    }
    Found { host: true, other: true, line: None }
}

/// Hashes the host's name with a salt of its own, as SSH does.
fn hashed(cx: &Cx, host: &str, key: &str) -> String {
    let mut salt = [0; 20];
    cx.world().random(&mut salt);
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).expect("a key of any length will do");
    mac.update(host.as_bytes());
    let hash = format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes()));
    let mut fields: Vec<&str> = key.split_whitespace().collect();
    let at = usize::from(fields.first().is_some_and(|first| first.starts_with('@')));
    if let Some(field) = fields.get_mut(at) {
        *field = &hash;
    }
    fields.join(" ")
}

pub(crate) struct KnownHosts;

impl Action for KnownHosts {
    type Params = KnownHostsParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &KnownHostsParams) -> Result<Deed> {
        let work = p.work(cx).await?;
        Ok(paths::informed(cx, p.deed(&work, p.changes(&work)), &work.path))
    }

    /// In check mode Ansible's module tells whether it would change something, and no more.
    fn checked(&self, foretold: Deed) -> Deed {
        Deed { result: serde_json::Map::new(), ..foretold }
    }

    async fn perform(&self, cx: &Cx, p: &KnownHostsParams) -> Result<Deed> {
        let work = p.work(cx).await?;
        let changes = p.changes(&work);
        if changes {
            p.apply(cx, &work).await?;
        }
        Ok(paths::informed(cx, p.deed(&work, changes), &work.path))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Mode, Outcome};
    use serde_json::{Value, json};

    use super::{Found, compared, key_of};
    use crate::tests::Bench;

    const KEY: &str =
        "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh8Rw9wG8m0wC0Qn0nG1YQx1u2h4v5w6x7y8z9A0B1C";

    /// A stand-in that finds a host by its name alone.
    fn bench() -> Bench {
        let bench = Bench::new();
        bench.script(
            "ssh-keygen",
            r##"if [ "$1" = -R ]; then grep -v "^$2 " "$4" > "$4.new"; mv "$4.new" "$4"; exit 0; fi
               line=$(grep -n "^$2 " "$4" | head -n 1) || exit 1
               [ -n "$line" ] || exit 1
               echo "# Host $2 found: line ${line%%:*}"; echo "${line#*:}""##,
        );
        bench
    }

    async fn run(bench: &Bench, mut args: Value, mode: Mode) -> Outcome {
        args["name"] = json!("example.org");
        args["path"] = json!("hosts");
        bench.run("known_hosts", &args, mode).await
    }

    #[tokio::test]
    async fn a_key_is_foretold_added_kept_replaced_and_taken_out() {
        let bench = bench();
        bench.write("hosts", "other ssh-rsa AAAA\n");
        let foretold = run(&bench, json!({ "key": KEY }), Mode::Check).await;
        assert!(foretold.changed && !bench.read("hosts").contains("example"), "{:?}", foretold.failure);
        assert!(foretold.result.is_empty(), "{:?}", foretold.result);
        let added = run(&bench, json!({ "key": KEY }), Mode::Apply).await;
        assert!(added.changed, "{:?}", added.failure);
        assert_eq!(bench.read("hosts"), format!("other ssh-rsa AAAA\n{KEY}\n"));
        assert!(!run(&bench, json!({ "key": KEY }), Mode::Apply).await.changed);
        let new = KEY.replace("B1C", "B1D");
        assert!(run(&bench, json!({ "key": new }), Mode::Apply).await.changed);
        assert_eq!(bench.read("hosts"), format!("other ssh-rsa AAAA\n{new}\n"));
        assert!(run(&bench, json!({ "state": "absent" }), Mode::Apply).await.changed);
        assert_eq!(bench.read("hosts"), "other ssh-rsa AAAA\n");
        assert!(!run(&bench, json!({ "state": "absent" }), Mode::Apply).await.changed);
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = bench();
        for (args, message) in [
            (json!({}), "No key specified when adding a host"),
            (
                json!({ "key": "elsewhere ssh-rsa A" }),
                "Host parameter does not match hashed host field in supplied key",
            ),
        ] {
            assert_eq!(run(&bench, args, Mode::Apply).await.failure.unwrap().message, message);
        }
    }

    #[test]
    fn what_ssh_keygen_says_is_compared() {
        let said = "# Host a found: line 3\na ssh-rsa K1\n# Host a found: line 5\n|1|x|y ssh-dss K2\n";
        for (key, found) in [
            ("a ssh-rsa K1 me@here", Found { host: true, other: false, line: Some(3) }),
            ("a ssh-rsa K9", Found { host: true, other: true, line: Some(3) }),
            ("|1|z|z ssh-dss K2", Found { host: true, other: false, line: Some(5) }),
            ("a ssh-ed25519 K", Found { host: true, other: true, line: None }),
        ] {
            assert_eq!(compared(said, key_of(key).unwrap()), found, "{key}");
        }
    }
}
