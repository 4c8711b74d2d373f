//! The image on this machine.

use rplay_docker_client::{Engine, Image, Reference, Settings};
use rplay_module::unknown::{self, Cause};
use rplay_module::{Address, Cx, Failure, Foretold, Result};

/// The label that `docker_build` gives an image: the hash of all it was made of.
const CONTENT_LABEL: &str = "rplay.content";

/// What this machine knows of the image that is to be pushed.
#[derive(Clone, Debug)]
pub(crate) enum Local {
    /// This run will build it; the marker stands for its id.
    Foretold(String),
    Found(Image),
    /// The engine does not have it.
    Absent,
    /// Nobody to ask; why.
    NoEngine(Failure),
}

impl Default for Local {
    /// Returns what is said of an image that could not be looked for yet.
    fn default() -> Self {
        Self::Foretold(unknown::marker(Cause::Created, "docker.image: id"))
    }
}

impl Local {
    /// Looks for the image, unless an earlier task of a plan has foretold it.
    pub(crate) async fn look(cx: &Cx, host: Option<&str>, name: &str) -> Result<Self> {
        if unknown::is_unknown(name) {
            return Ok(Self::Foretold(name.to_owned()));
        }
        let reference = Reference::parse(name).to_string();
        match cx.world().foretold(&Address::new("docker.image", reference.clone())) {
            Some(Foretold::Created(id)) => return Ok(Self::Foretold(id)),
            Some(Foretold::Deleted) => return Ok(Self::Absent),
            None => {}
        }
        match engine(cx, host).await {
            Ok(engine) => Ok(engine.image(&reference).await?.map_or(Self::Absent, Self::Found)),
            Err(failure) => Ok(Self::NoEngine(failure)),
        }
    }

    /// Returns whether the tag stands for the image's content: then another image of this tag is the same but for the
    /// time it was built at.
    pub(crate) fn is_tagged_by_content(&self, tag: &str) -> bool {
        let Self::Found(image) = self else { return false };
        // A short tag could begin a hash by chance.
        tag.len() >= 12 && image.label(CONTENT_LABEL).is_some_and(|content| content.starts_with(tag))
    }

    /// Returns the image's id, or the marker of one that is to be built.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Foretold(id) => Some(id),
            Self::Found(image) => Some(&image.id),
            Self::Absent | Self::NoEngine(_) => None,
        }
    }

    /// Returns whether the engine calls the image by a name; `None` where that cannot be told.
    pub(crate) fn is_called(&self, name: &str) -> Option<bool> {
        match self {
            Self::Found(image) => Some(image.names.iter().any(|known| known == name)),
            Self::Absent => Some(false),
            Self::Foretold(_) | Self::NoEngine(_) => None,
        }
    }
}

/// Returns the engine that images are pushed from.
pub(crate) async fn engine(cx: &Cx, host: Option<&str>) -> Result<Engine> {
    Ok(Engine::connect(&Settings::of(host, |name| cx.env(name))).await?)
}
