use std::fmt;

use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};

use crate::{Engine, Result};

/// An image's name: a repository, which may begin with a registry's host and port, and a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub repository: String,
    pub tag: String,
}

impl Reference {
    pub fn new(repository: impl Into<String>, tag: impl Into<String>) -> Self {
        Self { repository: repository.into(), tag: tag.into() }
    }

    /// Reads `[HOST[:PORT]/]NAME[:TAG]`; without a tag it is `latest`. A colon before a slash is a port's.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => Self::new(repository, tag),
            _ => Self::new(text, "latest"),
        }
    }

    /// Returns the registry's host and port, if the name begins with one: Docker goes by a dot, a colon, or `localhost`.
    pub fn registry(&self) -> Option<&str> {
        let first = self.repository.split_once('/')?.0;
        (first.contains(['.', ':']) || first == "localhost").then_some(first)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// An image that the engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…` of its configuration: what it is, whatever it is called.
    pub id: String,
    /// `REPOSITORY:TAG`, each name it has here.
    pub names: Vec<String>,
    /// `REPOSITORY@sha256:…`, one per registry it came from or went to.
    pub digests: Vec<String>,
    pub labels: Vec<(String, String)>,
    pub size: u64,
    /// `linux/amd64`.
    pub platform: String,
}

impl Image {
    /// Returns the digest of its manifest in a repository.
    pub fn digest_in(&self, repository: &str) -> Option<&str> {
        self.digests.iter().find_map(|digest| digest.strip_prefix(repository)?.strip_prefix('@'))
    }

    /// Returns the value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|label| label.0 == name).map(|label| label.1.as_str())
    }
}

impl Engine {
    /// Returns the image of a name or an id, if the engine has it; asks no registry.
    pub async fn image(&self, name: &str) -> Result<Option<Image>> {
        let found = match self.docker.inspect_image(name).await {
            Ok(found) => found,
            Err(error) => {
                let error = self.error(format!("look for the image {name}"), error);
                return if error.is_absent() { Ok(None) } else { Err(error) };
            }
        };
        let part = |part: Option<String>| part.unwrap_or_default();
        Ok(Some(Image {
            id: part(found.id),
            names: found.repo_tags.unwrap_or_default(),
            digests: found.repo_digests.unwrap_or_default(),
            labels: found.config.and_then(|config| config.labels).unwrap_or_default().into_iter().collect(),
            size: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            platform: format!("{}/{}", part(found.os), part(found.architecture)),
        }))
    }

    /// Gives an image a further name; a name that another image had moves over.
    pub async fn tag(&self, image: &str, name: &Reference) -> Result<()> {
        let options = TagImageOptionsBuilder::new().repo(&name.repository).tag(&name.tag).build();
        let done = self.docker.tag_image(image, Some(options)).await;
        done.map_err(|error| self.error(format!("tag the image {image} as {name}"), error))
    }

    /// Takes a name from an image; the image goes with its last name. Returns whether there was such a name.
    pub async fn untag(&self, name: &Reference) -> Result<bool> {
        let options = RemoveImageOptionsBuilder::new().build();
        match self.docker.remove_image(&name.to_string(), Some(options), None).await {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = self.error(format!("remove the image {name}"), error);
                if error.is_absent() { Ok(false) } else { Err(error) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_repository_and_a_tag() {
        for (text, repository, tag) in [
            ("app", "app", "latest"),
            ("app:1.2", "app", "1.2"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app", "latest"),
            ("127.0.0.1:5000/team/app:x", "127.0.0.1:5000/team/app", "x"),
        ] {
            assert_eq!(Reference::parse(text), Reference::new(repository, tag), "{text}");
        }
    }

    #[test]
    fn only_a_host_before_the_first_slash_is_a_registry() {
        assert_eq!(Reference::parse("team/app").registry(), None);
        assert_eq!(Reference::parse("app:1").registry(), None);
        assert_eq!(Reference::parse("localhost/app").registry(), Some("localhost"));
        assert_eq!(Reference::parse("127.0.0.1:5000/app").registry(), Some("127.0.0.1:5000"));
        assert_eq!(
            Reference::parse("1.dkr.ecr.eu-west-1.amazonaws.com/app").registry(),
            Some("1.dkr.ecr.eu-west-1.amazonaws.com")
        );
    }

    #[test]
    fn a_digest_belongs_to_a_repository() {
        let image = Image {
            digests: vec!["a/app@sha256:1".to_owned(), "b/app@sha256:2".to_owned()],
            ..Image::default()
        };
        assert_eq!(image.digest_in("b/app"), Some("sha256:2"));
        assert_eq!(image.digest_in("app"), None);
        assert_eq!(image.digest_in("b/ap"), None);
    }
}
