use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use md5::Md5;
use rplay_http::{Asked, Ended, Question, header, masked};
use rplay_module::{Action, Choice as _, Cx, Deed, Effect, Failure, InCheck, Params, Result, Secret};
use rustix::fs::{Access, access};
use serde_json::{Map, Value, json};

use crate::attributes::Attributes;
use crate::content::{self, Source};
use crate::seen::{self, system_words};
use crate::stat::Algorithm;
use crate::transfer::{back_up, sent};
use crate::tree::Entry;
use crate::write::{self, Manner};
use crate::{paths, settle};

/// Fetches a file from an address.
#[derive(Params)]
pub(crate) struct GetUrlParams {
    /// The address: `http://`, `https://` or `file://`.
    url: String,
    /// Where to write it: a file, or a folder in which it gets the name it has on the server.
    dest: PathBuf,
    /// Whether a file that is replaced is kept under a name with the time in it.
    #[param(default = false)]
    backup: bool,
    /// The checksum that it must have, with the algorithm and a colon before it; or the address of a list of checksums.
    #[param(default = "")]
    checksum: String,
    /// How long to wait for the server to take the connection or to say something, in seconds.
    #[param(default = 10)]
    timeout: u64,
    /// Headers to send.
    headers: Option<BTreeMap<String, String>>,
    /// A folder for the file while it is fetched.
    tmp_dest: Option<PathBuf>,
    /// Headers that a redirection does not take along.
    #[param(default = [])]
    unredirected_headers: Vec<String>,
    /// Whether a compressed answer is unpacked.
    #[param(default = true)]
    decompress: bool,
    /// Which ciphers may be used; those of the TLS library are.
    #[expect(dead_code, reason = "the TLS library has no others to choose from")]
    ciphers: Option<Vec<String>>,
    /// Whether `~/.netrc` is asked for a user and password where none is given.
    #[param(default = true)]
    use_netrc: bool,
    /// Whether it is fetched even if nothing says that it changed, and caches on the way are passed by.
    #[param(default = false)]
    force: bool,
    /// The name to ask as.
    #[param(default = "ansible-httpget")]
    http_agent: String,
    /// Whether the proxies of the environment are used.
    #[param(default = true)]
    use_proxy: bool,
    /// Whether the server has to show a certificate that is trusted.
    #[param(default = true)]
    validate_certs: bool,
    /// The user to authenticate as.
    #[param(alias = "username")]
    url_username: Option<String>,
    /// The password to authenticate with.
    #[param(alias = "password")]
    url_password: Option<Secret<String>>,
    /// Whether user and password are sent at once; otherwise only when the server asks for them.
    #[param(default = false)]
    force_basic_auth: bool,
    /// A certificate to show, PEM; it may have its key with it.
    client_cert: Option<PathBuf>,
    /// The key of `client_cert`, PEM.
    client_key: Option<PathBuf>,
    /// Whether a ticket of Kerberos is used to authenticate; it cannot be.
    #[param(default = false)]
    use_gssapi: bool,
    #[param(flatten)]
    attributes: Attributes,
}

/// A checksum that is asked for.
struct Wanted {
    algorithm: Algorithm,
    sum: String,
}

/// What came from the server.
struct Fetched {
    bytes: Vec<u8>,
    /// The address that gave it, and what it says of the file's name.
    url: String,
    name: Option<String>,
    /// A file has none.
    status: Option<u16>,
    msg: String,
    elapsed: u64,
}

impl GetUrlParams {
    fn question(&self, cx: &Cx, url: &str) -> Question {
        let real =
            |path: &Option<PathBuf>| path.as_deref().map(|path| paths::real(cx, &paths::expand(cx, path)));
        Question {
            headers: self
                .headers
                .iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            unredirected_headers: self.unredirected_headers.clone(),
            user: self.url_username.clone(),
            password: self.url_password.as_ref().map(|password| password.expose().clone()),
            force_basic_auth: self.force_basic_auth,
            use_netrc: self.use_netrc,
            http_agent: self.http_agent.clone(),
            force: self.force,
            timeout: self.timeout,
            use_proxy: self.use_proxy,
            validate_certs: self.validate_certs,
            client_cert: real(&self.client_cert),
            client_key: real(&self.client_key),
            decompress: self.decompress,
            ..Question::get(url)
        }
    }
}

