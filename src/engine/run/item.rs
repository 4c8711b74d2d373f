use std::path::PathBuf;
use std::sync::Arc;

use rplay_event::{Diff, Excerpt, Fault, Span, Status};
use rplay_module::Planned;
use rplay_syntax::LoopSource;
use rplay_template::{ErrorKind, Scope, TemplateError, Tri, Value};
use serde_json::{Map, Value as Json, json};

use super::include_role::RoleCall;
use super::{Runner, Stop, TaskRun, flag};
use crate::hosts::Host;
use crate::load::{TaskItem, bare};
use crate::scopes::{Data, Stack, Written};

/// How a task (or an item of its loop) ended on a host.
#[derive(Clone, Default)]
pub(crate) struct Ended {
    pub(crate) result: Map<String, Json>,
    /// What `register` receives where that is not the result: something unknown before the run.
    pub(crate) registered: Option<Value>,
    pub(crate) item: Option<Json>,
    pub(crate) unreachable: bool,
    pub(crate) ignored: bool,
    pub(crate) no_log: bool,
    pub(crate) verbose_always: bool,
    pub(crate) verbose_never: bool,
    pub(crate) looped: bool,
    pub(crate) diff: Vec<Diff>,
    pub(crate) screen: Option<String>,
    pub(crate) delegated_to: Option<String>,
    /// The delegate's `ansible_host`.
    pub(crate) delegated_address: Option<String>,
    /// Whose the facts are, where they are not the task's host's.
    pub(crate) facts_of: Option<Arc<Host>>,
    pub(crate) facts: Option<Value>,
    /// What `set_fact` sets.
    pub(crate) variables: Vec<(String, Value)>,
    /// What the items of a loop have told, one after the other.
    pub(crate) learned: Vec<Learned>,
    /// What `include_vars` read.
    pub(crate) included: Vec<Arc<Written>>,
    pub(crate) include: Vec<Include>,
    /// What `set_stats` tells.
    pub(crate) stats: Vec<Map<String, Json>>,
    pub(crate) notify: Vec<String>,
    pub(crate) planned: Vec<Planned>,
    /// What the failure is called, where the result does not tell.
    pub(crate) headline: Option<String>,
    /// The failure has been told already.
    pub(crate) told: bool,
    /// What led to a failure, the outermost first; a first one without a message stands for the result's own.
    pub(crate) causes: Vec<Fault>,
}

/// What one item of a loop has told.
#[derive(Clone)]
pub(crate) struct Learned {
    /// Whose it is, where that is not the task's host.
    pub(crate) of: Option<Arc<Host>>,
    pub(crate) facts: Option<Value>,
    pub(crate) variables: Vec<(String, Value)>,
}

/// What an include brings in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Brought {
    /// A file of tasks, and the name that it was asked for by.
    File {
        path: PathBuf,
        name: String,
    },
    Role(Box<RoleCall>),
}

/// Something that a host asked for.
#[derive(Clone)]
pub(crate) struct Include {
    pub(crate) what: Brought,
    pub(crate) vars: Vec<Arc<Data>>,
    pub(crate) item: Option<Json>,
}

impl Include {
    pub(super) fn same(&self, other: &Self) -> bool {
        self.what == other.what && self.item == other.item && self.vars == other.vars
    }
}

