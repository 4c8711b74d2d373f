//! Variables that nothing can define: a typo is found before the first task, not when its task's turn comes.
//!
//! A false alarm is worse than a missed typo. Whatever anything in the run can define counts as defined everywhere, and
//! from the first task on that may define anything (`include_vars`, an include of an unknown file) nothing is judged.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Masker};
use rplay_syntax::{Data, LoopSource, Mapping, Node, Origin, nearest};
use rplay_template::{Form, Scope};

use super::{selected, spec_of, static_stack};
use crate::directives;
use crate::emit::Emitter;
use crate::hosts::Host;
use crate::load::include_path::Wanted;
use crate::load::{Item, LoadedPlay, Loader, PlayHead, TaskItem, bare, tree};
use crate::run::Runner;
use crate::scopes::Written;

/// What Ansible itself provides, and facts that are not called so, beside all that begins with `ansible_`.
const PROVIDED: [&str; 21] = [
    "environment",
    "env",
    "facter",
    "gather_subset",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "item",
    "module_setup",
    "ohai",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "vars",
];

/// Deeper than this an include is taken for one that includes itself.
const DEEPEST: usize = 20;

/// Returns the uses of names that nothing defines; `true` beside those that are certain to end the run.
pub(super) fn check(runner: &Runner, plays: &[&LoadedPlay]) -> Vec<(Fault, bool)> {
    let mut survey = Survey { runner, visits: Vec::new(), known: HashSet::new(), ends: false, head: None };
    survey.known.extend(PROVIDED.map(str::to_owned));
    runner.extra.iter().for_each(|extra| survey.know(extra));
    plays.iter().for_each(|play| survey.play(play));
    survey.optional();
    survey.judge()
}

/// A task in the order of the run.
struct Visit {
    item: Arc<TaskItem>,
    /// Nothing around the task catches its failure, and nothing before it may have ended the play.
    sure: bool,
    judged: bool,
    /// From here on any name may be defined.
    opens: bool,
}

struct Survey<'a> {
    runner: &'a Runner,
    visits: Vec<Visit>,
    known: HashSet<String>,
    /// A `meta: end_play` or the like came by.
    ends: bool,
    /// The play that is walked through.
    head: Option<PlayHead>,
}

