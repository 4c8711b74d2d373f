use std::path::Path;

use rplay_config::Config;
use serde_json::json;

use super::{say, settings};

/// The version of the language that rplay speaks.
const LANGUAGE: &str = "2.19.14";

/// Prints what `--version` of Ansible's tools prints.
pub(crate) fn print(program: &str) -> u8 {
    match settings::config() {
        Ok(config) => say(&format!("{}\n", text(program, &config))),
        Err(code) => code,
    }
}

/// Returns what runs, and where it looks for things: what `-vv` begins with.
pub(crate) fn about(config: &Config) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("rplay {version} (the language of ansible-core {LANGUAGE})\n{}", places(config))
}

/// Returns the tool's name and version, and where things are looked for.
fn text(program: &str, config: &Config) -> String {
    let name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
    format!(
        "{} [core {LANGUAGE}]\n{}\n  rplay version = {}",
        name.unwrap_or_default(),
        places(config),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Returns where things are looked for, a line each, as Ansible names the places.
fn places(config: &Config) -> String {
    let file = config.file().map_or_else(|| "None".to_owned(), |file| file.display().to_string());
    let modules =
        json!(config.list("DEFAULT_MODULE_PATH")).to_string().replace('"', "'").replace("','", "', '");
    let program = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    format!(
        "  config file = {file}\n  configured module search path = {modules}\n  ansible python module location = None\n  \
         ansible collection location = {}\n  executable location = {program}",
        config.list("COLLECTIONS_PATHS").join(":"),
    )
}
