use std::sync::Arc;

use rplay_template::{Found, Scope, Value};
use serde_json::json;

use super::{Data, Layer, Level, Stack};
use crate::hosts::{Host, Hosts};

/// The variables that Ansible itself provides, and nobody can set.
pub(crate) struct Magic {
    plain: Arc<Data>,
    hosts: Arc<Hosts>,
}

impl Magic {
    /// `plain` holds what is the same for a whole task: the play's hosts, folders, names.
    pub(crate) fn new(plain: Arc<Data>, hosts: Arc<Hosts>) -> Self {
        Self { plain, hosts }
    }

    /// Returns what only depends on the host.
    pub(crate) fn of_host(host: &Host, hosts: &Hosts) -> Data {
        let short = host.name.split('.').next().unwrap_or(&host.name);
        let mut data = Data::new();
        data.insert("inventory_hostname".into(), Value::from_json(json!(*host.name)));
        data.insert("inventory_hostname_short".into(), Value::from_json(json!(short)));
        data.insert("group_names".into(), Value::from_json(json!(hosts.groups_of(&host.name))));
        data.insert("groups".into(), Value::from_json(json!(hosts.groups())));
        data
    }
}

impl Scope for Magic {
    fn lookup(&self, name: &str) -> Option<Found> {
        if name == "hostvars" {
            return Some(Found::Scope(Arc::new(HostVars { hosts: Arc::clone(&self.hosts) })));
        }
        if name == "omit" {
            return Some(Found::Data(Value::omit()));
        }
        self.plain.get(name).cloned().map(Found::Data)
    }

    fn names(&self) -> Vec<String> {
        let own = self.plain.keys().map(ToString::to_string);
        own.chain(["hostvars".to_owned(), "omit".to_owned()]).collect()
    }
}

struct HostVars {
    hosts: Arc<Hosts>,
}

impl Scope for HostVars {
    fn lookup(&self, name: &str) -> Option<Found> {
        let host = self.hosts.get(name)?;
        let mut stack = Stack::default();
        host.layers(&mut stack);
        stack.push(Level::Magic, Layer::Data(Arc::new(Magic::of_host(&host, &self.hosts))));
        Some(Found::Scope(stack.shared()))
    }

    fn names(&self) -> Vec<String> {
        self.hosts.names().iter().map(ToString::to_string).collect()
    }
}
