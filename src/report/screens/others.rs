use std::io::{self, ErrorKind, Write};

use rplay_event::{Counts, Diff, DiffSide, Kind, Status, TaskResult};
use serde_json::{Value, json};

use crate::samples::{Written, ended, event, host_started, ok, play, recap, shown, task};
use crate::{Output, Reporter, Settings};

fn task_done(result: TaskResult) -> Kind {
    Kind::TaskDone { result }
}

#[test]
fn the_journal_form_is_an_event_a_line() {
    let settings = Settings { output: Output::Events, ..Settings::default() };
    let warning = Kind::Warning { message: "careful\nnow".to_owned() };
    let events = vec![warning, host_started(1, "web1"), Kind::RunDone { exit_code: 2 }];
    let (out, err) = shown(settings, events.clone());
    assert_eq!(
        out,
        "{\"event\":\"warning\",\"message\":\"careful\\nnow\"}\n{\"event\":\"host_started\",\"task\":1,\"host\":\"web1\"}\n\
         {\"event\":\"run_done\",\"exit_code\":2}\n"
    );
    assert_eq!(err, "");
    let read: Vec<Kind> = out.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(read, events);
}

#[test]
fn oneline_prints_a_result_as_a_line_without_what_only_the_run_needs() {
    let settings = Settings { output: Output::Oneline, ..Settings::default() };
    let (out, _) = shown(
        settings,
        vec![
            task(1, "t", "ping"),
            task_done(ok(json!({"ping": "pong", "changed": false, "failed": false}))),
            task(2, "c", "command"),
            task_done(TaskResult {
                task: 2,
                ..ended(Status::Changed, json!({"rc": 0, "stdout": "a\nb", "stderr": "", "changed": true}))
            }),
        ],
    );
    assert_eq!(
        out,
        "web1 | SUCCESS => {\"changed\": false,\"ping\": \"pong\"}\nweb1 | CHANGED | rc=0 | (stdout) a\\nb\n"
    );
}

#[test]
fn minimal_prints_results_without_headings() {
    let settings = Settings { output: Output::Minimal, ..Settings::default() };
    let diff = Diff {
        before: DiffSide::Text("a\n".to_owned()),
        after: DiffSide::Text("a\n".to_owned()),
        before_header: None,
        after_header: None,
        prepared: None,
    };
    let changed = json!({"changed": true, "stdout": "out", "stderr": "err", "rc": 0, "msg": ""});
    let (out, err) = shown(
        settings,
        vec![
            play("p"),
            task(1, "t", "debug"),
            task_done(ok(json!({"msg": "hi", "changed": false}))),
            task(3, "f", "copy"),
            task_done(TaskResult {
                task: 3,
                diff: vec![diff],
                ..ok(json!({"changed": false, "warnings": ["w"]}))
            }),
            task_done(ended(Status::Skipped, json!({}))),
            task_done(ended(Status::Unreachable, json!({"msg": "Task failed: gone", "unreachable": true}))),
            task(2, "c", "command"),
            task_done(TaskResult { task: 2, ..ended(Status::Changed, changed) }),
            task_done(TaskResult {
                task: 2,
                ..ended(Status::Failed, json!({"rc": 1, "msg": "bad", "failed": true}))
            }),
            recap(&[("web1", Counts::default())]),
        ],
    );
    assert_eq!(
        out,
        "web1 | SUCCESS => {
    \"msg\": \"hi\"
}

web1 | SUCCESS => {
    \"changed\": false
}
web1 | SKIPPED
[ERROR]: Task failed: gone
Origin: site.yml:12:7

web1 | UNREACHABLE! => {
    \"msg\": \"Task failed: gone\",
    \"unreachable\": true
}
web1 | CHANGED | rc=0 >>
outerr
[ERROR]: Task failed: Module failed: bad
Origin: site.yml:12:7

web1 | FAILED | rc=1 >>
bad
"
    );
    assert_eq!(err, "[WARNING]: w\n");
}

