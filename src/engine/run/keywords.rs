//! Keywords whose values have a kind: what is written there, or what a template gives, has to be one.
//!
//! Source of the rules: `post_validate` and `get_validated_value` of `ansible/playbook/base.py`.

use std::sync::Arc;

use rplay_event::{Fault, Span};
use rplay_syntax::{Data, LoopSource, Node};
use rplay_template::{ErrorKind, Scope, Value};
use serde_json::Value as Json;

use super::item::Ended;
use super::{Runner, TaskRun};
use crate::load::TaskItem;

/// What a keyword takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Flag,
    Whole,
    Number,
    Text,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Flag => "bool",
            Self::Whole => "int",
            Self::Number => "float",
            Self::Text => "str",
        }
    }

    fn fits(self, value: &Node) -> bool {
        match self {
            Self::Flag => value.to_flag().is_some(),
            Self::Whole => value.to_whole().is_some(),
            Self::Number => value.to_number().is_some(),
            Self::Text => true,
        }
    }
}

/// What is wrong with the value of a keyword.
struct Misfit {
    /// The keyword, as Ansible's messages call it.
    keyword: &'static str,
    message: String,
    place: Span,
    help: Option<String>,
    /// The value itself could be had: it is of the wrong kind.
    converted: bool,
}

type Typed<'a> = (&'static str, Option<&'a Node>, Kind);

/// Returns the keywords of a task that have a kind, its own and those around it.
fn typed(item: &TaskItem) -> [Typed<'_>; 20] {
    let (context, task) = (&item.context, &item.task);
    [
        ("any_errors_fatal", context.any_errors_fatal.as_ref(), Kind::Flag),
        ("async_val", task.async_seconds.as_ref(), Kind::Whole),
        ("become", context.become_enabled.as_ref(), Kind::Flag),
        ("become_exe", context.become_exe.as_ref(), Kind::Text),
        ("become_flags", context.become_flags.as_ref(), Kind::Text),
        ("become_method", context.become_method.as_ref(), Kind::Text),
        ("become_user", context.become_user.as_ref(), Kind::Text),
        ("check_mode", context.check_mode.as_ref(), Kind::Flag),
        ("connection", context.connection.as_ref(), Kind::Text),
        ("delay", task.delay.as_ref(), Kind::Number),
        ("delegate_facts", context.delegate_facts.as_ref(), Kind::Flag),
        ("diff", context.diff.as_ref(), Kind::Flag),
        ("ignore_errors", context.ignore_errors.as_ref(), Kind::Flag),
        ("ignore_unreachable", context.ignore_unreachable.as_ref(), Kind::Flag),
        ("no_log", context.no_log.as_ref(), Kind::Flag),
        ("poll", task.poll.as_ref(), Kind::Whole),
        ("port", context.port.as_ref(), Kind::Whole),
        ("remote_user", context.remote_user.as_ref(), Kind::Text),
        ("retries", task.retries.as_ref(), Kind::Whole),
        ("timeout", context.timeout.as_ref(), Kind::Whole),
    ]
}

/// Returns what is wrong with a keyword that is written without a template, for whoever looks before the run.
pub(crate) fn literal_misfit(item: &TaskItem) -> Option<Fault> {
    let written = typed(item).into_iter().filter_map(|(keyword, node, kind)| Some((keyword, node?, kind)));
    let mut plain = written.filter(|(_, node, _)| !is_evaluated(node));
    let Some((keyword, node, kind)) = plain.find(|(_, node, kind)| !node.is_null() && !kind.fits(node))
    else {
        return no_list(item).or_else(|| no_condition(item));
    };
    let message = unconverted(&Value::from_json(node.to_json()), kind);
    let fault = Fault::new(format!("Error processing keyword '{keyword}': {message}")).at(&node.span);
    Some(if kind == Kind::Flag { fault.help("write `true` or `false`") } else { fault })
}

/// Returns what is wrong with a loop over what is no list.
fn no_list(item: &TaskItem) -> Option<Fault> {
    let looping = item.task.looping.as_ref().filter(|looping| looping.source == LoopSource::List)?;
    let node = &looping.node;
    if node.as_seq().is_some() || is_evaluated(node) {
        return None;
    }
    let message = format!("The `loop` value must resolve to a 'list', not '{}'.", node.kind());
    let help = "Provide a list of items/templates, or a template resolving to a list.";
    Some(Fault::new(message).at(&node.span).help(help))
}

