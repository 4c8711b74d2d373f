use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use rplay_event::{Fault, Kind};
use rplay_module::{Cx, Failure, Mode, Module, Runnable};
use rplay_syntax::Node;
use rplay_template::{Scope, TemplateError, Value};
use serde_json::{Value as Json, json};

use super::background::{self, Background};
use super::delegate::Delegate;
use super::item::Ended;
use super::result::timed_out;
use super::{Runner, Stop, TaskRun, is_true};
use crate::connection::Work;
use crate::directives;
use crate::fallthrough::ForeignCall;
use crate::hosts::Host;
use crate::load::bare;
use crate::scopes::{Level, Stack};
use crate::world::TaskWorld;
use crate::{known, unbuilt};

/// A call of a module, remembered for the walk backwards.
pub(crate) struct Call {
    pub(crate) run: Box<dyn Runnable>,
    pub(crate) args: Json,
    pub(crate) cx: Cx,
    pub(crate) task: String,
    pub(crate) host: String,
    /// It was not certain that the task would run.
    pub(crate) unsure: bool,
}

/// A call as it is about to be made.
pub(super) struct Called<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) scope: &'a Arc<dyn Scope>,
    pub(super) delegate: Option<&'a Delegate>,
    pub(super) module: &'a Module,
    pub(super) args: &'a Json,
    pub(super) cx: &'a Cx,
    pub(super) work: Work,
}

pub(crate) type Calls = Arc<Mutex<Vec<Call>>>;

/// A task on a host: what it sees, and on whom it is done.
pub(crate) struct Spot<'a> {
    pub(crate) host: &'a Arc<Host>,
    pub(crate) scope: &'a Arc<dyn Scope>,
    pub(crate) delegate: Option<&'a Delegate>,
    /// The task's own environment.
    pub(crate) environment: &'a IndexMap<String, String>,
    /// Whether it will run is not known before the run.
    pub(crate) unsure: bool,
}

/// How often and how a task is tried.
struct Attempts {
    most: u64,
    delay: Duration,
}

impl Runner {
    /// Runs one item: conditions, arguments, the action until it is content, and what the task says about its result.
    pub(super) async fn attempt(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        stack: &Stack,
    ) -> Result<Ended, Stop> {
        let delegate = self.delegate(task, stack);
        let stack = &addressed(stack, host, delegate.as_ref().ok().and_then(Option::as_ref));
        let scope = stack.clone().shared();
        let unsure = match self.condition(task, &scope) {
            Ok((Some(skipped), _)) => return Ok(skipped),
            Ok((None, unsure)) => unsure,
            Err(error) => {
                return Ok(Self::wrong(task, &error, "Task failed", &[]));
            }
        };
        let delegate = match delegate {
            Ok(delegate) => delegate,
            Err(error) => return Ok(Self::nowhere(task, &error)),
        };
        if let Some(misused) = self.misused(task, &scope) {
            return Ok(misused);
        }
        let environment = match self.own_environment(task, &scope) {
            Ok(environment) => environment,
            Err(ended) => return Ok(*ended),
        };
        if Self::is_include(task) {
            return Ok(self.include_file(task, stack, &scope));
        }
        let (attempts, timeout) = match self.limits(task, &scope) {
            Ok(limits) => limits,
            Err(error) => {
                return Ok(Self::wrong(task, &error, "Task failed", &[]));
            }
        };
        let mut attempt = 1;
        loop {
            let spot =
                Spot { host, scope: &scope, delegate: delegate.as_ref(), environment: &environment, unsure };
            let mut ended = tokio::select! {
                ended = self.perform(task, &spot) => ended?,
                () = after(timeout) => return Ok(timed_out(task, timeout)),
            };
            if attempts.most > 1 {
                ended.set("attempts", attempt);
            }
            let content = match self.judge(task, stack, &mut ended, attempts.most > 1) {
                Ok(content) => content,
                Err(error) => return Ok(Self::wrong(task, &error, "Task failed", &[])),
            };
            if attempts.most <= 1 || content {
                return Ok(ended);
            }
            if attempt == attempts.most {
                ended.set("attempts", attempts.most - 1);
                if ended.status() != rplay_event::Status::Failed {
                    ended.headline_of_action();
                }
                ended.set("failed", true);
                return Ok(ended);
            }
            ended.set("retries", attempts.most);
            if ended.verbose_always {
                ended.set("_ansible_verbose_always", true);
            }
            self.emit(Kind::Retrying {
                task: task.id,
                host: host.name.to_string(),
                name: task.name.clone(),
                item: None,
                left: attempts.most - attempt,
                result: if task.no_log { super::task::censored(&ended.result) } else { ended.result },
            });
            tokio::select! {
                () = tokio::time::sleep(attempts.delay) => {}
                () = self.interrupt.requested() => return Err(Stop::Interrupted),
            }
            attempt += 1;
        }
    }

