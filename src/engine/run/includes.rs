use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Kind, Status};
use rplay_module::params::Kind as ParamKind;
use rplay_module::{ControllerFile, Failure};
use rplay_template::{Scope, Value};
use serde_json::{Map, Value as Json, json};

use super::include_role::inherited;
use super::item::{Brought, Ended, Include};
use super::result::failed;
use super::{Runner, Stop, TaskRun};
use crate::directives;
use crate::hosts::{Host, Tools};
use crate::load::include_path::{Wanted, plain};
use crate::load::{Item, bare, files, tree};
use crate::scopes::{Data, Level, Stack};
use crate::standing::Standing;

impl Runner {
    /// Returns what an include brings in for a host.
    pub(super) fn include_file(&self, task: &TaskRun<'_>, stack: &Stack, scope: &Arc<dyn Scope>) -> Ended {
        let mut args = match directives::arguments(self, task, scope) {
            Ok(args) => args,
            Err((name, error)) => return Self::unrendered(task, name, &error),
        };
        args.shift_remove("apply");
        if args.values().any(Value::is_unknown) {
            return Ended { registered: Some(Value::unknown("include")), ..Ended::default() };
        }
        if bare(&task.item.task.action.name) == "include_role" {
            return Self::role_wanted(stack, &args);
        }
        let Some(file) = args.shift_remove("_raw_params").or_else(|| args.shift_remove("file")) else {
            return Ended::failed("No include file was specified to the include");
        };
        let name = file.text();
        let wanted = Wanted { name: &name, base: &task.play.loaded.head.folder, dynamic: true };
        let path = wanted.find(&task.item.context);
        let mut result = Map::new();
        result.insert("include".to_owned(), json!(name));
        result.insert("include_args".to_owned(), json!({}));
        result.insert("changed".to_owned(), json!(false));
        result.insert("failed".to_owned(), json!(false));
        let include = Include { what: Brought::File { path, name }, vars: loop_data(stack), item: None };
        Ended { include: vec![include], result, ..Ended::default() }
    }

    /// Reads what an include brings in, for the hosts that asked for it, and says so; each counts as a task that went
    /// well. What cannot be read fails these hosts; what is malformed ends the run.
    pub(super) fn bring(
        &self,
        task: &TaskRun<'_>,
        include: &Include,
        hosts: &[Arc<Host>],
    ) -> Result<Option<Vec<Item>>, Stop> {
        let mut context = inherited(task.item, &include.vars);
        let read = match &include.what {
            Brought::File { path, name } => {
                context.step_into(name);
                self.included_tasks(task, path, &context)
            }
            Brought::Role(call) => self.included_role(task, call, &context),
        };
        match read {
            Ok(items) => {
                self.announce(task, include, hosts);
                Ok(Some(items))
            }
            Err(faults) if faults.iter().any(|fault| fault.kind == FaultKind::Playbook) => {
                Err(Stop::Faults(faults))
            }
            Err(faults) => {
                self.include_fails(task, include, faults, hosts);
                Ok(None)
            }
        }
    }

    fn included_tasks(
        &self,
        task: &TaskRun<'_>,
        path: &Path,
        context: &crate::load::Context,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        if !path.exists() {
            return Err(vec![tree::absent(path).at(&task.item.task.span)]);
        }
        self.loader.task_file(&plain(path), context, &task.play.loaded.head, 0)
    }

    /// Says what is brought in for whom.
    fn announce(&self, task: &TaskRun<'_>, include: &Include, hosts: &[Arc<Host>]) {
        hosts.iter().for_each(|host| host.count(|counts| counts.ok += 1));
        self.emit(Kind::Included {
            task: task.id,
            file: match &include.what {
                // As it was put together, whatever `.` and `..` are in it.
                Brought::File { path, .. } => self.settings.folder.join(path).display().to_string(),
                Brought::Role(call) => call.name.clone(),
            },
            hosts: hosts.iter().map(|host| host.name.to_string()).collect(),
            item: include.item.clone(),
        });
    }

    /// An included file that cannot be read fails the hosts that asked for it, not the run.
    fn include_fails(&self, task: &TaskRun<'_>, include: &Include, faults: Vec<Fault>, hosts: &[Arc<Host>]) {
        let mut message = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
        if let (Brought::File { .. }, Some(path)) = (&include.what, tree::absent_path(&message)) {
            message = format!("Could not find or access '{path}' on the Ansible Controller: {message}");
        }
        for (index, fault) in faults.into_iter().enumerate() {
            self.fault(if index == 0 { Fault { message: message.clone(), ..fault } } else { fault });
        }
        for host in hosts {
            let mut ended = Ended::failed("");
            ended.result.shift_remove("msg");
            if let Brought::File { name, .. } = &include.what {
                ended.set("include", name.clone());
            }
            ended.set("reason", message.clone());
            ended.told = true;
            host.count(|counts| counts.failed += 1);
            // The result of a loop holds the results of its items, none of which is told: it has its heading alone.
            ended.looped = task.item.task.looping.is_some();
            self.emit(Kind::TaskDone { result: self.told(task, host, &ended, Status::Failed) });
            if !host.standing().has_fallen() {
                host.stand(Standing::mark);
                host.stand(Standing::fail);
            }
        }
    }

