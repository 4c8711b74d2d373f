use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_config::Config;
use rplay_event::{Fault, FaultKind, Kind, Masker, RunMode};
use rplay_module::{Intent, Module, Shared};
use rplay_syntax::Node;
use rplay_template::Engine;

use crate::child::Children;
use crate::connection::{ConnectionSettings, Connections};
use crate::emit::{Emitter, Sink};
use crate::fact_cache::{FactCache, FactCacheSettings};
use crate::fallthrough::Fallthrough;
use crate::hosts::{Hosts, Tools};
use crate::in_flight::InFlight;
use crate::interrupt::Interrupt;
use crate::load::adhoc::PLAYBOOK;
use crate::load::{Duplicates, LoadedPlay, Loader, Reader, SearchPaths, Sources, private_role_vars};
use crate::outside::{Caller, Fetcher, Outside};
use crate::run::{Modules, Runner, Stop};
use crate::scopes::Written;
use crate::selection::Selection;
use crate::settings::{Listing, Settings};
use crate::{directives, list as listing, preflight, retry, vault};

/// Where the environment holds what lets anyone act as the user in AWS.
const KEYS_OF_AWS: [&str; 4] =
    ["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"];

/// The exit code of a run that was interrupted.
const INTERRUPTED: u8 = crate::interrupt::EXIT_CODE;
/// The exit code of a run in which a host failed.
const FAILED: u8 = 2;

/// A run that is set up: playbooks read, modules known, nothing done.
pub struct Run {
    pub(crate) runner: Arc<Runner>,
    pub(crate) plays: Playbooks,
}

impl Run {
    /// Reads everything that a run needs.
    ///
    /// # Errors
    /// The exit code; the faults have been told to the sink.
    pub fn set_up(settings: Settings, modules: &[Module], sink: Sink) -> Result<Self, u8> {
        let emitter = Emitter::new(Masker::default(), sink);
        keys_of_aws(&settings).for_each(|key| emitter.masker().add(key));
        let told = emitter.clone();
        match Self::build(settings, modules, emitter) {
            Ok(run) => Ok(run),
            Err((faults, sources)) => Err(tell(&told, &sources, faults)),
        }
    }

