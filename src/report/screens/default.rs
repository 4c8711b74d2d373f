use rplay_event::{Counts, Kind, RunMode, Status, TaskInfo, TaskResult};
use serde_json::json;

use super::{item_done, out, task_done, verbose};
use crate::Settings;
use crate::samples::{ended, ok, play, recap, task};

fn handler(id: u64, name: &str) -> Kind {
    let Kind::TaskStarted { task } = task(id, name, "debug") else { unreachable!("a task starts") };
    Kind::TaskStarted { task: TaskInfo { handler: true, ..task } }
}

#[test]
fn a_run_is_headings_results_and_a_recap() {
    let counts = Counts { ok: 2, changed: 1, ..Counts::default() };
    assert_eq!(
        out(
            Settings::default(),
            vec![
                play("Provision"),
                task(1, "Say it", "debug"),
                task_done(TaskResult { verbose_always: true, ..ok(json!({"msg": "hi", "changed": false})) }),
                task(2, "web : Restart é", "command"),
                task_done(TaskResult { task: 2, ..ended(Status::Changed, json!({"changed": true, "rc": 0})) }),
                handler(3, "restarted"),
                task_done(TaskResult { task: 3, ..ok(json!({})) }),
                recap(&[("web1", counts)]),
            ]
        ),
        "
PLAY [Provision] ***************************************************************

TASK [Say it] ******************************************************************
ok: [web1] => {
    \"msg\": \"hi\"
}

TASK [web : Restart é] *********************************************************
changed: [web1]

RUNNING HANDLER [restarted] ****************************************************
ok: [web1]

PLAY RECAP *********************************************************************
web1                       : ok=2    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   

"
    );
}

#[test]
fn a_heading_reaches_to_the_edge_of_a_wide_terminal_and_counts_wide_letters_twice() {
    let settings = Settings { width: Some(100), ..Settings::default() };
    assert_eq!(out(settings, vec![play("a")]), format!("\nPLAY [a] {}\n", "*".repeat(99 - 8)));
    assert_eq!(
        out(Settings::default(), vec![play("漢字")]),
        format!("\nPLAY [漢字] {}\n", "*".repeat(79 - 11))
    );
    assert_eq!(
        out(Settings::default(), vec![play(&"x".repeat(90))]),
        format!("\nPLAY [{}] ***\n", "x".repeat(90))
    );
    assert_eq!(out(Settings::default(), vec![play("")]), format!("\nPLAY {}\n", "*".repeat(79 - 4)));
}

#[test]
fn one_v_adds_the_result_in_a_line() {
    let result =
        json!({"stdout_lines": ["hi"], "stdout": "hi", "changed": true, "invocation": {"module_args": {}}});
    assert_eq!(
        out(verbose(1), vec![task(1, "t", "command"), task_done(ended(Status::Changed, result))]),
        format!(
            "\nTASK [t] {}\nchanged: [web1] => {{\"changed\": true, \"stdout\": \"hi\", \"stdout_lines\": [\"hi\"]}}\n",
            "*".repeat(71)
        )
    );
}

#[test]
fn two_v_add_the_playbook_the_task_path_and_notified_handlers() {
    assert_eq!(
        out(
            verbose(2),
            vec![
                Kind::PlaybookStarted { file: "deploy/site.yml".to_owned(), plays: 2 },
                play("p"),
                task(1, "t", "command"),
                task_done(ok(json!({}))),
                Kind::Notified { handler: "hh".to_owned(), host: "web1".to_owned() },
            ]
        ),
        "
PLAYBOOK: site.yml *************************************************************
2 plays in deploy/site.yml

PLAY [p] ***********************************************************************

TASK [t] ***********************************************************************
task path: site.yml:12
ok: [web1] => {}
NOTIFIED HANDLER hh for web1
"
    );
}

