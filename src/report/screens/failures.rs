use rplay_event::{Excerpt, Fault, Span, Status, TaskResult};
use serde_json::json;

use super::{out, task_done};
use crate::Settings;
use crate::samples::{ended, shown, task};

#[test]
fn a_failure_tells_its_place_before_its_result() {
    let failed = ended(Status::Failed, json!({"msg": "non-zero return code", "rc": 1, "failed": true}));
    assert_eq!(
        out(
            Settings::default(),
            vec![task(1, "t", "command"), task_done(TaskResult { ignored: true, ..failed })]
        ),
        "
TASK [t] ***********************************************************************
[ERROR]: Task failed: Module failed: non-zero return code
Origin: site.yml:12:7

fatal: [web1]: FAILED! => {\"msg\": \"non-zero return code\", \"rc\": 1}
...ignoring
"
    );
}

#[test]
fn a_failure_that_brings_its_fault_shows_the_source_and_is_told_once_for_all_hosts() {
    let source = "- hosts: all\n  tasks:\n\n    - name: No\n      fail:\n";
    let fault = Fault::new("Task failed: Action failed: no")
        .at(&Span::new("/p/site.yml", 4, 7))
        .with_source(source, "");
    let failed = ended(Status::Failed, json!({"msg": "no", "changed": false, "exception": fault}));
    let other = TaskResult { host: "web2".to_owned(), delegated_to: Some("db".to_owned()), ..failed.clone() };
    assert_eq!(
        out(Settings::default(), vec![task(1, "No", "fail"), task_done(failed), task_done(other)]),
        "
TASK [No] **********************************************************************
[ERROR]: Task failed: Action failed: no
Origin: /p/site.yml:4:7

2   tasks:
3
4     - name: No
        ^ column 7

fatal: [web1]: FAILED! => {\"changed\": false, \"msg\": \"no\"}
fatal: [web2 -> db]: FAILED! => {\"changed\": false, \"msg\": \"no\"}
"
    );
}

#[test]
fn a_fault_without_a_message_adds_the_source_to_the_results_own() {
    let fault = Fault::new("").at(&Span::new("site.yml", 1, 3)).with_source("- command: \"false\"\n", "");
    let failed = ended(Status::Failed, json!({"msg": "non-zero return code", "exception": fault}));
    assert_eq!(
        out(Settings::default(), vec![task(1, "t", "command"), task_done(failed)]),
        "
TASK [t] ***********************************************************************
[ERROR]: Task failed: Module failed: non-zero return code
Origin: site.yml:1:3

1 - command: \"false\"
    ^ column 3

fatal: [web1]: FAILED! => {\"msg\": \"non-zero return code\"}
"
    );
}

#[test]
fn a_failure_with_causes_tells_the_chain_and_then_each() {
    let excerpt = |column| Excerpt {
        first_line: 9,
        text: "- debug: msg={{ nope }}\n".to_owned(),
        start: 0,
        end: column,
        label: String::new(),
    };
    let fault = |message: &str, column| Fault {
        excerpt: Some(excerpt(column)),
        ..Fault::new(message).at(&Span::new("a.yml", 9, u32::try_from(column).expect("small")))
    };
    let chain =
        [fault("Task failed: Finalization of task args failed.", 3), fault("'nope' is undefined", 10)];
    assert_eq!(
        out(
            Settings::default(),
            vec![
                task(1, "t", "debug"),
                task_done(ended(Status::Failed, json!({"msg": "m", "exception": chain}))),
            ]
        ),
        "
TASK [t] ***********************************************************************
[ERROR]: Task failed: Finalization of task args failed: 'nope' is undefined

Task failed: Finalization of task args failed.
Origin: a.yml:9:3

9 - debug: msg={{ nope }}
    ^ column 3

<<< caused by >>>

'nope' is undefined
Origin: a.yml:9:10

9 - debug: msg={{ nope }}
           ^ column 10

fatal: [web1]: FAILED! => {\"msg\": \"m\"}
"
    );
}

#[test]
fn an_unreachable_host_is_fatal_in_its_own_word() {
    let gone = ended(
        Status::Unreachable,
        json!({"changed": false, "msg": "Task failed: refused", "unreachable": true}),
    );
    assert_eq!(
        out(Settings::default(), vec![task(1, "t", "ping"), task_done(gone)]),
        "
TASK [t] ***********************************************************************
[ERROR]: Task failed: refused
Origin: site.yml:12:7

fatal: [web1]: UNREACHABLE! => {\"changed\": false, \"msg\": \"Task failed: refused\", \"unreachable\": true}
"
    );
}

#[test]
fn failures_go_to_stderr_where_the_setting_says_so() {
    let settings =
        Settings { display_failed_stderr: true, show_task_path_on_failure: true, ..Settings::default() };
    let (out, err) =
        shown(settings, vec![task(1, "t", "fail"), task_done(ended(Status::Failed, json!({"msg": "no"})))]);
    assert_eq!(out, format!("\nTASK [t] {}\ntask path: site.yml:12\n", "*".repeat(71)));
    assert_eq!(
        err,
        "[ERROR]: Task failed: Action failed: no\nOrigin: site.yml:12:7\n\nfatal: [web1]: FAILED! => {\"msg\": \"no\"}\n"
    );
}

#[test]
fn a_deploys_own_screen_takes_the_place_of_its_result() {
    let failed = TaskResult {
        screen: Some("task 1f stopped: exit code 1\nlast lines:\n  no database".to_owned()),
        ..ended(Status::Failed, json!({"msg": "could not roll out web", "services": []}))
    };
    assert_eq!(
        out(Settings::default(), vec![task(1, "t", "ecs_service"), task_done(failed)]),
        format!(
            "\nTASK [t] {}\nfatal: [web1]: FAILED! => \ntask 1f stopped: exit code 1\nlast lines:\n  no database\n",
            "*".repeat(71)
        )
    );
}
