use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rplay_event::{Diff, DiffSide, Fault, Kind, Status, TaskInfo, TaskResult};
use rplay_syntax::Node;
use rplay_template::{Scope, Value};
use serde_json::{Map, Value as Json, json};
use tokio::sync::OwnedSemaphorePermit;

use super::handlers::is_meta;
use super::item::{Ended, Include};
use super::{PlayRun, Runner, Stop, Within};
use crate::hosts::Host;
use crate::load::{Context, Item, TaskItem, bare};
use crate::scopes::Stack;
use crate::settings::Answer;

/// On how many hosts a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    No,
    /// On the first one, because it is that kind of action.
    First,
    /// On the first one for all: `run_once`.
    Once,
}

/// What a task's hosts have in common while it runs.
pub(crate) struct Together {
    /// What one host learns, all know: `run_once`.
    pub(super) once: bool,
    /// One failure is everyone's.
    fatal: bool,
    /// How many hosts run it at a time.
    most: usize,
    pub(super) within: Within,
}

/// What an include has brought in, and the hosts that it is for.
type BroughtIn = (Vec<Item>, Vec<Arc<Host>>);

/// A task under its heading.
pub(crate) struct TaskRun<'a> {
    pub(crate) play: &'a Arc<PlayRun>,
    pub(crate) item: &'a TaskItem,
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) no_log: bool,
}

impl Runner {
    /// Runs a task on hosts; those on which it fails are out.
    pub(super) async fn task(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
        within: Within,
    ) -> Result<(), Stop> {
        let open: Vec<Arc<Host>>;
        let hosts = match &item.context.role {
            // A handler runs also when its role is over.
            Some(role) if !within.handler => {
                open =
                    hosts.iter().filter(|host| item.implicit || role.is_open(&host.name)).cloned().collect();
                &open
            }
            _ => hosts,
        };
        // Handlers run whatever tags they have.
        if hosts.is_empty() || !within.handler && !self.selected(run, item, hosts)? {
            return Ok(());
        }
        if is_meta(item) {
            return self.meta(run, item, hosts, within).await;
        }
        self.conceal_written(item);
        self.on_hosts(run, item, hosts, within).await
    }

    /// Returns the heading of a task.
    pub(super) fn info(&self, task: &TaskRun<'_>, handler: bool) -> TaskInfo {
        TaskInfo {
            id: task.id,
            name: task.name.clone(),
            action: task.item.task.action.name.to_string(),
            span: Some(task.item.task.span.clone()),
            handler,
            check: self.checks(task.item.context.check_mode.as_ref()),
            no_log: task.no_log,
            free: task.play.rules.is_free(),
        }
    }

    /// Returns whether a heading says that what is below it is only checked.
    pub(super) fn checks(&self, keyword: Option<&Node>) -> bool {
        keyword.and_then(Node::to_flag).unwrap_or(self.settings.mode == rplay_event::RunMode::Check)
    }

    /// Returns the id of a heading; where hosts go their own ways, they share that of the same task.
    pub(super) fn heading_id(&self, run: &PlayRun, item: &TaskItem) -> u64 {
        if !run.rules.is_free() {
            return self.task_id();
        }
        let mut headings = run.headings.lock().unwrap_or_else(PoisonError::into_inner);
        *headings.entry(std::ptr::from_ref(item) as usize).or_insert_with(|| self.task_id())
    }

