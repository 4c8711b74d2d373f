use rplay_event::{Fault, Span};

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
    let built = build(&mut reading, &parsed.node);
    let Reading { mut faults, warnings, .. } = reading;
    match built {
        Some(value) if faults.is_empty() => Ok(Loaded { value, warnings }),
        _ => {
            faults.sort_by_key(|fault| fault.span.as_ref().map(place));
            Err(faults.into_iter().map(|fault| fault.with_source(text, "")).collect())
        }
    }
}

fn place(span: &Span) -> (u32, u32) {
    (span.line, span.column)
}

/// Returns the kind of a value with what it is, as messages show it: `'maybe'`, `5`, `a list`.
pub(crate) fn shown(node: &Node) -> String {
    node.repr().unwrap_or_else(|| format!("of type {:?}", node.kind()).replace('"', "'"))
}
