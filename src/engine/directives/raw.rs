use indexmap::IndexMap;
use rplay_module::{Exit, Mode};
use rplay_template::Value;

use crate::connection::execute;
use crate::run::{Ended, Runner, Spot, Stop, TaskRun};

/// Runs a command line on the host; nothing but a shell is needed there.
#[derive(rplay_module::Params)]
#[params(free_form = "_raw_params")]
pub(super) struct Params {
    /// The command line.
    #[param(name = "_raw_params")]
    raw: Option<String>,
    /// The shell; omitted it is the connection's.
    executable: Option<String>,
}

/// Source of the results: `ansible/plugins/action/raw.py`.
pub(super) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    spot: &Spot<'_>,
    args: &IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    if !task.item.context.environment.is_empty() {
        runner.emitter.warn("raw module does not support the environment keyword");
    }
    if runner.task_mode(task, spot.scope) != Mode::Apply {
        let mut ended = Ended::default();
        ended.set("changed", false);
        ended.set("skipped", true);
        return Ok(ended);
    }
    let params: Params = match super::params("raw", args) {
        Ok(params) => params,
        Err(ended) => return Ok(*ended),
    };
    let place = match runner.somewhere(task, &spot.host.name, spot.scope, spot.delegate) {
        Ok(place) => place,
        Err(ended) => return Ok(*ended),
    };
    let mut place = (*place).clone();
    if let Some(shell) = params.executable.filter(|shell| !shell.is_empty()) {
        place.shell = shell;
    }
    let Some(command) = params.raw else {
        return Ok(Ended::refused("Task failed: 'NoneType' object is not iterable"));
    };
    // Where somebody else's shell is behind sudo, it is the one that is asked for.
    let command = match &place.elevation {
        Some(_) => command,
        None => format!("{} -c {}", place.shell, crate::connection::quote(&command)),
    };
    let environment = place.outer_environment();
    let ran = tokio::select! {
        ran = execute(&runner.children, &place, &command, None, environment) => ran,
        () = runner.interrupt.requested() => return Err(Stop::Interrupted),
    };
    Ok(match ran {
        Ok(exit) => ended(&exit),
        Err(failure) => Runner::unconnected(task, &failure),
    })
}

/// Returns a command's end in the form that `raw` and `script` give it.
pub(super) fn ended(exit: &Exit) -> Ended {
    let (stdout, stderr) = (String::from_utf8_lossy(&exit.stdout), String::from_utf8_lossy(&exit.stderr));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut ended = Ended::default();
    ended.set("rc", exit.rc);
    ended.set("stdout", &*stdout);
    ended.set("stdout_lines", lines(&stdout));
    ended.set("stderr", &*stderr);
    ended.set("stderr_lines", lines(&stderr));
    ended.set("changed", true);
    ended.set("failed", exit.rc != 0);
    if exit.rc != 0 {
        ended.set("msg", "non-zero return code");
        ended.headline_of_action();
    }
    ended
}
