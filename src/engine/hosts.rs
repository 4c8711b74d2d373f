mod added;
mod open;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use indexmap::IndexMap;
use rplay_event::{Counts, Fault, FaultKind};
use rplay_syntax::Node;
use rplay_template::Value;
use serde_json::json;

use crate::inventory::{
    Chooser, Chosen, Entry, HostLayers, Inventory, InventoryError, LOCALHOSTS, Layering, Mismatch, Vars,
    VarsFolders, split,
};
pub(crate) use added::{AddedGroup, AddedHost};
pub(crate) use open::{Tools, tell};

use crate::scopes::{Data, Level, Stack, Written};
use crate::standing::Standing;
use added::Added;

/// The hosts of a run: the inventory, and what the run has learned of each host.
pub(crate) struct Hosts {
    inventory: RwLock<Inventory>,
    seen: RwLock<IndexMap<Arc<str>, Arc<Host>>>,
    layering: Layering,
    /// `--limit`, split.
    limit: Vec<String>,
    mismatch: Mismatch,
    /// `groups`, until the inventory changes.
    groups: RwLock<Option<Value>>,
    /// What the run has added, which a refresh of the inventory keeps.
    added: Mutex<Vec<Added>>,
    /// Counts the changes of the inventory: what was made of an older one is made anew.
    changes: AtomicU64,
}

/// The fact that says that facts have been gathered, not only set.
pub(crate) const GATHERED: &str = "_ansible_facts_gathered";

/// A host and what a run has learned of it.
pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    layers: Mutex<Vec<KeptLayers>>,
    state: RwLock<HostState>,
}

/// What the inventory says of a host, for the plays of one folder.
struct KeptLayers {
    change: u64,
    folder: Option<Arc<str>>,
    layers: HostLayers,
}

#[derive(Clone, Default)]
struct HostState {
    facts: Arc<Data>,
    set: Arc<Data>,
    included: Vec<Arc<Written>>,
    counts: Counts,
    standing: Standing,
}

