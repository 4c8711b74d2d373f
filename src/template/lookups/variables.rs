//! Lookups of variables, the templates' and the environment's.

use rplay_module::pattern::Flags;

use super::{Given, Items, fail};
use crate::eval::Cx;
use crate::regex::compile;
use crate::{TemplateError, Value};

pub(super) fn env(cx: &Cx<'_>, given: &Given) -> Items {
    let default = given.option("default");
    let value = |term: &Value| {
        let name = term.text();
        let name = name.split_ascii_whitespace().next().unwrap_or_default().to_owned();
        cx.world().env(&name).map_or_else(|| default.cloned().unwrap_or_else(|| Value::from("")), Value::from)
    };
    Ok(given.terms.iter().map(value).collect())
}

/// Hosts of the inventory by patterns, whatever the run is limited to.
pub(super) fn inventory_hostnames(cx: &Cx<'_>, given: &Given) -> Items {
    let patterns: Vec<String> = given.terms.iter().map(Value::text).collect();
    match cx.scope.hosts_matching(&patterns) {
        Some(Ok(hosts)) => Ok(hosts.into_iter().map(Value::from).collect()),
        // Ansible's has no hosts where a pattern is wrong.
        Some(Err(_)) | None => Ok(Vec::new()),
    }
}

pub(super) fn vars(cx: &Cx<'_>, given: &Given) -> Items {
    let mut values = Vec::new();
    for term in &given.terms {
        let Some(name) = term.as_str() else {
            let message = format!("Variable name must be 'str' not '{}'.", term.type_name());
            return Err(TemplateError::runtime(message).about(term));
        };
        let value = cx.frame.value(name).or_else(|| cx.variable(&name.into()));
        let default = || given.option("default").filter(|default| !default.is_none()).cloned();
        values.push(match value.or_else(default) {
            Some(value) => value,
            None => Value::undefined(format!("No variable named '{name}' was found.")),
        });
    }
    Ok(values)
}

pub(super) fn varnames(cx: &Cx<'_>, given: &Given) -> Items {
    let names = cx.scope.names();
    let mut found = Vec::new();
    for term in &given.terms {
        let Some(pattern) = term.as_str() else {
            return fail(format!(
                "Invalid setting identifier, \"{}\" is not a string, it is a <class '{}'>",
                term.text(),
                term.type_name()
            ));
        };
        let regex = compile(pattern, Flags::default()).map_err(|error| {
            error.context(&format!("Unable to use \"{pattern}\" as a search parameter")).apart()
        })?;
        let fits = |name: &&String| regex.is_in(name);
        found.extend(names.iter().filter(fits).map(|name| Value::from(&**name)));
    }
    Ok(found)
}
