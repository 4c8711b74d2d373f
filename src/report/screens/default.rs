use rplay_event::{
    Counts, Diff, DiffSide, Excerpt, Fault, Kind, RunMode, Span, Status, TaskInfo, TaskResult,
};
use serde_json::{Value, json};

use crate::samples::{ended, ok, play, recap, shown, task};
use crate::{ResultFormat, Settings};

fn out(settings: Settings, events: Vec<Kind>) -> String {
    shown(settings, events).0
}

fn verbose(verbosity: u8) -> Settings {
    Settings { verbosity, ..Settings::default() }
}

fn task_done(result: TaskResult) -> Kind {
    Kind::TaskDone { result }
}

fn item_done(item: Value, result: TaskResult) -> Kind {
    Kind::ItemDone { result: TaskResult { item: Some(item), ..result } }
}

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
        file: "/p/inc.yml".to_owned(),
        hosts: vec!["web1".to_owned(), "web2".to_owned()],
        item: item.map(str::to_owned),
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

fn diff(before: DiffSide, after: DiffSide) -> Diff {
    Diff { before, after, before_header: None, after_header: None, prepared: None }
}

#[test]
fn differences_stand_before_what_changed() {
    let text = |text: &str| DiffSide::Text(text.to_owned());
    let file = Diff { after_header: Some("/etc/motd".to_owned()), ..diff(DiffSide::Absent, text("a\nb\n")) };
    let data = diff(
        DiffSide::Data(json!({"path": "é", "mode": "0755", "tags": {"b": 1}})),
        DiffSide::Data(json!({"mode": "0700", "path": "é", "tags": {"b": 1}})),
    );
    let prepared = Diff { prepared: Some("binary\n".to_owned()), ..diff(DiffSide::Absent, DiffSide::Absent) };
    let changed = TaskResult { diff: vec![file, data, prepared], ..ended(Status::Changed, json!({})) };
    assert_eq!(
        out(Settings::default(), vec![task(1, "t", "copy"), task_done(changed)]),
        "
TASK [t] ***********************************************************************
--- before
+++ after: /etc/motd
@@ -0,0 +1,2 @@
+a
+b

--- before
+++ after
@@ -1,5 +1,5 @@
 {
-    \"mode\": \"0755\",
+    \"mode\": \"0700\",
     \"path\": \"\\u00e9\",
     \"tags\": {
         \"b\": 1

binary
changed: [web1]
"
    );
}

#[test]
fn equal_sides_and_unchanged_results_show_no_difference() {
    let same = || vec![diff(DiffSide::Text("a\n".to_owned()), DiffSide::Text("a\n".to_owned()))];
    let differs = vec![diff(DiffSide::Text("a\n".to_owned()), DiffSide::Text("b\n".to_owned()))];
    assert_eq!(
        out(
            Settings::default(),
            vec![
                task(1, "t", "copy"),
                task_done(TaskResult { diff: same(), ..ended(Status::Changed, json!({})) }),
                task_done(TaskResult { diff: differs, ..ok(json!({})) }),
            ]
        ),
        format!("\nTASK [t] {}\nchanged: [web1]\nok: [web1]\n", "*".repeat(71))
    );
}

#[test]
fn colours_are_ansibles() {
    let settings = Settings { color: true, verbosity: 1, ..Settings::default() };
    let changed = TaskResult {
        diff: vec![diff(DiffSide::Text("a\n".to_owned()), DiffSide::Text("b\n".to_owned()))],
        ..ended(Status::Changed, json!({}))
    };
    let failed =
        TaskResult { verbose_always: true, ignored: true, ..ended(Status::Failed, json!({"msg": "m"})) };
    let counts = Counts { ok: 10, changed: 1, ignored: 2, ..Counts::default() };
    let text = out(
        settings,
        vec![
            task(1, "t", "copy"),
            task_done(ended(Status::Skipped, json!({}))),
            task_done(changed),
            task_done(failed),
            recap(&[
                ("web1", counts),
                ("a.host.with.a.very.long.name", Counts { unreachable: 1, ..Counts::default() }),
            ]),
        ],
    );
    assert_eq!(
        text.replace('\x1b', "^"),
        "
TASK [t] ***********************************************************************
^[0;36mskipping: [web1] => {}^[0m
^[0;31m--- before^[0m
^[0;31m^[0m^[0;32m+++ after^[0m
^[0;32m^[0m^[0;36m@@ -1 +1 @@^[0m
^[0;36m^[0m^[0;31m-a^[0m
^[0;31m^[0m^[0;32m+b^[0m
^[0;32m^[0m
^[0;33mchanged: [web1] => {}^[0m
^[0;31m[ERROR]: Task failed: Module failed: m^[0m
^[0;31mOrigin: site.yml:12:7^[0m
^[0;31m^[0m
^[0;31mfatal: [web1]: FAILED! => {^[0m
^[0;31m    \"msg\": \"m\"^[0m
^[0;31m}^[0m
^[0;36m...ignoring^[0m

PLAY RECAP *********************************************************************
^[0;31ma.host.with.a.very.long.name^[0m : ok=0    changed=0    ^[1;31munreachable=1   ^[0m failed=0    skipped=0    rescued=0    ignored=0   
^[0;33mweb1^[0m                       : ^[0;32mok=10  ^[0m ^[0;33mchanged=1   ^[0m unreachable=0    failed=0    skipped=0    rescued=0    ^[1;35mignored=2   ^[0m

"
    );
}

#[test]
fn yaml_results_stand_below_their_line() {
    let settings = Settings { result_format: ResultFormat::Yaml, verbosity: 1, ..Settings::default() };
    let result = json!({"stdout": "a\nb", "stdout_lines": ["a", "b"], "rc": 0, "delta": "0:00:01.5"});
    assert_eq!(
        out(settings, vec![task(1, "t", "command"), task_done(ended(Status::Changed, result))]),
        "
TASK [t] ***********************************************************************
changed: [web1] => 
    delta: '0:00:01.5'
    rc: 0
    stdout: |-
        a
        b
    stdout_lines: <omitted>
"
    );
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

#[test]
fn each_host_that_begins_is_told_where_the_setting_says_so() {
    let settings = Settings { show_per_host_start: true, ..Settings::default() };
    let begun = Kind::HostStarted { task: 1, host: "web1".to_owned() };
    assert_eq!(
        out(settings, vec![task(1, "t", "command"), begun]),
        format!("\nTASK [t] {}\n [started TASK: t on web1]\n", "*".repeat(71))
    );
}
