//! The task debugger: `debugger:`, `strategy: debug` and `ANSIBLE_ENABLE_TASK_DEBUGGER` stop at a result and ask.
//!
//! Source of the rules: `needs_debugger` of `ansible/executor/task_result.py` and `Debugger` of
//! `ansible/plugins/strategy/__init__.py`. What is typed there is Python; here it is an expression of a template.

use std::sync::Arc;

use rplay_event::{Counts, Kind, Span, Status};
use rplay_syntax::{Data as Written, Mapping, Node};
use rplay_template::{Found, Scope, Value};
use serde_json::{Value as Json, json};

use super::failed_task::failed_task;
use super::item::Ended;
use super::rules::Strategy;
use super::{PlayRun, Runner, Stop, TaskRun};
use crate::hosts::Host;
use crate::load::TaskItem;
use crate::scopes::Data;
use crate::standing::Standing;

const HELP: &str = "p EXPRESSION (print), task.args['NAME'] = EXPRESSION, task_vars['NAME'] = EXPRESSION, update_task (u), \
                    redo (r), continue (c), quit (q)";

/// How the hosts of a play stood before a result: what a task that is done again begins with.
pub(super) struct Before(Vec<(Arc<Host>, Standing, Counts)>);

impl Before {
    pub(super) fn restore(self) {
        self.0.iter().for_each(|(host, standing, counts)| host.put_back(*standing, *counts));
    }
}

/// Where it stopped.
struct Stopped<'a, 't> {
    task: &'a TaskRun<'t>,
    host: &'a Arc<Host>,
    ended: &'a Ended,
}

/// What an expression of the debugger's sees.
struct Seen {
    names: Data,
    vars: Arc<dyn Scope>,
}

impl Scope for Seen {
    fn lookup(&self, name: &str) -> Option<Found> {
        match self.names.get(name) {
            Some(value) => Some(Found::Data(value.clone())),
            None if name == "task_vars" => Some(Found::Scope(Arc::clone(&self.vars))),
            None => self.vars.lookup(name),
        }
    }

    fn names(&self) -> Vec<String> {
        let own = self.names.keys().map(ToString::to_string);
        own.chain(["task_vars".to_owned()]).chain(self.vars.names()).collect()
    }

    fn is_secret(&self, name: &str) -> bool {
        self.vars.is_secret(name)
    }
}

/// What is typed at the prompt.
#[derive(Debug, PartialEq)]
enum Command<'a> {
    Nothing,
    Print(&'a str),
    /// An argument of the task, and what it becomes.
    Argument(String, &'a str),
    /// A variable of the task, and what it becomes.
    Variable(String, &'a str),
    Update,
    Redo,
    Continue,
    Quit,
    Help,
    Unknown,
}

impl<'a> Command<'a> {
    fn read(line: &'a str) -> Self {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "" => Self::Nothing,
            "p" | "pprint" => Self::Print(rest.trim()),
            "u" | "update_task" => Self::Update,
            "r" | "redo" => Self::Redo,
            "c" | "continue" => Self::Continue,
            "q" | "quit" | "EOF" => Self::Quit,
            "h" | "help" | "?" => Self::Help,
            _ => match (assigned(line, "task.args"), assigned(line, "task_vars")) {
                (Some((name, value)), _) => Self::Argument(name, value),
                (None, Some((name, value))) => Self::Variable(name, value),
                (None, None) => Self::Unknown,
            },
        }
    }
}

/// Returns the name and the expression of `target['name'] = expression`.
fn assigned<'a>(line: &'a str, target: &str) -> Option<(String, &'a str)> {
    let index = line.strip_prefix(target)?.trim_start().strip_prefix('[')?.trim_start();
    let quote = index.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (name, rest) = index.strip_prefix(quote)?.split_once(quote)?;
    let value = rest.trim_start().strip_prefix(']')?.trim_start().strip_prefix('=')?;
    (!value.starts_with('=')).then(|| (name.to_owned(), value.trim()))
}

impl Runner {
    /// Returns how the hosts stand, where the task may have to be done again.
    pub(super) fn before(&self, task: &TaskRun<'_>) -> Option<Before> {
        let asked = task.item.context.debugger.as_ref().is_some_and(|node| !node.is_null());
        (asked || self.debugs_all(task.play)).then(|| {
            let hosts = task.play.hosts.iter();
            Before(hosts.map(|host| (Arc::clone(host), host.standing(), host.counts())).collect())
        })
    }

    fn debugs_all(&self, run: &PlayRun) -> bool {
        run.rules.strategy == Strategy::Debug || self.settings.config.flag("ENABLE_TASK_DEBUGGER")
    }

    fn needs_debugger(&self, task: &TaskRun<'_>, host: &Host, ended: &Ended) -> bool {
        let lenient = self.settings.config.flag("TASK_DEBUGGER_IGNORE_ERRORS");
        let scope = || self.task_scope(task.play, host, task.item).shared();
        let ignored = lenient && self.truth(task.item.context.ignore_errors.as_ref(), &scope());
        let status = ended.status();
        let failed = status == Status::Failed && !ignored;
        match task.item.context.debugger.as_ref().and_then(Node::as_str) {
            Some("always") => true,
            Some("never") => false,
            Some("on_failed") if failed => true,
            Some("on_unreachable") if ended.unreachable => true,
            Some("on_skipped") if status == Status::Skipped => true,
            _ => self.debugs_all(task.play) && (failed || ended.unreachable),
        }
    }

