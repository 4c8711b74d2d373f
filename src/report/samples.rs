//! Events for tests, made short.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rplay_event::{Counts, Event, Kind, Masker, Progress, ProgressStep, Span, Status, TaskInfo, TaskResult};
use serde_json::{Map, Value};

use crate::{Beside, Reporter, Settings};

pub(crate) fn event(kind: Kind) -> Event {
    Masker::default().event(kind)
}

pub(crate) fn play(name: &str) -> Kind {
    Kind::PlayStarted { name: name.to_owned(), hosts: vec!["web1".to_owned()], check: false }
}

pub(crate) fn started(id: u64) -> Kind {
    task(id, "debug", "command")
}

/// A task at `site.yml:12:7`.
pub(crate) fn task(id: u64, name: &str, action: &str) -> Kind {
    let task = TaskInfo {
        id,
        name: name.to_owned(),
        action: action.to_owned(),
        span: Some(Span::new("site.yml", 12, 7)),
        handler: false,
        check: false,
        no_log: false,
        free: false,
    };
    Kind::TaskStarted { task }
}

pub(crate) fn host_started(task: u64, host: &str) -> Kind {
    Kind::HostStarted { task, host: host.to_owned() }
}

pub(crate) fn done(task: u64, host: &str) -> Kind {
    Kind::TaskDone { result: TaskResult { task, host: host.to_owned(), ..ok(Value::Object(Map::new())) } }
}

/// An `ok` of task 1 on `web1`; the tests change what they are about.
pub(crate) fn ok(result: Value) -> TaskResult {
    let Value::Object(result) = result else { panic!("a result is a mapping: {result}") };
    TaskResult {
        task: 1,
        host: "web1".to_owned(),
        delegated_to: None,
        status: Status::Ok,
        ignored: false,
        item: None,
        result,
        verbose_always: false,
        verbose_never: false,
        looped: false,
        diff: Vec::new(),
        screen: None,
    }
}

pub(crate) fn ended(status: Status, result: Value) -> TaskResult {
    TaskResult { status, ..ok(result) }
}

pub(crate) fn recap(hosts: &[(&str, Counts)]) -> Kind {
    Kind::Recap { hosts: hosts.iter().map(|(host, counts)| ((*host).to_owned(), *counts)).collect() }
}

pub(crate) fn progress(headline: &str, steps: &[(&str, &str)], note: Option<&str>) -> Progress {
    let step = |(label, state): &(&str, &str)| ProgressStep {
        label: (*label).to_owned(),
        state: (*state).to_owned(),
        amount: None,
    };
    Progress {
        headline: headline.to_owned(),
        steps: steps.iter().map(step).collect(),
        note: note.map(str::to_owned),
    }
}

/// A stream that the test reads afterwards.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panics in a write").clone()).expect("text")
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics in a write").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what is written to stdout and stderr.
pub(crate) fn shown(settings: Settings, events: Vec<Kind>) -> (String, String) {
    shown_with(settings, None, events)
}

/// The same, with more readers of the run.
pub(crate) fn shown_with(settings: Settings, beside: Option<Beside>, events: Vec<Kind>) -> (String, String) {
    let (out, err) = (Written::default(), Written::default());
    let mut reporter = Reporter::new(settings, Box::new(out.clone()), Box::new(err.clone()));
    if let Some(beside) = beside {
        reporter = reporter.with_beside(beside);
    }
    for kind in events {
        reporter.event(event(kind));
    }
    reporter.finish().expect("nothing ends these streams");
    (out.text(), err.text())
}