impl Ended {
    /// Returns the end of a task that failed before its module was called.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        let message: String = message.into();
        let result = Map::from_iter([
            ("changed".to_owned(), json!(false)),
            ("failed".to_owned(), json!(true)),
            ("msg".to_owned(), json!(message)),
        ]);
        Self { result, ..Self::default() }
    }

    pub(crate) fn status(&self) -> Status {
        if flag(&self.result, "failed") {
            Status::Failed
        } else if self.unreachable {
            Status::Unreachable
        } else if flag(&self.result, "skipped") {
            Status::Skipped
        } else if flag(&self.result, "changed") {
            Status::Changed
        } else {
            Status::Ok
        }
    }

    /// Says that the action found its result wrong, not the module.
    pub(crate) fn headline_of_action(&mut self) {
        let message = match self.result.get("msg") {
            None | Some(Json::Null) => String::new(),
            Some(message) => Value::from_json(message.clone()).text(),
        };
        if !self.result.contains_key("msg") {
            // What fails without a word is told so, in the result as well.
            let headline = "Task failed: Action failed: Unknown error.";
            self.headline = Some(headline.to_owned());
            self.set("msg", headline);
            return;
        }
        let colon = if message.is_empty() { "." } else { ": " };
        if !message.starts_with("Task failed") {
            self.headline = Some(format!("Task failed: Action failed{colon}{message}"));
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.result.insert(name.to_owned(), value.into());
    }
}

impl Runner {
    /// Runs a task on a host: all items of its loop, or once.
    pub(super) async fn on_host(&self, task: &TaskRun<'_>, host: &Arc<Host>) -> Result<Ended, Stop> {
        let stack = self.task_scope(task.play, host, task.item);
        if !task.item.task.action.name.contains("{{") {
            return self.with_action(task, host, stack).await;
        }
        match self.action(task, &stack) {
            Ok(item) => {
                self.with_action(&TaskRun { item: &item, name: task.name.clone(), ..*task }, host, stack)
                    .await
            }
            Err(error) => Ok(Self::wrong(task, &error, "Task failed", &[])),
        }
    }

    /// Returns the task with its action rendered.
    fn action(&self, task: &TaskRun<'_>, stack: &Stack) -> Result<TaskItem, TemplateError> {
        let mut item = task.item.clone();
        let rendered = self.template.render_str(&item.task.action.name, &stack.clone().shared())?;
        if rendered.value.is_omit() {
            return Err(TemplateError::runtime("Omit is not valid for the `action` keyword."));
        }
        item.task.action.name = rendered.value.text().into();
        Ok(item)
    }

    async fn with_action(&self, task: &TaskRun<'_>, host: &Arc<Host>, stack: Stack) -> Result<Ended, Stop> {
        let mut ended = match self.items(task, &stack) {
            Ok(None) => self.once(task, host, &stack).await?,
            Ok(Some(items)) if items.is_unknown() => self.unknown_loop(task, host, &stack).await?,
            Ok(Some(items)) => self.each(task, host, stack, items.as_items().unwrap_or_default()).await?,
            Err(error) => self.loop_error(task, &stack, &error),
        };
        ended.no_log |= task.no_log;
        if ended.no_log {
            mask_texts(self.emitter.masker(), &Json::Object(ended.result.clone()));
        }
        Ok(ended)
    }

    /// Returns the items of the loop; `None` without one.
    fn items(&self, task: &TaskRun<'_>, stack: &Stack) -> Result<Option<Value>, TemplateError> {
        let Some(looping) = &task.item.task.looping else { return Ok(None) };
        let scope = stack.clone().shared();
        let terms = match &looping.source {
            // Names of files that nobody has set are none to look for.
            LoopSource::Lookup(name) if bare(name) == "first_found" => {
                self.template.render_defined(&looping.node, &scope)?
            }
            LoopSource::Lookup(_) => self.template.render_terms(&looping.node, &scope)?,
            LoopSource::List => self.template.render(&looping.node, &scope)?,
        };
        if terms.marks.unknown || terms.value.is_unknown() {
            return Ok(Some(Value::unknown("loop")));
        }
        let items = match &looping.source {
            LoopSource::List => terms.value,
            LoopSource::Lookup(name) => {
                let action = task.item.task.action.name.as_ref();
                self.template.lookup(name, &terms.value, action, &scope)?.value
            }
        };
        if items.as_items().is_none() {
            let message = format!("The `loop` value must resolve to a 'list', not '{}'.", items.type_name());
            let mut error = TemplateError::runtime(message);
            error.span = Some(looping.node.span.clone());
            error.help =
                Some("Provide a list of items/templates, or a template resolving to a list.".to_owned());
            return Err(error);
        }
        Ok(Some(items))
    }

