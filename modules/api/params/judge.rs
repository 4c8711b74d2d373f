//! The one function that judges arguments by a [`Spec`]: for a run, before a run, and to be shown.
//!
//! Order and words are Ansible's: mutually exclusive, missing, types, choices, rules, then the sub-options level by level,
//! and what is unsupported last. So the first fault is the one that Ansible reports.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::fault::did_you_mean;
use super::rules::{self, Given};
use super::{FaultKind, Kind, ParamFault, ParamSpec, Rule, Spec};
use crate::unknown;

mod output;
mod value;

/// What `command: ls -l` becomes before a module sees it.
const RAW: &str = "_raw_params";
/// The keys that the engine adds for itself begin so.
const INTERNAL: &str = "_ansible_";

/// Arguments on their way through a judgement.
pub(super) struct Judge<'a> {
    /// Says which values are not to be judged, because they are templates.
    dynamic: &'a dyn Fn(&str) -> bool,
    /// The result is for people: documents as text, secrets masked, omitted parameters null.
    shown: bool,
    pub(super) found: Found,
}

/// What was found besides the values.
#[derive(Default)]
pub(super) struct Found {
    pub(super) faults: Vec<ParamFault>,
    unsupported: Vec<ParamFault>,
    pub(super) unknown: Vec<String>,
    pub(super) unknown_identities: Vec<String>,
    pub(super) deprecated: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Where a group of parameters stands.
#[derive(Default)]
struct Level {
    /// `rules[0]`, as the playbook spells it; empty at the top.
    path: String,
    /// The names of the parameters around it, for `found in rules -> ports`.
    context: Vec<&'static str>,
}

/// What can be said of a value.
#[derive(Clone, PartialEq)]
enum Status {
    Known,
    /// With the text that has the marker in it; empty for a template.
    Unknown(String),
    Bad,
}

/// A value after its judgement. An unknown or a bad one is kept as far as it can be read, so that what is in it is judged
/// as well.
struct Coerced {
    value: Value,
    status: Status,
}

/// One parameter of a level.
struct Entry<'s> {
    spec: &'s ParamSpec,
    path: String,
    /// `None` while it is omitted.
    coerced: Option<Coerced>,
    /// What was given is not known yet, and the default stands in its place.
    unknown: Option<String>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(dynamic: &'a dyn Fn(&str) -> bool, shown: bool) -> Self {
        Self { dynamic, shown, found: Found::default() }
    }

    /// Judges a module's arguments and returns the good values by name.
    pub(super) fn arguments(&mut self, spec: &Spec, args: &Value) -> Map<String, Value> {
        let fields = match args {
            Value::Object(fields) => Ok(Cow::Borrowed(fields)),
            Value::Null => Ok(Cow::Owned(Map::new())),
            Value::String(text) if spec.free_form.is_some() => {
                Ok(Cow::Owned(Map::from_iter([(RAW.to_owned(), Value::from(text.as_str()))])))
            }
            Value::String(text) if unknown::is_unknown(text) => return self.all_unknown(spec, text),
            other => super::coerce::mapping(other).map(Cow::Owned),
        };
        let judged = match fields {
            Ok(fields) => self.level(spec, &fields, &Level::default()).fields(),
            Err(reason) => {
                self.found
                    .faults
                    .push(ParamFault::new("", format!("the arguments are no mapping: {reason}")));
                Map::new()
            }
        };
        self.found.faults.append(&mut self.found.unsupported);
        judged
    }

    /// The arguments as a whole come from something that is not known yet.
    fn all_unknown(&mut self, spec: &Spec, marker: &str) -> Map<String, Value> {
        self.found.unknown.extend(spec.params.iter().map(|param| param.name.to_owned()));
        self.found.unknown_identities.push(marker.to_owned());
        match Kind::Options(Box::new(spec.clone())).stand_in(marker) {
            Value::Object(fields) => self.level(spec, &fields, &Level::default()).fields(),
            _ => Map::new(),
        }
    }

    fn level(&mut self, spec: &Spec, args: &Map<String, Value>, level: &Level) -> Coerced {
        self.unsupported(spec, args, level);
        let mut faults = value::Faults::default();
        let mut entries: Vec<Entry<'_>> =
            spec.params.iter().map(|param| self.entry(spec, param, args, level, &mut faults)).collect();
        self.apply(rules::exclusive, spec, &entries, level);
        self.missing(&entries, level);
        self.found.faults.extend(faults.in_order());
        for entry in &mut entries {
            self.default(entry, level);
        }
        self.apply(rules::required, spec, &entries, level);
        for entry in &mut entries {
            self.deepen_entry(entry, level);
        }
        self.identities(&entries, level);
        if self.shown {
            return Coerced::known(Value::Object(output::shown(entries, args)));
        }
        output::values(spec, entries, args, level)
    }

