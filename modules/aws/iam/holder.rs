//! Who can have policies of their own: users, groups, roles. The same four calls under three names.

use rplay_aws::{Document, failing, optional};
use rplay_client_iam::Iam;
use rplay_module::{Address, Choice, Result};

use crate::role::NONE;

/// The kind of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum HolderKind {
    User,
    Group,
    Role,
}

/// One user, group or role.
pub(crate) struct Holder<'a> {
    pub(crate) kind: HolderKind,
    pub(crate) name: &'a str,
}

impl Holder<'_> {
    /// Returns what it is called in plans and in the ownership file.
    pub(crate) fn address(&self) -> Address {
        Address::new(format!("iam.{}", self.kind.as_str()), self.name)
    }

    pub(crate) fn policy_address(&self, policy: &str) -> Address {
        Address::new(format!("iam.{}_policy", self.kind.as_str()), format!("{}/{policy}", self.name))
    }

    /// Returns the names of its policies; `None` where there is no such holder.
    pub(crate) async fn policies(&self, iam: &Iam) -> Result<Option<Vec<String>>> {
        let name = self.name;
        let failed = format!("list the inline policies of {self}");
        let listed = match self.kind {
            HolderKind::User => {
                let pages = iam.list_user_policies().user_name(name).into_paginator().items().send();
                pages.try_collect().await.map_err(failing(failed))
            }
            HolderKind::Group => {
                let pages = iam.list_group_policies().group_name(name).into_paginator().items().send();
                pages.try_collect().await.map_err(failing(failed))
            }
            HolderKind::Role => {
                let pages = iam.list_role_policies().role_name(name).into_paginator().items().send();
                pages.try_collect().await.map_err(failing(failed))
            }
        };
        optional(listed, NONE)
    }

    /// Returns one of its policies.
    pub(crate) async fn policy(&self, iam: &Iam, policy: &str) -> Result<Option<Document>> {
        let (name, what) = (self.name, format!("inline policy {policy} of {self}"));
        let failed = format!("read {what}");
        let asked = match self.kind {
            HolderKind::User => {
                let asked = iam.get_user_policy().user_name(name).policy_name(policy).send().await;
                asked.map_err(failing(failed)).map(|answer| answer.policy_document)
            }
            HolderKind::Group => {
                let asked = iam.get_group_policy().group_name(name).policy_name(policy).send().await;
                asked.map_err(failing(failed)).map(|answer| answer.policy_document)
            }
            HolderKind::Role => {
                let asked = iam.get_role_policy().role_name(name).policy_name(policy).send().await;
                asked.map_err(failing(failed)).map(|answer| answer.policy_document)
            }
        };
        optional(asked, NONE)?.map(|text| Document::parse(&text, &what)).transpose()
    }

    pub(crate) async fn put(&self, iam: &Iam, policy: &str, document: &Document) -> Result<()> {
        let (name, text) = (self.name, document.text());
        let failed = format!("put inline policy {policy} into {self}");
        match self.kind {
            HolderKind::User => {
                let call = iam.put_user_policy().user_name(name).policy_name(policy).policy_document(text);
                call.send().await.map_err(failing(failed)).map(drop)
            }
            HolderKind::Group => {
                let call = iam.put_group_policy().group_name(name).policy_name(policy).policy_document(text);
                call.send().await.map_err(failing(failed)).map(drop)
            }
            HolderKind::Role => {
                let call = iam.put_role_policy().role_name(name).policy_name(policy).policy_document(text);
                call.send().await.map_err(failing(failed)).map(drop)
            }
        }
    }

    /// Deletes one of its policies; one that is gone is no failure.
    pub(crate) async fn delete(&self, iam: &Iam, policy: &str) -> Result<()> {
        let name = self.name;
        let failed = format!("delete inline policy {policy} of {self}");
        let deleted = match self.kind {
            HolderKind::User => {
                let call = iam.delete_user_policy().user_name(name).policy_name(policy);
                call.send().await.map_err(failing(failed)).map(drop)
            }
            HolderKind::Group => {
                let call = iam.delete_group_policy().group_name(name).policy_name(policy);
                call.send().await.map_err(failing(failed)).map(drop)
            }
            HolderKind::Role => {
                let call = iam.delete_role_policy().role_name(name).policy_name(policy);
                call.send().await.map_err(failing(failed)).map(drop)
            }
        };
        optional(deleted, NONE).map(drop)
    }
}

impl std::fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}
