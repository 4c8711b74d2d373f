//! Conditionals: `when`, `until`, `failed_when`, `changed_when`, `assert`.

use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Node, Origin};

use crate::engine::{Engine, Mode, TEMPLATE};
use crate::eval::{Cx, looks_like_template};
use crate::parse::tree::{Expr, Node as Expression, Stmt};
use crate::value::Repr;
use crate::{Condition, ErrorKind, Found, Scope, TemplateError, Tri, Value};

/// How many variables may stand for one another until the text of a conditional is reached.
const MAX_INDIRECTIONS: usize = 20;

impl Engine {
    /// Evaluates one conditional of `when`, `until`, `failed_when`, `changed_when` or `assert`.
    pub fn condition(&self, conditional: &Node, scope: &Arc<dyn Scope>) -> Result<Condition, TemplateError> {
        let (truth, marks) = self.with(scope, |cx| {
            let value = cx.conditional(conditional)?;
            cx.verdict(&value, conditional)
        })?;
        Ok(Condition { truth, marks })
    }

    /// Returns the elements of the list that a template stands for, where the user wrote it in a variable.
    pub fn written_list(&self, node: &Node, scope: &Arc<dyn Scope>) -> Option<Vec<Node>> {
        let text: Arc<str> = node.as_str()?.trim().into();
        let list = |cx: &Cx<'_>| {
            let program = cx.shared.compile(&text, &Mode::Text)?;
            Ok(match program.body.as_slice() {
                [Stmt::Print(expr)] => cx.written_node(expr),
                _ => None,
            })
        };
        match self.with(scope, list).ok()?.0?.data {
            Data::Seq(items) => Some(items.to_vec()),
            _ => None,
        }
    }
}

fn broken(message: impl Into<String>) -> TemplateError {
    let help = "Broken conditionals can be temporarily allowed with the `ALLOW_BROKEN_CONDITIONALS` configuration option.";
    TemplateError::new(ErrorKind::Conditional, message).help(Some(help.to_owned()))
}

/// Refuses to evaluate what the user has not written.
fn untrusted(text: &Arc<str>, node: &Node) -> TemplateError {
    let help = "Templates and expressions must be defined by trusted sources such as playbooks or roles, not untrusted \
                sources such as module results.";
    TemplateError::runtime("Encountered untrusted template or expression.")
        .help(Some(help.to_owned()))
        .in_template(text, Some(&node.span))
}

