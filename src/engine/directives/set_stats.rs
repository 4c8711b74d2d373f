use indexmap::IndexMap;
use rplay_template::Value;
use serde_json::{Map, Value as Json, json};

use super::set_fact::{invalid_name, is_variable_name};
use crate::run::{Ended, TaskRun, is_true};

/// Keeps numbers and texts for the end of the run. Source of the results: `ansible/plugins/action/set_stats.py`.
pub(super) fn run(task: &TaskRun<'_>, args: &IndexMap<String, Value>) -> Ended {
    let mut data = Map::new();
    match args.get("data").map(Value::to_json) {
        None => {}
        Some(Json::Object(fields)) => data = fields,
        Some(_) => return Ended::failed("The 'data' option needs to be a dictionary/hash"),
    }
    if let Some(wrong) = args.keys().find(|name| !matches!(name.as_str(), "data" | "per_host" | "aggregate"))
    {
        let action = &task.item.task.action.name;
        return Ended::failed(format!("Invalid options for {action}: {wrong}"));
    }
    if let Some(name) = data.keys().find(|name| !is_variable_name(name)) {
        return invalid_name(task, name, &Value::from(name.as_str()));
    }
    let flag = |name: &str, default: bool| args.get(name).map_or(default, is_true);
    let stats = json!({
        "data": data, "per_host": flag("per_host", false), "aggregate": flag("aggregate", true) });
    let mut ended = Ended { stats: stats.as_object().cloned().into_iter().collect(), ..Ended::default() };
    ended.set("ansible_stats", stats);
    ended.set("changed", false);
    ended.set("failed", false);
    ended
}
