use std::path::PathBuf;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Kind};
use rplay_module::params::Kind as ParamKind;
use rplay_module::{ControllerFile, Failure};
use rplay_syntax::Node;
use rplay_template::{FileTemplate, Scope, Value};
use serde_json::Value as Json;

use super::item::{Ended, Include};
use super::{PlayRun, Runner, Stop, TaskRun};
use crate::directives;
use crate::hosts::Host;
use crate::load::{TaskItem, files, tree};
use crate::scopes::{Data, Level, Stack};

impl Runner {
    /// Returns which file an `include_tasks` brings in for a host.
    pub(super) fn include_file(&self, task: &TaskRun<'_>, stack: &Stack, scope: &Arc<dyn Scope>) -> Ended {
        let Some(node) = tree::file_argument(&task.item.task) else {
            return Ended::failed("No include file was specified to the include");
        };
        let name = match self.template.render(&node, scope) {
            Ok(rendered) if rendered.marks.unknown => {
                return Ended { registered: Some(Value::unknown("include")), ..Ended::default() };
            }
            Ok(rendered) => rendered.value.text(),
            Err(error) => {
                return Self::wrong(task, &error, "Task failed", &[]);
            }
        };
        match tree::found(&task.item.context.folders, &name, &node.span) {
            Ok(path) => Ended {
                include: vec![Include { path, vars: loop_data(stack), item: None }],
                ..Ended::default()
            },
            Err(fault) => {
                let message = format!("{}. {}", fault.message, fault.help.clone().unwrap_or_default());
                self.fault(fault);
                let mut ended = Ended::failed(message);
                ended.set("reason", format!("Could not find or access '{name}'"));
                ended
            }
        }
    }

