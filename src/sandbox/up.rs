use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rplay_docker_client::Engine;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::folder::{Folder, ProcessId, Record};
use super::http::{Request, ask};
use super::{ACCOUNT, Error, Result, Settings, Tell, VERSION, containers, python};

/// From a cold disk on a busy machine the start takes seconds; on a warm one a third of a second.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(25);
/// A sandbox that lives answers this question at once.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);
/// How often a port that was free a moment ago may turn out to be taken.
const TRIES: usize = 3;
/// How much of the log an error shows.
const TAIL: usize = 12;

/// A sandbox that answers.
#[derive(Clone, Debug)]
pub(crate) struct Up {
    pub(crate) record: Record,
    /// It was not up before.
    pub(crate) started: bool,
    /// Why its tasks are not real containers.
    pub(crate) without_containers: Option<String>,
}

/// Makes sure that the sandbox is up in the wanted region, and returns where.
pub(crate) async fn up(settings: &Settings, tell: Tell<'_>) -> Result<Up> {
    let folder = Folder::hold(&settings.folder, tell).await?;
    let engine = Engine::connect(&settings.docker).await;
    let old = folder.record()?;
    if let Some(record) = &old {
        if fits(record, settings).await {
            return Ok(as_it_is(record, &engine));
        }
        clear_away(record, engine.as_ref().ok(), tell).await?;
    }
    let python = python::prepared(&settings.cache, &settings.path, tell).await?;
    let start = Start { folder: &folder, python: &python, settings, engine: engine.is_ok() };
    let record = start.on_a_port(old.map(|record| record.port)).await?;
    let without_containers = engine.err().map(|error| error.to_string());
    Ok(Up { record, started: true, without_containers })
}

/// Whether the stand-in of a record lives, answers, and is what is wanted.
async fn fits(record: &Record, settings: &Settings) -> bool {
    let wanted = record.region == settings.region && record.version == VERSION;
    wanted && record.process.is_some_and(ProcessId::is_alive) && is_healthy(record.port).await
}

fn as_it_is(record: &Record, engine: &Result<Engine, rplay_docker_client::Error>) -> Up {
    let without_containers = match engine {
        _ if record.containers => None,
        Ok(_) => Some(
            "no Docker engine answered when it was started: rplay sandbox down, and start it again"
                .to_owned(),
        ),
        Err(error) => Some(error.to_string()),
    };
    Up { record: record.clone(), started: false, without_containers }
}

/// Ends what is left of an earlier start: another region's, another version's, or one that no longer answers. Its state
/// stays.
async fn clear_away(record: &Record, engine: Option<&Engine>, tell: Tell<'_>) -> Result<()> {
    if let Some(process) = record.process.filter(|process| process.is_alive()) {
        tell(&format!("restarting the sandbox, which was up in {}", record.region));
        process.end().await;
    }
    if let Some(engine) = engine {
        containers::clear(engine, record).await?;
    }
    Ok(())
}

/// Asks whether the stand-in on a port is well.
pub(crate) async fn is_healthy(port: u16) -> bool {
    let request = Request { method: "GET", path: "/_ministack/health", ..Request::default() };
    let answer = ask(port, request, HEALTH_PATIENCE).await;
    answer.is_ok_and(|(status, body)| status == 200 && body.contains(&format!("\"version\": \"{VERSION}\"")))
}

struct Start<'a> {
    folder: &'a Folder,
    python: &'a Path,
    settings: &'a Settings,
    engine: bool,
}

