use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rplay_template::Value;
use serde_json::json;

use crate::scopes::{Data, Written};

/// A role in one of its places in a play.
pub(crate) struct Role {
    pub(crate) definition: Arc<RoleDefinition>,
    /// The roles that brought it in, the outermost first.
    pub(crate) parents: Vec<Arc<RoleDefinition>>,
    pub(crate) dependencies: Vec<Arc<Role>>,
    pub(crate) allow_duplicates: bool,
    /// Its variables are there for the whole play.
    pub(crate) public: bool,
    pub(crate) layers: Layers,
    pub(crate) magic: Arc<Data>,
    /// Shared by all places in a play that name the role in the same way.
    pub(crate) progress: Arc<Progress>,
    /// Hosts that have left the role with `meta: end_role`.
    ended: Mutex<HashSet<Arc<str>>>,
}

/// What a role is by its files and by how it was named.
pub(crate) struct RoleDefinition {
    pub(crate) name: String,
    /// The collection that it is a part of.
    pub(crate) collection: Option<String>,
    pub(crate) path: String,
    pub(crate) defaults: Vec<Arc<Written>>,
    pub(crate) vars: Vec<Arc<Written>>,
    /// The keys beside `role:` that are no keywords.
    pub(crate) params: Arc<Written>,
    /// `vars:` beside `role:`.
    pub(crate) own: Arc<Written>,
}

/// The variables that the role's tasks see because of the role, the weakest first.
#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) defaults: Vec<Arc<Written>>,
    pub(crate) vars: Vec<Arc<Written>>,
    pub(crate) params: Vec<Arc<Written>>,
}

/// Which hosts have been through a role.
#[derive(Default)]
pub(crate) struct Progress {
    /// A task of the role ran there.
    begun: Mutex<HashSet<Arc<str>>>,
    completed: Mutex<HashSet<Arc<str>>>,
}

impl RoleDefinition {
    /// Returns the name with its collection.
    pub(crate) fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Role {
    pub(crate) fn new(
        definition: Arc<RoleDefinition>,
        parents: Vec<Arc<RoleDefinition>>,
        dependencies: Vec<Arc<Self>>,
        (allow_duplicates, public): (bool, bool),
        progress: Arc<Progress>,
    ) -> Self {
        let layers = layers(&definition, &parents, &dependencies);
        let magic = Arc::new(magic(&definition));
        let ended = Mutex::default();
        Self { definition, parents, dependencies, allow_duplicates, public, layers, magic, progress, ended }
    }

    /// Returns the roles around what this one brings in: its own parents and itself.
    pub(crate) fn chain(&self) -> Vec<Arc<RoleDefinition>> {
        self.parents.iter().chain([&self.definition]).cloned().collect()
    }

    /// Returns whether a task of the role is to run on a host: not twice, and not after `meta: end_role`.
    pub(crate) fn is_open(&self, host: &Arc<str>) -> bool {
        let again = self.allow_duplicates || !lock(&self.progress.completed).contains(host);
        again && !lock(&self.ended).contains(host)
    }

    /// Notes that a task of the role ran on a host.
    pub(crate) fn begun(&self, host: &Arc<str>) {
        lock(&self.progress.begun).insert(Arc::clone(host));
    }

    /// Notes that a host is through with the role.
    pub(crate) fn complete(&self, host: &Arc<str>) {
        lock(&self.ended).remove(host);
        if lock(&self.progress.begun).contains(host) {
            lock(&self.progress.completed).insert(Arc::clone(host));
        }
    }

    /// `meta: end_role`: nothing more of the role on this host.
    pub(crate) fn end(&self, host: &Arc<str>) {
        lock(&self.ended).insert(Arc::clone(host));
    }

    /// Adds the variables that the role has for the whole play, its dependencies' first.
    pub(super) fn export(&self, defaults: &mut Vec<Arc<Written>>, vars: &mut Vec<Arc<Written>>) {
        self.dependencies.iter().for_each(|role| role.export(defaults, vars));
        defaults.extend(self.definition.defaults.iter().cloned());
        vars.extend(self.definition.vars.iter().cloned());
    }
}

/// Source of the order: `get_vars`, `get_default_vars`, `get_role_params` of `ansible/playbook/role/__init__.py`.
fn layers(own: &RoleDefinition, parents: &[Arc<RoleDefinition>], dependencies: &[Arc<Role>]) -> Layers {
    let mut layers = Layers::default();
    let mut exported = Vec::new();
    dependencies.iter().for_each(|role| role.export(&mut layers.defaults, &mut exported));
    for role in parents.iter().map(Arc::as_ref).chain([own]) {
        layers.defaults.extend(role.defaults.iter().cloned());
        layers.vars.push(Arc::clone(&role.own));
        layers.vars.extend(role.vars.iter().cloned());
        layers.params.push(Arc::clone(&role.params));
    }
    layers.vars.extend(exported);
    layers.vars.extend(own.vars.iter().cloned());
    layers.vars.push(Arc::clone(&own.own));
    Layers { defaults: merged(&layers.defaults), vars: merged(&layers.vars), params: merged(&layers.params) }
}

fn magic(definition: &RoleDefinition) -> Data {
    let values = [
        ("role_name", json!(definition.name)),
        ("role_path", json!(definition.path)),
        ("role_uuid", json!(format!("{:p}", std::ptr::from_ref(definition)))),
        ("ansible_collection_name", json!(definition.collection)),
        ("ansible_role_name", json!(definition.full_name())),
    ];
    values.into_iter().map(|(name, value)| (Arc::from(name), Value::from_json(value))).collect()
}

/// Lays neighbours into one, except what is secret, which stays apart.
pub(super) fn merged(layers: &[Arc<Written>]) -> Vec<Arc<Written>> {
    let mut merged: Vec<Arc<Written>> = Vec::new();
    for layer in layers.iter().filter(|layer| !layer.is_empty()) {
        match merged.last_mut() {
            Some(last) if !last.secret && !layer.secret => Arc::make_mut(last).lay(layer),
            _ => merged.push(Arc::clone(layer)),
        }
    }
    merged
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
