use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::convert::converted;
use crate::ini::Ini;
use crate::setting::{Origin, Setting};
use crate::{find, table};

/// What a configuration is read with.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub env: Arc<BTreeMap<String, String>>,
    pub home: Option<PathBuf>,
    pub folder: PathBuf,
}

/// Every setting with its value: read once, asked by name.
#[derive(Clone, Debug, Default)]
pub struct Config {
    around: Surroundings,
    file: Option<PathBuf>,
    values: HashMap<Name, Found>,
    warnings: Vec<String>,
    unknown: Vec<String>,
}

/// A plugin's kind and name, where the setting is an option of one, and the setting's own name.
type Name = (Option<(&'static str, &'static str)>, &'static str);

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub value: Value,
    pub origin: Origin,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("Unsupported configuration file extension for {0}: {1}")]
    Extension(PathBuf, String),
    #[error("Error reading config file ({0}): {1}")]
    File(PathBuf, String),
    #[error(
        "Config '{name}' from '{origin}' has an invalid value. Invalid value provided for '{kind}': '{given}'"
    )]
    Value { name: &'static str, origin: Origin, kind: &'static str, given: String },
    #[error("Invalid value '{given}' for config '{name}'. Valid values are: {choices}")]
    Choice { name: &'static str, given: String, choices: String },
}

impl Config {
    /// Finds and reads the configuration file, and lays the environment over it.
    ///
    /// # Errors
    /// The first thing that is wrong with the file or a value.
    pub fn load(around: Surroundings) -> Result<Self, ConfigError> {
        let (file, warning) = find::file(&around);
        let ini = file.as_deref().map(read).transpose()?.unwrap_or_default();
        let mut config = Self { around, file, warnings: warning.into_iter().collect(), ..Self::default() };
        for setting in table::core().iter().chain(table::plugins()) {
            let found = config.found(setting, &ini)?;
            config.values.insert((setting.plugin, setting.name), found);
        }
        config.unknown = config.unknown_variables();
        Ok(config)
    }

    fn found(&self, setting: &Setting, ini: &Ini) -> Result<Found, ConfigError> {
        let env = setting.env.iter().rev().find_map(|name| Some((*name, self.around.env.get(*name)?)));
        let stands = setting.ini.iter().rev().find_map(|(section, key)| ini.value(section, key));
        let (given, origin) = match (env, stands, &self.file) {
            (Some((name, value)), ..) => (Value::from(value.as_str()), Origin::Env(name)),
            (None, Some(value), Some(file)) => (Value::from(value), Origin::File(file.clone())),
            _ => (self.preset(setting), Origin::Default),
        };
        let file = self.file.as_deref().filter(|_| matches!(origin, Origin::File(_)));
        let made = converted(given.clone(), setting.kind, file, &self.around);
        let (value, origin) = match made {
            Some(value) => (value, origin),
            // An empty variable is as good as none where a text means nothing.
            None if given == "" && matches!(origin, Origin::Env(_)) => {
                let default = converted(self.preset(setting), setting.kind, None, &self.around);
                (default.unwrap_or_default(), Origin::Default)
            }
            None => {
                let kind = setting.kind.word().unwrap_or("value");
                let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
                return Err(ConfigError::Value { name: setting.name, origin, kind, given });
            }
        };
        judged(setting, &value)?;
        Ok(Found { value, origin })
    }

    fn preset(&self, setting: &Setting) -> Value {
        let value: Value = serde_json::from_str(setting.default).unwrap_or_default();
        match value.as_str() {
            Some(text) if text.contains("{{ANSIBLE_HOME}}") => {
                Value::from(text.replace("{{ANSIBLE_HOME}}", &self.text("ANSIBLE_HOME").unwrap_or_default()))
            }
            _ => value,
        }
    }

    /// The variables of the environment that look like settings and are none.
    fn unknown_variables(&self) -> Vec<String> {
        let known = |name: &str| {
            // What finds the file is no setting in it; the plain ones are internal to Ansible's own tests.
            name == "ANSIBLE_CONFIG"
                || name.starts_with("ANSIBLE_TEST_")
                || table::core().iter().chain(table::plugins()).any(|setting| setting.env.contains(&name))
        };
        let names = self.around.env.keys().filter(|name| name.starts_with("ANSIBLE_"));
        names.filter(|name| !known(name)).cloned().collect()
    }

    /// Returns the file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns what the user has to know of how the configuration was found.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the variables of the environment that look like settings and are none.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns the settings that somebody has set and that nothing reads, with where they stand.
    pub fn idle(&self) -> Vec<(&'static str, &Origin)> {
        let all = table::core().iter().chain(table::plugins());
        let mut idle: Vec<(&'static str, &Origin)> = all
            .filter_map(|setting| {
                let origin = &self.values.get(&(setting.plugin, setting.name))?.origin;
                let is_set = *origin != Origin::Default;
                let in_file = matches!(origin, Origin::File(_));
                (is_set && table::is_idle(setting, in_file)).then_some((setting.name, origin))
            })
            .collect();
        idle.dedup();
        idle
    }

    /// Returns a setting of ansible-core itself by name, or `None` where there is none of that name.
    pub fn setting(&self, name: &str) -> Option<&Found> {
        let setting = table::core().iter().find(|setting| setting.name == name)?;
        self.values.get(&(None, setting.name))
    }

    /// Returns an option of a plugin, or `None` where there is none of that name.
    pub fn option(&self, kind: &str, plugin: &str, name: &str) -> Option<&Found> {
        let mut options = table::plugins().iter();
        let setting =
            options.find(|setting| setting.plugin == Some((kind, plugin)) && setting.name == name)?;
        self.values.get(&(setting.plugin, setting.name))
    }

    fn value(&self, name: &str) -> &Value {
        self.setting(name).map_or(&Value::Null, |found| &found.value)
    }

    /// Returns a setting that is true or false.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name).as_bool().unwrap_or_default()
    }

