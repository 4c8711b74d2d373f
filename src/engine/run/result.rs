//! What came of a call: the outcome as Ansible's results have it, and what the task's own conditions say of it.

use std::sync::Arc;

use rplay_event::Status;
use rplay_module::params::{FaultKind, ParamFault, Spec};
use rplay_module::{Failure, FailureKind, Outcome};
use rplay_syntax::Node;
use rplay_template::{Scope, TemplateError, Value};
use serde_json::{Value as Json, json};

use super::item::Ended;
use super::{Runner, TaskRun};
use crate::directives;
use crate::load::bare;
use crate::scopes::{Data, Level, Stack};

/// What stands for the trace of an error in a result.
pub(super) const NO_TRACEBACK: &str = "(traceback unavailable)";

impl Runner {
    pub(super) fn ended(
        &self,
        task: &TaskRun<'_>,
        spec: &Spec,
        args: &Json,
        outcome: Outcome,
        unsure: bool,
    ) -> Ended {
        let action = task.item.task.action.name.as_ref();
        if let Some(failure) = &outcome.failure {
            if failure.kind == FailureKind::Unreachable {
                return Self::unconnected(task, failure);
            }
            let mut ended = failed(&named(failure.clone(), action));
            let told = ended.headline.clone().unwrap_or_default();
            let cause = rplay_event::Fault::new(told).at(&task.item.task.span);
            ended.causes.push(match &failure.hint {
                Some(hint) => cause.help(hint.clone()),
                None => cause,
            });
            ended.result.extend(outcome.result.clone());
            ended.set("changed", outcome.changed);
            self.keep_diff(task, &mut ended, outcome.diff);
            return ended;
        }
        let mut ended = Ended { result: outcome.result, planned: outcome.planned, ..Ended::default() };
        if unsure {
            for planned in &mut ended.planned {
                planned
                    .reason
                    .get_or_insert_with(|| "may run: its condition is not known before the run".to_owned());
            }
        }
        // Where the module itself does not place it, it is what Ansible's modules tell first.
        if ended.result.contains_key("changed") {
            ended.set("changed", outcome.changed);
        } else {
            ended.result.shift_insert(0, "changed".to_owned(), json!(outcome.changed));
        }
        // What is registered of a loop has it in each of its results; the screen leaves it out below -vvv.
        if self.settings.verbosity >= 3 || task.item.task.looping.is_some() {
            let arguments = super::invocation::arguments(action, spec, args, &ended.result);
            if let Some(arguments) = arguments {
                ended.set("invocation", json!({ "module_args": arguments }));
            }
        }
        if outcome.skipped {
            ended.set("skipped", true);
        }
        ended.set("failed", false);
        if outcome.unknown {
            ended.registered = Some(Value::unknown(task.name.as_str()));
        }
        if let Some(facts) = ended.result.get("ansible_facts") {
            ended.facts = Some(Value::from_json(facts.clone()));
        }
        ended.verbose_never = matches!(bare(action), "setup" | "gather_facts");
        self.keep_diff(task, &mut ended, outcome.diff);
        ended
    }

    /// Keeps the difference where it is asked for, in what is registered as well.
    fn keep_diff(&self, task: &TaskRun<'_>, ended: &mut Ended, diff: Vec<rplay_event::Diff>) {
        let wanted = match &task.item.context.diff {
            Some(node) => node.as_bool().unwrap_or(self.settings.diff),
            None => self.settings.diff,
        };
        if wanted && !diff.is_empty() {
            // What has a list of them keeps it with one.
            let all = matches!(ended.result.get("diff"), Some(Json::Array(none)) if none.is_empty());
            let registered = registered_diff(&diff);
            let list = all && !registered.is_array();
            ended.set("diff", if list { json!([registered]) } else { registered });
            ended.diff = diff;
        }
    }

