//! The processes that a run leaves behind, found by the home folder that only this run and its children have.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// How long a process may take to die.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Ends a child of this process as `kill -9` does; when this returns it does nothing any more.
pub(crate) fn kill(id: u32) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process has an id");
    kill_process(id, Signal::KILL).ok();
    // Whoever started it hears of its end too.
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).ok();
}

/// Returns the processes whose home is in this folder.
pub(crate) fn living(folder: &Path) -> Vec<u32> {
    let home = format!("HOME={}", folder.join("home").display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
    })
    .collect()
}

/// Returns how many are left when those that are dying have died.
pub(crate) fn left(folder: &Path) -> usize {
    settled(|| living(folder), Vec::is_empty).len()
}

/// Returns the first child that a run has, once it has one.
pub(crate) fn child(folder: &Path, parent: u32) -> Option<u32> {
    let children = || living(folder).into_iter().filter(|id| *id != parent).collect::<Vec<_>>();
    settled(children, |children| !children.is_empty()).first().copied()
}

fn settled(look: impl Fn() -> Vec<u32>, enough: impl Fn(&Vec<u32>) -> bool) -> Vec<u32> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = look();
        if enough(&found) || Instant::now() > end {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_found_by_its_home_until_it_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut sleeper =
            Command::new("sleep").arg("600").env("HOME", folder.path().join("home")).spawn().unwrap();
        assert_eq!(child(folder.path(), 0), Some(sleeper.id()));
        kill(sleeper.id());
        sleeper.wait().unwrap();
        assert_eq!(left(folder.path()), 0);
    }
}
