//! What the engine is told: the command line over the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rplay_config::{Config, Origin, Surroundings};
use rplay_engine::{Connecting, Settings};
use rplay_event::{Fault, FaultKind, RunMode};

use super::args::{ConnectArgs, PlayArgs, RunArgs};
use super::passwords::{self, Passwords};
use super::play::StandIn;
use super::{command_line, complain, extra_vars, step, vault_passwords};

/// The exit code where the configuration cannot be used, as Ansible's tools have it.
const CONFIGURATION: u8 = 5;

/// Reads the configuration; says what is wrong with it and returns the exit code.
pub(crate) fn config() -> Result<Arc<Config>, u8> {
    config_with(environment())
}

/// Reads the configuration that another environment makes.
pub(crate) fn config_with(environment: BTreeMap<String, String>) -> Result<Arc<Config>, u8> {
    let folder = std::env::current_dir().map_err(|error| {
        complain(&format!("the current folder cannot be read: {error}"));
        CONFIGURATION
    })?;
    let home = environment.get("HOME").map(PathBuf::from);
    Config::load(Surroundings { env: Arc::new(environment), home, folder }).map(Arc::new).map_err(|error| {
        complain(&error.to_string());
        CONFIGURATION
    })
}

/// How a run goes on beside what its options say.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'a> {
    pub(crate) mode: RunMode,
    /// Something is done on hosts: ask for passwords, listen for signals.
    pub(crate) works: bool,
    /// Write a journal and take the lock.
    pub(crate) record: bool,
    pub(crate) stand_in: Option<&'a StandIn>,
}

/// Returns what a run of playbooks is told.
///
/// # Errors
/// A playbook or password file that is not there; variables that cannot be read.
pub(crate) fn of_playbooks(
    args: &PlayArgs,
    config: &Arc<Config>,
    manner: Manner<'_>,
) -> Result<Settings, Fault> {
    let playbooks = args.playbooks.iter().map(|path| playbook(path)).collect::<Result<_, _>>()?;
    let mut tags = words(config.list("TAGS_RUN"), &args.tags);
    let skip_tags = words(config.list("TAGS_SKIP"), &args.skip_tags);
    if args.list_tags && tags.is_empty() && skip_tags.is_empty() {
        // All there are, those that never run included.
        tags = vec!["never".to_owned(), "all".to_owned()];
    }
    Ok(Settings {
        playbooks,
        tags,
        skip_tags,
        start_at_task: args.start_at_task.clone(),
        step: args.step.then_some(step::ask as fn(&str) -> rplay_engine::Answer),
        force_handlers: args.force_handlers || config.flag("DEFAULT_FORCE_HANDLERS"),
        ..of_run(&args.run, config, manner)?
    })
}

/// Returns what every run is told.
///
/// # Errors
/// A password file that is not there; variables that cannot be read.
pub(crate) fn of_run(args: &RunArgs, config: &Arc<Config>, manner: Manner<'_>) -> Result<Settings, Fault> {
    let bare = bare(config)?;
    let passwords = if manner.works { passwords::read(args, config)? } else { Passwords::default() };
    let stand_in = manner.stand_in;
    let forks = config.int("DEFAULT_FORKS").and_then(|forks| usize::try_from(forks).ok());
    let inventory = inventories(&args.hosts.inventory, config, &bare.folder);
    Ok(Settings {
        mode: manner.mode,
        diff: args.diff || config.flag("DIFF_ALWAYS"),
        verbosity: verbosity(args.verbose, config),
        extra_vars: extra_vars::read(&args.extra_vars, &bare.folder)?,
        inventory,
        limit: args.hosts.limit.clone(),
        flush_cache: args.hosts.flush_cache,
        forks: args.hosts.forks.or(forks).unwrap_or(bare.forks),
        connecting: connecting(&args.connect, args, passwords),
        module_path: module_path(&args.module_path),
        vault_secrets: vault_passwords::read(&args.secrets, &vault_environment(config))?,
        vault_id_match: vault_passwords::id_match(&vault_environment(config)),
        sandbox: stand_in.map(|stand_in| stand_in.sandbox.clone()),
        reach: stand_in
            .map(|stand_in| vec![(".amazonaws.com".to_owned(), stand_in.address)])
            .unwrap_or_default(),
        wait_lock: args.wait_lock,
        leave: manner.works.then_some(leave as fn(u8)),
        record: manner.record,
        ..bare
    })
}

