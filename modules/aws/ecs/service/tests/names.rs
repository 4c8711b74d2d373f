//! Names of other things, looked up.

use rplay_module::{Address, FailureKind, Foretold, Intent, World as _, unknown};
use rplay_test_support::recorded::Expected;

use super::answers::*;
use super::*;

/// Groups by id, name and network.
fn groups(found: &[(&str, &str, &str)]) -> Expected {
    let item = |(id, name, vpc): &(&str, &str, &str)| {
        format!("<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>{vpc}</vpcId></item>")
    };
    let items: String = found.iter().map(item).collect();
    Expected::ec2("DescribeSecurityGroups")
        .parameter("Filter.1.Name", "group-name")
        .gives(&format!("<securityGroupInfo>{items}</securityGroupInfo>"))
}

fn subnet() -> Expected {
    Expected::ec2("DescribeSubnets")
        .parameter("Filter.1.Value.1", "subnet-1")
        .gives("<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item></subnetSet>")
}

fn network() -> Expected {
    Expected::ec2("DescribeVpcs").parameter("Filter.1.Value.1", "vpc-1").gives(
        "<vpcSet><item><vpcId>vpc-1</vpcId><tagSet><item><key>Name</key><value>net</value></item></tagSet></item></vpcSet>",
    )
}

fn named() -> Value {
    let mut args = unwatched(json!({ "network_configuration": { "security_groups": ["web-app"] } }));
    args.as_object_mut().unwrap().remove("load_balancers");
    args
}

fn marker(what: &str) -> String {
    unknown::marker(unknown::Cause::Created, what)
}

#[tokio::test]
async fn a_group_that_the_service_has_already_costs_one_call() {
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        groups(&[("sg-9", "web-app", "vpc-9"), ("sg-1", "web-app", "vpc-1")]),
    ]);
    assert!(!done(&run(&world, &named(), Mode::Apply).await));
    assert_eq!(recorded.calls().len(), 2);
}

#[tokio::test]
async fn another_group_is_that_of_the_subnets_network() {
    let changed =
        service(json!({ "networkConfiguration": { "awsvpcConfiguration": { "securityGroups": ["sg-2"] } } }));
    let found = || groups(&[("sg-9", "web-app", "vpc-9"), ("sg-2", "web-app", "vpc-1")]);
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        found(),
        subnet(),
        Expected::json("UpdateService")
            .body(
                json!({ "networkConfiguration": { "awsvpcConfiguration": { "securityGroups": ["sg-2"] } } }),
            )
            .answers(&json!({ "service": service(json!({})) })),
        describes(&[changed]),
        found(),
    ]);
    let outcome = run(&world, &named(), Mode::Apply).await;
    assert!(done(&outcome));
    assert_eq!(differing(&outcome), ["network_configuration.security_groups"]);
    recorded.done();
}

#[tokio::test]
async fn a_group_that_is_not_there_is_missing_unless_a_plan_makes_it() {
    let looks = || [describes(&[]), groups(&[("sg-9", "web-app", "vpc-9")]), subnet(), network()];
    let (world, recorded) = answering(looks());
    let missing = run(&world, &named(), Mode::Plan).await.failure.unwrap();
    assert_eq!(missing.kind, FailureKind::Missing(Address::new("ec2.security_group", "net/web-app")));
    for address in ["net/web-app", "vpc-1/web-app"] {
        recorded.expect(looks().into_iter().take(if address.starts_with("vpc") { 3 } else { 4 }));
        world.next_run();
        let id = marker(address);
        world.foretell(Address::new("ec2.security_group", address), Foretold::Created(id.clone()));
        let planned = Box::pin(drive::resource(&Services, &world.cx(), &named(), Mode::Plan)).await;
        assert!(done(&planned));
        let network = &planned.result["service"]["networkConfiguration"]["awsvpcConfiguration"];
        assert_eq!(network["securityGroups"], json!([id]));
    }
    recorded.done();
}

#[tokio::test]
async fn in_the_place_of_a_group_that_a_plan_replaces_there_will_be_another_one() {
    let (world, recorded) = answering([
        describes(&[service(json!({}))]),
        groups(&[("sg-1", "web-app", "vpc-1")]),
        subnet(),
        network(),
    ]);
    world.cx().doom("sg-1".to_owned());
    let other = unknown::marker(unknown::Cause::Renewed, "ec2.security_group net/web-app: id");
    let address = Address::new("ec2.security_group", "net/web-app");
    world.foretell(address, Foretold::Created(other));
    let planned = Box::pin(drive::resource(&Services, &world.cx(), &named(), Mode::Plan)).await;
    assert_eq!(differing(&planned), ["network_configuration.security_groups"]);
    assert_eq!(planned.planned[0].action, Intent::Update);
    recorded.done();
}

#[tokio::test]
async fn of_a_network_that_is_to_be_made_nothing_is_asked() {
    let (world, recorded) = answering([describes(&[])]);
    let mut args = named();
    args["network_configuration"]["subnets"] = json!([marker("ec2.subnet net/a: id")]);
    args["task_definition"] = json!(marker("ecs.task_definition web: arn"));
    let planned = run(&world, &args, Mode::Plan).await;
    assert!(done(&planned));
    assert!(unknown::cause_in(&planned.result["service"]["networkConfiguration"]).is_some());
    recorded.done();
}

#[tokio::test]
async fn what_a_service_has_outlived_does_not_keep_it_from_being_destroyed() {
    let owned = service(json!({ "tags": [{ "key": "rplay:owner", "value": "rplay" }] }));
    let gone = Expected::query("DescribeTargetGroups").refuses("TargetGroupNotFound", "gone");
    let (world, recorded) = answering([describes(std::slice::from_ref(&owned)), gone.clone(), says_who()]);
    let planned = run(&world, &unwatched(json!({})), Mode::PlanDestroy).await;
    assert!(done(&planned), "it would be deleted");
    recorded.done();
    // It cannot be deployed to, though.
    recorded.expect([describes(&[owned]), gone]);
    let failure = run(&world, &unwatched(json!({})), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Missing(Address::new("elb.target_group", "web")));
    recorded.done();
}
