use rplay_event::{Fault, Span};

use crate::block::steps;
use crate::fields::{Fields, unknown};
use crate::reading::{Reading, shown};
use crate::vocabulary::Level;
use crate::{Data, Keywords, Mapping, Node, RoleEntry, Step, nearest};

/// Hosts, and what is to be done on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    pub keywords: Keywords,
    /// A pattern, a list of them, or a template for either.
    pub hosts: Node,
    pub gather_facts: Option<Node>,
    pub gather_subset: Vec<Node>,
    pub gather_timeout: Option<Node>,
    pub fact_path: Option<Node>,
    /// Each entry is a list of candidates, of which the first that is there is read.
    pub vars_files: Vec<Vec<Node>>,
    pub vars_prompt: Vec<VarsPrompt>,
    pub roles: Vec<RoleEntry>,
    pub pre_tasks: Vec<Step>,
    pub tasks: Vec<Step>,
    pub post_tasks: Vec<Step>,
    pub handlers: Vec<Step>,
    pub force_handlers: Option<Node>,
    pub max_fail_percentage: Option<Node>,
    pub serial: Vec<Node>,
    pub strategy: Option<Node>,
    pub order: Option<Node>,
    pub span: Span,
}

/// One entry of `vars_prompt:`.
#[derive(Clone, Debug, PartialEq)]
pub struct VarsPrompt {
    pub name: Node,
    pub prompt: Option<Node>,
    pub default: Option<Node>,
    pub private: Option<Node>,
    pub confirm: Option<Node>,
    pub encrypt: Option<Node>,
    pub salt_size: Option<Node>,
    pub salt: Option<Node>,
    /// `unsafe:`: what is typed may hold template characters.
    pub unsafe_text: Option<Node>,
    pub span: Span,
}

impl Play {
    pub(crate) fn read(reading: &mut Reading<'_>, mapping: &Mapping, span: &Span) -> Option<Self> {
        let (known, strangers): (Vec<_>, Vec<_>) = mapping
            .iter()
            .partition(|(key, _)| key.as_str().is_some_and(|name| Level::Play.keyword(name).is_some()));
        for (key, _) in strangers {
            reading.fault(stranger(reading, key));
        }
        let fields = Fields::read(reading, Level::Play, known);
        let hosts = hosts(reading, &fields, span);
        let mut steps = |name: &str, level: Level| {
            fields.node(name).map(|node| steps(reading, name, level, node)).unwrap_or_default()
        };
        let pre_tasks = steps("pre_tasks", Level::Task);
        let tasks = steps("tasks", Level::Task);
        let post_tasks = steps("post_tasks", Level::Task);
        let handlers = steps("handlers", Level::Handler);
        Some(Self {
            keywords: fields.keywords(reading),
            gather_facts: fields.value("gather_facts"),
            gather_subset: fields.list("gather_subset"),
            gather_timeout: fields.value("gather_timeout"),
            fact_path: fields.value("fact_path"),
            vars_files: vars_files(reading, &fields),
            vars_prompt: VarsPrompt::list(reading, &fields),
            roles: fields.node("roles").map(|node| RoleEntry::list(reading, node)).unwrap_or_default(),
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
            force_handlers: fields.value("force_handlers"),
            max_fail_percentage: fields.value("max_fail_percentage"),
            serial: fields.list("serial"),
            strategy: fields.value("strategy"),
            order: fields.value("order"),
            hosts: hosts?,
            span: span.clone(),
        })
    }
}

/// Judges a key that is no keyword of a play; a task outside of `tasks:` is a frequent one.
fn stranger(reading: &Reading<'_>, key: &Node) -> Fault {
    let fault = unknown(Level::Play.class(), Level::Play, key);
    match key.as_str() {
        // Alone it has been renamed already; it is also a module, but that stands in no play.
        Some("user") => Fault::new(
            "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed",
        )
        .at(&key.span),
        Some(name) if (reading.is_action)(name) => {
            fault.help("this is a task: it stands in the list `tasks:` of a play")
        }
        _ => fault,
    }
}

