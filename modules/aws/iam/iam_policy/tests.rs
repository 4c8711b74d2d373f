//! The module over recorded answers and against a stand-in.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{FailureKind, Intent, KeptWhy, Mode, Outcome, Ownership, drive};
use rplay_test_support::recorded::{Expected, Recorded};
use rplay_test_support::{Proxy, Rule, StandIn, TestWorld};

use super::*;

fn deny(action: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": action, "Resource": "*" }] })
}

fn args(further: &Value) -> Value {
    let mut args =
        json!({ "iam_type": "role", "iam_name": "web", "policy_name": "deny", "policy_json": deny("s3:*") });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

fn names(names: &[&str]) -> Expected {
    let names = names.iter().map(|name| format!("<member>{name}</member>")).collect::<Vec<_>>().concat();
    Expected::query("ListRolePolicies").gives(&format!("<PolicyNames>{names}</PolicyNames>"))
}

fn policy(name: &str, document: &Value) -> Expected {
    let encoded =
        document.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    Expected::query("GetRolePolicy").parameter("PolicyName", name).gives(&format!(
        "<RoleName>web</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>{encoded}</PolicyDocument>"
    ))
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
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
        drive::resource(&IamPolicy, &self.world.cx(), args, mode).await
    }

    async fn ok(&self, args: &Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

#[tokio::test]
async fn a_policy_is_foretold_with_one_read_and_put_with_one_write() {
    let task = Task::new([names(&["other"])]);
    let outcome = task.ok(&args(&json!({})), Mode::Check).await;
    assert_eq!((outcome.changed, outcome.planned[0].address.as_str()), (true, "iam.role_policy web/deny"));
    assert_eq!(outcome.result["policy_names"], json!(["deny", "other"]));

    let put = Expected::query("PutRolePolicy")
        .parameter("RoleName", "web")
        .parameter("PolicyName", "deny")
        .parameter("PolicyDocument", &deny("s3:*").to_string());
    let task = Task::new([names(&[]), who(), put, names(&["deny"]), policy("deny", &deny("s3:*"))]);
    let outcome = task.ok(&args(&json!({})), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(Value::Object(outcome.result), json!({ "role_name": "web", "policy_names": ["deny"] }));
    assert_eq!(task.world.ownership().last().unwrap().2, Ownership::Created);
}

#[tokio::test]
async fn a_policy_that_says_the_same_is_kept_for_two_reads() {
    let same = json!({ "Statement": { "Resource": ["*"], "Action": ["s3:*"], "Effect": "Deny" }, "Version": "2012-10-17" });
    let task = Task::new([names(&["deny", "other"]), policy("deny", &same)]);
    let given = args(&json!({ "policy_json": deny("s3:*").to_string() }));
    assert!(!task.ok(&given, Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 2);
}

#[tokio::test]
async fn an_edited_document_is_put_again() {
    let found = || [names(&["deny"]), policy("deny", &deny("ec2:*"))];
    let outcome = Task::new(found()).ok(&args(&json!({})), Mode::Plan).await;
    assert_eq!(paths(&outcome), ["policy.Statement.Action"]);
    assert_eq!(outcome.planned[0].action, Intent::Update);
    let now = [names(&["deny"]), policy("deny", &deny("s3:*"))];
    let task = Task::new(found().into_iter().chain([Expected::query("PutRolePolicy")]).chain(now));
    assert!(task.ok(&args(&json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_duplicate_is_enough_where_that_is_said() {
    let skipping = args(&json!({ "skip_duplicates": true }));
    let task = Task::new([names(&["a", "b"]), policy("a", &deny("ec2:*")), policy("b", &deny("s3:*"))]);
    let outcome = task.ok(&skipping, Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(outcome.result["policy_names"], json!(["a", "b"]));
    let task = Task::new([names(&["deny", "a"]), policy("deny", &deny("ec2:*")), policy("a", &deny("s3:*"))]);
    assert!(!task.ok(&skipping, Mode::Apply).await.changed, "nor is the one of that name changed then");
    let task = Task::new([names(&["deny"]), policy("deny", &deny("s3:*"))]);
    assert!(!task.ok(&skipping, Mode::Apply).await.changed);
    let task = Task::new([names(&["a"]), policy("a", &deny("ec2:*"))]);
    assert!(task.ok(&skipping, Mode::Check).await.changed);
}

#[tokio::test]
async fn a_policy_is_deleted_and_what_is_gone_is_no_change() {
    let absent = json!({ "iam_type": "role", "iam_name": "web", "policy_name": "deny", "state": "absent" });
    let task = Task::new([
        names(&["deny", "other"]),
        policy("deny", &deny("s3:*")),
        who(),
        Expected::query("DeleteRolePolicy").loses_the_answer(),
        Expected::query("DeleteRolePolicy").refuses("NoSuchEntity", "none"),
        names(&["other"]),
    ]);
    let outcome = task.ok(&absent, Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(outcome.result["policy_names"], json!(["other"]));
    assert!(!Task::new([names(&["other"])]).ok(&absent, Mode::Apply).await.changed);
    let gone = Expected::query("ListRolePolicies").refuses("NoSuchEntity", "none");
    assert!(!Task::new([gone]).ok(&absent, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_role_that_is_not_there_is_missing_unless_this_plan_creates_it() {
    let gone = || Expected::query("ListRolePolicies").refuses("NoSuchEntity", "none");
    let failure = Task::new([gone()]).run(&args(&json!({})), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Missing(crate::role::address("web")));
    let task = Task::new([]);
    task.world.cx().world().foretell(crate::role::address("web"), Foretold::Created("id".to_owned()));
    let outcome = task.ok(&args(&json!({})), Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert!(Task::new([gone()]).ok(&args(&json!({})), Mode::Destroy).await.kept.is_empty());
}

#[tokio::test]
async fn a_destroy_leaves_alone_what_others_made() {
    let task = Task::new([names(&["deny"]), policy("deny", &deny("s3:*")), who()]);
    let outcome = task.ok(&args(&json!({})), Mode::Destroy).await;
    assert_eq!(outcome.kept[0].why, KeptWhy::NotOurs);
}

#[tokio::test]
async fn every_argument_fault_is_said_before_any_call() {
    for (args, message) in [
        (
            json!({ "iam_name": "a", "policy_name": "b", "policy_json": {} }),
            "missing required arguments: iam_type",
        ),
        (
            json!({ "iam_type": "role", "iam_name": "a", "policy_name": "b" }),
            "state is present but any of the following are missing: policy_json",
        ),
        (
            args(&json!({ "iam_type": "robot" })),
            "value of iam_type must be one of: user, group, role, got: robot",
        ),
    ] {
        let failure = Task::new([]).run(&args, Mode::Apply).await.failure.unwrap();
        assert!(matches!(failure.kind, FailureKind::Arguments(_)), "{failure:?}");
        assert_eq!(failure.message, message);
    }
    let failure =
        Task::new([]).run(&args(&json!({ "policy_json": "{" })), Mode::Apply).await.failure.unwrap();
    assert!(matches!(failure.kind, FailureKind::Arguments(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_groups_and_roles_keep_policies_through_trouble() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    raw.query("iam", "CreateUser", &[("UserName", "web")]);
    raw.query("iam", "CreateGroup", &[("GroupName", "web")]);
    raw.query("iam", "CreateRole", &[("RoleName", "web"), ("AssumeRolePolicyDocument", "{}")]);
    for (kind, noun) in [("user", "User"), ("group", "Group"), ("role", "Role")] {
        let run = async |further: Value, mode| {
            proxy.clear_calls();
            let mut args = args(&further);
            args["iam_type"] = json!(kind);
            let outcome = drive::resource(&IamPolicy, &world.cx(), &args, mode).await;
            assert!(outcome.failure.is_none(), "{kind}: {:?}", outcome.failure);
            outcome
        };
        proxy.add_rule(Rule::on("iam", &format!("Put{noun}Policy")).nth(1).lose_the_answer());
        proxy.add_rule(Rule::on("iam", &format!("List{noun}Policies")).nth(2).throttle());
        assert!(run(json!({}), Mode::Apply).await.changed);
        assert!(!run(json!({}), Mode::Apply).await.changed);
        assert!(proxy.writes().is_empty(), "{}", proxy.log());
        assert_eq!(proxy.calls().len(), 2, "{}", proxy.log());
        let outcome = run(json!({ "policy_json": deny("ec2:*") }), Mode::Apply).await;
        assert_eq!(paths(&outcome), ["policy.Statement.Action"]);
        assert!(run(json!({ "policy_json": deny("ec2:*") }), Mode::Destroy).await.changed);
        assert_eq!(run(json!({ "state": "absent" }), Mode::Apply).await.result["policy_names"], json!([]));
    }
}
