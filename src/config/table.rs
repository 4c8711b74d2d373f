mod core;
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_setting_stands_in_the_table_once() {
        let mut seen = HashSet::new();
        for setting in core().iter().chain(plugins()) {
            assert!(seen.insert((setting.plugin, setting.name)), "{}", setting.name);
        }
    }
}
