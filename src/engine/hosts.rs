use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;
use rplay_event::{Counts, Fault, FaultKind};
use rplay_template::Value;
use serde_json::json;

use crate::scopes::{Data, Level, Stack, Written};

/// The hosts of a run, in the inventory's order.
#[derive(Default)]
pub(crate) struct Hosts {
    hosts: RwLock<IndexMap<Arc<str>, Arc<Host>>>,
}

/// A host and what a run has learned of it.
pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    inventory: Arc<Data>,
    /// Not in any inventory: there because a play named localhost.
    implicit: bool,
    state: RwLock<HostState>,
}

#[derive(Clone, Default)]
struct HostState {
    facts: Arc<Data>,
    set: Arc<Data>,
    included: Vec<Arc<Written>>,
    counts: Counts,
    /// It failed or could not be reached: no more tasks.
    out: bool,
    /// `meta: end_host` or `end_play`: no more tasks of this play.
    ended: bool,
}

impl Hosts {
    /// Reads what `-i` was given: comma lists of hosts.
    pub(crate) fn from_sources(sources: &[String]) -> Result<Self, Fault> {
        let hosts = Self::default();
        for source in sources {
            if !source.contains(',') {
                // Nothing is in an inventory that is not there.
                if std::fs::read(source).is_ok_and(|text| text.is_empty()) || !std::path::Path::new(source).exists() {
                    continue;
                }
                return Err(Fault::new(format!("inventory '{source}': only lists of hosts are read yet"))
                    .kind(FaultKind::Options)
                    .help(format!("give a list of hosts, such as -i '{source},'")));
            }
            source
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .for_each(|name| hosts.add(name, false));
        }
        Ok(hosts)
    }

    fn add(&self, name: &str, implicit: bool) {
        let name: Arc<str> = name.into();
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(Arc::clone(&name)).or_insert_with(|| Arc::new(Host::new(name, implicit)));
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Host>> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn listed(&self) -> Vec<Arc<Host>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.values().filter(|host| !host.implicit).cloned().collect()
    }

    pub(crate) fn groups(&self) -> BTreeMap<&'static str, Vec<Arc<str>>> {
        let names: Vec<Arc<str>> = self.listed().iter().map(|host| Arc::clone(&host.name)).collect();
        BTreeMap::from([("all", names.clone()), ("ungrouped", names)])
    }

    pub(crate) fn groups_of(&self, name: &str) -> Vec<&'static str> {
        if self.get(name).is_some_and(|host| host.implicit) { Vec::new() } else { vec!["ungrouped"] }
    }

    /// Returns the hosts that a pattern of names, `all` and commas means; localhost is there when it is asked for.
    pub(crate) fn matching(&self, pattern: &str, limit: Option<&str>) -> Vec<Arc<Host>> {
        let mut found: Vec<Arc<Host>> = Vec::new();
        for part in pattern.split([',', ':']).map(str::trim).filter(|part| !part.is_empty()) {
            let hosts = match part {
                "all" | "*" | "ungrouped" => self.listed(),
                name => {
                    if matches!(name, "localhost" | "127.0.0.1" | "::1") && self.get(name).is_none() {
                        self.add(name, true);
                    }
                    self.get(name).into_iter().collect()
                }
            };
            found.extend(
                hosts
                    .into_iter()
                    .filter(|host| !found.iter().any(|other| other.name == host.name))
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(limit) = limit {
            let names: Vec<&str> = limit.split([',', ':']).map(str::trim).collect();
            found
                .retain(|host| names.iter().any(|name| matches!(*name, "all" | "*") || *name == &*host.name));
        }
        found
    }

    /// Returns the recap, in the order the hosts came to be.
    pub(crate) fn recap(&self) -> IndexMap<String, Counts> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts
            .values()
            .map(|host| (host.name.to_string(), host.read(|state| state.counts)))
            .filter(|(_, counts)| *counts != Counts::default())
            .collect()
    }
}

impl Host {
    fn new(name: Arc<str>, implicit: bool) -> Self {
        let mut inventory = Data::new();
        if implicit {
            inventory.insert("ansible_connection".into(), Value::from_json(json!("local")));
        }
        Self { name, inventory: Arc::new(inventory), implicit, state: RwLock::default() }
    }

    fn read<T>(&self, f: impl FnOnce(&HostState) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut HostState) -> T) -> T {
        f(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the host's own layers to a scope.
    pub(crate) fn layers(&self, stack: &mut Stack) {
        stack.data(Level::InventoryHostVars, &self.inventory);
        let state = self.read(Clone::clone);
        stack.data(Level::HostFacts, &state.facts);
        for included in &state.included {
            stack.written(Level::IncludeVars, included);
        }
        stack.data(Level::SetFactsAndRegistered, &state.set);
    }

    /// Sets what `register`, `set_fact` and the like set.
    pub(crate) fn set(&self, name: &str, value: Value) {
        self.write(|state| Arc::make_mut(&mut state.set).insert(name.into(), value));
    }

    /// Adds variables that `include_vars` read.
    pub(crate) fn include(&self, written: Arc<Written>) {
        self.write(|state| state.included.push(written));
    }

    /// Adds gathered facts: under `ansible_facts`, and each by its own `ansible_` name.
    pub(crate) fn learn(&self, facts: &Value) {
        self.write(|state| {
            let known = Arc::make_mut(&mut state.facts);
            let mut all = known.get("ansible_facts").cloned().unwrap_or_else(|| Value::from_json(json!({})));
            for (key, value) in facts.entries() {
                let Some(key) = key.as_str() else { continue };
                let bare = key.strip_prefix("ansible_").unwrap_or(key);
                all = all.with(bare, value.clone());
                let injected = if matches!(bare, "env" | "facter" | "ohai") { bare } else { key };
                known.insert(injected.into(), value.clone());
            }
            known.insert("ansible_facts".into(), all);
        });
    }

    /// Forgets gathered facts.
    pub(crate) fn forget(&self) {
        self.write(|state| state.facts = Arc::default());
    }

    pub(crate) fn count(&self, f: impl FnOnce(&mut Counts)) {
        self.write(|state| f(&mut state.counts));
    }

    pub(crate) fn fail(&self) {
        self.write(|state| state.out = true);
    }

    pub(crate) fn revive(&self) {
        self.write(|state| state.out = false);
    }

    pub(crate) fn end(&self) {
        self.write(|state| state.ended = true);
    }

    pub(crate) fn begin_play(&self) {
        self.write(|state| state.ended = false);
    }

    /// Returns whether the host takes part in further tasks.
    pub(crate) fn active(&self) -> bool {
        self.read(|state| !state.out && !state.ended)
    }

    pub(crate) fn is_out(&self) -> bool {
        self.read(|state| state.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_there_when_it_is_asked_for_and_no_member_of_all() {
        let hosts = Hosts::default();
        assert_eq!(hosts.matching("localhost", None).len(), 1);
        assert!(hosts.matching("all", None).is_empty());
    }

    #[test]
    fn an_inventory_file_is_refused_with_what_to_give_instead() {
        let fault = Hosts::from_sources(&["hosts.ini".to_owned()]).err().expect("files are not read yet");
        assert_eq!(fault.help.as_deref(), Some("give a list of hosts, such as -i 'hosts.ini,'"));
    }

    #[test]
    fn limit_leaves_only_what_it_names() {
        let hosts = Hosts::from_sources(&["a,b,c".to_owned()]).expect("a list");
        let names: Vec<_> =
            hosts.matching("all", Some("b,c")).iter().map(|host| host.name.to_string()).collect();
        assert_eq!(names, ["b", "c"]);
    }
}
