use std::sync::Arc;

use crate::{Mapping, Node};

/// The keywords that plays, blocks, tasks and roles have in common.
///
/// A value is kept as it was written, because it may be a template; only lists are brought into the form of a list.
/// What may not stand at a level (`when` in a play) is a fault there and empty here. `None` is a keyword that is not
/// written, which is inherited; a written null is kept as a null node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keywords {
    pub name: Option<Node>,
    /// `vars:`, in the order written; keys are texts.
    pub vars: Arc<Mapping>,
    pub when: Vec<Node>,
    /// Each one tag, or a template for one or several.
    pub tags: Vec<Node>,
    /// Mappings, or templates for mappings.
    pub environment: Vec<Node>,
    /// Mappings from the name of an action or of a group to parameters.
    pub module_defaults: Vec<Node>,
    pub collections: Vec<Node>,
    pub notify: Vec<Node>,
    pub delegate_to: Option<Node>,
    pub delegate_facts: Option<Node>,
    pub connection: Option<Node>,
    pub port: Option<Node>,
    pub remote_user: Option<Node>,
    /// `become:`, a word that Rust keeps for itself.
    pub become_enabled: Option<Node>,
    pub become_method: Option<Node>,
    pub become_user: Option<Node>,
    pub become_flags: Option<Node>,
    pub become_exe: Option<Node>,
    pub ignore_errors: Option<Node>,
    pub ignore_unreachable: Option<Node>,
    pub any_errors_fatal: Option<Node>,
    pub no_log: Option<Node>,
    pub check_mode: Option<Node>,
    pub diff: Option<Node>,
    pub run_once: Option<Node>,
    pub throttle: Option<Node>,
    pub timeout: Option<Node>,
    pub debugger: Option<Node>,
}
