use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::syntax::SyntaxConfig;
use rplay_event::Span;
use rplay_syntax::{Data, Node, Origin};

use crate::builtin::Builtin;
use crate::condition::text_of;
use crate::error::{Step, nowhere};
use crate::eval::{Cx, StandIns, State, looks_like_template, restore_newlines};
use crate::functions::Function;
use crate::overlay::{Overlay, Place};
pub(crate) use crate::overrides::Overrides;
use crate::overrides::split_header;
use crate::parse::tree::Program;
use crate::parse::{self, Dialect, Names};
use crate::value::{Dict, Repr};
use crate::{PluginKind, Rendered, Scope, TemplateError, Value, World, filters, lookups};

/// How templates behave, beyond what a single one says.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Ansible's `ALLOW_BROKEN_CONDITIONALS`: the truth of any value will do as a conditional's result.
    pub allow_broken_conditionals: bool,
    /// The opposite of Ansible's `ALLOW_EMBEDDED_TEMPLATES`: constants in expressions are never templates.
    pub keep_embedded_templates: bool,
    /// Ansible's `DEFAULT_JINJA2_EXTENSIONS`: `jinja2.ext.do` and `jinja2.ext.loopcontrols` add tags.
    pub jinja_extensions: Vec<String>,
    /// Ansible's `DEFAULT_MANAGED_STR`: what `ansible_managed` is.
    pub managed: Option<String>,
}

/// A file that the `template` module renders.
#[derive(Clone, Debug)]
pub struct FileTemplate<'a> {
    pub text: &'a str,
    /// The file's whole path.
    pub name: &'a str,
    /// The file as the user named it.
    pub given: &'a str,
    /// Where the result goes.
    pub dest: Option<&'a str>,
    pub overrides: Overrides,
    /// Where `include`, `import` and `extends` look for files, the nearest first.
    pub folders: Vec<String>,
}

/// Renders what users write. Cheap to clone; templates are compiled once and kept.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) world: Arc<dyn World>,
    pub(crate) filters: HashMap<String, &'static Builtin>,
    pub(crate) tests: HashMap<String, &'static Builtin>,
    programs: Mutex<HashMap<Mode, HashMap<Arc<str>, Compiled>>>,
}

type Compiled = Result<Arc<Program>, TemplateError>;

/// How a text is compiled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// A string out of YAML.
    Text,
    /// An expression without delimiters: its backslashes are Python's.
    Expression,
    /// A file, or what a file includes.
    File(Arc<Overrides>),
}

/// How many compiled templates are kept of each mode.
const MAX_KEPT: usize = 20_000;

impl Shared {
    /// Returns the compiled text, compiling it at most once.
    pub(crate) fn compile(&self, text: &Arc<str>, mode: &Mode) -> Compiled {
        let lock = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().get(mode).and_then(|kept| kept.get(text)) {
            return kept.clone();
        }
        let compiled = self.compile_anew(text, mode).map(Arc::new);
        let mut programs = lock();
        let kept = programs.entry(mode.clone()).or_default();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(Arc::clone(text), compiled.clone());
        compiled
    }

    fn compile_anew(&self, text: &str, mode: &Mode) -> Result<Program, TemplateError> {
        match mode {
            Mode::Expression => parse::expression(text, &self.dialect(&Overrides::default(), false)?, self),
            Mode::Text => {
                let (text, overrides) = split_header(text, &Overrides::default())?;
                parse::template(text, &self.dialect(&overrides, true)?, self)
            }
            Mode::File(overrides) => {
                let (text, overrides) = split_header(text, overrides)?;
                parse::template(text, &self.dialect(&overrides, false)?, self)
            }
        }
    }

