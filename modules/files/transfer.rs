//! Bringing contents to a place: what `copy` and `template` do.
//!
//! A [`Job`] is what the parameters of either come to. What is at the destination and what shall be there are one
//! [`Tree`] each, whether it is a file or a folder with everything in it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rplay_module::{Address, Change, Cx, Diff, Failure, Held, Report, Resource, Result};
use serde_json::{Map, Value};

use crate::attributes::{Attributes, Wish};
use crate::content::{Shown, Source, Sums};
use crate::file;
use crate::paths;
use crate::seen::{self, Seen};
use crate::tree::{Entry, Tree};
use crate::write::{self, Manner};

mod found;
mod shown;
mod walk;

/// What is to be brought where.
pub(crate) struct Job<'a> {
    pub(crate) from: From<'a>,
    pub(crate) dest: &'a Path,
    pub(crate) backup: bool,
    pub(crate) force: bool,
    pub(crate) follow: bool,
    pub(crate) local_follow: Option<bool>,
    pub(crate) validate: Option<&'a str>,
    pub(crate) directory_mode: Option<&'a Value>,
    pub(crate) checksum: Option<&'a str>,
    pub(crate) attributes: &'a Attributes,
}

impl Job<'_> {
    /// Refuses a source that is not the one that is meant.
    fn checked(&self, sha1: &str) -> Result<()> {
        let Some(expected) = self.checksum.filter(|expected| *expected != sha1) else { return Ok(()) };
        let failure = Failure::new("Copied file does not match the expected checksum. Transfer failed.");
        Err(failure.field("checksum", sha1).field("expected_checksum", expected))
    }
}

