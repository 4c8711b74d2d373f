//! What AWS stores of a service, field by field: written by the user, compared, and sent.
//!
//! Two tables, as the SDK has two structures: what belongs to the service, and what its describing shows only of its
//! revisions. What is written with the names of other things (task definition, network, load balancers) is not here.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.

use super::connect::ServiceConnectConfiguration;
use super::deployment::{DeploymentConfiguration, DeploymentController};
use super::placement::{
    CapacityProviderStrategyItem, MonitoringConfiguration, PlacementConstraint, PlacementStrategy,
    ServiceVolumeConfiguration,
};
use super::traffic::{GatewayConnector, ServiceRegistry, VpcLatticeConfiguration};
use crate::shape::{Piece, Shape, Word, shape, types};

shape! {
    /// What belongs to a service.
    Service {
        /// How many tasks shall run. Omitted: left alone, as an autoscaler would have it; a new service needs it. A
        /// service with `scheduling_strategy: DAEMON` has no such number.
        desired_count: int,
        /// On what the tasks run. Omitted: left alone, at first what the cluster has. Not together with
        /// `capacity_provider_strategy`. Another one makes another service.
        launch_type: word(LaunchType),
        /// Shares of the tasks for capacity providers, at most six. Omitted or empty: left alone.
        capacity_provider_strategy: shapes(CapacityProviderStrategyItem),
        /// The version of Fargate, such as `1.4.0` or `LATEST`. Omitted: left alone, at first `LATEST`.
        platform_version: text,
        /// `REPLICA`: so many tasks as are asked for. `DAEMON`: one on each instance. Omitted: left alone, at first
        /// `REPLICA`. Another one makes another service.
        scheduling_strategy: word(SchedulingStrategy),
        /// Who carries out the deployments. Omitted: left alone, at first `ECS`.
        deployment_controller: shape(DeploymentController),
        /// How a deployment goes. Omitted: left alone, as is every part of it that is.
        deployment_configuration: shape(DeploymentConfiguration),
        /// Services of Cloud Map that the tasks are listed in. Omitted: left alone. Empty: none.
        service_registries: shapes(ServiceRegistry),
        /// Seconds from a task's start in which bad health checks are ignored. Omitted: left alone, at first 0.
        health_check_grace_period_seconds: int,
        /// Rules that instances must meet. Omitted or empty: left alone, unless `purge_placement_constraints`.
        placement_constraints: shapes(PlacementConstraint),
        /// How instances are chosen. Omitted or empty: left alone, unless `purge_placement_strategy`.
        placement_strategy: shapes(PlacementStrategy),
        /// Whether tasks are moved between zones to spread them evenly. Omitted: left alone, at first `ENABLED`.
        availability_zone_rebalancing: word(AvailabilityZoneRebalancing),
        /// Whether tasks get tags that say their cluster and service. Omitted: left alone, at first not.
        #[param(alias = "enableECSManagedTags")]
        enable_ecs_managed_tags: flag,
        /// Whose tags the tasks get as well. Omitted: left alone, at first nobody's (`NONE`).
        propagate_tags: word(PropagateTags),
        /// Whether commands can be run in the containers. Omitted: left alone, at first not.
        enable_execute_command: flag,
    }

    /// What belongs to a revision of a service.
    ServiceRevision {
        /// How the service finds others by name, and is found. Omitted: left alone.
        service_connect_configuration: shape(ServiceConnectConfiguration),
        /// What the volumes are that the task definition leaves open (`configuredAtLaunch`). Omitted: left alone.
        volume_configurations: shapes(ServiceVolumeConfiguration),
        /// Target groups of VPC Lattice. Omitted: left alone. Empty: none.
        vpc_lattice_configurations: shapes(VpcLatticeConfiguration),
        /// What attaches the service to a gateway, at most one. Omitted: left alone. Empty: nothing.
        gateway_connectors: shapes(GatewayConnector),
        /// How closely the service is watched. Omitted: left alone.
        monitoring: shape(MonitoringConfiguration),
    }
}

