//! Looking at what is there.

use std::fs;
use std::path::Path;

use rplay_module::{Cx, Failure, Foretold, Result};
use serde_json::{Value, json};

use super::{Around, FileParams, Link, Receipt, State, address};
use crate::attributes::Wish;
use crate::paths;
use crate::seen::{self, Kind, Seen, informed};
use crate::times::{Times, Written};
use crate::tree::{Entry, Tree};

/// Everything in a folder, by full path, as Ansible lists it in the difference of a folder that goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    directories: Vec<String>,
    files: Vec<String>,
}

impl Contents {
    pub(super) fn json(&self) -> Value {
        json!({ "directories": self.directories, "files": self.files })
    }
}

pub(super) async fn around(cx: &Cx, p: &FileParams, receipt: Option<&Receipt>) -> Result<Around> {
    let path = meant(cx, p);
    let there = seen::look(&paths::real(cx, &path));
    let state = p.state.unwrap_or_else(|| as_it_is(there.as_ref(), p.recurse));
    let wrong = |message: &str| Failure::new(message).field("path", path.as_str());
    if p.recurse && state != State::Directory {
        return Err(informed(cx, wrong("recurse option requires state to be 'directory'")).await);
    }
    if p.src.is_some() && !matches!(state, State::Link | State::Hard) {
        return Err(informed(cx, wrong("src option requires state to be 'link' or 'hard'")).await);
    }
    let wish = match Wish::look_up(cx, &p.attributes, p.attributes.mode.as_ref()).await {
        Ok(wish) => wish,
        Err(failure) => return Err(informed(cx, failure.field("path", path.as_str())).await),
    };
    let written = |time, format| Written { time, format };
    let accessed = written(p.access_time.as_deref(), &p.access_time_format);
    let modified = written(p.modification_time.as_deref(), &p.modification_time_format);
    let mut around = Around {
        times: Times::of(cx, state == State::Touch, accessed, modified, receipt.is_some())?,
        before: there.as_ref().map(|seen| seen.kind),
        shown: path.clone(),
        subject: path,
        state: Some(state),
        wish,
        ..Around::default()
    };
    let is_link = there.as_ref().is_some_and(|seen| seen.kind == Kind::Link);
    match state {
        State::File | State::Directory | State::Touch if is_link && p.follow => {
            around.subject = paths::followed(cx, &around.subject);
            if state != State::Touch {
                around.shown.clone_from(&around.subject);
                around.before = seen::look(&paths::real(cx, &around.subject)).map(|seen| seen.kind);
            }
        }
        State::Link | State::Hard => link(cx, p, state, there.as_ref(), &mut around),
        _ => {}
    }
    around.there = around.wish.look(cx, &around.subject).await;
    further(cx, p, state, receipt.is_none(), &mut around).await;
    if let Some(receipt) = receipt {
        around.before = receipt.before;
        around.contents.clone_from(&receipt.contents);
    }
    around.info = seen::info(cx, &around.shown).await;
    Ok(around)
}

/// A folder with a `src` means the thing of that name in the folder.
fn meant(cx: &Cx, p: &FileParams) -> String {
    let path = paths::expand(cx, &p.path);
    let goes_in = !matches!(p.state, Some(State::Link | State::Absent)) && paths::real(cx, &path).is_dir();
    let src = p.src.as_deref().map(|src| paths::expand(cx, src)).unwrap_or_default();
    match paths::name_of(&src) {
        name if goes_in && !name.is_empty() => paths::join(&path, name),
        _ => path,
    }
}

fn as_it_is(there: Option<&Seen>, recurse: bool) -> State {
    match there.map(|seen| seen.kind) {
        None if recurse => State::Directory,
        None | Some(Kind::File) => State::File,
        Some(Kind::Hard) => State::Hard,
        Some(Kind::Directory) => State::Directory,
        Some(Kind::Link) => State::Link,
    }
}

fn link(cx: &Cx, p: &FileParams, state: State, there: Option<&Seen>, around: &mut Around) {
    let path = around.subject.clone();
    let mut src = p.src.as_deref().map(|src| paths::expand(cx, src));
    if src.is_none() && state == State::Link && p.follow && paths::real(cx, &path).exists() {
        src = there.and_then(|seen| seen.target.clone());
    }
    let from = match there.map(|seen| seen.kind) {
        Some(Kind::Directory) => path.as_str(),
        _ => paths::folder_of(&path),
    };
    let from_here =
        src.as_ref().map(|src| if state == State::Link { paths::join(from, src) } else { src.clone() });
    let mut source = from_here.as_ref().and_then(|path| target(&paths::real(cx, path)));
    if source.is_none() && state == State::Link {
        // What this run has foretold counts as being there.
        let promise = from_here.as_ref().and_then(|path| cx.world().foretold(&address(path)));
        source = matches!(promise, Some(Foretold::Created(_))).then(promised_file);
    }
    let blocked = paths::real(cx, &path).read_dir().is_ok_and(|mut inside| inside.next().is_some());
    around.link = Link { src, from_here, source, blocked, followed: state == State::Link && p.follow };
}

