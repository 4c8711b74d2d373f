use std::borrow::Cow;

use rplay_event::{Fault, Span};

use crate::yaml_fault::without_mark;
use crate::{Loaded, Node, Warning, compose};

/// A question to whoever knows the modules: is this the name of an action?
pub type IsAction<'a> = &'a dyn Fn(&str) -> bool;

/// What is found while a file is read, besides what it says.
pub(crate) struct Reading<'a> {
    pub(crate) is_action: IsAction<'a>,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

impl Reading<'_> {
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }
}

/// Reads a file of one document into a part of a playbook: all faults of the file at once, in their order in it.
pub(crate) fn read<T>(
    name: &str,
    text: &str,
    is_action: IsAction<'_>,
    build: impl FnOnce(&mut Reading<'_>, &Node) -> Option<T>,
) -> Result<Loaded<T>, Vec<Fault>> {
    let parsed = compose::parse(name, text).map_err(|fault| vec![fault])?;
    let mut reading = Reading { is_action, faults: Vec::new(), warnings: parsed.warnings };
    let found = build(&mut reading, &parsed.node);
    let Reading { mut faults, warnings, .. } = reading;
    match found {
        Some(value) if faults.is_empty() => Ok(Loaded { value, warnings }),
        _ => {
            faults.sort_by_key(|fault| fault.span.as_ref().map(place));
            Err(faults.into_iter().map(|fault| fault.with_source(without_mark(text), "")).collect())
        }
    }
}

/// Reads a part of a playbook from a node that was read before.
pub(crate) fn read_node<T>(
    node: &Node,
    build: impl FnOnce(&mut Reading<'_>, &Node) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let mut reading = Reading { is_action: &|_| false, faults: Vec::new(), warnings: Vec::new() };
    match build(&mut reading, node) {
        Some(value) if reading.faults.is_empty() => Ok(value),
        _ => Err(reading.faults),
    }
}

fn place(span: &Span) -> (u32, u32) {
    (span.line, span.column)
}

/// How much of what the user wrote a message repeats, in characters: the excerpt shows the rest.
const LONGEST: usize = 100;

/// Returns a value as messages show it: `'maybe'`, `5`, `of type 'list'`.
pub(crate) fn shown(node: &Node) -> String {
    node.repr().map_or_else(|| format!("of type '{}'", node.kind()), |text| clipped(&text).into_owned())
}

/// Returns the first line of a text, or the beginning of a long one.
pub(crate) fn clipped(text: &str) -> Cow<'_, str> {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}...", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}
