use std::path::{Path, PathBuf};
use std::sync::Arc;

use fancy_regex::Regex;
use rplay_event::{Fault, FaultKind, Span};
use rplay_module::Module;
use rplay_syntax::Node;
use rplay_template::Engine;

use super::data::Source;
use super::ranges::expand_pattern;
use super::{
    Inventory, InventoryError, InventorySettings, Note, address, aws_ec2, constructed, generator, ini,
    script, settings, toml, yaml,
};
use crate::child::Children;
use crate::load::Reader;
use crate::outside::Caller;
use crate::scopes::Written;

/// What reading an inventory needs.
pub(crate) struct Loading<'a> {
    pub(crate) settings: &'a InventorySettings,
    pub(crate) reader: &'a Reader,
    /// The folder rplay was started in.
    pub(crate) folder: &'a Path,
    /// The Python that the implicit localhost is told of.
    pub(crate) python: &'a str,
    pub(crate) template: &'a Engine,
    pub(crate) extra: &'a [Arc<Written>],
    pub(crate) children: &'a Children,
    /// The environment of programs that print inventories.
    pub(crate) env: &'a [(String, String)],
    /// The modules that list hosts of elsewhere.
    pub(crate) host_sources: &'a [Module],
    pub(crate) caller: Caller,
}

/// The plugins that a file can name itself.
const AUTO: [&str; 7] = ["constructed", "generator", "yaml", "ini", "toml", "script", "aws_ec2"];

/// How a plugin took a source.
enum Taken {
    /// It is none of its sources.
    Declined,
    Parsed,
    Failed(InventoryError),
}

/// Names of files in a folder that are no sources, whatever the settings say.
const NO_SOURCES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];

/// Reads all sources into one inventory. Source of the rules: `ansible/inventory/manager.py`.
pub(crate) fn load(cx: &Loading<'_>, sources: &[String]) -> (Inventory, Result<(), Fault>) {
    let mut inventory = Inventory::new(cx.settings.group_names, cx.settings.merge, cx.python);
    let read = all(cx, &mut inventory, sources);
    (inventory, read)
}

fn all(cx: &Loading<'_>, inventory: &mut Inventory, sources: &[String]) -> Result<(), Fault> {
    let mut parsed = false;
    for source in sources.iter().filter(|source| !source.is_empty()) {
        parsed |= one(cx, inventory, source)?;
    }
    if parsed {
        inventory.reconcile();
    } else if cx.settings.unparsed_is_failed {
        return Err(failure("No inventory was parsed, please check your configuration and options."));
    } else if cx.settings.unparsed_warning && !sources.is_empty() {
        inventory.warn("No inventory was parsed, only implicit localhost is available");
    }
    Ok(())
}

fn failure(message: impl Into<String>) -> Fault {
    Fault::new(message).kind(FaultKind::Setup)
}

/// Reads a source, or every source in a folder; returns whether any of it was one.
fn one(cx: &Loading<'_>, inventory: &mut Inventory, source: &str) -> Result<bool, Fault> {
    let path = cx.folder.join(source);
    if path.is_dir() {
        return folder(cx, inventory, source);
    }
    inventory.source = Some(origin(cx.folder, source));
    let mut failures = Vec::new();
    let mut parsed = false;
    for plugin in &cx.settings.enabled {
        let name = constructed::bare_plugin(plugin);
        match take(cx, inventory, name, source, &path) {
            Taken::Parsed => {
                let said = format!("Parsed {source} inventory source with {plugin} plugin");
                inventory.notes.push(Note::Said(3, said));
                parsed = true;
                break;
            }
            Taken::Declined => {
                let said =
                    format!("{plugin} declined parsing {source} as it did not pass its verify_file() method");
                inventory.notes.push(Note::Said(3, said));
            }
            Taken::Failed(error) => failures.push((plugin, error)),
        }
    }
    inventory.source = None;
    if parsed {
        inventory.processed.push(source.to_owned());
    }
    if !parsed && (source != "/etc/ansible/hosts" || path.exists()) {
        for (plugin, error) in failures {
            let place = error.span.as_ref().map(|span| format!("\nOrigin: {span}")).unwrap_or_default();
            inventory.warn(format!("Failed to parse inventory with '{plugin}' plugin: {error}{place}"));
        }
        if cx.settings.any_unparsed_is_failed {
            return Err(failure(format!("Completely failed to parse inventory source {source}")));
        }
        inventory.warn(format!("Unable to parse {source} as an inventory source"));
    }
    Ok(parsed)
}

