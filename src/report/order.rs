use std::collections::{BTreeMap, HashSet};

use rplay_event::{Event, Kind};

/// Puts the events of tasks that run side by side back into the playbook's order.
///
/// The first task that is not complete is shown as it happens; what later ones tell is held back until it is their turn.
/// A task is complete when every host that has begun it is done with it: whoever runs tasks side by side says that all of
/// a task's hosts begin (`HostStarted`) before the first of them is done. Ids are in the playbook's order, and may have
/// gaps: a task whose id does not follow waits for the missing one as long as something runs that may lead to it.
///
/// Progress is live and passes at once. Where nothing runs side by side nothing is held back.
#[derive(Debug, Default)]
pub struct Order {
    /// The hosts of this play go each its own way: what happens is told as it happens.
    free: bool,
    /// The task whose events pass.
    current: Option<u64>,
    /// The task that a message without one belongs to.
    latest: Option<u64>,
    /// The hosts that are at work, by task.
    working: BTreeMap<u64, HashSet<String>>,
    held: BTreeMap<u64, Vec<Event>>,
}

impl Order {
    /// Takes the next event as it happened, and returns those whose turn it is, in the order to show them.
    pub fn push(&mut self, event: Event) -> Vec<Event> {
        match event.kind() {
            Kind::PlayStarted { .. } => self.free = false,
            Kind::TaskStarted { task } if task.free && !self.free => {
                self.free = true;
                let mut out = self.release();
                out.push(event);
                return out;
            }
            _ => {}
        }
        if self.free {
            return vec![event];
        }
        match place(event.kind()) {
            Place::Now => vec![event],
            Place::Between => {
                let mut out = self.release();
                out.push(event);
                out
            }
            Place::Beside => match self.latest.and_then(|task| self.held.get_mut(&task)) {
                Some(held) => {
                    held.push(event);
                    Vec::new()
                }
                None => vec![event],
            },
            Place::Of(task) => self.push_of(task, event),
        }
    }

    fn push_of(&mut self, task: u64, event: Event) -> Vec<Event> {
        self.note(task, event.kind());
        self.latest = Some(task);
        let starts = matches!(event.kind(), Kind::TaskStarted { .. });
        let waits = starts || self.held.contains_key(&task);
        let mut out = Vec::new();
        if !waits || self.current.is_some_and(|current| task <= current) {
            // Also one that comes late, whose heading is printed again, and one of no task that has begun.
            out.push(event);
        } else {
            self.held.entry(task).or_default().push(event);
        }
        self.advance(starts.then_some(task), &mut out);
        out
    }

    fn note(&mut self, task: u64, kind: &Kind) {
        match kind {
            Kind::HostStarted { host, .. } => {
                self.working.entry(task).or_default().insert(host.clone());
            }
            Kind::TaskDone { result } => {
                if let Some(hosts) = self.working.get_mut(&task) {
                    hosts.remove(&result.host);
                }
                self.working.retain(|_, hosts| !hosts.is_empty());
            }
            _ => {}
        }
    }

    /// Goes on to the next task as long as the current one is complete; `starting` is the task that has just begun.
    fn advance(&mut self, starting: Option<u64>, out: &mut Vec<Event>) {
        // A task that has just begun is not complete: its hosts begin with the next events.
        while !self
            .current
            .is_some_and(|current| starting == Some(current) || self.working.contains_key(&current))
        {
            let Some((&next, _)) = self.held.first_key_value() else { return };
            let follows = self.current.is_some_and(|current| next == current + 1);
            // What is missing before `next` would have begun by now, had all that could lead to it been done.
            let nothing_missing =
                starting.is_some() && self.working.keys().all(|task| Some(*task) == starting);
            if !follows && !nothing_missing {
                return;
            }
            self.current = Some(next);
            out.extend(self.held.remove(&next).unwrap_or_default());
        }
    }

    /// Lets go of everything, in order.
    fn release(&mut self) -> Vec<Event> {
        self.working.clear();
        self.latest = None;
        if let Some((&last, _)) = self.held.last_key_value() {
            self.current = Some(last);
        }
        std::mem::take(&mut self.held).into_values().flatten().collect()
    }
}

/// Where in the order an event stands.
enum Place {
    /// With the events of a task.
    Of(u64),
    /// After the event that it came after.
    Beside,
    /// After all tasks before it: the end of a play, of a run.
    Between,
    /// It is shown on another stream, or live.
    Now,
}

