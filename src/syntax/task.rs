use std::sync::Arc;

use rplay_event::{Fault, Span};

use crate::action::{Call, Sorted};
use crate::fields::{Fields, variable_name};
use crate::reading::Reading;
use crate::vocabulary::Level;
use crate::{Args, Keywords, Mapping, Node, include, old};

/// One call of an action, or a handler, which is a task that waits to be notified.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub keywords: Keywords,
    pub action: Action,
    pub args: Args,
    /// `loop:` or `with_<lookup>:`.
    pub looping: Option<Loop>,
    pub loop_control: LoopControl,
    /// The variable that receives the result.
    pub register: Option<Node>,
    pub until: Vec<Node>,
    pub retries: Option<Node>,
    pub delay: Option<Node>,
    pub changed_when: Vec<Node>,
    pub failed_when: Vec<Node>,
    /// `async:`, the seconds a background job may take.
    pub async_seconds: Option<Node>,
    pub poll: Option<Node>,
    /// The topics a handler listens to.
    pub listen: Vec<Node>,
    pub span: Span,
}

/// What a task calls, as the playbook spells it; whether there is such an action is not known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
}

/// What a task iterates over.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    pub source: LoopSource,
    /// What was written behind the keyword.
    pub node: Node,
    /// Where the keyword stands.
    pub span: Span,
}

/// How the items of a loop come to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopSource {
    /// `loop:`, a list.
    List,
    /// `with_<lookup>:`, the terms of a lookup.
    Lookup(Arc<str>),
}

/// `loop_control:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopControl {
    pub loop_var: Option<Node>,
    pub index_var: Option<Node>,
    pub label: Option<Node>,
    pub pause: Option<Node>,
    pub extended: Option<Node>,
    pub extended_allitems: Option<Node>,
    pub break_when: Vec<Node>,
}

impl Task {
    /// Reads a task or a handler.
    pub(crate) fn read(
        reading: &mut Reading<'_>,
        level: Level,
        mapping: &Mapping,
        span: &Span,
    ) -> Option<Self> {
        let today = old::task(reading, mapping);
        let sorted = Sorted::new(reading, today.as_ref().unwrap_or(mapping));
        let call = sorted.call(reading, level, span);
        let fields = Fields::read(reading, level, sorted.keywords.iter().copied());
        let mut keywords = fields.keywords(reading);
        let looping = Loop::read(reading, &fields, &sorted.lookups);
        let loop_control = LoopControl::read(reading, &fields);
        let register = fields.value("register");
        if let Some(name) = register.as_ref().filter(|name| !name.is_null()) {
            check_register(reading, name);
        }
        let Call { action, args, local } = call?;
        if let Some(span) = local {
            keywords.delegate_to = Some(Node::text("localhost", &span));
        }
        let mut task = Self {
            keywords,
            action,
            args,
            looping,
            loop_control,
            register: register.filter(|name| !name.is_null()),
            until: fields.list("until"),
            retries: fields.value("retries"),
            delay: fields.value("delay"),
            changed_when: fields.conditions("changed_when"),
            failed_when: fields.conditions("failed_when"),
            async_seconds: fields.value("async"),
            poll: fields.value("poll"),
            listen: fields.list("listen"),
            span: span.clone(),
        };
        include::check(reading, &mut task, &fields, level);
        Some(task)
    }
}

fn check_register(reading: &mut Reading<'_>, name: &Node) {
    if let Err(fault) = variable_name(name) {
        let message = format!("Invalid 'register' specified: {}", fault.message);
        reading.fault(Fault { message, ..fault });
    }
}

impl Loop {
    fn read(reading: &mut Reading<'_>, fields: &Fields<'_>, lookups: &[(&Node, &Node)]) -> Option<Self> {
        let list = fields.written().find(|(name, _)| *name == "loop").and_then(|(_, key)| {
            let node = fields.value("loop").filter(|node| !node.is_null())?;
            Some(Self { source: LoopSource::List, node, span: key.span.clone() })
        });
        let mut loops: Vec<Self> = list.into_iter().collect();
        for (key, value) in lookups {
            let lookup = key.as_str().and_then(|name| name.strip_prefix("with_")).unwrap_or_default();
            if value.is_null() {
                let message = format!("you must specify a value when using with_{lookup}");
                reading.fault(Fault::new(message).at(&key.span));
            } else {
                let source = LoopSource::Lookup(lookup.into());
                loops.push(Self { source, node: (*value).clone(), span: key.span.clone() });
            }
        }
        if let [_, second, ..] = loops.as_slice() {
            let name = if let LoopSource::Lookup(name) = &second.source { name } else { "loop" };
            let fault = Fault::new(format!("duplicate loop in task: {name}")).at(&second.span);
            reading.fault(fault.help("a task has one loop: `loop`, or one `with_`"));
        }
        loops.into_iter().next()
    }
}

impl LoopControl {
    fn read(reading: &mut Reading<'_>, fields: &Fields<'_>) -> Self {
        let Some(node) = fields.node("loop_control") else { return Self::default() };
        let Some(mapping) = node.as_map() else {
            let message = "the `loop_control` value must be specified as a dictionary and cannot be a variable itself \
                           (though it can contain variables)";
            reading.fault(
                Fault::new(message).at(&node.span).help("for example: `loop_control: {loop_var: thing}`"),
            );
            return Self::default();
        };
        let fields = Fields::read(reading, Level::LoopControl, mapping.iter());
        Self {
            loop_var: fields.value("loop_var"),
            index_var: fields.value("index_var"),
            label: fields.value("label"),
            pause: fields.value("pause"),
            extended: fields.value("extended"),
            extended_allitems: fields.value("extended_allitems"),
            break_when: fields.list("break_when"),
        }
    }
}

#[cfg(test)]
mod tests;
