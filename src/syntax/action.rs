//! Which key of a task is the action, and what its parameters are.

use rplay_event::{Fault, Span};

use crate::args::{Given, unexpected};
use crate::fields::unknown;
use crate::reading::{Reading, clipped};
use crate::vocabulary::Level;
use crate::words;
use crate::{Action, Args, Data, Mapping, Node, Warning, nearest};

type Entry<'a> = (&'a Node, &'a Node);

/// The entries of a task by what they are.
pub(crate) struct Sorted<'a> {
    pub(crate) keywords: Vec<Entry<'a>>,
    /// `with_<lookup>`.
    pub(crate) lookups: Vec<Entry<'a>>,
    /// Neither: the action is among them.
    others: Vec<Entry<'a>>,
}

/// What a task calls.
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) args: Args,
    /// Where `local_action` stands, if the task was written with it.
    pub(crate) local: Option<Span>,
}

impl<'a> Sorted<'a> {
    pub(crate) fn new(reading: &Reading<'_>, mapping: &'a Mapping) -> Self {
        let mut sorted = Self { keywords: Vec::new(), lookups: Vec::new(), others: Vec::new() };
        for entry @ (key, _) in mapping.iter() {
            match key.as_str() {
                // A handler knows every keyword of a task and its own: which fits is judged later.
                Some(name) if Level::Handler.keyword(name).is_some() => sorted.keywords.push(entry),
                Some(name) if name.starts_with("with_") && !(reading.is_action)(name) => {
                    sorted.lookups.push(entry);
                }
                _ => sorted.others.push(entry),
            }
        }
        sorted
    }

    fn keyword(&self, name: &str) -> Option<Entry<'a>> {
        self.keywords.iter().find(|(key, _)| key.as_str() == Some(name)).copied()
    }

    /// Finds the action and its parameters; every other unknown key is a fault.
    pub(crate) fn call(&self, reading: &mut Reading<'_>, level: Level, span: &Span) -> Option<Call> {
        let written = match (self.keyword("action"), self.keyword("local_action")) {
            (Some(_), Some((key, _))) => {
                reading.fault(Fault::new("action and local_action are mutually exclusive").at(&key.span));
                return None;
            }
            (action, local) => action.or(local),
        };
        let called = match written {
            Some((key, value)) => {
                let local = (key.as_str() == Some("local_action")).then(|| key.span.clone());
                old_style(reading, key, value).map(|(action, given)| (action, given, value, local))
            }
            None => self
                .new_style(reading, level, span)
                .map(|(action, given, value)| (action, given, value, None)),
        };
        if let Some((action, ..)) = called.as_ref().filter(|_| written.is_some()) {
            self.reject_all(reading, level, action);
        }
        let (action, given, behind, local) = called?;
        let given = match self.keyword("args") {
            Some((_, args)) => given.over(reading, args, behind),
            None => given,
        };
        match given.finish(&action.name) {
            Ok(args) => Some(Call { action, args, local }),
            Err(fault) => {
                reading.fault(fault);
                None
            }
        }
    }

    /// Judges the unknown keys beside `action:`: a second action, or no keywords.
    fn reject_all(&self, reading: &mut Reading<'_>, level: Level, action: &Action) {
        for (key, _) in &self.others {
            if key.as_str().is_some_and(|name| (reading.is_action)(name)) {
                reading.fault(conflicting(&action.name, key));
            } else {
                reading.fault(unknown(level.class(), level, key));
            }
        }
    }

    fn new_style(
        &self,
        reading: &mut Reading<'_>,
        level: Level,
        span: &Span,
    ) -> Option<(Action, Given, &'a Node)> {
        let (action, strangers) = self.choose(reading);
        for (key, _) in &strangers {
            reading.fault(unknown(level.class(), level, key));
        }
        match action.as_slice() {
            [] => {
                if strangers.is_empty() {
                    reading.fault(Fault::new("no module/action detected in task.").at(span));
                }
                None
            }
            [(key, value)] => {
                let name = key.as_str()?;
                let mut given = Given::default();
                match given.add(name, value) {
                    Ok(()) => Some((Action { name: name.into(), span: key.span.clone() }, given, value)),
                    Err(fault) => {
                        reading.fault(fault);
                        None
                    }
                }
            }
            [(first, _), (second, _), ..] => {
                reading.fault(conflicting(&first.key_text(), second));
                None
            }
        }
    }

    /// Tells the action, or several that conflict, from words that are neither action nor keyword.
    ///
    /// Without a known action among them, the one unknown key is the action: that it does not exist is found later.
    /// Of several, those that look like keywords are not.
    fn choose(&self, reading: &Reading<'_>) -> (Vec<Entry<'a>>, Vec<Entry<'a>>) {
        let is_known = |(key, _): &Entry<'a>| key.as_str().is_some_and(|name| (reading.is_action)(name));
        let (known, unknown): (Vec<_>, Vec<_>) = self.others.iter().copied().partition(is_known);
        if !known.is_empty() {
            return (known, unknown);
        }
        let (texts, others): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|(key, _)| key.as_str().is_some());
        if texts.len() == 1 {
            return (texts, others);
        }
        let keywords = || Level::Handler.keywords().map(|keyword| keyword.name);
        let (slips, actions): (Vec<_>, Vec<_>) = texts
            .into_iter()
            .partition(|(key, _)| key.as_str().is_some_and(|name| nearest(name, keywords()).is_some()));
        (actions, slips.into_iter().chain(others).collect())
    }
}

