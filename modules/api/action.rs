use std::future::{Future, ready};

use serde_json::{Map, Value};

use crate::{Address, Cx, Diff, Failure, Params, Result};

/// Does a deed: runs a command, asks a question, builds an image.
pub trait Action: Send + Sync + 'static {
    type Params: Params;
    /// What it does to the world: a plan runs what reads, and prints `will run` for what changes.
    const EFFECT: Effect;
    /// What check mode does with it.
    const IN_CHECK: InCheck;

    /// Returns what the parameters name; `None` when it could be anything.
    fn refers(&self, _p: &Self::Params) -> Option<Vec<Address>> {
        None
    }

    /// Returns the deed's result where nothing is left to do (`creates:`, an image that is there). Reads only.
    fn needless(&self, _cx: &Cx, _p: &Self::Params) -> impl Future<Output = Result<Option<Deed>>> + Send {
        ready(Ok(None))
    }

    /// Returns what the deed would give, with unknown markers for what only doing it tells. Reads only.
    fn foretell(&self, _cx: &Cx, _p: &Self::Params) -> impl Future<Output = Result<Deed>> + Send {
        ready(Ok(Deed::default()))
    }

    /// Returns what check mode tells of a foretold deed, where Ansible's module tells less then than it could
    /// (`unarchive`). A plan tells all that is foretold.
    fn checked(&self, foretold: Deed) -> Deed {
        foretold
    }

    fn perform(&self, cx: &Cx, p: &Self::Params) -> impl Future<Output = Result<Deed>> + Send;
}

/// What an action does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Reads,
    Changes,
}

/// What check mode does with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InCheck {
    /// It only reads: run it.
    Run,
    /// Ansible skips it: so do we, with Ansible's words.
    Skip,
    /// It can say what it would do.
    Foretell,
}

/// What a deed came to.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    pub changed: bool,
    /// The deed itself says that it was left out (`command` with `creates:` in check mode).
    pub skipped: bool,
    /// It was done and failed: a command's `rc`. The result is kept.
    pub failure: Option<Failure>,
    pub result: Map<String, Value>,
    pub diff: Vec<Diff>,
    /// A foretold result is what check mode returns, and says nothing of what the run will give (`command`).
    pub unknown: bool,
}

impl Deed {
    /// Returns a deed with the fields of a JSON object as its result.
    pub fn new(changed: bool, result: Value) -> Self {
        let result = match result {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { changed, result, ..Self::default() }
    }
}
