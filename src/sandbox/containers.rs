use std::time::Duration;

use rplay_docker_client::{Container, Engine};
use tokio::time::sleep;

use super::Result;
use super::folder::Record;

/// The label by which the stand-in marks what it makes; the value is one sandbox's alone.
const LABEL: &str = "ministack.instance";

/// A creation that the engine had begun when the stand-in ended shows up a moment later.
const MOMENT: Duration = Duration::from_millis(150);

/// What was cleared away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleared {
    pub(crate) containers: usize,
    pub(crate) networks: usize,
}

/// Returns the containers of one sandbox.
pub(crate) async fn list(engine: &Engine, record: &Record) -> Result<Vec<Container>> {
    let mut found = engine.containers(LABEL, &record.instance()).await?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Removes what one sandbox has left behind: containers, then the networks that they were in. The stand-in's scheduler
/// starts tasks while it stops others, so it is looked for until nothing is found twice.
pub(crate) async fn clear(engine: &Engine, record: &Record) -> Result<Cleared> {
    let mut cleared = Cleared::default();
    let mut quiet = 0;
    while quiet < 2 {
        let found = list(engine, record).await?;
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        for container in &found {
            cleared.containers += usize::from(engine.remove_container(&container.id).await?);
        }
        sleep(MOMENT).await;
    }
    for network in engine.networks(LABEL, &record.instance()).await? {
        cleared.networks += usize::from(engine.remove_network(&network.id).await?);
    }
    Ok(cleared)
}
