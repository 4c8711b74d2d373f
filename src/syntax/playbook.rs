use std::sync::Arc;

use rplay_event::Span;

use crate::{Keywords, Node, Play};

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
