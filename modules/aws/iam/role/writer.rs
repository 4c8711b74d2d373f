//! The calls that change a role.

use std::collections::BTreeMap;

use rplay_aws::{Document, failing, is_code, once, optional, retry_on, timestamp};
use rplay_client_iam::{Iam, tag_list};
use rplay_module::{Cx, Fact, Result};

use super::{NONE, RoleState, look_again, profiles};

use crate::instance_profile;

/// How long a principal that was just made may take to be seen everywhere, in seconds.
const UNSEEN_SECONDS: u64 = 30;
/// The same for the role itself. Short: a policy that does not exist is told in the same words.
const FRESH_SECONDS: u64 = 10;
/// Two writes at once.
const BUSY: &str = "ConcurrentModification";

/// Changes one role.
pub(super) struct Writer<'a> {
    pub(super) cx: &'a Cx,
    pub(super) iam: &'a Iam,
    pub(super) name: &'a str,
    /// The role was made by this very change.
    pub(super) fresh: bool,
}

impl Writer<'_> {
    /// Returns the role as it is after that, as far as the answers tell.
    pub(super) async fn create(&self, want: &RoleState) -> Result<RoleState> {
        let name = self.name;
        let trust = &want.assume_role_policy_document;
        let tags = tag_list(&want.tags.for_creation(self.cx))?;
        let answer = retry_on(self.cx, unknown_principal(trust), UNSEEN_SECONDS, || async {
            let call = self
                .iam
                .create_role()
                .role_name(name)
                .path(&want.path)
                .assume_role_policy_document(trust.text())
                .max_session_duration(want.max_session_duration)
                .set_description(want.description.clone())
                .set_permissions_boundary(want.boundary.clone())
                .set_tags(Some(tags.clone()).filter(|tags| !tags.is_empty()));
            let created = call.customize().interceptor(once()).send().await;
            created.map_err(failing(format!("create role {name}"))).map_err(look_again)
        })
        .await?;
        self.attach(want.managed_policies.iter()).await?;
        self.put_inline(want.inline_policies.iter().flatten()).await?;
        let mut written = want.clone();
        if let Some(role) = answer.role {
            written.create_date = timestamp(role.create_date()).into();
            written.arn = Fact::Known(role.arn);
            written.role_id = Fact::Known(role.role_id);
        }
        Ok(written)
    }

    pub(super) async fn update(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        self.update_trust(have, want).await?;
        self.update_settings(have, want).await?;
        self.update_boundary(have, want).await?;
        self.update_managed(have, want).await?;
        self.update_inline(have, want).await?;
        self.retag(have, want).await
    }

    pub(super) async fn delete(&self, have: &RoleState, with_profile: bool) -> Result<()> {
        let name = self.name;
        for profile in profiles(self.iam, name).await? {
            if with_profile && profile == name {
                instance_profile::delete(self.cx, self.iam, &profile, Some(name)).await?;
            } else {
                instance_profile::take_out(self.iam, &profile, name).await?;
            }
        }
        self.detach(have.managed_policies.iter()).await?;
        let inline = match &have.inline_policies {
            Some(known) => known.keys().cloned().collect(),
            None => self.inline_names().await?,
        };
        self.delete_inline(inline.iter()).await?;
        // What was just taken away may still be seen.
        retry_on(self.cx, &["DeleteConflict", BUSY], UNSEEN_SECONDS, || async {
            let deleted = self.iam.delete_role().role_name(name).send().await;
            optional(deleted.map_err(failing(format!("delete role {name}"))), NONE).map(drop)
        })
        .await
    }

    async fn update_trust(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        let (name, trust) = (self.name, &want.assume_role_policy_document);
        if have.assume_role_policy_document == *trust {
            return Ok(());
        }
        retry_on(self.cx, unknown_principal(trust), UNSEEN_SECONDS, || async {
            let call = self.iam.update_assume_role_policy().role_name(name).policy_document(trust.text());
            call.send().await.map_err(failing(format!("set the trust policy of role {name}"))).map(drop)
        })
        .await
    }

    /// Both in one call: the one that is left out would be set back to its default.
    /// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>.
    async fn update_settings(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        if have.description == want.description && have.max_session_duration == want.max_session_duration {
            return Ok(());
        }
        let name = self.name;
        retry_on(self.cx, self.passing(), FRESH_SECONDS, || async {
            let call = self
                .iam
                .update_role()
                .role_name(name)
                .description(want.description.as_deref().unwrap_or_default())
                .max_session_duration(want.max_session_duration);
            call.send().await.map_err(failing(format!("update role {name}"))).map(drop)
        })
        .await
    }

    async fn update_boundary(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        if have.boundary == want.boundary {
            return Ok(());
        }
        let name = self.name;
        let failed = format!("set the permissions boundary of role {name}");
        if let Some(arn) = &want.boundary {
            let call = self.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
            return call.send().await.map_err(failing(failed)).map(drop);
        }
        let removed = self.iam.delete_role_permissions_boundary().role_name(name).send().await;
        optional(removed.map_err(failing(failed)), NONE).map(drop)
    }

    /// Attaches first, so that nothing is ever missing that is there before and after; where that would be too many at a
    /// time, detaches first.
    async fn update_managed(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        let lacking = || want.managed_policies.difference(&have.managed_policies);
        let surplus = || have.managed_policies.difference(&want.managed_policies);
        match self.attach(lacking()).await {
            Err(failure) if is_code(&failure, &["LimitExceeded"]) && surplus().next().is_some() => {
                self.detach(surplus()).await?;
                self.attach(lacking()).await
            }
            Err(failure) => Err(failure),
            Ok(()) => self.detach(surplus()).await,
        }
    }

    async fn attach(&self, arns: impl Iterator<Item = &String> + Send) -> Result<()> {
        let name = self.name;
        for arn in arns {
            retry_on(self.cx, self.passing(), FRESH_SECONDS, || async {
                let call = self.iam.attach_role_policy().role_name(name).policy_arn(arn);
                call.send().await.map_err(failing(format!("attach policy {arn} to role {name}"))).map(drop)
            })
            .await?;
        }
        Ok(())
    }

    async fn detach(&self, arns: impl Iterator<Item = &String> + Send) -> Result<()> {
        let name = self.name;
        for arn in arns {
            retry_on(self.cx, &[BUSY], UNSEEN_SECONDS, || async {
                let call = self.iam.detach_role_policy().role_name(name).policy_arn(arn);
                let detached = call.send().await;
                let failed = format!("detach policy {arn} from role {name}");
                optional(detached.map_err(failing(failed)), NONE).map(drop)
            })
            .await?;
        }
        Ok(())
    }

    async fn update_inline(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        let none = BTreeMap::new();
        let have = have.inline_policies.as_ref().unwrap_or(&none);
        let Some(want) = &want.inline_policies else { return Ok(()) };
        self.put_inline(want.iter().filter(|(name, document)| have.get(*name) != Some(*document))).await?;
        self.delete_inline(have.keys().filter(|name| !want.contains_key(*name))).await
    }

    async fn put_inline(&self, policies: impl Iterator<Item = (&String, &Document)> + Send) -> Result<()> {
        let name = self.name;
        for (policy, document) in policies {
            retry_on(self.cx, self.passing(), FRESH_SECONDS, || async {
                let call = self.iam.put_role_policy().role_name(name).policy_name(policy);
                let put = call.policy_document(document.text()).send().await;
                put.map_err(failing(format!("put inline policy {policy} into role {name}"))).map(drop)
            })
            .await?;
        }
        Ok(())
    }

    async fn delete_inline(&self, policies: impl Iterator<Item = &String> + Send) -> Result<()> {
        let name = self.name;
        for policy in policies {
            retry_on(self.cx, &[BUSY], UNSEEN_SECONDS, || async {
                let deleted = self.iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
                let failed = format!("delete inline policy {policy} of role {name}");
                optional(deleted.map_err(failing(failed)), NONE).map(drop)
            })
            .await?;
        }
        Ok(())
    }

    async fn inline_names(&self) -> Result<Vec<String>> {
        let name = self.name;
        let pages = self.iam.list_role_policies().role_name(name).into_paginator().items().send();
        let listed = pages.try_collect().await;
        let listed = listed.map_err(failing(format!("list the inline policies of role {name}")));
        Ok(optional(listed, NONE)?.unwrap_or_default())
    }

    async fn retag(&self, have: &RoleState, want: &RoleState) -> Result<()> {
        let (name, change) = (self.name, have.tags.change(&want.tags));
        let failed = format!("tag role {name}");
        if !change.remove.is_empty() {
            let call = self.iam.untag_role().role_name(name).set_tag_keys(Some(change.remove));
            call.send().await.map_err(failing(failed.as_str()))?;
        }
        if !change.set.is_empty() {
            let call = self.iam.tag_role().role_name(name).set_tags(Some(tag_list(&change.set)?));
            call.send().await.map_err(failing(failed))?;
        }
        Ok(())
    }

    /// What passes by itself: a role that was just made is not seen everywhere at once.
    fn passing(&self) -> &'static [&'static str] {
        if self.fresh { &["NoSuchEntity", BUSY] } else { &[BUSY] }
    }
}

/// A role or user that was just made is an "invalid principal" for a while; a document that names none is wrong for good.
fn unknown_principal(trust: &Document) -> &'static [&'static str] {
    if trust.names_principals() { &["MalformedPolicyDocument", BUSY] } else { &[BUSY] }
}
