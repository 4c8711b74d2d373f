//! The sandbox: a stand-in for AWS on this machine, so that a playbook can run without an account.
//!
//! It is `ministack`, pinned by version and hashes, in a virtual environment of its own under the user's cache folder;
//! it listens on 127.0.0.1 alone and outlives the run, so that what was deployed can be looked at and a rerun finds it.
//! With a Docker engine its tasks are real containers and its load balancers forward to them; without one it is the
//! control plane alone.
//!
//! One sandbox lives in one folder, which holds everything that is known of it. Several side by side do not see each
//! other's containers: each carries the sandbox's own name as a label.
//!
//! Nothing here prints or reads the environment; what was done comes back as values and through `tell`.

mod balancers;
mod containers;
mod down;
mod environment;
mod error;
mod folder;
mod http;
mod process;
mod python;
mod status;
mod up;

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use balancers::{farewell, load_balancers};
pub(crate) use down::{Reset, down, reset};
pub(crate) use environment::exports;
pub(crate) use error::Error;
pub(crate) use folder::read as record;
pub(crate) use status::{live, status};
pub(crate) use up::up;

/// The stand-in's version; `requirements.txt` has its hashes and those of all it needs.
pub(crate) const VERSION: &str = "1.5.33";

/// Where a sandbox lives when nobody says otherwise: in the folder that rplay is started in.
pub(crate) const DEFAULT_FOLDER: &str = ".rplay/sandbox";

/// An access key of twelve digits is the account, and only the stand-in's default account has load balancers that
/// forward.
pub(crate) const ACCOUNT: &str = "000000000000";

/// No signature is checked; long enough to be masked like any other.
pub(crate) const SECRET_KEY: &str = "sandbox-secret-key";

/// What this module's functions return.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Tells what is being done, a line at a time.
pub(crate) type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// Everything that comes from outside.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The sandbox's folder, as the user wrote it.
    pub(crate) folder: PathBuf,
    /// The user's cache folder: `$XDG_CACHE_HOME` or `~/.cache`.
    pub(crate) cache: PathBuf,
    /// `$PATH`: where Python is looked for.
    pub(crate) path: OsString,
    pub(crate) region: String,
    pub(crate) docker: rplay_docker_client::Settings,
}

#[cfg(test)]
mod tests;
