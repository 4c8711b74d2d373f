//! Filters, tests and lookups that are not this crate's: the [`crate::World`] may know more of them.

use serde_json::{Map, Value as Json};

use crate::eval::{Args, Cx, Evaluated, unknown_label};
use crate::{TemplateError, Value};

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginKind {
    Filter,
    Test,
    Lookup,
}

impl PluginKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Lookup => "lookup",
        }
    }
}

/// A call of a plugin that is not this crate's; a filter's and a test's first argument is what it is applied to.
#[derive(Clone, Debug)]
pub struct PluginCall {
    pub kind: PluginKind,
    pub name: String,
    pub args: Vec<Json>,
    pub named: Map<String, Json>,
    /// What a plugin may look up.
    pub variables: Map<String, Json>,
}

/// The variables that plugins of other makes are given.
const VARIABLES: [&str; 6] =
    ["ansible_check_mode", "inventory_dir", "inventory_hostname", "playbook_dir", "role_name", "role_path"];

impl Cx<'_> {
    /// Calls a plugin that the world has.
    pub(crate) fn plugin(&self, kind: PluginKind, name: &str, args: &Args) -> Evaluated {
        let mut positional = Vec::with_capacity(args.positional.len());
        let mut named = Map::new();
        for (key, value) in args
            .positional
            .iter()
            .map(|value| (None, value))
            .chain(args.named.iter().map(|(name, value)| (Some(name), value)))
        {
            if value.is_undefined() {
                return Ok(value.clone());
            }
            let value = self.known_all(value)?;
            if value.contains_unknown() {
                return Ok(self.seen(Value::unknown(unknown_label(&value))));
            }
            match key {
                Some(key) => drop(named.insert(key.to_string(), value.to_json())),
                None => positional.push(value.to_json()),
            }
        }
        let call = PluginCall {
            kind,
            name: name.to_owned(),
            args: positional,
            named,
            variables: self.plugin_variables(),
        };
        let answer = self.world().call_plugin(&call);
        let failed = |message: String| {
            let doing = format!("The {} plugin '{name}' failed", kind.name());
            let own = message.starts_with(&doing);
            let error = TemplateError::runtime(message);
            if own { error.framed().held() } else { error.context(&doing).framed().held() }
        };
        answer.map(Value::from_json).map_err(failed)
    }

    fn plugin_variables(&self) -> Map<String, Json> {
        let mut variables: Map<String, Json> = VARIABLES
            .iter()
            .filter_map(|name| {
                let value = self.forced(&self.variable(&(*name).into())?);
                (!value.is_undefined() && !value.contains_unknown())
                    .then(|| ((*name).to_owned(), value.to_json()))
            })
            .collect();
        variables.insert("ansible_search_path".to_owned(), self.scope.search_path().into());
        variables
    }
}
