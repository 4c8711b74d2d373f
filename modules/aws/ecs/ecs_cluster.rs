//! `ecs_cluster`: Ansible's parameters and result, and what else a cluster has.
//! See <https://docs.ansible.com/ansible/latest/collections/community/aws/ecs_cluster_module.html>.

use std::collections::BTreeMap;

use rplay_aws::AwsParams;
use rplay_client_ecs::sdk::types;
use rplay_module::{Choice, Params};

use crate::cluster::{CapacityProviderStrategyItem, ClusterConfiguration};
use crate::shape::Pairs;

/// Keeps an ECS cluster.
#[derive(Params, Clone, Debug)]
pub(crate) struct EcsCluster {
    /// The name.
    #[param(identity)]
    pub(crate) name: String,
    /// `has_instances` waits until an instance has registered. Omitted: `present`.
    #[param(default = "present")]
    pub(crate) state: ClusterState,
    /// Seconds between two looks with `has_instances`. Omitted: 10.
    #[param(default = 10)]
    pub(crate) delay: u64,
    /// How many looks there are with `has_instances`. Omitted: 10.
    #[param(default = 10)]
    pub(crate) repeat: u64,
    /// The capacity providers. Omitted: none, unless `purge_capacity_providers` is false.
    pub(crate) capacity_providers: Option<Vec<String>>,
    /// How tasks are spread over them. Omitted: in no way, unless `purge_capacity_providers` is false.
    pub(crate) capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// Whether an existing cluster's providers and strategy become those named here; else they are left alone. Omitted: yes.
    #[param(default = true)]
    pub(crate) purge_capacity_providers: bool,
    /// Settings such as `{containerInsights: enabled}`. Omitted, and those not named: left alone.
    pub(crate) settings: Option<Pairs<types::ClusterSetting>>,
    /// How `ExecuteCommand` and managed storage work. Omitted: left alone.
    pub(crate) configuration: Option<ClusterConfiguration>,
    /// Tags. Omitted: left alone.
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed. Omitted: yes.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// What shall be.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClusterState {
    Present,
    Absent,
    HasInstances,
}
