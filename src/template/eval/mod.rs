//! Evaluation: from what is written and a scope to a value.
//!
//! An undefined variable is a value until something uses it, so that `default` and `is defined` can catch it; so is
//! an error inside of a filter. Everything else that goes wrong is an `Err` and ends the template it stands in.

mod access;
mod arithmetic;
mod call;
mod derived;
mod expression;
mod finish;
mod format;
mod frame;
mod inherit;
mod statement;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Node, Origin, Text};

pub(crate) use call::{Args, unknown_label};
pub(crate) use expression::known_truth;
use finish::first_error;
pub(crate) use format::{
    Layout, float as layout_float, format_date, integer as layout_integer, pad, percent_format,
    percent_format_of, signed as layout_signed,
};
pub(crate) use frame::Frame;
use frame::SeenByMacros;
pub(crate) use inherit::Run;

use crate::engine::{Mode, Overrides, Shared, TEMPLATE};
use crate::lazy::Lazy;
use crate::marks::{Marks, Notice};
use crate::object::Object;
use crate::scope::Found;
use crate::value::Repr;
use crate::{ErrorKind, Scope, TemplateError, Value, World};

pub(crate) type Evaluated = Result<Value, TemplateError>;

/// How deep templates may use one another.
const MAX_DEPTH: usize = 64;

/// How much of the stack an evaluation may take: threads have two megabytes, and the caller has used some.
const MAX_STACK: usize = 768 * 1024;

/// What one evaluation learns and remembers.
#[derive(Default)]
pub(crate) struct State {
    marks: RefCell<Marks>,
    /// The variables rendered so far, by scope and name.
    variables: RefCell<HashMap<(usize, Arc<str>), Value>>,
    /// The texts that are being rendered, by scope and place.
    rendering: RefCell<Vec<(usize, usize)>>,
    /// Scopes made on the way: what is remembered of their variables goes by their places.
    scopes: RefCell<Vec<Arc<dyn Scope>>>,
    depth: Cell<usize>,
    /// Where the stack was when the evaluation began.
    stack: Cell<Option<usize>>,
    /// Which errors texts stand in for.
    stand_ins: Cell<StandIns>,
    /// What those errors were.
    replaced: RefCell<Vec<String>>,
    /// What macros see, themselves among it.
    seen_by_macros: SeenByMacros,
}

/// Which errors are shown in a result as texts, instead of ending it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StandIns {
    #[default]
    None,
    /// Of what is undefined, as `debug` shows a variable.
    Undefined,
    /// Of everything, as names are shown.
    All,
}

impl State {
    /// Returns an error when the evaluation has used its share of the stack.
    pub(crate) fn check_stack(&self) -> Result<(), TemplateError> {
        let here = std::ptr::from_ref(&self).addr();
        let Some(begin) = self.stack.get() else {
            self.stack.set(Some(here));
            return Ok(());
        };
        if begin.abs_diff(here) > MAX_STACK { Err(too_deep()) } else { Ok(()) }
    }

    /// Says which errors are shown as texts.
    pub(crate) fn show_errors(&self, which: StandIns) {
        self.stand_ins.set(which);
    }

    fn shows(&self, error: &TemplateError) -> bool {
        match self.stand_ins.get() {
            StandIns::None => false,
            StandIns::Undefined => error.kind == ErrorKind::Undefined,
            StandIns::All => true,
        }
    }

    /// Returns the text that stands for an error, or the error where none does.
    pub(crate) fn stand_in(&self, error: &TemplateError) -> Result<String, TemplateError> {
        if !self.shows(error) {
            return Err(error.clone());
        }
        let mut replaced = self.replaced.borrow_mut();
        let told = format!("error {} - {}", replaced.len() + 1, error.message);
        replaced.push(told.clone());
        Ok(format!("<< {told} >>"))
    }

    pub(crate) fn into_marks(self) -> Marks {
        let replaced = self.replaced.into_inner();
        let mut marks = self.marks.into_inner();
        if !replaced.is_empty() {
            let several = if replaced.len() > 1 { "s" } else { "" };
            let (count, told) = (replaced.len(), replaced.join("\n"));
            marks.note(Notice::Warning(format!("Encountered {count} template error{several}.\n{told}")));
        }
        marks
    }
}

