use rplay_event::{FieldChange, Intent, Kind, Planned, RunMode, Status, TaskResult};
use serde_json::{Value, json};

use crate::Settings;
use crate::samples::{ended, ok, play, shown, task};

fn run(mode: RunMode) -> Kind {
    Kind::RunStarted { mode, playbooks: vec!["site.yml".to_owned()], verbosity: 0, diff: false }
}

fn field(path: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after, unknown: false }
}

fn planned(task: u64, address: &str, action: Intent, fields: Vec<FieldChange>, reason: Option<&str>) -> Kind {
    let planned = Planned { address: address.to_owned(), action, fields, reason: reason.map(str::to_owned) };
    Kind::Planned { task, host: "localhost".to_owned(), planned }
}

#[test]
fn a_plan_is_the_things_that_will_change_field_by_field() {
    let unknown = FieldChange { unknown: true, ..field("vpc_id", None, None) };
    let unknown_now = FieldChange { unknown: true, ..field("subnet", Some(json!("subnet-1")), None) };
    let (out, _) = shown(
        Settings::default(),
        vec![
            run(RunMode::Plan),
            play("Provision"),
            task(1, "Network", "vpc"),
            planned(
                1,
                "vpc/app",
                Intent::Create,
                vec![field("cidr", None, Some(json!("10.0.0.0/16"))), unknown],
                None,
            ),
            planned(1, "subnet/app-a", Intent::Keep, Vec::new(), None),
            Kind::TaskDone { result: ended(Status::Changed, json!({})) },
            task(2, "Known already", "log_group"),
            planned(2, "log_group/app", Intent::Keep, Vec::new(), None),
            Kind::TaskDone { result: TaskResult { task: 2, ..ok(json!({})) } },
            task(3, "Run it", "ecs_service"),
            planned(
                3,
                "service/app",
                Intent::Update,
                vec![
                    field("desired_count", Some(json!(1)), Some(json!(2))),
                    field("tags.team", Some(json!("a")), None),
                    field("tags.owner", None, Some(json!("b"))),
                    unknown_now,
                ],
                None,
            ),
            planned(3, "target_group/app", Intent::Replace, Vec::new(), Some("protocol cannot be changed")),
            planned(3, "rule/old", Intent::Delete, vec![field("priority", Some(json!(10)), None)], None),
            planned(3, "role/app", Intent::MayChange, Vec::new(), None),
            planned(3, "record/app", Intent::Deferred, Vec::new(), Some("its zone is not known yet")),
            planned(3, "command", Intent::WillRun, Vec::new(), None),
            planned(3, "aws_caller_info", Intent::Read, Vec::new(), None),
            Kind::PlanDone { add: 2, change: 1, destroy: 2, may_change: 1, will_run: 1 },
        ],
    );
    assert_eq!(
        out,
        "
Network
  + create vpc/app
      cidr: \"10.0.0.0/16\"
      vpc_id: (known after apply)

Run it
  ~ update service/app
      desired_count: 1 -> 2
      tags.team: \"a\" -> (none)
      tags.owner: (none) -> \"b\"
      subnet: \"subnet-1\" -> (known after apply)
  -/+ replace target_group/app (protocol cannot be changed)
  - destroy rule/old
      priority: 10
  ? may change role/app
  ? deferred record/app (its zone is not known yet)
  > will run command

1 may change, 1 will run.
Plan: 2 to add, 1 to change, 2 to destroy.
"
    );
}

#[test]
fn a_plan_without_doubts_is_its_closing_line() {
    let done = Kind::PlanDone { add: 0, change: 0, destroy: 0, may_change: 0, will_run: 0 };
    let (out, _) = shown(Settings::default(), vec![run(RunMode::Plan), play("p"), task(1, "t", "vpc"), done]);
    assert_eq!(out, "\nPlan: 0 to add, 0 to change, 0 to destroy.\n");
}

#[test]
fn a_failure_while_planning_is_shown_under_its_heading() {
    let failed = ended(Status::Failed, json!({"msg": "could not read vpc app"}));
    let (out, _) = shown(
        Settings::default(),
        vec![run(RunMode::Plan), play("p"), task(1, "t", "vpc"), Kind::TaskDone { result: failed }],
    );
    assert_eq!(
        out,
        "
TASK [t] ***********************************************************************
[ERROR]: Task failed: Module failed: could not read vpc app
Origin: site.yml:12:7

fatal: [web1]: FAILED! => {\"msg\": \"could not read vpc app\"}
"
    );
}

#[test]
fn check_mode_prints_what_ansible_prints_and_no_plan() {
    let (out, _) = shown(
        Settings::default(),
        vec![
            run(RunMode::Check),
            task(1, "t", "vpc"),
            planned(1, "vpc/app", Intent::Create, Vec::new(), None),
            Kind::TaskDone { result: ended(Status::Changed, json!({})) },
        ],
    );
    assert_eq!(out, format!("\nTASK [t] {}\nchanged: [web1]\n", "*".repeat(71)));
}

#[test]
fn a_destruction_ends_with_what_was_left_and_why() {
    let kept = vec![("bucket/assets".to_owned(), "3 objects in it are not ours".to_owned())];
    let (out, _) = shown(
        Settings::default(),
        vec![
            run(RunMode::Destroy),
            task(1, "Assets", "s3_bucket"),
            Kind::TaskDone { result: ok(json!({})) },
            planned(0, "log_group/app", Intent::Delete, Vec::new(), None),
            Kind::PlanDone { add: 0, change: 0, destroy: 1, may_change: 0, will_run: 0 },
            planned(0, "log_group/app", Intent::Delete, Vec::new(), None),
            Kind::DestroyDone { destroyed: 1, kept },
        ],
    );
    assert_eq!(
        out,
        "  - destroy log_group/app

Plan: 0 to add, 0 to change, 1 to destroy.
  - destroyed log_group/app

Kept:
  bucket/assets: 3 objects in it are not ours

Destroyed: 1, kept: 1.
"
    );
}
