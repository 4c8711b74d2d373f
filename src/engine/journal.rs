//! The journal of a run: every event on disk before it is on the screen, secrets masked as everywhere.
//!
//! `.rplay/runs/<id>/events.jsonl` holds one event a line, `run.json` beside it says what was run. Playing the events
//! back reproduces the screen.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rplay_event::{Event, RunMode};
use serde::{Deserialize, Serialize};

use crate::{private, stamp};

/// How many runs are kept.
const KEPT: usize = 50;
const RUNS: &str = "runs";
const EVENTS: &str = "events.jsonl";
const RUN: &str = "run.json";

/// What a run was started as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunInfo {
    /// The command line; its secrets masked by the caller, who alone knows what an `-e` holds.
    pub(crate) command: Vec<String>,
    pub(crate) mode: RunMode,
    /// Of rplay.
    pub(crate) version: String,
    /// In UTC, as RFC 3339 has it.
    pub(crate) started: String,
}

/// A journal that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    events: File,
    /// The last line was cut off: the next one must not go on from it.
    torn: bool,
    warned: bool,
}

/// Returns the name of a run: its time and six random digits, so that names sort by time.
pub(crate) fn run_id(now: SystemTime, random: u64) -> String {
    format!("{}-{:06x}", stamp::compact(now), random & 0xff_ffff)
}

impl Journal {
    /// Begins the journal of run `id` in `.rplay` and lets go of the oldest ones.
    ///
    /// # Errors
    /// When `.rplay` cannot be written, is open to other users, or is a link.
    pub(crate) fn start(dot_rplay: &Path, id: &str, info: &RunInfo) -> io::Result<Self> {
        let runs = dot_rplay.join(RUNS);
        private::folder(dot_rplay)?;
        private::folder(&runs)?;
        forget_oldest(&runs);
        let folder = runs.join(id);
        private::folder(&folder)?;
        let mut about = serde_json::to_vec_pretty(info)?;
        about.push(b'\n');
        private::fresh(&folder.join(RUN))?.write_all(&about)?;
        let events = private::fresh(&folder.join(EVENTS))?;
        Ok(Self { folder, events, torn: false, warned: false })
    }

    /// Returns the folder of this run.
    #[cfg(test)]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes an event; when this returns, the system has it, and a kill of rplay loses nothing.
    ///
    /// A journal that cannot be written ends no run: the first time, and only then, the reason is returned as a
    /// warning. It is tried again with each event, for a full disk may have room again.
    #[must_use]
    pub(crate) fn write(&mut self, event: &Event) -> Option<String> {
        let error = self.append(event).err()?;
        self.torn = true;
        let first = !std::mem::replace(&mut self.warned, true);
        first.then(|| format!("the journal in {} is not complete: {error}", self.folder.display()))
    }

    fn append(&mut self, event: &Event) -> io::Result<()> {
        let mut line = if self.torn { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut line, event)?;
        line.push(b'\n');
        self.events.write_all(&line)?;
        self.torn = false;
        Ok(())
    }
}

/// Returns the events of the run in `folder`, in their order; lines that were cut off are passed over.
pub fn read(folder: &Path) -> io::Result<impl Iterator<Item = Event> + use<>> {
    let lines = BufReader::new(File::open(folder.join(EVENTS))?).split(b'\n');
    Ok(lines.map_while(Result::ok).filter_map(|line| serde_json::from_slice(&line).ok()))
}

/// Returns what the run in `folder` was started as.
#[cfg(test)]
pub(crate) fn info(folder: &Path) -> io::Result<RunInfo> {
    Ok(serde_json::from_slice(&fs::read(folder.join(RUN))?)?)
}

/// Returns the folders of the runs in `.rplay`, the oldest first.
pub fn runs(dot_rplay: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dot_rplay.join(RUNS)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut runs: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join(RUN).is_file())
        .collect();
    runs.sort();
    Ok(runs)
}

