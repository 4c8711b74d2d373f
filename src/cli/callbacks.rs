//! Which of Ansible's callbacks are asked for: the one on the screen, and those beside it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rplay_config::{Config, Origin};
use rplay_report::{Beside, Clock, JunitSettings, Output, ProfileSettings, Save};

use super::{complain, settings, warn};

/// The exit code where a callback that is needed is not there.
const NOT_THERE: u8 = 1;

/// What a callback for the screen looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) output: Output,
    /// Results are YAML whatever is configured.
    pub(crate) yaml: bool,
    /// The texts of results stand below them as they are.
    pub(crate) texts_apart: bool,
}

/// Returns the look that a callback's name stands for; `None` for one that is not built in.
pub(crate) fn look(name: &str) -> Option<Look> {
    let plain = |output| Look { output, yaml: false, texts_apart: false };
    Some(match bare(name) {
        "default" => plain(Output::Default),
        "minimal" => plain(Output::Minimal),
        "oneline" => plain(Output::Oneline),
        "json" | "ansible.posix.json" => plain(Output::AnsibleJson),
        "yaml" | "community.general.yaml" => Look { yaml: true, ..plain(Output::Default) },
        "debug" | "ansible.posix.debug" => Look { texts_apart: true, ..plain(Output::Default) },
        _ => return None,
    })
}

fn bare(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// Finds out whether the callback for the screen is there; one in Python is told of and left out.
///
/// # Errors
/// The exit code, where there is none of that name; it has been told.
pub(crate) fn check(config: &Config) -> Result<(), u8> {
    let name = config.text("DEFAULT_STDOUT_CALLBACK").unwrap_or_default();
    if look(&name).is_some() {
        return Ok(());
    }
    if is_python(&name, config) {
        warn(&format!(
            "the stdout callback '{name}' is written in Python and is not run: the default one is used"
        ));
        return Ok(());
    }
    complain(&format!("Could not load '{name}' callback plugin."));
    Err(NOT_THERE)
}

/// Whether a folder of callbacks or an installed collection has a plugin of that name.
fn is_python(name: &str, config: &Config) -> bool {
    let file = |name: &str| format!("{name}.py");
    let own = config.list("DEFAULT_CALLBACK_PLUGIN_PATH").into_iter().map(PathBuf::from);
    if own.chain([PathBuf::from("callback_plugins")]).any(|folder| folder.join(file(name)).is_file()) {
        return true;
    }
    let collections = config.list("COLLECTIONS_PATHS").into_iter().map(|path| {
        let path = PathBuf::from(path);
        if path.ends_with("ansible_collections") { path } else { path.join("ansible_collections") }
    });
    let mut words = name.splitn(3, '.');
    match (words.next(), words.next(), words.next()) {
        (Some(space), Some(collection), Some(plugin)) => collections.into_iter().any(|path| {
            path.join(space).join(collection).join("plugins/callback").join(file(plugin)).is_file()
        }),
        _ => collections
            .into_iter()
            .any(|path| path.join("community/general/plugins/callback").join(file(name)).is_file()),
    }
}

/// Returns the callbacks that are enabled by name, and `tree` where an ad-hoc task names its folder.
pub(crate) fn beside(config: &Config, enabled: bool, tree: Option<&Path>) -> Beside {
    let mut beside = Beside::new(clock());
    let names = if enabled { config.list("CALLBACKS_ENABLED") } else { Vec::new() };
    for name in &names {
        match bare(name) {
            "tree" if tree.is_none() => beside.tree(into_folder(tree_folder(config))),
            // Named by `--tree` as well: the folder of the command line is the one.
            "tree" => {}
            "junit" => beside.junit(junit(config), into_folder(junit_folder(config))),
            "timer" | "ansible.posix.timer" => beside.timer(),
            "profile_tasks" | "ansible.posix.profile_tasks" => beside.profile(profile(config)),
            other if look(other).is_some() => {}
            other => warn(&format!("Skipping callback plugin '{other}', unable to load: it is not built in")),
        }
    }
    if let Some(tree) = tree {
        let folder = std::env::current_dir().unwrap_or_default();
        beside.tree(into_folder(settings::absolute(&tree.display().to_string(), &folder)));
    }
    beside
}

fn clock() -> Clock {
    let seconds = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    Clock { seconds, shown: |format| jiff::Zoned::now().strftime(format).to_string() }
}

fn into_folder(folder: PathBuf) -> Save {
    Box::new(move |name, text| write(&folder, name, text))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| {
        format!("Unable to access or create the configured directory {}: {error}", folder.display())
    })?;
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|error| format!("Unable to write {}: {error}", path.display()))
}

