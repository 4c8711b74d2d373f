use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::params::parse;
use rplay_module::{Driven, FailureKind, Intent, KeptWhy, Mode, OWNER_TAG, Outcome, Runnable as _, unknown};
use rplay_test_support::recorded::{Expected, Recorded};
use rplay_test_support::{Proxy, Rule, StandIn, TestWorld};
use serde_json::{Value, json};

use super::*;
use crate::ecs_taskdef::EcsTaskdef;

const ROLE: &str = "arn:aws:iam::123456789012:role/teams/web-tasks";

struct Test {
    world: Arc<TestWorld>,
    calls: Recorded,
}

impl Test {
    fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        Self { world, calls }
    }

    async fn run(&self, args: &Value, mode: Mode) -> Outcome {
        Driven(TaskDefinitions::<EcsTaskdef>::new()).run(&self.world.native_cx(), args, mode).await
    }

    async fn ran(&self, args: &Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        self.calls.done();
        outcome
    }
}

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}")
}

/// As a playbook writes it.
fn web() -> Value {
    json!({
        "family": "web", "cpu": 256, "memory": 512, "network_mode": "awsvpc", "requires_compatibilities": ["FARGATE"],
        "execution_role": ROLE,
        "containers": [{
            "name": "web", "image": "web:1", "port_mappings": [{ "container_port": 8080 }],
            "environment": { "PORT": 8080, "MODE": "test" },
            "log_configuration": { "log_driver": "awslogs", "options": { "awslogs-group": "/ecs/web" } },
        }],
        "tags": { "app": "web" },
    })
}

/// As AWS describes it: defaults filled in, lists in another order, empty lists for what was omitted.
fn described(revision: u32) -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": arn(revision), "family": "web", "revision": revision, "status": "ACTIVE",
            "cpu": "256", "memory": "512", "networkMode": "awsvpc", "executionRoleArn": ROLE,
            "requiresCompatibilities": ["FARGATE"], "compatibilities": ["EC2", "FARGATE"],
            "requiresAttributes": [{ "name": "ecs.capability.task-eni" }],
            "volumes": [], "placementConstraints": [],
            "containerDefinitions": [{
                "name": "web", "image": "web:1", "cpu": 0, "essential": true,
                "portMappings": [{ "containerPort": 8080, "hostPort": 8080, "protocol": "tcp" }],
                "environment": [{ "name": "PORT", "value": "8080" }, { "name": "MODE", "value": "test" }],
                "mountPoints": [], "volumesFrom": [], "systemControls": [],
                "logConfiguration": {
                    "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" }, "secretOptions": [],
                },
            }],
            "registeredAt": 1_700_000_000.5, "registeredBy": "arn:aws:iam::123456789012:user/me",
        },
        "tags": [{ "key": "app", "value": "web" }, { "key": OWNER_TAG, "value": "rplay" }],
    })
}

fn describe(name: &str) -> Expected {
    Expected::json("DescribeTaskDefinition")
        .whole_body(json!({ "taskDefinition": name, "include": ["TAGS"] }))
}

fn none() -> Expected {
    describe("web").refuses("ClientException", "Unable to describe task definition.")
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut args = web();
    *args.pointer_mut(pointer).unwrap() = value;
    args
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect()
}

#[tokio::test]
async fn what_is_not_there_is_foretold_without_a_write() {
    let test = Test::new([none()]);
    let outcome = test.ran(&web(), Mode::Check).await;
    assert_eq!((outcome.changed, outcome.planned[0].action), (true, Intent::Create));
    for field in ["arn", "revision"] {
        assert!(unknown::is_unknown(outcome.result[field].as_str().unwrap()), "{field}");
    }
    assert_eq!(outcome.result["family"], "web");
    assert_eq!(outcome.result["image"], "web:1");
    assert_eq!(outcome.result["previous_arn"], Value::Null);
}

