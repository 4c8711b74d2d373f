//! What `register` and `--diff` tell.

use rplay_module::{Diff, DiffSide, Report};
use serde_json::{Map, Value};

use super::{File, FileParams, State};
use crate::mode;
use crate::seen::Kind;
use crate::tree::{Entry, Tree};

pub(super) fn output(_p: &FileParams, report: &Report<'_, File>) -> Value {
    let around = report.around;
    let mut result = Map::new();
    let path = Value::from(around.shown.as_str());
    match around.state {
        Some(State::Link | State::Hard) => {
            result.insert("dest".to_owned(), path);
            result.insert("src".to_owned(), Value::from(around.link.src.clone()));
        }
        Some(State::Touch) => {
            result.insert("dest".to_owned(), path);
        }
        Some(State::Absent) => {
            result.insert("path".to_owned(), path);
            result.insert("state".to_owned(), Value::from("absent"));
        }
        Some(State::File | State::Directory) | None => {
            result.insert("path".to_owned(), path);
        }
    }
    result.extend(around.info.clone());
    Value::Object(result)
}

pub(super) fn diff(report: &Report<'_, File>) -> Option<Diff> {
    let around = report.around;
    // Of a file that a touch would make Ansible shows nothing beforehand.
    if around.state == Some(State::Touch) && around.before.is_none() && !report.receipt.written {
        return None;
    }
    let (mut before, mut after) = (Map::new(), Map::new());
    for side in [&mut before, &mut after] {
        side.insert("path".to_owned(), Value::from(around.shown.as_str()));
    }
    let old = around.before.map_or("absent", Kind::text);
    let new = around.state.map_or("file", |state| rplay_module::Choice::as_str(state));
    if old != new {
        before.insert("state".to_owned(), Value::from(old));
        after.insert("state".to_owned(), Value::from(new));
    }
    if let Some(contents) = &around.contents {
        before.insert("path_content".to_owned(), contents.json());
    }
    let entry = |tree: Option<&Tree>| tree.and_then(|tree| tree.get(&around.subject)).cloned();
    let (have, want) = (entry(report.before), entry(report.after));
    if let Some(want) = want.filter(|_| have.is_some() || report.receipt.written) {
        fields(
            &have.unwrap_or_else(|| born(around.wish.born(new == "directory"), report.receipt.born)),
            &want,
            &mut before,
            &mut after,
        );
    }
    Some(Diff {
        before: DiffSide::Data(Value::Object(before)),
        after: DiffSide::Data(Value::Object(after)),
        before_header: None,
        after_header: None,
        prepared: None,
    })
}

/// What a new thing was before it was given what the playbook asks for.
fn born(bits: u32, times: Option<(f64, f64)>) -> Entry {
    let (atime, mtime) = times.unzip();
    Entry { mode: Some(mode::shown(bits)), atime, mtime, ..Entry::default() }
}

pub(crate) fn fields(
    have: &Entry,
    want: &Entry,
    before: &mut Map<String, Value>,
    after: &mut Map<String, Value>,
) {
    let mut add = |name: &str, old: Option<Value>, new: Option<Value>| {
        if let (true, Some(new)) = (old != new, new) {
            if let Some(old) = old {
                before.insert(name.to_owned(), old);
            }
            after.insert(name.to_owned(), new);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    add("owner", have.owner.map(Value::from), want.owner.map(Value::from));
    add("group", have.group.map(Value::from), want.group.map(Value::from));
    add("mode", text(&have.mode), text(&want.mode));
    add("attributes", text(&have.attributes), text(&want.attributes));
    if have.src.is_some() {
        add("src", text(&have.src), text(&want.src));
    }
    add("mtime", have.mtime.map(Value::from), want.mtime.map(Value::from));
    add("atime", have.atime.map(Value::from), want.atime.map(Value::from));
}
