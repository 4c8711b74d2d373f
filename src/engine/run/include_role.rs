//! Roles that are brought in while the play runs.

use std::sync::Arc;

use indexmap::IndexMap;
use rplay_event::Fault;
use rplay_template::Value;
use serde_json::{Map, Value as Json, json};

use super::item::{Brought, Ended, Include};
use super::{Runner, TaskRun, json_args};
use crate::load::{Context, Item, RoleOptions, TaskItem, is_yes};
use crate::scopes::{Data, Level, Stack};

/// A role that a host asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoleCall {
    pub(crate) name: String,
    pub(crate) options: RoleOptions,
}

impl RoleCall {
    fn read(args: &IndexMap<String, Value>) -> Result<Self, String> {
        let text = |name: &str| args.get(name).filter(|value| !value.is_none()).map(Value::text);
        let flag = |name: &str| text(name).map(|text| is_yes(&text));
        let Some(name) = text("name").or_else(|| text("role")) else {
            return Err("'name' is a required field for include_role.".to_owned());
        };
        let options = RoleOptions {
            tasks_from: text("tasks_from"),
            vars_from: text("vars_from"),
            defaults_from: text("defaults_from"),
            handlers_from: text("handlers_from"),
            public: flag("public"),
            allow_duplicates: Some(flag("allow_duplicates").unwrap_or(true)),
            skip_validation: flag("rolespec_validate") == Some(false),
            dynamic: true,
        };
        Ok(Self { name, options })
    }
}

impl Runner {
    /// Returns which role an `include_role` brings in for a host; `args` are its parameters, rendered.
    pub(super) fn role_wanted(stack: &Stack, args: &IndexMap<String, Value>) -> Ended {
        match RoleCall::read(args) {
            Ok(call) => {
                let include = Include {
                    what: Brought::Role(Box::new(call)),
                    vars: stack.at(Level::LoopVars),
                    item: None,
                };
                let mut result = Map::new();
                result.insert("include_args".to_owned(), Json::Object(json_args(args)));
                result.insert("changed".to_owned(), json!(false));
                Ended { include: vec![include], result, ..Ended::default() }
            }
            Err(message) => Ended::failed(message),
        }
    }

    /// Reads the role that an include brings in; its tasks stand in `context`.
    pub(super) fn included_role(
        &self,
        task: &TaskRun<'_>,
        call: &RoleCall,
        context: &Context,
    ) -> Result<Vec<Item>, Vec<Fault>> {
        let head = &task.play.loaded.head;
        let span = &task.item.task.span;
        let given = (Arc::clone(&task.item.vars), call.options.clone());
        let items = self.loader.brought_role(&call.name, given, head, context, (span, 0));
        self.refresh_magic(task.play);
        items
    }
}

/// What stands in what is included inherits what is around the include, its variables, and of its `apply:` the rest.
pub(super) fn inherited(item: &TaskItem, vars: &[Arc<Data>]) -> Context {
    let mut context = (*item.outer).clone();
    if !item.vars.is_empty() {
        context.include_vars.push(Arc::clone(&item.vars));
    }
    context.include_data.extend(vars.iter().cloned());
    if let Some(apply) = item.task.args.named.get("apply")
        && let Ok(keywords) = rplay_syntax::parse_apply(apply)
    {
        context = context.inside(&keywords);
    }
    context
}
