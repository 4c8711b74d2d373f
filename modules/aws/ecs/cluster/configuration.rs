//! The pieces of a cluster, as AWS has them.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>.

use crate::shape::{shape, words};

words! { ExecuteCommandLogging }

shape! {
    /// How `ExecuteCommand` and managed storage work in a cluster.
    ClusterConfiguration {
        /// Sessions in containers. Omitted: not encrypted by a key of one's own, logged where the tasks log.
        execute_command_configuration: shape(ExecuteCommandConfiguration),
        /// Keys for managed storage. Omitted: AWS's own.
        managed_storage_configuration: shape(ManagedStorageConfiguration),
    }

    /// Sessions in containers.
    ExecuteCommandConfiguration {
        /// The KMS key that encrypts them. Omitted: none.
        kms_key_id: text,
        /// Where they are logged. Omitted: `DEFAULT`, as the task's own log.
        logging: word(ExecuteCommandLogging),
        /// Where they are logged with `OVERRIDE`. Omitted: nowhere.
        log_configuration: shape(ExecuteCommandLogConfiguration),
    }

    /// Where sessions are logged.
    ExecuteCommandLogConfiguration {
        /// The log group. Omitted: none.
        cloud_watch_log_group_name: text,
        /// Whether the log group is encrypted. Omitted: no.
        cloud_watch_encryption_enabled: flag,
        /// The bucket. Omitted: none.
        s3_bucket_name: text,
        /// Whether the bucket is encrypted. Omitted: no.
        s3_encryption_enabled: flag,
        /// The folder in the bucket. Omitted: none.
        s3_key_prefix: text,
    }

    /// Keys for managed storage.
    ManagedStorageConfiguration {
        /// The KMS key of managed volumes. Omitted: AWS's own.
        kms_key_id: text,
        /// The KMS key of Fargate's own disks. Omitted: AWS's own.
        fargate_ephemeral_storage_kms_key_id: text,
    }

    /// How tasks are spread over capacity providers.
    CapacityProviderStrategyItem {
        /// The provider's name.
        #[param(required)]
        capacity_provider: text,
        /// Its share of the tasks, relative to the others'. Omitted: 0.
        weight: int,
        /// How many tasks it gets before shares count. Omitted: 0.
        base: int,
    }
}
