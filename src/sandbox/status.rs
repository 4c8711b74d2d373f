use rplay_docker_client::{Container, Engine};

use super::balancers::{LoadBalancer, load_balancers};
use super::folder::{ProcessId, Record, read};
use super::{Error, Result, Settings, containers, up};

/// How a sandbox is.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// Nobody ever started one in this folder.
    Never,
    /// It is not running; what it was.
    Down(Record),
    /// Its process lives and does not answer.
    Mute(Record),
    Up {
        record: Record,
        balancers: Vec<LoadBalancer>,
        /// `None` when it was started without an engine, or none answers now.
        containers: Option<Vec<Container>>,
    },
}

/// Looks how the sandbox is; changes nothing and waits for nobody.
pub(crate) async fn status(settings: &Settings) -> Result<Status> {
    let Some(record) = read(&settings.folder)? else { return Ok(Status::Never) };
    if !record.process.is_some_and(ProcessId::is_alive) {
        return Ok(Status::Down(record));
    }
    if !up::is_healthy(record.port).await {
        return Ok(Status::Mute(record));
    }
    let balancers = load_balancers(&record).await?;
    let engine = if record.containers { Engine::connect(&settings.docker).await.ok() } else { None };
    let containers = match engine {
        Some(engine) => Some(containers::list(&engine, &record).await?),
        None => None,
    };
    Ok(Status::Up { record, balancers, containers })
}

/// Returns the record of a sandbox that is up; one that is not is an error, for what needs it and must not start it.
pub(crate) async fn live(settings: &Settings) -> Result<Record> {
    match read(&settings.folder)? {
        Some(record)
            if record.process.is_some_and(ProcessId::is_alive) && up::is_healthy(record.port).await =>
        {
            Ok(record)
        }
        _ => Err(Error::Down { folder: settings.folder.clone() }),
    }
}

impl Status {
    /// Returns what `rplay sandbox status` says.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Self::Never => vec!["no sandbox was ever started here".to_owned()],
            Self::Down(record) => vec![format!("down (it was on port {} in {})", record.port, record.region)],
            Self::Mute(record) => {
                vec![format!("its process lives, but {} does not answer", record.endpoint())]
            }
            Self::Up { record, balancers, containers } => {
                let pid = record.process.map_or(0, |process| process.pid);
                let mut lines = vec![format!(
                    "up at {} in {}, ministack {}, process {pid}",
                    record.endpoint(),
                    record.region,
                    record.version
                )];
                let balancer = |one: &LoadBalancer| format!("load balancer {}: {}", one.name, one.address);
                lines.extend(balancers.iter().map(balancer));
                match containers {
                    None => lines.push("without containers: the control plane only".to_owned()),
                    Some(all) => {
                        lines.extend(
                            all.iter()
                                .map(|one| format!("container {}: {} ({})", one.name, one.image, one.state)),
                        );
                    }
                }
                lines
            }
        }
    }
}
