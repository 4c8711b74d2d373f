use std::sync::Arc;
use std::time::Duration;

use rplay_event::Kind;
use rplay_syntax::Node;
use rplay_template::{TemplateError, Tri, Value};
use serde_json::{Value as Json, json};

use super::finish::registered;
use super::item::{Ended, Learned, object};
use super::task::is_true;
use super::{Runner, Stop, TaskRun, flag};
use crate::hosts::Host;
use crate::scopes::{Data, Level, Stack};

impl Runner {
    /// Runs a task for each item. Source of the rules: `_run_loop` of `ansible/executor/task_executor.py`.
    pub(super) async fn each(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        stack: Stack,
        items: &[Value],
    ) -> Result<Ended, Stop> {
        if items.is_empty() {
            let result = object(json!({
                "changed": false, "skipped": true, "skipped_reason": "No items in the list", "results": [] }));
            return Ok(Ended { looped: true, result, ..Ended::default() });
        }
        let control = match LoopVars::new(self, task, &stack) {
            Ok(control) => control,
            Err(error) => {
                let ignored = self.truth(task.item.context.ignore_errors.as_ref(), &stack.shared());
                return Ok(Ended { ignored, ..Self::unbegun(task, &error) });
            }
        };
        self.warn_of_collision(&control, &stack);
        let mut round = Round {
            whole: Ended { looped: true, ..Ended::default() },
            stack,
            carried: Data::new(),
            results: Vec::new(),
        };
        for (index, item) in items.iter().enumerate() {
            if self.interrupt.is_requested() {
                return Err(Stop::Interrupted);
            }
            if index > 0 && !control.pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(control.pause) => {}
                    () = self.interrupt.requested() => return Err(Stop::Interrupted),
                }
            }
            let inner = round.inner(control.data(items, index, item));
            let mut ended = self.once(task, host, &inner).await?;
            control.add(&mut ended, items, index, item);
            round.carry(task, &ended);
            self.label(task, &round, &inner, &mut ended, item);
            self.item_done(task, host, &mut ended);
            round.add(ended);
            match self.breaks(task, &round, control.data(items, index, item)) {
                Ok(false) => {}
                Ok(true) => break,
                Err(error) => return Ok(self.broken_loop(task, &round, &error)),
            }
        }
        Ok(round.sum_up())
    }

    /// A plan cannot know how many items there will be: it says what one would be like.
    pub(super) async fn unknown_loop(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        stack: &Stack,
    ) -> Result<Ended, Stop> {
        let name =
            LoopVars::new(self, task, stack).map_or_else(|_| Arc::from("item"), |control| control.name);
        let data = Data::from_iter([(name, Value::unknown("item"))]);
        let mut ended = self.once(task, host, &stack.with(Level::LoopVars, data)).await?;
        ended.registered = Some(Value::unknown("results"));
        Ok(ended)
    }

    /// A loop whose end cannot be found has no result but that.
    fn broken_loop(&self, task: &TaskRun<'_>, round: &Round, error: &TemplateError) -> Ended {
        let mut ended = Self::unbegun(task, error);
        let ignores = task.item.context.ignore_errors.as_ref();
        ended.ignored = self.truth(ignores, &round.stack.clone().shared());
        ended
    }

    fn warn_of_collision(&self, control: &LoopVars, stack: &Stack) {
        if rplay_template::Scope::lookup(stack, &control.name).is_some() {
            self.emitter.warn(format!(
                "The loop variable '{}' is already in use. You should set the `loop_var` value in the `loop_control` option \
                 for the task to something else to avoid variable collisions and unexpected behavior.",
                control.name
            ));
        }
    }

    fn item_done(&self, task: &TaskRun<'_>, host: &Host, ended: &mut Ended) {
        let label = ended.item.clone();
        ended.include.iter_mut().for_each(|include| include.item.clone_from(&label));
        if ended.include.is_empty() || flag(&ended.result, "failed") {
            ended.no_log |= task.no_log;
            self.emit(Kind::ItemDone { result: self.told(task, host, ended, ended.status()) });
        }
    }

    fn label(&self, task: &TaskRun<'_>, round: &Round, inner: &Stack, ended: &mut Ended, item: &Value) {
        let Some(label) = &task.item.task.loop_control.label else {
            ended.item = Some(item.to_json());
            return;
        };
        let scope = inner.with(Level::LoopVars, round.carried.clone()).shared();
        match self.template.render(label, &scope) {
            Ok(rendered) => ended.item = Some(rendered.value.to_json()),
            Err(error) => {
                ended.set("failed", true);
                ended.set("msg", format!("Failed to template loop_control.label: {error}"));
                ended.item = Some(Json::Null);
                ended.told = true;
                let ignores = task.item.context.ignore_errors.as_ref();
                ended.ignored = self.truth(ignores, &inner.clone().shared());
            }
        }
    }

    /// Returns whether `break_when` ends the loop here.
    fn breaks(&self, task: &TaskRun<'_>, round: &Round, data: Data) -> Result<bool, TemplateError> {
        let conditions = &task.item.task.loop_control.break_when;
        if conditions.is_empty() {
            return Ok(false);
        }
        let scope = round.inner(data).shared();
        for node in conditions {
            if self.template.condition(node, &scope)?.truth == Tri::False {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What a loop has come to so far.
struct Round {
    whole: Ended,
    stack: Stack,
    /// What the items before have set: what is registered, and what `set_fact` sets.
    carried: Data,
    results: Vec<(Json, Option<Value>)>,
}

impl Round {
    /// Returns the variables that an item sees.
    fn inner(&self, data: Data) -> Stack {
        let inner = self.stack.with(Level::LoopVars, data);
        if self.carried.is_empty() {
            inner
        } else {
            inner.with(Level::SetFactsAndRegistered, self.carried.clone())
        }
    }

    fn carry(&mut self, task: &TaskRun<'_>, ended: &Ended) {
        if let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) {
            self.carried.insert(Arc::from(name), registered(&ended.result));
        }
        for (name, value) in &ended.variables {
            self.carried.insert(Arc::from(name.as_str()), value.clone());
        }
    }

    /// Adds an item's end to that of the whole loop.
    fn add(&mut self, item: Ended) {
        let whole = &mut self.whole;
        if flag(&item.result, "failed") {
            if flag(&whole.result, "failed") {
                whole.ignored &= item.ignored;
            } else {
                whole.set("failed", true);
                whole.ignored = item.ignored;
            }
        }
        if item.unreachable {
            whole.set("unreachable", true);
            whole.ignored = item.ignored && (whole.ignored || !whole.unreachable);
        }
        if flag(&item.result, "changed") {
            whole.set("changed", true);
        }
        whole.unreachable |= item.unreachable;
        whole.no_log |= item.no_log;
        whole.delegated_to = whole.delegated_to.take().or(item.delegated_to);
        whole.delegated_address = whole.delegated_address.take().or(item.delegated_address);
        // Each item may have been about another host.
        if item.facts.is_some() || !item.variables.is_empty() {
            whole.learned.push(Learned { of: item.facts_of, facts: item.facts, variables: item.variables });
        }
        whole.included.extend(item.included);
        whole.include.extend(item.include);
        whole.stats.extend(item.stats);
        for name in item.notify {
            if !whole.notify.contains(&name) {
                whole.notify.push(name);
            }
        }
        self.results.push((Json::Object(item.result), item.registered));
    }

    fn sum_up(self) -> Ended {
        let mut whole = self.whole;
        let skipped = self.results.iter().all(|(result, _)| truth(result, "skipped"));
        let message = match (flag(&whole.result, "failed"), skipped) {
            (_, true) => "All items skipped",
            (true, false) => "One or more items failed",
            (false, false) => "All items completed",
        };
        whole.set("msg", message);
        whole.set("skipped", skipped);
        whole.result.entry("changed").or_insert(Json::from(false));
        let unknown = self.results.iter().any(|(_, registered)| registered.is_some());
        let values = unknown.then(|| {
            let value = |(result, registered): &(Json, Option<Value>)| {
                registered.clone().unwrap_or_else(|| Value::from_json(result.clone()))
            };
            self.results.iter().map(value).collect::<Vec<Value>>()
        });
        whole.set("results", self.results.into_iter().map(|(result, _)| result).collect::<Vec<Json>>());
        if let Some(values) = values {
            let all = Value::from_json(Json::Object(whole.result.clone()));
            whole.registered = Some(all.with("results", Value::list(values)));
        }
        whole
    }
}

fn truth(result: &Json, name: &str) -> bool {
    result.get(name).and_then(Json::as_bool).unwrap_or(false)
}

/// What `loop_control` says, evaluated once.
struct LoopVars {
    name: Arc<str>,
    index: Option<Arc<str>>,
    extended: bool,
    all_items: bool,
    pause: Duration,
}

impl LoopVars {
    fn new(runner: &Runner, task: &TaskRun<'_>, stack: &Stack) -> Result<Self, TemplateError> {
        let control = &task.item.task.loop_control;
        let scope = stack.clone().shared();
        let value = |name: &str, node: &Option<Node>| -> Result<Option<Value>, TemplateError> {
            let Some(node) = node else { return Ok(None) };
            let rendered = runner.template.render(node, &scope).map_err(|mut error| {
                error.message = format!("Error processing keyword '{name}': {}", error.message);
                error
            })?;
            Ok(Some(rendered.value).filter(|value| !value.is_omit() && !value.is_none()))
        };
        let name = |name: &str, node: &Option<Node>| -> Result<Option<Arc<str>>, TemplateError> {
            Ok(value(name, node)?.map(|value| Arc::from(value.text())))
        };
        let pause = value("pause", &control.pause)?;
        let pause = pause.and_then(|value| value.text().parse::<f64>().ok()).unwrap_or(0.0);
        let all_items = value("extended_allitems", &control.extended_allitems)?;
        Ok(Self {
            name: name("loop_var", &control.loop_var)?.unwrap_or_else(|| Arc::from("item")),
            index: name("index_var", &control.index_var)?,
            extended: value("extended", &control.extended)?.is_some_and(|value| is_true(&value)),
            all_items: all_items.is_none_or(|value| is_true(&value)),
            pause: Duration::try_from_secs_f64(pause).unwrap_or_default(),
        })
    }

    fn data(&self, items: &[Value], index: usize, item: &Value) -> Data {
        let mut data = Data::new();
        data.insert("ansible_loop_var".into(), Value::from_json(json!(&*self.name)));
        data.insert(Arc::clone(&self.name), item.clone());
        if let Some(name) = &self.index {
            data.insert("ansible_index_var".into(), Value::from_json(json!(&**name)));
            data.insert(Arc::clone(name), Value::from_json(json!(index)));
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
        ended.set("ansible_loop_var", &*self.name);
        if let Some(name) = &self.index {
            ended.set(name, index);
            ended.set("ansible_index_var", &**name);
        }
        if self.extended {
            ended.set("ansible_loop", self.extended(items, index).to_json());
        }
    }
}
