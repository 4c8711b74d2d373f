//! STS: as whom rplay calls AWS.
//!
//! **Invariant:** the account's id comes from `rplay-client-sts`, which asks once a run; nothing is made or changed here.

mod aws_caller_info;

use rplay_module::{Done, Module, Params};

/// The modules of this family.
pub const MODULES: &[Module] = &[Module {
    names: &[
        "aws_caller_info",
        "amazon.aws.aws_caller_info",
        "aws_caller_facts",
        "amazon.aws.aws_caller_facts",
        "community.aws.aws_caller_facts",
    ],
    native: false,
    spec: <aws_caller_info::AwsCallerInfoParams as Params>::spec,
    pick: |_| Box::new(Done("aws_caller_info", aws_caller_info::AwsCallerInfo)),
}];
