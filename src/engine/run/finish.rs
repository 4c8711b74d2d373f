use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rplay_event::{Counts, Kind, RunMode, Status};
use rplay_syntax::Node;
use rplay_template::Value;
use serde_json::{Map, Value as Json, json};

use super::facts::GATHERING;
use super::failed_task::failed_task;
use super::item::Ended;
use super::task::Together;
use super::{PlayRun, Runner, Stop, TaskRun, flag};
use crate::hosts::{GATHERED, Host};
use crate::standing::Standing;

impl Runner {
    /// Counts and tells a result, sets what it registers, and takes a failed host out.
    pub(super) fn finish(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        ended: &Ended,
        rules: &Together,
    ) -> Result<(), Stop> {
        let status = ended.status();
        if let Some(role) = &task.item.context.role
            && !matches!(status, Status::Skipped | Status::Unreachable)
        {
            role.begun(&host.name);
        }
        let learners = Self::learners(task.play, host, rules);
        learners.iter().for_each(|host| self.learn(task, host, ended));
        if self.settings.mode == RunMode::Destroy {
            // The walk forwards of a destroy has to reach every task, whatever still works.
            return Ok(());
        }
        // Who notifies a handler that is not there has no result.
        if matches!(status, Status::Ok | Status::Changed) {
            learners.iter().for_each(|host| self.custom_stats(host, ended));
            if flag(&ended.result, "changed") {
                self.notify(task.play, host, &ended.notify)?;
            }
        }
        // What is brought in is counted file by file.
        if ended.include.is_empty() {
            Self::count(host, ended, status, rules);
        }
        // Who runs one task alone is told of that task, whatever it brings in.
        let alone = self.settings.adhoc.is_some();
        if alone || ended.include.is_empty() || matches!(status, Status::Failed | Status::Skipped) {
            self.emit(Kind::TaskDone { result: self.told(task, host, ended, status) });
        }
        match status {
            Status::Failed if !ended.ignored => Self::fall(task, host, ended, rules),
            Status::Unreachable if !ended.ignored => host.stand(Standing::lose),
            _ => {}
        }
        Ok(())
    }

    /// Returns who learns what a task has found out: with `run_once` every host that can be reached.
    fn learners(run: &PlayRun, host: &Arc<Host>, rules: &Together) -> Vec<Arc<Host>> {
        if !rules.once {
            return vec![Arc::clone(host)];
        }
        run.hosts.iter().filter(|host| !host.standing().is_unreachable()).cloned().collect()
    }

    fn learn(&self, task: &TaskRun<'_>, host: &Host, ended: &Ended) {
        // With `delegate_facts` it is the delegate that they are about.
        let known = ended.facts_of.as_deref().unwrap_or(host);
        let mut heard = BTreeMap::new();
        let whole = (known, ended.facts.as_ref(), &ended.variables);
        let items = ended.learned.iter().map(|learned| {
            (learned.of.as_deref().unwrap_or(host), learned.facts.as_ref(), &learned.variables)
        });
        for (known, facts, variables) in std::iter::once(whole).chain(items) {
            if let Some(facts) = facts {
                known.learn(facts);
                if &*task.item.task.action.name == GATHERING {
                    known.learn(&Value::from_json(json!({ GATHERED: true })));
                }
                heard.insert(&*known.name, known);
            }
            for (name, value) in variables {
                known.set(name, value.clone());
            }
        }
        // Once for each, however many items were about it: it may be a file.
        heard.values().for_each(|known| self.keep_facts(known));
        for written in &ended.included {
            host.include(Arc::clone(written));
        }
        let Some(name) = task.item.task.register.as_ref().and_then(Node::as_str) else { return };
        let doubtful = self.settings.mode == RunMode::Destroy && ended.status() == Status::Failed;
        if doubtful {
            host.set(name, Value::unknown(task.name.as_str()));
            return;
        }
        host.set(name, ended.registered.clone().unwrap_or_else(|| registered(&ended.result)));
    }

