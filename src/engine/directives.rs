//! Actions that need the interpreter itself: they set variables, bring in tasks, or only talk.

mod add_host;
mod argument_spec;
mod assert;
mod debug;
mod fail;
mod fetch;
mod group_by;
mod include_vars;
mod pause;
mod raw;
mod script;
mod set_fact;
mod set_stats;
mod template_options;
mod validate_argument_spec;
mod wait_for_connection;

use std::sync::Arc;

use indexmap::IndexMap;
use rplay_module::Params as _;
use rplay_module::params::Spec;
use rplay_template::{ErrorKind, Scope, TemplateError, Value};
use serde_json::Value as Json;

use crate::load::bare;
use crate::run::{Ended, Runner, Spot, Stop, TaskRun, json_args};

pub(crate) use template_options::overrides;

/// A directive's name, and what it takes where that is a fixed set.
type Directive = (&'static str, Option<fn() -> Spec>);

/// The directives' names, and what a playbook can give them; `None` where anything goes.
const DIRECTIVES: [Directive; 19] = [
    ("add_host", None),
    ("assert", Some(assert::Params::spec)),
    ("debug", Some(debug::Params::spec)),
    ("fail", Some(fail::Params::spec)),
    ("fetch", Some(fetch::Params::spec)),
    ("group_by", None),
    ("import_role", None),
    ("import_tasks", None),
    ("include_role", None),
    ("include_tasks", None),
    ("include_vars", None),
    ("meta", None),
    ("pause", Some(pause::Params::spec)),
    ("raw", Some(raw::Params::spec)),
    ("script", Some(script::Params::spec)),
    ("set_fact", None),
    ("set_stats", None),
    ("validate_argument_spec", None),
    ("wait_for_connection", None),
];

/// Returns whether an action (by its bare name) is a directive.
pub(crate) fn is_directive(bare_name: &str) -> bool {
    DIRECTIVES.iter().any(|(name, _)| *name == bare_name)
}

/// Returns what the directive takes; `None` where anything goes.
pub(crate) fn spec(bare_name: &str) -> Option<Spec> {
    DIRECTIVES.iter().find(|(name, _)| *name == bare_name).and_then(|(_, spec)| spec.map(|spec| spec()))
}

/// Returns whether a directive acts once for all hosts: it runs on the first of them alone.
pub(crate) fn acts_once(bare_name: &str) -> bool {
    matches!(bare_name, "add_host" | "pause")
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, _)| *name)
}

/// Which arguments a directive evaluates itself, as expressions.
fn is_expression(action: &str, name: &str) -> bool {
    matches!((action, name), ("debug", "var") | ("assert", "that"))
}

type Arguments = Result<IndexMap<String, Value>, (Option<String>, TemplateError)>;

/// Renders the arguments of a directive, but for those that are expressions.
pub(crate) fn arguments(runner: &Runner, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Arguments {
    let action = bare(&task.item.task.action.name);
    let brings_in = matches!(action, "include_tasks" | "include_role");
    let mut args = if brings_in || task.item.context.module_defaults.is_empty() {
        IndexMap::new()
    } else {
        runner.default_arguments(task, &task.item.task.action.name, scope).map_err(|error| (None, error))?
    };
    let own = &task.item.task.args;
    if let Some(template) = &own.template {
        let given = runner.all_arguments(template, scope).map_err(|error| (None, error))?;
        args.extend(
            given.entries().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))),
        );
    }
    for (key, node) in own.named.iter() {
        let name = key.key_text().into_owned();
        if is_expression(action, &name) {
            continue;
        }
        match runner.template.render(node, scope) {
            Ok(rendered) if rendered.value.is_omit() => {
                args.shift_remove(&name);
            }
            Ok(rendered) => {
                runner.tell(&rendered.marks);
                args.insert(name, rendered.value);
            }
            Err(error) if error.kind == ErrorKind::Omitted => {
                args.shift_remove(&name);
            }
            Err(error) => return Err((Some(name), error)),
        }
    }
    if let Some(free) = &own.free_form {
        let rendered =
            runner.template.render(free, scope).map_err(|error| (Some("_raw_params".to_owned()), error))?;
        let keeps_rest = takes_text(action) || matches!(action, "add_host" | "group_by" | "set_fact");
        if !keeps_rest && !own.named.is_empty() {
            crate::run::dict(&rendered.value, &free.span).map_err(|error| (None, error))?;
        }
        add_free_form(&mut args, action, rendered.value);
    }
    Ok(args)
}

/// Returns whether what is written beside the parameters by name is a text that the action takes as it is.
pub(crate) fn takes_text(action: &str) -> bool {
    matches!(
        bare(action),
        "command"
            | "shell"
            | "win_command"
            | "win_shell"
            | "raw"
            | "script"
            | "meta"
            | "include_tasks"
            | "include_vars"
            | "import_tasks"
    )
}

/// Adds what is written in place of the arguments: a text, or a template for all of them, which those by name override.
pub(crate) fn add_free_form(args: &mut IndexMap<String, Value>, action: &str, value: Value) {
    if takes_text(action) || !value.is_mapping() {
        args.insert("_raw_params".to_owned(), value);
        return;
    }
    for (name, value) in value.entries() {
        if let Some(name) = name.as_str() {
            args.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
    }
}

/// Runs a directive.
pub(crate) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    spot: &Spot<'_>,
    args: IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    let Spot { host, scope, .. } = *spot;
    Ok(match bare(&task.item.task.action.name) {
        "add_host" => add_host::run(runner, task, args),
        "assert" => assert::run(runner, task, scope, &args),
        "debug" => debug::run(runner, task, scope, &args),
        "fail" => fail::run(task, &args),
        "group_by" => group_by::run(runner, host, &args),
        "include_vars" => include_vars::run(runner, task, scope, &args),
        "pause" => pause::run(runner, task, &args).await?,
        "fetch" => fetch::run(runner, task, spot, &args).await?,
        "raw" => raw::run(runner, task, spot, &args).await?,
        "script" => script::run(runner, task, spot, &args).await?,
        "set_fact" => set_fact::run(runner, task, scope, args),
        "set_stats" => set_stats::run(task, &args),
        "validate_argument_spec" => validate_argument_spec::run(runner, task, scope, &args),
        "wait_for_connection" => wait_for_connection::run(runner, task, spot, &args).await?,
        other => Ended::failed(format!("the action '{other}' cannot be used here")),
    })
}

/// Reads a directive's parameters as those of a module are read.
fn params<P: rplay_module::Params>(name: &str, args: &IndexMap<String, Value>) -> Result<P, Box<Ended>> {
    let args = Json::Object(json_args(args));
    match rplay_module::params::parse::<P>(&args) {
        Ok(parsed) => Ok(parsed.params),
        Err(faults) => {
            let message = rplay_module::params::message(&faults, name);
            Err(Box::new(Ended::refused(message)))
        }
    }
}
