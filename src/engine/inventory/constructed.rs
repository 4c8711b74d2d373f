use std::path::Path;
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Node};
use rplay_template::{Scope, Tri, Value};

use super::layers::host_names;
use super::names::plain_name;
use super::vars_files::{VarsFolders, Whose};
use super::{Inventory, InventoryError, Loading, folders, yaml};
use crate::scopes::{Level, Stack, Written, plain_node};

/// Options of `constructed`, as its configuration file gives them.
struct Options<'a> {
    config: &'a Node,
    strict: bool,
    vars_plugins: bool,
    extra_vars: bool,
    leading_separator: bool,
}

/// Makes variables and groups out of those that are there.
///
/// Source of the rules: `ansible/plugins/inventory/constructed.py` and `Constructable` beside it.
pub(super) fn parse(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    path: &Path,
    text: &str,
) -> Result<(), InventoryError> {
    let config = configuration(path, text, "constructed")?;
    let hosts: Vec<Arc<str>> = inventory.listed().map(|(_, host)| Arc::clone(&host.name)).collect();
    construct(cx, inventory, path, &config, &hosts)
}

/// Makes the variables and groups of some hosts that a plugin's configuration says: `compose`, `groups`, `keyed_groups`.
pub(super) fn construct(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    path: &Path,
    config: &Node,
    hosts: &[Arc<str>],
) -> Result<(), InventoryError> {
    let flag = |name: &str, default: bool| config.get(name).map_or(default, is_yes);
    let options = Options {
        config,
        strict: flag("strict", false),
        vars_plugins: flag("use_vars_plugins", false),
        extra_vars: flag("use_extra_vars", cx.settings.use_extra_vars),
        leading_separator: flag("leading_separator", true),
    };
    let beside = folders(cx.folder, &inventory.processed);
    let construction =
        Construction { cx, options, beside, files: VarsFolders::new(cx.reader.clone(), cx.settings) };
    for host in hosts {
        construction.host(inventory, host).map_err(|error| {
            let shown = path.display();
            InventoryError { message: format!("Failed to parse '{shown}': {}", error.message), ..error }
        })?;
    }
    Ok(())
}

/// What a plugin's name begins with where it is written out.
const COLLECTIONS: [&str; 2] = ["ansible.builtin.", "amazon.aws."];

/// Returns the configuration of a plugin, whose file names it.
pub(super) fn configuration(path: &Path, text: &str, plugin: &str) -> Result<Node, InventoryError> {
    let config = yaml::document(path, text)?;
    if yaml::is_empty(&config) {
        return Err(InventoryError::new(format!("{} is empty", path.display())));
    }
    let named = config.get("plugin").map(|node| node.key_text().into_owned());
    let known = named.as_deref().map(bare_plugin) == Some(plugin);
    if !known {
        let named = named.unwrap_or_else(|| "none found".to_owned());
        return Err(InventoryError::new(format!("Incorrect plugin name in file: {named}")).at(&config.span));
    }
    Ok(config)
}

/// Returns a plugin's name without its collection.
pub(super) fn bare_plugin(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|collection| name.strip_prefix(collection)).unwrap_or(name)
}

pub(super) fn is_yes(node: &Node) -> bool {
    match node.as_str() {
        Some(text) => matches!(text.to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t"),
        None => !yaml::is_empty(node),
    }
}

struct Construction<'a> {
    cx: &'a Loading<'a>,
    options: Options<'a>,
    beside: Vec<std::path::PathBuf>,
    files: VarsFolders,
}

