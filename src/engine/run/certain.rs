//! What a task says of itself and cannot be had: it fails, or the run ends, instead of going on without.

use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::{Excerpt, Fault, FaultKind, Span};
use rplay_syntax::{Data, Node};
use rplay_template::{ErrorKind, Scope, TemplateError, Value};
use serde_json::json;

use super::{Ended, Runner, Stop, TaskRun};
use crate::load::{Context, TaskItem};
use crate::scopes::Stack;

impl Runner {
    /// Returns the task's own environment, or its end where that cannot be evaluated; what is no environment is warned of.
    pub(super) fn own_environment(
        &self,
        task: &TaskRun<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, String>, Box<Ended>> {
        self.environment(task, scope).map_err(|error| {
            // All that is written around the task is meant, which stands in no one place.
            let doing = ("Error processing keyword 'environment'.".to_owned(), nowhere());
            let mut ended = Self::wrong(task, &error, "Task failed", &[doing]);
            let written = task.item.context.environment.iter();
            let written = written.map(|node| Value::from_json(node.to_json())).collect();
            if let Some(whole) = ended.causes.get_mut(1) {
                whole.excerpt = Some(excerpt(&Value::list(written)));
            }
            Box::new(ended)
        })
    }

    /// Ends the run where tags cannot be evaluated: nobody knows whether the task is to run.
    pub(super) fn check_tags(&self, context: &Context, stack: &Stack) -> Result<(), Stop> {
        for node in context.tags.iter().filter(|node| node.may_be_template()) {
            if let Err(error) = self.template.render(node, &stack.clone().shared())
                && error.kind == ErrorKind::Undefined
            {
                let fault = Fault::new(error.message.clone()).at(error.span.as_ref().unwrap_or(&node.span));
                return Err(fault.kind(FaultKind::Setup).into());
            }
        }
        Ok(())
    }

    /// Returns all arguments of a task that a template stands for.
    pub(crate) fn all_arguments(
        &self,
        template: &Node,
        scope: &Arc<dyn Scope>,
    ) -> Result<Value, TemplateError> {
        let given = self.template.render(template, scope)?.value;
        dict(&given, &template.span)?;
        Ok(given)
    }
}

/// Returns the place of what stands in no file.
fn nowhere() -> Span {
    Span::new("<unknown>", 0, 0)
}

/// Returns what is shown of a value in place of lines of a file.
fn excerpt(value: &Value) -> Excerpt {
    let text = format!("{}\n", shortened(&value.repr()));
    Excerpt { first_line: 1, text, start: 0, end: 0, label: String::new() }
}

/// Returns a text with single spaces, cut between words where it is too long.
fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    const REST: &str = " [...]";
    let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if whole.chars().count() <= MOST {
        return whole;
    }
    let room = MOST - REST.len();
    let mut cut = String::new();
    let mut length = 0;
    for word in whole.split(' ') {
        length += word.chars().count() + usize::from(!cut.is_empty());
        if length > room {
            break;
        }
        if !cut.is_empty() {
            cut.push(' ');
        }
        cut.push_str(word);
    }
    cut.push_str(REST);
    cut
}

/// Tells a failure of the task that checks a role's arguments: no one wrote it, its own data stand for its place.
pub(super) fn placed(item: &TaskItem, fault: Fault) -> Fault {
    let task = &item.task;
    let generated = &*task.action.name == "ansible.builtin.validate_argument_spec"
        && task.keywords.name.as_ref().is_some_and(|name| name.span == task.action.span);
    if !generated || fault.span.as_ref() != Some(&task.span) {
        return fault;
    }
    let shown = json!({
        "action": &*task.action.name,
        "args": super::arguments::written_args(&task.args),
    });
    let excerpt = excerpt(&Value::from_json(shown));
    Fault { excerpt: Some(excerpt), ..fault.at(&nowhere()) }
}

/// Refuses what stands for arguments and is none.
pub(crate) fn dict(given: &Value, place: &Span) -> Result<(), TemplateError> {
    if given.is_mapping() || given.is_unknown() || given.is_omit() {
        return Ok(());
    }
    let kind = given.type_name();
    let mut error = TemplateError::runtime(format!("Task args must resolve to a 'dict' not '{kind}'."));
    error.span = Some(place.clone());
    Err(error)
}

/// Returns what is wrong with the name of a host that is no text.
pub(super) fn no_name(written: &Node, value: &Value) -> Option<TemplateError> {
    let kind = match (&written.data, value.type_name()) {
        (Data::Int(_), _) => "_AnsibleTaggedInt",
        (Data::Float(_), _) => "_AnsibleTaggedFloat",
        (_, kind @ ("int" | "float" | "bool" | "list" | "dict" | "tuple")) => kind,
        _ => return None,
    };
    Some(TemplateError::runtime(format!("expected string or bytes-like object, got '{kind}'")))
}

/// Returns the order of a play's hosts, as it is written or a template has it.
pub(super) fn known_order(written: &Node, value: &Value) -> Result<String, Stop> {
    if value.is_mapping() || value.as_items().is_some() {
        let kind = value.type_name();
        let message = format!("The field 'order' is supposed to be a string type, however it is a '{kind}'");
        return Err(Fault::new(message).at(&written.span).into());
    }
    let order = value.text();
    match order.as_str() {
        "inventory" | "sorted" | "reverse_sorted" | "reverse_inventory" | "shuffle" => Ok(order),
        _ => {
            let message = format!("Invalid 'order' specified for inventory hosts: {order}");
            let help = "the orders are inventory, sorted, reverse_sorted, reverse_inventory and shuffle";
            Err(Fault::new(message).at(&written.span).kind(FaultKind::Options).help(help).into())
        }
    }
}
