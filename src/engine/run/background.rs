//! `async:` and `poll:`: tasks that are begun, and asked for later.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use rplay_event::{AsyncState, Kind};
use rplay_module::{Mode, Module, Runnable};
use rplay_syntax::Node;
use rplay_template::{Scope, TemplateError};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use super::call::{Called, Spot};
use super::item::object;
use super::{Ended, Runner, Stop, TaskRun};
use crate::connection::{Begin, Job, Place, Remote};
use crate::load::bare;

/// How a task is to run in the background, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Background {
    limit: u64,
    poll: u64,
}

impl Background {
    /// Returns whether it is more than a claim: less than nothing asks for no background, and yet not every action
    /// takes it.
    pub(super) fn is_wanted(&self) -> bool {
        self.limit > 0
    }
}

/// How often to ask when nothing is said.
const POLL: u64 = 15;

/// How soon after its beginning a task is looked at, then after twice the time and so on, besides at every poll: a short
/// one is not waited for longer than it takes.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// Actions that have more to do than to call a module: they cannot be left alone.
const FOREGROUND: [&str; 20] = [
    "add_host",
    "assemble",
    "assert",
    "async_status",
    "copy",
    "debug",
    "fail",
    "fetch",
    "gather_facts",
    "group_by",
    "include_vars",
    "pause",
    "raw",
    "reboot",
    "script",
    "set_fact",
    "set_stats",
    "template",
    "unarchive",
    "wait_for_connection",
];

