//! The module over recorded answers: what is called, how often, and what comes of it.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{Address, Intent, Mode, Outcome, Ownership};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::json;

use super::*;

mod deletion;
mod edits;
mod lookup;
mod profile;
mod stand_in;
mod trouble;

const ARN: &str = "arn:aws:iam::123456789012:role/web";
const EXECUTION: &str = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";

fn trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }],
    })
}

/// The same as a service may give it back: other order, lists for single texts.
fn trust_reordered() -> Value {
    json!({
        "Statement": { "Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": { "Service": ["ecs-tasks.amazonaws.com"] } },
        "Version": "2012-10-17",
    })
}

fn assets(action: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::a/*" }] })
}

/// A role without an instance profile, with these parameters beside.
fn web(further: &Value) -> Value {
    let mut args =
        json!({ "name": "web", "assume_role_policy_document": trust(), "create_instance_profile": false });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

fn everything() -> Value {
    web(&json!({
        "description": "Runs the web", "managed_policies": [EXECUTION], "inline_policies": { "assets": assets("s3:GetObject") },
        "tags": { "app": "web" },
    }))
}

fn encoded(document: &Value) -> String {
    document.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// What IAM says of a role, with further elements.
fn described(trust: &Value, further: &str) -> String {
    format!(
        "<RoleName>web</RoleName><RoleId>AROA</RoleId><Arn>{ARN}</Arn><Path>/</Path>\
         <CreateDate>2024-05-06T07:08:09Z</CreateDate>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>{further}",
        encoded(trust)
    )
}

fn role(further: &str) -> Expected {
    Expected::query("GetRole").gives(&format!("<Role>{}</Role>", described(&trust_reordered(), further)))
}

fn no_role() -> Expected {
    Expected::query("GetRole").refuses("NoSuchEntity", "The role with name web cannot be found.")
}

fn attached(arns: &[&str]) -> Expected {
    let policies = arns.iter().map(|arn| {
        let name = arn.rsplit('/').next().unwrap();
        format!("<member><PolicyArn>{arn}</PolicyArn><PolicyName>{name}</PolicyName></member>")
    });
    let policies = policies.collect::<String>();
    Expected::query("ListAttachedRolePolicies")
        .gives(&format!("<AttachedPolicies>{policies}</AttachedPolicies>"))
}

fn inline(policies: &[(&str, Value)]) -> Vec<Expected> {
    let names =
        policies.iter().map(|(name, _)| format!("<member>{name}</member>")).collect::<Vec<_>>().concat();
    let list = Expected::query("ListRolePolicies").gives(&format!("<PolicyNames>{names}</PolicyNames>"));
    let documents = policies.iter().map(|(name, document)| {
        Expected::query("GetRolePolicy").parameter("PolicyName", name).gives(&format!(
            "<RoleName>web</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>{}</PolicyDocument>",
            encoded(document)
        ))
    });
    std::iter::once(list).chain(documents).collect()
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn description(text: &str) -> String {
    format!("<Description>{text}</Description>")
}

const TAGS: &str = "<Tags><member><Key>app</Key><Value>web</Value></member></Tags>";

/// What is read of the role of [`everything`].
fn whole() -> Vec<Expected> {
    [role(&format!("{}{TAGS}", description("Runs the web"))), attached(&[EXECUTION])]
        .into_iter()
        .chain(inline(&[("assets", assets("s3:GetObject"))]))
        .collect()
}

struct Task {
    world: Arc<TestWorld>,
    calls: Recorded,
}

impl Task {
    fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        Self { world, calls }
    }

    async fn run(&self, args: &Value, mode: Mode) -> Outcome {
        pick(args).run(&self.world.cx(), args, mode).await
    }

    /// Runs the task, which must not fail.
    async fn ok(&self, args: &Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }

    async fn fails(&self, args: &Value, mode: Mode) -> Failure {
        self.run(args, mode).await.failure.expect("a failure")
    }

    fn stages(&self) -> Vec<(String, Ownership)> {
        self.world.ownership().into_iter().map(|(address, _, stage)| (address.to_string(), stage)).collect()
    }
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

#[tokio::test]
async fn a_check_foretells_a_role_with_one_read() {
    let task = Task::new([no_role()]);
    let outcome = task.ok(&everything(), Mode::Check).await;
    assert!(outcome.changed);
    assert_eq!(outcome.planned.len(), 1);
    assert_eq!(outcome.planned[0].address, "iam.role web");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    let role = &outcome.result["iam_role"];
    for unknown in ["arn", "role_id", "create_date"] {
        assert!(unknown::is_unknown(role[unknown].as_str().unwrap()), "{unknown}");
    }
    assert_eq!(role["attached_policies"][0]["policy_name"], "AmazonECSTaskExecutionRolePolicy");
    assert!(task.stages().is_empty());
}

#[tokio::test]
async fn a_role_is_created_in_nine_calls() {
    let create = Expected::query("CreateRole")
        .parameter("RoleName", "web")
        .parameter("Path", "/")
        .parameter("AssumeRolePolicyDocument", &trust().to_string())
        .parameter("Description", "Runs the web")
        .parameter("MaxSessionDuration", "3600")
        .parameter("Tags.member.1.Key", "app")
        .without("Tags.member.2.Key")
        .without("PermissionsBoundary")
        .gives(&format!("<Role>{}</Role>", described(&trust(), "")));
    let writes = [
        who(),
        create,
        Expected::query("AttachRolePolicy").parameter("PolicyArn", EXECUTION),
        Expected::query("PutRolePolicy")
            .parameter("PolicyName", "assets")
            .parameter("PolicyDocument", &assets("s3:GetObject").to_string()),
    ];
    let task = Task::new([no_role()].into_iter().chain(writes).chain(whole()));
    let outcome = task.ok(&everything(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(task.calls.calls().len(), 9);
    assert_eq!(
        task.stages(),
        [("iam.role web".to_owned(), Ownership::Intended), ("iam.role web".to_owned(), Ownership::Created)]
    );
    let realm = task.world.ownership()[0].1.clone();
    assert_eq!((realm.account.as_str(), realm.region.as_str()), ("123456789012", ""));
}

#[tokio::test]
async fn a_role_that_is_as_it_should_be_costs_a_read_for_each_thing_it_has() {
    let task = Task::new(whole());
    assert!(!task.ok(&everything(), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 4);
    let task = Task::new([role(""), attached(&[])]);
    assert!(!task.ok(&web(&json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn the_role_comes_back_as_ansible_returns_it() {
    let further = format!(
        "<MaxSessionDuration>7200</MaxSessionDuration>{}{TAGS}\
         <PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
         <PermissionsBoundaryArn>arn:aws:iam::aws:policy/B</PermissionsBoundaryArn></PermissionsBoundary>\
         <RoleLastUsed><LastUsedDate>2024-06-01T00:00:00Z</LastUsedDate><Region>eu-west-1</Region></RoleLastUsed>",
        description("Runs the web")
    );
    let task = Task::new([role(&further), attached(&[EXECUTION])]);
    let outcome = task.ok(&web(&json!({})), Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(
        Value::Object(outcome.result),
        json!({
            "arn": ARN,
            "iam_role": {
                "role_name": "web", "path": "/", "arn": ARN, "role_id": "AROA",
                "create_date": "2024-05-06T07:08:09+00:00",
                "assume_role_policy_document": trust_reordered(),
                "assume_role_policy_document_raw": trust_reordered(),
                "description": "Runs the web",
                "max_session_duration": 7200,
                "permissions_boundary": {
                    "permissions_boundary_arn": "arn:aws:iam::aws:policy/B", "permissions_boundary_type": "Policy",
                },
                "role_last_used": { "last_used_date": "2024-06-01T00:00:00+00:00", "region": "eu-west-1" },
                "attached_policies": [
                    { "policy_arn": EXECUTION, "policy_name": "AmazonECSTaskExecutionRolePolicy" },
                ],
                "tags": { "app": "web" },
            },
        })
    );
}

#[tokio::test]
async fn without_waiting_the_result_is_what_aws_answered() {
    let created = Expected::query("CreateRole").gives(&format!("<Role>{}</Role>", described(&trust(), "")));
    let task = Task::new([no_role(), who(), created]);
    let outcome = task.ok(&web(&json!({ "wait": false })), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(outcome.result["iam_role"]["arn"], ARN);
    assert_eq!(outcome.result["iam_role"]["role_id"], "AROA");
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let further = format!("{}<MaxSessionDuration>7200</MaxSessionDuration>{TAGS}", description("old"));
    let task = Task::new([role(&further), attached(&[EXECUTION])]);
    assert!(!task.ok(&web(&json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn every_argument_fault_is_said_before_any_call() {
    let long = "x".repeat(65);
    for (args, message) in [
        (json!({ "assume_role_policy_document": trust() }), "missing required arguments: name"),
        (
            json!({ "name": "web" }),
            "state is present but all of the following are missing: assume_role_policy_document",
        ),
        (
            json!({ "name": "web", "assume_role_policy_document": trust(), "boundary": EXECUTION }),
            "When using a boundary policy, `create_instance_profile` must be set to `false`.",
        ),
        (web(&json!({ "boundary": "DenyAll" })), "Boundary policy must be an ARN"),
        (
            web(&json!({ "max_session_duration": 3599 })),
            "max_session_duration must be between 1 and 12 hours (3600 and 43200 seconds)",
        ),
        (
            web(&json!({ "max_session_duration": 43201 })),
            "max_session_duration must be between 1 and 12 hours (3600 and 43200 seconds)",
        ),
        (web(&json!({ "path": "app/" })), "role path must begin and end with /"),
        (web(&json!({ "path": "/app" })), "role path must begin and end with /"),
        (web(&json!({ "path": "/a b/" })), r"role path must match pattern \/([\w+=,.@-]+\/)*"),
        (web(&json!({ "name": "we b" })), r"role name must match pattern [\w+=,.@-]+"),
        (web(&json!({ "name": long })), "Length of role name may not exceed 64"),
        (web(&json!({ "state": "gone" })), "value of state must be one of: present, absent, got: gone"),
    ] {
        for mode in [Mode::Apply, Mode::Check] {
            let failure = Task::new([]).fails(&args, mode).await;
            assert!(matches!(failure.kind, FailureKind::Arguments(_)), "{failure:?}");
            assert_eq!(failure.message, message);
        }
    }
}

#[tokio::test]
async fn all_faults_of_a_role_are_found_at_once() {
    let args = web(&json!({ "name": "a b", "path": "x", "max_session_duration": 1 }));
    let failure = Task::new([]).fails(&args, Mode::Apply).await;
    let FailureKind::Arguments(faults) = failure.kind else { panic!("{failure:?}") };
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["max_session_duration", "name", "path"]);
}

#[test]
fn every_spelling_is_listed() {
    let names: Vec<_> = crate::MODULES.iter().flat_map(|module| module.names).copied().collect();
    let modules = ["iam_role", "iam_policy"];
    let spelled =
        modules.map(|name| [name.to_owned(), format!("amazon.aws.{name}"), format!("community.aws.{name}")]);
    assert_eq!(names, spelled.concat());
    let spec = IamRoleParams::spec();
    for (name, alias) in [
        ("name", "role_name"),
        ("path", "prefix"),
        ("path", "path_prefix"),
        ("boundary", "boundary_policy_arn"),
        ("managed_policies", "managed_policy"),
        ("purge_policies", "purge_policy"),
        ("purge_policies", "purge_managed_policies"),
        ("tags", "resource_tags"),
    ] {
        assert!(spec.param(name).unwrap().aliases.contains(&alias), "{alias}");
    }
}
