//! The executor: plays, sections, blocks, tasks on hosts, one step of all hosts after the other as Ansible's linear
//! strategy goes.

mod arguments;
mod background;
mod batches;
mod call;
mod certain;
mod concealed;
mod debugger;
mod delegate;
mod facts;
mod failed_task;
mod finish;
mod free;
mod handlers;
mod include_role;
mod includes;
mod invocation;
mod item;
mod keywords;
mod loops;
mod meta;
mod play;
mod prompts;
mod refused;
mod result;
mod rules;
mod stats;
mod steps;
mod task;
mod templates;
mod vars_files;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_event::{Fault, Kind};
use rplay_module::{Mode, Module, Planned, Shared};
use rplay_template::Engine;
use serde_json::Value as Json;

use crate::child::Children;
use crate::connection::{ConnectionSettings, Connections};
use crate::emit::Emitter;
use crate::fact_cache::FactCache;
use crate::fallthrough::Fallthrough;
use crate::hosts::Hosts;
use crate::in_flight::InFlight;
use crate::interrupt::Interrupt;
use crate::load::Loader;
use crate::records::Records;
use crate::scopes::Written;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::start::Tally;

pub(crate) use arguments::{full_name, json_args, reaches_out};
pub(crate) use call::{Call, Calls, Spot};
pub(crate) use certain::dict;
pub(crate) use item::Ended;
pub(crate) use keywords::literal_misfit;
pub(crate) use play::PlayRun;
pub(crate) use stats::CustomStats;
pub(crate) use steps::Within;
pub(crate) use task::{TaskRun, is_true};

/// Everything a run has in common.
pub(crate) struct Runner {
    pub(crate) settings: Settings,
    pub(crate) emitter: Emitter,
    pub(crate) template: Engine,
    pub(crate) loader: Loader,
    pub(crate) modules: Modules,
    pub(crate) fallthrough: Arc<Fallthrough>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) extra: Arc<Vec<Arc<Written>>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) records: Arc<Records>,
    pub(crate) children: Arc<Children>,
    /// Agents on other hosts, and those of other users.
    pub(crate) connections: Arc<Connections>,
    pub(crate) reaching: ConnectionSettings,
    pub(crate) interrupt: Interrupt,
    /// Calls of modules, for the walk backwards of a destroy.
    pub(crate) calls: Calls,
    pub(crate) next_task: AtomicU64,
    pub(crate) selection: Selection,
    /// Calls in flight by task and host: what an interruption leaves going.
    pub(crate) busy: InFlight,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) fact_cache: FactCache,
    /// `--step` has been answered with "continue".
    pub(crate) no_steps: AtomicBool,
    /// What `set_stats` has collected.
    pub(crate) stats: Mutex<CustomStats>,
    /// `--start-at-task`, until it is reached.
    pub(crate) start_at: Mutex<Option<String>>,
}

/// The modules by every name they have.
#[derive(Clone)]
pub(crate) struct Modules {
    names: Arc<HashMap<&'static str, Module>>,
}

impl Modules {
    pub(crate) fn new(modules: &[Module]) -> Self {
        let names =
            modules.iter().flat_map(|module| module.names.iter().map(|name| (*name, *module))).collect();
        Self { names: Arc::new(names) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Module> {
        self.names.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.keys().copied()
    }
}

/// Why a run ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Faults(Vec<Fault>),
    Interrupted,
    /// Somebody has said to leave it at this.
    Left,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl Runner {
    pub(crate) fn task_id(&self) -> u64 {
        self.next_task.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn mode(&self) -> Mode {
        match self.settings.mode {
            rplay_event::RunMode::Play => Mode::Apply,
            rplay_event::RunMode::Check => Mode::Check,
            rplay_event::RunMode::Plan | rplay_event::RunMode::Destroy => Mode::Plan,
        }
    }

    /// Says what an interrupted run leaves behind: which tasks were in flight, and that AWS goes on by itself.
    pub(crate) fn left_going(&self) -> String {
        match self.busy.told() {
            None => "interrupted: nothing was in flight".to_owned(),
            Some(tasks) => format!(
                "interrupted in: {tasks}. What AWS has accepted goes on there; run the playbook again to see it through"
            ),
        }
    }

    /// Says a line that is printed from so many `-v` on.
    pub(crate) fn verbose(&self, verbosity: u8, message: impl FnOnce() -> String) {
        if self.settings.verbosity >= verbosity {
            self.emit(Kind::Said { message: message() });
        }
    }

    /// Says what goes on inside, where the configuration asks for it (`ANSIBLE_DEBUG`).
    pub(crate) fn debug(&self, message: impl FnOnce() -> String) {
        if self.settings.config.flag("DEFAULT_DEBUG") {
            let now = (self.settings.now)().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let (id, seconds) = (std::process::id(), now.as_secs_f64());
            self.emit(Kind::Said { message: format!("{id:>6} {seconds:.5}: {}", message()) });
        }
    }

    pub(crate) fn emit(&self, kind: Kind) {
        self.emitter.emit(kind);
    }

    /// Says a fault with the lines around its place.
    pub(crate) fn fault(&self, fault: Fault) {
        self.emit(Kind::Fault { fault: self.loader.reader.sources.explain(fault) });
    }

    pub(crate) fn planned(&self, task: u64, host: &str, planned: Vec<Planned>) {
        if self.settings.mode != rplay_event::RunMode::Plan {
            return;
        }
        for planned in planned {
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).count(planned.action);
            self.emit(Kind::Planned { task, host: host.to_owned(), planned });
        }
    }
}

/// Returns whether a JSON value is true in the way a result's flag is.
pub(crate) fn flag(result: &serde_json::Map<String, Json>, name: &str) -> bool {
    result.get(name).and_then(Json::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests;
