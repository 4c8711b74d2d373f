use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::role::{Progress, Role, merged};
use crate::load::Item;
use crate::scopes::Written;

/// The roles of a play, and what they give to all of it; includes add to them while the play runs.
#[derive(Default)]
pub(crate) struct PlayRoles {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    roles: Vec<Arc<Role>>,
    handlers: Vec<Item>,
    progress: HashMap<String, Arc<Progress>>,
    exported: Arc<Exported>,
}

/// The variables that roles have for the whole play, the weakest first.
#[derive(Default)]
pub(crate) struct Exported {
    pub(crate) defaults: Vec<Arc<Written>>,
    pub(crate) vars: Vec<Arc<Written>>,
}

/// The names behind `ansible_play_role_names` and the like.
pub(crate) struct RoleNames {
    pub(crate) play: Vec<String>,
    pub(crate) dependent: Vec<String>,
    pub(crate) all: Vec<String>,
}

impl PlayRoles {
    /// Adds a role that an import or include has brought in.
    pub(crate) fn add(&self, role: &Arc<Role>) {
        self.write(|state| {
            state.roles.push(Arc::clone(role));
            if role.public {
                state.export();
            }
        });
    }

    /// Puts the roles that `roles:` names before all others.
    pub(super) fn lead(&self, roles: Vec<Arc<Role>>) {
        self.write(|state| {
            state.roles.splice(0..0, roles);
            state.export();
        });
    }

    /// Adds handlers behind those of the play.
    pub(crate) fn add_handlers(&self, handlers: Vec<Item>) {
        self.write(|state| state.handlers.extend(handlers));
    }

    /// Returns the handlers that imported and included roles have added, but for so many of the first.
    pub(crate) fn handlers_after(&self, known: usize) -> Vec<Item> {
        self.read(|state| state.handlers.get(known..).map(<[Item]>::to_vec).unwrap_or_default())
    }

    /// Returns what the places of a role that are named alike share.
    pub(super) fn progress(&self, identity: String) -> Arc<Progress> {
        self.write(|state| Arc::clone(state.progress.entry(identity).or_default()))
    }

    pub(crate) fn exported(&self) -> Arc<Exported> {
        self.read(|state| Arc::clone(&state.exported))
    }

    pub(crate) fn names(&self) -> RoleNames {
        self.read(|state| {
            let play: Vec<String> = state.roles.iter().map(|role| role.definition.full_name()).collect();
            let mut dependent = BTreeSet::new();
            state.roles.iter().for_each(|role| dependencies(role, &mut dependent));
            let all: BTreeSet<String> = play.iter().chain(&dependent).cloned().collect();
            RoleNames { play, dependent: dependent.into_iter().collect(), all: all.into_iter().collect() }
        })
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn export(&mut self) {
        let (mut defaults, mut vars) = (Vec::new(), Vec::new());
        let public = self.roles.iter().filter(|role| role.public);
        public.for_each(|role| role.export(&mut defaults, &mut vars));
        self.exported = Arc::new(Exported { defaults: merged(&defaults), vars: merged(&vars) });
    }
}

fn dependencies(role: &Role, names: &mut BTreeSet<String>) {
    for dependency in &role.dependencies {
        dependencies(dependency, names);
        names.insert(dependency.definition.full_name());
    }
}
