//! Every field there is, edited in turn: the difference names it and nothing else, AWS gets what was wanted and only that,
//! and one more run changes nothing. The fields are those of the SDK's own inputs: one that is left out fails.

use aws_smithy_schema::Schema;
use rplay_aws::{AwsParams, Transport, client};
use rplay_client_ecs::Ecs;
use rplay_client_ecs::sdk::operation::create_service::CreateServiceInput;
use rplay_client_ecs::sdk::operation::update_service::UpdateServiceInput;
use rplay_module::Cx;
use rplay_module::params::parse;
use rplay_test_support::recorded::{Expected, Recorded};

use super::super::State;
use super::super::json::json as as_json;
use super::super::names::Around;
use super::super::write::creation;
use super::edits::edits;
use super::*;
use crate::ecs_service::EcsServiceParams;

/// A service with every field set to something that is no default, in AWS's own names. AWS would refuse the combination.
fn full() -> Value {
    serde_json::from_str(include_str!("full.json")).unwrap()
}

/// The same without what cannot stand beside the rest (`launch_type`), or cannot be edited in place, or is another call.
fn updatable() -> Value {
    let mut document = full();
    for field in ["launchType", "role", "schedulingStrategy", "tags"] {
        document.as_object_mut().unwrap().remove(field).unwrap();
    }
    document
}

fn with(document: &Value, further: &Value) -> Value {
    let mut document = document.clone();
    document.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    document
}

fn args(document: &Value) -> Value {
    with(document, &json!({ "name": "web", "cluster": "app", "wait": false }))
}

/// What only a revision of the service shows.
const OF_REVISION: [&str; 2] = ["gatewayConnectors", "monitoring"];
/// What only a deployment shows.
const OF_DEPLOYMENT: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// Returns the answers that describe a service as the document has it.
fn described(document: &Value) -> (Value, Value) {
    let pick = |names: &[&str]| -> serde_json::Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), document.get(*name)?.clone()))).collect()
    };
    let revision = document["taskDefinition"].as_str().unwrap();
    let definition = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}");
    let mut deployment = json!({ "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": definition });
    deployment.as_object_mut().unwrap().extend(pick(&OF_DEPLOYMENT));
    let mut service = document.clone();
    for name in OF_REVISION.iter().chain(&OF_DEPLOYMENT) {
        service.as_object_mut().unwrap().remove(*name);
    }
    let service = with(
        &service,
        &json!({
            "serviceName": "web", "serviceArn": "arn:web", "status": "ACTIVE", "taskDefinition": definition,
            "deployments": [deployment], "currentServiceRevisions": [{ "arn": "arn:revision" }],
            "schedulingStrategy": "REPLICA",
        }),
    );
    (json!({ "services": [service] }), json!({ "serviceRevisions": [pick(&OF_REVISION)] }))
}

fn reads(document: &Value) -> [Expected; 2] {
    let (services, revisions) = described(document);
    [
        Expected::json("DescribeServices").answers(&services),
        Expected::json("DescribeServiceRevisions").answers(&revisions),
    ]
}

async fn run(cx: &Cx, args: &Value) -> Outcome {
    let outcome = Box::pin(drive::resource(&Services, cx, args, Mode::Apply)).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect()
}

/// Returns the fields of an input that the document does not have.
fn missing(schema: &Schema<'_>, document: &Value) -> Vec<String> {
    let names = schema.members().iter().filter_map(|member| member.member_name());
    let mut missing: Vec<String> =
        names.filter(|name| document.get(name).is_none()).map(str::to_owned).collect();
    missing.sort();
    missing
}

/// Returns the names of fields that are not set, however deep, in what `Debug` prints.
fn unset(debug: &str) -> Vec<&str> {
    let nothing =
        [": None,", ": None }", ": 0,", ": 0 }", ": 0.0,", ": false,", ": false }", ": [],", ": [] }"];
    let ends = nothing.iter().flat_map(|nothing| debug.match_indices(nothing).map(|(at, _)| at));
    ends.map(|end| debug[..end].rsplit([' ', '{']).next().unwrap_or_default()).collect()
}

#[test]
fn the_document_has_every_field_that_aws_takes() {
    assert_eq!(missing(CreateServiceInput::SCHEMA, &full()), ["clientToken", "cluster", "serviceName"]);
    assert_eq!(
        missing(UpdateServiceInput::SCHEMA, &updatable()),
        ["cluster", "forceNewDeployment", "service"]
    );
}

#[test]
fn a_field_that_is_left_out_is_found() {
    let input =
        "Input { mode: Some(None), inner: Some(Inner { a: None, b: false, c: 0.0, d: 0 }), list: [] }";
    let mut found = unset(input);
    found.sort_unstable();
    assert_eq!(found, ["a", "b", "c", "d", "list"]);
}

