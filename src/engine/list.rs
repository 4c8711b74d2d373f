use std::collections::BTreeSet;
use std::fmt::Write as _;

use rplay_syntax::Node;

use crate::load::{Item, LoadedPlay, TaskItem};
use crate::run::Runner;
use crate::scopes::{Level, Stack};
use crate::settings::Listing;
use crate::start::Run;

/// Returns what the lists print. Source of the form: `ansible/cli/playbook.py`.
pub(crate) fn text(run: &Run, wanted: Listing) -> String {
    let mut out = String::new();
    for (file, plays) in &run.plays {
        let _ = write!(out, "\nplaybook: {file}\n");
        for (number, play) in plays.iter().enumerate() {
            list_play(&run.runner, play, number + 1, wanted, &mut out);
        }
    }
    out
}

fn list_play(runner: &Runner, play: &LoadedPlay, number: usize, wanted: Listing, out: &mut String) {
    let mut stack = Stack::new(play.context.folders.clone());
    stack.written(Level::PlayVars, &play.head.vars);
    runner.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
    let scope = stack.clone().shared();
    let shown = |node: &Node| {
        runner
            .template
            .render(node, &scope)
            .map_or_else(|_| node.key_text().into_owned(), |rendered| rendered.value.text())
    };
    let hosts = &play.head.play.hosts;
    let patterns: Vec<String> =
        hosts.as_seq().map_or_else(|| vec![shown(hosts)], |parts| parts.iter().map(shown).collect());
    let pattern = patterns.join(",");
    let name = play.head.play.keywords.name.as_ref().map_or_else(|| pattern.clone(), shown);
    let tags = runner.tags(&play.context, &stack);
    let _ = write!(out, "\n  play #{number} ({pattern}): {name}\tTAGS: [{}]\n", tags.join(","));
    if wanted.hosts {
        let hosts = runner.hosts.matching(&patterns).unwrap_or_default().hosts;
        let listed: Vec<String> = patterns.iter().map(|pattern| format!("'{pattern}'")).collect();
        let _ = write!(out, "    pattern: [{}]\n    hosts ({}):\n", listed.join(", "), hosts.len());
        hosts.iter().for_each(|host| {
            let _ = writeln!(out, "      {}", host.name);
        });
    }
    if wanted.tasks {
        out.push_str("    tasks:\n");
    }
    let mut all = BTreeSet::new();
    for item in [&play.pre_tasks, &play.tasks, &play.post_tasks].into_iter().flatten() {
        each_first(item, &mut |task| {
            if task.implicit {
                return;
            }
            let is_template = task.context.tags.iter().any(Node::may_be_template);
            let tags = if is_template {
                runner.tags(&task.context, &runner.loader.static_stack(&play.head, &task.context))
            } else {
                runner.tags(&task.context, &stack)
            };
            if !runner.selection.selects(&tags) {
                return;
            }
            let tags: BTreeSet<String> = tags.into_iter().collect();
            if wanted.tasks {
                let written = task.task.keywords.name.as_ref().and_then(Node::as_str);
                let name =
                    written.map_or_else(|| task.task.action.name.to_string(), |own| task.heading(Some(own)));
                let listed: Vec<&str> = tags.iter().map(String::as_str).collect();
                let _ = writeln!(out, "      {name}\tTAGS: [{}]", listed.join(", "));
            }
            all.extend(tags);
        });
    }
    if wanted.tags {
        let listed: Vec<&str> = all.iter().map(String::as_str).collect();
        let _ = writeln!(out, "      TASK TAGS: [{}]", listed.join(", "));
    }
}

/// Calls `f` with every task that runs where nothing fails: what rescues and what comes always is not listed.
fn each_first(item: &Item, f: &mut dyn FnMut(&TaskItem)) {
    match item {
        Item::Task(task) => f(task),
        Item::Block(block) => block.block.iter().for_each(|item| each_first(item, f)),
    }
}

/// Calls `f` with every task of an item, in the order they stand.
pub(crate) fn each_task(item: &Item, f: &mut dyn FnMut(&TaskItem)) {
    match item {
        Item::Task(task) => f(task),
        Item::Block(block) => {
            block.block.iter().chain(&block.rescue).chain(&block.always).for_each(|item| each_task(item, f));
        }
    }
}