    async fn on_hosts(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
        within: Within,
    ) -> Result<(), Stop> {
        let Some(first) = hosts.first() else { return Ok(()) };
        let scope = self.task_scope(run, first, item).shared();
        let alone = self.alone(run, item, &scope)?;
        let task = TaskRun {
            play: run,
            item,
            id: self.heading_id(run, item),
            name: self.task_name(item, &scope),
            no_log: match &item.context.no_log {
                Some(node) => self.truth(Some(node), &scope),
                None => self.settings.config.flag("DEFAULT_NO_LOG"),
            },
        };
        if !self.steps_on(&task.name) {
            return Ok(());
        }
        let mut info = self.info(&task, within.handler);
        if info.action.contains("{{")
            && let Ok(action) = self.template.render_str(&info.action, &scope)
        {
            info.action = action.value.text();
        }
        self.emit(Kind::TaskStarted { task: info });
        let throttle = self.throttle(item, &scope)?;
        let turn = self.turn(run, item, throttle).await;
        let rules = Together {
            once: alone == Alone::Once,
            fatal: (alone != Alone::No || self.is_fatal(run, item, &scope))
                && !self.truth(item.context.ignore_errors.as_ref(), &scope),
            most: throttle.unwrap_or(usize::MAX).min(self.settings.forks.max(1)),
            within,
        };
        // What a failing host changes of its variables must not find them in use.
        drop(scope);
        let on = if alone == Alone::No { hosts } else { hosts.get(..1).unwrap_or_default() };
        let mut ended = self.all_hosts(&task, on, &rules).await?;
        drop(turn);
        let brought = self.brought(&task, &mut ended)?;
        if rules.fatal {
            Self::fail_together(run, &ended);
        }
        self.count_failures(run);
        if run.rules.is_free() && !brought.is_empty() {
            // The hosts that came here with this one are told of before it goes on.
            tokio::task::yield_now().await;
        }
        for (items, hosts) in brought {
            self.steps(run, &items, &hosts, within).await?;
        }
        if run.rules.is_free() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// `--step`: asks whether the task is to run.
    fn steps_on(&self, name: &str) -> bool {
        let Some(ask) = self.settings.step.filter(|_| !self.no_steps.load(Ordering::Relaxed)) else {
            return true;
        };
        let answer = ask(&format!("TASK: {name}"));
        self.no_steps.store(answer == Answer::Continue, Ordering::Relaxed);
        let asked = format!("Perform task: TASK: {name} (N)o/(y)es/(c)ontinue: ");
        self.emit(Kind::Said { message: format!("\n{asked:*<79}") });
        answer != Answer::No
    }

    /// Returns whether the task runs on one host only, and for whom.
    fn alone(&self, run: &PlayRun, item: &TaskItem, scope: &Arc<dyn Scope>) -> Result<Alone, Stop> {
        let name = &item.task.action.name;
        let bypasses = crate::directives::acts_once(bare(name));
        let once = self.truth(item.context.run_once.as_ref(), scope);
        if !run.rules.is_free() {
            return Ok(match (once, bypasses) {
                (true, _) => Alone::Once,
                (false, true) => Alone::First,
                (false, false) => Alone::No,
            });
        }
        if bypasses {
            let message = format!(
                "The '{name}' module bypasses the host loop, which is currently not supported in the free strategy and \
                 would instead execute for every host in the inventory list."
            );
            return Err(Fault::new(message).at(&item.task.span).kind(rplay_event::FaultKind::Setup).into());
        }
        if once {
            self.emitter.warn(
                "Using run_once with the free strategy is not currently supported. This task will still be executed for \
                 every host in the inventory list.",
            );
        }
        Ok(Alone::No)
    }

    fn is_fatal(&self, run: &PlayRun, item: &TaskItem, scope: &Arc<dyn Scope>) -> bool {
        match &item.context.any_errors_fatal {
            Some(node) => self.truth(Some(node), scope),
            None => run.rules.any_errors_fatal,
        }
    }

    /// Returns on how many hosts the task may run at a time; `None` on any number.
    fn throttle(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> Result<Option<usize>, Stop> {
        let Some(node) = &item.context.throttle else { return Ok(None) };
        let value = self.template.render(node, scope).map(|rendered| rendered.value);
        let number = value.map_err(|error| error.message).and_then(|value| {
            let number = value.as_i64().or_else(|| value.text().trim().parse().ok());
            number.ok_or_else(|| format!("invalid literal for int() with base 10: '{}'", value.text()))
        });
        match number {
            Ok(number) => Ok(usize::try_from(number).ok().filter(|number| *number > 0)),
            Err(why) => {
                let message = format!("Failed to convert the throttle value to an integer: {why}");
                let fault = Fault::new(message).at(&node.span).kind(rplay_event::FaultKind::Setup);
                Err(fault.help("write a whole number").into())
            }
        }
    }

    /// Waits for the turn of a host that goes its own way: as many tasks as `forks` run at a time, and of one task as many
    /// as it lets.
    async fn turn(
        &self,
        run: &PlayRun,
        item: &TaskItem,
        throttle: Option<usize>,
    ) -> [Option<OwnedSemaphorePermit>; 2] {
        if !run.rules.is_free() {
            return [None, None];
        }
        let own = match throttle {
            Some(most) => run.pass(std::ptr::from_ref(item) as usize, most).await,
            None => None,
        };
        [own, run.pass(0, self.settings.forks.max(1)).await]
    }

    /// Runs the task on some hosts at a time; results are told as they come.
    async fn all_hosts(
        self: &Arc<Self>,
        task: &TaskRun<'_>,
        hosts: &[Arc<Host>],
        rules: &Together,
    ) -> Result<Vec<(Arc<Host>, Ended)>, Stop> {
        let go = |at: usize, host: Arc<Host>, item: Option<Arc<TaskItem>>| async move {
            let again = item.as_deref().map(|item| TaskRun { item, name: task.name.clone(), ..*task });
            let result = self.on_host(again.as_ref().unwrap_or(task), &host).await;
            (at, host, item, result)
        };
        let mut waiting = hosts.iter().enumerate();
        let mut running = FuturesUnordered::new();
        let mut ended = Vec::with_capacity(hosts.len());
        loop {
            while running.len() < rules.most {
                let Some((at, host)) = waiting.next() else { break };
                self.emit(Kind::HostStarted { task: task.id, host: host.name.to_string() });
                running.push(go(at, Arc::clone(host), None));
            }
            let Some((at, host, item, result)) = running.next().await else { break };
            let result = result?;
            let before = self.before(task);
            self.finish(task, &host, &result, rules)?;
            if let Some(before) = before {
                let now = item.as_deref().map(|item| TaskRun { item, name: task.name.clone(), ..*task });
                if let Some(again) = self.debugged(now.as_ref().unwrap_or(task), &host, &result)? {
                    before.restore();
                    running.push(go(at, host, Some(again)));
                    continue;
                }
            }
            ended.push((at, host, result));
        }
        ended.sort_by_key(|(at, ..)| *at);
        Ok(ended.into_iter().map(|(_, host, ended)| (host, ended)).collect())
    }

    pub(super) fn told(&self, task: &TaskRun<'_>, host: &Host, ended: &Ended, status: Status) -> TaskResult {
        let mut result = if ended.no_log { censored(&ended.result) } else { shown(&ended.result) };
        if matches!(status, Status::Failed | Status::Unreachable) && !ended.looped {
            result.insert("exception".to_owned(), self.causes(task, ended));
        }
        if let Some(address) = &ended.delegated_address {
            result.insert("_ansible_delegated_vars".to_owned(), json!({ "ansible_host": address }));
        }
        TaskResult {
            task: task.id,
            host: host.name.to_string(),
            delegated_to: ended.delegated_to.clone(),
            status,
            ignored: ended.ignored,
            item: ended.item.clone(),
            result,
            verbose_always: ended.verbose_always && !ended.no_log,
            verbose_never: ended.verbose_never,
            looped: ended.looped,
            diff: if ended.no_log { Vec::new() } else { ended.diff.iter().map(shown_diff).collect() },
            screen: ended.screen.clone().filter(|_| !ended.no_log),
        }
    }

    /// What led to a failure, for the lines of `[ERROR]`: its places, and the source around them.
    fn causes(&self, task: &TaskRun<'_>, ended: &Ended) -> Json {
        if ended.told {
            return json!([]);
        }
        // What a result hides of its own accord does not stand in the playbook.
        let may_differ = task.item.context.no_log.as_ref().is_some_and(Node::may_be_template);
        let hides = ended.no_log && (task.no_log || may_differ);
        let headline = ended.headline.clone().unwrap_or_default();
        let own = [Fault::new(headline).at(&task.item.task.span)];
        let causes = if ended.causes.is_empty() || ended.no_log { &own[..] } else { &ended.causes };
        let explained = causes.iter().map(|fault| {
            // What no one wrote stands nowhere.
            let fault =
                if task.item.implicit { Fault { span: None, ..fault.clone() } } else { fault.clone() };
            let fault = super::certain::placed(task.item, fault);
            if hides { fault } else { self.loader.reader.sources.explain(fault) }
        });
        explained.filter_map(|fault| serde_json::to_value(fault).ok()).collect()
    }

    pub(crate) fn task_name(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> String {
        let own = item.task.keywords.name.as_ref().filter(|name| !name.is_null());
        let own = own.map(|node| match self.template.render_shown(node, scope) {
            Ok(rendered) if rendered.value.is_none() => String::new(),
            Ok(rendered) => rplay_module::unknown::shown(&rendered.value.text()),
            Err(error) => format!("<< error 1 - {} >>", error.message),
        });
        let own = own.filter(|name| !name.is_empty());
        item.heading(own.as_deref())
    }

    /// Returns whether a keyword is true; one that cannot be rendered is not.
    pub(super) fn truth(&self, node: Option<&Node>, scope: &Arc<dyn Scope>) -> bool {
        let Some(node) = node else { return false };
        if let Some(plain) = node.as_bool() {
            return plain;
        }
        self.template.render(node, scope).is_ok_and(|rendered| is_true(&rendered.value))
    }

    /// Returns whether `--tags`, `--skip-tags` and `--start-at-task` let the task run.
    pub(super) fn selected(&self, run: &PlayRun, item: &TaskItem, hosts: &[Arc<Host>]) -> Result<bool, Stop> {
        let Some(host) = hosts.first() else { return Ok(false) };
        let stack = self.task_scope(run, host, item);
        self.check_tags(&item.context, &stack)?;
        let tags = self.tags(&item.context, &stack);
        Ok(self.selection.selects(&tags) && self.started(item, &stack.shared()))
    }

    /// Returns the tags of a context; a template may stand for several, and a text with commas too.
    pub(crate) fn tags(&self, context: &Context, stack: &Stack) -> Vec<String> {
        let scope: Arc<dyn Scope> = stack.clone().shared();
        let mut tags = Vec::new();
        for node in &context.tags {
            let value = match node.as_str().filter(|text| !text.contains("{{")) {
                Some(text) => Value::from_json(json!(text)),
                None => match self.template.render(node, &scope) {
                    Ok(rendered) => rendered.value,
                    Err(_) => continue,
                },
            };
            let texts: Vec<String> = match value.as_items() {
                Some(items) => items.iter().map(Value::text).collect(),
                None => vec![value.text()],
            };
            tags.extend(texts.iter().flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()));
        }
        tags
    }

    /// `--start-at-task`: nothing runs before the task of that name.
    fn started(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> bool {
        let mut wanted = self.start_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(name) = wanted.as_deref() else { return true };
        let here = self.task_name(item, scope);
        if here == name || globset::Glob::new(name).is_ok_and(|glob| glob.compile_matcher().is_match(&here)) {
            *wanted = None;
        }
        wanted.is_none()
    }

    /// Reads what the hosts bring in; returns it with the hosts that asked for it.
    fn brought(&self, task: &TaskRun<'_>, ended: &mut [(Arc<Host>, Ended)]) -> Result<Vec<BroughtIn>, Stop> {
        let mut groups: Vec<(Include, Vec<Arc<Host>>)> = Vec::new();
        for (host, ended) in ended.iter() {
            for include in &ended.include {
                // What a host asks for twice is brought in twice.
                let mut same = groups.iter_mut().filter(|(other, _)| other.same(include));
                match same.find(|(_, hosts)| hosts.last().is_none_or(|last| !Arc::ptr_eq(last, host))) {
                    Some((_, hosts)) => hosts.push(Arc::clone(host)),
                    None => groups.push((include.clone(), vec![Arc::clone(host)])),
                }
            }
        }
        let mut brought = Vec::with_capacity(groups.len());
        for (include, hosts) in groups {
            if let Some(items) = self.bring(task, &include, &hosts)? {
                brought.push((items, hosts));
                continue;
            }
            let asked = |host: &Arc<Host>| hosts.iter().any(|other| Arc::ptr_eq(host, other));
            let failed = ended.iter_mut().filter(|(host, _)| asked(host));
            failed.for_each(|(_, ended)| ended.set("failed", true));
        }
        Ok(brought)
    }
}

pub(crate) fn is_true(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "1" | "y" | "t"),
        None => value.is_truthy(),
    }
}

/// Returns a result as people read it: without the markers of what is not known before the run.
fn shown(result: &Map<String, Json>) -> Map<String, Json> {
    result.iter().map(|(name, value)| (name.clone(), shown_value(value))).collect()
}

fn shown_diff(diff: &Diff) -> Diff {
    let side = |side: &DiffSide| match side {
        DiffSide::Text(text) => DiffSide::Text(rplay_module::unknown::shown(text)),
        DiffSide::Data(data) => DiffSide::Data(shown_value(data)),
        DiffSide::Absent => DiffSide::Absent,
    };
    let line = |text: &Option<String>| text.as_deref().map(rplay_module::unknown::shown);
    Diff {
        before: side(&diff.before),
        after: side(&diff.after),
        before_header: line(&diff.before_header),
        after_header: line(&diff.after_header),
        prepared: line(&diff.prepared),
    }
}

fn shown_value(value: &Json) -> Json {
    match value {
        Json::String(text) if rplay_module::unknown::is_unknown(text) => {
            json!(rplay_module::unknown::shown(text))
        }
        Json::Array(items) => items.iter().map(shown_value).collect(),
        Json::Object(fields) => Json::Object(shown(fields)),
        other => other.clone(),
    }
}

/// What stands in place of a result under `no_log`; worded as Ansible words it.
pub(super) fn censored(result: &Map<String, Json>) -> Map<String, Json> {
    let text = "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
    let mut censored = Map::new();
    censored.insert("censored".to_owned(), json!(text));
    for kept in ["changed", "attempts", "retries"] {
        if let Some(value) = result.get(kept) {
            censored.insert(kept.to_owned(), value.clone());
        }
    }
    censored
}
