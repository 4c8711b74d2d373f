use std::sync::Arc;
use std::sync::atomic::Ordering;

use rplay_event::{Fault, FaultKind, Kind, Status};
use rplay_syntax::Node;
use rplay_template::{Scope, Tri};
use serde_json::json;

use super::item::object;
use super::{Ended, PlayRun, Runner, Stop, TaskRun, Within};
use crate::hosts::Host;
use crate::load::TaskItem;
use crate::standing::Standing;

/// What `meta` can be told to do.
///
/// Source of the words: `_execute_meta` of `ansible/plugins/strategy/__init__.py`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Noop,
    FlushHandlers,
    RefreshInventory,
    ClearFacts,
    ClearHostErrors,
    EndPlay,
    EndBatch,
    EndHost,
    EndRole,
    /// What no one writes: it stands behind the tasks of a role.
    RoleComplete,
    ResetConnection,
}

impl Action {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "noop" => Self::Noop,
            "flush_handlers" => Self::FlushHandlers,
            "refresh_inventory" => Self::RefreshInventory,
            "clear_facts" => Self::ClearFacts,
            "clear_host_errors" => Self::ClearHostErrors,
            "end_play" => Self::EndPlay,
            "end_batch" => Self::EndBatch,
            "end_host" => Self::EndHost,
            "end_role" => Self::EndRole,
            "role_complete" => Self::RoleComplete,
            "reset_connection" => Self::ResetConnection,
            _ => return None,
        })
    }

    /// Returns whether each host does it by itself; what concerns the whole play is done by the first one for all.
    fn is_each_hosts(self) -> bool {
        matches!(
            self,
            Self::Noop
                | Self::FlushHandlers
                | Self::EndHost
                | Self::EndRole
                | Self::RoleComplete
                | Self::ResetConnection
        )
    }

    fn heeds_conditions(self) -> bool {
        !matches!(self, Self::Noop | Self::RefreshInventory | Self::RoleComplete | Self::ResetConnection)
    }

    /// Returns what is said when the condition does not hold.
    fn skipped(self, word: &str, host: &str, role: &str) -> String {
        let rest = match self {
            Self::FlushHandlers => format!(", not running handlers for {host}"),
            Self::ClearFacts => format!(", not clearing facts and fact cache for {host}"),
            Self::ClearHostErrors => format!(", not clearing host error state for {host}"),
            Self::EndBatch => ", continuing current batch".to_owned(),
            Self::EndPlay => ", continuing play".to_owned(),
            Self::EndHost => format!(", continuing execution for {host}"),
            Self::EndRole => format!("continuing role {role} for {host}"),
            Self::Noop | Self::RefreshInventory | Self::RoleComplete | Self::ResetConnection => String::new(),
        };
        format!("{word} conditional evaluated to False{rest}")
    }
}

impl Runner {
    /// Runs `meta`, which has no result but a line at -vv.
    pub(super) async fn meta(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
        within: Within,
    ) -> Result<(), Stop> {
        let word = item.task.args.free_form.as_ref().and_then(Node::as_str).unwrap_or_default();
        let Some(action) = Action::of(word) else {
            let fault = Fault::new(format!("invalid meta action requested: {word}"));
            return Err(fault.at(&item.task.action.span).kind(FaultKind::Setup).into());
        };
        let on = if action.is_each_hosts() { hosts } else { hosts.get(..1).unwrap_or_default() };
        let mut flushing = Vec::new();
        for host in on {
            let task = self.begun(run, item, within);
            if !self.holds_for(&task, action, host, word)? {
                continue;
            }
            if action == Action::FlushHandlers {
                if within.handler {
                    let fault = Fault::new("flush_handlers cannot be used as a handler");
                    return Err(fault.kind(FaultKind::Setup).at(&item.task.span).into());
                }
                flushing.push(Arc::clone(host));
            }
            if action == Action::ResetConnection {
                self.reset_connection(&task, host).await;
            }
            let said = self.act(&task, action, host)?;
            if item.implicit {
                self.debug(|| format!("META: {said}"));
            } else {
                self.verbose(2, || format!("META: {said}"));
            }
        }
        if flushing.is_empty() {
            return Ok(());
        }
        self.flush_handlers(run, &flushing, Within { asked: true, ..within }).await
    }

