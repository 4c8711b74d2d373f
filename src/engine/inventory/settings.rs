use std::path::{Path, PathBuf};

use rplay_config::Config;

/// What happens to a group's name that is no name of a variable: Ansible's `TRANSFORM_INVALID_GROUP_CHARS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GroupNames {
    /// Kept, with a warning.
    #[default]
    Never,
    /// Kept.
    Ignore,
    /// Replaced by underscores, with a warning.
    Always,
    /// Replaced by underscores.
    Silently,
}

/// What happens when a pattern means no host: Ansible's `HOST_PATTERN_MISMATCH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mismatch {
    #[default]
    Warning,
    Error,
    Ignore,
}

/// How inventories are read.
#[derive(Clone, Debug)]
pub(crate) struct InventorySettings {
    /// The plugins that are tried on a source, in this order.
    pub(crate) enabled: Vec<String>,
    /// Endings of files in a folder that are no inventories.
    pub(crate) ignored_endings: Vec<String>,
    /// Regular expressions of files in a folder that are no inventories.
    pub(crate) ignored_patterns: Vec<String>,
    pub(crate) unparsed_is_failed: bool,
    pub(crate) any_unparsed_is_failed: bool,
    pub(crate) unparsed_warning: bool,
    pub(crate) pattern_mismatch: Mismatch,
    pub(crate) group_names: GroupNames,
    /// The order in which variables of groups are laid over each other, the weakest first.
    pub(crate) precedence: Vec<String>,
    /// `hash_behaviour = merge`: mappings of one name are merged, not replaced.
    pub(crate) merge: bool,
    /// The endings of files of variables.
    pub(crate) endings: Vec<String>,
    /// The endings of inventories in YAML.
    pub(crate) yaml_endings: Vec<String>,
    /// Files of variables beside an inventory become variables of its hosts and groups.
    pub(crate) vars_at_start: bool,
    /// Files of variables beside inventories and playbooks are read for tasks.
    pub(crate) vars_on_demand: bool,
    /// The plugins of variables: without `host_group_vars` no `group_vars/` and `host_vars/` are read.
    pub(crate) vars_plugins: Vec<String>,
    /// `constructed` sees extra variables.
    pub(crate) use_extra_vars: bool,
}

impl InventorySettings {
    pub(crate) fn read(config: &Config) -> Self {
        let word = |name: &str| config.text(name).unwrap_or_default().to_lowercase();
        let option = |kind: &str, plugin: &str, name: &str| {
            config.option(kind, plugin, name).map(|found| &found.value)
        };
        let yaml_endings = option("inventory", "yaml", "yaml_extensions").and_then(|value| value.as_array());
        let yaml_endings = yaml_endings.into_iter().flatten().filter_map(|ending| ending.as_str());
        let stage = option("vars", "host_group_vars", "stage").and_then(serde_json::Value::as_str);
        let stage = stage.map_or_else(
            || if word("RUN_VARS_PLUGINS") == "start" { "inventory" } else { "task" }.to_owned(),
            str::to_owned,
        );
        Self {
            enabled: config.list("INVENTORY_ENABLED"),
            ignored_endings: config.list("INVENTORY_IGNORE_EXTS"),
            ignored_patterns: config.list("INVENTORY_IGNORE_PATTERNS"),
            unparsed_is_failed: config.flag("INVENTORY_UNPARSED_IS_FAILED"),
            any_unparsed_is_failed: config.flag("INVENTORY_ANY_UNPARSED_IS_FAILED"),
            unparsed_warning: config.flag("INVENTORY_UNPARSED_WARNING"),
            pattern_mismatch: match word("HOST_PATTERN_MISMATCH").as_str() {
                "error" => Mismatch::Error,
                "ignore" => Mismatch::Ignore,
                _ => Mismatch::Warning,
            },
            group_names: match word("TRANSFORM_INVALID_GROUP_CHARS").as_str() {
                "always" => GroupNames::Always,
                "ignore" => GroupNames::Ignore,
                "silently" => GroupNames::Silently,
                _ => GroupNames::Never,
            },
            precedence: config.list("VARIABLE_PRECEDENCE"),
            merge: word("DEFAULT_HASH_BEHAVIOUR") == "merge",
            endings: config.list("YAML_FILENAME_EXTENSIONS"),
            yaml_endings: yaml_endings.map(str::to_owned).collect(),
            vars_at_start: stage != "task",
            vars_on_demand: stage != "inventory",
            vars_plugins: config.list("VARIABLE_PLUGINS_ENABLED"),
            use_extra_vars: option("inventory", "constructed", "use_extra_vars")
                .and_then(serde_json::Value::as_bool)
                .unwrap_or_default(),
        }
    }
}

/// Returns the path without `.`, `..` and doubled slashes, as Python's `normpath`.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}
