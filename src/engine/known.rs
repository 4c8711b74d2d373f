//! Modules of the AWS and Docker collections by their names: one that rplay does not have is not misspelled, and is never
//! taken for another one.

use rplay_event::Fault;
use rplay_syntax::nearest;

/// The collections, and the modules of each.
const COLLECTIONS: [(&str, &str); 3] =
    [("amazon.aws", AMAZON_AWS), ("community.aws", COMMUNITY_AWS), ("community.docker", COMMUNITY_DOCKER)];

const AMAZON_AWS: &str = "\
    autoscaling_group autoscaling_group_info autoscaling_instance autoscaling_instance_info \
    autoscaling_instance_refresh autoscaling_instance_refresh_info aws_az_info aws_caller_info \
    aws_region_info backup_plan backup_plan_info backup_restore_job_info backup_selection \
    backup_selection_info backup_tag backup_tag_info backup_vault backup_vault_info cloudformation \
    cloudformation_info cloudtrail cloudtrail_info cloudwatch_metric_alarm cloudwatch_metric_alarm_info \
    cloudwatchevent_rule cloudwatchlogs_log_group cloudwatchlogs_log_group_info \
    cloudwatchlogs_log_group_metric_filter ec2_ami ec2_ami_info ec2_dedicated_host ec2_dedicated_host_info \
    ec2_eip ec2_eip_info ec2_eni ec2_eni_info ec2_import_image ec2_import_image_info ec2_instance \
    ec2_instance_info ec2_instance_type_info ec2_key ec2_key_info ec2_launch_template \
    ec2_launch_template_info ec2_metadata_facts ec2_placement_group ec2_placement_group_info \
    ec2_security_group ec2_security_group_info ec2_snapshot ec2_snapshot_info ec2_spot_instance \
    ec2_spot_instance_info ec2_tag ec2_tag_info ec2_transit_gateway ec2_transit_gateway_info \
    ec2_transit_gateway_vpc_attachment ec2_transit_gateway_vpc_attachment_info ec2_vol ec2_vol_info \
    ec2_vpc_dhcp_option ec2_vpc_dhcp_option_info ec2_vpc_egress_igw ec2_vpc_egress_igw_info ec2_vpc_endpoint \
    ec2_vpc_endpoint_info ec2_vpc_endpoint_service_info ec2_vpc_igw ec2_vpc_igw_info ec2_vpc_nacl \
    ec2_vpc_nacl_info ec2_vpc_nat_gateway ec2_vpc_nat_gateway_info ec2_vpc_net ec2_vpc_net_info \
    ec2_vpc_peering ec2_vpc_peering_info ec2_vpc_route_table ec2_vpc_route_table_info ec2_vpc_subnet \
    ec2_vpc_subnet_info ec2_vpc_vgw ec2_vpc_vgw_info ec2_vpc_vpn ec2_vpc_vpn_info elb_application_lb \
    elb_application_lb_info elb_classic_lb elb_classic_lb_info iam_access_key iam_access_key_info iam_group \
    iam_instance_profile iam_instance_profile_info iam_managed_policy iam_mfa_device_info \
    iam_password_policy iam_policy iam_policy_info iam_role iam_role_info iam_user iam_user_info kms_key \
    kms_key_info lambda lambda_alias lambda_event lambda_execute lambda_info lambda_layer lambda_layer_info \
    lambda_policy rds_cluster rds_cluster_info rds_cluster_param_group rds_cluster_param_group_info \
    rds_cluster_snapshot rds_engine_versions_info rds_global_cluster_info rds_instance rds_instance_info \
    rds_instance_param_group rds_instance_param_group_info rds_instance_snapshot rds_option_group \
    rds_option_group_info rds_snapshot_info rds_subnet_group route53 route53_health_check route53_info \
    route53_key_signing_key route53_zone s3_bucket s3_bucket_info s3_object s3_object_info sts_assume_role";

