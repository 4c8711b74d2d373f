//! What the tests of the model share.

use rplay_event::Fault;

use crate::{Entry, Play, Step, Task, Warning, parse_handlers, parse_playbook, parse_tasks};

/// Answers as an engine with a handful of modules would.
pub(crate) fn is_action(name: &str) -> bool {
    let name = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    [
        "command",
        "copy",
        "debug",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "ping",
        "shell",
    ]
    .contains(&name)
}

pub(crate) fn steps(text: &str) -> (Vec<Step>, Vec<Warning>) {
    let loaded = parse_tasks("t.yml", text, &is_action).expect("the tasks are right");
    (loaded.value, loaded.warnings)
}

/// Returns the only task of a list, and what was warned of.
pub(crate) fn task(text: &str) -> (Task, Vec<Warning>) {
    let (steps, warnings) = steps(text);
    match <[Step; 1]>::try_from(steps) {
        Ok([Step::Task(task)]) => (*task, warnings),
        other => panic!("one task, not {other:?}"),
    }
}

pub(crate) fn play(text: &str) -> Play {
    let loaded = parse_playbook("p.yml", text, &is_action).expect("the playbook is right");
    match loaded.value.entries.into_iter().next() {
        Some(Entry::Play(play)) => *play,
        other => panic!("a play, not {other:?}"),
    }
}

/// A fault as tests compare it: line, column, message and help.
pub(crate) type Told = (u32, u32, String, Option<String>);

pub(crate) fn told(faults: Vec<Fault>) -> Vec<Told> {
    let place = |fault: &Fault| fault.span.as_ref().map_or((0, 0), |span| (span.line, span.column));
    faults
        .into_iter()
        .map(|fault| {
            assert_eq!(fault.excerpt.is_some(), fault.span.is_some(), "an excerpt stands beside every place");
            (place(&fault).0, place(&fault).1, fault.message, fault.help)
        })
        .collect()
}

pub(crate) fn task_faults(text: &str) -> Vec<Told> {
    told(parse_tasks("t.yml", text, &is_action).expect_err("the tasks are wrong"))
}

pub(crate) fn handler_faults(text: &str) -> Vec<Told> {
    told(parse_handlers("t.yml", text, &is_action).expect_err("the handlers are wrong"))
}

pub(crate) fn playbook_faults(text: &str) -> Vec<Told> {
    told(parse_playbook("p.yml", text, &is_action).expect_err("the playbook is wrong"))
}

/// Asserts that a text has one fault: its line, column, message and help.
pub(crate) fn assert_one(found: &[Told], text: &str, expected: (u32, u32, &str, Option<&str>)) {
    let (line, column, message, help) = expected;
    assert_eq!(found, [(line, column, message.to_owned(), help.map(ToOwned::to_owned))], "{text}");
}
