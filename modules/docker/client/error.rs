use rplay_module::{Failure, FailureKind};

/// Why something could not be done with the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers, or not to us.
    #[error("could not reach a Docker engine at {host}: {reason}")]
    NoEngine { host: String, reason: String, denied: bool },
    /// An address that this client cannot speak to.
    #[error("could not use the Docker engine's address {host}: {reason}")]
    Address { host: String, reason: &'static str },
    /// The engine answered no, or broke off in the middle of its work.
    #[error("could not {deed}: {message}")]
    Refused { deed: String, status: Option<u16>, message: String },
    /// The answer did not arrive whole.
    #[error("could not {deed}: the engine's answer was lost: {reason}")]
    Lost { deed: String, reason: String },
    /// The deed took longer than it was given.
    #[error("could not {deed}: the engine did not answer in time")]
    TimedOut { deed: String },
}

impl Error {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoEngine { denied: true, .. } => Some(
                "this user may not open the engine's socket: add it to the group \"docker\" (and log in again), or run as root",
            ),
            Self::NoEngine { .. } => Some(
                "install one (on Debian: apt-get install docker.io) and start it (systemctl start docker), or name another with DOCKER_HOST",
            ),
            _ => None,
        }
    }

    /// Returns whether the engine said that there is no such thing.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { status: Some(404), .. })
    }

    /// Sorts the library's many errors into the few that make a difference here.
    pub(crate) fn of(deed: impl Into<String>, host: &str, error: bollard::errors::Error) -> Self {
        use bollard::errors::Error as From;
        let deed = deed.into();
        match error {
            From::DockerResponseServerError { status_code, message } => {
                Self::Refused { deed, status: Some(status_code), message: message.trim().to_owned() }
            }
            From::DockerStreamError { error } => {
                Self::Refused { deed, status: None, message: error.trim().to_owned() }
            }
            From::RequestTimeoutError => Self::TimedOut { deed },
            From::SocketNotFoundError(path) => Self::NoEngine {
                host: host.to_owned(),
                reason: format!("there is no socket {path}"),
                denied: false,
            },
            From::HyperLegacyError { err } if err.is_connect() => {
                let reason = innermost(&err);
                Self::NoEngine {
                    host: host.to_owned(),
                    denied: reason.kind == Some(std::io::ErrorKind::PermissionDenied),
                    reason: reason.text,
                }
            }
            From::HyperLegacyError { err } => Self::Lost { deed, reason: innermost(&err).text },
            other => Self::Lost { deed, reason: other.to_string() },
        }
    }
}

/// What stands at the end of a chain of errors: the system's own words.
struct Reason {
    text: String,
    kind: Option<std::io::ErrorKind>,
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> Reason {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    Reason { text: last.to_string(), kind: last.downcast_ref::<std::io::Error>().map(std::io::Error::kind) }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Lost { .. } => FailureKind::Lost,
            Error::TimedOut { .. } => FailureKind::TimedOut,
            _ => FailureKind::Refused,
        };
        let hint = error.hint().map(str::to_owned);
        Self { kind, hint, ..Self::new(error.to_string()) }
    }
}
