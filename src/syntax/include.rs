//! What may be written to the actions that bring in tasks and roles: `check_options` of ansible-core.

use std::sync::Arc;

use rplay_event::Fault;

use crate::args::short_name;
use crate::fields::Fields;
use crate::reading::Reading;
use crate::vocabulary::Level;
use crate::{Mapping, Node, Task, nearest, parse_apply};

/// The keywords that mean something to a task that is replaced by others.
const INCLUDE_KEYWORDS: [&str; 17] = [
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "listen",
    "local_action",
    "loop",
    "loop_control",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

const ROLE_OPTIONS: [&str; 10] = [
    "allow_duplicates",
    "apply",
    "defaults_from",
    "handlers_from",
    "name",
    "public",
    "role",
    "rolespec_validate",
    "tasks_from",
    "vars_from",
];

/// Judges a task that brings in tasks or a role, and brings a file's name into one form; others it leaves alone.
pub(crate) fn check(reading: &mut Reading<'_>, task: &mut Task, fields: &Fields<'_>, level: Level) {
    match short_name(&task.action.name) {
        "include_tasks" => {
            let class = if level == Level::Handler { "HandlerTaskInclude" } else { "TaskInclude" };
            check_keywords(reading, task, fields, class);
            check_file(reading, task);
            check_apply(reading, task);
        }
        "import_tasks" => {
            check_file(reading, task);
            check_import(reading, task, "include_tasks");
        }
        "include_role" => {
            check_keywords(reading, task, fields, "IncludeRole");
            check_role(reading, task, level);
            check_apply(reading, task);
        }
        "import_role" => {
            check_role(reading, task, level);
            check_import(reading, task, "include_role");
        }
        _ => {}
    }
}

fn check_keywords(reading: &mut Reading<'_>, task: &Task, fields: &Fields<'_>, class: &str) {
    for (name, key) in fields.written().filter(|(name, _)| !INCLUDE_KEYWORDS.contains(name)) {
        let action = &task.action.name;
        let help = format!(
            "`apply: {{{name}: ...}}` as a parameter of {action} gives it to the tasks that are included"
        );
        reading.fault(
            Fault::new(format!("'{name}' is not a valid attribute for a {class}")).at(&key.span).help(help),
        );
    }
}

fn check_options(reading: &mut Reading<'_>, task: &Task, options: &[&str]) {
    for (key, _) in task.args.named.iter() {
        let name = key.key_text();
        if !options.contains(&name.as_ref()) {
            let fault = Fault::new(format!("Invalid options for {}: {name}", task.action.name)).at(&key.span);
            let near = nearest(&name, options.iter().copied());
            reading.fault(match near {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("it takes: {}", options.join(", "))),
            });
        }
    }
}

/// Takes the file from the parameter `file` where it is not written as free form.
fn check_file(reading: &mut Reading<'_>, task: &mut Task) {
    check_options(reading, task, &["apply", "file"]);
    if task.args.free_form.is_none() {
        let (file, others): (Vec<_>, Vec<_>) =
            task.args.named.entries.iter().cloned().partition(|(key, _)| key.as_str() == Some("file"));
        task.args.free_form = file.into_iter().next().map(|(_, file)| file);
        task.args.named = Arc::new(Mapping { entries: others });
    }
    let is_empty = |file: &Node| file.is_null() || file.as_str() == Some("");
    if task.args.free_form.as_ref().is_none_or(is_empty) && task.args.template.is_none() {
        reading
            .fault(Fault::new(format!("No file specified for {}", task.action.name)).at(&task.action.span));
    }
}

fn check_role(reading: &mut Reading<'_>, task: &Task, level: Level) {
    let action = &task.action;
    if level == Level::Handler {
        reading.fault(
            Fault::new(format!("Using '{}' as a handler is not supported.", action.name)).at(&action.span),
        );
    }
    check_options(reading, task, &ROLE_OPTIONS);
    let named = |name: &str| task.args.named.get(name).filter(|node| !node.is_null());
    if named("name").or_else(|| named("role")).is_none() && task.args.template.is_none() {
        reading
            .fault(Fault::new(format!("'name' is a required field for {}.", action.name)).at(&action.span));
    }
    for from in ["tasks_from", "vars_from", "defaults_from", "handlers_from"] {
        if let Some(node) = named(from).filter(|node| node.as_text().is_none()) {
            let message = format!("Expected a string for {from} but got {} instead", node.kind());
            reading.fault(Fault::new(message).at(&node.span));
        }
    }
}

