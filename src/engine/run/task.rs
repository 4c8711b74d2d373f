use std::sync::{Arc, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rplay_event::{Diff, DiffSide, Fault, Kind, Status, TaskInfo, TaskResult};
use rplay_syntax::Node;
use rplay_template::{Scope, Value};
use serde_json::{Map, Value as Json, json};

use super::item::{Ended, Include};
use super::{PlayRun, Runner, Stop, flag};
use crate::hosts::Host;
use crate::load::{Context, TaskItem, bare};
use crate::scopes::Stack;

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
        rescued: bool,
    ) -> Result<(), Stop> {
        let open: Vec<Arc<Host>>;
        let hosts = match &item.context.role {
            Some(role) => {
                open =
                    hosts.iter().filter(|host| item.implicit || role.is_open(&host.name)).cloned().collect();
                &open
            }
            None => hosts,
        };
        if !self.selected(run, item, hosts) {
            return Ok(());
        }
        if bare(&item.task.action.name) == "meta" {
            if !item.implicit {
                self.meta_heading(run, item, hosts);
            }
            return self.meta(run, item, hosts).await;
        }
        self.on_hosts(run, item, hosts, rescued, false).await
    }

    fn meta_heading(&self, run: &Arc<PlayRun>, item: &TaskItem, hosts: &[Arc<Host>]) {
        let Some(first) = hosts.first() else { return };
        let scope = self.task_scope(run, first, item).shared();
        let name = self.task_name(item, &scope);
        self.emit(Kind::TaskStarted { task: self.info(item, self.task_id(), name, false, false) });
    }

    /// Returns the heading of a task.
    fn info(&self, item: &TaskItem, id: u64, name: String, handler: bool, no_log: bool) -> TaskInfo {
        TaskInfo {
            id,
            name,
            action: item.task.action.name.to_string(),
            span: Some(item.task.span.clone()),
            handler,
            check: self.settings.mode == rplay_event::RunMode::Check,
            no_log,
        }
    }

    pub(super) async fn handler(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
    ) -> Result<(), Stop> {
        self.on_hosts(run, item, hosts, false, true).await
    }

    async fn on_hosts(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
        rescued: bool,
        handler: bool,
    ) -> Result<(), Stop> {
        let Some(first) = hosts.first() else { return Ok(()) };
        let scope = self.task_scope(run, first, item).shared();
        let once = self.truth(item.context.run_once.as_ref(), &scope);
        let task = TaskRun {
            play: run,
            item,
            id: self.task_id(),
            name: self.task_name(item, &scope),
            no_log: self.truth(item.context.no_log.as_ref(), &scope),
        };
        self.emit(Kind::TaskStarted {
            task: self.info(item, task.id, task.name.clone(), handler, task.no_log),
        });
        let alone = crate::directives::acts_once(bare(&item.task.action.name));
        let on = if once || alone { hosts.get(..1).unwrap_or_default() } else { hosts };
        let ended = self.all_hosts(&task, on, rescued).await?;
        if once {
            Self::share(item, hosts, &ended);
        }
        self.fail_together(run, item, hosts, &scope, &ended, once || alone);
        self.includes(&task, ended, rescued).await
    }

    /// Runs the task on up to `forks` hosts at a time; results are told as they come.
    async fn all_hosts(
        self: &Arc<Self>,
        task: &TaskRun<'_>,
        hosts: &[Arc<Host>],
        rescued: bool,
    ) -> Result<Vec<(Arc<Host>, Ended)>, Stop> {
        let mut waiting = hosts.iter();
        let mut running = FuturesUnordered::new();
        let mut ended = Vec::with_capacity(hosts.len());
        loop {
            while running.len() < self.settings.forks.max(1) {
                let Some(host) = waiting.next() else { break };
                self.emit(Kind::HostStarted { task: task.id, host: host.name.to_string() });
                running.push(async move { (Arc::clone(host), self.on_host(task, host).await) });
            }
            match running.next().await {
                None => break,
                Some((host, result)) => {
                    let result = result?;
                    self.finish(task, &host, &result, rescued)?;
                    ended.push((host, result));
                }
            }
        }
        ended.sort_by_key(|(host, _)| hosts.iter().position(|other| other.name == host.name));
        Ok(ended)
    }

    /// Counts and tells a result, sets what it registers, and takes a failed host out.
    pub(super) fn finish(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        ended: &Ended,
        rescued: bool,
    ) -> Result<(), Stop> {
        self.register(task, host, ended);
        let status = ended.status();
        if let Some(role) = &task.item.context.role
            && !matches!(status, Status::Skipped | Status::Unreachable)
        {
            role.begun(&host.name);
        }
        if self.settings.mode == rplay_event::RunMode::Destroy {
            // The walk forwards of a destroy has to reach every task, whatever still works.
            return Ok(());
        }
        // What is brought in is counted file by file.
        if ended.include.is_empty() {
            Self::count(host, ended, status, rescued);
        }
        if status == Status::Failed && !ended.ignored && rescued {
            host.set("ansible_failed_task", Value::from_json(failed_task(task)));
            host.set("ansible_failed_result", Value::from_json(Json::Object(ended.result.clone())));
        }
        if ended.include.is_empty() || matches!(status, Status::Failed | Status::Skipped) {
            self.emit(Kind::TaskDone { result: self.told(task, host, ended, status) });
        }
        if matches!(status, Status::Failed | Status::Unreachable) && !ended.ignored {
            host.fail();
            self.refresh_magic(task.play);
        }
        if flag(&ended.result, "changed") && status != Status::Failed {
            self.notify(task.play, host, &ended.notify)?;
        }
        Ok(())
    }

    fn register(&self, task: &TaskRun<'_>, host: &Host, ended: &Ended) {
        if let Some(facts) = &ended.facts {
            host.learn(facts);
        }
        for (name, value) in &ended.variables {
            host.set(name, value.clone());
        }
        for written in &ended.included {
            host.include(Arc::clone(written));
        }
        let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) else { return };
        let doubtful =
            self.settings.mode == rplay_event::RunMode::Destroy && ended.status() == Status::Failed;
        if doubtful {
            host.set(name, Value::unknown(task.name.as_str()));
            return;
        }
        host.set(
            name,
            ended.registered.clone().unwrap_or_else(|| Value::from_json(Json::Object(ended.result.clone()))),
        );
    }

    fn count(host: &Host, ended: &Ended, status: Status, rescued: bool) {
        host.count(|counts| {
            match status {
                Status::Skipped => counts.skipped += 1,
                Status::Unreachable => counts.unreachable += 1,
                Status::Failed if ended.ignored => {
                    counts.ok += 1;
                    counts.ignored += 1;
                }
                Status::Failed if rescued => counts.rescued += 1,
                Status::Failed => counts.failed += 1,
                Status::Ok | Status::Changed => counts.ok += 1,
            }
            let counted = !matches!(status, Status::Skipped | Status::Unreachable)
                && (status != Status::Failed || ended.ignored);
            if counted && flag(&ended.result, "changed") {
                counts.changed += 1;
            }
        });
    }

    pub(super) fn told(&self, task: &TaskRun<'_>, host: &Host, ended: &Ended, status: Status) -> TaskResult {
        let mut result = if ended.no_log { censored(&ended.result) } else { shown(&ended.result) };
        if matches!(status, Status::Failed | Status::Unreachable) && !ended.looped {
            result.insert("exception".to_owned(), self.causes(task, ended));
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
        let own = [Fault::new("").at(&task.item.task.span)];
        let causes = if ended.causes.is_empty() || ended.no_log { &own[..] } else { &ended.causes };
        let explained = causes.iter().map(|fault| {
            let fault = fault.clone();
            if ended.no_log { fault } else { self.loader.reader.sources.explain(fault) }
        });
        explained.filter_map(|fault| serde_json::to_value(fault).ok()).collect()
    }

    /// `run_once`: what one host learned, all have.
    fn share(item: &TaskItem, hosts: &[Arc<Host>], ended: &[(Arc<Host>, Ended)]) {
        let Some((_, ended)) = ended.first() else { return };
        for host in hosts.iter().skip(1) {
            if let Some(facts) = &ended.facts {
                host.learn(facts);
            }
            ended.variables.iter().for_each(|(name, value)| host.set(name, value.clone()));
            if let Some(name) = item.task.register.as_ref().and_then(Node::as_str) {
                host.set(name, Value::from_json(Json::Object(ended.result.clone())));
            }
        }
    }

    /// `any_errors_fatal`, and a failed `run_once`: one failure is everyone's.
    fn fail_together(
        &self,
        run: &PlayRun,
        item: &TaskItem,
        hosts: &[Arc<Host>],
        scope: &Arc<dyn Scope>,
        ended: &[(Arc<Host>, Ended)],
        once: bool,
    ) {
        let failed = ended.iter().any(|(_, ended)| {
            !ended.ignored && matches!(ended.status(), Status::Failed | Status::Unreachable)
        });
        if failed && (once || self.truth(item.context.any_errors_fatal.as_ref(), scope)) {
            hosts.iter().for_each(|host| host.fail());
            self.refresh_magic(run);
        }
    }

    pub(crate) fn task_name(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> String {
        let own = item.task.keywords.name.as_ref().filter(|name| !name.is_null()).map(|node| {
            // A name that cannot be rendered is shown as it is written, as Ansible does.
            match self.template.render(node, scope) {
                Ok(rendered) => rplay_module::unknown::shown(&rendered.value.text()),
                Err(_) => node.as_str().unwrap_or_default().to_owned(),
            }
        });
        item.heading(own.as_deref())
    }

    /// Returns the handler's name and the topics it listens to.
    pub(super) fn handler_names(&self, run: &PlayRun, handler: &TaskItem) -> Vec<String> {
        let Some(host) = run.hosts.first() else { return Vec::new() };
        let scope = self.task_scope(run, host, handler).shared();
        let mut names = vec![self.task_name(handler, &scope)];
        if let (Some(role), Some(node)) = (&handler.context.role, &handler.task.keywords.name)
            && let Ok(rendered) = self.template.render(node, &scope)
        {
            let own = rendered.value.text();
            names.push(format!("{} : {own}", role.definition.name));
            names.push(own);
        }
        for topic in &handler.task.listen {
            if let Ok(rendered) = self.template.render(topic, &scope) {
                names.push(rendered.value.text());
            }
        }
        names
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
    pub(super) fn selected(&self, run: &PlayRun, item: &TaskItem, hosts: &[Arc<Host>]) -> bool {
        let Some(host) = hosts.first() else { return false };
        let stack = self.task_scope(run, host, item);
        let tags = self.tags(&item.context, &stack);
        self.selection.selects(&tags) && self.started(item, &stack.shared())
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

    async fn includes(
        self: &Arc<Self>,
        task: &TaskRun<'_>,
        ended: Vec<(Arc<Host>, Ended)>,
        rescued: bool,
    ) -> Result<(), Stop> {
        let mut groups: Vec<(Include, Vec<Arc<Host>>)> = Vec::new();
        for (host, ended) in ended {
            for include in ended.include {
                match groups.iter_mut().find(|(other, _)| other.same(&include)) {
                    Some((_, hosts)) => hosts.push(Arc::clone(&host)),
                    None => groups.push((include, vec![Arc::clone(&host)])),
                }
            }
        }
        let mut brought = Vec::with_capacity(groups.len());
        for (include, hosts) in groups {
            brought.extend(self.bring(task, &include, &hosts, rescued)?.map(|items| (items, hosts)));
        }
        for (items, hosts) in brought {
            self.steps(task.play, &items, &hosts, rescued).await?;
        }
        Ok(())
    }
}

pub(super) fn is_true(value: &Value) -> bool {
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

fn failed_task(task: &TaskRun<'_>) -> Json {
    json!({ "name": task.name, "action": &*task.item.task.action.name })
}
