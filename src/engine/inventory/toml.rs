use std::path::Path;

use ::toml::{Table, Value};
use rplay_event::Span;
use rplay_syntax::{Mapping, Node};

use super::ranges::expand_pattern;
use super::yaml::populate;
use super::{Inventory, InventoryError};

/// Reads an inventory in TOML. Source of the rules: `ansible/plugins/inventory/toml.py`.
pub(super) fn parse(inventory: &mut Inventory, path: &Path, text: &str) -> Result<(), InventoryError> {
    let shown = path.display();
    let table: Table = text.parse().map_err(|error: ::toml::de::Error| {
        InventoryError::new(format!("TOML file '{shown}' is invalid: {}", error.message()))
    })?;
    if table.is_empty() {
        return Err(InventoryError::new("Parsed empty TOML file"));
    }
    if table.get("plugin").is_some_and(|plugin| plugin.as_str() != Some("")) {
        return Err(InventoryError::new("Plugin configuration TOML file, not TOML inventory"));
    }
    let span = Span::new(shown.to_string(), 1, 1);
    table.iter().try_for_each(|(name, data)| group(inventory, name, data, &span))
}

fn group(inventory: &mut Inventory, name: &str, data: &Value, span: &Span) -> Result<(), InventoryError> {
    let Value::Table(body) = data else {
        inventory.warn(format!("Skipping '{name}' as this is not a valid group definition"));
        return Ok(());
    };
    let name = inventory.add_group(name)?;
    for (key, section) in body {
        let wrong = |wanted: &str| {
            InventoryError::new(format!(
                "Invalid \"{key}\" entry for \"{name}\" group, requires a {wanted}, found \"<class '{}'>\" instead.",
                node(section, span).kind()
            ))
        };
        match (key.as_str(), section) {
            ("vars", Value::Table(vars)) => {
                for (var, value) in vars {
                    inventory.set_variable(&name, var, node(value, span))?;
                }
            }
            ("children", Value::Array(children)) => {
                for child in children {
                    let child = child.as_str().ok_or_else(|| wrong("list"))?;
                    let child = inventory.add_group(child)?;
                    inventory.add_child(&name, &child)?;
                }
            }
            ("hosts", Value::Table(hosts)) => {
                for (pattern, vars) in hosts {
                    let (hosts, port) = expand_pattern(pattern)?;
                    populate(inventory, &hosts, &node(vars, span), &name, port)?;
                }
            }
            ("vars" | "hosts", _) => return Err(wrong("dict")),
            ("children", _) => return Err(wrong("list")),
            _ => inventory.warn(format!(
                "Skipping unexpected key \"{key}\" in group \"{name}\", only \"vars\", \"children\" and \"hosts\" are valid"
            )),
        }
    }
    Ok(())
}

fn node(value: &Value, span: &Span) -> Node {
    match value {
        Value::String(text) => Node::text(text.as_str(), span),
        Value::Integer(number) => Node::int(*number, span),
        Value::Float(number) => Node::float(*number, span),
        Value::Boolean(yes) => Node::bool(*yes, span),
        Value::Datetime(time) => Node::text(time.to_string(), span),
        Value::Array(items) => Node::seq(items.iter().map(|item| node(item, span)).collect(), span),
        Value::Table(fields) => {
            let entries =
                fields.iter().map(|(key, value)| (Node::text(key.as_str(), span), node(value, span)));
            Node::map(entries.collect::<Mapping>(), span)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::GroupNames;

    #[test]
    fn groups_hold_hosts_children_and_variables() {
        let text = "[web]\nchildren = ['sub']\nvars = { port = 80 }\n[web.hosts]\n'a[1:2]' = { x = [1, 'y'] }\n[sub.hosts.b]\n";
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        parse(&mut inventory, Path::new("hosts.toml"), text).expect("an inventory");
        inventory.reconcile();
        let names: Vec<&str> = inventory.hosts.keys().map(|name| &**name).collect();
        assert_eq!(names, ["a1", "a2", "b"]);
        assert_eq!(inventory.hosts["a1"].vars["x"].to_json(), json!([1, "y"]));
        assert_eq!(inventory.groups["web"].vars["port"].as_int(), Some(80));
        assert_eq!(inventory.groups["sub"].depth, 2);
    }

    #[test]
    fn what_is_no_inventory_says_why() {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        let mut why =
            |text: &str| parse(&mut inventory, Path::new("h.toml"), text).expect_err("no inventory").message;
        assert_eq!(why(""), "Parsed empty TOML file");
        assert_eq!(why("plugin = 'x'"), "Plugin configuration TOML file, not TOML inventory");
        assert!(why("a = ").starts_with("TOML file 'h.toml' is invalid: "));
        let message =
            "Invalid \"vars\" entry for \"a\" group, requires a dict, found \"<class 'list'>\" instead.";
        assert_eq!(why("[a]\nvars = [1]"), message);
    }
}
