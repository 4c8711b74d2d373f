use std::path::Path;
use std::sync::{Arc, PoisonError};

use rplay_event::Fault;
use rplay_syntax::Node;
use rplay_template::{ErrorKind, Scope};

use super::{PlayRun, Runner, Stop};
use crate::hosts::Host;
use crate::scopes::{Data, Written};

/// The files of variables that a play has for a host.
#[derive(Clone)]
pub(super) struct ChosenFiles {
    /// The facts by which they were chosen: with others, others may be.
    facts: Arc<Data>,
    pub(super) files: Vec<Arc<Written>>,
}

impl Runner {
    /// Reads the vars files of all hosts; what is wrong with them ends the run before its first task.
    pub(super) fn read_vars_files(&self, run: &PlayRun) -> Result<(), Stop> {
        for host in &run.hosts {
            let chosen = self.choose_files(run, host)?;
            run.keep_files(host, chosen);
        }
        Ok(())
    }

    /// Returns the vars files of a host; their names may use facts, so they are chosen anew when those have changed.
    pub(super) fn vars_files(&self, run: &PlayRun, host: &Host) -> Vec<Arc<Written>> {
        let kept = run.vars_files.read().unwrap_or_else(PoisonError::into_inner).get(&host.name).cloned();
        let Some(kept) = kept else { return Vec::new() };
        let mut names = run.loaded.head.play.vars_files.iter().flatten();
        if Arc::ptr_eq(&kept.facts, &host.kept_facts()) || !names.any(Node::may_be_template) {
            return kept.files;
        }
        let Ok(chosen) = self.choose_files(run, host) else { return kept.files };
        let files = chosen.files.clone();
        run.keep_files(host, chosen);
        files
    }

    fn choose_files(&self, run: &PlayRun, host: &Host) -> Result<ChosenFiles, Stop> {
        let facts = host.kept_facts();
        let mut files: Vec<Arc<Written>> = Vec::new();
        for candidates in &run.loaded.head.play.vars_files {
            let scope = self.play_scope(run, host, &run.loaded.context, &files).shared();
            if let Some(written) = self.vars_file(run, candidates, &scope)? {
                files.push(written);
            }
        }
        Ok(ChosenFiles { facts, files })
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
                // Facts may make it known later.
                Err(error) if error.kind == ErrorKind::Undefined => {
                    self.miss(run, "skipping vars_files item due to an undefined variable".to_owned());
                    return Ok(None);
                }
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
            self.miss(run, format!("vars_files: none of these was found: {}", looked.join(", ")));
        }
        Ok(None)
    }

    /// Warns once of what was not found; it is named again when a variable is missed.
    fn miss(&self, run: &PlayRun, message: String) {
        let mut missing = run.missing_files.write().unwrap_or_else(PoisonError::into_inner);
        if !missing.contains(&message) {
            self.emitter.warn(message.clone());
            missing.push(message);
        }
    }
}

impl PlayRun {
    fn keep_files(&self, host: &Host, chosen: ChosenFiles) {
        let mut kept = self.vars_files.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(Arc::clone(&host.name), chosen);
    }
}