#[test]
fn items_carry_their_labels_and_the_loop_itself_is_silent() {
    let skipped = || ended(Status::Skipped, json!({"skip_reason": "no", "changed": false}));
    let failed = || ended(Status::Failed, json!({"msg": "bad", "item": "b"}));
    assert_eq!(
        out(
            Settings::default(),
            vec![
                task(1, "t", "command"),
                item_done(json!({"a": ["x", 1.0]}), ended(Status::Changed, json!({}))),
                item_done(json!(null), ok(json!({}))),
                item_done(json!("s"), skipped()),
                item_done(json!("b"), failed()),
                task_done(TaskResult {
                    looped: true,
                    ignored: true,
                    ..ended(Status::Failed, json!({"results": []}))
                }),
                task(2, "all skipped", "command"),
                item_done(json!(1), TaskResult { task: 2, ..skipped() }),
                task_done(TaskResult { task: 2, looped: true, ..skipped() }),
            ]
        ),
        "
TASK [t] ***********************************************************************
changed: [web1] => (item={'a': ['x', 1.0]})
ok: [web1] => (item=None)
skipping: [web1] => (item=s) 
[ERROR]: Task failed: Module failed: bad
Origin: site.yml:12:7

failed: [web1] (item=b) => {\"item\": \"b\", \"msg\": \"bad\"}
...ignoring

TASK [all skipped] *************************************************************
skipping: [web1] => (item=1) 
skipping: [web1]
"
    );
}

#[test]
fn a_skipped_loop_at_one_v_has_its_items_results_but_not_all_of_them_again() {
    let all = json!({"msg": "All items skipped", "results": [1], "skipped": true});
    assert_eq!(
        out(
            verbose(1),
            vec![
                task(1, "t", "command"),
                item_done(json!(1), ended(Status::Skipped, json!({"false_condition": "x", "item": 1}))),
                task_done(TaskResult { looped: true, ..ended(Status::Skipped, all) }),
            ]
        ),
        "
TASK [t] ***********************************************************************
skipping: [web1] => (item=1)  => {\"false_condition\": \"x\", \"item\": 1}
skipping: [web1] => {\"msg\": \"All items skipped\"}
"
    );
}

#[test]
fn censored_items_have_no_label() {
    let censored = json!({"censored": "hidden", "changed": true});
    assert_eq!(
        out(
            Settings::default(),
            vec![task(1, "t", "command"), item_done(json!("password"), ended(Status::Changed, censored))]
        ),
        format!("\nTASK [t] {}\nchanged: [web1] => (item=(censored due to no_log))\n", "*".repeat(71))
    );
}

#[test]
fn a_retry_shows_what_is_shown_of_the_result_in_any_case() {
    let result = json!({"attempts": 1, "msg": 1, "_ansible_verbose_always": true});
    let retrying = Kind::Retrying {
        task: 1,
        host: "web1".to_owned(),
        name: "wait".to_owned(),
        item: None,
        left: 1,
        result: result.as_object().cloned().expect("a mapping"),
    };
    let told = out(verbose(0), vec![task(1, "wait", "debug"), retrying]);
    let line = "FAILED - RETRYING: [web1]: wait (1 retries left).Result was: {\n    \"attempts\": 1,\n    \"msg\": 1\n}\n";
    assert!(told.ends_with(line), "{told}");
}

#[test]
fn retries_and_includes_are_lines_of_their_own() {
    let result = json!({"rc": 1, "retries": 3, "attempts": 1, "failed": true});
    let retrying = Kind::Retrying {
        task: 1,
        host: "web1".to_owned(),
        name: "wait".to_owned(),
        item: None,
        left: 2,
        result: result.as_object().cloned().expect("a mapping"),
    };
    let included = |item: Option<&str>| Kind::Included {
        task: 2,
        file: "/p/inc.yml".to_owned(),
        hosts: vec!["web1".to_owned(), "web2".to_owned()],
        item: item.map(|item| json!(item)),
    };
    assert_eq!(
        out(
            verbose(1),
            vec![
                task(1, "wait", "command"),
                retrying.clone(),
                task(2, "more", "include_tasks"),
                task_done(TaskResult { task: 2, ..ok(json!({"include": "inc.yml"})) }),
                included(None),
                included(Some("one")),
            ]
        ),
        "
TASK [wait] ********************************************************************
FAILED - RETRYING: [web1]: wait (2 retries left).

TASK [more] ********************************************************************
included: /p/inc.yml for web1, web2
included: /p/inc.yml for web1, web2 => (item=one)
"
    );
    assert!(out(verbose(3), vec![task(1, "wait", "command"), retrying]).ends_with(
        "FAILED - RETRYING: [web1]: wait (2 retries left).Result was: {\n    \"attempts\": 1,\n    \"rc\": 1,\n    \"retries\": 3\n}\n"
    ));
}

#[test]
fn a_task_whose_results_are_all_hidden_has_no_heading() {
    let settings = Settings { display_skipped_hosts: false, display_ok_hosts: false, ..Settings::default() };
    assert_eq!(
        out(
            settings,
            vec![
                task(1, "hidden", "command"),
                task_done(ok(json!({}))),
                task_done(ended(Status::Skipped, json!({}))),
                task(2, "seen", "command"),
                task_done(TaskResult { task: 2, ..ok(json!({})) }),
                task_done(TaskResult {
                    task: 2,
                    host: "web2".to_owned(),
                    ..ended(Status::Changed, json!({}))
                }),
            ]
        ),
        format!("\nTASK [seen] {}\nchanged: [web2]\n", "*".repeat(68))
    );
}

#[test]
fn check_mode_is_marked_where_the_setting_says_so() {
    let run = || {
        let started =
            Kind::RunStarted { mode: RunMode::Check, playbooks: Vec::new(), verbosity: 0, diff: false };
        let play = Kind::PlayStarted { name: "p".to_owned(), hosts: Vec::new(), check: true };
        vec![started, Kind::PlaybookStarted { file: "p.yml".to_owned(), plays: 1 }, play, recap(&[])]
    };
    assert_eq!(
        out(Settings::default(), run()),
        "\nPLAY [p] ***********************************************************************\n
PLAY RECAP *********************************************************************\n\n"
    );
    assert_eq!(
        out(Settings { check_mode_markers: true, ..Settings::default() }, run()),
        "
DRY RUN ************************************************************************

PLAY [p] [CHECK MODE] **********************************************************

PLAY RECAP *********************************************************************


DRY RUN ************************************************************************
"
    );
}

#[test]
fn a_play_without_hosts_and_a_play_that_lost_them_say_so() {
    assert_eq!(
        out(Settings::default(), vec![play("p"), Kind::NoHostsMatched, Kind::NoHostsRemaining]),
        format!(
            "\nPLAY [p] {}\nskipping: no hosts matched\n\nNO MORE HOSTS LEFT {}\n",
            "*".repeat(71),
            "*".repeat(61)
        )
    );
}

#[test]
fn each_host_that_begins_is_told_where_the_setting_says_so() {
    let settings = Settings { show_per_host_start: true, ..Settings::default() };
    let begun = Kind::HostStarted { task: 1, host: "web1".to_owned() };
    assert_eq!(
        out(settings, vec![task(1, "t", "command"), begun]),
        format!("\nTASK [t] {}\n [started TASK: t on web1]\n", "*".repeat(71))
    );
}
