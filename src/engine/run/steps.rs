use std::sync::{Arc, PoisonError};

use rplay_event::{Fault, FaultKind, Kind};
use rplay_module::BoxFuture;

use super::{PlayRun, Runner, Stop};
use crate::hosts::Host;
use crate::load::{BlockItem, Item};

impl Runner {
    /// Runs items one after the other on the hosts; a host that fails takes no part in the rest.
    ///
    /// `rescued` says that a block around has a rescue: a failure counts as rescued, not as failed.
    pub(crate) fn steps<'a>(
        self: &'a Arc<Self>,
        run: &'a Arc<PlayRun>,
        items: &'a [Item],
        hosts: &'a [Arc<Host>],
        rescued: bool,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            for item in items {
                let active: Vec<Arc<Host>> = hosts.iter().filter(|host| host.active()).cloned().collect();
                if active.is_empty() {
                    return Ok(());
                }
                if self.interrupt.is_requested() {
                    return Err(Stop::Interrupted);
                }
                match item {
                    Item::Task(task) => self.task(run, task, &active, rescued).await?,
                    Item::Block(block) => self.block(run, block, &active, rescued).await?,
                }
            }
            Ok(())
        })
    }

    async fn block(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        block: &BlockItem,
        hosts: &[Arc<Host>],
        rescued: bool,
    ) -> Result<(), Stop> {
        let out = |hosts: &[Arc<Host>]| -> Vec<Arc<Host>> {
            hosts.iter().filter(|host| host.is_out()).cloned().collect()
        };
        let has_rescue = !block.rescue.is_empty();
        self.steps(run, &block.block, hosts, rescued || has_rescue).await?;
        if has_rescue {
            let rescue = out(hosts);
            if !rescue.is_empty() {
                rescue.iter().for_each(|host| host.revive());
                self.refresh_magic(run);
                self.steps(run, &block.rescue, &rescue, rescued).await?;
            }
        }
        if !block.always.is_empty() {
            let fallen = out(hosts);
            fallen.iter().for_each(|host| host.revive());
            let ended = self.steps(run, &block.always, hosts, rescued).await;
            fallen.iter().for_each(|host| host.fail());
            ended?;
        }
        Ok(())
    }

    /// Runs the handlers that were notified, in the order the play lists them.
    pub(crate) async fn flush_handlers(self: &Arc<Self>, run: &Arc<PlayRun>) -> Result<(), Stop> {
        loop {
            let notified = std::mem::take(&mut *run.notified.lock().unwrap_or_else(PoisonError::into_inner));
            if notified.is_empty() {
                return Ok(());
            }
            for item in &run.handlers() {
                let Item::Task(handler) = item else { continue };
                let names = self.handler_names(run, handler);
                let hosts: Vec<Arc<Host>> = run
                    .hosts
                    .iter()
                    .filter(|host| host.active())
                    .filter(|host| {
                        names
                            .iter()
                            .any(|name| notified.get(name).is_some_and(|hosts| hosts.contains(&host.name)))
                    })
                    .cloned()
                    .collect();
                if !hosts.is_empty() {
                    self.handler(run, handler, &hosts).await?;
                }
            }
        }
    }

    /// Remembers that a task has changed something for the handlers it names.
    pub(super) fn notify(&self, run: &PlayRun, host: &Host, names: &[String]) -> Result<(), Stop> {
        for name in names {
            let known = run.handlers().iter().any(|item| match item {
                Item::Task(handler) => self.handler_names(run, handler).contains(name),
                Item::Block(_) => false,
            });
            if !known {
                let message = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening \
                     handlers list"
                );
                if self.settings.error_on_missing_handler {
                    return Err(Fault::new(message).kind(FaultKind::Setup).into());
                }
                self.emitter.warn(message);
                continue;
            }
            self.emit(Kind::Notified { handler: name.clone(), host: host.name.to_string() });
            let mut notified = run.notified.lock().unwrap_or_else(PoisonError::into_inner);
            let hosts = notified.entry(name.clone()).or_default();
            if !hosts.contains(&host.name) {
                hosts.push(Arc::clone(&host.name));
            }
        }
        Ok(())
    }
}