/// The hosts that a pattern means.
#[derive(Default)]
pub(crate) struct Matched {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) warnings: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(
        inventory: Inventory,
        layering: Layering,
        limit: Vec<String>,
        mismatch: Mismatch,
    ) -> Self {
        Self {
            inventory: RwLock::new(inventory),
            seen: RwLock::default(),
            layering,
            limit,
            mismatch,
            groups: RwLock::default(),
            added: Mutex::default(),
            changes: AtomicU64::new(0),
        }
    }

    pub(crate) fn read<T>(&self, f: impl FnOnce(&Inventory) -> T) -> T {
        f(&self.inventory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the inventory; what was made of it is made anew when it is asked for.
    pub(crate) fn change<T>(&self, f: impl FnOnce(&mut Inventory) -> T) -> T {
        let changed = f(&mut self.inventory.write().unwrap_or_else(PoisonError::into_inner));
        self.layering.forget();
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.changes.fetch_add(1, Ordering::Relaxed);
        changed
    }

    /// Returns the host of that name; this machine is there when it is asked for.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Host>> {
        let known = self.read(|inventory| {
            inventory
                .known(name)
                .and_then(|at| inventory.hosts.get_index(at))
                .map(|(name, _)| Arc::clone(name))
        });
        let name = match known {
            Some(name) => name,
            None if LOCALHOSTS.contains(&name) => self.localhost(name)?,
            None => return None,
        };
        Some(self.host(&name))
    }

    fn localhost(&self, name: &str) -> Option<Arc<str>> {
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let at = inventory.host(name)?;
        inventory.hosts.get_index(at).map(|(name, _)| Arc::clone(name))
    }

    /// Returns a host by the name that the inventory has for it, or that nothing has but a `delegate_to`.
    pub(crate) fn host(&self, name: &Arc<str>) -> Arc<Host> {
        if let Some(host) = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(host);
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seen.entry(Arc::clone(name)).or_insert_with(|| Arc::new(Host::new(Arc::clone(name)))))
    }

    /// Returns the hosts of the inventory; an implicit localhost is none of them.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.read(|inventory| inventory.listed().map(|(_, host)| Arc::clone(&host.name)).collect())
    }

    /// Returns the hosts that the run has had to do with, in the order they came up.
    pub(crate) fn seen(&self) -> Vec<Arc<Host>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Returns the host whose `ansible_host` is this address.
    pub(crate) fn at_address(&self, address: &str) -> Option<Arc<Host>> {
        let names = ["ansible_host", "ansible_ssh_host"];
        let at = |host: &Entry| {
            names.iter().any(|name| host.vars.get(*name).and_then(Node::as_str) == Some(address))
        };
        let name = self.read(|inventory| {
            let mut listed = inventory.listed();
            listed.find(|(_, host)| at(host)).map(|(_, host)| Arc::clone(&host.name))
        });
        name.map(|name| self.host(&name))
    }

    /// Returns the magic variable `groups`.
    pub(crate) fn groups(&self) -> Value {
        if let Some(groups) = &*self.groups.read().unwrap_or_else(PoisonError::into_inner) {
            return groups.clone();
        }
        let groups = self.read(Inventory::groups_with_hosts).into_iter();
        let groups: serde_json::Map<_, _> =
            groups.map(|(name, hosts)| (name.to_string(), json!(hosts))).collect();
        let value = Value::from_json(groups.into());
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = Some(value.clone());
        value
    }

    /// Returns the hosts that patterns mean, within `--limit`.
    pub(crate) fn matching(&self, patterns: &[String]) -> Result<Matched, Fault> {
        let parts: Vec<String> = patterns.iter().flat_map(|pattern| split(pattern)).collect();
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let mut chooser = Chooser { inventory: &mut inventory };
        let mut chosen = chooser.choose(&parts).map_err(|error| fault(&error))?;
        if !self.limit.is_empty() {
            let limit = chooser.choose(&self.limit).map_err(|error| fault(&error))?;
            chosen.limit(&limit);
            chosen.unmatched.extend(limit.unmatched);
            chosen.warnings.extend(limit.warnings);
        }
        let names: Vec<Arc<str>> = chosen
            .hosts
            .iter()
            .filter_map(|at| inventory.hosts.get_index(*at))
            .map(|(name, _)| Arc::clone(name))
            .collect();
        drop(inventory);
        let warnings = self.mismatches(&chosen)?;
        Ok(Matched { hosts: names.iter().map(|name| self.host(name)).collect(), warnings })
    }

    /// Returns the hosts that patterns mean, whatever the limit says.
    pub(crate) fn matching_any(&self, patterns: &[String]) -> Result<Vec<Arc<Host>>, Fault> {
        let parts: Vec<String> = patterns.iter().flat_map(|pattern| split(pattern)).collect();
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let chosen = Chooser { inventory: &mut inventory }.choose(&parts).map_err(|error| fault(&error))?;
        let hosts = chosen.hosts.iter().filter_map(|at| inventory.hosts.get_index(*at));
        let names: Vec<Arc<str>> = hosts.map(|(name, _)| Arc::clone(name)).collect();
        drop(inventory);
        self.mismatches(&chosen)?;
        Ok(names.iter().map(|name| self.host(name)).collect())
    }

    /// Returns the files of variables.
    pub(crate) fn files(&self) -> &VarsFolders {
        &self.layering.files
    }

    /// Returns what there is to warn of, or the fault that the settings make of a pattern without hosts.
    fn mismatches(&self, chosen: &Chosen) -> Result<Vec<String>, Fault> {
        let mut warnings: Vec<String> = chosen.warnings.iter().map(ToString::to_string).collect();
        for pattern in &chosen.unmatched {
            let message = format!("Could not match supplied host pattern, ignoring: {pattern}");
            match self.mismatch {
                Mismatch::Error => return Err(Fault::new(message).kind(FaultKind::Setup)),
                Mismatch::Warning => warnings.push(message),
                Mismatch::Ignore => {}
            }
        }
        Ok(warnings)
    }

    /// Reads the variables of hosts, whose files may be wrong.
    pub(crate) fn prepare(&self, hosts: &[Arc<Host>], folder: &str) -> Result<Vec<String>, Fault> {
        for host in hosts {
            self.inventory_layers(host, Some(folder))?;
        }
        Ok(self.layering.files.warnings())
    }

    /// Adds a host's own layers to a scope, as plays of a playbook in that folder see them.
    pub(crate) fn layers(&self, host: &Host, folder: Option<&str>, stack: &mut Stack) {
        stack.merge(self.layering.files.merge());
        // What is wrong with a play's own hosts was told when it began.
        if let Ok(layers) = self.inventory_layers(host, folder) {
            stack.written(Level::Groups, &layers.groups);
            stack.written(Level::Host, &layers.host);
        }
        host.layers(stack);
    }

    /// Returns the names of the variables that the inventory gives a host.
    pub(crate) fn names_of(&self, host: &Host, folder: &str) -> Vec<Arc<str>> {
        let Ok(layers) = self.inventory_layers(host, Some(folder)) else { return Vec::new() };
        layers.groups.names().chain(layers.host.names()).cloned().collect()
    }

    /// Returns the values that a variable has for some host as the inventory has it, for plays of a playbook in that folder.
    pub(crate) fn values_of(&self, name: &str, folder: Option<&str>) -> BTreeSet<String> {
        let beside = folder.map(canonical);
        self.read(|inventory| {
            let of_host = |entry: &Entry| {
                let layers = self.layering.of(inventory, entry, beside.as_deref()).ok()?;
                let node = layers.host.get(name).or_else(|| layers.groups.get(name))?;
                node.as_str().map(str::to_owned)
            };
            inventory.hosts.values().filter_map(of_host).collect()
        })
    }

    /// Returns what the inventory says of a host, for plays of a playbook in that folder.
    pub(crate) fn inventory_layers(&self, host: &Host, folder: Option<&str>) -> Result<HostLayers, Fault> {
        let change = self.changes.load(Ordering::Relaxed);
        let lock = || host.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |kept: &&KeptLayers| kept.change == change && kept.folder.as_deref() == folder;
        if let Some(kept) = lock().iter().find(known) {
            return Ok(kept.layers.clone());
        }
        let beside = folder.map(canonical);
        let layers = self.read(|inventory| {
            let entry = inventory.known(&host.name).and_then(|at| inventory.hosts.get_index(at));
            let stranger = || Entry {
                name: Arc::clone(&host.name),
                vars: Vars::new(),
                groups: Vec::new(),
                implicit: true,
            };
            let entry = entry.map_or_else(stranger, |(_, entry)| entry.clone());
            self.layering.of(inventory, &entry, beside.as_deref())
        })?;
        let mut kept = lock();
        kept.retain(|kept| kept.change == change);
        kept.push(KeptLayers { change, folder: folder.map(Arc::from), layers: layers.clone() });
        Ok(layers)
    }

    /// Returns the recap, in the order the hosts came to be.
    pub(crate) fn recap(&self) -> IndexMap<String, Counts> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.values()
            .map(|host| (host.name.to_string(), host.read(|state| state.counts)))
            .filter(|(_, counts)| *counts != Counts::default())
            .collect()
    }
}