    /// Takes a failed host out of its block; a failed `run_once` takes everyone.
    fn fall(task: &TaskRun<'_>, host: &Arc<Host>, ended: &Ended, rules: &Together) {
        if rules.once {
            let hosts = task.play.hosts.iter().filter(|host| !host.standing().is_unreachable());
            hosts.for_each(|host| host.stand(Standing::mark));
        } else {
            host.stand(Standing::mark);
        }
        if !rules.within.pending {
            host.stand(Standing::fail);
        }
        if rules.within.rescued {
            host.stand(Standing::stay);
            host.set("ansible_failed_task", Value::from_json(failed_task(task)));
            host.set("ansible_failed_result", Value::from_json(Json::Object(with_exceptions(&ended.result))));
        }
    }

    fn count(host: &Host, ended: &Ended, status: Status, rules: &Together) {
        host.count(|counts: &mut Counts| {
            match status {
                Status::Skipped => counts.skipped += 1,
                Status::Failed | Status::Unreachable if ended.ignored => {
                    counts.ok += 1;
                    counts.ignored += 1;
                }
                Status::Unreachable => counts.unreachable += 1,
                Status::Failed if rules.within.rescued => counts.rescued += 1,
                Status::Failed => counts.failed += 1,
                Status::Ok | Status::Changed => counts.ok += 1,
            }
            let counted =
                matches!(status, Status::Ok | Status::Changed) || status == Status::Failed && ended.ignored;
            if counted && flag(&ended.result, "changed") {
                counts.changed += 1;
            }
        });
    }

    /// `any_errors_fatal`, and a failed `run_once`: one failure is everyone's, except for hosts that have failed themselves.
    pub(super) fn fail_together(run: &PlayRun, ended: &[(Arc<Host>, Ended)]) {
        let has_failed = |ended: &Ended, status: Status| !ended.ignored && ended.status() == status;
        let fatal = ended
            .iter()
            .any(|(_, ended)| has_failed(ended, Status::Failed) || has_failed(ended, Status::Unreachable));
        if !fatal {
            return;
        }
        let own = |host: &Arc<Host>| {
            ended.iter().any(|(other, ended)| Arc::ptr_eq(other, host) && has_failed(ended, Status::Failed))
        };
        for host in run.hosts.iter().filter(|host| !host.standing().is_unreachable() && !own(host)) {
            host.stand(Standing::mark);
            host.stand(Standing::fail);
        }
    }

    /// `max_fail_percentage`: ends the play where more hosts than that have failed for good.
    pub(super) fn count_failures(&self, run: &PlayRun) {
        let Some(percentage) = run.rules.max_fail_percentage.filter(|_| !run.rules.is_free()) else { return };
        let failed = run.hosts.iter().filter(|host| host.standing().has_failed()).count();
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if run.is_over() || number(failed) / number(run.hosts.len()) <= percentage / 100.0 {
            return;
        }
        for host in run.hosts.iter().filter(|host| host.active()) {
            host.stand(Standing::mark);
            host.stand(Standing::fail);
        }
        run.over.store(true, Ordering::Relaxed);
        // Once for the percentage, and once for what it leads to.
        self.emit(Kind::NoHostsRemaining);
        self.emit(Kind::NoHostsRemaining);
    }
}

/// Returns what `register` receives of a result.
pub(super) fn registered(result: &Map<String, Json>) -> Value {
    let mut kept = with_exceptions(result);
    kept.retain(|name, _| name != "invocation" && !name.starts_with("_ansible_"));
    Value::from_json(Json::Object(kept))
}

/// Returns a result as a playbook sees it: what failed has an exception, which says no more than that here.
fn with_exceptions(result: &Map<String, Json>) -> Map<String, Json> {
    let mut result = result.clone();
    if let Some(Json::Array(items)) = result.get_mut("results") {
        for item in items {
            if let Json::Object(fields) = item {
                mark_failure(fields);
            }
        }
    } else {
        mark_failure(&mut result);
    }
    result
}

fn mark_failure(result: &mut Map<String, Json>) {
    if flag(result, "failed") && !result.contains_key("exception") {
        result.insert("exception".to_owned(), json!("(traceback unavailable)"));
    }
}
