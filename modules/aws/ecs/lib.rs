//! ECS: clusters, task definitions, services.
//!
//! The structures of AWS's own API are tables ([`shape`]), from which parameters, states and requests are made: every
//! field that AWS can store can be written, in its camelCase or in `snake_case`.
//!
//! **Invariant:** of other services only what ECS hangs on is asked for, through their clients: roles, target health, logs,
//! names of groups. No other family is known here.

mod cluster;
mod ecs_cluster;
mod ecs_service;
mod ecs_taskdef;
mod ecs_taskdefinition;
mod service;
mod shape;
mod task_definition;

use rplay_module::{Driven, Module, Params as _};

use cluster::Clusters;
use ecs_cluster::EcsCluster;
use ecs_service::EcsServiceParams;
use ecs_taskdef::EcsTaskdef;
use ecs_taskdefinition::EcsTaskdefinition;
use task_definition::TaskDefinitions;

/// The modules of this family.
pub const MODULES: &[Module] = &[
    Module {
        names: &["ecs_cluster", "community.aws.ecs_cluster"],
        native: false,
        spec: EcsCluster::spec,
        pick: |_| Box::new(Driven(Clusters)),
    },
    Module {
        names: &["ecs_service", "community.aws.ecs_service"],
        native: false,
        spec: EcsServiceParams::spec,
        pick: ecs_service::pick,
    },
    Module {
        names: &["ecs_taskdef"],
        native: true,
        spec: EcsTaskdef::spec,
        pick: |_| Box::new(Driven(TaskDefinitions::<EcsTaskdef>::new())),
    },
    Module {
        names: &["ecs_taskdefinition", "community.aws.ecs_taskdefinition"],
        native: false,
        spec: EcsTaskdefinition::spec,
        pick: |_| Box::new(Driven(TaskDefinitions::<EcsTaskdefinition>::new())),
    },
];
