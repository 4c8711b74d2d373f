use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Error, Result, Tell};

/// How long another rplay may keep the lock: an installation over a slow line takes minutes.
const PATIENCE: Duration = Duration::from_mins(10);
const POLL: Duration = Duration::from_millis(50);

/// What is known of a sandbox between two runs: `sandbox.json` in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The stand-in's process; `None` when it was stopped in good order.
    pub(crate) process: Option<ProcessId>,
    pub(crate) port: u16,
    pub(crate) region: String,
    pub(crate) version: String,
    /// The sandbox's own name, with the port the value of its containers' label.
    pub(crate) name: String,
    /// It was started with a Docker engine at hand.
    pub(crate) containers: bool,
}

/// A process that cannot be mistaken for a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    /// In clock ticks since the machine started.
    pub(crate) started: u64,
}

impl Record {
    /// Returns where the stand-in answers, for AWS clients.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the value of the label `ministack.instance` on each container of this sandbox and of no other.
    pub(crate) fn instance(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }
}

/// A sandbox's folder, held against other runs of rplay while this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Absolute.
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, for this user only, and waits until no other rplay works on it.
    pub(crate) async fn hold(folder: &Path, tell: Tell<'_>) -> Result<Self> {
        let path = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        private(&path)?;
        let lock = path.join("lock");
        if !lock.exists() && !is_empty(&path)? {
            return Err(Error::Foreign { folder: path });
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(Error::file("protect", &path))?;
        Ok(Self { _lock: hold(&lock, tell).await?, path })
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("ministack.log")
    }

    /// Returns what the last run left, if there was one.
    pub(crate) fn record(&self) -> Result<Option<Record>> {
        read(&self.path)
    }

    /// Writes the record in one step: whoever reads it finds the old or the new one.
    pub(crate) fn write(&self, record: &Record) -> Result<()> {
        let file = record_file(&self.path);
        let fresh = self.path.join("sandbox.json.new");
        let text = serde_json::to_vec_pretty(record).expect("numbers and texts are JSON");
        let write = || {
            let mut open =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            open.write_all(&text)?;
            fs::rename(&fresh, &file)
        };
        write().map_err(Error::file("write", &file))
    }

    /// Returns a folder inside this one, made if need be.
    pub(crate) fn inner(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        private(&path)?;
        Ok(path)
    }

    /// Removes a folder inside this one with all that is in it.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// Returns the record of a sandbox without holding its folder: a look that waits for nobody.
pub(crate) fn read(folder: &Path) -> Result<Option<Record>> {
    let file = record_file(folder);
    match fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| Error::Record { file, reason: error.to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", &file)(error)),
    }
}

fn record_file(folder: &Path) -> PathBuf {
    folder.join("sandbox.json")
}

/// Makes a folder and those above it, for this user only; one that is there stays as it is.
pub(crate) fn private(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file("make the folder", path))
}

fn is_empty(path: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(path).map_err(Error::file("read", path))?;
    Ok(entries.next().is_none())
}

/// Waits for a lock file; the lock goes with the value, at the latest with the process.
pub(crate) async fn hold(file: &Path, tell: Tell<'_>) -> Result<File> {
    let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
    let lock = options.map_err(Error::file("open", file))?;
    let begun = Instant::now();
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", file)(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                return Err(Error::Busy { lock: file.to_owned() });
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    tell("waiting for another rplay that works on the sandbox");
                    told = true;
                }
                sleep(POLL).await;
            }
        }
    }
}
