use std::path::PathBuf;
use std::sync::Arc;

use rplay_module::{Child, Failure, FailureKind};
use rplay_template::{ErrorKind, Found, Scope, TemplateError, Value};

use super::{Ended, Runner, Spot, TaskRun};
use crate::connection::{Place, Unclear, Wish};
use crate::hosts::Host;
use crate::load::bare;
use crate::scopes::{Layer, Level, Stack};

/// The host that a task is done on in place of its own.
#[derive(Clone)]
pub(crate) struct Delegate {
    pub(crate) name: String,
    pub(crate) host: Arc<Host>,
    /// What `delegate_facts` asks for: facts are the delegate's.
    pub(crate) facts: bool,
    pub(super) scope: Arc<dyn Scope>,
}

/// `ansible_delegated_vars`: the delegate's variables, by its name.
struct DelegatedVars {
    name: String,
    scope: Arc<dyn Scope>,
}

struct ByName(Arc<DelegatedVars>);

impl Scope for DelegatedVars {
    fn lookup(&self, name: &str) -> Option<Found> {
        (name == self.name).then(|| Found::Scope(Arc::clone(&self.scope)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl Scope for ByName {
    fn lookup(&self, name: &str) -> Option<Found> {
        let found: Arc<dyn Scope> = Arc::clone(&self.0) as Arc<dyn Scope>;
        (name == "ansible_delegated_vars").then_some(Found::Scope(found))
    }

    fn names(&self) -> Vec<String> {
        vec!["ansible_delegated_vars".to_owned()]
    }
}

impl Delegate {
    /// Returns the task's variables with those of the delegate under `ansible_delegated_vars`.
    pub(crate) fn lay_over(&self, stack: &Stack) -> Stack {
        let vars = DelegatedVars { name: self.name.clone(), scope: Arc::clone(&self.scope) };
        let mut stack = stack.clone();
        stack.push(Level::Magic, Layer::Magic(Arc::new(ByName(Arc::new(vars)))));
        stack
    }
}

impl Runner {
    /// Returns whom the task is delegated to; `None` where it is not.
    pub(crate) fn delegate(
        &self,
        task: &TaskRun<'_>,
        stack: &Stack,
    ) -> Result<Option<Delegate>, TemplateError> {
        let Some(node) = task.item.context.delegate_to.as_ref() else { return Ok(None) };
        if node.is_null() || node.as_str() == Some("") {
            return Ok(None);
        }
        let scope = stack.clone().shared();
        let rendered = match self.template.render(node, &scope) {
            Ok(rendered) => rendered,
            Err(error) if error.kind == ErrorKind::Omitted => return Ok(None),
            Err(error) => return Err(error),
        };
        if rendered.value.is_omit() {
            return Ok(None);
        }
        if let Some(error) = super::certain::no_name(node, &rendered.value) {
            return Err(error);
        }
        let name = rendered.value.text();
        if name.is_empty() || rendered.value.is_none() {
            let written = node.as_str().unwrap_or_default();
            return Err(TemplateError::runtime(format!(
                "Empty hostname produced from delegate_to: \"{written}\""
            )));
        }
        let host = self.delegate_host(&name);
        let mut own = self.task_scope(task.play, &host, task.item);
        // Templates of the delegate's variables see whose task it is.
        for data in stack.at(Level::LoopVars) {
            own.data(Level::LoopVars, &data);
        }
        own.push(Level::Magic, Layer::Magic(Arc::new(Whose(Arc::clone(&scope)))));
        let facts = self.truth(task.item.context.delegate_facts.as_ref(), &scope);
        Ok(Some(Delegate { name, host, facts, scope: own.shared() }))
    }

    /// Returns the end of a task of which nobody knows whom it is delegated to.
    pub(super) fn nowhere(task: &TaskRun<'_>, error: &TemplateError) -> Ended {
        let mut ended = Self::wrong(task, error, "Task failed", &[]);
        let written = task.item.context.delegate_to.as_ref();
        ended.delegated_to = written.map(|node| rplay_template::Value::from_json(node.to_json()).text());
        ended
    }

    /// Returns the host of that name or address; one that no inventory knows is reached by the name alone.
    fn delegate_host(&self, name: &str) -> Arc<Host> {
        let known = self.hosts.get(name).or_else(|| self.hosts.at_address(name));
        known.unwrap_or_else(|| self.hosts.host(&Arc::from(name)))
    }

    /// Returns what decides where a task of this host runs.
    pub(crate) fn wish<'a>(
        &'a self,
        task: &'a TaskRun<'_>,
        host: &'a str,
        own: &'a Arc<dyn Scope>,
        delegate: Option<&'a Delegate>,
        folder: &'a std::path::Path,
    ) -> Wish<'a> {
        Wish {
            template: &self.template,
            scope: delegate.map_or(own, |delegate| &delegate.scope),
            own,
            context: &task.item.context,
            settings: &self.settings,
            reaching: &self.reaching,
            host: delegate.map_or(host, |delegate| delegate.name.as_str()),
            folder,
        }
    }

    /// Returns where a module runs; `None` for this very process.
    pub(crate) fn elsewhere(
        &self,
        task: &TaskRun<'_>,
        host: &str,
        own: &Arc<dyn Scope>,
        delegate: Option<&Delegate>,
    ) -> Result<Option<Arc<Place>>, Box<Ended>> {
        let folder = self.task_folder(task);
        let wish = self.wish(task, host, own, delegate, &folder);
        let unclear = |unclear| Box::new(Self::unclear(task, unclear));
        if wish.is_here().map_err(unclear)? {
            return Ok(None);
        }
        wish.place().map(Arc::new).map(Some).map_err(unclear)
    }

    /// Returns where the task runs, be it this very process.
    pub(crate) fn somewhere(
        &self,
        task: &TaskRun<'_>,
        host: &str,
        own: &Arc<dyn Scope>,
        delegate: Option<&Delegate>,
    ) -> Result<Arc<Place>, Box<Ended>> {
        let folder = self.task_folder(task);
        let wish = self.wish(task, host, own, delegate, &folder);
        wish.place().map(Arc::new).map_err(|unclear| Box::new(Self::unclear(task, unclear)))
    }

    /// Returns whether the task brings a file from this machine to this machine: no connection has to be used.
    pub(crate) fn fetches_here(&self, task: &TaskRun<'_>, spot: &Spot<'_>) -> bool {
        bare(&task.item.task.action.name) == "fetch"
            && matches!(self.elsewhere(task, &spot.host.name, spot.scope, spot.delegate), Ok(None))
    }

    /// Ansible runs local connections in the folder of the playbook.
    pub(crate) fn task_folder(&self, task: &TaskRun<'_>) -> PathBuf {
        self.settings.folder.join(&task.play.loaded.head.folder)
    }

    pub(crate) fn unclear(task: &TaskRun<'_>, unclear: Unclear) -> Ended {
        match unclear {
            Unclear::Template(error) => Self::wrong(task, &error, "Task failed", &[]),
            Unclear::Failure(failure) => Self::unconnected(task, &failure),
        }
    }

    /// Returns the end of a task that did not get as far as its module.
    pub(crate) fn unconnected(task: &TaskRun<'_>, failure: &Failure) -> Ended {
        let mut ended = Ended::failed(format!("Task failed: {}", failure.message));
        ended.result.extend(failure.result.clone());
        let cause = rplay_event::Fault::new("").at(&task.item.task.span);
        ended.causes.push(match &failure.hint {
            Some(hint) => cause.help(hint.clone()),
            None => cause,
        });
        if failure.kind == FailureKind::Unreachable {
            ended.unreachable = true;
            ended.result.shift_remove("failed");
            ended.result.shift_remove("rc");
            ended.set("unreachable", true);
        }
        ended
    }

    /// `meta: reset_connection`: the next task connects anew.
    pub(super) async fn reset_connection(&self, task: &TaskRun<'_>, host: &Host) {
        let scope = self.task_scope(task.play, host, task.item).shared();
        let Ok(place) = self.somewhere(task, &host.name, &scope, None) else { return };
        self.connections.forget(&place);
        for argv in place.control().into_iter().flatten() {
            let child = Child { argv, ..Child::default() };
            let exit = self.children.run(child, place.outer_environment()).await;
            if exit.is_ok_and(|exit| exit.rc != 0) {
                // Nothing is kept: there is nothing to let go.
                return;
            }
        }
    }

    /// Tells on whom the task was done, and gives facts to whom they belong.
    pub(crate) fn delegated(&self, ended: &mut Ended, delegate: &Delegate) {
        ended.delegated_to = Some(delegate.name.clone());
        if delegate.facts {
            ended.facts_of = Some(Arc::clone(&delegate.host));
        }
        let address = self.variable("ansible_host", &delegate.scope);
        ended.delegated_address = address.map(|address| address.text());
    }

    /// Returns a variable's value; `None` where there is none that can be had.
    pub(super) fn variable(&self, name: &str, scope: &Arc<dyn Scope>) -> Option<Value> {
        match scope.lookup(name)? {
            Found::Data(value) => Some(value),
            Found::Written(node) => self.template.render(&node, scope).ok().map(|rendered| rendered.value),
            Found::Scope(_) => None,
        }
    }
}

/// `inventory_hostname` of the host whose task it is, also where it is done on another.
struct Whose(Arc<dyn Scope>);

impl Scope for Whose {
    fn lookup(&self, name: &str) -> Option<Found> {
        (name == "inventory_hostname").then(|| self.0.lookup(name)).flatten()
    }

    fn names(&self) -> Vec<String> {
        vec!["inventory_hostname".to_owned()]
    }
}
