use std::collections::HashMap;

use indexmap::IndexMap;
use rplay_event::{Counts, Kind, RunMode, Status, TaskInfo, TaskResult};
use serde_json::{Map, Value};

use crate::diff::differences;
use crate::failure::failure;
use crate::messages::{self, host_label, is_summary, item_label};
use crate::paint::Paint;
use crate::plan;
use crate::result::{cleaned, dumped, is_debug};
use crate::screen::{Screen, Side};
use crate::settings::Settings;
use crate::text::{Layout, json, label};

/// Ansible's `default` callback, and the plan in its place when a run only plans.
#[derive(Default)]
pub(crate) struct Default {
    mode: RunMode,
    tasks: HashMap<u64, Task>,
    /// The task whose heading was printed last.
    headed: Option<u64>,
    /// What `set_stats` has collected, until the recap.
    stats: IndexMap<String, Map<String, Value>>,
    /// Whether what will be destroyed has been told: what follows tells what has been.
    foretold: bool,
}

struct Task {
    info: TaskInfo,
    /// Whether its heading in a plan has been printed.
    planned: bool,
}

impl Default {
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        View { state: self, settings, screen }.event(kind);
    }

    /// A plan tells what would be done, not what was run to find it out.
    fn plans(&self) -> bool {
        matches!(self.mode, RunMode::Plan | RunMode::Destroy)
    }
}

/// The state together with what one event is printed with.
struct View<'a> {
    state: &'a mut Default,
    settings: &'a Settings,
    screen: &'a mut Screen,
}

