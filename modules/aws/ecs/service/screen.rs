//! What a failed deployment is told with: everything that says why, on one screen.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::diagnosis::{Diagnosis, cut, shortened};
use super::judge::belongs;
use super::watch::{Rollout, Snapshot, Task};

/// How many events, targets and tasks are shown.
const EVENTS: usize = 6;
const TARGETS: usize = 8;
/// How much of a stopped reason is shown: the cause is often at its end.
const LONGEST_REASON: usize = 800;

/// What was found out about a failed deployment.
pub(crate) struct Autopsy<'a> {
    pub(crate) called: &'a str,
    /// `family:revision`, or what stands for it.
    pub(crate) revision: &'a str,
    pub(crate) deployment: Option<&'a str>,
    pub(crate) diagnosis: &'a Diagnosis,
    /// Why the wait has ended.
    pub(crate) verdict: &'a str,
    pub(crate) seen: &'a Snapshot,
    /// The tasks that tell most, each with its containers' last lines.
    pub(crate) tasks: &'a [Examined],
}

/// A task with the logs of its containers.
pub(crate) struct Examined {
    pub(crate) task: Task,
    pub(crate) logs: Vec<Log>,
}

/// The last lines of a container.
pub(crate) struct Log {
    pub(crate) container: String,
    /// The group and the stream; or why there is nothing to show.
    pub(crate) place: String,
    pub(crate) lines: Vec<String>,
}

impl Examined {
    /// Returns all lines, for a diagnosis.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.logs.iter().flat_map(|log| log.lines.iter().cloned()).collect()
    }

    /// Returns whether the other task has nothing to add.
    fn tells_the_same(&self, other: &Self) -> bool {
        let exits = |task: &Task| {
            task.containers.iter().map(|one| (one.name.clone(), one.exit_code)).collect::<Vec<_>>()
        };
        let same = self.task.stop_code == other.task.stop_code && exits(&self.task) == exits(&other.task);
        same && self.lines() == other.lines()
    }

    /// Returns the task as the result has it.
    pub(crate) fn json(&self) -> Value {
        let containers = self.task.containers.iter().map(|container| {
            let log = self.logs.iter().find(|log| log.container == container.name);
            json!({
                "name": container.name, "image": container.image, "exit_code": container.exit_code,
                "reason": container.reason, "log": log.map(|log| &log.lines),
            })
        });
        json!({
            "task": self.task.id, "task_definition": self.task.revision, "status": self.task.status,
            "stop_code": self.task.stop_code, "stopped_reason": self.task.reason,
            "containers": containers.collect::<Vec<_>>(),
        })
    }
}

impl Autopsy<'_> {
    /// Returns the screen, several lines.
    pub(crate) fn screen(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = self.write(&mut out);
        out.trim_end().to_owned()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "service {}: {} does not work: {}", self.called, self.revision, self.diagnosis.line)?;
        writeln!(out, "  why the wait has ended: {}", self.verdict)?;
        writeln!(out, "  deployments:")?;
        for rollout in &self.seen.deployments {
            writeln!(out, "    {}", described(rollout))?;
        }
        let mut before: Option<&Examined> = None;
        for examined in self.tasks {
            write_task(out, examined, before.is_some_and(|before| before.tells_the_same(examined)))?;
            before = Some(examined);
        }
        self.write_targets(out)?;
        if !self.seen.events.is_empty() {
            writeln!(out, "  last events of the service:")?;
            for event in self.seen.events.iter().take(EVENTS) {
                writeln!(out, "    {}", shortened(&event.message))?;
            }
        }
        writeln!(out, "  now: {}", self.runs_now())
    }

    fn write_targets(&self, out: &mut String) -> std::fmt::Result {
        for group in &self.seen.groups {
            if group.targets.is_empty() {
                writeln!(out, "  target group {}: no target is registered", group.name)?;
                continue;
            }
            writeln!(out, "  target group {}:", group.name)?;
            for target in group.targets.iter().take(TARGETS) {
                writeln!(out, "    {} {}", target.called(), target.explained())?;
            }
        }
        Ok(())
    }

    /// Returns which revision runs, and whether an old one still answers.
    pub(crate) fn runs_now(&self) -> String {
        let ours = |rollout: &&Rollout| match self.deployment {
            Some(id) => rollout.id == id,
            None => rollout.revision == self.revision,
        };
        let runs = |rollout: &&Rollout| rollout.running > 0;
        let healthy = |count: usize| format!(", {count} healthy target{}", if count == 1 { "" } else { "s" });
        if let Some(old) = self.seen.deployments.iter().filter(runs).find(|rollout| !ours(rollout)) {
            let tasks = self.seen.tasks.iter().flatten().filter(|task| belongs(task, old) && !task.is_dead());
            let addresses: Vec<&String> = tasks.flat_map(|task| &task.addresses).collect();
            let targets = self.seen.groups.iter().flat_map(|group| &group.targets);
            let answering =
                targets.filter(|target| target.state == "healthy" && addresses.contains(&&target.id)).count();
            let told = if self.seen.groups.is_empty() { String::new() } else { healthy(answering) };
            let still = if self.seen.groups.is_empty() || answering > 0 { ": it still answers" } else { "" };
            let tasks = format!("{} task{}", old.running, if old.running == 1 { "" } else { "s" });
            return format!("{} runs with {tasks}{told}{still}", old.revision);
        }
        match self.seen.deployments.iter().filter(runs).find(ours) {
            Some(own) => format!(
                "{} of {} tasks of {} run, and no older revision",
                own.running, self.seen.desired, own.revision
            ),
            None => "no task of the service runs".to_owned(),
        }
    }
}

fn described(rollout: &Rollout) -> String {
    let state = rollout.state.as_deref().unwrap_or("-");
    let Rollout { revision, status, running, desired, failed, .. } = rollout;
    let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
    let reason = rollout.reason.as_deref().map_or(String::new(), |reason| format!(": {}", shortened(reason)));
    format!("{revision} {status} {state}, {running} of {desired} tasks run{failed}{reason}")
}

fn write_task(out: &mut String, examined: &Examined, same: bool) -> std::fmt::Result {
    let task = &examined.task;
    let code = task.stop_code.as_deref().filter(|code| !code.is_empty()).unwrap_or(&task.status);
    let given = task.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = given.map_or(String::new(), |reason| format!(": {}", cut(reason, LONGEST_REASON)));
    let ran = task
        .started
        .zip(task.stopped)
        .map_or(String::new(), |(from, to)| format!(" after {:.0} s", (to - from).max(0.0)));
    if same {
        return writeln!(out, "  task {} of {}: {code}{ran}, the same", task.short(), task.revision);
    }
    writeln!(out, "  task {} of {}: {code}{ran}{reason}", task.short(), task.revision)?;
    for container in &task.containers {
        let exit = container.exit_code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
        let reason =
            container.reason.as_deref().map_or(String::new(), |reason| format!(": {}", shortened(reason)));
        writeln!(out, "    container {}: {exit}{reason}", container.name)?;
        for log in examined.logs.iter().filter(|log| log.container == container.name) {
            writeln!(out, "      log {}", log.place)?;
            for line in &log.lines {
                writeln!(out, "      | {line}")?;
            }
        }
    }
    Ok(())
}
