use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use indexmap::IndexMap;
use rplay_event::Kind;
use rplay_template::Value;
use serde_json::Value as Json;

use crate::run::{Ended, Runner, Stop, TaskRun};

/// Waits for a time, or for someone to press enter.
#[derive(rplay_module::Params)]
#[params(mutually_exclusive("minutes", "seconds"))]
pub(super) struct Params {
    /// How many minutes to wait.
    minutes: Option<Json>,
    /// How many seconds to wait.
    seconds: Option<Json>,
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
    let (time, unit) = match duration(&params) {
        Ok(duration) => duration,
        Err(message) => {
            let headline = Some(format!("Task failed: {message}"));
            return Ok(Ended { headline, ..Ended::failed(message) });
        }
    };
    let hidden = if params.echo { "" } else { " (output is hidden)" };
    let prompt = params.prompt.as_deref().unwrap_or("Press enter to continue, Ctrl+C to interrupt");
    let mut typed = String::new();
    match time {
        _ if runner.mode() == rplay_module::Mode::Plan => {}
        Some(seconds) => {
            let seconds = seconds.max(1.0);
            runner.emit(Kind::Said { message: format!("Pausing for {seconds} seconds{hidden}") });
            let control = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r";
            let interactive = std::io::stdin().is_terminal();
            if let Some(prompt) = &params.prompt {
                runner.emit(Kind::Said { message: control.to_owned() });
                if interactive {
                    runner.emit(Kind::Said { message: format!("[{}]\n{prompt}{hidden}:", task.name) });
                }
            } else if interactive {
                runner.emit(Kind::Said { message: control.to_owned() });
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
            runner.emit(Kind::Said { message: format!("[{}]\n{prompt}{hidden}:", task.name) });
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

/// Returns for how long to wait, and what that is counted in.
fn duration(params: &Params) -> Result<(Option<f64>, &'static str), String> {
    Ok(match (&params.minutes, &params.seconds) {
        (Some(minutes), _) => (Some(whole("minutes", minutes)? * 60.0), "minutes"),
        (None, Some(seconds)) => (Some(whole("seconds", seconds)?), "seconds"),
        (None, None) => (None, "minutes"),
    })
}

/// Makes a whole number as Python's `int()` does.
fn whole(name: &str, value: &Json) -> Result<f64, String> {
    let number = match value {
        Json::Number(number) => number.as_f64().map(f64::trunc),
        Json::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Json::String(text) => text.trim().parse::<i32>().ok().map(f64::from),
        _ => None,
    };
    number.ok_or_else(|| {
        let shown = value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"));
        format!(
            "argument '{name}' is of type str and we were unable to convert to int: invalid literal for int() with base \
             10: {shown}"
        )
    })
}

async fn read_line() -> String {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line).unwrap_or_default()
    });
    line.await.unwrap_or_default().trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_a_whole_number_or_what_python_makes_of_one() {
        for (value, expected) in [(json!(2), 2.0), (json!(1.9), 1.0), (json!("3"), 3.0), (json!(true), 1.0)] {
            assert_eq!(whole("seconds", &value), Ok(expected), "{value}");
        }
        assert!(whole("seconds", &json!("soon")).is_err_and(|message| message.ends_with("10: 'soon'")));
    }
}
