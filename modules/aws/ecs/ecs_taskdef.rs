//! `ecs_taskdef`: keeps the newest revision of a task definition as it is written.

use std::collections::BTreeMap;

use rplay_aws::AwsParams;
use rplay_module::{Choice, Params, Report, Result};
use serde_json::{Map, Value, json};

use crate::task_definition::{Request, TaskDefinition, TaskDefinitions};

/// Keeps the newest active revision of a task definition as it is written here; any difference registers another one.
/// What is written is the whole truth: an omitted field is not set in the next revision, whatever the last one had. Every
/// field of AWS's `RegisterTaskDefinition` can be written, in its camelCase or in `snake_case`.
#[derive(Params, Clone, Debug)]
#[params(camel_case, required_if(state = "present", needs("containers")))]
pub(crate) struct EcsTaskdef {
    /// The name that all revisions share.
    #[param(identity)]
    family: String,
    /// `absent` deregisters every active revision of the family; running tasks go on. Omitted: `present`.
    #[param(default = "present")]
    state: Presence,
    /// Tags of the newest revision, changed in place. Omitted: those that it has, which the next revision gets as well.
    tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed. Omitted: yes.
    #[param(default = true)]
    purge_tags: bool,
    #[param(flatten)]
    definition: TaskDefinition,
    #[param(flatten)]
    aws: AwsParams,
}

/// Whether a thing shall be there.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Absent,
}

impl Request for EcsTaskdef {
    fn aws(&self) -> &AwsParams {
        &self.aws
    }

    fn family(&self) -> String {
        self.family.clone()
    }

    fn is_absent(&self) -> bool {
        self.state == Presence::Absent
    }

    fn definition(&self) -> Result<TaskDefinition> {
        Ok(self.definition.clone())
    }

    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        self.tags.as_ref()
    }

    fn purges_tags(&self) -> bool {
        self.purge_tags
    }

    /// `arn`, `family`, `revision`, `image` (of the first container as it is written), `images` by container,
    /// `previous_arn` (the newest revision before the task; null when there was none).
    fn output(&self, report: &Report<'_, TaskDefinitions<Self>>) -> Value {
        let label = |what: &str| format!("ecs.task_definition {}: {what}", self.family);
        let Some(now) = report.state() else { return json!({ "family": self.family }) };
        let image = |name: Option<&str>| {
            let all = now.definition.container_definitions.iter().flatten();
            all.filter(|one| name.is_none() || one.name.as_deref() == name).find_map(|one| one.image.clone())
        };
        let first = self.definition.container_definitions.iter().flatten().next();
        let images = now.definition.container_definitions.iter().flatten();
        let images = images.filter_map(|one| Some((one.name.clone()?, Value::from(one.image.clone()?))));
        json!({
            "arn": now.arn.json(&label("arn")),
            "family": self.family,
            "revision": now.number.json(&label("revision")),
            "image": image(first.and_then(|first| first.name.as_deref())),
            "images": images.collect::<Map<_, _>>(),
            "previous_arn": report.before.and_then(|before| before.arn.known()),
            "tags": now.tags.json(),
        })
    }
}
