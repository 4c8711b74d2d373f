//! Whether a service works, waits or has failed: a pure function over what was seen, look by look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::watch::{Group, Rollout, Snapshot, Task};

/// How long the same tasks must run before a change counts as done: a container that ends at once is seen running too.
const STEADY: Duration = Duration::from_secs(3);
/// How long the answer to a change may not be seen in descriptions.
const SEEN_AT_LAST: Duration = Duration::from_secs(15);
/// After this time without anything new, what happened before this run tells what will.
const SILENCE: Duration = Duration::from_secs(20);
/// How long targets may be unhealthy before they count as failed.
const UNHEALTHY: Duration = Duration::from_secs(20);
/// How long ECS may look for a place.
const UNPLACED: Duration = Duration::from_secs(45);
/// Two deaths that lie further apart, in seconds, are no row.
const ROW: f64 = 600.0;

/// What is waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ours {
    /// `family:revision`; `None` where ECS does not carry out the deployments.
    pub(crate) revision: Option<String>,
    pub(crate) deployment: Option<String>,
    /// This run has started the deployment: all that happens to its tasks happens now.
    pub(crate) started: bool,
    /// In which bad health checks say nothing.
    pub(crate) grace: Duration,
    /// Instances may still come: a capacity provider adds them.
    pub(crate) may_grow: bool,
}

/// What a look says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Judgement {
    Works,
    /// The service counts running tasks that are not real, and why: only its counts can be gone by.
    WorksByCount(&'static str),
    /// What is missing.
    Waits(String),
    Fails(Cause),
}

/// Why a deployment has failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cause {
    /// Somebody deletes the service.
    Going,
    /// The circuit breaker or an alarm has brought another revision back.
    RolledBack { to: String },
    /// The circuit breaker or an alarm has given it up.
    GivenUp,
    /// Its tasks die, two in a row of the same cause: their ids, the last one first.
    Dying(Vec<String>),
    /// Its targets answer health checks badly, or not at all.
    Unhealthy,
    /// ECS finds no place for its tasks.
    Unplaced,
}

/// What the looks so far have shown.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Tasks that were dead at the first look.
    stale: Option<BTreeSet<String>>,
    /// The tasks that run, and since when these and no others.
    steady: Option<(BTreeSet<String>, Duration)>,
    unhealthy: BTreeMap<String, Duration>,
    unplaced: Option<Duration>,
    seen_ours: bool,
}

impl History {
    /// Returns what the snapshot says, `elapsed` after the first one.
    pub(crate) fn judge(&mut self, ours: &mut Ours, seen: &Snapshot, elapsed: Duration) -> Judgement {
        if seen.status != "ACTIVE" {
            return Judgement::Fails(Cause::Going);
        }
        let Some(revision) = ours.revision.clone() else { return by_counts(seen) };
        let rollout = match self.rollout(ours, &revision, seen, elapsed) {
            Ok(rollout) => rollout,
            Err(judgement) => return judgement,
        };
        if rollout.state.as_deref() == Some("FAILED") {
            return Judgement::Fails(Cause::GivenUp);
        }
        if let Some(cause) = self.failure(ours, rollout, seen, elapsed) {
            return Judgement::Fails(cause);
        }
        match (missing(rollout, seen), counted_only(seen)) {
            (Some(_), Some(why)) if rollout_done(rollout) => Judgement::WorksByCount(why),
            (Some(what), _) => {
                self.steady = None;
                Judgement::Waits(what)
            }
            (None, _) => self.steadily(rollout, ours, seen, elapsed),
        }
    }