    /// A loop that cannot be evaluated only matters when the task would run at all.
    fn loop_error(&self, task: &TaskRun<'_>, stack: &Stack, error: &TemplateError) -> Ended {
        let scope = stack.clone().shared();
        if error.kind == ErrorKind::Undefined
            && let Ok(Some(skipped)) = self.condition(task, &scope).map(|(skipped, _)| skipped)
        {
            return skipped;
        }
        let mut ended = if error.kind == ErrorKind::Undefined {
            Self::wrong(task, error, "Task failed", &[])
        } else {
            Self::unbegun(task, error)
        };
        ended.ignored = self.truth(task.item.context.ignore_errors.as_ref(), &scope);
        ended
    }

    pub(super) async fn once(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        stack: &Stack,
    ) -> Result<Ended, Stop> {
        let mut ended = self.attempt(task, host, stack).await?;
        let scope = stack.clone().shared();
        ended.no_log |= self.hides(task, &scope);
        ended.ignored = ended.status() == Status::Failed
            && self.truth(task.item.context.ignore_errors.as_ref(), &scope)
            || ended.unreachable && self.truth(task.item.context.ignore_unreachable.as_ref(), &scope);
        if ended.status() == Status::Failed {
            ended.result.entry("exception").or_insert_with(|| json!(super::result::NO_TRACEBACK));
        }
        // An item that changes nothing is heard as well, when another one of its loop changes something.
        if matches!(ended.status(), Status::Changed | Status::Ok) && !task.item.context.notify.is_empty() {
            ended.notify = self.notify_names(task, &scope);
        }
        self.planned(task.id, &host.name, std::mem::take(&mut ended.planned));
        Ok(ended)
    }

