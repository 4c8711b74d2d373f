//! Events in, whole text out.

use rplay_event::{Kind, TaskResult};
use serde_json::Value;

use crate::Settings;
use crate::samples::shown;

mod default;
mod differences;
mod failures;
mod log;
mod messages;
mod others;
mod plan;

fn out(settings: Settings, events: Vec<Kind>) -> String {
    shown(settings, events).0
}

fn verbose(verbosity: u8) -> Settings {
    Settings { verbosity, ..Settings::default() }
}

fn task_done(result: TaskResult) -> Kind {
    Kind::TaskDone { result }
}

fn item_done(item: Value, result: TaskResult) -> Kind {
    Kind::ItemDone { result: TaskResult { item: Some(item), ..result } }
}
