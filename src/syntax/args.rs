use std::sync::Arc;

use crate::{Mapping, Node};

/// The parameters of a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    /// Parameters by name, from `args:`, a mapping or `key=value` words, in this order of rising precedence.
    pub named: Arc<Mapping>,
    /// What stands behind the action as text: a command line, a file to include.
    pub free_form: Option<Node>,
    /// One template for a mapping of parameters that the named ones are laid over: `args: "{{ all_of_them }}"`.
    pub template: Option<Node>,
}
