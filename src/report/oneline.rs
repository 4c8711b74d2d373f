use std::collections::HashMap;

use rplay_event::{Kind, Status, TaskInfo, TaskResult};
use serde_json::{Map, Value};

use crate::minimal::is_command;
use crate::paint::Paint;
use crate::result::{cleaned, dumped};
use crate::screen::{Screen, Side};
use crate::settings::Settings;

/// Ansible's `oneline` callback: a line per task and host.
#[derive(Default)]
pub(crate) struct Oneline {
    tasks: HashMap<u64, TaskInfo>,
}

impl Oneline {
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        match kind {
            Kind::TaskStarted { task } => {
                self.tasks.insert(task.id, task.clone());
            }
            Kind::TaskDone { result } => {
                let action = self.tasks.get(&result.task).map(|task| task.action.as_str());
                let (paint, line) = line(result, action.unwrap_or_default(), settings);
                screen.line(Side::Out, Some(paint), &line);
            }
            _ => {}
        }
    }
}

fn line(result: &TaskResult, action: &str, settings: &Settings) -> (Paint, String) {
    let host = &result.host;
    let fields = &result.result;
    match result.status {
        Status::Skipped => (Paint::Skip, format!("{host} | SKIPPED")),
        Status::Unreachable => {
            let message = fields.get("msg").and_then(Value::as_str).unwrap_or_default();
            (Paint::Unreachable, format!("{host} | UNREACHABLE!: {message}"))
        }
        Status::Failed => (Paint::Error, format!("{host} | FAILED! => {}", in_a_line(result, settings))),
        Status::Ok | Status::Changed => {
            let changed = result.status == Status::Changed;
            let (word, paint) = if changed { ("CHANGED", Paint::Changed) } else { ("SUCCESS", Paint::Ok) };
            if is_command(action) && !fields.contains_key("ansible_job_id") {
                return (paint, command_output(host, word, fields));
            }
            (paint, format!("{host} | {word} => {}", in_a_line(result, settings)))
        }
    }
}

/// Where Ansible breaks lines for a result of no indentation it leaves no space once they are joined.
fn in_a_line(result: &TaskResult, settings: &Settings) -> String {
    let text = dumped(
        cleaned(&result.result, ""),
        &Settings { verbosity: settings.verbosity.max(3), ..settings.clone() },
        true,
    );
    text.lines().map(|line| if settings.verbosity > 2 { line } else { line.trim_start() }).collect()
}

fn command_output(host: &str, word: &str, result: &Map<String, Value>) -> String {
    let text = |name: &str| {
        let text = result.get(name).and_then(Value::as_str).unwrap_or_default();
        text.replace('\n', "\\n").replace('\r', "\\r")
    };
    let code = result.get("rc").and_then(Value::as_i64).unwrap_or(-1);
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    if stderr.is_empty() {
        format!("{host} | {word} | rc={code} | (stdout) {stdout}")
    } else {
        format!("{host} | {word} | rc={code} | (stdout) {stdout} (stderr) {stderr}")
    }
}
