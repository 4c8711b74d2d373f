use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use rplay_config::Config;
use rplay_engine::{Listing, Run, Settings};
use rplay_event::{Event, Fault, FaultKind, Kind, Masker, RunMode};

use super::args::{PlayArgs, ReplayArgs};
use super::screen::Screen;
use super::settings::{self, Manner};
use super::{callbacks, complain, say, screen, version};
use crate::catalog;

/// Plays, or lists what would be played.
pub(crate) async fn play(args: &PlayArgs) -> u8 {
    let mode = if args.run.check { RunMode::Check } else { RunMode::Play };
    let listing = Listing { tasks: args.list_tasks, tags: args.list_tags, hosts: args.run.hosts.list_hosts };
    if listing != Listing::default() || args.syntax_check {
        return look(args, mode, listing);
    }
    start(args, mode, async |run: Run| match run.preflight(false) {
        Some(code) => code,
        None => run.play().await,
    })
    .await
}

/// Shows what a run would change.
pub(crate) async fn plan(args: &PlayArgs) -> u8 {
    start(args, RunMode::Plan, async |run: Run| match run.preflight(false) {
        Some(code) => code,
        None => run.play().await,
    })
    .await
}

/// Deletes what the playbook made.
pub(crate) async fn destroy(args: &PlayArgs, yes: bool) -> u8 {
    start(args, RunMode::Destroy, async |run: Run| run.destroy(|count| yes || confirmed(count)).await).await
}

/// Checks without running.
pub(crate) fn lint(args: &PlayArgs) -> u8 {
    with_run(args, RunMode::Check, false, None, |run| run.preflight(true).unwrap_or(0))
}

/// Shows a run again, out of its journal.
pub(crate) fn replay(args: &ReplayArgs) -> u8 {
    let runs = match rplay_engine::journals(Path::new(".rplay")) {
        Ok(runs) => runs,
        Err(error) => return refuse(&format!("the journals in .rplay cannot be read: {error}")),
    };
    let named = |path: &&PathBuf| args.run.as_ref().is_none_or(|run| path.ends_with(run));
    let Some(run) = runs.iter().rev().find(named) else {
        return refuse("there is no such run: .rplay/runs holds those of this folder");
    };
    let events = match rplay_engine::read_journal(run) {
        Ok(events) => events,
        Err(error) => return refuse(&format!("{} cannot be read: {error}", run.display())),
    };
    let config = match settings::config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let screen = Screen::open(screen::settings(None, args.verbose, &config), None, None);
    let mut sink = screen.sink();
    let mut code = 0;
    for event in events {
        if let Kind::RunDone { exit_code } = event.kind() {
            code = *exit_code;
        }
        sink(event);
    }
    drop(sink);
    screen.close(code)
}

fn refuse(message: &str) -> u8 {
    complain(message);
    1
}

fn look(args: &PlayArgs, mode: RunMode, listing: Listing) -> u8 {
    with_run(args, mode, false, None, |run| {
        if listing != Listing::default() {
            return say(&run.list(listing));
        }
        // Ansible's own check finds keywords and unknown modules; what else is wrong is a warning.
        let code = run.preflight(false).filter(|code| *code == FaultKind::Playbook.exit_code());
        code.unwrap_or_else(|| {
            run.playbooks().map(|file| say(&format!("\nplaybook: {file}\n"))).max().unwrap_or(0)
        })
    })
}

/// Asks on the terminal; without one the answer is no.
fn confirmed(count: usize) -> bool {
    let mut err = std::io::stderr();
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(err, "rplay: there is no terminal to ask on: say -y to delete");
        return false;
    }
    let things = if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let _ = write!(err, "Delete {things}? Only 'yes' is taken for one: ");
    let _ = err.flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

