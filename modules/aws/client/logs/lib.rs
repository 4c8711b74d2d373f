//! The client of CloudWatch Logs, and the reads that several families need.

use std::ops::Deref;

pub use aws_sdk_cloudwatchlogs as sdk;
use rplay_aws::{Config, Service, Tags, failing, optional};
use rplay_module::Result;
use sdk::types::{LogGroup, OutputLogEvent};

/// CloudWatch Logs, for some credentials in some region.
pub struct Logs(sdk::Client);

impl Service for Logs {
    const ID: &'static str = "CloudWatch Logs";

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self(sdk::Client::from_conf(built))
    }
}

impl Deref for Logs {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.0
    }
}

impl Logs {
    /// Returns the group of exactly this name; the service only knows prefixes.
    pub async fn group(&self, name: &str) -> Result<Option<LogGroup>> {
        let mut pages =
            self.describe_log_groups().log_group_name_prefix(name).into_paginator().items().send();
        while let Some(group) = pages.next().await {
            let group = group.map_err(failing(format!("read log group {name}")))?;
            if group.log_group_name() == Some(name) {
                return Ok(Some(group));
            }
        }
        Ok(None)
    }

    /// Returns the tags of a thing by its ARN (a group's without the `:*` at the end).
    pub async fn tags_of(&self, arn: &str) -> Result<Tags> {
        let asked = self.list_tags_for_resource().resource_arn(arn.trim_end_matches(":*")).send().await;
        let answer = asked.map_err(failing(format!("read the tags of {arn}")))?;
        Ok(answer.tags.unwrap_or_default().into_iter().collect())
    }

    /// Returns the last events of a stream, oldest first; none where group or stream are not there (yet).
    pub async fn last_events(&self, group: &str, stream: &str, count: i32) -> Result<Vec<OutputLogEvent>> {
        let asked = self
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .start_from_head(false)
            .limit(count)
            .send()
            .await
            .map_err(failing(format!("read the last log events of {group} {stream}")));
        let answer = optional(asked, &["ResourceNotFoundException"])?;
        Ok(answer.and_then(|answer| answer.events).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};
    use serde_json::json;

    use super::*;

    async fn logs(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<Logs>, Recorded) {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<Logs>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    #[tokio::test]
    async fn a_prefix_is_not_the_name() {
        let (logs, _calls) = logs([
            Expected::json("DescribeLogGroups")
                .body(json!({ "logGroupNamePrefix": "/ecs/app" }))
                .answers(&json!({ "logGroups": [{ "logGroupName": "/ecs/app-2" }], "nextToken": "more" })),
            Expected::json("DescribeLogGroups")
                .body(json!({ "nextToken": "more" }))
                .answers(&json!({ "logGroups": [{ "logGroupName": "/ecs/app" }] })),
        ])
        .await;
        assert_eq!(logs.group("/ecs/app").await.unwrap().unwrap().log_group_name(), Some("/ecs/app"));
    }

    #[tokio::test]
    async fn a_stream_that_is_not_there_has_no_events() {
        let (logs, _calls) =
            logs([Expected::json("GetLogEvents").refuses("ResourceNotFoundException", "none")]).await;
        assert!(logs.last_events("g", "s", 10).await.unwrap().is_empty());
    }
}
