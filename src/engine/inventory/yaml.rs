use std::path::Path;

use rplay_syntax::{Data, Mapping, Node, parse as parse_yaml};

use super::ranges::expand_pattern;
use super::{Inventory, InventoryError, Note};

/// Reads an inventory in YAML or JSON. Source of the rules: `ansible/plugins/inventory/yaml.py`.
pub(super) fn parse(inventory: &mut Inventory, path: &Path, text: &str) -> Result<(), InventoryError> {
    let root = document(path, text)?;
    let Data::Map(groups) = &root.data else {
        let message = if is_empty(&root) {
            "Parsed empty YAML file".to_owned()
        } else {
            let kind = root.kind();
            format!("YAML inventory has invalid structure, it should be a dictionary, got: <class '{kind}'>")
        };
        return Err(InventoryError::new(message).at(&root.span));
    };
    if groups.is_empty() {
        return Err(InventoryError::new("Parsed empty YAML file").at(&root.span));
    }
    if groups.get("plugin").is_some_and(|plugin| !is_empty(plugin)) {
        let message = "Plugin configuration YAML file, not YAML inventory";
        return Err(InventoryError::new(message).at(&root.span));
    }
    for (name, data) in groups.iter() {
        group(inventory, name, data)?;
    }
    Ok(())
}

/// Returns what a file in YAML holds.
pub(super) fn document(path: &Path, text: &str) -> Result<Node, InventoryError> {
    let parsed = parse_yaml(&path.display().to_string(), text).map_err(InventoryError::from)?;
    Ok(parsed.node)
}

/// Returns whether Python would take the value for false.
pub(super) fn is_empty(node: &Node) -> bool {
    match &node.data {
        Data::Null | Data::Bool(false) | Data::Int(0) => true,
        Data::Text(text) => text.text.is_empty(),
        Data::Seq(items) => items.is_empty(),
        Data::Map(mapping) => mapping.is_empty(),
        Data::Float(number) => *number == 0.0,
        _ => false,
    }
}

/// Adds a group and all in it; returns the name it has.
fn group(inventory: &mut Inventory, key: &Node, data: &Node) -> Result<String, InventoryError> {
    let body = match &data.data {
        Data::Null => None,
        Data::Map(body) => Some(body),
        _ => {
            let name = key.key_text();
            inventory.warn(format!("Skipping '{name}' as this is not a valid group definition"));
            return Ok(name.into_owned());
        }
    };
    let added = match key.as_str() {
        Some(name) => inventory.add_group(name),
        None => Err(InventoryError::new(format!(
            "Invalid group name supplied, expected a string but got <class '{}'> for {}",
            key.kind(),
            key.key_text()
        ))),
    };
    let name = added.map_err(|error| {
        let key = key.key_text();
        InventoryError::new(format!("Unable to add group {key}: {error}")).at(&data.span)
    })?;
    let name = name.to_string();
    let Some(body) = body else { return Ok(name) };
    let sections = sections(&name, body)?;
    for (key, section) in &sections {
        one_section(inventory, &name, key, section)?;
    }
    Ok(name)
}

/// Returns the sections of a group; a text in place of a mapping is its one key.
fn sections(group: &str, body: &Mapping) -> Result<Vec<(String, Node)>, InventoryError> {
    let mut sections = Vec::with_capacity(body.len());
    for (key, value) in body.iter() {
        let key = key.key_text().into_owned();
        let known = matches!(key.as_str(), "vars" | "children" | "hosts");
        let value = match &value.data {
            Data::Text(text) if known => {
                let only =
                    Mapping::from_iter([(Node::text(&*text.text, &value.span), Node::null(&value.span))]);
                Node::map(only, &value.span)
            }
            Data::Map(_) | Data::Null => value.clone(),
            _ if known => {
                return Err(InventoryError::new(format!(
                    "Invalid \"{key}\" entry for \"{group}\" group, requires a dictionary, found \"<class '{}'>\" instead.",
                    value.kind()
                ))
                .at(&value.span));
            }
            _ => value.clone(),
        };
        sections.push((key, value));
    }
    Ok(sections)
}