/// Returns settings that say nothing but where rplay was started.
///
/// # Errors
/// A current folder that cannot be read.
pub(crate) fn bare(config: &Arc<Config>) -> Result<Settings, Fault> {
    let environment = environment();
    let folder = std::env::current_dir().map_err(|error| {
        Fault::new(format!("the current folder cannot be read: {error}")).kind(FaultKind::Setup)
    })?;
    Ok(Settings {
        config: Arc::clone(config),
        playbooks: Vec::new(),
        adhoc: None,
        mode: RunMode::Play,
        diff: false,
        verbosity: 0,
        extra_vars: Vec::new(),
        tags: Vec::new(),
        skip_tags: Vec::new(),
        start_at_task: None,
        step: None,
        inventory: Vec::new(),
        host_sources: crate::catalog::host_sources(),
        python: python(&environment),
        limit: None,
        forks: 5,
        connecting: Connecting::default(),
        agent: super::agent::program(),
        module_path: Vec::new(),
        playbook_dir: config.text("PLAYBOOK_DIR").map(PathBuf::from),
        force_handlers: false,
        flush_cache: false,
        home: environment.get("HOME").map(PathBuf::from),
        vault_secrets: Vec::new(),
        vault_id_match: false,
        sandbox: None,
        reach: Vec::new(),
        wait_lock: None,
        error_on_missing_handler: config.flag("ERROR_ON_MISSING_HANDLER"),
        command: command_line::kept(std::env::args_os().map(|word| word.to_string_lossy().into_owned())),
        now: SystemTime::now,
        random,
        ask: step::ask_for,
        leave: None,
        record: false,
        environment: Arc::new(environment),
        folder,
    })
}

/// Returns the Python that is found first; playbooks ask for it to start Python on this machine.
fn python(environment: &BTreeMap<String, String>) -> String {
    let folders = environment.get("PATH").map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    let found =
        folders.into_iter().flatten().map(|folder| folder.join("python3")).find(|path| path.is_file());
    found.map_or_else(|| "/usr/bin/python3".to_owned(), |path| path.display().to_string())
}

/// Returns how much is said: what the options ask for on top of what is configured.
pub(crate) fn verbosity(options: u8, config: &Config) -> u8 {
    let configured = config.int("DEFAULT_VERBOSITY").and_then(|level| u8::try_from(level).ok());
    options.saturating_add(configured.unwrap_or_default())
}

fn connecting(connect: &ConnectArgs, args: &RunArgs, passwords: Passwords) -> Connecting {
    Connecting {
        user: connect.user.clone(),
        connection: connect.connection.clone(),
        timeout: connect.timeout,
        private_key: connect.private_key.clone(),
        ssh_common_args: connect.ssh_common_args.clone(),
        sftp_extra_args: connect.sftp_extra_args.clone(),
        scp_extra_args: connect.scp_extra_args.clone(),
        ssh_extra_args: connect.ssh_extra_args.clone(),
        password: passwords.connection,
        become_enabled: args.become_as.enabled,
        become_method: args.become_as.method.clone(),
        become_user: args.become_as.user.clone(),
        become_password: passwords.become_as,
    }
}

/// What is configured, and then what the options add; each may hold several words.
fn words(configured: Vec<String>, options: &[String]) -> Vec<String> {
    let options = options.iter().flat_map(|words| words.split(','));
    let all = configured.into_iter().chain(options.map(|word| word.trim().to_owned()));
    all.filter(|word| !word.is_empty()).collect()
}

/// Returns the inventories that are given, or else those that are configured.
pub(crate) fn inventories(given: &[String], config: &Config, folder: &Path) -> Vec<String> {
    if given.is_empty() {
        return config.list("DEFAULT_HOST_LIST");
    }
    given.iter().map(|source| inventory(source, folder)).collect()
}

