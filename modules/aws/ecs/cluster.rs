//! The resource behind `ecs_cluster`.

mod configuration;

use std::time::Duration;

use rplay_aws::{Probe, Tags, Wait, client, failing, retry_on, wait};
use rplay_client_ecs::{Ecs, sdk, tag_list};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, FailureKind, Held, Realm, Report, Resource, Result, State, unknown,
};
use sdk::types;
use serde_json::{Value, json};

use crate::ecs_cluster::{ClusterState, EcsCluster};
use crate::shape::{Pair, Pairs, Piece, Shape as _, all_to_sdk, fields_json, tidied};

pub(crate) use configuration::{CapacityProviderStrategyItem, ClusterConfiguration};

/// A cluster that is not deleted.
pub(crate) struct Clusters;

#[derive(State, Clone, Debug, PartialEq)]
pub(crate) struct Cluster {
    pub(crate) settings: Option<Pairs<types::ClusterSetting>>,
    pub(crate) configuration: Option<ClusterConfiguration>,
    pub(crate) capacity_providers: Vec<String>,
    #[state(name = "capacity_provider_strategy")]
    pub(crate) strategy: Vec<CapacityProviderStrategyItem>,
    pub(crate) tags: Tags,
    pub(crate) arn: Fact<String>,
    status: Fact<String>,
    /// Services, tasks and instances in it.
    active_services: Fact<i32>,
    running_tasks: Fact<i32>,
    instances: Fact<i32>,
    /// As boto3 gives it.
    pub(crate) described: Fact<Value>,
}

impl Resource for Clusters {
    type Params = EcsCluster;
    type State = Cluster;
    type Around = ();
    type Receipt = ();

    fn address(&self, p: &EcsCluster) -> Address {
        Address::new("ecs.cluster", p.name.rsplit('/').next().unwrap_or_default())
    }

    async fn read(&self, cx: &Cx, p: &EcsCluster, _: Option<&()>) -> Result<(Option<Cluster>, ())> {
        let found = client::<Ecs>(cx, &p.aws).await?.cluster(&p.name).await?;
        // A deleted cluster is remembered for a while.
        let found = found.filter(|found| found.status.as_deref() != Some("INACTIVE"));
        Ok((found.as_ref().map(cluster), ()))
    }

    fn desired(&self, p: &EcsCluster, (): &(), have: Option<&Cluster>) -> Result<Option<Cluster>> {
        match (p.state, have) {
            (ClusterState::Absent, _) => return Ok(None),
            (ClusterState::HasInstances, Some(have)) => return Ok(Some(have.clone())),
            (ClusterState::HasInstances, None) => {
                return Err(Failure::new(format!("Cluster '{}' not found.", p.name)));
            }
            (ClusterState::Present, _) => {}
        }
        let mut want = have.cloned().unwrap_or_else(Cluster::new);
        if let Some(asked) = &p.settings {
            want.settings = Some(want.settings.unwrap_or_default().with(asked));
        }
        if p.configuration.is_some() {
            want.configuration.clone_from(&p.configuration);
        }
        if p.purge_capacity_providers || have.is_none() {
            want.capacity_providers = p.capacity_providers.clone().unwrap_or_default();
            want.strategy = p.capacity_provider_strategy.clone().unwrap_or_default();
        }
        want.tags = Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags));
        Ok(Some(want))
    }

    fn normal(&self, mut cluster: Cluster) -> Cluster {
        cluster.capacity_providers.sort();
        for item in &mut cluster.strategy {
            // AWS gives 0 for what was omitted.
            item.weight = Some(item.weight.unwrap_or(0));
            item.base = Some(item.base.unwrap_or(0));
        }
        cluster.strategy.sort_by_cached_key(|item| item.capacity_provider.clone());
        let command =
            cluster.configuration.as_mut().and_then(|all| all.execute_command_configuration.as_mut());
        if let Some(command) = command {
            // `DEFAULT` is what omission means.
            if command.logging.as_ref().is_some_and(|logging| logging.as_str() == "DEFAULT") {
                command.logging = None;
            }
            if let Some(log) = &mut command.log_configuration {
                log.cloud_watch_encryption_enabled =
                    log.cloud_watch_encryption_enabled.filter(|encrypted| *encrypted);
                log.s3_encryption_enabled = log.s3_encryption_enabled.filter(|encrypted| *encrypted);
            }
        }
        tidied(&mut cluster.settings);
        tidied(&mut cluster.configuration);
        cluster
    }

    async fn apply(&self, cx: &Cx, p: &EcsCluster, (): &(), change: Change<'_, Cluster>) -> Result<()> {
        let ecs = client::<Ecs>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => create(cx, &ecs, &p.name, want).await,
            Change::Update { have, want } => update(&ecs, &p.name, have, want).await,
            Change::Delete { have } => delete(cx, &ecs, &p.name, have).await,
        }
    }

    async fn settle(&self, cx: &Cx, p: &EcsCluster, now: &Cluster) -> Result<()> {
        if now.status.known().is_some_and(|status| status != "ACTIVE") {
            until_active(cx, p).await?;
        }
        if p.state == ClusterState::HasInstances && now.instances.known() == Some(&0) {
            until_instances(cx, p).await?;
        }
        Ok(())
    }

    /// `cluster`, as boto3 gives it; of a deleted one as it was.
    fn output(&self, p: &EcsCluster, report: &Report<'_, Self>) -> Value {
        let Some(now) = report.state() else { return json!({}) };
        let mut fields = now.described.known().cloned().unwrap_or_else(|| {
            json!({
                "clusterArn": unknown::marker(unknown::Cause::Created, &format!("ecs.cluster {}: arn", p.name)),
                "clusterName": p.name,
                "status": "ACTIVE",
                "registeredContainerInstancesCount": 0,
                "runningTasksCount": 0,
                "pendingTasksCount": 0,
                "activeServicesCount": 0,
                "statistics": [],
            })
        });
        let managed = fields_json([
            (
                "tags",
                Some(now.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()),
            ),
            ("settings", Some(now.settings.as_ref().map_or_else(|| json!([]), Piece::json))),
            ("configuration", now.configuration.as_ref().map(Piece::json)),
            ("capacity_providers", Some(now.capacity_providers.json())),
            ("default_capacity_provider_strategy", Some(now.strategy.json())),
        ]);
        if let (Value::Object(fields), Value::Object(managed)) = (&mut fields, managed) {
            fields.extend(managed);
        }
        json!({ "cluster": fields })
    }

    fn id(&self, cluster: &Cluster) -> Option<String> {
        cluster.arn.known().cloned()
    }

    fn ours(&self, have: &Cluster) -> bool {
        have.tags.owned()
    }

    async fn holds(&self, cx: &Cx, p: &EcsCluster, have: &Cluster) -> Result<Vec<Held>> {
        let services = client::<Ecs>(cx, &p.aws).await?.service_arns(&p.name).await?;
        let cluster = self.address(p).name;
        let mut held: Vec<Held> = services
            .iter()
            .filter_map(|arn| arn.rsplit('/').next())
            .map(|name| Held {
                name: format!("service {name}"),
                address: Some(Address::new("ecs.service", format!("{cluster}/{name}"))),
            })
            .collect();
        let tasks = have.running_tasks.known().copied().unwrap_or_default();
        if held.is_empty() && tasks > 0 {
            held.push(Held { name: format!("{tasks} running tasks of no service"), address: None });
        }
        let instances = have.instances.known().copied().unwrap_or_default();
        if instances > 0 {
            held.push(Held { name: format!("{instances} container instances"), address: None });
        }
        Ok(held)
    }

    async fn realm(&self, cx: &Cx, p: &EcsCluster) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

