//! What is told of a run beside its screen: Ansible's callbacks that are enabled by name.

mod junit;
mod profile;
mod tree;

#[cfg(test)]
mod tests;

use rplay_event::Kind;

use crate::messages;
use crate::screen::{Screen, Side};
use crate::settings::Settings;

pub use junit::JunitSettings;
pub use profile::ProfileSettings;

use junit::Junit;
use profile::Profile;

/// Writes a file: its name within the callback's folder, and what it holds; an error is told as a warning.
pub type Save = Box<dyn FnMut(&str, &str) -> Result<(), String> + Send>;

/// What time it is.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Seconds since 1970.
    pub seconds: fn() -> f64,
    /// The local time in a format of `strftime`.
    pub shown: fn(&str) -> String,
}

/// The enabled callbacks, in the order in which they are enabled.
pub struct Beside {
    clock: Clock,
    readers: Vec<Reader>,
}

enum Reader {
    Tree(Save),
    Junit(Box<Junit>),
    Timer { since: f64 },
    Profile(Box<Profile>),
}

impl Beside {
    /// Returns none: a run begins now.
    pub fn new(clock: Clock) -> Self {
        Self { clock, readers: Vec::new() }
    }

    /// Whether nothing is enabled.
    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// Saves the last result of each host under the host's name (`tree`).
    pub fn tree(&mut self, save: Save) {
        self.readers.push(Reader::Tree(save));
    }

    /// Saves a report of each playbook as `JUnit` writes them when the run is over (`junit`).
    pub fn junit(&mut self, settings: JunitSettings, save: Save) {
        self.readers.push(Reader::Junit(Box::new(Junit::new(settings, save))));
    }

    /// Says at the end how long the run took (`timer`).
    pub fn timer(&mut self) {
        let since = (self.clock.seconds)();
        self.readers.push(Reader::Timer { since });
    }

    /// Says with each task how long the last one took, and at the end which ones took longest (`profile_tasks`).
    pub fn profile(&mut self, settings: ProfileSettings) {
        let now = (self.clock.seconds)();
        self.readers.push(Reader::Profile(Box::new(Profile::new(settings, now))));
    }

    /// Takes note of what happened, and writes what is due.
    pub(crate) fn event(&mut self, kind: &Kind, settings: &Settings, screen: &mut Screen) {
        let clock = self.clock;
        for reader in &mut self.readers {
            let saved = match reader {
                Reader::Tree(save) => tree::event(kind, settings, save),
                Reader::Junit(junit) => junit.event(kind, settings, (clock.seconds)()),
                Reader::Timer { since } => {
                    if matches!(kind, Kind::Recap { .. }) {
                        let line = profile::took((clock.seconds)() - *since);
                        screen.line(Side::Out, None, &line);
                    }
                    Ok(())
                }
                Reader::Profile(profile) => {
                    profile.event(kind, settings, clock, screen);
                    Ok(())
                }
            };
            if let Err(message) = saved {
                messages::warning(&message, screen);
            }
        }
    }
}
