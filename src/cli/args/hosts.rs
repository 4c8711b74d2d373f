//! Which hosts, and how they are reached: what `ansible-playbook` and `ansible` take alike.

use std::path::PathBuf;

use clap::Args;

/// Where hosts come from and which of them are meant.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct HostArgs {
    /// An inventory: a file, a folder, or a comma list of hosts
    #[arg(short = 'i', long, visible_alias = "inventory-file", value_name = "INVENTORY")]
    pub(crate) inventory: Vec<String>,
    /// Works on these hosts only
    #[arg(short = 'l', long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// Lists the hosts that would be worked on
    #[arg(long)]
    pub(crate) list_hosts: bool,
    /// Forgets the facts that are kept between runs
    #[arg(long)]
    pub(crate) flush_cache: bool,
    /// How many hosts at a time
    #[arg(short = 'f', long, value_parser = forks)]
    pub(crate) forks: Option<usize>,
}

/// How hosts are connected to.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// The key to log in with
    #[arg(long, visible_alias = "key-file", value_name = "FILE")]
    pub(crate) private_key: Option<PathBuf>,
    /// The user to log in as
    #[arg(short = 'u', long)]
    pub(crate) user: Option<String>,
    /// The connection: ssh or local
    #[arg(short = 'c', long)]
    pub(crate) connection: Option<String>,
    /// How many seconds to wait for a connection
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u32>,
    /// Arguments for sftp, scp and ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) ssh_common_args: Option<String>,
    /// Arguments for sftp only
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) sftp_extra_args: Option<String>,
    /// Arguments for scp only
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) scp_extra_args: Option<String>,
    /// Arguments for ssh only
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) ssh_extra_args: Option<String>,
    /// Asks for the password to log in with
    #[arg(short = 'k', long)]
    pub(crate) ask_pass: bool,
    /// A file with the password to log in with, or a program that prints it
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE", conflicts_with = "ask_pass")]
    pub(crate) connection_password_file: Option<PathBuf>,
}

/// As whom things are done on a host.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Privilege escalation")]
pub(crate) struct BecomeArgs {
    /// Does everything as another user
    #[arg(id = "become", short = 'b', long = "become")]
    pub(crate) enabled: bool,
    /// How to become another user: sudo or su
    #[arg(id = "become_method", long = "become-method", value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// The user to become
    #[arg(id = "become_user", long = "become-user", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Asks for the password to become another user with
    #[arg(id = "ask_become_pass", short = 'K', long = "ask-become-pass")]
    pub(crate) ask_pass: bool,
    /// A file with the password to become another user with, or a program that prints it
    #[arg(
        id = "become_password_file",
        long = "become-password-file",
        visible_alias = "become-pass-file",
        value_name = "FILE",
        conflicts_with = "ask_become_pass"
    )]
    pub(crate) password_file: Option<PathBuf>,
}

fn forks(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) | Err(_) if text.trim_start_matches('-').parse::<usize>().is_ok() => {
            Err("The number of processes (--forks) must be >= 1".to_owned())
        }
        Ok(forks) => Ok(forks),
        Err(_) => Err(format!("invalid int value: '{text}'")),
    }
}