impl Cluster {
    fn new() -> Self {
        Self {
            settings: None,
            configuration: None,
            capacity_providers: Vec::new(),
            strategy: Vec::new(),
            tags: Tags::default(),
            arn: Fact::Unknown,
            status: Fact::Unknown,
            active_services: Fact::Unknown,
            running_tasks: Fact::Unknown,
            instances: Fact::Unknown,
            described: Fact::Unknown,
        }
    }
}

fn cluster(found: &types::Cluster) -> Cluster {
    Cluster {
        settings: found.settings.as_ref().map(|settings| Pairs::from_sdk(settings)),
        configuration: found.configuration.as_ref().map(ClusterConfiguration::from_sdk),
        capacity_providers: found.capacity_providers.clone().unwrap_or_default(),
        strategy: found
            .default_capacity_provider_strategy()
            .iter()
            .map(CapacityProviderStrategyItem::from_sdk)
            .collect(),
        tags: rplay_client_ecs::tags(found.tags()),
        arn: Fact::from_answer(found.cluster_arn.clone()),
        status: Fact::from_answer(found.status.clone()),
        active_services: Fact::Known(found.active_services_count),
        running_tasks: Fact::Known(found.running_tasks_count),
        instances: Fact::Known(found.registered_container_instances_count),
        described: Fact::Known(described(found)),
    }
}

/// What is not managed, as boto3 gives it.
fn described(found: &types::Cluster) -> Value {
    let statistics = found.statistics.as_ref();
    let pair = |one: &types::KeyValuePair| json!({ "name": one.name(), "value": one.value() });
    fields_json([
        ("cluster_arn", found.cluster_arn.as_deref().map(Value::from)),
        ("cluster_name", found.cluster_name.as_deref().map(Value::from)),
        ("status", found.status.as_deref().map(Value::from)),
        (
            "registered_container_instances_count",
            Some(Value::from(found.registered_container_instances_count)),
        ),
        ("running_tasks_count", Some(Value::from(found.running_tasks_count))),
        ("pending_tasks_count", Some(Value::from(found.pending_tasks_count))),
        ("active_services_count", Some(Value::from(found.active_services_count))),
        ("statistics", statistics.map(|all| all.iter().map(pair).collect())),
        ("attachments_status", found.attachments_status.as_deref().map(Value::from)),
    ])
}

