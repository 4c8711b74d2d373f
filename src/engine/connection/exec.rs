use rplay_event::Kind;
use rplay_module::{Exit, Result};

use super::dialogue::{Dialogue, Question};
use super::place::Place;
use super::transport::Line;
use crate::child::Children;
use crate::emit::Emitter;
use crate::python::command_line;

/// Has a shell on the host run a command line, as `raw` and `script` do: nothing but a shell is needed there.
pub(crate) async fn execute(
    children: &Children,
    place: &Place,
    command: &str,
    input: Option<&[u8]>,
    env: Vec<(String, String)>,
) -> Result<Exit> {
    let mut attempt = 0;
    loop {
        let exit = once(children, place, command, input, env.clone()).await;
        match exit {
            Err(failure)
                if failure.kind == rplay_module::FailureKind::Unreachable && attempt < place.retries() =>
            {
                tokio::time::sleep(Place::pause(attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

async fn once(
    children: &Children,
    place: &Place,
    command: &str,
    input: Option<&[u8]>,
    env: Vec<(String, String)>,
) -> Result<Exit> {
    let begun = begin(children, place, command, env, None).await?;
    let exit = begun.finish(input).await?;
    match place.transport.refusal(exit.rc, &exit.stderr) {
        Some(failure) => Err(failure),
        None => Ok(exit),
    }
}

/// Starts a command line on the host, as the user that one is to become there, and tells how it is reached.
pub(super) async fn begin(
    children: &Children,
    place: &Place,
    command: &str,
    env: Vec<(String, String)>,
    told: Option<&Emitter>,
) -> Result<Dialogue> {
    let Some(elevation) = &place.elevation else {
        let mut line = place.transport.line(command, &place.shell)?;
        line.folder.clone_from(&place.folder);
        tell(told, place, &line);
        return Dialogue::start(children, line, env).await;
    };
    let elevated = elevation.wrap(command, &place.shell, &place.mark());
    let mut line = place.transport.line(&elevated.command, &place.shell)?;
    line.folder.clone_from(&place.folder);
    tell(told, place, &line);
    let mut dialogue = Dialogue::start(children, line, env).await?;
    let question = Question { elevation, success: &elevated.success, prompt: &elevated.prompt };
    dialogue.elevate(&question, &place.transport).await?;
    Ok(dialogue)
}

fn tell(told: Option<&Emitter>, place: &Place, line: &Line) {
    let Some(emitter) = told else { return };
    for message in place.transport.told(&command_line(&line.argv)) {
        emitter.emit(Kind::Said { message });
    }
}
