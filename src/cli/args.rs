use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

/// Runs Ansible playbooks natively.
#[derive(Debug, Parser)]
#[command(
    name = "rplay",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "A playbook that is not found in the current folder is looked for in playbooks/."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) play: PlayArgs,
}

/// Everything but playing.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what a run would change, field by field; writes nothing
    Plan(PlayArgs),
    /// Deletes what the playbook made, backwards; touches only what is ours
    Destroy(DestroyArgs),
    /// Checks playbooks without running them; every doubt is an error
    Lint(PlayArgs),
    /// Describes a module and its parameters
    Doc(DocArgs),
    /// Runs a local stand-in for AWS
    #[cfg(feature = "aws")]
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Encrypts and decrypts files and strings
    #[command(subcommand)]
    Vault(super::vault::VaultCommand),
    /// Shows a run again, from its journal; the last one when none is named
    Replay(ReplayArgs),
    /// Prints a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Prints the manual page
    #[command(hide = true)]
    Man,
}

/// What `ansible-playbook` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlayArgs {
    /// Playbooks
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub(crate) playbooks: Vec<PathBuf>,
    /// Says more; up to -vvvv
    #[arg(short, long = "verbose", action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Changes nothing; tells what would change
    #[arg(short = 'C', long)]
    pub(crate) check: bool,
    /// Shows differences
    #[arg(short = 'D', long)]
    pub(crate) diff: bool,
    /// Sets variables: key=value, YAML, JSON, or @file
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    pub(crate) extra_vars: Vec<String>,
    /// Runs only plays and tasks with these tags
    #[arg(short = 't', long)]
    pub(crate) tags: Vec<String>,
    /// Leaves out plays and tasks with these tags
    #[arg(long)]
    pub(crate) skip_tags: Vec<String>,
    /// Starts at the task of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) start_at_task: Option<String>,
    /// A comma list of hosts
    #[arg(short = 'i', long, value_name = "HOSTS")]
    pub(crate) inventory: Vec<String>,
    /// Runs on these hosts only
    #[arg(short = 'l', long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// How many hosts at a time
    #[arg(short = 'f', long, default_value_t = 5)]
    pub(crate) forks: usize,
    /// Lists the tasks that would run
    #[arg(long)]
    pub(crate) list_tasks: bool,
    /// Lists the tags there are
    #[arg(long)]
    pub(crate) list_tags: bool,
    /// Lists the hosts that would be worked on
    #[arg(long)]
    pub(crate) list_hosts: bool,
    /// Reads the playbook and runs nothing
    #[arg(long)]
    pub(crate) syntax_check: bool,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// The form of the output: default, json (one event a line), or minimal
    #[arg(long, value_name = "FORM")]
    pub(crate) output: Option<OutputForm>,
    /// Waits so many seconds for another run that could change the same things
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait_lock: Option<Duration>,
    /// Runs against a local stand-in for AWS, whose data lies in DIR
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".rplay/sandbox")]
    pub(crate) sandbox: Option<PathBuf>,
}

/// Where vault passwords come from.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretArgs {
    /// A file with the vault's password, or a program that prints it
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE")]
    pub(crate) vault_password_file: Vec<PathBuf>,
    /// A vault identity: ID@FILE, or ID@prompt
    #[arg(long, value_name = "ID@SOURCE")]
    pub(crate) vault_id: Vec<String>,
    /// Asks for the vault's password
    #[arg(short = 'J', long, visible_alias = "ask-vault-password", conflicts_with = "vault_password_file")]
    pub(crate) ask_vault_pass: bool,
}

/// What `rplay replay` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReplayArgs {
    /// The run, as .rplay/runs names it
    pub(crate) run: Option<String>,
    /// Says more; up to -vvvv
    #[arg(short, long = "verbose", action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What `rplay destroy` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    pub(crate) play: PlayArgs,
    /// Does not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
}

/// What `rplay doc` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct DocArgs {
    /// The module's name
    #[arg(required_unless_present = "list")]
    pub(crate) module: Option<String>,
    /// Lists the modules
    #[arg(short, long)]
    pub(crate) list: bool,
}

/// What can be done with a sandbox.
#[cfg(feature = "aws")]
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Starts it, unless it is up
    Up(SandboxArgs),
    /// Stops it; no process, container or network is left
    Down(SandboxArgs),
    /// Says whether it is up, and where
    Status(SandboxArgs),
    /// Empties it
    Reset(SandboxArgs),
    /// Prints the environment that points AWS's tools at it
    Env(SandboxArgs),
}

/// Which sandbox.
#[cfg(feature = "aws")]
#[derive(Args, Clone, Debug)]
pub(crate) struct SandboxArgs {
    /// The folder that holds its pid, port, log and data
    #[arg(default_value = ".rplay/sandbox")]
    pub(crate) dir: PathBuf,
    /// The region it answers for
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputForm {
    Default,
    Json,
    Minimal,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<u64>().map(Duration::from_secs).map_err(|_| format!("'{text}' is not a number of seconds"))
}
