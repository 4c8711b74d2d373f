//! What a container may and must: resources, rights of the kernel, its health.

use rplay_module::{Failure, Params, Result, State};
use serde_json::Value;

use crate::shape::{Piece, Shape, fields_json, shape, tidied, types, words};

words! { DeviceCgroupPermission, ResourceType, UlimitName }

shape! {
    /// How the container is asked whether it is well.
    HealthCheck {
        /// The command: `CMD` and its words, or `CMD-SHELL` and a line for the shell.
        #[param(required)]
        command: texts,
        /// Seconds between two checks. Omitted: 30.
        interval: int,
        /// Seconds until a check counts as failed. Omitted: 5.
        timeout: int,
        /// How many failed checks in a row mean that the container is not well. Omitted: 3.
        retries: int,
        /// Seconds from the start in which failed checks do not count. Omitted: none.
        start_period: int,
    }

    /// Whether a container is started again within its task.
    ContainerRestartPolicy {
        /// Whether it is.
        #[param(required)]
        enabled: flag,
        /// Exit codes after which it is not. Omitted: none.
        ignored_exit_codes: ints,
        /// Seconds that it must have run for. Omitted: 300.
        restart_attempt_period: int,
    }

    /// What Linux alone has.
    LinuxParameters {
        /// Rights of the kernel. Omitted: the engine's defaults.
        capabilities: shape(KernelCapabilities),
        /// Devices of the host. Omitted: none.
        devices: shapes(Device),
        /// Whether an init process forwards signals and buries children. Omitted: no.
        init_process_enabled: flag,
        /// The size of /dev/shm, in MiB. Omitted: the engine's default.
        shared_memory_size: int,
        /// Mounts in memory. Omitted: none.
        tmpfs: shapes(Tmpfs),
        /// How much the container may swap, in MiB. Omitted: the engine's default.
        max_swap: int,
        /// How eagerly it swaps, from 0 to 100. Omitted: 60.
        swappiness: int,
    }

    /// Rights of the kernel.
    KernelCapabilities {
        /// Rights that the container has beside the usual ones, such as `SYS_PTRACE`. Omitted: none.
        add: texts,
        /// Rights that are taken from it. Omitted: none.
        drop: texts,
    }

    /// A device of the host.
    Device {
        /// Its path on the host.
        #[param(required)]
        host_path: text,
        /// Its path in the container. Omitted: the same.
        container_path: text,
        /// What the container may do with it. Omitted: everything.
        permissions: words(DeviceCgroupPermission),
    }

    /// A mount in memory.
    Tmpfs {
        /// The folder in the container.
        #[param(required)]
        container_path: text,
        /// Its size, in MiB.
        #[param(required)]
        size: int,
        /// Options of the mount, such as `noexec`. Omitted: none.
        mount_options: texts,
    }

    /// A limit of the operating system.
    Ulimit {
        /// What is limited.
        #[param(required)]
        name: word(UlimitName),
        /// The limit that the container may raise.
        #[param(required)]
        soft_limit: int,
        /// How far it may raise it.
        #[param(required)]
        hard_limit: int,
    }

    /// A kernel parameter.
    SystemControl {
        /// Its name, such as `net.core.somaxconn`. Omitted: none.
        namespace: text,
        /// Its value. Omitted: empty.
        value: text,
    }

    /// An accelerator that a container needs.
    ResourceRequirement {
        /// How many GPUs, or the name of the inference accelerator.
        #[param(required)]
        value: text,
        /// Of which kind.
        #[param(required)]
        r#type: word(ResourceType),
        /// Whether it is shared. Omitted: it is not.
        sharing_strategy: shape(SharingStrategy),
    }

    /// A part of a GPU, by NVIDIA's Multi-Process Service.
    NvidiaMpsAllocation {
        /// Memory of the GPU, in MiB.
        #[param(required)]
        memory: int,
        /// How much of its computing power the container may use, in per cent. Omitted: all.
        max_compute_percent: int,
    }
}

/// How an accelerator is shared. The SDK has an enum here, with one way so far.
#[derive(Params, State, Clone, Debug, Default, PartialEq)]
#[params(camel_case)]
pub(crate) struct SharingStrategy {
    /// By NVIDIA's Multi-Process Service.
    #[param(required)]
    pub(crate) nvidia_mps: Option<NvidiaMpsAllocation>,
}

impl Shape for SharingStrategy {
    type Sdk = types::SharingStrategy;

    fn to_sdk(&self) -> Result<Self::Sdk> {
        let part = self
            .nvidia_mps
            .as_ref()
            .ok_or_else(|| Failure::bug("a sharing strategy without a way to share"))?;
        Ok(types::SharingStrategy::NvidiaMps(part.to_sdk()?))
    }

    fn from_sdk(sdk: &Self::Sdk) -> Self {
        Self { nvidia_mps: sdk.as_nvidia_mps().ok().map(Shape::from_sdk) }
    }
}

impl Piece for SharingStrategy {
    fn json(&self) -> Value {
        fields_json([("nvidia_mps", self.nvidia_mps.as_ref().map(Piece::json))])
    }

    fn tidy(&mut self) {
        tidied(&mut self.nvidia_mps);
    }

    fn is_blank(&self) -> bool {
        self.nvidia_mps.is_none()
    }
}