    fn limits(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Result<(Attempts, u64), TemplateError> {
        Ok((self.attempts(task, scope)?, self.timeout(task, scope)?))
    }

    fn attempts(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Result<Attempts, TemplateError> {
        let number =
            |node: &Node| -> Result<f64, TemplateError> {
                let value = self.template.render(node, scope)?.value;
                value.text().trim().parse().map_err(|_| {
                    TemplateError::runtime(format!("the value {:?} is not a number", value.text()))
                })
            };
        let delay = task.item.task.delay.as_ref().map(number).transpose()?.unwrap_or(5.0);
        let retries = task.item.task.retries.as_ref().map(number).transpose()?;
        let most = match retries {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count, made whole as Python's int() does"
            )]
            Some(retries) => 1 + retries.max(0.0) as u64,
            None if task.item.task.until.is_empty() => 1,
            None => 4,
        };
        // In a plan nothing becomes true by waiting.
        let most = if self.mode() == Mode::Plan { 1 } else { most };
        let delay = if delay < 0.0 { 1.0 } else { delay };
        Ok(Attempts { most, delay: Duration::try_from_secs_f64(delay).unwrap_or_default() })
    }

    async fn perform(&self, task: &TaskRun<'_>, spot: &Spot<'_>) -> Result<Ended, Stop> {
        let scope = spot.scope;
        let action = task.item.task.action.name.as_ref();
        let directive = directives::is_directive(bare(action)) && !self.fetches_here(task, spot);
        let rendered = if directive {
            directives::arguments(self, task, scope)
        } else {
            self.arguments(task, action, scope)
        };
        let args = match rendered {
            Ok(args) => args,
            Err((name, error)) => return Ok(Self::unrendered(task, name, &error)),
        };
        let background = match self.in_background(task, scope) {
            Ok(background) => background,
            Err(error) => return Ok(Self::wrong(task, &error, "Task failed", &[])),
        };
        let mut ended = match background.and_then(|_| Self::foreground_only(task)) {
            Some(refused) => refused,
            None if directive => directives::run(self, task, spot, args).await?,
            None => self.module(task, spot, &args, background.filter(Background::is_wanted)).await?,
        };
        if let Some(delegate) = spot.delegate {
            self.delegated(&mut ended, delegate);
        }
        Ok(ended)
    }

    async fn module(
        &self,
        task: &TaskRun<'_>,
        spot: &Spot<'_>,
        args: &IndexMap<String, Value>,
        background: Option<Background>,
    ) -> Result<Ended, Stop> {
        let Spot { host, scope, delegate, unsure, .. } = *spot;
        let action = task.item.task.action.name.as_ref();
        let Some(module) = self.modules.get(action).or_else(|| self.modules.get(bare(action))) else {
            return self.not_ours(task, spot, args).await;
        };
        let spec = (module.spec)();
        let mut args =
            Json::Object(args.iter().map(|(name, value)| (name.clone(), value.to_json())).collect());
        if let (Some(name), Some(fields)) = (spec.free_form, args.as_object_mut())
            && let Some(text) = fields.shift_remove("_raw_params")
        {
            fields.insert(name.to_owned(), text);
        }
        self.conceal(&spec, &args);
        // `fetch` makes a folder for each host.
        if let (Some(param), Some(fields)) = (spec.param("_inventory_hostname"), args.as_object_mut()) {
            fields.insert(param.name.to_owned(), json!(host.name.as_ref()));
        }
        // `setup` tells which Python the host has.
        if let (Some(param), Some(fields)) = (spec.param("_python_interpreter"), args.as_object_mut()) {
            let python = self
                .variable("ansible_python_interpreter", delegate.map_or(scope, |delegate| &delegate.scope));
            fields
                .insert(param.name.to_owned(), python.map(|python| json!(python.text())).unwrap_or_default());
        }
        if let Err(ended) = self.controller_files(task, &spec, &mut args, scope) {
            return Ok(*ended);
        }
        if bare(action) == "async_status"
            && let Err(ended) = self.async_dir(task, spot, &mut args)
        {
            return Ok(*ended);
        }
        if bare(action) == "user"
            && args.get("state").and_then(Json::as_str) == Some("absent")
            && let Some(name) = args.get("name").or_else(|| args.get("user")).and_then(Json::as_str)
        {
            self.connections.leave(name).await;
        }
        let environment = spot.environment.clone();
        let place = match self.elsewhere(task, &host.name, scope, delegate) {
            Ok(place) => place,
            Err(ended) => return Ok(*ended),
        };
        let work = Work {
            environment: background::pairs(&environment),
            sandbox: self.settings.sandbox.clone(),
            reach: self.settings.reach.clone(),
        };
        let world = TaskWorld::new(self, task, host, environment);
        let warned = world.warned();
        let cx = Cx::new(Arc::new(world), module.native);
        let mode = self.task_mode(task, scope);
        let call = Called { host, scope, delegate, module, args: &args, cx: &cx, work };
        if let Some(background) = background {
            return self.background(task, &call, background, mode).await;
        }
        if self.settings.mode == rplay_event::RunMode::Destroy {
            self.remember(Call {
                run: self.runnable(&call, place.as_ref(), *module, &args),
                args: args.clone(),
                cx: cx.clone(),
                task: task.name.clone(),
                host: host.name.to_string(),
                unsure,
            });
        }
        let run = self.runnable(&call, place.as_ref(), *module, &args);
        self.busy.begin(task.id, &host.name, &task.name);
        let outcome = tokio::select! {
            outcome = run.run(&cx, &args, mode) => outcome,
            () = self.interrupt.requested() => return Err(Stop::Interrupted),
        };
        self.busy.end(task.id, &host.name);
        let mut ended = self.ended(task, &spec, &args, outcome, unsure);
        let warned = std::mem::take(&mut *warned.lock().unwrap_or_else(PoisonError::into_inner));
        if !warned.is_empty() {
            ended.set("warnings", warned);
        }
        Ok(ended)
    }