fn folder(cx: &Loading<'_>, inventory: &mut Inventory, source: &str) -> Result<bool, Fault> {
    let path = cx.folder.join(source);
    let entries = std::fs::read_dir(&path)
        .map_err(|error| failure(format!("could not read the folder {source}: {error}")))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let patterns: Vec<Regex> =
        cx.settings.ignored_patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    let ignored = |name: &str| {
        name.starts_with('.')
            || NO_SOURCES.contains(&name)
            || cx.settings.ignored_endings.iter().any(|ending| name.ends_with(ending.as_str()))
            || patterns.iter().any(|pattern| pattern.is_match(name).unwrap_or(false))
    };
    let mut parsed = false;
    for name in names.iter().filter(|name| !ignored(name)) {
        parsed |= one(cx, inventory, &Path::new(source).join(name).display().to_string())?;
    }
    Ok(parsed)
}

/// Returns what hosts of a source know of it.
fn origin(folder: &Path, source: &str) -> Source {
    let span = Span::new(source, 0, 0);
    let beside = base(folder, source);
    let beside = beside
        .map_or_else(|| Node::null(&span), |folder| Node::unsafe_text(folder.display().to_string(), &span));
    Source { file: Node::unsafe_text(source, &span), folder: beside }
}

/// Returns the folder of a source that is a file or folder. Source of the rules: `ansible/utils/path.py`.
fn base(folder: &Path, source: &str) -> Option<PathBuf> {
    let path = folder.join(source);
    if path.is_dir() {
        return Some(settings::normal(&path));
    }
    path.is_file().then(|| settings::normal(path.parent().unwrap_or(folder)))
}

/// Returns the folders beside the sources: where `group_vars/` and `host_vars/` are looked for.
pub(crate) fn folders(folder: &Path, sources: &[String]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for source in sources {
        let path = folder.join(source);
        if source.contains(',') && !path.exists() {
            continue;
        }
        let beside = if path.is_dir() { path } else { path.parent().map(Path::to_owned).unwrap_or(path) };
        found.push(std::fs::canonicalize(&beside).unwrap_or(beside));
    }
    found
}

fn take(cx: &Loading<'_>, inventory: &mut Inventory, plugin: &str, source: &str, path: &Path) -> Taken {
    let is_list = source.contains(',') && !path.exists();
    let readable = !is_list && path.exists();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let is_yaml = ending.is_empty() || cx.settings.yaml_endings.contains(&ending);
    let is_config = is_configuration(cx, &ending);
    let parsed = match plugin {
        "host_list" if is_list => host_list(inventory, source),
        "advanced_host_list" if is_list => advanced_host_list(inventory, source),
        "yaml" if readable && is_yaml => {
            bytes(cx, path).and_then(|bytes| yaml::parse(inventory, path, &text(bytes)?))
        }
        "ini" if readable && ending != ".toml" => {
            bytes(cx, path).and_then(|bytes| ini::parse(inventory, path, &bytes)).map_err(|error| {
                InventoryError { message: format!("Failed to parse inventory: {error}"), ..error }
            })
        }
        "toml" if readable && ending == ".toml" => {
            bytes(cx, path).and_then(|bytes| toml::parse(inventory, path, &text(bytes)?))
        }
        "script" if readable && script::is_program(path) => script::parse(cx, inventory, path),
        "auto" if readable && matches!(ending.as_str(), ".yml" | ".yaml") => {
            auto(cx, inventory, source, path)
        }
        "constructed" if readable && is_config => {
            bytes(cx, path).and_then(|bytes| constructed::parse(cx, inventory, path, &text(bytes)?))
        }
        "aws_ec2" if readable && aws_ec2::is_named(path) => {
            bytes(cx, path).and_then(|bytes| aws_ec2::parse(cx, inventory, path, &text(bytes)?))
        }
        "generator" if readable && is_config => {
            bytes(cx, path).and_then(|bytes| generator::parse(cx, inventory, path, &text(bytes)?))
        }
        _ => return Taken::Declined,
    };
    match parsed {
        Ok(()) => Taken::Parsed,
        Err(error) => Taken::Failed(error),
    }
}

fn is_configuration(cx: &Loading<'_>, ending: &str) -> bool {
    ending.is_empty() || ending == ".config" || cx.settings.endings.iter().any(|known| known == ending)
}

