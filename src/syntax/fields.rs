use std::sync::Arc;

use rplay_event::{Fault, FaultKind};

use crate::reading::{Reading, clipped, shown};
use crate::vocabulary::{Form, Keyword, Level};
use crate::{Data, Keywords, Mapping, Node, Warning};

/// The keywords of one object of a playbook, known by name and of the right form.
pub(crate) struct Fields<'a> {
    level: Level,
    found: Vec<(&'static Keyword, &'a Node, &'a Node)>,
}

impl<'a> Fields<'a> {
    /// Takes the entries of an object; what is no keyword at its level is a fault.
    pub(crate) fn read(
        reading: &mut Reading<'_>,
        level: Level,
        entries: impl IntoIterator<Item = (&'a Node, &'a Node)>,
    ) -> Self {
        let mut found = Vec::new();
        for (key, value) in entries {
            match key.as_str().and_then(|name| level.keyword(name)) {
                Some(keyword) => match misfit(keyword, value) {
                    Some(fault) if !(level.is_run() && keyword.form.is_converted()) => reading.fault(fault),
                    _ => found.push((keyword, key, value)),
                },
                None => reading.fault(unknown(level.class(), level, key)),
            }
        }
        Self { level, found }
    }

    pub(crate) fn node(&self, name: &str) -> Option<&'a Node> {
        self.found.iter().find(|(keyword, ..)| keyword.name == name).map(|(.., value)| *value)
    }

    /// Returns every keyword that was written, with where.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&'static str, &'a Node)> {
        self.found.iter().map(|(keyword, key, _)| (keyword.name, *key))
    }

    pub(crate) fn value(&self, name: &str) -> Option<Node> {
        self.node(name).cloned()
    }

    /// Returns a value as a list: itself, or itself as the one element; null is none.
    pub(crate) fn list(&self, name: &str) -> Vec<Node> {
        self.node(name).filter(|node| !node.is_null()).map(listed).unwrap_or_default()
    }

    /// Returns conditions as a list, in which null is one.
    pub(crate) fn conditions(&self, name: &str) -> Vec<Node> {
        self.node(name).map(listed).unwrap_or_default()
    }

    /// Returns the keywords that many levels have.
    pub(crate) fn keywords(&self, reading: &mut Reading<'_>) -> Keywords {
        Keywords {
            name: self.value("name"),
            vars: self.vars(reading),
            when: self.conditions("when").into_iter().filter(|node| !node.is_null()).collect(),
            tags: self.tags(reading),
            environment: self.environment(reading),
            module_defaults: self.module_defaults(reading),
            collections: self.list("collections"),
            notify: self.list("notify"),
            delegate_to: self.value("delegate_to"),
            delegate_facts: self.value("delegate_facts"),
            connection: self.value("connection"),
            port: self.value("port"),
            remote_user: self.value("remote_user"),
            become_enabled: self.value("become"),
            become_method: self.value("become_method"),
            become_user: self.value("become_user"),
            become_flags: self.value("become_flags"),
            become_exe: self.value("become_exe"),
            ignore_errors: self.value("ignore_errors"),
            ignore_unreachable: self.value("ignore_unreachable"),
            any_errors_fatal: self.value("any_errors_fatal"),
            no_log: self.value("no_log"),
            check_mode: self.value("check_mode"),
            diff: self.value("diff"),
            run_once: self.value("run_once"),
            throttle: self.value("throttle"),
            timeout: self.value("timeout"),
            debugger: self.value("debugger"),
        }
    }

    fn vars(&self, reading: &mut Reading<'_>) -> Arc<Mapping> {
        match self.node("vars").map(|node| (&node.data, node)) {
            None | Some((Data::Null, _)) => Arc::default(),
            Some((Data::Map(mapping), _)) => {
                for (key, _) in mapping.iter() {
                    if let Err(fault) = variable_name(key) {
                        reading.fault(fault);
                    }
                }
                Arc::clone(mapping)
            }
            Some((_, node)) => {
                let message = format!("Vars in a {} must be specified as a dictionary.", self.level.class());
                reading.fault(
                    Fault::new(message)
                        .at(&node.span)
                        .help("write `name: value`, one line each, below `vars:`"),
                );
                Arc::default()
            }
        }
    }

    /// Returns the tags; a text holds several with commas between them.
    fn tags(&self, reading: &mut Reading<'_>) -> Vec<Node> {
        let Some(node) = self.node("tags") else { return Vec::new() };
        match &node.data {
            Data::Seq(items) => {
                for item in items.iter().filter(|item| !is_tag(item)) {
                    reading.fault(item_of("tags", "'str' or 'int'", item));
                }
                items.to_vec()
            }
            Data::Text(text) => comma_separated(&text.text)
                .map(|tag| {
                    let text = crate::Text { text: tag.into(), origin: text.origin };
                    Node::new(Data::Text(text), &node.span)
                })
                .collect(),
            _ => {
                let help = "write `[one, another]`, or a text with commas: `one, another`";
                reading.fault(Fault::new("tags must be specified as a list").at(&node.span).help(help));
                Vec::new()
            }
        }
    }

    fn environment(&self, reading: &mut Reading<'_>) -> Vec<Node> {
        let mut taken = self.list("environment");
        taken.retain(|node| {
            let usable = node.as_map().is_some() || node.may_be_template() || node.is_null();
            if !usable {
                let message = format!("could not parse environment value, skipping: {}", shown(node));
                reading.warn(Warning::new(message, &node.span).help("write `NAME: value`, one line each"));
            }
            usable
        });
        taken
    }

    fn module_defaults(&self, reading: &mut Reading<'_>) -> Vec<Node> {
        let taken = self.list("module_defaults");
        for node in taken.iter().filter(|node| node.as_map().is_none()) {
            let message = "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys \
                           of which must be static action, module, or group names. Only the values may contain templates.";
            let help = "for example: `module_defaults: {copy: {mode: \"0644\"}}`";
            reading.fault(Fault::new(message).at(&node.span).help(help));
        }
        taken
    }
}

