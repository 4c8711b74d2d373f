use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::rules::Strategy;
use super::{PlayRun, Runner, Stop};

impl Runner {
    /// Runs a play with each host going its own way: as many plays of one host, side by side.
    ///
    /// Source of the rules: `ansible/plugins/strategy/free.py` and `host_pinned.py`.
    pub(super) async fn freely(self: &Arc<Self>, run: &Arc<PlayRun>) -> Result<(), Stop> {
        let pinned = run.rules.strategy == Strategy::HostPinned;
        let most = if pinned { self.settings.forks.max(1) } else { run.hosts.len() };
        let mut waiting = run.hosts.iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < most {
                let Some(host) = waiting.next() else { break };
                running.push(self.sections(run, std::slice::from_ref(host)));
            }
            match running.next().await {
                None => return Ok(()),
                Some(ended) => ended?,
            }
        }
    }
}
