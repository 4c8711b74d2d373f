//! What AWS answers, and the stand-in does not.

use rplay_module::{Address, FailureKind, Foretold, Intent, World as _, unknown};
use rplay_test_support::recorded::Expected;

use super::answers::*;
use super::*;

fn creation() -> Value {
    json!({
        "cluster": "app", "serviceName": "web", "taskDefinition": "web:7", "desiredCount": 2, "launchType": "FARGATE",
        "loadBalancers": [{ "targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080 }],
        "networkConfiguration": { "awsvpcConfiguration": {
            "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED" } },
        "clientToken": "token for ecs.service app/web",
    })
}

fn creates() -> Expected {
    Expected::json("CreateService").whole_body(creation()).answers(&json!({ "service": service(json!({})) }))
}

fn updates(fields: Value) -> Expected {
    let body = with(json!({ "cluster": "app", "service": "web" }), fields);
    Expected::json("UpdateService").whole_body(body).answers(&json!({ "service": service(json!({})) }))
}

#[tokio::test]
async fn a_check_says_what_would_be_created_and_writes_nothing() {
    let (world, recorded) = answering([describes(&[]), finds_group()]);
    let outcome = run(&world, &unwatched(json!({})), Mode::Check).await;
    assert!(done(&outcome));
    assert_eq!(outcome.planned[0].address, "ecs.service app/web");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    let service = &outcome.result["service"];
    assert!(unknown::is_unknown(service["serviceArn"].as_str().unwrap()));
    assert_eq!((&service["desiredCount"], &service["serviceName"]), (&json!(2), &json!("web")));
    assert_eq!(service["loadBalancers"][0]["targetGroupArn"], GROUP);
    recorded.done();
}

#[tokio::test]
async fn a_service_is_created_once_and_then_kept() {
    let (world, recorded) =
        answering([describes(&[]), finds_group(), says_who(), creates(), describes(&[service(json!({}))])]);
    let outcome = run(&world, &unwatched(json!({})), Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(outcome.result["service"]["createdAt"], "2023-11-14T22:13:20.500000+00:00");
    assert_eq!(outcome.result["service"]["deployments"][0]["rolloutState"], "COMPLETED");
    recorded.done();
    recorded.expect([describes(&[service(json!({}))]), finds_group()]);
    assert!(!done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_sent_again_with_the_same_token() {
    let (world, recorded) = answering([
        describes(&[]),
        finds_group(),
        says_who(),
        Expected::json("CreateService").whole_body(creation()).loses_the_answer(),
        creates(),
        describes(&[service(json!({}))]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_throttled_read_is_waited_out() {
    let throttled = Expected::json("DescribeServices").throttles();
    let (world, recorded) = answering([throttled, describes(&[service(json!({}))]), finds_group()]);
    assert!(!done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

/// AWS: "Unable to Start a service that is still Draining."
#[tokio::test]
async fn a_service_that_is_going_is_waited_for_before_another_is_made() {
    let draining = || describes(&[service(json!({ "status": "DRAINING" }))]);
    let refused = Expected::json("CreateService")
        .refuses("InvalidParameterException", "Unable to Start a service that is still Draining.");
    let (world, recorded) = answering([
        draining(),
        finds_group(),
        says_who(),
        refused,
        draining(),
        describes(&[service(json!({ "status": "INACTIVE" }))]),
        creates(),
        describes(&[service(json!({}))]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

/// AWS: a listener that was just made is not seen by ECS at once.
#[tokio::test]
async fn a_target_group_that_ecs_sees_a_little_later_is_waited_for() {
    let refused = Expected::json("CreateService").refuses(
        "InvalidParameterException",
        "The target group with targetGroupArn arn does not have an associated load balancer.",
    );
    let (world, recorded) = answering([
        describes(&[]),
        finds_group(),
        says_who(),
        refused.clone(),
        refused,
        creates(),
        describes(&[service(json!({}))]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn only_what_differs_is_sent() {
    for (changed, sent, now, paths) in [
        (
            json!({ "desired_count": 3 }),
            json!({ "desiredCount": 3 }),
            json!({ "desiredCount": 3 }),
            vec!["desired_count"],
        ),
        (
            json!({ "deployment_configuration": { "deployment_circuit_breaker": { "enable": true } } }),
            json!({ "deploymentConfiguration": {
                "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": { "enable": true, "rollback": false } } }),
            json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true } } }),
            vec!["deployment_configuration.deployment_circuit_breaker.enable"],
        ),
        (
            json!({ "network_configuration": { "security_groups": ["sg-2"] } }),
            json!({ "networkConfiguration": { "awsvpcConfiguration": {
                "subnets": ["subnet-1"], "securityGroups": ["sg-2"], "assignPublicIp": "ENABLED" } } }),
            json!({ "networkConfiguration": { "awsvpcConfiguration": { "securityGroups": ["sg-2"] } } }),
            vec!["network_configuration.security_groups"],
        ),
        (
            json!({ "availability_zone_rebalancing": "DISABLED" }),
            json!({ "availabilityZoneRebalancing": "DISABLED" }),
            json!({ "availabilityZoneRebalancing": "DISABLED" }),
            vec!["availability_zone_rebalancing"],
        ),
        (
            json!({ "propagate_tags": "SERVICE", "enable_ecs_managed_tags": true }),
            json!({ "propagateTags": "SERVICE", "enableECSManagedTags": true }),
            json!({ "propagateTags": "SERVICE", "enableECSManagedTags": true }),
            vec!["enable_ecs_managed_tags", "propagate_tags"],
        ),
        (
            json!({ "load_balancers": [] }),
            json!({ "loadBalancers": [] }),
            json!({ "loadBalancers": [] }),
            vec!["load_balancers"],
        ),
        (
            json!({ "service_connect_configuration": { "enabled": true, "namespace": "internal" } }),
            json!({ "serviceConnectConfiguration": { "enabled": true, "namespace": "internal" } }),
            json!({ "deployments": [deployment(7, json!({
                "serviceConnectConfiguration": { "enabled": true, "namespace": "internal" } }))] }),
            vec!["service_connect_configuration.enabled", "service_connect_configuration.namespace"],
        ),
    ] {
        let (world, recorded) =
            answering([describes(&[service(json!({}))]), updates(sent), describes(&[service(now.clone())])]);
        let by_arn = json!({ "load_balancers": [{ "target_group_arn": GROUP, "container_name": "web", "container_port": 8080 }] });
        let args = with(unwatched(by_arn), changed);
        let outcome = run(&world, &args, Mode::Apply).await;
        assert!(done(&outcome), "{args}");
        assert_eq!(differing(&outcome), paths);
        recorded.expect([describes(&[service(now)])]);
        assert!(!done(&run(&world, &args, Mode::Apply).await), "{args}");
        recorded.done();
    }
}

#[tokio::test]
async fn tags_are_changed_by_their_own_calls() {
    let tagged = |tags: Value| describes(&[service(json!({ "tags": tags }))]);
    let arn = "arn:aws:ecs:eu-west-1:123456789012:service/app/web";
    let (world, recorded) = answering([
        tagged(
            json!([{ "key": "old", "value": "x" }, { "key": "aws:cloudformation:stack-name", "value": "s" }]),
        ),
        finds_group(),
        Expected::json("TagResource")
            .whole_body(json!({ "resourceArn": arn, "tags": [{ "key": "a", "value": "b" }] })),
        Expected::json("UntagResource").whole_body(json!({ "resourceArn": arn, "tagKeys": ["old"] })),
        tagged(json!([{ "key": "a", "value": "b" }])),
    ]);
    let outcome = run(&world, &unwatched(json!({ "tags": { "a": "b" } })), Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(outcome.result["service"]["tags"], json!({ "a": "b" }));
    recorded.done();
}

#[tokio::test]
async fn a_new_deployment_can_be_forced_and_is_started_once() {
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        finds_group(),
        updates(json!({ "forceNewDeployment": true })),
        describes(&[service(json!({}))]),
    ]);
    let args = unwatched(json!({ "force_new_deployment": true }));
    let outcome = run(&world, &args, Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(differing(&outcome), Vec::<&str>::new(), "it is no state of the service");
    recorded.expect([describes(&[service(json!({}))]), finds_group()]);
    let planned = run(&world, &args, Mode::Check).await;
    assert!(done(&planned));
    assert_eq!(differing(&planned), ["force_new_deployment"]);
    recorded.done();
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let rich = service(json!({
        "desiredCount": 9, "platformVersion": "1.4.0", "propagateTags": "SERVICE", "enableExecuteCommand": true,
        "tags": [{ "key": "a", "value": "b" }], "healthCheckGracePeriodSeconds": 60,
        "placementConstraints": [{ "type": "distinctInstance" }],
        "placementStrategy": [{ "type": "binpack", "field": "MEMORY" }],
        "serviceRegistries": [{ "registryArn": "arn:r" }],
    }));
    let (world, recorded) = answering([describes(&[rich])]);
    let bare = json!({ "name": "web", "cluster": "app", "wait": false });
    assert!(!done(&run(&world, &bare, Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn what_aws_fills_in_or_writes_otherwise_makes_no_difference() {
    let described = service(json!({
        "launchType": null, "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1, "base": 0 }],
        "placementStrategy": [{ "type": "binpack", "field": "MEMORY" }, { "type": "spread", "field": "instanceId" }],
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-2", "subnet-1"] } },
    }));
    let mut args = unwatched(json!({
        "capacity_provider_strategy": [{ "capacity_provider": "FARGATE", "weight": 1 }],
        "placement_strategy": [{ "type": "binpack", "field": "memory" }, { "type": "spread", "field": "host" }],
        "network_configuration": { "subnets": ["subnet-1", "subnet-2"], "assign_public_ip": "ENABLED" },
        "propagate_tags": "NONE", "enable_execute_command": false, "health_check_grace_period_seconds": 0,
        "platform_version": "LATEST", "scheduling_strategy": "REPLICA", "deployment_controller": { "type": "ECS" },
        "task_definition": definition(7), "service_registries": [], "cluster": "app", "role": "", "client_token": "",
    }));
    args.as_object_mut().unwrap().remove("launch_type");
    let (world, recorded) = answering([describes(&[described]), finds_group()]);
    let outcome = run(&world, &args, Mode::Apply).await;
    assert!(!done(&outcome), "{:?}", differing(&outcome));
    recorded.done();
}

#[tokio::test]
async fn placement_rules_are_only_purged_when_that_is_asked_for() {
    let placed = || service(json!({ "placementConstraints": [{ "type": "distinctInstance" }] }));
    let bare = json!({ "name": "web", "cluster": "app", "wait": false, "placement_constraints": [] });
    let (world, recorded) = answering([describes(&[placed()])]);
    assert!(!done(&run(&world, &bare, Mode::Apply).await));
    recorded.expect([
        describes(&[placed()]),
        updates(json!({ "placementConstraints": [] })),
        describes(&[service(json!({}))]),
    ]);
    let purging = with(bare, json!({ "purge_placement_constraints": true }));
    assert!(done(&run(&world, &purging, Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn what_codedeploy_deploys_is_left_to_it() {
    let blue = service(json!({ "deploymentController": { "type": "CODE_DEPLOY" }, "deployments": [] }));
    let (world, recorded) = answering([describes(&[blue]), finds_group()]);
    let args = unwatched(
        json!({ "task_definition": "web:8", "network_configuration": { "subnets": ["subnet-9"] } }),
    );
    assert!(!done(&run(&world, &args, Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_daemon_has_no_number_of_its_own() {
    let daemon = service(
        json!({ "schedulingStrategy": "DAEMON", "desiredCount": 5, "launchType": "EC2", "loadBalancers": [] }),
    );
    let (world, recorded) = answering([describes(&[daemon])]);
    let args = json!({
        "name": "web", "cluster": "app", "scheduling_strategy": "DAEMON", "task_definition": "web:7", "wait": false,
    });
    assert!(!done(&run(&world, &args, Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn the_newest_revision_of_a_family_is_deployed() {
    let newest = Expected::json("DescribeTaskDefinition")
        .body(json!({ "taskDefinition": "web" }))
        .answers(&json!({ "taskDefinition": { "taskDefinitionArn": definition(9) } }));
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        newest,
        finds_group(),
        updates(json!({ "taskDefinition": "web:9" })),
        describes(&[service(json!({ "taskDefinition": definition(9) }))]),
    ]);
    let outcome = run(&world, &unwatched(json!({ "task_definition": "web" })), Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(differing(&outcome), ["task_definition"]);
    recorded.done();
}

#[tokio::test]
async fn gateway_connectors_are_read_from_the_revision_where_they_are_named() {
    let current = || service(json!({ "currentServiceRevisions": [{ "arn": "arn:revision" }] }));
    let connector = json!([{ "portName": "http", "filters": { "accessTypes": ["PUBLIC"] } }]);
    let revision = Expected::json("DescribeServiceRevisions")
        .body(json!({ "serviceRevisionArns": ["arn:revision"] }))
        .answers(&json!({ "serviceRevisions": [{ "gatewayConnectors": connector }] }));
    let (world, recorded) = answering([describes(&[current()]), finds_group(), revision]);
    let named = unwatched(json!({ "gateway_connectors": [{ "port_name": "http" }] }));
    assert!(!done(&run(&world, &named, Mode::Apply).await));
    recorded.expect([describes(&[current()]), finds_group()]);
    assert!(!done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_service_that_cannot_be_changed_in_place_is_made_anew() {
    let old = || service(json!({ "launchType": "EC2" }));
    let (world, recorded) = answering([describes(&[old()]), finds_group()]);
    let planned = run(&world, &unwatched(json!({})), Mode::Plan).await;
    assert_eq!(planned.planned[0].action, Intent::Replace);
    assert_eq!(
        planned.planned[0].reason.as_deref(),
        Some("launch_type cannot be changed in place (EC2 to FARGATE)")
    );
    let deletes = Expected::json("DeleteService")
        .whole_body(json!({ "cluster": "app", "service": "web", "force": true }))
        .answers(&json!({ "service": service(json!({ "status": "DRAINING" })) }));
    recorded.expect([
        describes(&[old()]),
        finds_group(),
        says_who(),
        deletes,
        describes(&[service(json!({ "status": "DRAINING" }))]),
        describes(&[service(json!({ "status": "INACTIVE" }))]),
        describes(&[service(json!({ "status": "INACTIVE" }))]),
        // What is omitted is made as it was.
        Expected::json("CreateService")
            .whole_body(with(
                creation(),
                json!({
                    "availabilityZoneRebalancing": "ENABLED",
                    "deploymentConfiguration": {
                        "maximumPercent": 200, "minimumHealthyPercent": 100,
                        "deploymentCircuitBreaker": { "enable": false, "rollback": false },
                    },
                }),
            ))
            .answers(&json!({ "service": service(json!({})) })),
        describes(&[service(json!({}))]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
    for (have, wanted, reason) in [
        (
            json!({ "schedulingStrategy": "DAEMON" }),
            json!({ "scheduling_strategy": "REPLICA" }),
            "scheduling_strategy",
        ),
        (json!({}), json!({ "role": "ecs-service" }), "role"),
    ] {
        recorded.expect([describes(&[service(have)]), finds_group()]);
        let planned = run(&world, &unwatched(wanted), Mode::Plan).await;
        assert!(
            planned.planned[0]
                .reason
                .as_ref()
                .unwrap()
                .starts_with(&format!("{reason} cannot be changed in place"))
        );
    }
}

#[tokio::test]
async fn a_role_that_is_not_described_makes_no_difference() {
    for (role, kept) in
        [(json!(""), true), (json!("arn:aws:iam::1:role/ecs"), true), (json!("arn:aws:iam::1:role/x"), false)]
    {
        let (world, recorded) = answering([describes(&[service(json!({ "roleArn": role }))]), finds_group()]);
        let outcome = run(&world, &unwatched(json!({ "role": "ecs" })), Mode::Check).await;
        assert_eq!(done(&outcome), !kept, "{role}");
        recorded.done();
    }
}

#[tokio::test]
async fn between_launch_type_and_capacity_providers_aws_changes_in_place() {
    let shares = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0 }]);
    let spot = || service(json!({ "launchType": null, "capacityProviderStrategy": shares }));
    let mut wants_spot = unwatched(
        json!({ "capacity_provider_strategy": [{ "capacity_provider": "FARGATE_SPOT", "weight": 1 }] }),
    );
    wants_spot.as_object_mut().unwrap().remove("launch_type");
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        finds_group(),
        updates(json!({ "capacityProviderStrategy": shares })),
        describes(&[spot()]),
    ]);
    assert!(done(&run(&world, &wants_spot, Mode::Apply).await));
    recorded.expect([
        describes(&[spot()]),
        finds_group(),
        updates(json!({ "capacityProviderStrategy": [] })),
        describes(&[service(json!({}))]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_service_is_deleted_as_ansible_does_it() {
    let absent = json!({ "name": "web", "cluster": "app", "state": "absent" });
    let refused = Expected::json("DeleteService")
        .whole_body(json!({ "cluster": "app", "service": "web" }))
        .refuses("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.");
    let (world, recorded) = answering([describes(&[service(json!({}))]), says_who(), refused]);
    let outcome = run(&world, &absent, Mode::Apply).await;
    assert!(failed(&outcome).contains("scaled above 0"), "{}", failed(&outcome));
    assert!(outcome.failure.unwrap().hint.unwrap().contains("force_deletion"));

    let gone = || describes(&[service(json!({ "status": "INACTIVE" }))]);
    recorded.expect([
        describes(&[service(json!({}))]),
        Expected::json("DeleteService")
            .whole_body(json!({ "cluster": "app", "service": "web", "force": true })),
        describes(&[service(json!({ "status": "DRAINING" }))]),
        gone(),
        gone(),
    ]);
    let outcome = run(&world, &with(absent.clone(), json!({ "force_deletion": true })), Mode::Apply).await;
    assert!(done(&outcome));
    let facts = &outcome.result["ansible_facts"];
    assert_eq!((&facts["serviceName"], facts.get("deployments")), (&json!("web"), None));
    recorded.expect([gone()]);
    assert!(!done(&run(&world, &absent, Mode::Apply).await));
    // One that is already going is waited for, and not deleted again.
    recorded.expect([describes(&[service(json!({ "status": "DRAINING" }))]), gone(), gone()]);
    assert!(done(&run(&world, &absent, Mode::Apply).await));
    recorded.done();
}

#[tokio::test]
async fn a_deletion_that_somebody_else_has_begun_is_waited_for() {
    let deleting = json!({ "name": "web", "cluster": "app", "state": "deleting" });
    let wait = |world: &Arc<TestWorld>, args: &Value, mode| {
        let (cx, args) = (world.cx(), args.clone());
        async move { (crate::ecs_service::pick(&args)).run(&cx, &args, mode).await }
    };
    let (world, recorded) = answering([
        describes(&[service(json!({ "status": "DRAINING" }))]),
        describes(&[service(json!({ "status": "INACTIVE" }))]),
    ]);
    assert!(done(&wait(&world, &deleting, Mode::Apply).await));
    recorded.expect([describes(&[])]);
    assert_eq!(failed(&wait(&world, &deleting, Mode::Apply).await), "Service 'web not found.");
    recorded.expect([describes(&[service(json!({}))]).repeatedly()]);
    let late = wait(&world, &with(deleting.clone(), json!({ "delay": 5, "repeat": 4 })), Mode::Apply).await;
    assert_eq!(failed(&late), "Service still not deleted after 4 tries of 5 seconds each.");
    recorded.done();
    // In a plan it is gone as soon as an earlier task says so.
    world.foretell(Address::new("ecs.service", "app/web"), Foretold::Deleted);
    assert!(done(&wait(&world, &deleting, Mode::Plan).await));
}

#[tokio::test]
async fn a_destruction_takes_what_rplay_has_made_with_its_tasks() {
    let (world, recorded) = answering([describes(&[service(json!({}))]), finds_group(), says_who()]);
    let kept = run(&world, &unwatched(json!({})), Mode::Destroy).await;
    assert_eq!(kept.kept.len(), 1, "nobody says that rplay made it");
    recorded.done();

    let owned = service(json!({ "tags": [{ "key": "rplay:owner", "value": "rplay" }] }));
    recorded.expect([
        describes(&[owned]),
        finds_group(),
        Expected::json("DeleteService")
            .whole_body(json!({ "cluster": "app", "service": "web", "force": true })),
        describes(&[]),
        describes(&[]),
    ]);
    assert!(done(&run(&world, &unwatched(json!({})), Mode::Destroy).await));
}

#[tokio::test]
async fn without_its_cluster_a_service_cannot_be_made() {
    let refused =
        || Expected::json("DescribeServices").refuses("ClusterNotFoundException", "Cluster not found.");
    let alone = || {
        let mut args = unwatched(json!({}));
        args.as_object_mut().unwrap().remove("load_balancers");
        args
    };
    let (world, recorded) = answering([refused()]);
    let outcome = run(&world, &alone(), Mode::Check).await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Missing(Address::new("ecs.cluster", "app")));
    recorded.done();
    recorded.expect([refused()]);
    let absent = json!({ "name": "web", "cluster": "app", "state": "absent" });
    assert!(!done(&run(&world, &absent, Mode::Apply).await));
    // A cluster that an earlier task of the plan makes has no services: nothing is asked.
    world.foretell(
        Address::new("ecs.cluster", "app"),
        Foretold::Created(unknown::marker(unknown::Cause::Created, "c")),
    );
    let arn = json!({ "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/app" });
    let planned = Box::pin(drive::resource(&Services, &world.cx(), &with(alone(), arn), Mode::Plan)).await;
    assert_eq!(planned.planned[0].action, Intent::Create, "{:?}", planned.failure);
    recorded.done();
}

#[test]
fn the_parameters_are_described_without_a_mistake() {
    use rplay_module::Params as _;
    assert_eq!(crate::ecs_service::EcsServiceParams::spec().mistakes(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_is_said_before_any_call() {
    let (world, recorded) = answering([]);
    for (args, message) in [
        (json!({ "cluster": "app" }), "missing required arguments: name"),
        (
            json!({ "name": "web", "launch_type": "FARGATE" }),
            "launch_type is FARGATE but all of the following are missing: network_configuration",
        ),
        (
            unwatched(json!({ "capacity_provider_strategy": [{ "capacity_provider": "FARGATE" }] })),
            "parameters are mutually exclusive: launch_type|capacity_provider_strategy",
        ),
        (
            unwatched(json!({ "deployment_configuration": { "maximum": 1 } })),
            "Unsupported parameters: deployment_configuration.maximum.",
        ),
        (
            unwatched(json!({ "network_configuration": { "assign_public_ip": "perhaps" } })),
            "value of network_configuration.assign_public_ip must be yes, no, ENABLED or DISABLED, got: \"perhaps\"",
        ),
        (unwatched(json!({ "propagate_tags": "ALL" })), "value of propagate_tags must be one of: "),
    ] {
        let outcome = run(&world, &args, Mode::Apply).await;
        assert!(failed(&outcome).starts_with(message), "{}", failed(&outcome));
    }
    recorded.done();
}

#[tokio::test]
async fn what_a_new_service_needs_is_said_in_a_plan_too() {
    for (left_out, message) in [
        (
            "task_definition",
            "Either task_definition or force_new_deployment is required when status is present.",
        ),
        ("desired_count", "state is present, scheduling_strategy is REPLICA; missing desired_count"),
    ] {
        let mut args = unwatched(json!({}));
        args.as_object_mut().unwrap().remove(left_out);
        let (world, _recorded) = answering([describes(&[]), finds_group()]);
        assert_eq!(failed(&run(&world, &args, Mode::Plan).await), message);
    }
    let (world, _recorded) = answering([describes(&[]), finds_group()]);
    let args = with(unwatched(json!({ "network_configuration": { "subnets": null } })), json!({}));
    assert_eq!(failed(&run(&world, &args, Mode::Plan).await), "Network configuration must include subnets");
}
