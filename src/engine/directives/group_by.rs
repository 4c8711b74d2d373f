use std::sync::Arc;

use indexmap::IndexMap;
use rplay_template::Value;

use crate::hosts::{AddedGroup, Host, tell};
use crate::run::{Ended, Runner};

/// Puts the host into a group. Source of the results: `ansible/plugins/action/group_by.py`, `add_dynamic_group`.
pub(super) fn run(runner: &Runner, host: &Arc<Host>, args: &IndexMap<String, Value>) -> Ended {
    if let Some(unknown) = args.keys().find(|name| !matches!(name.as_str(), "key" | "parents")) {
        return Ended::failed(format!("Task failed: Action failed: Invalid options for group_by: {unknown}"));
    }
    let Some(key) = args.get("key") else {
        return Ended::failed("the 'key' param is required when using group_by");
    };
    let dashed = |value: &Value| value.text().replace(' ', "-");
    let parents = match args.get("parents") {
        None => vec!["all".to_owned()],
        Some(parents) => match parents.as_items() {
            Some(items) => items.iter().map(dashed).collect(),
            None => vec![dashed(parents)],
        },
    };
    let group = AddedGroup { name: dashed(key), parents };
    let mut ended = Ended::default();
    let added = runner.hosts.group_by(host, group.clone());
    tell(&runner.emitter, runner.settings.verbosity, runner.hosts.notes());
    match added {
        Ok(changed) => {
            ended.set("changed", changed);
            ended.set("failed", false);
            ended.set("add_group", group.name);
            ended.set("parent_groups", group.parents);
            ended
        }
        Err(error) => Ended::failed(error.message),
    }
}
