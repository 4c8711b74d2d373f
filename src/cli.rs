//! The command line: one file per subcommand.

mod args;
mod doc;
mod extra_vars;
mod play;
mod prompt;
#[cfg(feature = "aws")]
mod sandbox;
mod screen;
mod vault;
mod vault_passwords;

use std::io::Write as _;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};

/// The exit code of a command line that cannot be understood, as Ansible's argument parser has it.
const USAGE: u8 = 2;

/// Runs what the command line asks for; returns the exit code.
pub(crate) async fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = !error.use_stderr();
            return if error.print().is_ok() && asked { 0 } else { USAGE };
        }
    };
    match cli.command {
        None => play::play(&cli.play).await,
        Some(Command::Plan(args)) => play::plan(&args).await,
        Some(Command::Destroy(args)) => play::destroy(&args.play, args.yes).await,
        Some(Command::Lint(args)) => play::lint(&args),
        Some(Command::Doc(args)) => doc::print(&args),
        #[cfg(feature = "aws")]
        Some(Command::Sandbox(command)) => sandbox::run(&command).await,
        Some(Command::Vault(command)) => vault::run(&command),
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
        Err(_) => 1,
    }
}
