//! Where a name leads: `plugin_routing` in ansible-core's `config/ansible_builtin_runtime.yml` and in a collection's
//! `meta/runtime.yml`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rplay_syntax::Mapping;
use rplay_template::PluginKind;

use super::lock;

/// How many names may lead to one another: Ansible itself asks without an end.
pub(super) const LONGEST: usize = 10;

/// The names of one file that lead to others.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Routing {
    names: HashMap<(&'static str, String), String>,
}

impl Routing {
    /// Reads a file; one that is not there, or makes no sense, leads nowhere.
    fn read(path: &Path) -> Self {
        let parsed =
            fs::read_to_string(path).ok().and_then(|text| rplay_syntax::parse("runtime.yml", &text).ok());
        let mut routing = Self::default();
        let Some(kinds) = parsed.as_ref().and_then(|parsed| parsed.node.get("plugin_routing")?.as_map())
        else {
            return routing;
        };
        for kind in ["modules", "filter", "test", "lookup"] {
            let names = kinds.get(kind).and_then(|names| names.as_map());
            names.into_iter().flat_map(Mapping::iter).for_each(|(name, entry)| {
                if let (Some(name), Some(to)) =
                    (name.as_str(), entry.get("redirect").and_then(|to| to.as_str()))
                {
                    routing.names.insert((kind, name.to_owned()), to.to_owned());
                }
            });
        }
        routing
    }

    /// Returns the full name that a module's name leads to.
    pub(super) fn module(&self, name: &str) -> Option<&str> {
        self.names.get(&("modules", name.to_owned())).map(String::as_str)
    }

    /// Returns the full name that a plugin's name leads to.
    pub(super) fn plugin(&self, kind: PluginKind, name: &str) -> Option<&str> {
        self.names.get(&(kind.name(), name.to_owned())).map(String::as_str)
    }
}

/// The files that were read, each once.
#[derive(Debug, Default)]
pub(super) struct Routings {
    read: Mutex<HashMap<PathBuf, Arc<Routing>>>,
}

impl Routings {
    pub(super) fn of(&self, path: &Path) -> Arc<Routing> {
        let mut read = lock(&self.read);
        let routing = read.entry(path.to_owned()).or_insert_with(|| Arc::new(Routing::read(path)));
        Arc::clone(routing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_names_and_what_is_gone_leads_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("runtime.yml");
        let text = "plugin_routing:\n  modules:\n    old: {redirect: n.c.fresh}\n    gone: {tombstone: {removal_date: x}}\n  \
                    filter:\n    old: {redirect: n.c.sieve}\n";
        fs::write(&file, text).expect("written");
        let routings = Routings::default();
        let routing = routings.of(&file);
        assert_eq!(routing.module("old"), Some("n.c.fresh"));
        assert_eq!(routing.plugin(PluginKind::Filter, "old"), Some("n.c.sieve"));
        assert_eq!((routing.module("gone"), routing.plugin(PluginKind::Test, "old")), (None, None));
    }

    #[test]
    fn a_file_that_is_missing_or_makes_no_sense_leads_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("runtime.yml");
        assert_eq!(Routing::read(&file), Routing::default());
        fs::write(&file, "plugin_routing: [").expect("written");
        assert_eq!(Routing::read(&file), Routing::default());
    }
}
