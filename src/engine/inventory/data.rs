use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rplay_event::{Fault, Span};
use rplay_syntax::Node;

use super::names::is_variable_name;
use super::settings::GroupNames;
use crate::scopes::merge_nodes;

/// Names that mean this machine: one of them is there when a pattern asks for it.
pub(crate) const LOCALHOSTS: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Variables of a host or group, as they were written.
pub(crate) type Vars = IndexMap<Arc<str>, Node>;

/// What an inventory says while it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Warning(String),
    Deprecated(String),
    /// Shown from this verbosity on.
    Said(u8, String),
}

/// Why a source is no inventory.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct InventoryError {
    pub(crate) message: String,
    /// A value that cannot be, beside a rule that was broken: some readers take the latter for a name as it is.
    pub(crate) value: bool,
    pub(crate) span: Option<Span>,
}

impl From<Fault> for InventoryError {
    fn from(fault: Fault) -> Self {
        Self { message: fault.message, value: false, span: fault.span }
    }
}

impl InventoryError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), value: false, span: None }
    }

    /// Returns the error of a value that cannot be read.
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self { value: true, ..Self::new(message) }
    }

    pub(crate) fn at(mut self, span: &Span) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }
}

/// Where hosts come from while a source is read: `inventory_file` and `inventory_dir` of each.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: Node,
    pub(crate) folder: Node,
}

/// A group of hosts.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    /// How far below `all` it is, by the longest way: deeper groups win.
    pub(crate) depth: usize,
    pub(crate) priority: i64,
    pub(crate) hosts: IndexSet<usize>,
    pub(crate) children: Vec<usize>,
    pub(crate) parents: Vec<usize>,
    pub(crate) vars: Vars,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) vars: Vars,
    /// The groups that list it; those above them follow from that.
    pub(crate) groups: Vec<usize>,
    /// Not in any source: there because something asked for this machine.
    pub(crate) implicit: bool,
}

/// Hosts and groups by name, each in the order they came to be.
#[derive(Clone, Debug)]
pub(crate) struct Inventory {
    pub(crate) groups: IndexMap<Arc<str>, Group>,
    pub(crate) hosts: IndexMap<Arc<str>, Entry>,
    /// The host that stands for this machine.
    pub(super) localhost: Option<usize>,
    pub(crate) source: Option<Source>,
    /// The sources that were read so far.
    pub(super) processed: Vec<String>,
    pub(crate) notes: Vec<Note>,
    pub(super) names: GroupNames,
    pub(super) merge: bool,
    /// The Python that plays on this machine find as `ansible_python_interpreter`.
    pub(super) python: Arc<str>,
}

pub(super) const ALL: usize = 0;
pub(super) const UNGROUPED: usize = 1;

impl Inventory {
    pub(crate) fn new(names: GroupNames, merge: bool, python: &str) -> Self {
        let mut inventory = Self {
            groups: IndexMap::new(),
            hosts: IndexMap::new(),
            localhost: None,
            source: None,
            processed: Vec::new(),
            notes: Vec::new(),
            names,
            merge,
            python: python.into(),
        };
        inventory.put_group("all");
        inventory.put_group("ungrouped");
        inventory.link(ALL, UNGROUPED);
        inventory
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>) {
        self.notes.push(Note::Warning(message.into()));
    }

