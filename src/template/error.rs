use std::fmt;
use std::sync::Arc;

use rplay_event::Span;

use crate::Value;

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
    /// What it comes from, where Ansible tells that apart: the end of the message.
    pub cause: Option<Box<Cause>>,
    /// The message says already what was being done.
    pub(crate) framed: bool,
    /// A call has failed: only the template that is finished in the end says where it comes from.
    pub(crate) held: bool,
}

/// A part of an error that is told in a place of its own, as Ansible tells what an exception was raised from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The end of the error's message.
    pub message: String,
    pub span: Option<Span>,
    /// What stands there, where that is in no file.
    pub shown: Option<Arc<str>>,
    /// What Ansible says to do about it.
    pub help: Option<String>,
    /// It is told apart although it has no place.
    pub apart: bool,
    /// What stands before it ends without a full stop.
    pub unstopped: bool,
    pub cause: Option<Box<Self>>,
}

/// The place of what stands in no file.
pub(crate) fn nowhere() -> Span {
    Span::new("<unknown>", 0, 0)
}

/// How much of a value is shown where it stands in no file.
const SHOWN: usize = 120;

/// Returns a text as one line of words, cut between two of them where it is long.
fn shortened(text: &str) -> Arc<str> {
    const MARK: &str = " [...]";
    let (mut line, mut cut) = (String::new(), String::new());
    for word in text.split_whitespace() {
        let space = if line.is_empty() { "" } else { " " };
        line.extend([space, word]);
        let length = line.chars().count();
        if length > SHOWN {
            return format!("{cut}{MARK}").trim_start().into();
        }
        if length + MARK.len() <= SHOWN {
            cut.clone_from(&line);
        }
    }
    line.into()
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
            held: false,
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
        if self.template.is_none() && !self.held {
            self.template = Some(Arc::clone(template));
            self.span = span.cloned();
        }
        self
    }

    /// Says where in a template the error is, unless that is known.
    #[must_use]
    pub(crate) fn located(mut self, at: u32, template: &Arc<str>, span: Option<&Span>) -> Self {
        if self.template.is_none() && !self.held {
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

    /// Has the error of a call wait for the template that is finished in the end, unless its place is known.
    #[must_use]
    pub(crate) fn held(mut self) -> Self {
        self.held = self.template.is_none() && self.kind == ErrorKind::Runtime;
        self
    }

    /// Has what a macro's own lines refused wait as other calls' errors do.
    #[must_use]
    pub(crate) fn of_macro(mut self) -> Self {
        if self.kind == ErrorKind::Runtime && !self.framed {
            (self.template, self.span, self.offset, self.held) = (None, None, None, true);
        }
        self
    }

    /// Says which template is finished: the errors of calls in it are its own.
    #[must_use]
    pub(crate) fn released(mut self, doing: &str, template: &Arc<str>, span: Option<&Span>) -> Self {
        if !std::mem::take(&mut self.held) {
            return self;
        }
        self.framed_by(doing).in_template(template, span)
    }

    /// Says that what is before the message will be told apart from it.
    #[must_use]
    pub(crate) fn apart(self) -> Self {
        self.because(|cause| Cause { apart: true, ..cause })
    }

    /// Says that the error is about a value, which is shown apart.
    #[must_use]
    pub(crate) fn about(self, value: &Value) -> Self {
        self.because(|cause| Cause { span: Some(nowhere()), shown: Some(shortened(&value.text())), ..cause })
    }

    /// Adds Ansible's help to what is told apart.
    #[must_use]
    pub(crate) fn advised(mut self, help: &str) -> Self {
        if let Some(cause) = &mut self.cause {
            cause.help = Some(help.to_owned());
        }
        self
    }

    /// Says that the error comes from the one with a place and a help that it was so far.
    #[must_use]
    pub(crate) fn nested(mut self) -> Self {
        let (span, help) = (self.span.take(), self.help.take());
        self.template = None;
        self.because(|cause| Cause { span, help, ..cause })
    }

    fn because(mut self, as_it_is: impl FnOnce(Cause) -> Cause) -> Self {
        let cause = self.cause.take();
        let message = self.message.clone();
        let (span, shown, help) = (None, None, None);
        self.cause = Some(Box::new(as_it_is(Cause {
            message,
            span,
            shown,
            help,
            apart: false,
            unstopped: false,
            cause,
        })));
        self
    }

    /// Says what was being done in words without a full stop, where the cause is told apart.
    #[must_use]
    pub(crate) fn context_unstopped(mut self, doing: &str) -> Self {
        if let Some(cause) = &mut self.cause {
            cause.unstopped = true;
        }
        self.context(doing)
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
        if self.framed || self.held || self.kind != ErrorKind::Runtime {
            self
        } else {
            self.context(doing).framed()
        }
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