    fn dialect(&self, overrides: &Overrides, literal_backslashes: bool) -> Result<Dialect, TemplateError> {
        let extends = |name: &str| self.settings.jinja_extensions.iter().any(|known| known == name);
        Ok(Dialect {
            syntax: syntax(overrides)?,
            newline: overrides.newline_sequence.as_deref().unwrap_or("\n").into(),
            keep_trailing_newline: overrides.keep_trailing_newline.unwrap_or(false),
            literal_backslashes,
            do_tag: extends("jinja2.ext.do"),
            loop_controls: extends("jinja2.ext.loopcontrols"),
        })
    }
}

fn syntax(overrides: &Overrides) -> Result<SyntaxConfig, TemplateError> {
    let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let mut builder = SyntaxConfig::builder();
    builder
        .trim_blocks(overrides.trim_blocks.unwrap_or(true))
        .lstrip_blocks(overrides.lstrip_blocks.unwrap_or(false))
        .keep_trailing_newline(true);
    if overrides.changes_delimiters() {
        builder
            .block_delimiters(or(&overrides.block_start_string, "{%"), or(&overrides.block_end_string, "%}"))
            .variable_delimiters(
                or(&overrides.variable_start_string, "{{"),
                or(&overrides.variable_end_string, "}}"),
            )
            .comment_delimiters(
                or(&overrides.comment_start_string, "{#"),
                or(&overrides.comment_end_string, "#}"),
            );
    }
    if let Some(prefix) = &overrides.line_statement_prefix {
        builder.line_statement_prefix(prefix.clone());
    }
    if let Some(prefix) = &overrides.line_comment_prefix {
        builder.line_comment_prefix(prefix.clone());
    }
    let wrong = "Block, variable and comment start strings must be different.";
    builder.build().map_err(|_| TemplateError::syntax(wrong, 0))
}

impl Names for Shared {
    fn has_filter(&self, name: &str) -> bool {
        self.filters.contains_key(name) || self.world.has_plugin(PluginKind::Filter, name)
    }

    fn has_test(&self, name: &str) -> bool {
        self.tests.contains_key(name) || self.world.has_plugin(PluginKind::Test, name)
    }

    fn suggest_filter(&self, name: &str) -> Option<String> {
        nearest(name, self.filters.keys().map(String::as_str))
    }

    fn suggest_test(&self, name: &str) -> Option<String> {
        nearest(name, self.tests.keys().map(String::as_str))
    }
}

/// Returns the known name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = known.map(|known| (strsim::osa_distance(name, known), known));
    let limit = (name.chars().count() / 3).clamp(1, 3);
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known.to_owned())
}

