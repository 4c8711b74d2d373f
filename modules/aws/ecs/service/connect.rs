//! Service Connect, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectConfiguration.html>.

use super::proxy::ServiceConnectContainerConfiguration;
use crate::shape::{shape, words};
use crate::task_definition::container::LogConfiguration;

words! { ServiceConnectAccessLoggingFormat, ServiceConnectIncludeQueryParameters }

shape! {
    /// How the service finds others by name, and is found.
    ServiceConnectConfiguration {
        /// Whether it does.
        #[param(required)]
        enabled: flag,
        /// The name or ARN of the namespace of Cloud Map. Omitted: left alone, at first the cluster's.
        namespace: text,
        /// What the service offers. Omitted: left alone, at first nothing.
        services: shapes(ServiceConnectService),
        /// Where the proxy's log goes. Omitted: left alone, at first where the engine puts it.
        log_configuration: shape(LogConfiguration),
        /// How requests are logged. Omitted: left alone, at first not.
        access_log_configuration: shape(ServiceConnectAccessLogConfiguration),
        /// Settings of the proxy's container. Omitted: left alone.
        container_configurations: shapes(ServiceConnectContainerConfiguration),
    }

    /// Something that a service offers to others.
    ServiceConnectService {
        /// The name of the port mapping in the task definition.
        #[param(required)]
        port_name: text,
        /// The name in Cloud Map. Omitted: the port's name.
        discovery_name: text,
        /// By what names others reach it. Omitted: only by its name in Cloud Map.
        client_aliases: shapes(ServiceConnectClientAlias),
        /// The port that the proxy listens on. Omitted: any.
        ingress_port_override: int,
        /// How long the proxy waits. Omitted: its defaults.
        timeout: shape(TimeoutConfiguration),
        /// How traffic is encrypted. Omitted: it is not.
        tls: shape(ServiceConnectTlsConfiguration),
    }

    /// A name by which others reach a service.
    ServiceConnectClientAlias {
        /// The port that others connect to.
        #[param(required)]
        port: int,
        /// The name. Omitted: `discoveryName.namespace`.
        dns_name: text,
        /// Which requests are test traffic during a blue/green deployment. Omitted: none.
        test_traffic_rules: shape(ServiceConnectTestTrafficRules),
    }

    /// Which requests are test traffic.
    ServiceConnectTestTrafficRules {
        /// Those with this header.
        header: shape(ServiceConnectTestTrafficHeaderRules),
    }

    /// A header.
    ServiceConnectTestTrafficHeaderRules {
        /// Its name.
        #[param(required)]
        name: text,
        /// Its value. Omitted: any.
        value: shape(ServiceConnectTestTrafficHeaderMatchRules),
    }

    /// What a header's value must be.
    ServiceConnectTestTrafficHeaderMatchRules {
        /// Exactly this.
        #[param(required)]
        exact: text,
    }

    /// How long a proxy waits.
    TimeoutConfiguration {
        /// Seconds for which a connection may be idle; 0 for ever. Omitted: 5 minutes for HTTP, 1 hour for TCP.
        idle_timeout_seconds: int,
        /// Seconds that an answer may take; 0 for ever. Omitted: 15.
        per_request_timeout_seconds: int,
    }

    /// How traffic is encrypted.
    ServiceConnectTlsConfiguration {
        /// Who signs the certificates.
        #[param(required)]
        issuer_certificate_authority: shape(ServiceConnectTlsCertificateAuthority),
        /// The key of KMS that the private keys are encrypted with. Omitted: AWS's own.
        kms_key: text,
        /// The ARN of the role by which ECS asks for certificates. Omitted: none.
        role_arn: text,
    }

    /// Who signs the certificates.
    ServiceConnectTlsCertificateAuthority {
        /// The ARN of the Private Certificate Authority.
        aws_pca_authority_arn: text,
    }

    /// How requests are logged.
    ServiceConnectAccessLogConfiguration {
        /// `TEXT` or `JSON`.
        #[param(required)]
        format: word(ServiceConnectAccessLoggingFormat),
        /// Whether query parameters are logged. Omitted: left alone, at first not.
        include_query_parameters: word(ServiceConnectIncludeQueryParameters),
    }
}
