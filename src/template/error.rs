use std::fmt;
use std::sync::Arc;

use rplay_event::Span;

const RECURSION: &str = "Recursive loop detected in template";

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
    /// The end of the message that is a cause of its own: why a plugin refused, where Ansible tells that apart.
    pub cause: Option<String>,
    /// The message says already what was being done.
    pub(crate) framed: bool,
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
            cause: None,
            framed: false,
        }
    }

    pub fn runtime(message: impl Into<String>) -> Self {
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

    /// Says where in a template the error is, unless that is known.
    #[must_use]
    pub(crate) fn located(mut self, at: u32, template: &Arc<str>, span: Option<&Span>) -> Self {
        if self.template.is_none() {
            self.offset = self.offset.or(Some(at as usize));
        }
        self.in_template(template, span)
    }

    /// Returns the error of a template that needs its own value.
    pub(crate) fn recursion() -> Self {
        Self::runtime(RECURSION).framed()
    }

    /// Names the variable that needs its own value, where this is that error.
    #[must_use]
    pub(crate) fn recursion_of(mut self, name: &str) -> Self {
        if self.message == RECURSION {
            self.message = format!("{RECURSION}: '{name}' is made of itself");
        }
        self
    }

    /// Says that what is before the message will be told apart from it.
    #[must_use]
    pub(crate) fn apart(mut self) -> Self {
        self.cause = Some(self.message.clone());
        self
    }

    /// Says that the message needs nothing before it.
    #[must_use]
    pub(crate) fn framed(mut self) -> Self {
        self.framed = true;
        self
    }

    /// Says that it happened inside of a part.
    #[must_use]
    pub(crate) fn inside(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }

    /// Puts what was being done before the message, unless something stands there.
    #[must_use]
    pub(crate) fn framed_by(self, doing: &str) -> Self {
        if self.framed || self.kind != ErrorKind::Runtime { self } else { self.context(doing).framed() }
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
