mod core;
mod idle;
mod plugins;

use crate::Setting;

/// Returns the settings of ansible-core itself.
pub fn core() -> &'static [Setting] {
    core::CORE
}

/// Returns the options of plugins that a file or the environment may set.
pub fn plugins() -> &'static [Setting] {
    plugins::PLUGINS
}

/// Returns whether nothing reads a setting, or nothing where a file sets it.
pub(crate) fn is_idle(setting: &Setting, in_file: bool) -> bool {
    match setting.plugin {
        None => idle::CORE.contains(&setting.name) || (in_file && idle::IN_FILES.contains(&setting.name)),
        Some((kind, plugin)) => idle::OPTIONS.contains(&(kind, plugin, setting.name)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_setting_stands_in_the_table_once() {
        let mut seen = HashSet::new();
        for setting in core().iter().chain(plugins()) {
            assert!(seen.insert((setting.plugin, setting.name)), "{}", setting.name);
        }
    }

    /// The names and places of a setting: one that shares a place with another is read through that.
    fn places(setting: &Setting) -> Vec<String> {
        let variables = setting.env.iter().map(|name| (*name).to_owned());
        variables.chain(setting.ini.iter().map(|(section, key)| format!("[{section}] {key}"))).collect()
    }

    fn sources(folder: &Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the tree can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("idle.rs") {
                let is_table = path.ends_with("table/core.rs") || path.ends_with("table/plugins.rs");
                if !is_table {
                    out.push_str(&std::fs::read_to_string(&path).expect("a source is text"));
                }
            }
        }
    }

    #[test]
    fn a_setting_is_read_or_known_to_be_read_by_nothing() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut source = String::new();
        for folder in ["src", "modules"] {
            sources(&root.join(folder), &mut source);
        }
        let pieces: HashSet<&str> = source.split('"').collect();
        let all: Vec<&Setting> = core().iter().chain(plugins()).collect();
        let is_named = |setting: &&&Setting| pieces.contains(setting.name);
        let read: HashSet<String> = all.iter().filter(is_named).flat_map(|setting| places(setting)).collect();
        let unknown: Vec<&str> = all
            .iter()
            .filter(|setting| !is_named(setting) && !is_idle(setting, true))
            .filter(|setting| !idle::ELSEWHERE.contains(&setting.name))
            .filter(|setting| !places(setting).iter().any(|place| read.contains(place)))
            .map(|setting| setting.name)
            .collect();
        assert!(unknown.is_empty(), "neither read nor idle: {unknown:?}");
    }

    #[test]
    fn what_is_idle_is_a_setting() {
        let known: HashSet<_> = core().iter().map(|setting| setting.name).collect();
        assert!(
            idle::CORE.iter().chain(idle::IN_FILES).chain(idle::ELSEWHERE).all(|name| known.contains(name))
        );
        let options: HashSet<_> =
            plugins().iter().filter_map(|setting| Some((setting.plugin?, setting.name))).collect();
        assert!(
            idle::OPTIONS.iter().all(|(kind, plugin, name)| options.contains(&((*kind, *plugin), *name)))
        );
    }
}
