use std::time::Duration;

use indexmap::IndexMap;
use rplay_module::Mode;
use rplay_template::Value;

use crate::connection::{Place, execute};
use crate::run::{Ended, Runner, Spot, Stop, TaskRun};

/// What the action takes; anything else is refused in its own words.
const OPTIONS: [&str; 4] = ["connect_timeout", "delay", "sleep", "timeout"];

/// Waits until a shell on the host answers.
///
/// Source of the results: `ansible/plugins/action/wait_for_connection.py`.
pub(super) async fn run(
    runner: &Runner,
    task: &TaskRun<'_>,
    spot: &Spot<'_>,
    args: &IndexMap<String, Value>,
) -> Result<Ended, Stop> {
    let unknown: Vec<&str> = args.keys().map(String::as_str).filter(|name| !OPTIONS.contains(name)).collect();
    if !unknown.is_empty() {
        let action = task.item.task.action.name.as_ref();
        let mut ended = Ended::failed(format!("Invalid options for {action}: {}", unknown.join(",")));
        ended.causes.push(rplay_event::Fault::new("").at(&task.item.task.span));
        return Ok(ended);
    }
    if runner.task_mode(task, spot.scope) != Mode::Apply {
        let mut ended = Ended::default();
        ended.set("changed", false);
        ended.set("skipped", true);
        return Ok(ended);
    }
    let mut times = [5, 0, 1, 600].map(Duration::from_secs);
    for (time, name) in times.iter_mut().zip(OPTIONS) {
        let Some(value) = args.get(name).filter(|value| !value.is_none()) else { continue };
        let text = value.text();
        let seconds = text.trim().parse::<f64>().ok();
        let given = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.trunc()).ok());
        let Some(given) = given else {
            let message = format!("Task failed: invalid literal for int() with base 10: '{text}'");
            return Ok(Ended::refused(message));
        };
        *time = given;
    }
    let place = match runner.somewhere(task, &spot.host.name, spot.scope, spot.delegate) {
        Ok(place) => place,
        Err(ended) => return Ok(*ended),
    };
    let [connect, delay, sleep, timeout] = times;
    let started = (runner.settings.now)();
    let waited = async {
        tokio::time::sleep(delay).await;
        reached(runner, &place, (connect, sleep, timeout)).await
    };
    let reached = tokio::select! {
        reached = waited => reached,
        () = runner.interrupt.requested() => return Err(Stop::Interrupted),
    };
    let elapsed = (runner.settings.now)().duration_since(started).unwrap_or_default().as_secs();
    let mut ended = match reached {
        Ok(()) => {
            let mut ended = Ended::default();
            ended.set("changed", false);
            ended.set("failed", false);
            ended
        }
        Err(message) => {
            let mut ended = Ended::failed(format!("timed out waiting for ping module test: {message}"));
            ended.causes.push(rplay_event::Fault::new("").at(&task.item.task.span));
            ended
        }
    };
    ended.set("elapsed", elapsed);
    Ok(ended)
}

/// Asks until the host answers or the time is up; what was said last is the reason.
async fn reached(
    runner: &Runner,
    place: &Place,
    (connect, sleep, timeout): (Duration, Duration, Duration),
) -> Result<(), String> {
    let end = tokio::time::Instant::now() + timeout;
    loop {
        // The host may be another one than before: nothing that was kept is of use.
        runner.connections.forget(place);
        let asked = execute(&runner.children, place, "echo pong", None, place.outer_environment());
        let patience = connect.max(Duration::from_secs(1)) * 4;
        let why = match tokio::time::timeout(patience, asked).await {
            Ok(Ok(exit)) if exit.rc == 0 => return Ok(()),
            Ok(Ok(exit)) => String::from_utf8_lossy(&exit.stderr).trim().to_owned(),
            Ok(Err(failure)) => failure.message,
            Err(_) => "the host does not answer".to_owned(),
        };
        if tokio::time::Instant::now() + sleep >= end {
            return Err(why);
        }
        tokio::time::sleep(sleep).await;
    }
}