    /// Returns our own deployment.
    fn rollout<'a>(
        &mut self,
        ours: &mut Ours,
        revision: &str,
        seen: &'a Snapshot,
        elapsed: Duration,
    ) -> Result<&'a Rollout, Judgement> {
        let Some(primary) = seen.primary() else {
            return Err(Judgement::Waits("no deployment is seen yet".to_owned()));
        };
        let own = ours.deployment.as_deref().and_then(|id| seen.deployment(id));
        self.seen_ours |= own.is_some();
        if primary.revision == *revision {
            // Whoever has deployed the same revision once more: that deployment is the one to wait for.
            ours.deployment = Some(primary.id.clone());
            return Ok(primary);
        }
        if own.is_none() && !self.seen_ours && elapsed < SEEN_AT_LAST {
            return Err(Judgement::Waits(format!("the deployment of {revision} is not seen yet")));
        }
        Err(Judgement::Fails(Cause::RolledBack { to: primary.revision.clone() }))
    }

    fn failure(
        &mut self,
        ours: &Ours,
        rollout: &Rollout,
        seen: &Snapshot,
        elapsed: Duration,
    ) -> Option<Cause> {
        let tasks: Vec<&Task> = seen.tasks.iter().flatten().filter(|task| belongs(task, rollout)).collect();
        if seen.tasks.is_some() && self.stale.is_none() {
            let dead =
                tasks.iter().filter(|task| task.is_dead() && !ours.started).map(|task| task.id.clone());
            self.stale = Some(dead.collect());
        }
        if let Some(dying) = self.dying(&tasks, elapsed) {
            return Some(Cause::Dying(dying));
        }
        if self.unhealthy_for_long(ours, &tasks, seen, elapsed) {
            return Some(Cause::Unhealthy);
        }
        self.unplaced_for_long(ours, rollout, &tasks, seen, elapsed).then_some(Cause::Unplaced)
    }

    /// Returns the last two deaths where they have the same cause.
    fn dying(&self, tasks: &[&Task], elapsed: Duration) -> Option<Vec<String>> {
        let mut deaths: Vec<&&Task> = tasks.iter().filter(|task| has_failed(task)).collect();
        deaths.sort_by(|one, other| {
            other.stopped.unwrap_or_default().total_cmp(&one.stopped.unwrap_or_default())
        });
        let [last, before, ..] = deaths.as_slice() else { return None };
        let apart = last.stopped.unwrap_or_default() - before.stopped.unwrap_or_default();
        let is_new = |task: &Task| !self.stale.as_ref().is_some_and(|stale| stale.contains(&task.id));
        // What died before this run may have been put right since: ECS gets the time to try again.
        let starting = tasks.iter().any(|task| !task.is_dead() && task.status != "RUNNING");
        let counts = is_new(last) || (elapsed >= SILENCE && !starting);
        let row = counts && apart <= ROW && cause_of_death(last) == cause_of_death(before);
        row.then(|| vec![last.id.clone(), before.id.clone()])
    }

    /// Returns whether all of our targets in some group have been unhealthy for long.
    fn unhealthy_for_long(
        &mut self,
        ours: &Ours,
        tasks: &[&Task],
        seen: &Snapshot,
        elapsed: Duration,
    ) -> bool {
        let addresses = addresses(tasks);
        let patience = UNHEALTHY.max(ours.grace);
        let mut now = BTreeMap::new();
        let mut failed = false;
        for group in &seen.groups {
            let own = || {
                group.targets.iter().filter(|target| !target.is_draining() && is_own(&target.id, &addresses))
            };
            for target in own().filter(|target| target.state == "unhealthy") {
                let name = format!("{} {}", group.name, target.called());
                let since = self.unhealthy.get(&name).copied().unwrap_or(elapsed);
                now.insert(name, since);
            }
            let all = own().count() > 0 && own().all(|target| target.state == "unhealthy");
            let longest =
                own().filter_map(|target| now.get(&format!("{} {}", group.name, target.called()))).min();
            failed |= all && longest.is_some_and(|since| elapsed.saturating_sub(*since) >= patience);
        }
        self.unhealthy = now;
        failed
    }

    fn unplaced_for_long(
        &mut self,
        ours: &Ours,
        rollout: &Rollout,
        tasks: &[&Task],
        seen: &Snapshot,
        elapsed: Duration,
    ) -> bool {
        let starting =
            seen.pending > 0 || tasks.iter().any(|task| !task.is_dead() && task.status != "RUNNING");
        let says_so = unplaced_event(rollout, seen).is_some();
        if starting || !says_so || seen.running >= seen.desired || ours.may_grow {
            self.unplaced = None;
            return false;
        }
        let since = *self.unplaced.get_or_insert(elapsed);
        elapsed.saturating_sub(since) >= UNPLACED
    }

    /// Everything is there: it must stay so for a moment, unless nothing was changed and nothing was ever missing.
    fn steadily(&mut self, rollout: &Rollout, ours: &Ours, seen: &Snapshot, elapsed: Duration) -> Judgement {
        let Some(tasks) = &seen.tasks else {
            let quiet = !ours.started && elapsed.is_zero();
            return if quiet {
                Judgement::Works
            } else {
                Judgement::Waits("the tasks are looked at".to_owned())
            };
        };
        let running = tasks.iter().filter(|task| belongs(task, rollout) && task.status == "RUNNING");
        let running: BTreeSet<String> = running.map(|task| task.id.clone()).collect();
        let since = match &self.steady {
            Some((before, since)) if *before == running => *since,
            _ => elapsed,
        };
        self.steady = Some((running, since));
        if elapsed.saturating_sub(since) >= STEADY || seen.desired == 0 {
            Judgement::Works
        } else {
            Judgement::Waits("all tasks run; whether they go on is watched".to_owned())
        }
    }
}

