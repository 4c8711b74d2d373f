//! One value of one kind.

use serde_json::{Map, Value};

use super::{Coerced, Judge, Status, join};
use crate::params::fault::did_you_mean;
use crate::params::{Kind, ParamFault, coerce, controller, python};
use crate::{unknown, words};

/// Faults of one level's values: Ansible reports all types before any choice.
#[derive(Default)]
pub(super) struct Faults {
    types: Vec<ParamFault>,
    choices: Vec<ParamFault>,
}

/// The parameter that a value stands in.
pub(super) struct Site<'a> {
    pub(super) name: &'a str,
    pub(super) context: &'a [&'static str],
    /// The value is an element of the parameter's list.
    pub(super) element: bool,
    pub(super) faults: &'a mut Faults,
}

impl Faults {
    pub(super) fn in_order(self) -> impl Iterator<Item = ParamFault> {
        self.types.into_iter().chain(self.choices)
    }
}

impl Judge<'_> {
    pub(super) fn value(&mut self, kind: &Kind, value: &Value, path: &str, site: &mut Site<'_>) -> Coerced {
        if (self.dynamic)(path) {
            return Coerced { value: value.clone(), status: Status::Unknown(String::new()) };
        }
        if let Value::String(text) = value
            && unknown::is_unknown(text)
            && !kind.carries_unknown()
        {
            self.found.unknown.push(path.to_owned());
            return Coerced { value: value.clone(), status: Status::Unknown(text.clone()) };
        }
        match kind {
            Kind::List(inner) => self.list(inner, value, path, site),
            Kind::Dict(inner) => self.dict(inner, value, path, site),
            Kind::Options(_) => match coerce::mapping(value) {
                Ok(fields) => Coerced::known(Value::Object(fields)),
                Err(reason) => site.wrong_type(kind, value, path, &reason),
            },
            Kind::Choice(texts) => choice(texts, value, path, site),
            _ => self.leaf(kind, value, path, site),
        }
    }

    fn leaf(&mut self, kind: &Kind, value: &Value, path: &str, site: &mut Site<'_>) -> Coerced {
        match coerce::scalar(kind, value) {
            Ok(read) => {
                if marker_in(&read).is_some() {
                    self.found.unknown.push(path.to_owned());
                }
                Coerced::known(if self.shown { shown(kind, value, read) } else { read })
            }
            Err(reason) => site.wrong_type(kind, value, path, &reason),
        }
    }

    fn list(&mut self, inner: &Kind, value: &Value, path: &str, site: &mut Site<'_>) -> Coerced {
        let items = match coerce::list(value) {
            Ok(items) => items,
            Err(reason) => {
                return site.wrong_type(&Kind::List(Box::new(inner.clone())), value, path, &reason);
            }
        };
        let at = |index| if value.is_array() { format!("{path}[{index}]") } else { path.to_owned() };
        let items = items.iter().enumerate().map(|(index, item)| {
            let mut site = Site { element: true, faults: &mut *site.faults, ..*site };
            let kind = if matches!(inner, Kind::Choice(_)) { &Kind::Text } else { inner };
            let read = self.value(kind, item, &at(index), &mut site);
            (read.value, read.status)
        });
        let (items, found): (Vec<_>, Vec<_>) = items.unzip();
        let read = Coerced { value: Value::Array(items), status: Status::worst_of(found) };
        match inner {
            Kind::Choice(texts) => choices(texts, read, path, site),
            _ => read,
        }
    }

    fn dict(&mut self, inner: &Kind, value: &Value, path: &str, site: &mut Site<'_>) -> Coerced {
        let fields = match coerce::mapping(value) {
            Ok(fields) => fields,
            Err(reason) => {
                return site.wrong_type(&Kind::Dict(Box::new(inner.clone())), value, path, &reason);
            }
        };
        let mut status = Status::Known;
        let mut out = Map::new();
        for (key, value) in fields {
            if unknown::is_unknown(&key) {
                self.found.unknown.push(path.to_owned());
            }
            let name = format!("{}.{key}", site.name);
            let mut site = Site { name: &name, element: false, context: site.context, faults: site.faults };
            let read = self.value(inner, &value, &join(path, &key), &mut site);
            status = status.worst(read.status);
            out.insert(key, read.value);
        }
        Coerced { value: Value::Object(out), status }
    }
}

