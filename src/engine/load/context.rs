use std::sync::Arc;

use rplay_syntax::{Keywords, Node};
use rplay_template::{ErrorKind, TemplateError, Value};
use serde_json::json;

use super::PlayRoles;
use super::include_path::folder_of;
use super::role::{Role, RoleDefinition};
use crate::scopes::{Data, Layer, Level, Stack, Written};

/// What a task inherits from the blocks and the play around it.
#[derive(Clone, Default)]
pub(crate) struct Context {
    /// Outer conditions first: an inner one is only asked when the outer ones hold.
    pub(crate) when: Vec<Node>,
    pub(crate) tags: Vec<Node>,
    /// Outer mappings first: an inner one wins.
    pub(crate) environment: Vec<Node>,
    pub(crate) module_defaults: Vec<Node>,
    /// `vars:` of the blocks around, the outermost first.
    pub(crate) block_vars: Vec<Arc<Written>>,
    /// What `include_tasks` with `vars:` or `apply:` handed over.
    pub(crate) include_vars: Vec<Arc<Written>>,
    /// Loop variables of the includes around.
    pub(crate) include_data: Vec<Arc<Data>>,
    pub(crate) notify: Vec<Node>,
    pub(crate) ignore_errors: Option<Node>,
    pub(crate) ignore_unreachable: Option<Node>,
    pub(crate) any_errors_fatal: Option<Node>,
    pub(crate) no_log: Option<Node>,
    pub(crate) check_mode: Option<Node>,
    pub(crate) diff: Option<Node>,
    pub(crate) run_once: Option<Node>,
    pub(crate) delegate_to: Option<Node>,
    pub(crate) delegate_facts: Option<Node>,
    pub(crate) timeout: Option<Node>,
    pub(crate) throttle: Option<Node>,
    pub(crate) debugger: Option<Node>,
    pub(crate) connection: Option<Node>,
    /// The role that it stands in.
    pub(crate) role: Option<Arc<Role>>,
    /// The roles from which roles were imported or included down to here, the innermost first.
    pub(crate) parent_roles: Vec<Arc<RoleDefinition>>,
    /// The folders that the includes and imports around were written with, the outermost first.
    pub(crate) includes: Arc<[Arc<str>]>,
    /// It stands among handlers.
    pub(crate) handlers: bool,
    /// Where names without a collection are looked for.
    pub(crate) collections: Arc<[String]>,
    pub(crate) port: Option<Node>,
    pub(crate) remote_user: Option<Node>,
    /// `become:`, and how.
    pub(crate) become_enabled: Option<Node>,
    pub(crate) become_method: Option<Node>,
    pub(crate) become_user: Option<Node>,
    pub(crate) become_flags: Option<Node>,
    pub(crate) become_exe: Option<Node>,
    /// Where relative paths are looked for: the folder of the file a task stands in comes first.
    pub(crate) folders: Arc<[String]>,
    /// What is around the innermost keyword that is a template: it holds where that gives `omit`.
    pub(super) around: Option<Arc<Context>>,
}

/// One of the keywords that a task inherits.
pub(crate) type Inherited = for<'c> fn(&'c Context) -> Option<&'c Node>;

/// What the tasks of a play share.
#[derive(Clone)]
pub(crate) struct PlayHead {
    pub(crate) play: Arc<rplay_syntax::Play>,
    pub(crate) vars: Arc<Written>,
    pub(crate) folder: String,
    pub(crate) file: Arc<str>,
    pub(crate) roles: Arc<PlayRoles>,
}

impl Context {
    /// Returns the context inside something that has these keywords.
    #[must_use]
    pub(crate) fn inside(&self, keywords: &Keywords) -> Self {
        let mut inner = self.take(keywords);
        if !keywords.vars.is_empty() {
            inner.block_vars.push(Arc::new(Written::new(&keywords.vars, false)));
        }
        inner
    }

    /// Returns the context with the keywords laid over it, but for `vars`.
    #[must_use]
    pub(crate) fn take(&self, keywords: &Keywords) -> Self {
        let mut inner = self.clone();
        inner.when.extend(keywords.when.iter().cloned());
        inner.tags.extend(keywords.tags.iter().cloned());
        inner.environment.extend(keywords.environment.iter().cloned());
        inner.module_defaults.extend(keywords.module_defaults.iter().cloned());
        inner.notify.extend(keywords.notify.iter().cloned());
        let mut templated = false;
        let mut lay = |slot: &mut Option<Node>, value: &Option<Node>| {
            if let Some(node) = value {
                templated |= node.may_be_template();
                *slot = Some(node.clone());
            }
        };
        lay(&mut inner.ignore_errors, &keywords.ignore_errors);
        lay(&mut inner.ignore_unreachable, &keywords.ignore_unreachable);
        lay(&mut inner.any_errors_fatal, &keywords.any_errors_fatal);
        lay(&mut inner.no_log, &keywords.no_log);
        lay(&mut inner.check_mode, &keywords.check_mode);
        lay(&mut inner.diff, &keywords.diff);
        lay(&mut inner.run_once, &keywords.run_once);
        lay(&mut inner.delegate_to, &keywords.delegate_to);
        lay(&mut inner.timeout, &keywords.timeout);
        lay(&mut inner.throttle, &keywords.throttle);
        lay(&mut inner.debugger, &keywords.debugger);
        lay(&mut inner.connection, &keywords.connection);
        lay(&mut inner.delegate_facts, &keywords.delegate_facts);
        lay(&mut inner.port, &keywords.port);
        lay(&mut inner.remote_user, &keywords.remote_user);
        lay(&mut inner.become_enabled, &keywords.become_enabled);
        lay(&mut inner.become_method, &keywords.become_method);
        lay(&mut inner.become_user, &keywords.become_user);
        lay(&mut inner.become_flags, &keywords.become_flags);
        lay(&mut inner.become_exe, &keywords.become_exe);
        if templated {
            inner.around = Some(Arc::new(self.clone()));
        }
        if !keywords.collections.is_empty() {
            inner.collections = named(&keywords.collections);
        }
        inner
    }