/// Where somebody else carries out the deployments, only the number of tasks is ours to wait for.
fn by_counts(seen: &Snapshot) -> Judgement {
    if seen.running == seen.desired && seen.pending == 0 {
        return Judgement::Works;
    }
    Judgement::Waits(format!("{} of {} tasks run", seen.running, seen.desired))
}

/// Returns what keeps the service from working.
fn missing(rollout: &Rollout, seen: &Snapshot) -> Option<String> {
    let (running, desired) = (seen.running, seen.desired);
    let old: i32 = others(rollout, seen).map(|other| other.running + other.pending).sum();
    let tasks: Vec<&Task> = seen.tasks.iter().flatten().filter(|task| belongs(task, rollout)).collect();
    let alive = tasks.iter().filter(|task| task.status == "RUNNING").count();
    let listed = seen.tasks.is_some() && i32::try_from(alive).is_ok_and(|alive| alive < desired);
    if running != desired || seen.pending > 0 {
        Some(format!("{running} of {desired} tasks run"))
    } else if old > 0 {
        let own = rollout.running;
        Some(format!(
            "{own} of {desired} tasks of {} run, {old} older ones are still there",
            rollout.revision
        ))
    } else if listed {
        Some(format!("{alive} of {desired} tasks are seen running"))
    } else if let Some(unwell) =
        tasks.iter().find(|task| !task.is_dead() && task.health.as_deref() == Some("UNHEALTHY"))
    {
        Some(format!("task {} fails its own health check", unwell.short()))
    } else if let Some(why) = seen.groups.iter().find_map(|group| unhealthy(group, &tasks, desired)) {
        Some(why)
    } else if !rollout_done(rollout) {
        Some("the deployment is not completed".to_owned())
    } else {
        None
    }
}

/// Returns which target is not healthy. No registered target is not healthy either.
fn unhealthy(group: &Group, tasks: &[&Task], desired: i32) -> Option<String> {
    let addresses = addresses(tasks);
    let own: Vec<_> = group
        .targets
        .iter()
        .filter(|target| !target.is_draining() && is_own(&target.id, &addresses))
        .collect();
    if let Some(target) = own.iter().find(|target| target.state != "healthy") {
        return Some(format!("target {} of {} is {}", target.called(), group.name, target.explained()));
    }
    // Of instances, several tasks can be one target.
    let needed = if own.iter().any(|target| target.id.starts_with("i-")) { desired.min(1) } else { desired };
    let healthy = i32::try_from(own.len()).unwrap_or(i32::MAX);
    (healthy < needed).then(|| format!("{healthy} of {needed} targets of {} are healthy", group.name))
}

