//! Package files.

use std::path::Path;

use rplay_module::{Deed, Failure, Result};
use serde_json::json;

use super::known::compare;
use super::{Work, orders, policy, told};
use crate::paths;
use crate::program::Order;

impl Work<'_> {
    /// Installs a package file with what it depends on, unless that version is there.
    pub(super) async fn install_file(&self, deb: &Path) -> Result<Deed> {
        let shown = paths::expand(self.cx, deb);
        if shown.contains("://") {
            return Err(Failure::new(format!(
                "could not fetch {shown}: deb takes no addresses here; fetch the file with get_url first"
            )));
        }
        let file = paths::real(self.cx, &shown);
        if !file.exists() {
            let message = format!(
                "Unable to install package: E:Could not open file {shown} - open (2: No such file or directory)"
            );
            return Err(Failure::new(message));
        }
        let file = file.to_string_lossy().into_owned();
        let (name, version) = (self.field(&file, "Package").await?, self.field(&file, "Version").await?);
        let there = Order::new(["dpkg-query", "-W", "-f", "${db:Status-Status}\t${Version}", name.as_str()]);
        let there = orders::plain(there).run(self.cx).await?;
        if let Some(("installed", have)) = there.out.split_once('\t')
            && compare(self.cx, &version, have).await?.is_eq()
        {
            return Ok(Deed::new(false, json!({ "stdout": "", "stderr": "", "diff": "" })));
        }
        let order = orders::install(self, &[file]);
        let line = order.line();
        let ran = policy::under(self.p.policy_rc_d, order.run(self.cx)).await?;
        if ran.ok() { Ok(told(true, &ran, None)) } else { Err(ran.failure(format!("{line} failed"))) }
    }

    async fn field(&self, file: &str, field: &str) -> Result<String> {
        let ran = orders::plain(Order::new(["dpkg", "--field", file, field])).run(self.cx).await?;
        if ran.ok() {
            return Ok(ran.out.trim_matches('\n').to_owned());
        }
        Err(ran.failure(format!("dpkg --field {file} {field} failed")))
    }
}