/// Returns what is wrong with a condition that is no text.
fn no_condition(item: &TaskItem) -> Option<Fault> {
    let task = &item.task;
    let lists = [&item.context.when, &task.changed_when, &task.failed_when, &task.until];
    let mut nodes = lists.into_iter().chain([&task.loop_control.break_when]).flatten();
    let node = nodes.find(|node| !matches!(node.data, Data::Text(_) | Data::Bool(_) | Data::Null))?;
    let help =
        "an expression that begins with `{` or `[`, or holds `: `, needs quotes around the whole of it";
    Some(Fault::new("Conditional expressions must be strings.").at(&node.span).help(help))
}

/// Returns whether what is written has to be evaluated first.
fn is_evaluated(node: &Node) -> bool {
    node.may_be_template()
        || matches!(&node.data, Data::Text(text) if text.origin == rplay_syntax::Origin::Vault)
}

impl Runner {
    /// Returns the end of a task one of whose keywords has no value of its kind.
    pub(super) fn misused(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> Option<Ended> {
        let written = typed(task.item).into_iter();
        let notify = task.item.context.notify.iter().map(|node| ("notify", Some(node), Kind::Text));
        let misfit = written
            .chain(notify)
            .find_map(|(keyword, node, kind)| self.misfit(keyword, node?, kind, scope))?;
        Some(misused(task, &misfit))
    }

    fn misfit(
        &self,
        keyword: &'static str,
        node: &Node,
        kind: Kind,
        scope: &Arc<dyn Scope>,
    ) -> Option<Misfit> {
        let wrong = |message: String| Misfit {
            keyword,
            message,
            place: node.span.clone(),
            help: None,
            converted: true,
        };
        if !is_evaluated(node) {
            let misfits = !node.is_null() && !kind.fits(node);
            return misfits.then(|| wrong(unconverted(&Value::from_json(node.to_json()), kind)));
        }
        match self.template.render(node, scope) {
            Ok(rendered) if rendered.marks.unknown || rendered.value.is_unknown() => None,
            Ok(rendered) if rendered.value.is_omit() || rendered.value.is_none() => None,
            Ok(rendered) => {
                let value = scalar(&rendered.value, &node.span);
                let fits = kind == Kind::Text || value.is_some_and(|value| kind.fits(&value));
                (!fits).then(|| wrong(unconverted(&rendered.value, kind)))
            }
            Err(error) if error.kind == ErrorKind::Omitted => None,
            Err(error) => Some(Misfit {
                place: error.span.clone().unwrap_or_else(|| node.span.clone()),
                help: error.help.clone(),
                converted: false,
                ..wrong(error.message)
            }),
        }
    }

    /// Returns whether a result is nobody's to see; a `no_log` that cannot be evaluated hides it too.
    pub(super) fn hides(&self, task: &TaskRun<'_>, scope: &Arc<dyn Scope>) -> bool {
        let Some(node) = &task.item.context.no_log else {
            return self.settings.config.flag("DEFAULT_NO_LOG");
        };
        self.misfit("no_log", node, Kind::Flag, scope).is_some() || self.truth(Some(node), scope)
    }
}

/// Returns a value as if it were written; `None` for one that is made of others.
fn scalar(value: &Value, place: &Span) -> Option<Node> {
    let data = match value.to_json() {
        Json::Bool(flag) => Data::Bool(flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Data::Int(whole),
            (None, Some(number)) => Data::Float(number),
            (None, None) => return None,
        },
        Json::String(text) => return Some(Node::text(text, place)),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    Some(Node::new(data, place))
}

fn unconverted(value: &Value, kind: Kind) -> String {
    let shown = match value.as_str() {
        Some(text) => format!("'{text}'"),
        None => value.text(),
    };
    format!("The value {shown} could not be converted to '{}'.", kind.name())
}

fn misused(task: &TaskRun<'_>, misfit: &Misfit) -> Ended {
    let processing = format!("Error processing keyword '{}'", misfit.keyword);
    let mut ended = Ended::failed(format!("Task failed: {processing}: {}", misfit.message));
    ended.causes.push(Fault::new("Task failed.").at(&task.item.task.span));
    let last = if misfit.converted {
        ended.causes.push(Fault::new(format!("{processing}.")).at(&misfit.place));
        Fault::new(misfit.message.clone()).apart()
    } else {
        Fault::new(format!("{processing}: {}", misfit.message))
    };
    let last = last.at(&misfit.place);
    ended.causes.push(match &misfit.help {
        Some(help) => last.help(help.clone()),
        None => last,
    });
    ended
}
