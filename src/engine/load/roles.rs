//! Roles put in place: their dependencies, then their own tasks, and their handlers beside them.
//!
//! Source of the order: `ansible/playbook/role/__init__.py`.

use std::path::Path;
use std::sync::Arc;

use rplay_config::Config;
use rplay_event::{Fault, Span};
use rplay_syntax::{Keywords, Mapping, Node, RoleEntry, Step, Task, parse_handlers, parse_tasks};

use super::role::{Role, RoleDefinition};
use super::role_files::{Place, Search, Wanted};
use super::role_meta::{Meta, plain_task, validation};
use super::tree::folders;
use super::{Context, Item, Loader, PlayHead, TaskItem};
use crate::scopes::Written;

/// Deeper than this, roles depend on each other in a circle.
const DEEPEST: usize = 60;

/// What an import or include may say of the role that it brings in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RoleOptions {
    pub(crate) tasks_from: Option<String>,
    pub(crate) vars_from: Option<String>,
    pub(crate) defaults_from: Option<String>,
    pub(crate) handlers_from: Option<String>,
    pub(crate) public: Option<bool>,
    /// Only known of imports and includes: else the role says it.
    pub(crate) allow_duplicates: Option<bool>,
    pub(crate) skip_validation: bool,
    /// Brought in while the play runs: private unless it says otherwise.
    pub(crate) dynamic: bool,
}

/// A role as something names it.
pub(crate) struct RoleWanted<'a> {
    pub(crate) name: String,
    pub(crate) span: &'a Span,
    pub(crate) keywords: &'a Keywords,
    pub(crate) params: &'a Mapping,
    /// `vars:` of whatever names it.
    pub(crate) own: Arc<Written>,
    pub(crate) options: RoleOptions,
    pub(crate) parents: Vec<Arc<RoleDefinition>>,
    /// The folder of the role that depends on it.
    pub(crate) beside: Option<&'a Path>,
}

/// A role with what is to run.
pub(crate) struct LoadedRole {
    pub(crate) role: Arc<Role>,
    pub(crate) items: Vec<Item>,
    pub(crate) handlers: Vec<Item>,
}

