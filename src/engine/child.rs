//! Starts processes so that none of them outlives rplay, not even a rplay that is killed with `kill -9`.
//!
//! Every child is the leader of a session of its own: what it starts is in its process group and dies with it when the
//! time is up or the run is cancelled, and without a terminal nothing can stop to ask for a password. Two things act
//! when rplay itself is killed:
//!
//! - the child's parent-death signal. It is bound to the *thread* that started the child: here that thread waits until
//!   the child has ended, so it never goes earlier. The kernel drops it when the child executes a set-user-id program.
//! - the leash: a pipe whose one writing end rplay holds. When that closes, the kernel signals the owner of the reading
//!   end, which is the child's whole group: this is what ends the processes that a shell has started. It reaches
//!   neither a process that has left the group (`setsid`) nor one of another user (`sudo`).
//!
//! A child that ends on its own is let off the leash first: what it leaves in the background lives on, as under Ansible.

mod open;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rplay_module::{Child, Exit, Failure, FailureKind, Result};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::python;
pub(crate) use open::Open;
use talk::{End, Talk, Until};

/// How long a child that has ended may leave its outputs silent before they are no longer listened to: what it started
/// in the background may hold them open for ever. Ansible's `run_command` waits as long.
const QUIET: Duration = Duration::from_secs(1);

/// `fcntl`'s command to choose the signal of a descriptor (`asm-generic/fcntl.h`); the libc crate has no name for it.
const F_SETSIG: libc::c_int = 10;

/// The processes of a run.
#[derive(Clone)]
pub(crate) struct Children {
    live: Arc<Mutex<Live>>,
    quiet: Duration,
}

#[derive(Default)]
struct Live {
    /// Everything was killed: nothing is started any more.
    closed: bool,
    next: u64,
    runs: HashMap<u64, Arc<Run>>,
}

/// One process, from the wish to start it until it is reaped.
struct Run {
    id: u64,
    stage: Mutex<Stage>,
}

enum Stage {
    Waiting,
    /// Not reaped, so that its number cannot mean another process.
    Alive {
        pid: Pid,
        group: bool,
        /// Closed to wake the thread that talks to the child.
        _stop: PipeWriter,
    },
    Killed,
    Over,
}

/// What to start and how to treat it.
struct Order {
    child: Child,
    env: Vec<(String, String)>,
    until: Until,
    seat: Seat,
}

/// Where a child sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    /// In a session of its own.
    Apart,
    /// At the user's terminal, which sends its Ctrl-C to the child as well.
    Console(Errors),
}

/// What becomes of a child's standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// It is rplay's own: questions to the user.
    Shown,
    Kept,
}

/// A started process with our ends of its pipes.
struct Started {
    process: std::process::Child,
    pid: Pid,
    leash: Leash,
    woken: PipeReader,
}

/// Both ends of the pipe that ties a child's group to rplay's life.
struct Leash {
    reader: PipeReader,
    _writer: PipeWriter,
}

impl Default for Children {
    fn default() -> Self {
        Self { live: Arc::default(), quiet: QUIET }
    }
}

impl Children {
    /// Runs a child until it has ended and its outputs are closed or silent; `env` is its whole environment, to which
    /// the child's own is added.
    ///
    /// Dropping the future kills the child and its group.
    pub(crate) async fn run(&self, child: Child, env: Vec<(String, String)>) -> Result<Exit> {
        let run = KillOnDrop(self.enter()?);
        let order = Order { child, env, until: Until::Quiet(self.quiet), seat: Seat::Apart };
        let (answer, answered) = tokio::sync::oneshot::channel();
        let (children, running) = (self.clone(), Arc::clone(&run.0));
        std::thread::Builder::new()
            .name("child".to_owned())
            // Nobody listens where the future was dropped.
            .spawn(move || drop(answer.send(children.perform(&running, order))))
            .map_err(|error| {
                self.leave(&run.0);
                Failure::new(format!("could not start a thread: {error}"))
            })?;
        answered.await.unwrap_or_else(|_| Err(Failure::bug("a child's thread ended without an answer")))
    }

    /// Runs a child on this thread until it has ended and its outputs are closed, as Python's `communicate` does.
    pub(crate) fn run_here(&self, child: Child, env: Vec<(String, String)>) -> Result<Exit> {
        let run = self.enter()?;
        self.perform(&run, Order { child, env, until: Until::Closed, seat: Seat::Apart })
    }

