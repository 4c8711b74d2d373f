use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rplay_module::{Address, Foretold, Ownership as Stage, Realm};
use sha2::{Digest as _, Sha256};

use crate::ownership::Ownership;

/// What a run has foretold, and what rplay has made.
#[derive(Default)]
pub(crate) struct Records {
    foretold: Mutex<HashMap<Address, Foretold>>,
    ownership: Mutex<Option<Ownership>>,
}

impl Records {
    pub(crate) fn new(ownership: Option<Ownership>) -> Self {
        Self { ownership: Mutex::new(ownership), ..Self::default() }
    }

    pub(crate) fn foretold(&self, address: &Address) -> Option<Foretold> {
        lock(&self.foretold).get(address).cloned()
    }

    pub(crate) fn foretell(&self, address: Address, what: Foretold) {
        lock(&self.foretold).insert(address, what);
    }

    /// Forgets what was foretold: the walk forwards is over.
    pub(crate) fn begin_again(&self) {
        lock(&self.foretold).clear();
    }

    pub(crate) fn owns(&self, address: &Address, realm: &Realm) -> bool {
        lock(&self.ownership).as_ref().is_some_and(|ownership| ownership.owns(address, realm))
    }

    pub(crate) fn own(
        &self,
        address: &Address,
        realm: &Realm,
        stage: Stage,
        now: SystemTime,
    ) -> Result<(), String> {
        match lock(&self.ownership).as_ref() {
            // What has no account and no endpoint is on this machine, and no one's to destroy.
            Some(_) if *realm == Realm::default() => Ok(()),
            Some(ownership) => ownership.own(address, realm, stage, now).map_err(|error| {
                format!("could not write to the ownership file, so destroy will not know {address}: {error}")
            }),
            None => Ok(()),
        }
    }

    /// Returns a token of 32 characters: the same in a rerun after a crash, another one after the thing was deleted.
    pub(crate) fn token(&self, playbook: &str, purpose: &str) -> String {
        let (kind, name) = purpose.split_once(' ').unwrap_or((purpose, ""));
        let address = Address::new(kind, name);
        let generation = lock(&self.ownership).as_ref().map_or(0, |ownership| ownership.generation(&address));
        let digest = Sha256::digest(format!("{playbook}\0{purpose}\0{generation}"));
        digest.iter().take(16).fold(String::new(), |mut token, byte| {
            write!(token, "{byte:02x}").expect("a string takes any text");
            token
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_stable_and_differs_by_purpose() {
        let records = Records::default();
        assert_eq!(
            records.token("p.yml", "ecs.service app/web"),
            records.token("p.yml", "ecs.service app/web")
        );
        assert_ne!(records.token("p.yml", "a"), records.token("p.yml", "b"));
        assert_eq!(records.token("p.yml", "a").len(), 32);
    }
}
