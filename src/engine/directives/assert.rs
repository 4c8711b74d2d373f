use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Span;
use rplay_syntax::{Data, Node};
use rplay_template::{Scope, Tri, Value};
use serde_json::Value as Json;

use crate::run::{Ended, Runner, TaskRun};

/// Fails unless all conditions hold.
#[derive(rplay_module::Params)]
pub(super) struct Params {
    /// The conditions, as expressions; a list, or one.
    #[param(required)]
    that: Json,
    /// What a failure says; a text or a list of texts.
    #[param(alias = "msg", default = Json::from("Assertion failed"))]
    fail_msg: Json,
    /// What a success says; a text or a list of texts.
    #[param(default = Json::from("All assertions passed"))]
    success_msg: Json,
    /// Says less when all is well.
    #[param(default = false)]
    quiet: bool,
}

/// Source of the results: `ansible/plugins/action/assert.py`.
pub(super) fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    args: &IndexMap<String, Value>,
) -> Ended {
    let mut known = args.clone();
    if let Some(node) = task.item.task.args.named.get("that") {
        known.insert("that".to_owned(), Value::from_json(node.to_json()));
    }
    let params: Params = match super::params("assert", &known) {
        Ok(params) => params,
        Err(ended) => return *ended,
    };
    for (name, message) in [("fail_msg", &params.fail_msg), ("success_msg", &params.success_msg)] {
        if let Some(refused) = misfit(name, message) {
            return refused;
        }
    }
    let mut ended = Ended { verbose_always: !params.quiet, ..Ended::default() };
    ended.set("changed", false);
    for condition in conditions(runner, task, scope, &params.that) {
        let truth = match runner.template.condition(&condition, scope) {
            Ok(condition) => condition.truth,
            Err(error) => {
                return Runner::wrong(task, &error, "Task failed", &[]);
            }
        };
        match truth {
            Tri::True => {}
            Tri::Unknown => {
                runner.emitter.warn(format!("not asserted before the run: {}", shown(&condition)));
            }
            Tri::False => {
                ended.set("failed", true);
                ended.set("evaluated_to", false);
                ended.set("assertion", condition.to_json());
                ended.set("msg", params.fail_msg);
                ended.headline_of_data();
                return ended;
            }
        }
    }
    ended.set("failed", false);
    ended.set("msg", params.success_msg);
    ended
}

/// What an assertion says is a text, or a list of them.
fn misfit(name: &str, message: &Json) -> Option<Ended> {
    let is_text = |message: &Json| matches!(message, Json::String(_));
    let fits = is_text(message) || message.as_array().is_some_and(|items| items.iter().all(is_text));
    let kind = match message {
        Json::Object(_) => "dict",
        Json::Array(_) => "list",
        // Numbers and truths are made texts.
        _ => return None,
    };
    let refused = || {
        Ended::refused(format!(
            "argument '{name}' is of type {kind} and we were unable to convert to str_or_list_of_str: a string or list of \
             strings is required"
        ))
    };
    (!fits).then(refused)
}

/// A list of conditions may itself come from a variable.
fn conditions(runner: &Runner, task: &TaskRun<'_>, scope: &Arc<dyn Scope>, given: &Json) -> Vec<Node> {
    let Some(node) = task.item.task.args.named.get("that") else {
        let items = given.as_array().cloned().unwrap_or_else(|| vec![given.clone()]);
        return items.iter().map(|item| condition(item, &task.item.task.span)).collect();
    };
    if let Data::Seq(items) = &node.data {
        return items.to_vec();
    }
    if let Some(written) = runner.template.written_list(node, scope) {
        return written;
    }
    let is_variable = node.as_str().is_some_and(|text| text.trim_start().starts_with("{{"));
    if is_variable
        && let Ok(rendered) = runner.template.render(node, scope)
        && let Some(items) = rendered.value.as_items()
    {
        return items.iter().map(|item| condition(&item.to_json(), &node.span)).collect();
    }
    vec![node.clone()]
}

/// Returns a condition that a template gave, as if it were written.
fn condition(given: &Json, place: &Span) -> Node {
    match given {
        Json::Null => Node::null(place),
        Json::Bool(holds) => Node::bool(*holds, place),
        Json::String(text) => Node::text(text.as_str(), place),
        other => Node::text(other.to_string(), place),
    }
}

fn shown(condition: &Node) -> String {
    condition.as_str().map_or_else(|| condition.to_json().to_string(), str::to_owned)
}