impl Survey<'_> {
    fn know(&mut self, written: &Written) {
        self.known.extend(written.names().map(ToString::to_string));
    }

    fn play(&mut self, play: &LoadedPlay) {
        self.know(&play.head.vars);
        let prompted = play.head.play.vars_prompt.iter().map(|prompt| prompt.name.key_text().into_owned());
        self.known.extend(prompted);
        self.head = Some(play.head.clone());
        let exported = play.head.roles.exported();
        exported.defaults.iter().chain(&exported.vars).for_each(|vars| self.know(vars));
        self.inventory(play);
        let first = self.visits.len();
        // What earlier runs have kept of a host may define anything.
        let readable = self.vars_files(play) && !self.runner.fact_cache.is_on();
        self.ends = false;
        let sure = self.runs(play);
        for items in [&play.pre_tasks, &play.tasks, &play.post_tasks] {
            self.walk(items, sure, Some(play), 0);
        }
        self.walk(&play.handlers, false, Some(play), 0);
        if !readable && let Some(visit) = self.visits.get_mut(first) {
            visit.judged = false;
            visit.opens = true;
        }
    }

    /// Returns whether the play has hosts and begins with its first task.
    fn runs(&self, play: &LoadedPlay) -> bool {
        let pattern = play.head.play.hosts.as_str().unwrap_or_default();
        let hosts = self.hosts(pattern);
        !hosts.is_empty() && self.runner.settings.start_at_task.is_none()
    }

    fn hosts(&self, pattern: &str) -> Vec<Arc<Host>> {
        if pattern.is_empty() {
            return Vec::new();
        }
        self.runner.hosts.matching(&[pattern.to_owned()]).unwrap_or_default().hosts
    }

    /// Learns the names that the inventory gives the play's hosts.
    fn inventory(&mut self, play: &LoadedPlay) {
        let hosts = self.hosts(play.head.play.hosts.as_str().unwrap_or("all"));
        for host in hosts {
            let names = self.runner.hosts.names_of(&host, &play.head.folder);
            self.known.extend(names.iter().map(ToString::to_string));
        }
    }

    /// Learns the names in the play's files; `false` where one of them cannot be known now.
    fn vars_files(&mut self, play: &LoadedPlay) -> bool {
        let scope: Arc<dyn Scope> = static_stack(self.runner, play, &play.context.folders).shared();
        let mut all = true;
        for candidates in &play.head.play.vars_files {
            let mut found = false;
            for node in candidates {
                let Ok(name) = self.runner.template.render(node, &scope) else { return false };
                let folder = Path::new(&play.head.folder);
                let name = name.value.text();
                for path in [folder.join("vars").join(&name), folder.join(&name)] {
                    if path.is_file() {
                        let Ok(file) = self.runner.loader.reader.vars(&path) else { return false };
                        self.know(&file.written);
                        found = true;
                    }
                }
            }
            all &= found;
        }
        all
    }

    /// `play` is none in an included file, where nothing is judged.
    fn walk(&mut self, items: &[Item], sure: bool, play: Option<&LoadedPlay>, depth: usize) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task, sure, play, depth),
                Item::Block(block) => {
                    self.walk(&block.block, sure && block.rescue.is_empty(), play, depth);
                    self.walk(&block.rescue, false, play, depth);
                    self.walk(&block.always, sure, play, depth);
                }
            }
        }
    }

    fn task(&mut self, item: &Arc<TaskItem>, sure: bool, play: Option<&LoadedPlay>, depth: usize) {
        let judged = play.is_some_and(|play| selected(self.runner, play, item));
        let action = bare(&item.task.action.name);
        let sure = sure && !self.ends;
        let what = item.task.args.free_form.as_ref().and_then(Node::as_str);
        // Arguments that do not fit end the play before what comes next.
        self.ends |= action == "validate_argument_spec";
        self.ends |= action == "meta" && what.is_none_or(|what| what.starts_with("end_"));
        // What nobody knows could define anything: a role, a module for facts.
        let known =
            spec_of(self.runner, &item.task.action.name).is_some() || directives::is_directive(action);
        let mut opens = self.define(item) || !known;
        if action == "include_tasks" {
            match self.included(item, depth) {
                Some(items) => self.walk(&items, false, None, depth + 1),
                None => opens = true,
            }
        }
        self.visits.push(Visit { item: Arc::clone(item), sure, judged, opens });
    }

    /// Reads the file of an include that names one.
    fn included(&self, item: &TaskItem, depth: usize) -> Option<Vec<Item>> {
        let node = tree::file_argument(&item.task).filter(|node| !node.may_be_template())?;
        let head = self.head.as_ref()?;
        let wanted = Wanted { name: node.as_str()?, base: &head.folder, dynamic: true };
        let path = tree::found(&wanted, &item.context, &node.span).ok()?;
        let mut context = (*item.outer).clone();
        context.step_into(wanted.name);
        // What there is to say about the file is said when it is included.
        let quiet = Emitter::new(Masker::default(), Box::new(|_| ()));
        let loader = Loader { emitter: quiet, ..self.runner.loader.clone() };
        (depth < DEEPEST).then(|| loader.task_file(&path, &context, head, 0).ok()).flatten()
    }

    /// Learns the names that a task defines; returns whether it may define any others.
    fn define(&mut self, item: &TaskItem) -> bool {
        let (task, context) = (&item.task, &item.context);
        self.know(&item.vars);
        if let Some(role) = &context.role {
            let layers = &role.layers;
            layers.defaults.iter().chain(&layers.vars).chain(&layers.params).for_each(|vars| self.know(vars));
        }
        context.block_vars.iter().chain(&context.include_vars).for_each(|vars| self.know(vars));
        let control = &task.loop_control;
        let mut named: Vec<Node> =
            [&task.register, &control.loop_var, &control.index_var].into_iter().flatten().cloned().collect();
        let args = &task.args;
        let mut opens = false;
        match bare(&task.action.name) {
            "set_fact" => {
                named.extend(args.named.iter().map(|(key, _)| key.clone()));
                opens = args.template.is_some() || args.free_form.is_some();
            }
            "include_tasks" => {
                let vars = args.named.get("apply").and_then(|apply| apply.get("vars")).and_then(Node::as_map);
                named.extend(vars.into_iter().flat_map(Mapping::iter).map(|(key, _)| key.clone()));
            }
            // What a role defines is not known before it is read.
            "add_host" | "group_by" | "include_vars" | "include_role" => opens = true,
            // What is left of a deleted service comes back as facts by the names of its fields.
            name if name.ends_with("ecs_service") => {
                opens = args.named.get("state").is_some_and(|state| state.as_str() != Some("present"));
            }
            _ => {}
        }
        opens |= named.iter().any(Node::may_be_template);
        self.known.extend(named.iter().filter_map(Node::as_str).map(str::to_owned));
        opens
    }

    /// What is guarded somewhere is optional everywhere.
    fn optional(&mut self) {
        let mut optional = HashSet::new();
        for visit in &self.visits {
            for used in uses(&visit.item) {
                let engine = &self.runner.template;
                let mentioned = engine.inspect(&used.text, used.form).unwrap_or_default();
                let needed = engine.needs(&used.text, used.form).unwrap_or_default();
                optional.extend(mentioned.into_iter().filter(|name| !needed.contains(name)));
            }
        }
        self.known.extend(optional);
    }

    fn judge(&self) -> Vec<(Fault, bool)> {
        let (mut found, mut told) = (Vec::new(), HashSet::new());
        for visit in &self.visits {
            for used in uses(&visit.item).into_iter().filter(|_| visit.judged) {
                let needed = self.runner.template.needs(&used.text, used.form).unwrap_or_default();
                for name in needed.into_iter().filter(|name| !self.possible(name)) {
                    if told.insert((used.node.span.clone(), name.clone())) {
                        found.push((self.undefined(&name, &used.node), visit.sure && used.sure));
                    }
                }
            }
            if visit.opens {
                break;
            }
        }
        found
    }

    fn possible(&self, name: &str) -> bool {
        name.starts_with("ansible_") || self.known.contains(name)
    }

    fn undefined(&self, name: &str, node: &Node) -> Fault {
        let fault = Fault::new(format!("'{name}' is undefined")).at(&node.span).kind(FaultKind::Task);
        match nearest(name, self.known.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean '{near}'?")),
            None => fault.help(format!("nothing in this run defines it; -e {name}=VALUE gives it a value")),
        }
    }
}