fn one_section(
    inventory: &mut Inventory,
    group: &str,
    key: &str,
    section: &Node,
) -> Result<(), InventoryError> {
    let Data::Map(entries) = &section.data else {
        inventory.notes.push(if section.is_null() {
            Note::Said(3, format!("Skipping empty key ({key}) in group ({group})"))
        } else {
            Note::Warning(format!(
                "Skipping key ({key}) in group ({group}) as it is not a mapping, it is a <class '{}'>",
                section.kind()
            ))
        });
        return Ok(());
    };
    match key {
        "vars" => {
            for (name, value) in entries.iter() {
                inventory.set_variable(group, &name.key_text(), value.clone())?;
            }
        }
        "children" => {
            for (child, body) in entries.iter() {
                let child = self::group(inventory, child, body)?;
                inventory.add_child(group, &child)?;
            }
        }
        "hosts" => {
            for (pattern, vars) in entries.iter() {
                hosts(inventory, group, pattern, vars)?;
            }
        }
        _ => inventory.warn(format!(
            "Skipping unexpected key ({key}) in group ({group}), only \"vars\", \"children\" and \"hosts\" are valid"
        )),
    }
    Ok(())
}

fn hosts(inventory: &mut Inventory, group: &str, pattern: &Node, vars: &Node) -> Result<(), InventoryError> {
    let Some(name) = pattern.as_str() else {
        let message = format!(
            "Host pattern {} must be a string. Enclose integers/floats in quotation marks.",
            pattern.key_text()
        );
        return Err(InventoryError::new(message).at(&pattern.span));
    };
    let (hosts, port) = expand_pattern(name).map_err(|error| error.at(&pattern.span))?;
    populate(inventory, &hosts, vars, group, port)
}

/// Adds hosts to a group, each with the variables.
pub(super) fn populate(
    inventory: &mut Inventory,
    hosts: &[String],
    vars: &Node,
    group: &str,
    port: Option<u32>,
) -> Result<(), InventoryError> {
    let vars = match &vars.data {
        Data::Map(vars) => Some(vars),
        _ if is_empty(vars) => None,
        _ => {
            let message =
                format!("Invalid data from file, expected dictionary and got:\n\n{}", vars.key_text());
            return Err(InventoryError::new(message).at(&vars.span));
        }
    };
    for host in hosts {
        inventory.add_host(host, Some(group), port)?;
        for (name, value) in vars.into_iter().flat_map(|vars| vars.iter()) {
            inventory.set_variable(host, &name.key_text(), value.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::GroupNames;

    fn read(text: &str) -> Result<Inventory, InventoryError> {
        let mut inventory = Inventory::new(GroupNames::Never, false, "");
        parse(&mut inventory, Path::new("hosts.yml"), text)?;
        inventory.reconcile();
        Ok(inventory)
    }

    #[test]
    fn groups_hold_hosts_children_and_variables() {
        let text = "all:\n  hosts:\n    a[1:2]: {x: 1}\n  children:\n    web:\n      hosts: b\n      vars: {p: 80}\n    db:\n";
        let inventory = read(text).expect("an inventory");
        let names: Vec<&str> = inventory.hosts.keys().map(|name| &**name).collect();
        assert_eq!(names, ["a1", "a2", "b"]);
        assert_eq!(inventory.hosts["a2"].vars["x"].as_int(), Some(1));
        assert_eq!(inventory.groups["web"].vars["p"].as_int(), Some(80));
        assert!(inventory.groups.contains_key("db"));
    }

    #[test]
    fn what_is_no_inventory_says_why() {
        for (text, why) in [
            ("", "Parsed empty YAML file"),
            ("- a\n", "YAML inventory has invalid structure, it should be a dictionary, got: <class 'list'>"),
            ("plugin: constructed\n", "Plugin configuration YAML file, not YAML inventory"),
            (
                "all:\n  hosts: [a]\n",
                "Invalid \"hosts\" entry for \"all\" group, requires a dictionary, found \"<class 'list'>\" instead.",
            ),
            (
                "all:\n  hosts:\n    1:\n",
                "Host pattern 1 must be a string. Enclose integers/floats in quotation marks.",
            ),
        ] {
            assert_eq!(read(text).expect_err(text).message, why);
        }
    }

    #[test]
    fn what_does_not_belong_is_passed_over_with_a_warning() {
        let inventory = read("all:\n  hsts: {a: }\n  hosts: {b: }\nweb: [a]\n").expect("an inventory");
        assert_eq!(
            inventory.notes,
            [
                Note::Warning(
                    "Skipping unexpected key (hsts) in group (all), only \"vars\", \"children\" and \"hosts\" are valid"
                        .into()
                ),
                Note::Warning("Skipping 'web' as this is not a valid group definition".into())
            ]
        );
    }
}
