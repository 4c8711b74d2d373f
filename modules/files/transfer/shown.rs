//! What `register` and `--diff` tell of a copy.

use rplay_module::{Diff, DiffSide, Report, Resource};
use serde_json::{Map, Value, json};

use super::{Around, Receipt};
use crate::content::difference;
use crate::file::fields;
use crate::tree::{Entry, Tree};

/// What was found and done, whichever module it was.
pub(super) struct Told<'a> {
    before: Option<&'a Tree>,
    after: Option<&'a Tree>,
    around: &'a Around,
    receipt: &'a Receipt,
    changed: bool,
}

impl<'a> Told<'a> {
    pub(super) fn of<R>(report: &Report<'a, R>) -> Self
    where
        R: Resource<State = Tree, Around = Around, Receipt = Receipt>,
    {
        let Report { before, after, around, receipt, changed } = *report;
        Self { before, after, around, receipt, changed }
    }

    fn entry(&self, tree: Option<&'a Tree>) -> Option<&'a Entry> {
        tree.and_then(|tree| tree.get(&self.around.dest))
    }

    /// Whether the content itself is or would be written.
    fn content(&self) -> bool {
        let sum = |tree| self.entry(tree).map(|entry| (entry.checksum.as_deref(), entry.state.as_str()));
        self.changed && (self.receipt.content || sum(self.before) != sum(self.after))
    }
}

/// In check mode Ansible's action stops where the file would be sent: nothing but the difference is told then.
pub(super) fn checked(told: &Told<'_>) -> Value {
    if told.around.single && !told.around.from_host && told.content() {
        return json!({ "diff": [] });
    }
    output(told)
}

pub(super) fn output(told: &Told<'_>) -> Value {
    let around = told.around;
    let mut result = Map::new();
    let content = told.content();
    let mut put = |name: &str, value: Value| drop(result.insert(name.to_owned(), value));
    // A name alone is one of this folder to the module that writes it.
    let beside = (content || around.from_host) && !around.dest.contains('/');
    put("dest", Value::from(if beside { format!("./{}", around.dest) } else { around.dest.clone() }));
    // The action has its list of differences, whether they are asked for or not.
    if around.single && !around.from_host && (told.receipt.content || !around.kept) {
        put("diff", json!([]));
    }
    if around.single && told.receipt.content && !around.from_host {
        put("src", Value::from(around.carried.as_str()));
    } else if let Some(src) =
        around.src.as_deref().filter(|_| !around.single || around.kept || content || around.from_host)
    {
        put("src", Value::from(src));
    }
    if !around.single {
        if around.from_host {
            put("checksum", Value::Null);
            put("md5sum", Value::Null);
        }
    } else if around.kept && !told.receipt.content {
        return Value::Object(result);
    } else {
        put("checksum", Value::from(around.sums.sha1.as_str()));
        if content || around.from_host {
            put("md5sum", Value::from(around.sums.md5.as_str()));
        } else {
            put("path", Value::from(around.dest.as_str()));
        }
        if let Some(backup) = &told.receipt.backup {
            put("backup_file", Value::from(backup.as_str()));
        }
    }
    result.extend(around.info.clone());
    Value::Object(result)
}

/// One file is shown as its two texts, or as its attributes where only these differ; folders, as in Ansible, not at all.
pub(super) fn diff(told: &Told<'_>) -> Vec<Diff> {
    let around = told.around;
    if !around.single || around.from_host {
        return Vec::new();
    }
    if told.content() {
        let source = around.origin.as_deref().unwrap_or(&around.dest);
        return vec![difference(&around.old_text, &around.text, &around.dest, source)];
    }
    let (Some(have), Some(want)) = (told.entry(told.before), told.entry(told.after)) else {
        return Vec::new();
    };
    let path = Map::from_iter([("path".to_owned(), Value::from(around.dest.as_str()))]);
    let (mut before, mut after) = (path.clone(), path);
    fields(have, want, &mut before, &mut after);
    vec![Diff {
        before: DiffSide::Data(Value::Object(before)),
        after: DiffSide::Data(Value::Object(after)),
        before_header: None,
        after_header: None,
        prepared: None,
    }]
}
