use std::sync::Arc;

use rplay_template::{Found, Scope, ScopeClass, Value};
use serde_json::json;

use super::{Data, Layer, Level, Stack, Written};
use crate::hosts::{Host, Hosts};

/// The variables that Ansible itself provides, and nobody can set.
#[derive(Clone)]
pub(crate) struct Magic {
    /// What is the same for a whole play: its hosts, folders, names.
    pub(crate) plain: Arc<Data>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) extra: Arc<Vec<Arc<Written>>>,
    /// The playbook's folder.
    pub(crate) folder: Arc<str>,
    pub(crate) play: Arc<PlayHosts>,
}

/// The hosts of a play, for the variables that change while it runs.
pub(crate) struct PlayHosts {
    /// Of all batches.
    pub(crate) all: Vec<Arc<Host>>,
    pub(crate) batch: Vec<Arc<Host>>,
}

impl PlayHosts {
    /// The names of the variables that this knows.
    const NAMES: [&'static str; 6] = [
        "ansible_play_hosts_all",
        "ansible_play_hosts",
        "ansible_play_batch",
        "play_hosts",
        "ansible_current_hosts",
        "ansible_failed_hosts",
    ];

    fn lookup(&self, name: &str) -> Option<Value> {
        let hosts: Vec<&Arc<Host>> = match name {
            "ansible_play_hosts_all" => self.all.iter().collect(),
            "ansible_play_hosts" => self.all.iter().filter(|host| !host.standing().is_removed()).collect(),
            "ansible_play_batch" | "play_hosts" => {
                self.batch.iter().filter(|host| !host.standing().is_removed()).collect()
            }
            "ansible_current_hosts" => self.batch.iter().filter(|host| !host.standing().is_out()).collect(),
            "ansible_failed_hosts" => self.batch.iter().filter(|host| host.standing().has_failed()).collect(),
            _ => return None,
        };
        let names: Vec<&str> = hosts.into_iter().map(|host| &*host.name).collect();
        Some(Value::from_json(json!(names)))
    }
}

/// Names that a play gives, and that another host's variables do not have.
fn is_of_the_play(name: &str) -> bool {
    name.starts_with("ansible_play_")
        || matches!(name, "play_hosts" | "role_names" | "ansible_role_names" | "ansible_dependent_role_names")
        || PlayHosts::NAMES.contains(&name)
}

impl Scope for Magic {
    fn lookup(&self, name: &str) -> Option<Found> {
        match name {
            "hostvars" => Some(Found::Scope(Arc::new(HostVars { magic: self.clone() }))),
            "omit" => Some(Found::Data(Value::omit())),
            "groups" => Some(Found::Data(self.hosts.groups())),
            _ => self.plain.get(name).cloned().or_else(|| self.play.lookup(name)).map(Found::Data),
        }
    }

    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        let found = self.hosts.matching_any(patterns).map_err(|fault| fault.message);
        Some(found.map(|hosts| hosts.iter().map(|host| host.name.to_string()).collect()))
    }

    fn names(&self) -> Vec<String> {
        let own = self.plain.keys().map(ToString::to_string);
        own.chain(PlayHosts::NAMES.map(str::to_owned))
            .chain(["groups", "hostvars", "omit"].map(str::to_owned))
            .collect()
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
        Some(Found::Scope(Arc::new(HostVarsVars(stack))))
    }

    fn names(&self) -> Vec<String> {
        self.magic.hosts.names().iter().map(ToString::to_string).collect()
    }

    fn class(&self) -> ScopeClass {
        ScopeClass::Hosts
    }
}

/// The variables of one host in `hostvars`.
struct HostVarsVars(Stack);

impl Scope for HostVarsVars {
    fn lookup(&self, name: &str) -> Option<Found> {
        self.0.lookup(name)
    }

    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    fn is_secret(&self, name: &str) -> bool {
        self.0.is_secret(name)
    }

    fn class(&self) -> ScopeClass {
        ScopeClass::Host
    }

    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        self.0.hosts_matching(patterns)
    }

    fn search_path(&self) -> Vec<String> {
        self.0.search_path()
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

    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        self.magic.hosts_matching(patterns)
    }

    fn names(&self) -> Vec<String> {
        let names = self.magic.names().into_iter();
        names.filter(|name| name != "hostvars" && name != "omit" && !is_of_the_play(name)).collect()
    }
}