    /// Returns what a keyword is; one whose template gives `omit` is what it is around.
    pub(crate) fn keyword(
        &self,
        keyword: Inherited,
        render: impl Fn(&Node) -> Result<Value, TemplateError>,
    ) -> Result<Option<Value>, TemplateError> {
        let mut around = Some(self);
        while let Some(context) = around {
            let Some(node) = keyword(context).filter(|node| !node.is_null()) else { break };
            match render(node) {
                Ok(value) if value.is_omit() => {}
                Ok(value) => return Ok(Some(value).filter(|value| !value.is_none())),
                Err(error) if error.kind == ErrorKind::Omitted => {}
                Err(error) => return Err(error),
            }
            around = context.around.as_deref();
        }
        Ok(None)
    }

    /// Goes into a file of tasks that is named so.
    pub(crate) fn step_into(&mut self, name: &str) {
        self.includes = self.includes.iter().cloned().chain([folder_of(name).into()]).collect();
    }

    /// Tells what a role brings in from within this one whose it is: `ansible_parent_role_names` and the like.
    pub(crate) fn below_role(&mut self) {
        let Some(role) = &self.role else { return };
        self.parent_roles.insert(0, Arc::clone(&role.definition));
        let names: Vec<String> = self.parent_roles.iter().map(|role| role.full_name()).collect();
        let paths: Vec<&str> = self.parent_roles.iter().map(|role| role.path.as_str()).collect();
        let values =
            [("ansible_parent_role_names", json!(names)), ("ansible_parent_role_paths", json!(paths))];
        let data = values.into_iter().map(|(name, value)| (Arc::from(name), Value::from_json(value)));
        self.include_vars.push(Arc::clone(&role.definition.params));
        self.include_data.push(Arc::new(data.collect()));
    }

    /// Adds the variables that a place in a play has of its own: those of roles, blocks and includes.
    pub(crate) fn layers(&self, stack: &mut Stack, roles: &PlayRoles) {
        let exported = roles.exported();
        exported.defaults.iter().for_each(|vars| stack.written(Level::RoleDefaults, vars));
        exported.vars.iter().for_each(|vars| stack.written(Level::RoleVars, vars));
        if let Some(role) = &self.role {
            role.layers.defaults.iter().for_each(|vars| stack.written(Level::RoleDefaults, vars));
            role.layers.vars.iter().for_each(|vars| stack.written(Level::RoleVars, vars));
            role.layers.params.iter().for_each(|vars| stack.written(Level::RoleParams, vars));
            stack.push(Level::Magic, Layer::Data(Arc::clone(&role.magic)));
        }
        self.block_vars.iter().for_each(|vars| stack.written(Level::BlockVars, vars));
        self.include_vars.iter().for_each(|vars| stack.written(Level::IncludeParams, vars));
        self.include_data.iter().for_each(|data| stack.data(Level::IncludeParams, data));
    }
}

/// Returns the texts of a list; templates have no place in it.
fn named(nodes: &[Node]) -> Arc<[String]> {
    nodes.iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_that_gives_omit_is_what_it_is_around() {
        let span = rplay_syntax::parse("f", "x").unwrap().node.span.clone();
        let keywords =
            |text: &str| Keywords { become_user: Some(Node::text(text, &span)), ..Keywords::default() };
        let said = |texts: &[&str]| {
            let context =
                texts.iter().fold(Context::default(), |context, text| context.inside(&keywords(text)));
            let render = |node: &Node| match node.as_str() {
                Some("{{ omit }}") => Ok(Value::omit()),
                text => Ok(Value::from(text.unwrap_or_default())),
            };
            context.keyword(|context| context.become_user.as_ref(), render).unwrap().map(|value| value.text())
        };
        assert_eq!(said(&["outer", "{{ omit }}"]).as_deref(), Some("outer"));
        assert_eq!(said(&["outer", "{{ omit }}", "{{ omit }}"]).as_deref(), Some("outer"));
        assert_eq!(said(&["outer", "{{ omit }}", "inner"]).as_deref(), Some("inner"));
        assert_eq!(said(&["{{ omit }}"]), None);
    }
}
