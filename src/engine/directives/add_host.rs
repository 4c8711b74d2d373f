use indexmap::IndexMap;
use rplay_event::Fault;
use rplay_template::Value;
use serde_json::{Map, Value as Json, json};

use crate::hosts::{AddedHost, tell};
use crate::inventory::split_port;
use crate::run::{Ended, Runner, TaskRun};
use crate::scopes::plain_node;

/// What names the host or its groups, and is no variable of it.
const NAMES: [&str; 4] = ["name", "hostname", "groupname", "groups"];

/// What names its groups.
const GROUPS: [&str; 3] = ["groupname", "groups", "group"];

/// Adds a host to the inventory. Source of the results: `ansible/plugins/action/add_host.py`, `add_dynamic_host`.
pub(super) fn run(runner: &Runner, task: &TaskRun<'_>, mut args: IndexMap<String, Value>) -> Ended {
    if let Some(raw) = args.shift_remove("_raw_params") {
        if raw.kind() != rplay_template::Kind::Dict {
            // What is written in a playbook is a class of its own to Ansible.
            let kind = match plain_node(&raw, &task.item.task.span).kind() {
                "str" => "ansible.module_utils._internal._datatag._AnsibleTaggedStr",
                kind => kind,
            };
            let message = format!(
                "Invalid raw parameters passed, requires a dictionary/mapping got a  <class '{kind}'>"
            );
            return Ended::refused(message);
        }
        let given = args;
        args = raw.entries().map(|(key, value)| (key.text(), value.clone())).collect();
        args.extend(given);
    }
    let named =
        ["name", "hostname", "host"].iter().find_map(|key| args.get(*key)).filter(|name| !name.is_none());
    let Some(name) = named.map(Value::text) else {
        return Ended::refused("name, host or hostname needs to be provided");
    };
    let (name, port) = split_port(&name);
    let name = name.to_owned();
    if let Some(port) = port {
        args.insert("ansible_ssh_port".to_owned(), Value::from_json(json!(port)));
    }
    let groups = match groups(&args) {
        Ok(groups) => groups,
        Err(message) => return misgrouped(task, message),
    };
    args.retain(|key, _| !NAMES.contains(&key.as_str()));
    let told: Map<String, Json> = args.iter().map(|(key, value)| (key.clone(), value.to_json())).collect();
    let span = &task.item.task.span;
    let vars = args.iter().map(|(key, value)| (key.clone(), plain_node(value, span))).collect();
    let shown = json!({ "host_name": name, "groups": groups, "host_vars": told });
    let added = runner.hosts.add_host(AddedHost { name, groups, vars });
    tell(&runner.emitter, runner.settings.verbosity, runner.hosts.notes());
    match added {
        Ok(changed) => {
            let mut ended = Ended::default();
            ended.set("changed", changed);
            ended.set("failed", false);
            ended.set("add_host", shown);
            ended
        }
        Err(error) => Ended::failed(error.message),
    }
}

/// The end of a task whose groups are no list, told where they are written.
fn misgrouped(task: &TaskRun<'_>, message: &str) -> Ended {
    let own = &task.item.task.args.named;
    let place = GROUPS.iter().find_map(|name| own.get(name)).map(|node| node.span.clone());
    let mut ended = Ended::refused(message);
    ended.causes = vec![Fault::new("Task failed.").at(&task.item.task.span)];
    ended.causes.push(match place {
        Some(place) => Fault::new(message).at(&place),
        None => Fault::new(message),
    });
    ended
}

fn groups(args: &IndexMap<String, Value>) -> Result<Vec<String>, &'static str> {
    let given = GROUPS.iter().find_map(|key| args.get(*key));
    let Some(given) = given.filter(|given| given.is_truthy()) else { return Ok(Vec::new()) };
    let names: Vec<String> = match (given.as_items(), given.as_str()) {
        (Some(items), _) => items.iter().map(Value::text).collect(),
        (None, Some(text)) => text.split(',').map(str::to_owned).collect(),
        (None, None) => {
            return Err("Groups must be specified as a list.");
        }
    };
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name.trim().to_owned());
        }
    }
    Ok(distinct)
}
