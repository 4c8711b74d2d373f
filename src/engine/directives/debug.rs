use std::sync::Arc;

use indexmap::IndexMap;
use rplay_syntax::Node;
use rplay_template::{ErrorKind, Scope, Value};
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
    let expression = match rendered(runner, task, scope) {
        Ok(expression) => expression,
        Err(ended) => return *ended,
    };
    let expression = expression.as_ref();
    let mut known = args.clone();
    if let Some(node) = expression {
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
    let (Some(expression), Some(given)) = (expression, params.var) else {
        ended.set("msg", params.msg);
        return ended;
    };
    let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    match runner.template.evaluate(expression, scope) {
        Ok(rendered) => {
            runner.tell(&rendered.marks);
            ended.set(&name, rendered.value.to_json());
            ended
        }
        Err(error) if error.kind == ErrorKind::Undefined => {
            runner.emitter.warn(format!("Encountered 1 template error.\nerror 1 - {error}"));
            ended.set(&name, format!("<< error 1 - {error} >>"));
            ended
        }
        Err(error) => {
            let doing = [("Error while resolving `var` expression.".to_owned(), expression.span.clone())];
            Runner::wrong(task, &error, "Task failed: Action failed", &doing)
        }
    }
}

/// Returns the expression; one that is a template is rendered first.
fn rendered(runner: &Runner, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Result<Option<Node>, Box<Ended>> {
    let Some(node) = task.item.task.args.named.get("var") else { return Ok(None) };
    if !node.may_be_template() {
        return Ok(Some(node.clone()));
    }
    match runner.template.render(node, scope) {
        Ok(found) => Ok(Some(Node::text(found.value.text(), &node.span))),
        Err(error) => Err(Box::new(Runner::unrendered(task, Some("var".to_owned()), &error))),
    }
}
