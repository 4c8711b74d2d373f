//! Every field there is, edited in turn: the difference names it and nothing else, AWS gets what was wanted, and one more
//! run changes nothing. The fields are those of the SDK's own input: one that is left out here fails the first test.

use rplay_aws::{AwsParams, Transport, client};
use rplay_client_ecs::Ecs;
use rplay_module::params::parse;
use rplay_module::{Cx, Driven, Mode, Outcome, Runnable as _};
use rplay_test_support::recorded::{Expected, Recorded};
use rplay_test_support::{Proxy, StandIn, TestWorld};
use serde_json::{Map, Value, json};

use super::{Request as _, TaskDefinitions, registering};
use crate::ecs_taskdef::EcsTaskdef;

/// A definition with every field set to something that is no default, in AWS's own names. AWS would refuse the combination.
fn full() -> Value {
    serde_json::from_str(include_str!("full.json")).unwrap()
}

/// What a field becomes where a word will not do with an `x` behind it. Words of which AWS has only one cannot be edited.
fn other(field: &str, value: &str) -> Option<&'static str> {
    Some(match (field, value) {
        ("networkMode", _) => "none",
        ("pidMode" | "ipcMode", _) => "host",
        ("protocol", _) => "tcp",
        ("appProtocol", _) => "grpc",
        ("condition", _) => "HEALTHY",
        ("versionConsistency", _) => "enabled",
        ("logDriver", _) => "splunk",
        ("name", "nofile") => "core",
        ("type", "GPU") => "NeuronDevice",
        ("type", "fluentbit") => "fluentd",
        ("scope", _) => "task",
        ("transitEncryption" | "iam", _) => "DISABLED",
        ("cpuArchitecture", _) => "X86_64",
        ("operatingSystemFamily", _) => "LINUX",
        ("cpu" | "memory", _) => "1024",
        _ => return None,
    })
}

const ONE_WORD: [&str; 3] = ["s3", "memberOf", "APPMESH"];
/// Lists that are mappings: their elements are named by their names.
const PAIRS: [&str; 4] = ["environment", "secrets", "secretOptions", "properties"];

/// An edit of one field.
#[derive(Debug)]
struct Edit {
    /// Where, in the document.
    pointer: String,
    value: Value,
    /// What the difference must name: the field, or where an element got another name, both names.
    paths: Vec<String>,
}

impl Edit {
    /// Returns whether a difference names the edited field and nothing else.
    fn is_named_by(&self, paths: &[&str]) -> bool {
        match self.paths.as_slice() {
            [path] => paths == [path],
            names => {
                let of = |name: &String, path: &str| path == name || path.starts_with(&format!("{name}."));
                paths.iter().all(|path| names.iter().any(|name| of(name, path)))
                    && names.iter().all(|name| paths.iter().any(|path| of(name, path)))
            }
        }
    }
}

/// Returns an edit of each field in the document.
fn edits(document: &Value) -> Vec<Edit> {
    let mut found = Vec::new();
    collect(document, "", "", "", &mut found);
    found
}

fn collect(value: &Value, field: &str, pointer: &str, path: &str, found: &mut Vec<Edit>) {
    let mut edit =
        |value: Value| found.push(Edit { pointer: pointer.to_owned(), value, paths: vec![path.to_owned()] });
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                let shown = if is_mapping(field) { key.clone() } else { shown(key) };
                collect(inner, key, &format!("{pointer}/{key}"), &join(path, &shown), found);
            }
        }
        Value::Array(items) if items.iter().all(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                element(item, field, &format!("{pointer}/{at}"), (path, at), found);
            }
        }
        Value::Array(items) => {
            let more = match field {
                "requiresCompatibilities" => json!("EXTERNAL"),
                "permissions" => json!("write"),
                _ if items[0].is_number() => json!(99),
                _ => json!("zz-more"),
            };
            edit(items.iter().cloned().chain([more]).collect());
        }
        Value::Bool(flag) => edit(json!(!flag)),
        Value::Number(number) => edit(json!(number.as_i64().unwrap() + 1)),
        Value::String(text) if ONE_WORD.contains(&text.as_str()) => {}
        Value::String(text) => {
            edit(json!(other(field, text).map_or_else(|| format!("{text}x"), str::to_owned)));
        }
        Value::Null => unreachable!("no field is null"),
    }
}

fn element(item: &Value, field: &str, pointer: &str, (path, at): (&str, usize), found: &mut Vec<Edit>) {
    let name = item["name"].as_str();
    for (key, inner) in item.as_object().unwrap() {
        let pointer = format!("{pointer}/{key}");
        let inside = match (name, key.as_str()) {
            (Some(name), "name") => {
                let another = other("name", name).map_or_else(|| format!("{name}x"), str::to_owned);
                let paths = vec![join(path, &another), join(path, name)];
                found.push(Edit { pointer, paths, value: json!(another) });
                continue;
            }
            (Some(name), _) if PAIRS.contains(&field) => join(path, name),
            (Some(name), key) => join(&join(path, name), &shown(key)),
            (None, key) => join(&join(path, &at.to_string()), &shown(key)),
        };
        collect(inner, key, &pointer, &inside, found);
    }
}