fn hosts(reading: &mut Reading<'_>, fields: &Fields<'_>, span: &Span) -> Option<Node> {
    let Some(node) = fields.node("hosts") else {
        let fault = Fault::new("The field 'hosts' is required but was not set.").at(span);
        reading.fault(fault.help("say where the play runs: `hosts: localhost`"));
        return None;
    };
    let wrong = match &node.data {
        Data::Null => Some("Hosts list cannot be empty. Please check your playbook".to_owned()),
        Data::Text(text) if text.text.is_empty() => {
            Some("Hosts list cannot be empty. Please check your playbook".to_owned())
        }
        Data::Text(_) => None,
        Data::Seq(items) if items.is_empty() => {
            Some("Hosts list cannot be empty. Please check your playbook".to_owned())
        }
        Data::Seq(items) => return hosts_of_list(reading, node, items),
        _ => Some("Hosts list must be a sequence or string. Please check your playbook.".to_owned()),
    };
    match wrong {
        None => Some(node.clone()),
        Some(message) => {
            reading.fault(Fault::new(message).at(&node.span));
            None
        }
    }
}

fn hosts_of_list(reading: &mut Reading<'_>, node: &Node, items: &[Node]) -> Option<Node> {
    let mut right = true;
    for item in items {
        let message = match &item.data {
            Data::Text(text) if !text.text.trim().is_empty() => continue,
            Data::Text(_) => "Keyword 'hosts' is required, and cannot have empty values.".to_owned(),
            Data::Null => "Hosts list cannot contain values of 'None'. Please check your playbook".to_owned(),
            _ => format!("Hosts list contains an invalid host value: {}", shown(item)),
        };
        right = false;
        reading.fault(Fault::new(message).at(&item.span));
    }
    right.then(|| node.clone())
}

/// Returns the candidates of every entry of `vars_files:`.
fn vars_files(reading: &mut Reading<'_>, fields: &Fields<'_>) -> Vec<Vec<Node>> {
    let entries = fields.list("vars_files");
    let candidates: Vec<Vec<Node>> = entries
        .iter()
        .map(|entry| entry.as_seq().map_or_else(|| vec![entry.clone()], <[Node]>::to_vec))
        .collect();
    for node in candidates.iter().flatten().filter(|node| node.as_text().is_none()) {
        let message = format!("Invalid `vars_files` value of type '{}'.", node.kind());
        let help = "A `vars_files` value should either be a string or list of strings.";
        reading.fault(Fault::new(message).at(&node.span).help(help));
    }
    candidates
}

/// The keys of an entry of `vars_prompt:`.
const PROMPT_KEYS: [&str; 9] =
    ["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];

impl VarsPrompt {
    fn list(reading: &mut Reading<'_>, fields: &Fields<'_>) -> Vec<Self> {
        let entries = fields.list("vars_prompt");
        entries.iter().filter_map(|entry| Self::read(reading, entry)).collect()
    }

    fn read(reading: &mut Reading<'_>, entry: &Node) -> Option<Self> {
        let Some(mapping) = entry.as_map() else {
            let fault = Fault::new("Invalid variable file contents.").at(&entry.span);
            reading.fault(fault.help("an entry of `vars_prompt` is a mapping with `name` and `prompt`"));
            return None;
        };
        for (key, _) in mapping.iter() {
            let word = key.key_text();
            if !PROMPT_KEYS.contains(&word.as_ref()) {
                let message = format!("Invalid vars_prompt data structure, found unsupported key '{word}'");
                let fault = Fault::new(message).at(&key.span);
                reading.fault(match nearest(&word, PROMPT_KEYS) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault.help(format!("the keys are {}", PROMPT_KEYS.join(", "))),
                });
            }
        }
        let Some(name) = mapping.get("name") else {
            reading
                .fault(Fault::new("Invalid vars_prompt data structure, missing 'name' key").at(&entry.span));
            return None;
        };
        let value = |key: &str| mapping.get(key).cloned();
        Some(Self {
            name: name.clone(),
            prompt: value("prompt"),
            default: value("default"),
            private: value("private"),
            confirm: value("confirm"),
            encrypt: value("encrypt"),
            salt_size: value("salt_size"),
            salt: value("salt"),
            unsafe_text: value("unsafe"),
            span: entry.span.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
