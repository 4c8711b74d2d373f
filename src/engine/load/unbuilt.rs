//! Keywords that are known and not built yet: each is a fault that says so, never silently ignored.

use rplay_event::Fault;
use rplay_syntax::{Keywords, Node, Play, Task};

/// Returns a fault for each keyword of the play that does nothing yet.
pub(crate) fn of_play(play: &Play, faults: &mut Vec<Fault>) {
    of_keywords(&play.keywords, faults);
}

/// Returns a fault for each keyword of the task that does nothing yet.
pub(crate) fn of_task(task: &Task, faults: &mut Vec<Fault>) {
    let found: [(&str, Option<Node>); 1] =
        [("async", task.async_seconds.clone().filter(|node| node.as_int() != Some(0)))];
    report(&found, faults);
    of_keywords(&task.keywords, faults);
}

/// Returns a fault for each common keyword that does nothing yet.
pub(crate) fn of_keywords(keywords: &Keywords, faults: &mut Vec<Fault>) {
    let wanted = |node: &Option<Node>| {
        node.clone().filter(|node| !matches!(node.as_bool(), Some(false)) && !node.is_null())
    };
    let found: [(&str, Option<Node>); 8] = [
        ("become", wanted(&keywords.become_enabled)),
        ("delegate_facts", wanted(&keywords.delegate_facts)),
        ("debugger", keywords.debugger.clone().filter(|node| !is_one_of(node, &["never"]))),
        ("collections", None),
        ("port", keywords.port.clone()),
        ("remote_user", None),
        ("become_method", None),
        (
            "connection",
            keywords.connection.clone().filter(|node| !is_one_of(node, &["local", "ansible.builtin.local"])),
        ),
    ];
    report(&found, faults);
}

fn is_one_of(node: &Node, values: &[&str]) -> bool {
    node.as_str().is_some_and(|text| values.contains(&text))
}

fn report(found: &[(&str, Option<Node>)], faults: &mut Vec<Fault>) {
    for (name, node) in found {
        if let Some(node) = node {
            faults.push(unbuilt(name, node));
        }
    }
}

fn unbuilt(name: &str, node: &Node) -> Fault {
    Fault::new(format!("the keyword '{name}' is known but not built yet"))
        .at(&node.span)
        .help("run this playbook with ansible-playbook, or leave the keyword out")
}
