use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use indexmap::IndexMap;
use rplay_event::Kind;
use rplay_template::Value;

use crate::run::{Ended, Runner, Stop, TaskRun};

/// Waits for a time, or for someone to press enter.
#[derive(rplay_module::Params)]
#[params(mutually_exclusive("minutes", "seconds"))]
pub(super) struct Params {
    /// How many minutes to wait.
    minutes: Option<f64>,
    /// How many seconds to wait.
    seconds: Option<f64>,
    /// What to say while waiting.
    prompt: Option<String>,
    /// Shows what is typed.
    #[param(default = true)]
    echo: bool,
}

/// Source of the results: `ansible/plugins/action/pause.py`.
pub(super) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    args: &IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    let params: Params = match super::params("pause", args) {
        Ok(params) => params,
        Err(ended) => return Ok(*ended),
    };
    let started = (runner.settings.now)();
    let (time, unit) = match (params.minutes, params.seconds) {
        (Some(minutes), _) => (Some(minutes.trunc() * 60.0), "minutes"),
        (None, seconds) => (seconds.map(f64::trunc), if seconds.is_some() { "seconds" } else { "minutes" }),
    };
    let prompt = params.prompt.as_deref().unwrap_or("Press enter to continue, Ctrl+C to interrupt");
    let mut typed = String::new();
    match time {
        _ if runner.mode() == rplay_module::Mode::Plan => {}
        Some(seconds) => {
            let seconds = seconds.max(1.0);
            runner.emit(Kind::Said { message: format!("Pausing for {seconds} seconds") });
            if let Some(prompt) = &params.prompt {
                runner.emit(Kind::Said { message: format!("[{}]\n{prompt}:", task.name) });
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()) => {}
                () = runner.interrupt.requested() => return Err(Stop::Interrupted),
            }
        }
        None if !std::io::stdin().is_terminal() => {
            runner.emitter.warn("Not waiting for response to prompt as stdin is not interactive");
        }
        None => {
            runner.emit(Kind::Said { message: format!("[{}]\n{prompt}:", task.name) });
            typed = tokio::select! {
                line = read_line() => line,
                () = runner.interrupt.requested() => return Err(Stop::Interrupted),
            };
        }
    }
    let ended_at = (runner.settings.now)();
    let duration = ended_at.duration_since(started).unwrap_or_default().as_secs_f64();
    let shown = if unit == "minutes" { duration / 60.0 } else { duration };
    let mut ended = Ended::default();
    ended.set("changed", false);
    ended.set("failed", false);
    ended.set("rc", 0);
    ended.set("stderr", "");
    ended.set("stdout", format!("Paused for {:?} {unit}", (shown * 100.0).round() / 100.0));
    ended.set("start", crate::machine::stamp(started));
    ended.set("stop", crate::machine::stamp(ended_at));
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds, as Ansible gives them")]
    ended.set("delta", duration as i64);
    ended.set("echo", params.echo);
    ended.set("user_input", typed);
    Ok(ended)
}

async fn read_line() -> String {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line).unwrap_or_default()
    });
    line.await.unwrap_or_default().trim_end_matches(['\n', '\r']).to_owned()
}
