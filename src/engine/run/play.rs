use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rplay_event::{Fault, FaultKind};
use rplay_syntax::Node;
use rplay_template::{ErrorKind, Scope, Value};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::handlers::Handlers;
use super::rules::Rules;
use super::steps::Always;
use super::vars_files::ChosenFiles;
use super::{Runner, Stop, Within};
use crate::hosts::Host;
use crate::load::{Context, LoadedPlay, TaskItem, bare};
use crate::scopes::{Data, Layer, Level, Magic, PlayHosts, Stack, Written};
use crate::standing::Standing;

/// A play that runs, on one batch of its hosts.
pub(crate) struct PlayRun {
    pub(crate) loaded: Arc<LoadedPlay>,
    pub(crate) name: String,
    /// What was written for `hosts`.
    pub(super) patterns: Vec<String>,
    /// The hosts of the batch.
    pub(crate) hosts: Vec<Arc<Host>>,
    /// The hosts of all batches.
    pub(crate) all: Vec<Arc<Host>>,
    pub(crate) rules: Rules,
    /// What was typed for `vars_prompt`.
    pub(crate) prompted: Arc<Data>,
    pub(super) vars_files: RwLock<HashMap<Arc<str>, ChosenFiles>>,
    pub(super) magic: RwLock<Option<Arc<dyn Scope>>>,
    pub(crate) handlers: Handlers,
    /// More hosts have failed than `max_fail_percentage` lets: nothing more runs.
    pub(super) over: AtomicBool,
    /// `meta: end_play`: no other batch runs.
    pub(super) ended: AtomicBool,
    /// The ids of tasks whose heading several hosts share without running them together.
    pub(super) headings: Mutex<HashMap<usize, u64>>,
    /// How many hosts that go their own ways may be at a task together, where that is fewer than there are.
    pub(super) gates: Mutex<HashMap<usize, Arc<Semaphore>>>,
    /// Names of vars files that were not found: named when a variable is missed.
    pub(crate) missing_files: RwLock<Vec<String>>,
}

impl PlayRun {
    /// Returns whether nothing more runs in this play.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits until fewer hosts than `most` are at something that they do one by one.
    pub(super) async fn pass(&self, what: usize, most: usize) -> Option<OwnedSemaphorePermit> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(gates.entry(what).or_insert_with(|| Arc::new(Semaphore::new(most))))
        };
        gate.acquire_owned().await.ok()
    }
}

impl Runner {
    /// Runs all sections of a play on the hosts, each with the handlers it has notified.
    pub(super) async fn sections(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        hosts: &[Arc<Host>],
    ) -> Result<(), Stop> {
        self.gather_facts(run, hosts).await?;
        let loaded = Arc::clone(&run.loaded);
        for section in [&loaded.pre_tasks, &loaded.tasks, &loaded.post_tasks] {
            let within = Within { pending: run.rules.force_handlers, ..Within::default() };
            self.steps(run, section, hosts, within).await?;
            if run.is_over() {
                break;
            }
            if !self.ends_with_handlers(run) {
                continue;
            }
            if run.rules.force_handlers {
                let always = Always::begin(hosts);
                let ended = self.flush_handlers(run, &always.hosts, Within::default()).await;
                always.end();
                ended?;
                hosts.iter().for_each(|host| host.stand(Standing::leave_block));
            } else {
                let active: Vec<Arc<Host>> = hosts.iter().filter(|host| host.active()).cloned().collect();
                self.flush_handlers(run, &active, Within::default()).await?;
            }
        }
        Ok(())
    }

    /// Returns whether `--skip-tags` lets handlers run at the end of a section: what has them run there is tagged `always`,
    /// and as the play is.
    fn ends_with_handlers(&self, run: &PlayRun) -> bool {
        let own = run.loaded.context.tags.iter().map(|tag| tag.key_text().into_owned());
        let tags: Vec<String> = own.chain(["always".to_owned()]).collect();
        self.selection.selects(&tags)
    }

    /// Returns the play's `hosts`.
    pub(super) fn patterns(&self, loaded: &LoadedPlay, prompted: &Arc<Data>) -> Result<Vec<String>, Stop> {
        let value = self.in_play(loaded, prompted, &loaded.head.play.hosts)?;
        Ok(match value.as_items() {
            Some(items) => items.iter().map(Value::text).collect(),
            None => vec![value.text()],
        })
    }

    /// Renders what belongs to the play as a whole: only its own and the extra variables are there.
    pub(super) fn in_play(
        &self,
        loaded: &LoadedPlay,
        prompted: &Arc<Data>,
        node: &Node,
    ) -> Result<Value, Stop> {
        let mut stack = Stack::new(Arc::clone(&loaded.context.folders));
        stack.written(Level::PlayVars, &loaded.head.vars);
        stack.data(Level::PlayVars, prompted);
        for extra in self.extra.iter() {
            stack.written(Level::ExtraVars, extra);
        }
        match self.template.render(node, &stack.shared()) {
            Ok(rendered) => Ok(rendered.value),
            // As if it had not been written.
            Err(error) if error.kind == ErrorKind::Omitted => Ok(Value::NONE),
            Err(error) => {
                Err(Stop::from(Fault::new(error.to_string()).at(&node.span).kind(FaultKind::Playbook)))
            }
        }
    }