#[tokio::test]
async fn it_is_registered_as_it_is_written_with_its_owner() {
    let test = Test::new([
        none(),
        who(),
        Expected::json("RegisterTaskDefinition")
            .whole_body(json!({
                "family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "executionRoleArn": ROLE,
                "requiresCompatibilities": ["FARGATE"],
                "containerDefinitions": [{
                    "name": "web", "image": "web:1", "cpu": 0, "portMappings": [{ "containerPort": 8080 }],
                    "environment": [{ "name": "MODE", "value": "test" }, { "name": "PORT", "value": "8080" }],
                    "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web" } },
                }],
                "tags": [{ "key": "app", "value": "web" }, { "key": OWNER_TAG, "value": "rplay" }],
            }))
            .answers(&described(1)),
        describe(&arn(1)).answers(&described(1)),
    ]);
    let outcome = test.ran(&web(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(
        Value::Object(outcome.result),
        json!({
            "arn": arn(1), "family": "web", "revision": 1, "image": "web:1", "images": { "web": "web:1" },
            "previous_arn": null, "tags": { "app": "web" },
        })
    );
}

#[tokio::test]
async fn what_aws_fills_in_and_reorders_is_no_difference_and_costs_one_call() {
    let test = Test::new([describe("web").answers(&described(60))]);
    let outcome = test.ran(&web(), Mode::Apply).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
    assert_eq!(outcome.result["arn"], arn(60));
    assert_eq!(outcome.result["previous_arn"], arn(60));
}

#[tokio::test]
async fn written_out_defaults_and_other_forms_are_no_difference() {
    let mut args = changed(
        "/containers/0/environment",
        json!([{ "name": "MODE", "value": "test" }, { "name": "PORT", "value": 8080 }]),
    );
    args["cpu"] = json!(".25 vCPU");
    args["memory"] = json!("0.5 GB");
    args["volumes"] = json!([]);
    args["runtimePlatform"] = json!({ "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" });
    let container = args.pointer_mut("/containers/0").unwrap();
    container["essential"] = json!(true);
    container["cpu"] = json!(0);
    container["privileged"] = json!("no");
    container["portMappings"] = json!([{ "containerPort": 8080, "hostPort": "8080", "protocol": "tcp" }]);
    container.as_object_mut().unwrap().remove("port_mappings");
    let test = Test::new([describe("web").answers(&described(1))]);
    let outcome = test.ran(&args, Mode::Apply).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
}

#[tokio::test]
async fn a_health_check_has_the_documented_defaults() {
    let mut now = described(1);
    now["taskDefinition"]["containerDefinitions"][0]["healthCheck"] =
        json!({ "command": ["CMD", "/up"], "interval": 30, "timeout": 5, "retries": 3 });
    let mut args = web();
    args["containers"][0]["health_check"] = json!({ "command": ["CMD", "/up"] });
    let test = Test::new([describe("web").answers(&now)]);
    assert!(!test.ran(&args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn an_edit_registers_another_revision_and_names_the_one_before() {
    let args = changed("/containers/0/environment/MODE", json!("live"));
    let mut next = described(2);
    next["taskDefinition"]["containerDefinitions"][0]["environment"][1]["value"] = json!("live");
    let test = Test::new([
        describe("web").answers(&described(1)),
        Expected::json("RegisterTaskDefinition").answers(&next),
        describe(&arn(2)).answers(&next),
    ]);
    let outcome = test.ran(&args, Mode::Apply).await;
    assert_eq!(paths(&outcome), ["containers.web.environment.MODE"]);
    assert_eq!((&outcome.result["arn"], &outcome.result["previous_arn"]), (&json!(arn(2)), &json!(arn(1))));
    assert_eq!(outcome.planned[0].action, Intent::Update);
}

#[tokio::test]
async fn a_foretold_edit_has_an_unknown_revision() {
    let test = Test::new([describe("web").answers(&described(1))]);
    let outcome = test.ran(&changed("/memory", json!(1024)), Mode::Plan).await;
    assert_eq!(paths(&outcome), ["memory"]);
    assert!(unknown::is_unknown(outcome.result["arn"].as_str().unwrap()));
    assert_eq!(outcome.result["previous_arn"], arn(1));
}

#[tokio::test]
async fn what_is_omitted_is_not_set_in_the_next_revision() {
    let mut args = web();
    args["containers"][0].as_object_mut().unwrap().remove("log_configuration");
    let mut next = described(2);
    next["taskDefinition"]["containerDefinitions"][0].as_object_mut().unwrap().remove("logConfiguration");
    let test = Test::new([
        describe("web").answers(&described(1)),
        Expected::json("RegisterTaskDefinition").answers(&next),
        describe(&arn(2)).answers(&next),
    ]);
    let outcome = test.ran(&args, Mode::Apply).await;
    assert_eq!(
        paths(&outcome),
        [
            "containers.web.log_configuration.log_driver",
            "containers.web.log_configuration.options.awslogs-group"
        ]
    );
}

#[tokio::test]
async fn tags_are_changed_in_place() {
    let mut next = described(1);
    next["tags"] = json!([{ "key": "team", "value": "a" }, { "key": OWNER_TAG, "value": "rplay" }]);
    let test = Test::new([
        describe("web").answers(&described(1)),
        Expected::json("TagResource")
            .whole_body(json!({ "resourceArn": arn(1), "tags": [{ "key": "team", "value": "a" }] })),
        Expected::json("UntagResource").whole_body(json!({ "resourceArn": arn(1), "tagKeys": ["app"] })),
        describe("web").answers(&next),
    ]);
    let outcome = test.ran(&changed("/tags", json!({ "team": "a" })), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["tags.team", "tags.app"]);
    assert_eq!(outcome.result["arn"], arn(1));
}

#[tokio::test]
async fn omitted_tags_go_over_to_the_next_revision() {
    let mut args = changed("/containers/0/image", json!("web:2"));
    args.as_object_mut().unwrap().remove("tags");
    let mut next = described(2);
    next["taskDefinition"]["containerDefinitions"][0]["image"] = json!("web:2");
    let tags = json!([{ "key": "app", "value": "web" }, { "key": OWNER_TAG, "value": "rplay" }]);
    let test = Test::new([
        describe("web").answers(&described(1)),
        Expected::json("RegisterTaskDefinition").body(json!({ "tags": tags })).answers(&next),
        describe(&arn(2)).answers(&next),
    ]);
    assert_eq!(paths(&test.ran(&args, Mode::Apply).await), ["containers.web.image"]);
}

#[tokio::test]
async fn a_lost_answer_is_looked_after_and_not_sent_again() {
    let test = Test::new([
        none(),
        who(),
        Expected::json("RegisterTaskDefinition").loses_the_answer(),
        describe("web").answers(&described(1)),
    ]);
    let outcome = test.ran(&web(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(outcome.result["arn"], arn(1));
}

#[tokio::test]
async fn a_registration_that_did_not_happen_is_sent_again() {
    let test = Test::new([
        none(),
        who(),
        Expected::json("RegisterTaskDefinition").answers_with(500, &[], "<html>"),
        // It could be shown late.
        none(),
        none(),
        none(),
        none(),
        Expected::json("RegisterTaskDefinition")
            .body(json!({ "executionRoleArn": ROLE }))
            .answers(&described(1)),
        describe(&arn(1)).answers(&described(1)),
    ]);
    let outcome = test.ran(&web(), Mode::Apply).await;
    assert_eq!(outcome.result["arn"], arn(1));
}

#[tokio::test]
async fn the_name_of_a_role_is_known_by_what_the_definition_has() {
    let test = Test::new([describe("web").answers(&described(1))]);
    assert!(!test.ran(&changed("/execution_role", json!("web-tasks")), Mode::Apply).await.changed);
}

#[tokio::test]
async fn the_arn_of_another_role_is_asked_for() {
    let other = "arn:aws:iam::123456789012:role/other";
    let mut next = described(2);
    next["taskDefinition"]["executionRoleArn"] = json!(other);
    let test = Test::new([
        describe("web").answers(&described(1)),
        Expected::query("GetRole").parameter("RoleName", "other").gives(&format!(
            "<Role><Path>/</Path><RoleName>other</RoleName><RoleId>A</RoleId><Arn>{other}</Arn>\
             <CreateDate>2023-01-01T00:00:00Z</CreateDate></Role>"
        )),
        Expected::json("RegisterTaskDefinition").body(json!({ "executionRoleArn": other })).answers(&next),
        describe(&arn(2)).answers(&next),
    ]);
    let outcome = test.ran(&changed("/execution_role", json!("other")), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["execution_role_arn"]);
}

#[tokio::test]
async fn a_role_that_is_not_there_is_named() {
    let test = Test::new([none(), Expected::query("GetRole").refuses("NoSuchEntity", "none")]);
    let failure = test.run(&changed("/execution_role", json!("other")), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Missing(Address::new("iam.role", "other")));
}

#[tokio::test]
async fn a_role_that_is_to_be_created_is_known_after_the_run() {
    let test = Test::new([describe("web").answers(&described(1))]);
    let role = unknown::marker(unknown::Cause::Created, "iam.role web: arn");
    let outcome = test.ran(&changed("/execution_role", json!(role)), Mode::Plan).await;
    assert_eq!((paths(&outcome), outcome.planned[0].action), (vec!["execution_role_arn"], Intent::MayChange));
}

#[tokio::test]
async fn a_new_revision_is_certain_to_be_another_one() {
    let test = Test::new([describe("web").answers(&described(1))]);
    let outcome = test
        .ran(&changed("/execution_role", json!("arn:aws:iam::123456789012:role/other")), Mode::Plan)
        .await;
    assert_eq!(outcome.planned[0].action, Intent::Update);
    assert_eq!(unknown::cause_in(&outcome.result["arn"]), Some(unknown::Cause::Renewed));
}

#[tokio::test]
async fn absent_deregisters_every_active_revision_of_the_family_and_of_no_other() {
    let list = |more: Value| Expected::json("ListTaskDefinitions").body(more);
    let gone = |revision| {
        Expected::json("DeregisterTaskDefinition").whole_body(json!({ "taskDefinition": arn(revision) }))
    };
    let test = Test::new([
        describe("web").answers(&described(2)),
        who(),
        list(json!({ "familyPrefix": "web", "status": "ACTIVE", "sort": "DESC" }))
            .answers(&json!({ "taskDefinitionArns": [arn(2), "arn:aws:ecs:eu-west-1:123456789012:task-definition/web-2:7"], "nextToken": "n" })),
        list(json!({ "nextToken": "n" })).answers(&json!({ "taskDefinitionArns": [arn(1)] })),
        gone(2),
        gone(1),
        none(),
    ]);
    assert!(test.ran(&json!({ "family": "web", "state": "absent" }), Mode::Apply).await.changed);
    test.calls.expect([none()]);
    assert!(!test.ran(&json!({ "family": "web", "state": "absent" }), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_revision_that_is_not_active_counts_as_none() {
    let mut inactive = described(3);
    inactive["taskDefinition"]["status"] = json!("INACTIVE");
    let test = Test::new([describe("web").answers(&inactive)]);
    assert!(!test.ran(&json!({ "family": "web", "state": "absent" }), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_destruction_takes_only_the_revisions_that_are_ours() {
    let mut theirs = described(1);
    theirs["tags"] = json!([]);
    let test = Test::new([
        describe("web").answers(&described(2)),
        who(),
        Expected::json("ListTaskDefinitions").answers(&json!({ "taskDefinitionArns": [arn(2), arn(1)] })),
        describe(&arn(2)).answers(&described(2)),
        describe(&arn(1)).answers(&theirs),
        Expected::json("DeregisterTaskDefinition").body(json!({ "taskDefinition": arn(2) })),
        describe("web").answers(&theirs),
    ]);
    assert!(test.ran(&web(), Mode::Destroy).await.changed);
    test.calls.expect([describe("web").answers(&theirs)]);
    let second = test.ran(&web(), Mode::Destroy).await;
    assert_eq!((second.changed, &second.kept[0].why), (false, &KeptWhy::NotOurs));
}

#[tokio::test]
async fn what_aws_refuses_is_quoted() {
    // Rule: a task size that Fargate does not offer. The stand-in takes any.
    let test = Test::new([
        none(),
        who(),
        Expected::json("RegisterTaskDefinition")
            .refuses("ClientException", "No Fargate configuration exists for given values."),
        none(),
    ]);
    let failure = test.run(&web(), Mode::Apply).await.failure.unwrap();
    assert_eq!(
        failure.message,
        "could not register task definition web: ClientException: No Fargate configuration exists for given values."
    );
}

fn faults(args: &Value) -> Vec<(String, String)> {
    let faults = parse::<EcsTaskdef>(args).unwrap_err();
    faults.into_iter().map(|fault| (fault.path.clone(), fault.render("ecs_taskdef"))).collect()
}

#[test]
fn each_fault_has_its_place() {
    for (pointer, value, path, message) in [
        (
            "/containers/0/port_mappings/0/container_port",
            json!("http"),
            "containers[0].port_mappings[0].container_port",
            "\"'http'\" cannot be converted to an int",
        ),
        (
            "/containers/0/log_configuration/log_driver",
            json!("awslog"),
            "containers[0].log_configuration.log_driver",
            "value of log_driver must be one of: ",
        ),
        (
            "/containers/0/environment",
            json!("A=1"),
            "containers[0].environment",
            "must be a mapping of names to values, or a list of {name, value}",
        ),
        (
            "/containers/0/environment",
            json!([{ "nam": "A" }]),
            "containers[0].environment[0]",
            "missing required arguments: name",
        ),
        ("/network_mode", json!("vpc"), "network_mode", "value of network_mode must be one of: "),
    ] {
        let found = faults(&changed(pointer, value));
        assert!(found.iter().any(|(at, said)| at == path && said.contains(message)), "{found:?}");
    }
    let mut typo = web();
    typo["containers"][0]["portMapping"] = json!([]);
    let fault = parse::<EcsTaskdef>(&typo).unwrap_err().remove(0);
    assert_eq!(
        (fault.path.as_str(), fault.help.as_deref()),
        ("containers[0].portMapping", Some("did you mean 'port_mappings'?"))
    );
    let missing = faults(&json!({ "family": "web" }));
    assert_eq!(missing[0].1, "state is present but all of the following are missing: containers");
    assert!(
        faults(&json!({ "containers": [{ "image": "a" }] })).iter().any(|(_, said)| said.contains("name"))
    );
}

#[test]
fn secrets_are_written_as_a_mapping_or_as_a_list() {
    let of = |secrets: Value| {
        let mut args = web();
        args["containers"][0]["secrets"] = secrets;
        parse::<EcsTaskdef>(&args).unwrap().params.definition().unwrap()
    };
    let mapping = of(json!({ "KEY": "arn:aws:ssm:key" }));
    assert_eq!(mapping, of(json!([{ "name": "KEY", "valueFrom": "arn:aws:ssm:key" }])));
    assert_eq!(mapping, of(json!([{ "name": "KEY", "value_from": "arn:aws:ssm:key" }])));
}

#[test]
fn every_spelling_of_every_field_means_one_thing() {
    for module in crate::MODULES {
        assert_eq!((module.spec)().mistakes(), Vec::<String>::new(), "{}", module.names[0]);
    }
}

#[tokio::test]
async fn against_the_stand_in_trouble_on_the_way_makes_no_difference() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let run = async |args: &Value, mode| {
        let outcome = Driven(TaskDefinitions::<EcsTaskdef>::new()).run(&world.native_cx(), args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    };
    proxy.add_rule(Rule::on("ecs", "DescribeTaskDefinition").nth(1).throttle());
    proxy.add_rule(Rule::on("ecs", "RegisterTaskDefinition").nth(1).lose_the_answer());
    assert!(run(&web(), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    assert_eq!(run(&web(), Mode::Apply).await.result["revision"], 1);
    assert_eq!(run(&changed("/memory", json!(1024)), Mode::Apply).await.result["revision"], 2);
    proxy.clear_calls();
    assert!(!run(&changed("/memory", json!(1024)), Mode::Apply).await.changed);
    assert_eq!(proxy.calls().len(), 1, "{}", proxy.log());
    let plan = run(&web(), Mode::PlanDestroy).await;
    assert_eq!(plan.planned[0].reason.as_deref(), Some("with 2 revisions"));
    assert!(run(&web(), Mode::Destroy).await.changed);
    let left = raw.ecs("ListTaskDefinitions", &json!({ "familyPrefix": "web", "status": "ACTIVE" }));
    assert_eq!(left["taskDefinitionArns"], json!([]));
    assert!(!run(&web(), Mode::Destroy).await.changed);
}
