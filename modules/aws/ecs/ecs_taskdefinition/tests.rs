use rplay_aws::Transport;
use rplay_module::{Driven, Mode, Outcome, Runnable as _, unknown};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;

async fn run(args: &Value, mode: Mode, expected: impl IntoIterator<Item = Expected>) -> Outcome {
    let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
    let cx = world.cx();
    cx.shared::<Transport>().replace(calls.client());
    Driven(TaskDefinitions::<EcsTaskdefinition>::new()).run(&cx, args, mode).await
}

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}")
}

fn args(further: Value) -> Value {
    let args = json!({
        "state": "present", "family": "web",
        "containers": [{ "name": "web", "image": "web:1", "memory": "128", "portMappings": [{ "containerPort": "80" }] }],
    });
    let (Value::Object(mut args), Value::Object(further)) = (args, further) else { unreachable!("mappings") };
    args.extend(further);
    Value::Object(args)
}

fn definition(revision: u32, status: &str) -> Value {
    json!({
        "taskDefinitionArn": arn(revision), "family": "web", "revision": revision, "status": status,
        "containerDefinitions": [{
            "name": "web", "image": "web:1", "cpu": 0, "memory": 128, "essential": true, "environment": [],
            "portMappings": [{ "containerPort": 80, "hostPort": 0, "protocol": "tcp" }],
        }],
        "networkMode": "bridge", "volumes": [], "compatibilities": ["EC2"],
        "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" },
        "registeredAt": 1_700_000_000.5, "registeredBy": "arn:aws:iam::123456789012:user/me",
    })
}

fn describe(name: &str) -> Expected {
    Expected::json("DescribeTaskDefinition").body(json!({ "taskDefinition": name }))
}

fn found(revision: u32) -> Value {
    json!({ "taskDefinition": definition(revision, "ACTIVE") })
}

fn none(name: &str) -> Expected {
    describe(name).refuses("ClientException", "Unable to describe task definition.")
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

async fn refusal(further: Value) -> String {
    run(&args(further), Mode::Apply, []).await.failure.unwrap().message
}

#[tokio::test]
async fn the_result_is_what_boto3_gives() {
    let outcome = run(&args(json!({})), Mode::Apply, [describe("web").answers(&found(4))]).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
    let mut expected = definition(4, "ACTIVE");
    expected["registeredAt"] = json!("2023-11-14T22:13:20.500000+00:00");
    assert_eq!(outcome.result["taskdefinition"], expected);
}

#[tokio::test]
async fn it_is_registered_with_ansibles_defaults_and_without_an_owner() {
    let outcome = run(
        &args(json!({})),
        Mode::Apply,
        [
            none("web"),
            who(),
            Expected::json("RegisterTaskDefinition")
                .whole_body(json!({
                    "family": "web", "networkMode": "bridge",
                    "containerDefinitions": [{
                        "name": "web", "image": "web:1", "cpu": 0, "memory": 128, "portMappings": [{ "containerPort": 80 }],
                    }],
                    "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" },
                }))
                .answers(&found(1)),
            describe(&arn(1)).answers(&found(1)),
        ],
    )
    .await;
    assert!(outcome.changed, "{:?}", outcome.failure);
    assert_eq!(outcome.result["taskdefinition"]["revision"], 1);
}

#[tokio::test]
async fn in_check_mode_the_result_has_what_is_known() {
    let outcome = run(&args(json!({ "cpu": 256 })), Mode::Check, [describe("web").answers(&found(1))]).await;
    assert!(outcome.changed);
    let definition = &outcome.result["taskdefinition"];
    assert!(unknown::is_unknown(definition["taskDefinitionArn"].as_str().unwrap()));
    assert_eq!((&definition["cpu"], &definition["family"]), (&json!("256"), &json!("web")));
    assert_eq!(definition["containerDefinitions"][0]["portMappings"][0]["containerPort"], 80);
}

#[tokio::test]
async fn force_create_registers_one_more() {
    let outcome = run(
        &args(json!({ "force_create": true })),
        Mode::Apply,
        [
            describe("web").answers(&found(1)),
            Expected::json("RegisterTaskDefinition").answers(&found(2)),
            describe(&arn(2)).answers(&found(2)),
        ],
    )
    .await;
    assert!(outcome.changed, "{:?}", outcome.failure);
    assert_eq!(outcome.result["taskdefinition"]["revision"], 2);
}