async fn start(args: &PlayArgs, mode: RunMode, go: impl AsyncFnOnce(Run) -> u8) -> u8 {
    #[cfg(feature = "aws")]
    let stand_in = match super::sandbox::for_run(args).await {
        Ok(stand_in) => stand_in,
        Err(code) => return code,
    };
    #[cfg(not(feature = "aws"))]
    let stand_in: Option<StandIn> = None;
    let (settings, screen) = match prepare(args, mode, true, stand_in.as_ref()) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let code = match Run::set_up(settings, &catalog::modules(), screen.sink()) {
        Ok(run) => go(run).await,
        Err(code) => code,
    };
    let code = screen.close(code);
    #[cfg(feature = "aws")]
    if let Some(stand_in) = &stand_in {
        super::sandbox::farewell(stand_in, mode).await;
    }
    code
}

/// Sets up without taking a lock or writing a journal.
fn with_run(
    args: &PlayArgs,
    mode: RunMode,
    record: bool,
    stand_in: Option<&StandIn>,
    go: impl FnOnce(Run) -> u8,
) -> u8 {
    let (settings, screen) = match prepare(args, mode, record, stand_in) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let code = match Run::set_up(settings, &catalog::modules(), screen.sink()) {
        Ok(run) => {
            screen.settle();
            go(run)
        }
        Err(code) => code,
    };
    screen.close(code)
}

/// What a run against a stand-in needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub(crate) sandbox: rplay_module::Sandbox,
    pub(crate) address: std::net::SocketAddr,
    #[cfg(feature = "aws")]
    pub(crate) folder: PathBuf,
}

fn prepare(
    args: &PlayArgs,
    mode: RunMode,
    record: bool,
    stand_in: Option<&StandIn>,
) -> Result<(Settings, Screen), u8> {
    let config = settings::config()?;
    let manner = Manner { mode, works: record, record, stand_in };
    if record && args.run.output.is_none() {
        callbacks::check(&config)?;
    }
    let screen = screen::settings(args.run.output, args.run.verbose, &config);
    let log = screen::log(args.run.verbose, &config);
    let beside = record.then(|| callbacks::beside(&config, true, None));
    opened(Screen::open(screen, log, beside), &config, || settings::of_playbooks(args, &config, manner))
}

/// Says what the configuration has to say, then makes the settings; a fault of theirs is told and ends the screen.
pub(crate) fn opened(
    screen: Screen,
    config: &Config,
    settings: impl FnOnce() -> Result<Settings, Fault>,
) -> Result<(Settings, Screen), u8> {
    let mut sink = screen.sink();
    let tell = |kind| -> Event { Masker::default().event(kind) };
    for warning in config.warnings() {
        sink(tell(Kind::Warning { message: warning.clone() }));
    }
    match settings() {
        Ok(settings) => {
            if settings.verbosity > 0 {
                about(config, settings.verbosity).into_iter().for_each(|kind| sink(tell(kind)));
            }
            drop(sink);
            Ok((settings, screen))
        }
        Err(fault) => {
            let code = fault.kind.exit_code();
            sink(tell(Kind::Fault { fault }));
            drop(sink);
            Err(screen.close(code))
        }
    }
}

/// What runs at -vv, which file was read, and which variables look like settings and are none.
fn about(config: &Config, verbosity: u8) -> Vec<Kind> {
    let file = match config.file() {
        Some(file) => format!("Using {} as config file", file.display()),
        None => "No config file found; using defaults".to_owned(),
    };
    let idle = config.idle();
    let idle = idle.iter().map(|(name, origin)| Kind::Notice {
        message: format!("{name} is set ({origin}) but nothing here reads it: it changes nothing"),
    });
    let unknown = config.unknown().iter().map(|name| Kind::Notice {
        message: format!(
            "{name} is set in the environment but is no setting that is known: it changes nothing"
        ),
    });
    let versions = (verbosity > 1).then(|| version::about(config));
    let said = versions.into_iter().chain([file]).map(|message| {
        if config.flag("VERBOSE_TO_STDERR") { Kind::Notice { message } } else { Kind::Said { message } }
    });
    said.chain(unknown).chain(idle).collect()
}
