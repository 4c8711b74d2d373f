use std::collections::HashMap;

use rplay_event::{Kind, Status, TaskInfo, TaskResult};
use serde_json::{Map, Value};

use crate::diff::differences;
use crate::failure::failure;
use crate::messages;
use crate::paint::Paint;
use crate::result::{cleaned, dumped_indented};
use crate::screen::{Screen, Side};
use crate::settings::Settings;

/// Ansible's `minimal` callback: a result per task and host, and no headings.
#[derive(Default)]
pub(crate) struct Minimal {
    tasks: HashMap<u64, TaskInfo>,
}

impl Minimal {
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        match kind {
            Kind::TaskStarted { task } => {
                self.tasks.insert(task.id, task.clone());
            }
            Kind::ItemDone { result } => tell_differences(result, settings, screen),
            Kind::TaskDone { result } => self.done(result, settings, screen),
            _ => {}
        }
    }

    fn done(&self, result: &TaskResult, settings: &Settings, screen: &mut Screen) {
        let task = self.tasks.get(&result.task);
        tell_differences(result, settings, screen);
        messages::warnings(result, settings, screen);
        if let Some(text) = failure(result, task) {
            screen.message(Side::Out, Paint::Error, "ERROR", &text);
        }
        let (word, paint) = match result.status {
            Status::Ok => ("SUCCESS", Paint::Ok),
            Status::Changed => ("CHANGED", Paint::Changed),
            Status::Skipped => {
                return screen.line(Side::Out, Some(Paint::Skip), &format!("{} | SKIPPED", result.host));
            }
            Status::Failed => ("FAILED", Paint::Error),
            Status::Unreachable => ("UNREACHABLE", Paint::Unreachable),
        };
        let action = task.map(|task| task.action.as_str()).unwrap_or_default();
        let line = line(result, action, word, settings);
        screen.line(Side::Out, Some(paint), &line);
    }
}

fn line(result: &TaskResult, action: &str, word: &str, settings: &Settings) -> String {
    let failed = matches!(result.status, Status::Failed | Status::Unreachable);
    let other = match result.status {
        Status::Unreachable => true,
        Status::Failed => result.result.contains_key("module_stderr"),
        Status::Ok | Status::Changed | Status::Skipped => result.result.contains_key("ansible_job_id"),
    };
    if is_command(action) && !other {
        return command_output(&result.host, word, &result.result);
    }
    // `debug` is shown whole where it failed, as everything else is.
    let shown = cleaned(&result.result, if failed { "" } else { action });
    let mark = if failed { "!" } else { "" };
    format!("{} | {word}{mark} => {}", result.host, dumped_indented(shown, settings))
}

fn tell_differences(result: &TaskResult, settings: &Settings, screen: &mut Screen) {
    let failed = matches!(result.status, Status::Failed | Status::Unreachable);
    if !result.diff.is_empty() && !failed {
        let text = differences(&result.diff, settings, screen);
        screen.line(Side::Out, None, &text);
    }
}

/// What modules print that answer in plain text.
fn command_output(host: &str, word: &str, result: &Map<String, Value>) -> String {
    let text = |name| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = result.get("rc").and_then(Value::as_i64).unwrap_or(-1);
    format!("{host} | {word} | rc={code} >>\n{}{}{}\n", text("stdout"), text("stderr"), text("msg"))
}

pub(crate) fn is_command(action: &str) -> bool {
    let name =
        action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy.")).unwrap_or(action);
    matches!(name, "command" | "shell" | "raw" | "win_command" | "win_shell")
}