#[tokio::test]
async fn a_revision_that_is_there_is_kept_whatever_it_has() {
    let asked = args(json!({ "revision": 3, "cpu": "1024" }));
    let outcome = run(&asked, Mode::Apply, [describe("web:3").answers(&found(3))]).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
    assert_eq!(outcome.result["taskdefinition"]["taskDefinitionArn"], arn(3));
}

#[tokio::test]
async fn the_next_revision_is_registered_and_no_later_one() {
    let outcome = run(
        &args(json!({ "revision": 3 })),
        Mode::Apply,
        [
            none("web:3"),
            describe("web").answers(&found(2)),
            Expected::json("RegisterTaskDefinition").answers(&found(3)),
            describe(&arn(3)).answers(&found(3)),
        ],
    )
    .await;
    assert!(outcome.changed, "{:?}", outcome.failure);
    let late = [none("web:5"), describe("web").answers(&found(2))];
    let failure = run(&args(json!({ "revision": 5 })), Mode::Apply, late).await.failure.unwrap();
    assert_eq!(failure.message, "You have specified a revision of 5 but a created revision would be 3");
    let first = [none("web:5"), none("web")];
    let failure = run(&args(json!({ "revision": 5 })), Mode::Apply, first).await.failure.unwrap();
    assert_eq!(failure.message, "You have specified a revision of 5 but a created revision would be 1");
}

#[tokio::test]
async fn an_inactive_revision_cannot_be_had_again() {
    let inactive = json!({ "taskDefinition": definition(3, "INACTIVE") });
    let failure = run(&args(json!({ "revision": 3 })), Mode::Apply, [describe("web:3").answers(&inactive)])
        .await
        .failure
        .unwrap();
    assert_eq!(failure.message, "A task in family 'web' already exists for revision 3, but it is inactive");
}

#[tokio::test]
async fn a_revision_is_deregistered_by_its_arn_or_its_number() {
    let inactive = json!({ "taskDefinition": definition(3, "INACTIVE") });
    for named in [json!({ "state": "absent", "arn": arn(3) }), json!({ "state": "absent", "revision": 3 })] {
        let expected = [
            describe("web:3").answers(&found(3)),
            who(),
            Expected::json("DeregisterTaskDefinition").whole_body(json!({ "taskDefinition": arn(3) })),
            describe("web:3").answers(&inactive),
        ];
        let outcome = run(&args(named.clone()), Mode::Apply, expected).await;
        assert!(outcome.changed, "{:?}", outcome.failure);
        assert_eq!(outcome.result["taskdefinition"]["revision"], 3);
        let again = run(&args(named), Mode::Apply, [describe("web:3").answers(&inactive)]).await;
        assert!(!again.changed);
        assert_eq!(again.result["taskdefinition"]["status"], "INACTIVE");
    }
}

#[tokio::test]
async fn what_ansible_refuses_is_refused_before_any_call() {
    for (further, message) in [
        (
            json!({ "state": "absent", "family": null }),
            "To use task definitions, an arn or family and revision must be specified",
        ),
        (json!({ "containers": [] }), "To use task definitions, a list of containers must be specified"),
        (json!({ "family": null }), "To use task definitions, a family must be specified"),
        (
            json!({ "launch_type": "FARGATE", "cpu": 1, "memory": 1 }),
            "To use FARGATE launch type, network_mode must be awsvpc",
        ),
        (
            json!({ "network_mode": "awsvpc", "containers": [{ "name": "a", "image": "b", "links": ["c"] }] }),
            "links parameter is not supported if network mode is awsvpc.",
        ),
        (
            json!({ "network_mode": "awsvpc", "containers": [
                { "name": "a", "image": "b", "portMappings": [{ "containerPort": 1, "hostPort": 2 }] }] }),
            "In awsvpc network mode, host port must be set to the same as container port or not be set",
        ),
        (
            json!({ "containers": [{ "name": "a", "image": "b", "linuxParameters": { "swappiness": 101 } }] }),
            "Accepted values for swappiness are whole numbers between 0 and 100.",
        ),
        (
            json!({ "launch_type": "FARGATE" }),
            "launch_type is FARGATE but all of the following are missing: cpu, memory",
        ),
    ] {
        assert_eq!(refusal(further).await, message);
    }
}