impl Start<'_> {
    /// Starts on the port of the last time where it is free, so that addresses stay what they were.
    async fn on_a_port(&self, last: Option<u16>) -> Result<Record> {
        let mut wanted = last;
        for _ in 1..TRIES {
            let port = free_port(wanted.take())?;
            match self.on(port).await {
                // Somebody was quicker.
                Err(Error::Start { tail, .. }) if tail.iter().any(|line| line.contains("already in use")) => {
                }
                other => return other,
            }
        }
        self.on(free_port(None)?).await
    }

    async fn on(&self, port: u16) -> Result<Record> {
        let mut record = Record {
            process: None,
            port,
            region: self.settings.region.clone(),
            version: VERSION.to_owned(),
            name: format!("rplay-{:016x}", python::fingerprint(&self.folder.path.to_string_lossy())),
            containers: self.engine,
        };
        let mut child = self.spawn(&record)?;
        record.process = child.id().and_then(ProcessId::of);
        // Before it answers: whoever interrupts the wait can still stop it.
        self.folder.write(&record)?;
        match self.wait(&mut child, port).await {
            Ok(()) => Ok(record),
            Err(error) => {
                if let Some(process) = record.process.take() {
                    process.end().await;
                }
                self.folder.write(&record)?;
                Err(error)
            }
        }
    }

    /// Starts the stand-in in a process group of its own and with nothing of this process's environment: it outlives
    /// rplay, and finds neither credentials nor settings.
    fn spawn(&self, record: &Record) -> Result<Child> {
        let (state, objects, tmp) =
            (self.folder.inner("state")?, self.folder.inner("s3")?, self.folder.inner("tmp")?);
        let log = open_log(&self.folder.log())?;
        let errors = log.try_clone().map_err(Error::file("open", &self.folder.log()))?;
        let mut command = Command::new(self.python);
        command
            .args(["-I", "-m", "ministack"])
            .current_dir(&self.folder.path)
            .env_clear()
            .env("PATH", &self.settings.path)
            .env("HOME", &self.folder.path)
            .env("TMPDIR", tmp)
            .env("LANG", "C.UTF-8")
            .env("PYTHONUNBUFFERED", "1")
            // It binds all interfaces otherwise.
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", record.port.to_string())
            // Another region's requests through a load balancer would fall through to S3.
            .env("MINISTACK_REGION", &record.region)
            .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
            // Whose containers are whose.
            .env("MINISTACK_HOSTNAME", &record.name)
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", state)
            // Without it objects have no content after a restart.
            .env("S3_PERSIST", "1")
            .env("S3_DATA_DIR", objects)
            // Servers on ports of their own that nobody asked for.
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("DOCKER_HOST", self.docker_host())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0);
        command.spawn().map_err(Error::file("run", self.python))
    }

    /// Without an engine the stand-in is told of a socket that is not there: it then does not even look.
    fn docker_host(&self) -> String {
        let nowhere = || format!("unix://{}", self.folder.path.join("no-engine.sock").display());
        if self.engine { self.settings.docker.host.clone() } else { nowhere() }
    }

    async fn wait(&self, child: &mut Child, port: u16) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(Error::io("wait for the sandbox"))? {
                return Err(self.failed(format!("it ended with {status}")));
            }
            if is_healthy(port).await {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.failed(format!("it did not answer within {} seconds", PATIENCE.as_secs())));
            }
            sleep(POLL).await;
        }
    }

    fn failed(&self, what: String) -> Error {
        let log = self.folder.log();
        Error::Start { what, tail: tail(&log), log }
    }
}

/// Begins a log and keeps the one before it: it may tell why the last start ended.
fn open_log(log: &Path) -> Result<File> {
    let old: PathBuf = log.with_extension("log.old");
    match fs::rename(log, old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::file("rename", log)(error));
        }
        _ => {}
    }
    let open = OpenOptions::new().create(true).append(true).mode(0o600).open(log);
    open.map_err(Error::file("open", log))
}

fn tail(log: &Path) -> Vec<String> {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(TAIL)).map(|line| (*line).to_owned()).collect()
}

/// Returns the wanted port if nobody has it, else any.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    let bind = |port| TcpListener::bind(("127.0.0.1", port)).and_then(|socket| socket.local_addr());
    let address = wanted.and_then(|port| bind(port).ok()).map_or_else(|| bind(0), Ok);
    address.map(|address| address.port()).map_err(Error::io("find a free port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_kept_unless_somebody_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        assert_ne!(free_port(Some(port)).expect("another"), port);
        drop(taken);
        assert_eq!(free_port(Some(port)).expect("the same"), port);
    }

    #[test]
    fn the_tail_of_a_log_is_its_last_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        assert_eq!(tail(&log), Vec::<String>::new());
        fs::write(&log, (1..=40).map(|line| format!("line {line}\n")).collect::<Vec<_>>().join("\n"))
            .expect("written");
        let tail = tail(&log);
        assert_eq!((tail.len(), tail.first().map(String::as_str)), (TAIL, Some("line 29")));
    }
}
