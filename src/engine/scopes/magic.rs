use std::sync::Arc;

use rplay_template::{Found, Scope, Value};

use super::{Data, Layer, Level, Stack, Written};
use crate::hosts::Hosts;

/// The variables that Ansible itself provides, and nobody can set.
#[derive(Clone)]
pub(crate) struct Magic {
    /// What is the same for a whole play: its hosts, folders, names.
    pub(crate) plain: Arc<Data>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) extra: Arc<Vec<Arc<Written>>>,
    /// The playbook's folder.
    pub(crate) folder: Arc<str>,
}

/// Names that a play gives, and that another host's variables do not have.
fn is_of_the_play(name: &str) -> bool {
    name.starts_with("ansible_play_")
        || matches!(name, "play_hosts" | "role_names" | "ansible_role_names" | "ansible_dependent_role_names")
}

impl Scope for Magic {
    fn lookup(&self, name: &str) -> Option<Found> {
        match name {
            "hostvars" => Some(Found::Scope(Arc::new(HostVars { magic: self.clone() }))),
            "omit" => Some(Found::Data(Value::omit())),
            "groups" => Some(Found::Data(self.hosts.groups())),
            _ => self.plain.get(name).cloned().map(Found::Data),
        }
    }

    fn names(&self) -> Vec<String> {
        let own = self.plain.keys().map(ToString::to_string);
        own.chain(["groups".to_owned(), "hostvars".to_owned(), "omit".to_owned()]).collect()
    }
}

/// `hostvars`: the variables of each host, found when they are asked for.
struct HostVars {
    magic: Magic,
}

impl Scope for HostVars {
    fn lookup(&self, name: &str) -> Option<Found> {
        let hosts = &self.magic.hosts;
        let host = hosts.get(name)?;
        let mut stack = Stack::default();
        hosts.layers(&host, Some(&self.magic.folder), &mut stack);
        self.magic.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
        let general = GeneralMagic { magic: self.magic.clone() };
        stack.push(Level::Magic, Layer::Magic(Arc::new(general)));
        Some(Found::Scope(stack.shared()))
    }

    fn names(&self) -> Vec<String> {
        self.magic.hosts.names().iter().map(ToString::to_string).collect()
    }
}

/// What Ansible provides beside a play: the magic variables that every host's variables have.
struct GeneralMagic {
    magic: Magic,
}

impl Scope for GeneralMagic {
    fn lookup(&self, name: &str) -> Option<Found> {
        match name {
            "hostvars" => None,
            name if is_of_the_play(name) => None,
            name => self.magic.lookup(name),
        }
    }

    fn names(&self) -> Vec<String> {
        let names = self.magic.names().into_iter();
        names.filter(|name| name != "hostvars" && name != "omit" && !is_of_the_play(name)).collect()
    }
}