    /// Prints the heading, which every host has of its own.
    fn begun<'a>(&self, run: &'a Arc<PlayRun>, item: &'a TaskItem, within: Within) -> TaskRun<'a> {
        // Its name is told as it is written.
        let name = item.task.keywords.name.as_ref().and_then(rplay_syntax::Node::as_str);
        let task = TaskRun {
            play: run,
            item,
            id: self.heading_id(run, item),
            name: item.heading(name.filter(|name| !name.is_empty())),
            no_log: false,
        };
        if !item.implicit {
            self.emit(Kind::TaskStarted { task: self.info(&task, within.handler) });
        }
        task
    }

    fn holds_for(&self, task: &TaskRun<'_>, action: Action, host: &Host, word: &str) -> Result<bool, Stop> {
        if !action.heeds_conditions() {
            if !task.item.implicit && !task.item.context.when.is_empty() {
                self.emitter.warn(format!("{word} task does not support when conditional"));
            }
            return Ok(true);
        }
        let scope = self.task_scope(task.play, host, task.item).shared();
        if self.holds(task.item, &scope)? {
            return Ok(true);
        }
        let reason = action.skipped(word, &host.name, &Self::role_of(task.item));
        self.verbose(2, || format!("META: {reason}"));
        let message = if action == Action::EndHost {
            format!("end_host conditional evaluated to false, continuing execution for {}", host.name)
        } else {
            word.to_owned()
        };
        let result = object(json!({ "msg": message, "skipped": true, "skip_reason": reason }));
        let ended = Ended { result, ..Ended::default() };
        self.emit(Kind::TaskDone { result: self.told(task, host, &ended, Status::Skipped) });
        Ok(false)
    }

    fn holds(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> Result<bool, Stop> {
        for node in &item.context.when {
            let condition = self.template.condition(node, scope).map_err(|error| {
                Stop::from(Fault::new(error.to_string()).at(&node.span).kind(FaultKind::Setup))
            })?;
            if condition.truth == Tri::False {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hosts that the inventory no longer has for the play take no further part in it.
    fn leave_gone(&self, run: &PlayRun) -> Result<(), Stop> {
        let there = self.hosts.matching_any(&run.patterns)?;
        let gone = |host: &&Arc<Host>| !there.iter().any(|other| other.name == host.name);
        run.hosts.iter().filter(gone).for_each(|host| host.stand(Standing::end));
        Ok(())
    }

    fn role_of(item: &TaskItem) -> String {
        item.context.role.as_ref().map(|role| role.definition.full_name()).unwrap_or_default()
    }

    /// Does it; returns what is said of it.
    fn act(&self, task: &TaskRun<'_>, action: Action, host: &Arc<Host>) -> Result<String, Stop> {
        let run = task.play;
        Ok(match action {
            Action::Noop => "noop".to_owned(),
            Action::FlushHandlers => format!("triggered running handlers for {}", host.name),
            Action::ResetConnection => "reset connection".to_owned(),
            Action::ClearFacts => {
                run.hosts.iter().for_each(|host| self.forget_facts(host));
                "facts cleared".to_owned()
            }
            Action::ClearHostErrors => {
                run.hosts.iter().for_each(|host| host.stand(Standing::forgive));
                "cleared host errors".to_owned()
            }
            Action::EndBatch | Action::EndPlay => {
                let reachable = run.hosts.iter().filter(|host| !host.standing().is_unreachable());
                reachable.for_each(|host| host.stand(Standing::end));
                if action == Action::EndPlay {
                    run.ended.store(true, Ordering::Relaxed);
                    "ending play".to_owned()
                } else {
                    "ending batch".to_owned()
                }
            }
            Action::EndHost => {
                host.stand(Standing::end);
                format!("ending play for {}", host.name)
            }
            Action::EndRole => {
                if let Some(role) = &task.item.context.role {
                    role.end(&host.name);
                }
                format!("ending role {} for {}", Self::role_of(task.item), host.name)
            }
            Action::RoleComplete => {
                if let Some(role) = &task.item.context.role {
                    role.complete(&host.name);
                }
                "role_complete".to_owned()
            }
            Action::RefreshInventory => {
                self.refresh_inventory()?;
                self.leave_gone(run)?;
                "inventory successfully refreshed".to_owned()
            }
        })
    }
}
