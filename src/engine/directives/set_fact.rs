use std::sync::Arc;

use indexmap::IndexMap;
use rplay_template::{Scope, TemplateError, Value};
use serde_json::{Map, Value as Json};

use crate::run::{Ended, Runner, TaskRun, is_true};

/// Sets variables of the host. Source of the results: `ansible/plugins/action/set_fact.py`.
pub(super) fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    scope: &Arc<dyn Scope>,
    mut args: IndexMap<String, Value>,
) -> Ended {
    let cacheable = args.shift_remove("cacheable").is_some_and(|value| is_true(&value));
    args.shift_remove("_raw_params");
    if args.is_empty() {
        return Ended::refused(
            "No key/value pairs provided, at least one is required for this action to succeed",
        );
    }
    let mut ended = Ended::default();
    let mut facts = Map::new();
    for (key, value) in args {
        let name = match runner.template.render_str(&key, scope) {
            Ok(rendered) => rendered.value,
            Err(error) => {
                return Runner::wrong(task, &error, "Task failed: Action failed", &[]);
            }
        };
        let Some(name) = name.as_str().filter(|name| is_variable_name(name)).map(str::to_owned) else {
            return invalid_name(task, &key, &name);
        };
        facts.insert(name.clone(), value.to_json());
        ended.variables.push((name, value));
    }
    if cacheable {
        ended.facts = Some(Value::from_json(Json::Object(facts.clone())));
    }
    ended.set("ansible_facts", Json::Object(facts));
    ended.set("changed", false);
    ended.set("failed", false);
    ended
}

/// Returns the end of a task that sets a variable whose name is none; `key` is what was written for it.
pub(super) fn invalid_name(task: &TaskRun<'_>, key: &str, name: &Value) -> Ended {
    let of_type =
        if name.as_str().is_none() { format!(" of type '{}'", name.type_name()) } else { String::new() };
    let mut error = TemplateError::runtime(format!("Invalid variable name '{}'{of_type}.", name.text()));
    error.span = written(&task.item.task.args.named, key).map(|key| key.span.clone());
    error.help = Some(
        "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers \
         and underscores."
            .to_owned(),
    );
    Runner::wrong(task, &error, "Task failed", &[])
}

/// Returns where a name is written among arguments, or in a mapping that one of them is.
fn written<'a>(args: &'a rplay_syntax::Mapping, name: &str) -> Option<&'a rplay_syntax::Node> {
    let own = args.iter().map(|(key, _)| key).find(|key| key.as_str() == Some(name));
    own.or_else(|| args.iter().filter_map(|(_, value)| value.as_map()).find_map(|inner| written(inner, name)))
}

/// A letter or underscore, then also digits, and no word that means something to Jinja.
///
/// Source of the rule: `validate_variable_name` of `ansible/utils/vars.py`.
pub(super) fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let taken = matches!(name, "False" | "None" | "True" | "false" | "none" | "not" | "true");
    starts && characters.all(|character| character.is_ascii_alphanumeric() || character == '_') && !taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_python_would_take_for_one() {
        for (name, fits) in [
            ("a_1", true),
            ("_a", true),
            ("1a", false),
            ("a-b", false),
            ("class", true),
            ("true", false),
            ("", false),
        ] {
            assert_eq!(is_variable_name(name), fits, "{name}");
        }
    }
}
