//! `rplay agent`: what runs on hosts, behind ssh, sudo and the like, and what answers ssh's question for a password.

use std::io::{BufReader, Write as _};
use std::path::PathBuf;

use rplay_engine::{Agent, AgentProgram, askpass, serve_agent, serve_job};

use super::args::AgentArgs;
use super::settings::{environment, random};
use crate::catalog;

/// Returns the program that becomes an agent on a host: this one.
pub(super) fn program() -> AgentProgram {
    AgentProgram {
        // Where even that cannot be said, starting an agent fails with the name.
        file: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("rplay")),
        args: vec!["agent".to_owned()],
    }
}

/// Serves a controller, or runs an asynchronous task; returns the exit code.
pub(super) async fn serve(args: &AgentArgs) -> u8 {
    let agent = Agent {
        modules: catalog::modules(),
        environment: environment(),
        folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        now: std::time::SystemTime::now,
        random,
        program: program(),
        input: Box::new(BufReader::new(std::io::stdin())),
        output: Box::new(std::io::stdout()),
        leave: |code| std::process::exit(code.into()),
    };
    if args.job { serve_job(agent).await } else { serve_agent(agent).await }
}

/// Answers ssh where it has started rplay to ask for a password; returns the exit code.
pub(super) fn asked() -> Option<u8> {
    let file = std::env::var("RPLAY_ASKPASS").ok()?;
    let question = std::env::args().nth(1).unwrap_or_default();
    let answer = askpass(Some(&file), &question)?;
    Some(match answer {
        Some(password) => u8::from(writeln!(std::io::stdout(), "{password}").is_err()),
        None => 1,
    })
}
