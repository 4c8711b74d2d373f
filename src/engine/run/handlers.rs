use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use rplay_event::{Fault, FaultKind, Kind};
use rplay_module::BoxFuture;
use rplay_syntax::Node;

use super::{PlayRun, Runner, Stop, Within};
use crate::hosts::Host;
use crate::load::{Item, PlayRoles, TaskItem, bare};

/// The handlers of a play, and who has asked for which.
///
/// A notification is kept by its words until the handlers are flushed: only then is it known which handlers of that name
/// there are. While handlers run, what they notify is theirs at once, and those further down the list still run in turn.
///
/// Source of the rules: `ansible/plugins/strategy/__init__.py` and `ansible/executor/play_iterator.py`.
#[derive(Default)]
pub(crate) struct Handlers {
    known: RwLock<Arc<Vec<Arc<Handler>>>>,
    /// How many handlers of roles that were imported or included are among them.
    brought: AtomicUsize,
    /// What each host has notified since its last flush.
    saved: Mutex<HashMap<Arc<str>, Vec<String>>>,
    /// The hosts whose handlers run just now.
    flushing: Mutex<HashSet<Arc<str>>>,
}

/// A handler of the play.
pub(crate) struct Handler {
    item: Arc<TaskItem>,
    /// Which list it stands in: of handlers with one name the first one of the last list is meant.
    list: usize,
    /// What it answers to beside its topics: its name, and that with the role's before it.
    names: OnceLock<Vec<String>>,
    /// The hosts that it has yet to run on.
    waiting: Mutex<HashSet<Arc<str>>>,
}

impl Handler {
    /// Returns whether it was not waiting for the host before.
    fn wait_for(&self, host: &Host) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(&host.name))
    }

    fn waits_for(&self, host: &Host) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains(&host.name)
    }

    fn done_with(&self, hosts: &[Arc<Host>], all: bool) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if all {
            waiting.clear();
        } else {
            hosts.iter().for_each(|host| {
                waiting.remove(&host.name);
            });
        }
    }

    /// Returns whether the topic is one of the handler's, which may be named with its role before it.
    fn listens_to(&self, topic: &str) -> bool {
        let role = self.item.context.role.as_ref().map(|role| &role.definition);
        let bare = role.and_then(|role| {
            let strip = |name: &str| topic.strip_prefix(name)?.strip_prefix(" : ");
            strip(&role.full_name()).or_else(|| strip(&role.name))
        });
        let listen = &self.item.task.listen;
        listen.iter().filter_map(Node::as_str).any(|own| own == topic || bare == Some(own))
    }
}

impl Handlers {
    /// Adds handlers behind those that are known.
    pub(crate) fn add(&self, items: &[Item]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut lists = Lists { all: (**known).clone(), next: known.last().map_or(0, |last| last.list + 1) };
        lists.add(items);
        *known = Arc::new(lists.all);
    }

    /// Returns the handlers that are known by now, with those that roles have brought in the meantime.
    fn known(&self, roles: &PlayRoles) -> Arc<Vec<Arc<Handler>>> {
        let brought = roles.handlers_after(self.brought.load(Ordering::Relaxed));
        if !brought.is_empty() {
            self.brought.fetch_add(brought.len(), Ordering::Relaxed);
            self.add(&brought);
        }
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a notification for the host's next flush.
    fn save(&self, host: &Host, name: &str) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let names = saved.entry(Arc::clone(&host.name)).or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    fn take(&self, host: &Host) -> Vec<String> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.remove(&host.name).unwrap_or_default()
    }

    fn is_flushing(&self, host: &Host) -> bool {
        self.flushing.lock().unwrap_or_else(PoisonError::into_inner).contains(&host.name)
    }

    fn flush(&self, hosts: &[Arc<Host>], begins: bool) {
        let mut flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        for host in hosts {
            if begins {
                flushing.insert(Arc::clone(&host.name));
            } else {
                flushing.remove(&host.name);
            }
        }
    }
}

/// Handlers as the lists they were written in: those of a role, those of the play, and each block of them.
struct Lists {
    all: Vec<Arc<Handler>>,
    next: usize,
}

impl Lists {
    fn add(&mut self, items: &[Item]) {
        let mut before: Option<&Arc<TaskItem>> = None;
        for item in items {
            match item {
                Item::Task(item) => {
                    let same = |other: &Arc<TaskItem>| match (&other.context.role, &item.context.role) {
                        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                        (None, None) => true,
                        _ => false,
                    };
                    if before.is_some_and(|other| !same(other)) {
                        self.next += 1;
                    }
                    self.push(item);
                    before = Some(item);
                }
                // A block among handlers is a list of its own; it has no rescue.
                Item::Block(block) => {
                    self.next += 1;
                    self.add(&block.block);
                    self.next += 1;
                    before = None;
                }
            }
        }
    }

    fn push(&mut self, item: &Arc<TaskItem>) {
        let (item, list) = (Arc::clone(item), self.next);
        self.all.push(Arc::new(Handler { item, list, names: OnceLock::new(), waiting: Mutex::default() }));
    }
}

