//! What a run looks like: readers of the one stream of events, and the only place beside `main` that prints.
//!
//! stdout is Ansible's, to the byte: [`Output::Default`], [`Output::Minimal`], [`Output::Oneline`] and [`Output::AnsibleJson`] are its callbacks of
//! those names; [`Beside`] are those that are enabled beside one of them. What Ansible has no word for (excerpts of faults, progress, hints) goes to stderr.
//!
//! **Invariant:** an event is enough. This crate asks neither the engine nor the file system nor the environment for
//! anything; a journal that is played back reads the same. It knows nothing of how tasks run.

mod ansible_json;
mod beside;
mod default;
mod diff;
mod failure;
mod fault;
mod log;
mod messages;
mod minimal;
mod oneline;
mod order;
mod paint;
mod plan;
mod progress;
mod reporter;
mod result;
mod screen;
mod settings;
mod sink;
mod text;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod screens;

pub use beside::{Beside, Clock, JunitSettings, ProfileSettings, Save};
pub use log::Log;
pub use order::Order;
pub use paint::Palette;
pub use reporter::Reporter;
pub use settings::{Live, Output, ResultFormat, Settings};
pub use text::{as_python, as_yaml};
