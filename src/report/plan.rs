//! What a plan and a destruction look like: one thing a line, the fields that differ below it.

use rplay_event::{FieldChange, Intent, Planned};
use serde_json::Value;

use crate::paint::Paint;
use crate::text::{Layout, json};

const UNKNOWN: &str = "(known after apply)";

/// Returns one thing of a plan, its fields below it; `None` where nothing will happen to it. `gone` tells of a deletion
/// that has been done.
pub(crate) fn planned(planned: &Planned, gone: bool) -> Option<String> {
    let (sign, word) = match planned.action {
        Intent::Delete if gone => ("-", "destroyed"),
        action => wording(action)?,
    };
    let reason = planned.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut lines = vec![format!("  {sign} {word} {}{reason}", planned.address)];
    lines.extend(planned.fields.iter().map(|change| field(change, planned.action)));
    Some(lines.join("\n"))
}

fn wording(action: Intent) -> Option<(&'static str, &'static str)> {
    match action {
        Intent::Create => Some(("+", "create")),
        Intent::Update => Some(("~", "update")),
        Intent::Replace => Some(("-/+", "replace")),
        Intent::Delete => Some(("-", "destroy")),
        Intent::MayChange => Some(("?", "may change")),
        Intent::Deferred => Some(("?", "deferred")),
        Intent::WillRun => Some((">", "will run")),
        Intent::Keep | Intent::Read => None,
    }
}

pub(crate) fn paint(action: Intent) -> Option<Paint> {
    match action {
        Intent::Create => Some(Paint::Ok),
        Intent::Update | Intent::Replace => Some(Paint::Changed),
        Intent::Delete => Some(Paint::Error),
        Intent::MayChange | Intent::Deferred | Intent::WillRun => Some(Paint::Skip),
        Intent::Keep | Intent::Read => None,
    }
}

/// A creation tells what will be there, a deletion what is there, all else both sides.
fn field(change: &FieldChange, action: Intent) -> String {
    let before = change.before.as_ref().map(shown);
    let after = if change.unknown { Some(UNKNOWN.to_owned()) } else { change.after.as_ref().map(shown) };
    let text = match (action, before, after) {
        (_, None, None) => String::new(),
        (Intent::Create, None, Some(after)) => after,
        (Intent::Delete, Some(before), None) => before,
        (_, Some(before), Some(after)) => format!("{before} -> {after}"),
        (_, Some(before), None) => format!("{before} -> (none)"),
        (_, None, Some(after)) => format!("(none) -> {after}"),
    };
    format!("      {}: {text}", change.path).trim_end().to_owned()
}

fn shown(value: &Value) -> String {
    json(value, Layout::default())
}

/// How many things of each kind a plan has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) add: usize,
    pub(crate) change: usize,
    pub(crate) destroy: usize,
    pub(crate) may_change: usize,
    pub(crate) will_run: usize,
}

/// Returns the closing lines of a plan; the last one always reads the same.
pub(crate) fn totals(totals: &Totals) -> String {
    let mut doubts = Vec::new();
    if totals.may_change > 0 {
        doubts.push(format!("{} may change", totals.may_change));
    }
    if totals.will_run > 0 {
        doubts.push(format!("{} will run", totals.will_run));
    }
    let doubts = if doubts.is_empty() { String::new() } else { format!("{}.\n", doubts.join(", ")) };
    let Totals { add, change, destroy, .. } = totals;
    format!("\n{doubts}Plan: {add} to add, {change} to change, {destroy} to destroy.")
}

/// Returns the closing lines of a destruction: what was left, and why; how much is gone.
pub(crate) fn destroyed(destroyed: usize, kept: &[(String, String)]) -> String {
    let gone = format!("\nDestroyed: {destroyed}, kept: {}.", kept.len());
    if kept.is_empty() {
        return gone;
    }
    let left: Vec<String> = kept.iter().map(|(address, reason)| format!("  {address}: {reason}\n")).collect();
    format!("\nKept:\n{}{gone}", left.concat())
}