/// A run of the module.
struct Work<'a> {
    cx: &'a Cx,
    p: &'a GetUrlParams,
    dest: String,
    result: Map<String, Value>,
}

impl Work<'_> {
    fn of<'a>(cx: &'a Cx, p: &'a GetUrlParams) -> Result<Work<'a>> {
        if p.use_gssapi {
            return Err(Failure::new(
                "could not authenticate: use_gssapi, tickets of Kerberos, is not built",
            ));
        }
        let dest = paths::expand(cx, &p.dest);
        let result = json!({
            "checksum_dest": null, "checksum_src": null, "dest": dest, "elapsed": 0, "url": masked(&p.url),
        });
        let result = if let Value::Object(fields) = result { fields } else { Map::new() };
        Ok(Work { cx, p, dest, result })
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.result.insert(name.to_owned(), value.into());
    }

    fn failed(&self, message: impl Into<String>) -> Failure {
        let mut result = self.result.clone();
        // What the server said is not why it failed.
        result.shift_remove("msg");
        Failure { result, ..Failure::new(message) }
    }

    /// Asks for a file; one that did not change since is no answer.
    async fn fetch(&self, question: &Question) -> Result<Option<Fetched>> {
        if let Some(path) = question.url.strip_prefix("file://") {
            return self.read(question, path).map(Some);
        }
        let start = self.cx.now();
        let asked = rplay_http::ask(self.cx, question)
            .await
            .map_err(|failure| self.refused(&failure.message, None))?;
        let elapsed = self.cx.now().duration_since(start).unwrap_or_default().as_secs();
        let Asked { ended, .. } = asked;
        match ended {
            Ended::Success(answer, elsewhere) if answer.status == 200 => {
                let length =
                    answer.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                let disposition =
                    answer.headers.get(header::CONTENT_DISPOSITION).and_then(|text| text.to_str().ok());
                Ok(Some(Fetched {
                    msg: format!("OK ({} bytes)", length.unwrap_or("unknown")),
                    name: disposition.and_then(name_of),
                    url: elsewhere.map_or_else(|| question.url.clone(), |url| url.to_string()),
                    status: Some(answer.status),
                    bytes: answer.body,
                    elapsed,
                }))
            }
            Ended::Refusal(answer, _) if answer.status == 304 => Ok(None),
            Ended::Success(answer, _) => {
                let said = format!("HTTP Error {}: {}", answer.status, answer.reason);
                Err(self.refused("Request failed", Some((answer.status, &said))))
            }
            Ended::Refusal(answer, said) => Err(self.refused("Request failed", Some((answer.status, &said)))),
            Ended::Nothing(said) => Err(self.refused(&said, None)),
        }
    }

    fn read(&self, question: &Question, path: &str) -> Result<Fetched> {
        let bytes = std::fs::read(path).map_err(|error| {
            let number = error.raw_os_error().unwrap_or_default();
            let words = system_words(&error);
            self.refused(&format!("Request failed: <urlopen error [Errno {number}] {words}: '{path}'>"), None)
        })?;
        let msg = format!("OK ({} bytes)", bytes.len());
        Ok(Fetched { bytes, url: question.url.clone(), name: None, status: None, msg, elapsed: 0 })
    }

    fn refused(&self, message: &str, answer: Option<(u16, &str)>) -> Failure {
        let failure = Failure::new(message)
            .field("url", masked(&self.p.url))
            .field("dest", self.dest.as_str())
            .field("elapsed", 0);
        match answer {
            Some((status, said)) => failure.field("status_code", status).field("response", said),
            None => failure,
        }
    }

    /// Reads the checksum that is asked for, from a list on a server if need be.
    async fn wanted(&self) -> Result<Option<Wanted>> {
        let given = &self.p.checksum;
        if given.is_empty() {
            return Ok(None);
        }
        let Some((algorithm, sum)) = given.split_once(':') else {
            return Err(self.failed("The checksum parameter has to be in format <algorithm>:<checksum>"));
        };
        let mut sum = sum.to_owned();
        if ["http://", "https://", "file://"].iter().any(|scheme| sum.starts_with(scheme)) {
            let list = self.fetch(&self.p.question(self.cx, &sum)).await?;
            let text = list.map(|list| String::from_utf8_lossy(&list.bytes).into_owned()).unwrap_or_default();
            let name = url_name(&self.p.url);
            sum = listed(&text, &name).ok_or_else(|| {
                Failure::new(format!("Unable to find a checksum for file '{name}' in '{}'", masked(&sum)))
            })?;
        }
        let sum: String = sum.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        let sum = sum.to_lowercase();
        if sum.is_empty() || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.failed("The checksum format is invalid"));
        }
        let algorithm = Algorithm::from_text(algorithm).ok_or_else(|| {
            let known = "md5, sha1, sha224, sha256, sha384, sha512";
            Failure::new(format!(
                "Could not hash file '{}' with algorithm '{algorithm}'. Available algorithms: {known}",
                self.dest
            ))
        })?;
        Ok(Some(Wanted { algorithm, sum }))
    }

    async fn run(mut self, dry: bool) -> Result<Deed> {
        let wanted = self.wanted().await?;
        let is_folder = paths::real(self.cx, &self.dest).is_dir();
        let mut question = self.p.question(self.cx, &self.p.url);
        if dry {
            "HEAD".clone_into(&mut question.method);
        }
        let there = paths::real(self.cx, &self.dest);
        if !is_folder && there.exists() {
            let matches = match wanted.as_ref().filter(|_| !self.p.force) {
                Some(wanted) => Some(self.sum(wanted.algorithm, &there)? == wanted.sum),
                None => None,
            };
            if matches == Some(true) {
                let settled = self.settle(dry).await?;
                let msg = if settled {
                    "file already exists but file attributes changed"
                } else {
                    "file already exists"
                };
                self.put("msg", msg);
                return Ok(self.informed(settled).await);
            }
            question.modified_since = there.metadata().and_then(|found| found.modified()).ok();
            question.force |= matches == Some(false);
        }
        let Some(fetched) = self.fetch(&question).await? else {
            let result = json!({
                "url": masked(&self.p.url), "dest": self.dest, "msg": "HTTP Error 304: Not Modified", "status_code": 304,
                "elapsed": 0,
            });
            let mut deed = Deed::new(false, result);
            deed.result.extend(seen::info(self.cx, &self.dest).await);
            return Ok(deed);
        };
        self.put("elapsed", fetched.elapsed);
        self.put("src", self.source_name());
        if is_folder {
            let name = fetched.name.clone().unwrap_or_else(|| url_name(&fetched.url));
            self.dest = paths::join(&self.dest, &name);
            self.put("dest", self.dest.clone());
        }
        self.bring(&fetched, wanted.as_ref(), dry).await
    }

    /// Ansible names the file that it was while it was fetched.
    fn source_name(&self) -> String {
        let folder =
            self.p.tmp_dest.as_deref().map_or_else(|| sent(self.cx), |folder| paths::expand(self.cx, folder));
        let mut bytes = [0; 4];
        self.cx.world().random(&mut bytes);
        paths::join(&folder, &format!("tmp{:08x}", u32::from_le_bytes(bytes)))
    }

    fn sum(&self, algorithm: Algorithm, path: &Path) -> Result<String> {
        algorithm
            .of(path)
            .map_err(|error| self.failed(format!("could not read {}: {}", self.dest, system_words(&error))))
    }

    fn placed(&self) -> Result<bool> {
        let path = paths::real(self.cx, &self.dest);
        if path.exists() {
            for (right, what) in [(Access::WRITE_OK, "writable"), (Access::READ_OK, "readable")] {
                if access(&path, right).is_err() {
                    return Err(self.failed(format!("Destination {} is not {what}", self.dest)));
                }
            }
            return Ok(true);
        }
        let folder = paths::folder_of(&self.dest);
        let real = paths::real(self.cx, folder);
        if !real.exists() {
            return Err(self.failed(format!("Destination {folder} does not exist")));
        }
        if access(&real, Access::WRITE_OK).is_err() {
            return Err(self.failed(format!("Destination {folder} is not writable")));
        }
        Ok(false)
    }

    async fn bring(mut self, fetched: &Fetched, wanted: Option<&Wanted>, dry: bool) -> Result<Deed> {
        let source = Source::Bytes(fetched.bytes.clone());
        let sums = source.sums().map_err(|error| self.failed(system_words(&error)))?;
        self.put("checksum_src", sums.sha1.as_str());
        let path = paths::real(self.cx, &self.dest);
        if self.placed()? {
            let own = content::sha1(&path).map_err(|error| self.failed(system_words(&error)))?;
            self.put("checksum_dest", own);
        }
        let changed = self.result.get("checksum_src") != self.result.get("checksum_dest");
        self.put("msg", fetched.msg.as_str());
        if dry {
            return Ok(self.informed(changed).await);
        }
        if let Some(wanted) = wanted {
            self.judge(wanted, &fetched.bytes)?;
        }
        let mut backup = None;
        if changed {
            if self.p.backup && path.exists() {
                backup = Some(back_up(self.cx, &self.dest)?);
            }
            let manner = Manner {
                unsafe_writes: self.p.attributes.writes_unsafely(self.cx),
                validate: None,
                keeps: true,
            };
            write::file(self.cx, &self.dest, &source, &Entry::of("file"), manner).await?;
        }
        let settled = self.settle(false).await?;
        let md5 = content::digest::<Md5>(&path).map_err(|error| self.failed(system_words(&error)))?;
        self.put("md5sum", md5);
        self.put("status_code", fetched.status);
        if let Some(backup) = backup {
            self.put("backup_file", backup);
        }
        Ok(self.informed(changed || settled).await)
    }

    fn judge(&self, wanted: &Wanted, bytes: &[u8]) -> Result<()> {
        let fail = |error: std::io::Error| self.failed(system_words(&error));
        let file = tempfile::NamedTempFile::new().map_err(fail)?;
        std::fs::write(file.path(), bytes).map_err(fail)?;
        let own = self.sum(wanted.algorithm, file.path())?;
        if own == wanted.sum {
            return Ok(());
        }
        let name = self.result.get("src").and_then(Value::as_str).unwrap_or_default();
        Err(self.failed(format!("The checksum for {name} did not match {}; it was {own}.", wanted.sum)))
    }

    async fn settle(&self, dry: bool) -> Result<bool> {
        let attributes = &self.p.attributes;
        Ok(if dry {
            settle::foretold(self.cx, attributes, &self.dest).await?.changed
        } else {
            settle::settle(self.cx, attributes, &self.dest).await?.changed
        })
    }

    async fn informed(self, changed: bool) -> Deed {
        let info = seen::info(self.cx, &self.dest).await;
        let mut deed = Deed { changed, result: self.result, ..Deed::default() };
        deed.result.extend(info);
        deed
    }
}

