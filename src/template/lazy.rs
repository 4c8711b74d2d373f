//! What the user wrote and nothing has used yet.

use std::collections::HashMap;
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
    /// Where each text key of a large mapping is.
    positions: OnceLock<HashMap<Arc<str>, usize>>,
}

/// Up to this many keys are found faster one by one.
const SMALL: usize = 12;

impl Lazy {
    pub(crate) fn new(node: Node, scope: Option<Arc<dyn Scope>>) -> Self {
        let length = match &node.data {
            Data::Seq(items) => items.len(),
            Data::Map(mapping) => mapping.entries.len(),
            _ => 0,
        };
        let rendered = (0..length).map(|_| OnceLock::new()).collect();
        Self { node, scope, rendered, positions: OnceLock::new() }
    }

    /// Returns where in a mapping the text key is.
    pub(crate) fn position(&self, key: &str) -> Option<usize> {
        let Data::Map(mapping) = &self.node.data else { return None };
        let keys = || mapping.entries.iter().map(|(key, _)| text_of(key));
        if self.len() <= SMALL {
            return keys().position(|known| known.is_some_and(|known| &**known == key));
        }
        let index = || {
            let texts = keys().enumerate().filter_map(|(at, key)| Some((Arc::clone(key?), at)));
            texts.collect()
        };
        self.positions.get_or_init(index).get(key).copied()
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

fn text_of(key: &Node) -> Option<&Arc<str>> {
    match &key.data {
        Data::Text(text) => Some(&text.text),
        _ => None,
    }
}
