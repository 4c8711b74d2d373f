//! Conditionals: `when`, `until`, `failed_when`, `changed_when`, `assert`.

use std::sync::Arc;

use rplay_syntax::{Data, Node};

use crate::engine::{Engine, Mode};
use crate::eval::{Cx, looks_like_template};
use crate::value::Repr;
use crate::{Condition, ErrorKind, Scope, TemplateError, Tri, Value};

impl Engine {
    /// Evaluates one conditional of `when`, `until`, `failed_when`, `changed_when` or `assert`.
    pub fn condition(&self, conditional: &Node, scope: &Arc<dyn Scope>) -> Result<Condition, TemplateError> {
        let (truth, marks) = self.with(scope, |cx| {
            let value = cx.conditional(conditional)?;
            cx.verdict(&value, conditional)
        })?;
        Ok(Condition { truth, marks })
    }
}

fn broken(message: impl Into<String>) -> TemplateError {
    TemplateError::new(ErrorKind::Conditional, message)
}

impl Cx<'_> {
    fn conditional(&self, node: &Node) -> Result<Value, TemplateError> {
        let text = match &node.data {
            Data::Bool(yes) => return Ok((*yes).into()),
            Data::Null => return self.empty(),
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
        let evaluated = if is_all_template(&expression) {
            self.indirect(&expression, node)
        } else {
            self.condition_expression(&expression, node)
        };
        evaluated.map_err(|error| match error.kind {
            ErrorKind::Undefined => error.context("Error while evaluating conditional"),
            _ => error,
        })
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
            error.framed_by("Error rendering template").in_template(text, Some(&node.span))
        })?;
        match &value.0 {
            Repr::Str(inner) if value.contains_unknown() => Ok(Value::unknown(inner.to_string())),
            Repr::Str(inner) if inner.trim().is_empty() => self.empty(),
            Repr::Str(inner) => self.condition_expression(&inner.trim().into(), node),
            Repr::None => self.empty(),
            _ => {
                self.deprecate(
                    "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.",
                );
                Ok(value)
            }
        }
    }

    fn condition_expression(&self, text: &Arc<str>, node: &Node) -> Result<Value, TemplateError> {
        let cx = Cx { renders_constants: true, ..self.clone() };
        cx.expression(text, &Mode::Conditional, Some(&node.span))
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
                node.span
            );
            if !self.shared.settings.allow_broken_conditionals {
                let text = match &node.data {
                    Data::Text(text) => Arc::clone(&text.text),
                    _ => Arc::from(""),
                };
                return Err(broken(message).in_template(&text, Some(&node.span)));
            }
            self.deprecate(message);
        }
        Ok(if truth { Tri::True } else { Tri::False })
    }
}

/// Returns whether a text begins and ends with delimiters.
fn is_all_template(text: &str) -> bool {
    let begins = ["{{", "{%", "{#"].iter().any(|begin| text.starts_with(begin));
    let ends = ["}}", "%}", "#}"].iter().any(|end| text.ends_with(end));
    (begins && ends) || (text.starts_with("#jinja2:") && looks_like_template(text))
}