const COMMUNITY_AWS: &str = "\
    accessanalyzer_validate_policy_info acm_certificate acm_certificate_info api_gateway api_gateway_domain \
    api_gateway_info application_autoscaling_policy autoscaling_complete_lifecycle_action \
    autoscaling_launch_config autoscaling_launch_config_find autoscaling_launch_config_info \
    autoscaling_lifecycle_hook autoscaling_policy autoscaling_scheduled_action batch_compute_environment \
    batch_job_definition batch_job_queue cloudformation_exports_info cloudformation_stack_set \
    cloudfront_distribution cloudfront_distribution_info cloudfront_invalidation \
    cloudfront_origin_access_identity cloudfront_response_headers_policy codebuild_project \
    codecommit_repository codepipeline config_aggregation_authorization config_aggregator \
    config_delivery_channel config_recorder config_rule data_pipeline directconnect_confirm_connection \
    directconnect_connection directconnect_gateway directconnect_link_aggregation_group \
    directconnect_virtual_interface dms_endpoint dms_replication_subnet_group dynamodb_table \
    dynamodb_table_info dynamodb_ttl ec2_ami_copy ec2_carrier_gateway ec2_carrier_gateway_info \
    ec2_customer_gateway ec2_customer_gateway_info ec2_snapshot_copy ec2_win_password ecs_attribute \
    ecs_cluster ecs_ecr ecs_service ecs_service_info ecs_tag ecs_task ecs_taskdefinition \
    ecs_taskdefinition_info efs efs_info efs_tag eks_cluster eks_fargate_profile eks_nodegroup elasticache \
    elasticache_info elasticache_parameter_group elasticache_snapshot elasticache_subnet_group \
    elasticbeanstalk_app elb_instance elb_network_lb elb_target elb_target_group elb_target_group_info \
    elb_target_info glue_connection glue_crawler glue_job iam_saml_federation iam_server_certificate \
    iam_server_certificate_info inspector_target kinesis_stream lightsail lightsail_snapshot \
    lightsail_static_ip mq_broker mq_broker_config mq_broker_info mq_user mq_user_info msk_cluster \
    msk_config networkfirewall networkfirewall_info networkfirewall_policy networkfirewall_policy_info \
    networkfirewall_rule_group networkfirewall_rule_group_info opensearch opensearch_info redshift \
    redshift_cross_region_snapshots redshift_info redshift_subnet_group route53_wait s3_bucket_notification \
    s3_cors s3_lifecycle s3_logging s3_metrics_configuration s3_sync s3_website secretsmanager_secret \
    ses_identity ses_identity_policy ses_rule_set sns sns_topic sns_topic_info sqs_queue ssm_inventory_info \
    ssm_parameter stepfunctions_state_machine stepfunctions_state_machine_execution storagegateway_info \
    sts_session_token wafv2_ip_set wafv2_ip_set_info wafv2_resources wafv2_resources_info wafv2_rule_group \
    wafv2_rule_group_info wafv2_web_acl wafv2_web_acl_info";

const COMMUNITY_DOCKER: &str = "\
    current_container_facts docker_compose_v2 docker_compose_v2_exec docker_compose_v2_pull \
    docker_compose_v2_run docker_config docker_container docker_container_copy_into docker_container_exec \
    docker_container_info docker_context_info docker_host_info docker_image docker_image_build \
    docker_image_export docker_image_info docker_image_load docker_image_pull docker_image_push \
    docker_image_remove docker_image_tag docker_login docker_network docker_network_info docker_node \
    docker_node_info docker_plugin docker_prune docker_secret docker_stack docker_stack_info \
    docker_stack_task_info docker_swarm docker_swarm_info docker_swarm_service docker_swarm_service_info \
    docker_volume docker_volume_info";

/// What modules were called before.
const RENAMED: [(&str, &str); 28] = [
    ("aws_acm", "acm_certificate"),
    ("aws_acm_info", "acm_certificate_info"),
    ("aws_application_scaling_policy", "application_autoscaling_policy"),
    ("aws_codebuild", "codebuild_project"),
    ("aws_codepipeline", "codepipeline"),
    ("aws_kms", "kms_key"),
    ("aws_kms_info", "kms_key_info"),
    ("aws_s3_bucket_info", "s3_bucket_info"),
    ("aws_s3_cors", "s3_cors"),
    ("aws_secret", "secretsmanager_secret"),
    ("aws_ssm_parameter_store", "ssm_parameter"),
    ("cloudfront_info", "cloudfront_distribution_info"),
    ("docker_compose", "docker_compose_v2"),
    ("docker_service", "docker_compose_v2"),
    ("ec2", "ec2_instance"),
    ("ec2_ami_find", "ec2_ami_info"),
    ("ec2_asg", "autoscaling_group"),
    ("ec2_asg_info", "autoscaling_group_info"),
    ("ec2_elb", "elb_instance"),
    ("ec2_elb_lb", "elb_classic_lb"),
    ("ec2_group_info", "ec2_security_group_info"),
    ("ec2_lc", "autoscaling_launch_config"),
    ("ec2_metric_alarm", "cloudwatch_metric_alarm"),
    ("ec2_scaling_policy", "autoscaling_policy"),
    ("ec2_vpc_peer", "ec2_vpc_peering"),
    ("execute_lambda", "lambda_execute"),
    ("iam", "iam_user"),
    ("rds", "rds_instance"),
];