impl Loader {
    /// Reads the roles that a play names; every fault at once.
    pub(super) fn play_roles(
        &self,
        head: &PlayHead,
        context: &Context,
        handlers: &mut Vec<Item>,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let (mut items, mut roles, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &head.play.roles {
            match self.entry(entry, head, context, (&[], None), 0) {
                Ok(loaded) => {
                    items.extend(loaded.items);
                    handlers.extend(loaded.handlers);
                    roles.push(loaded.role);
                }
                Err(found) => faults.extend(found),
            }
        }
        head.roles.lead(roles);
        if faults.is_empty() { Ok(items) } else { Err(faults) }
    }

    /// Reads a role that a play or another role's meta file names.
    fn entry(
        &self,
        entry: &RoleEntry,
        head: &PlayHead,
        context: &Context,
        (parents, beside): (&[Arc<RoleDefinition>], Option<&Path>),
        depth: usize,
    ) -> Result<LoadedRole, Vec<Fault>> {
        let name = self.name(&entry.role, head, context).map_err(|fault| vec![fault])?;
        let wanted = RoleWanted {
            name,
            span: &entry.span,
            keywords: &entry.keywords,
            params: &entry.params,
            own: Arc::new(Written::new(&entry.keywords.vars, false)),
            options: RoleOptions::default(),
            parents: parents.to_vec(),
            beside,
        };
        self.role(&wanted, head, context, depth)
    }

    /// Reads a role and what it depends on.
    pub(crate) fn role(
        &self,
        wanted: &RoleWanted<'_>,
        head: &PlayHead,
        outer: &Context,
        depth: usize,
    ) -> Result<LoadedRole, Vec<Fault>> {
        if depth > DEEPEST {
            let message = "A recursion loop was detected with the roles specified. Make sure child roles do not have \
                           dependencies on parent roles";
            return Err(vec![Fault::new(message).kind(rplay_event::FaultKind::Setup).at(wanted.span)]);
        }
        let search = Search { base: &head.folder, beside: wanted.beside, collections: &outer.collections };
        let place = self.paths.role(&wanted.name, &search, wanted.span).map_err(|fault| vec![fault])?;
        let definition = Arc::new(self.definition(wanted, &place)?);
        let meta = self.role_meta(&place.name, &place.path, wanted.span)?;
        let mut context = outer.take(wanted.keywords);
        context.collections = collections(&place, &meta);
        let mut chain = wanted.parents.clone();
        chain.push(Arc::clone(&definition));
        let (mut items, mut handlers, mut dependencies) = (Vec::new(), Vec::new(), Vec::new());
        let mut below = context.clone();
        below.collections = searched(&place, &context.collections);
        let dependencies_beside = place.path.parent();
        for entry in &meta.meta.dependencies {
            let loaded = self.entry(entry, head, &below, (&chain, dependencies_beside), depth + 1)?;
            items.extend(loaded.items);
            handlers.extend(loaded.handlers);
            dependencies.push(loaded.role);
        }
        let allows = meta.meta.allow_duplicates.as_ref().and_then(Node::as_bool).unwrap_or(false);
        let options = &wanted.options;
        let role = Arc::new(Role::new(
            Arc::clone(&definition),
            wanted.parents.clone(),
            dependencies,
            (options.allow_duplicates.unwrap_or(allows), self.is_public(options)),
            head.roles.progress(identity(wanted, &definition)),
        ));
        context.role = Some(Arc::clone(&role));
        let own = self.role_steps(wanted, &place, &meta, (head, &context), depth)?;
        items.extend(own.0);
        handlers.extend(own.1);
        items.push(role_end(&context, wanted.span));
        Ok(LoadedRole { role, items, handlers })
    }

    fn is_public(&self, options: &RoleOptions) -> bool {
        options.public.unwrap_or_else(|| self.private_role_vars.map_or(!options.dynamic, |private| !private))
    }

    fn definition(&self, wanted: &RoleWanted<'_>, place: &Place) -> Result<RoleDefinition, Vec<Fault>> {
        let files =
            |folder, from| Wanted { role: &place.name, path: &place.path, folder, from, folders: true };
        let options = &wanted.options;
        Ok(RoleDefinition {
            vars: self.role_vars(&files("vars", options.vars_from.as_deref()), wanted.span)?,
            defaults: self.role_vars(&files("defaults", options.defaults_from.as_deref()), wanted.span)?,
            name: place.name.clone(),
            collection: place.collection.clone(),
            path: place.path.display().to_string(),
            params: Arc::new(Written::new(wanted.params, false)),
            own: Arc::clone(&wanted.own),
        })
    }

    /// Reads the role's own tasks and handlers.
    fn role_steps(
        &self,
        wanted: &RoleWanted<'_>,
        place: &Place,
        meta: &Meta,
        (head, context): (&PlayHead, &Context),
        depth: usize,
    ) -> Result<(Vec<Item>, Vec<Item>), Vec<Fault>> {
        let options = &wanted.options;
        let files =
            |folder, from| Wanted { role: &place.name, path: &place.path, folder, from, folders: false };
        let one = |fault: Fault| vec![fault];
        let tasks = files("tasks", options.tasks_from.as_deref()).files(wanted.span).map_err(one)?;
        let mut items = Vec::new();
        if let (Some(specs), false, Some(role)) = (&meta.specs, options.skip_validation, &context.role) {
            let entry = options.tasks_from.as_deref().unwrap_or("main");
            if let Some(task) = validation(specs, entry, &role.definition, wanted.params) {
                let mut inner = context.clone();
                inner.folders = folders(context, &place.path.join("tasks/main.yml"), &head.folder);
                items.extend(self.steps(&[Step::Task(Box::new(task))], &inner, head, depth)?);
            }
        }
        if let Some(file) = tasks.first() {
            items.extend(self.role_file(file, (head, context), false, depth)?);
        }
        let mut among = context.clone();
        among.handlers = true;
        let found = files("handlers", options.handlers_from.as_deref()).files(wanted.span).map_err(one)?;
        let handlers = match found.first() {
            Some(file) => self.role_file(file, (head, &among), true, depth)?,
            None => Vec::new(),
        };
        Ok((items, handlers))
    }

    fn role_file(
        &self,
        file: &Path,
        (head, context): (&PlayHead, &Context),
        handlers: bool,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let (text, _) = self.reader.text(file).map_err(|fault| vec![fault])?;
        let shown = file.display().to_string();
        let read = if handlers { parse_handlers } else { parse_tasks };
        let loaded = read(&shown, &text, &*self.is_action)?;
        self.tell(&loaded.warnings)?;
        let inner = Context { folders: folders(context, file, &head.folder), ..context.clone() };
        self.steps(&loaded.value, &inner, head, depth + 1)
    }

    /// Puts the role of an `import_role` in place.
    pub(super) fn import_role(
        &self,
        task: &Task,
        context: &Context,
        head: &PlayHead,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let one = |fault: Fault| vec![fault];
        let inner = context.inside(&task.keywords);
        let text = |key: &str| -> Result<Option<String>, Vec<Fault>> {
            let node = task.args.named.get(key).filter(|node| !node.is_null());
            node.map(|node| self.name(node, head, &inner)).transpose().map_err(one)
        };
        let flag = |key: &str| text(key).map(|text| text.map(|text| is_yes(&text)));
        let Some(name) = text("name")?.or(text("role")?) else {
            let message = format!("'name' is a required field for {}.", task.action.name);
            return Err(one(Fault::new(message).at(&task.action.span)));
        };
        let options = RoleOptions {
            tasks_from: text("tasks_from")?,
            vars_from: text("vars_from")?,
            defaults_from: text("defaults_from")?,
            handlers_from: text("handlers_from")?,
            public: flag("public")?,
            allow_duplicates: Some(flag("allow_duplicates")?.unwrap_or(true)),
            skip_validation: flag("rolespec_validate")? == Some(false),
            dynamic: false,
        };
        let own = Arc::new(Written::new(&task.keywords.vars, false));
        let loaded = self.brought_role(&name, (own, options), head, &inner, (&task.span, depth + 1))?;
        Ok(loaded)
    }

    /// Reads the role of an import or include, and makes it known to the play.
    ///
    /// `context` is that of what the role brings in.
    pub(crate) fn brought_role(
        &self,
        name: &str,
        (own, options): (Arc<Written>, RoleOptions),
        head: &PlayHead,
        context: &Context,
        (span, depth): (&Span, usize),
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let mut context = context.clone();
        context.below_role();
        let wanted = RoleWanted {
            name: name.to_owned(),
            span,
            keywords: &Keywords::default(),
            params: &Mapping::default(),
            own,
            options,
            parents: context.role.as_ref().map(|role| role.chain()).unwrap_or_default(),
            beside: None,
        };
        let loaded = self.role(&wanted, head, &context, depth)?;
        head.roles.add(&loaded.role);
        head.roles.add_handlers(loaded.handlers);
        Ok(loaded.items)
    }
}

/// Returns whether a role's variables are hidden from the rest of the play; `None` where nobody has said so.
pub(crate) fn private_role_vars(config: &Config) -> Option<bool> {
    const SETTING: &str = "DEFAULT_PRIVATE_ROLE_VARS";
    config.is_set(SETTING).then(|| config.flag(SETTING))
}

/// Returns what the places of a role in a play have to share to be one and the same.
fn identity(wanted: &RoleWanted<'_>, role: &RoleDefinition) -> String {
    let list =
        |nodes: &[Node]| nodes.iter().map(|node| node.to_json().to_string()).collect::<Vec<_>>().join(",");
    let path = std::fs::canonicalize(&role.path)
        .map_or_else(|_| role.path.clone(), |path| path.display().to_string());
    let options = &wanted.options;
    let from = [&options.tasks_from, &options.vars_from, &options.defaults_from, &options.handlers_from];
    format!(
        "{}\0{path}\0{}\0{}\0{}\0{from:?}\0{:?}\0{}",
        role.full_name(),
        Node::map(wanted.params.clone(), wanted.span).to_json(),
        list(&wanted.keywords.when),
        list(&wanted.keywords.tags),
        wanted.own.sorted(),
        options.allow_duplicates.is_some(),
    )
}

/// Returns the collections that the names of a role's actions are looked for in.
fn collections(place: &Place, meta: &Meta) -> Arc<[String]> {
    let mut found: Vec<String> = place.collection.iter().cloned().collect();
    for name in meta.meta.keywords.collections.iter().filter_map(Node::as_str) {
        if !found.iter().any(|other| other == name) {
            found.push(name.to_owned());
        }
    }
    if !found.is_empty()
        && !found.iter().any(|name| matches!(name.as_str(), "ansible.builtin" | "ansible.legacy"))
    {
        found.push(if place.collection.is_some() { "ansible.builtin" } else { "ansible.legacy" }.to_owned());
    }
    found.into()
}

/// Returns where a role's dependencies are looked for: in its own collection first.
fn searched(place: &Place, collections: &[String]) -> Arc<[String]> {
    let own = place.collection.iter().cloned();
    let others = collections.iter().filter(|name| Some(*name) != place.collection.as_ref()).cloned();
    let mut searched: Vec<String> = own.chain(others).collect();
    if !searched.iter().any(|name| name == "ansible.legacy") {
        searched.push("ansible.legacy".to_owned());
    }
    searched.into()
}

/// Returns the task that marks the end of a role.
fn role_end(context: &Context, span: &Span) -> Item {
    let keywords = Keywords { tags: vec![Node::text("always", span)], ..Keywords::default() };
    let free_form = Some(Node::unsafe_text("role_complete", span));
    let args = rplay_syntax::Args { free_form, ..rplay_syntax::Args::default() };
    let task = plain_task("meta", keywords, args, span);
    let mut context = context.take(&task.keywords);
    context.when.clear();
    let context = Arc::new(context);
    Item::Task(Arc::new(TaskItem {
        outer: Arc::clone(&context),
        task,
        context,
        vars: Arc::default(),
        implicit: true,
    }))
}

/// Returns whether a text is one of YAML's words for true.
pub(crate) fn is_yes(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "1" | "y" | "t")
}

#[cfg(test)]
mod tests;
