use std::sync::{Arc, PoisonError};

use rplay_event::{Kind, Planned, Progress};
use rplay_module::{Intent, Kept, KeptWhy, Mode};

use crate::run::{Call, Runner};
use crate::start::{Run, Tally};

/// The exit code of a destroy that left something of the playbook's standing, or failed.
const LEFT: u8 = 2;

/// What a walk backwards came to.
#[derive(Default)]
struct Walk {
    kept: Vec<Kept>,
    unsure: Vec<String>,
    failed: bool,
    interrupted: bool,
}

impl Run {
    /// Walks the playbook forwards without writing, shows what would be deleted, asks, and deletes backwards.
    ///
    /// `confirm` is told how many things would go. Returns the exit code.
    pub async fn destroy(mut self, confirm: impl FnOnce(usize) -> bool) -> u8 {
        let _lock = match self.record().await {
            Ok(lock) => lock,
            Err(stop) => return self.stopped(stop),
        };
        self.started();
        self.runner.emitter.mute(true);
        let walked = self.plays().await;
        self.runner.emitter.mute(false);
        if let Err(stop) = walked {
            return self.stopped(stop);
        }
        let calls = std::mem::take(&mut *self.runner.calls.lock().unwrap_or_else(PoisonError::into_inner));
        self.runner.records.begin_again();
        let mut tally = Tally::default();
        let foreseen = backwards(&self.runner, &calls, Mode::PlanDestroy, &mut tally).await;
        self.runner.emit(tally.done());
        if foreseen.failed {
            return self.done(LEFT, 0, &foreseen);
        }
        if tally.destroyed() == 0 {
            return self.done(code(&foreseen), 0, &foreseen);
        }
        if !confirm(tally.destroyed()) {
            self.runner.emitter.warn("nothing was deleted: the question was not answered with yes");
            return self.done(LEFT, 0, &foreseen);
        }
        let mut tally = Tally::default();
        let walk = backwards(&self.runner, &calls, Mode::Destroy, &mut tally).await;
        self.done(code(&walk), tally.destroyed(), &walk)
    }

    fn done(&self, code: u8, destroyed: usize, walk: &Walk) -> u8 {
        let mut kept: Vec<(String, String)> =
            walk.kept.iter().map(|kept| (kept.address.to_string(), kept.why.to_string())).collect();
        kept.extend(
            walk.unsure.iter().map(|task| (task.clone(), "whether the task runs is not known".to_owned())),
        );
        self.runner.emit(Kind::DestroyDone { destroyed, kept });
        self.runner.emit(Kind::RunDone { exit_code: code });
        code
    }
}

async fn backwards(runner: &Arc<Runner>, calls: &[Call], mode: Mode, tally: &mut Tally) -> Walk {
    let mut walk = Walk::default();
    for call in calls.iter().rev() {
        if runner.interrupt.is_requested() {
            walk.interrupted = true;
            return walk;
        }
        if call.unsure {
            walk.unsure.push(call.task.clone());
            continue;
        }
        if mode == Mode::Destroy {
            let progress = Progress { headline: format!("destroying: {}", call.task), ..Progress::default() };
            runner.emit(Kind::Progress { task: 0, host: call.host.clone(), progress });
        }
        let outcome = call.run.run(&call.cx.anew(), &call.args, mode).await;
        for planned in outcome.planned {
            tally.count(planned.action);
            if planned.action == Intent::Delete {
                let planned = Planned { fields: Vec::new(), ..planned };
                runner.emit(Kind::Planned { task: 0, host: call.host.clone(), planned });
            }
        }
        walk.kept.extend(outcome.kept);
        if let Some(failure) = outcome.failure {
            walk.failed = true;
            runner.fault(
                rplay_event::Fault::new(format!("{}: {failure}", call.task))
                    .kind(rplay_event::FaultKind::Task),
            );
        }
    }
    walk
}

fn code(walk: &Walk) -> u8 {
    let holds = walk.kept.iter().any(|kept| matches!(kept.why, KeptWhy::Holds(_)));
    match walk {
        Walk { interrupted: true, .. } => 99,
        Walk { failed: true, .. } => LEFT,
        _ if holds => LEFT,
        _ => 0,
    }
}
