use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rplay_engine::{Listing, Run, Settings};
use rplay_event::{Fault, FaultKind, Kind, Masker, RunMode};

use super::args::{PlayArgs, ReplayArgs};
use super::screen::Screen;
use super::{complain, extra_vars, say, screen, vault_passwords};
use crate::catalog;

/// Plays, or lists what would be played.
pub(crate) async fn play(args: &PlayArgs) -> u8 {
    let mode = if args.check { RunMode::Check } else { RunMode::Play };
    let listing = Listing { tasks: args.list_tasks, tags: args.list_tags, hosts: args.list_hosts };
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
    let screen = Screen::open(screen::settings(None, args.verbose, &environment()));
    let mut sink = screen.sink();
    let mut code = 0;
    for event in events {
        if let Kind::RunDone { exit_code } = event.kind() {
            code = *exit_code;
        }
        sink(event);
    }
    drop(sink);
    screen.close();
    code
}

fn refuse(message: &str) -> u8 {
    complain(message);
    1
}

fn look(args: &PlayArgs, mode: RunMode, listing: Listing) -> u8 {
    let playbooks = args.playbooks.clone();
    with_run(args, mode, false, None, |run| {
        if listing != Listing::default() {
            return say(&run.list(listing));
        }
        // Ansible's own check finds keywords and unknown modules; what else is wrong is a warning.
        let code = run.preflight(false).filter(|code| *code == FaultKind::Playbook.exit_code());
        code.unwrap_or_else(|| {
            playbooks.iter().map(|path| say(&format!("\nplaybook: {}\n", path.display()))).max().unwrap_or(0)
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
    screen.close();
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
        Ok(run) => go(run),
        Err(code) => code,
    };
    screen.close();
    code
}

/// What a run against a stand-in needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub(crate) sandbox: rplay_module::Sandbox,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) folder: PathBuf,
}

fn prepare(
    args: &PlayArgs,
    mode: RunMode,
    record: bool,
    stand_in: Option<&StandIn>,
) -> Result<(Settings, Screen), u8> {
    let environment: BTreeMap<String, String> = environment();
    let screen = Screen::open(screen::settings(args.output, args.verbose, &environment));
    match settings(args, mode, record, stand_in, environment) {
        Ok(settings) => Ok((settings, screen)),
        Err(fault) => {
            let code = fault.kind.exit_code();
            screen.sink()(Masker::default().event(Kind::Fault { fault }));
            screen.close();
            Err(code)
        }
    }
}

fn settings(
    args: &PlayArgs,
    mode: RunMode,
    record: bool,
    stand_in: Option<&StandIn>,
    environment: BTreeMap<String, String>,
) -> Result<Settings, Fault> {
    let off = |name: &str| {
        environment
            .get(name)
            .is_some_and(|value| matches!(value.to_lowercase().as_str(), "false" | "no" | "0" | "off"))
    };
    Ok(Settings {
        playbooks: args.playbooks.iter().map(|path| playbook(path)).collect::<Result<_, _>>()?,
        mode,
        diff: args.diff,
        verbosity: args.verbose,
        extra_vars: extra_vars::read(&args.extra_vars)?,
        tags: args.tags.clone(),
        skip_tags: args.skip_tags.clone(),
        start_at_task: args.start_at_task.clone(),
        inventory: args.inventory.clone(),
        limit: args.limit.clone(),
        forks: args.forks,
        vault_secrets: vault_passwords::read(&args.secrets, &environment)?,
        vault_id_match: vault_passwords::id_match(&environment),
        sandbox: stand_in.map(|stand_in| stand_in.sandbox.clone()),
        reach: stand_in
            .map(|stand_in| vec![(".amazonaws.com".to_owned(), stand_in.address)])
            .unwrap_or_default(),
        wait_lock: args.wait_lock,
        gather_facts: environment.get("ANSIBLE_GATHERING").is_none_or(|value| value != "explicit"),
        error_on_missing_handler: !off("ANSIBLE_ERROR_ON_MISSING_HANDLER"),
        leave: record.then_some(leave as fn(u8)),
        record,
        ..bare(environment)?
    })
}

/// Returns settings that say nothing but where rplay was started.
pub(crate) fn bare(environment: BTreeMap<String, String>) -> Result<Settings, Fault> {
    let folder = std::env::current_dir().map_err(|error| {
        Fault::new(format!("the current folder cannot be read: {error}")).kind(FaultKind::Setup)
    })?;
    Ok(Settings {
        playbooks: Vec::new(),
        mode: RunMode::Play,
        diff: false,
        verbosity: 0,
        extra_vars: Vec::new(),
        tags: Vec::new(),
        skip_tags: Vec::new(),
        start_at_task: None,
        inventory: Vec::new(),
        limit: None,
        forks: 5,
        home: environment.get("HOME").map(PathBuf::from),
        vault_secrets: Vec::new(),
        vault_id_match: false,
        sandbox: None,
        reach: Vec::new(),
        wait_lock: None,
        gather_facts: true,
        error_on_missing_handler: true,
        command: command(),
        now: SystemTime::now,
        random,
        leave: None,
        record: false,
        environment: Arc::new(environment),
        folder,
    })
}

/// The command line for the journal: what `-e` sets may be secret and is not repeated.
fn command() -> Vec<String> {
    let mut hide = false;
    std::env::args()
        .map(|word| {
            let hidden = hide && !word.starts_with('@');
            hide = matches!(word.as_str(), "-e" | "--extra-vars");
            match word.split_once('=') {
                _ if hidden => "********".to_owned(),
                Some(("--extra-vars", _)) => "--extra-vars=********".to_owned(),
                _ if word.starts_with("-e") && word.len() > 2 && !word.starts_with("-e@") => {
                    "-e********".to_owned()
                }
                _ => word,
            }
        })
        .collect()
}

/// A name that is not there is looked for in `playbooks/`.
fn playbook(path: &Path) -> Result<PathBuf, Fault> {
    let beside = Path::new("playbooks").join(path);
    if path.is_dir() {
        return Err(Fault::new(format!("the playbook: {} does not appear to be a file", path.display()))
            .kind(FaultKind::Setup));
    }
    [path.to_owned(), beside.clone()].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Fault::new(format!("the playbook: {} could not be found", path.display()))
            .kind(FaultKind::Setup)
            .help(format!("{} is not there either", beside.display()))
    })
}

/// Variables that are no UTF-8 cannot be named by a playbook.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn leave(code: u8) {
    std::process::exit(code.into());
}

pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the kernel gives random bytes once it is up");
}