    /// Returns the hosts of the sources, and those added since; an implicit one is none of them.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.hosts.values().enumerate().filter(|(_, host)| !host.implicit)
    }

    pub(crate) fn is_host(&self, name: &str) -> bool {
        self.hosts.get(name).is_some_and(|host| !host.implicit)
    }

    /// Returns the host of that name; this machine comes to be when it is asked for.
    pub(crate) fn host(&mut self, name: &str) -> Option<usize> {
        if let Some((at, _, _)) = self.hosts.get_full(name).filter(|(.., host)| !host.implicit) {
            return Some(at);
        }
        if !LOCALHOSTS.contains(&name) {
            return None;
        }
        if self.localhost.is_none() {
            self.localhost = Some(self.implicit_localhost(name));
        }
        self.localhost
    }

    /// Returns where `host` would find the name without anything coming to be.
    pub(crate) fn known(&self, name: &str) -> Option<usize> {
        let own = self.hosts.get_index_of(name);
        own.or_else(|| self.localhost.filter(|_| LOCALHOSTS.contains(&name)))
    }

    fn implicit_localhost(&mut self, name: &str) -> usize {
        let span = Span::new("<implicit localhost>", 0, 0);
        let vars = [("ansible_python_interpreter", &*self.python), ("ansible_connection", "local")];
        let vars = vars.into_iter().map(|(name, value)| (name.into(), Node::unsafe_text(value, &span)));
        let entry = Entry { name: name.into(), vars: vars.collect(), groups: Vec::new(), implicit: true };
        self.hosts.insert_full(Arc::clone(&entry.name), entry).0
    }

    /// Adds a group unless it is there; returns the name it has.
    pub(crate) fn add_group(&mut self, name: &str) -> Result<Arc<str>, InventoryError> {
        if name.is_empty() {
            return Err(InventoryError::new(format!("Invalid empty/false group name provided: {name}")));
        }
        if let Some(group) = self.groups.get(name) {
            return Ok(Arc::clone(&group.name));
        }
        let safe = self.safe_name(name);
        Ok(self.put_group(&safe))
    }

    fn put_group(&mut self, name: &str) -> Arc<str> {
        let name: Arc<str> = name.into();
        let group = Group {
            name: Arc::clone(&name),
            depth: 0,
            priority: 1,
            hosts: IndexSet::new(),
            children: Vec::new(),
            parents: Vec::new(),
            vars: Vars::new(),
        };
        self.groups.entry(Arc::clone(&name)).or_insert(group);
        name
    }

    /// Adds a host unless it is there, and puts it into a group.
    pub(crate) fn add_host(
        &mut self,
        name: &str,
        group: Option<&str>,
        port: Option<u32>,
    ) -> Result<usize, InventoryError> {
        if name.is_empty() {
            return Err(InventoryError::new(format!("Invalid empty host name provided: {name}")));
        }
        let group = group.map(|group| self.group_at(group)).transpose()?;
        let at = match self.hosts.get_full(name) {
            Some((at, _, host)) if !host.implicit => at,
            _ => self.put_host(name, port),
        };
        if let Some(group) = group {
            self.put_in(group, at);
        }
        Ok(at)
    }

    fn put_host(&mut self, name: &str, port: Option<u32>) -> usize {
        let name: Arc<str> = name.into();
        let span = Span::new(&*name, 0, 0);
        let mut vars = Vars::new();
        if let Some(port) = port {
            vars.insert("ansible_port".into(), Node::int(port.into(), &span));
        }
        let (file, folder) = match &self.source {
            Some(source) => (source.file.clone(), source.folder.clone()),
            None => (Node::null(&span), Node::null(&span)),
        };
        vars.insert("inventory_file".into(), file);
        vars.insert("inventory_dir".into(), folder);
        let entry = Entry { name: Arc::clone(&name), vars, groups: Vec::new(), implicit: false };
        let (at, old) = self.hosts.insert_full(Arc::clone(&name), entry);
        if let Some(old) = old
            && let Some(host) = self.hosts.get_index_mut(at).map(|(_, host)| host)
        {
            host.groups = old.groups;
        }
        if LOCALHOSTS.contains(&&*name) {
            let first = self
                .localhost
                .and_then(|first| self.hosts.get_index(first))
                .map(|(name, _)| Arc::clone(name));
            match first {
                None => self.localhost = Some(at),
                Some(first) if first == name => {}
                Some(first) => self.warn(format!(
                    "A duplicate localhost-like entry was found ({name}). First found localhost was {first}"
                )),
            }
        }
        at
    }

    fn group_at(&self, name: &str) -> Result<usize, InventoryError> {
        let missing = || InventoryError::new(format!("Could not find group {name} in inventory"));
        self.groups.get_index_of(name).ok_or_else(missing)
    }

    /// Puts a host into a group; returns whether it was not there.
    pub(crate) fn put_in(&mut self, group: usize, host: usize) -> bool {
        let Some((_, into)) = self.groups.get_index_mut(group) else { return false };
        let added = into.hosts.insert(host);
        if let Some((_, host)) = self.hosts.get_index_mut(host)
            && !host.groups.contains(&group)
        {
            host.groups.push(group);
        }
        added
    }

    /// Sets a variable of the group or else the host of that name.
    pub(crate) fn set_variable(
        &mut self,
        entity: &str,
        name: &str,
        value: Node,
    ) -> Result<(), InventoryError> {
        if !is_variable_name(name) {
            self.notes
                .push(Note::Deprecated(format!("Accepting inventory variable with invalid name '{name}'.")));
        }
        let merge = self.merge;
        if let Some(group) = self.groups.get_mut(entity) {
            if name == "ansible_group_priority" {
                group.priority = priority(&value)?;
            } else {
                set(&mut group.vars, name, value, merge);
            }
            return Ok(());
        }
        match self.hosts.get_mut(entity) {
            Some(host) => {
                set(&mut host.vars, name, value, merge);
                Ok(())
            }
            None => Err(InventoryError::new(format!("Could not identify group or host named {entity}"))),
        }
    }

    /// Sets a variable of a host, also where a group has its name.
    pub(crate) fn set_host_variable(&mut self, host: &str, name: &str, value: Node) {
        let merge = self.merge;
        if let Some(host) = self.hosts.get_mut(host) {
            set(&mut host.vars, name, value, merge);
        }
    }
}

/// Sets a variable; with `merge` a mapping is laid over one that is there.
pub(super) fn set(vars: &mut Vars, name: &str, value: Node, merge: bool) {
    match vars.get_mut(name) {
        Some(old) if merge => *old = merge_nodes(old, &value),
        Some(old) => *old = value,
        None => {
            vars.insert(name.into(), value);
        }
    }
}

fn priority(value: &Node) -> Result<i64, InventoryError> {
    let number = value.as_int().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    number.ok_or_else(|| {
        let shown = value.key_text();
        InventoryError::new(format!("invalid literal for int() with base 10: '{shown}'")).at(&value.span)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory::new(GroupNames::Never, false, "/usr/bin/python3")
    }

    #[test]
    fn this_machine_is_there_when_it_is_asked_for_and_no_member_of_all() {
        let mut inventory = inventory();
        let here = inventory.host("127.0.0.1").expect("this machine");
        assert_eq!(inventory.host("localhost"), Some(here), "there is one of it");
        assert!(inventory.hosts_of(0).is_empty());
        assert!(inventory.host("elsewhere").is_none());
    }
}
