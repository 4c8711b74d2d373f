//! The command line: one file per subcommand.

mod adhoc;
mod agent;
mod args;
mod callbacks;
mod command_line;
mod config;
mod doc;
mod extra_vars;
mod inventory;
mod links;
mod passwords;
mod play;
mod prompt;
#[cfg(feature = "aws")]
mod sandbox;
mod screen;
mod settings;
mod step;
mod vault;
mod vault_passwords;
mod version;

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};

/// The exit code of a command line that cannot be understood, as Ansible's argument parser has it.
const USAGE: u8 = 2;

/// Runs what the command line asks for; returns the exit code.
pub(crate) async fn run() -> u8 {
    if let Some(code) = agent::asked() {
        return code;
    }
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let program = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(command) = links::command_of(&program) {
        if words.iter().any(|word| word == "--version") {
            return version::print(&program);
        }
        words.insert(1, command.into());
    }
    if let [_, command, version] = words.as_slice()
        && version == "--version"
        && let Some(tool) = command.to_str().and_then(links::tool_of)
    {
        return version::print(tool);
    }
    match Cli::try_parse_from(words) {
        Ok(cli) => command(cli).await,
        Err(error) => {
            let asked = !error.use_stderr();
            if error.print().is_ok() && asked { 0 } else { USAGE }
        }
    }
}

async fn command(cli: Cli) -> u8 {
    match cli.command {
        None => play::play(&cli.play).await,
        Some(Command::Play(args)) => play::play(&args).await,
        Some(Command::Adhoc(args)) => adhoc::run(&args).await,
        Some(Command::Agent(args)) => agent::serve(&args).await,
        Some(Command::Plan(args)) => play::plan(&args).await,
        Some(Command::Destroy(args)) => play::destroy(&args.play, args.yes).await,
        Some(Command::Lint(args)) => play::lint(&args),
        Some(Command::Doc(args)) => doc::print(&args),
        #[cfg(feature = "aws")]
        Some(Command::Sandbox(command)) => sandbox::run(&command).await,
        Some(Command::Vault(command)) => vault::run(&command),
        Some(Command::Config(command)) => config::run(&command),
        Some(Command::Inventory(args)) => inventory::run(&args),
        Some(Command::InstallLinks { dir }) => links::install(&dir),
        Some(Command::Replay(args)) => play::replay(&args),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "rplay", &mut std::io::stdout());
            0
        }
        Some(Command::Man) => say_bytes(|out| clap_mangen::Man::new(Cli::command()).render(out)),
    }
}

/// Says an error that ends the program.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "[ERROR]: {message}");
}

/// Says what the user should know, and goes on.
fn warn(message: &str) {
    let _ = writeln!(std::io::stderr(), "[WARNING]: {message}");
}

/// Prints a text; a reader that has gone is no error.
fn say(text: &str) -> u8 {
    say_bytes(|out| out.write_all(text.as_bytes()))
}

fn say_bytes(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> u8 {
    let mut out = std::io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => 0,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            complain(&unwritten(&error));
            1
        }
    }
}

/// Says that the output is not complete.
fn unwritten(error: &std::io::Error) -> String {
    format!("the output could not be written to stdout: {error}")
}
