use std::path::PathBuf;

use indexmap::IndexMap;
use rplay_http::Question;
use rplay_module::{
    Action, Choice, ControllerFile, Cx, Deed, Effect, Failure, InCheck, Params, Result, Secret,
};
use serde_json::{Value, json};

use crate::{paths, stamp};

mod answer;
mod body;

/// Asks a web service.
#[derive(Params)]
#[params(
    mutually_exclusive("body", "src"),
    unbuilt(
        "attributes",
        "ciphers",
        "group",
        "mode",
        "owner",
        "selevel",
        "serole",
        "setype",
        "seuser",
        "unsafe_writes",
        "use_gssapi"
    )
)]
pub(crate) struct UriParams {
    /// The address to ask: `http://` or `https://`.
    url: String,
    /// Where to write the answer: a file, or a folder in which it gets the name it has on the server.
    dest: Option<PathBuf>,
    /// The user to authenticate as.
    #[param(alias = "user")]
    url_username: Option<String>,
    /// The password to authenticate with.
    #[param(alias = "password")]
    url_password: Option<Secret<String>>,
    /// What to send: a text, or data for `body_format: json` and `form-urlencoded`.
    body: Option<Value>,
    /// How the body is written; it also decides the `Content-Type`, unless the headers do.
    #[param(default = "raw")]
    body_format: BodyFormat,
    /// A file to send; excludes `body`.
    #[param(files = "files")]
    src: Option<ControllerFile>,
    /// The method, in any case.
    #[param(default = "GET")]
    method: String,
    /// Whether the answer's text is returned as `content`. A JSON answer is returned as `json` in any case.
    #[param(default = false)]
    return_content: bool,
    /// Which redirections are followed: those of GET and HEAD (`safe`), all, none, or those that Python would follow.
    #[param(default = "safe")]
    follow_redirects: Follow,
    /// A path: where it is there already, nothing is asked.
    creates: Option<PathBuf>,
    /// A path: where it is not there, nothing is asked.
    removes: Option<PathBuf>,
    /// The status codes that are a success.
    #[param(default = [200])]
    status_code: Vec<i64>,
    /// How long to wait for the server to take the connection or to say something, in seconds.
    #[param(default = 30)]
    timeout: u64,
    /// Headers to send.
    #[param(default)]
    headers: IndexMap<String, String>,
    /// A socket to ask through instead of the network.
    unix_socket: Option<PathBuf>,
    /// Whether `src` is a path on the host.
    #[param(default = false)]
    remote_src: bool,
    /// Certificates to trust, PEM; omitted those of the system.
    ca_path: Option<PathBuf>,
    /// A certificate to show, PEM; it may have its key with it.
    client_cert: Option<PathBuf>,
    /// The key of `client_cert`, PEM.
    client_key: Option<PathBuf>,
    /// Headers that a redirection does not take along.
    #[param(default)]
    unredirected_headers: Vec<String>,
    /// Whether a compressed answer is unpacked.
    #[param(default = true)]
    decompress: bool,
    /// Whether `~/.netrc` (or the file that `NETRC` names) is asked for a user and password where none is given.
    #[param(default = true)]
    use_netrc: bool,
    /// Whether caches on the way are to be passed by.
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
    /// Whether user and password are sent at once; otherwise only when the server asks for them.
    #[param(default = false)]
    force_basic_auth: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFormat {
    #[choice("form-urlencoded")]
    FormUrlencoded,
    Json,
    Raw,
    #[choice("form-multipart")]
    FormMultipart,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    All,
    No,
    None,
    Safe,
    Urllib2,
    Yes,
}

pub(crate) struct Uri;

impl Action for Uri {
    type Params = UriParams;
    /// A plan asks nothing: what would answer may not be there before the run.
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, _cx: &Cx, _p: &UriParams) -> Result<Deed> {
        let message = json!({ "msg": "This action (uri) does not support check mode." });
        Ok(Deed { skipped: true, ..Deed::new(false, message) })
    }

    async fn perform(&self, cx: &Cx, p: &UriParams) -> Result<Deed> {
        let method = p.method.to_uppercase();
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Failure::new(
                "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
            ));
        }
        let body = body::of(cx, p)?;
        if let Some(stdout) = needless(cx, p) {
            return Ok(Deed::new(false, json!({ "stdout": stdout, "stdout_lines": stamp::lines(&stdout) })));
        }
        if matches!(p.follow_redirects, Follow::Yes | Follow::No) {
            let message = "Using 'yes' or 'no' for 'follow_redirects' parameter is deprecated.";
            cx.world().deprecate(message.to_owned());
        }
        let start = cx.now();
        let asked = rplay_http::ask(cx, &p.question(cx, method, body)).await?;
        let elapsed = cx.now().duration_since(start).unwrap_or_default().as_secs();
        Ok(answer::deed(cx, p, asked, elapsed))
    }
}

/// Unlike those of `command`, these are no patterns.
fn needless(cx: &Cx, p: &UriParams) -> Option<String> {
    let there = |path: &PathBuf| (paths::expand(cx, path), paths::absolute(cx, path).exists());
    if let Some((creates, true)) = p.creates.as_ref().map(there) {
        return Some(format!("skipped, since '{creates}' exists"));
    }
    match p.removes.as_ref().map(there) {
        Some((removes, false)) => Some(format!("skipped, since '{removes}' does not exist")),
        _ => None,
    }
}

impl UriParams {
    fn question(&self, cx: &Cx, method: String, body: Option<rplay_http::Body>) -> Question {
        let absolute = |path: &Option<PathBuf>| path.as_deref().map(|path| paths::absolute(cx, path));
        Question {
            url: self.url.clone(),
            method,
            body,
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            unredirected_headers: self.unredirected_headers.clone(),
            follow: match self.follow_redirects {
                Follow::All | Follow::Yes => rplay_http::Follow::All,
                Follow::No | Follow::None => rplay_http::Follow::None,
                Follow::Safe => rplay_http::Follow::Safe,
                Follow::Urllib2 => rplay_http::Follow::Urllib2,
            },
            user: self.url_username.clone(),
            password: self.url_password.as_ref().map(|password| password.expose().clone()),
            force_basic_auth: self.force_basic_auth,
            use_netrc: self.use_netrc,
            http_agent: self.http_agent.clone(),
            force: self.force,
            modified_since: answer::modified(cx, self),
            timeout: self.timeout,
            unix_socket: absolute(&self.unix_socket),
            use_proxy: self.use_proxy,
            validate_certs: self.validate_certs,
            ca_path: absolute(&self.ca_path),
            client_cert: absolute(&self.client_cert),
            client_key: absolute(&self.client_key),
            decompress: self.decompress,
        }
    }
}

#[cfg(test)]
mod tests;
