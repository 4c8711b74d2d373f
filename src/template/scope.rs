use std::fmt;
use std::sync::Arc;

use rplay_syntax::Node;

use crate::Value;

/// What a name stands for.
#[derive(Clone)]
pub enum Found {
    /// Never a template: what modules returned, facts, `set_fact`.
    Data(Value),
    /// What the user wrote: its strings are templates, rendered when they are used.
    Written(Node),
    /// A mapping whose values are themselves asked for by name: `hostvars`, and each host in it.
    ///
    /// What is written in it is rendered with the scope it was found in.
    Scope(Arc<dyn Scope>),
}

/// What a scope is to those who use it as a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeClass {
    /// The variables of a template: `vars`.
    Variables,
    /// All hosts: `hostvars`.
    Hosts,
    /// The variables of one of them.
    Host,
}

/// The variables that a template sees.
///
/// Nothing is copied out of it: each name is asked for when a template uses it, at most once in an evaluation.
pub trait Scope: Send + Sync {
    /// Returns what the name stands for; `None` makes it undefined.
    fn lookup(&self, name: &str) -> Option<Found>;

    /// Returns all names, for `varnames`, `vars`, iteration and suggestions.
    fn names(&self) -> Vec<String>;

    /// Returns whether the variable's value must not be shown; see [`crate::Marks::secret`].
    fn is_secret(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Returns what messages call it where it is a mapping itself.
    fn class(&self) -> ScopeClass {
        ScopeClass::Variables
    }

    /// Returns the hosts that patterns mean; `None` where the scope knows none.
    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        let _ = patterns;
        None
    }

    /// Returns the folders in which relative files are looked for, the nearest first: role, then playbook.
    fn search_path(&self) -> Vec<String> {
        Vec::new()
    }
}

impl fmt::Debug for dyn Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(value) => f.debug_tuple("Data").field(value).finish(),
            Self::Written(node) => f.debug_tuple("Written").field(node).finish(),
            Self::Scope(_) => f.write_str("Scope"),
        }
    }
}
