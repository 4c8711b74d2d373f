//! An image in a repository, and the repository.

use indexmap::IndexMap;
use rplay_module::{Composite, Failure, FailureKind, Params, Result, Step};
use serde_json::{Map, Value};

use crate::image::{Image, ImageParams};
use crate::repository::{Repository, RepositoryParams};

/// Keeps an image of this machine in a repository of ECR, and the repository itself.
#[derive(Params)]
pub(crate) struct EcrPushParams {
    /// The image to push, as the Docker engine calls it: `NAME:TAG`; without a tag it is `latest`.
    image: String,
    /// The tag in the repository. Omitted: the image's own.
    #[param(identity)]
    tag: Option<String>,
    /// Whether to push although the repository has this very image.
    #[param(default = false)]
    force: bool,
    /// The engine: `unix://…` or `tcp://…`. `DOCKER_HOST` when omitted, else `unix:///var/run/docker.sock`.
    #[param(alias = "docker_url")]
    docker_host: Option<String>,
    #[param(flatten)]
    repository: RepositoryParams,
}

pub(crate) struct EcrPush;

impl Composite for EcrPush {
    type Params = EcrPushParams;

    fn steps(&self, p: &EcrPushParams) -> Result<Vec<Step>> {
        if let Some(fault) = p.repository.fault() {
            let message = fault.message.clone();
            return Err(Failure { kind: FailureKind::Arguments(vec![fault]), ..Failure::new(message) });
        }
        let image = ImageParams {
            image: p.image.clone(),
            repository: p.repository.repository.clone(),
            tag: p.tag.clone(),
            force: p.force,
            docker_host: p.docker_host.clone(),
            aws: p.repository.aws.clone(),
        };
        Ok(vec![
            Step::resource("repository", Repository, p.repository.clone()),
            Step::resource("image", Image, image),
        ])
    }

    fn output(&self, _p: &EcrPushParams, steps: &IndexMap<String, Map<String, Value>>) -> Value {
        let fields = steps.values().flatten();
        Value::Object(fields.map(|(name, field)| (name.clone(), field.clone())).collect())
    }
}
