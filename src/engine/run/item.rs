use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rplay_event::{Diff, Fault, Kind, Span, Status};
use rplay_module::Planned;
use rplay_syntax::{LoopSource, Node};
use rplay_template::{ErrorKind, Scope, TemplateError, Tri, Value};
use serde_json::{Map, Value as Json, json};

use super::include_role::RoleCall;
use super::task::is_true;
use super::{Runner, Stop, TaskRun, flag};
use crate::hosts::Host;
use crate::load::bare;
use crate::scopes::{Data, Level, Stack, Written};

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
    pub(crate) facts: Option<Value>,
    /// What `set_fact` sets.
    pub(crate) variables: Vec<(String, Value)>,
    /// What `include_vars` read.
    pub(crate) included: Vec<Arc<Written>>,
    pub(crate) include: Vec<Include>,
    pub(crate) notify: Vec<String>,
    pub(crate) planned: Vec<Planned>,
    /// What led to a failure, the outermost first; a first one without a message stands for the result's own.
    pub(crate) causes: Vec<Fault>,
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
        if self.unreachable {
            Status::Unreachable
        } else if flag(&self.result, "failed") {
            Status::Failed
        } else if flag(&self.result, "skipped") {
            Status::Skipped
        } else if flag(&self.result, "changed") {
            Status::Changed
        } else {
            Status::Ok
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
        let mut ended = match self.items(task, &stack) {
            Ok(None) => self.once(task, host, &stack).await?,
            Ok(Some(items)) if items.is_unknown() => self.unknown_loop(task, host, &stack).await?,
            Ok(Some(items)) => self.each(task, host, &stack, items.as_items().unwrap_or_default()).await?,
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
        let terms = self.template.render(&looping.node, &scope)?;
        if terms.marks.unknown || terms.value.is_unknown() {
            return Ok(Some(Value::unknown("loop")));
        }
        let items = match &looping.source {
            LoopSource::List => terms.value,
            LoopSource::Lookup(name) => self.template.lookup(name, &terms.value, &scope)?.value,
        };
        if items.as_items().is_none() {
            let message = format!(
                "Invalid data passed to 'loop', it requires a list, got this instead: {}. Hint: If you passed a list/dict \
                 of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.",
                items.text()
            );
            return Err(TemplateError::runtime(message));
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
        Self::wrong(task, error, "Task failed", &[])
    }

    async fn once(&self, task: &TaskRun<'_>, host: &Arc<Host>, stack: &Stack) -> Result<Ended, Stop> {
        let mut ended = self.attempt(task, host, stack).await?;
        let scope = stack.clone().shared();
        ended.ignored = ended.status() == Status::Failed
            && self.truth(task.item.context.ignore_errors.as_ref(), &scope)
            || ended.unreachable && self.truth(task.item.context.ignore_unreachable.as_ref(), &scope);
        if ended.status() == Status::Changed {
            ended.notify = self.notify_names(task, &scope);
        }
        self.planned(task.id, &host.name, std::mem::take(&mut ended.planned));
        Ok(ended)
    }

    /// A plan cannot know how many items there will be: it says what one would be like.
    async fn unknown_loop(&self, task: &TaskRun<'_>, host: &Arc<Host>, stack: &Stack) -> Result<Ended, Stop> {
        let name = self.loop_var(task, stack);
        let data = Data::from_iter([(Arc::from(name), Value::unknown("item"))]);
        let mut ended = self.once(task, host, &stack.with(Level::LoopVars, data)).await?;
        ended.registered = Some(Value::unknown("results"));
        Ok(ended)
    }

    async fn each(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        stack: &Stack,
        items: &[Value],
    ) -> Result<Ended, Stop> {
        let mut whole = Ended { looped: true, ..Ended::default() };
        if items.is_empty() {
            whole.result = object(json!({
                "changed": false, "skipped": true, "skipped_reason": "No items in the list", "results": [] }));
            return Ok(whole);
        }
        let control = LoopVars::new(self, task, stack);
        let mut results: Vec<Value> = Vec::with_capacity(items.len());
        let mut plain: Vec<Json> = Vec::with_capacity(items.len());
        let mut stack = stack.clone();
        for (index, item) in items.iter().enumerate() {
            if self.interrupt.is_requested() {
                return Err(Stop::Interrupted);
            }
            if index > 0 && !control.pause.is_zero() {
                tokio::time::sleep(control.pause).await;
            }
            let inner = stack.with(Level::LoopVars, control.data(items, index, item));
            let mut ended = self.once(task, host, &inner).await?;
            control.add(&mut ended, items, index, item);
            if let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) {
                let value = Value::from_json(Json::Object(ended.result.clone()));
                stack = stack.with(Level::SetFactsAndRegistered, Data::from_iter([(Arc::from(name), value)]));
            }
            for (name, value) in &ended.variables {
                stack = stack.with(
                    Level::SetFactsAndRegistered,
                    Data::from_iter([(Arc::from(name.as_str()), value.clone())]),
                );
            }
            self.label(task, &control, &inner, &mut ended, item);
            let label = ended.item.clone();
            ended.include.iter_mut().for_each(|include| include.item.clone_from(&label));
            results.push(
                ended
                    .registered
                    .clone()
                    .unwrap_or_else(|| Value::from_json(Json::Object(ended.result.clone()))),
            );
            if ended.include.is_empty() || ended.status() == Status::Failed {
                ended.no_log |= task.no_log;
                let status = ended.status();
                self.emit(Kind::ItemDone { result: self.told(task, host, &ended, status) });
            }
            plain.push(Json::Object(ended.result.clone()));
            whole.add(ended);
        }
        whole.sum_up(plain);
        if results.iter().any(Value::contains_unknown) {
            let all = Value::from_json(Json::Object(whole.result.clone()));
            whole.registered = Some(all.with("results", Value::list(results)));
        }
        Ok(whole)
    }

    fn label(&self, task: &TaskRun<'_>, control: &LoopVars, stack: &Stack, ended: &mut Ended, item: &Value) {
        let Some(label) = &task.item.task.loop_control.label else {
            ended.item = Some(item.to_json());
            return;
        };
        let mut stack = stack.clone();
        if let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) {
            let value = Value::from_json(Json::Object(ended.result.clone()));
            stack = stack.with(Level::LoopVars, Data::from_iter([(Arc::from(name), value)]));
        }
        match self.template.render(label, &stack.shared()) {
            Ok(rendered) => ended.item = Some(rendered.value.to_json()),
            Err(error) => {
                ended.set("failed", true);
                ended.set("msg", format!("Failed to template loop_control.label: {error}"));
                ended.item = Some(json!(control.name.as_str()));
            }
        }
    }

    fn loop_var(&self, task: &TaskRun<'_>, stack: &Stack) -> String {
        match &task.item.task.loop_control.loop_var {
            Some(node) => match self.template.render(node, &stack.clone().shared()) {
                Ok(rendered) => rendered.value.text(),
                Err(_) => "item".to_owned(),
            },
            None => "item".to_owned(),
        }
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
        let missing = task.play.missing_files.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut last = Fault::new(error.to_string()).at(&place);
        if error.kind == ErrorKind::Undefined && !missing.is_empty() {
            last = last.help(missing.join("; "));
        } else if let Some(help) = &error.help {
            last = last.help(help.clone());
        }
        ended.causes.push(Fault::new(format!("{title}.")).at(&task.item.task.span));
        let mut doing = doing.to_vec();
        // What was being done at the very place is one cause with what went wrong there.
        if let Some((step, _)) = doing.pop_if(|(_, at)| *at == place) {
            last.message = format!("{}: {}", step.trim_end_matches('.'), last.message);
        }
        ended.causes.extend(doing.iter().map(|(step, place)| Fault::new(step.clone()).at(place)));
        ended.causes.push(last);
        ended
    }

    /// Returns whether the action only brings in tasks.
    pub(super) fn is_include(task: &TaskRun<'_>) -> bool {
        matches!(bare(&task.item.task.action.name), "include_tasks" | "include_role")
    }
}

