use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Address, Held, Realm};

/// What the plan of a destroy has a line of its own for.
#[derive(Default)]
pub(super) struct Listed(Mutex<HashSet<(Address, Realm)>>);

impl Listed {
    pub(super) fn add(&self, address: &Address, realm: &Realm) {
        self.all().insert((address.clone(), realm.clone()));
    }

    /// Returns what has no line so far.
    pub(super) fn without(&self, held: Vec<Held>, realm: &Realm) -> Vec<Held> {
        let all = self.all();
        let is_listed = |held: &Held| {
            held.address.as_ref().is_some_and(|address| all.contains(&(address.clone(), realm.clone())))
        };
        held.into_iter().filter(|held| !is_listed(held)).collect()
    }

    fn all(&self) -> MutexGuard<'_, HashSet<(Address, Realm)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