fn check_apply(reading: &mut Reading<'_>, task: &Task) {
    let apply = task.args.named.get("apply").filter(|apply| !apply.is_null());
    for fault in apply.and_then(|apply| parse_apply(apply).err()).unwrap_or_default() {
        reading.fault(fault);
    }
}

/// Judges what only an include can have: its tasks are known when it runs.
fn check_import(reading: &mut Reading<'_>, task: &Task, include: &str) {
    let action = &task.action.name;
    if let Some(apply) = task.args.named.get("apply") {
        let message = format!("Invalid options for {action}: apply");
        reading.fault(
            Fault::new(message)
                .at(&apply.span)
                .help(format!("it is for `{include}`: keywords beside {action} reach every task")),
        );
    }
    if let Some(looping) = &task.looping {
        let short = short_name(action);
        let message =
            format!("You cannot use loops on '{short}' statements. You should use '{include}' instead.");
        reading.fault(Fault::new(message).at(&looping.span).help(format!("write `{include}`")));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_one, handler_faults, task, task_faults};

    #[test]
    fn what_an_include_cannot_take_is_told() {
        let cases = [
            (
                "- include_tasks: {file: x.yml, fiel: y}\n",
                1,
                32,
                "Invalid options for include_tasks: fiel",
                Some("did you mean `file`?"),
            ),
            (
                "- include_tasks: x.yml a=b\n",
                1,
                18,
                "Invalid options for include_tasks: a",
                Some("it takes: apply, file"),
            ),
            ("- include_tasks:\n", 1, 3, "No file specified for include_tasks", None),
            (
                "- include_tasks: x.yml\n  become: yes\n",
                2,
                3,
                "'become' is not a valid attribute for a TaskInclude",
                Some(
                    "`apply: {become: ...}` as a parameter of include_tasks gives it to the tasks that are included",
                ),
            ),
            (
                "- include_tasks: {file: x.yml, apply: a}\n",
                1,
                39,
                "Expected a dict for apply but got str instead",
                None,
            ),
            (
                "- include_tasks: {file: x.yml, apply: {wen: a}}\n",
                1,
                40,
                "'wen' is not a valid attribute for a Block",
                Some("did you mean `when`?"),
            ),
            (
                "- import_tasks: {file: x.yml, apply: {}}\n",
                1,
                38,
                "Invalid options for import_tasks: apply",
                Some("it is for `include_tasks`: keywords beside import_tasks reach every task"),
            ),
            (
                "- import_tasks: x.yml\n  loop: [1]\n",
                2,
                3,
                "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.",
                Some("write `include_tasks`"),
            ),
            (
                "- import_role: {name: x}\n  with_items: [1]\n",
                2,
                3,
                "You cannot use loops on 'import_role' statements. You should use 'include_role' instead.",
                Some("write `include_role`"),
            ),
            ("- include_role: {tasks_from: x}\n", 1, 3, "'name' is a required field for include_role.", None),
            (
                "- include_role: {name: x, task_from: y}\n",
                1,
                27,
                "Invalid options for include_role: task_from",
                Some("did you mean `tasks_from`?"),
            ),
            (
                "- include_role: {name: x, tasks_from: [y]}\n",
                1,
                39,
                "Expected a string for tasks_from but got list instead",
                None,
            ),
        ];
        for (text, line, column, message, help) in cases {
            assert_one(&task_faults(text), text, (line, column, message, help));
        }
    }

    #[test]
    fn a_handler_includes_no_role() {
        let text = "- include_role: {name: x}\n";
        assert_one(
            &handler_faults(text),
            text,
            (1, 3, "Using 'include_role' as a handler is not supported.", None),
        );
    }

    #[test]
    fn imports_take_every_keyword() {
        let (task, _) = task("- import_tasks: x.yml\n  become: yes\n  when: a\n");
        assert!(task.keywords.become_enabled.is_some());
    }
}