impl Ended {
    /// Adds an item's end to that of the whole loop.
    fn add(&mut self, item: Self) {
        let failed = flag(&item.result, "failed");
        if failed && !flag(&self.result, "failed") {
            self.set("failed", true);
            self.ignored = item.ignored;
        } else if failed {
            self.ignored &= item.ignored;
        }
        if flag(&item.result, "changed") {
            self.set("changed", true);
        }
        self.unreachable |= item.unreachable;
        self.no_log |= item.no_log;
        self.delegated_to = self.delegated_to.take().or(item.delegated_to);
        self.facts = item.facts.or(self.facts.take());
        self.variables.extend(item.variables);
        self.included.extend(item.included);
        self.include.extend(item.include);
        for name in item.notify {
            if !self.notify.contains(&name) {
                self.notify.push(name);
            }
        }
    }

    fn sum_up(&mut self, results: Vec<Json>) {
        let skipped =
            results.iter().all(|result| result.get("skipped").and_then(Json::as_bool).unwrap_or(false));
        let failed = flag(&self.result, "failed");
        let message = match (failed, skipped) {
            (true, _) => "One or more items failed",
            (false, true) => "All items skipped",
            (false, false) => "All items completed",
        };
        self.set("msg", message);
        if !self.result.contains_key("changed") {
            self.set("changed", false);
        }
        if skipped {
            self.set("skipped", true);
        }
        self.set("results", results);
    }
}

