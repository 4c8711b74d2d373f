use std::time::Duration;

use bollard::Docker;

use crate::{Error, Result};

/// Where an engine listens when nobody says otherwise.
pub const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// How long the engine may take until it begins to answer: questions are answered at once.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which engine to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// As `DOCKER_HOST` has it: `unix://…`, `tcp://…` or `http://…`.
    pub host: String,
    /// As `DOCKER_TLS_VERIFY` has it: the connection must be encrypted.
    pub tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { host: DEFAULT_HOST.to_owned(), tls: false }
    }
}

impl Settings {
    /// Returns the engine that was named, else the one that the variables name, else the default. `variable` looks up
    /// what `docker` itself looks up in its environment.
    pub fn of(named: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let host = named
            .map(str::to_owned)
            .or_else(|| set("DOCKER_HOST"))
            .unwrap_or_else(|| DEFAULT_HOST.to_owned());
        // A socket of this machine is never encrypted.
        let tls = !host.starts_with("unix:") && set("DOCKER_TLS_VERIFY").is_some();
        Self { host, tls }
    }
}

/// A Docker engine that has answered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) docker: Docker,
    pub(crate) host: String,
    version: String,
    platform: String,
}

impl Engine {
    /// Connects, and settles which version of the API to speak: an engine refuses one that is newer than its own.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let host = settings.host.as_str();
        let docker = open(settings)?;
        let docker = docker
            .negotiate_version()
            .await
            .map_err(|error| Error::of("ask the engine's version", host, error))?;
        let about =
            docker.version().await.map_err(|error| Error::of("ask the engine's version", host, error))?;
        let part = |part: Option<String>| part.unwrap_or_default().to_lowercase();
        Ok(Self {
            host: host.to_owned(),
            version: part(about.version),
            platform: format!("{}/{}", part(about.os), part(about.arch)),
            docker,
        })
    }

    /// Returns the engine's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns what the engine builds for and runs when nobody says otherwise: `linux/amd64`.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Asks whether the engine is still there.
    pub async fn ping(&self) -> Result<()> {
        self.docker
            .ping()
            .await
            .map(drop)
            .map_err(|error| self.error("ask whether the engine is there", error))
    }

    pub(crate) fn error(&self, deed: impl Into<String>, error: bollard::errors::Error) -> Error {
        Error::of(deed, &self.host, error)
    }

    /// Returns a client that waits this long for the first word of an answer: sending a context counts into it.
    pub(crate) fn patient(&self, patience: Duration) -> Docker {
        self.docker.clone().with_timeout(patience)
    }
}

fn open(settings: &Settings) -> Result<Docker> {
    let refuse = |reason| Err(Error::Address { host: settings.host.clone(), reason });
    if settings.tls {
        return refuse("DOCKER_TLS_VERIFY asks for TLS, which rplay cannot speak to an engine");
    }
    let (seconds, version) = (PATIENCE.as_secs(), bollard::API_DEFAULT_VERSION);
    let opened = match settings.host.split_once("://") {
        Some(("unix", path)) => Docker::connect_with_unix(path, seconds, version),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(&settings.host, seconds, version),
        Some(_) => return refuse("rplay speaks to engines over unix:// and tcp:// only"),
        None => return refuse("it has no scheme, such as unix:// or tcp://"),
    };
    let docker = opened.map_err(|error| Error::of("open the engine's socket", &settings.host, error))?;
    Ok(docker.with_request_modifier(url_safe_auth))
}

/// Rewrites the credentials' base64 into the alphabet that the engine reads: the library writes the other one, which
/// differs where a password has `>`, `?` or `~`.
fn url_safe_auth(mut request: bollard::BollardRequest) -> bollard::BollardRequest {
    for name in ["x-registry-auth", "x-registry-config"] {
        if let Some(value) = request.headers_mut().get_mut(name)
            && let Some(safe) = value.to_str().ok().map(|text| text.replace('+', "-").replace('/', "_"))
            && let Ok(safe) = safe.parse()
        {
            *value = safe;
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_beats_the_variable_and_that_the_default() {
        let variable = |name: &str| (name == "DOCKER_HOST").then(|| "tcp://b:1".to_owned());
        assert_eq!(Settings::of(Some("unix:///a"), variable).host, "unix:///a");
        assert_eq!(Settings::of(None, variable).host, "tcp://b:1");
        assert_eq!(Settings::of(None, |_| Some(String::new())), Settings::default());
    }

    #[test]
    fn only_a_connection_that_could_be_encrypted_must_be() {
        let variable = |name: &str| (name == "DOCKER_TLS_VERIFY").then(|| "1".to_owned());
        assert!(!Settings::of(None, variable).tls);
        assert!(Settings::of(Some("tcp://a:2376"), variable).tls);
    }
}
