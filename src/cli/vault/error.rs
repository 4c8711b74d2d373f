use rplay_engine::VaultError;

use super::files::Place;
use super::{FAILED, OPTIONS};

/// What ended a command, in Ansible's words, and its exit code.
#[derive(Debug)]
pub(super) struct VaultFault {
    pub(super) message: String,
    pub(super) code: u8,
}

impl VaultFault {
    /// Returns a fault of what was asked for.
    pub(super) fn options(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: OPTIONS }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: FAILED }
    }

    /// Returns what is wrong with the envelope at a place.
    pub(super) fn about(error: &VaultError, place: &Place) -> Self {
        Self::failed(format!("{error} for {}", place.shown()))
    }
}
