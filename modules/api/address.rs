use std::fmt;

use serde::{Deserialize, Serialize};

/// The one thing a resource means, in every run the same: `ecs.service app/web`.
///
/// Made of playbook names only, never of ids: a plan knows it before the thing exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    /// The service and the kind of thing: `ec2.vpc`, `ecs.service`.
    pub kind: String,
    /// The name within the account and region, outer names first: `app/web`.
    pub name: String,
}

impl Address {
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Where an address lives: the same name in another account or region is another thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Realm {
    pub account: String,
    /// Empty for what has no region.
    pub region: String,
    /// Empty for AWS itself.
    pub endpoint: String,
}
