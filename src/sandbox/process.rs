//! The stand-in's process: started apart from rplay, found again, ended.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::sleep;

use super::folder::ProcessId;

/// Writing its state and stopping its containers takes the stand-in a few seconds.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(25);

impl ProcessId {
    /// Returns the identity of a process that was just started; `None` when it has ended already.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self { pid, started: start_time(pid)? })
    }

    /// Returns whether the process lives and is the stand-in, not a later one that got its number.
    pub(crate) fn is_alive(self) -> bool {
        let command = || fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        start_time(self.pid) == Some(self.started)
            && command().split(|byte| *byte == 0).any(|word| word == b"ministack")
    }

    /// Asks the process and its children to end, and ends them when they do not. Returns whether there was one.
    pub(crate) async fn end(self) -> bool {
        let Some(group) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) else { return false };
        for signal in [Signal::TERM, Signal::KILL] {
            // An error means that it is gone, which is looked at below.
            let _ = kill_process_group(group, signal);
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE {
                if !self.is_alive() {
                    // What it started and did not wait for.
                    let _ = kill_process_group(group, Signal::KILL);
                    return true;
                }
                sleep(POLL).await;
            }
        }
        true
    }
}

/// Returns when a process started, in clock ticks since the machine did; `None` for none and for one that is only
/// waiting for its parent to notice its end.
fn start_time(pid: i32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/PID/stat`: the command stands in parentheses and may hold spaces and parentheses itself.
fn parse_stat(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // The state is the third field, the start time the twenty-second.
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_a_wild_name() {
        let rest = (4..=21).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(parse_stat(&format!("7 (a) b) S {rest} 4711 23")), Some(4711));
        assert_eq!(parse_stat(&format!("7 (a) Z {rest} 4711 23")), None);
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn a_process_that_is_not_the_stand_in_is_not_taken_for_it() {
        let this = ProcessId::of(std::process::id()).expect("this process lives");
        assert!(!this.is_alive());
        assert_eq!(ProcessId::of(0), None);
    }
}