    /// Runs a child on this thread that may ask the user: it shares the terminal and stdin.
    pub(crate) fn ask(&self, child: Child, env: Vec<(String, String)>, errors: Errors) -> Result<Exit> {
        let run = self.enter()?;
        self.perform(&run, Order { child, env, until: Until::Closed, seat: Seat::Console(errors) })
    }

    /// Kills every child with its group, at once, and lets none start after this.
    pub(crate) fn kill_all(&self) {
        let runs: Vec<Arc<Run>> = {
            let mut live = lock(&self.live);
            live.closed = true;
            live.runs.values().cloned().collect()
        };
        for run in runs {
            run.kill();
        }
    }

    fn enter(&self) -> Result<Arc<Run>> {
        let mut live = lock(&self.live);
        if live.closed {
            return Err(cancelled());
        }
        live.next += 1;
        let run = Arc::new(Run { id: live.next, stage: Mutex::new(Stage::Waiting) });
        live.runs.insert(run.id, Arc::clone(&run));
        Ok(run)
    }

    fn leave(&self, run: &Run) {
        lock(&self.live).runs.remove(&run.id);
    }

    fn perform(&self, run: &Run, order: Order) -> Result<Exit> {
        let exit = run.perform(order);
        self.leave(run);
        exit
    }
}

impl Run {
    fn kill(&self) {
        let mut stage = lock(&self.stage);
        if let Stage::Alive { pid, group, .. } = &*stage {
            kill(*pid, *group);
        }
        if !matches!(*stage, Stage::Over) {
            *stage = Stage::Killed;
        }
    }

    fn perform(&self, order: Order) -> Result<Exit> {
        let deadline = order.child.timeout.and_then(|time| Instant::now().checked_add(time));
        let Order { child, env, until, seat } = order;
        let mut started = self.start(&child, env, seat)?;
        let talk = Talk::with(&mut started.process, started.pid, child.stdin.unwrap_or_default());
        let (end, stdout, stderr) = talk.run(&started.woken, until, deadline);
        if end != End::Done {
            kill(started.pid, seat == Seat::Apart);
        }
        started.leash.let_go();
        // From here on the number may become another process's: nobody may kill by it any more.
        let killed = matches!(std::mem::replace(&mut *lock(&self.stage), Stage::Over), Stage::Killed);
        let status = started
            .process
            .wait()
            .map_err(|error| Failure::new(format!("could not wait for it: {error}")))?;
        if killed {
            return Err(cancelled());
        }
        let rc = status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default();
        Ok(Exit { rc, stdout, stderr, timed_out: end == End::TimedOut })
    }

    /// Starts the process unless it was cancelled meanwhile; nothing can come between the start and its being known.
    fn start(&self, child: &Child, env: Vec<(String, String)>, seat: Seat) -> Result<Started> {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Killed) {
            return Err(cancelled());
        }
        let started = Started::new(child, env, seat).map(|(started, stop)| {
            *stage = Stage::Alive { pid: started.pid, group: seat == Seat::Apart, _stop: stop };
            started
        });
        if started.is_err() {
            *stage = Stage::Over;
        }
        started
    }
}

impl Started {
    fn new(child: &Child, env: Vec<(String, String)>, seat: Seat) -> Result<(Self, PipeWriter)> {
        let [program, arguments @ ..] = child.argv.as_slice() else {
            return Err(Failure::bug("a child process without a program"));
        };
        let pipe = || io::pipe().map_err(|error| Failure::new(format!("could not make a pipe: {error}")));
        let (reader, writer) = pipe()?;
        let (woken, stop) = pipe()?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(env).envs(child.env.iter().cloned()).stdout(Stdio::piped());
        command.stderr(if seat == Seat::Console(Errors::Shown) { Stdio::inherit() } else { Stdio::piped() });
        command.stdin(match &child.stdin {
            Some(_) => Stdio::piped(),
            None if seat == Seat::Apart => Stdio::null(),
            None => Stdio::inherit(),
        });
        if let Some(folder) = &child.folder {
            enterable(folder).map_err(|error| no_folder(folder, &error, &child.argv))?;
            command.current_dir(folder);
        }
        tie(&mut command, (seat == Seat::Apart).then(|| reader.as_raw_fd()));
        let process = command.spawn().map_err(|error| not_started(&error, &child.argv))?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::bug("a process number out of range"))?;
        Ok((Self { process, pid, leash: Leash { reader, _writer: writer }, woken }, stop))
    }
}