fn addresses(tasks: &[&Task]) -> BTreeSet<String> {
    tasks.iter().filter(|task| !task.is_dead()).flat_map(|task| task.addresses.iter().cloned()).collect()
}

/// A group can have targets of somebody else. Instances say nothing of their tasks.
fn is_own(target: &str, addresses: &BTreeSet<String>) -> bool {
    addresses.is_empty() || target.starts_with("i-") || addresses.contains(target)
}

/// Returns what tells a stand-in that counts tasks and runs none.
fn counted_only(seen: &Snapshot) -> Option<&'static str> {
    let all_counted = seen.desired > 0 && seen.running == seen.desired && seen.pending == 0;
    let tasks = seen.tasks.as_ref().filter(|_| all_counted)?;
    let mut alive = tasks.iter().filter(|task| !task.is_dead()).peekable();
    match alive.peek() {
        None => tasks.is_empty().then_some("lists none"),
        Some(_) => alive
            .all(|task| task.is_hollow && task.status == "RUNNING")
            .then_some("none of them has a network interface"),
    }
}

fn rollout_done(rollout: &Rollout) -> bool {
    rollout.state.as_deref().is_none_or(|state| state == "COMPLETED")
}

/// Returns the deployments that are not ours.
pub(crate) fn others<'a>(rollout: &'a Rollout, seen: &'a Snapshot) -> impl Iterator<Item = &'a Rollout> {
    seen.deployments.iter().filter(|other| other.id != rollout.id)
}

/// Returns whether the task was started by the deployment; by its revision and age where it does not say.
pub(crate) fn belongs(task: &Task, rollout: &Rollout) -> bool {
    match task.deployment.as_deref() {
        Some(started_by) if started_by.starts_with("ecs-svc/") => started_by == rollout.id,
        _ => {
            let older = task.created.zip(rollout.created).is_some_and(|(task, rollout)| task + 1.0 < rollout);
            task.revision == rollout.revision && !older
        }
    }
}

/// Returns whether the task died of itself, or of its health: not because there were too many, or by somebody's hand.
pub(crate) fn has_failed(task: &Task) -> bool {
    let says = |text: &str| task.reason.as_deref().is_some_and(|reason| reason.contains(text));
    task.is_dead()
        && match task.stop_code.as_deref() {
            Some("EssentialContainerExited" | "TaskFailedToStart") => true,
            Some("ServiceSchedulerInitiated") => says("health check"),
            Some(_) => false,
            None => task.containers.iter().any(|container| container.exit_code.is_some_and(|code| code != 0)),
        }
}

/// The stop code, the kind of the reason, the containers' exit codes.
type Death<'a> = (Option<&'a str>, &'a str, Vec<(&'a str, Option<i32>)>);

/// What two deaths have in common: the stop code, the kind of the reason (its text has ids in it), the exit codes.
fn cause_of_death(task: &Task) -> Death<'_> {
    let kind = task.reason.as_deref().unwrap_or_default();
    let kind = kind.split([':', '(']).next().unwrap_or_default().trim();
    let exits = task.containers.iter().map(|container| (container.name.as_str(), container.exit_code));
    (task.stop_code.as_deref(), kind, exits.collect())
}

/// Returns the event that says that there is no place, where nothing newer says that there is.
pub(crate) fn unplaced_event<'a>(rollout: &Rollout, seen: &'a Snapshot) -> Option<&'a str> {
    let started = rollout.created.unwrap_or_default();
    let since = seen.events.iter().take_while(|event| {
        event.created.is_none_or(|created| created >= started)
            && !event.message.contains("has reached a steady state")
    });
    let says = |text: &str| text.contains("unable to place") || text.contains("failed to launch a task");
    since.map(|event| event.message.as_str()).find(|message| says(message))
}

#[cfg(test)]
mod tests;
