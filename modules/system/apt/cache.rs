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
        let mut said = "unknown reason".to_owned();
        for attempt in 0..self.p.update_cache_retries {
            let order = orders::plain(Order::new(["apt-get", "update", "-q"]));
            let ran = order
                .arg("-o")
                .arg(format!("DPkg::Lock::Timeout={}", self.p.lock_timeout))
                .run(self.cx)
                .await?;
            let unreachable =
                ran.err.lines().any(|line| line.starts_with("W: Failed to fetch") || line.starts_with("E: "));
            if ran.ok() && !unreachable {
                let after = time(self.cx);
                return Ok((after != before, after));
            }
            said = ran.err.trim().replace('\n', ", ");
            self.cx.warn(format!(
                "Failed to update cache after {} retries due to {said}, retrying",
                attempt + 1
            ));
            let delay = 2_u64.saturating_pow(attempt).min(self.p.update_cache_retry_max_delay);
            self.cx.sleep(Duration::from_secs(delay)).await;
            self.cx
                .warn(format!("Sleeping for {delay} seconds, before attempting to refresh the cache again"));
        }
        Err(Failure::new(format!(
            "Failed to update apt cache after {} retries: {said}",
            self.p.update_cache_retries
        )))
    }
}
