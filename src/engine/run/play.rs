use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use indexmap::IndexMap;
use rplay_event::{Fault, FaultKind, Kind};
use rplay_syntax::Node;
use rplay_template::{Scope, Value};
use serde_json::json;

use super::{Runner, Stop};
use crate::hosts::Host;
use crate::load::{Context, Item, LoadedPlay, TaskItem, bare, plain_task};
use crate::scopes::{Data, Layer, Level, Magic, Stack, Written};

/// A play that runs.
pub(crate) struct PlayRun {
    pub(crate) loaded: Arc<LoadedPlay>,
    pub(crate) name: String,
    pub(crate) hosts: Vec<Arc<Host>>,
    vars_files: RwLock<HashMap<Arc<str>, Vec<Arc<Written>>>>,
    /// The magic variables; made anew when a host leaves the play.
    magic: RwLock<Option<Arc<dyn Scope>>>,
    /// Handlers by name with the hosts that notified them, in the order of the first notification.
    pub(super) notified: Mutex<IndexMap<String, Vec<Arc<str>>>>,
    /// Names of vars files that were not found: named when a variable is missed.
    pub(crate) missing_files: RwLock<Vec<String>>,
}

impl PlayRun {
    /// Returns the play's handlers, and those that imported and included roles have added.
    pub(crate) fn handlers(&self) -> Vec<Item> {
        let added = self.loaded.head.roles.handlers();
        self.loaded.handlers.iter().cloned().chain(added).collect()
    }
}

impl Runner {
    /// Runs a play; `Ok(false)` when no host is left for the plays after it.
    pub(crate) async fn play(self: &Arc<Self>, loaded: Arc<LoadedPlay>) -> Result<bool, Stop> {
        let play = &loaded.head.play;
        let patterns = self.patterns(&loaded)?;
        let matched = self.hosts.matching(&patterns)?;
        matched.warnings.into_iter().for_each(|warning| self.emitter.warn(warning));
        let hosts = matched.hosts;
        let name = match &play.keywords.name {
            Some(node) => self.in_play(&loaded, node)?.text(),
            None => patterns.join(","),
        };
        let hosts: Vec<Arc<Host>> = hosts.into_iter().filter(|host| !host.is_out()).collect();
        hosts.iter().for_each(|host| host.begin_play());
        self.emit(Kind::PlayStarted {
            name: name.clone(),
            hosts: hosts.iter().map(|host| host.name.to_string()).collect(),
            check: self.settings.mode == rplay_event::RunMode::Check,
        });
        if hosts.is_empty() {
            self.emit(Kind::NoHostsMatched);
            return Ok(true);
        }
        let run = Arc::new(PlayRun {
            loaded: Arc::clone(&loaded),
            name,
            hosts,
            vars_files: RwLock::default(),
            magic: RwLock::default(),
            notified: Mutex::default(),
            missing_files: RwLock::default(),
        });
        self.prepare(&run)?;
        self.sections(&run).await?;
        Ok(run.hosts.iter().any(|host| !host.is_out()))
    }

    async fn sections(self: &Arc<Self>, run: &Arc<PlayRun>) -> Result<(), Stop> {
        if self.wants_facts(run)? {
            self.gather_facts(run).await?;
        }
        let loaded = Arc::clone(&run.loaded);
        for section in [&loaded.pre_tasks, &loaded.tasks, &loaded.post_tasks] {
            if section.is_empty() {
                continue;
            }
            self.steps(run, section, &run.hosts, false).await?;
            self.flush_handlers(run).await?;
            if !run.hosts.iter().any(|host| host.active()) {
                break;
            }
        }
        Ok(())
    }

    /// Returns the play's `hosts`.
    fn patterns(&self, loaded: &LoadedPlay) -> Result<Vec<String>, Stop> {
        let value = self.in_play(loaded, &loaded.head.play.hosts)?;
        Ok(match value.as_items() {
            Some(items) => items.iter().map(Value::text).collect(),
            None => vec![value.text()],
        })
    }

    /// Renders what belongs to the play as a whole: only its own and the extra variables are there.
    fn in_play(&self, loaded: &LoadedPlay, node: &Node) -> Result<Value, Stop> {
        let mut stack = Stack::new(Arc::clone(&loaded.context.folders));
        stack.written(Level::PlayVars, &loaded.head.vars);
        for extra in self.extra.iter() {
            stack.written(Level::ExtraVars, extra);
        }
        let rendered = self.template.render(node, &stack.shared()).map_err(|error| {
            Stop::from(Fault::new(error.to_string()).at(&node.span).kind(FaultKind::Playbook))
        })?;
        Ok(rendered.value)
    }