fn canonical(folder: &str) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder))
}

fn fault(error: &InventoryError) -> Fault {
    Fault::new(error.message.clone()).kind(FaultKind::Setup)
}

/// Returns the patterns of `--limit`; one that begins with `@` is a file of them.
///
/// # Errors
/// A fault of set-up when there is no such file.
pub(crate) fn limit(given: Option<&str>, folder: &Path) -> Result<Vec<String>, Fault> {
    let mut patterns = Vec::new();
    for part in given.map(split).unwrap_or_default() {
        let Some(file) = part.strip_prefix('@') else {
            patterns.push(part);
            continue;
        };
        let path = folder.join(file);
        let wrong = |message: String| Fault::new(message).kind(FaultKind::Setup);
        if !path.exists() {
            return Err(wrong(format!("Unable to find limit file b'{file}'")));
        }
        if !path.is_file() {
            return Err(wrong(format!(
                "Limit starting with \"@\" must be a file, not a directory: b'{file}'"
            )));
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong(format!("could not read the limit file {file}: {error}")))?;
        patterns.extend(text.split('\n').map(|line| line.trim().to_owned()));
    }
    Ok(patterns)
}

impl Host {
    fn new(name: Arc<str>) -> Self {
        Self { name, layers: Mutex::default(), state: RwLock::default() }
    }

    fn read<T>(&self, f: impl FnOnce(&HostState) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut HostState) -> T) -> T {
        f(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what the run has learned of the host to a scope.
    fn layers(&self, stack: &mut Stack) {
        let state = self.read(Clone::clone);
        // Also before any are gathered there is a place for them.
        if state.facts.is_empty() {
            let none = Data::from_iter([(Arc::from("ansible_facts"), Value::from_json(json!({})))]);
            stack.data(Level::HostFacts, &Arc::new(none));
        }
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
                known.insert(key.into(), value.clone());
            }
            known.insert("ansible_facts".into(), all);
        });
    }

    /// Returns whether its facts have been gathered.
    pub(crate) fn has_facts(&self) -> bool {
        self.read(|state| state.facts.contains_key(GATHERED))
    }

    /// Returns the facts by the names they came with.
    pub(crate) fn facts(&self) -> serde_json::Map<String, serde_json::Value> {
        let facts = self.read(|state| Arc::clone(&state.facts));
        let own = facts.iter().filter(|(name, _)| &***name != "ansible_facts");
        own.map(|(name, value)| (name.to_string(), value.to_json())).collect()
    }

    /// Returns the gathered facts: the same ones until others are gathered.
    pub(crate) fn kept_facts(&self) -> Arc<Data> {
        self.read(|state| Arc::clone(&state.facts))
    }

    /// Forgets gathered facts.
    pub(crate) fn forget(&self) {
        self.write(|state| state.facts = Arc::default());
    }

    pub(crate) fn count(&self, f: impl FnOnce(&mut Counts)) {
        self.write(|state| f(&mut state.counts));
    }

    /// Returns what has been counted for the recap.
    pub(crate) fn counts(&self) -> Counts {
        self.read(|state| state.counts)
    }

    /// Lets the host stand as it stood, as if nothing had happened since.
    pub(crate) fn put_back(&self, standing: Standing, counts: Counts) {
        self.write(|state| (state.standing, state.counts) = (standing, counts));
    }

    /// Returns how the host stands.
    pub(crate) fn standing(&self) -> Standing {
        self.read(|state| state.standing)
    }

    /// Changes how the host stands.
    pub(crate) fn stand<T>(&self, f: impl FnOnce(&mut Standing) -> T) -> T {
        self.write(|state| f(&mut state.standing))
    }

    /// Returns whether the host takes part in further tasks.
    pub(crate) fn active(&self) -> bool {
        self.standing().is_active()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_stand_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("some"), "a\nb*\n").expect("a file");
        let patterns = limit(Some("c,@some"), folder.path()).expect("patterns");
        assert_eq!(patterns, ["c", "a", "b*", ""]);
        let fault = limit(Some("@none"), folder.path()).expect_err("no such file");
        assert_eq!(fault.message, "Unable to find limit file b'none'");
    }
}
