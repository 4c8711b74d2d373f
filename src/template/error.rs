use std::fmt;
use std::sync::Arc;

use rplay_event::Span;

/// What kind of mistake a template made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A variable or attribute that does not exist was used.
    Undefined,
    /// The text is not a template, or names a filter, test or lookup that does not exist.
    Syntax,
    /// A filter, an operator or a lookup refused its input.
    Runtime,
    /// A conditional that is no boolean, is empty or is no string.
    Conditional,
    /// The whole value was `omit`, where something has to stand.
    Omitted,
}

/// One step from the node that was rendered down to the string that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// Why a template has no value, worded as Ansible words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TemplateError {
    pub kind: ErrorKind,
    /// One line; causes follow their effects after a colon.
    pub message: String,
    /// Where the template stands in its file.
    pub span: Option<Span>,
    /// The byte in `template` that the error is about.
    pub offset: Option<usize>,
    /// The template's text.
    pub template: Option<Arc<str>>,
    /// Which part of the rendered node failed; empty when it was the node itself.
    pub path: Vec<Step>,
    /// What to do about it: a did-you-mean.
    pub help: Option<String>,
}

impl TemplateError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            span: None,
            offset: None,
            template: None,
            path: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Runtime, message)
    }

    pub(crate) fn undefined(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Undefined, message)
    }

    pub(crate) fn syntax(message: impl Into<String>, offset: usize) -> Self {
        Self { offset: Some(offset), ..Self::new(ErrorKind::Syntax, message) }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: Option<String>) -> Self {
        self.help = self.help.or(help);
        self
    }

    /// Says which template failed, unless an inner one has said so.
    #[must_use]
    pub(crate) fn in_template(mut self, template: &Arc<str>, span: Option<&Span>) -> Self {
        if self.template.is_none() {
            self.template = Some(Arc::clone(template));
            self.span = span.cloned();
        }
        self
    }

    /// Puts what was being done before the message.
    #[must_use]
    pub(crate) fn context(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
