use indexmap::IndexMap;
use rplay_template::Value;
use serde_json::Value as Json;

use crate::run::Ended;

/// Fails with a message.
#[derive(rplay_module::Params)]
pub(super) struct Params {
    /// What the failure says.
    #[param(default = Json::from("Failed as requested from task"))]
    msg: Json,
}

/// Source of the results: `ansible/plugins/action/fail.py`.
pub(super) fn run(args: &IndexMap<String, Value>) -> Ended {
    match super::params::<Params>("fail", args) {
        Ok(params) => {
            let mut ended = Ended::failed("");
            ended.set("msg", params.msg);
            ended
        }
        Err(ended) => *ended,
    }
}
