use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done with the sandbox.
#[derive(Debug)]
pub(crate) enum Error {
    /// There is no Python that the stand-in runs on; what was found instead.
    NoPython {
        found: Vec<String>,
    },
    /// Python is there without what makes virtual environments.
    NoVenv {
        python: PathBuf,
    },
    /// The stand-in could not be installed; what pip said last.
    Install {
        said: String,
    },
    /// The stand-in ended, or did not answer in time.
    Start {
        what: String,
        log: PathBuf,
        tail: Vec<String>,
    },
    /// The sandbox is not up.
    Down {
        folder: PathBuf,
    },
    /// Another rplay is busy with the same folder for too long.
    Busy {
        lock: PathBuf,
    },
    /// The folder holds something else.
    Foreign {
        folder: PathBuf,
    },
    /// The record in the folder cannot be read.
    Record {
        file: PathBuf,
        reason: String,
    },
    /// The stand-in answered something that it should not.
    Answer {
        deed: &'static str,
        reason: String,
    },
    /// A file, a folder or a process.
    Io {
        deed: String,
        source: io::Error,
    },
    Docker(rplay_docker_client::Error),
}

impl Error {
    pub(crate) fn io(deed: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let deed = deed.into();
        |source| Self::Io { deed, source }
    }

    pub(crate) fn file(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(format!("{verb} {}", path.display()))
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoPython { .. } => Some("on Debian: apt-get install python3 python3-venv".to_owned()),
            Self::NoVenv { .. } => Some("on Debian: apt-get install python3-venv".to_owned()),
            Self::Install { .. } => Some(
                "it comes from PyPI, once: pip's own settings for a proxy or a mirror are used".to_owned(),
            ),
            Self::Down { .. } => Some("start it with rplay sandbox up".to_owned()),
            Self::Foreign { .. } => Some("name an empty folder, or one that is not there yet".to_owned()),
            Self::Record { file, .. } => Some(format!("remove {} to begin afresh", file.display())),
            Self::Docker(error) => error.hint().map(str::to_owned),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPython { found } if found.is_empty() => {
                f.write_str("could not prepare the sandbox: it needs Python 3.11 to 3.14, and there is no python3 on PATH")
            }
            Self::NoPython { found } => {
                let found = found.join(", ");
                write!(f, "could not prepare the sandbox: it needs CPython 3.11 to 3.14, and PATH has {found}")
            }
            Self::NoVenv { python } => {
                write!(f, "could not prepare the sandbox: {} has no venv and pip", python.display())
            }
            Self::Install { said } => write!(f, "could not install the sandbox: {said}"),
            Self::Start { what, log, tail } => {
                write!(f, "could not start the sandbox: {what}; its log is {}", log.display())?;
                tail.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            Self::Down { folder } => write!(f, "the sandbox in {} is not up", folder.display()),
            Self::Busy { lock } => write!(f, "could not get hold of {}: another rplay keeps it", lock.display()),
            Self::Foreign { folder } => {
                write!(f, "could not use {} for a sandbox: it holds something else", folder.display())
            }
            Self::Record { file, reason } => write!(f, "could not read {}: {reason}", file.display()),
            Self::Answer { deed, reason } => write!(f, "could not {deed}: {reason}"),
            Self::Io { deed, source } => write!(f, "could not {deed}: {source}"),
            Self::Docker(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<rplay_docker_client::Error> for Error {
    fn from(error: rplay_docker_client::Error) -> Self {
        Self::Docker(error)
    }
}
