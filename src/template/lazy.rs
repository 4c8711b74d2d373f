//! What the user wrote and nothing has used yet.

use std::sync::{Arc, OnceLock};

use rplay_syntax::{Data, Node};

use crate::value::Kind;
use crate::{Scope, Value};

/// A list or mapping as it is written; each element is rendered when it is first used.
pub(crate) struct Lazy {
    pub(crate) node: Node,
    /// The scope its templates see, where that is not the evaluation's own.
    pub(crate) scope: Option<Arc<dyn Scope>>,
    /// The rendered elements, in their order.
    pub(crate) rendered: Vec<OnceLock<Value>>,
}

impl Lazy {
    pub(crate) fn new(node: Node, scope: Option<Arc<dyn Scope>>) -> Self {
        let length = match &node.data {
            Data::Seq(items) => items.len(),
            Data::Map(mapping) => mapping.entries.len(),
            _ => 0,
        };
        Self { node, scope, rendered: (0..length).map(|_| OnceLock::new()).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.rendered.len()
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.node.data {
            Data::Seq(_) => Kind::List,
            _ => Kind::Dict,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.node.data {
            Data::Seq(_) => "list",
            _ => "dict",
        }
    }

    /// Returns whether what was rendered of it is unknown in part.
    pub(crate) fn contains_unknown(&self) -> bool {
        self.rendered.iter().filter_map(OnceLock::get).any(Value::contains_unknown)
    }

    pub(crate) fn repr(&self) -> String {
        format!("<{} of {} elements>", self.type_name(), self.len())
    }
}
