use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Span};

use crate::fields::Fields;
use crate::reading::{Reading, read};
use crate::vocabulary::Level;
use crate::{Data, Keywords, Loaded, Mapping, Node};

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

impl RoleEntry {
    /// Reads a list of roles; null is an empty one.
    pub(crate) fn list(reading: &mut Reading<'_>, node: &Node) -> Vec<Self> {
        match &node.data {
            Data::Null => Vec::new(),
            Data::Seq(items) => items.iter().filter_map(|item| Self::read(reading, item)).collect(),
            _ => {
                let found = node.kind();
                let shown = if node.as_map().is_some() {
                    String::new()
                } else {
                    format!("ds ({}) ", node.key_text())
                };
                let message = format!(
                    "A malformed role declaration was encountered: {shown}should be a list but was a {found}"
                );
                reading.fault(Fault::new(message).at(&node.span).help("begin every role with `- `"));
                Vec::new()
            }
        }
    }

    fn read(reading: &mut Reading<'_>, node: &Node) -> Option<Self> {
        let entry = match &node.data {
            Data::Text(_) => Self {
                role: node.clone(),
                keywords: Keywords::default(),
                params: Arc::default(),
                span: node.span.clone(),
            },
            Data::Map(mapping) => Self::of_mapping(reading, mapping, &node.span)?,
            _ => {
                let fault = Fault::new("Invalid role definition.").at(&node.span);
                reading.fault(fault.help("a role is its name, or a mapping with `role: name`"));
                return None;
            }
        };
        if let Some(name) = entry.role.as_str().filter(|name| name.contains(',')) {
            let fault =
                Fault::new(format!("Invalid old style role requirement: {name}")).at(&entry.role.span);
            let help = "write the role's name alone, and its version in requirements.yml";
            reading.fault(fault.kind(FaultKind::Setup).help(help));
        }
        Some(entry)
    }

    fn of_mapping(reading: &mut Reading<'_>, mapping: &Mapping, span: &Span) -> Option<Self> {
        // No old word is replaced here: what is no keyword is a variable, `user` and `sudo` included.
        let is_keyword = |key: &Node| key.as_str().is_some_and(|name| Level::Role.keyword(name).is_some());
        let (known, params): (Vec<_>, Vec<_>) = mapping.iter().partition(|(key, _)| is_keyword(key));
        let fields = Fields::read(reading, Level::Role, known);
        let keywords = fields.keywords(reading);
        let role = fields.value("role").or_else(|| fields.value("name"));
        let Some(role) = role.filter(|role| role.as_text().is_some_and(|text| !text.text.is_empty())) else {
            let fault = Fault::new("role definitions must contain a role name").at(span);
            reading.fault(fault.kind(FaultKind::Setup).help("name it with `role: name`"));
            return None;
        };
        let params = params.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Some(Self { role, keywords, params: Arc::new(params), span: span.clone() })
    }
}

impl RoleMeta {
    fn read(reading: &mut Reading<'_>, mapping: &Mapping) -> Self {
        let fields = Fields::read(reading, Level::RoleMeta, mapping.iter());
        let dependencies = match fields.node("dependencies").map(|node| (node, &node.data)) {
            None | Some((_, Data::Null)) => Vec::new(),
            Some((_, Data::Seq(items))) => {
                items.iter().filter_map(|item| RoleEntry::read(reading, &named_by_source(item))).collect()
            }
            Some((node, _)) => {
                reading.fault(Fault::new("Expected role dependencies to be a list.").at(&node.span));
                Vec::new()
            }
        };
        Self {
            keywords: fields.keywords(reading),
            dependencies,
            allow_duplicates: fields.value("allow_duplicates"),
            argument_specs: fields.value("argument_specs"),
            galaxy_info: fields.value("galaxy_info"),
        }
    }
}

/// Gives a dependency that only says where it comes from the name that it is installed under.
fn named_by_source(node: &Node) -> Node {
    let Some(mapping) =
        node.as_map().filter(|mapping| !mapping.contains("role") && !mapping.contains("name"))
    else {
        return node.clone();
    };
    let Some(source) = mapping.get("src").filter(|source| source.as_str().is_some()) else {
        return node.clone();
    };
    let path = source.as_str().unwrap_or_default();
    let file = if path.contains("://") || path.contains('@') {
        path.rsplit('/').next().unwrap_or(path)
    } else {
        path
    };
    let name = file.trim_end_matches(".git").trim_end_matches(".tar.gz");
    let mut named = mapping.clone();
    named.set(
        Node::text("name", &source.span),
        Node::text(name.split(',').next().unwrap_or(name), &source.span),
    );
    Node::map(named, &node.span)
}

/// Reads a role's `meta/main.yml`; an empty file says nothing.
pub fn parse_role_meta(name: &str, text: &str) -> Result<Loaded<RoleMeta>, Vec<Fault>> {
    read(name, text, &|_| false, |reading, node| match &node.data {
        Data::Null => Some(RoleMeta::default()),
        Data::Map(mapping) => Some(RoleMeta::read(reading, mapping)),
        _ => {
            reading.fault(Fault::new(format!("the '{name}' is not a dictionary")).at(&node.span));
            None
        }
    })
}

#[cfg(test)]
mod tests;