/// What rplay has for the same job under another name, with other parameters.
const INSTEAD: [(&str, &str); 14] = [
    ("docker_image", "docker_build"),
    ("docker_image_build", "docker_build"),
    ("docker_image_push", "ecr_push"),
    ("docker_login", "ecr_push"),
    ("ec2_vpc_igw", "vpc"),
    ("ec2_vpc_net", "vpc"),
    ("ec2_vpc_route_table", "vpc"),
    ("ec2_vpc_subnet", "vpc"),
    ("ecs_ecr", "ecr_push"),
    ("elb_application_lb", "elb"),
    ("elb_network_lb", "elb"),
    ("elb_target_group", "elb"),
    ("iam_instance_profile", "iam_role"),
    ("route53", "route53_record"),
];

/// A module that Ansible has in a collection and rplay has not.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    collection: &'static str,
    name: &'static str,
    written: String,
}

/// Returns the module of a collection that an action names, also by an older name of it.
fn module(action: &str) -> Option<Known> {
    let (collection, written) = split(action);
    let named = |name: &str| {
        let renamed = RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, today)| today);
        COLLECTIONS.iter().find_map(|(collection, names)| {
            let name = names.split_whitespace().find(|known| *known == renamed)?;
            Some((*collection, name))
        })
    };
    let ours = |name: &&str| matches!(*name, "" | "ansible.builtin" | "ansible.legacy");
    let theirs = |name: &&str| COLLECTIONS.iter().any(|(collection, _)| collection == name);
    Some(collection).filter(|name| ours(name) || theirs(name))?;
    // What only tells was called facts before.
    let told = written.strip_suffix("_facts").map(|thing| format!("{thing}_info"));
    let (collection, name) = named(written).or_else(|| told.as_deref().and_then(named))?;
    Some(Known { collection, name, written: action.to_owned() })
}

/// Returns the fault of an action that names a module of a collection's; `has` says which modules rplay has.
pub(crate) fn fault(action: &str, has: impl Fn(&str) -> bool) -> Option<Fault> {
    let known = module(action).filter(|known| !has(&known.full()))?;
    Some(Fault::new(known.message()).help(known.help(has)))
}

impl Known {
    fn full(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    /// Returns what is wrong.
    fn message(&self) -> String {
        let full = self.full();
        let meaning = if self.written == full { String::new() } else { format!(" ({full})") };
        format!("the module '{}'{meaning} is not built into rplay", self.written)
    }

    /// Returns what does the same; `has` says which modules there are.
    fn help(&self, has: impl Fn(&str) -> bool) -> String {
        let (collection, python) = (self.collection, self.python());
        let called = match self.name {
            name if split(&self.written).1 == name => String::new(),
            name => format!(", which is called {name} by now"),
        };
        let installed = format!(
            "`pip install {python}` and `ansible-galaxy collection install {collection}` on this machine have rplay run \
             Ansible's{called}"
        );
        let own = INSTEAD.iter().find(|(theirs, own)| *theirs == self.name && has(own));
        match own {
            Some((_, own)) => {
                format!("rplay's own '{own}' does this job (`rplay doc {own}`); or {installed}")
            }
            None => installed,
        }
    }

    /// Returns the packages that the collection's Python needs.
    fn python(&self) -> &'static str {
        if self.collection == "community.docker" { "ansible-core requests" } else { "ansible-core boto3" }
    }
}