    /// Returns a setting that is a number.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.value(name).as_i64()
    }

    /// Returns a setting that is a text or a path; an empty one is none.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(self.value(name).to_string()),
            _ => None,
        }
    }

    /// Returns a setting that is a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let words = self.value(name).as_array().map(Vec::as_slice).unwrap_or_default();
        words.iter().filter_map(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// Whether somebody has set this, rather than leaving it at its default.
    pub fn is_set(&self, name: &str) -> bool {
        self.setting(name).is_some_and(|found| found.origin != Origin::Default)
    }
}

fn read(path: &Path) -> Result<Ini, ConfigError> {
    let extension = path.extension().map(|ending| format!(".{}", ending.display())).unwrap_or_default();
    if !matches!(extension.as_str(), ".cfg" | ".ini") {
        return Err(ConfigError::Extension(path.to_owned(), extension));
    }
    let wrong = |message: String| ConfigError::File(path.to_owned(), message);
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    Ini::parse(&text).map_err(wrong)
}

fn judged(setting: &Setting, value: &Value) -> Result<(), ConfigError> {
    if setting.choices.is_empty() || value.is_null() {
        return Ok(());
    }
    let words = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let wrong = words.iter().find(|word| !word.as_str().is_some_and(|word| setting.choices.contains(&word)));
    wrong.map_or(Ok(()), |word| {
        Err(ConfigError::Choice {
            name: setting.name,
            given: word.as_str().map_or_else(|| word.to_string(), str::to_owned),
            choices: setting.choices.join(", "),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ansible.cfg");
        std::fs::write(&path, file).expect("writes");
        let mut env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        env.insert("ANSIBLE_CONFIG".to_owned(), path.display().to_string());
        Config::load(Surroundings { env: Arc::new(env), home: Some("/home/me".into()), folder: "/".into() })
    }

    #[test]
    fn the_environment_beats_the_file_and_the_file_the_default() {
        let config = config("[defaults]\nforks=7\ntimeout=3\n", &[("ANSIBLE_FORKS", "9")]).expect("reads");
        assert_eq!(config.int("DEFAULT_FORKS"), Some(9));
        assert_eq!(config.int("DEFAULT_TIMEOUT"), Some(3));
        assert_eq!(config.int("DEFAULT_POLL_INTERVAL"), Some(15));
        assert!(!config.is_set("DEFAULT_POLL_INTERVAL"));
    }

    #[test]
    fn defaults_begin_at_the_home_of_ansible() {
        let config = config("", &[("ANSIBLE_HOME", "/opt/a")]).expect("reads");
        assert_eq!(
            config.list("COLLECTIONS_PATHS"),
            ["/opt/a/collections", "/usr/share/ansible/collections"]
        );
    }

    #[test]
    fn a_value_that_cannot_be_is_named_with_where_it_comes_from() {
        let wrong = config("", &[("ANSIBLE_FORKS", "many")]).expect_err("no number");
        assert_eq!(
            wrong.to_string(),
            "Config 'DEFAULT_FORKS' from 'env: ANSIBLE_FORKS' has an invalid value. Invalid value provided for 'integer': 'many'"
        );
        let wrong = config("[defaults]\ngathering=never\n", &[]).expect_err("no such choice");
        assert_eq!(
            wrong.to_string(),
            "Invalid value 'never' for config 'DEFAULT_GATHERING'. Valid values are: implicit, explicit, smart"
        );
    }

    #[test]
    fn an_empty_variable_is_none_where_a_text_means_nothing() {
        let config = config("", &[("ANSIBLE_FORKS", "")]).expect("reads");
        assert_eq!(config.int("DEFAULT_FORKS"), Some(5));
    }

    #[test]
    fn variables_that_are_no_settings_are_named() {
        let config = config("", &[("ANSIBLE_FROKS", "1"), ("ANSIBLE_FORKS", "1")]).expect("reads");
        assert_eq!(config.unknown(), ["ANSIBLE_FROKS"]);
    }

    #[test]
    fn what_is_set_and_read_by_nothing_is_named_with_its_place() {
        let config = config("[defaults]\nforks=7\nmax_diff_size=9\n", &[("ANSIBLE_NOCOWS", "1")]);
        let config = config.expect("reads");
        let names: Vec<String> = config
            .idle()
            .iter()
            .map(|(name, origin)| format!("{name} {}", matches!(origin, Origin::Env(_))))
            .collect();
        assert_eq!(names, ["ANSIBLE_NOCOWS true", "MAX_FILE_SIZE_FOR_DIFF false"]);
    }

    #[test]
    fn options_of_plugins_are_asked_with_the_plugins_name() {
        let config = config("[ssh_connection]\nssh_args=-4\n", &[]).expect("reads");
        let found = config.option("connection", "ssh", "ssh_args").expect("there is such an option");
        assert_eq!(found.value, "-4");
    }
}