/// Returns an option of a callback that somebody has set.
fn given(config: &Config, plugin: &str, name: &str) -> Option<String> {
    let found = config.option("callback", plugin, name)?;
    let text = found.value.as_str().map_or_else(|| found.value.to_string(), str::to_owned);
    (found.origin != Origin::Default && !text.is_empty()).then_some(text)
}

fn tree_folder(config: &Config) -> PathBuf {
    let found = config.option("callback", "tree", "directory");
    found.and_then(|found| found.value.as_str()).unwrap_or_default().into()
}

fn junit_folder(config: &Config) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    settings::absolute(
        &given(config, "junit", "output_dir").unwrap_or_else(|| "~/.ansible.log".to_owned()),
        &folder,
    )
}

fn junit(config: &Config) -> JunitSettings {
    let text = |name| given(config, "junit", name);
    let is = |name, word: &str| text(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
    JunitSettings {
        task_class: is("task_class", "true"),
        relative_to: text("task_relative_path"),
        outside: text("replace_out_of_tree_path"),
        fail_on_change: is("fail_on_change", "true"),
        fail_on_ignore: is("fail_on_ignore", "true"),
        include_setup: !is("include_setup_tasks_in_report", "false"),
        prefix: text("test_case_prefix").unwrap_or_default(),
    }
}

fn profile(config: &Config) -> ProfileSettings {
    let text = |name| given(config, "profile_tasks", name);
    let usual = ProfileSettings::default();
    ProfileSettings {
        longest_first: match text("sort_order").as_deref() {
            Some("ascending") => Some(false),
            Some("none") => None,
            _ => Some(true),
        },
        most: match text("task_output_limit").as_deref() {
            Some("all") => None,
            Some(limit) => limit.parse().ok().or(usual.most),
            None => usual.most,
        },
        summary_only: text("summary_only").is_some_and(|text| rplay_config::is_true(&text)),
        datetime_format: text("datetime_format").unwrap_or(usual.datetime_format),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use rplay_config::Surroundings;

    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        let env: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let around = Surroundings { env: Arc::new(env), home: Some("/home/me".into()), folder: "/".into() };
        Config::load(around).expect("nothing is wrong with it")
    }

    #[test]
    fn names_stand_for_looks_with_and_without_their_collection() {
        assert_eq!(look("ansible.builtin.minimal").map(|look| look.output), Some(Output::Minimal));
        assert!(look("community.general.yaml").is_some_and(|look| look.yaml));
        assert_eq!(look("nope"), None);
    }

    #[test]
    fn a_callback_for_the_screen_that_is_nowhere_ends_the_program() {
        assert_eq!(check(&config(&[("ANSIBLE_STDOUT_CALLBACK", "nope")])), Err(1));
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("mine.py"), "").expect("writes");
        let path = folder.path().display().to_string();
        let config = config(&[("ANSIBLE_STDOUT_CALLBACK", "mine"), ("ANSIBLE_CALLBACK_PLUGINS", &path)]);
        assert_eq!(check(&config), Ok(()));
    }

    #[test]
    fn what_is_enabled_is_read_with_its_options() {
        let config = config(&[
            ("ANSIBLE_CALLBACKS_ENABLED", "timer,ansible.posix.profile_tasks"),
            ("JUNIT_FAIL_ON_CHANGE", "True"),
            ("PROFILE_TASKS_SORT_ORDER", "none"),
            ("PROFILE_TASKS_TASK_OUTPUT_LIMIT", "all"),
        ]);
        assert!(!beside(&config, true, None).is_empty());
        assert!(beside(&config, false, None).is_empty());
        assert!(junit(&config).fail_on_change);
        assert_eq!((profile(&config).longest_first, profile(&config).most), (None, None));
    }
}
