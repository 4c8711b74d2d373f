use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Span};
use rplay_syntax::{Entry, Node, Play, Step, Task, Warning, WarningKind};
use rplay_template::{Engine, Scope};

use super::files::{Reader, find};
use super::{Context, PlayHead, bare, unbuilt};
use crate::emit::Emitter;
use crate::scopes::{Level, Stack, Written};

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

pub(crate) struct TaskItem {
    pub(crate) task: Task,
    /// With the task's own keywords, except `vars`.
    pub(crate) context: Arc<Context>,
    pub(crate) vars: Arc<Written>,
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
    /// Whether an action of this name exists.
    pub(crate) is_action: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Loader {
    /// Reads a playbook and those it imports; every fault of a file at once.
    pub(crate) fn playbook(&self, path: &Path) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        self.playbook_within(path, &Context::default(), 0)
    }

    fn playbook_within(
        &self,
        path: &Path,
        outer: &Context,
        depth: usize,
    ) -> Result<Vec<LoadedPlay>, Vec<Fault>> {
        if depth > 50 {
            return Err(vec![Fault::new(format!("{} imports itself", path.display()))]);
        }
        let (text, _) = self.reader.text(path).map_err(|fault| vec![fault])?;
        let shown = path.display().to_string();
        let loaded = rplay_syntax::parse_playbook(&shown, &text, &*self.is_action)?;
        self.tell(&loaded.warnings);
        let folder = folder_of(path);
        let (mut plays, mut faults) = (Vec::new(), Vec::new());
        for entry in loaded.value.entries {
            let read = match entry {
                Entry::Play(play) => self.play(*play, outer, &folder, &shown).map(|play| vec![play]),
                Entry::ImportPlaybook(import) => {
                    let context = outer.inside(&import.keywords);
                    match self.name(&import.path, &Written::default()) {
                        Ok(name) => self.playbook_within(&Path::new(&folder).join(name), &context, depth + 1),
                        Err(fault) => Err(vec![fault]),
                    }
                }
            };
            match read {
                Ok(read) => plays.extend(read),
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(plays) } else { Err(faults) }
    }

    pub(super) fn play(
        &self,
        play: Play,
        outer: &Context,
        folder: &str,
        file: &str,
    ) -> Result<LoadedPlay, Vec<Fault>> {
        let mut faults = Vec::new();
        unbuilt::of_play(&play, &mut faults);
        let play = Arc::new(play);
        let vars = Arc::new(Written::new(&play.keywords.vars, false));
        let context = Context { folders: vec![folder.to_owned()].into(), ..outer.take(&play.keywords) };
        let mut section = |steps: &[Step]| {
            self.steps(steps, &context, &vars, 0).unwrap_or_else(|found| {
                faults.extend(found);
                Vec::new()
            })
        };
        let (pre_tasks, tasks) = (section(&play.pre_tasks), section(&play.tasks));
        let (post_tasks, handlers) = (section(&play.post_tasks), section(&play.handlers));
        if !faults.is_empty() {
            return Err(faults);
        }
        let head = PlayHead { vars, folder: folder.to_owned(), file: file.into(), play };
        Ok(LoadedPlay { head, context: Arc::new(context), pre_tasks, tasks, post_tasks, handlers })
    }

    /// Puts keywords and static imports in place.
    fn steps(
        &self,
        steps: &[Step],
        context: &Context,
        vars: &Written,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let (mut items, mut faults) = (Vec::new(), Vec::new());
        for step in steps {
            let read = match step {
                Step::Block(block) => self.block(block, context, vars, depth),
                Step::Task(task) if bare(&task.action.name) == "import_tasks" => {
                    self.import(task, context, vars, depth)
                }
                Step::Task(task) => {
                    unbuilt::of_task(task, &mut faults);
                    let inner = Arc::new(context.take(&task.keywords));
                    let own = Arc::new(Written::new(&task.keywords.vars, false));
                    Ok(vec![Item::Task(Arc::new(TaskItem {
                        task: (**task).clone(),
                        context: inner,
                        vars: own,
                    }))])
                }
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
        vars: &Written,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let mut faults = Vec::new();
        unbuilt::of_keywords(&block.keywords, &mut faults);
        let inner = context.inside(&block.keywords);
        let mut part = |steps: &[Step]| {
            self.steps(steps, &inner, vars, depth).unwrap_or_else(|found| {
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
        vars: &Written,
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
        let name = self.name(&node, vars).map_err(|fault| vec![fault])?;
        let mut inner = context.inside(&task.keywords);
        let path = found(&inner.folders, &name, &node.span).map_err(|fault| vec![fault])?;
        inner.folders = nearer(&inner.folders, &path);
        self.task_file(&path, &inner, vars, depth + 1)
    }

    /// Reads a file with a list of tasks, in a context.
    pub(crate) fn task_file(
        &self,
        path: &Path,
        context: &Context,
        vars: &Written,
        depth: usize,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        if depth > 100 {
            return Err(vec![Fault::new(format!("{} imports itself", path.display()))]);
        }
        let (text, _) = self.reader.text(path).map_err(|fault| vec![fault])?;
        let loaded = rplay_syntax::parse_tasks(&path.display().to_string(), &text, &*self.is_action)?;
        self.tell(&loaded.warnings);
        self.steps(&loaded.value, context, vars, depth)
    }

    /// Renders the name of a static import: only variables that are known before any task can be in it.
    fn name(&self, node: &Node, vars: &Written) -> Result<String, Fault> {
        let mut stack = Stack::default();
        stack.written(Level::PlayVars, &Arc::new(vars.clone()));
        for extra in self.extra.iter() {
            stack.written(Level::ExtraVars, extra);
        }
        let scope: Arc<dyn Scope> = stack.shared();
        let rendered = self.template.render(node, &scope).map_err(|error| {
            Fault::new(format!("the name of an imported file must be known before the run: {error}"))
                .at(&node.span)
        })?;
        Ok(rendered.value.text())
    }

    fn tell(&self, warnings: &[Warning]) {
        for warning in warnings {
            let message = match &warning.help {
                Some(help) => format!("{}: {} ({help})", warning.span, warning.message),
                None => format!("{}: {}", warning.span, warning.message),
            };
            match warning.kind {
                WarningKind::Warning => self.emitter.emit(rplay_event::Kind::Warning { message }),
                WarningKind::Deprecated => self.emitter.emit(rplay_event::Kind::Deprecated { message }),
                WarningKind::Hint => {}
            }
        }
    }
}

/// Returns the file that an include or import names.
pub(crate) fn file_argument(task: &Task) -> Option<Node> {
    task.args.free_form.clone().or_else(|| task.args.named.get("file").cloned())
}

/// Returns the file of tasks, or says where it was looked for.
pub(crate) fn found(folders: &[String], name: &str, span: &Span) -> Result<PathBuf, Fault> {
    find(folders, Some("tasks"), name).map_err(|looked| {
        let looked: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
        Fault::new(format!("Could not find or access '{name}'"))
            .kind(FaultKind::Setup)
            .at(span)
            .help(format!("looked for {}", looked.join(", ")))
    })
}

/// Returns the folders with that of the file before them.
pub(crate) fn nearer(folders: &Arc<[String]>, file: &Path) -> Arc<[String]> {
    let folder = folder_of(file);
    if folders.first() == Some(&folder) {
        return Arc::clone(folders);
    }
    std::iter::once(folder.clone()).chain(folders.iter().filter(|other| **other != folder).cloned()).collect()
}

fn folder_of(path: &Path) -> String {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.display().to_string(),
        _ => ".".to_owned(),
    }
}
