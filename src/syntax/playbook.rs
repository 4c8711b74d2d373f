use std::sync::Arc;

use rplay_event::{Fault, Span};

use crate::fields::Fields;
use crate::reading::{IsAction, Reading, read};
use crate::vocabulary::Level;
use crate::{Keywords, Loaded, Mapping, Node, Play, old};

/// A playbook file.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// The file's name as it is shown.
    pub file: Arc<str>,
    pub entries: Vec<Entry>,
}

/// What stands in the list that a playbook is.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Play(Box<Play>),
    ImportPlaybook(Box<ImportPlaybook>),
}

/// `import_playbook:`, with the keywords that its plays receive.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportPlaybook {
    pub path: Node,
    pub keywords: Keywords,
    pub span: Span,
}

/// The names of the action that brings in a playbook.
const IMPORTS: [&str; 3] =
    ["import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"];

/// Reads a playbook; `is_action` answers which names are those of modules.
pub fn parse_playbook(
    name: &str,
    text: &str,
    is_action: IsAction<'_>,
) -> Result<Loaded<Playbook>, Vec<Fault>> {
    read(name, text, is_action, |reading, node| {
        let entries = match node.as_seq() {
            Some([]) => Err(Fault::new(format!("A playbook must contain at least one play: {name}"))),
            Some(entries) => Ok(entries),
            None if node.is_null() => Err(Fault::new(format!("Empty playbook, nothing to do: {name}"))),
            None => {
                let message =
                    format!("A playbook must be a list of plays, got a {} instead: {name}", node.kind());
                Err(Fault::new(message)
                    .at(&node.span)
                    .help("begin every play with `- `: `- hosts: localhost`"))
            }
        };
        match entries {
            Ok(entries) => {
                let entries = entries.iter().filter_map(|entry| Entry::read(reading, entry)).collect();
                Some(Playbook { file: Arc::clone(&node.span.file), entries })
            }
            Err(fault) => {
                reading.fault(fault);
                None
            }
        }
    })
}

impl Entry {
    fn read(reading: &mut Reading<'_>, node: &Node) -> Option<Self> {
        let Some(mapping) = node.as_map() else {
            let message = "playbook entries must be either valid plays or 'import_playbook' statements";
            reading.fault(Fault::new(message).at(&node.span));
            return None;
        };
        let today = old::play(reading, mapping);
        let mapping = today.as_ref().unwrap_or(mapping);
        let is_import = |key: &Node| key.as_str().is_some_and(|name| IMPORTS.contains(&name));
        let imports: Vec<&Node> = mapping.iter().map(|(key, _)| key).filter(|key| is_import(key)).collect();
        match imports.as_slice() {
            [] => Play::read(reading, mapping, &node.span).map(|play| Self::Play(Box::new(play))),
            [_] => ImportPlaybook::read(reading, mapping, &node.span)
                .map(|import| Self::ImportPlaybook(Box::new(import))),
            [_, second, ..] => {
                let mut names: Vec<_> = imports.iter().map(|key| key.key_text()).collect();
                names.sort();
                let message = format!("Found conflicting import_playbook actions: {}", names.join(", "));
                reading.fault(Fault::new(message).at(&second.span));
                None
            }
        }
    }
}

impl ImportPlaybook {
    fn read(reading: &mut Reading<'_>, mapping: &Mapping, span: &Span) -> Option<Self> {
        let short = |key: &Node| match key.as_str() {
            Some(name) if IMPORTS.contains(&name) => Node::text("import_playbook", &key.span),
            _ => key.clone(),
        };
        let entries: Vec<(Node, Node)> =
            mapping.iter().map(|(key, value)| (short(key), value.clone())).collect();
        let fields =
            Fields::read(reading, Level::ImportPlaybook, entries.iter().map(|(key, value)| (key, value)));
        let keywords = fields.keywords(reading);
        let path = fields.node("import_playbook");
        if path.is_some_and(Node::is_null) {
            reading.fault(Fault::new("The field 'import_playbook' is required but was not set.").at(span));
        }
        // What is not there now was of the wrong type, which has been told.
        Some(Self { path: path?.clone(), keywords, span: span.clone() })
    }
}

#[cfg(test)]
mod tests;