impl Service {
    /// Evens out what the service fills in by itself, and what means the same.
    pub(super) fn normalize(&mut self) {
        self.tidy();
        drop_if(&mut self.health_check_grace_period_seconds, |seconds| *seconds == 0);
        drop_if(&mut self.enable_ecs_managed_tags, |on| !on);
        drop_if(&mut self.enable_execute_command, |on| !on);
        drop_if(&mut self.propagate_tags, |whose| whose.as_str() == "NONE");
        drop_if(&mut self.platform_version, |version| version == "LATEST");
        drop_if(&mut self.scheduling_strategy, |strategy| strategy.as_str() == "REPLICA");
        drop_if(&mut self.deployment_controller, |controller| {
            controller.r#type.as_ref().is_none_or(|controller| controller.as_str() == "ECS")
        });
        // A stand-in says both; with a strategy there is no launch type.
        if self.capacity_provider_strategy.is_some() {
            self.launch_type = None;
        }
        if self.is_daemon() {
            self.desired_count = None;
        }
        for item in self.capacity_provider_strategy.iter_mut().flatten() {
            item.weight.get_or_insert(0);
            item.base.get_or_insert(0);
        }
        for strategy in self.placement_strategy.iter_mut().flatten() {
            let kind = strategy.r#type.as_ref().map(|kind| kind.as_str().to_owned()).unwrap_or_default();
            // AWS answers in capitals, and `host` is only another word.
            strategy.field = strategy.field.take().map(|field| match (kind.as_str(), field.as_str()) {
                ("binpack", _) => field.to_uppercase(),
                (_, "host") => "instanceId".to_owned(),
                _ => field,
            });
        }
        self.deployment_configuration.iter_mut().for_each(DeploymentConfiguration::normalize);
        sort(&mut self.capacity_provider_strategy);
        sort(&mut self.service_registries);
        sort(&mut self.placement_constraints);
    }

    pub(super) fn is_daemon(&self) -> bool {
        self.scheduling_strategy.as_ref().is_some_and(|strategy| strategy.as_str() == "DAEMON")
    }

    /// Returns who carries out the deployments.
    pub(super) fn controller(&self) -> &str {
        let controller =
            self.deployment_controller.as_ref().and_then(|controller| controller.r#type.as_ref());
        controller.map_or("ECS", Word::as_str)
    }
}

impl DeploymentConfiguration {
    fn normalize(&mut self) {
        if let Some(alarms) = &mut self.alarms {
            alarms.alarm_names.iter_mut().for_each(|names| names.sort());
        }
        for hook in self.lifecycle_hooks.iter_mut().flatten() {
            if let Some(stages) = &mut hook.lifecycle_stages {
                stages.sort_by(|one, other| one.as_str().cmp(other.as_str()));
            }
        }
        sort(&mut self.lifecycle_hooks);
    }
}

impl ServiceRevision {
    /// Evens out what the service fills in by itself, and what means the same.
    pub(super) fn normalize(&mut self) {
        self.tidy();
        drop_if(&mut self.service_connect_configuration, |connect| connect.enabled != Some(true));
        sort(&mut self.volume_configurations);
        sort(&mut self.vpc_lattice_configurations);
        sort(&mut self.gateway_connectors);
        if let Some(connect) = &mut self.service_connect_configuration {
            connect.services.iter_mut().flatten().for_each(|service| sort(&mut service.client_aliases));
            sort(&mut connect.services);
        }
        if let Some(monitoring) = &mut self.monitoring {
            for metrics in monitoring.metric_configurations.iter_mut().flatten() {
                metrics.metric_names.iter_mut().for_each(|names| names.sort());
            }
            sort(&mut monitoring.metric_configurations);
        }
    }

    /// Returns what a deployment shows of its revision.
    pub(super) fn of_deployment(deployment: &types::Deployment) -> Self {
        let all =
            |shapes: &Vec<types::ServiceVolumeConfiguration>| shapes.iter().map(Shape::from_sdk).collect();
        let lattice =
            |shapes: &Vec<types::VpcLatticeConfiguration>| shapes.iter().map(Shape::from_sdk).collect();
        Self {
            service_connect_configuration: deployment
                .service_connect_configuration
                .as_ref()
                .map(Shape::from_sdk),
            volume_configurations: deployment.volume_configurations.as_ref().map(all),
            vpc_lattice_configurations: deployment.vpc_lattice_configurations.as_ref().map(lattice),
            gateway_connectors: None,
            monitoring: None,
        }
    }
}

/// Takes out what says nothing.
fn drop_if<T>(field: &mut Option<T>, says_nothing: impl Fn(&T) -> bool) {
    if field.as_ref().is_some_and(says_nothing) {
        *field = None;
    }
}

/// Sorts a list whose order says nothing, and which AWS does not keep.
pub(super) fn sort<P: Piece>(list: &mut Option<Vec<P>>) {
    list.iter_mut().for_each(|list| list.sort_by_cached_key(|item| item.json().to_string()));
}
