//! A container of a task definition, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.

use super::limits::{
    ContainerRestartPolicy, HealthCheck, LinuxParameters, ResourceRequirement, SystemControl, Ulimit,
};
use crate::shape::{shape, words};

words! { ApplicationProtocol, ContainerCondition, EnvironmentFileType, FirelensConfigurationType, LogDriver, TransportProtocol, VersionConsistency }

shape! {
    /// A container of a task.
    ContainerDefinition {
        /// The name, which is the container's in everything that refers to it.
        #[param(required)]
        name: text,
        /// The image, with its tag or digest.
        #[param(required)]
        image: text,
        /// How to log in to a private registry other than ECR. Omitted: without.
        repository_credentials: shape(RepositoryCredentials),
        /// CPU units (1024 are one CPU) reserved for this container. Omitted: none of the task's are set apart.
        cpu: int,
        /// The hard limit of memory, in MiB: a container that needs more is killed. Omitted: the task's.
        memory: int,
        /// The memory set apart for the container, in MiB. Omitted: none.
        memory_reservation: int,
        /// Names of containers to link with (network mode `bridge` only). Omitted: none.
        links: texts,
        /// The ports that the container listens on. Omitted: none.
        port_mappings: shapes(PortMapping),
        /// Whether the task ends when this container does. Omitted: yes.
        essential: flag,
        /// Whether the container is started again within its task when it ends. Omitted: it is not.
        restart_policy: shape(ContainerRestartPolicy),
        /// The entry point, in place of the image's, word by word. Omitted: the image's.
        entry_point: texts,
        /// The command, in place of the image's, word by word. Omitted: the image's.
        command: texts,
        /// Environment variables: a mapping of names to values, or a list of {name, value}. Omitted: none.
        environment: pairs(KeyValuePair),
        /// Files of environment variables, which `environment` overrides. Omitted: none.
        environment_files: shapes(EnvironmentFile),
        /// Where the task's volumes are mounted. Omitted: nowhere.
        mount_points: shapes(MountPoint),
        /// Containers whose volumes are mounted here too. Omitted: none.
        volumes_from: shapes(VolumeFrom),
        /// What Linux alone has: capabilities, devices, shared memory. Omitted: the engine's defaults.
        linux_parameters: shape(LinuxParameters),
        /// Environment variables with secret values: a mapping of names to ARNs, or a list of {name, valueFrom}. Omitted:
        /// none.
        secrets: pairs(Secret),
        /// Containers that this one waits for. Omitted: none.
        depends_on: shapes(ContainerDependency),
        /// Seconds that containers which depend on this one wait for it. Omitted: the platform's default.
        start_timeout: int,
        /// Seconds between the request to stop and the kill. Omitted: the platform's default (30).
        stop_timeout: int,
        /// `disabled` leaves the image's tag to be looked up by each task anew. Omitted: `enabled`.
        version_consistency: word(VersionConsistency),
        /// The host name (not in network mode `awsvpc`). Omitted: the engine's.
        hostname: text,
        /// The user, or `user:group`, by name or number. Omitted: the image's.
        user: text,
        /// The folder that commands run in. Omitted: the image's.
        working_directory: text,
        /// Whether the container has no network. Omitted: it has.
        disable_networking: flag,
        /// Whether the container has root's rights on its host. Omitted: no.
        privileged: flag,
        /// Whether the container's own file system is read-only. Omitted: no.
        readonly_root_filesystem: flag,
        /// DNS servers. Omitted: the host's.
        dns_servers: texts,
        /// DNS search domains. Omitted: the host's.
        dns_search_domains: texts,
        /// Lines for /etc/hosts (not in network mode `awsvpc`). Omitted: none.
        extra_hosts: shapes(HostEntry),
        /// Labels for `SELinux` and `AppArmor`, or the credential spec of an Active Directory. Omitted: none.
        docker_security_options: texts,
        /// Whether standard input is kept open. Omitted: no.
        interactive: flag,
        /// Whether there is a terminal. Omitted: no.
        pseudo_terminal: flag,
        /// Labels of the container. Omitted: none.
        docker_labels: map,
        /// Limits of the operating system. Omitted: the engine's.
        ulimits: shapes(Ulimit),
        /// Where the log goes. Omitted: where the engine puts it.
        log_configuration: shape(LogConfiguration),
        /// How the container is asked whether it is well. Omitted: it is not asked.
        health_check: shape(HealthCheck),
        /// Kernel parameters. Omitted: none.
        system_controls: shapes(SystemControl),
        /// GPUs and other accelerators. Omitted: none.
        resource_requirements: shapes(ResourceRequirement),
        /// Makes the container the router of the other containers' logs. Omitted: it is none.
        firelens_configuration: shape(FirelensConfiguration),
        /// Credential specs of an Active Directory: `credentialspec:ARN` or `credentialspecdomainless:ARN`. Omitted: none.
        credential_specs: texts,
    }

    /// How to log in to a private registry.
    RepositoryCredentials {
        /// The ARN of the secret with user and password.
        #[param(required)]
        credentials_parameter: text,
    }

    /// A port of a container.
    PortMapping {
        /// The port inside the container. Omitted: `container_port_range` says which.
        container_port: int,
        /// The port of the host; in network mode `awsvpc` or `host` the container's own, else 0 for any. Omitted: that.
        host_port: int,
        /// The protocol. Omitted: `tcp`.
        protocol: word(TransportProtocol),
        /// What Service Connect and VPC Lattice call the port. Omitted: nothing.
        name: text,
        /// The protocol that Service Connect speaks on it. Omitted: plain TCP.
        app_protocol: word(ApplicationProtocol),
        /// Several ports at once: `8000-8010`. Omitted: just one.
        container_port_range: text,
    }

    /// A file of environment variables in a bucket.
    EnvironmentFile {
        /// The object's ARN.
        #[param(required)]
        value: text,
        /// Where it lies.
        #[param(required)]
        r#type: word(EnvironmentFileType),
    }

    /// A volume in a container.
    MountPoint {
        /// The volume's name. Omitted: none.
        source_volume: text,
        /// The folder in the container. Omitted: none.
        container_path: text,
        /// Whether the container can only read it. Omitted: no.
        read_only: flag,
    }

    /// Another container's volumes.
    VolumeFrom {
        /// The other container's name. Omitted: none.
        source_container: text,
        /// Whether this container can only read them. Omitted: no.
        read_only: flag,
    }

    /// A container to wait for.
    ContainerDependency {
        /// Its name.
        #[param(required)]
        container_name: text,
        /// What it must have come to.
        #[param(required)]
        condition: word(ContainerCondition),
    }

    /// A line of /etc/hosts.
    HostEntry {
        /// The name.
        #[param(required)]
        hostname: text,
        /// The address.
        #[param(required)]
        ip_address: text,
    }

    /// Where a log goes.
    LogConfiguration {
        /// The driver.
        #[param(required)]
        log_driver: word(LogDriver),
        /// The driver's options, such as `awslogs-group`. Omitted: its defaults.
        options: map,
        /// Options with secret values: a mapping of names to ARNs, or a list of {name, valueFrom}. Omitted: none.
        secret_options: pairs(Secret),
    }

    /// A router of logs.
    FirelensConfiguration {
        /// Which one.
        #[param(required)]
        r#type: word(FirelensConfigurationType),
        /// Its options, such as `config-file-value`. Omitted: its defaults.
        options: map,
    }
}
