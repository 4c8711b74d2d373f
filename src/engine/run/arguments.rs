//! What a task hands its module: rendered arguments, the environment, files of the controller's.

use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Kind;
use rplay_module::Module;
use rplay_module::params::{Kind as ParamKind, Spec};
use rplay_syntax::Node;
use rplay_template::{Notice, Scope, TemplateError, Value};
use serde_json::{Map, Value as Json};

use super::certain::dict;
use super::item::{Ended, object};
use super::{Runner, TaskRun};
use crate::directives;
use crate::load::bare;

impl Runner {
    /// Returns the end of a task of which a parameter could not be rendered.
    pub(crate) fn unrendered(task: &TaskRun<'_>, name: Option<String>, error: &TemplateError) -> Ended {
        let whole =
            format!("Finalization of task args for '{}' failed.", full_name(&task.item.task.action.name));
        let mut doing = vec![(whole, task.item.task.action.span.clone())];
        if let Some(name) = name {
            let args = &task.item.task.args;
            let written = args.named.get(&name).or(args.free_form.as_ref());
            let place = written.map_or(&task.item.task.span, |node| &node.span).clone();
            doing.push((format!("Error while resolving value for '{name}'."), place));
        }
        Self::wrong(task, error, "Task failed", &doing)
    }

    /// Renders the arguments: defaults for the module under what the task says.
    pub(super) fn arguments(
        &self,
        task: &TaskRun<'_>,
        action: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, Value>, (Option<String>, TemplateError)> {
        let mut args = self.default_arguments(task, action, scope).map_err(|error| (None, error))?;
        let own = &task.item.task.args;
        if let Some(template) = &own.template {
            let given = self.all_arguments(template, scope).map_err(|error| (None, error))?;
            args.extend(
                given.entries().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))),
            );
        }
        for (key, node) in own.named.iter() {
            let name = key.key_text().into_owned();
            match self.template.render(node, scope) {
                Ok(rendered) if rendered.value.is_omit() => {
                    args.shift_remove(&name);
                }
                Ok(rendered) => {
                    self.tell(&rendered.marks);
                    args.insert(name, rendered.value);
                }
                Err(error) if error.kind == rplay_template::ErrorKind::Omitted => {
                    args.shift_remove(&name);
                }
                Err(error) => return Err((Some(name), error)),
            }
        }
        if let Some(free) = &own.free_form {
            let rendered =
                self.template.render(free, scope).map_err(|error| (Some("_raw_params".to_owned()), error))?;
            self.tell(&rendered.marks);
            if !directives::takes_text(action) && !own.named.is_empty() {
                // What a template leaves over beside `k=v` stands for more of them.
                dict(&rendered.value, &free.span).map_err(|error| (None, error))?;
            }
            directives::add_free_form(&mut args, action, rendered.value);
        }
        Ok(args)
    }

    /// Returns what `module_defaults` says for the action.
    pub(crate) fn default_arguments(
        &self,
        task: &TaskRun<'_>,
        action: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, Value>, TemplateError> {
        let mut args = IndexMap::new();
        for node in &task.item.context.module_defaults {
            let defaults = self.template.render(node, scope)?.value;
            for (key, value) in defaults.entries() {
                if key.as_str().is_some_and(|key| self.same_module(key, action)) {
                    args.extend(
                        value
                            .entries()
                            .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))),
                    );
                }
            }
        }
        Ok(args)
    }

    /// Says what an evaluation has to tell the user.
    pub(crate) fn tell(&self, marks: &rplay_template::Marks) {
        for notice in &marks.notices {
            match notice {
                Notice::Warning(message) => self.emitter.warn(message.clone()),
                Notice::Deprecation(message) => self.emit(Kind::Deprecated { message: message.clone() }),
            }
        }
    }

    /// Returns whether a key of `module_defaults` means the action: by any of its names, or by a group it belongs to.
    fn same_module(&self, key: &str, action: &str) -> bool {
        if bare(key) == bare(action) {
            return true;
        }
        let Some(module) = self.modules.get(action).or_else(|| self.modules.get(bare(action))) else {
            return false;
        };
        match key.strip_prefix("group/") {
            Some(group) => group_of(module) == group.rsplit('.').next(),
            None => module.names.contains(&key),
        }
    }

    /// Returns the task's own environment: what `environment:` of the task and all around it says.
    pub(crate) fn environment(
        &self,
        task: &TaskRun<'_>,
        scope: &Arc<dyn Scope>,
    ) -> Result<IndexMap<String, String>, TemplateError> {
        let mut environment = IndexMap::new();
        for node in &task.item.context.environment {
            if let rplay_syntax::Data::Map(mapping) = &node.data {
                for (name, value) in mapping.iter() {
                    if let Some(value) = self.environment_value(value, scope)? {
                        environment.insert(name.key_text().into_owned(), value.text());
                    }
                }
            } else if let Some(value) = self.environment_value(node, scope)? {
                if !value.is_mapping() && !value.is_none() && !value.is_unknown() {
                    let text = value.text();
                    self.emitter.warn(format!("could not parse environment value, skipping: {text}"));
                }
                for (name, value) in value.entries() {
                    environment.insert(name.text(), value.text());
                }
            }
        }
        Ok(environment)
    }

    /// Renders a value of an environment; `None` leaves it out.
    ///
    /// What asks for the environment's own facts is left out as long as there are none: they are gathered with it.
    fn environment_value(&self, node: &Node, scope: &Arc<dyn Scope>) -> Result<Option<Value>, TemplateError> {
        use rplay_template::ErrorKind;
        match self.template.render(node, scope) {
            Ok(rendered) if rendered.value.is_omit() => Ok(None),
            Ok(rendered) => Ok(Some(rendered.value)),
            Err(error) if error.kind == ErrorKind::Omitted => Ok(None),
            Err(error) if error.kind == ErrorKind::Undefined && error.message.contains("ansible_env") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Finds and renders the files that a module's parameters name on this side.
    pub(super) fn controller_files(
        &self,
        task: &TaskRun<'_>,
        spec: &Spec,
        args: &mut Json,
        scope: &Arc<dyn Scope>,
    ) -> Result<(), Box<Ended>> {
        let remote = is_of_host(spec, args);
        let options = args.clone();
        for param in &spec.params {
            let folder = match &param.kind {
                ParamKind::ControllerFile(folder) => *folder,
                ParamKind::ControllerTemplate => "templates",
                _ => continue,
            };
            let names = std::iter::once(param.name).chain(param.aliases.iter().copied());
            let Some(name) = names.into_iter().find(|name| args.get(*name).is_some_and(Json::is_string))
            else {
                continue;
            };
            let given = args.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
            // With a content as well the module refuses both, whether there is such a file or not.
            let both =
                param.name == "src" && options.get("content").is_some_and(|content| !content.is_null());
            if (remote || both || given.is_empty()) && param.kind != ParamKind::ControllerTemplate {
                continue;
            }
            let file = self.controller_file(task, folder, &given, &param.kind, &options, scope)?;
            if let Some(fields) = args.as_object_mut() {
                fields.insert(
                    name.to_owned(),
                    rplay_module::params::to_wire(&file.path, file.content.as_deref()),
                );
            }
        }
        Ok(())
    }
}

/// Returns whether `src` is a path on the host: as `remote_src` says, or is taken to say, or the old `copy: false`.
fn is_of_host(spec: &Spec, args: &Json) -> bool {
    let truth = |value: &Json| {
        let text = value.as_str().map(str::to_lowercase);
        value
            .as_bool()
            .or_else(|| text.map(|text| matches!(text.as_str(), "yes" | "true" | "on" | "1" | "y" | "t")))
    };
    let given =
        |name: &str| spec.param(name).and_then(|param| truth(args.get(name).or(param.default.as_ref())?));
    given("remote_src").unwrap_or(false)
        || (spec.param("remote_src").is_some() && given("copy") == Some(false))
}

/// Returns whether a module makes or changes what is not of a host: things of AWS, images, containers.
pub(crate) fn reaches_out(module: &Module) -> bool {
    group_of(module).is_some()
}

/// Returns the group of `module_defaults` that a module belongs to, told by the connection parameters of its family.
fn group_of(module: &Module) -> Option<&'static str> {
    let spec = (module.spec)();
    let families = [("endpoint_url", "aws"), ("docker_host", "docker")];
    families.into_iter().find(|(param, _)| spec.param(param).is_some()).map(|(_, group)| group)
}

/// Returns the name that Ansible's messages give an action.
pub(crate) fn full_name(action: &str) -> String {
    if action.contains('.') { action.to_owned() } else { format!("ansible.builtin.{action}") }
}

/// Returns a task's arguments as they are written.
pub(super) fn written_args(args: &rplay_syntax::Args) -> Json {
    let mut written: Map<String, Json> =
        args.named.iter().map(|(name, node)| (name.key_text().into_owned(), node.to_json())).collect();
    if let Some(free) = &args.free_form {
        written.insert("_raw_params".to_owned(), free.to_json());
    }
    Json::Object(written)
}

/// Returns a map of JSON values as one JSON object.
pub(crate) fn json_args(args: &IndexMap<String, Value>) -> Map<String, Json> {
    object(Json::Object(args.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()))
}