    /// Calls a module that is found on this machine and is not rplay's.
    async fn not_ours(
        &self,
        task: &TaskRun<'_>,
        spot: &Spot<'_>,
        args: &IndexMap<String, Value>,
    ) -> Result<Ended, Stop> {
        let Spot { host, scope, delegate, .. } = *spot;
        let name = task.item.task.action.name.as_ref();
        let Some(module) = self.fallthrough.module(name) else {
            return Ok(self.nobodys(task, name));
        };
        match self.elsewhere(task, &host.name, scope, delegate) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let message = format!(
                    "the module '{name}' is not rplay's own: it runs on this machine and as this user only, not behind \
                     ssh or become"
                );
                return Ok(Self::unconnected(task, &Failure::new(message)));
            }
            Err(ended) => return Ok(*ended),
        }
        let environment = spot.environment.clone();
        let call = ForeignCall {
            name,
            args,
            mode: self.task_mode(task, scope),
            no_log: task.no_log,
            diff: self.settings.diff,
            verbosity: self.settings.verbosity,
        };
        let mut ended = self.foreign(&module, &call, TaskWorld::new(self, task, host, environment)).await?;
        if let Some(help) = self.fallthrough.lacking(&ended.result) {
            ended.causes.push(Fault::new("").at(&task.item.task.span).help(help));
        }
        Ok(ended)
    }

    /// Returns the end of a task whose module is nowhere.
    fn nobodys(&self, task: &TaskRun<'_>, name: &str) -> Ended {
        let known = known::fault(name, |name| self.modules.get(name).is_some());
        let message = unbuilt::message(name).or_else(|| known.as_ref().map(|known| known.message.clone()));
        let mut ended =
            Ended::failed(message.unwrap_or_else(|| format!("couldn't resolve module/action '{name}'")));
        if let Some(help) = known.and_then(|known| known.help) {
            ended.causes.push(Fault::new("").at(&task.item.task.span).help(help));
        }
        ended
    }

    fn remember(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    /// Returns how many seconds the task may take; 0 is as long as it wants.
    fn timeout(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Result<u64, TemplateError> {
        let Some(node) = &task.item.context.timeout else { return Ok(0) };
        let value = self.template.render(node, scope)?.value;
        let seconds = value.as_i64().or_else(|| value.text().trim().parse().ok());
        let limit = 100_000_000;
        seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds <= limit)
            .ok_or_else(|| {
                let text = value.text();
                TemplateError::runtime(format!(
                    "Timeout {text} is invalid, it must be between 0 and {limit}."
                ))
            })
    }

    /// `check_mode:` on a task can ask for a check, or for the real thing in a check; never for a change in a plan.
    pub(crate) fn task_mode(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Mode {
        let context = &task.item.context;
        let said = context.keyword(
            |context| context.check_mode.as_ref(),
            |node| Ok(self.template.render(node, scope)?.value),
        );
        match (self.mode(), said.ok().flatten()) {
            (Mode::Apply | Mode::Check, Some(wanted)) if is_true(&wanted) => Mode::Check,
            (Mode::Check, Some(_)) => Mode::Apply,
            (mode, _) => mode,
        }
    }
}

/// Returns what a task sees: where nothing says at which address its host is, the name is the address.
fn addressed(stack: &Stack, host: &Host, delegate: Option<&Delegate>) -> Stack {
    let mut stack = delegate.map_or_else(|| stack.clone(), |delegate| delegate.lay_over(stack));
    let names = ["ansible_host", "ansible_ssh_host"];
    if names.iter().any(|name| stack.lookup(name).is_some()) {
        return stack;
    }
    let address = Value::from(delegate.map_or(&*host.name, |delegate| delegate.name.as_str()));
    let data = names.map(|name| (Arc::from(name), address.clone())).into_iter().collect();
    stack.data(Level::Connection, &Arc::new(data));
    stack
}

async fn after(seconds: u64) {
    match seconds {
        0 => std::future::pending().await,
        seconds => tokio::time::sleep(Duration::from_secs(seconds)).await,
    }
}