    fn build(
        settings: Settings,
        modules: &[Module],
        emitter: Emitter,
    ) -> Result<Self, (Vec<Fault>, Arc<Sources>)> {
        let sources = Arc::new(Sources::default());
        let fail = |fault: Fault| (vec![fault], Arc::clone(&sources));
        let children = Arc::new(Children::default());
        let interrupt = Interrupt::default();
        if let Some(leave) = settings.leave {
            interrupt.listen((*children).clone(), leave).map_err(|error| {
                fail(Fault::new(format!("could not listen for signals: {error}")).kind(FaultKind::Setup))
            })?;
        }
        let (vaults, warnings) = vault::collect(&settings, &children);
        warnings.into_iter().for_each(|warning| emitter.warn(warning));
        let vaults = Arc::new(vaults.map_err(|error| fail(error.fault()))?);
        let fallthrough = Arc::new(Fallthrough::new(&settings, Arc::clone(&children), emitter.clone()));
        let outside = Outside::new(
            &settings,
            Arc::clone(&fallthrough),
            Arc::clone(&children),
            Arc::clone(&vaults),
            emitter.masker().clone(),
        );
        let fetcher = Fetcher::new(modules, Caller::new(&settings, &children, emitter.masker()));
        let outside = outside.with_fetcher(fetcher);
        let template = Engine::new(templating(&settings.config), Arc::new(outside));
        let known = Modules::new(modules);
        let reader = Reader {
            sources: Arc::clone(&sources),
            vaults,
            masker: emitter.masker().clone(),
            duplicates: Duplicates::named(settings.config.text("DUPLICATE_YAML_DICT_KEY").as_deref()),
        };
        let extra = Arc::new(reader.extra_vars(&settings.extra_vars, &emitter).map_err(fail)?);
        let tools = Tools {
            reader: &reader,
            emitter: &emitter,
            template: &template,
            children: &children,
            extra: &extra,
            env: settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        let hosts = Hosts::open(&settings, &tools).map_err(fail)?;
        hosts.check_limit(&settings, &emitter).map_err(fail)?;
        let hosts = Arc::new(hosts);
        fallthrough.among(Box::new(pythons(&settings, &hosts, &extra)));
        let is_action = {
            let (known, foreign) = (known.clone(), Arc::clone(&fallthrough));
            move |name: &str| {
                let bare = crate::load::bare(name);
                known.get(name).is_some()
                    || known.get(bare).is_some()
                    || directives::is_directive(bare)
                    || foreign.module(name).is_some()
            }
        };
        let loader = Loader {
            reader,
            emitter: emitter.clone(),
            template: template.clone(),
            extra: Arc::clone(&extra),
            paths: Arc::new(SearchPaths::new(&settings.config, &settings.playbooks)),
            private_role_vars: private_role_vars(&settings.config),
            is_action: Arc::new(is_action),
        };
        let plays = read_plays(&settings, &loader).map_err(|faults| (faults, Arc::clone(&sources)))?;
        let fact_cache = FactCache::open(FactCacheSettings::new(&settings.config), settings.flush_cache)
            .map_err(|error| {
                fail(Fault::new(format!("the fact cache cannot be used: {error}")).kind(FaultKind::Setup))
            })?;
        let selection = Selection::new(&settings.tags, &settings.skip_tags);
        let connections = match settings.verbosity {
            0..3 => Connections::default(),
            _ => Connections::telling(emitter.clone()),
        };
        let runner = Runner {
            start_at: Mutex::new(settings.start_at_task.clone()),
            emitter,
            template,
            loader,
            modules: known,
            fallthrough,
            hosts,
            extra,
            shared: Arc::new(Shared::default()),
            records: Arc::default(),
            children,
            connections: Arc::new(connections),
            reaching: ConnectionSettings::of(&settings),
            interrupt,
            calls: Arc::default(),
            next_task: AtomicU64::new(1),
            selection,
            tally: Mutex::default(),
            fact_cache,
            no_steps: AtomicBool::default(),
            stats: Mutex::default(),
            busy: InFlight::default(),
            settings,
        };
        Ok(Self { runner: Arc::new(runner), plays })
    }

    /// Finds what is wrong before anything runs; returns the exit code where something is certain to fail.
    ///
    /// With `strict` every doubt counts, as `rplay lint` has it.
    pub fn preflight(&self, strict: bool) -> Option<u8> {
        let faults = preflight::check(&self.runner, &self.plays, strict);
        if faults.is_empty() {
            return None;
        }
        Some(tell(&self.runner.emitter, &self.runner.loader.reader.sources, faults))
    }

    /// Returns the playbooks by the paths that they were found at.
    pub fn playbooks(&self) -> impl Iterator<Item = &str> {
        self.plays.iter().map(|(file, _)| file.as_str())
    }

    /// Returns what `--list-tasks`, `--list-tags` and `--list-hosts` print.
    pub fn list(&self, wanted: Listing) -> String {
        listing::text(self, wanted)
    }

    /// Returns the names of the hosts that an ad-hoc task would run on.
    pub fn adhoc_hosts(&self) -> Vec<String> {
        let settings = &self.runner.settings;
        let Some(adhoc) = &settings.adhoc else { return Vec::new() };
        let hosts =
            self.runner.hosts.matching(std::slice::from_ref(&adhoc.pattern)).unwrap_or_default().hosts;
        hosts.iter().map(|host| host.name.to_string()).collect()
    }

    /// Runs the plays; returns the exit code.
    pub async fn play(mut self) -> u8 {
        let _lock = match self.record().await {
            Ok(lock) => lock,
            Err(stop) => return self.stopped(stop),
        };
        self.started();
        let runner = Arc::downgrade(&self.runner);
        self.runner.interrupt.leave_after_grace(move || {
            if let Some(runner) = runner.upgrade() {
                last_words(&runner);
                runner.emit(Kind::RunDone { exit_code: INTERRUPTED });
            }
        });
        let ended = self.plays().await;
        let code = self.close(ended);
        self.runner.emit(Kind::RunDone { exit_code: code });
        code
    }

    pub(crate) fn started(&self) {
        let settings = &self.runner.settings;
        self.runner.emit(Kind::RunStarted {
            mode: settings.mode,
            playbooks: settings.playbooks.iter().map(|path| path.display().to_string()).collect(),
            verbosity: settings.verbosity,
            diff: settings.diff,
        });
    }

    /// Runs the plays of all playbooks; returns the exit code. A playbook that ends badly is the last one.
    pub(crate) async fn plays(&self) -> Result<u8, Stop> {
        let mut code = 0;
        for (file, plays) in &self.plays {
            self.runner.emit(Kind::PlaybookStarted { file: file.clone(), plays: plays.len() });
            for play in plays {
                let played = self.runner.play(Arc::clone(play)).await?;
                code = played.code.unwrap_or(code);
                if played.last {
                    break;
                }
            }
            self.sum_up(file);
            if code != 0 {
                break;
            }
        }
        let missed = self.runner.start_at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = missed {
            let message = format!("No matching task \"{task}\" found.");
            let fault = Fault::new(message).help("Note: --start-at-task can only follow static includes.");
            self.runner.emit(Kind::Fault { fault });
        }
        Ok(code)
    }

    /// Ends a playbook: which hosts to try again, and what came of all of them so far.
    fn sum_up(&self, playbook: &str) {
        if !matches!(self.runner.settings.mode, RunMode::Play | RunMode::Check) {
            return;
        }
        match retry::write(&self.runner, playbook) {
            Ok(Some(path)) => {
                let message = format!("\tto retry, use: --limit @{}\n", path.display());
                self.runner.emit(Kind::Said { message });
            }
            Ok(None) => {}
            Err(message) => self.runner.emitter.warn(message),
        }
        recap(&self.runner);
    }

    /// Ends a run: the exit code of what happened.
    fn close(&self, ended: Result<u8, Stop>) -> u8 {
        let runner = &self.runner;
        let begun = runner.interrupt.ends();
        let code = match ended {
            // What ends a run by itself leaves no recap, as with Ansible.
            Err(stop @ (Stop::Faults(_) | Stop::Left)) => return self.stopped(stop),
            Err(stop @ Stop::Interrupted) => self.stopped(stop),
            Ok(code) => code,
        };
        if runner.settings.mode == RunMode::Plan && code != 0 {
            let message = "the plan is incomplete: a task failed, and what comes after it was not planned";
            runner.emit(Kind::Fault { fault: Fault::new(message) });
        } else if runner.settings.mode == RunMode::Plan {
            let tally = *runner.tally.lock().unwrap_or_else(PoisonError::into_inner);
            runner.emit(tally.done());
        }
        if code == INTERRUPTED && begun {
            last_words(runner);
        }
        code
    }

    /// Tells why a run stopped; returns the exit code.
    pub(crate) fn stopped(&self, stop: Stop) -> u8 {
        match stop {
            Stop::Faults(faults) => tell(&self.runner.emitter, &self.runner.loader.reader.sources, faults),
            Stop::Interrupted | Stop::Left => INTERRUPTED,
        }
    }
}

fn recap(runner: &Runner) {
    let stats = runner.stats.lock().unwrap_or_else(PoisonError::into_inner).told();
    if !stats.is_empty() {
        runner.emit(Kind::CustomStats { stats });
    }
    runner.emit(Kind::Recap { hosts: runner.hosts.recap() });
}

/// Says how far a run has come that was interrupted.
fn last_words(runner: &Runner) {
    recap(runner);
    runner.emitter.warn(runner.left_going());
}

pub(crate) fn random(settings: &Settings) -> u64 {
    let mut bytes = [0; 8];
    (settings.random)(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// How many things a plan counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    add: usize,
    change: usize,
    destroy: usize,
    may_change: usize,
    will_run: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, action: Intent) {
        match action {
            Intent::Create => self.add += 1,
            Intent::Update => self.change += 1,
            Intent::Delete => self.destroy += 1,
            Intent::Replace => {
                self.add += 1;
                self.destroy += 1;
            }
            Intent::MayChange | Intent::Deferred => self.may_change += 1,
            Intent::WillRun => self.will_run += 1,
            Intent::Keep | Intent::Read => {}
        }
    }

    pub(crate) fn destroyed(self) -> usize {
        self.destroy
    }

    pub(crate) fn done(self) -> Kind {
        Kind::PlanDone {
            add: self.add,
            change: self.change,
            destroy: self.destroy,
            may_change: self.may_change,
            will_run: self.will_run,
        }
    }
}

/// Each playbook file, as it was named, with its plays.
pub(crate) type Playbooks = Vec<(String, Vec<Arc<LoadedPlay>>)>;

/// Returns what finds the Pythons that variables name for hosts.
fn pythons(
    settings: &Settings,
    hosts: &Arc<Hosts>,
    extra: &Arc<Vec<Arc<Written>>>,
) -> impl Fn() -> BTreeSet<String> + use<> {
    const NAME: &str = "ansible_python_interpreter";
    let folder = settings.playbooks.first().and_then(|playbook| playbook.parent());
    let folder = folder.map(|folder| settings.folder.join(folder).display().to_string());
    let (hosts, extra) = (Arc::clone(hosts), Arc::clone(extra));
    move || {
        let given = extra.iter().rev().find_map(|vars| vars.get(NAME)).and_then(Node::as_str);
        given.map_or_else(
            || hosts.values_of(NAME, folder.as_deref()),
            |python| BTreeSet::from([python.to_owned()]),
        )
    }
}

fn read_plays(settings: &Settings, loader: &Loader) -> Result<Playbooks, Vec<Fault>> {
    let Some(adhoc) = &settings.adhoc else { return read_playbooks(&settings.playbooks, loader) };
    let folder = settings.playbook_dir.as_ref().unwrap_or(&settings.folder);
    let plays = loader.adhoc(adhoc, &folder.display().to_string())?;
    Ok(vec![(PLAYBOOK.to_owned(), plays.into_iter().map(Arc::new).collect())])
}

fn read_playbooks(paths: &[PathBuf], loader: &Loader) -> Result<Playbooks, Vec<Fault>> {
    let (mut plays, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        match loader.playbook(&std::path::absolute(path).unwrap_or_else(|_| path.clone())) {
            Ok(read) => plays.push((path.display().to_string(), read.into_iter().map(Arc::new).collect())),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(plays) } else { Err(faults) }
}

/// Returns the secrets of the environment that no task has to use to be shown.
fn keys_of_aws(settings: &Settings) -> impl Iterator<Item = &str> {
    KEYS_OF_AWS.iter().filter_map(|name| settings.environment.get(*name)).map(String::as_str)
}

/// Returns how the configuration has templates behave.
fn templating(config: &Config) -> rplay_template::Settings {
    rplay_template::Settings {
        allow_broken_conditionals: config.flag("ALLOW_BROKEN_CONDITIONALS"),
        keep_embedded_templates: !config.flag("ALLOW_EMBEDDED_TEMPLATES"),
        jinja_extensions: config.list("DEFAULT_JINJA2_EXTENSIONS"),
        managed: config.text("DEFAULT_MANAGED_STR"),
    }
}

/// Tells faults with the lines around their places; returns the exit code of the gravest.
fn tell(emitter: &Emitter, sources: &Sources, faults: Vec<Fault>) -> u8 {
    let code = faults.iter().map(|fault| fault.kind.exit_code()).max().unwrap_or(FAILED);
    for fault in faults {
        emitter.emit(Kind::Fault { fault: sources.explain(fault) });
    }
    code
}
