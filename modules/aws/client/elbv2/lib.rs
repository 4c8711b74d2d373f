//! The client of Elastic Load Balancing v2, and the paged reads that several families need.

use std::collections::BTreeMap;
use std::ops::Deref;

pub use aws_sdk_elasticloadbalancingv2 as sdk;
use rplay_aws::{Config, Service, TagChange, Tags, failing, optional};
use rplay_module::Result;
use sdk::types::{Listener, LoadBalancer, Rule, Tag, TargetGroup, TargetHealthDescription};

/// How many ARNs `DescribeTags` takes at once.
const TAGS_AT_ONCE: usize = 20;

/// ELBv2, for some credentials in some region.
pub struct Elbv2(sdk::Client);

impl Service for Elbv2 {
    const ID: &'static str = "Elastic Load Balancing v2";

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self(sdk::Client::from_conf(built))
    }
}

impl Deref for Elbv2 {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.0
    }
}

/// Returns the tags of an answer.
pub fn tags(list: &[Tag]) -> Tags {
    list.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

/// Returns tags as ELBv2 takes them; `None` where there are none, as an empty list is refused.
pub fn tag_list(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let list = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    (!tags.is_empty()).then_some(list)
}

impl Elbv2 {
    pub async fn load_balancer(&self, name: &str) -> Result<Option<LoadBalancer>> {
        let asked = self.describe_load_balancers().names(name).send().await;
        let answer = asked.map_err(failing(format!("read load balancer {name}")));
        let answer = optional(answer, &["LoadBalancerNotFound"])?;
        Ok(answer.and_then(|answer| answer.load_balancers?.into_iter().next()))
    }

    pub async fn load_balancers(&self) -> Result<Vec<LoadBalancer>> {
        let pages = self.describe_load_balancers().into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list load balancers"))
    }

    pub async fn target_group(&self, name: &str) -> Result<Option<TargetGroup>> {
        let asked = self.describe_target_groups().names(name).send().await;
        let answer =
            optional(asked.map_err(failing(format!("read target group {name}"))), &["TargetGroupNotFound"])?;
        Ok(answer.and_then(|answer| answer.target_groups?.into_iter().next()))
    }

    /// Returns the target groups that a load balancer forwards to.
    pub async fn target_groups_of(&self, load_balancer: &str) -> Result<Vec<TargetGroup>> {
        let pages =
            self.describe_target_groups().load_balancer_arn(load_balancer).into_paginator().items().send();
        pages.try_collect().await.map_err(failing(format!("list the target groups of {load_balancer}")))
    }

    /// Returns the listeners of a load balancer (by ARN) in the order of their ports; none without it.
    pub async fn listeners(&self, load_balancer: &str) -> Result<Vec<Listener>> {
        let pages =
            self.describe_listeners().load_balancer_arn(load_balancer).into_paginator().items().send();
        let listed =
            pages.try_collect().await.map_err(failing(format!("list the listeners of {load_balancer}")));
        let mut listeners =
            optional(listed, &["LoadBalancerNotFound", "ListenerNotFound"])?.unwrap_or_default();
        listeners.sort_by_key(Listener::port);
        Ok(listeners)
    }

    /// Returns the rules of a listener (by ARN), the default one included.
    pub async fn rules(&self, listener: &str) -> Result<Vec<Rule>> {
        let pages = self.describe_rules().listener_arn(listener).into_paginator().items().send();
        let listed = pages.try_collect().await.map_err(failing(format!("list the rules of {listener}")));
        Ok(optional(listed, &["ListenerNotFound", "RuleNotFound"])?.unwrap_or_default())
    }

    /// Returns the targets of a group (by ARN) with their health.
    pub async fn target_health(&self, target_group: &str) -> Result<Vec<TargetHealthDescription>> {
        let asked = self.describe_target_health().target_group_arn(target_group).send().await;
        let answer = asked.map_err(failing(format!("read the health of the targets of {target_group}")))?;
        Ok(answer.target_health_descriptions.unwrap_or_default())
    }

    /// Returns the attributes of a load balancer (by ARN).
    pub async fn load_balancer_attributes(&self, arn: &str) -> Result<BTreeMap<String, String>> {
        let asked = self.describe_load_balancer_attributes().load_balancer_arn(arn).send().await;
        let answer = asked.map_err(failing(format!("read the attributes of {arn}")))?;
        let pairs = answer.attributes.unwrap_or_default().into_iter();
        Ok(pairs.filter_map(|pair| Some((pair.key?, pair.value.unwrap_or_default()))).collect())
    }

    /// Returns the attributes of a target group (by ARN).
    pub async fn target_group_attributes(&self, arn: &str) -> Result<BTreeMap<String, String>> {
        let asked = self.describe_target_group_attributes().target_group_arn(arn).send().await;
        let answer = asked.map_err(failing(format!("read the attributes of {arn}")))?;
        let pairs = answer.attributes.unwrap_or_default().into_iter();
        Ok(pairs.filter_map(|pair| Some((pair.key?, pair.value.unwrap_or_default()))).collect())
    }

    /// Returns the tags of things by their ARNs.
    pub async fn tags_of(&self, arns: &[String]) -> Result<BTreeMap<String, Tags>> {
        let mut found = BTreeMap::new();
        for arns in arns.chunks(TAGS_AT_ONCE) {
            let asked = self.describe_tags().set_resource_arns(Some(arns.to_vec())).send().await;
            let answer =
                asked.map_err(failing("read the tags of load balancers, listeners and target groups"))?;
            for one in answer.tag_descriptions.unwrap_or_default() {
                found.insert(
                    one.resource_arn.unwrap_or_default(),
                    tags(one.tags.as_deref().unwrap_or_default()),
                );
            }
        }
        Ok(found)
    }

    /// Changes the tags of a thing with an ARN.
    pub async fn retag(&self, arn: &str, change: &TagChange) -> Result<()> {
        if !change.set.is_empty() {
            let sent = self.add_tags().resource_arns(arn).set_tags(tag_list(&change.set)).send().await;
            sent.map_err(failing(format!("tag {arn}")))?;
        }
        if !change.remove.is_empty() {
            let sent =
                self.remove_tags().resource_arns(arn).set_tag_keys(Some(change.remove.clone())).send().await;
            sent.map_err(failing(format!("remove tags of {arn}")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};

    use super::*;

    async fn elb(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<Elbv2>, Recorded) {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<Elbv2>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    fn tagged(arn: &str) -> String {
        format!(
            "<TagDescriptions><member><ResourceArn>{arn}</ResourceArn><Tags><member>\
             <Key>k</Key><Value>v</Value></member></Tags></member></TagDescriptions>"
        )
    }

    #[tokio::test]
    async fn a_load_balancer_that_is_not_there_is_none() {
        let refusal = Expected::query("DescribeLoadBalancers").parameter("Names.member.1", "app");
        let (elb, _calls) = elb([refusal.refuses("LoadBalancerNotFound", "none")]).await;
        assert!(elb.load_balancer("app").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn tags_are_asked_for_twenty_at_a_time() {
        let (elb, _calls) = elb([
            Expected::query("DescribeTags")
                .parameter("ResourceArns.member.20", "arn19")
                .gives(&tagged("arn0")),
            Expected::query("DescribeTags")
                .parameter("ResourceArns.member.1", "arn20")
                .gives(&tagged("arn20")),
        ])
        .await;
        let arns: Vec<String> = (0..21).map(|number| format!("arn{number}")).collect();
        let found = elb.tags_of(&arns).await.unwrap();
        assert_eq!(found["arn20"].get("k"), Some("v"));
        assert_eq!(found.len(), 2);
    }
}