impl Runner {
    /// Runs the handlers that the hosts have notified, in the order the play lists them.
    pub(crate) fn flush_handlers<'a>(
        self: &'a Arc<Self>,
        run: &'a Arc<PlayRun>,
        hosts: &'a [Arc<Host>],
        within: Within,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        for host in hosts {
            for name in run.handlers.take(host) {
                self.named(run, &name).iter().for_each(|handler| self.hand_over(handler, run, host));
            }
        }
        let known = run.handlers.known(&run.loaded.head.roles);
        let waits = known.iter().any(|handler| hosts.iter().any(|host| handler.waits_for(host)));
        Box::pin(async move {
            if !waits {
                return Ok(());
            }
            // That handlers run at the end of a section is told as if it were written there.
            for host in hosts.iter().filter(|_| !within.asked) {
                self.debug(|| format!("META: triggered running handlers for {}", host.name));
            }
            run.handlers.flush(hosts, true);
            let ended = self.handlers(run, &known, hosts, Within { handler: true, ..within }).await;
            run.handlers.flush(hosts, false);
            ended
        })
    }

    async fn handlers(
        self: &Arc<Self>,
        run: &Arc<PlayRun>,
        known: &[Arc<Handler>],
        hosts: &[Arc<Host>],
        within: Within,
    ) -> Result<(), Stop> {
        for handler in known {
            let on: Vec<Arc<Host>> =
                hosts.iter().filter(|host| host.active() && handler.waits_for(host)).cloned().collect();
            let Some(first) = on.first() else { continue };
            if run.is_over() {
                return Ok(());
            }
            if self.interrupt.is_requested() {
                return Err(Stop::Interrupted);
            }
            let scope = self.task_scope(run, first, &handler.item).shared();
            let once = !run.rules.is_free() && self.truth(handler.item.context.run_once.as_ref(), &scope);
            handler.done_with(&on, once);
            self.task(run, &handler.item, &on, within).await?;
        }
        Ok(())
    }

    /// Remembers that a task has changed something for the handlers it names.
    pub(super) fn notify(&self, run: &PlayRun, host: &Host, names: &[String]) -> Result<(), Stop> {
        for name in names {
            let found = self.named(run, name);
            if found.is_empty() {
                self.no_handler(name)?;
            } else if run.handlers.is_flushing(host) {
                found.iter().for_each(|handler| self.hand_over(handler, run, host));
            } else {
                run.handlers.save(host, name);
                self.verbose(2, || format!("Notification for handler {name} has been saved."));
            }
        }
        Ok(())
    }

    fn no_handler(&self, name: &str) -> Result<(), Stop> {
        let message = format!(
            "The requested handler '{name}' was not found in either the main handlers list nor in the listening \
             handlers list"
        );
        if self.settings.error_on_missing_handler {
            return Err(Fault::new(message).kind(FaultKind::Setup).into());
        }
        self.emitter.warn(message);
        Ok(())
    }

    fn hand_over(&self, handler: &Handler, run: &PlayRun, host: &Host) {
        if handler.wait_for(host) {
            let name = self.handler_names(run, handler).last().cloned().unwrap_or_default();
            self.emit(Kind::Notified { handler: name, host: host.name.to_string() });
        }
    }

    /// Returns the handlers that a notification means: the last one of that name, and all that listen to it.
    fn named(&self, run: &PlayRun, notification: &str) -> Vec<Arc<Handler>> {
        let known = run.handlers.known(&run.loaded.head.roles);
        // The list that came last is asked first, from its beginning.
        let mut order: Vec<&Arc<Handler>> = known.iter().collect();
        order.sort_by_key(|handler| std::cmp::Reverse(handler.list));
        let named = order
            .iter()
            .find(|handler| self.handler_names(run, handler).iter().any(|name| name == notification));
        let mut found: Vec<Arc<Handler>> = named.map(|handler| Arc::clone(handler)).into_iter().collect();
        let mut seen: HashSet<&str> = HashSet::new();
        for handler in order.into_iter().filter(|handler| handler.listens_to(notification)) {
            let name = self.handler_names(run, handler).first().map_or("", String::as_str);
            if (name.is_empty() || seen.insert(name))
                && !found.iter().any(|other| Arc::ptr_eq(other, handler))
            {
                found.push(Arc::clone(handler));
            }
        }
        found
    }

    /// Returns what a handler answers to: nothing where it has no name or one that needs a host's variables.
    fn handler_names<'a>(&self, run: &PlayRun, handler: &'a Handler) -> &'a [String] {
        if let Some(names) = handler.names.get() {
            return names;
        }
        let Some(node) = &handler.item.task.keywords.name else { return &[] };
        let scope = self.play_wide_scope(run, &handler.item).shared();
        match self.template.render(node, &scope) {
            Ok(rendered) => {
                handler.names.get_or_init(|| Self::full_names(&handler.item, rendered.value.text()))
            }
            Err(error) => {
                if handler.item.task.listen.is_empty() {
                    self.unusable(node, &error);
                }
                &[]
            }
        }
    }

    /// Returns the name, and that with the role's before it, which is the last one.
    fn full_names(item: &TaskItem, name: String) -> Vec<String> {
        let Some(role) = &item.context.role else { return vec![name] };
        let [short, full] =
            [&role.definition.name, &role.definition.full_name()].map(|role| format!("{role} : {name}"));
        vec![name, short, full]
    }

    fn unusable(&self, name: &Node, error: &rplay_template::TemplateError) {
        self.emitter.warn(format!(
            "Handler '{}' is unusable because it has no listen topics and the name could not be templated (host-specific \
             variables are not supported in handler names). The error: {error}",
            name.key_text()
        ));
    }
}

/// Returns whether an action is `meta`, which runs without a module or a result.
pub(super) fn is_meta(item: &TaskItem) -> bool {
    bare(&item.task.action.name) == "meta"
}
