use std::sync::{Arc, Mutex};

use rplay_event::{Counts, Kind, Span, Status, TaskResult};
use serde_json::json;

use super::{Beside, Clock, JunitSettings, ProfileSettings, Save};
use crate::samples::{self, ended, ok, play, recap, task};
use crate::{Output, Settings};

type Saved = Arc<Mutex<Vec<(String, String)>>>;

fn saving() -> (Save, Saved) {
    let saved = Saved::default();
    let into = Arc::clone(&saved);
    let save = move |name: &str, text: &str| {
        into.lock().expect("no test panics with it").push((name.to_owned(), text.to_owned()));
        Ok(())
    };
    (Box::new(save), saved)
}

fn clock() -> Clock {
    Clock { seconds: || 100.5, shown: |format| format!("<{format}>") }
}

fn told(enable: impl FnOnce(&mut Beside), events: Vec<Kind>) -> String {
    let mut beside = Beside::new(clock());
    enable(&mut beside);
    samples::shown_with(Settings { output: Output::Minimal, ..Settings::default() }, Some(beside), events).0
}

fn done(result: TaskResult) -> Kind {
    Kind::TaskDone { result }
}

#[test]
fn tree_saves_the_last_result_of_each_host() {
    let (save, saved) = saving();
    let result = json!({"ping": "pong", "changed": false, "failed": false, "invocation": {}, "warnings": ["w"], "_ansible_x": 1});
    told(
        |beside| beside.tree(save),
        vec![play("p"), task(1, "t", "ping"), done(ok(result)), done(ended(Status::Skipped, json!({})))],
    );
    let saved = saved.lock().expect("no test panics with it");
    assert_eq!(*saved, [("web1".to_owned(), r#"{"changed": false, "ping": "pong"}"#.to_owned())]);
}

#[test]
fn what_cannot_be_saved_is_a_warning() {
    let mut beside = Beside::new(clock());
    beside.tree(Box::new(|host, _| Err(format!("no room for {host}"))));
    let events = vec![play("p"), task(1, "t", "ping"), done(ok(json!({})))];
    let settings = Settings { output: Output::Minimal, ..Settings::default() };
    assert!(samples::shown_with(settings, Some(beside), events).1.contains("[WARNING]: no room for web1"));
}

#[test]
fn junit_writes_a_case_for_each_task_and_host() {
    let (save, saved) = saving();
    let started = Kind::PlaybookStarted { file: "/w/site.yml".to_owned(), plays: 1 };
    let mut copy = task(2, "copy <it>", "copy");
    if let Kind::TaskStarted { task } = &mut copy {
        task.span = Some(Span::new("/w/site.yml", 7, 3));
    }
    let failed =
        TaskResult { task: 2, ..ended(Status::Failed, json!({"msg": "no \"room\"", "failed": true})) };
    let events = vec![
        started,
        play("p"),
        task(1, "wait", "ping"),
        done(ended(Status::Skipped, json!({"skip_reason": "not now"}))),
        copy,
        done(failed),
        recap(&[("web1", Counts::default())]),
    ];
    let settings = JunitSettings { relative_to: Some("/w/sub".to_owned()), ..JunitSettings::default() };
    told(|beside| beside.junit(settings, save), events);
    let saved = saved.lock().expect("no test panics with it");
    let (name, report) = saved.first().expect("one report");
    assert_eq!(name, "site-100.5000000.xml");
    assert!(report.starts_with(
        "<?xml version=\"1.0\" ?>\n<testsuites disabled=\"0\" errors=\"1\" failures=\"0\" tests=\"2\" time=\"0\">\n\
         \t<testsuite disabled=\"0\" errors=\"1\" failures=\"0\" name=\"site\" skipped=\"1\" tests=\"2\" time=\"0\">\n"
    ));
    assert!(report.contains("<skipped>not now</skipped>"));
    assert!(report.contains(
        "<testcase classname=\"../site.yml:7\" name=\"[web1] p: copy &lt;it&gt;\" time=\"0\">\n\t\t\t<error message=\"Task \
         failed: Module failed: no &quot;room&quot;\" type=\"error\">"
    ));
}

#[test]
fn an_expected_failure_is_a_success() {
    let (save, saved) = saving();
    let events = vec![
        play("p"),
        task(1, "EXPECTED FAILURE - no", "fail"),
        done(ended(Status::Failed, json!({"msg": "no"}))),
        recap(&[]),
    ];
    told(|beside| beside.junit(JunitSettings::default(), save), events);
    let saved = saved.lock().expect("no test panics with it");
    assert!(saved.iter().any(|(_, report)| report.contains("errors=\"0\" failures=\"0\"")));
}

#[test]
fn timer_and_profile_tell_the_times_on_the_screen() {
    let out = told(
        |beside| {
            beside
                .profile(ProfileSettings { datetime_format: "%H".to_owned(), ..ProfileSettings::default() });
            beside.timer();
        },
        vec![play("p"), task(1, "a task", "ping"), recap(&[("web1", Counts::default())])],
    );
    let line = format!("<%H> (0:00:00.000)       0:00:00.000 {} \n", "*".repeat(42));
    let name = "a task ".to_owned() + &"-".repeat(63);
    assert_eq!(
        out,
        format!(
            "{line}\nTASKS RECAP {}\n{line}{} \n{name}--- 0.00s\nPlaybook run took 0 days, 0 hours, 0 minutes, 0 seconds\n",
            "*".repeat(68),
            "=".repeat(79)
        )
    );
}
