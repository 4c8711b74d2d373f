use rplay_event::Span;

/// Something in a file that works and is likely not meant, or will be gone one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub kind: WarningKind,
    /// One line, worded as Ansible words it where Ansible warns of the same.
    pub message: String,
    pub span: Span,
    /// What to write instead.
    pub help: Option<String>,
}

/// How a warning is announced: `[WARNING]` or `[DEPRECATION WARNING]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    Warning,
    Deprecated,
    /// A key that stands twice in a mapping: a setting of Ansible's says what becomes of it.
    Duplicate,
    /// An old form that will stay, of which Ansible says nothing: for `lint` alone.
    Hint,
}

impl Warning {
    pub(crate) fn new(message: impl Into<String>, span: &Span) -> Self {
        Self { kind: WarningKind::Warning, message: message.into(), span: span.clone(), help: None }
    }

    pub(crate) fn deprecated(message: impl Into<String>, span: &Span) -> Self {
        Self { kind: WarningKind::Deprecated, ..Self::new(message, span) }
    }

    pub(crate) fn duplicate(message: impl Into<String>, span: &Span) -> Self {
        Self { kind: WarningKind::Duplicate, ..Self::new(message, span) }
    }

    pub(crate) fn hint(message: impl Into<String>, span: &Span) -> Self {
        Self { kind: WarningKind::Hint, ..Self::new(message, span) }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What was read, and what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<T> {
    pub value: T,
    pub warnings: Vec<Warning>,
}
