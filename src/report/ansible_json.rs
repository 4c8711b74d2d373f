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
    start: String,
    end: Option<String>,
    tasks: Vec<Task>,
}

struct Task {
    info: TaskInfo,
    start: String,
    end: Option<String>,
    hosts: Map<String, Value>,
}

impl AnsibleJson {
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        match kind {
            Kind::PlayStarted { name, .. } => {
                let start = (settings.now)();
                self.plays.push(Play { name: name.clone(), start, end: None, tasks: Vec::new() });
            }
            Kind::TaskStarted { task } => self.task_started(task, (settings.now)()),
            Kind::TaskDone { result } => self.task_done(result, (settings.now)()),
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

    fn task_started(&mut self, info: &TaskInfo, start: String) {
        self.actions.insert(info.id, info.action.clone());
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(Task { info: info.clone(), start, end: None, hosts: Map::new() });
        }
    }

    fn task_done(&mut self, result: &TaskResult, now: String) {
        let action = self.actions.get(&result.task).cloned().unwrap_or_default();
        let Some(play) = self.plays.last_mut() else { return };
        play.end = Some(now.clone());
        if let Some(task) = play.tasks.iter_mut().rev().find(|task| task.info.id == result.task) {
            task.end = Some(now);
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
        let tasks: Vec<Value> = self.tasks.iter().map(Task::value).collect();
        let duration = duration(&self.start, self.end.as_ref());
        json!({"play": {"name": self.name, "id": id.to_string(), "duration": duration}, "tasks": tasks})
    }
}

impl Task {
    fn value(&self) -> Value {
        let TaskInfo { id, name, span, .. } = &self.info;
        let mut task =
            json!({"name": name, "id": id.to_string(), "duration": duration(&self.start, self.end.as_ref())});
        if let (Some(span), Some(task)) = (span, task.as_object_mut()) {
            task.insert("path".to_owned(), Value::from(format!("{}:{}", span.file, span.line)));
        }
        json!({"task": task, "hosts": self.hosts})
    }
}

fn duration(start: &str, end: Option<&String>) -> Value {
    match end {
        Some(end) => json!({"start": start, "end": end}),
        None => json!({"start": start}),
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