/// A cluster of that name is given back as it is: the call can be sent again.
async fn create(cx: &Cx, ecs: &Ecs, name: &str, want: &Cluster) -> Result<()> {
    let tags = want.tags.for_creation(cx);
    let sent = ecs
        .create_cluster()
        .cluster_name(name)
        .set_settings(want.settings.as_ref().map(Pairs::to_sdk).transpose()?)
        .set_configuration(want.configuration.as_ref().map(ClusterConfiguration::to_sdk).transpose()?)
        .set_capacity_providers(some(&want.capacity_providers))
        .set_default_capacity_provider_strategy(some(&all_to_sdk(&want.strategy)?))
        .set_tags(some(&tag_list(&tags)))
        .send()
        .await;
    sent.map(drop).map_err(failing(format!("create cluster {name}")))
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

async fn update(ecs: &Ecs, name: &str, have: &Cluster, want: &Cluster) -> Result<()> {
    if have.settings != want.settings || have.configuration != want.configuration {
        let settings = want.settings.as_ref().filter(|_| have.settings != want.settings);
        let configuration = want.configuration.as_ref().filter(|_| have.configuration != want.configuration);
        let sent = ecs
            .update_cluster()
            .cluster(name)
            .set_settings(settings.map(Pairs::to_sdk).transpose()?)
            .set_configuration(configuration.map(ClusterConfiguration::to_sdk).transpose()?)
            .send()
            .await;
        sent.map_err(failing(format!("update cluster {name}")))?;
    }
    if have.capacity_providers != want.capacity_providers || have.strategy != want.strategy {
        let sent = ecs
            .put_cluster_capacity_providers()
            .cluster(name)
            .set_capacity_providers(Some(want.capacity_providers.clone()))
            .set_default_capacity_provider_strategy(Some(all_to_sdk(&want.strategy)?))
            .send()
            .await;
        sent.map_err(failing(format!("change the capacity providers of cluster {name}")))?;
    }
    let tags = have.tags.change(&want.tags);
    match have.arn.known() {
        Some(arn) if !tags.is_empty() => ecs.retag(arn, &tags).await,
        _ => Ok(()),
    }
}

/// Tasks that are just being stopped, and services that are just being emptied, are waited for; others are not.
async fn delete(cx: &Cx, ecs: &Ecs, name: &str, have: &Cluster) -> Result<()> {
    const EMPTYING: &[&str] =
        &["UpdateInProgressException", "ClusterContainsTasksException", "ClusterContainsServicesException"];
    let emptying = have.active_services.known() == Some(&0);
    let passing = if emptying { EMPTYING } else { &["UpdateInProgressException"] };
    let sent = retry_on(cx, passing, 120, || async {
        ecs.delete_cluster().cluster(name).send().await.map_err(failing(format!("delete cluster {name}")))
    });
    match sent.await {
        Err(failure) if rplay_aws::is_code(&failure, &["ClusterNotFoundException"]) => Ok(()),
        other => other.map(drop),
    }
}

/// A cluster with capacity providers takes a moment.
async fn until_active(cx: &Cx, p: &EcsCluster) -> Result<()> {
    let ecs = client::<Ecs>(cx, &p.aws).await?;
    let patience =
        Wait { what: format!("cluster {} active", p.name), seconds: 300, every: Duration::from_secs(2) };
    wait(cx, &patience, || async {
        let found = ecs.cluster(&p.name).await?;
        let status = found.as_ref().and_then(|found| found.status.as_deref()).unwrap_or("MISSING");
        match status {
            "ACTIVE" => Ok(Probe::Done(())),
            "FAILED" | "INACTIVE" | "MISSING" => {
                Err(Failure::new(format!("could not see cluster {} active: it is {status}", p.name)))
            }
            status => Ok(Probe::pending(format!("cluster {}: {status}", p.name))),
        }
    })
    .await
}

async fn until_instances(cx: &Cx, p: &EcsCluster) -> Result<()> {
    let ecs = client::<Ecs>(cx, &p.aws).await?;
    let patience = Wait {
        what: format!("an instance in cluster {}", p.name),
        seconds: p.delay.saturating_mul(p.repeat),
        every: Duration::from_secs(p.delay),
    };
    let waited = wait(cx, &patience, || async {
        let found = ecs.cluster(&p.name).await?;
        if found.is_some_and(|found| found.registered_container_instances_count > 0) {
            return Ok(Probe::Done(()));
        }
        Ok(Probe::pending(format!("cluster {}: no instance yet", p.name)))
    });
    waited.await.map_err(|failure| match failure.kind {
        FailureKind::TimedOut => Failure {
            message: format!(
                "Cluster instance count still zero after {} tries of {} seconds each.",
                p.repeat, p.delay
            ),
            ..failure
        },
        _ => failure,
    })
}

impl Pair for types::ClusterSetting {
    const VALUE: &'static str = "value";
    type Written = crate::shape::NameAndValue;

    fn pair(name: &str, value: &str) -> Result<Self> {
        Ok(Self::builder().name(name.into()).value(value).build())
    }

    fn name(&self) -> &str {
        self.name.as_ref().map(types::ClusterSettingName::as_str).unwrap_or_default()
    }

    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
