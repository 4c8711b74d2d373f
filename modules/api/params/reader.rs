use serde_json::{Map, Value};

use super::judge::Judge;
use super::{Param, ParamFault, Params, Spec};

/// Parameters that were read, and what else is to be said of them.
#[derive(Clone, Debug)]
pub struct Parsed<P> {
    pub params: P,
    /// The paths of values that are not known yet; those that are no text count as omitted.
    pub unknown: Vec<String>,
    /// The unknown text of an identity, if there is one; also of a required parameter that nothing can stand in for.
    pub unknown_identity: Option<String>,
    /// Messages: an alias that is deprecated, an old spelling.
    pub deprecated: Vec<String>,
    /// Messages: a parameter that was given twice, under two names.
    pub warnings: Vec<String>,
}

/// Reads one level of arguments, which are judged by then, into fields.
pub struct Reader<'a> {
    values: &'a Map<String, Value>,
    path: String,
    faults: Vec<ParamFault>,
}

impl Reader<'_> {
    /// Reads a field; `None` when it is missing or wrong, which is said elsewhere.
    pub fn field<T: Param>(&mut self, name: &str) -> Option<T> {
        match self.values.get(name) {
            None => T::omitted(),
            Some(value) => {
                let path =
                    if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
                T::read(self, &path, value)
            }
        }
    }

    /// Reads a struct of sub-options.
    pub fn nested<P: Params>(&mut self, path: &str, value: &Value) -> Option<P> {
        let mut inner = Reader { values: value.as_object()?, path: path.to_owned(), faults: Vec::new() };
        let read = P::take(&mut inner);
        self.faults.append(&mut inner.faults);
        read
    }

    /// Returns what was given besides the parameters of an open struct.
    pub fn rest<P: Params>(&self) -> Map<String, Value> {
        let spec = P::spec();
        let further = self.values.iter().filter(|(key, _)| spec.param(key).is_none());
        further.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Says that something is wrong.
    pub fn fault(&mut self, fault: ParamFault) {
        self.faults.push(fault);
    }
}

/// Reads a module's arguments.
///
/// # Errors
/// Every fault there is, in Ansible's order: the first is the one that Ansible reports.
pub fn parse<P: Params>(args: &Value) -> Result<Parsed<P>, Vec<ParamFault>> {
    let known = |_: &str| false;
    let mut judge = Judge::new(&known, false);
    let values = judge.arguments(&P::spec(), args);
    let mut found = judge.found;
    let mut reader = Reader { values: &values, path: String::new(), faults: Vec::new() };
    let params = P::take(&mut reader);
    found.faults.append(&mut reader.faults);
    match params {
        Some(params) if found.faults.is_empty() => Ok(Parsed {
            params,
            unknown: distinct(found.unknown),
            unknown_identity: found.unknown_identities.into_iter().reduce(|one, other| one + &other),
            deprecated: found.deprecated,
            warnings: found.warnings,
        }),
        None if found.faults.is_empty() => Err(vec![ParamFault::new("", "the arguments could not be read")]),
        _ => Err(found.faults),
    }
}

fn distinct(paths: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for path in paths {
        if !out.contains(&path) {
            out.push(path);
        }
    }
    out
}

/// Finds what is certainly wrong before anything is rendered: names, what is missing, literal values. Values for which
/// `dynamic(path)` is true are templates and not judged; the path of the arguments as a whole is empty.
pub fn check(spec: &Spec, args: &Value, dynamic: &dyn Fn(&str) -> bool) -> Vec<ParamFault> {
    if dynamic("") {
        return Vec::new();
    }
    let mut judge = Judge::new(dynamic, false);
    judge.arguments(spec, args);
    judge.found.faults
}

/// Returns the `module_args` that Ansible shows under `invocation`: every parameter after aliases, coercions and defaults,
/// null for what is omitted, aliases as they were given, secrets masked.
pub fn invocation(spec: &Spec, args: &Value) -> Value {
    let known = |_: &str| false;
    let all = Judge::new(&known, true).arguments(spec, args);
    // What is given by name, then what has a default, then the rest: the order in which Ansible's modules come by them.
    let given = |name: &str| {
        let aliases = spec.param(name).map(|param| param.aliases.as_slice()).unwrap_or_default();
        std::iter::once(name).chain(aliases.iter().copied()).any(|name| args.get(name).is_some())
    };
    let mut first: Vec<(String, Value)> = Vec::new();
    let (mut preset, mut empty) = (Vec::new(), Vec::new());
    for (name, value) in all {
        let part = if given(&name) {
            &mut first
        } else if value.is_null() {
            &mut empty
        } else {
            &mut preset
        };
        part.push((name, value));
    }
    first.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(first.into_iter().chain(preset).chain(empty).collect())
}
