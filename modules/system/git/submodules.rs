//! The repositories in a repository.

use std::collections::BTreeMap;

use rplay_module::{Failure, Result};

use super::repository::Repository;

impl Repository<'_> {
    /// Fetches the submodules; returns whether any of them is to be brought up to date.
    pub(super) async fn fetch_submodules(&self) -> Result<bool> {
        let Some(dest) = &self.dest else { return Ok(false) };
        let Ok(list) = std::fs::read_to_string(dest.join(".gitmodules")) else { return Ok(false) };
        let paths = list.lines().map(str::trim).filter(|line| line.starts_with("path"));
        let mut paths = paths.filter_map(|line| line.split_once('=')).map(|(_, path)| path.trim());
        if paths.any(|path| !dest.join(path).join(".git").exists()) {
            return Ok(true);
        }
        let before = self.submodule_versions("HEAD").await?;
        self.must(&["submodule", "foreach", &self.program, "fetch"]).await?;
        if self.p.track_submodules {
            let after = self.submodule_versions(&format!("{}/master", self.p.remote)).await?;
            return Ok(before != after);
        }
        let status = self.must(&["submodule", "status"]).await?;
        Ok(status.lines().any(|line| !line.starts_with(' ')))
    }

    async fn submodule_versions(&self, version: &str) -> Result<BTreeMap<String, String>> {
        let ran = self.git(&["submodule", "foreach", &self.program, "rev-parse", version]).await?;
        if !ran.ok() {
            return Err(ran.failure("Unable to determine hashes of submodules"));
        }
        let mut found = BTreeMap::new();
        let mut entered = None;
        for line in ran.out.lines() {
            if let Some(name) = line.strip_prefix("Entering '").and_then(|rest| rest.strip_suffix('\'')) {
                entered = Some(name.to_owned());
            } else if let Some(name) = entered.take().filter(|_| line.trim().len() == 40) {
                found.insert(name, line.trim().to_owned());
            } else {
                return Err(Failure::new(format!("Unable to parse submodule hash line: {}", line.trim())));
            }
        }
        Ok(found)
    }

    pub(super) async fn update_submodules(&self) -> Result<()> {
        self.must(&["submodule", "sync"]).await?;
        let mut command = vec!["submodule", "update", "--init", "--recursive"];
        if self.p.track_submodules {
            command.push("--remote");
        }
        if self.p.force {
            command.push("--force");
        }
        let ran = self.git(&command).await?;
        let failed = || Failure::new(format!("Failed to init/update submodules: {}{}", ran.out, ran.err));
        if ran.ok() { Ok(()) } else { Err(failed()) }
    }
}
