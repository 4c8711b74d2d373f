use rplay_event::{Fault, Span};

use crate::fields::Fields;
use crate::reading::{IsAction, Reading, read, shown};
use crate::vocabulary::Level;
use crate::{Data, Keywords, Loaded, Mapping, Node, Task, old};

/// What stands in a list of tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Block(Box<Block>),
    Task(Box<Task>),
}

/// Tasks with keywords of their own, what to do when they fail, and what to do in any case.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub keywords: Keywords,
    pub block: Vec<Step>,
    pub rescue: Vec<Step>,
    pub always: Vec<Step>,
    pub span: Span,
}

/// Returns whether an entry of a list of tasks is a block.
fn is_block(mapping: &Mapping) -> bool {
    ["block", "rescue", "always"].iter().any(|name| mapping.contains(name))
}

/// Reads a list of tasks and blocks; `keyword` is what it stands behind.
///
/// Null is an empty list to a play, and no list to a block.
pub(crate) fn steps(reading: &mut Reading<'_>, keyword: &str, level: Level, node: &Node) -> Vec<Step> {
    let in_block = matches!(keyword, "block" | "rescue" | "always");
    let Some(items) = node.as_seq() else {
        if in_block || !node.is_null() {
            reading.fault(malformed(keyword, node, in_block));
        }
        return Vec::new();
    };
    let present = items.iter().filter(|item| in_block || !item.is_null());
    present.filter_map(|item| step(reading, keyword, level, item)).collect()
}

fn step(reading: &mut Reading<'_>, keyword: &str, level: Level, node: &Node) -> Option<Step> {
    match node.as_map() {
        Some(mapping) if is_block(mapping) => {
            if level == Level::Handler && matches!(keyword, "block" | "rescue" | "always") {
                reading.fault(Fault::new("Using a block as a handler is not supported.").at(&node.span));
            }
            Some(Step::Block(block(reading, level, mapping, &node.span)))
        }
        Some(mapping) => task(reading, level, mapping, &node.span),
        None => {
            reading.fault(no_task(keyword, node));
            None
        }
    }
}

fn task(reading: &mut Reading<'_>, level: Level, mapping: &Mapping, span: &Span) -> Option<Step> {
    Task::read(reading, level, mapping, span).map(|task| Step::Task(Box::new(task)))
}

/// Reads a block. Blocks lie in blocks: what is large is left to functions that call no other block.
fn block(reading: &mut Reading<'_>, level: Level, mapping: &Mapping, span: &Span) -> Box<Block> {
    let today = old::task(reading, mapping);
    let fields = Fields::read(reading, Level::Block, today.as_ref().unwrap_or(mapping).iter());
    let lists = ["block", "rescue", "always"]
        .map(|name| fields.node(name).map(|node| steps(reading, name, level, node)).unwrap_or_default());
    Block::assemble(reading, &fields, lists, span)
}

fn no_task(keyword: &str, node: &Node) -> Fault {
    let (place, shown, found) = (place(keyword), shown(node), node.kind());
    let message = format!(
        "A malformed block was encountered while loading {place}: {shown} should be a dict but was a {found}"
    );
    let help = "a task is a mapping: `module:` and its parameters, and keywords beside it";
    Fault::new(message).at(&node.span).help(help)
}

fn place(keyword: &str) -> &str {
    if keyword == "block" { "a block" } else { keyword }
}

fn malformed(keyword: &str, node: &Node, in_block: bool) -> Fault {
    let (place, found) = (place(keyword), node.kind());
    let shown = match &node.data {
        Data::Seq(_) | Data::Map(_) => String::new(),
        _ if in_block => format!("The ds ({}) ", node.key_text()),
        _ => format!("{} ", node.key_text()),
    };
    let wanted = if in_block { "a list but was" } else { "a list or None but is" };
    let message = format!(
        "A malformed block was encountered while loading {place}: {shown}should be {wanted} a {found}"
    );
    Fault::new(message).at(&node.span).help("begin every task with `- `")
}

impl Block {
    fn assemble(
        reading: &mut Reading<'_>,
        fields: &Fields<'_>,
        lists: [Vec<Step>; 3],
        span: &Span,
    ) -> Box<Self> {
        let [block, rescue, always] = lists;
        for (name, list) in [("rescue", &rescue), ("always", &always)] {
            if !list.is_empty() && fields.node("block").is_none() {
                reading
                    .fault(Fault::new(format!("'{name}' keyword cannot be used without 'block'")).at(span));
            }
        }
        Box::new(Self { keywords: fields.keywords(reading), block, rescue, always, span: span.clone() })
    }
}

/// Reads a file of tasks, such as `include_tasks` names.
///
/// An empty file is an empty list.
pub fn parse_tasks(name: &str, text: &str, is_action: IsAction<'_>) -> Result<Loaded<Vec<Step>>, Vec<Fault>> {
    list_of(name, text, is_action, Level::Task)
}

/// Reads a file of handlers.
///
/// An empty file is an empty list.
pub fn parse_handlers(
    name: &str,
    text: &str,
    is_action: IsAction<'_>,
) -> Result<Loaded<Vec<Step>>, Vec<Fault>> {
    list_of(name, text, is_action, Level::Handler)
}

fn list_of(
    name: &str,
    text: &str,
    is_action: IsAction<'_>,
    level: Level,
) -> Result<Loaded<Vec<Step>>, Vec<Fault>> {
    read(name, text, is_action, |reading, node| {
        if node.as_seq().is_some() || node.is_null() {
            return Some(steps(
                reading,
                if level == Level::Handler { "handlers" } else { "tasks" },
                level,
                node,
            ));
        }
        let fault = Fault::new("included task files must contain a list of tasks").at(&node.span);
        reading.fault(match node.get("hosts") {
            Some(_) => fault.help("this is a play: `import_playbook` brings in a playbook"),
            None => fault.help("begin every task with `- `"),
        });
        None
    })
}

#[cfg(test)]
mod tests;
