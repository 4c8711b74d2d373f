use std::collections::HashMap;

use rplay_event::{Counts, Kind, Status, TaskInfo, TaskResult};
use serde_json::{Map, Value, json};

use crate::result::cleaned;
use crate::screen::{Screen, Side};
use crate::settings::Settings;
use crate::text::{self, Layout};

/// The document of Ansible's `json` callback: printed once, with the recap.
///
/// A play's `path` is left out: an event does not tell it. Ids are numbers where Ansible draws random ones.
#[derive(Default)]
pub(crate) struct AnsibleJson {
    plays: Vec<Play>,
    actions: HashMap<u64, String>,
}

struct Play {
    name: String,
    time: Time,
    tasks: Vec<Task>,
}

struct Task {
    info: TaskInfo,
    time: Time,
    hosts: Map<String, Value>,
}

/// When something began and when it was last heard of, where the time is known.
struct Time {
    start: Option<String>,
    end: Option<String>,
}

impl AnsibleJson {
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        match kind {
            Kind::PlayStarted { name, .. } => {
                self.plays.push(Play {
                    name: name.clone(),
                    time: Time::starting(settings),
                    tasks: Vec::new(),
                });
            }
            Kind::TaskStarted { task } => self.task_started(task, settings),
            Kind::TaskDone { result } => self.task_done(result, settings),
            Kind::Recap { hosts } => {
                let stats: Map<String, Value> =
                    hosts.iter().map(|(host, counts)| (host.clone(), stats(counts))).collect();
                let indent = (settings.json_indent > 0).then_some(settings.json_indent);
                let document = text::json(&self.document(&stats), Layout { indent, ascii: true });
                screen.line(Side::Out, None, &document);
            }
            _ => {}
        }
    }

    fn task_started(&mut self, info: &TaskInfo, settings: &Settings) {
        self.actions.insert(info.id, info.action.clone());
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(Task { info: info.clone(), time: Time::starting(settings), hosts: Map::new() });
        }
    }

    fn task_done(&mut self, result: &TaskResult, settings: &Settings) {
        let action = self.actions.get(&result.task).cloned().unwrap_or_default();
        let Some(play) = self.plays.last_mut() else { return };
        play.time.end = settings.now.map(|now| now());
        if let Some(task) = play.tasks.iter_mut().rev().find(|task| task.info.id == result.task) {
            task.time.end.clone_from(&play.time.end);
            task.hosts.insert(result.host.clone(), host(result, action));
        }
    }

    fn document(&self, stats: &Map<String, Value>) -> Value {
        let plays: Vec<Value> = self.plays.iter().zip(1_usize..).map(|(play, id)| play.value(id)).collect();
        json!({"plays": plays, "stats": stats, "custom_stats": {}, "global_custom_stats": {}})
    }
}

impl Play {
    fn value(&self, id: usize) -> Value {
        let mut play = json!({"name": self.name, "id": id.to_string()});
        self.time.add_to(&mut play);
        let tasks: Vec<Value> = self.tasks.iter().map(Task::value).collect();
        json!({"play": play, "tasks": tasks})
    }
}

impl Task {
    fn value(&self) -> Value {
        let TaskInfo { id, name, span, .. } = &self.info;
        let mut task = json!({"name": name, "id": id.to_string()});
        self.time.add_to(&mut task);
        if let (Some(span), Some(task)) = (span, task.as_object_mut()) {
            task.insert("path".to_owned(), Value::from(format!("{}:{}", span.file, span.line)));
        }
        json!({"task": task, "hosts": self.hosts})
    }
}

impl Time {
    fn starting(settings: &Settings) -> Self {
        Self { start: settings.now.map(|now| now()), end: None }
    }

    fn add_to(&self, value: &mut Value) {
        let times = [("start", &self.start), ("end", &self.end)];
        let duration: Map<String, Value> = times
            .into_iter()
            .filter_map(|(name, time)| Some((name.to_owned(), Value::from(time.clone()?))))
            .collect();
        if let Some(fields) = value.as_object_mut().filter(|_| !duration.is_empty()) {
            fields.insert("duration".to_owned(), Value::Object(duration));
        }
    }
}

fn host(result: &TaskResult, action: String) -> Value {
    let mut fields = cleaned(&result.result, "");
    if fields.get("exception").is_some_and(|exception| !exception.is_string()) {
        fields.insert("exception".to_owned(), Value::from("(traceback unavailable)"));
    }
    match result.status {
        Status::Failed => fields.insert("failed".to_owned(), Value::Bool(true)),
        Status::Skipped => fields.insert("skipped".to_owned(), Value::Bool(true)),
        Status::Ok | Status::Changed | Status::Unreachable => None,
    };
    fields.insert("action".to_owned(), Value::String(action));
    Value::Object(fields)
}

fn stats(counts: &Counts) -> Value {
    let Counts { ok, changed, unreachable, failed, skipped, rescued, ignored } = counts;
    json!({
        "ok": ok, "changed": changed, "unreachable": unreachable, "failures": failed, "skipped": skipped,
        "rescued": rescued, "ignored": ignored,
    })
}
