use rplay_event::{Kind, Status};
use serde_json::Value;

use super::Save;
use crate::result::{EVERYTHING, INDENT, cleaned, withhold};
use crate::settings::Settings;
use crate::text::{Layout, json};

/// Saves a result; that of an item is part of its loop's, and what is skipped leaves what was there.
pub(super) fn event(kind: &Kind, settings: &Settings, save: &mut Save) -> Result<(), String> {
    let Kind::TaskDone { result } = kind else { return Ok(()) };
    if result.status == Status::Skipped {
        return Ok(());
    }
    let indented = result.verbose_always || settings.verbosity >= EVERYTHING;
    let mut fields = cleaned(&result.result, "");
    withhold(&mut fields, settings.verbosity);
    let layout = Layout { indent: indented.then_some(INDENT), ascii: false };
    save(&result.host, &json(&Value::Object(fields), layout))
}
