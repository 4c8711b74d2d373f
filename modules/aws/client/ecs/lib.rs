//! The client of ECS, and the paged reads that several modules need.

use std::collections::BTreeMap;
use std::ops::Deref;

pub use aws_sdk_ecs as sdk;
use rplay_aws::{Config, Service, TagChange, Tags, failing, is_code, optional};
use rplay_module::{Failure, Result};
use sdk::types::{
    Cluster, ClusterField, DesiredStatus, Service as EcsService, ServiceField, Tag, Task, TaskDefinition,
    TaskDefinitionField, TaskField,
};

/// How many services `DescribeServices` takes at once, and how many tasks `DescribeTasks`.
const SERVICES_AT_ONCE: usize = 10;
const TASKS_AT_ONCE: usize = 100;

/// ECS, for some credentials in some region.
pub struct Ecs(sdk::Client);

impl Service for Ecs {
    const ID: &'static str = "ECS";

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self(sdk::Client::from_conf(built))
    }
}

impl Deref for Ecs {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.0
    }
}

/// Returns the tags of an answer.
pub fn tags(list: &[Tag]) -> Tags {
    list.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

/// Returns tags as ECS takes them.
pub fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

impl Ecs {
    /// Returns a cluster with its tags, settings and configuration, whatever its status; a deleted one is INACTIVE.
    pub async fn cluster(&self, name: &str) -> Result<Option<Cluster>> {
        let include = [
            ClusterField::Tags,
            ClusterField::Settings,
            ClusterField::Configurations,
            ClusterField::Statistics,
        ];
        let asked = self.describe_clusters().clusters(name).set_include(Some(include.to_vec())).send().await;
        let answer = asked.map_err(failing(format!("read cluster {name}")))?;
        Ok(answer.clusters.unwrap_or_default().into_iter().next())
    }

    /// Returns the services of these names that there are, deleted ones (INACTIVE) included; none without a cluster.
    pub async fn services(&self, cluster: &str, names: &[String]) -> Result<Vec<EcsService>> {
        let mut found = Vec::new();
        for names in names.chunks(SERVICES_AT_ONCE) {
            let asked = self
                .describe_services()
                .cluster(cluster)
                .set_services(Some(names.to_vec()))
                .include(ServiceField::Tags)
                .send()
                .await
                .map_err(failing(format!("read the services of cluster {cluster}")));
            let Some(answer) = optional(asked, &["ClusterNotFoundException"])? else { return Ok(Vec::new()) };
            found.extend(answer.services.unwrap_or_default());
        }
        Ok(found)
    }

    pub async fn service(&self, cluster: &str, name: &str) -> Result<Option<EcsService>> {
        Ok(self.services(cluster, &[name.to_owned()]).await?.into_iter().next())
    }

    /// Returns the names (ARNs) of all services in a cluster; none without the cluster.
    pub async fn service_arns(&self, cluster: &str) -> Result<Vec<String>> {
        let pages = self.list_services().cluster(cluster).into_paginator().items().send();
        let listed =
            pages.try_collect().await.map_err(failing(format!("list the services of cluster {cluster}")));
        Ok(optional(listed, &["ClusterNotFoundException"])?.unwrap_or_default())
    }

    /// Returns the tasks of a service with a desired status; ECS remembers stopped ones for about an hour.
    pub async fn service_tasks(
        &self,
        cluster: &str,
        service: &str,
        status: DesiredStatus,
    ) -> Result<Vec<Task>> {
        let pages = self
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(status)
            .into_paginator()
            .items()
            .send();
        let arns =
            pages.try_collect().await.map_err(failing(format!("list the tasks of service {service}")))?;
        self.tasks(cluster, &arns).await
    }

    pub async fn tasks(&self, cluster: &str, arns: &[String]) -> Result<Vec<Task>> {
        let mut found = Vec::new();
        for arns in arns.chunks(TASKS_AT_ONCE) {
            let asked = self
                .describe_tasks()
                .cluster(cluster)
                .set_tasks(Some(arns.to_vec()))
                .include(TaskField::Tags);
            let answer =
                asked.send().await.map_err(failing(format!("read the tasks of cluster {cluster}")))?;
            found.extend(answer.tasks.unwrap_or_default());
        }
        Ok(found)
    }

    /// Returns a task definition with its tags, by family (its latest active revision), `family:revision` or ARN: one
    /// call, however many revisions there are.
    pub async fn task_definition(&self, name: &str) -> Result<Option<(TaskDefinition, Tags)>> {
        let asked = self
            .describe_task_definition()
            .task_definition(name)
            .include(TaskDefinitionField::Tags)
            .send()
            .await;
        match asked.map_err(failing(format!("read task definition {name}"))) {
            Ok(answer) => Ok(answer
                .task_definition
                .map(|found| (found, tags(answer.tags.as_deref().unwrap_or_default())))),
            Err(failure) if says_none(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Changes the tags of a thing with an ARN.
    pub async fn retag(&self, arn: &str, change: &TagChange) -> Result<()> {
        if !change.set.is_empty() {
            let sent =
                self.tag_resource().resource_arn(arn).set_tags(Some(tag_list(&change.set))).send().await;
            sent.map_err(failing(format!("tag {arn}")))?;
        }
        if !change.remove.is_empty() {
            let sent = self
                .untag_resource()
                .resource_arn(arn)
                .set_tag_keys(Some(change.remove.clone()))
                .send()
                .await;
            sent.map_err(failing(format!("remove tags of {arn}")))?;
        }
        Ok(())
    }
}

/// The code for a missing task definition is the one for every mistake of the caller: only the text tells them apart.
fn says_none(failure: &Failure) -> bool {
    is_code(failure, &["ClientException"]) && failure.message.contains("Unable to describe task definition")
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_module::FailureKind;
    use rplay_test_support::recorded::{Expected, Recorded};
    use rplay_test_support::{Proxy, Rule, StandIn, TestWorld};
    use serde_json::json;

    use super::*;

    async fn ecs(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<Ecs>, Recorded) {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<Ecs>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    #[tokio::test]
    async fn services_are_asked_for_ten_at_a_time() {
        let names: Vec<String> = (0..12).map(|number| format!("s{number}")).collect();
        let (ecs, _calls) = ecs([
            Expected::json("DescribeServices")
                .body(json!({ "cluster": "app", "services": names[..10] }))
                .answers(&json!({ "services": [{ "serviceName": "s0" }] })),
            Expected::json("DescribeServices")
                .body(json!({ "services": ["s10", "s11"] }))
                .answers(&json!({ "services": [{ "serviceName": "s11" }] })),
        ])
        .await;
        let found = ecs.services("app", &names).await.unwrap();
        assert_eq!(found.iter().filter_map(EcsService::service_name).collect::<Vec<_>>(), ["s0", "s11"]);
    }

    #[tokio::test]
    async fn without_the_cluster_there_is_no_service() {
        let (ecs, _calls) =
            ecs([Expected::json("DescribeServices").refuses("ClusterNotFoundException", "none")]).await;
        assert!(ecs.service("app", "web").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_missing_task_definition_is_none_and_another_mistake_is_a_failure() {
        let (ecs, _calls) = ecs([
            Expected::json("DescribeTaskDefinition")
                .refuses("ClientException", "Unable to describe task definition."),
            Expected::json("DescribeTaskDefinition").refuses("ClientException", "Invalid revision number."),
        ])
        .await;
        assert!(ecs.task_definition("web").await.unwrap().is_none());
        assert!(ecs.task_definition("web:x").await.is_err());
    }

    #[tokio::test]
    async fn the_tasks_of_a_service_are_listed_and_then_read() {
        let (ecs, _calls) = ecs([
            Expected::json("ListTasks")
                .body(json!({ "serviceName": "web", "desiredStatus": "STOPPED" }))
                .answers(&json!({ "taskArns": ["t1"], "nextToken": "more" })),
            Expected::json("ListTasks")
                .body(json!({ "nextToken": "more" }))
                .answers(&json!({ "taskArns": ["t2"] })),
            Expected::json("DescribeTasks")
                .body(json!({ "tasks": ["t1", "t2"] }))
                .answers(&json!({ "tasks": [{ "taskArn": "t1" }, { "taskArn": "t2" }] })),
        ])
        .await;
        assert_eq!(ecs.service_tasks("app", "web", DesiredStatus::Stopped).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_creation_whose_answer_is_lost_is_sent_once() {
        let stand_in = StandIn::shared();
        let (proxy, account) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", account.id())
            .start();
        let ecs = client::<Ecs>(&world.cx(), &AwsParams::default()).await.unwrap();
        proxy.add_rule(Rule::on("ecs", "CreateCluster").nth(1).throttle());
        proxy.add_rule(Rule::on("ecs", "CreateCluster").nth(2).lose_the_answer());
        let sent =
            ecs.create_cluster().cluster_name("app").customize().interceptor(rplay_aws::once()).send().await;
        let failure = sent.map_err(failing("create cluster app")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Lost);
        assert_eq!(proxy.writes().len(), 2, "{}", proxy.log());
        assert_eq!(ecs.cluster("app").await.unwrap().unwrap().status(), Some("ACTIVE"), "it did happen");
    }
}
