use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{Driven, Intent, KeptWhy, Mode, Outcome, Ownership, Runnable as _};
use rplay_test_support::recorded::{Expected, Recorded};
use rplay_test_support::{Proxy, Rule, StandIn, TestWorld};
use serde_json::{Value, json};

use super::*;

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/app";

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

    async fn run(&self, args: Value, mode: Mode) -> Outcome {
        Driven(Clusters).run(&self.world.cx(), &args, mode).await
    }

    async fn ran(&self, args: Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        self.calls.done();
        outcome
    }
}

fn describe() -> Expected {
    let include = json!(["TAGS", "SETTINGS", "CONFIGURATIONS", "STATISTICS"]);
    Expected::json("DescribeClusters").whole_body(json!({ "clusters": ["app"], "include": include }))
}

fn missing() -> Expected {
    describe().answers(&json!({ "clusters": [], "failures": [{ "arn": ARN, "reason": "MISSING" }] }))
}

/// As AWS describes one that was created without anything.
fn plain() -> Value {
    json!({
        "clusterArn": ARN, "clusterName": "app", "status": "ACTIVE", "registeredContainerInstancesCount": 0,
        "runningTasksCount": 0, "pendingTasksCount": 0, "activeServicesCount": 0, "statistics": [], "tags": [],
        "settings": [{ "name": "containerInsights", "value": "disabled" }],
        "capacityProviders": [], "defaultCapacityProviderStrategy": [],
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut cluster = plain();
    cluster[pointer] = value;
    cluster
}

fn found(cluster: &Value) -> Expected {
    describe().answers(&json!({ "clusters": [cluster], "failures": [] }))
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect()
}

#[tokio::test]
async fn a_cluster_is_foretold_without_a_write() {
    let outcome = Test::new([missing()]).ran(json!({ "name": "app" }), Mode::Check).await;
    assert_eq!((outcome.changed, outcome.planned[0].action), (true, Intent::Create));
    let cluster = &outcome.result["cluster"];
    assert!(unknown::is_unknown(cluster["clusterArn"].as_str().unwrap()));
    assert_eq!((&cluster["clusterName"], &cluster["activeServicesCount"]), (&json!("app"), &json!(0)));
}

#[tokio::test]
async fn a_cluster_is_created_with_everything_at_once() {
    let strategy = json!([{ "capacityProvider": "FARGATE", "weight": 1, "base": 1 }]);
    let mut made = with("capacityProviders", json!(["FARGATE"]));
    made["defaultCapacityProviderStrategy"] = strategy.clone();
    made["settings"] = json!([{ "name": "containerInsights", "value": "enabled" }]);
    made["tags"] = json!([{ "key": "a", "value": "b" }]);
    let test = Test::new([
        missing(),
        who(),
        Expected::json("CreateCluster")
            .whole_body(json!({
                "clusterName": "app", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": strategy,
                "settings": [{ "name": "containerInsights", "value": "enabled" }], "tags": [{ "key": "a", "value": "b" }],
            }))
            .answers(&json!({ "cluster": made })),
        found(&made),
    ]);
    let args = json!({
        "name": "app", "state": "present", "capacity_providers": ["FARGATE"],
        "capacity_provider_strategy": [{ "capacity_provider": "FARGATE", "weight": 1, "base": 1 }],
        "settings": { "containerInsights": "enabled" }, "tags": { "a": "b" },
    });
    let outcome = test.ran(args, Mode::Apply).await;
    assert_eq!(outcome.result["cluster"], made);
    assert_eq!(test.world.ownership().last().unwrap().2, Ownership::Created);
}

#[tokio::test]
async fn a_second_run_costs_one_call_and_leaves_settings_and_tags_alone() {
    let mut cluster = with("tags", json!([{ "key": "a", "value": "b" }]));
    cluster["settings"] = json!([{ "name": "containerInsights", "value": "enhanced" }]);
    let test = Test::new([found(&cluster)]);
    let outcome = test.ran(json!({ "name": "app" }), Mode::Apply).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
    assert_eq!(outcome.result["cluster"]["settings"][0]["value"], "enhanced");
}

#[tokio::test]
async fn each_field_is_changed_by_the_call_that_it_needs() {
    for (args, call, body, now, path) in [
        (
            json!({ "settings": { "containerInsights": "enabled" } }),
            "UpdateCluster",
            json!({ "settings": [{ "name": "containerInsights", "value": "enabled" }] }),
            with("settings", json!([{ "name": "containerInsights", "value": "enabled" }])),
            "settings.containerInsights",
        ),
        (
            json!({ "configuration": { "execute_command_configuration": { "kms_key_id": "key" } } }),
            "UpdateCluster",
            json!({ "configuration": { "executeCommandConfiguration": { "kmsKeyId": "key" } } }),
            with(
                "configuration",
                json!({ "executeCommandConfiguration": { "kmsKeyId": "key", "logging": "DEFAULT" } }),
            ),
            "configuration.execute_command_configuration.kms_key_id",
        ),
        (
            json!({ "capacity_providers": ["FARGATE_SPOT", "FARGATE"] }),
            "PutClusterCapacityProviders",
            json!({ "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [] }),
            with("capacityProviders", json!(["FARGATE", "FARGATE_SPOT"])),
            "capacity_providers",
        ),
        (
            json!({ "tags": { "a": "b" } }),
            "TagResource",
            json!({ "resourceArn": ARN, "tags": [{ "key": "a", "value": "b" }] }),
            with("tags", json!([{ "key": "a", "value": "b" }])),
            "tags.a",
        ),
    ] {
        let test = Test::new([found(&plain()), Expected::json(call).body(body), found(&now)]);
        let mut args = args;
        args["name"] = json!("app");
        let outcome = test.ran(args.clone(), Mode::Apply).await;
        assert_eq!(paths(&outcome), [path]);
        test.calls.expect([found(&now)]);
        assert!(!test.ran(args, Mode::Apply).await.changed, "{path}");
    }
}

#[tokio::test]
async fn providers_that_are_not_named_are_removed_as_ansible_does_unless_it_is_told_not_to() {
    let providers = with("capacityProviders", json!(["FARGATE"]));
    let test = Test::new([found(&providers)]);
    assert!(
        !test.ran(json!({ "name": "app", "purge_capacity_providers": false }), Mode::Apply).await.changed
    );
    let test = Test::new([
        found(&providers),
        Expected::json("PutClusterCapacityProviders").body(json!({ "capacityProviders": [] })),
        found(&plain()),
    ]);
    assert_eq!(paths(&test.ran(json!({ "name": "app" }), Mode::Apply).await), ["capacity_providers"]);
}

#[tokio::test]
async fn a_deleted_cluster_that_aws_remembers_is_none() {
    let test = Test::new([found(&with("status", json!("INACTIVE")))]);
    assert!(!test.ran(json!({ "name": "app", "state": "absent" }), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_cluster_is_deleted_when_its_last_tasks_are_gone() {
    let busy = || Expected::json("DeleteCluster").refuses("ClusterContainsTasksException", "tasks");
    let test = Test::new([
        found(&plain()),
        who(),
        busy(),
        Expected::json("DeleteCluster").body(json!({ "cluster": "app" })),
        missing(),
    ]);
    let outcome = test.ran(json!({ "name": "app", "state": "absent" }), Mode::Apply).await;
    assert_eq!(outcome.result["cluster"]["clusterArn"], ARN);
}

#[tokio::test]
async fn a_cluster_with_services_is_not_waited_for() {
    let test = Test::new([
        found(&with("activeServicesCount", json!(1))),
        who(),
        Expected::json("DeleteCluster").refuses(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ),
    ]);
    let failure = test.run(json!({ "name": "app", "state": "absent" }), Mode::Apply).await.failure.unwrap();
    assert_eq!(
        failure.message,
        "could not delete cluster app: ClusterContainsServicesException: The Cluster cannot be deleted while Services are active."
    );
    test.calls.done();
}

#[tokio::test]
async fn a_destruction_names_what_is_not_ours_in_it() {
    let test = Test::new([
        found(&plain()),
        who(),
        Expected::json("ListServices")
            .answers(&json!({ "serviceArns": ["arn:aws:ecs:eu-west-1:123456789012:service/app/theirs"] })),
    ]);
    let realm =
        Realm { account: "123456789012".to_owned(), region: "eu-west-1".to_owned(), endpoint: String::new() };
    rplay_module::World::own(
        test.world.as_ref(),
        &Address::new("ecs.cluster", "app"),
        &realm,
        Ownership::Created,
    );
    let outcome = test.ran(json!({ "name": "app" }), Mode::Destroy).await;
    assert_eq!(outcome.kept[0].why, KeptWhy::Holds(vec!["service theirs".to_owned()]));
}

#[tokio::test]
async fn a_cluster_that_is_being_provisioned_is_waited_for() {
    let test = Test::new([
        found(&with("status", json!("PROVISIONING"))),
        found(&with("status", json!("PROVISIONING"))),
        found(&plain()),
    ]);
    test.ran(json!({ "name": "app" }), Mode::Apply).await;
    assert!(!test.world.slept().is_zero());
}

#[tokio::test]
async fn instances_are_waited_for() {
    let test = Test::new([
        found(&plain()),
        found(&plain()),
        found(&with("registeredContainerInstancesCount", json!(1))),
    ]);
    assert!(!test.ran(json!({ "name": "app", "state": "has_instances" }), Mode::Apply).await.changed);
    assert_eq!(test.world.slept().as_secs(), 10);

    let test = Test::new([found(&plain()), found(&plain()).repeatedly()]);
    let args = json!({ "name": "app", "state": "has_instances", "delay": 2, "repeat": 3 });
    let failure = test.run(args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "Cluster instance count still zero after 3 tries of 2 seconds each.");

    let test = Test::new([missing()]);
    let failure =
        test.run(json!({ "name": "app", "state": "has_instances" }), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "Cluster 'app' not found.");
}

#[tokio::test]
async fn each_fault_is_told() {
    for (args, message) in [
        (json!({}), "missing required arguments: name"),
        (
            json!({ "name": "app", "state": "there" }),
            "value of state must be one of: present, absent, has_instances, got: there",
        ),
        (
            json!({ "name": "app", "capacity_provider_strategy": [{ "weight": 1 }] }),
            "missing required arguments: capacity_provider found in capacity_provider_strategy",
        ),
    ] {
        let failure = Test::new([]).run(args, Mode::Apply).await.failure.unwrap();
        assert_eq!(failure.message, message);
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
    let run = async |mode| {
        let args =
            json!({ "name": "app", "settings": { "containerInsights": "enabled" }, "tags": { "a": "b" } });
        let outcome = Driven(Clusters).run(&world.cx(), &args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    };
    proxy.add_rule(Rule::on("ecs", "DescribeClusters").nth(1).throttle());
    proxy.add_rule(Rule::on("ecs", "CreateCluster").nth(1).lose_the_answer());
    assert!(run(Mode::Apply).await.changed);
    proxy.clear_calls();
    assert!(!run(Mode::Apply).await.changed);
    assert_eq!(proxy.calls().len(), 1, "{}", proxy.log());
    assert!(run(Mode::Destroy).await.changed);
    assert_eq!(raw.ecs("DescribeClusters", &json!({ "clusters": ["app"] }))["clusters"], json!([]));
    assert!(!run(Mode::Destroy).await.changed);
}