    /// Reads what is given for a parameter under whichever name.
    fn entry<'s>(
        &mut self,
        spec: &Spec,
        param: &'s ParamSpec,
        args: &Map<String, Value>,
        level: &Level,
        faults: &mut value::Faults,
    ) -> Entry<'s> {
        let raw = (spec.free_form == Some(param.name) && param.name != RAW).then_some(RAW);
        let mut found: Option<(&str, &Value)> = None;
        for key in param.spelled().chain(raw) {
            let Some(value) = args.get(key).filter(|value| !value.is_null()) else { continue };
            let here = level.join("");
            if found.is_some() {
                let message = format!("Both option {here}{} and its alias {here}{key} are set.", param.name);
                self.found.warnings.push(message);
            }
            if let Some((_, advice)) = param.deprecated.iter().find(|(alias, _)| *alias == key) {
                self.found.deprecated.push(format!("Alias '{here}{key}' is deprecated. {advice}"));
            }
            found = Some((key, value));
        }
        let path = level.join(found.map_or(param.name, |(key, _)| key));
        let coerced = found.map(|(_, value)| {
            let mut site = value::Site { name: param.name, context: &level.context, element: false, faults };
            self.value(&param.kind, value, &path, &mut site)
        });
        Entry { spec: param, path, coerced, unknown: None }
    }

    /// A parameter that is omitted, or counts as omitted because it is not known yet, has its default.
    fn default(&mut self, entry: &mut Entry<'_>, level: &Level) {
        let Some(default) = &entry.spec.default else { return };
        entry.unknown = match &entry.coerced {
            None => None,
            Some(Coerced { status: Status::Unknown(marker), .. }) => Some(marker.clone()),
            Some(_) => return,
        };
        let mut faults = value::Faults::default();
        let mut site = value::Site {
            name: entry.spec.name,
            context: &level.context,
            element: false,
            faults: &mut faults,
        };
        // A template that stands here is not judged; its default is.
        let mut literal = Self { dynamic: &|_| false, shown: self.shown, found: Found::default() };
        entry.coerced = Some(literal.value(&entry.spec.kind, default, &entry.path, &mut site));
        self.found.faults.extend(faults.in_order());
    }

    fn unsupported(&mut self, spec: &Spec, args: &Map<String, Value>, level: &Level) {
        for (key, value) in args {
            let path = level.join(key);
            let legal = spec.params.iter().any(|param| param.spelled().any(|name| name == key))
                || (key == RAW && spec.free_form.is_some())
                || (key.starts_with(INTERNAL) && level.is_top());
            if legal || self.may_be_omitted(value, &path) {
                continue;
            }
            if spec.unbuilt.contains(&key.as_str()) {
                if !value.is_null() {
                    let message = format!("parameter '{key}' is not supported by rplay yet");
                    let help = "leave it out: rplay refuses what it cannot do rather than ignore it";
                    self.found.unsupported.push(ParamFault::of(FaultKind::Unbuilt, path, message).help(help));
                }
            } else if !spec.open {
                let mut fault = ParamFault::unsupported(&path, supported(spec));
                let names = spec.params.iter().flat_map(ParamSpec::spelled);
                fault.help = did_you_mean(key, names);
                self.found.unsupported.push(fault);
            }
        }
    }

    /// Before a run, `{{ x | default(omit) }}` may come to nothing.
    fn may_be_omitted(&self, value: &Value, path: &str) -> bool {
        value.as_str().is_some_and(|text| text.contains("omit")) && (self.dynamic)(path)
    }

    fn apply(
        &mut self,
        rules: fn(&[Rule], &Given<'_>) -> Vec<ParamFault>,
        spec: &Spec,
        entries: &[Entry<'_>],
        level: &Level,
    ) {
        if !spec.rules.is_empty() {
            let found = output::with_given(entries, level, |given| rules(&spec.rules, given));
            self.found.faults.extend(found.into_iter().map(|fault| level.found_in(fault)));
        }
    }

    fn missing(&mut self, entries: &[Entry<'_>], level: &Level) {
        let missing = |entry: &&Entry<'_>| entry.spec.required && entry.coerced.is_none();
        let mut names: Vec<&str> = entries.iter().filter(missing).map(|entry| entry.spec.name).collect();
        if !names.is_empty() {
            names.sort_unstable();
            let message = format!("missing required arguments: {}", names.join(", "));
            let fault = ParamFault::of(FaultKind::Missing, &level.path, message);
            self.found.faults.push(level.found_in(fault));
        }
    }

    fn deepen_entry(&mut self, entry: &mut Entry<'_>, level: &Level) {
        let Some(coerced) = entry.coerced.take() else { return };
        let mut context = level.context.clone();
        context.push(entry.spec.name);
        entry.coerced = Some(self.deepen(&entry.spec.kind, coerced, &entry.path, &context));
    }

    /// Judges the sub-options inside a value.
    fn deepen(&mut self, kind: &Kind, coerced: Coerced, path: &str, context: &[&'static str]) -> Coerced {
        let status = coerced.status;
        let mut deep = match (kind, coerced.value) {
            (Kind::Options(spec), Value::Object(fields)) => {
                self.level(spec, &fields, &Level { path: path.to_owned(), context: context.to_vec() })
            }
            (Kind::List(inner), Value::Array(items)) if inner.options().is_some() => {
                let deep = items.into_iter().enumerate().map(|(at, item)| {
                    let deep = self.deepen(inner, Coerced::known(item), &format!("{path}[{at}]"), context);
                    (deep.value, deep.status)
                });
                let (items, found): (Vec<_>, Vec<_>) = deep.unzip();
                Coerced { value: Value::Array(items), status: Status::worst_of(found) }
            }
            (Kind::Dict(inner), Value::Object(fields)) if inner.options().is_some() => {
                let deep = fields.into_iter().map(|(key, item)| {
                    let deep = self.deepen(inner, Coerced::known(item), &join(path, &key), context);
                    ((key, deep.value), deep.status)
                });
                let (fields, found): (Vec<_>, Vec<_>) = deep.unzip();
                Coerced {
                    value: Value::Object(fields.into_iter().collect()),
                    status: Status::worst_of(found),
                }
            }
            (_, value) => Coerced::known(value),
        };
        deep.status = deep.status.worst(status);
        deep
    }

    /// Notes what keeps the thing itself from being known: an identity, or a value that nothing can stand in for.
    fn identities(&mut self, entries: &[Entry<'_>], level: &Level) {
        if !level.is_top() {
            return;
        }
        for entry in entries {
            let status = entry.coerced.as_ref().map(|coerced| &coerced.status);
            match (&entry.unknown, status) {
                (Some(marker), _) if entry.spec.identity => {
                    self.found.unknown_identities.push(marker.clone());
                }
                (None, Some(Status::Unknown(marker))) if entry.spec.identity || entry.spec.required => {
                    self.found.unknown_identities.push(marker.clone());
                }
                (None, Some(Status::Known)) if entry.spec.identity => {
                    let marker = entry.coerced.as_ref().and_then(|coerced| value::marker_in(&coerced.value));
                    self.found.unknown_identities.extend(marker);
                }
                _ => {}
            }
        }
    }
}

impl Level {
    fn is_top(&self) -> bool {
        self.context.is_empty()
    }

    fn join(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn found_in(&self, mut fault: ParamFault) -> ParamFault {
        if !self.is_top() {
            fault.message = format!("{} found in {}", fault.message, self.context.join(" -> "));
        }
        fault
    }
}

impl Status {
    fn worst(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bad, _) | (_, Self::Bad) => Self::Bad,
            (Self::Unknown(one), Self::Unknown(other)) => Self::Unknown(one + &other),
            (Self::Unknown(marker), Self::Known) | (Self::Known, Self::Unknown(marker)) => {
                Self::Unknown(marker)
            }
            (Self::Known, Self::Known) => Self::Known,
        }
    }

    fn worst_of(found: Vec<Self>) -> Self {
        found.into_iter().fold(Self::Known, Self::worst)
    }
}

impl Coerced {
    fn known(value: Value) -> Self {
        Self { value, status: Status::Known }
    }

    fn fields(self) -> Map<String, Value> {
        match self.value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn supported(spec: &Spec) -> String {
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(", ")
    };
    let names = sorted(spec.params.iter().map(|param| param.name).collect());
    let deprecated = |param: &ParamSpec| param.deprecated.iter().map(|(alias, _)| *alias).collect::<Vec<_>>();
    let aliases = spec.params.iter().flat_map(|param| param.aliases.iter().copied().chain(deprecated(param)));
    let aliases = sorted(aliases.collect());
    if aliases.is_empty() { names } else { format!("{names} ({aliases})") }
}