impl Cx<'_> {
    fn conditional(&self, node: &Node) -> Result<Value, TemplateError> {
        let written = text_of(node);
        self.conditional_value(node).map_err(|error| match error.kind {
            ErrorKind::Undefined => {
                let error = error.nested().context("Error while evaluating conditional");
                error.in_template(&written, Some(&node.span))
            }
            ErrorKind::Conditional => error.in_template(&written, Some(&node.span)),
            _ => error,
        })
    }

    fn conditional_value(&self, node: &Node) -> Result<Value, TemplateError> {
        let text = match &node.data {
            Data::Bool(yes) => return Ok((*yes).into()),
            Data::Null => return self.empty(),
            Data::Text(text) if text.origin == Origin::Unsafe => return Err(untrusted(&text.text, node)),
            Data::Text(text) => Arc::clone(&text.text),
            _ if self.shared.settings.allow_broken_conditionals => {
                return self.finish(&self.written(node, None)?);
            }
            _ => return Err(broken("Conditional expressions must be strings.")),
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return self.empty();
        }
        let expression: Arc<str> = if trimmed.len() == text.len() { text } else { trimmed.into() };
        if is_all_template(&expression) {
            self.indirect(&expression, node)
        } else {
            self.condition_expression(&expression, node)
        }
    }

    fn empty(&self) -> Result<Value, TemplateError> {
        if self.shared.settings.allow_broken_conditionals {
            self.deprecate("Empty conditional expression was evaluated as True.");
            return Ok(true.into());
        }
        Err(broken("Empty conditional expressions are not allowed."))
    }

    /// A conditional in delimiters gives its result, or the text of the expression to evaluate.
    fn indirect(&self, text: &Arc<str>, node: &Node) -> Result<Value, TemplateError> {
        let value = self.template(text, Some(&node.span)).and_then(|value| self.finish(&value));
        let value = value.map_err(|error| {
            let place = Some(&node.span);
            error.released(TEMPLATE, text, place).framed_by(TEMPLATE).in_template(text, place)
        })?;
        match &value.0 {
            Repr::Str(inner) if value.contains_unknown() => Ok(Value::unknown(inner.to_string())),
            Repr::Str(inner) if inner.trim().is_empty() => self.empty(),
            Repr::Str(_) => match self.written_by_user(text) {
                Some(inner) => self.condition_expression(&inner.trim().into(), node),
                None => Err(untrusted(text, node)),
            },
            Repr::None => self.empty(),
            _ => {
                self.deprecate(
                    "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.",
                );
                Ok(value)
            }
        }
    }

    /// Returns the text that a template stands for, where the user wrote it: a result is never evaluated.
    fn written_by_user(&self, text: &Arc<str>) -> Option<Arc<str>> {
        let program = self.shared.compile(text, &Mode::Text).ok()?;
        match program.body.as_slice() {
            [Stmt::Print(expr)] => self.written_source(expr, MAX_INDIRECTIONS),
            _ => None,
        }
    }

    fn written_source(&self, expr: &Expr, left: usize) -> Option<Arc<str>> {
        let node = match &*expr.node {
            Expression::If { test, then, otherwise } => {
                let chosen = if self.truth(test).ok()?? { Some(then) } else { otherwise.as_ref() };
                return self.written_source(chosen?, left);
            }
            Expression::Filter(target, used) if matches!(&*used.name, "default" | "d") => {
                let defined = !self.eval(target).ok()?.is_undefined();
                let chosen = if defined { Some(target) } else { used.args.positional.first() };
                return self.written_source(chosen?, left);
            }
            _ => self.written_node(expr)?,
        };
        let Data::Text(text) = &node.data else { return None };
        match text.origin {
            Origin::Template if !looks_like_template(&text.text) => Some(Arc::clone(&text.text)),
            Origin::Template => {
                let program = self.shared.compile(&text.text, &Mode::Text).ok()?;
                match program.body.as_slice() {
                    [Stmt::Print(inner)] => self.written_source(inner, left.checked_sub(1)?),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Returns the node that `a.b[0]` leads to, without rendering anything on the way.
    fn written_node(&self, expr: &Expr) -> Option<Node> {
        let (target, key) = match &*expr.node {
            Expression::Name(name) => {
                return match self.scope.lookup(name)? {
                    Found::Written(node) => Some(node),
                    _ => None,
                };
            }
            Expression::Attribute(target, name) => (target, Value::from(Arc::clone(name))),
            Expression::Item(target, key) => (target, self.eval(key).ok()?),
            _ => return None,
        };
        match &self.written_node(target)?.data {
            Data::Map(mapping) => {
                let entry = mapping.entries.iter().find(|(known, _)| self.key(&known.data) == key)?;
                Some(entry.1.clone())
            }
            Data::Seq(items) => items.get(usize::try_from(key.as_i64()?).ok()?).cloned(),
            _ => None,
        }
    }

    fn condition_expression(&self, text: &Arc<str>, node: &Node) -> Result<Value, TemplateError> {
        let cx = Cx { renders_constants: true, ..self.clone() };
        cx.expression(text, Some(&node.span))
    }

    /// Returns where the result of a conditional was written: where the variable is that it stands in, if it does.
    fn origin(&self, value: &Value, node: &Node) -> String {
        if value.is_none() {
            return "<unknown>".to_owned();
        }
        let text: Arc<str> = text_of(node).trim().into();
        let program = self.shared.compile(&text, &Mode::Expression).ok();
        let of_variable = program.and_then(|program| match program.body.as_slice() {
            [Stmt::Print(expr)] => self.origin_of(expr),
            _ => None,
        });
        of_variable.unwrap_or_else(|| node.span.clone()).to_string()
    }

    fn origin_of(&self, expr: &Expr) -> Option<Span> {
        let chosen = match &*expr.node {
            Expression::And(left, right) => {
                if self.truth(left).ok()?? {
                    right
                } else {
                    left
                }
            }
            Expression::Or(left, right) => {
                if self.truth(left).ok()?? {
                    left
                } else {
                    right
                }
            }
            _ => return self.written_node(expr).map(|node| node.span),
        };
        self.origin_of(chosen)
    }

    fn verdict(&self, value: &Value, node: &Node) -> Result<Tri, TemplateError> {
        if value.is_unknown() || value.is_text() && value.contains_unknown() {
            return Ok(Tri::Unknown);
        }
        let truth = value.is_truthy();
        if value.as_bool().is_none() {
            let message = format!(
                "Conditional result ({}) was derived from value of type '{}' at '{}'. Conditionals must have a boolean result.",
                Value::from(truth).text(),
                value.type_name(),
                self.origin(value, node)
            );
            if !self.shared.settings.allow_broken_conditionals {
                return Err(broken(message).in_template(&text_of(node), Some(&node.span)));
            }
            self.deprecate(message);
        }
        Ok(if truth { Tri::True } else { Tri::False })
    }
}

/// Returns what was written, where it is a text.
pub(crate) fn text_of(node: &Node) -> Arc<str> {
    match &node.data {
        Data::Text(text) => Arc::clone(&text.text),
        _ => Arc::default(),
    }
}

/// Returns whether a text begins and ends with delimiters.
fn is_all_template(text: &str) -> bool {
    let begins = ["{{", "{%", "{#"].iter().any(|begin| text.starts_with(begin));
    let ends = ["}}", "%}", "#}"].iter().any(|end| text.ends_with(end));
    (begins && ends) || (text.starts_with("#jinja2:") && looks_like_template(text))
}