    /// Says what is brought in for whom; each file counts as a task that went well.
    pub(super) fn announce(&self, include: &Include, hosts: &[Arc<Host>]) {
        hosts.iter().for_each(|host| host.count(|counts| counts.ok += 1));
        self.emit(Kind::Included {
            file: absolute(&self.settings.folder, &include.path),
            hosts: hosts.iter().map(|host| host.name.to_string()).collect(),
            item: include
                .item
                .as_ref()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)),
        });
    }

    /// Reads an included file and runs it on the hosts that asked for it.
    pub(super) async fn include(
        self: &Arc<Self>,
        task: &TaskRun<'_>,
        include: &Include,
        hosts: &[Arc<Host>],
        rescued: bool,
    ) -> Result<(), Stop> {
        let context = Self::included_context(task.item, include);
        let read = self.loader.task_file(&include.path, &context, &task.play.loaded.head.vars, 0);
        let items = match read {
            Ok(items) => items,
            Err(faults) => return self.include_fails(task, faults, hosts, rescued),
        };
        let items = Box::new(items);
        self.steps(task.play, &items, hosts, rescued).await
    }

    /// An included file that cannot be read fails the hosts that asked for it, not the run.
    fn include_fails(
        &self,
        task: &TaskRun<'_>,
        faults: Vec<Fault>,
        hosts: &[Arc<Host>],
        rescued: bool,
    ) -> Result<(), Stop> {
        let message = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
        faults.into_iter().for_each(|fault| self.fault(fault));
        for host in hosts {
            self.finish(task, host, &Ended::failed(message.clone()), rescued)?;
        }
        Ok(())
    }

    /// What stands in an included file inherits the include's `when` and `vars`, and of its `apply:` the rest.
    fn included_context(item: &TaskItem, include: &Include) -> crate::load::Context {
        let mut context = (*item.context).clone();
        // Tags of a dynamic include choose the include alone.
        context.tags =
            context.tags.iter().filter(|tag| !item.task.keywords.tags.contains(tag)).cloned().collect();
        context.when =
            context.when.iter().filter(|when| !item.task.keywords.when.contains(when)).cloned().collect();
        if !item.vars.is_empty() {
            context.include_vars.push(Arc::clone(&item.vars));
        }
        context.include_data.extend(include.vars.iter().cloned());
        context.folders = tree::nearer(&context.folders, &include.path);
        if let Some(apply) = item.task.args.named.get("apply")
            && let Ok(keywords) = rplay_syntax::parse_apply(apply)
        {
            context = context.inside(&keywords);
        }
        context
    }

    /// Runs `meta`, which has no result of its own.
    pub(super) async fn meta(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        item: &TaskItem,
        hosts: &[Arc<Host>],
    ) -> Result<(), Stop> {
        let what = item.task.args.free_form.as_ref().and_then(Node::as_str).unwrap_or_default();
        let mut on = Vec::new();
        for host in hosts {
            let scope = self.task_scope(run, host, item).shared();
            if self.holds(item, &scope)? {
                on.push(Arc::clone(host));
            }
        }
        match what {
            "noop" => Ok(()),
            "flush_handlers" => self.flush_handlers(run).await,
            "end_host" => {
                on.iter().for_each(|host| host.end());
                Ok(())
            }
            "end_play" | "end_batch" => {
                if !on.is_empty() {
                    run.hosts.iter().for_each(|host| host.end());
                }
                Ok(())
            }
            "clear_host_errors" => {
                run.hosts.iter().for_each(|host| host.revive());
                Ok(())
            }
            "clear_facts" => {
                on.iter().for_each(|host| host.forget());
                Ok(())
            }
            other => Err(Fault::new(format!("invalid meta action requested: {other}"))
                .at(&item.task.action.span)
                .kind(FaultKind::Playbook)
                .into()),
        }
    }

    fn holds(&self, item: &TaskItem, scope: &Arc<dyn Scope>) -> Result<bool, Stop> {
        for node in &item.context.when {
            let condition = self
                .template
                .condition(node, scope)
                .map_err(|error| Stop::from(Fault::new(error.to_string()).at(&node.span)))?;
            if condition.truth == rplay_template::Tri::False {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds a file beside the role or playbook, and renders it where it is a template.
    pub(super) fn controller_file(
        &self,
        task: &TaskRun<'_>,
        folder: &str,
        given: &str,
        kind: &ParamKind,
        options: &Json,
        scope: &Arc<dyn Scope>,
    ) -> Result<ControllerFile, Failure> {
        let path = self.needle(task, folder, given)?;
        if *kind != ParamKind::ControllerTemplate {
            let encrypted = std::fs::read(&path).is_ok_and(|bytes| crate::vault::is_vault(&bytes));
            let wanted = options.get("decrypt").and_then(Json::as_bool).unwrap_or(true);
            if !(encrypted && wanted) {
                return Ok(ControllerFile { path, content: None });
            }
            let (text, _) = self.loader.reader.text(&path).map_err(|fault| Failure::new(fault.message))?;
            return Ok(ControllerFile { path, content: Some(text.into_bytes()) });
        }
        let (text, _) = self.loader.reader.text(&path).map_err(|fault| Failure::new(fault.message))?;
        let shown = path.display().to_string();
        let file = FileTemplate {
            text: &text,
            name: &shown,
            overrides: directives::overrides(options),
            folders: tree::nearer(&task.item.context.folders, &path).to_vec(),
        };
        let scope = Self::template_scope(&path, scope);
        let rendered = self
            .template
            .render_file(&file, &scope)
            .map_err(|error| Failure::new(format!("AnsibleError: {error}")))?;
        Ok(ControllerFile { path, content: Some(rendered.value.text().into_bytes()) })
    }

    /// Finds a file where Ansible looks for it: in the folder of that name beside role, task file and playbook.
    pub(crate) fn needle(&self, task: &TaskRun<'_>, folder: &str, given: &str) -> Result<PathBuf, Failure> {
        let given = given.strip_prefix("~/").map_or_else(
            || given.to_owned(),
            |rest| {
                self.settings
                    .home
                    .as_ref()
                    .map_or_else(|| given.to_owned(), |home| home.join(rest).display().to_string())
            },
        );
        let folders: Vec<String> = task
            .item
            .context
            .folders
            .iter()
            .map(|inner| absolute(&self.settings.folder, inner.as_ref()))
            .collect();
        files::find(&folders, Some(folder), &given).map_err(|looked| {
            let looked: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
            Failure::new(format!(
                "Could not find or access '{given}'\nSearched in:\n\t{} on the Ansible Controller.\nIf you are using a \
                 module and expect the file to exist on the remote, see the remote_src option",
                looked.join("\n\t")
            ))
        })
    }

    /// The variables that only a file template has: which file it is, whose, and when.
    fn template_scope(path: &std::path::Path, scope: &Arc<dyn Scope>) -> Arc<dyn Scope> {
        let text = |value: String| Value::from_json(Json::from(value));
        let mut data = Data::new();
        let shown = path.display().to_string();
        data.insert("template_path".into(), text(shown.clone()));
        data.insert("template_fullpath".into(), text(shown.clone()));
        data.insert("template_host".into(), text(crate::machine::host_name()));
        data.insert("template_uid".into(), text(crate::machine::owner(path)));
        data.insert("template_mtime".into(), text(crate::machine::modified(path)));
        data.insert("ansible_managed".into(), text("Ansible managed".to_owned()));
        let mut stack = Stack::new(scope.search_path().into());
        stack.push(Level::LoopVars, crate::scopes::Layer::Data(Arc::new(data)));
        stack.push(Level::RoleDefaults, crate::scopes::Layer::Magic(Arc::clone(scope)));
        stack.shared()
    }
}

/// Loop variables of an include are there for what it brings in.
fn loop_data(stack: &Stack) -> Vec<Arc<Data>> {
    stack.at(Level::LoopVars)
}

fn absolute(folder: &std::path::Path, path: &std::path::Path) -> String {
    let joined = folder.join(path);
    std::path::absolute(&joined).unwrap_or(joined).components().collect::<PathBuf>().display().to_string()
}
