use rplay_event::{Counts, Diff, DiffSide, Status, TaskResult};
use serde_json::json;

use super::{out, task_done};
use crate::samples::{ended, ok, recap, task};
use crate::{ResultFormat, Settings};

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
