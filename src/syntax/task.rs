use std::sync::Arc;

use rplay_event::Span;

use crate::{Args, Keywords, Node};

/// One call of an action, or a handler, which is a task that waits to be notified.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub keywords: Keywords,
    pub action: Action,
    pub args: Args,
    /// `loop:` or `with_<lookup>:`.
    pub looping: Option<Loop>,
    pub loop_control: LoopControl,
    /// The variable that receives the result.
    pub register: Option<Node>,
    pub until: Vec<Node>,
    pub retries: Option<Node>,
    pub delay: Option<Node>,
    pub changed_when: Vec<Node>,
    pub failed_when: Vec<Node>,
    /// `async:`, the seconds a background job may take.
    pub async_seconds: Option<Node>,
    pub poll: Option<Node>,
    /// The topics a handler listens to.
    pub listen: Vec<Node>,
    pub span: Span,
}

/// What a task calls, as the playbook spells it; whether there is such an action is not known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
}

/// What a task iterates over.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    pub source: LoopSource,
    /// What was written behind the keyword.
    pub node: Node,
    /// Where the keyword stands.
    pub span: Span,
}

/// How the items of a loop come to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopSource {
    /// `loop:`, a list.
    List,
    /// `with_<lookup>:`, the terms of a lookup.
    Lookup(Arc<str>),
}

/// `loop_control:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopControl {
    pub loop_var: Option<Node>,
    pub index_var: Option<Node>,
    pub label: Option<Node>,
    pub pause: Option<Node>,
    pub extended: Option<Node>,
    pub extended_allitems: Option<Node>,
    pub break_when: Vec<Node>,
}