/// Returns the name that was likely meant: of the same collection, or of the same name in another one; for what only
/// tells never what writes.
pub(crate) fn meant<'a>(action: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (collection, short) = split(action);
    let names: Vec<&str> = names.filter(|name| !only_tells(short) || only_tells(name)).collect();
    // A collection that the module has left, or never was in.
    if let Some(full) = module(action).map(|known| known.full())
        && let Some(name) = names.iter().find(|name| **name == full)
    {
        return Some(name);
    }
    let beside = names.iter().map(|name| split(name)).filter(|(theirs, _)| *theirs == collection);
    if let Some(near) = nearest(short, beside.map(|(_, name)| name)) {
        return names.into_iter().find(|name| split(name) == (collection, near));
    }
    let same = names.iter().map(|name| split(name)).filter(|(_, name)| *name == short);
    let near = nearest(collection, same.map(|(theirs, _)| theirs))?;
    names.into_iter().find(|name| split(name) == (near, short))
}

fn only_tells(name: &str) -> bool {
    name.ends_with("_info") || name.ends_with("_facts")
}

/// Returns the collection of a name, which may be none, and the rest.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_short_full_and_as_it_was_before() {
        let cases = [
            ("ecs_ecr", "the module 'ecs_ecr' (community.aws.ecs_ecr) is not built into rplay"),
            ("community.aws.ecs_ecr", "the module 'community.aws.ecs_ecr' is not built into rplay"),
            (
                "ecs_taskdefinition_facts",
                "the module 'ecs_taskdefinition_facts' (community.aws.ecs_taskdefinition_info) is not built into rplay",
            ),
            (
                "community.aws.ec2_vpc_igw",
                "the module 'community.aws.ec2_vpc_igw' (amazon.aws.ec2_vpc_igw) is not built into rplay",
            ),
            (
                "aws_secret",
                "the module 'aws_secret' (community.aws.secretsmanager_secret) is not built into rplay",
            ),
            (
                "docker_login",
                "the module 'docker_login' (community.docker.docker_login) is not built into rplay",
            ),
        ];
        for (action, message) in cases {
            assert_eq!(module(action).map(|known| known.message()).as_deref(), Some(message), "{action}");
        }
        for action in ["ecs_eccr", "my.own.ecs_ecr", "community.general.docker_thing", "debug"] {
            assert_eq!(module(action), None, "{action}");
        }
    }

    #[test]
    fn what_does_the_job_is_named_where_it_is_there() {
        let known = module("ecs_ecr").expect("a module of community.aws");
        let installed = "`pip install ansible-core boto3` and `ansible-galaxy collection install community.aws` on this \
                         machine have rplay run Ansible's";
        let own = format!("rplay's own 'ecr_push' does this job (`rplay doc ecr_push`); or {installed}");
        assert_eq!(known.help(|name| name == "ecr_push"), own);
        assert_eq!(known.help(|_| false), installed);
        let old = module("ecs_taskdefinition_facts").expect("known by an older name").help(|_| false);
        assert_eq!(old, format!("{installed}, which is called ecs_taskdefinition_info by now"));
        assert!(
            fault("community.aws.s3_bucket", |name| name == "amazon.aws.s3_bucket").is_none(),
            "it is there"
        );
        assert!(
            module("docker_container")
                .expect("known")
                .help(|_| true)
                .starts_with("`pip install ansible-core requests`")
        );
    }

    #[test]
    fn what_takes_the_place_of_a_module_is_of_a_module_that_is_known() {
        for (theirs, _) in INSTEAD {
            assert!(module(theirs).is_some(), "{theirs}");
        }
        for (old, today) in RENAMED {
            assert!(module(today).is_some(), "{old} is {today}");
        }
    }

    #[test]
    fn what_only_tells_is_never_taken_for_what_writes() {
        let names = [
            "ecs_taskdefinition",
            "community.aws.ecs_cluster",
            "amazon.aws.aws_caller_info",
            "aws_caller_info",
            "amazon.aws.s3_bucket",
        ];
        let cases = [
            ("ecs_taskdefinition_facts", None),
            ("ecs_taskdefinitoin", Some("ecs_taskdefinition")),
            ("aws_caler_info", Some("aws_caller_info")),
            ("amazon.aws.aws_caler_info", Some("amazon.aws.aws_caller_info")),
            ("comunity.aws.ecs_cluster", Some("community.aws.ecs_cluster")),
            ("community.aws.ecs_clutser", Some("community.aws.ecs_cluster")),
            ("community.aws.s3_bucket", Some("amazon.aws.s3_bucket")),
            // The collection alone makes no likeness.
            ("community.aws.ecs_queue", None),
        ];
        for (action, near) in cases {
            assert_eq!(meant(action, names.into_iter()), near, "{action}");
        }
    }
}
