//! What happens between the start of a process and its end: it is fed, listened to and watched, all at once.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

use super::file;

/// How often to look whether a process has ended, where the kernel cannot tell (no `pidfd_open`).
const BLIND: Duration = Duration::from_millis(20);

/// How long to listen to a process that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Until everyone who holds its outputs has closed them.
    Closed,
    /// The same, or until they have been silent for this long.
    Quiet(Duration),
}

/// Why listening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    TimedOut,
    Stopped,
}

/// Our side of a process's pipes.
pub(super) struct Talk {
    pid: Pid,
    /// Readable when the process has ended.
    exit: Option<OwnedFd>,
    exited: bool,
    stdin: Option<File>,
    input: Vec<u8>,
    written: usize,
    outputs: [Output; 2],
}

struct Output {
    from: Option<File>,
    bytes: Vec<u8>,
}

/// Which of the descriptors have something to tell; all false when the time was up.
#[derive(Clone, Copy, Default)]
struct Ready {
    stop: bool,
    exit: bool,
    stdin: bool,
    outputs: [bool; 2],
}

impl Talk {
    pub(super) fn with(process: &mut std::process::Child, pid: Pid, input: Vec<u8>) -> Self {
        let stdin = process.stdin.take().map(file).filter(|stdin| unblock(stdin) && !input.is_empty());
        let outputs = [process.stdout.take().map(file), process.stderr.take().map(file)];
        Self {
            pid,
            exit: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
            exited: false,
            stdin,
            input,
            written: 0,
            outputs: outputs.map(|from| Output { from, bytes: Vec::new() }),
        }
    }

    /// Listens until the end; returns what the process wrote, its standard output first. It is not reaped.
    pub(super) fn run(
        mut self,
        stop: &PipeReader,
        until: Until,
        deadline: Option<Instant>,
    ) -> (End, Vec<u8>, Vec<u8>) {
        let end = loop {
            if self.exited && self.outputs.iter().all(|output| output.from.is_none()) {
                break End::Done;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break End::TimedOut;
            }
            let quiet = match until {
                Until::Quiet(quiet) if self.exited => Some(quiet),
                _ => None,
            };
            let blind = (self.exit.is_none() && !self.exited).then_some(BLIND);
            let patience = [left, quiet, blind].into_iter().flatten().min();
            let Some(ready) = self.wait(stop, patience) else { continue };
            if ready.stop {
                break End::Stopped;
            }
            if ready.is_silent() && quiet.is_some() && patience == quiet {
                break End::Done;
            }
            self.serve(ready);
        };
        let [stdout, stderr] = self.outputs.map(|output| output.bytes);
        (end, stdout, stderr)
    }

    fn serve(&mut self, ready: Ready) {
        if ready.stdin {
            self.feed();
        }
        for (output, ready) in self.outputs.iter_mut().zip(ready.outputs) {
            if ready {
                output.listen();
            }
        }
        if ready.exit || (self.exit.is_none() && !self.exited) {
            self.exited = has_exited(self.pid);
        }
        if self.exited {
            self.stdin = None;
        }
    }

    /// Writes as much as fits; a process that does not want its input is none of our business.
    fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        let rest = self.input.get(self.written..).unwrap_or_default();
        match stdin.write(rest) {
            Ok(count) => self.written += count,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(_) => self.written = self.input.len(),
        }
        if self.written >= self.input.len() {
            self.stdin = None;
        }
    }

    /// Waits until something is to be done or the time is up; `None` when a signal came between.
    fn wait(&self, stop: &PipeReader, patience: Option<Duration>) -> Option<Ready> {
        let exit = self.exit.as_ref().filter(|_| !self.exited);
        let [stdout, stderr] = &self.outputs;
        let wanted: [Option<(BorrowedFd<'_>, PollFlags)>; 5] = [
            Some((stop.as_fd(), PollFlags::IN)),
            exit.map(|exit| (exit.as_fd(), PollFlags::IN)),
            self.stdin.as_ref().map(|stdin| (stdin.as_fd(), PollFlags::OUT)),
            stdout.from.as_ref().map(|from| (from.as_fd(), PollFlags::IN)),
            stderr.from.as_ref().map(|from| (from.as_fd(), PollFlags::IN)),
        ];
        let mut polled: Vec<PollFd<'_>> =
            wanted.iter().flatten().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let time = patience.and_then(|time| Timespec::try_from(time).ok());
        rustix::event::poll(&mut polled, time.as_ref()).ok()?;
        let mut told = polled.iter().map(|fd| !fd.revents().is_empty());
        let [stop, exit, stdin, stdout, stderr] =
            wanted.map(|wanted| wanted.is_some() && told.next().unwrap_or_default());
        Some(Ready { stop, exit, stdin, outputs: [stdout, stderr] })
    }
}

impl Ready {
    fn is_silent(self) -> bool {
        !(self.stop || self.exit || self.stdin || self.outputs.contains(&true))
    }
}

impl Output {
    fn listen(&mut self) {
        let Some(from) = &mut self.from else { return };
        let mut chunk = [0; 16384];
        match from.read(&mut chunk) {
            Ok(count) if count > 0 => self.bytes.extend(chunk.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The end, or nothing that could be read.
            Ok(_) | Err(_) => self.from = None,
        }
    }
}

/// Writing must not wait for a process that waits for us to read.
fn unblock(stdin: &File) -> bool {
    rustix::fs::fcntl_setfl(stdin, OFlags::NONBLOCK).is_ok()
}

/// Looks without reaping: the number stays the process's own.
fn has_exited(pid: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(rustix::process::waitid(WaitId::Pid(pid), look), Ok(None))
}
