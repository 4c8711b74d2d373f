use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use rplay_event::{Kind, Status};
use rplay_module::params::{Kind as ParamKind, Spec};
use rplay_module::{Cx, Failure, FailureKind, Mode, Module, Outcome, Runnable};
use rplay_syntax::Node;
use rplay_template::{Notice, Scope, TemplateError, Value};
use serde_json::{Map, Value as Json, json};

use super::background::{self, Background};
use super::delegate::Delegate;
use super::item::{Ended, object};
use super::{Runner, Stop, TaskRun};
use crate::connection::Work;
use crate::directives;
use crate::fallthrough::ForeignCall;
use crate::hosts::Host;
use crate::load::bare;
use crate::scopes::{Data, Level, Stack};
use crate::world::TaskWorld;

/// What stands for the trace of an error in a result.
pub(super) const NO_TRACEBACK: &str = "(traceback unavailable)";

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
        let laid = delegate.as_ref().ok().and_then(Option::as_ref).map(|delegate| delegate.lay_over(stack));
        let stack = laid.as_ref().unwrap_or(stack);
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
            Err(error) => return Ok(Self::wrong(task, &error, "Task failed", &[])),
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
            let spot = Spot { host, scope: &scope, delegate: delegate.as_ref(), unsure };
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
                ended.set("failed", true);
                return Ok(ended);
            }
            ended.set("retries", attempts.most);
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
            None => self.module(task, spot, &args, background).await?,
        };
        if let Some(delegate) = spot.delegate {
            self.delegated(&mut ended, delegate);
        }
        Ok(ended)
    }

    /// Returns the end of a task of which a parameter could not be rendered.
    pub(crate) fn unrendered(task: &TaskRun<'_>, name: Option<String>, error: &TemplateError) -> Ended {
        let whole =
            format!("Finalization of task args for '{}' failed.", full_name(&task.item.task.action.name));
        let mut doing = vec![(whole, task.item.task.action.span.clone())];
        if let Some(name) = name {
            let place = error.span.clone().unwrap_or_else(|| task.item.task.span.clone());
            doing.push((format!("Error while resolving value for '{name}'."), place));
        }
        Self::wrong(task, error, "Task failed", &doing)
    }

    /// Renders the arguments: defaults for the module under what the task says.
    fn arguments(
        &self,
        task: &TaskRun<'_>,
        action: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, Value>, (Option<String>, TemplateError)> {
        let mut args = IndexMap::new();
        for node in &task.item.context.module_defaults {
            let defaults = self.template.render(node, scope).map_err(|error| (None, error))?.value;
            for (key, value) in defaults.entries() {
                if key.as_str().is_some_and(|key| self.same_module(key, action)) {
                    args.extend(
                        value
                            .entries()
                            .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))),
                    );
                }
            }
        }
        let own = &task.item.task.args;
        if let Some(template) = &own.template {
            let given = self.template.render(template, scope).map_err(|error| (None, error))?.value;
            args.extend(
                given.entries().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))),
            );
        }
        for (key, node) in own.named.iter() {
            let name = key.key_text().into_owned();
            match self.template.render(node, scope) {
                Ok(rendered) if rendered.value.is_omit() => {
                    args.shift_remove(&name);
                }
                Ok(rendered) => {
                    self.tell(&rendered.marks);
                    args.insert(name, rendered.value);
                }
                Err(error) if error.kind == rplay_template::ErrorKind::Omitted => {
                    args.shift_remove(&name);
                }
                Err(error) => return Err((Some(name), error)),
            }
        }
        if let Some(free) = &own.free_form {
            let rendered =
                self.template.render(free, scope).map_err(|error| (Some("_raw_params".to_owned()), error))?;
            self.tell(&rendered.marks);
            directives::add_free_form(&mut args, action, rendered.value);
        }
        Ok(args)
    }

    /// Says what an evaluation has to tell the user.
    pub(crate) fn tell(&self, marks: &rplay_template::Marks) {
        for notice in &marks.notices {
            match notice {
                Notice::Warning(message) => self.emitter.warn(message.clone()),
                Notice::Deprecation(message) => self.emit(Kind::Deprecated { message: message.clone() }),
            }
        }
    }

    /// Returns whether a key of `module_defaults` means the action: by any of its names, or by a group it belongs to.
    fn same_module(&self, key: &str, action: &str) -> bool {
        if bare(key) == bare(action) {
            return true;
        }
        let Some(module) = self.modules.get(action).or_else(|| self.modules.get(bare(action))) else {
            return false;
        };
        match key.strip_prefix("group/") {
            Some(group) => group_of(module) == group.rsplit('.').next(),
            None => module.names.contains(&key),
        }
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
        // `fetch` makes a folder for each host.
        if let (Some(param), Some(fields)) = (spec.param("_inventory_hostname"), args.as_object_mut()) {
            fields.insert(param.name.to_owned(), json!(host.name.as_ref()));
        }
        if let Err(failure) = self.controller_files(task, &spec, &mut args, scope) {
            return Ok(failed(&failure));
        }
        if bare(action) == "async_status"
            && let Err(ended) = self.async_dir(task, spot, &mut args)
        {
            return Ok(*ended);
        }
        let environment = match self.environment(task, scope) {
            Ok(environment) => environment,
            Err(error) => {
                return Ok(Self::wrong(task, &error, "Task failed", &[]));
            }
        };
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
        let key = (task.id, host.name.to_string());
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), task.name.clone());
        let outcome = tokio::select! {
            outcome = run.run(&cx, &args, mode) => outcome,
            () = self.interrupt.requested() => return Err(Stop::Interrupted),
        };
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
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
            return Ok(Ended::failed(format!("couldn't resolve module/action '{name}'")));
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
        let environment = match self.environment(task, scope) {
            Ok(environment) => environment,
            Err(error) => return Ok(Self::wrong(task, &error, "Task failed", &[])),
        };
        let call = ForeignCall {
            name,
            args,
            mode: self.task_mode(task, scope),
            no_log: task.no_log,
            diff: self.settings.diff,
            verbosity: self.settings.verbosity,
        };
        self.foreign(&module, &call, TaskWorld::new(self, task, host, environment)).await
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
        match (self.mode(), &task.item.context.check_mode) {
            (Mode::Apply | Mode::Check, Some(node)) if self.truth(Some(node), scope) => Mode::Check,
            (Mode::Check, Some(node)) if !node.is_null() => Mode::Apply,
            (mode, _) => mode,
        }
    }

    /// Returns the task's own environment: what `environment:` of the task and all around it says.
    pub(crate) fn environment(
        &self,
        task: &TaskRun<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, String>, TemplateError> {
        let mut environment = IndexMap::new();
        for node in &task.item.context.environment {
            if let rplay_syntax::Data::Map(mapping) = &node.data {
                for (name, value) in mapping.iter() {
                    if let Some(value) = self.environment_value(value, scope)? {
                        environment.insert(name.key_text().into_owned(), value.text());
                    }
                }
            } else if let Some(value) = self.environment_value(node, scope)? {
                for (name, value) in value.entries() {
                    environment.insert(name.text(), value.text());
                }
            }
        }
        Ok(environment)
    }

    /// Renders a value of an environment; `None` leaves it out.
    ///
    /// What asks for the environment's own facts is left out as long as there are none: they are gathered with it.
    fn environment_value(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Option<Value>, TemplateError> {
        use rplay_template::ErrorKind;
        match self.template.render(node, scope) {
            Ok(rendered) if rendered.value.is_omit() => Ok(None),
            Ok(rendered) => Ok(Some(rendered.value)),
            Err(error) if error.kind == ErrorKind::Omitted => Ok(None),
            Err(error) if error.kind == ErrorKind::Undefined && error.message.contains("ansible_env") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn ended(&self, task: &TaskRun<'_>, spec: &Spec, args: &Json, outcome: Outcome, unsure: bool) -> Ended {
        let action = task.item.task.action.name.as_ref();
        if let Some(failure) = &outcome.failure {
            if failure.kind == FailureKind::Unreachable {
                return Self::unconnected(task, failure);
            }
            let mut ended = failed(&named(failure.clone(), action));
            let cause = rplay_event::Fault::new("").at(&task.item.task.span);
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
        ended.set("changed", outcome.changed);
        if outcome.skipped {
            ended.set("skipped", true);
        } else {
            ended.set("failed", false);
        }
        if outcome.unknown {
            ended.registered = Some(Value::unknown(task.name.as_str()));
        }
        if let Some(facts) = ended.result.get("ansible_facts") {
            ended.facts = Some(Value::from_json(facts.clone()));
        }
        ended.verbose_never = bare(action) == "setup";
        self.keep_diff(task, &mut ended, outcome.diff);
        if self.settings.verbosity >= 3 {
            ended.set("invocation", json!({ "module_args": rplay_module::params::invocation(spec, args) }));
        }
        ended
    }

    /// Keeps the difference where it is asked for, in what is registered as well.
    fn keep_diff(&self, task: &TaskRun<'_>, ended: &mut Ended, diff: Vec<rplay_event::Diff>) {
        let wanted = match &task.item.context.diff {
            Some(node) => node.as_bool().unwrap_or(self.settings.diff),
            None => self.settings.diff,
        };
        if wanted && !diff.is_empty() {
            ended.set("diff", registered_diff(&diff));
            ended.diff = diff;
        }
    }

    /// Applies `changed_when`, `failed_when` and `until`; returns whether the task is content.
    fn judge(
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

    /// Finds and renders the files that a module's parameters name on this side.
    fn controller_files(
        &self,
        task: &TaskRun<'_>,
        spec: &Spec,
        args: &mut Json,
        scope: &Arc<dyn Scope>,
    ) -> Result<(), Failure> {
        let remote = is_of_host(spec, args);
        let options = args.clone();
        for param in &spec.params {
            let folder = match &param.kind {
                ParamKind::ControllerFile(folder) => *folder,
                ParamKind::ControllerTemplate => "templates",
                _ => continue,
            };
            let names = std::iter::once(param.name).chain(param.aliases.iter().copied());
            let Some(name) = names.into_iter().find(|name| args.get(*name).is_some_and(Json::is_string))
            else {
                continue;
            };
            let given = args.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            if remote && param.kind != ParamKind::ControllerTemplate {
                continue;
            }
            let file = self.controller_file(task, folder, &given, &param.kind, &options, scope)?;
            if let Some(fields) = args.as_object_mut() {
                fields.insert(
                    name.to_owned(),
                    rplay_module::params::to_wire(&file.path, file.content.as_deref()),
                );
            }
        }
        Ok(())
    }
}

/// Returns whether `src` is a path on the host: as `remote_src` says, or is taken to say, or the old `copy: false`.
fn is_of_host(spec: &Spec, args: &Json) -> bool {
    let truth = |value: &Json| {
        let text = value.as_str().map(str::to_lowercase);
        value
            .as_bool()
            .or_else(|| text.map(|text| matches!(text.as_str(), "yes" | "true" | "on" | "1" | "y" | "t")))
    };
    let given =
        |name: &str| spec.param(name).and_then(|param| truth(args.get(name).or(param.default.as_ref())?));
    given("remote_src").unwrap_or(false)
        || (spec.param("remote_src").is_some() && given("copy") == Some(false))
}

/// Returns the group of `module_defaults` that a module belongs to, told by the connection parameters of its family.
fn group_of(module: &Module) -> Option<&'static str> {
    let spec = (module.spec)();
    let families = [("endpoint_url", "aws"), ("docker_host", "docker")];
    families.into_iter().find(|(param, _)| spec.param(param).is_some()).map(|(_, group)| group)
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
    ended.set(field, error.to_string());
}

async fn after(seconds: u64) {
    match seconds {
        0 => std::future::pending().await,
        seconds => tokio::time::sleep(Duration::from_secs(seconds)).await,
    }
}

/// Returns the end of a task that took too long.
fn timed_out(task: &TaskRun<'_>, seconds: u64) -> Ended {
    let message = format!("Task failed: Timed out after {seconds} second(s).");
    let mut ended = Ended::failed(message.as_str());
    ended.causes.push(rplay_event::Fault::new(message).at(&task.item.task.span));
    let help = "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.";
    ended.set("timedout", json!({ "frame": help, "period": seconds }));
    ended
}

fn failed(failure: &Failure) -> Ended {
    let mut ended = Ended::failed(failure.message.clone());
    ended.result.extend(failure.result.clone());
    if let (Some(code), false) = (&failure.code, ended.result.contains_key("error")) {
        ended.set("error", json!({ "code": code, "message": failure.message }));
    }
    ended.screen.clone_from(&failure.screen);
    ended
}

/// Puts the module's name into messages about its arguments.
fn named(mut failure: Failure, action: &str) -> Failure {
    if let FailureKind::Arguments(faults) = &failure.kind {
        failure.message = rplay_module::params::message(faults, action);
    }
    failure
}

/// Returns the name that Ansible's messages give an action.
pub(crate) fn full_name(action: &str) -> String {
    if action.contains('.') { action.to_owned() } else { format!("ansible.builtin.{action}") }
}

/// Returns a task's arguments as they are written.
pub(super) fn written_args(args: &rplay_syntax::Args) -> Json {
    let mut written: Map<String, Json> =
        args.named.iter().map(|(name, node)| (name.key_text().into_owned(), node.to_json())).collect();
    if let Some(free) = &args.free_form {
        written.insert("_raw_params".to_owned(), free.to_json());
    }
    Json::Object(written)
}

/// Returns a map of JSON values as one JSON object.
pub(crate) fn json_args(args: &IndexMap<String, Value>) -> Map<String, Json> {
    object(Json::Object(args.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()))
}