fn conflicting(first: &str, second: &Node) -> Fault {
    Fault::new(format!("conflicting action statements: {}, {}", clipped(first), clipped(&second.key_text())))
        .at(&second.span)
        .help("a task calls one module: begin another task with `- `")
}

/// Reads `action: module key=value` and its mapping form.
fn old_style(reading: &mut Reading<'_>, key: &Node, value: &Node) -> Option<(Action, Given)> {
    let read = match &value.data {
        Data::Map(mapping) => {
            let message = "Using a mapping for `action` is deprecated.";
            reading.warn(Warning::deprecated(message, &value.span).help("Use a string value for `action`."));
            old_mapping(mapping, key)
        }
        Data::Text(_) => {
            let written = key.key_text();
            let message = format!("`{written}: module key=value` is an old form of a task");
            let help = match &*written {
                "local_action" => {
                    "write `module:` with its parameters below it, and `delegate_to: localhost`"
                }
                _ => "write `module:` with its parameters below it",
            };
            reading.warn(Warning::hint(message, &key.span).help(help));
            old_words(value).and_then(|(action, rest)| {
                let mut given = Given::default();
                given.add_words(&action.name, &rest).map(|()| (action, given))
            })
        }
        _ => Err(unexpected("", value)),
    };
    read.map_err(|fault| reading.fault(fault)).ok()
}

/// Splits `module key=value` into the module and the rest.
fn old_words(value: &Node) -> Result<(Action, Node), Fault> {
    let Some(text) = value.as_text() else { return Err(unexpected("", value)) };
    let mut given = Given::default();
    // Asked for its judgement alone: what is unbalanced here is so for the parameters too.
    given.add_words("command", value)?;
    let split = words::split(&text.text).unwrap_or_default();
    let Some((name, rest)) = split.split_first().filter(|(name, _)| !name.trim().is_empty()) else {
        return Err(Fault::new("no module/action detected in task.").at(&value.span));
    };
    let action = Action { name: name.trim().into(), span: value.span.clone() };
    let text = crate::Text { text: rest.join(" ").into(), origin: text.origin };
    Ok((action, Node::new(Data::Text(text), &value.span)))
}

/// Reads `action: {module: name, ...}`, whose `args` hold more parameters.
fn old_mapping(mapping: &Mapping, key: &Node) -> Result<(Action, Given), Fault> {
    let Some(module) = mapping.get("module") else {
        return Err(Fault::new("no module/action detected in task.")
            .at(&key.span)
            .help("name it under `module:`"));
    };
    let (action, rest) = old_words(module)?;
    let mut given = Given::default();
    given.add(&action.name, &Node::map(mapping.clone(), &key.span))?;
    given.take("module");
    given.add_words(&action.name, &rest)?;
    if let Some(args) = given.take("args") {
        given.add(&action.name, &args)?;
    }
    Ok((action, given))
}
