use std::fmt;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::{StreamExt as _, pin_mut};

use crate::{Engine, Error, Reference, Result};

/// The registry is asked before the engine says its first word.
const PATIENCE: Duration = Duration::from_mins(10);

/// What a registry wants to know of who pushes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Auth {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Auth {
    pub(crate) fn credentials(&self, registry: &str) -> DockerCredentials {
        DockerCredentials {
            username: Some(self.username.clone()),
            password: Some(self.password.clone()),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        }
    }
}

/// What the engine tells during a push. It does not say of which layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// `Pushing`, `Pushed`, `Layer already exists` ….
    pub status: String,
    /// Bytes of one layer: sent, and whole where the engine knows it.
    pub bytes: Option<(u64, Option<u64>)>,
}

/// What came of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// `sha256:…` of the manifest, as the registry has it.
    pub digest: String,
}

impl Engine {
    /// Pushes the image of a name to the registry in that name and returns the manifest's digest.
    pub async fn push(
        &self,
        name: &Reference,
        auth: Option<&Auth>,
        mut tell: impl FnMut(Moved) + Send,
    ) -> Result<Pushed> {
        let deed = format!("push the image {name}");
        let registry = name.registry().unwrap_or("https://index.docker.io/v1/");
        let docker = self.patient(PATIENCE);
        let options = PushImageOptionsBuilder::new().tag(&name.tag).build();
        let answer =
            docker.push_image(&name.repository, Some(options), auth.map(|auth| auth.credentials(registry)));
        pin_mut!(answer);
        let mut digest = None;
        while let Some(info) = answer.next().await {
            let info = info.map_err(|error| self.error(&deed, error))?;
            let Some(status) = info.status else { continue };
            digest = digest_of(&status, &name.tag).or(digest);
            let count = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
            let bytes = info.progress_detail.and_then(|of| Some((count(of.current)?, count(of.total))));
            tell(Moved { status, bytes });
        }
        match digest {
            Some(digest) => Ok(Pushed { digest }),
            None => self.digest(name, deed).await,
        }
    }

    /// Asks the engine what it noted of the push.
    async fn digest(&self, name: &Reference, deed: String) -> Result<Pushed> {
        let image = self.image(&name.to_string()).await?.unwrap_or_default();
        match image.digest_in(&name.repository) {
            Some(digest) => Ok(Pushed { digest: digest.to_owned() }),
            None => Err(Error::Lost { deed, reason: "it ended without a digest".to_owned() }),
        }
    }
}

/// Reads the last line of a push, `1.0: digest: sha256:… size: 527`: the one place where the engine says which manifest
/// this push made.
fn digest_of(status: &str, tag: &str) -> Option<String> {
    let rest = status.strip_prefix(tag)?.strip_prefix(": digest: ")?;
    rest.split_whitespace().next().filter(|digest| digest.starts_with("sha256:")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_tells_the_digest() {
        assert_eq!(digest_of("1.0: digest: sha256:ab size: 527", "1.0"), Some("sha256:ab".to_owned()));
        assert_eq!(digest_of("1.0: digest: sha256:ab size: 527", "1"), None);
        assert_eq!(digest_of("Pushed", "1.0"), None);
    }

    #[test]
    fn a_password_is_not_in_the_debug_text() {
        let auth = Auth { username: "AWS".to_owned(), password: "hush-hush".to_owned() };
        assert!(!format!("{auth:?}").contains("hush"));
    }
}
