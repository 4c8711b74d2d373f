//! `ansible_failed_task`: the task that failed, as a rescue and the debugger see it.

use rplay_syntax::{LoopSource, Node};
use serde_json::{Map, Value as Json, json};

use super::TaskRun;
use super::arguments::{full_name, written_args};
use super::item::object;

/// Returns what was written of the task, and around it; what no one said is as Ansible takes it then.
pub(super) fn failed_task(task: &TaskRun<'_>) -> Json {
    let mut fields = own(task);
    fields.extend(inherited(task));
    Json::Object(fields)
}

fn own(task: &TaskRun<'_>) -> Map<String, Json> {
    let written = &task.item.task;
    let control = &written.loop_control;
    let seconds = or(written.async_seconds.as_ref(), json!(0));
    let lookup = written.looping.as_ref().and_then(|looping| match &looping.source {
        LoopSource::Lookup(name) => Some(name.to_string()),
        LoopSource::List => None,
    });
    let vars = written.keywords.vars.iter();
    let vars: Map<_, _> = vars.map(|(name, value)| (name.key_text().into_owned(), value.to_json())).collect();
    object(json!({
        "name": own_name(task),
        "action": &*written.action.name,
        "_resolved_action": full_name(&written.action.name),
        "args": written_args(&written.args),
        "async": seconds,
        "async_val": seconds,
        "changed_when": all(&written.changed_when),
        "delay": or(written.delay.as_ref(), json!(5.0)),
        "failed_when": all(&written.failed_when),
        "loop": written.looping.as_ref().map(|looping| looping.node.to_json()),
        "loop_control": {
            "break_when": all(&control.break_when),
            "extended": one(control.extended.as_ref()),
            "extended_allitems": or(control.extended_allitems.as_ref(), json!(true)),
            "index_var": one(control.index_var.as_ref()),
            "label": one(control.label.as_ref()),
            "loop_var": or(control.loop_var.as_ref(), json!("item")),
            "pause": or(control.pause.as_ref(), json!(0.0)),
        },
        "loop_with": lookup,
        "poll": or(written.poll.as_ref(), json!(15)),
        "register": one(written.register.as_ref()),
        "retries": one(written.retries.as_ref()),
        "until": all(&written.until),
        "vars": vars,
    }))
}

fn inherited(task: &TaskRun<'_>) -> Map<String, Json> {
    let context = &task.item.context;
    let mut fields = object(json!({
        "any_errors_fatal": or(context.any_errors_fatal.as_ref(), json!(task.play.rules.any_errors_fatal)),
        "check_mode": or(context.check_mode.as_ref(), json!(false)),
        "collections": &*context.collections,
        "connection": or(context.connection.as_ref(), json!("ssh")),
        "diff": or(context.diff.as_ref(), json!(false)),
        "environment": all(&context.environment),
        "module_defaults": all(&context.module_defaults),
        "no_log": or(context.no_log.as_ref(), json!(task.no_log)),
        "notify": (!context.notify.is_empty()).then(|| all(&context.notify)),
        "tags": all(&context.tags),
        "throttle": or(context.throttle.as_ref(), json!(0)),
        "timeout": or(context.timeout.as_ref(), json!(0)),
        "when": all(&context.when),
        "become": or(context.become_enabled.as_ref(), json!(false)),
        "become_method": or(context.become_method.as_ref(), json!("sudo")),
    }));
    let plain = [
        ("become_exe", &context.become_exe),
        ("become_flags", &context.become_flags),
        ("become_user", &context.become_user),
        ("debugger", &context.debugger),
        ("delegate_facts", &context.delegate_facts),
        ("delegate_to", &context.delegate_to),
        ("ignore_errors", &context.ignore_errors),
        ("ignore_unreachable", &context.ignore_unreachable),
        ("port", &context.port),
        ("remote_user", &context.remote_user),
        ("run_once", &context.run_once),
    ];
    fields.extend(plain.map(|(name, node)| (name.to_owned(), one(node.as_ref()))));
    fields
}

/// Returns the task's name without that of its role; one that has none has an empty one.
fn own_name<'a>(task: &'a TaskRun<'_>) -> &'a str {
    if task.item.task.keywords.name.is_none() {
        return "";
    }
    let role = task.item.context.role.as_ref().map(|role| format!("{} : ", role.definition.full_name()));
    role.and_then(|role| task.name.strip_prefix(role.as_str())).unwrap_or(&task.name)
}

fn all(nodes: &[Node]) -> Json {
    nodes.iter().map(Node::to_json).collect()
}

fn one(node: Option<&Node>) -> Json {
    node.map_or(Json::Null, Node::to_json)
}

fn or(given: Option<&Node>, otherwise: Json) -> Json {
    given.map_or(otherwise, Node::to_json)
}