/// Where an expression is evaluated.
#[derive(Clone)]
pub(crate) struct Cx<'e> {
    pub(crate) shared: &'e Arc<Shared>,
    pub(crate) state: &'e State,
    pub(crate) scope: Arc<dyn Scope>,
    pub(crate) frame: Arc<Frame>,
    /// The template's outermost frame, which its blocks see.
    pub(crate) top: Arc<Frame>,
    pub(crate) run: Arc<Run>,
    /// Where templates are looked for that this one includes, if not along the scope's search path.
    pub(crate) folders: Option<Arc<Vec<String>>>,
    /// The delimiters of the templates that this one includes.
    pub(crate) overrides: Arc<Overrides>,
    /// The template's text and place, for errors.
    pub(crate) source: Arc<str>,
    pub(crate) span: Option<Span>,
    /// Constants that are templates themselves are rendered at once: a conditional is evaluated.
    pub(crate) renders_constants: bool,
}

fn too_deep() -> TemplateError {
    TemplateError::runtime("Recursive loop detected in template: the templates use one another too deeply")
        .framed()
}

fn address<T: ?Sized>(of: &Arc<T>) -> usize {
    Arc::as_ptr(of).cast::<()>() as usize
}

impl<'e> Cx<'e> {
    pub(crate) fn new(shared: &'e Arc<Shared>, state: &'e State, scope: Arc<dyn Scope>) -> Self {
        let frame = Frame::root();
        Self {
            shared,
            state,
            scope,
            top: Arc::clone(&frame),
            frame,
            run: Arc::default(),
            folders: None,
            overrides: Arc::default(),
            source: Arc::from(""),
            span: None,
            renders_constants: false,
        }
    }

    /// Returns the same evaluation in another scope, without the template's own variables.
    pub(crate) fn in_scope(&self, scope: &Arc<dyn Scope>) -> Self {
        let frame = Frame::root();
        Self {
            scope: Arc::clone(scope),
            top: Arc::clone(&frame),
            frame,
            renders_constants: false,
            ..self.clone()
        }
    }

    /// Keeps a scope for as long as the evaluation lasts.
    pub(crate) fn keep(&self, scope: Arc<dyn Scope>) -> Arc<dyn Scope> {
        self.state.scopes.borrow_mut().push(Arc::clone(&scope));
        scope
    }

    pub(crate) fn world(&self) -> &dyn World {
        &*self.shared.world
    }

    pub(crate) fn deprecate(&self, message: impl Into<String>) {
        self.state.marks.borrow_mut().note(Notice::Deprecation(message.into()));
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.state.marks.borrow_mut().note(Notice::Warning(message.into()));
    }

    pub(crate) fn mark_secret(&self) {
        self.state.marks.borrow_mut().secret = true;
    }

    /// Notes that something unknown was used, where the value is.
    pub(crate) fn seen(&self, value: Value) -> Value {
        if matches!(value.0, Repr::Unknown(_)) || value.as_str().is_some_and(crate::marker::is_marked) {
            self.state.marks.borrow_mut().unknown = true;
        }
        value
    }

    /// Returns what a name stands for in the scope; the template's own variables are looked up before.
    pub(crate) fn variable(&self, name: &Arc<str>) -> Option<Value> {
        let key = (address(&self.scope), Arc::clone(name));
        if let Some(value) = self.state.variables.borrow().get(&key) {
            return Some(value.clone());
        }
        let found = self.scope.lookup(name);
        let secret = found.is_some() && self.scope.is_secret(name);
        {
            let mut marks = self.state.marks.borrow_mut();
            marks.looked_up.insert(Arc::clone(name));
            marks.secret |= secret;
        }
        let value = self.found(found?, None).unwrap_or_else(|error| Value::error(error.recursion_of(name)));
        let value = self.seen(value);
        if secret {
            self.conceal(&value);
        }
        // Each use of what texts stand in for is an error of its own.
        if self.state.stand_ins.get() == StandIns::None {
            self.state.variables.borrow_mut().insert(key, value.clone());
        }
        Some(value)
    }

    /// Returns the value of what a scope gave; `scope` is the one it came from, where that is not this one's own.
    pub(crate) fn found(&self, found: Found, scope: Option<&Arc<dyn Scope>>) -> Evaluated {
        match found {
            Found::Data(value) => Ok(value),
            Found::Written(node) => self.written(&node, scope),
            Found::Scope(inner) => Ok(Value::object(Object::Scope(inner))),
        }
    }