impl Engine {
    pub fn new(settings: Settings, world: Arc<dyn World>) -> Self {
        let shared = Shared {
            settings,
            world,
            filters: filters::all(),
            tests: crate::predicates::all(),
            programs: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn with<T>(
        &self,
        scope: &Arc<dyn Scope>,
        evaluate: impl FnOnce(&Cx<'_>) -> Result<T, TemplateError>,
    ) -> Result<(T, crate::Marks), TemplateError> {
        self.with_stand_ins(StandIns::None, scope, evaluate)
    }

    fn with_stand_ins<T>(
        &self,
        which: StandIns,
        scope: &Arc<dyn Scope>,
        evaluate: impl FnOnce(&Cx<'_>) -> Result<T, TemplateError>,
    ) -> Result<(T, crate::Marks), TemplateError> {
        let state = State::default();
        state.show_errors(which);
        let value = evaluate(&Cx::new(&self.shared, &state, Arc::clone(scope)))?;
        Ok((value, state.into_marks()))
    }

    /// Renders a tree: each string the user wrote is a template, `omit` leaves out what it stands for.
    ///
    /// Where the whole tree is `omit` the error's kind is [`crate::ErrorKind::Omitted`].
    pub fn render(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let (value, marks) = self
            .with(scope, |cx| match node_value(cx, node)? {
                value if value.is_omit() => cx.finish(&value),
                value => Ok(value),
            })
            .map_err(|error| released(error, node))?;
        Ok(Rendered { value, marks })
    }

    /// Renders what is behind `with_NAME`, for [`Engine::lookup`].
    pub fn render_terms(&self, terms: &Node, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let rendered = self.with(scope, |cx| match node_value(cx, terms)? {
            value if value.is_omit() => cx.finish(&value),
            value => Ok(value),
        });
        // One template is rendered before the lookup is asked, what stands in a list only by it.
        let (value, marks) = rendered.map_err(|error| match &terms.data {
            Data::Text(_) => released(error, terms),
            _ => of_loop(error),
        })?;
        Ok(Rendered { value, marks })
    }

    /// Renders a tree as [`Engine::render`] does, without the elements and entries that are undefined.
    pub fn render_defined(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let (value, marks) = self
            .with(scope, |cx| {
                let value = cx.forced(&cx.written(node, None)?);
                cx.finish(&defined(&value))
            })
            .map_err(|error| released(error, node))?;
        Ok(Rendered { value, marks })
    }

    /// Renders one template that stands in no file.
    pub fn render_str(&self, template: &str, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let (value, marks) = self
            .with(scope, |cx| {
                if !looks_like_template(template) {
                    return Ok(template.into());
                }
                cx.finish(&cx.template(&Arc::from(template), None)?)
            })
            .map_err(|error| error.released(TEMPLATE, &Arc::from(template), None))?;
        Ok(Rendered { value, marks })
    }

    /// Evaluates an expression without delimiters, such as `debug`'s `var`.
    pub fn evaluate(&self, expression: &Node, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let Data::Text(text) = &expression.data else { return self.render(expression, scope) };
        let (value, marks) = self.with(scope, |cx| cx.expression(&text.text, Some(&expression.span)))?;
        Ok(Rendered { value, marks })
    }

    /// Renders what is only shown, such as a task's name: texts stand for all that cannot be rendered.
    pub fn render_shown(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let (value, marks) = self.with_stand_ins(StandIns::All, scope, |cx| node_value(cx, node))?;
        Ok(Rendered { value, marks })
    }

    /// Evaluates an expression as [`Engine::evaluate`] does; texts stand for what is undefined.
    pub fn evaluate_shown(
        &self,
        expression: &Node,
        scope: &Arc<dyn Scope>,
    ) -> Result<Rendered, TemplateError> {
        let (value, marks) =
            self.with_stand_ins(StandIns::Undefined, scope, |cx| match &expression.data {
                Data::Text(text) => cx.expression(&text.text, Some(&expression.span)),
                _ => node_value(cx, expression),
            })?;
        Ok(Rendered { value, marks })
    }

    /// Evaluates an expression without delimiters that stands in no file.
    pub fn evaluate_str(&self, expression: &str, scope: &Arc<dyn Scope>) -> Result<Rendered, TemplateError> {
        let text = Arc::from(expression);
        let (value, marks) = self.with(scope, |cx| cx.expression(&text, None))?;
        Ok(Rendered { value, marks })
    }

    /// Renders a file as the `template` module does: the value is always a text.
    pub fn render_file(
        &self,
        file: &FileTemplate<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<Rendered, TemplateError> {
        let (value, marks) = self.with(scope, |cx| cx.file(file))?;
        Ok(Rendered { value, marks })
    }

    /// Runs a lookup as `with_NAME: terms` does; the value is the list of items.
    ///
    /// `terms` is what the user wrote, rendered (see [`Engine::render`]); `action` is the task's, which says where
    /// `first_found` looks.
    pub fn lookup(
        &self,
        name: &str,
        terms: &Value,
        action: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<Rendered, TemplateError> {
        let (value, marks) = self
            .with(scope, |cx| {
                let items = lookups::with_loop(cx, name, terms, action)?;
                cx.finish(&items)
            })
            .map_err(|error| of_loop(error.held()))?;
        Ok(Rendered { value, marks })
    }

    /// Returns whether a lookup of this name exists: whether `with_NAME` is a loop.
    pub fn has_lookup(&self, name: &str) -> bool {
        lookups::exists(name) || self.shared.world.has_plugin(PluginKind::Lookup, name)
    }

    /// Checks a template or expression without evaluating it, and returns the variables it may ask for.
    pub fn inspect(&self, text: &str, form: Form) -> Result<Vec<String>, TemplateError> {
        let Some(program) = self.program(text, form)? else { return Ok(Vec::new()) };
        let mut names = std::collections::HashSet::new();
        parse::walk::names_in(&program.body, &mut names);
        let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.sort();
        Ok(names)
    }

    /// Returns the variables without which a template or expression is certain to fail: no `default`, no `is defined`
    /// and no condition stands between.
    pub fn needs(&self, text: &str, form: Form) -> Result<Vec<String>, TemplateError> {
        let Some(program) = self.program(text, form)? else { return Ok(Vec::new()) };
        let shared = &self.shared;
        let forgives = |name: &str| {
            [&shared.filters, &shared.tests]
                .iter()
                .filter_map(|builtins| builtins.get(name))
                .any(|builtin| builtin.takes_undefined)
        };
        let mut names = std::collections::HashSet::new();
        parse::walk::needed_in(&program.body, &forgives, &mut names);
        let provided =
            |name: &str| Function::named(name).is_some() || matches!(name, "omit" | "vars" | "self");
        let mut names: Vec<String> =
            names.iter().filter(|name| !provided(name)).map(ToString::to_string).collect();
        names.sort();
        Ok(names)
    }

    /// Returns what a text is once it is parsed; `None` where it is no template.
    fn program(&self, text: &str, form: Form) -> Result<Option<Arc<parse::tree::Program>>, TemplateError> {
        let (mode, what) = match form {
            Form::Template if !looks_like_template(text) => return Ok(None),
            Form::Template => (Mode::Text, "Syntax error in template"),
            Form::Expression => (Mode::Expression, "Syntax error in expression"),
        };
        self.shared.compile(&Arc::from(text), &mode).map(Some).map_err(|error| error.context(what))
    }
}

/// What was being done when a template failed.
pub(crate) const TEMPLATE: &str = "Error rendering template";

/// What Ansible shows in the place of a template where a loop's own lookup has failed.
const LOOP: &str = "invoke_lookup()";

/// Says that an error without a place of its own is that of a loop's lookup.
fn of_loop(error: TemplateError) -> TemplateError {
    let (text, place) = (Arc::from(LOOP), nowhere());
    error.released(TEMPLATE, &text, Some(&place)).in_template(&text, Some(&place))
}

/// Says that the errors of calls in a whole tree are those of what the user wrote there.
fn released(error: TemplateError, node: &Node) -> TemplateError {
    let text = text_of(node);
    let error = error.released(TEMPLATE, &text, Some(&node.span));
    if error.kind == crate::ErrorKind::Omitted { error.in_template(&text, Some(&node.span)) } else { error }
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text with `{{ }}` and `{% %}` in it.
    Template,
    /// What stands inside of `{{ }}`: conditionals, `debug`'s `var`.
    Expression,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// Renders a node and all in it; an error says which part of it failed.
/// Returns a value without its undefined parts.
fn defined(value: &Value) -> Value {
    let is_missing = |error: &TemplateError| error.kind == crate::ErrorKind::Undefined;
    let is_defined = |part: &&Value| !matches!(&part.0, Repr::Undefined(error) if is_missing(error));
    match &value.0 {
        Repr::List(items) => items.iter().filter(is_defined).map(defined).collect(),
        Repr::Tuple(items) => Value::tuple(items.iter().filter(is_defined).map(defined).collect()),
        Repr::Dict(dict) => {
            let parts = dict.iter().filter(|(_, part)| is_defined(part));
            parts.map(|(key, part)| (key.clone(), defined(part))).collect::<Dict>().into()
        }
        _ => value.clone(),
    }
}

fn node_value(cx: &Cx<'_>, node: &Node) -> Result<Value, TemplateError> {
    match &node.data {
        Data::Seq(items) => {
            let mut rendered = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let value = node_value(cx, item).map_err(|error| error.inside(Step::Index(index)))?;
                if !value.is_omit() {
                    rendered.push(value);
                }
            }
            Ok(rendered.into())
        }
        Data::Map(mapping) => {
            let mut rendered = Dict::with_capacity(mapping.entries.len());
            for (key, value) in &mapping.entries {
                let key = cx.key(&key.data);
                let value = node_value(cx, value).map_err(|error| error.inside(Step::Key(key.text())))?;
                if !value.is_omit() {
                    rendered.insert(key, value);
                }
            }
            Ok(rendered.into())
        }
        Data::Text(text) if text.origin == Origin::Template && looks_like_template(&text.text) => {
            let value = cx.template(&text.text, Some(&node.span))?;
            if value.is_omit() { Ok(value) } else { cx.finish_in(&value, &text.text, Some(&node.span)) }
        }
        _ => cx.written(node, None),
    }
}

impl Cx<'_> {
    /// Finishes a value; an error that does not say where it comes from comes from this template.
    fn finish_in(&self, value: &Value, text: &Arc<str>, span: Option<&Span>) -> Result<Value, TemplateError> {
        let finished = self.finish(value);
        finished.map_err(|error| error.framed_by(TEMPLATE).in_template(text, span))
    }

    pub(crate) fn expression(&self, text: &Arc<str>, span: Option<&Span>) -> Result<Value, TemplateError> {
        let program = self.shared.compile(text, &Mode::Expression).map_err(|error| {
            let hint = if looks_like_template(text) {
                "Syntax error in expression. Template delimiters are not supported in expressions"
            } else {
                "Syntax error in expression"
            };
            error.context(hint).framed().in_template(text, span)
        })?;
        let cx = Cx { source: Arc::clone(&program.source), span: span.cloned(), ..self.clone() };
        let value = match program.body.first() {
            Some(parse::tree::Stmt::Print(expr)) => cx.eval(expr),
            _ => Ok(Value::NONE),
        };
        let finished = value.and_then(|value| cx.finish(&value));
        let finished = finished.or_else(|error| self.state.stand_in(&error).map(Value::from));
        finished.map_err(|error| {
            const EXPRESSION: &str = "Error rendering expression";
            error.released(EXPRESSION, text, span).framed_by(EXPRESSION).in_template(text, span)
        })
    }

    fn file(&self, file: &FileTemplate<'_>) -> Result<Value, TemplateError> {
        let text: Arc<str> = file.text.into();
        // The whole file is one template, of which no line is meant.
        let span = Span::new(file.name, 0, 0);
        let overrides = Arc::new(file.overrides.clone());
        let program = self
            .shared
            .compile(&text, &Mode::File(Arc::clone(&overrides)))
            .map_err(|error| error.context("Syntax error in template").in_template(&text, Some(&span)))?;
        let place = Place { given: file.given, path: file.name, dest: file.dest };
        let scope = self.keep(Overlay::over(&self.scope, self.file_variables(&place)));
        let cx = Cx {
            source: Arc::clone(&program.source),
            span: Some(span.clone()),
            folders: Some(Arc::new(file.folders.clone())),
            overrides,
            ..self.in_scope(&scope)
        };
        let value = cx.program(&program).and_then(|value| cx.finish(&value));
        let value = value.map_err(|error| {
            error.released(TEMPLATE, &text, Some(&span)).framed_by(TEMPLATE).in_template(&text, Some(&span))
        })?;
        let newline = file.overrides.newline_sequence.as_deref().unwrap_or("\n");
        // Only a text gets its line end back: what is all of one value, or nothing at all, has none.
        let value = restore_newlines(file.text, value, newline);
        Ok(if value.is_none() { Value::from("") } else { value.text().into() })
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
