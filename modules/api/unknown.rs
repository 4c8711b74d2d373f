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
    /// Anything else, such as a command that has not run: nothing can be said.
    Open,
}

/// Returns the marker for a value; `label` says which, such as `ec2.vpc app: id`.
pub fn marker(cause: Cause, label: &str) -> String {
    let cause = match cause {
        Cause::Created => "created ",
        Cause::Open => "open ",
    };
    format!("{START}{cause}{label}{END}")
}

/// Returns whether the text has a marker in it.
pub fn is_unknown(text: &str) -> bool {
    text.contains(START)
}

/// Returns why the text is unknown; `None` for a known text. Of several markers the least certain one counts.
pub fn cause(text: &str) -> Option<Cause> {
    let mut markers = text.split(START).skip(1).peekable();
    markers.peek()?;
    Some(if markers.all(|marker| marker.starts_with("created ")) { Cause::Created } else { Cause::Open })
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

fn least(causes: impl Iterator<Item = Cause>) -> Option<Cause> {
    causes.reduce(|a, b| if a == Cause::Created { b } else { a })
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
    use super::*;

    #[test]
    fn a_marker_survives_inside_a_longer_text() {
        let text = format!("http://{}/x", marker(Cause::Created, "elb app: dns_name"));
        assert_eq!(cause(&text), Some(Cause::Created));
        assert_eq!(shown(&text), "http://(known after apply)/x");
    }

    #[test]
    fn the_least_certain_cause_counts() {
        let text = format!("{}{}", marker(Cause::Created, "a"), marker(Cause::Open, "b"));
        assert_eq!(cause(&text), Some(Cause::Open));
        assert_eq!(cause("known"), None);
    }
}
