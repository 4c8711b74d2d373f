use rplay_event::Progress;

use crate::screen::{Screen, Side};
use crate::settings::{Live, Settings};
use crate::sink::Sink;

mod bars;
mod lines;

use bars::Bars;
use lines::Lines;

/// Which task on which host.
type Key = (u64, String);

/// What running tasks tell while they work, on stderr.
pub(crate) enum Running {
    Terminal(Bars),
    Lines(Lines),
    Silent,
}

impl Running {
    pub(crate) fn new(settings: &Settings, err: &Sink) -> Self {
        match settings.live {
            Live::Terminal { width, height, turning } => {
                Self::Terminal(Bars::new(err.clone(), (width, height), turning))
            }
            Live::Lines if settings.verbosity > 0 => Self::Lines(Lines::default()),
            Live::Lines => Self::Silent,
        }
    }

    pub(crate) fn update(&mut self, task: u64, host: &str, progress: &Progress, screen: &mut Screen) {
        let key = (task, host.to_owned());
        match self {
            Self::Terminal(bars) => bars.update(key, progress),
            Self::Lines(lines) => {
                for line in lines.update(key, progress) {
                    screen.line(Side::Err, None, &line);
                }
            }
            Self::Silent => {}
        }
    }

    /// Forgets a task on a host: its lines are gone.
    pub(crate) fn done(&mut self, task: u64, host: &str) {
        let key = (task, host.to_owned());
        match self {
            Self::Terminal(bars) => bars.done(&key),
            Self::Lines(lines) => lines.done(&key),
            Self::Silent => {}
        }
    }

    /// Forgets every task.
    pub(crate) fn clear(&mut self) {
        if let Self::Terminal(bars) = self {
            bars.clear();
        }
    }

    /// Takes the live lines away while something is printed.
    pub(crate) fn suspended(&self, print: impl FnOnce()) {
        match self {
            Self::Terminal(bars) => bars.suspended(print),
            Self::Lines(_) | Self::Silent => print(),
        }
    }
}
