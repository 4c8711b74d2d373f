use std::sync::Arc;

use rplay_event::{Fault, FaultKind};
use rplay_syntax::Node;
use rplay_template::Value;

use super::task::is_true;
use super::{Runner, Stop};
use crate::load::{LoadedPlay, bare};
use crate::scopes::Data;

/// How the hosts of a play go through its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// All hosts together, task by task.
    Linear,
    /// Linear, with the debugger when something fails.
    Debug,
    /// Each host as fast as it can; up to `forks` tasks at a time.
    Free,
    /// Each host as fast as it can; up to `forks` hosts at a time, each to its end.
    HostPinned,
}

/// What a play's keywords say of its run.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) strategy: Strategy,
    pub(crate) force_handlers: bool,
    pub(crate) max_fail_percentage: Option<f64>,
    pub(crate) gathering: Gathering,
    /// What `any_errors_fatal` is where nothing says it.
    pub(crate) any_errors_fatal: bool,
}

/// When facts are gathered at the start of a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gathering {
    /// Unless the play says no.
    Implicit,
    /// When the play says yes.
    Explicit,
    /// Of hosts that have no facts yet, unless the play says no.
    Smart,
}

impl Rules {
    pub(crate) fn new(runner: &Runner, loaded: &LoadedPlay, prompted: &Arc<Data>) -> Result<Self, Stop> {
        let play = &loaded.head.play;
        let config = &runner.settings.config;
        let value = |node: &Option<Node>| -> Result<Option<Value>, Stop> {
            let value = node.as_ref().map(|node| runner.in_play(loaded, prompted, node)).transpose()?;
            Ok(value.filter(|value| !value.is_omit() && !value.is_none()))
        };
        let force_handlers = match value(&play.force_handlers)? {
            Some(value) => is_true(&value),
            None => runner.settings.force_handlers,
        };
        let max_fail = value(&play.max_fail_percentage)?.map(|value| value.text());
        let max_fail_percentage =
            max_fail.and_then(|text| text.trim().trim_end_matches('%').trim().parse().ok());
        let name = value(&play.strategy)?.map_or_else(
            || config.text("DEFAULT_STRATEGY").unwrap_or_else(|| "linear".to_owned()),
            |value| value.text(),
        );
        let strategy = match bare(&name) {
            "linear" => Strategy::Linear,
            "debug" => Strategy::Debug,
            "free" => Strategy::Free,
            "host_pinned" => Strategy::HostPinned,
            _ => {
                let span = play.strategy.as_ref().map_or(&play.span, |node| &node.span);
                let fault = Fault::new(format!("Invalid play strategy specified: {name}")).at(span);
                let help = "the strategies are linear, free, host_pinned and debug";
                return Err(fault.kind(FaultKind::Setup).help(help).into());
            }
        };
        if max_fail_percentage.is_some() && matches!(strategy, Strategy::Free | Strategy::HostPinned) {
            runner.emitter.warn(
                "Using max_fail_percentage with the free strategy is not supported, as tasks are executed independently \
                 on each host",
            );
        }
        let gathering = match config.text("DEFAULT_GATHERING").as_deref() {
            Some("explicit") => Gathering::Explicit,
            Some("smart") => Gathering::Smart,
            _ => Gathering::Implicit,
        };
        let any_errors_fatal = config.flag("ANY_ERRORS_FATAL");
        Ok(Self { strategy, force_handlers, max_fail_percentage, gathering, any_errors_fatal })
    }

    /// Returns whether each host goes its own way.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self.strategy, Strategy::Free | Strategy::HostPinned)
    }
}
