//! The last lines of a task's containers, as far as they go to CloudWatch Logs.

use rplay_aws::{AwsParams, client};
use rplay_client_ecs::Ecs;
use rplay_client_logs::Logs;
use rplay_module::Cx;

use super::screen::{Examined, Log};
use super::watch::{Container, Task};
use crate::ecs_service::EcsServiceParams;
use crate::shape::types;

/// How many lines are shown of each container.
const LINES: i32 = 12;

/// Returns the tasks with their containers' last lines. What cannot be read is said in its place: a failed deployment
/// must be told even so.
pub(crate) async fn examined(cx: &Cx, p: &EcsServiceParams, tasks: Vec<Task>) -> Vec<Examined> {
    let mut found: Vec<Examined> = Vec::new();
    let mut definition: Option<(String, Option<types::TaskDefinition>)> = None;
    for task in tasks {
        if definition.as_ref().is_none_or(|(revision, _)| *revision != task.revision) {
            definition = Some((task.revision.clone(), described(cx, p, &task.revision).await));
        }
        let mut logs = Vec::new();
        for container in &task.containers {
            let found = definition.as_ref().and_then(|(_, found)| found.as_ref());
            let options = found.and_then(|found| log_options(found, &container.name));
            if let Some(options) = options {
                logs.push(log(cx, p, &task, container, options).await);
            }
        }
        found.push(Examined { task, logs });
    }
    found
}

async fn described(cx: &Cx, p: &EcsServiceParams, revision: &str) -> Option<types::TaskDefinition> {
    let ecs = client::<Ecs>(cx, &p.aws).await.ok()?;
    ecs.task_definition(revision).await.ok()?.map(|(definition, _)| definition)
}

type Options = std::collections::HashMap<String, String>;

fn log_options<'a>(definition: &'a types::TaskDefinition, container: &str) -> Option<&'a Options> {
    let mut containers = definition.container_definitions.iter().flatten();
    let log =
        containers.find(|known| known.name.as_deref() == Some(container))?.log_configuration.as_ref()?;
    log.options.as_ref().filter(|_| log.log_driver.as_str() == "awslogs")
}

async fn log(cx: &Cx, p: &EcsServiceParams, task: &Task, container: &Container, options: &Options) -> Log {
    let group = options.get("awslogs-group").cloned().unwrap_or_default();
    let stream = match (options.get("awslogs-stream-prefix"), &container.runtime_id) {
        (Some(prefix), _) => format!("{prefix}/{}/{}", container.name, task.id),
        // Without a prefix the engine's own id is the stream.
        (None, Some(id)) => id.clone(),
        (None, None) => String::new(),
    };
    let aws = AwsParams {
        region: options.get("awslogs-region").cloned().or(p.aws.region.clone()),
        ..p.aws.clone()
    };
    let (place, lines) = match last_lines(cx, &aws, &group, &stream).await {
        Ok(lines) if lines.is_empty() => (format!("{group} {stream} has no lines"), lines),
        Ok(lines) => (format!("{group} {stream}, last lines:"), lines),
        Err(failure) => (failure.message, Vec::new()),
    };
    Log { container: container.name.clone(), place, lines }
}

async fn last_lines(
    cx: &Cx,
    aws: &AwsParams,
    group: &str,
    stream: &str,
) -> rplay_module::Result<Vec<String>> {
    let events = client::<Logs>(cx, aws).await?.last_events(group, stream, LINES).await?;
    Ok(events.into_iter().filter_map(|event| event.message).map(|line| line.trim_end().to_owned()).collect())
}