/// Hands a source to the plugin that it names.
fn auto(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    source: &str,
    path: &Path,
) -> Result<(), InventoryError> {
    let config = yaml::document(path, &text(bytes(cx, path)?)?)?;
    let Some(plugin) = config.get("plugin").filter(|plugin| !yaml::is_empty(plugin)) else {
        return Err(InventoryError::new(format!(
            "no root 'plugin' key found, '{source}' is not a valid YAML inventory plugin config file"
        )));
    };
    let name = plugin.key_text().into_owned();
    let bare = constructed::bare_plugin(&name);
    if !AUTO.contains(&bare) {
        let message = format!("inventory config '{source}' specifies unknown plugin '{name}'");
        return Err(InventoryError::new(message).at(&plugin.span));
    }
    match take(cx, inventory, bare, source, path) {
        Taken::Parsed => {
            let said = format!("Using inventory plugin '{bare}' to process inventory source '{source}'");
            inventory.notes.push(Note::Said(1, said));
            Ok(())
        }
        Taken::Failed(error) => Err(error),
        Taken::Declined => Err(InventoryError::new(format!(
            "inventory source '{source}' could not be verified by inventory plugin '{name}'"
        ))),
    }
}

fn bytes(cx: &Loading<'_>, path: &Path) -> Result<Vec<u8>, InventoryError> {
    let read = cx.reader.bytes(path).map(|(bytes, _)| bytes);
    read.map_err(InventoryError::from)
}

fn text(bytes: Vec<u8>) -> Result<String, InventoryError> {
    String::from_utf8(bytes).map_err(|error| InventoryError::new(format!("not UTF-8 text: {error}")))
}

/// `-i a,b:22,`: hosts with their ports.
fn host_list(inventory: &mut Inventory, source: &str) -> Result<(), InventoryError> {
    for entry in source.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (host, port) = address::parse_address(entry, false).unwrap_or_else(|| {
            let why = if entry.contains('[') {
                "Detected range in host but was asked to ignore ranges".to_owned()
            } else {
                format!("Not a valid network hostname: {entry}")
            };
            unchanged(inventory, &why);
            (entry, None)
        });
        if !inventory.is_host(host) {
            inventory.add_host(host, Some("ungrouped"), port)?;
        }
    }
    Ok(())
}

/// Says that an entry of a list is a host's name as it stands.
fn unchanged(inventory: &mut Inventory, why: &dyn std::fmt::Display) {
    let said = format!("Unable to parse address from hostname, leaving unchanged: {why}");
    inventory.notes.push(Note::Said(3, said));
}

/// `-i a[1:3],`: hosts with their ports and ranges.
fn advanced_host_list(inventory: &mut Inventory, source: &str) -> Result<(), InventoryError> {
    for entry in source.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (hosts, port) = match expand_pattern(entry) {
            Ok(expanded) => expanded,
            Err(error) if error.value => {
                let message = format!("Invalid data from string, could not parse: {error}");
                return Err(InventoryError::new(message));
            }
            Err(error) => {
                unchanged(inventory, &error);
                (vec![entry.to_owned()], None)
            }
        };
        for host in hosts {
            if !inventory.is_host(&host) {
                inventory.add_host(&host, Some("ungrouped"), port)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::settings::GroupNames;

    fn said(inventory: &Inventory) -> Vec<&str> {
        let said = inventory.notes.iter().map(|note| match note {
            Note::Said(3, message) => message.as_str(),
            _ => "something else",
        });
        said.collect()
    }

    #[test]
    fn an_entry_of_a_list_that_is_no_address_is_a_host_as_it_stands_and_that_is_said() {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        advanced_host_list(&mut inventory, "web[1:],db[1:2]").unwrap();
        assert!(["web[1:]", "db1", "db2"].iter().all(|host| inventory.is_host(host)));
        let why = "Unable to parse address from hostname, leaving unchanged: ";
        assert_eq!(said(&inventory), [format!("{why}host range must specify end value")]);

        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        host_list(&mut inventory, "a b,c[1:2],d:22").unwrap();
        assert!(["a b", "c[1:2]", "d"].iter().all(|host| inventory.is_host(host)));
        let ranges = "Detected range in host but was asked to ignore ranges";
        assert_eq!(
            said(&inventory),
            [format!("{why}Not a valid network hostname: a b"), format!("{why}{ranges}")]
        );
    }
}
