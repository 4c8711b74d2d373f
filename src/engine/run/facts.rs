use std::sync::{Arc, PoisonError};

use rplay_syntax::{Mapping, Node};
use rplay_template::Value;
use serde_json::Value as Json;

use super::rules::Gathering;
use super::task::is_true;
use super::{PlayRun, Runner, Stop, Within};
use crate::hosts::Host;
use crate::list::each_task;
use crate::load::{Item, TaskItem, plain_task};

/// The action that gathers the facts of a play.
pub(super) const GATHERING: &str = "ansible.legacy.setup";

impl Runner {
    /// Reads what earlier runs have kept of the hosts.
    pub(super) fn remember_facts(&self, hosts: &[Arc<Host>]) {
        let now = (self.settings.now)();
        for host in hosts {
            match self.fact_cache.take(&host.name, now) {
                Ok(Some(facts)) => host.learn(&Value::from_json(Json::Object(facts))),
                Ok(None) => {}
                Err(message) => self.emitter.warn(message),
            }
        }
    }

    /// Writes what is known of the host for runs to come.
    pub(super) fn keep_facts(&self, host: &Host) {
        if !self.fact_cache.is_on() {
            return;
        }
        if let Err(error) = self.fact_cache.keep(&host.name, &host.facts()) {
            self.emitter.warn(format!("the facts of {} could not be kept: {error}", host.name));
        }
    }

    pub(super) fn forget_facts(&self, host: &Host) {
        host.forget();
        self.fact_cache.forget(&host.name);
    }

    /// Gathers the facts of the hosts, where the play and the settings want them.
    pub(super) async fn gather_facts(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        hosts: &[Arc<Host>],
    ) -> Result<(), Stop> {
        let said = match &run.loaded.head.play.gather_facts {
            Some(node) => Some(is_true(&self.in_play(&run.loaded, &run.prompted, node)?)),
            None => None,
        };
        let on: Vec<Arc<Host>> = hosts
            .iter()
            .filter(|host| host.active() && Self::wants_facts(run.rules.gathering, said, host))
            .cloned()
            .collect();
        if on.is_empty() {
            return Ok(());
        }
        let item = Item::Task(Arc::new(Self::gathering(run)));
        // The facts come first even where the run starts at a later task of the play.
        let start_at = self.starts_here(run);
        let ended = self.steps(run, &[item], &on, Within::default()).await;
        if start_at.is_some() {
            *self.start_at.lock().unwrap_or_else(PoisonError::into_inner) = start_at;
        }
        ended
    }

    /// Takes the name of `--start-at-task`, where this play has such a task.
    fn starts_here(&self, run: &PlayRun) -> Option<String> {
        let mut wanted = self.start_at.lock().unwrap_or_else(PoisonError::into_inner);
        let name = wanted.as_deref()?;
        let mut here = false;
        let loaded = &run.loaded;
        for item in loaded.pre_tasks.iter().chain(&loaded.tasks).chain(&loaded.post_tasks) {
            each_task(item, &mut |task| here |= self.is_called(run, task, name));
        }
        if here { wanted.take() } else { None }
    }

    fn is_called(&self, run: &PlayRun, task: &TaskItem, name: &str) -> bool {
        let scope = self.play_wide_scope(run, task).shared();
        let called = self.task_name(task, &scope);
        called == name || globset::Glob::new(name).is_ok_and(|glob| glob.compile_matcher().is_match(&called))
    }

    fn wants_facts(gathering: Gathering, said: Option<bool>, host: &Host) -> bool {
        match gathering {
            Gathering::Implicit => said != Some(false),
            Gathering::Explicit => said == Some(true),
            Gathering::Smart => said != Some(false) && !host.has_facts(),
        }
    }

    fn gathering(run: &PlayRun) -> TaskItem {
        let play = &run.loaded.head.play;
        let span = &play.span;
        // A play with tags of its own gathers facts for these alone.
        let tags = if play.keywords.tags.is_empty() { vec![Node::text("always", span)] } else { Vec::new() };
        let keywords = rplay_syntax::Keywords {
            name: Some(Node::text("Gathering Facts", span)),
            tags,
            // Facts of one host are not those of another.
            run_once: Some(Node::new(rplay_syntax::Data::Bool(false), span)),
            ..rplay_syntax::Keywords::default()
        };
        let mut named = Mapping::default();
        if let Some(first) = play.gather_subset.first() {
            let subset = Node::new(rplay_syntax::Data::Seq(play.gather_subset.clone().into()), &first.span);
            named.set(Node::text("gather_subset", &first.span), subset);
        }
        for (name, node) in [("gather_timeout", &play.gather_timeout), ("fact_path", &play.fact_path)] {
            if let Some(node) = node {
                named.set(Node::text(name, &node.span), node.clone());
            }
        }
        let args = rplay_syntax::Args { named: Arc::new(named), ..rplay_syntax::Args::default() };
        let task = plain_task(GATHERING, keywords, args, span);
        let context = Arc::new(run.loaded.context.take(&task.keywords));
        let outer = Arc::clone(&run.loaded.context);
        TaskItem { task, context, outer, vars: Arc::default(), implicit: true }
    }
}