    /// Makes the magic variables and reads the vars files.
    fn prepare(&self, run: &PlayRun) -> Result<(), Stop> {
        self.refresh_magic(run);
        let warnings = self.hosts.prepare(&run.hosts, &run.loaded.head.folder)?;
        warnings.into_iter().for_each(|warning| self.emitter.warn(warning));
        for host in &run.hosts {
            let mut files: Vec<Arc<Written>> = Vec::new();
            for candidates in &run.loaded.head.play.vars_files {
                let scope = self.play_scope(run, host, &run.loaded.context, &files).shared();
                if let Some(written) = self.vars_file(run, candidates, &scope)? {
                    files.push(written);
                }
            }
            run.vars_files
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(Arc::clone(&host.name), files);
        }
        Ok(())
    }

    /// Reads the first candidate that is there; a missing one is no error, as in Ansible: a warning names it.
    fn vars_file(
        &self,
        run: &PlayRun,
        candidates: &[Node],
        scope: &Arc<dyn Scope>,
    ) -> Result<Option<Arc<Written>>, Stop> {
        let mut looked = Vec::new();
        for node in candidates {
            let name = match self.template.render(node, scope) {
                Ok(rendered) => rendered.value.text(),
                // A candidate whose name is not known yet is passed over, as Ansible does.
                Err(_) if candidates.len() > 1 => continue,
                Err(error) => return Err(Fault::new(error.to_string()).at(&node.span).into()),
            };
            let path = Path::new(&run.loaded.head.folder).join(&name);
            let beside = Path::new(&run.loaded.head.folder).join("vars").join(&name);
            let Some(path) = [beside, path].into_iter().find(|path| path.is_file()) else {
                looked.push(name);
                continue;
            };
            let file = self.loader.reader.vars(&path)?;
            file.warnings.iter().for_each(|warning| self.emitter.warn(warning.clone()));
            return Ok(Some(file.written));
        }
        if !looked.is_empty() {
            let message = format!("vars_files: none of these was found: {}", looked.join(", "));
            let mut missing = run.missing_files.write().unwrap_or_else(PoisonError::into_inner);
            if !missing.contains(&message) {
                self.emitter.warn(message.clone());
                missing.push(message);
            }
        }
        Ok(None)
    }

    /// Makes the magic variables anew, after a host has left the play.
    pub(crate) fn refresh_magic(&self, run: &PlayRun) {
        let names = |hosts: Vec<&Arc<Host>>| -> Vec<String> {
            hosts.iter().map(|host| host.name.to_string()).collect()
        };
        let all = names(run.hosts.iter().collect());
        let alive = names(run.hosts.iter().filter(|host| !host.is_out()).collect());
        let mut shared = Data::new();
        let mut set = |name: &str, value: serde_json::Value| {
            shared.insert(name.into(), Value::from_json(value));
        };
        set("ansible_play_hosts_all", json!(all));
        set("ansible_play_hosts", json!(alive));
        set("ansible_play_batch", json!(alive));
        set("play_hosts", json!(alive));
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
        set("ansible_limit", json!(self.settings.limit));
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
        let files = run.vars_files.read().unwrap_or_else(PoisonError::into_inner);
        let files = files.get(&host.name).map(Vec::as_slice).unwrap_or_default();
        let mut stack = self.play_scope(run, host, &item.context, files);
        stack.written(Level::TaskVars, &item.vars);
        if matches!(bare(&item.task.action.name), "include_tasks" | "include_role") {
            stack.written(Level::IncludeParams, &item.vars);
        }
        stack
    }

    fn wants_facts(&self, run: &PlayRun) -> Result<bool, Stop> {
        match &run.loaded.head.play.gather_facts {
            Some(node) => Ok(self.in_play(&run.loaded, node)?.is_truthy()),
            None => Ok(self.settings.gather_facts),
        }
    }

    async fn gather_facts(self: &Arc<Self>, run: &Arc<PlayRun>) -> Result<(), Stop> {
        let span = &run.loaded.head.play.span;
        let keywords = rplay_syntax::Keywords {
            name: Some(Node::text("Gathering Facts", span)),
            tags: vec![Node::text("always", span)],
            ..rplay_syntax::Keywords::default()
        };
        let task = plain_task("ansible.legacy.setup", keywords, rplay_syntax::Args::default(), span);
        let context = Arc::new(run.loaded.context.take(&task.keywords));
        let outer = Arc::clone(&run.loaded.context);
        let task = TaskItem { task, context, outer, vars: Arc::default(), implicit: true };
        let item = Item::Task(Arc::new(task));
        self.steps(run, &[item], &run.hosts, false).await?;
        Ok(())
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
