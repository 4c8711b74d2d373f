//! What rplay has made, and so may destroy: `.rplay/owned.jsonl`, one line for every step of a thing's life.
//!
//! The file is only ever appended to, each line in one write and on the disk before the call that it speaks of is made.
//! A line that says `intended` therefore counts as created: after a crash nobody knows whether the call arrived.
//!
//! **Whose a thing is.** A line and a question match when account, region and endpoint are all the same. An account that
//! could not be found out is empty; then, without an endpoint either, the realm says nothing about whose the thing is,
//! and nothing in it is owned: taking another account's thing for ours would delete it, taking ours for another's only
//! leaves it standing, listed as kept.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rplay_event::{Fault, FaultKind, Span};
use rplay_module::{Address, Ownership as Stage, Realm};
use serde::{Deserialize, Serialize};

use crate::{private, stamp};

const FILE: &str = "owned.jsonl";

/// What closes a line that a crash has cut off, so that the next one begins on a line of its own and nothing that was
/// written is lost.
const TORN: &str = " <torn>";

/// The ownership file.
#[derive(Debug)]
pub(crate) struct Ownership {
    folder: PathBuf,
    run: String,
    state: Mutex<State>,
}

/// What the lines come to.
#[derive(Debug, Default)]
struct State {
    /// What is owned now, in the order it was created.
    owned: Vec<Owned>,
    gone: HashMap<Address, usize>,
    /// Opened at the first line that is written.
    file: Option<File>,
    /// The last line has no end.
    torn: bool,
}

/// A thing that rplay has made, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) address: Address,
    pub(crate) realm: Realm,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    time: String,
    run: String,
    stage: Stage,
    kind: String,
    name: String,
    account: String,
    region: String,
    endpoint: String,
}

impl Ownership {
    /// Reads the file in `.rplay`, where there is one; `run` is the id that new lines will have.
    ///
    /// # Errors
    /// For a line that is none: the file says what may be destroyed, so nothing in it is guessed or passed over. Only a
    /// last line without an end, which a crash has left, is: what it was about had not been begun.
    pub(crate) fn open(dot_rplay: &Path, run: &str) -> Result<Self, Fault> {
        let path = dot_rplay.join(FILE);
        let shown = path.display().to_string();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            text => text.map_err(|error| {
                Fault::new(format!("could not read {shown}: {error}")).kind(FaultKind::Setup)
            })?,
        };
        let mut state = State::default();
        for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            let Some(whole) = line.strip_suffix(b"\n") else {
                state.torn = true;
                break;
            };
            if !whole.ends_with(TORN.as_bytes()) {
                let line: Line =
                    serde_json::from_slice(whole).map_err(|error| bad_line(&shown, number, &error))?;
                state.note(line);
            }
        }
        Ok(Self { folder: dot_rplay.to_owned(), run: run.to_owned(), state: Mutex::new(state) })
    }

    /// Returns whether rplay has made the thing there; see the beginning of this file for what "there" means.
    pub(crate) fn owns(&self, address: &Address, realm: &Realm) -> bool {
        let named = !realm.account.is_empty() || !realm.endpoint.is_empty();
        named && self.state().owned.iter().any(|owned| owned.address == *address && owned.realm == *realm)
    }

    /// Adds a line; it is on the disk when this returns.
    pub(crate) fn own(
        &self,
        address: &Address,
        realm: &Realm,
        stage: Stage,
        now: SystemTime,
    ) -> io::Result<()> {
        let (address, realm) = (address.clone(), realm.clone());
        let line = Line {
            time: stamp::rfc3339(now),
            run: self.run.clone(),
            stage,
            kind: address.kind,
            name: address.name,
            account: realm.account,
            region: realm.region,
            endpoint: realm.endpoint,
        };
        let mut known = self.state();
        known.append(&self.folder, &line)?;
        known.note(line);
        Ok(())
    }

    /// Returns what is owned now, in the order it was created.
    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<Owned> {
        self.state().owned.clone()
    }

    /// Returns how often a thing of this address was recorded as gone, anywhere.
    ///
    /// A client token with this number in it is the same in a rerun after a crash, and another one once the thing was
    /// deleted: services answer a known token with the thing it once made.
    pub(crate) fn generation(&self, address: &Address) -> usize {
        self.state().gone.get(address).copied().unwrap_or_default()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, line: Line) {
        let thing = Owned {
            address: Address { kind: line.kind, name: line.name },
            realm: Realm { account: line.account, region: line.region, endpoint: line.endpoint },
        };
        let at = self.owned.iter().position(|owned| *owned == thing);
        match (line.stage, at) {
            (Stage::Created, Some(_)) => {}
            (Stage::Created, None) => self.owned.push(thing),
            // Intended again while owned: it is replaced, and the new one is younger than what came between.
            (Stage::Intended, at) => {
                at.map(|at| self.owned.remove(at));
                self.owned.push(thing);
            }
            (Stage::Gone, at) => {
                at.map(|at| self.owned.remove(at));
                *self.gone.entry(thing.address).or_default() += 1;
            }
        }
    }

    fn append(&mut self, folder: &Path, line: &Line) -> io::Result<()> {
        let mut text = if self.torn { format!("{TORN}\n").into_bytes() } else { Vec::new() };
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open_for_appending(folder)?),
        };
        // One write a line: another run in the same folder appends between lines, never inside one. Until it is known
        // to be whole the line counts as torn.
        self.torn = true;
        file.write_all(&text)?;
        self.torn = false;
        file.sync_data()
    }
}

fn open_for_appending(folder: &Path) -> io::Result<File> {
    private::folder(folder)?;
    let file = private::append(&folder.join(FILE))?;
    // A file that was only just made is on the disk when its folder is.
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn bad_line(file: &str, number: u32, error: &serde_json::Error) -> Fault {
    let column = u32::try_from(error.column()).unwrap_or(1).max(1);
    Fault::new(format!("line {number} of {file} is damaged: {error}"))
        .kind(FaultKind::Setup)
        .at(&Span::new(file, number, column))
        .help("the file says what rplay may destroy: put the line right or remove it")
}

#[cfg(test)]
mod tests;
