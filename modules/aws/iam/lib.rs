//! IAM: roles and the instance profiles that carry them.
//!
//! The resources ([`role`], [`instance_profile`]) know no module; `iam_role` writes one of them or both.
//!
//! **Invariant:** policy documents are compared by what they say ([`document`]), never as text.

mod document;
mod iam_role;
mod instance_profile;
mod role;

use rplay_module::{Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[Module {
    names: &["iam_role", "amazon.aws.iam_role", "community.aws.iam_role"],
    native: false,
    spec: <iam_role::IamRoleParams as Params>::spec,
    pick: iam_role::pick,
}];
