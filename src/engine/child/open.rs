//! Processes that one talks with for long: agents.

use std::fs::File;
use std::sync::Arc;

use rplay_module::{Child, Failure, Result};
use rustix::process::{WaitId, WaitIdOptions};
use tokio::sync::oneshot;

use super::{Children, KillOnDrop, Run, Seat, Stage, Started, cancelled, file, lock};

/// A process with our ends of its pipes; it is killed with its group when this is dropped.
pub(crate) struct Open {
    pub(crate) stdin: Option<File>,
    pub(crate) stdout: Option<File>,
    pub(crate) stderr: Option<File>,
    pub(crate) ended: oneshot::Receiver<i32>,
    _run: KillOnDrop,
}

type Pipes = [Option<File>; 3];

impl Children {
    /// Starts a process to talk with. It dies with rplay, as every other.
    pub(crate) async fn open(&self, child: Child, env: Vec<(String, String)>) -> Result<Open> {
        let run = KillOnDrop(self.enter()?);
        let (opened, opening) = oneshot::channel();
        let (answer, ended) = oneshot::channel();
        let (children, running) = (self.clone(), Arc::clone(&run.0));
        // The signal at a parent's death is bound to the thread that starts the child: this one stays until it ends.
        let talk = move || {
            let rc = running.hold(&child, env, opened);
            children.leave(&running);
            // Nobody asks any more where the process was dropped.
            let _ = answer.send(rc);
        };
        std::thread::Builder::new().name("agent".to_owned()).spawn(talk).map_err(|error| {
            self.leave(&run.0);
            Failure::new(format!("could not start a thread: {error}"))
        })?;
        let [stdin, stdout, stderr] = opening
            .await
            .unwrap_or_else(|_| Err(Failure::bug("a process was neither started nor refused")))?;
        Ok(Open { stdin, stdout, stderr, ended, _run: run })
    }
}

impl Run {
    /// Starts the process, hands its pipes over, and waits for its end.
    fn hold(&self, child: &Child, env: Vec<(String, String)>, opened: oneshot::Sender<Result<Pipes>>) -> i32 {
        let started = match self.start(child, env, Seat::Apart) {
            Ok(started) => started,
            Err(failure) => {
                let _ = opened.send(Err(failure));
                return -1;
            }
        };
        let Started { mut process, pid, leash, woken } = started;
        let pipes = [
            process.stdin.take().map(file),
            process.stdout.take().map(file),
            process.stderr.take().map(file),
        ];
        let _ = opened.send(Ok(pipes));
        // It is left unreaped until nobody may kill by its number any more.
        let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        *lock(&self.stage) = Stage::Over;
        leash.let_go();
        drop(woken);
        let status = process.wait().map_err(|_| cancelled());
        status.map_or(-1, |status| {
            use std::os::unix::process::ExitStatusExt as _;
            status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn echo() -> Child {
        let argv = ["/bin/sh", "-c", "while read line; do echo \"got $line\"; done; exit 7"];
        Child { argv: argv.map(str::to_owned).to_vec(), stdin: Some(Vec::new()), ..Child::default() }
    }

    #[test]
    fn one_can_talk_with_a_process_and_learn_how_it_ended() {
        let mut open = block_on(Children::default().open(echo(), Vec::new())).unwrap();
        let mut stdin = open.stdin.take().unwrap();
        let mut lines = BufReader::new(open.stdout.take().unwrap()).lines();
        for word in ["one", "two"] {
            writeln!(stdin, "{word}").unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), format!("got {word}"));
        }
        drop(stdin);
        assert_eq!(block_on(open.ended).unwrap(), 7);
    }

    #[test]
    fn a_process_that_nobody_wants_any_more_is_killed() {
        let mut open = block_on(Children::default().open(echo(), Vec::new())).unwrap();
        let mut lines = BufReader::new(open.stdout.take().unwrap()).lines();
        let _stdin = open.stdin.take().unwrap();
        drop(open);
        assert!(lines.next().is_none());
    }

    #[test]
    fn what_cannot_be_started_is_told() {
        let child = Child { argv: vec!["/nonexistent/program".to_owned()], ..Child::default() };
        assert!(block_on(Children::default().open(child, Vec::new())).is_err());
    }
}