#[tokio::test]
async fn every_field_that_aws_takes_can_be_written() {
    let world = TestWorld::aws().start();
    let ecs = client::<Ecs>(&world.cx(), &AwsParams::default()).await.unwrap();
    for (other, field) in
        [("launchType", "launch_type"), ("capacityProviderStrategy", "capacity_provider_strategy")]
    {
        let mut document = full();
        document.as_object_mut().unwrap().remove(other).unwrap();
        let args = with(&args(&document), &json!({ "tags": { "app": "web" } }));
        let p = parse::<EcsServiceParams>(&args).unwrap().params;
        let want = State::desired(&p, &Around::default(), None).unwrap();
        let call = creation(&world.cx(), &ecs, &p, &want).unwrap();
        let input = call.as_input().clone().build().unwrap();
        assert_eq!(unset(&format!("{input:?}")), [field]);
        let sent = as_json(&input);
        let own =
            json!({ "cluster": "app", "serviceName": "web", "clientToken": "token for ecs.service app/web" });
        assert_eq!(sent, with(&document, &own));
    }
}

#[tokio::test]
async fn each_field_that_is_edited_is_sent_and_nothing_else_differs() {
    let before = updatable();
    let edits = edits(&before);
    assert!(edits.len() > 100, "{}", edits.len());
    for edit in edits {
        let mut after = before.clone();
        *after.pointer_mut(&edit.pointer).unwrap() = edit.value.clone();
        let field = edit.pointer.split('/').nth(1).unwrap();
        let switched_off = edit.pointer == "/serviceConnectConfiguration/enabled";
        // A switched-off configuration says nothing else.
        let value = if switched_off { json!({ "enabled": false }) } else { after[field].clone() };
        let world = TestWorld::aws().start();
        let recorded = Recorded::new(reads(&before));
        recorded.expect([Expected::json("UpdateService")
            .whole_body(json!({ "cluster": "app", "service": "web", field: value }))
            .answers(&json!({ "service": described(&after).0["services"][0] }))]);
        recorded.expect(reads(&after));
        world.cx().shared::<Transport>().replace(recorded.client());
        let outcome = run(&world.cx(), &args(&after)).await;
        assert!(outcome.changed, "{edit:?}");
        if switched_off {
            assert!(paths(&outcome).iter().all(|path| path.starts_with("service_connect_configuration.")));
        } else {
            assert!(edit.is_named_by(&paths(&outcome)), "{edit:?}: {:?}", paths(&outcome));
        }
        recorded.done();

        recorded.expect(reads(&after));
        assert!(!run(&world.cx(), &args(&after)).await.changed, "{edit:?}");
    }
}

/// What the stand-in drops: at creation, and when it changes.
const DROPPED: [&str; 8] = [
    "availabilityZoneRebalancing",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
    "placementConstraints",
    "placementStrategy",
];
const NOT_UPDATED: [&str; 4] =
    ["propagateTags", "enableECSManagedTags", "serviceRegistries", "deploymentController"];

#[tokio::test]
async fn the_stand_in_describes_each_edit_as_it_was_wanted() {
    let place = Place::new(StandIn::shared());
    for _ in 0..9 {
        place.raw.ecs(
            "RegisterTaskDefinition",
            &json!({
                "family": "web", "containerDefinitions": [{ "name": "web", "image": "web", "memory": 64 }],
            }),
        );
    }
    let mut before = updatable();
    before["taskDefinition"] = json!("web:7");
    for field in DROPPED.iter().chain(&NOT_UPDATED) {
        before.as_object_mut().unwrap().remove(*field);
    }
    let (mut counted, edits) = (0, edits(&before));
    assert!(done(&place.run(&args(&before), Mode::Apply).await));
    for edit in edits {
        let mut after = before.clone();
        *after.pointer_mut(&edit.pointer).unwrap() = edit.value.clone();
        let outcome = place.run(&args(&after), Mode::Apply).await;
        assert!(done(&outcome), "{edit:?}");
        assert!(edit.is_named_by(&paths(&outcome)), "{edit:?}: {:?}", paths(&outcome));
        let asked = json!({ "cluster": "app", "services": ["web"] });
        let now = place.raw.ecs("DescribeServices", &asked)["services"][0].clone();
        if edit.pointer != "/taskDefinition" {
            assert_eq!(now.pointer(&edit.pointer), Some(&edit.value), "{edit:?}");
        }
        assert!(!done(&place.run(&args(&after), Mode::Apply).await), "{edit:?}");
        assert_eq!(place.proxy.calls().len(), 1, "{}", place.proxy.log());
        place.run(&args(&before), Mode::Apply).await;
        counted += 1;
    }
    assert!(counted > 30, "{counted}");
}