fn is_mapping(field: &str) -> bool {
    ["dockerLabels", "options", "driverOpts", "labels"].contains(&field)
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// A field as states show it.
fn shown(field: &str) -> String {
    match field {
        "containerDefinitions" => "containers".to_owned(),
        "sizeInGiB" => "size_in_gib".to_owned(),
        "s3filesVolumeConfiguration" => "s3files_volume_configuration".to_owned(),
        other => rplay_aws::camel_to_snake(other),
    }
}

fn edited(document: &Value, edit: &Edit) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(&edit.pointer).unwrap() = edit.value.clone();
    document
}

fn with(document: &Value, further: Value) -> Value {
    let Value::Object(further) = further else { unreachable!("further fields") };
    let fields = document.as_object().unwrap().clone();
    Value::Object(fields.into_iter().chain(further).collect::<Map<_, _>>())
}

fn args(document: &Value) -> Value {
    with(document, json!({ "family": "app" }))
}

fn described(document: &Value, revision: u32) -> Value {
    let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/app:{revision}");
    let own = json!({ "taskDefinitionArn": arn, "family": "app", "revision": revision, "status": "ACTIVE" });
    json!({ "taskDefinition": with(document, own), "tags": [] })
}

async fn run(cx: &Cx, args: &Value) -> Outcome {
    let outcome = Driven(TaskDefinitions::<EcsTaskdef>::new()).run(cx, args, Mode::Apply).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect()
}

/// Returns the names of fields that are not set in what `Debug` prints.
fn unset(debug: &str) -> Vec<&str> {
    let nothing = [": None,", ": None }", ": 0,", ": 0 }", ": false,", ": false }", ": [],", ": [] }"];
    let mut found = Vec::new();
    for end in nothing.iter().flat_map(|nothing| debug.match_indices(nothing).map(|(at, _)| at)) {
        let start = debug[..end].rfind([' ', '{']).map_or(0, |at| at + 1);
        found.push(&debug[start..end]);
    }
    found
}

#[tokio::test]
async fn every_field_that_aws_takes_can_be_written() {
    let args = with(&args(&full()), json!({ "tags": { "app": "web" } }));
    let params = parse::<EcsTaskdef>(&args).unwrap().params;
    let world = TestWorld::aws().start();
    let ecs = client::<Ecs>(&world.cx(), &AwsParams::default()).await.unwrap();
    let call = registering::call(&ecs, "app", &params.definition().unwrap(), params.tags().unwrap()).unwrap();
    let input = format!("{:?}", call.as_input().clone().build().unwrap());
    assert!(input.starts_with("RegisterTaskDefinitionInput { family: Some("), "{input}");
    assert_eq!(unset(&input), Vec::<&str>::new(), "{input}");
}

#[test]
fn a_field_that_is_left_out_is_found() {
    let input = "Input { family: Some(\"a\"), mode: Some(None), cpu: 0, inner: Some(Inner { a: None, b: false }), list: [] }";
    assert_eq!(unset(input), ["a", "cpu", "b", "list"]);
}

#[tokio::test]
async fn each_field_that_is_edited_is_registered_and_nothing_else_differs() {
    let full = full();
    let edits = edits(&full);
    assert!(edits.len() > 120, "{}", edits.len());
    for edit in edits {
        let edited = edited(&full, &edit);
        let world = TestWorld::aws().start();
        let recorded = Recorded::new([
            Expected::json("DescribeTaskDefinition")
                .body(json!({ "taskDefinition": "app" }))
                .answers(&described(&full, 1)),
            Expected::json("RegisterTaskDefinition")
                .whole_body(args(&edited))
                .answers(&described(&edited, 2)),
            Expected::json("DescribeTaskDefinition").answers(&described(&edited, 2)),
        ]);
        world.cx().shared::<Transport>().replace(recorded.client());
        let outcome = run(&world.cx(), &args(&edited)).await;
        assert!(outcome.changed, "{edit:?}");
        assert!(edit.is_named_by(&paths(&outcome)), "{edit:?}: {:?}", paths(&outcome));
        recorded.done();

        recorded.expect([Expected::json("DescribeTaskDefinition").answers(&described(&edited, 2))]);
        assert!(!run(&world.cx(), &args(&edited)).await.changed, "{edit:?}");
    }
}

/// What the stand-in drops.
const DROPPED: [&str; 2] = ["/inferenceAccelerators", "/enableFaultInjection"];

#[tokio::test]
async fn the_stand_in_describes_each_edit_as_it_was_wanted() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let mut document = full();
    DROPPED.iter().for_each(|field| drop(document.as_object_mut().unwrap().remove(&field[1..])));
    assert!(run(&world.cx(), &args(&document)).await.changed);
    for edit in edits(&document) {
        let edited = edited(&document, &edit);
        let outcome = run(&world.cx(), &args(&edited)).await;
        assert!(edit.is_named_by(&paths(&outcome)), "{edit:?}: {:?}", paths(&outcome));
        let now =
            raw.ecs("DescribeTaskDefinition", &json!({ "taskDefinition": "app" }))["taskDefinition"].clone();
        assert_eq!(now.pointer(&edit.pointer), Some(&edit.value), "{edit:?}");
        proxy.clear_calls();
        assert!(!run(&world.cx(), &args(&edited)).await.changed, "{edit:?}");
        assert_eq!(proxy.calls().len(), 1, "{}", proxy.log());
        run(&world.cx(), &args(&document)).await;
    }
}
