//! The client of IAM, and the paged reads that several modules need.

use std::collections::BTreeMap;
use std::ops::Deref;

pub use aws_sdk_iam as sdk;
use rplay_aws::{Config, Service, Tags, failing, optional, policy};
use rplay_module::{Failure, Result};
use sdk::types::{AttachedPolicy, Policy, PolicyScopeType, Role, Tag};
use serde_json::Value;

/// What IAM says when there is none.
const NONE: &[&str] = &["NoSuchEntity"];
/// The largest page that `ListPolicies` gives.
const POLICIES_AT_ONCE: i32 = 1000;
/// The folders in which AWS keeps its own policies.
const FOLDERS: [&str; 4] = ["", "service-role/", "aws-service-role/", "job-function/"];

/// IAM, for some credentials.
pub struct Iam(sdk::Client);

impl Service for Iam {
    const ID: &'static str = "IAM";
    const GLOBAL: bool = true;

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self(sdk::Client::from_conf(built))
    }
}

impl Deref for Iam {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.0
    }
}

/// Returns the tags of an answer.
pub fn tags(list: &[Tag]) -> Tags {
    list.iter().map(|tag| (tag.key(), tag.value())).collect()
}

/// Returns tags as IAM takes them.
pub fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let built = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    built.collect::<Result<_, _>>().map_err(Failure::bug)
}

impl Iam {
    /// Returns a role with its tags and its trust policy (percent-encoded; see [`policy::parse`]).
    pub async fn role(&self, name: &str) -> Result<Option<Role>> {
        let asked =
            self.get_role().role_name(name).send().await.map_err(failing(format!("read role {name}")));
        Ok(optional(asked, NONE)?.and_then(|answer| answer.role))
    }

    /// Returns the managed policies of a role; none without it.
    pub async fn attached(&self, role: &str) -> Result<Vec<AttachedPolicy>> {
        let pages = self.list_attached_role_policies().role_name(role).into_paginator().items().send();
        let listed =
            pages.try_collect().await.map_err(failing(format!("list the policies attached to role {role}")));
        Ok(optional(listed, NONE)?.unwrap_or_default())
    }

    /// Returns the inline policies of a role with their documents; none without it.
    pub async fn inline(&self, role: &str) -> Result<BTreeMap<String, Value>> {
        let pages = self.list_role_policies().role_name(role).into_paginator().items().send();
        let listed =
            pages.try_collect().await.map_err(failing(format!("list the inline policies of role {role}")));
        let mut found = BTreeMap::new();
        for name in optional(listed, NONE)?.unwrap_or_default() {
            let asked = self.get_role_policy().role_name(role).policy_name(&name).send().await;
            let answer = optional(
                asked.map_err(failing(format!("read the inline policy {name} of role {role}"))),
                NONE,
            )?;
            if let Some(answer) = answer {
                let document = policy::parse(answer.policy_document());
                let document = document
                    .map_err(|error| Failure::new(format!("could not read policy {name}: {error}")))?;
                found.insert(name, document);
            }
        }
        Ok(found)
    }

    /// Returns the managed policy of a name (or an ARN): the account's own one, else AWS's.
    pub async fn policy(&self, name: &str) -> Result<Option<Policy>> {
        if name.starts_with("arn:") {
            return self.policy_at(name).await;
        }
        if let Some(found) = self.policy_among(PolicyScopeType::Local, name).await? {
            return Ok(Some(found));
        }
        // There are more than a thousand of AWS's own: nearly all lie in one of a few folders.
        for folder in FOLDERS {
            let found = self.policy_at(&format!("arn:aws:iam::aws:policy/{folder}{name}")).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.policy_among(PolicyScopeType::Aws, name).await
    }

    async fn policy_at(&self, arn: &str) -> Result<Option<Policy>> {
        let asked =
            self.get_policy().policy_arn(arn).send().await.map_err(failing(format!("read policy {arn}")));
        // `InvalidInput` is what a partition of another name says of an ARN that is none there.
        Ok(optional(asked, &["NoSuchEntity", "InvalidInput", "ValidationError"])?
            .and_then(|answer| answer.policy))
    }

    async fn policy_among(&self, scope: PolicyScopeType, name: &str) -> Result<Option<Policy>> {
        let listed =
            self.list_policies().scope(scope).max_items(POLICIES_AT_ONCE).into_paginator().items().send();
        let mut pages = listed;
        while let Some(policy) = pages.next().await {
            let policy = policy.map_err(failing("list policies"))?;
            if policy.policy_name() == Some(name) {
                return Ok(Some(policy));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};
    use serde_json::json;

    use super::*;

    async fn iam(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<Iam>, Recorded) {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<Iam>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    #[tokio::test]
    async fn inline_documents_are_decoded_and_every_page_is_read() {
        let names =
            |name: &str, more: &str| format!("<PolicyNames><member>{name}</member></PolicyNames>{more}");
        let document = |name: &str| {
            format!(
                "<RoleName>app</RoleName><PolicyName>{name}</PolicyName>\
                 <PolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</PolicyDocument>"
            )
        };
        let (iam, _calls) = iam([
            Expected::query("ListRolePolicies")
                .without("Marker")
                .gives(&names("a", "<IsTruncated>true</IsTruncated><Marker>m</Marker>")),
            Expected::query("ListRolePolicies").parameter("Marker", "m").gives(&names("b", "")),
            Expected::query("GetRolePolicy").parameter("PolicyName", "a").gives(&document("a")),
            Expected::query("GetRolePolicy").parameter("PolicyName", "b").gives(&document("b")),
        ])
        .await;
        let found = iam.inline("app").await.unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(found["a"], json!({ "Version": "2012-10-17" }));
    }

    #[tokio::test]
    async fn a_role_that_is_not_there_is_none() {
        let (iam, _calls) = iam([Expected::query("GetRole").refuses("NoSuchEntity", "none")]).await;
        assert!(iam.role("app").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn aws_own_policies_are_found_in_their_folders() {
        let policy = "<Policy><PolicyName>Exec</PolicyName><Arn>arn:aws:iam::aws:policy/service-role/Exec</Arn></Policy>";
        let (iam, _calls) = iam([
            Expected::query("ListPolicies").parameter("Scope", "Local"),
            Expected::query("GetPolicy")
                .parameter("PolicyArn", "arn:aws:iam::aws:policy/Exec")
                .refuses("NoSuchEntity", "none"),
            Expected::query("GetPolicy")
                .parameter("PolicyArn", "arn:aws:iam::aws:policy/service-role/Exec")
                .gives(policy),
        ])
        .await;
        let found = iam.policy("Exec").await.unwrap().unwrap();
        assert_eq!(found.arn(), Some("arn:aws:iam::aws:policy/service-role/Exec"));
    }
}
