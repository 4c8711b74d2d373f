use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_syntax::Node;
use rplay_template::{Found, Scope, Value};
use serde_json::{Map, Value as Json, json};

use super::argument_spec;
use crate::run::{Ended, Runner, TaskRun};

/// Checks arguments against a spec: those given, and the variables that are called like those of the spec.
///
/// Source of the results: `ansible/plugins/action/validate_argument_spec.py`.
pub(super) fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    args: &IndexMap<String, Value>,
) -> Ended {
    let about = args.get("validate_args_context").map_or_else(|| json!({}), Value::to_json);
    let ended = match specified(args) {
        Err(message) => return Ended::refused(format!("Task failed: {message}")),
        Ok((spec, given)) => match variables(runner, task, scope, &spec) {
            Err(ended) => *ended,
            Ok((mut all, mut written)) => {
                written.extend(given.keys().cloned());
                all.extend(given);
                judged(spec, &mut all, &written)
            }
        },
    };
    let mut ended = ended;
    ended.set("validate_args_context", about);
    ended
}

type Specified = (Map<String, Json>, Map<String, Json>);

/// Variables, and the names of those that are as someone wrote them.
type Known = (Map<String, Json>, HashSet<String>);

fn specified(args: &IndexMap<String, Value>) -> Result<Specified, String> {
    let mapping = |name: &str, value: Json| match value {
        Json::Object(fields) => Ok(fields),
        other => {
            // What is written in a playbook is a class of its own to Ansible.
            let kind = match argument_spec::type_name(&other) {
                "str" => "ansible.module_utils._internal._datatag._AnsibleTaggedStr",
                kind => kind,
            };
            Err(format!("Incorrect type for {name}, expected dict and got <class '{kind}'>"))
        }
    };
    let Some(spec) = args.get("argument_spec") else {
        let given: Map<String, Json> =
            args.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
        let shown = Value::from_json(Json::Object(given)).text();
        return Err(format!("\"argument_spec\" arg is required in args: {shown}"));
    };
    let given = args.get("provided_arguments").map_or_else(|| json!({}), Value::to_json);
    Ok((mapping("argument_spec", spec.to_json())?, mapping("provided_arguments", given)?))
}

/// Returns the variables that are called like arguments of the spec, and which of them are as someone wrote them.
fn variables(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    spec: &Map<String, Json>,
) -> Result<Known, Box<Ended>> {
    let (mut found, mut written) = (Map::new(), HashSet::new());
    for name in spec.keys().filter(|name| scope.lookup(name).is_some()) {
        if matches!(scope.lookup(name), Some(Found::Written(node)) if !node.may_be_template()) {
            written.insert(name.clone());
        }
        let node = Node::text(format!("{{{{ {name} }}}}"), &task.item.task.span);
        match runner.template.render(&node, scope) {
            Ok(rendered) => {
                found.insert(name.clone(), rendered.value.to_json());
            }
            Err(error) => return Err(Box::new(Runner::wrong(task, &error, "Task failed", &[]))),
        }
    }
    Ok((found, written))
}

fn judged(spec: Map<String, Json>, all: &mut Map<String, Json>, written: &HashSet<String>) -> Ended {
    let errors = argument_spec::check(&spec, all);
    let errors: Vec<String> = errors.into_iter().map(|error| tagged(error, written)).collect();
    if errors.is_empty() {
        let mut ended = Ended::default();
        ended.set("changed", false);
        ended.set("failed", false);
        ended.set("msg", "The arg spec validation passed");
        return ended;
    }
    let mut ended = Ended::failed(format!("Validation of arguments failed:\n{}", errors.join("\n")));
    ended.set("argument_errors", errors);
    ended.set("argument_spec_data", Json::Object(spec));
    ended
}

/// Names the classes that Ansible's values have which know where they were written.
fn tagged(error: String, written: &HashSet<String>) -> String {
    let named =
        ["argument '", "Elements value for option '"].iter().find_map(|start| error.strip_prefix(start));
    let name = named.and_then(|rest| rest.split('\'').next());
    if !name.is_some_and(|name| written.contains(name)) {
        return error;
    }
    let classes = [("dict", "Dict"), ("list", "List"), ("str", "Str"), ("int", "Int"), ("float", "Float")];
    classes.iter().fold(error, |error, (plain, class)| {
        let class = format!("<class 'ansible.module_utils._internal._datatag._AnsibleTagged{class}'>");
        error.replace(&format!("<class '{plain}'>"), &class)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_what_was_written() {
        let written = HashSet::from(["a".to_owned()]);
        let error =
            |name: &str| format!("argument '{name}' is of type dict: <class 'dict'> cannot be converted");
        let class = "<class 'ansible.module_utils._internal._datatag._AnsibleTaggedDict'>";
        assert_eq!(tagged(error("a"), &written), error("a").replace("<class 'dict'>", class));
        assert_eq!(tagged(error("b"), &written), error("b"));
    }
}
