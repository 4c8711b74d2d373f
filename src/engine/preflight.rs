//! What is wrong is found before the first task runs, not after the thirty-ninth.
//!
//! A run is stopped only for what is certain to strike uncaught: with a condition, a loop, `ignore_errors`, `failed_when`,
//! a rescue or a tag filter between, it is a warning, and fails in its turn as Ansible's does.

mod foreseen;
mod variables;

use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Span};
use rplay_module::params::{self, ParamFault, Spec};
use rplay_syntax::{Data, Node};
use serde_json::{Map, Value as Json};

use crate::directives;
use crate::known;
use crate::load::include_path::Wanted;
use crate::load::{Item, LoadedPlay, TaskItem, bare, tree};
use crate::run::{Runner, literal_misfit};
use crate::scopes::{Level, Stack};
use crate::unbuilt;
use foreseen::Foreseen;

/// Returns the faults that are certain to strike; warns of the rest, unless `strict` makes faults of them too.
pub(crate) fn check(runner: &Runner, plays: &[(String, Vec<Arc<LoadedPlay>>)], strict: bool) -> Vec<Fault> {
    let plays: Vec<&LoadedPlay> = plays.iter().flat_map(|(_, plays)| plays).map(Arc::as_ref).collect();
    let mut found = Vec::new();
    for play in &plays {
        for items in [&play.pre_tasks, &play.tasks, &play.post_tasks] {
            items.iter().for_each(|item| walk(runner, play, item, true, &mut found));
        }
        play.handlers.iter().for_each(|item| walk(runner, play, item, false, &mut found));
    }
    found.extend(variables::check(runner, &plays));
    let mut faults = Vec::new();
    for (fault, certain) in found {
        if certain || strict {
            faults.push(fault);
        } else {
            let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            runner.emitter.warn(format!("{fault}{help}"));
        }
    }
    faults
}

fn walk(runner: &Runner, play: &LoadedPlay, item: &Item, certain: bool, found: &mut Vec<(Fault, bool)>) {
    match item {
        Item::Task(task) => check_task(runner, play, task, certain, found),
        Item::Block(block) => {
            let sure = certain && block.rescue.is_empty();
            block.block.iter().for_each(|item| walk(runner, play, item, sure, found));
            block.rescue.iter().for_each(|item| walk(runner, play, item, false, found));
            block.always.iter().for_each(|item| walk(runner, play, item, certain, found));
        }
    }
}

fn check_task(
    runner: &Runner,
    play: &LoadedPlay,
    item: &TaskItem,
    certain: bool,
    found: &mut Vec<(Fault, bool)>,
) {
    runner.conceal_written(item);
    if !selected(runner, play, item) {
        return;
    }
    let task = &item.task;
    let action = task.action.name.as_ref();
    found.extend(literal_misfit(item).map(|fault| (fault.kind(FaultKind::Task), certain && uncaught(item))));
    if action.contains("{{") {
        return;
    }
    let Some(spec) = spec_of(runner, action) else {
        if action.contains("{{") || runner.fallthrough.module(action).is_some() {
            // Its name is known when it runs, or it knows its parameters itself.
        } else if let Some(message) = unbuilt::message(action) {
            let fault = Fault::new(message).at(&task.action.span).kind(FaultKind::Task);
            found.push((fault, certain && uncaught(item)));
        } else if let Some(fault) = known::fault(action, |name| runner.modules.get(name).is_some()) {
            let fault = fault.at(&task.action.span).kind(FaultKind::Task);
            found.push((fault, certain && uncaught(item)));
        } else if !directives::is_directive(bare(action)) {
            // An unknown module is a fault wherever it stands, as it is Ansible's.
            found.push((unknown_action(runner, action, &task.action.span), true));
        } else if let Some(fault) = missing_include(play, item) {
            found.push((fault, certain && uncaught(item)));
        }
        return;
    };
    let sure = certain && uncaught(item);
    found.extend(arguments(runner, item, &spec, action).into_iter().map(|fault| (fault, sure)));
}

/// Returns whether the tags of the run choose the task.
fn selected(runner: &Runner, play: &LoadedPlay, item: &TaskItem) -> bool {
    let stack = static_stack(runner, play, &item.context.folders);
    runner.selection.selects(&runner.tags(&item.context, &stack))
}

/// Returns the variables that are known before anything is read or runs.
fn static_stack(runner: &Runner, play: &LoadedPlay, folders: &Arc<[String]>) -> Stack {
    let mut stack = Stack::new(Arc::clone(folders));
    stack.written(Level::PlayVars, &play.head.vars);
    runner.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
    stack
}

