use std::sync::Arc;

use indexmap::IndexMap;
use rplay_syntax::{Data, Node, Origin, Text};
use rplay_template::{ErrorKind, Scope, TemplateError, Value};
use serde_json::Value as Json;

use crate::run::{Ended, Runner, TaskRun};

/// Prints a message or a variable.
#[derive(rplay_module::Params)]
#[params(mutually_exclusive("msg", "var"))]
pub(super) struct Params {
    /// What to print; anything that can be written as JSON.
    #[param(default = Json::from("Hello world!"))]
    msg: Json,
    /// An expression whose value is printed under its own text.
    var: Option<Json>,
    /// Prints only at this verbosity (the number of `-v`) and above.
    #[param(default = 0)]
    verbosity: i64,
}

/// Source of the results: `ansible/plugins/action/debug.py`.
pub(super) fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    args: &IndexMap<String, Value>,
) -> Ended {
    let doing = |node: &Node| [("Error while resolving `var` expression.".to_owned(), node.span.clone())];
    let expression = match task.item.task.args.named.get("var") {
        None => None,
        Some(node) => match named(runner, node, scope) {
            Ok(Ok(named)) => Some(named),
            Ok(Err(value)) => return no_text(&value),
            Err(error) if error.kind == ErrorKind::Undefined => {
                return Runner::unrendered(task, Some("var".to_owned()), &error);
            }
            Err(error) => return Runner::wrong(task, &error, "Task failed: Action failed", &doing(node)),
        },
    };
    let mut known = args.clone();
    if let Some(node) = &expression {
        known.insert("var".to_owned(), Value::from_json(node.to_json()));
    }
    let params: Params = match super::params("debug", &known) {
        Ok(params) => params,
        Err(ended) => return *ended,
    };
    let mut ended = Ended { verbose_always: true, ..Ended::default() };
    ended.set("changed", false);
    if params.verbosity > i64::from(runner.settings.verbosity) {
        ended.verbose_always = false;
        ended.set("skipped", true);
        ended.set("skipped_reason", "Verbosity threshold not met.");
        return ended;
    }
    ended.set("failed", false);
    let (Some(expression), Some(given)) = (&expression, params.var) else {
        // Given as nothing it is nothing, and not what stands for a message that is not given.
        let nothing = args.get("msg").is_some_and(Value::is_none);
        ended.set("msg", if nothing { Json::Null } else { params.msg });
        return ended;
    };
    if given.is_array() || given.is_object() {
        return no_text(&Value::from_json(given));
    }
    let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    match runner.template.evaluate_shown(expression, scope) {
        Ok(rendered) => {
            runner.tell(&rendered.marks);
            ended.set(&name, rendered.value.to_json());
            ended
        }
        Err(error) => {
            let mut ended = Runner::wrong(task, &error, "Task failed", &doing(expression));
            ended.result.shift_remove("changed");
            ended
        }
    }
}

/// Returns the expression that is meant: what was written, or the name that a template of it gives. A template that
/// gives no text gives its value.
///
/// A result may name a variable, but it is never evaluated beyond that.
fn named(runner: &Runner, node: &Node, scope: &Arc<dyn Scope>) -> Result<Result<Node, Value>, TemplateError> {
    let Data::Text(text) = &node.data else { return Ok(Ok(node.clone())) };
    if !text.text.contains("{{") {
        return Ok(Ok(node.clone()));
    }
    let rendered = runner.template.render(node, scope)?;
    let Some(name) = rendered.value.as_str() else { return Ok(Err(rendered.value)) };
    if !is_path(name) {
        return Err(TemplateError::runtime("Encountered untrusted template or expression."));
    }
    let text = Text { text: name.into(), origin: Origin::Template };
    Ok(Ok(Node { data: Data::Text(text), span: node.span.clone() }))
}

/// Returns the end of a task whose `var` is no text.
fn no_text(value: &Value) -> Ended {
    let mut ended = Ended::refused(format!(
        "argument 'var' is of type {} and we were unable to convert to _check_type_str_no_conversion: '{}' is not a \
         string and conversion is not allowed",
        value.type_name(),
        value.text()
    ));
    ended.result.shift_remove("changed");
    ended
}

/// Returns whether a text is a variable with attributes and numbered elements, and nothing else.
fn is_path(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let bare = text.replace(['[', ']'], ".");
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && bare.split('.').filter(|part| !part.is_empty()).all(part)
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn only_names_are_taken_from_templates() {
        assert!(is_path("item") && is_path("a.b[0].c") && is_path("hostvars.x_1"));
        assert!(!is_path("lookup('pipe', 'x')") && !is_path("a b") && !is_path("0a") && !is_path("{{ a }}"));
    }
}
