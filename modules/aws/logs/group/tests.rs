//! Both modules over recorded answers: what is called, how often, and what comes of it.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{FieldChange, Intent, Mode, Outcome, Ownership, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::json;

use super::*;
use crate::cloudwatchlogs_log_group::CloudwatchlogsLogGroupParams;
use crate::log_group::LogGroupParams;

mod stand_in;

const ARN: &str = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web";

/// A task under our own name, or under Ansible's.
struct Task {
    world: Arc<TestWorld>,
    calls: Recorded,
    ansible: bool,
}

impl Task {
    fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        Self { world, calls, ansible: false }
    }

    fn ansible(expected: impl IntoIterator<Item = Expected>) -> Self {
        Self { ansible: true, ..Self::new(expected) }
    }

    async fn run(&self, args: Value, mode: Mode) -> Outcome {
        if self.ansible {
            let resource = LogGroup::<CloudwatchlogsLogGroupParams>::default();
            drive::resource(&resource, &self.world.cx(), &args, mode).await
        } else {
            let resource = LogGroup::<LogGroupParams>::default();
            drive::resource(&resource, &self.world.native_cx(), &args, mode).await
        }
    }

    /// Runs the task, which must not fail.
    async fn ok(&self, args: Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }

    async fn fails(&self, args: Value) -> Failure {
        self.run(args, Mode::Apply).await.failure.expect("a failure")
    }
}

/// What the service says of a group, with further fields.
fn described(further: &Value) -> Expected {
    let mut group = json!({
        "logGroupName": "/ecs/web", "arn": format!("{ARN}:*"), "logGroupArn": ARN, "creationTime": 1_700_000_000_000_i64,
        "metricFilterCount": 0, "storedBytes": 17, "logGroupClass": "STANDARD",
    });
    group.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    Expected::json("DescribeLogGroups")
        .body(json!({ "logGroupNamePrefix": "/ecs/web" }))
        .answers(&json!({ "logGroups": [group] }))
}

fn none() -> Expected {
    Expected::json("DescribeLogGroups").answers(&json!({ "logGroups": [] }))
}

fn tagged(tags: &Value) -> Expected {
    Expected::json("ListTagsForResource")
        .body(json!({ "resourceArn": ARN }))
        .answers(&json!({ "tags": tags }))
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    let fields = outcome.planned.iter().flat_map(|planned| &planned.fields);
    fields.map(|field: &FieldChange| field.path.as_str()).collect()
}

fn web(retention: i32) -> Value {
    json!({ "name": "/ecs/web", "retention": retention, "tags": { "app": "web" } })
}

#[tokio::test]
async fn a_check_foretells_a_group_with_one_read() {
    let task = Task::new([none()]);
    let outcome = task.ok(web(14), Mode::Check).await;
    assert!(outcome.changed);
    assert_eq!(outcome.planned[0].address, "logs.group /ecs/web");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert_eq!(paths(&outcome), ["retention", "log_group_class", "tags.app"]);
    assert!(rplay_module::unknown::is_unknown(outcome.result["arn"].as_str().unwrap()));
}

