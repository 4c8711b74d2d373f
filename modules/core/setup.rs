//! Facts: what is known of the host that tasks run on.
//!
//! Everything is read from `/proc`, `/sys`, `/etc` and the kernel itself; no process is started but for the executable
//! facts that the host's owner put into `fact_path`. Names and shapes are those of Ansible's `setup` (its collectors in
//! `lib/ansible/module_utils/facts`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result, fnmatch};
use serde_json::{Map, Value, json};

use crate::paths;
use host::Host;

mod clock;
mod devices;
mod distribution;
mod host;
mod identity;
mod local;
mod managers;
mod memory;
mod mounts;
mod netlink;
mod network;
mod platform;
mod processor;
mod python;
mod security;
mod subset;
mod virtualization;

#[cfg(test)]
mod tests;

/// Facts by name, without the prefix.
type Facts = Map<String, Value>;

/// Gathers facts about the host.
#[derive(Params)]
pub(crate) struct SetupParams {
    /// Which facts to gather: `all`, `min`, or names such as `network` and `!hardware`; omitted, all of them.
    #[param(default = ["all"])]
    gather_subset: Vec<String>,
    /// How long to wait for the sizes of mounted file systems, in seconds.
    #[param(default = 10)]
    gather_timeout: u64,
    /// Shell patterns of the facts to return, with or without `ansible_`; omitted, all that were gathered.
    filter: Option<Vec<String>>,
    /// The folder of the host's own facts (`*.fact`: JSON, INI, or a program that prints either).
    #[param(default = "/etc/ansible/facts.d")]
    fact_path: PathBuf,
    /// The Python that the host's variables name; the one of `PATH` where it is not there.
    #[param(name = "_python_interpreter")]
    python: Option<String>,
}

pub(crate) struct Setup;

impl Action for Setup {
    type Params = SetupParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &SetupParams) -> Result<Deed> {
        let mut host = Host::new("/".into(), cx.now(), environment(cx));
        host.python.clone_from(&p.python);
        gather(cx, p, host).await
    }
}

async fn gather(cx: &Cx, p: &SetupParams, host: Host) -> Result<Deed> {
    let chosen = subset::chosen(&p.gather_subset).map_err(Failure::new)?;
    let host = host.patient(Duration::from_secs(p.gather_timeout));
    let wants_local = chosen.iter().any(|collector| collector.name == "local");
    let reading = tokio::task::spawn_blocking(move || {
        let found: Facts = chosen.iter().flat_map(|collector| (collector.gather)(&host)).collect();
        (found, host.warnings())
    });
    let (mut found, warnings) = reading.await.map_err(Failure::bug)?;
    warnings.into_iter().for_each(|warning| cx.warn(warning));
    if wants_local {
        found.insert("local".to_owned(), local::facts(cx, &paths::absolute(cx, &p.fact_path)).await);
    }
    let mut facts: Facts = found.into_iter().map(|(name, fact)| (prefixed(&name), fact)).collect();
    facts.insert("gather_subset".to_owned(), json!(p.gather_subset));
    facts.insert("module_setup".to_owned(), Value::Bool(true));
    let wanted = p.filter.as_deref().unwrap_or_default();
    facts.retain(|name, _| is_wanted(name, wanted));
    Ok(Deed::new(false, json!({ "ansible_facts": facts })))
}

/// Names of interfaces have dashes, names of variables have none.
fn prefixed(name: &str) -> String {
    format!("ansible_{}", name.replace('-', "_"))
}

fn is_wanted(name: &str, patterns: &[String]) -> bool {
    let matches = |pattern: &String| {
        let whole = ["ansible_", "facter", "ohai"].iter().any(|start| pattern.starts_with(start));
        pattern.is_empty()
            || fnmatch::matches(pattern, name)
            || (!whole && fnmatch::matches(&format!("ansible_{pattern}"), name))
    };
    patterns.is_empty() || patterns.iter().any(matches)
}

/// The names are those of the process, the values what a task sees of them: under a sandbox some are hidden.
fn environment(cx: &Cx) -> BTreeMap<String, String> {
    let bytes = std::fs::read("/proc/self/environ").unwrap_or_default();
    let names = bytes.split(|&byte| byte == 0).filter_map(|entry| {
        let name = entry.split(|&byte| byte == b'=').next()?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    });
    let own = cx.world().own_env();
    let names = names.map(str::to_owned).chain(own);
    names.filter_map(|name| Some((name.clone(), cx.env(&name)?))).collect()
}
