use std::sync::Arc;

use rplay_syntax::{Keywords, Node};

use crate::scopes::{Data, Written};

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
    pub(crate) timeout: Option<Node>,
    pub(crate) connection: Option<Node>,
    /// Where relative paths are looked for: the folder of the file a task stands in comes first.
    pub(crate) folders: Arc<[String]>,
}

/// What the tasks of a play share.
#[derive(Clone, Debug)]
pub(crate) struct PlayHead {
    pub(crate) play: Arc<rplay_syntax::Play>,
    pub(crate) vars: Arc<Written>,
    pub(crate) folder: String,
    pub(crate) file: Arc<str>,
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
        let lay = |slot: &mut Option<Node>, value: &Option<Node>| {
            if value.is_some() {
                slot.clone_from(value);
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
        lay(&mut inner.connection, &keywords.connection);
        inner
    }
}
