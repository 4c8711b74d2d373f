use std::sync::Arc;

use rplay_event::Fault;

use crate::reading::{Reading, clipped};
use crate::words::{self, Unbalanced};
use crate::{Data, Mapping, Node, Origin, Text, Warning};

/// The parameters of a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    /// Parameters by name; those behind the action go before those of `args:`.
    pub named: Arc<Mapping>,
    /// What stands behind the action as text: a command line, a file to include.
    pub free_form: Option<Node>,
    /// `args:`, or what stands behind the action, where it is one template for a mapping: the others are laid over it.
    pub template: Option<Node>,
}

/// The actions to which every word is a part of the command line.
const COMMANDS: [&str; 6] = ["command", "raw", "script", "shell", "win_command", "win_shell"];

/// Returns the name of an action of Ansible's own without the collection it may be written with.
pub(crate) fn short_name(action: &str) -> &str {
    ["ansible.builtin.", "ansible.legacy."]
        .iter()
        .find_map(|prefix| action.strip_prefix(prefix))
        .unwrap_or(action)
}

fn is_command(action: &str) -> bool {
    COMMANDS.contains(&action.strip_prefix("ansible.windows.").unwrap_or_else(|| short_name(action)))
}

/// Parameters while they are put together.
#[derive(Default)]
pub(crate) struct Given {
    named: Mapping,
    free_form: Option<Node>,
    template: Option<Node>,
}

impl Given {
    /// Adds what stands behind the name of an action.
    pub(crate) fn add(&mut self, action: &str, value: &Node) -> Result<(), Fault> {
        match &value.data {
            Data::Null => Ok(()),
            Data::Map(mapping) => {
                self.add_named(mapping);
                Ok(())
            }
            Data::Text(Text { origin: Origin::Vault, .. }) => {
                self.free_form = Some(value.clone());
                Ok(())
            }
            Data::Text(_) if is_one_template(value) && !takes_text(action) => {
                self.template = Some(value.clone());
                Ok(())
            }
            Data::Text(_) => self.add_words(action, value),
            _ => Err(unexpected(action, value)),
        }
    }

    /// Adds the parameters of a mapping to those that are there, and over them.
    fn add_named(&mut self, mapping: &Mapping) {
        for (key, value) in mapping.iter() {
            match key.as_str() {
                Some("_raw_params") => self.free_form = Some(value.clone()),
                _ => self.named.set(key.clone(), value.clone()),
            }
        }
    }

    /// Adds a text of `key=value` words.
    pub(crate) fn add_words(&mut self, action: &str, value: &Node) -> Result<(), Fault> {
        let Some(text) = value.as_text() else { return Err(unexpected(action, value)) };
        let found = words::words(&text.text, is_command(action))
            .map_err(|open| unbalanced(&text.text, open).at(&value.span))?;
        let node = |written: String| {
            Node::new(Data::Text(Text { text: written.into(), origin: text.origin }), &value.span)
        };
        for (key, value) in found.named {
            self.named.set(node(key), node(value));
        }
        if let Some(free_form) = found.free_form {
            self.free_form = Some(node(free_form));
        }
        Ok(())
    }

    /// Puts what is there over the value of `args:`.
    pub(crate) fn over(self, reading: &mut Reading<'_>, args: &Node, behind: &Node) -> Self {
        let mut base = Self::default();
        match &args.data {
            Data::Map(mapping) => base.add_named(mapping),
            Data::Text(_) if is_one_template(args) => base.template = Some(args.clone()),
            Data::Null => {
                let message = "Ignoring empty task `args` keyword.";
                let help = "A mapping or template which resolves to a mapping is required.";
                reading.warn(Warning::deprecated(message, &args.span).help(help));
            }
            _ => {
                let message = "The value of the task `args` keyword is invalid.";
                let help = "A mapping or template which resolves to a mapping is required.";
                reading.fault(Fault::new(message).at(&args.span).help(help));
            }
        }
        if behind.as_str().is_some() && !self.named.is_empty() {
            let mut names: Vec<_> = self.named.iter().filter_map(|(key, _)| key.repr()).collect();
            names.sort();
            let message = format!("Merging legacy k=v args ({}) into task args.", names.join(", "));
            let help = "Include all task args in the task `args` mapping.";
            reading.warn(Warning::deprecated(message, &behind.span).help(help));
        }
        base.add_named(&self.named);
        base.free_form = self.free_form.or(base.free_form);
        base.template = self.template.or(base.template);
        base
    }

    /// Returns the parameters, unless one has a name that Ansible keeps for itself.
    pub(crate) fn finish(self, action: &str) -> Result<Args, Fault> {
        let is_taken = |key: &Node| key.key_text().starts_with("_ansible_");
        if let Some((key, _)) = self.named.iter().find(|(key, _)| is_taken(key) && !is_command(action)) {
            let name = key.key_text();
            let message = format!(
                "Invalid parameter specified beginning with keyword '_ansible_' for action '{action}': '{name}'. The \
                 prefix '_ansible_' is reserved for internal use only."
            );
            return Err(Fault::new(message).at(&key.span));
        }
        let Self { named, free_form, template } = self;
        Ok(Args { named: Arc::new(named), free_form, template })
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.named.entries.iter().position(|(key, _)| key.as_str() == Some(name))?;
        Some(self.named.entries.remove(at).1)
    }
}

/// The actions to which a text means something by itself; to all others one template is all their parameters.
const TEXTUAL: [&str; 17] = [
    "add_host",
    "command",
    "expect",
    "group_by",
    "import_role",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "meta",
    "raw",
    "script",
    "set_fact",
    "shell",
    "win_command",
    "win_shell",
    "include",
];

fn takes_text(action: &str) -> bool {
    TEXTUAL.contains(&action.rsplit('.').next().unwrap_or(action))
}

/// Returns whether a text begins and ends with the marks of a template.
fn is_one_template(node: &Node) -> bool {
    let starts = |text: &str| ["{{", "{%", "{#"].iter().any(|mark| text.starts_with(mark));
    let ends = |text: &str| ["}}", "%}", "#}"].iter().any(|mark| text.ends_with(mark));
    node.may_be_template() && node.as_str().is_some_and(|text| starts(text) && ends(text))
}

pub(crate) fn unexpected(action: &str, value: &Node) -> Fault {
    let fault = Fault::new(format!("unexpected parameter type in action: {}", value.kind())).at(&value.span);
    match value.data {
        Data::Seq(_) => fault.help("parameters are a mapping: write `name: value`, one line each"),
        _ if is_command(action) => {
            let written = value.key_text();
            fault.help(format!(
                "put quotes around it, for a command is a text: {action}: \"{}\"",
                clipped(&written)
            ))
        }
        _ => fault.help("parameters are a mapping or a text"),
    }
}

/// Returns the fault of a text of words in which something is not closed.
pub(crate) fn unbalanced(text: &str, open: Unbalanced) -> Fault {
    let help = match open {
        Unbalanced::Quote(quote) => {
            format!("a {quote} has no other to close it; write it as \\{quote} if it is meant")
        }
        Unbalanced::Block(open) => format!("a `{open}` is not closed"),
    };
    let message = "failed at splitting arguments, either an unbalanced jinja2 block or quotes";
    Fault::new(format!("{message}: {}", clipped(text))).help(help)
}
