use std::sync::Arc;

use rplay_module::BoxFuture;

use super::{PlayRun, Runner, Stop};
use crate::hosts::Host;
use crate::load::{BlockItem, Item};
use crate::standing::Standing;

/// What is around the steps that run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Within {
    /// A block around has a rescue: a failure counts as rescued, not as failed.
    pub(crate) rescued: bool,
    /// A failed host has something left to do in a block around: a rescue or an `always`.
    pub(crate) pending: bool,
    /// These are handlers.
    pub(crate) handler: bool,
    /// Something that is written asks for the handlers: `meta: flush_handlers`.
    pub(crate) asked: bool,
}

impl Runner {
    /// Runs items one after the other on the hosts; a host that fails takes no part in the rest.
    pub(crate) fn steps<'a>(
        self: &'a Arc<Self>,
        run: &'a Arc<PlayRun>,
        items: &'a [Item],
        hosts: &'a [Arc<Host>],
        within: Within,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async move {
            for item in items {
                if run.is_over() {
                    return Ok(());
                }
                let active: Vec<Arc<Host>> = hosts.iter().filter(|host| host.active()).cloned().collect();
                if active.is_empty() {
                    return Ok(());
                }
                if self.interrupt.is_requested() {
                    return Err(Stop::Interrupted);
                }
                match item {
                    Item::Task(task) => self.task(run, task, &active, within).await?,
                    Item::Block(block) => self.block(run, block, &active, within).await?,
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
        within: Within,
    ) -> Result<(), Stop> {
        let (has_rescue, has_always) = (!block.rescue.is_empty(), !block.always.is_empty());
        let inside = Within {
            rescued: within.rescued || has_rescue,
            pending: within.pending || has_rescue || has_always,
            ..within
        };
        self.steps(run, &block.block, hosts, inside).await?;
        if has_rescue {
            let rescue = Within { pending: within.pending || has_always, ..within };
            self.rescue(run, &block.rescue, hosts, rescue).await?;
        }
        if has_always && !run.is_over() {
            let always = Always::begin(hosts);
            let ended = self.steps(run, &block.always, &always.hosts, within).await;
            always.end();
            ended?;
        }
        hosts.iter().for_each(|host| host.stand(Standing::leave_block));
        Ok(())
    }

    /// Runs a rescue on the hosts that failed once in the block; one that was failed again meanwhile has missed it.
    async fn rescue(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        items: &[Item],
        hosts: &[Arc<Host>],
        within: Within,
    ) -> Result<(), Stop> {
        let mut rescued = Vec::new();
        for host in hosts.iter().filter(|host| takes_part(host)) {
            match host.stand(Standing::lift) {
                0 => {}
                1 => rescued.push(Arc::clone(host)),
                marks => (1..marks).for_each(|_| host.stand(Standing::mark)),
            }
        }
        if rescued.is_empty() || run.is_over() {
            return Ok(());
        }
        self.steps(run, items, &rescued, within).await
    }
}

/// The hosts on which an `always` runs.
pub(super) struct Always {
    pub(super) hosts: Vec<Arc<Host>>,
    /// Those that have failed before, and have failed again afterwards.
    fallen: Vec<(Arc<Host>, u32)>,
}

impl Always {
    /// Finds the hosts on which what is to be done in any case runs, also those that have failed.
    pub(super) fn begin(hosts: &[Arc<Host>]) -> Self {
        let (mut on, mut fallen) = (Vec::new(), Vec::new());
        for host in hosts.iter().filter(|host| takes_part(host)) {
            match host.stand(Standing::lift) {
                0 => on.push(Arc::clone(host)),
                1 => {
                    on.push(Arc::clone(host));
                    fallen.push((Arc::clone(host), host.standing().pardons()));
                }
                _ => host.stand(Standing::mark),
            }
        }
        Self { hosts: on, fallen }
    }

    pub(super) fn end(self) {
        self.fallen.iter().for_each(|(host, pardons)| host.stand(|standing| standing.fall_again(*pardons)));
    }
}

/// Returns whether a host has anything more to do in the block, failed or not.
fn takes_part(host: &Host) -> bool {
    let standing = host.standing();
    !standing.is_ended() && !standing.is_unreachable()
}
