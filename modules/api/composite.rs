use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::drive::{self, Prepared};
use crate::{Action, Params, Resource, Result};

/// A list of resources and actions written as one; each is driven and counted alone.
pub trait Composite: Send + Sync + 'static {
    type Params: Params;

    /// Returns the steps in the order they are applied; destroyed backwards. They name each other by playbook name,
    /// never by id.
    fn steps(&self, p: &Self::Params) -> Result<Vec<Step>>;

    /// Returns what `register` receives, from the steps' outputs by key.
    fn output(&self, p: &Self::Params, steps: &IndexMap<String, Map<String, Value>>) -> Value;
}

/// One step of a composite.
pub struct Step {
    pub(crate) key: String,
    pub(crate) run: Box<dyn Prepared>,
}

impl Step {
    /// Returns a step that keeps a resource; `key` names its output.
    pub fn resource<R: Resource>(key: impl Into<String>, resource: R, params: R::Params) -> Self {
        Self { key: key.into(), run: Box::new(drive::PreparedResource::new(resource, params)) }
    }

    /// Returns a step that does a deed; `name` is what a plan calls it.
    pub fn action<A: Action>(
        key: impl Into<String>,
        name: &'static str,
        action: A,
        params: A::Params,
    ) -> Self {
        Self { key: key.into(), run: Box::new(drive::PreparedAction::new(name, action, params)) }
    }
}