/// The name that an address ends with.
fn url_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name.to_owned(),
        _ => "index.html".to_owned(),
    }
}

/// The file name of a `Content-Disposition`; never more than a name.
fn name_of(disposition: &str) -> Option<String> {
    let value = disposition.split(';').map(str::trim).find_map(|part| part.strip_prefix("filename="))?;
    let name = value.trim_matches('"').rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Finds a file's checksum in a list, written as `sum  name` or `SHA256 (name) = sum`, or alone.
fn listed(text: &str, wanted: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    if let [line] = lines.as_slice()
        && line.split_whitespace().count() == 1
    {
        return Some((*line).to_owned());
    }
    lines.iter().find_map(|line| {
        if let Some((head, sum)) = line.rsplit_once('=')
            && let Some((_, name)) = head.trim_end().strip_suffix(')').and_then(|head| head.split_once('('))
        {
            return (name == wanted).then(|| sum.trim().to_owned());
        }
        let (sum, name) = line.split_once(char::is_whitespace)?;
        let name = name.trim_start().trim_start_matches('*').trim_start_matches(['.', '/']);
        (name == wanted).then(|| sum.to_owned())
    })
}

pub(crate) struct GetUrl;

impl Action for GetUrl {
    type Params = GetUrlParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &GetUrlParams) -> Result<Deed> {
        Work::of(cx, p)?.run(true).await
    }

    async fn perform(&self, cx: &Cx, p: &GetUrlParams) -> Result<Deed> {
        Work::of(cx, p)?.run(false).await
    }
}

#[cfg(test)]
mod tests;
