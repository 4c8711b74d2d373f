use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Value;

/// What an evaluation learned on its way to the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// It used something that a plan cannot know yet.
    pub unknown: bool,
    /// It used a vault string, or a variable that the scope calls secret.
    pub secret: bool,
    /// The variables it used, for the edges of graph mode; also those that turned out undefined.
    pub looked_up: BTreeSet<Arc<str>>,
    /// What the user should be told, each once.
    pub notices: Vec<Notice>,
}

/// Something to tell the user that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Warning(String),
    Deprecation(String),
}

impl Marks {
    /// Adds what another evaluation learned.
    pub fn merge(&mut self, other: Self) {
        self.unknown |= other.unknown;
        self.secret |= other.secret;
        self.looked_up.extend(other.looked_up);
        for notice in other.notices {
            self.note(notice);
        }
    }

    pub(crate) fn note(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// A value and what was learned on the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    pub value: Value,
    pub marks: Marks,
}

/// The truth of a conditional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tri {
    True,
    False,
    /// It depends on what a plan cannot know yet.
    Unknown,
}

/// The truth of a conditional, and what was learned on the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub truth: Tri,
    pub marks: Marks,
}
