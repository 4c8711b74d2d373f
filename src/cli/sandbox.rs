use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rplay_event::RunMode;

use super::args::{PlayArgs, SandboxArgs, SandboxCommand};
use super::play::StandIn;
use super::settings::environment;
use super::{complain, say};
use crate::sandbox::{self, Reset, Settings};

/// The region of a sandbox where nothing names another.
const REGION: &str = "us-east-1";

/// Runs `rplay sandbox`.
pub(crate) async fn run(command: &SandboxCommand) -> u8 {
    let done = match command {
        SandboxCommand::Up(args) => up(args).await,
        SandboxCommand::Down(args) => down(args).await,
        SandboxCommand::Status(args) => status(args).await,
        SandboxCommand::Reset(args) => reset(args).await,
        SandboxCommand::Env(args) => env(args).await,
    };
    done.unwrap_or_else(|error| refuse(&error))
}

async fn up(args: &SandboxArgs) -> sandbox::Result<u8> {
    let settings = settings(&args.dir, args.region.as_deref());
    let up = sandbox::up(&settings, &tell).await?;
    if let Some(why) = &up.without_containers {
        tell(&format!("control plane only, no containers: {why}"));
    }
    let state = if up.started { "started" } else { "already up" };
    Ok(say(&format!("{state}: {} ({})\n", up.record.endpoint(), up.record.region)))
}

async fn down(args: &SandboxArgs) -> sandbox::Result<u8> {
    let ended = sandbox::down(&settings(&args.dir, args.region.as_deref()), &tell).await?;
    Ok(say(if ended.process { "stopped\n" } else { "was not up\n" }))
}

async fn status(args: &SandboxArgs) -> sandbox::Result<u8> {
    let status = sandbox::status(&settings(&args.dir, args.region.as_deref())).await?;
    Ok(say(&(status.lines().join("\n") + "\n")))
}

async fn reset(args: &SandboxArgs) -> sandbox::Result<u8> {
    let reset = sandbox::reset(&settings(&args.dir, args.region.as_deref()), &tell).await?;
    Ok(say(match reset {
        Reset::Running => "emptied\n",
        Reset::Stopped => "not up; emptied\n",
    }))
}

async fn env(args: &SandboxArgs) -> sandbox::Result<u8> {
    let record = sandbox::live(&settings(&args.dir, args.region.as_deref())).await?;
    let names = environment();
    let lines = sandbox::exports(&record, names.keys().map(String::as_str));
    Ok(say(&(lines.join("\n") + "\n")))
}

/// Starts the stand-in that `--sandbox` asks for; `None` where it does not.
///
/// # Errors
/// The exit code; why is told.
pub(crate) async fn for_run(args: &PlayArgs) -> Result<Option<StandIn>, u8> {
    let Some(folder) = &args.sandbox else { return Ok(None) };
    let settings = settings(folder, None);
    let up = sandbox::up(&settings, &tell).await.map_err(|error| refuse(&error))?;
    if let Some(why) = up.without_containers.filter(|_| up.started) {
        tell(&format!("control plane only, no containers: {why}"));
    }
    Ok(Some(StandIn {
        sandbox: rplay_module::Sandbox {
            endpoint: up.record.endpoint(),
            region: up.record.region.clone(),
            access_key: sandbox::ACCOUNT.to_owned(),
            secret_key: sandbox::SECRET_KEY.to_owned(),
        },
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, up.record.port)),
        folder: folder.clone(),
    }))
}

/// Says where what was deployed can be looked at, and how the sandbox is stopped.
pub(crate) async fn farewell(stand_in: &StandIn, mode: RunMode) {
    if mode != RunMode::Play {
        return;
    }
    let Ok(Some(record)) = sandbox::record(&stand_in.folder) else { return };
    let balancers = sandbox::load_balancers(&record).await.unwrap_or_default();
    sandbox::farewell(&balancers, &stand_in.folder).iter().for_each(|line| tell(line));
}

fn settings(folder: &Path, region: Option<&str>) -> Settings {
    let environment = environment();
    let env = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
    let home = env("HOME").map(PathBuf::from).unwrap_or_default();
    let known = sandbox::record(folder).ok().flatten().map(|record| record.region);
    let region = region
        .map(str::to_owned)
        .or_else(|| env("AWS_REGION"))
        .or_else(|| env("AWS_DEFAULT_REGION"))
        .or(known);
    let docker = rplay_docker_client::Settings::of(None, env);
    Settings {
        folder: folder.to_owned(),
        cache: env("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from),
        path: env("PATH").unwrap_or_default().into(),
        region: region.unwrap_or_else(|| REGION.to_owned()),
        docker,
    }
}

fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "rplay: {line}");
}

fn refuse(error: &sandbox::Error) -> u8 {
    complain(&error.to_string());
    if let Some(hint) = error.hint() {
        tell(&hint);
    }
    1
}