impl View<'_> {
    fn event(&mut self, kind: &Kind) {
        match kind {
            Kind::RunStarted { mode, .. } => self.state.mode = *mode,
            Kind::TaskStarted { task } => self.task_started(task),
            Kind::ItemDone { result } => self.item_done(result),
            Kind::TaskDone { result } => self.task_done(result),
            Kind::Planned { task, planned, .. } if self.state.plans() => self.planned(*task, planned),
            Kind::PlanDone { add, change, destroy, may_change, will_run } => {
                let totals = plan::Totals {
                    add: *add,
                    change: *change,
                    destroy: *destroy,
                    may_change: *may_change,
                    will_run: *will_run,
                };
                self.out(None, &plan::totals(&totals));
                self.state.foretold = true;
            }
            Kind::DestroyDone { destroyed, kept } => self.out(None, &plan::destroyed(*destroyed, kept)),
            _ if self.state.plans() => {}
            other => self.progress_of_a_run(other),
        }
    }

    /// What only a run that does something tells.
    fn progress_of_a_run(&mut self, kind: &Kind) {
        match kind {
            Kind::PlaybookStarted { file, plays } => self.playbook_started(file, *plays),
            Kind::PlayStarted { name, check, .. } => self.play_started(name, *check),
            Kind::NoHostsMatched => self.out(Some(Paint::Skip), "skipping: no hosts matched"),
            Kind::NoHostsRemaining => self.screen.banner("NO MORE HOSTS LEFT"),
            Kind::HostStarted { task, host } => self.host_started(*task, host),
            Kind::Retrying { host, name, left, result, .. } => self.retrying(host, name, *left, result),
            Kind::Async { host, job, state, .. } => {
                let line = messages::asynchronous(host, job, *state);
                self.out(Some(Paint::Debug), &line);
            }
            Kind::Included { task, file, hosts, item } => {
                self.heading(*task);
                self.included(file, hosts, item.as_ref());
            }
            Kind::CustomStats { stats } => self.state.stats.clone_from(stats),
            Kind::Notified { handler, host } if self.settings.verbosity > 1 => {
                self.out(Some(Paint::Verbose), &format!("NOTIFIED HANDLER {handler} for {host}"));
            }
            Kind::Recap { hosts } => self.recap(hosts),
            _ => {}
        }
    }

    fn out(&mut self, paint: Option<Paint>, text: &str) {
        self.screen.line(Side::Out, paint, text);
    }

    /// Failures go where `display_failed_stderr` says.
    fn failed_side(&self) -> Side {
        if self.settings.display_failed_stderr { Side::Err } else { Side::Out }
    }

    fn check_marker(&self, check: bool) -> &'static str {
        if check && self.settings.check_mode_markers { " [CHECK MODE]" } else { "" }
    }

    fn playbook_started(&mut self, file: &str, plays: usize) {
        if self.settings.verbosity > 1 {
            let name = file.rsplit('/').next().unwrap_or(file);
            self.screen.banner(&format!("PLAYBOOK: {name}"));
        }
        self.dry_run_marker();
        if self.settings.verbosity > 1 {
            self.out(Some(Paint::Verbose), &format!("{plays} plays in {file}"));
        }
    }

    fn dry_run_marker(&mut self) {
        if self.state.mode == RunMode::Check && self.settings.check_mode_markers {
            self.screen.banner("DRY RUN");
        }
    }

    fn play_started(&mut self, name: &str, check: bool) {
        self.state.tasks.clear();
        let check = self.check_marker(check);
        match name.trim() {
            "" => self.screen.banner(&format!("PLAY{check}")),
            name => self.screen.banner(&format!("PLAY [{name}]{check}")),
        }
    }

    fn task_started(&mut self, info: &TaskInfo) {
        self.state.tasks.insert(info.id, Task { info: info.clone(), planned: false });
        let everything = self.settings.display_skipped_hosts && self.settings.display_ok_hosts;
        if everything && !info.free && !self.state.plans() {
            self.heading(info.id);
        }
    }

    /// Prints the task's heading, unless the last one was the same.
    fn heading(&mut self, id: u64) {
        if self.state.headed == Some(id) {
            return;
        }
        let Some(Task { info, .. }) = self.state.tasks.get(&id) else { return };
        let kind = if info.handler { "RUNNING HANDLER" } else { "TASK" };
        self.screen.banner(&format!("{kind} [{}]{}", info.name.trim(), self.check_marker(info.check)));
        if self.settings.verbosity > 1 {
            self.task_path(id);
        }
        self.state.headed = Some(id);
    }

    fn task_path(&mut self, id: u64) {
        if let Some(span) = self.task(id).and_then(|task| task.span.as_ref()) {
            let path = format!("task path: {}:{}", span.file, span.line);
            self.out(Some(Paint::Debug), &path);
        }
    }

    fn task(&self, id: u64) -> Option<&TaskInfo> {
        self.state.tasks.get(&id).map(|task| &task.info)
    }

    fn action(&self, id: u64) -> String {
        self.task(id).map(|task| task.action.clone()).unwrap_or_default()
    }

    fn host_started(&mut self, id: u64, host: &str) {
        let Some(task) = self.task(id).filter(|_| self.settings.show_per_host_start) else { return };
        let kind = if task.handler { "HANDLER" } else { "TASK" };
        let line = format!(" [started {kind}: {} on {host}]", task.name);
        self.out(Some(Paint::Ok), &line);
    }

    fn item_done(&mut self, result: &TaskResult) {
        let label = item_label(result, self.task(result.task));
        match result.status {
            Status::Ok | Status::Changed => {
                if let Some((word, paint)) = self.succeeded(result) {
                    let line = format!("{word}: [{}] => (item={label})", host_label(result));
                    self.line_with_result(paint, line, result);
                }
            }
            Status::Skipped if self.settings.display_skipped_hosts && !self.state.plans() => {
                self.heading(result.task);
                self.tell_messages(result);
                let line = format!("skipping: [{}] => (item={label}) ", result.host);
                self.line_with_result(Paint::Skip, line, result);
            }
            Status::Skipped => {}
            Status::Failed | Status::Unreachable => {
                self.heading(result.task);
                self.tell_messages(result);
                let line =
                    format!("failed: [{}] (item={label}) => {}", host_label(result), self.detail(result));
                self.screen.line(self.failed_side(), Some(Paint::Error), &line);
            }
        }
    }

    fn task_done(&mut self, result: &TaskResult) {
        match result.status {
            Status::Ok | Status::Changed => self.task_succeeded(result),
            Status::Skipped => self.task_skipped(result),
            Status::Failed => self.task_failed(result),
            Status::Unreachable => self.unreachable(result),
        }
    }

    fn task_succeeded(&mut self, result: &TaskResult) {
        let Some((word, paint)) = self.succeeded(result) else { return };
        if !is_summary(result) {
            self.line_with_result(paint, format!("{word}: [{}]", host_label(result)), result);
        }
    }

    /// Prints what stands before the line of a success; `None` where the line is not shown at all.
    fn succeeded(&mut self, result: &TaskResult) -> Option<(&'static str, Paint)> {
        let changed = result.status == Status::Changed;
        if self.state.plans() || is_include(&self.action(result.task)) {
            return None;
        }
        if changed && !is_summary(result) {
            self.differences(result);
        }
        if !changed && !self.settings.display_ok_hosts {
            return None;
        }
        self.heading(result.task);
        self.tell_messages(result);
        Some(if changed { ("changed", Paint::Changed) } else { ("ok", Paint::Ok) })
    }

    fn differences(&mut self, result: &TaskResult) {
        let text = differences(&result.diff, self.settings, self.screen);
        if !text.is_empty() {
            self.heading(result.task);
            self.out(None, &text);
        }
    }

    fn task_skipped(&mut self, result: &TaskResult) {
        if !self.settings.display_skipped_hosts || self.state.plans() {
            return;
        }
        self.heading(result.task);
        self.tell_messages(result);
        self.line_with_result(Paint::Skip, format!("skipping: [{}]", result.host), result);
    }

    fn task_failed(&mut self, result: &TaskResult) {
        self.heading(result.task);
        self.tell_messages(result);
        // What `debug` says of a loop is its message alone: Ansible takes it for a result without items.
        let bare =
            is_summary(result) && is_debug(&self.action(result.task)) && result.result.contains_key("msg");
        if !is_summary(result) || bare {
            if self.settings.verbosity < 2 && self.settings.show_task_path_on_failure {
                self.task_path(result.task);
            }
            let line = format!("fatal: [{}]: FAILED! => {}", host_label(result), self.detail(result));
            self.screen.line(self.failed_side(), Some(Paint::Error), &line);
        }
        self.ignoring(result);
    }

    fn unreachable(&mut self, result: &TaskResult) {
        self.heading(result.task);
        self.tell_messages(result);
        let line = format!("fatal: [{}]: UNREACHABLE! => {}", host_label(result), self.detail(result));
        self.screen.line(self.failed_side(), Some(Paint::Unreachable), &line);
        self.ignoring(result);
    }

    fn ignoring(&mut self, result: &TaskResult) {
        if result.ignored {
            self.out(Some(Paint::Skip), "...ignoring");
        }
    }

    /// A deploy's own screen, where there is one; else the result.
    fn detail(&self, result: &TaskResult) -> String {
        match &result.screen {
            Some(screen) => format!("\n{screen}"),
            None => dumped(self.shown(result), self.settings, result.verbose_always),
        }
    }

    fn shown(&self, result: &TaskResult) -> Map<String, Value> {
        let mut shown = cleaned(&result.result, &self.action(result.task));
        if is_summary(result) && result.status != Status::Unreachable {
            // The items have been printed one by one.
            shown.shift_remove("results");
        }
        shown
    }

    fn line_with_result(&mut self, paint: Paint, mut line: String, result: &TaskResult) {
        if (self.settings.verbosity > 0 || result.verbose_always) && !result.verbose_never {
            line.push_str(" => ");
            line.push_str(&dumped(self.shown(result), self.settings, result.verbose_always));
        }
        self.out(Some(paint), &line);
    }

    fn tell_messages(&mut self, result: &TaskResult) {
        messages::warnings(result, self.settings, self.screen);
        if let Some(text) = failure(result, self.task(result.task)) {
            self.screen.message(self.failed_side(), Paint::Error, "ERROR", &text);
        }
    }

    fn retrying(&mut self, host: &str, name: &str, left: u64, result: &Map<String, Value>) {
        let mut line = format!("FAILED - RETRYING: [{host}]: {name} ({left} retries left).");
        let always = result.get("_ansible_verbose_always").and_then(Value::as_bool).unwrap_or(false);
        if self.settings.verbosity > 2 || always {
            line.push_str("Result was: ");
            line.push_str(&dumped(cleaned(result, ""), self.settings, always));
        }
        self.out(Some(Paint::Debug), &line);
    }

    fn included(&mut self, file: &str, hosts: &[String], item: Option<&Value>) {
        let item = item.filter(|item| !item.is_null() && item.as_str() != Some(""));
        let item = item.map(|item| format!(" => (item={})", label(item))).unwrap_or_default();
        self.out(Some(Paint::Included), &format!("included: {file} for {}{item}", hosts.join(", ")));
    }

    fn recap(&mut self, hosts: &IndexMap<String, Counts>) {
        self.screen.banner("PLAY RECAP");
        let mut sorted: Vec<_> = hosts.iter().collect();
        sorted.sort_by_key(|(host, _)| host.as_str());
        for (host, counts) in sorted {
            let line = self.recap_line(host, counts, true);
            self.screen.screen_line(Side::Out, None, &line);
            let plain = self.recap_line(host, counts, false);
            self.screen.log_detail(0, || plain);
        }
        self.screen.screen_line(Side::Out, None, "");
        if self.settings.show_custom_stats && !self.state.stats.is_empty() {
            self.custom_stats();
        }
        self.dry_run_marker();
    }

    /// Prints what `set_stats` has collected: of the hosts, and of the run.
    fn custom_stats(&mut self) {
        let mut stats = std::mem::take(&mut self.state.stats);
        let run = stats.shift_remove("_run");
        stats.sort_keys();
        self.screen.banner("CUSTOM STATS: ");
        for (host, stats) in &stats {
            let line = format!("\t{host}: {}", Self::stat_line(stats));
            self.out(None, &line);
        }
        if let Some(run) = run {
            self.out(None, "");
            let line = format!("\tRUN: {}", Self::stat_line(&run));
            self.out(None, &line);
        }
        self.out(None, "");
    }

    /// Ansible dumps with an indentation of one, and takes the line breaks out.
    fn stat_line(stats: &Map<String, Value>) -> String {
        json(&Value::Object(stats.clone()), Layout { indent: Some(1), ascii: false }).replace('\n', "")
    }

    fn recap_line(&self, host: &str, counts: &Counts, coloured: bool) -> String {
        let painted = |paint, text: &str| {
            if coloured { self.screen.painted(paint, text) } else { text.to_owned() }
        };
        let failed = counts.failed > 0 || counts.unreachable > 0;
        let paint = match counts.changed {
            _ if failed => Paint::Error,
            0 => Paint::Ok,
            _ => Paint::Changed,
        };
        // Ansible pads the painted name: what the colour takes is in the width.
        let padding = 26_usize.saturating_sub(host.chars().count());
        let name = format!("{}{}", painted(paint, host), " ".repeat(padding));
        let counts = [
            ("ok", counts.ok, Paint::Ok),
            ("changed", counts.changed, Paint::Changed),
            ("unreachable", counts.unreachable, Paint::Unreachable),
            ("failed", counts.failed, Paint::Error),
            ("skipped", counts.skipped, Paint::Skip),
            ("rescued", counts.rescued, Paint::Ok),
            ("ignored", counts.ignored, Paint::Warn),
        ];
        let counts = counts.map(|(word, count, paint)| {
            let text = format!("{word}={count:<4}");
            if count == 0 { text } else { painted(paint, &text) }
        });
        format!("{name} : {}", counts.join(" "))
    }

    fn planned(&mut self, task: u64, planned: &rplay_event::Planned) {
        let Some(text) = plan::planned(planned, self.state.foretold) else { return };
        if let Some(task) = self.state.tasks.get_mut(&task).filter(|task| !task.planned) {
            task.planned = true;
            let name = format!("\n{}", task.info.name.trim());
            self.out(None, &name);
        }
        self.out(plan::paint(planned.action), &text);
    }
}

/// Ansible prints nothing for an include that went well but the files it brought in.
fn is_include(action: &str) -> bool {
    let name =
        action.strip_prefix("ansible.builtin.").or(action.strip_prefix("ansible.legacy.")).unwrap_or(action);
    matches!(name, "include_tasks" | "include_role" | "import_tasks" | "import_role" | "include")
}