impl Runner {
    /// Returns how the task runs in the background; `None` where it does not.
    pub(super) fn in_background(
        &self,
        task: &TaskRun<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<Option<Background>, TemplateError> {
        let Some(node) = task.item.task.async_seconds.as_ref() else { return Ok(None) };
        let limit = self.whole(node, scope)?.ok_or_else(|| {
            TemplateError::runtime("'>' not supported between instances of 'NoneType' and 'int'")
        })?;
        if limit == 0 || self.mode() == Mode::Plan {
            return Ok(None);
        }
        let poll = match task.item.task.poll.as_ref() {
            Some(node) => seconds(self.whole(node, scope)?.unwrap_or_default()),
            None => self
                .settings
                .config
                .int("DEFAULT_POLL_INTERVAL")
                .and_then(|poll| u64::try_from(poll).ok())
                .unwrap_or(POLL),
        };
        Ok(Some(Background { limit: seconds(limit), poll }))
    }

    /// Returns a number of seconds; `None` where the value is none.
    fn whole(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Option<i64>, TemplateError> {
        let value = self.template.render(node, scope)?.value;
        if value.is_none() {
            return Ok(None);
        }
        let text = value.text();
        let number: Option<f64> = text.trim().parse().ok();
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds, as Python's int() has them")]
        let whole = number.map(|number| number as i64);
        whole.map(Some).ok_or_else(|| TemplateError::runtime(format!("the value {text:?} is not a number")))
    }

    /// Returns why an action cannot run in the background.
    pub(super) fn foreground_only(task: &TaskRun<'_>) -> Option<Ended> {
        let action = task.item.task.action.name.as_ref();
        FOREGROUND.contains(&bare(action)).then(|| {
            let message = format!("This action ({action}) does not support async.");
            let told = rplay_event::Fault::new(format!("Task failed: {message}"));
            let mut ended = Ended::failed(message);
            ended.causes.push(told.at(&task.item.task.span));
            ended
        })
    }

    /// Tells `async_status` where results are: it is no business of whoever asks.
    pub(super) fn async_dir(
        &self,
        task: &TaskRun<'_>,
        spot: &Spot<'_>,
        args: &mut Json,
    ) -> Result<(), Box<Ended>> {
        let folder = self.task_folder(task);
        let wish = self.wish(task, &spot.host.name, spot.scope, spot.delegate, &folder);
        let folder = wish.async_dir().map_err(|unclear| Box::new(Self::unclear(task, unclear)))?;
        if let Some(args) = args.as_object_mut() {
            args.insert("_async_dir".to_owned(), json!(folder));
        }
        Ok(())
    }

    /// Begins the task, and waits for it unless nobody is to.
    pub(super) async fn background(
        &self,
        task: &TaskRun<'_>,
        call: &Called<'_>,
        how: Background,
        mode: Mode,
    ) -> Result<Ended, Stop> {
        let place = match self.somewhere(task, &call.host.name, call.scope, call.delegate) {
            Ok(place) => place,
            Err(ended) => return Ok(*ended),
        };
        let begun = match self.begin(call, &place, how, mode).await {
            Ok(begun) => begun,
            Err(failure) => return Ok(Self::unconnected(task, &failure)),
        };
        let (job, file) = begun;
        if how.poll == 0 {
            let mut ended = Ended::default();
            ended.set("ansible_job_id", job);
            ended.set("results_file", file);
            ended.set("started", true);
            ended.set("finished", false);
            ended.set("changed", true);
            ended.set("failed", false);
            return Ok(ended);
        }
        self.poll(task, call, &place, how, &job).await
    }

    async fn begin(
        &self,
        call: &Called<'_>,
        place: &Arc<Place>,
        how: Background,
        mode: Mode,
    ) -> rplay_module::Result<(String, String)> {
        let mut bytes = [0; 8];
        (self.settings.random)(&mut bytes);
        let begin = Begin {
            folder: place.async_dir.clone(),
            limit: how.limit,
            number: u64::from_ne_bytes(bytes) % 1_000_000_000_000,
        };
        let freight = call.work.order(place, call.module, call.args, mode)?;
        if place.is_here() {
            let home = self.settings.home.as_ref().map(|home| home.display().to_string());
            // What the task takes along lies on this machine already.
            let mut order = freight.order;
            order.files = Vec::new();
            order.args = call.args.clone();
            return Job::begin(&self.settings.agent, order, &begin, home.as_deref(), None);
        }
        self.connections.begin(&self.children, place, freight, begin).await
    }

    /// Source: `_poll_async_result` of `ansible/executor/task_executor.py`.
    async fn poll(
        &self,
        task: &TaskRun<'_>,
        call: &Called<'_>,
        place: &Arc<Place>,
        how: Background,
        job: &str,
    ) -> Result<Ended, Stop> {
        let mut left = how.limit;
        let mut last = Map::new();
        let told = |state| Kind::Async {
            task: task.id,
            host: call.host.name.to_string(),
            job: job.to_owned(),
            state,
        };
        let begun = Instant::now();
        let mut look = FIRST_LOOK;
        while left > 0 {
            let due = Instant::now() + Duration::from_secs(how.poll);
            loop {
                let at = due.min(begun + look);
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = self.interrupt.requested() => return Err(Stop::Interrupted),
                }
                last = self.status(call, place, job, "status").await;
                if at == due || super::flag(&last, "finished") {
                    break;
                }
                look *= 2;
            }
            if super::flag(&last, "finished") {
                break;
            }
            left = left.saturating_sub(how.poll);
            let flag = |name| super::flag(&last, name);
            self.emit(told(AsyncState::Polled { started: flag("started"), finished: flag("finished") }));
        }
        if !super::flag(&last, "finished") {
            let message = format!("async task did not complete within the requested time - {}s", how.limit);
            let mut ended = Ended::failed(message.as_str());
            ended.headline = Some(format!("Task failed: Action failed: {message}"));
            ended.set("async_result", last);
            self.emit(told(AsyncState::Failed));
            return Ok(ended);
        }
        self.status(call, place, job, "cleanup").await;
        let failed = super::flag(&last, "failed");
        self.emit(told(if failed { AsyncState::Failed } else { AsyncState::Ok }));
        let mut ended = Ended { result: last, ..Ended::default() };
        if failed {
            ended.causes.push(rplay_event::Fault::new("").at(&task.item.task.span));
        }
        ended.result.entry("changed").or_insert_with(|| json!(false));
        ended.result.entry("failed").or_insert_with(|| json!(false));
        ended.facts = ended.result.get("ansible_facts").cloned().map(rplay_template::Value::from_json);
        Ok(ended)
    }

    /// Asks what has become of a task; what cannot be asked is not over.
    async fn status(
        &self,
        call: &Called<'_>,
        place: &Arc<Place>,
        job: &str,
        mode: &str,
    ) -> Map<String, Json> {
        let Some(module) = self.modules.get("async_status").copied() else { return Map::new() };
        let args = json!({ "jid": job, "mode": mode, "_async_dir": place.async_dir });
        let outcome = self.runnable(call, Some(place), module, &args).run(call.cx, &args, Mode::Apply).await;
        match outcome.failure {
            Some(failure) if !outcome.result.contains_key("finished") => {
                object(json!({ "msg": failure.message }))
            }
            Some(failure) => {
                let mut result = outcome.result;
                result.insert("failed".to_owned(), json!(true));
                result.insert("msg".to_owned(), json!(failure.message));
                result
            }
            None => outcome.result,
        }
    }

    /// Returns the module as it runs where the task runs.
    pub(super) fn runnable(
        &self,
        call: &Called<'_>,
        place: Option<&Arc<Place>>,
        module: Module,
        args: &Json,
    ) -> Box<dyn Runnable> {
        match place.filter(|place| !place.is_here()) {
            None => (module.pick)(args),
            Some(place) => Box::new(Remote {
                connections: Arc::clone(&self.connections),
                children: Arc::clone(&self.children),
                place: Arc::clone(place),
                module,
                work: call.work.clone(),
            }),
        }
    }
}

/// Less than nothing is nothing.
fn seconds(whole: i64) -> u64 {
    u64::try_from(whole).unwrap_or_default()
}

/// A call's environment as a list.
pub(super) fn pairs(environment: &IndexMap<String, String>) -> Vec<(String, String)> {
    environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
