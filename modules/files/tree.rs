//! What `file`, `copy` and `template` manage: the things at some paths, and of each only what the playbook speaks of.

use std::collections::BTreeMap;

use rplay_module::{Part, State};
use serde_json::Value;

/// The things that are managed, by path; of a folder and what is in it, the folder comes first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Entry>);

/// What is managed of one thing. What the playbook does not speak of is not set on either side.
#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Entry {
    /// `file`, `directory`, `link` or `hard`.
    pub(crate) state: String,
    pub(crate) mode: Option<String>,
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
    /// The flags of `chattr`.
    pub(crate) attributes: Option<String>,
    /// Where a link leads, or which file a hard link is another name of.
    pub(crate) src: Option<String>,
    /// SHA-1 of the content; a marker where the content is not known yet.
    pub(crate) checksum: Option<String>,
    pub(crate) atime: Option<f64>,
    pub(crate) mtime: Option<f64>,
}

impl Part for Tree {
    /// One thing is shown as itself, several by path.
    fn shown(&self) -> Option<Value> {
        match self.0.len() {
            1 => self.0.values().next().and_then(Part::shown),
            _ => self.0.shown(),
        }
    }

    fn forget(&mut self) {
        self.0.forget();
    }
}

impl State for Tree {}

impl Tree {
    pub(crate) fn from_one(path: impl Into<String>, entry: Entry) -> Self {
        Self(BTreeMap::from([(path.into(), entry)]))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }

    pub(crate) fn put(&mut self, path: impl Into<String>, entry: Entry) {
        self.0.insert(path.into(), entry);
    }

    /// Returns the tree unless there is nothing in it.
    pub(crate) fn some(self) -> Option<Self> {
        (!self.0.is_empty()).then_some(self)
    }
}

impl Entry {
    pub(crate) fn of(state: &str) -> Self {
        Self { state: state.to_owned(), ..Self::default() }
    }
}
