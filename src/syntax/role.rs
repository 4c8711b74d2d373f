use std::sync::Arc;

use rplay_event::Span;

use crate::{Keywords, Mapping, Node};

/// A role as `roles:` or the dependencies of another role name it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleEntry {
    /// The role's name or path; may be a template.
    pub role: Node,
    pub keywords: Keywords,
    /// Every key that is no keyword: variables of the role.
    pub params: Arc<Mapping>,
    pub span: Span,
}

/// A role's `meta/main.yml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoleMeta {
    pub keywords: Keywords,
    pub dependencies: Vec<RoleEntry>,
    pub allow_duplicates: Option<Node>,
    pub argument_specs: Option<Node>,
    pub galaxy_info: Option<Node>,
}