    /// Reads the inventory anew.
    pub(super) fn refresh_inventory(&self) -> Result<(), Fault> {
        let environment = self.settings.environment.iter();
        let tools = Tools {
            reader: &self.loader.reader,
            emitter: &self.emitter,
            template: &self.template,
            children: &self.children,
            extra: &self.extra,
            env: environment.map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        self.hosts.refresh(&self.settings, &tools)
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
    ) -> Result<ControllerFile, Box<Ended>> {
        let path = self
            .needle(task, folder, given)
            .map_err(|failure| Box::new(Self::unfound(task, failure.message)))?;
        if *kind != ParamKind::ControllerTemplate {
            let encrypted = std::fs::read(&path).is_ok_and(|bytes| crate::vault::is_vault(&bytes));
            let wanted = options.get("decrypt").and_then(Json::as_bool).unwrap_or(true);
            if wanted
                && path.is_dir()
                && let Some(file) = sealed_within(&path)
            {
                let text = self.loader.reader.text(&file);
                text.map_err(|fault| Box::new(Self::sealed(task, &file, fault.message)))?;
                let message = format!(
                    "could not copy {}: {} in it is encrypted, and files in folders are not decrypted yet; copy it by \
                     itself, or say decrypt: false",
                    path.display(),
                    file.display()
                );
                return Err(Box::new(failed(&Failure::new(message))));
            }
            if !(encrypted && wanted) {
                return Ok(ControllerFile { path, content: None });
            }
            let text = self.loader.reader.text(&path);
            let (text, _) = text.map_err(|fault| Box::new(Self::sealed(task, &path, fault.message)))?;
            return Ok(ControllerFile { path, content: Some(text.into_bytes()) });
        }
        self.controller_template(task, &path, given, options, scope)
    }

    /// Returns the end of a task whose file is nowhere: `copy` words it in its own way.
    pub(crate) fn unfound(task: &TaskRun<'_>, message: String) -> Ended {
        if bare(&task.item.task.action.name) == "copy" {
            return Ended::refused(format!("Unexpected AnsibleActionFail error: {message}"));
        }
        if matches!(bare(&task.item.task.action.name), "assemble" | "unarchive" | "uri") {
            return Ended::refused(format!("Task failed: {message}"));
        }
        let mut ended = Ended::failed(message.as_str());
        ended.causes = vec![Fault::new("Task failed.").at(&task.item.task.span), Fault::new(message).apart()];
        ended
    }

    /// Returns the end of a task whose file cannot be decrypted.
    fn sealed(task: &TaskRun<'_>, path: &std::path::Path, message: String) -> Ended {
        if message != crate::vault::Reason::NoSecrets.to_string() {
            return failed(&Failure::new(message));
        }
        let message = format!("A vault password or secret must be specified to decrypt {}", path.display());
        let mut ended = Ended::failed(format!("Task failed: {message}"));
        ended.causes = vec![Fault::new("Task failed.").at(&task.item.task.span), Fault::new(message)];
        ended
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
            let mut looked: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
            // Ansible looks beside the playbook once more where it has been there for the task itself.
            if let [only] = folders.as_slice() {
                looked.extend([format!("{only}/{folder}/{given}"), format!("{only}/{given}")]);
            }
            let searched = if given.starts_with('/') {
                String::new()
            } else {
                format!("\nSearched in:\n\t{}", looked.join("\n\t"))
            };
            Failure::new(format!(
                "Could not find or access '{given}'{searched} on the Ansible Controller.\nIf you are using a module and \
                 expect the file to exist on the remote, see the remote_src option"
            ))
        })
    }
}

/// Returns a file in the folder, or in those in it, that is encrypted.
fn sealed_within(folder: &std::path::Path) -> Option<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // The folder's own files come before those of the folders in it.
    paths.sort_by_key(|path| (path.is_dir(), path.clone()));
    paths.into_iter().find_map(|path| {
        if path.is_dir() && !path.is_symlink() {
            return sealed_within(&path);
        }
        let mut start = Vec::new();
        let file = std::fs::File::open(&path).ok().filter(|_| path.is_file())?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 64), &mut start).ok()?;
        crate::vault::is_vault(&start).then_some(path)
    })
}

/// Loop variables of an include are there for what it brings in.
fn loop_data(stack: &Stack) -> Vec<Arc<Data>> {
    stack.at(Level::LoopVars)
}

fn absolute(folder: &std::path::Path, path: &std::path::Path) -> String {
    let joined = folder.join(path);
    std::path::absolute(&joined).unwrap_or(joined).components().collect::<PathBuf>().display().to_string()
}
