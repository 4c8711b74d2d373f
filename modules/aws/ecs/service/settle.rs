//! Looks at a service until it works, and tells what is wrong when it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rplay_module::{Cx, Failure, FailureKind, Progress, ProgressStep, Result};
use serde_json::Value;

use super::State;
use super::diagnosis::{self, Diagnosis};
use super::judge::{Cause, History, Judgement, Ours, belongs, has_failed, unplaced_event};
use super::logs::examined;
use super::output::described;
use super::screen::{Autopsy, Examined};
use super::watch::{Snapshot, Task, Watch};
use crate::ecs_service::{EcsServiceParams, ServiceState};

const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often in a row a look may fail.
const BLIND_LOOKS: u32 = 5;

/// Waits until the service works.
///
/// # Errors
/// The deployment has failed, or takes too long: with a screen that says why.
pub(crate) async fn settle(cx: &Cx, p: &EcsServiceParams, now: &State) -> Result<()> {
    let waits = p.waits(cx.env("RPLAY_ECS_WAIT").as_deref());
    if p.state != ServiceState::Present || !waits || now.settings.controller() == "EXTERNAL" {
        return Ok(());
    }
    let mut watch = Watch::new(cx, p).await?;
    now.described.known().inspect(|described| watch.begin(described.service()));
    let settling = Settling { cx, p, ours: ours(now), history: History::default(), told: Told::default() };
    let settled = settling.run(&mut watch).await;
    if let (Some(described), Some(service)) = (now.described.known(), watch.described) {
        described.see(service);
    }
    settled
}

fn ours(now: &State) -> Ours {
    let own = now.settings.controller() == "ECS";
    let providers = now.settings.capacity_provider_strategy.iter().flatten();
    let mut names = providers.filter_map(|item| item.capacity_provider.as_deref());
    let seconds = now.settings.health_check_grace_period_seconds.unwrap_or_default();
    Ours {
        revision: now.task_definition.clone().filter(|_| own),
        deployment: now.deployment.known().cloned(),
        started: now.started.known() == Some(&true),
        grace: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        may_grow: names.any(|name| !name.starts_with("FARGATE")),
    }
}

struct Settling<'a> {
    cx: &'a Cx,
    p: &'a EcsServiceParams,
    ours: Ours,
    history: History,
    told: Told,
}

