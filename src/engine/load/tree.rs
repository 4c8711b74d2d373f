use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Span};
use rplay_syntax::{Entry, ImportPlaybook, Keywords, Node, Play, Step, Task, Warning, WarningKind};
use rplay_template::{Engine, Scope, Value};
use serde_json::json;

use super::collections::collection_of;
use super::files::Reader;
use super::include_path::{Wanted, plain};
use super::{Context, PlayHead, SearchPaths, bare};
use crate::emit::Emitter;
use crate::scopes::{Layer, Level, Stack, Written};

/// A play, ready to run.
pub(crate) struct LoadedPlay {
    pub(crate) head: PlayHead,
    pub(crate) context: Arc<Context>,
    pub(crate) pre_tasks: Vec<Item>,
    pub(crate) tasks: Vec<Item>,
    pub(crate) post_tasks: Vec<Item>,
    pub(crate) handlers: Vec<Item>,
}

/// A task or a block, with what it inherits.
#[derive(Clone)]
pub(crate) enum Item {
    Task(Arc<TaskItem>),
    Block(Arc<BlockItem>),
}

#[derive(Clone)]
pub(crate) struct TaskItem {
    pub(crate) task: Task,
    /// With the task's own keywords, except `vars`.
    pub(crate) context: Arc<Context>,
    /// What stands around the task: what an include hands on.
    pub(crate) outer: Arc<Context>,
    pub(crate) vars: Arc<Written>,
    /// No one wrote it.
    pub(crate) implicit: bool,
}

impl TaskItem {
    /// Returns what a heading calls the task, whose own name may be none.
    pub(crate) fn heading(&self, own: Option<&str>) -> String {
        let action = &self.task.action.name;
        if bare(action) == "include_role" {
            let named = &self.task.args.named;
            let role =
                named.get("name").or_else(|| named.get("role")).map(|node| node.key_text().into_owned());
            return own.map_or_else(|| format!("{action} : {}", role.unwrap_or_default()), str::to_owned);
        }
        let own = own.unwrap_or(action);
        match &self.context.role {
            Some(role) => format!("{} : {own}", role.definition.full_name()),
            None => own.to_owned(),
        }
    }
}

pub(crate) struct BlockItem {
    pub(crate) block: Vec<Item>,
    pub(crate) rescue: Vec<Item>,
    pub(crate) always: Vec<Item>,
}

/// Reads playbooks and lists of tasks.
#[derive(Clone)]
pub(crate) struct Loader {
    pub(crate) reader: Reader,
    pub(crate) emitter: Emitter,
    pub(crate) template: Engine,
    /// What the names of static imports may use: extra variables.
    pub(crate) extra: Arc<Vec<Arc<Written>>>,
    pub(crate) paths: Arc<SearchPaths>,
    /// `ANSIBLE_PRIVATE_ROLE_VARS`, where it is set.
    pub(crate) private_role_vars: Option<bool>,
    /// Whether an action of this name exists.
    pub(crate) is_action: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Loader {
    /// Reads a playbook and those it imports; every fault of a file at once.
    pub(crate) fn playbook(&self, path: &Path) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let found = if path.exists() { None } else { self.paths.collection_playbook(&folder_of(path), name) };
        let (path, collection) = match found {
            Some((path, collection)) => (path, Some(collection)),
            None => (path.to_owned(), collection_of(path)),
        };
        self.playbook_within(&path, &Imported { collection, ..Imported::default() }, 0)
    }

    fn playbook_within(
        &self,
        path: &Path,
        outer: &Imported,
        depth: usize,
    ) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        if depth > 50 {
            return Err(vec![Fault::new(format!("{} imports itself", path.display()))]);
        }
        let (text, _) = self.reader.text(path).map_err(|fault| vec![fault])?;
        let shown = path.display().to_string();
        let loaded = rplay_syntax::parse_playbook(&shown, &text, &*self.is_action)?;
        self.tell(&loaded.warnings)?;
        let folder = folder_of(path);
        let (mut plays, mut faults) = (Vec::new(), Vec::new());
        for entry in loaded.value.entries {
            let read = match entry {
                Entry::Play(play) => self.play(*play, outer, &folder, &shown).map(|play| vec![play]),
                Entry::ImportPlaybook(import) => self.import_playbook(&import, outer, &folder, depth),
            };
            match read {
                Ok(read) => plays.extend(read),
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(plays) } else { Err(faults) }
    }

