use std::sync::Arc;

use rplay_syntax::Node;

use crate::{Condition, Rendered, Scope, TemplateError, Value, World};

/// How templates behave, beyond what a single one says.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Ansible's `ALLOW_BROKEN_CONDITIONALS`: the truth of any value will do as a conditional's result.
    pub allow_broken_conditionals: bool,
}

/// Delimiters and white space of one template; what is `None` is Ansible's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Overrides {
    pub block_start_string: Option<String>,
    pub block_end_string: Option<String>,
    pub variable_start_string: Option<String>,
    pub variable_end_string: Option<String>,
    pub comment_start_string: Option<String>,
    pub comment_end_string: Option<String>,
    pub line_statement_prefix: Option<String>,
    pub line_comment_prefix: Option<String>,
    pub trim_blocks: Option<bool>,
    pub lstrip_blocks: Option<bool>,
    pub newline_sequence: Option<String>,
    pub keep_trailing_newline: Option<bool>,
}

/// A file that the `template` module renders.
#[derive(Clone, Debug)]
pub struct FileTemplate<'a> {
    pub text: &'a str,
    /// The file's name, for messages.
    pub name: &'a str,
    pub overrides: Overrides,
    /// Where `include`, `import` and `extends` look for files, the nearest first.
    pub folders: Vec<String>,
}

/// Renders what users write. Cheap to clone; templates are compiled once and kept.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) world: Arc<dyn World>,
}

fn unbuilt<T>() -> Result<T, TemplateError> {
    Err(TemplateError::runtime("templates are not built yet"))
}

impl Engine {
    pub fn new(settings: Settings, world: Arc<dyn World>) -> Self {
        Self { shared: Arc::new(Shared { settings, world }) }
    }

    /// Renders a tree: each string the user wrote is a template, `omit` leaves out what it stands for.
    ///
    /// Where the whole tree is `omit` the error's kind is [`crate::ErrorKind::Omitted`].
    pub fn render(&self, _node: &Node, _scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        unbuilt()
    }

    /// Renders one template that stands in no file.
    pub fn render_str(&self, _template: &str, _scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        unbuilt()
    }

    /// Evaluates an expression without delimiters, such as `debug`'s `var`.
    pub fn evaluate(&self, _expression: &Node, _scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        unbuilt()
    }

    /// Evaluates one conditional of `when`, `until`, `failed_when`, `changed_when` or `assert`.
    pub fn condition(
        &self,
        _conditional: &Node,
        _scope: &Arc<dyn Scope>,
    ) -> Result<Condition, TemplateError> {
        unbuilt()
    }

    /// Renders a file as the `template` module does: the value is always a text.
    pub fn render_file(
        &self,
        _file: &FileTemplate<'_>,
        _scope: &Arc<dyn Scope>,
    ) -> Result<Rendered, TemplateError> {
        unbuilt()
    }

    /// Runs a lookup as `with_NAME: terms` does; the value is the list of items.
    pub fn lookup(
        &self,
        _name: &str,
        _terms: &Value,
        _scope: &Arc<dyn Scope>,
    ) -> Result<Rendered, TemplateError> {
        unbuilt()
    }

    /// Returns whether a lookup of this name exists: whether `with_NAME` is a loop.
    pub fn has_lookup(&self, _name: &str) -> bool {
        false
    }
}