impl Settling<'_> {
    async fn run(mut self, watch: &mut Watch<'_>) -> Result<()> {
        let start = self.cx.now();
        let end = start + Duration::from_secs(self.p.patience());
        let (mut elapsed, mut pause, mut blind) = (Duration::ZERO, FIRST_PAUSE, 0);
        let mut thorough = self.ours.started;
        let mut again = false;
        loop {
            let seen = match watch.look(again, thorough).await {
                Err(failure) if failure.kind == FailureKind::Lost && blind < BLIND_LOOKS => {
                    blind += 1;
                    self.cx.sleep(pause).await;
                    continue;
                }
                seen => seen?,
            };
            (again, blind) = (true, 0);
            match self.history.judge(&mut self.ours, &seen, elapsed) {
                Judgement::Works => return Ok(()),
                Judgement::WorksByCount(why) => {
                    self.cx.warn(format!(
                        "service {} counts {} running tasks and {why}: it is taken to work by its counts, as a stand-in's",
                        self.p.called(),
                        seen.running
                    ));
                    return Ok(());
                }
                Judgement::Fails(cause) => return Err(self.failed(watch, &seen, &cause).await),
                Judgement::Waits(why) if self.cx.now() >= end => {
                    return Err(self.late(watch, &seen, &why).await);
                }
                Judgement::Waits(why) => self.tell(&seen, &why, elapsed),
            }
            // A first look that is not content is followed at once by one at the tasks.
            if thorough {
                self.cx.sleep(pause).await;
                pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
            }
            thorough = true;
            elapsed = self.cx.now().duration_since(start).unwrap_or_default().max(Duration::from_millis(1));
        }
    }

    fn revision(&self) -> String {
        self.ours.revision.clone().unwrap_or_else(|| "the service".to_owned())
    }

    async fn failed(&self, watch: &Watch<'_>, seen: &Snapshot, cause: &Cause) -> Failure {
        let tasks = self.telling(seen, cause);
        let tasks = examined(self.cx, self.p, tasks).await;
        let diagnosis = self.diagnosed(seen, cause, &tasks);
        let verdict = verdict(cause, seen, &self.ours);
        self.told(watch, seen, &diagnosis, &verdict, &tasks, false)
    }

    async fn late(&self, watch: &Watch<'_>, seen: &Snapshot, why: &str) -> Failure {
        let cause = if unhealthy(seen) { Cause::Unhealthy } else { Cause::GivenUp };
        let tasks = examined(self.cx, self.p, self.telling(seen, &cause)).await;
        let mut diagnosis = self.diagnosed(seen, &cause, &tasks);
        if diagnosis == Diagnosis::unknown() {
            diagnosis = Diagnosis { line: why.to_owned(), hint: None };
        }
        let verdict = format!("{} seconds are over, and {why}", self.p.patience());
        self.told(watch, seen, &diagnosis, &verdict, &tasks, true)
    }

    /// Returns the tasks that tell why: the last that died, else one that runs and is unwell.
    fn telling(&self, seen: &Snapshot, cause: &Cause) -> Vec<Task> {
        let tasks = seen.tasks.iter().flatten();
        if let Cause::Dying(ids) = cause {
            return ids.iter().filter_map(|id| tasks.clone().find(|task| task.id == *id).cloned()).collect();
        }
        let mut of_ours = tasks.filter(|task| self.is_ours(task, seen));
        let mut dead: Vec<Task> = of_ours.clone().filter(|task| has_failed(task)).cloned().collect();
        dead.sort_by(|one, other| {
            other.stopped.unwrap_or_default().total_cmp(&one.stopped.unwrap_or_default())
        });
        dead.truncate(2);
        if dead.is_empty() && *cause == Cause::Unhealthy {
            dead.extend(of_ours.rfind(|task| !task.is_dead()).cloned());
        }
        dead
    }

    fn is_ours(&self, task: &Task, seen: &Snapshot) -> bool {
        let rollout = self.ours.deployment.as_deref().and_then(|id| seen.deployment(id));
        match rollout {
            Some(rollout) => belongs(task, rollout),
            None => Some(&task.revision) == self.ours.revision.as_ref(),
        }
    }

    fn diagnosed(&self, seen: &Snapshot, cause: &Cause, tasks: &[Examined]) -> Diagnosis {
        let own = self.ours.deployment.as_deref().and_then(|id| seen.deployment(id)).or(seen.primary());
        let event = own.and_then(|own| unplaced_event(own, seen));
        match (cause, tasks.first(), event) {
            (Cause::Going, ..) => Diagnosis { line: "somebody deletes the service".to_owned(), hint: None },
            (Cause::Unhealthy, first, _) if first.is_none_or(|first| !first.task.is_dead()) => {
                diagnosis::of_targets(&seen.groups)
            }
            (_, Some(first), _) if first.task.is_dead() => diagnosis::of_task(&first.task, &first.lines()),
            (_, _, Some(event)) => diagnosis::of_event(event),
            _ if unhealthy(seen) => diagnosis::of_targets(&seen.groups),
            _ => {
                let reason = own.and_then(|own| own.reason.as_deref());
                let said = reason.and_then(|reason| diagnosis::of_reason(reason, &self.revision()));
                said.unwrap_or_else(Diagnosis::unknown)
            }
        }
    }

    fn told(
        &self,
        watch: &Watch<'_>,
        seen: &Snapshot,
        diagnosis: &Diagnosis,
        verdict: &str,
        tasks: &[Examined],
        late: bool,
    ) -> Failure {
        let (called, revision) = (self.p.called(), self.revision());
        let autopsy = Autopsy {
            called: &called,
            revision: &revision,
            deployment: self.ours.deployment.as_deref(),
            diagnosis,
            verdict,
            seen,
            tasks,
        };
        let message = format!(
            "could not deploy {revision} to service {called}: {}; {}",
            diagnosis.line,
            autopsy.runs_now()
        );
        let failure = if late { Failure::timed_out(message) } else { Failure::new(message) };
        let failure = failure
            .screen(autopsy.screen())
            .field("diagnosis", diagnosis.line.as_str())
            .field("failures", tasks.iter().map(Examined::json).collect::<Vec<Value>>());
        let failure = match &watch.described {
            Some(service) => failure.field("service", described(service)),
            None => failure,
        };
        match &diagnosis.hint {
            Some(hint) => failure.hint(hint.as_str()),
            None => failure,
        }
    }

    fn tell(&mut self, seen: &Snapshot, why: &str, elapsed: Duration) {
        let headline = format!("rolling out {} to {}: {why}", self.revision(), self.p.called());
        let mut steps: Vec<ProgressStep> = seen
            .deployments
            .iter()
            .map(|rollout| ProgressStep {
                label: rollout.revision.clone(),
                state: format!("{} {}", rollout.status, rollout.state.as_deref().unwrap_or("-")),
                amount: Some((whole(rollout.running), whole(rollout.desired))),
            })
            .collect();
        let alive = seen.tasks.iter().flatten().filter(|task| !task.is_dead());
        for task in alive.filter(|task| self.is_ours(task, seen)).collect::<Vec<_>>() {
            let state = self.told.states(task, elapsed);
            steps.push(ProgressStep { label: format!("task {}", task.short()), state, amount: None });
        }
        let targets =
            seen.groups.iter().flat_map(|group| group.targets.iter().map(move |target| (group, target)));
        steps.extend(targets.map(|(group, target)| ProgressStep {
            label: format!("target {} of {}", target.called(), group.name),
            state: target.explained(),
            amount: None,
        }));
        let notes = self.told.news(seen);
        for note in notes {
            self.cx.progress(Progress { headline: headline.clone(), steps: steps.clone(), note: Some(note) });
        }
        self.cx.progress(Progress { headline, steps, note: None });
    }
}

