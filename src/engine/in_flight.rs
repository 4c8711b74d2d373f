//! The calls that are in flight, and how far they have come: what an interrupted run leaves behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rplay_module::Ownership;

/// Which calls are going on. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeMap<(u64, String), Flight>>>);

/// A call of a module.
#[derive(Debug, Default)]
struct Flight {
    task: String,
    /// What it has made or deleted so far, each thing by its address.
    things: Vec<(String, &'static str)>,
    /// The headline of what it told last.
    doing: String,
}

impl InFlight {
    pub(crate) fn begin(&self, task: u64, host: &str, name: &str) {
        let flight = Flight { task: name.to_owned(), ..Flight::default() };
        self.lock().insert((task, host.to_owned()), flight);
    }

    pub(crate) fn end(&self, task: u64, host: &str) {
        self.lock().remove(&(task, host.to_owned()));
    }

    /// Notes what a call tells that it is doing.
    pub(crate) fn doing(&self, task: u64, host: &str, headline: &str) {
        if let Some(flight) = self.lock().get_mut(&(task, host.to_owned())) {
            headline.clone_into(&mut flight.doing);
        }
    }

    /// Notes what a call has done to a thing.
    pub(crate) fn owned(&self, task: u64, host: &str, address: &str, stage: Ownership) {
        let word = match stage {
            Ownership::Intended => "began to make",
            Ownership::Created => "made",
            Ownership::Gone => "deleted",
        };
        if let Some(flight) = self.lock().get_mut(&(task, host.to_owned())) {
            flight.things.retain(|(known, _)| known != address);
            flight.things.push((address.to_owned(), word));
        }
    }

    /// Returns the tasks, each with what it has done; `None` where nothing is going on.
    pub(crate) fn told(&self) -> Option<String> {
        let flights = self.lock();
        let told: Vec<String> = flights.values().map(Flight::told).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(u64, String), Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn told(&self) -> String {
        let mut parts: Vec<String> =
            self.things.iter().map(|(address, word)| format!("it {word} {address}")).collect();
        if !self.doing.is_empty() {
            parts.push(format!("last said: {}", self.doing));
        }
        if parts.is_empty() { self.task.clone() } else { format!("{} ({})", self.task, parts.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_going_on_is_told_with_what_it_has_done() {
        let in_flight = InFlight::default();
        assert_eq!(in_flight.told(), None);
        in_flight.begin(1, "a", "Build");
        in_flight.begin(2, "a", "Run it");
        in_flight.owned(2, "a", "ecs.service app/web", Ownership::Intended);
        in_flight.owned(2, "a", "ecs.service app/web", Ownership::Created);
        in_flight.doing(2, "a", "rolling out web:7");
        in_flight.doing(3, "a", "nobody's");
        assert_eq!(
            in_flight.told().as_deref(),
            Some("Build, Run it (it made ecs.service app/web; last said: rolling out web:7)")
        );
        in_flight.end(2, "a");
        assert_eq!(in_flight.told().as_deref(), Some("Build"));
    }
}