    /// Asks what to do about a result, if anybody wants to be asked; returns the task to do again.
    pub(super) fn debugged(
        &self,
        task: &TaskRun<'_>,
        host: &Arc<Host>,
        ended: &Ended,
    ) -> Result<Option<Arc<TaskItem>>, Stop> {
        if !self.needs_debugger(task, host, ended) {
            return Ok(None);
        }
        let at = Stopped { task, host, ended };
        let mut item = task.item.clone();
        let prompt = format!("[{}] TASK: {} (debug)> ", host.name, task.name);
        loop {
            let line = (self.settings.ask)(&prompt, false).unwrap_or_else(|| "quit".to_owned());
            let said = match Command::read(&line) {
                Command::Nothing | Command::Update => continue,
                Command::Redo => return Ok(Some(Arc::new(item))),
                Command::Continue => return Ok(None),
                Command::Quit => {
                    self.emit(Kind::Said { message: "User interrupted execution".to_owned() });
                    return Err(Stop::Left);
                }
                Command::Print(expression) => Some(self.printed(&at, &item, expression)),
                Command::Argument(name, expression) => self.set(&at, &mut item, expression, |item, value| {
                    let named = Arc::make_mut(&mut item.task.args.named);
                    let place = item.task.span.clone();
                    named.set(Node::text(name, &place), written(&value.to_json(), &place));
                }),
                Command::Variable(name, expression) => self.set(&at, &mut item, expression, |item, value| {
                    let data = Data::from_iter([(Arc::from(name), value)]);
                    Arc::make_mut(&mut item.context).include_data.push(Arc::new(data));
                }),
                Command::Help => Some(HELP.to_owned()),
                Command::Unknown => Some(format!("***this is none of: {HELP}")),
            };
            if let Some(message) = said {
                self.emit(Kind::Said { message });
            }
        }
    }

    fn seen_there(&self, at: &Stopped<'_, '_>, item: &TaskItem) -> Arc<dyn Scope> {
        let Stopped { task, host, ended } = at;
        let result = json!({ "_result": ended.result, "_host": &*host.name });
        let now = TaskRun { item, name: task.name.clone(), ..**task };
        let names = [("task", failed_task(&now)), ("result", result), ("host", json!(&*host.name))];
        let names = names.into_iter().map(|(name, value)| (Arc::from(name), Value::from_json(value)));
        let vars = self.task_scope(task.play, host, item).shared();
        Arc::new(Seen { names: names.collect(), vars })
    }

    fn printed(&self, at: &Stopped<'_, '_>, item: &TaskItem, expression: &str) -> String {
        if expression == "task" {
            return format!("TASK: {}", at.task.name);
        }
        let scope = self.seen_there(at, item);
        match self.template.evaluate_str(expression, &scope) {
            Ok(rendered) => rendered.value.repr(),
            Err(error) => format!("***{error}"),
        }
    }

    /// Evaluates what is to be set, and sets it; returns what went wrong.
    fn set(
        &self,
        at: &Stopped<'_, '_>,
        item: &mut TaskItem,
        expression: &str,
        set: impl FnOnce(&mut TaskItem, Value),
    ) -> Option<String> {
        let scope = self.seen_there(at, item);
        match self.template.evaluate_str(expression, &scope) {
            Ok(rendered) => {
                set(item, rendered.value);
                None
            }
            Err(error) => Some(format!("***{error}")),
        }
    }
}

/// Returns a value as if it stood in the playbook.
fn written(value: &Json, place: &Span) -> Node {
    let data = match value {
        Json::Null => return Node::null(place),
        Json::Bool(flag) => Written::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Written::Int(whole),
            (None, number) => Written::Float(number.unwrap_or_default()),
        },
        Json::String(text) => return Node::text(text.as_str(), place),
        Json::Array(items) => Written::Seq(items.iter().map(|item| written(item, place)).collect()),
        Json::Object(fields) => {
            let mut mapping = Mapping::default();
            fields.iter().for_each(|(name, field)| {
                mapping.set(Node::text(name.as_str(), place), written(field, place));
            });
            return Node::map(mapping, place);
        }
    };
    Node::new(data, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_word_or_sets_something() {
        let cases = [
            ("p task.args", Command::Print("task.args")),
            ("task.args['data'] = '{{ a }}'", Command::Argument("data".to_owned(), "'{{ a }}'")),
            ("task_vars[\"a\"]=1", Command::Variable("a".to_owned(), "1")),
            ("task_vars['a'] == 1", Command::Unknown),
            ("redo", Command::Redo),
            ("", Command::Nothing),
            ("frobnicate", Command::Unknown),
        ];
        for (line, command) in cases {
            assert_eq!(Command::read(line), command, "{line}");
        }
    }
}
