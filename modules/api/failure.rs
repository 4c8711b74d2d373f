use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Address;
use crate::params::ParamFault;

/// The world refused: what could not be done, in the other side's own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// What becomes the result's `msg`: completes "could not …", names the thing, quotes the other side.
    pub message: String,
    /// The service's own error code, such as `LimitExceededException`.
    pub code: Option<String>,
    pub request_id: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Further fields of the result, such as a command's `rc` and `stdout`.
    pub result: Map<String, Value>,
    /// Several lines that say more than the message: a failed deploy's own screen.
    pub screen: Option<Box<str>>,
    /// What is told on the screen in place of the message, with who failed before it: `Module failed: no: [Errno 2] ...`.
    #[serde(default)]
    pub told: Option<Box<str>>,
}

/// What a failure means to the driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The other side answered no.
    Refused,
    /// What the thing hangs on is not there.
    Missing(Address),
    /// The answer did not arrive: whether the write happened is not known.
    Lost,
    /// It did not become what was wanted in time.
    TimedOut,
    /// The parameters are wrong.
    Arguments(Vec<ParamFault>),
    /// The host could not be reached: nothing was done there, and nothing else is tried.
    Unreachable,
    /// Interrupted by the user.
    Cancelled,
    /// We are wrong.
    Bug,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Refused,
            message: message.into(),
            code: None,
            request_id: None,
            hint: None,
            result: Map::new(),
            screen: None,
            told: None,
        }
    }

    /// Returns the failure of a thing whose parent is gone.
    pub fn missing(address: Address) -> Self {
        let message = format!("could not find {address}");
        Self { kind: FailureKind::Missing(address), ..Self::new(message) }
    }

    pub fn bug(message: impl fmt::Display) -> Self {
        Self {
            kind: FailureKind::Bug,
            ..Self::new(format!("rplay is wrong here, please report it: {message}"))
        }
    }

    pub fn timed_out(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::TimedOut, ..Self::new(message) }
    }

    /// Returns the failure of a host that cannot be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Unreachable, ..Self::new(message) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds on the screen what the system said; the result has the message only.
    #[must_use]
    pub fn because(mut self, said: impl fmt::Display) -> Self {
        let message = self.message.trim_end_matches(['.', ' ']);
        self.told = Some(format!("Module failed: {message}: {said}").into());
        self
    }

    /// Says on the screen that the action refused the task, without who failed.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.told = Some(self.message.as_str().into());
        self
    }

    /// Says on the screen that the action failed before its module ran, as Ansible tells the two apart.
    #[must_use]
    pub fn by_action(mut self) -> Self {
        self.told = Some(format!("Action failed: {}", self.message).into());
        self
    }

    /// Returns the failure of what Ansible's module does not expect: it breaks off, and both screen and result say so.
    pub fn broken_off(why: impl fmt::Display) -> Self {
        Self::new(format!("Task failed: Module failed: {why}"))
    }

    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.result.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn screen(mut self, screen: impl Into<Box<str>>) -> Self {
        self.screen = Some(screen.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn what_the_system_said_is_told_beside_the_message() {
        let failure = Failure::new("Unlinking failed.").because("[Errno 1] Operation not permitted: b'/f'");
        assert_eq!(failure.message, "Unlinking failed.");
        let told = failure.told.unwrap();
        assert_eq!(&*told, "Module failed: Unlinking failed: [Errno 1] Operation not permitted: b'/f'");
        assert_eq!(
            Failure::new("dest is required").by_action().told.as_deref(),
            Some("Action failed: dest is required")
        );
    }
}
