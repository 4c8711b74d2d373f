//! Which groups and hosts stand in which groups.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use indexmap::IndexSet;

use super::data::{ALL, Entry, Group, Inventory, InventoryError, UNGROUPED};

impl Inventory {
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
    pub(super) fn link(&mut self, above: usize, below: usize) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::GroupNames;

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
}