/// Where the content comes from.
pub(crate) enum From<'a> {
    /// The playbook itself has it.
    Content(Vec<u8>),
    /// The engine made it of a file: a decrypted file.
    Made(&'a Path, &'a [u8]),
    /// The engine rendered the template at the path.
    Rendered(&'a Path, &'a [u8]),
    /// A file or folder beside the playbook.
    Controller(&'a Path),
    /// A file or folder of the host.
    Host(&'a Path),
}

/// What was found, beside what is at the destination.
#[derive(Default)]
pub(crate) struct Around {
    /// The destination that results name.
    dest: String,
    /// The source that results name; a content that the playbook has has none.
    src: Option<String>,
    /// Where Ansible would have put the file before it replaces the one at the destination.
    carried: String,
    /// What the difference calls the source: of a template Ansible's file with the text that was made of it.
    origin: Option<String>,
    /// It is one file, not a folder.
    single: bool,
    /// What shall be at the destination, by path.
    things: BTreeMap<String, Thing>,
    sums: Sums,
    text: Shown,
    /// What the one file was before.
    old_text: Shown,
    /// There is something, and it must not be replaced.
    kept: bool,
    from_host: bool,
    info: Map<String, Value>,
}

/// One thing to bring, and what is in its place.
struct Thing {
    what: What,
    wish: Wish,
    there: Option<Seen>,
    /// The checksum of the file that is there.
    there_sum: Option<String>,
}

enum What {
    File(Source, String),
    /// Made where it is not there; `true` where the attributes are also for one that is.
    Folder(bool),
    Link(String),
}

/// What only the write knows.
#[derive(Default)]
pub(crate) struct Receipt {
    /// The content itself was written, not only attributes.
    content: bool,
    /// The destination that results name.
    dest: String,
    old_text: Shown,
    backup: Option<String>,
}

pub(crate) use found::{back_up, local, sent};

pub(crate) fn address(dest: &Path) -> Address {
    file::address(&dest.to_string_lossy())
}

/// Returns what a job reads: the folder that it puts something into.
pub(crate) fn refers(dest: &Path) -> Vec<Address> {
    let dest = dest.to_string_lossy();
    vec![file::address(paths::folder_of(dest.trim_end_matches('/')))]
}

pub(crate) async fn read(
    cx: &Cx,
    job: &Job<'_>,
    receipt: Option<&Receipt>,
) -> Result<(Option<Tree>, Around)> {
    let mut around = found::around(cx, job).await?;
    if let Some(receipt) = receipt {
        around.old_text = receipt.old_text.clone();
        // The folder that was made is there now, and was not what the destination meant.
        if around.from_host && !around.single && around.dest != receipt.dest {
            around.dest.clone_from(&receipt.dest);
            around.info = seen::info(cx, &around.dest).await;
        }
    }
    Ok((around.have(), around))
}

impl Around {
    /// Returns what is at the destination, as far as it is managed.
    fn have(&self) -> Option<Tree> {
        let mut tree = Tree::default();
        for (path, thing) in &self.things {
            if let Some(seen) = &thing.there {
                tree.put(path, thing.have(seen));
            }
        }
        // A folder that is there does not make the file that goes into it.
        if self.single && self.things.get(&self.dest).is_some_and(|thing| thing.there.is_none()) {
            return None;
        }
        tree.some()
    }

    /// Adds what Ansible's action and module tell of a failure: the source's checksum, and what is at the path.
    async fn failed(&self, cx: &Cx, failure: Failure) -> Failure {
        self.summed(seen::informed(cx, failure).await)
    }

    /// Adds the checksum to a failure about a single file that is sent.
    fn summed(&self, failure: Failure) -> Failure {
        if self.single && !self.from_host {
            return failure.field("checksum", self.sums.sha1.as_str());
        }
        failure
    }

    pub(crate) fn want(&self, dest: &Path, have: Option<&Tree>) -> Result<Option<Tree>> {
        // Nothing could be looked for: the destination is only known after the run.
        if self.dest.is_empty() {
            return Ok(Some(Tree::from_one(dest.to_string_lossy(), Entry::of("file"))));
        }
        if self.kept {
            return Ok(have.cloned());
        }
        let mut tree = Tree::default();
        for (path, thing) in &self.things {
            tree.put(path, thing.want().map_err(|failure| self.unwanted(path, failure))?);
        }
        Ok(tree.some())
    }
}

impl Around {
    /// The failure of a file that is as it shall be, but for what it cannot be given.
    fn unwanted(&self, path: &str, failure: Failure) -> Failure {
        let failure = failure.field("path", path);
        self.summed(if self.single { seen::beside(failure, &self.info) } else { failure })
    }
}

impl Thing {
    fn have(&self, seen: &Seen) -> Entry {
        let entry = match &self.what {
            What::Folder(false) => Entry::of(self.wish.have(seen).state.as_str()),
            _ => self.wish.have(seen),
        };
        match &self.what {
            What::File(..) => Entry { checksum: self.there_sum.clone(), ..entry },
            What::Link(_) => Entry { src: seen.target.clone(), ..entry },
            What::Folder(_) => entry,
        }
    }

    fn want(&self) -> Result<Entry> {
        let kind = self.what.kind();
        let entry = match &self.there {
            Some(_) if matches!(self.what, What::Folder(false)) => Entry::of(kind.text()),
            Some(seen) if seen.kind.text() == kind.text() || self.what.is_file_over(seen) => {
                // What differs is written first, and refused then.
                let written =
                    matches!(&self.what, What::File(_, sum) if self.there_sum.as_ref() != Some(sum));
                if written { self.wish.feasible().want(seen)? } else { self.wish.want(seen)? }
            }
            _ => self.wish.fresh(kind)?,
        };
        Ok(match &self.what {
            What::File(_, sum) => Entry { checksum: Some(sum.clone()), ..entry },
            What::Link(target) => Entry { src: Some(target.clone()), ..entry },
            What::Folder(_) => entry,
        })
    }
}

/// Writes what differs.
pub(crate) async fn apply(
    cx: &Cx,
    job: &Job<'_>,
    around: &Around,
    change: Change<'_, Tree>,
) -> Result<Receipt> {
    let (have, want) = match change {
        Change::Delete { have } => {
            remove(cx, have)?;
            return Ok(Receipt::default());
        }
        Change::Create { want } => (None, want),
        Change::Update { have, want } => (Some(have), want),
    };
    let (old_text, dest) = (around.old_text.clone(), around.dest.clone());
    let mut receipt = Receipt { dest, old_text, ..Receipt::default() };
    for (path, entry) in &want.0 {
        let old = have.and_then(|have| have.get(path));
        let Some(thing) = around.things.get(path).filter(|_| old != Some(entry)) else { continue };
        let brought = async {
            bring(cx, job, path, thing, (old, entry), &mut receipt).await?;
            write::attributes(cx, path, entry).await?;
            thing.wish.refusal(path)
        };
        if let Err(failure) = brought.await {
            return Err(around.failed(cx, failure).await);
        }
    }
    Ok(receipt)
}

async fn bring(
    cx: &Cx,
    job: &Job<'_>,
    path: &str,
    thing: &Thing,
    (old, want): (Option<&Entry>, &Entry),
    receipt: &mut Receipt,
) -> Result<()> {
    let same = |old: &Entry| old.state == want.state && old.checksum == want.checksum && old.src == want.src;
    if old.is_some_and(same) {
        return Ok(());
    }
    let replaced = thing.there.as_ref().map(|seen| seen.kind);
    match &thing.what {
        What::Folder(_) => write::folder(cx, path),
        What::Link(target) => write::link(cx, path, target.as_ref(), false, replaced),
        What::File(source, _) => {
            // What is there already is not sent, and so not looked at.
            job.checked(want.checksum.as_deref().unwrap_or_default())?;
            let unsafe_writes = job.attributes.writes_unsafely(cx);
            found::writable(cx, path, unsafe_writes)?;
            if job.backup && replaced.is_some() {
                receipt.backup = Some(found::back_up(cx, path)?);
            }
            let manner =
                Manner { unsafe_writes, validate: job.validate, keeps: !matches!(job.from, From::Host(_)) };
            write::file(cx, path, source, want, manner).await?;
            receipt.content = true;
            Ok(())
        }
    }
}

/// Returns what is in the folders that were brought, and was not brought with them.
pub(crate) fn holds(cx: &Cx, have: &Tree) -> Vec<Held> {
    let folders = have.0.iter().filter(|(_, entry)| entry.state == "directory");
    folders
        .filter_map(|(path, _)| Some((path, paths::real(cx, path).read_dir().ok()?)))
        .flat_map(|(path, inside)| {
            inside
                .filter_map(io::Result::ok)
                .map(|entry| paths::join(path, &entry.file_name().to_string_lossy()))
        })
        .filter(|path| have.get(path).is_none())
        .map(|path| Held { address: Some(file::address(&path)), name: path })
        .collect()
}

/// Takes away what was brought, and folders that are empty then.
fn remove(cx: &Cx, have: &Tree) -> Result<()> {
    for (path, entry) in have.0.iter().rev() {
        if entry.state == "directory" {
            let empty = paths::real(cx, path).read_dir().is_ok_and(|mut inside| inside.next().is_none());
            if empty {
                write::remove(cx, path)?;
            }
        } else {
            write::remove(cx, path)?;
        }
    }
    Ok(())
}

pub(crate) fn output<R>(report: &Report<'_, R>) -> Value
where
    R: Resource<State = Tree, Around = Around, Receipt = Receipt>,
{
    shown::output(&shown::Told::of(report))
}

pub(crate) fn checked<R>(report: &Report<'_, R>) -> Value
where
    R: Resource<State = Tree, Around = Around, Receipt = Receipt>,
{
    shown::checked(&shown::Told::of(report))
}

pub(crate) fn diff<R>(report: &Report<'_, R>) -> Vec<Diff>
where
    R: Resource<State = Tree, Around = Around, Receipt = Receipt>,
{
    shown::diff(&shown::Told::of(report))
}
