//! The lists of packages: how old they are, and fetching them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rplay_module::{Cx, Failure, Result};

use super::{Work, orders};
use crate::program::Order;

const STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";
const LISTS: &str = "/var/lib/apt/lists";

/// Returns when the lists were fetched, in seconds since 1970; 0 where there are none.
pub(super) fn time(_cx: &Cx) -> i64 {
    let changed = |path: &str| Path::new(path).metadata().ok().map(|found| found.mtime());
    changed(STAMP).or_else(|| changed(LISTS)).unwrap_or(0)
}

impl Work<'_> {
    /// Fetches the lists unless they are good enough; returns whether they are other ones then, and their time.
    pub(super) async fn update(&self) -> Result<(bool, i64)> {
        let before = time(self.cx);
        let now = self.cx.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let good_for = i64::try_from(self.p.cache_valid_time).unwrap_or(i64::MAX);
        if before.saturating_add(good_for) >= now {
            return Ok((false, before));
        }
        if self.dry {
            return Ok((true, before));
        }
        let patience =
            Patience { retries: self.p.update_cache_retries, longest: self.p.update_cache_retry_max_delay };
        let lock = Some(self.p.lock_timeout);
        match fetch(self.cx, patience, lock).await? {
            None => {
                let after = time(self.cx);
                Ok((after != before, after))
            }
            Some(said) => Err(Failure::new(format!(
                "Failed to update apt cache after {} retries: {said}",
                patience.retries
            ))),
        }
    }
}

/// How often fetching is tried, and for how many seconds it is put off at most.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) retries: u32,
    pub(crate) longest: u64,
}

/// Fetches the lists; returns what was said last where that came to nothing.
pub(crate) async fn fetch(cx: &Cx, patience: Patience, lock: Option<u32>) -> Result<Option<String>> {
    let mut said = "unknown reason".to_owned();
    for attempt in 0..patience.retries {
        let order = orders::plain(Order::new(["apt-get", "update", "-q"]));
        let ran =
            order.option("-o", lock.map(|seconds| format!("DPkg::Lock::Timeout={seconds}"))).run(cx).await?;
        let unreachable =
            ran.err.lines().any(|line| line.starts_with("W: Failed to fetch") || line.starts_with("E: "));
        if ran.ok() && !unreachable {
            return Ok(None);
        }
        said = ran.err.trim().replace('\n', ", ");
        cx.warn(format!("Failed to update cache after {} retries due to {said}, retrying", attempt + 1));
        let delay = 2_u64.saturating_pow(attempt).min(patience.longest);
        cx.sleep(Duration::from_secs(delay)).await;
        cx.warn(format!("Sleeping for {delay} seconds, before attempting to refresh the cache again"));
    }
    Ok(Some(said))
}