    /// Applies `changed_when`, `failed_when` and `until`; returns whether the task is content.
    pub(super) fn judge(
        &self,
        task: &TaskRun<'_>,
        stack: &Stack,
        ended: &mut Ended,
        tries: bool,
    ) -> Result<bool, TemplateError> {
        if ended.registered.as_ref().is_some_and(Value::is_unknown) {
            return Ok(true);
        }
        let conditions = !task.item.task.changed_when.is_empty() || !task.item.task.failed_when.is_empty();
        if ended.status() != Status::Skipped && conditions {
            let scope = Self::seen(task, stack, ended);
            match self.all(&task.item.task.changed_when, &scope) {
                Ok(Some(changed)) => ended.set("changed", changed),
                Ok(None) => {}
                Err(error) => refuse(ended, "changed_when_result", &error),
            }
            let scope = Self::seen(task, stack, ended);
            let had_failed = ended.status() == Status::Failed;
            match self.all(&task.item.task.failed_when, &scope) {
                Ok(Some(failed)) => {
                    if had_failed && !failed && !directives::is_directive(bare(&task.item.task.action.name)) {
                        ended.set("failed_when_suppressed_exception", NO_TRACEBACK);
                    }
                    if failed && !had_failed {
                        ended.headline_of_action();
                    }
                    ended.set("failed", failed);
                    ended.set("failed_when_result", failed);
                }
                Ok(None) => {}
                Err(error) => refuse(ended, "failed_when_result", &error),
            }
        }
        if !tries {
            return Ok(true);
        }
        if task.item.task.until.is_empty() {
            return Ok(ended.status() != Status::Failed);
        }
        let scope = Self::seen(task, stack, ended);
        Ok(self.all(&task.item.task.until, &scope)?.unwrap_or(true))
    }

    /// Returns what the task's own conditions see: the result under its name.
    fn seen(task: &TaskRun<'_>, stack: &Stack, ended: &Ended) -> Arc<dyn Scope> {
        let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) else {
            return stack.clone().shared();
        };
        let value = Value::from_json(Json::Object(ended.result.clone()));
        stack.with(Level::LoopVars, Data::from_iter([(Arc::from(name), value)])).shared()
    }

    /// Returns whether all conditions hold; `None` where there is none.
    fn all(&self, conditions: &[Node], scope: &Arc<dyn Scope>) -> Result<Option<bool>, TemplateError> {
        for node in conditions {
            if self.template.condition(node, scope)?.truth == rplay_template::Tri::False {
                return Ok(Some(false));
            }
        }
        Ok((!conditions.is_empty()).then_some(true))
    }
}

/// Returns a difference as Ansible's results have it: one as itself, several as a list.
fn registered_diff(diff: &[rplay_event::Diff]) -> Json {
    let mut all = diff.iter().map(|diff| {
        let mut fields = serde_json::Map::new();
        for (name, side) in [("before", &diff.before), ("after", &diff.after)] {
            match side {
                rplay_event::DiffSide::Text(text) => drop(fields.insert(name.to_owned(), json!(text))),
                rplay_event::DiffSide::Data(data) => drop(fields.insert(name.to_owned(), data.clone())),
                rplay_event::DiffSide::Absent => {}
            }
        }
        let texts = [
            ("before_header", &diff.before_header),
            ("after_header", &diff.after_header),
            ("prepared", &diff.prepared),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        Json::Object(fields)
    });
    match diff.len() {
        1 => all.next().unwrap_or_default(),
        _ => all.collect(),
    }
}

fn refuse(ended: &mut Ended, field: &str, error: &TemplateError) {
    ended.set("failed", true);
    ended.headline_of_action();
    ended.set(field, error.to_string());
}

/// Returns the end of a task that took too long.
pub(super) fn timed_out(task: &TaskRun<'_>, seconds: u64) -> Ended {
    let message = format!("Task failed: Timed out after {seconds} second(s).");
    let mut ended = Ended::failed(message.as_str());
    ended.causes.push(rplay_event::Fault::new(message).at(&task.item.task.span));
    let help = "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.";
    ended.set("timedout", json!({ "frame": help, "period": seconds }));
    ended
}

pub(super) fn failed(failure: &Failure) -> Ended {
    let mut ended = Ended::failed(failure.message.clone());
    ended.result.extend(failure.result.clone());
    if let (Some(code), false) = (&failure.code, ended.result.contains_key("error")) {
        ended.set("error", json!({ "code": code, "message": failure.message }));
    }
    ended.screen = failure.screen.as_deref().map(str::to_owned);
    ended.headline = failure.told.as_ref().map(|told| format!("Task failed: {told}"));
    ended
}

/// Puts the module's name into messages about its arguments.
fn named(mut failure: Failure, action: &str) -> Failure {
    if let FailureKind::Arguments(faults) = &failure.kind {
        failure.message = rplay_module::params::message(faults, action);
        // The action itself judges these.
        let missing = |fault: &ParamFault| fault.kind == FaultKind::Missing;
        match bare(action) {
            "async_status" => failure = failure.refused(),
            "assemble" | "fetch" | "template" if faults.iter().any(missing) => {
                failure = Failure::new("src and dest are required").refused();
            }
            "unarchive" if faults.iter().any(missing) => {
                failure = Failure::new("src (or content) and dest are required").refused();
            }
            _ => {}
        }
    }
    failure
}