    /// Returns the value of what the user wrote; containers stay as they are until they are used.
    pub(crate) fn written(&self, node: &Node, scope: Option<&Arc<dyn Scope>>) -> Evaluated {
        match &node.data {
            Data::Text(text) if text.origin == Origin::Template && looks_like_template(&text.text) => {
                match scope {
                    Some(scope) => self.in_scope(scope).template(&text.text, Some(&node.span)),
                    None => self.in_scope(&self.scope).template(&text.text, Some(&node.span)),
                }
            }
            Data::Seq(_) | Data::Map(_) => {
                Ok(Value(Repr::Lazy(Arc::new(Lazy::new(node.clone(), scope.cloned())))))
            }
            data => self.scalar(data),
        }
    }

    fn scalar(&self, data: &Data) -> Evaluated {
        Ok(match data {
            Data::Bool(yes) => (*yes).into(),
            Data::Int(number) => (*number).into(),
            Data::BigInt(digits) => crate::value::parse_whole(digits, 10)
                .ok_or_else(|| TemplateError::runtime(format!("{digits} is no whole number")))?,
            Data::Float(number) => (*number).into(),
            Data::Text(Text { text, origin: Origin::Vault }) => {
                self.mark_secret();
                let opened = self.world().open_vault(text);
                opened.map_err(TemplateError::runtime)?.into()
            }
            Data::Text(text) => Value::from_json(serde_json::Value::String(text.text.to_string())),
            Data::Null | Data::Seq(_) | Data::Map(_) => Value::NONE,
        })
    }

    /// Returns an element of what the user wrote.
    pub(crate) fn child(&self, lazy: &Lazy, index: usize) -> Value {
        let Some(slot) = lazy.rendered.get(index) else { return Value::NONE };
        if let Some(value) = slot.get() {
            return self.seen(value.clone());
        }
        let rendered = match &lazy.node.data {
            Data::Seq(items) => items.get(index).map(|item| self.written(item, lazy.scope.as_ref())),
            Data::Map(mapping) => {
                mapping.entries.get(index).map(|(_, value)| self.written(value, lazy.scope.as_ref()))
            }
            _ => None,
        };
        let value = rendered.unwrap_or(Ok(Value::NONE)).unwrap_or_else(Value::error);
        slot.set(value.clone()).ok();
        self.seen(value)
    }

    /// Renders one template text; its variables are the scope's.
    pub(crate) fn template(&self, text: &Arc<str>, span: Option<&Span>) -> Evaluated {
        let place = (address(&self.scope), address(text));
        if self.state.rendering.borrow().contains(&place) {
            return Err(TemplateError::recursion().in_template(text, span));
        }
        self.state.rendering.borrow_mut().push(place);
        let value = self.guarded(|| self.template_unguarded(text, span));
        self.state.rendering.borrow_mut().pop();
        value.map_err(|error| error.in_template(text, span))
    }

    /// Evaluates what may come back here, as deep as the stack can bear.
    pub(crate) fn guarded(&self, evaluate: impl FnOnce() -> Evaluated) -> Evaluated {
        let depth = self.state.depth.get();
        if depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.state.depth.set(depth + 1);
        let value = evaluate();
        self.state.depth.set(depth);
        value
    }

    fn template_unguarded(&self, text: &Arc<str>, span: Option<&Span>) -> Evaluated {
        let program = self
            .shared
            .compile(text, &Mode::Text)
            .map_err(|error| error.context("Syntax error in template").framed().in_template(text, span));
        let program = match program {
            Ok(program) => program,
            Err(error) => return self.state.stand_in(&error).map(Value::from),
        };
        let cx = Self {
            source: Arc::clone(&program.source),
            span: span.cloned(),
            run: Arc::default(),
            ..self.clone()
        };
        let value = cx.program(&program).map_err(|error| error.framed_by(TEMPLATE))?;
        Ok(restore_newlines(text, value, "\n"))
    }

    /// Returns an error of this template at an offset, as a value.
    pub(crate) fn undefined(&self, message: impl Into<String>, at: u32) -> Value {
        let error = TemplateError { offset: Some(at as usize), ..TemplateError::undefined(message) };
        Value::error(error.in_template(&self.source, self.span.as_ref()))
    }
}

/// Returns whether a text has to be rendered at all.
pub(crate) fn looks_like_template(text: &str) -> bool {
    text.starts_with("#jinja2:") || text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Gives a text the line ends back that its template ended with.
pub(crate) fn restore_newlines(template: &str, value: Value, newline: &str) -> Value {
    let ends = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let Some(text) = value.as_str() else { return value };
    let missing = ends(template).saturating_sub(ends(text));
    if missing == 0 {
        return value;
    }
    Value::from(format!("{text}{}", newline.repeat(missing)))
}
