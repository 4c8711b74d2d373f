//! IAM: roles, the instance profiles that carry them, and policies of users, groups and roles.
//!
//! The resources of a role ([`role`], [`instance_profile`]) know no module; `iam_role` writes one of them or both.
//!
//! **Invariant:** policy documents are compared by what they say ([`document`]), never as text.

mod holder;
mod iam_policy;
mod iam_role;
mod instance_profile;
mod role;

use rplay_module::{Driven, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["iam_role", "amazon.aws.iam_role", "community.aws.iam_role"],
        native: false,
        spec: <iam_role::IamRoleParams as Params>::spec,
        pick: iam_role::pick,
    },
    Module {
        names: &["iam_policy", "amazon.aws.iam_policy", "community.aws.iam_policy"],
        native: false,
        spec: <iam_policy::IamPolicyParams as Params>::spec,
        pick: |_| Box::new(Driven(iam_policy::IamPolicy)),
    },
];
