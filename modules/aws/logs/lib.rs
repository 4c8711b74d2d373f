//! CloudWatch Logs: log groups.
//!
//! `log_group` and Ansible's `cloudwatchlogs_log_group` are two ways to write the same [`group`].
//!
//! **Invariant:** what is in a group is nobody's to keep or to count here: streams and events are written by those who run.

mod cloudwatchlogs_log_group;
mod group;
mod log_group;

use rplay_module::{Driven, Module, Params};

use group::LogGroup;

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["log_group"],
        native: true,
        spec: <log_group::LogGroupParams as Params>::spec,
        pick: |_| Box::new(Driven(LogGroup::<log_group::LogGroupParams>::default())),
    },
    Module {
        names: &[
            "cloudwatchlogs_log_group",
            "amazon.aws.cloudwatchlogs_log_group",
            "community.aws.cloudwatchlogs_log_group",
        ],
        native: false,
        spec: <cloudwatchlogs_log_group::CloudwatchlogsLogGroupParams as Params>::spec,
        pick: |_| {
            Box::new(Driven(LogGroup::<cloudwatchlogs_log_group::CloudwatchlogsLogGroupParams>::default()))
        },
    },
];