/// Returns whether nothing stands between a fault and the end of the play.
fn uncaught(item: &TaskItem) -> bool {
    let context = &item.context;
    context.when.is_empty()
        && item.task.looping.is_none()
        && context.ignore_errors.is_none()
        && item.task.failed_when.is_empty()
        && context.module_defaults.is_empty()
}

fn spec_of(runner: &Runner, action: &str) -> Option<Spec> {
    let module = runner.modules.get(action).or_else(|| runner.modules.get(bare(action)));
    module.map(|module| (module.spec)()).or_else(|| directives::spec(bare(action)))
}

fn unknown_action(runner: &Runner, action: &str, span: &Span) -> Fault {
    let names = runner.modules.names().chain(directives::names());
    let fault = Fault::new(format!(
        "couldn't resolve module/action '{action}'. This often indicates a misspelling, missing collection, or incorrect \
         module path."
    ))
    .at(span);
    let full = runner.fallthrough.meant(action).unwrap_or_else(|| action.to_owned());
    let elsewhere = full.matches('.').count() >= 2 && !full.starts_with("ansible.");
    match known::meant(action, names) {
        Some(near) if full == action => fault.help(format!("did you mean '{near}'?")),
        _ if elsewhere => {
            let collection: Vec<&str> = full.split('.').take(2).collect();
            let collection = collection.join(".");
            fault.help(format!(
                "rplay does not have it: `ansible-galaxy collection install {collection}` gets the collection, and \
                 `pip install ansible-core` what runs its Python"
            ))
        }
        _ => fault.help("rplay doc --list names the modules that there are"),
    }
}

/// A literal file that an include names has to be there.
fn missing_include(play: &LoadedPlay, item: &TaskItem) -> Option<Fault> {
    if bare(&item.task.action.name) != "include_tasks" {
        return None;
    }
    let node = tree::file_argument(&item.task)?;
    let name = node.as_str().filter(|name| !name.contains("{{"))?;
    let wanted = Wanted { name, base: &play.head.folder, dynamic: true };
    let fault = tree::found(&wanted, &item.context, &node.span).err()?;
    Some(fault.kind(FaultKind::Task))
}

fn arguments(runner: &Runner, item: &TaskItem, spec: &Spec, action: &str) -> Vec<Fault> {
    let own = &item.task.args;
    let foreseen = Foreseen::new(runner, item);
    if own.template.is_some() {
        return Vec::new();
    }
    let mut args = Map::new();
    for (key, node) in own.named.iter() {
        args.insert(key.key_text().into_owned(), foreseen.json(node));
    }
    if let Some(free) = &own.free_form {
        let Some(name) = spec.free_form else {
            // A template may stand for all arguments.
            if free.may_be_template() {
                return Vec::new();
            }
            let fault = Fault::new(format!("this module takes no free-form text: {action}"));
            return vec![fault.at(&free.span).kind(FaultKind::Task).help("give its parameters by name")];
        };
        args.insert(name.to_owned(), free.to_json());
    }
    let node_at = |path: &str| node_at(own.named.as_ref(), path);
    let dynamic = |path: &str| {
        node_at(path).is_some_and(|node| {
            foreseen.is_open(node)
                || matches!(&node.data, Data::Text(text) if text.origin == rplay_syntax::Origin::Vault)
        })
    };
    let shown = crate::run::full_name(action);
    params::check(spec, &Json::Object(args), &dynamic)
        .into_iter()
        .map(|fault| {
            placed(&fault, node_at(&fault.path).map_or(&item.task.action.span, |node| &node.span), &shown)
        })
        .collect()
}

fn placed(fault: &ParamFault, span: &Span, action: &str) -> Fault {
    let placed = Fault::new(fault.render(action)).at(span).kind(FaultKind::Task);
    match &fault.help {
        Some(help) => placed.help(help.clone()),
        None => placed,
    }
}

/// Returns the value at a path such as `rules[0].proto`.
fn node_at<'a>(named: &'a rplay_syntax::Mapping, path: &str) -> Option<&'a Node> {
    let mut parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']'));
    let mut node = named.get(parts.next()?)?;
    for part in parts {
        node = match &node.data {
            Data::Seq(items) => items.get(part.parse::<usize>().ok()?)?,
            Data::Map(mapping) => mapping.get(part)?,
            _ => return Some(node),
        };
    }
    Some(node)
}
