//! What a run takes: `ansible-playbook`'s options, those of `ansible`, and what they share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::SecretArgs;
use super::hosts::{BecomeArgs, ConnectArgs, HostArgs};

/// What every run takes, of a playbook or of one task.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
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
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", allow_hyphen_values = true)]
    pub(crate) extra_vars: Vec<String>,
    /// Folders of modules, before those that are configured
    #[arg(short = 'M', long, value_name = "PATH")]
    pub(crate) module_path: Vec<String>,
    #[command(flatten)]
    pub(crate) hosts: HostArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) become_as: BecomeArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// The form of the output: default, json (one event a line), or minimal
    #[arg(long, value_name = "FORM", help_heading = "Options")]
    pub(crate) output: Option<OutputForm>,
    /// Waits so many seconds for another run that could change the same things
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Options")]
    pub(crate) wait_lock: Option<Duration>,
}

/// What `ansible-playbook` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlayArgs {
    /// Playbooks
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub(crate) playbooks: Vec<PathBuf>,
    /// Runs only plays and tasks with these tags
    #[arg(short = 't', long)]
    pub(crate) tags: Vec<String>,
    /// Leaves out plays and tasks with these tags
    #[arg(long)]
    pub(crate) skip_tags: Vec<String>,
    /// Starts at the task of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) start_at_task: Option<String>,
    /// Asks before each task
    #[arg(long)]
    pub(crate) step: bool,
    /// Runs handlers even if a task fails
    #[arg(long)]
    pub(crate) force_handlers: bool,
    /// Lists the tasks that would run
    #[arg(long)]
    pub(crate) list_tasks: bool,
    /// Lists the tags there are
    #[arg(long)]
    pub(crate) list_tags: bool,
    /// Reads the playbook and runs nothing
    #[arg(long)]
    pub(crate) syntax_check: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Runs against a local stand-in for AWS, whose data lies in DIR
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".rplay/sandbox")]
    pub(crate) sandbox: Option<PathBuf>,
}

/// What `ansible` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct AdhocArgs {
    /// The hosts to work on
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: String,
    /// The module
    #[arg(short = 'm', long)]
    pub(crate) module_name: Option<String>,
    /// The module's parameters: key=value, free words, or a JSON mapping
    #[arg(short = 'a', long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Runs in the background, for so many seconds at most
    #[arg(short = 'B', long, value_name = "SECONDS")]
    pub(crate) background: Option<u32>,
    /// How often to look at what runs in the background, in seconds
    #[arg(short = 'P', long, value_name = "SECONDS")]
    pub(crate) poll: Option<u32>,
    /// One line a host
    #[arg(short = 'o', long)]
    pub(crate) one_line: bool,
    /// Writes each host's result into a file of this folder
    #[arg(short = 't', long, value_name = "DIR")]
    pub(crate) tree: Option<PathBuf>,
    /// The folder that stands for a playbook's
    #[arg(long, value_name = "DIR")]
    pub(crate) playbook_dir: Option<PathBuf>,
    /// How many seconds the task may take
    #[arg(long, value_name = "SECONDS")]
    pub(crate) task_timeout: Option<u32>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
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