impl Site<'_> {
    fn wrong_type(&mut self, kind: &Kind, value: &Value, path: &str, reason: &str) -> Coerced {
        let found = self.context.join(" -> ");
        let what = match (self.element, self.context) {
            (false, []) => format!("argument '{}' is of type {}", self.name, python::type_name(value)),
            (false, _) => format!(
                "argument '{}' is of type {} found in '{found}'.",
                self.name,
                python::type_name(value)
            ),
            (true, []) => {
                format!("Elements value for option '{}' is of type {}", self.name, python::type_name(value))
            }
            (true, _) => {
                format!(
                    "Elements value for option '{}' found in '{found}' is of type {}",
                    self.name,
                    python::type_name(value)
                )
            }
        };
        let message = format!("{what} and we were unable to convert to {}: {reason}", kind.wanted());
        self.faults.types.push(ParamFault::new(path, message));
        Coerced { value: value.clone(), status: Status::Bad }
    }

    fn wrong_choice(&mut self, path: &str, texts: &[&'static str], got: &str, message: String) {
        let message = match self.context {
            [] => message,
            context => format!("{message} found in {}", context.join(" -> ")),
        };
        let mut fault = ParamFault::new(path, message);
        fault.help = did_you_mean(got, texts.iter().copied());
        self.faults.choices.push(fault);
    }
}

/// Reads one of a few texts. YAML makes booleans of `yes` and `off`: where just one choice can be meant, it is.
fn choice(texts: &[&'static str], value: &Value, path: &str, site: &mut Site<'_>) -> Coerced {
    let got = coerce::text(value);
    if texts.contains(&got.as_str()) {
        return Coerced::known(Value::from(got));
    }
    let meant: Vec<&str> = match got.as_str() {
        "True" => texts.iter().copied().filter(|text| coerce::TRUE.contains(text)).collect(),
        "False" => texts.iter().copied().filter(|text| coerce::FALSE.contains(text)).collect(),
        _ => Vec::new(),
    };
    if let [only] = meant.as_slice() {
        return Coerced::known(Value::from(*only));
    }
    let message = format!("value of {} must be one of: {}, got: {got}", site.name, texts.join(", "));
    site.wrong_choice(path, texts, &got, message);
    Coerced { value: Value::from(got), status: Status::Bad }
}

/// Judges a list of choices, whose elements are texts by now.
fn choices(texts: &[&'static str], read: Coerced, path: &str, site: &mut Site<'_>) -> Coerced {
    let items = read.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let marker = items.iter().filter_map(marker_in).reduce(|one, other| one + &other);
    let strange = |item: &&str| !texts.contains(item) && !unknown::is_unknown(item);
    let strange: Vec<&str> = items.iter().filter_map(Value::as_str).filter(strange).collect();
    let Some(first) = strange.first() else {
        let status = marker.map_or(Status::Known, Status::Unknown).worst(read.status);
        return Coerced { value: read.value, status };
    };
    let message = format!(
        "value of {} must be one or more of: {}. Got no match for: {}",
        site.name,
        texts.join(", "),
        strange.join(", ")
    );
    site.wrong_choice(path, texts, first, message);
    Coerced { value: read.value, status: Status::Bad }
}

/// Returns the texts in a value that have a marker in them, as one.
pub(super) fn marker_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => unknown::is_unknown(text).then(|| text.clone()),
        Value::Array(items) => items.iter().filter_map(marker_in).reduce(|one, other| one + &other),
        Value::Object(fields) => fields.values().filter_map(marker_in).reduce(|one, other| one + &other),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns a leaf as Ansible shows it: a document as text, a file by its path.
fn shown(kind: &Kind, given: &Value, read: Value) -> Value {
    match (kind, given) {
        (Kind::Json, Value::String(text)) => Value::from(text.trim()),
        (Kind::Json, _) => Value::from(words::document(&read)),
        (Kind::ControllerFile(_) | Kind::ControllerTemplate, _) => {
            controller::path(&read).map_or(Value::Null, Value::from)
        }
        _ => read,
    }
}
