use std::time::Duration;

use rplay_docker_client::Engine;

use super::containers::{self, Cleared};
use super::folder::{Folder, ProcessId, Record};
use super::http::{Request, ask};
use super::{Error, Result, Settings, Tell};

/// Emptying stops every container first.
const PATIENCE: Duration = Duration::from_mins(2);

/// What `down` ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The stand-in was running.
    pub(crate) process: bool,
    pub(crate) cleared: Cleared,
}

/// Stops the sandbox: no process, container or network of it is left. What was made in it stays in its folder, and is
/// there again after the next start.
pub(crate) async fn down(settings: &Settings, tell: Tell<'_>) -> Result<Ended> {
    if !settings.folder.exists() {
        return Ok(Ended::default());
    }
    let folder = Folder::hold(&settings.folder, tell).await?;
    let Some(mut record) = folder.record()? else { return Ok(Ended::default()) };
    let process = match record.process {
        Some(process) => process.end().await,
        None => false,
    };
    let cleared = clear(settings, &record).await?;
    // Last: after a failure above, the next try still knows what to look for.
    record.process = None;
    folder.write(&record)?;
    Ok(Ended { process, cleared })
}

/// What `reset` emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    /// It is up, and empty.
    Running,
    /// It is down, and will be empty.
    Stopped,
}

/// Empties the sandbox: every resource and every container of it is gone.
pub(crate) async fn reset(settings: &Settings, tell: Tell<'_>) -> Result<Reset> {
    let folder = Folder::hold(&settings.folder, tell).await?;
    let Some(record) = folder.record()? else { return Ok(Reset::Stopped) };
    if !record.process.is_some_and(ProcessId::is_alive) {
        clear(settings, &record).await?;
        folder.remove("state")?;
        folder.remove("s3")?;
        return Ok(Reset::Stopped);
    }
    let deed = "empty the sandbox";
    let request = Request { method: "POST", path: "/_ministack/reset", ..Request::default() };
    let (status, body) = ask(record.port, request, PATIENCE).await.map_err(Error::io(deed))?;
    if status != 200 {
        return Err(Error::Answer { deed, reason: format!("it answered {status}: {body}") });
    }
    clear(settings, &record).await?;
    Ok(Reset::Running)
}

/// A sandbox that never had an engine has left nothing there.
async fn clear(settings: &Settings, record: &Record) -> Result<Cleared> {
    if !record.containers {
        return Ok(Cleared::default());
    }
    let engine = Engine::connect(&settings.docker).await?;
    containers::clear(&engine, record).await
}