/// What `loop_control` says, evaluated once.
struct LoopVars {
    name: String,
    index: Option<String>,
    extended: bool,
    all_items: bool,
    pause: Duration,
}

impl LoopVars {
    fn new(runner: &Runner, task: &TaskRun<'_>, stack: &Stack) -> Self {
        let control = &task.item.task.loop_control;
        let scope = stack.clone().shared();
        let text = |node: &Option<Node>| {
            node.as_ref()
                .and_then(|node| runner.template.render(node, &scope).ok())
                .map(|rendered| rendered.value)
        };
        let pause = text(&control.pause).and_then(|value| value.text().parse::<f64>().ok()).unwrap_or(0.0);
        Self {
            name: runner.loop_var(task, stack),
            index: text(&control.index_var).map(|value| value.text()),
            extended: text(&control.extended).is_some_and(|value| is_true(&value)),
            all_items: text(&control.extended_allitems).is_none_or(|value| is_true(&value)),
            pause: Duration::try_from_secs_f64(pause).unwrap_or_default(),
        }
    }

    fn data(&self, items: &[Value], index: usize, item: &Value) -> Data {
        let mut data = Data::new();
        data.insert("ansible_loop_var".into(), Value::from_json(json!(self.name)));
        data.insert(self.name.as_str().into(), item.clone());
        if let Some(name) = &self.index {
            data.insert("ansible_index_var".into(), Value::from_json(json!(name)));
            data.insert(name.as_str().into(), Value::from_json(json!(index)));
        }
        if self.extended {
            data.insert("ansible_loop".into(), self.extended(items, index));
        }
        data
    }

    fn extended(&self, items: &[Value], index: usize) -> Value {
        let length = items.len();
        let mut extended = Value::from_json(json!({
            "index": index + 1, "index0": index, "first": index == 0, "last": index + 1 == length, "length": length,
            "revindex": length - index, "revindex0": length - index - 1 }));
        if self.all_items {
            extended = extended.with("allitems", Value::list(items.to_vec()));
        }
        if let Some(next) = items.get(index + 1) {
            extended = extended.with("nextitem", next.clone());
        }
        if let Some(previous) = index.checked_sub(1).and_then(|index| items.get(index)) {
            extended = extended.with("previtem", previous.clone());
        }
        extended
    }

    /// Adds to an item's result which item it was.
    fn add(&self, ended: &mut Ended, items: &[Value], index: usize, item: &Value) {
        ended.set(&self.name, item.to_json());
        ended.set("ansible_loop_var", self.name.clone());
        if let Some(name) = &self.index {
            ended.set(name, index);
            ended.set("ansible_index_var", name.clone());
        }
        if self.extended {
            ended.set("ansible_loop", self.extended(items, index).to_json());
        }
    }
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
        Json::String(text) if text.len() >= 8 && !is_usual(text) => masker.add(text),
        Json::Array(items) => items.iter().for_each(|item| mask_texts(masker, item)),
        Json::Object(fields) => fields
            .iter()
            .filter(|(key, _)| {
                !matches!(key.as_str(), "skip_reason" | "false_condition" | "ansible_loop_var")
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
    ) || message.starts_with("Task failed: ")
}
