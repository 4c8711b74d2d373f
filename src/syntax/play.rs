use rplay_event::Span;

use crate::{Keywords, Node, RoleEntry, Step};

/// Hosts, and what is to be done on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    pub keywords: Keywords,
    /// A pattern, a list of them, or a template for either.
    pub hosts: Node,
    pub gather_facts: Option<Node>,
    pub gather_subset: Vec<Node>,
    pub gather_timeout: Option<Node>,
    pub fact_path: Option<Node>,
    /// Each entry is a list of candidates, of which the first that is there is read.
    pub vars_files: Vec<Vec<Node>>,
    pub vars_prompt: Vec<VarsPrompt>,
    pub roles: Vec<RoleEntry>,
    pub pre_tasks: Vec<Step>,
    pub tasks: Vec<Step>,
    pub post_tasks: Vec<Step>,
    pub handlers: Vec<Step>,
    pub force_handlers: Option<Node>,
    pub max_fail_percentage: Option<Node>,
    pub serial: Vec<Node>,
    pub strategy: Option<Node>,
    pub order: Option<Node>,
    pub span: Span,
}

/// One entry of `vars_prompt:`.
#[derive(Clone, Debug, PartialEq)]
pub struct VarsPrompt {
    pub name: Node,
    pub prompt: Option<Node>,
    pub default: Option<Node>,
    pub private: Option<Node>,
    pub confirm: Option<Node>,
    pub encrypt: Option<Node>,
    pub salt_size: Option<Node>,
    pub salt: Option<Node>,
    /// `unsafe:`: what is typed may hold template characters.
    pub unsafe_text: Option<Node>,
    pub span: Span,
}
