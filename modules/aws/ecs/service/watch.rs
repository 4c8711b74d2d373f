//! What is seen of a service: its deployments, tasks, targets and events at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rplay_aws::{client, failing};
use rplay_client_ecs::Ecs;
use rplay_client_ecs::sdk::types::DesiredStatus;
use rplay_client_elbv2::Elbv2;
use rplay_module::{Cx, Failure, Result};

use super::probe::probe;
use super::state::revision_named;
use crate::ecs_service::{EcsServiceParams, last_part};
use crate::shape::types;

/// A service at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// `ACTIVE`, unless it is going or gone.
    pub(crate) status: String,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) pending: i32,
    pub(crate) deployments: Vec<Rollout>,
    pub(crate) groups: Vec<Group>,
    /// `None` where nobody looked.
    pub(crate) tasks: Option<Vec<Task>>,
    /// The newest first.
    pub(crate) events: Vec<Event>,
}

/// A deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rollout {
    pub(crate) id: String,
    /// `PRIMARY`, `ACTIVE` (an older one, or one that failed) or `INACTIVE`.
    pub(crate) status: String,
    /// `family:revision`.
    pub(crate) revision: String,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`; none where ECS does not carry it out itself.
    pub(crate) state: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) pending: i32,
    pub(crate) failed: i32,
    /// Seconds since 1970, by AWS's clock.
    pub(crate) created: Option<f64>,
}

/// A target group (or the two of a deployment that moves traffic itself), with its targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) targets: Vec<Target>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Target {
    /// An address or an instance's id.
    pub(crate) id: String,
    pub(crate) port: Option<i32>,
    /// `healthy`, `initial`, `unhealthy`, `draining`, `unused`, `unavailable`.
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) revision: String,
    /// The deployment that it belongs to.
    pub(crate) deployment: Option<String>,
    pub(crate) status: String,
    /// What the containers' own health checks say.
    pub(crate) health: Option<String>,
    pub(crate) stop_code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) containers: Vec<Container>,
    /// Of its network interfaces.
    pub(crate) addresses: Vec<String>,
    /// On Fargate a task that runs has a network interface; one of a stand-in that starts no containers has none.
    pub(crate) is_hollow: bool,
    pub(crate) created: Option<f64>,
    pub(crate) started: Option<f64>,
    pub(crate) stopped: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
    /// The engine's id of it.
    pub(crate) runtime_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) created: Option<f64>,
}

impl Snapshot {
    pub(crate) fn primary(&self) -> Option<&Rollout> {
        self.deployments.iter().find(|rollout| rollout.status == "PRIMARY")
    }

    pub(crate) fn deployment(&self, id: &str) -> Option<&Rollout> {
        self.deployments.iter().find(|rollout| rollout.id == id)
    }
}

impl Task {
    pub(crate) fn is_dead(&self) -> bool {
        self.status == "STOPPED"
    }

    /// Returns the first part of its id, as people tell tasks apart.
    pub(crate) fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

impl Target {
    /// Returns how people call it: `10.0.0.1:8080`.
    pub(crate) fn called(&self) -> String {
        self.port.map_or_else(|| self.id.clone(), |port| format!("{}:{port}", self.id))
    }

    /// Old targets that only finish what they have begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.state.ends_with("draining")
    }

    /// Returns the state with the reason that AWS gives for it.
    pub(crate) fn explained(&self) -> String {
        let parts = [Some(&self.state), self.reason.as_ref(), self.description.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

/// Looks at one service again and again.
pub(crate) struct Watch<'a> {
    cx: &'a Cx,
    p: &'a EcsServiceParams,
    ecs: Arc<Ecs>,
    /// Dead tasks do not change: each is described once.
    dead: BTreeMap<String, Task>,
    /// As AWS described it last.
    pub(crate) described: Option<types::Service>,
}

impl<'a> Watch<'a> {
    pub(crate) async fn new(cx: &'a Cx, p: &'a EcsServiceParams) -> Result<Self> {
        Ok(Self { cx, p, ecs: client::<Ecs>(cx, &p.aws).await?, dead: BTreeMap::new(), described: None })
    }

    /// Starts from a service that was just described.
    pub(crate) fn begin(&mut self, service: types::Service) {
        self.described = Some(service);
    }

    /// Looks at the service, with its tasks where asked for; the first time at what `begin` was given.
    pub(crate) async fn look(&mut self, again: bool, tasks: bool) -> Result<Snapshot> {
        if again || self.described.is_none() {
            let found = super::described(self.cx, self.p).await?;
            self.described = Some(found.ok_or_else(|| {
                Failure::new(format!("could not see service {}: it is gone", self.p.called()))
            })?);
        }
        let service = self.described.clone().unwrap_or_else(|| types::Service::builder().build());
        let groups = Box::pin(groups(self.cx, self.p, &service)).await?;
        let tasks = if tasks { Some(Box::pin(self.tasks()).await?) } else { None };
        Ok(Snapshot { groups, tasks, ..counts(&service) })
    }

    async fn tasks(&mut self) -> Result<Vec<Task>> {
        let mut arns = BTreeSet::new();
        for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
            let asked = self
                .ecs
                .list_tasks()
                .cluster(&self.p.cluster)
                .service_name(&self.p.name)
                .desired_status(status);
            let listed: Result<Vec<String>, _> = asked.into_paginator().items().send().try_collect().await;
            arns.extend(listed.map_err(failing(format!("list the tasks of service {}", self.p.called())))?);
        }
        let unknown: Vec<String> = arns.iter().filter(|arn| !self.dead.contains_key(*arn)).cloned().collect();
        let mut tasks: Vec<Task> = arns.iter().filter_map(|arn| self.dead.get(arn).cloned()).collect();
        for task in self.ecs.tasks(&self.p.cluster, &unknown).await? {
            let seen = seen(&task);
            if seen.is_dead() {
                self.dead.insert(task.task_arn.unwrap_or_default(), seen.clone());
            }
            tasks.push(seen);
        }
        tasks.sort_by(|one, other| {
            one.created.unwrap_or_default().total_cmp(&other.created.unwrap_or_default())
        });
        Ok(tasks)
    }
}

/// Returns what the description of a service says by itself.
fn counts(service: &types::Service) -> Snapshot {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rollouts = service.deployments.iter().flatten().map(|deployment| Rollout {
        id: text(&deployment.id),
        status: text(&deployment.status),
        revision: revision_named(deployment.task_definition.as_deref().unwrap_or_default()),
        state: deployment.rollout_state.as_ref().map(|state| state.as_str().to_owned()),
        reason: deployment.rollout_state_reason.clone().filter(|reason| !reason.is_empty()),
        desired: deployment.desired_count,
        running: deployment.running_count,
        pending: deployment.pending_count,
        failed: deployment.failed_tasks,
        created: deployment.created_at.map(|time| time.as_secs_f64()),
    });
    let events = service.events.iter().flatten().map(|event| Event {
        id: text(&event.id),
        message: text(&event.message),
        created: event.created_at.map(|time| time.as_secs_f64()),
    });
    Snapshot {
        status: text(&service.status),
        desired: service.desired_count,
        running: service.running_count,
        pending: service.pending_count,
        deployments: rollouts.collect(),
        events: events.collect(),
        ..Snapshot::default()
    }
}

/// Returns the health of all targets of the service's target groups; Classic Load Balancers have none.
async fn groups(cx: &Cx, p: &EcsServiceParams, service: &types::Service) -> Result<Vec<Group>> {
    let balancers = service.load_balancers.as_deref().unwrap_or_default();
    let asked = balancers.iter().filter_map(|balancer| {
        let first = balancer.target_group_arn.clone()?;
        let alternate =
            balancer.advanced_configuration.as_ref().and_then(|more| more.alternate_target_group_arn.clone());
        Some(std::iter::once(first).chain(alternate).collect::<Vec<String>>())
    });
    let distinct: BTreeSet<Vec<String>> = asked.collect();
    if distinct.is_empty() {
        return Ok(Vec::new());
    }
    let elb = client::<Elbv2>(cx, &p.aws).await?;
    let mut groups = Vec::new();
    for arns in distinct {
        groups.push(group(cx, &elb, arns).await?);
    }
    Ok(groups)
}

async fn group(cx: &Cx, elb: &Elbv2, arns: Vec<String>) -> Result<Group> {
    let names: Vec<&str> = arns.iter().map(|arn| group_name(arn)).collect();
    let mut group = Group { name: names.join(", "), targets: Vec::new() };
    for arn in &arns {
        let mut targets = Vec::new();
        for found in elb.target_health(arn).await? {
            let (target, health) = (found.target.as_ref(), found.target_health.as_ref());
            targets.push(Target {
                id: target.and_then(|target| target.id.clone()).unwrap_or_default(),
                port: target.and_then(|target| target.port),
                state: health
                    .and_then(|health| Some(health.state.as_ref()?.as_str().to_owned()))
                    .unwrap_or_default(),
                reason: health.and_then(|health| Some(health.reason.as_ref()?.as_str().to_owned())),
                description: health.and_then(|health| health.description.clone()),
            });
        }
        probe(cx, elb, arn, &mut targets).await?;
        group.targets.append(&mut targets);
    }
    Ok(group)
}

/// Returns the name inside `arn:…:targetgroup/NAME/ID`.
fn group_name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

fn seen(task: &types::Task) -> Task {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let containers = task.containers.iter().flatten().map(|container| Container {
        name: text(&container.name),
        image: text(&container.image),
        exit_code: container.exit_code,
        reason: container.reason.clone(),
        runtime_id: container.runtime_id.clone(),
    });
    let interfaces =
        task.containers.iter().flatten().flat_map(|container| container.network_interfaces.iter().flatten());
    let addresses =
        interfaces.flat_map(|interface| [&interface.private_ipv4_address, &interface.ipv6_address]);
    let details =
        task.attachments.iter().flatten().flat_map(|attachment| attachment.details.iter().flatten());
    let attached =
        details.filter(|detail| detail.name.as_deref().is_some_and(|name| name.ends_with("Address")));
    let addresses: BTreeSet<String> =
        addresses.flatten().cloned().chain(attached.filter_map(|detail| detail.value.clone())).collect();
    let on_fargate = task.launch_type == Some(types::LaunchType::Fargate);
    Task {
        id: last_part(task.task_arn.as_deref().unwrap_or_default()).to_owned(),
        revision: revision_named(task.task_definition_arn.as_deref().unwrap_or_default()),
        deployment: task.started_by.clone(),
        status: text(&task.last_status),
        health: task.health_status.as_ref().map(|health| health.as_str().to_owned()),
        stop_code: task.stop_code.as_ref().map(|code| code.as_str().to_owned()),
        reason: task.stopped_reason.clone(),
        containers: containers.collect(),
        is_hollow: on_fargate && addresses.is_empty() && task.attachments().is_empty(),
        addresses: addresses.into_iter().collect(),
        created: task.created_at.map(|time| time.as_secs_f64()),
        started: task.started_at.map(|time| time.as_secs_f64()),
        stopped: task.stopped_at.map(|time| time.as_secs_f64()),
    }
}
