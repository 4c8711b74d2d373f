//! The marker that stands in a text for what a plan cannot know yet.
//!
//! A foretold result has unknown facts, never null ones: the next task must not take a missing id for a known nothing. The
//! marker is a text, so it travels through templates, lists and longer texts without anyone's help.

use serde_json::Value;

/// What a marker begins with; a private-use character, so that no user's text contains it by chance.
pub const START: &str = "\u{f8ff}<unknown:";
/// What a marker ends with.
pub const END: &str = ">\u{f8ff}";
/// What people see in its place.
pub const SHOWN: &str = "(known after apply)";

/// Why a value is unknown: what hangs on it is decided by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It comes from something that is to be created (or replaced): what needs it is to be created as well.
    Created,
    /// It comes from something in whose place there will be one with another id, such as a new revision: what needs it is
    /// certain to change.
    Renewed,
    /// Anything else, such as a command that has not run: nothing can be said.
    Open,
}

/// Returns the marker for a value; `label` says which, such as `ec2.vpc app: id`.
pub fn marker(cause: Cause, label: &str) -> String {
    let cause = word(cause);
    format!("{START}{cause}{label}{END}")
}

/// Returns whether the text has a marker in it.
pub fn is_unknown(text: &str) -> bool {
    text.contains(START)
}

/// Returns why the text is unknown; `None` for a known text. Of several markers the least certain one counts.
pub fn cause(text: &str) -> Option<Cause> {
    least(text.split(START).skip(1).map(|marker| {
        [Cause::Created, Cause::Renewed]
            .into_iter()
            .find(|cause| marker.starts_with(word(*cause)))
            .unwrap_or(Cause::Open)
    }))
}

/// Returns why some text inside the value is unknown; `None` where all is known.
pub fn cause_in(value: &Value) -> Option<Cause> {
    match value {
        Value::String(text) => cause(text),
        Value::Array(items) => least(items.iter().filter_map(cause_in)),
        Value::Object(fields) => least(fields.values().filter_map(cause_in)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns whether some text inside the value is certain to be another one than now.
pub(crate) fn is_renewed(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(&format!("{START}{}", word(Cause::Renewed))),
        Value::Array(items) => items.iter().any(is_renewed),
        Value::Object(fields) => fields.values().any(is_renewed),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Created => "created ",
        Cause::Renewed => "renewed ",
        Cause::Open => "open ",
    }
}

fn least(causes: impl Iterator<Item = Cause>) -> Option<Cause> {
    let rank = |cause: &Cause| match cause {
        Cause::Open => 0,
        Cause::Created => 1,
        Cause::Renewed => 2,
    };
    causes.min_by_key(rank)
}

/// Takes every field out of mappings whose text is unknown, at any depth.
pub(crate) fn forget(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::Object(fields) => {
            fields.retain(|_, value| !value.as_str().is_some_and(is_unknown));
            fields.values_mut().for_each(forget);
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Gives what was to be created another cause, at any depth.
pub(crate) fn recast(value: &mut Value, cause: Cause) {
    match value {
        Value::String(text) if is_unknown(text) => {
            let made = |cause| format!("{START}{}", word(cause));
            *text = text.replace(&made(Cause::Created), &made(cause));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| recast(item, cause)),
        Value::Object(fields) => fields.values_mut().for_each(|value| recast(value, cause)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the text as people read it: each marker replaced by [`SHOWN`].
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        out.push_str(before);
        out.push_str(SHOWN);
        rest = after.split_once(END).map_or("", |(_, after)| after);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_marker_survives_inside_a_longer_text() {
        let text = format!("http://{}/x", marker(Cause::Created, "elb app: dns_name"));
        assert_eq!(cause(&text), Some(Cause::Created));
        assert_eq!(shown(&text), "http://(known after apply)/x");
    }

    #[test]
    fn what_is_unknown_can_be_left_out_and_have_another_cause() {
        let mut value = json!({ "a": 1, "arn": marker(Cause::Created, "x: arn"), "in": [{ "id": marker(Cause::Open, "y") }] });
        let mut open = value.clone();
        recast(&mut open, Cause::Open);
        assert_eq!(cause_in(&value["arn"]), Some(Cause::Created));
        assert_eq!(cause_in(&open["arn"]), Some(Cause::Open));
        let mut renewed = json!(["arn", value["arn"]]);
        assert!(!is_renewed(&renewed));
        recast(&mut renewed, Cause::Renewed);
        assert!(is_renewed(&renewed));
        assert_eq!(cause_in(&renewed), Some(Cause::Renewed));
        forget(&mut value);
        assert_eq!(value, json!({ "a": 1, "in": [{}] }));
    }

    #[test]
    fn the_least_certain_cause_counts() {
        let text = format!("{}{}", marker(Cause::Created, "a"), marker(Cause::Open, "b"));
        assert_eq!(cause(&text), Some(Cause::Open));
        let both = format!("{}{}", marker(Cause::Renewed, "a"), marker(Cause::Created, "b"));
        assert_eq!(cause(&both), Some(Cause::Created));
        assert_eq!(cause("known"), None);
    }
}