fn listed(node: &Node) -> Vec<Node> {
    node.as_seq().map_or_else(|| vec![node.clone()], <[Node]>::to_vec)
}

/// Splits at the commas that stand outside of templates.
fn comma_separated(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let mut before = ' ';
    text.split(move |character| {
        match (before, character) {
            ('{', '{') => depth += 1,
            ('}', '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = character;
        character == ',' && depth == 0
    })
    .map(str::trim)
}

fn is_tag(node: &Node) -> bool {
    match &node.data {
        Data::Text(_) | Data::Int(_) | Data::BigInt(_) | Data::Bool(_) => true,
        Data::Seq(items) => items.iter().all(is_tag),
        _ => false,
    }
}

/// Returns the fault of a word that is no keyword where it stands; `class` is what Ansible calls the place.
pub(crate) fn unknown(class: &str, level: Level, key: &Node) -> Fault {
    let word = key.key_text();
    let fault =
        Fault::new(format!("'{}' is not a valid attribute for a {class}", clipped(&word))).at(&key.span);
    match level.advice(&word) {
        Some(help) => fault.help(help),
        None => fault,
    }
}

/// Judges the name of a variable.
pub(crate) fn variable_name(key: &Node) -> Result<(), Fault> {
    /// Words that mean something to Jinja.
    const TAKEN: [&str; 7] = ["true", "false", "none", "True", "False", "None", "not"];
    let is_word = |name: &str| {
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|part| part.is_ascii_alphanumeric() || part == '_')
    };
    let message = match key.as_str() {
        Some(name) if is_word(name) && !TAKEN.contains(&name) => return Ok(()),
        Some(name) => format!("Invalid variable name '{}'.", clipped(name)),
        None => format!("Invalid variable name '{}' of type '{}'.", key.key_text(), key.kind()),
    };
    Err(Fault::new(message).at(&key.span).help("a name is a letter or `_`, and then letters, digits and `_`"))
}

/// Returns the fault of a value that no template can bring into the form that a keyword asks for.
fn misfit(keyword: &Keyword, value: &Node) -> Option<Fault> {
    if value.is_null() {
        return None;
    }
    let items = || value.as_seq().unwrap_or(std::slice::from_ref(value));
    match keyword.form {
        Form::Any | Form::List => None,
        Form::Text => {
            (value.as_seq().is_some() || value.as_map().is_some()).then(|| no_text(keyword.name, value))
        }
        Form::Flag => unconverted(keyword, value, "bool", value.to_flag().is_some()),
        Form::Whole => unconverted(keyword, value, "int", value.to_whole().is_some()),
        Form::Number => unconverted(keyword, value, "float", value.to_number().is_some()),
        Form::Percent => unconverted(keyword, value, "percent", value.to_percent().is_some()),
        Form::Names => items()
            .iter()
            .find(|item| item.as_text().is_none())
            .map(|item| item_of(keyword.name, "'str'", item)),
        Form::Conditions => items().iter().find(|item| !is_condition(item)).map(no_condition),
        Form::Batches => {
            items().iter().find_map(|item| unconverted(keyword, item, "percent", item.to_percent().is_some()))
        }
        Form::OneOf(words) => no_choice(keyword.name, words, value),
    }
}

fn is_condition(node: &Node) -> bool {
    matches!(node.data, Data::Text(_) | Data::Bool(_) | Data::Null)
}

fn no_condition(node: &Node) -> Fault {
    Fault::new("Conditional expressions must be strings.")
        .at(&node.span)
        .help("an expression that begins with `{` or `[`, or holds `: `, needs quotes around the whole of it")
}

fn no_text(name: &str, value: &Node) -> Fault {
    let found = value.kind();
    Fault::new(format!(
        "The field '{name}' is supposed to be a string type, however the incoming data structure is a {found}"
    ))
    .at(&value.span)
}

fn item_of(name: &str, wanted: &str, item: &Node) -> Fault {
    Fault::new(format!("Keyword '{name}' items must be of type {wanted}, not '{}'.", item.kind()))
        .at(&item.span)
}

fn unconverted(keyword: &Keyword, value: &Node, wanted: &str, fits: bool) -> Option<Fault> {
    let can_be_anything =
        value.may_be_template() || value.as_text().is_some_and(|text| text.origin == crate::Origin::Vault);
    let fault = || {
        let (name, shown) = (keyword.name, shown(value));
        Fault::new(format!(
            "Error processing keyword '{name}': The value {shown} could not be converted to '{wanted}'."
        ))
        .at(&value.span)
    };
    (!fits && !can_be_anything).then(|| match wanted {
        "bool" => fault().help("write `true` or `false`"),
        _ => fault(),
    })
}

fn no_choice(name: &str, words: &[&str], value: &Node) -> Option<Fault> {
    let word = value.as_str().filter(|_| !value.may_be_template())?;
    if words.contains(&word) {
        return None;
    }
    let fault = match name {
        "order" => Fault::new(format!("Invalid 'order' specified for inventory hosts: {word}"))
            .kind(FaultKind::Options),
        _ => Fault::new(format!(
            "Error processing keyword '{name}': '{word}' is not a valid value for {name}. Must be one of {}",
            words.join(", ")
        )),
    };
    let fault = fault.at(&value.span);
    Some(match crate::nearest(word, words.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("one of: {}", words.join(", "))),
    })
}
