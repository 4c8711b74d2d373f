use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rplay_config::Config;
use rplay_event::RunMode;
use rplay_module::{Module, Sandbox, Secret};
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

/// What one `-e` sets.
#[derive(Clone, Debug)]
pub enum ExtraVars {
    /// What stands on the command line, and what was made of it.
    Given { shown: String, node: Node },
    /// A file, which may be encrypted; its path is absolute.
    File(PathBuf),
}

/// What to list instead of running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub tasks: bool,
    pub tags: bool,
    pub hosts: bool,
}

/// How the command line says that hosts are reached; plays, tasks and variables of hosts say it more closely, and what
/// nobody says is in the configuration.
#[derive(Clone, Debug, Default)]
pub struct Connecting {
    pub user: Option<String>,
    pub connection: Option<String>,
    /// In seconds.
    pub timeout: Option<u32>,
    pub private_key: Option<PathBuf>,
    pub ssh_common_args: Option<String>,
    pub sftp_extra_args: Option<String>,
    pub scp_extra_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    pub password: Option<Secret<String>>,
    pub become_enabled: bool,
    pub become_method: Option<String>,
    pub become_user: Option<String>,
    pub become_password: Option<Secret<String>>,
}

/// One task that stands in no playbook: what `ansible` runs.
#[derive(Clone, Debug)]
pub struct Adhoc {
    /// Which hosts.
    pub pattern: String,
    pub module: String,
    /// Free words and `key=value`, or a JSON mapping.
    pub args: String,
    /// How many seconds it may run in the background; 0 for not at all.
    pub background: u32,
    /// How often to look at it, in seconds; 0 for never.
    pub poll: u32,
    /// How many seconds it may take; 0 for any.
    pub timeout: u32,
}

/// What the one at the terminal answers before a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// Yes, and to all that follow.
    Continue,
}

/// Everything that decides how a run goes; the engine reads no environment, home folder or command line itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file and the environment of Ansible's configuration.
    pub config: Arc<Config>,
    pub playbooks: Vec<PathBuf>,
    /// A task to run in place of playbooks.
    pub adhoc: Option<Adhoc>,
    pub mode: RunMode,
    pub diff: bool,
    pub verbosity: u8,
    /// What `-e` gives, the last one first in precedence.
    pub extra_vars: Vec<ExtraVars>,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub start_at_task: Option<String>,
    /// Asked before each task (`--step`).
    pub step: Option<fn(&str) -> Answer>,
    /// Inventories: files, folders and comma lists of hosts; what the configuration has where `-i` names none.
    pub inventory: Vec<String>,
    /// What lists hosts for inventories: modules of no task, such as `amazon.aws.aws_ec2`.
    pub host_sources: Vec<Module>,
    /// The Python of this machine: what `ansible_playbook_python` says.
    pub python: String,
    pub limit: Option<String>,
    pub forks: usize,
    pub connecting: Connecting,
    /// What is started on hosts, and behind sudo: rplay itself.
    pub agent: crate::connection::AgentProgram,
    /// Folders of modules, before those of the configuration.
    pub module_path: Vec<String>,
    /// The folder that stands for a playbook's where there is none.
    pub playbook_dir: Option<PathBuf>,
    /// Run notified handlers on hosts that failed.
    pub force_handlers: bool,
    /// Forget the facts that are kept between runs.
    pub flush_cache: bool,
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
    /// Fail on a handler that does not exist, as Ansible does.
    pub error_on_missing_handler: bool,
    /// The command line, as the journal keeps it.
    pub command: Vec<String>,
    pub now: fn() -> std::time::SystemTime,
    pub random: fn(&mut [u8]),
    /// Asks on the terminal; what is typed is not shown where the flag says so. `None` where nothing more comes.
    pub ask: fn(&str, bool) -> Option<String>,
    /// Ends the program at the second Ctrl-C; without it signals are not heard.
    pub leave: Option<fn(u8)>,
    /// Also write a journal and take the lock; off for `--syntax-check` and the lists.
    pub record: bool,
}
