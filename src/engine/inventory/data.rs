use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rplay_event::{Fault, Span};
use rplay_syntax::Node;

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

const ALL: usize = 0;
const UNGROUPED: usize = 1;

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

    /// Returns a group's name as the settings want it.
    pub(crate) fn safe_name(&mut self, name: &str) -> String {
        let invalid = invalid_characters(name);
        if invalid.is_empty() {
            return name.to_owned();
        }
        let replaced = matches!(self.names, GroupNames::Always | GroupNames::Silently);
        let listed: Vec<String> = invalid.iter().map(|c| format!("'{c}'")).collect();
        let what = format!("invalid character(s) \"{{{}}}\" in group name ({name})", listed.join(", "));
        match self.names {
            GroupNames::Always => {
                self.notes.push(Note::Said(4, format!("Replacing {what}")));
                self.warn(
                    "Invalid characters were found in group names and automatically replaced, use -vvvv to see details",
                );
            }
            GroupNames::Never => {
                self.notes.push(Note::Said(4, format!("Not replacing {what}")));
                self.warn(
                    "Invalid characters were found in group names but not replaced, use -vvvv to see details",
                );
            }
            GroupNames::Ignore | GroupNames::Silently => {}
        }
        if replaced { plain_name(name) } else { name.to_owned() }
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

    /// Makes a group or host the child of a group; returns whether it was not.
    pub(crate) fn add_child(&mut self, group: &str, child: &str) -> Result<bool, InventoryError> {
        let Some(above) = self.groups.get_index_of(group) else {
            return Err(InventoryError::new(format!("{group} is not a known group")));
        };
        if let Some(below) = self.groups.get_index_of(child) {
            return self.adopt(above, below);
        }
        match self.hosts.get_index_of(child) {
            Some(host) => Ok(self.put_in(above, host)),
            None => Err(InventoryError::new(format!("{child} is not a known host nor group"))),
        }
    }

    fn adopt(&mut self, above: usize, below: usize) -> Result<bool, InventoryError> {
        if above == below {
            return Err(InventoryError::new("can't add group to itself"));
        }
        if self.group(above).is_some_and(|group| group.children.contains(&below)) {
            return Ok(false);
        }
        if self.ancestors(above).contains(&below) {
            let name = |at| self.group(at).map(|group| Arc::clone(&group.name)).unwrap_or_default();
            return Err(InventoryError::new(format!(
                "Adding group '{}' as child to '{}' creates a recursive dependency loop.",
                name(below),
                name(above)
            )));
        }
        self.link(above, below);
        Ok(true)
    }

    /// Links two groups that make no circle, and sets how deep what is below is.
    fn link(&mut self, above: usize, below: usize) {
        let depth = self.group(above).map_or(0, |group| group.depth);
        if let Some((_, group)) = self.groups.get_index_mut(above) {
            group.children.push(below);
        }
        if let Some((_, group)) = self.groups.get_index_mut(below)
            && !group.parents.contains(&above)
        {
            group.parents.push(above);
        }
        let mut waiting = VecDeque::from([(below, depth + 1)]);
        while let Some((at, depth)) = waiting.pop_front() {
            let Some((_, group)) = self.groups.get_index_mut(at) else { continue };
            if at == below || group.depth < depth {
                group.depth = group.depth.max(depth);
                let next = group.depth + 1;
                waiting.extend(group.children.iter().map(|child| (*child, next)));
            }
        }
    }

    pub(crate) fn group(&self, at: usize) -> Option<&Group> {
        self.groups.get_index(at).map(|(_, group)| group)
    }

    /// Returns the groups above a group.
    pub(crate) fn ancestors(&self, group: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![group];
        while let Some(at) = waiting.pop() {
            for parent in self.group(at).map(|group| group.parents.as_slice()).unwrap_or_default() {
                if found.insert(*parent) {
                    waiting.push(*parent);
                }
            }
        }
        found
    }

    /// Returns a group and those below it, level by level.
    pub(super) fn descendants(&self, group: usize) -> Vec<usize> {
        let mut ordered = vec![group];
        let mut seen = HashSet::from([group]);
        let mut next = 0;
        while let Some(at) = ordered.get(next).copied() {
            let children = self.group(at).map(|group| group.children.as_slice()).unwrap_or_default();
            ordered.extend(children.iter().filter(|child| seen.insert(**child)));
            next += 1;
        }
        ordered
    }

    /// Returns the hosts of a group and of all below it; `all` has no implicit ones.
    pub(crate) fn hosts_of(&self, group: usize) -> IndexSet<usize> {
        let below = self.descendants(group);
        let hosts = below.iter().filter_map(|at| self.group(*at)).flat_map(|group| &group.hosts).copied();
        let implicit = |host: usize| self.hosts.get_index(host).is_some_and(|(_, host)| host.implicit);
        hosts.filter(|host| group != ALL || !implicit(*host)).collect()
    }

    /// Returns all groups that a host is in, by their places.
    pub(crate) fn groups_of(&self, host: &Entry) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = host.groups.iter().copied().collect();
        for group in &host.groups {
            found.extend(self.ancestors(*group));
        }
        found
    }

    /// Returns `group_names`: sorted, without `all`.
    pub(crate) fn group_names(&self, groups: &BTreeSet<usize>) -> Vec<Arc<str>> {
        let groups = groups.iter().filter(|at| **at != ALL).filter_map(|at| self.group(*at));
        let mut names: Vec<Arc<str>> = groups.map(|group| Arc::clone(&group.name)).collect();
        names.sort();
        names
    }

    /// Holds the rules that every inventory keeps: all groups are below `all`, and who is in no group is ungrouped.
    pub(crate) fn reconcile(&mut self) {
        self.source = None;
        for at in 1..self.groups.len() {
            if self.ancestors(at).is_empty() {
                self.link(ALL, at);
            }
        }
        let mut grouped = HashSet::new();
        let mut lonely = Vec::new();
        for (at, host) in self.hosts.values().enumerate() {
            let groups = self.groups_of(host);
            if groups.contains(&UNGROUPED) {
                if groups.iter().any(|group| !matches!(*group, ALL | UNGROUPED)) {
                    grouped.insert(at);
                }
            } else if !host.implicit && groups.iter().all(|group| *group == ALL) {
                lonely.push(at);
            }
        }
        if let Some((_, group)) = self.groups.get_index_mut(UNGROUPED) {
            group.hosts.retain(|host| !grouped.contains(host));
        }
        for at in grouped {
            if let Some((_, host)) = self.hosts.get_index_mut(at) {
                host.groups.retain(|group| *group != UNGROUPED);
            }
        }
        lonely.into_iter().for_each(|host| {
            self.put_in(UNGROUPED, host);
        });
        self.warn_of_conflicts();
    }

    fn warn_of_conflicts(&mut self) {
        let both: Vec<Arc<str>> =
            self.groups.keys().filter(|name| self.is_host(name)).map(Arc::clone).collect();
        for name in both {
            self.warn(format!("Found both group and host with same name: {name}"));
        }
    }

    /// Returns the name of every group with those of its hosts.
    pub(crate) fn groups_with_hosts(&self) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
        let names = |at: usize| {
            let hosts = self.hosts_of(at);
            hosts
                .iter()
                .filter_map(|host| self.hosts.get_index(*host))
                .map(|(name, _)| Arc::clone(name))
                .collect()
        };
        self.groups.keys().enumerate().map(|(at, name)| (Arc::clone(name), names(at))).collect()
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

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the characters that a variable's name could not have.
fn invalid_characters(name: &str) -> BTreeSet<char> {
    let wrong = |(at, c): &(usize, char)| !is_word(*c) || (*at == 0 && c.is_numeric());
    name.chars().enumerate().filter(wrong).map(|(_, c)| c).collect()
}