    fn import_playbook(
        &self,
        import: &ImportPlaybook,
        outer: &Imported,
        folder: &str,
        depth: usize,
    ) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        let mut vars = Written::new(&import.keywords.vars, false);
        self.extra.iter().for_each(|extra| vars.lay(extra));
        let name = self.rendered(&import.path, vars).map_err(|fault| vec![fault])?;
        let found = self.paths.collection_playbook(folder, &name);
        let (path, collection) = if let Some((path, collection)) = found {
            (path, Some(collection))
        } else {
            let path = plain(&Path::new(folder).join(name));
            let collection = collection_of(&path);
            (path, collection)
        };
        if !path.exists() {
            return Err(vec![absent(&path).at(&import.path.span)]);
        }
        self.playbook_within(&path, &outer.inside(&import.keywords, collection), depth + 1)
    }

    pub(super) fn play(
        &self,
        play: Play,
        outer: &Imported,
        folder: &str,
        file: &str,
    ) -> Result<LoadedPlay, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut vars = Written::new(&play.keywords.vars, false);
        outer.vars.iter().rev().for_each(|imported| vars.lay(imported));
        let mut context =
            Context { folders: vec![folder.to_owned()].into(), ..Context::default().take(&play.keywords) };
        context.tags.extend(outer.tags.iter().cloned());
        context.collections = play_collections(&context.collections, outer.collection.as_ref());
        let head = PlayHead {
            vars: Arc::new(vars),
            folder: folder.to_owned(),
            file: file.into(),
            play: Arc::new(play),
            roles: Arc::default(),
        };
        // The conditions of an import are asked for every task, but for no handler.
        let among_handlers = Context { handlers: true, ..context.clone() };
        context.when.splice(0..0, outer.when.iter().cloned());
        let mut handlers = Vec::new();
        let mut all = |read: Result<Vec<Item>, Vec<Fault>>| {
            read.unwrap_or_else(|found| {
                faults.extend(found);
                Vec::new()
            })
        };
        let mut tasks = all(self.play_roles(&head, &context, &mut handlers));
        let pre_tasks = all(self.steps(&head.play.pre_tasks, &context, &head, 0));
        tasks.extend(all(self.steps(&head.play.tasks, &context, &head, 0)));
        let post_tasks = all(self.steps(&head.play.post_tasks, &context, &head, 0));
        handlers.extend(all(self.steps(&head.play.handlers, &among_handlers, &head, 0)));
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(LoadedPlay { head, context: Arc::new(context), pre_tasks, tasks, post_tasks, handlers })
    }

    /// Puts keywords and static imports in place.
    pub(super) fn steps(
        &self,
        steps: &[Step],
        context: &Context,
        head: &PlayHead,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let (mut items, mut faults) = (Vec::new(), Vec::new());
        let outer = Arc::new(context.clone());
        for step in steps {
            let read = match step {
                Step::Block(block) => self.block(block, context, head, depth),
                Step::Task(task) => match bare(&task.action.name) {
                    "import_tasks" => self.import(task, context, head, depth),
                    "import_role" => self.import_role(task, context, head, depth),
                    _ => {
                        faults.extend(misplaced(task, context));
                        Ok(vec![task_item(task, &outer)])
                    }
                },
            };
            match read {
                Ok(read) => items.extend(read),
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(items) } else { Err(faults) }
    }

    fn block(
        &self,
        block: &rplay_syntax::Block,
        context: &Context,
        head: &PlayHead,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let mut faults = Vec::new();
        let inner = context.inside(&block.keywords);
        let mut part = |steps: &[Step]| {
            self.steps(steps, &inner, head, depth).unwrap_or_else(|found| {
                faults.extend(found);
                Vec::new()
            })
        };
        let (tasks, rescue, always) = (part(&block.block), part(&block.rescue), part(&block.always));
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(vec![Item::Block(Arc::new(BlockItem { block: tasks, rescue, always }))])
    }

    fn import(
        &self,
        task: &Task,
        context: &Context,
        head: &PlayHead,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let Some(node) = file_argument(task) else {
            return Err(vec![Fault::new("import_tasks needs a file").at(&task.action.span)]);
        };
        if let Some(looping) = &task.looping {
            let fault = Fault::new(
                "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.",
            );
            return Err(vec![fault.at(&looping.span)]);
        }
        let mut inner = context.inside(&task.keywords);
        let name = self.name(&node, head, &inner).map_err(|fault| vec![fault])?;
        let wanted = Wanted { name: &name, base: &head.folder, dynamic: false };
        let path = plain(&found(&wanted, &inner, &node.span).map_err(|fault| vec![fault])?);
        inner.step_into(&name);
        let items = self.task_file(&path, &inner, head, depth + 1)?;
        if items.is_empty() {
            self.emitter.warn(format!("file {} is empty and had no tasks to include", path.display()));
        }
        Ok(items)
    }

    /// Reads a file with a list of tasks, in a context.
    pub(crate) fn task_file(
        &self,
        path: &Path,
        context: &Context,
        head: &PlayHead,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        if depth > 100 {
            return Err(vec![Fault::new(format!("{} imports itself", path.display()))]);
        }
        let (text, _) = self.reader.text(path).map_err(|fault| vec![fault])?;
        let read = if context.handlers { rplay_syntax::parse_handlers } else { rplay_syntax::parse_tasks };
        let loaded = read(&path.display().to_string(), &text, &*self.is_action)?;
        self.tell(&loaded.warnings)?;
        let inner = Context { folders: folders(context, path, &head.folder), ..context.clone() };
        self.steps(&loaded.value, &inner, head, depth)
    }

    /// Renders a name that has to be known before the run: facts and the inventory's variables cannot be in it.
    pub(super) fn name(&self, node: &Node, head: &PlayHead, context: &Context) -> Result<String, Fault> {
        if !node.may_be_template() {
            return Ok(node.key_text().into_owned());
        }
        self.text(node, &self.static_stack(head, context).shared())
    }

    /// Returns the variables that are known before the run at a place in a play.
    pub(crate) fn static_stack(&self, head: &PlayHead, context: &Context) -> Stack {
        let mut stack = Stack::new(Arc::clone(&context.folders));
        stack.written(Level::PlayVars, &head.vars);
        for file in self.static_vars_files(head) {
            stack.written(Level::VarsFiles, &file);
        }
        context.layers(&mut stack, &head.roles);
        self.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
        let folder = Value::from_json(json!(head.folder));
        let magic = [(Arc::from("playbook_dir"), folder)].into_iter().collect();
        stack.push(Level::Magic, Layer::Data(Arc::new(magic)));
        stack
    }

    fn rendered(&self, node: &Node, vars: Written) -> Result<String, Fault> {
        let mut stack = Stack::default();
        stack.written(Level::PlayVars, &Arc::new(vars));
        self.text(node, &stack.shared())
    }

    fn text(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<String, Fault> {
        let rendered = self.template.render(node, scope).map_err(|error| {
            let message = format!("Error when evaluating variable in import path {}: {error}", node.key_text());
            let help = "When using static imports, ensure that any variables used in their names are defined in \
                        vars/vars_files\nor extra-vars passed in from the command line. Static imports cannot use \
                        variables from facts or inventory\nsources like group or host vars.";
            Fault::new(message).at(&node.span).help(help)
        })?;
        Ok(rendered.value.text())
    }

    /// Returns those of the play's files of variables whose names and contents are known before the run.
    fn static_vars_files(&self, head: &PlayHead) -> Vec<Arc<Written>> {
        let plain = |node: &&Node| !node.may_be_template();
        let mut files = Vec::new();
        for candidates in &head.play.vars_files {
            let names = candidates.iter().filter(plain).filter_map(Node::as_str);
            let folder = Path::new(&head.folder);
            let mut places = names.flat_map(|name| [folder.join("vars").join(name), folder.join(name)]);
            let read = places.find(|path| path.is_file()).and_then(|path| self.reader.vars(&path).ok());
            files.extend(read.map(|file| file.written));
        }
        files
    }

    pub(super) fn tell(&self, warnings: &[Warning]) -> Result<(), Vec<Fault>> {
        for warning in self.reader.duplicates.judged(warnings.to_vec()).map_err(|fault| vec![fault])? {
            let message = match &warning.help {
                Some(help) => format!("{}: {} ({help})", warning.span, warning.message),
                None => format!("{}: {}", warning.span, warning.message),
            };
            match warning.kind {
                WarningKind::Warning | WarningKind::Duplicate => {
                    self.emitter.emit(rplay_event::Kind::Warning { message });
                }
                WarningKind::Deprecated => self.emitter.emit(rplay_event::Kind::Deprecated { message }),
                WarningKind::Hint => {}
            }
        }
        Ok(())
    }
}

/// Returns the file that an include or import names.
pub(crate) fn file_argument(task: &Task) -> Option<Node> {
    task.args.free_form.clone().or_else(|| task.args.named.get("file").cloned())
}

/// Returns the file of tasks, or says that it is not there.
pub(crate) fn found(wanted: &Wanted<'_>, context: &Context, span: &Span) -> Result<PathBuf, Fault> {
    let path = wanted.find(context);
    if path.exists() {
        return Ok(path);
    }
    Err(absent(&path).at(span))
}

/// Returns what Ansible says of a file that it could not read because there is none.
pub(crate) fn absent(path: &Path) -> Fault {
    let path = path.display();
    let message = format!(
        "Unable to retrieve file contents.\nCould not find or access '{path}' on the Ansible Controller.\nIf you are \
         using a module and expect the file to exist on the remote, see the remote_src option: [Errno 2] No such file \
         or directory: '{path}'"
    );
    Fault::new(message).kind(FaultKind::Setup)
}

/// Returns the file that such a message is about.
pub(crate) fn absent_path(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("Unable to retrieve file contents.\nCould not find or access '")?;
    rest.split_once("' on the Ansible Controller").map(|(path, _)| path)
}

/// Returns where the tasks of a file look for other files: in the roles around, beside the file, beside the play.
pub(super) fn folders(context: &Context, file: &Path, base: &str) -> Arc<[String]> {
    let roles = context.role.as_ref().map(|role| role.chain()).unwrap_or_default();
    let mut folders: Vec<String> = roles.iter().rev().map(|role| role.path.clone()).collect();
    for folder in [folder_of(file), base.to_owned()] {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.into()
}

/// What a playbook inherits from the imports around it.
#[derive(Default)]
pub(super) struct Imported {
    when: Vec<Node>,
    tags: Vec<Node>,
    /// The outermost first, which is also the strongest.
    vars: Vec<Written>,
    collection: Option<String>,
}

impl Imported {
    fn inside(&self, keywords: &Keywords, collection: Option<String>) -> Self {
        let own = Written::new(&keywords.vars, false);
        Self {
            when: self.when.iter().chain(&keywords.when).cloned().collect(),
            tags: self.tags.iter().chain(&keywords.tags).cloned().collect(),
            vars: self.vars.iter().cloned().chain([own]).collect(),
            collection: collection.or_else(|| self.collection.clone()),
        }
    }
}

/// Returns the collections that a play searches: a collection's own playbook begins with its own.
fn play_collections(written: &[String], own: Option<&String>) -> Arc<[String]> {
    let mut names: Vec<String> = own.into_iter().filter(|own| !written.contains(own)).cloned().collect();
    names.extend(written.iter().cloned());
    let is_core = |name: &String| matches!(name.as_str(), "ansible.builtin" | "ansible.legacy");
    if !names.is_empty() && !names.iter().any(is_core) {
        names.push("ansible.legacy".to_owned());
    }
    names.into()
}

fn task_item(task: &Task, outer: &Arc<Context>) -> Item {
    Item::Task(Arc::new(TaskItem {
        task: task.clone(),
        context: Arc::new(outer.take(&task.keywords)),
        outer: Arc::clone(outer),
        vars: Arc::new(Written::new(&task.keywords.vars, false)),
        implicit: false,
    }))
}

/// `meta: end_role` only means something in a role.
fn misplaced(task: &Task, context: &Context) -> Option<Fault> {
    let ends = bare(&task.action.name) == "meta"
        && task.args.free_form.as_ref().and_then(Node::as_str) == Some("end_role");
    if !ends || (context.role.is_some() && !context.handlers) {
        return None;
    }
    let from = if context.handlers { "from a handler" } else { "from outside of a role" };
    Some(Fault::new(format!("Cannot execute 'end_role' {from}")).at(&task.span))
}

fn folder_of(path: &Path) -> String {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.display().to_string(),
        _ => ".".to_owned(),
    }
}
