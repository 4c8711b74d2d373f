//! AWS's answers about a service, as they look when it works, and changed by what a test is about.

use rplay_aws::Transport;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;

pub(super) const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";

/// A world and its answers; any other call fails the test.
pub(super) fn answering(expected: impl IntoIterator<Item = Expected>) -> (Arc<TestWorld>, Recorded) {
    let (world, recorded) = (TestWorld::aws().start(), Recorded::new(expected));
    world.cx().shared::<Transport>().replace(recorded.client());
    (world, recorded)
}

pub(super) async fn run(world: &Arc<TestWorld>, args: &Value, mode: Mode) -> Outcome {
    world.next_run();
    Box::pin(drive::resource(&Services, &world.cx(), args, mode)).await
}

/// Returns the document with some of its fields set to something else.
pub(super) fn with(document: Value, changed: Value) -> Value {
    match (document, changed) {
        (Value::Object(mut fields), Value::Object(changed)) => {
            for (name, value) in changed {
                let old = fields.remove(&name).unwrap_or_default();
                fields.insert(
                    name,
                    if old.is_object() && value.is_object() { with(old, value) } else { value },
                );
            }
            Value::Object(fields)
        }
        (_, changed) => changed,
    }
}

pub(super) fn definition(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}")
}

/// A deployment that is done.
pub(super) fn deployment(revision: u32, changed: Value) -> Value {
    let deployment = json!({
        "id": format!("ecs-svc/{revision}"), "status": "PRIMARY", "taskDefinition": definition(revision),
        "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "failedTasks": 0,
        "createdAt": 1_700_000_000.0,
    });
    with(deployment, changed)
}

/// The service of [`args`], working.
pub(super) fn service(changed: Value) -> Value {
    let service = json!({
        "serviceArn": "arn:aws:ecs:eu-west-1:123456789012:service/app/web", "serviceName": "web",
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/app", "status": "ACTIVE",
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "launchType": "FARGATE", "platformVersion": "LATEST",
        "platformFamily": "Linux", "taskDefinition": definition(7),
        "deploymentConfiguration": {
            "maximumPercent": 200, "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": { "enable": false, "rollback": false },
        },
        "deployments": [deployment(7, json!({}))],
        "loadBalancers": [{ "targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080 }],
        "networkConfiguration": { "awsvpcConfiguration": {
            "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED" } },
        "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [], "placementConstraints": [], "placementStrategy": [], "healthCheckGracePeriodSeconds": 0,
        "schedulingStrategy": "REPLICA", "deploymentController": { "type": "ECS" }, "enableECSManagedTags": false,
        "propagateTags": "NONE", "enableExecuteCommand": false, "availabilityZoneRebalancing": "ENABLED",
        "createdAt": 1_700_000_000.5, "tags": [],
    });
    with(service, changed)
}

/// What a task writes for it.
pub(super) fn args(changed: Value) -> Value {
    let args = json!({
        "name": "web", "cluster": "app", "task_definition": "web:7", "desired_count": 2, "launch_type": "FARGATE",
        "network_configuration": { "subnets": ["subnet-1"], "security_groups": ["sg-1"], "assign_public_ip": true },
        "load_balancers": [{ "target_group": "web", "container_name": "web", "container_port": 8080 }],
    });
    with(args, changed)
}

/// The same without waiting: what is asked is only what is changed.
pub(super) fn unwatched(changed: Value) -> Value {
    with(args(json!({ "wait": false })), changed)
}

pub(super) fn describes(services: &[Value]) -> Expected {
    Expected::json("DescribeServices")
        .whole_body(json!({ "cluster": "app", "services": ["web"], "include": ["TAGS"] }))
        .answers(&json!({ "services": services, "failures": [] }))
}

pub(super) fn finds_group() -> Expected {
    let found =
        format!("<TargetGroups><member><TargetGroupArn>{GROUP}</TargetGroupArn></member></TargetGroups>");
    Expected::query("DescribeTargetGroups").parameter("Names.member.1", "web").gives(&found)
}

pub(super) fn says_who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

/// The health of targets: address, state, reason.
pub(super) fn health(targets: &[(&str, &str, &str)]) -> Expected {
    let target = |(id, state, reason): &(&str, &str, &str)| {
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!("<Reason>{reason}</Reason><Description>{reason} it is</Description>")
        };
        format!(
            "<member><Target><Id>{id}</Id><Port>8080</Port></Target><TargetHealth><State>{state}</State>{reason}\
             </TargetHealth></member>"
        )
    };
    let all: String = targets.iter().map(target).collect();
    Expected::query("DescribeTargetHealth")
        .parameter("TargetGroupArn", GROUP)
        .gives(&format!("<TargetHealthDescriptions>{all}</TargetHealthDescriptions>"))
}

pub(super) fn both_healthy() -> Expected {
    health(&[("10.0.0.1", "healthy", ""), ("10.0.0.2", "healthy", "")])
}

/// A running task of revision 7.
pub(super) fn task(id: u32, changed: Value) -> Value {
    let task = json!({
        "taskArn": format!("arn:aws:ecs:eu-west-1:123456789012:task/app/task{id}"), "taskDefinitionArn": definition(7),
        "startedBy": "ecs-svc/7", "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": 1_700_000_001.0,
        "startedAt": 1_700_000_005.0,
        "attachments": [{ "details": [{ "name": "privateIPv4Address", "value": format!("10.0.0.{id}") }] }],
        "containers": [{ "name": "web", "image": "repo/web:7" }],
    });
    with(task, changed)
}

/// A task whose container has ended with code 1.
pub(super) fn dead(id: u32, stopped: f64) -> Value {
    task(
        id,
        json!({
            "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited", "stoppedAt": stopped,
            "containers": [{ "name": "web", "image": "repo/web:7", "exitCode": 1 }],
        }),
    )
}

/// The lists of running and of stopped tasks, and the descriptions of all of them.
pub(super) fn lists(running: &[Value], stopped: &[Value]) -> Vec<Expected> {
    let arns = |tasks: &[Value]| tasks.iter().map(|task| task["taskArn"].clone()).collect::<Vec<_>>();
    let list = |status: &str, tasks: &[Value]| {
        Expected::json("ListTasks")
            .whole_body(json!({ "cluster": "app", "serviceName": "web", "desiredStatus": status }))
            .answers(&json!({ "taskArns": arns(tasks) }))
    };
    let all = [running, stopped].concat();
    let described = Expected::json("DescribeTasks").answers(&json!({ "tasks": all }));
    let mut calls = vec![list("RUNNING", running), list("STOPPED", stopped)];
    calls.extend((!all.is_empty()).then_some(described));
    calls
}

pub(super) fn failed(outcome: &Outcome) -> &str {
    outcome.failure.as_ref().map_or("", |failure| failure.message.as_str())
}

/// Returns the paths of the fields that differ.
pub(super) fn differing(outcome: &Outcome) -> Vec<&str> {
    outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect()
}
