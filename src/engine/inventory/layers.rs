use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_event::{Fault, Span};
use rplay_syntax::Node;

use super::address::is_number;
use super::data::{Entry, Inventory};
use super::settings::InventorySettings;
use super::vars_files::{VarsFolders, Whose};
use crate::scopes::Written;

/// What an inventory, and the files beside it and beside a playbook, say of a host.
#[derive(Clone, Debug)]
pub(crate) struct HostLayers {
    /// Of its groups: the same for all hosts of the same groups.
    pub(crate) groups: Arc<Written>,
    /// Its own.
    pub(crate) host: Arc<Written>,
}

/// A playbook's folder, and the places of the groups.
type GroupsOfPlay = (Option<PathBuf>, Vec<usize>);

/// Lays the variables of groups and hosts over each other.
///
/// Source of the order: `VariableManager.get_vars` in `ansible/vars/manager.py`.
pub(crate) struct Layering {
    pub(crate) files: VarsFolders,
    /// The folders of the sources, in their order.
    sources: Vec<PathBuf>,
    precedence: Vec<String>,
    /// Whether files are read at all.
    on_demand: bool,
    /// By playbook folder and places of the groups; emptied when the inventory changes.
    groups: Mutex<HashMap<GroupsOfPlay, Arc<Written>>>,
}

impl Layering {
    pub(crate) fn new(files: VarsFolders, sources: Vec<PathBuf>, settings: &InventorySettings) -> Self {
        let (precedence, on_demand) = (settings.precedence.clone(), settings.vars_on_demand);
        Self { files, sources, precedence, on_demand, groups: Mutex::default() }
    }

    /// Forgets what was laid together: the inventory has changed.
    pub(crate) fn forget(&self) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the layers of a host, as a play of a playbook in that folder sees them.
    pub(crate) fn of(
        &self,
        inventory: &Inventory,
        host: &Entry,
        play: Option<&Path>,
    ) -> Result<HostLayers, Fault> {
        let groups = inventory.groups_of(host);
        let mut sorted: Vec<usize> = groups.iter().copied().filter(|at| *at != 0).collect();
        sorted.sort_by_key(|at| {
            inventory.group(*at).map(|group| (group.depth, group.priority, Arc::clone(&group.name)))
        });
        let names = inventory.group_names(&groups);
        let groups = self.groups(inventory, sorted, play)?;
        Ok(HostLayers { groups, host: Arc::new(self.own(host, &names, play)?) })
    }

    fn groups(
        &self,
        inventory: &Inventory,
        sorted: Vec<usize>,
        play: Option<&Path>,
    ) -> Result<Arc<Written>, Fault> {
        let key = (play.map(Path::to_owned), sorted);
        let known = self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let laid = Arc::new(self.of_groups(inventory, &key.1, play)?);
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&laid));
        Ok(laid)
    }

    /// Lays the variables of the groups over each other, those of `all` apart from the rest, as the settings order them.
    pub(crate) fn of_groups(
        &self,
        inventory: &Inventory,
        sorted: &[usize],
        play: Option<&Path>,
    ) -> Result<Written, Fault> {
        let mut laid = Written::default();
        let (sources, play) = self.bases(play);
        for entry in &self.precedence {
            let (which, rest) = match entry.split_once('_') {
                Some(("all", rest)) => (&[0][..], rest),
                Some(("groups", rest)) => (sorted, rest),
                _ => continue,
            };
            match rest {
                "inventory" => {
                    for group in which.iter().filter_map(|at| inventory.group(*at)) {
                        laid.lay_vars(&group.vars, self.files.merge());
                    }
                }
                "plugins_inventory" => {
                    for base in sources {
                        self.group_files(inventory, which, base, &mut laid)?;
                    }
                }
                "plugins_play" => {
                    if let Some(base) = play {
                        self.group_files(inventory, which, base, &mut laid)?;
                    }
                }
                _ => {}
            }
        }
        Ok(laid)
    }

    /// Returns the folders that files are read from: of the sources, and of the playbook.
    fn bases<'a>(&'a self, play: Option<&'a Path>) -> (&'a [PathBuf], Option<&'a Path>) {
        if self.on_demand { (&self.sources, play) } else { (&[], None) }
    }

    fn group_files(
        &self,
        inventory: &Inventory,
        which: &[usize],
        base: &Path,
        laid: &mut Written,
    ) -> Result<(), Fault> {
        for group in which.iter().filter_map(|at| inventory.group(*at)) {
            for file in self.files.vars(base, Whose::Group, &group.name)? {
                laid.lay_merging(&file, self.files.merge());
            }
        }
        Ok(())
    }

    /// Returns what only this host has: its variables, what it is called, and its files.
    fn own(&self, host: &Entry, groups: &[Arc<str>], play: Option<&Path>) -> Result<Written, Fault> {
        let mut laid = Written::default();
        laid.lay_vars(&host.vars, self.files.merge());
        host_names(&mut laid, &host.name, groups);
        let (sources, play) = self.bases(play);
        for base in sources.iter().map(PathBuf::as_path).chain(play) {
            for file in self.files.vars(base, Whose::Host, &host.name)? {
                laid.lay_merging(&file, self.files.merge());
            }
        }
        Ok(laid)
    }
}

/// Sets what a host is called and the names of its groups, which are variables like any other of the host.
pub(super) fn host_names(laid: &mut Written, host: &Arc<str>, groups: &[Arc<str>]) {
    let span = Span::new(Arc::clone(host), 0, 0);
    let short = if is_number(host) { host } else { host.split('.').next().unwrap_or(host) };
    let names = groups.iter().map(|name| Node::unsafe_text(Arc::clone(name), &span)).collect();
    laid.set("inventory_hostname", Node::unsafe_text(Arc::clone(host), &span));
    laid.set("inventory_hostname_short", Node::unsafe_text(short, &span));
    laid.set("group_names", Node::seq(names, &span));
}
