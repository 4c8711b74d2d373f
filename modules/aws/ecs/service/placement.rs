//! Where tasks run, what disks they bring, and how closely they are watched, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.

use crate::shape::{shape, words};

words! {
    AvailabilityZoneRebalancing, EbsResourceType, LaunchType, PlacementConstraintType, PlacementStrategyType,
    PropagateTags, SchedulingStrategy, TaskFilesystemType,
}

shape! {
    /// A share of the tasks for one capacity provider.
    CapacityProviderStrategyItem {
        /// The provider's name, such as `FARGATE_SPOT`.
        #[param(required)]
        capacity_provider: text,
        /// The share, relative to the other providers'. Omitted: 0.
        weight: int,
        /// How many tasks run on it before shares count. Omitted: 0.
        base: int,
    }

    /// A rule that an instance must meet.
    PlacementConstraint {
        /// `memberOf` an expression, or `distinctInstance`: no two tasks on one.
        r#type: word(PlacementConstraintType),
        /// The expression, in the cluster query language. Omitted: none.
        expression: text,
    }

    /// How an instance is chosen among those that would do.
    PlacementStrategy {
        /// `random`, `spread` or `binpack`.
        r#type: word(PlacementStrategyType),
        /// What is spread over (`instanceId`, an attribute) or packed (`CPU`, `MEMORY`). Omitted: none.
        field: text,
    }

    /// What a volume of the task definition is that says `configuredAtLaunch`.
    ServiceVolumeConfiguration {
        /// The volume's name in the task definition.
        #[param(required)]
        name: text,
        /// The EBS volume that each task gets. Omitted: left alone.
        #[param(alias = "managedEBSVolume")]
        managed_ebs_volume: shape(ServiceManagedEbsVolumeConfiguration),
    }

    /// An EBS volume that a task gets.
    ServiceManagedEbsVolumeConfiguration {
        /// Whether it is encrypted. Omitted: as the account has it.
        encrypted: flag,
        /// The key of KMS that it is encrypted with. Omitted: the account's.
        kms_key_id: text,
        /// Its type, such as `gp3`. Omitted: `gp3`.
        volume_type: text,
        /// Its size in GiB. Omitted: the snapshot's.
        #[param(alias = "sizeInGiB")]
        size_in_gib: int,
        /// The snapshot that it starts as. Omitted: it is empty.
        snapshot_id: text,
        /// MiB a second at which it is filled from the snapshot. Omitted: as it is needed.
        volume_initialization_rate: int,
        /// Operations a second. Omitted: the type's default.
        iops: int,
        /// MiB a second. Omitted: the type's default.
        throughput: int,
        /// Its tags. Omitted: none.
        tag_specifications: shapes(EbsTagSpecification),
        /// The ARN of the role by which ECS makes the volume.
        #[param(required)]
        role_arn: text,
        /// Its file system. Omitted: `xfs`, or the snapshot's.
        filesystem_type: word(TaskFilesystemType),
    }

    /// Tags of an EBS volume.
    EbsTagSpecification {
        /// What is tagged: `volume`.
        #[param(required)]
        resource_type: word(EbsResourceType),
        /// The tags, a list of {key, value}. Omitted: none but those that are propagated.
        tags: shapes(Tag),
        /// Whose tags the volume gets as well. Omitted: none.
        propagate_tags: word(PropagateTags),
    }

    /// A tag.
    Tag {
        /// Its key.
        key: text,
        /// Its value.
        value: text,
    }

    /// How closely the service is watched.
    MonitoringConfiguration {
        /// Which metrics. Omitted: left alone, at first all of them once a minute.
        metric_configurations: shapes(MetricConfiguration),
    }

    /// How closely some metrics are watched.
    MetricConfiguration {
        /// `CPUUtilization`, `MemoryUtilization` or both.
        #[param(required)]
        metric_names: texts,
        /// Seconds between two values: 20 or 60.
        #[param(required)]
        resolution_seconds: int,
    }
}