    /// Makes the magic variables of the play; anew when a role has come to it.
    pub(crate) fn refresh_magic(&self, run: &PlayRun) {
        let mut shared = Data::new();
        let mut set = |name: &str, value: serde_json::Value| {
            shared.insert(name.into(), Value::from_json(value));
        };
        set("ansible_play_name", json!(run.name));
        let roles = run.loaded.head.roles.names();
        set("ansible_role_names", json!(roles.all));
        set("role_names", json!(roles.play));
        set("ansible_play_role_names", json!(roles.play));
        set("ansible_dependent_role_names", json!(roles.dependent));
        set("playbook_dir", json!(absolute(&self.settings.folder, &run.loaded.head.folder)));
        set("ansible_inventory_sources", json!(self.settings.inventory));
        set("ansible_check_mode", json!(self.settings.mode != rplay_event::RunMode::Play));
        set("ansible_diff_mode", json!(self.settings.diff));
        set("ansible_verbosity", json!(self.settings.verbosity));
        set("ansible_forks", json!(self.settings.forks));
        if let Some(limit) = &self.settings.limit {
            set("ansible_limit", json!(limit));
        }
        set("ansible_run_tags", json!(run_tags(&self.settings.tags)));
        set("ansible_skip_tags", json!(self.settings.skip_tags));
        set("ansible_version", version());
        set("ansible_config_file", json!(self.settings.config.file().map(|path| path.display().to_string())));
        set("ansible_playbook_python", json!(self.settings.python));
        let magic = Magic {
            plain: Arc::new(shared),
            hosts: Arc::clone(&self.hosts),
            extra: Arc::clone(&self.extra),
            folder: run.loaded.head.folder.as_str().into(),
            play: Arc::new(PlayHosts { all: run.all.clone(), batch: run.hosts.clone() }),
        };
        *run.magic.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(magic));
    }

    /// Returns the variables of the play on a host, as a task in this context sees them.
    pub(crate) fn play_scope(
        &self,
        run: &PlayRun,
        host: &Host,
        context: &Context,
        files: &[Arc<Written>],
    ) -> Stack {
        let mut stack = Stack::new(Arc::clone(&context.folders));
        self.hosts.layers(host, Some(&run.loaded.head.folder), &mut stack);
        stack.written(Level::PlayVars, &run.loaded.head.vars);
        stack.data(Level::PlayVars, &run.prompted);
        files.iter().for_each(|file| stack.written(Level::VarsFiles, file));
        context.layers(&mut stack, &run.loaded.head.roles);
        self.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
        if let Some(magic) = &*run.magic.read().unwrap_or_else(PoisonError::into_inner) {
            stack.push(Level::Magic, Layer::Magic(Arc::clone(magic)));
        }
        stack
    }

    /// Returns the variables of a task on a host.
    pub(crate) fn task_scope(&self, run: &PlayRun, host: &Host, item: &TaskItem) -> Stack {
        let files = self.vars_files(run, host);
        let mut stack = self.play_scope(run, host, &item.context, &files);
        stack.written(Level::TaskVars, &item.vars);
        if matches!(bare(&item.task.action.name), "include_tasks" | "include_role") {
            stack.written(Level::IncludeParams, &item.vars);
        }
        stack
    }

    /// Returns the variables of a task that are the same on every host: what names of handlers may use.
    pub(crate) fn play_wide_scope(&self, run: &PlayRun, item: &TaskItem) -> Stack {
        let mut stack = Stack::new(Arc::clone(&item.context.folders));
        stack.written(Level::PlayVars, &run.loaded.head.vars);
        stack.data(Level::PlayVars, &run.prompted);
        let files = run.vars_files.read().unwrap_or_else(PoisonError::into_inner);
        let files = run.hosts.first().and_then(|host| files.get(&host.name));
        let files = files.into_iter().flat_map(|chosen| &chosen.files);
        files.for_each(|file| stack.written(Level::VarsFiles, file));
        item.context.layers(&mut stack, &run.loaded.head.roles);
        stack.written(Level::TaskVars, &item.vars);
        self.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
        stack
    }
}

fn absolute(folder: &Path, path: &str) -> String {
    let joined = folder.join(path);
    std::path::absolute(&joined)
        .unwrap_or(joined)
        .components()
        .collect::<std::path::PathBuf>()
        .display()
        .to_string()
}

fn run_tags(tags: &[String]) -> Vec<String> {
    if tags.is_empty() { vec!["all".to_owned()] } else { tags.to_vec() }
}

/// The version of the language that this is: what playbooks compare with.
fn version() -> serde_json::Value {
    json!({ "full": "2.19.14", "major": 2, "minor": 19, "revision": 14, "string": "2.19.14" })
}
