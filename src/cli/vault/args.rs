use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use crate::cli::args::SecretArgs;

/// What can be done with encrypted files.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Opens an editor on a file that does not exist, and encrypts what was written
    Create {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        sealing: Sealing,
        /// Opens the editor without a terminal too
        #[arg(long)]
        skip_tty_check: bool,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Decrypts files in place, or the standard input
    Decrypt {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        output: Output,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Opens an editor on what encrypted files hold, and encrypts them again
    Edit {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        sealing: Sealing,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Shows what encrypted files hold
    View {
        #[command(flatten)]
        common: Common,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Encrypts files in place, or the standard input
    Encrypt {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        sealing: Sealing,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Encrypts texts for a file of variables
    #[command(name = "encrypt_string", visible_alias = "encrypt-string")]
    EncryptString {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        sealing: Sealing,
        #[command(flatten)]
        texts: Texts,
    },
    /// Encrypts files anew, with another password
    Rekey {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        sealing: Sealing,
        /// A file with the new password, or a program that prints it
        #[arg(long, value_name = "FILE", conflicts_with = "new_vault_id")]
        new_vault_password_file: Option<PathBuf>,
        /// The new vault identity: ID@FILE, or ID@prompt
        #[arg(long, value_name = "ID@SOURCE")]
        new_vault_id: Option<String>,
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// What every vault command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Says more
    #[arg(short, long = "verbose", action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Where the result goes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Output {
    /// Writes to this file, or with - to the standard output
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) output: Option<PathBuf>,
}

/// What encrypts.
#[derive(Args, Clone, Debug)]
pub(crate) struct Sealing {
    /// Which of several passwords encrypts
    #[arg(long, value_name = "ID")]
    pub(crate) encrypt_vault_id: Option<String>,
}

/// The texts of `encrypt_string`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Texts {
    /// The texts; - is the standard input
    #[arg(value_name = "TEXT")]
    pub(crate) texts: Vec<String>,
    /// Asks for the text
    #[arg(short, long)]
    pub(crate) prompt: bool,
    /// Shows what is typed
    #[arg(long)]
    pub(crate) show_input: bool,
    /// The name of the variable; one for each text, in their order
    #[arg(short, long, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// The name of the variable whose text comes from the standard input
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin_name: Option<String>,
}
