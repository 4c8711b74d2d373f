//! A text that was worked out anew: how it is checked, kept, written and told of. What `lineinfile`, `blockinfile` and
//! `replace` have in common.

use std::io::Write as _;
use std::path::Path;

use rplay_module::{Child, Cx, Deed, Diff, DiffSide, Failure, Result, words};
use serde_json::{Value, json};

use crate::attributes::Attributes;
use crate::content::Source;
use crate::seen::system_words;
use crate::settle::{self, Settled};
use crate::transfer::back_up;
use crate::tree::Entry;
use crate::write::{self, Manner};
use crate::{encoding, paths};

/// How a text is written.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    pub(crate) backup: bool,
    /// A command that has to accept the text before it is put in its place; `%s` is its path.
    pub(crate) validate: Option<&'a str>,
    pub(crate) attributes: &'a Attributes,
}

/// A text before and after.
pub(crate) struct Revision {
    pub(crate) path: String,
    /// The file was there.
    pub(crate) existed: bool,
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
    pub(crate) changed: bool,
    pub(crate) msg: String,
}

/// What came of a revision; the module makes its result of it.
pub(crate) struct Told {
    pub(crate) changed: bool,
    pub(crate) msg: String,
    pub(crate) backup: Option<String>,
    pub(crate) content: Diff,
    /// `None` where the file is not there: nothing can be said of its attributes.
    pub(crate) attributes: Option<Settled>,
}

impl Revision {
    /// Tells what writing it would do.
    pub(crate) async fn foretold(&self, cx: &Cx, how: How<'_>) -> Result<Told> {
        if !self.existed {
            return Ok(self.told(None, None));
        }
        let settled = settle::foretold(cx, how.attributes, &self.path).await?;
        Ok(self.told(None, Some(settled)))
    }

    /// Writes it where it differs, and sets the attributes.
    pub(crate) async fn written(&self, cx: &Cx, how: How<'_>) -> Result<Told> {
        let mut backup = None;
        if self.changed {
            let folder = paths::folder_of(&self.path);
            if !folder.is_empty() {
                std::fs::create_dir_all(paths::real(cx, folder)).map_err(|error| {
                    Failure::new(format!("Error creating {folder} ({})", system_words(&error)))
                })?;
            }
            if how.backup && self.existed {
                backup = Some(back_up(cx, &self.path)?);
            }
            validate(cx, how.validate, &self.after).await?;
            let manner =
                Manner { unsafe_writes: how.attributes.writes_unsafely(cx), validate: None, keeps: true };
            let real = paths::followed(cx, &self.path);
            write::file(cx, &real, &Source::Bytes(self.after.clone()), &Entry::of("file"), manner).await?;
        }
        let settled = settle::settle(cx, how.attributes, &self.path).await?;
        Ok(self.told(backup, Some(settled)))
    }

    fn told(&self, backup: Option<String>, attributes: Option<Settled>) -> Told {
        let mut told = Told {
            changed: self.changed,
            msg: self.msg.clone(),
            backup,
            content: self.diff("(content)"),
            attributes,
        };
        if told.attributes.as_ref().is_some_and(|settled| settled.changed) {
            if told.changed {
                told.msg.push_str(" and ");
            }
            told.changed = true;
            told.msg.push_str("ownership, perms or SE linux context changed");
        }
        told
    }

    fn diff(&self, what: &str) -> Diff {
        let header = Some(format!("{} {what}", self.path));
        Diff {
            before: DiffSide::Text(String::from_utf8_lossy(&self.before).into_owned()),
            after: DiffSide::Text(String::from_utf8_lossy(&self.after).into_owned()),
            before_header: header.clone(),
            after_header: header,
            prepared: None,
        }
    }
}

impl Told {
    /// Makes the deed of it, with both differences, and `more` beside the message.
    pub(crate) fn deed(self, path: &str, more: Value) -> Deed {
        let header = |what: &str| json!(format!("{path} ({what})"));
        let empty = json!({
            "before": "", "after": "", "before_header": header("content"), "after_header": header("content"),
        });
        let shown = match &self.attributes {
            None => empty,
            Some(settled) => {
                let mut own = json!({ "before_header": header("file attributes"), "after_header": header("file attributes") });
                if !settled.before.is_empty() {
                    own["before"] = json!(settled.before);
                    own["after"] = json!(settled.after);
                }
                json!([empty, own])
            }
        };
        // There is always a difference in the result, if only an empty one where none is asked for.
        let mut deed = Deed::new(self.changed, json!({ "msg": self.msg }));
        if let Value::Object(mut more) = more {
            let last = more.shift_remove_entry("backup_file");
            // What was found stands before the message, as in Ansible's results.
            if let Some(found) = more.shift_remove("found") {
                deed.result.shift_insert(0, "found".to_owned(), found);
            }
            deed.result.extend(more);
            deed.result.insert("diff".to_owned(), shown);
            deed.result.extend(last);
        }
        deed.diff.push(self.content);
        deed.diff.extend(self.attributes.map(|settled| settled.diff(path)));
        deed
    }
}

/// What a text file has in it, and whether it is there.
pub(crate) fn read(cx: &Cx, shown: &str, what: &str) -> Result<Option<Vec<u8>>> {
    let path = paths::real(cx, shown);
    if path.is_dir() {
        return Err(Failure::new(format!("Path {shown} is a directory !")).field("rc", 256));
    }
    if !path.exists() {
        return Ok(None);
    }
    let read = std::fs::read(&path);
    read.map(Some)
        .map_err(|error| Failure::new(format!("could not read {what} {shown}: {}", system_words(&error))))
}

/// The failure of a file that has to be there.
pub(crate) fn missing(what: &str, shown: &str) -> Failure {
    Failure::new(format!("{what} {shown} does not exist !")).field("rc", 257)
}

/// Shows a text to the command that has to accept it.
pub(crate) async fn validate(cx: &Cx, command: Option<&str>, text: &[u8]) -> Result<()> {
    let Some(command) = command.filter(|command| !command.is_empty()) else { return Ok(()) };
    if !command.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {command}")));
    }
    let fail = |error: std::io::Error| {
        Failure::new(format!("could not write for validate: {}", system_words(&error)))
    };
    let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
    file.write_all(text).map_err(fail)?;
    let line = command.replacen("%s", &file.path().to_string_lossy(), 1);
    let argv = words::split(&line).map_err(|error| Failure::new(error.to_string()))?;
    let argv = argv.iter().map(|word| paths::expand(cx, Path::new(word))).collect();
    let exit = cx.spawn(Child { argv, ..Child::default() }).await?;
    if exit.rc == 0 {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&exit.stderr).into_owned();
    Err(Failure::new(format!("failed to validate: rc:{} error:{said}", exit.rc)))
}

/// Cuts a text after each newline, as Python's `readlines` does.
pub(crate) fn lines(text: &encoding::Text) -> Vec<String> {
    text.as_str().split_inclusive('\n').map(str::to_owned).collect()
}