/// Makes room for one more run. What cannot be removed stays: it is in nobody's way.
fn forget_oldest(folder: &Path) {
    let Some(runs) = folder.parent().and_then(|dot_rplay| runs(dot_rplay).ok()) else { return };
    let surplus = (runs.len() + 1).saturating_sub(KEPT);
    for run in runs.iter().take(surplus) {
        let _ = fs::remove_dir_all(run);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use rplay_event::{Kind, MASK, Masker};

    use super::*;

    fn info_of(command: &str) -> RunInfo {
        RunInfo {
            command: vec!["rplay".to_owned(), command.to_owned()],
            mode: RunMode::Check,
            version: "0.1.0".to_owned(),
            started: "2026-11-21T12:34:56Z".to_owned(),
        }
    }

    fn notice(message: &str) -> Event {
        let masker = Masker::default();
        masker.add("a planted secret");
        masker.event(Kind::Notice { message: message.to_owned() })
    }

    #[test]
    fn names_of_runs_sort_by_time() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_264_496);
        let first = run_id(time, u64::MAX);
        assert_eq!(first, "20261121T123456Z-ffffff");
        assert!(first < run_id(time + Duration::from_secs(1), 0));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let mut journal = Journal::start(&dot, "20261121T123456Z-ab12cd", &info_of("a.yml")).unwrap();
        let events = [notice("first\nline"), notice("has a planted secret"), notice("€")];
        for event in &events {
            assert_eq!(journal.write(event), None);
        }
        let folder = dot.join("runs/20261121T123456Z-ab12cd");
        assert_eq!(journal.folder(), folder);
        assert_eq!(read(&folder).unwrap().collect::<Vec<_>>(), events);
        assert_eq!(info(&folder).unwrap(), info_of("a.yml"));
        assert_eq!(runs(&dot).unwrap(), std::slice::from_ref(&folder));
        let text = fs::read_to_string(folder.join("events.jsonl")).unwrap();
        assert!(text.contains(MASK) && !text.contains("planted"));
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn nobody_else_can_read_a_journal() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let journal = Journal::start(&dot, "x", &info_of("a.yml")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = journal.folder();
        assert_eq!([mode(&dot), mode(&dot.join("runs")), mode(folder)], [0o700; 3]);
        assert_eq!([mode(&folder.join("events.jsonl")), mode(&folder.join("run.json"))], [0o600; 2]);
    }

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = Journal::start(place.path(), "x", &info_of("a.yml")).unwrap_err();
        assert!(error.to_string().contains("open to other users (mode 0755)"), "{error}");
        assert!(!place.path().join("runs").exists());
    }

    #[test]
    fn the_last_fifty_runs_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        for number in 0..53 {
            Journal::start(&dot, &format!("run-{number:02}"), &info_of("a.yml")).unwrap();
        }
        let kept = runs(&dot).unwrap();
        assert_eq!(kept.len(), 50);
        assert_eq!(kept.first(), Some(&dot.join("runs/run-03")));
        assert_eq!(kept.last(), Some(&dot.join("runs/run-52")));
    }

    #[test]
    fn a_journal_that_cannot_be_written_warns_once_and_goes_on() {
        let place = tempfile::tempdir().unwrap();
        let mut journal = Journal::start(&place.path().join(".rplay"), "x", &info_of("a.yml")).unwrap();
        let folder = journal.folder().to_owned();
        assert_eq!(journal.write(&notice("before")), None);
        let whole = std::mem::replace(&mut journal.events, File::create("/dev/full").unwrap());
        let warning = journal.write(&notice("lost")).unwrap();
        assert!(warning.contains("is not complete: No space left on device"), "{warning}");
        assert_eq!(journal.write(&notice("lost too")), None);
        // What a full disk leaves of a line.
        journal.events = whole;
        journal.events.write_all(b"{\"event\":\"notice\",\"mess").unwrap();
        assert_eq!(journal.write(&notice("after")), None);
        assert_eq!(read(&folder).unwrap().collect::<Vec<_>>(), [notice("before"), notice("after")]);
    }
}