fn whole(count: i32) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn unhealthy(seen: &Snapshot) -> bool {
    seen.groups.iter().any(|group| group.targets.iter().any(|target| target.state == "unhealthy"))
}

fn verdict(cause: &Cause, seen: &Snapshot, ours: &Ours) -> String {
    let own = ours.deployment.as_deref().and_then(|id| seen.deployment(id));
    let reason =
        own.and_then(|own| own.reason.as_deref()).map_or(String::new(), |reason| format!(": {reason}"));
    match cause {
        Cause::Going => format!("the service is {}", seen.status),
        Cause::RolledBack { to } => format!("the deployment was rolled back to {to}{reason}"),
        Cause::GivenUp => format!("the deployment was given up{reason}"),
        Cause::Dying(ids) => format!("{} tasks in a row died of the same cause", ids.len()),
        Cause::Unhealthy => "all targets of the new tasks stay unhealthy".to_owned(),
        Cause::Unplaced => "no place is found for the tasks".to_owned(),
    }
}

/// What has been told already.
#[derive(Default)]
struct Told {
    events: Option<BTreeSet<String>>,
    /// By task: each state, and when it was first seen.
    states: BTreeMap<String, Vec<(String, Duration)>>,
}

impl Told {
    /// Returns a task's states with the seconds in each: `PROVISIONING 2 s, PENDING 3 s`.
    fn states(&mut self, task: &Task, elapsed: Duration) -> String {
        let states = self.states.entry(task.id.clone()).or_default();
        if states.last().is_none_or(|(state, _)| *state != task.status) {
            states.push((task.status.clone(), elapsed));
        }
        let ends = states.iter().skip(1).map(|(_, since)| *since).chain([elapsed]);
        let shown = states
            .iter()
            .zip(ends)
            .map(|((state, since), end)| format!("{state} {} s", end.saturating_sub(*since).as_secs()));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// Returns the events that are new since the first look, the oldest first.
    fn news(&mut self, seen: &Snapshot) -> Vec<String> {
        let ids = seen.events.iter().map(|event| event.id.clone()).collect::<BTreeSet<_>>();
        let Some(known) = &mut self.events else {
            self.events = Some(ids);
            return Vec::new();
        };
        let news =
            seen.events.iter().filter(|event| !known.contains(&event.id)).map(|event| event.message.clone());
        let news: Vec<String> = news.collect();
        known.extend(ids);
        news.into_iter().rev().collect()
    }
}
