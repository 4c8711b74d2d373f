//! The rules over several parameters, in Ansible's words.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{FaultKind, ParamFault, Rule, python};

/// What is known of the parameters of one level.
pub(super) struct Given<'a> {
    /// Values after aliases and defaults; a wrong one as it was given.
    pub(super) values: &'a HashMap<&'static str, &'a Value>,
    /// Given, but not known yet: counts as given, and no rule is applied to it.
    pub(super) open: &'a HashSet<&'static str>,
    /// As the playbook spells them.
    pub(super) paths: &'a HashMap<&'static str, String>,
    /// The path of the level itself.
    pub(super) level: &'a str,
}

impl Given<'_> {
    fn has(&self, name: &str) -> bool {
        self.open.contains(name) || self.values.contains_key(name)
    }

    fn lacks<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().filter(|name| !self.has(name)).copied().collect()
    }

    fn path(&self, name: &str) -> &str {
        self.paths.get(name).map_or(self.level, String::as_str)
    }

    fn fault(&self, name: &str, message: String) -> ParamFault {
        ParamFault::of(FaultKind::Rule, self.path(name), message)
    }
}

/// Applies what Ansible checks before defaults are filled in.
pub(super) fn exclusive(rules: &[Rule], given: &Given<'_>) -> Vec<ParamFault> {
    let broken = rules.iter().filter_map(|rule| match rule {
        Rule::MutuallyExclusive(names) => {
            let known: Vec<_> = names.iter().filter(|name| given.values.contains_key(**name)).collect();
            let last = known.get(1..)?.last()?;
            Some(given.fault(last, format!("parameters are mutually exclusive: {}", names.join("|"))))
        }
        _ => None,
    });
    broken.collect()
}

/// Applies what Ansible checks after defaults are filled in, in its order.
pub(super) fn required(rules: &[Rule], given: &Given<'_>) -> Vec<ParamFault> {
    let order = |rule: &&Rule| match rule {
        Rule::RequiredTogether(_) => 0,
        Rule::RequiredOneOf(_) => 1,
        Rule::RequiredIf { .. } => 2,
        Rule::RequiredBy { .. } | Rule::MutuallyExclusive(_) => 3,
    };
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(order);
    rules.into_iter().filter_map(|rule| broken(rule, given)).collect()
}

fn broken(rule: &Rule, given: &Given<'_>) -> Option<ParamFault> {
    match rule {
        Rule::RequiredTogether(names) => {
            let first = names.iter().find(|name| given.has(name))?;
            (!given.lacks(names).is_empty()).then(|| {
                given.fault(first, format!("parameters are required together: {}", names.join(", ")))
            })
        }
        Rule::RequiredOneOf(names) => (given.lacks(names).len() == names.len())
            .then(|| given.fault("", format!("one of the following is required: {}", names.join(", ")))),
        Rule::RequiredIf { when, is, needs, any } => {
            let lacking = given.lacks(needs);
            let broken = if *any { lacking.len() == needs.len() } else { !lacking.is_empty() };
            let applies = !given.open.contains(when) && given.values.get(when) == Some(&is);
            let message = || {
                let how_many = if *any { "any" } else { "all" };
                let lacking = lacking.join(", ");
                format!(
                    "{when} is {} but {how_many} of the following are missing: {lacking}",
                    python::text(is)
                )
            };
            (applies && broken).then(|| given.fault(when, message()))
        }
        Rule::RequiredBy { given: name, needs } => {
            let lacking = given.lacks(needs);
            (given.has(name) && !lacking.is_empty()).then(|| {
                given
                    .fault(name, format!("missing parameter(s) required by '{name}': {}", lacking.join(", ")))
            })
        }
        Rule::MutuallyExclusive(_) => None,
    }
}