impl Leash {
    /// Unties the group: the reading end in the child is the same open file, so its flags are the child's too.
    fn let_go(&self) {
        if let Ok(flags) = rustix::fs::fcntl_getfl(&self.reader) {
            // Refused only for flags that no pipe has.
            let _ = rustix::fs::fcntl_setfl(
                &self.reader,
                flags.difference(rustix::fs::OFlags::from_bits_retain(O_ASYNC)),
            );
        }
    }
}

/// `O_ASYNC` as rustix wants it.
const O_ASYNC: u32 = libc::O_ASYNC.cast_unsigned();

/// Makes the process that `command` will become die with this one; with a leash also everything in its group.
#[expect(unsafe_code, reason = "what happens between fork and exec can be said in no other way")]
fn tie(command: &mut Command, leash: Option<RawFd>) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if let Some(leash) = leash {
            let own = rustix::process::setsid()?;
            put_on_leash(leash, own);
        }
        // The signal is not sent for a death that came before it was asked for.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: between fork and exec, in a process with several threads, only async-signal-safe functions may be called.
    // These are bare system calls that neither allocate nor lock; the descriptor stays open in the parent until the
    // child has been started.
    unsafe { command.pre_exec(prepare) };
}

/// Has the kernel kill the group when the last writing end of the pipe closes, and leaves the reading end open.
///
/// What a kernel does not know is left out: the parent-death signal remains.
#[expect(unsafe_code, reason = "no safe wrapper names the signal of a descriptor")]
fn put_on_leash(reader: RawFd, group: Pid) {
    // SAFETY: `fcntl` with these commands takes and gives plain integers and is async-signal-safe.
    unsafe {
        let flags = libc::fcntl(reader, libc::F_GETFL);
        let owned = libc::fcntl(reader, libc::F_SETOWN, -group.as_raw_nonzero().get()) == 0;
        if flags >= 0 && owned && libc::fcntl(reader, F_SETSIG, libc::SIGKILL) == 0 {
            libc::fcntl(reader, libc::F_SETFL, flags | libc::O_ASYNC);
            libc::fcntl(reader, libc::F_SETFD, 0);
        }
    }
}

/// Starts a process that outlives rplay: an asynchronous task. It has no terminal, and nobody waits for it.
#[expect(unsafe_code, reason = "a session of its own can be had in no other way")]
pub(crate) fn detach(mut command: Command, input: &[u8]) -> io::Result<u32> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec only async-signal-safe functions may be called; `setsid` is a bare system call.
    unsafe { command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from)) };
    let mut process = command.spawn()?;
    if let Some(mut stdin) = process.stdin.take() {
        io::Write::write_all(&mut stdin, input)?;
    }
    let id = process.id();
    // Only so that it does not stay a zombie as long as rplay runs.
    std::thread::Builder::new().name("job".to_owned()).spawn(move || process.wait())?;
    Ok(id)
}

/// Kills a child on drop: a future that nobody awaits any more.
struct KillOnDrop(Arc<Run>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn kill(pid: Pid, group: bool) {
    // Refused only where nothing is left to kill.
    let _ = if group {
        rustix::process::kill_process_group(pid, Signal::KILL)
    } else {
        rustix::process::kill_process(pid, Signal::KILL)
    };
}

/// Asked for beforehand: after a failed start nobody could tell a missing folder from a missing program.
fn enterable(folder: &Path) -> io::Result<()> {
    if !folder.metadata()?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
    }
    Ok(rustix::fs::access(folder, rustix::fs::Access::EXEC_OK)?)
}

fn no_folder(folder: &Path, error: &io::Error, argv: &[String]) -> Failure {
    let reason = python::os_error(error, &python::bytes(folder.as_os_str().as_encoded_bytes()));
    Failure::new(format!("Unable to change directory before execution: {reason}"))
        .field("cmd", argv.to_vec())
        .field("rc", Value::Null)
        .field("stdout", "")
        .field("stderr", "")
}

fn not_started(error: &io::Error, argv: &[String]) -> Failure {
    let program = argv.first().map(String::as_bytes).unwrap_or_default();
    Failure::new(python::os_error(error, &python::bytes(program)))
        .field("cmd", python::command_line(argv))
        .field("rc", error.raw_os_error().unwrap_or(257))
        .field("stdout", "")
        .field("stderr", "")
}

fn cancelled() -> Failure {
    Failure { kind: FailureKind::Cancelled, ..Failure::new("interrupted: the process was killed") }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns our end of a pipe as a plain file.
fn file(end: impl Into<OwnedFd>) -> File {
    File::from(end.into())
}
