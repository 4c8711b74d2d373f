use indexmap::IndexMap;
use rplay_event::{Kind, TaskInfo};

use super::Clock;
use crate::screen::{Screen, Side};
use crate::settings::Settings;

/// How the times of tasks are told.
#[derive(Clone, Debug)]
pub struct ProfileSettings {
    /// The longest one first, the shortest one first, or in their order (`None`).
    pub longest_first: Option<bool>,
    /// How many tasks are listed; `None` for all.
    pub most: Option<usize>,
    /// Say nothing before the end.
    pub summary_only: bool,
    /// How a time is written, for `strftime`.
    pub datetime_format: String,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self {
            longest_first: Some(true),
            most: Some(20),
            summary_only: false,
            datetime_format: "%A %d %B %Y  %H:%M:%S %z".to_owned(),
        }
    }
}

/// How long each task has taken.
pub(super) struct Profile {
    settings: ProfileSettings,
    tasks: IndexMap<u64, Timed>,
    /// The task that runs, and since when.
    current: Option<(u64, f64)>,
    begun: f64,
    told: f64,
}

struct Timed {
    name: String,
    path: Option<String>,
    seconds: f64,
}

impl Profile {
    pub(super) fn new(settings: ProfileSettings, now: f64) -> Self {
        Self { settings, tasks: IndexMap::new(), current: None, begun: now, told: now }
    }

    pub(super) fn event(&mut self, kind: &Kind, settings: &Settings, clock: Clock, screen: &mut Screen) {
        match kind {
            Kind::TaskStarted { task } => {
                if !self.settings.summary_only {
                    self.time_line(clock, screen);
                }
                self.start(task, settings, (clock.seconds)());
            }
            Kind::Recap { .. } => self.finish(clock, screen),
            _ => {}
        }
    }

    fn start(&mut self, task: &TaskInfo, settings: &Settings, now: f64) {
        self.stop(now);
        self.current = Some((task.id, now));
        let span = task.span.as_ref().filter(|_| settings.verbosity > 1);
        let path = span.map(|span| format!("{}:{}", span.file, span.line));
        self.tasks.entry(task.id).or_insert(Timed { name: task.name.clone(), path, seconds: 0.0 });
    }

    fn stop(&mut self, now: f64) {
        if let Some((id, since)) = self.current.take()
            && let Some(task) = self.tasks.get_mut(&id)
        {
            task.seconds += now - since;
        }
    }

    fn finish(&mut self, clock: Clock, screen: &mut Screen) {
        screen.banner("TASKS RECAP");
        self.time_line(clock, screen);
        screen.line(Side::Out, None, &filled("", "="));
        self.stop((clock.seconds)());
        let mut tasks: Vec<&Timed> = self.tasks.values().collect();
        if let Some(longest_first) = self.settings.longest_first {
            tasks.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
            if longest_first {
                tasks.reverse();
            }
        }
        let columns = screen.columns();
        for task in tasks.into_iter().take(self.settings.most.unwrap_or(usize::MAX)) {
            let seconds = format!(" {:.2}s", task.seconds);
            let name = dashed(&task.name, columns.saturating_sub(9));
            screen.line(Side::Out, None, &format!("{name}{seconds:->9}"));
            if let Some(path) = &task.path {
                screen.line(Side::Out, None, &dashed(path, columns));
            }
        }
    }

    /// Says what time it is, how long it has been since this was last said, and how long the run has taken.
    fn time_line(&mut self, clock: Clock, screen: &mut Screen) {
        let now = (clock.seconds)();
        let (last, all) = (lasted(now - self.told), lasted(now - self.begun));
        self.told = now;
        let shown = (clock.shown)(&self.settings.datetime_format);
        screen.line(Side::Out, None, &filled(&format!("{shown} ({last})       {all}"), "*"));
    }
}

/// Returns what `timer` says of so many seconds.
pub(super) fn took(seconds: f64) -> String {
    let seconds = whole(seconds);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    format!(
        "Playbook run took {days} days, {} hours, {} minutes, {} seconds",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Returns a duration as `0:00:01.234`.
fn lasted(seconds: f64) -> String {
    let thousandths = whole(seconds * 1000.0);
    let seconds = thousandths / 1000;
    format!("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, thousandths % 1000)
}

/// A clock that was set back makes no negative times.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration, no less than nothing"
)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

fn filled(text: &str, sign: &str) -> String {
    let text = if text.is_empty() { String::new() } else { format!("{text} ") };
    let width = 79_usize.saturating_sub(text.chars().count()).max(3);
    format!("{text}{} ", sign.repeat(width))
}

fn dashed(text: &str, width: usize) -> String {
    let text = format!("{text} ");
    format!("{text:-<width$}")
}