/// A list of hosts stays as it is; a path is absolute.
fn inventory(source: &str, folder: &Path) -> String {
    if source.contains(',') {
        return source.to_owned();
    }
    absolute(source, folder).display().to_string()
}

/// Returns the path from the root on, without `..` and with the home folder for `~`.
pub(crate) fn absolute(given: &str, folder: &Path) -> PathBuf {
    let path = match (given.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(given),
    };
    let mut out = PathBuf::new();
    for component in path.components() {
        if component == std::path::Component::ParentDir {
            out.pop();
        } else {
            out.push(component);
        }
    }
    out
}

/// The last one that was given comes first.
fn module_path(given: &[String]) -> Vec<String> {
    let paths = given.iter().rev().flat_map(|paths| paths.split(':'));
    paths.filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// Returns the environment with what the configuration file says of vaults, where a variable does not say it.
pub(crate) fn vault_environment(config: &Config) -> BTreeMap<String, String> {
    const NAMES: [&str; 7] = [
        "DEFAULT_ASK_VAULT_PASS",
        "DEFAULT_VAULT_ENCRYPT_IDENTITY",
        "DEFAULT_VAULT_IDENTITY",
        "DEFAULT_VAULT_IDENTITY_LIST",
        "DEFAULT_VAULT_ID_MATCH",
        "DEFAULT_VAULT_PASSWORD_FILE",
        "VAULT_ENCRYPT_SALT",
    ];
    let mut environment = environment();
    for setting in rplay_config::core().iter().filter(|setting| NAMES.contains(&setting.name)) {
        let stands = config.setting(setting.name).filter(|found| matches!(found.origin, Origin::File(_)));
        if let (Some(found), Some(name)) = (stands, setting.env.first()) {
            let list = config.list(setting.name).join(",");
            let list = found.value.as_bool().map_or(list, |flag| flag.to_string());
            let text = found.value.as_str().map_or(list, str::to_owned);
            environment.entry((*name).to_owned()).or_insert(text);
        }
    }
    environment
}

/// A name that is not there is looked for in `playbooks/`; one of a collection is for the engine to find.
fn playbook(path: &Path) -> Result<PathBuf, Fault> {
    let beside = Path::new("playbooks").join(path);
    if path.is_dir() {
        return Err(Fault::new(format!("the playbook: {} does not appear to be a file", path.display()))
            .kind(FaultKind::Setup));
    }
    if let Some(found) = [path.to_owned(), beside.clone()].into_iter().find(|path| path.exists()) {
        return Ok(found);
    }
    if of_collection(path) {
        return Ok(path.to_owned());
    }
    Err(Fault::new(format!("the playbook: {} could not be found", path.display()))
        .kind(FaultKind::Setup)
        .help(format!("{} is not there either", beside.display())))
}

/// Whether a name could be `namespace.collection.playbook`.
fn of_collection(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let bare = name.strip_suffix(".yml").or(name.strip_suffix(".yaml")).unwrap_or(&name);
    let parts: Vec<&str> = bare.split('.').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.chars().all(|char| char.is_alphanumeric() || char == '_');
    parts.len() >= 3 && parts.iter().all(is_word)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_add_to_the_configured_words() {
        let words = words(vec!["a".to_owned()], &["b, c".to_owned(), "d".to_owned()]);
        assert_eq!(words, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_list_of_hosts_stays_and_a_path_becomes_absolute() {
        assert_eq!(inventory("a,b", Path::new("/w")), "a,b");
        assert_eq!(inventory("../hosts", Path::new("/w/x")), "/w/hosts");
    }

    #[test]
    fn the_name_of_a_collections_playbook_has_three_words() {
        assert!(of_collection(Path::new("testns.testcoll.a_playbook")));
        assert!(of_collection(Path::new("testns.testcoll.sub.play.yml")));
        assert!(!of_collection(Path::new("site.yml")));
        assert!(!of_collection(Path::new("a/b.c.yml")));
    }
}
