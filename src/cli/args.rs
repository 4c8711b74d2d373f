mod hosts;
mod run;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use hosts::ConnectArgs;
pub(crate) use run::{AdhocArgs, OutputForm, PlayArgs, RunArgs};

/// Runs Ansible playbooks natively.
#[derive(Debug, Parser)]
#[command(
    name = "rplay",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    infer_long_args = true,
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
    /// Runs what a controller sends: what `rplay` starts on hosts
    #[command(hide = true)]
    Agent(AgentArgs),
    /// Plays playbooks: what rplay does without a command
    #[command(hide = true)]
    Play(PlayArgs),
    /// Runs one task on hosts
    Adhoc(AdhocArgs),
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
    /// Shows what hosts, groups and variables an inventory comes to
    Inventory(super::inventory::InventoryArgs),
    /// Shows the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes rplay answer to the names of Ansible's tools: links in a folder for the PATH
    InstallLinks {
        /// The folder
        dir: PathBuf,
    },
    /// Shows a run again, from its journal; the last one when none is named
    Replay(ReplayArgs),
    /// Prints a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Prints the manual page
    #[command(hide = true)]
    Man,
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

/// What of the configuration is shown.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Lists every setting: where it may be set, and what it is otherwise
    List(ConfigArgs),
    /// Prints the value of every setting, and where it comes from
    Dump(ConfigArgs),
    /// Prints the configuration file
    View(ConfigArgs),
    /// Prints a configuration file with every setting in it
    Init(ConfigArgs),
}

/// What the commands of the configuration take.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(short, long)]
    pub(crate) config: Option<PathBuf>,
    /// The kind of plugin whose options are shown; `all` for all of them, `base` for none
    #[arg(short = 't', long = "type", default_value = "base", value_name = "KIND")]
    pub(crate) kind: String,
    /// Says more
    #[arg(short, long = "verbose", action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Leaves out what is at its default
    #[arg(long, visible_alias = "changed-only")]
    pub(crate) only_changed: bool,
    /// The form: display, json or yaml; for init ini, env or vars
    #[arg(short, long)]
    pub(crate) format: Option<String>,
    /// Puts a comment mark before every setting
    #[arg(long)]
    pub(crate) disabled: bool,
    /// Only the plugins of these names
    pub(crate) names: Vec<String>,
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

/// What makes an agent.
#[derive(Args, Clone, Debug)]
pub(crate) struct AgentArgs {
    /// Runs the one asynchronous task that stands on the standard input
    #[arg(long)]
    pub(crate) job: bool,
}
