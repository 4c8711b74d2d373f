use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rplay_event::RunMode;
use rplay_module::{Sandbox, Secret};
use rplay_syntax::Node;

/// A vault password, or where it comes from.
#[derive(Clone, Debug)]
pub enum VaultSecret {
    /// What was typed, with its id.
    Typed(String, Secret<Vec<u8>>),
    /// A file that holds it, or a program that prints it.
    File {
        /// The id it is known by.
        id: String,
        /// The id that was given, which warnings show and client scripts are told.
        shown_id: Option<String>,
        path: PathBuf,
    },
}

/// What to list instead of running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub tasks: bool,
    pub tags: bool,
    pub hosts: bool,
}

/// Everything that decides how a run goes; the engine reads no environment, home folder or command line itself.
#[derive(Clone, Debug)]
pub struct Settings {
    pub playbooks: Vec<PathBuf>,
    pub mode: RunMode,
    pub diff: bool,
    pub verbosity: u8,
    /// Mappings, the last one first in precedence.
    pub extra_vars: Vec<Node>,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub start_at_task: Option<String>,
    /// A comma list of hosts, or nothing for the implicit localhost.
    pub inventory: Vec<String>,
    pub limit: Option<String>,
    pub forks: usize,
    pub environment: Arc<BTreeMap<String, String>>,
    pub home: Option<PathBuf>,
    /// The folder rplay was started in; `.rplay/` lies there.
    pub folder: PathBuf,
    /// Passwords of vaults, in the order they were given.
    pub vault_secrets: Vec<VaultSecret>,
    /// `ANSIBLE_VAULT_ID_MATCH`: only a password with the envelope's own id is tried.
    pub vault_id_match: bool,
    pub sandbox: Option<Sandbox>,
    /// How load balancers of a stand-in are reached: every host name that ends so is at that address.
    pub reach: Vec<(String, std::net::SocketAddr)>,
    /// How long to wait for another run's lock; `None` fails at once.
    pub wait_lock: Option<Duration>,
    /// Gather facts at the start of a play unless the play says otherwise.
    pub gather_facts: bool,
    /// Fail on a handler that does not exist, as Ansible does.
    pub error_on_missing_handler: bool,
    /// The command line, as the journal keeps it.
    pub command: Vec<String>,
    pub now: fn() -> std::time::SystemTime,
    pub random: fn(&mut [u8]),
    /// Ends the program at the second Ctrl-C; without it signals are not heard.
    pub leave: Option<fn(u8)>,
    /// Also write a journal and take the lock; off for `--syntax-check` and the lists.
    pub record: bool,
}
