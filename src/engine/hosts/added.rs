use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;
use rplay_syntax::Node;

use super::{Host, Hosts};
use crate::inventory::{Inventory, InventoryError, Note};

/// What a run has added to its inventory.
#[derive(Clone, Debug)]
pub(super) enum Added {
    Host(AddedHost),
    Group(Arc<str>, AddedGroup),
}

/// What `add_host` adds.
#[derive(Clone, Debug)]
pub(crate) struct AddedHost {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) vars: IndexMap<String, Node>,
}

/// What `group_by` adds.
#[derive(Clone, Debug)]
pub(crate) struct AddedGroup {
    pub(crate) name: String,
    pub(crate) parents: Vec<String>,
}

impl Hosts {
    /// Adds a host; returns whether that changed anything.
    pub(crate) fn add_host(&self, host: AddedHost) -> Result<bool, InventoryError> {
        let changed = self.change(|inventory| add_host(inventory, &host));
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push(Added::Host(host));
        changed
    }

    /// Puts a host into a group; returns whether that changed anything.
    pub(crate) fn group_by(&self, host: &Host, group: AddedGroup) -> Result<bool, InventoryError> {
        let changed = self.change(|inventory| add_group(inventory, &host.name, &group));
        let added = Added::Group(Arc::clone(&host.name), group);
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push(added);
        changed
    }

    /// Returns what the inventory has to say since it was last asked.
    pub(crate) fn notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.inventory.write().unwrap_or_else(PoisonError::into_inner).notes)
    }

    /// Takes another inventory, with what the run has added to the one before.
    pub(super) fn replace(&self, mut fresh: Inventory) {
        for added in self.added.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let again = match added {
                Added::Host(host) => add_host(&mut fresh, host),
                // A host that is gone takes its groups along.
                Added::Group(host, _) if fresh.host(host).is_none() => Ok(false),
                Added::Group(host, group) => add_group(&mut fresh, host, group),
            };
            if let Err(error) = again {
                fresh.warn(error.message);
            }
        }
        self.change(|inventory| *inventory = fresh);
    }
}

fn add_host(inventory: &mut Inventory, host: &AddedHost) -> Result<bool, InventoryError> {
    let mut changed = !inventory.is_host(&host.name);
    if changed {
        inventory.add_host(&host.name, Some("all"), None)?;
    }
    let at = inventory.host(&host.name);
    for (name, value) in &host.vars {
        let known = at
            .and_then(|at| inventory.hosts.get_index(at))
            .and_then(|(_, host)| host.vars.get(name.as_str()));
        changed |= known.is_none_or(|known| known.data != value.data);
        inventory.set_host_variable(&host.name, name, value.clone());
    }
    for name in &host.groups {
        changed |= !inventory.groups.contains_key(name.as_str());
        let name = inventory.add_group(name)?;
        let group = inventory.groups.get_index_of(&name);
        if let (Some(group), Some(at)) = (group, at) {
            changed |= inventory.put_in(group, at);
        }
    }
    if changed {
        inventory.reconcile();
    }
    Ok(changed)
}

fn add_group(inventory: &mut Inventory, host: &str, group: &AddedGroup) -> Result<bool, InventoryError> {
    let Some(at) = inventory.host(host) else {
        return Err(InventoryError::new(format!("{host} cannot be matched in inventory")));
    };
    let name = inventory.add_group(&group.name)?;
    let mut changed = false;
    for parent in &group.parents {
        changed |= !inventory.groups.contains_key(parent.as_str());
        let parent = inventory.add_group(parent)?;
        changed |= inventory.add_child(&parent, &name)?;
    }
    if let Some(group) = inventory.groups.get_index_of(&name) {
        let inside = inventory.hosts_of(group).contains(&at);
        changed |= !inside && inventory.put_in(group, at);
    }
    if changed {
        inventory.reconcile();
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::GroupNames;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        inventory.add_host("a", Some("all"), None).expect("a name");
        inventory.reconcile();
        inventory
    }

    fn host(name: &str, groups: &[&str]) -> AddedHost {
        let span = rplay_event::Span::new("t", 1, 1);
        AddedHost {
            name: name.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            vars: IndexMap::from([("x".to_owned(), Node::int(1, &span))]),
        }
    }

    #[test]
    fn a_host_that_is_there_already_changes_nothing() {
        let mut inventory = inventory();
        assert!(add_host(&mut inventory, &host("b", &["g"])).expect("a host"));
        assert!(!add_host(&mut inventory, &host("b", &["g"])).expect("a host"));
        assert!(add_host(&mut inventory, &host("b", &["h"])).expect("a host"));
        let groups = inventory.groups_of(&inventory.hosts["b"]);
        let names: Vec<String> = inventory.group_names(&groups).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["g", "h"]);
    }

    #[test]
    fn a_group_is_made_with_its_parents() {
        let mut inventory = inventory();
        let group = AddedGroup { name: "os_x".to_owned(), parents: vec!["os".to_owned()] };
        assert!(add_group(&mut inventory, "a", &group).expect("a group"));
        assert!(!add_group(&mut inventory, "a", &group).expect("a group"));
        let groups = inventory.groups_of(&inventory.hosts["a"]);
        let names: Vec<String> = inventory.group_names(&groups).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["os", "os_x"]);
    }
}