/// Looks at what a path leads to.
fn target(path: &Path) -> Option<Seen> {
    seen::look(&fs::canonicalize(path).ok()?)
}

fn promised_file() -> Seen {
    Seen {
        kind: Kind::File,
        bits: 0,
        uid: 0,
        gid: 0,
        size: 0,
        identity: (0, 0),
        target: None,
        accessed: 0.0,
        modified: 0.0,
        flags: String::new(),
    }
}

async fn further(cx: &Cx, p: &FileParams, state: State, first: bool, around: &mut Around) {
    let directory = around.there.as_ref().is_some_and(|seen| seen.kind == Kind::Directory);
    match state {
        State::Directory if around.there.is_none() => {
            let mut missing = paths::way_to(&around.subject);
            missing.retain(|path| !paths::real(cx, path).exists());
            around.missing = missing;
        }
        State::Directory if p.recurse && directory => {
            let mut walk = Walk { cx, follow: p.follow, been: Vec::new(), found: Vec::new() };
            walk.folder(&around.subject);
            for path in walk.found {
                if let Some(seen) = around.wish.look(cx, &path).await {
                    around.further.push((path, seen));
                }
            }
        }
        State::Absent if directory => {
            let mut contents = Contents::default();
            list(cx, &around.subject, &mut contents);
            around.contents = Some(contents);
        }
        State::Link if p.follow => {
            if first {
                warn_of_nothing(cx, &around.subject);
            }
            if let Some(path) = &around.link.from_here {
                let path = paths::followed(cx, path);
                if let Some(seen) = around.wish.look(cx, &path).await {
                    around.further.push((path, seen));
                }
            }
        }
        _ => {}
    }
}

/// Warns where attributes are meant for what a link leads to, and that is not there.
pub(super) fn warn_of_nothing(cx: &Cx, path: &str) {
    let path = paths::real(cx, path);
    if path.is_symlink() && !path.exists() {
        cx.warn(
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.",
        );
    }
}

fn list(cx: &Cx, folder: &str, contents: &mut Contents) {
    let mut inner = Vec::new();
    for (path, is_folder) in entries(cx, folder) {
        if is_folder {
            if !paths::real(cx, &path).is_symlink() {
                inner.push(path.clone());
            }
            contents.directories.push(path);
        } else {
            contents.files.push(path);
        }
    }
    for path in inner {
        list(cx, &path, contents);
    }
}

/// What is in a folder, each with whether it is (or leads to) a folder.
fn entries(cx: &Cx, folder: &str) -> Vec<(String, bool)> {
    let Ok(entries) = paths::real(cx, folder).read_dir() else { return Vec::new() };
    let mut found: Vec<(String, bool)> = entries
        .filter_map(std::result::Result::ok)
        .map(|entry| (paths::join(folder, &entry.file_name().to_string_lossy()), entry.path().is_dir()))
        .collect();
    found.sort();
    found
}

/// A walk through a folder, and where it is told to through what links lead to.
struct Walk<'a> {
    cx: &'a Cx,
    follow: bool,
    been: Vec<(u64, u64)>,
    found: Vec<String>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str) {
        let Some(seen) = seen::look(&paths::real(self.cx, folder)) else { return };
        if self.been.contains(&seen.identity) {
            return;
        }
        self.been.push(seen.identity);
        for (path, is_folder) in entries(self.cx, folder) {
            let is_link = paths::real(self.cx, &path).is_symlink();
            self.found.push(path.clone());
            if is_link && self.follow {
                let target = paths::followed(self.cx, &path);
                if is_folder {
                    self.folder(&target);
                }
                self.found.push(target);
            } else if is_folder && !is_link {
                self.folder(&path);
            }
        }
    }
}

impl Around {
    /// Returns what is there, as far as it is managed.
    pub(super) fn have(&self) -> Option<Tree> {
        let there = self.there.as_ref()?;
        let mut tree = Tree::default();
        let entry = match self.state {
            Some(State::Link | State::Hard) => self.linked(there),
            _ => self.times.have(there, self.wish.have(there)),
        };
        tree.put(&self.subject, entry);
        for (path, seen) in &self.further {
            tree.put(path, self.times.have(seen, self.wish.have(seen)));
        }
        tree.some()
    }

    fn linked(&self, there: &Seen) -> Entry {
        let own =
            if self.link.followed { Entry::default() } else { self.times.have(there, self.wish.have(there)) };
        let hard = self.state == Some(State::Hard);
        let same = hard && self.link.source.as_ref().is_some_and(|source| source.identity == there.identity);
        let src = match &self.link.src {
            None => None,
            Some(src) if same => Some(src.clone()),
            Some(_) if hard => None,
            Some(_) => there.target.clone(),
        };
        let state = if hard && there.kind == Kind::File { "file" } else { there.kind.text() };
        // Without a source any file with a second name is what was asked for.
        let state = if same { "hard" } else { state };
        Entry { state: state.to_owned(), src, ..own }
    }
}