#[test]
fn ansibles_json_is_one_document_with_the_recap() {
    let settings = Settings {
        output: Output::AnsibleJson,
        json_indent: 0,
        now: Some(|| "2026-01-02T03:04:05.000006Z".to_owned()),
        ..Settings::default()
    };
    let failed = json!({"msg": "é", "failed": true, "exception": {"message": "m"}});
    let (out, _) = shown(
        settings,
        vec![
            play("p"),
            task(1, "one", "debug"),
            task_done(ok(json!({"msg": "hi", "skipped": false}))),
            task(2, "two", "command"),
            task_done(TaskResult { task: 2, ..ended(Status::Failed, failed) }),
            recap(&[("web1", Counts { ok: 1, failed: 1, ..Counts::default() })]),
        ],
    );
    let document: Value = serde_json::from_str(&out).expect("a document");
    let duration = json!({"start": "2026-01-02T03:04:05.000006Z", "end": "2026-01-02T03:04:05.000006Z"});
    assert_eq!(
        document,
        json!({
            "plays": [{
                "play": {"name": "p", "id": "1", "duration": duration},
                "tasks": [
                    {
                        "task": {"name": "one", "id": "1", "path": "site.yml:12", "duration": duration},
                        "hosts": {"web1": {"msg": "hi", "action": "debug"}},
                    },
                    {
                        "task": {"name": "two", "id": "2", "path": "site.yml:12", "duration": duration},
                        "hosts": {"web1": {
                            "msg": "é", "failed": true, "action": "command", "exception": "(traceback unavailable)",
                        }},
                    },
                ],
            }],
            "stats": {"web1": {
                "ok": 1, "changed": 0, "unreachable": 0, "failures": 1, "skipped": 0, "rescued": 0, "ignored": 0,
            }},
            "custom_stats": {},
            "global_custom_stats": {},
        })
    );
    assert!(out.starts_with("{\"custom_stats\": {}, ") && out.contains("\\u00e9"), "{out}");
}

#[test]
fn tasks_side_by_side_are_shown_in_the_playbooks_order() {
    let (out, _) = shown(
        Settings::default(),
        vec![
            task(1, "first", "command"),
            host_started(1, "web1"),
            task(2, "second", "command"),
            host_started(2, "web1"),
            task_done(TaskResult { task: 2, ..ok(json!({})) }),
            task_done(ended(Status::Changed, json!({}))),
        ],
    );
    assert_eq!(
        out,
        format!(
            "\nTASK [first] {}\nchanged: [web1]\n\nTASK [second] {}\nok: [web1]\n",
            "*".repeat(67),
            "*".repeat(66)
        )
    );
}

/// Takes some bytes, then fails.
struct Ending(Written, ErrorKind, usize);

impl Write for Ending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.text().len() >= self.2 { Err(self.1.into()) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let out = Written::default();
    let stdout = Ending(out.clone(), ErrorKind::BrokenPipe, 82);
    let mut reporter = Reporter::new(Settings::default(), Box::new(stdout), Box::new(Written::default()));
    reporter.event(event(play("p")));
    assert!(!reporter.closed());
    reporter.event(event(play("q")));
    assert!(reporter.closed());
    reporter.event(event(play("r")));
    assert!(out.text().contains("[p]") && !out.text().contains("[q]"));
    reporter.finish().expect("a reader that has seen enough is no error");
}

#[test]
fn a_full_disk_is_an_error_in_the_end() {
    let stdout = Ending(Written::default(), ErrorKind::StorageFull, 0);
    let mut reporter = Reporter::new(Settings::default(), Box::new(stdout), Box::new(Written::default()));
    reporter.event(event(play("p")));
    assert!(!reporter.closed());
    assert_eq!(reporter.finish().expect_err("the disk is full").kind(), ErrorKind::StorageFull);
}