/// Returns the name with an underscore for each character that a variable's name could not have.
pub(crate) fn plain_name(name: &str) -> String {
    let plain = |(at, c): (usize, char)| if !is_word(c) || (at == 0 && c.is_numeric()) { '_' } else { c };
    name.chars().enumerate().map(plain).collect()
}

/// What Jinja keeps for itself, beside what is no name.
const JINJA_WORDS: [&str; 9] = ["True", "False", "None", "true", "false", "none", "and", "or", "not"];

pub(crate) fn is_variable_name(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !JINJA_WORDS.contains(&name)
        && !matches!(name, "if" | "else" | "in" | "is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory::new(GroupNames::Never, false, "/usr/bin/python3")
    }

    fn names(inventory: &Inventory, group: &str) -> Vec<String> {
        let at = inventory.groups.get_index_of(group).expect("the group is there");
        let hosts = inventory.hosts_of(at);
        hosts.iter().map(|host| inventory.hosts[*host].name.to_string()).collect()
    }

    #[test]
    fn a_host_in_no_group_is_ungrouped_and_one_in_a_group_is_not() {
        let mut inventory = inventory();
        inventory.add_group("web").expect("a name");
        inventory.add_host("a", Some("ungrouped"), None).expect("a name");
        inventory.add_host("a", Some("web"), None).expect("a name");
        inventory.add_host("b", Some("all"), None).expect("a name");
        inventory.reconcile();
        assert_eq!(names(&inventory, "ungrouped"), ["b"]);
        assert_eq!(names(&inventory, "web"), ["a"]);
        assert_eq!(names(&inventory, "all"), ["b", "a"]);
    }

    #[test]
    fn a_group_is_as_deep_as_its_longest_way_from_all() {
        let mut inventory = inventory();
        for group in ["a", "b", "c"] {
            inventory.add_group(group).expect("a name");
        }
        inventory.add_child("b", "c").expect("groups");
        inventory.add_child("a", "c").expect("groups");
        inventory.add_child("a", "b").expect("groups");
        inventory.reconcile();
        let depth = |name: &str| inventory.groups[name].depth;
        assert_eq!([depth("all"), depth("a"), depth("b"), depth("c")], [0, 1, 2, 3]);
    }

    #[test]
    fn groups_make_no_circle() {
        let mut inventory = inventory();
        inventory.add_group("a").expect("a name");
        inventory.add_group("b").expect("a name");
        inventory.add_child("a", "b").expect("groups");
        let error = inventory.add_child("b", "a").expect_err("a circle");
        assert_eq!(error.message, "Adding group 'a' as child to 'b' creates a recursive dependency loop.");
    }

    #[test]
    fn this_machine_is_there_when_it_is_asked_for_and_no_member_of_all() {
        let mut inventory = inventory();
        let here = inventory.host("127.0.0.1").expect("this machine");
        assert_eq!(inventory.host("localhost"), Some(here), "there is one of it");
        assert!(names(&inventory, "all").is_empty());
        assert!(inventory.host("elsewhere").is_none());
    }

    #[test]
    fn what_is_no_name_of_a_variable_is_replaced_when_the_settings_say_so() {
        let mut inventory = Inventory::new(GroupNames::Always, false, "");
        assert_eq!(&*inventory.add_group("1-a b").expect("a name"), "__a_b");
        assert_eq!(inventory.notes.len(), 2);
        let mut inventory = Inventory::new(GroupNames::Ignore, false, "");
        assert_eq!(&*inventory.add_group("1-a b").expect("a name"), "1-a b");
        assert!(inventory.notes.is_empty());
    }
}