/// A text that a task evaluates.
struct Used {
    node: Node,
    text: Arc<str>,
    form: Form,
    /// It is evaluated in any case, and nothing catches its failure.
    sure: bool,
}

/// Returns the templates and expressions of a task whose undefined variables are its failure.
fn uses(item: &TaskItem) -> Vec<Used> {
    let (task, context) = (&item.task, &item.context);
    let caught = context.ignore_errors.is_some()
        || !task.failed_when.is_empty()
        || !context.module_defaults.is_empty();
    let (always, once) = (context.when.is_empty(), task.looping.is_none());
    let mut uses = Uses(Vec::new());
    if let Some(looping) = task.looping.as_ref().filter(|looping| looping.source == LoopSource::List) {
        uses.all(&looping.node, Form::Template, !caught && always);
    }
    for (index, when) in context.when.iter().enumerate() {
        uses.all(when, Form::Expression, !caught && once && index == 0);
    }
    let action = bare(&task.action.name);
    let sure = !caught && always && once;
    for (key, node) in task.args.named.iter() {
        match (action, key.as_str()) {
            // An undefined variable is what it shows.
            ("debug", Some("var")) | ("include_tasks" | "include_role" | "validate_argument_spec", _) => {}
            ("assert", Some("that")) => uses.all(node, Form::Expression, sure),
            _ => uses.all(node, Form::Template, sure),
        }
    }
    task.args.template.iter().chain(&task.args.free_form).for_each(|node| {
        uses.all(node, Form::Template, sure);
    });
    for node in [&task.until, &task.changed_when, &task.failed_when].into_iter().flatten() {
        uses.all(node, Form::Expression, false);
    }
    uses.0
}

struct Uses(Vec<Used>);

impl Uses {
    /// Adds every text in a node.
    fn all(&mut self, node: &Node, form: Form, sure: bool) {
        match &node.data {
            Data::Text(text) if text.origin == Origin::Template => {
                self.0.push(Used { node: node.clone(), text: Arc::clone(&text.text), form, sure });
            }
            Data::Seq(items) => items.iter().for_each(|item| self.all(item, form, sure)),
            Data::Map(mapping) => mapping.iter().for_each(|(_, value)| self.all(value, form, sure)),
            _ => {}
        }
    }
}