impl Construction<'_> {
    fn host(&self, inventory: &mut Inventory, host: &str) -> Result<(), InventoryError> {
        let scope = self.scope(inventory, host, true)?;
        self.compose(inventory, host, &scope)?;
        // What was composed is there for what follows.
        let scope = self.scope(inventory, host, false)?;
        self.groups(inventory, host, &scope)?;
        let scope = self.scope(inventory, host, true)?;
        self.keyed_groups(inventory, host, &scope)
    }

    /// Returns the variables of a host that are known by now.
    fn scope(
        &self,
        inventory: &Inventory,
        host: &str,
        extra: bool,
    ) -> Result<Arc<dyn Scope>, InventoryError> {
        let Some(entry) = inventory.hosts.get(host) else { return Ok(Stack::default().shared()) };
        let merge = self.cx.settings.merge;
        let groups = inventory.groups_of(entry);
        let mut sorted: Vec<_> = groups.iter().filter_map(|at| inventory.group(*at)).collect();
        sorted.sort_by_key(|group| (group.depth, group.priority, Arc::clone(&group.name)));
        let mut laid = Written::default();
        sorted.iter().for_each(|group| laid.lay_vars(&group.vars, merge));
        if self.options.vars_plugins {
            for base in &self.beside {
                for group in &sorted {
                    self.lay_files(base, Whose::Group, &group.name, &mut laid)?;
                }
            }
        }
        laid.lay_vars(&entry.vars, merge);
        host_names(&mut laid, &entry.name, &inventory.group_names(&groups));
        if self.options.vars_plugins {
            for base in &self.beside {
                self.lay_files(base, Whose::Host, host, &mut laid)?;
            }
        }
        let mut stack = Stack::default();
        stack.written(Level::Host, &Arc::new(laid));
        if extra && self.options.extra_vars {
            self.cx.extra.iter().for_each(|extra| stack.written(Level::ExtraVars, extra));
        }
        Ok(stack.shared())
    }

    fn lay_files(
        &self,
        base: &Path,
        whose: Whose,
        name: &str,
        laid: &mut Written,
    ) -> Result<(), InventoryError> {
        let files = self.files.vars(base, whose, name);
        let files = files.map_err(InventoryError::from)?;
        files.iter().for_each(|file| laid.lay_merging(file, self.cx.settings.merge));
        Ok(())
    }

    fn evaluate(&self, expression: Option<&Node>, scope: &Arc<dyn Scope>) -> Result<Value, String> {
        match expression.map(|node| (node, node.as_str())) {
            Some((node, Some(_))) => self
                .cx
                .template
                .evaluate(node, scope)
                .map(|rendered| rendered.value)
                .map_err(|error| error.to_string()),
            other => {
                let kind = other.map_or("NoneType", |(node, _)| node.kind());
                Err(format!("Expressions must be <class 'str'>, got <class '{kind}'>."))
            }
        }
    }

    fn compose(
        &self,
        inventory: &mut Inventory,
        host: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<(), InventoryError> {
        let Some(composed) = self.options.config.get("compose").and_then(Node::as_map) else { return Ok(()) };
        for (name, expression) in composed.iter() {
            let name = name.key_text();
            match self.evaluate(Some(expression), scope) {
                Ok(value) => inventory.set_variable(host, &name, plain_node(&value, &expression.span))?,
                Err(why) if self.options.strict => {
                    return Err(InventoryError::new(format!("Could not set {name} for host {host}: {why}")));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn groups(
        &self,
        inventory: &mut Inventory,
        host: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<(), InventoryError> {
        let Some(groups) = self.options.config.get("groups").and_then(Node::as_map) else { return Ok(()) };
        for (name, conditional) in groups.iter() {
            let name = plain_name(&name.key_text());
            match self.cx.template.condition(conditional, scope) {
                Ok(condition) if condition.truth == Tri::True => {
                    let name = inventory.add_group(&name)?;
                    inventory.add_child(&name, host)?;
                }
                Err(why) if self.options.strict => {
                    let message = format!("Could not add host {host} to group {name}: {why}");
                    return Err(InventoryError::new(message));
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn keyed_groups(
        &self,
        inventory: &mut Inventory,
        host: &str,
        scope: &Arc<dyn Scope>,
    ) -> Result<(), InventoryError> {
        let Some(keyed) = self.options.config.get("keyed_groups").and_then(Node::as_seq) else {
            return Ok(());
        };
        for entry in keyed {
            if !matches!(&entry.data, Data::Map(mapping) if !mapping.is_empty()) {
                let message =
                    format!("Invalid keyed group entry, it must be a dictionary: {} ", entry.key_text());
                return Err(InventoryError::new(message).at(&entry.span));
            }
            self.keyed_group(inventory, host, scope, entry)?;
        }
        Ok(())
    }

    fn keyed_group(
        &self,
        inventory: &mut Inventory,
        host: &str,
        scope: &Arc<dyn Scope>,
        entry: &Node,
    ) -> Result<(), InventoryError> {
        let shown = || entry.get("key").map(|key| key.key_text().into_owned()).unwrap_or_default();
        let key = match self.evaluate(entry.get("key"), scope) {
            Ok(key) => key,
            Err(why) if self.options.strict => {
                let message =
                    format!("Could not generate group for host {host} from {} entry: {why}", shown());
                return Err(InventoryError::new(message));
            }
            Err(_) => return Ok(()),
        };
        let keyed = KeyedGroup::read(entry)?;
        let Some(names) = keyed.names(&key)? else {
            let is_collection = key.len().is_some() && key.as_str().is_none();
            if self.options.strict && !is_collection {
                return Err(InventoryError::new(format!(
                    "No key or key resulted empty for {} in host {host}, invalid entry",
                    shown()
                )));
            }
            return Ok(());
        };
        let parent = match self.parent(entry, scope) {
            Ok(parent) => parent,
            Err(why) if self.options.strict => {
                let message = format!("Could not generate parent group for group '{}': {why}", key.text());
                return Err(InventoryError::new(message));
            }
            Err(_) => return Ok(()),
        };
        for name in names {
            let plain = keyed.prefix.is_empty() && !self.options.leading_separator;
            let separator = if plain { "" } else { keyed.separator.as_str() };
            let group = inventory.add_group(&plain_name(&format!("{}{separator}{name}", keyed.prefix)))?;
            inventory.add_host(host, Some(&group), None)?;
            if let Some(parent) = &parent {
                let parent = inventory.add_group(&plain_name(parent))?;
                inventory.add_child(&parent, &group)?;
            }
        }
        Ok(())
    }

    fn parent(&self, entry: &Node, scope: &Arc<dyn Scope>) -> Result<Option<String>, String> {
        let Some(node) = entry.get("parent_group").filter(|node| !yaml::is_empty(node)) else {
            return Ok(None);
        };
        let rendered = self.cx.template.render(node, scope).map_err(|error| error.to_string())?;
        Ok(Some(rendered.value.text()).filter(|name| !name.is_empty() && !rendered.value.is_omit()))
    }
}

/// An entry of `keyed_groups`.
struct KeyedGroup {
    prefix: String,
    separator: String,
    default: Option<String>,
    trailing_separator: Option<bool>,
}

impl KeyedGroup {
    fn read(entry: &Node) -> Result<Self, InventoryError> {
        let given = |name: &str| entry.get(name).filter(|node| !node.is_null());
        let text = |name: &str| given(name).map(|node| node.key_text().into_owned());
        let keyed = Self {
            prefix: text("prefix").unwrap_or_default(),
            separator: text("separator").unwrap_or_else(|| "_".to_owned()),
            default: text("default_value"),
            trailing_separator: given("trailing_separator").map(is_yes),
        };
        if keyed.trailing_separator.is_some() && keyed.default.is_some() {
            return Err(InventoryError::new(
                "parameters are mutually exclusive for keyed groups: default_value|trailing_separator",
            )
            .at(&entry.span));
        }
        Ok(keyed)
    }

    /// Returns the groups' names without prefix; `None` where the key is empty.
    fn names(&self, key: &Value) -> Result<Option<Vec<String>>, InventoryError> {
        if let Some(default) = self.default.as_ref().filter(|_| is_missing(key)) {
            return Ok(Some(vec![default.clone()]));
        }
        if !key.is_truthy() {
            return Ok(None);
        }
        if let Some(text) = key.as_str() {
            return Ok(Some(vec![text.to_owned()]));
        }
        if let Some(items) = key.as_items() {
            let name = |item: &Value| match &self.default {
                Some(default) if is_missing(item) => default.clone(),
                _ => item.text(),
            };
            return Ok(Some(items.iter().map(name).collect()));
        }
        if key.kind() != rplay_template::Kind::Dict {
            let kind = plain_node(key, &Span::new("", 0, 0)).kind();
            return Err(InventoryError::new(format!(
                "Invalid group name format, expected a string or a list of them or dictionary, got: <class '{kind}'>"
            )));
        }
        Ok(Some(key.entries().map(|(name, value)| self.of_entry(name, value)).collect()))
    }

    fn of_entry(&self, name: &Value, value: &Value) -> String {
        let name = name.text();
        match &self.default {
            Some(default) if is_missing(value) => format!("{name}{}{default}", self.separator),
            None if is_missing(value) && self.trailing_separator == Some(false) => name,
            _ => format!("{name}{}{}", self.separator, value.text()),
        }
    }
}

/// Python's `None` and the empty text have no name of a group in them.
fn is_missing(value: &Value) -> bool {
    value.is_none() || value.as_str() == Some("")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(entry: &str, key: serde_json::Value) -> Option<Vec<String>> {
        let entry = rplay_syntax::parse("c.yml", entry).expect("YAML").node;
        KeyedGroup::read(&entry).expect("an entry").names(&Value::from_json(key)).expect("a key")
    }

    #[test]
    fn keys_of_texts_lists_and_mappings_name_groups() {
        assert_eq!(names("{key: x}", json!("a")), Some(vec!["a".into()]));
        assert_eq!(names("{key: x}", json!(["a", "b"])), Some(vec!["a".into(), "b".into()]));
        assert_eq!(names("{key: x, separator: '-'}", json!({"a": 1})), Some(vec!["a-1".into()]));
        assert_eq!(names("{key: x}", json!("")), None);
        assert_eq!(names("{key: x}", json!([])), None);
    }

    #[test]
    fn a_default_stands_for_what_is_empty_and_a_trailing_separator_may_be_left_out() {
        assert_eq!(names("{key: x, default_value: none}", json!("")), Some(vec!["none".into()]));
        assert_eq!(names("{key: x, default_value: d}", json!(["", "b"])), Some(vec!["d".into(), "b".into()]));
        assert_eq!(names("{key: x, default_value: d}", json!({"a": ""})), Some(vec!["a_d".into()]));
        assert_eq!(names("{key: x, trailing_separator: false}", json!({"a": ""})), Some(vec!["a".into()]));
        assert_eq!(names("{key: x}", json!({"a": ""})), Some(vec!["a_".into()]));
    }
}
