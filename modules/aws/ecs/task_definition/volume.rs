//! A volume of a task definition, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html>.

use crate::shape::{shape, words};

words! { EfsAuthorizationConfigIam, EfsTransitEncryption, Scope }

shape! {
    /// A volume of a task: a folder of the host, of the engine, or of a file system.
    Volume {
        /// The name that mount points refer to.
        #[param(required)]
        name: text,
        /// A folder of the host. Omitted, and none of the others given: one that lives as long as the task.
        host: shape(HostVolumeProperties),
        /// A volume of the engine. Omitted: none.
        docker_volume_configuration: shape(DockerVolumeConfiguration),
        /// An EFS file system. Omitted: none.
        efs_volume_configuration: shape(EfsVolumeConfiguration),
        /// An S3 Files file system. Omitted: none.
        s3files_volume_configuration: shape(S3FilesVolumeConfiguration),
        /// An `FSx` for Windows file system. Omitted: none.
        fsx_windows_file_server_volume_configuration: shape(FSxWindowsFileServerVolumeConfiguration),
        /// Whether the service or the task that is started says what the volume is. Omitted: no.
        configured_at_launch: flag,
    }

    /// A folder of the host.
    HostVolumeProperties {
        /// Its path. Omitted: the engine chooses one.
        source_path: text,
    }

    /// A volume of the engine.
    DockerVolumeConfiguration {
        /// `task` for one that goes with the task, `shared` for one that stays. Omitted: `task`.
        scope: word(Scope),
        /// Whether a shared one is made when it is missing. Omitted: no.
        autoprovision: flag,
        /// The driver. Omitted: the engine's own.
        driver: text,
        /// The driver's options. Omitted: none.
        driver_opts: map,
        /// Labels. Omitted: none.
        labels: map,
    }

    /// An EFS file system.
    EfsVolumeConfiguration {
        /// Its id.
        #[param(required)]
        file_system_id: text,
        /// The folder in it. Omitted: `/`.
        root_directory: text,
        /// Whether the traffic is encrypted. Omitted: `DISABLED`.
        transit_encryption: word(EfsTransitEncryption),
        /// The port of encrypted traffic. Omitted: the mount helper chooses one.
        transit_encryption_port: int,
        /// Access point and role. Omitted: neither.
        authorization_config: shape(EfsAuthorizationConfig),
    }

    /// Access to an EFS file system.
    EfsAuthorizationConfig {
        /// The access point's id. Omitted: none.
        access_point_id: text,
        /// Whether the task's role is used. Omitted: `DISABLED`.
        iam: word(EfsAuthorizationConfigIam),
    }

    /// An S3 Files file system.
    S3FilesVolumeConfiguration {
        /// Its ARN.
        #[param(required)]
        file_system_arn: text,
        /// The folder in it. Omitted: `/`.
        root_directory: text,
        /// The port of encrypted traffic. Omitted: the mount helper chooses one.
        transit_encryption_port: int,
        /// The access point's ARN. Omitted: none.
        access_point_arn: text,
    }

    /// An `FSx` for Windows file system.
    FSxWindowsFileServerVolumeConfiguration {
        /// Its id.
        #[param(required)]
        file_system_id: text,
        /// The folder in it.
        #[param(required)]
        root_directory: text,
        /// Who the task is to the file system. Omitted: nobody.
        authorization_config: shape(FSxWindowsFileServerAuthorizationConfig),
    }

    /// Who a task is to an `FSx` file system.
    FSxWindowsFileServerAuthorizationConfig {
        /// The ARN of the secret with user and password.
        #[param(required)]
        credentials_parameter: text,
        /// The Active Directory domain.
        #[param(required)]
        domain: text,
    }
}