    fn notify_names(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Vec<String> {
        let mut names = Vec::new();
        for node in &task.item.context.notify {
            match self.template.render(node, scope) {
                Ok(rendered) => match rendered.value.as_items() {
                    Some(items) => names.extend(items.iter().map(Value::text)),
                    None => names.push(rendered.value.text()),
                },
                Err(error) => self.emitter.warn(format!("{}: {error}", task.name)),
            }
        }
        names
    }

    /// Asks the conditions: the result of a skipped task, or whether it only may run.
    pub(super) fn condition(
        &self,
        task: &TaskRun<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<(Option<Ended>, bool), TemplateError> {
        let mut unsure = false;
        for node in &task.item.context.when {
            match self.template.condition(node, scope)?.truth {
                Tri::True => {}
                Tri::Unknown => unsure = true,
                Tri::False => {
                    let result = object(json!({
                        "changed": false, "skipped": true, "skip_reason": "Conditional result was False",
                        "false_condition": node.to_json() }));
                    return Ok((Some(Ended { result, ..Ended::default() }), false));
                }
            }
        }
        Ok((None, unsure))
    }

    /// Returns the end of a task whose template failed: one line for the result, and what led to it with its places.
    ///
    /// `doing` is what was done on the way, the outermost first, each with its place.
    pub(crate) fn wrong(
        task: &TaskRun<'_>,
        error: &TemplateError,
        title: &str,
        doing: &[(String, Span)],
    ) -> Ended {
        let place = error.span.clone().unwrap_or_else(|| task.item.task.span.clone());
        let steps: Vec<&str> = doing.iter().map(|(step, _)| step.trim_end_matches('.')).collect();
        let whole =
            [title].into_iter().chain(steps).chain([error.message.as_str()]).collect::<Vec<_>>().join(": ");
        let mut ended = Ended::failed(whole);
        let mut doing = doing.to_vec();
        let missing = task.play.missing_files.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut told = told(error, &place);
        if let Some(first) = told.first_mut() {
            if error.kind == ErrorKind::Undefined && !missing.is_empty() {
                first.help = Some(missing.join("; "));
            }
            // What was being done at the very place is one cause with what went wrong there.
            if let Some((step, _)) = doing.pop_if(|(_, at)| *at == place) {
                first.message = format!("{}: {}", step.trim_end_matches('.'), first.message);
            }
        }
        ended.causes.push(Fault::new(format!("{title}.")).at(&task.item.task.span));
        ended.causes.extend(doing.iter().map(|(step, place)| Fault::new(step.clone()).at(place)));
        ended.causes.append(&mut told);
        ended
    }

    /// Returns the end of a task that was not even begun, which is told by the error alone.
    pub(super) fn unbegun(task: &TaskRun<'_>, error: &TemplateError) -> Ended {
        let mut ended = Ended::failed(error.message.as_str());
        ended.result.shift_remove("changed");
        let place = error.span.clone().unwrap_or_else(|| task.item.task.span.clone());
        ended.causes = told(error, &place);
        ended
    }

    /// Returns whether the action only brings in tasks.
    pub(super) fn is_include(task: &TaskRun<'_>) -> bool {
        matches!(bare(&task.item.task.action.name), "include_tasks" | "include_role")
    }
}

/// Returns the error and what it comes from, each with its place.
fn told(error: &TemplateError, place: &Span) -> Vec<Fault> {
    let mut faults = Vec::new();
    let template = error.template.as_deref();
    let mut fault = placed(&error.message, Some(place), template, error.help.as_ref());
    let mut cause = error.cause.as_deref();
    while let Some(inner) = cause {
        let next = placed(&inner.message, inner.span.as_ref(), inner.shown.as_deref(), inner.help.as_ref());
        let before = fault.message.strip_suffix(&inner.message).and_then(|before| before.strip_suffix(": "));
        // What only repeats its cause is the cause.
        if let Some(before) = before {
            let stop = if inner.unstopped { "" } else { "." };
            fault.message = format!("{}{stop}", before.trim_end_matches('.'));
            faults.push(fault);
        }
        fault = if inner.apart { next.apart() } else { next };
        cause = inner.cause.as_deref();
    }
    faults.push(fault);
    faults
}

/// Returns a fault at its place; what stands in no file is shown itself.
fn placed(message: &str, place: Option<&Span>, shown: Option<&str>, help: Option<&String>) -> Fault {
    let mut fault = Fault::new(message);
    fault.span = place.cloned();
    fault.help = help.cloned();
    if let (Some("<unknown>"), Some(shown)) = (place.map(|place| &*place.file), shown) {
        let text = format!("{shown}\n");
        fault.excerpt = Some(Excerpt { first_line: 1, text, start: 0, end: 0, label: String::new() });
    }
    fault
}

pub(crate) fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(fields) => fields,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

/// Texts of a `no_log` task are masked wherever they come up later; short ones would hide every `yes`.
pub(super) fn mask_texts(masker: &rplay_event::Masker, value: &Json) {
    match value {
        Json::String(text) if text.len() >= 8 && !is_usual(text) => masker.add_text(text),
        Json::Array(items) => items.iter().for_each(|item| mask_texts(masker, item)),
        Json::Object(fields) => fields
            .iter()
            .filter(|(key, _)| {
                !matches!(
                    key.as_str(),
                    "skip_reason"
                        | "false_condition"
                        | "ansible_loop_var"
                        | "state"
                        | "mode"
                        | "owner"
                        | "group"
                        | "start"
                        | "end"
                        | "delta"
                        | "dest"
                        | "path"
                )
            })
            .for_each(|(_, field)| mask_texts(masker, field)),
        _ => {}
    }
}

/// What results say by themselves is no secret.
fn is_usual(message: &str) -> bool {
    matches!(
        message,
        "non-zero return code"
            | "All items completed"
            | "All items skipped"
            | "One or more items failed"
            | "All assertions passed"
            | "Assertion failed"
            | "Hello world!"
            | "Command would have run if not in check mode"
    ) || message.starts_with("Task failed: ")
}
