//! What every reader that prints lines says about a result in the same words.

use rplay_event::{TaskInfo, TaskResult};
use serde_json::Value;

use crate::paint::Paint;
use crate::screen::{Screen, Side};
use crate::settings::Settings;
use crate::text::label;

/// Returns the host as it stands between brackets: with the one that did the work for it.
pub(crate) fn host_label(result: &TaskResult) -> String {
    let Some(other) = result.delegated_to.as_ref().filter(|other| **other != result.host) else {
        return result.host.clone();
    };
    let address = result
        .result
        .get("_ansible_delegated_vars")
        .and_then(|vars| vars.get("ansible_host"))
        .and_then(Value::as_str)
        .filter(|address| *address != other.as_str())
        .map(|address| format!("({address})"))
        .unwrap_or_default();
    format!("{} -> {other}{address}", result.host)
}

/// Returns the line that tells what has become of an asynchronous task.
pub(crate) fn asynchronous(host: &str, job: &str, state: rplay_event::AsyncState) -> String {
    use rplay_event::AsyncState;
    let word = |flag: bool| if flag { "True" } else { "False" };
    match state {
        AsyncState::Polled { started, finished } => {
            format!("ASYNC POLL on {host}: jid={job} started={} finished={}", word(started), word(finished))
        }
        AsyncState::Ok => format!("ASYNC OK on {host}: jid={job}"),
        AsyncState::Failed => format!("ASYNC FAILED on {host}: jid={job}"),
    }
}

/// Whether the result is that of a whole loop, whose items have been told one by one.
pub(crate) fn is_summary(result: &TaskResult) -> bool {
    result.looped && result.item.is_none()
}

/// Returns an item as it stands after `(item=`.
pub(crate) fn item_label(result: &TaskResult, task: Option<&TaskInfo>) -> String {
    if result.result.contains_key("censored") || task.is_some_and(|task| task.no_log) {
        return "(censored due to no_log)".to_owned();
    }
    // An item that is null is none after a round trip through the journal; Python's word for both is the same.
    label(result.item.as_ref().unwrap_or(&Value::Null))
}

/// Prints the warnings and deprecations that a result brings.
pub(crate) fn warnings(result: &TaskResult, settings: &Settings, screen: &mut Screen) {
    for warning in texts(result.result.get("warnings")) {
        self::warning(&warning, screen);
    }
    let deprecations = result.result.get("deprecations").and_then(Value::as_array);
    for deprecation in deprecations.into_iter().flatten() {
        self::deprecation(&deprecation_text(deprecation), settings, screen);
    }
}

pub(crate) fn warning(text: &str, screen: &mut Screen) {
    screen.message(Side::Err, Paint::Warn, "WARNING", text);
}

pub(crate) fn deprecation(text: &str, settings: &Settings, screen: &mut Screen) {
    if settings.deprecation_warnings {
        warning(
            "Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.",
            screen,
        );
        screen.message(Side::Err, Paint::Deprecate, "DEPRECATION WARNING", text);
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A deprecation in a result is a mapping: what, from which collection, and when it goes.
fn deprecation_text(deprecation: &Value) -> String {
    let field = |name| deprecation.get(name).and_then(Value::as_str);
    let message = sentence(field("msg").or(deprecation.as_str()).unwrap_or_default());
    let when = match (field("collection_name"), field("date"), field("version")) {
        (None, _, _) => "in the future".to_owned(),
        (Some(from), Some(date), _) => format!("from {} in a release after {date}", collection(from)),
        (Some(from), None, Some(version)) => format!("from {} version {version}", collection(from)),
        (Some(from), None, None) => format!("from {} in a future release", collection(from)),
    };
    format!("{message} This feature will be removed {when}.")
}

fn collection(name: &str) -> String {
    if name == "ansible.builtin" { "ansible-core".to_owned() } else { format!("collection '{name}'") }
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
