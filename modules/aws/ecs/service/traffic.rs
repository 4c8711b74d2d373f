//! How traffic reaches a service, as AWS has it.
//! See <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.

use crate::shape::{shape, words};

words! { AccessType, AssignPublicIp, GatewayConnectorHealthCheckProtocol }

shape! {
    /// Where the tasks' network interfaces are.
    AwsVpcConfiguration {
        /// Ids of subnets.
        subnets: texts,
        /// Ids of security groups.
        security_groups: texts,
        /// Whether an interface has a public address.
        assign_public_ip: word(AssignPublicIp),
    }

    /// A port of a container that a load balancer forwards to.
    LoadBalancer {
        /// The ARN of the target group. Omitted: `target_group` names it, or `load_balancer_name` a Classic Load Balancer.
        target_group_arn: text,
        /// The name of a Classic Load Balancer. Omitted: it is another kind.
        load_balancer_name: text,
        /// The container's name in the task definition.
        container_name: text,
        /// The container's port.
        container_port: int,
        /// What a deployment needs that moves traffic itself (blue/green, linear, canary). Omitted: left alone.
        advanced_configuration: shape(AdvancedConfiguration),
    }

    /// What a deployment needs that moves traffic itself.
    AdvancedConfiguration {
        /// The ARN of the target group of the other revision.
        alternate_target_group_arn: text,
        /// The ARN of the listener rule (or of a Network Load Balancer's listener) for production traffic.
        production_listener_rule: text,
        /// The ARN of the listener rule (or listener) for test traffic. Omitted: there is none.
        test_listener_rule: text,
        /// The ARN of the role by which ECS changes the load balancer.
        role_arn: text,
    }

    /// A service of Cloud Map that the tasks are listed in.
    ServiceRegistry {
        /// The ARN of the service of Cloud Map.
        #[param(alias = "arn")]
        registry_arn: text,
        /// The port that is listed. Omitted: the container's.
        port: int,
        /// The container that is listed. Omitted: the task's own address is.
        container_name: text,
        /// The container's port that is listed. Omitted: none.
        container_port: int,
    }

    /// A target group of VPC Lattice that the tasks are targets of.
    VpcLatticeConfiguration {
        /// The ARN of the role by which ECS changes VPC Lattice.
        #[param(required)]
        role_arn: text,
        /// The ARN of the target group.
        #[param(required)]
        target_group_arn: text,
        /// The name of the port mapping in the task definition.
        #[param(required)]
        port_name: text,
        /// What a deployment needs that moves traffic itself. Omitted: left alone.
        advanced_configuration: shape(VpcLatticeAdvancedConfiguration),
    }

    /// What a deployment needs that moves VPC Lattice's traffic.
    VpcLatticeAdvancedConfiguration {
        /// The ARN of the target group of the other revision.
        alternate_target_group_arn: text,
        /// The ARN of the listener rule for production traffic.
        production_listener_rule: text,
        /// The ARN of the listener rule for test traffic. Omitted: there is none.
        test_listener_rule: text,
    }

    /// What attaches the service to a gateway.
    GatewayConnector {
        /// The name of the port mapping in the task definition.
        #[param(required)]
        port_name: text,
        /// How the gateway asks whether a task is well. Omitted: left alone.
        health_check: shape(GatewayConnectorHealthCheck),
        /// Which of the gateway's paths the connector is for. Omitted: left alone, at first all.
        filters: shape(GatewayConnectorFilters),
    }

    /// How a gateway asks whether a task is well.
    GatewayConnectorHealthCheck {
        /// HTTP or HTTPS. Omitted: left alone.
        health_check_protocol: word(GatewayConnectorHealthCheckProtocol),
        /// The port. Omitted: left alone.
        health_check_port: int,
        /// The path. Omitted: left alone.
        health_check_path: text,
        /// Seconds after which no answer is a bad one. Omitted: left alone.
        health_check_timeout_seconds: int,
        /// Seconds between two questions. Omitted: left alone.
        health_check_interval_seconds: int,
        /// How many good answers in a row make a task healthy. Omitted: left alone.
        healthy_threshold_count: int,
        /// How many bad answers in a row make it unhealthy. Omitted: left alone.
        unhealthy_threshold_count: int,
        /// Which answers are good ones. Omitted: left alone.
        matcher: shape(GatewayConnectorHealthCheckMatcher),
    }

    /// Which answers are good ones.
    GatewayConnectorHealthCheckMatcher {
        /// Codes of HTTP, such as `200-299`. Omitted: left alone.
        http_code: text,
        /// Codes of gRPC, such as `0`. Omitted: left alone.
        grpc_code: text,
    }

    /// Which of a gateway's paths a connector is for.
    GatewayConnectorFilters {
        /// `PUBLIC`, `PRIVATE` or both. Omitted: left alone.
        access_types: words(AccessType),
    }
}
