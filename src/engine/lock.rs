//! Two runs must not change the same things at once: a lock per account, region and playbook.
//!
//! The lock is the system's own on an open file (`flock`), so that it ends with the process, however that ends. What the
//! file says about the holder is for people. It is never removed: a run that waits for a removed file's lock would hold
//! nothing.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use rplay_module::BoxFuture;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::private;

const FOLDER: &str = "lock";
/// How often to look whether the lock is free.
const POLL: Duration = Duration::from_millis(500);

/// What two runs must not share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The account, or what leads to it: a profile, an access key id.
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) endpoint: &'a str,
    /// With all links resolved, so that two names of one file are one lock.
    pub(crate) playbook: &'a str,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) user: String,
    pub(crate) host: String,
    /// In UTC, as RFC 3339 has it.
    pub(crate) since: String,
    /// Without secrets.
    pub(crate) command: String,
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("{}", .0.as_ref().map_or_else(unnamed, in_the_way))]
    Held(Option<Holder>),
    #[error("could not lock the playbook: {0}")]
    Io(#[from] io::Error),
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock in `.rplay`; while another run holds it, waits for up to `wait`, pausing with `sleep`.
    pub(crate) async fn take(
        dot_rplay: &Path,
        scope: Scope<'_>,
        me: &Holder,
        wait: Option<Duration>,
        sleep: impl Fn(Duration) -> BoxFuture<'static, ()> + Send,
    ) -> Result<Self, LockError> {
        let folder = dot_rplay.join(FOLDER);
        private::folder(dot_rplay)?;
        private::folder(&folder)?;
        let file = private::shared(&folder.join(scope.name()))?;
        let mut left = wait.unwrap_or_default();
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if left.is_zero() => {
                    return Err(LockError::Held(holder(&file)));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let pause = left.min(POLL);
                    sleep(pause).await;
                    left -= pause;
                }
                Err(error) => return Err(LockError::Io(error.into())),
            }
        }
        say_who(&file, me).map_err(|error| {
            let path = folder.join(scope.name());
            io::Error::new(error.kind(), format!("could not write {}: {error}", path.display()))
        })?;
        Ok(Self { _file: file })
    }
}

impl Scope<'_> {
    /// A file's name that is the same for the same scope and tells nothing of it.
    fn name(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.account, self.region, self.endpoint, self.playbook] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.finalize().iter().take(16).fold(String::new(), |mut name, byte| {
            write!(name, "{byte:02x}").expect("a string takes any text");
            name
        })
    }
}

impl LockError {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Held(_) => {
                Some("wait for it with --wait-lock; the lock ends with the process that holds it")
            }
            Self::Io(_) => None,
        }
    }
}

/// Overwrites first and cuts off afterwards: whoever reads meanwhile finds a name.
fn say_who(file: &File, me: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_vec(me)?;
    text.push(b'\n');
    file.write_all_at(&text, 0)?;
    file.set_len(u64::try_from(text.len()).map_err(io::Error::other)?)
}

/// The first line is whole even while it is being replaced by a shorter one.
fn holder(mut file: &File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(text.lines().next()?).ok()
}

fn unnamed() -> String {
    "another run holds the lock on this account, region and playbook".to_owned()
}

fn in_the_way(Holder { pid, user, host, since, command }: &Holder) -> String {
    format!(
        "another run is changing the same account, region and playbook: `{command}`, process {pid} of {user} on {host}, \
         since {since}"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SCOPE: Scope<'static> =
        Scope { account: "123456789012", region: "eu-west-1", endpoint: "", playbook: "/p/a.yml" };

    fn me(pid: u32) -> Holder {
        Holder {
            pid,
            user: "ana".to_owned(),
            host: "desk".to_owned(),
            since: "2026-11-21T12:34:56Z".to_owned(),
            command: "rplay a.yml".to_owned(),
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn take(dot: &Path, scope: Scope<'_>, pid: u32) -> Result<Lock, LockError> {
        run(Lock::take(dot, scope, &me(pid), None, |_| panic!("nothing to wait for")))
    }

    #[test]
    fn a_held_lock_says_who_holds_it_and_how_to_wait() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let held = take(&dot, SCOPE, 1_000_000).unwrap();
        let error = take(&dot, SCOPE, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "another run is changing the same account, region and playbook: `rplay a.yml`, process 1000000 of ana on \
             desk, since 2026-11-21T12:34:56Z"
        );
        assert!(error.help().unwrap().contains("--wait-lock"));
        drop(held);
        // A shorter text than the one before.
        let _held = take(&dot, SCOPE, 2).unwrap();
        let Err(LockError::Held(Some(holder))) = take(&dot, SCOPE, 3) else { panic!("it is held") };
        assert_eq!(holder, me(2));
    }

    #[test]
    fn other_accounts_regions_endpoints_and_playbooks_have_their_own_locks() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let scopes = [
            SCOPE,
            Scope { account: "2", ..SCOPE },
            Scope { region: "us-east-1", ..SCOPE },
            Scope { endpoint: "http://127.0.0.1:4566", ..SCOPE },
            Scope { playbook: "/p/b.yml", ..SCOPE },
            Scope { account: "12345678901", region: "2eu-west-1", ..SCOPE },
        ];
        let held: Vec<Lock> = scopes.into_iter().map(|scope| take(&dot, scope, 1).unwrap()).collect();
        assert_eq!(held.len(), 6);
    }

    #[test]
    fn waiting_ends_when_the_lock_is_free() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let held = Mutex::new(Some(take(&dot, SCOPE, 1).unwrap()));
        let sleep = |_| {
            held.lock().unwrap().take();
            Box::pin(std::future::ready(())) as BoxFuture<'static, ()>
        };
        run(Lock::take(&dot, SCOPE, &me(2), Some(Duration::MAX), sleep)).unwrap();
    }

    #[test]
    fn waiting_ends_when_the_time_is_up() {
        let place = tempfile::tempdir().unwrap();
        let dot = place.path().join(".rplay");
        let _held = take(&dot, SCOPE, 1).unwrap();
        let slept = Mutex::new(Duration::ZERO);
        let sleep = |time| {
            *slept.lock().unwrap() += time;
            Box::pin(std::future::ready(())) as BoxFuture<'static, ()>
        };
        let wait = Duration::from_millis(1300);
        let error = run(Lock::take(&dot, SCOPE, &me(2), Some(wait), sleep)).unwrap_err();
        assert!(matches!(error, LockError::Held(Some(_))));
        assert_eq!(*slept.lock().unwrap(), wait);
    }
}