fn place(kind: &Kind) -> Place {
    match kind {
        Kind::TaskStarted { task } => Place::Of(task.id),
        Kind::HostStarted { task, .. }
        | Kind::Retrying { task, .. }
        | Kind::Async { task, .. }
        | Kind::Included { task, .. }
        | Kind::Planned { task, .. } => Place::Of(*task),
        Kind::ItemDone { result } | Kind::TaskDone { result } => Place::Of(result.task),
        Kind::Notified { .. } => Place::Beside,
        Kind::Progress { .. } | Kind::Warning { .. } | Kind::Deprecated { .. } | Kind::Notice { .. } => {
            Place::Now
        }
        Kind::RunStarted { .. }
        | Kind::Said { .. }
        | Kind::PlaybookStarted { .. }
        | Kind::PlayStarted { .. }
        | Kind::NoHostsMatched
        | Kind::NoHostsRemaining
        | Kind::Fault { .. }
        | Kind::CustomStats { .. }
        | Kind::Recap { .. }
        | Kind::PlanDone { .. }
        | Kind::DestroyDone { .. }
        | Kind::RunDone { .. } => Place::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{done, event, host_started, play, started};

    /// Says in one word what an event is, such as `2:ok`.
    fn word(event: &Event) -> String {
        match event.kind() {
            Kind::TaskStarted { task } => format!("{}:start", task.id),
            Kind::HostStarted { task, host } => format!("{task}:{host}"),
            Kind::TaskDone { result } => format!("{}:{}-done", result.task, result.host),
            Kind::Included { .. } => "included".to_owned(),
            Kind::PlayStarted { .. } => "play".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Returns what each pushed event lets out.
    fn pushed(events: Vec<Kind>) -> Vec<String> {
        let mut order = Order::default();
        let out = |kind| order.push(event(kind)).iter().map(word).collect::<Vec<_>>().join(" ");
        events.into_iter().map(out).collect()
    }

    #[test]
    fn tasks_one_after_the_other_pass_at_once() {
        assert_eq!(
            pushed(vec![play("p"), started(1), host_started(1, "a"), done(1, "a"), started(7), done(7, "a")]),
            ["play", "1:start", "1:a", "1:a-done", "7:start", "7:a-done"]
        );
    }

    #[test]
    fn a_later_task_is_held_until_the_earlier_is_complete() {
        assert_eq!(
            pushed(vec![
                started(1),
                host_started(1, "a"),
                host_started(1, "b"),
                started(2),
                host_started(2, "a"),
                done(1, "a"),
                done(2, "a"),
                done(1, "b"),
            ]),
            ["1:start", "1:a", "1:b", "", "", "1:a-done", "", "1:b-done 2:start 2:a 2:a-done"]
        );
    }

    #[test]
    fn a_task_waits_for_a_missing_one_while_something_may_lead_to_it() {
        assert_eq!(
            pushed(vec![
                started(1),
                host_started(1, "a"),
                started(3),
                host_started(3, "a"),
                done(3, "a"),
                done(1, "a"),
                started(2),
                host_started(2, "a"),
                done(2, "a"),
            ]),
            ["1:start", "1:a", "", "", "", "1:a-done", "2:start", "2:a", "2:a-done 3:start 3:a 3:a-done"]
        );
    }

    #[test]
    fn the_end_of_a_play_lets_everything_out() {
        assert_eq!(
            pushed(vec![
                started(1),
                host_started(1, "a"),
                started(4),
                host_started(4, "a"),
                done(4, "a"),
                play("next")
            ]),
            ["1:start", "1:a", "", "", "", "4:start 4:a 4:a-done play"]
        );
    }

    #[test]
    fn what_belongs_to_no_task_that_has_begun_passes() {
        assert_eq!(
            pushed(vec![done(0, "a"), started(1), host_started(1, "a"), done(9, "b")]),
            ["0:a-done", "1:start", "1:a", "9:b-done"]
        );
    }

    #[test]
    fn an_include_stays_behind_its_task() {
        let included =
            Kind::Included { task: 2, file: "f.yml".to_owned(), hosts: vec!["a".to_owned()], item: None };
        assert_eq!(
            pushed(vec![
                started(1),
                host_started(1, "a"),
                started(2),
                host_started(2, "a"),
                included,
                done(1, "a")
            ]),
            ["1:start", "1:a", "", "", "", "1:a-done 2:start 2:a included"]
        );
    }
}
