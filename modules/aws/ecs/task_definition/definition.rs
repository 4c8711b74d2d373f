//! A task definition, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>.

use super::accelerator::InferenceAccelerator;
use super::container::ContainerDefinition;
use super::volume::Volume;
use crate::shape::{shape, words};

words! {
    Compatibility, CpuArchitecture, IpcMode, NetworkMode, OsFamily, PidMode, ProxyConfigurationType,
    TaskDefinitionPlacementConstraintType,
}

shape! {
    /// What a task consists of.
    TaskDefinition {
        /// The ARN or name of the role that the containers have. Omitted: none.
        #[param(alias = "task_role", alias = "taskRole")]
        task_role_arn: text,
        /// The ARN or name of the role with which images are pulled, secrets read and logs written. Omitted: none.
        #[param(alias = "execution_role", alias = "executionRole")]
        execution_role_arn: text,
        /// The network of the containers. Omitted: `bridge`; for Fargate `awsvpc`.
        network_mode: word(NetworkMode),
        /// The containers.
        #[param(name = "containers", alias = "container_definitions", alias = "containerDefinitions")]
        #[state(name = "containers")]
        container_definitions: shapes(ContainerDefinition),
        /// The volumes. Omitted: none.
        volumes: shapes(Volume),
        /// Which instances a task may be placed on. Omitted: any.
        placement_constraints: shapes(TaskDefinitionPlacementConstraint),
        /// What the definition must be fit for, such as `FARGATE`. Omitted: nothing is checked.
        requires_compatibilities: words(Compatibility),
        /// CPU units (1024 are one CPU), or such as `.5 vCPU`. Omitted: no limit; Fargate needs it.
        cpu: text,
        /// Memory in MiB, or such as `2 GB`. Omitted: no limit; Fargate needs it.
        memory: text,
        /// Whose processes the containers see: each other's (`task`) or the host's. Omitted: only their own.
        pid_mode: word(PidMode),
        /// Whose shared memory and queues the containers use. Omitted: the engine's default.
        ipc_mode: word(IpcMode),
        /// The App Mesh proxy. Omitted: none.
        proxy_configuration: shape(ProxyConfiguration),
        /// Elastic Inference accelerators. Omitted: none.
        inference_accelerators: shapes(InferenceAccelerator),
        /// The disk space of a task on Fargate. Omitted: 20 GiB.
        ephemeral_storage: shape(EphemeralStorage),
        /// Architecture and operating system. Omitted: Linux on x86.
        runtime_platform: shape(RuntimePlatform),
        /// Whether the containers may ask for faults to be injected. Omitted: no.
        enable_fault_injection: flag,
    }

    /// Which instances a task may be placed on.
    TaskDefinitionPlacementConstraint {
        /// The kind of constraint. Omitted: none.
        r#type: word(TaskDefinitionPlacementConstraintType),
        /// The expression, such as `attribute:ecs.instance-type =~ t3.*`. Omitted: none.
        expression: text,
    }

    /// The App Mesh proxy.
    ProxyConfiguration {
        /// The kind of proxy. Omitted: `APPMESH`.
        r#type: word(ProxyConfigurationType),
        /// The container that it runs in.
        #[param(required)]
        container_name: text,
        /// Its settings: a mapping of names to values, or a list of {name, value}. Omitted: none.
        properties: pairs(KeyValuePair),
    }

    /// The disk space of a task.
    EphemeralStorage {
        /// GiB, from 21 to 200.
        #[param(required, alias = "sizeInGiB")]
        size_in_gib: int,
    }

    /// Architecture and operating system.
    RuntimePlatform {
        /// The architecture. Omitted: `X86_64`.
        cpu_architecture: word(CpuArchitecture),
        /// The operating system. Omitted: `LINUX`.
        operating_system_family: word(OsFamily),
    }
}