#[tokio::test]
async fn a_group_is_created_in_six_calls_with_its_owner() {
    let task = Task::new([
        none(),
        who(),
        Expected::json("CreateLogGroup").whole_body(
            json!({ "logGroupName": "/ecs/web", "tags": { "app": "web", "rplay:owner": "rplay" } }),
        ),
        Expected::json("PutRetentionPolicy")
            .whole_body(json!({ "logGroupName": "/ecs/web", "retentionInDays": 14 })),
        described(&json!({ "retentionInDays": 14 })),
        tagged(&json!({ "app": "web", "rplay:owner": "rplay" })),
    ]);
    let outcome = task.ok(web(14), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(
        Value::Object(outcome.result),
        json!({
            "name": "/ecs/web", "arn": ARN, "retention": 14, "kms_key_id": null, "log_group_class": "STANDARD",
            "tags": { "app": "web" },
        })
    );
    let stages: Vec<_> = task.world.ownership().into_iter().map(|(_, _, stage)| stage).collect();
    assert_eq!(stages, [Ownership::Intended, Ownership::Created]);
    let (address, realm, _) = task.world.ownership().remove(0);
    assert_eq!(address, Address::new("logs.group", "/ecs/web"));
    assert_eq!((realm.account.as_str(), realm.region.as_str()), ("123456789012", "eu-west-1"));
}

#[tokio::test]
async fn a_group_that_is_as_it_should_be_costs_two_reads() {
    let task = Task::new([described(&json!({ "retentionInDays": 14 })), tagged(&json!({ "app": "web" }))]);
    assert!(!task.ok(web(14), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls(), ["DescribeLogGroups", "ListTagsForResource"]);
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let found = json!({ "retentionInDays": 30, "kmsKeyId": "arn:key", "logGroupClass": "INFREQUENT_ACCESS" });
    let task = Task::new([described(&found), tagged(&json!({ "app": "web" }))]);
    let outcome = task.ok(json!({ "name": "/ecs/web" }), Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(outcome.result["retention"], 30);
    assert_eq!(outcome.result["kms_key_id"], "arn:key");
    assert_eq!(outcome.result["log_group_class"], "INFREQUENT_ACCESS");
}

/// One field of a group with thirty days, a key and a tag is edited: what is called for it, what is there then.
async fn edit(args: Value, calls: Vec<Expected>, now: Value, tags: Value, changed: &[&str]) {
    let before = json!({ "retentionInDays": 30, "kmsKeyId": "arn:old" });
    let start = || [described(&before), tagged(&json!({ "app": "web" }))];
    let foretold = Task::new(start());
    let outcome = foretold.ok(args.clone(), Mode::Plan).await;
    assert_eq!(paths(&outcome), changed, "foretold: {args}");
    assert_eq!(outcome.planned[0].action, Intent::Update);
    let task = Task::new(start().into_iter().chain(calls).chain([described(&now), tagged(&tags)]));
    let outcome = task.ok(args.clone(), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(paths(&outcome), changed, "done: {args}");
}

#[tokio::test]
async fn an_edited_retention_is_set_and_a_purged_one_removed() {
    let tags = json!({ "app": "web" });
    let put = Expected::json("PutRetentionPolicy")
        .whole_body(json!({ "logGroupName": "/ecs/web", "retentionInDays": 1 }));
    let now = json!({ "retentionInDays": 1, "kmsKeyId": "arn:old" });
    let args = json!({ "name": "/ecs/web", "retention": "1" });
    edit(args, vec![put], now, tags.clone(), &["retention"]).await;
    let delete = Expected::json("DeleteRetentionPolicy").whole_body(json!({ "logGroupName": "/ecs/web" }));
    let args = json!({ "name": "/ecs/web", "purge_retention_policy": true });
    edit(args, vec![delete], json!({ "kmsKeyId": "arn:old" }), tags, &["retention"]).await;
}

#[tokio::test]
async fn an_edited_key_is_associated_and_an_empty_one_disassociated() {
    let tags = json!({ "app": "web" });
    let associate = Expected::json("AssociateKmsKey")
        .whole_body(json!({ "logGroupName": "/ecs/web", "kmsKeyId": "arn:new" }));
    let now = json!({ "retentionInDays": 30, "kmsKeyId": "arn:new" });
    let args = json!({ "name": "/ecs/web", "kms_key_id": "arn:new" });
    edit(args, vec![associate], now, tags.clone(), &["kms_key_id"]).await;
    let disassociate = Expected::json("DisassociateKmsKey").whole_body(json!({ "logGroupName": "/ecs/web" }));
    let args = json!({ "name": "/ecs/web", "kms_key_id": "" });
    edit(args, vec![disassociate], json!({ "retentionInDays": 30 }), tags, &["kms_key_id"]).await;
}

#[tokio::test]
async fn edited_tags_are_set_and_others_purged_unless_told_not_to() {
    let now = json!({ "retentionInDays": 30, "kmsKeyId": "arn:old" });
    let set =
        || Expected::json("TagResource").whole_body(json!({ "resourceArn": ARN, "tags": { "env": "prod" } }));
    let remove =
        Expected::json("UntagResource").whole_body(json!({ "resourceArn": ARN, "tagKeys": ["app"] }));
    let args = json!({ "name": "/ecs/web", "tags": { "env": "prod" } });
    edit(args, vec![set(), remove], now.clone(), json!({ "env": "prod" }), &["tags.env", "tags.app"]).await;
    let args = json!({ "name": "/ecs/web", "tags": { "env": "prod" }, "purge_tags": false });
    edit(args, vec![set()], now, json!({ "env": "prod", "app": "web" }), &["tags.env"]).await;
}

/// AWS: the class is set at creation and never again.
#[tokio::test]
async fn another_class_is_refused_before_the_logs_are_lost() {
    let task = Task::new([described(&json!({})), tagged(&json!({}))]);
    let failure = task.fails(json!({ "name": "/ecs/web", "log_group_class": "INFREQUENT_ACCESS" })).await;
    assert_eq!(
        failure.message,
        "could not make log group /ecs/web one of class INFREQUENT_ACCESS: it is STANDARD, and AWS cannot change that"
    );
    assert!(failure.hint.unwrap().contains("overwrite"));
}

#[tokio::test]
async fn overwriting_deletes_and_creates_once() {
    let args = json!({ "log_group_name": "/ecs/web", "overwrite": true, "retention": 7 });
    let found = || [described(&json!({ "retentionInDays": 7 })), tagged(&json!({}))];
    let task = Task::ansible(found());
    let outcome = task.ok(args.clone(), Mode::Check).await;
    assert!(outcome.changed);
    assert_eq!(outcome.planned[0].action, Intent::Replace);
    let task = Task::ansible(
        found()
            .into_iter()
            .chain([
                who(),
                Expected::json("DeleteLogGroup").whole_body(json!({ "logGroupName": "/ecs/web" })),
                none(),
                Expected::json("CreateLogGroup").whole_body(json!({ "logGroupName": "/ecs/web" })),
                Expected::json("PutRetentionPolicy"),
            ])
            .chain(found()),
    );
    assert!(task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_group_is_deleted_and_one_that_is_gone_is_no_change() {
    let args = json!({ "log_group_name": "/ecs/web", "state": "absent" });
    let task = Task::ansible([
        described(&json!({})),
        tagged(&json!({})),
        who(),
        Expected::json("DeleteLogGroup").refuses("OperationAbortedException", "busy"),
        Expected::json("DeleteLogGroup"),
        none(),
    ]);
    let outcome = task.ok(args.clone(), Mode::Apply).await;
    assert!(outcome.changed && outcome.result.is_empty());
    assert_eq!(task.world.ownership().last().unwrap().2, Ownership::Gone);
    let task = Task::ansible([none()]);
    assert!(!task.ok(args.clone(), Mode::Apply).await.changed);
    let task = Task::ansible([described(&json!({})), tagged(&json!({}))]);
    assert!(task.ok(args, Mode::Check).await.changed);
}

#[tokio::test]
async fn ansibles_fields_come_back_twice() {
    let task =
        Task::ansible([described(&json!({ "retentionInDays": 14 })), tagged(&json!({ "App": "web" }))]);
    let outcome = task.ok(json!({ "log_group_name": "/ecs/web" }), Mode::Apply).await;
    let group = json!({
        "log_group_name": "/ecs/web", "arn": format!("{ARN}:*"), "log_group_arn": ARN, "log_group_class": "STANDARD",
        "creation_time": 1_700_000_000_000_i64, "metric_filter_count": 0, "stored_bytes": 17, "retention_in_days": 14,
        "tags": { "App": "web" },
    });
    let mut whole = group.clone();
    whole["log_groups"] = json!([group]);
    assert_eq!(Value::Object(outcome.result), whole);
}

#[tokio::test]
async fn under_ansibles_name_nothing_is_tagged_with_an_owner() {
    let task = Task::ansible([
        none(),
        who(),
        Expected::json("CreateLogGroup").whole_body(json!({ "logGroupName": "/ecs/web" })),
        described(&json!({})),
        tagged(&json!({})),
    ]);
    assert!(task.ok(json!({ "log_group_name": "/ecs/web" }), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_lost_answer_of_the_creation_is_looked_after_and_the_rest_is_done() {
    let task = Task::new([
        none(),
        who(),
        Expected::json("CreateLogGroup").loses_the_answer(),
        described(&json!({})),
        tagged(&json!({ "app": "web", "rplay:owner": "rplay" })),
        Expected::json("PutRetentionPolicy"),
        described(&json!({ "retentionInDays": 14 })),
        tagged(&json!({ "app": "web", "rplay:owner": "rplay" })),
    ]);
    let outcome = task.ok(web(14), Mode::Apply).await;
    assert!(outcome.changed);
    assert_eq!(task.calls.calls().iter().filter(|call| *call == "CreateLogGroup").count(), 1);
}

#[tokio::test]
async fn a_group_that_is_not_seen_at_once_is_not_made_twice() {
    let task = Task::new([
        none(),
        who(),
        Expected::json("CreateLogGroup").loses_the_answer(),
        none(),
        none(),
        none(),
        none(),
        Expected::json("CreateLogGroup").refuses("ResourceAlreadyExistsException", "it exists"),
        described(&json!({ "retentionInDays": 14 })),
        tagged(&json!({ "app": "web" })),
    ]);
    assert!(task.ok(web(14), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_creation_that_is_refused_leaves_nothing_owned() {
    let task = Task::new([
        none(),
        who(),
        Expected::json("CreateLogGroup").refuses("LimitExceededException", "too many groups"),
        none(),
    ]);
    let failure = task.fails(web(14)).await;
    assert_eq!(
        failure.message,
        "could not create log group /ecs/web: LimitExceededException: too many groups"
    );
    assert_eq!(task.world.ownership().last().unwrap().2, Ownership::Gone);
}

#[tokio::test]
async fn who_may_not_read_tags_is_warned_unless_tags_are_asked_for() {
    let refused = || Expected::json("ListTagsForResource").refuses("AccessDeniedException", "no");
    let task = Task::ansible([described(&json!({})), refused()]);
    assert!(!task.ok(json!({ "log_group_name": "/ecs/web" }), Mode::Apply).await.changed);
    assert_eq!(task.world.warnings(), ["Permission denied listing tags for log group /ecs/web"]);
    let task = Task::ansible([described(&json!({})), refused()]);
    let failure = task.fails(json!({ "log_group_name": "/ecs/web", "tags": { "a": "b" } })).await;
    assert_eq!(failure.code.as_deref(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn every_argument_fault_is_said_before_any_call() {
    for (args, message) in [
        (json!({}), "missing required arguments: log_group_name"),
        (
            json!({ "log_group_name": "g", "retention": 2 }),
            "Invalid retention value. Valid values are: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, \
             1096, 1827, 2192, 2557, 2922, 3288, 3653]",
        ),
        (
            json!({ "log_group_name": "g", "retention": 1, "purge_retention_policy": true }),
            "parameters are mutually exclusive: retention|purge_retention_policy",
        ),
        (
            json!({ "log_group_name": "g", "overwrite": true, "purge_retention_policy": true }),
            "parameters are mutually exclusive: purge_retention_policy|overwrite",
        ),
        (
            json!({ "log_group_name": "g", "state": "gone" }),
            "value of state must be one of: present, absent, got: gone",
        ),
    ] {
        let failure = Task::ansible([]).fails(args).await;
        assert!(matches!(failure.kind, FailureKind::Arguments(_)), "{failure:?}");
        assert_eq!(failure.message, message);
    }
    let failure = Task::new([]).fails(json!({ "name": "g", "log_group_class": "CHEAP" })).await;
    assert!(matches!(failure.kind, FailureKind::Arguments(_)));
}

#[tokio::test]
async fn a_destroy_touches_what_the_group_itself_says_is_ours() {
    let task = Task::new([
        described(&json!({})),
        tagged(&json!({ "rplay:owner": "rplay" })),
        who(),
        Expected::json("DeleteLogGroup"),
        none(),
    ]);
    let outcome = task.ok(json!({ "name": "/ecs/web" }), Mode::Destroy).await;
    assert!(outcome.changed && outcome.kept.is_empty());
    let task = Task::new([described(&json!({})), tagged(&json!({})), who()]);
    let outcome = task.ok(json!({ "name": "/ecs/web" }), Mode::Destroy).await;
    assert_eq!(outcome.kept.len(), 1);
}

#[test]
fn every_spelling_is_listed() {
    let names: Vec<_> = crate::MODULES.iter().flat_map(|module| module.names).copied().collect();
    assert_eq!(
        names,
        [
            "log_group",
            "cloudwatchlogs_log_group",
            "amazon.aws.cloudwatchlogs_log_group",
            "community.aws.cloudwatchlogs_log_group",
        ]
    );
    assert_eq!(crate::MODULES.iter().map(|module| module.native).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn the_modules_run_as_they_are_listed() {
    for (module, args) in
        crate::MODULES.iter().zip([json!({ "name": "g" }), json!({ "log_group_name": "g" })])
    {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new([none()]));
        world.cx().shared::<Transport>().replace(calls.client());
        let outcome = (module.pick)(&args).run(&world.cx(), &args, Mode::Check).await;
        assert!(outcome.changed, "{:?}", outcome.failure);
    }
}
