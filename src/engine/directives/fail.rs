use indexmap::IndexMap;
use rplay_template::Value;
use serde_json::Value as Json;

use crate::run::{Ended, TaskRun};

/// Fails with a message.
#[derive(rplay_module::Params)]
pub(super) struct Params {
    /// What the failure says.
    #[param(default = Json::from("Failed as requested from task"))]
    msg: Json,
}

/// Source of the results: `ansible/plugins/action/fail.py`.
pub(super) fn run(task: &TaskRun<'_>, args: &IndexMap<String, Value>) -> Ended {
    if let Some(wrong) = args.keys().find(|name| *name != "msg") {
        return Ended::refused(format!("Invalid options for {}: {wrong}", task.item.task.action.name));
    }
    match super::params::<Params>("fail", args) {
        Ok(params) => {
            let mut ended = Ended::failed("");
            ended.set("msg", params.msg);
            ended.headline_of_data();
            ended
        }
        Err(ended) => *ended,
    }
}
