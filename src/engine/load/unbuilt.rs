//! Keywords that are known and not built yet: each is a fault that says so, never silently ignored.

use rplay_event::Fault;
use rplay_syntax::{Keywords, Node, Play, Task};

/// Returns a fault for each keyword of the play that does nothing yet.
pub(crate) fn of_play(play: &Play, faults: &mut Vec<Fault>) {
    of_keywords(&play.keywords, faults);
}

/// Returns a fault for each keyword of the task that does nothing yet.
pub(crate) fn of_task(task: &Task, faults: &mut Vec<Fault>) {
    of_keywords(&task.keywords, faults);
}

/// Returns a fault for each common keyword that does nothing yet.
pub(crate) fn of_keywords(keywords: &Keywords, faults: &mut Vec<Fault>) {
    if let Some(node) =
        keywords.debugger.as_ref().filter(|node| !node.is_null() && node.as_str() != Some("never"))
    {
        faults.push(unbuilt("debugger", node));
    }
}

fn unbuilt(name: &str, node: &Node) -> Fault {
    Fault::new(format!("the keyword '{name}' is known but not built yet"))
        .at(&node.span)
        .help("run this playbook with ansible-playbook, or leave the keyword out")
}
