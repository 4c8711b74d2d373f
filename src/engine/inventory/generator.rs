use std::path::Path;
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Mapping, Node};
use rplay_template::Scope;

use super::constructed::configuration;
use super::{Inventory, InventoryError, Loading};
use crate::scopes::{Level, Stack, Written, plain_node};

/// More hosts than this are a mistake, and would cost all memory.
const MOST: usize = 1_000_000;

/// Makes a host of each combination of layers. Source of the rules: `ansible/plugins/inventory/generator.py`.
pub(super) fn parse(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    path: &Path,
    text: &str,
) -> Result<(), InventoryError> {
    let config = configuration(path, text, "generator")?;
    let needed = |node: Option<&Node>, name: &str| {
        node.cloned().ok_or_else(|| InventoryError::new(format!("'{name}'")).at(&config.span))
    };
    let layers = needed(config.get("layers"), "layers")?;
    let hosts = needed(config.get("hosts"), "hosts")?;
    let name = needed(hosts.get("name"), "name")?;
    for vars in product(&layers)? {
        let mut stack = Stack::default();
        stack.written(Level::Host, &Arc::new(Written::new(&vars, false)));
        let scope = stack.shared();
        let host = render(cx, &name, &scope)?.key_text().into_owned();
        inventory.add_host(&host, None, None)?;
        add_parents(cx, inventory, &host, hosts.get("parents"), &scope)?;
    }
    Ok(())
}

/// Returns every combination of the layers' values, the last layer changing fastest.
fn product(layers: &Node) -> Result<Vec<Mapping>, InventoryError> {
    let wrong = || InventoryError::new("the layers of a generator are a mapping of lists").at(&layers.span);
    let mut combined = vec![Mapping::default()];
    for (name, values) in layers.as_map().ok_or_else(wrong)?.iter() {
        let values = values.as_seq().ok_or_else(wrong)?;
        if combined.len().saturating_mul(values.len()) > MOST {
            return Err(
                InventoryError::new("the layers of the generator make too many hosts").at(&layers.span)
            );
        }
        let with = |vars: &Mapping, value: &Node| {
            let mut vars = vars.clone();
            vars.set(name.clone(), value.clone());
            vars
        };
        combined =
            combined.iter().flat_map(|vars| values.iter().map(move |value| with(vars, value))).collect();
    }
    Ok(combined)
}

/// Only texts are templates here; anything else stays as it is, for later.
fn render(cx: &Loading<'_>, node: &Node, scope: &Arc<dyn Scope>) -> Result<Node, InventoryError> {
    if node.as_str().is_none() {
        return Ok(node.clone());
    }
    let rendered = cx.template.render(node, scope);
    let rendered = rendered.map_err(|error| InventoryError::new(error.to_string()).at(&node.span))?;
    Ok(plain_node(&rendered.value, &node.span))
}

fn add_parents(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    child: &str,
    parents: Option<&Node>,
    scope: &Arc<dyn Scope>,
) -> Result<(), InventoryError> {
    for parent in parents.and_then(Node::as_seq).unwrap_or_default() {
        let nameless = || InventoryError::new(format!("Element {child} has a parent with no name."));
        let unnamed = Node::null(&Span::new("", 0, 0));
        let name = render(cx, parent.get("name").unwrap_or(&unnamed), scope)?;
        let name =
            name.as_str().filter(|name| !name.is_empty()).ok_or_else(|| nameless().at(&parent.span))?;
        let group = inventory.add_group(name)?;
        for (key, value) in parent.get("vars").and_then(Node::as_map).into_iter().flat_map(Mapping::iter) {
            let value = render(cx, value, scope)?;
            inventory.set_variable(&group, &key.key_text(), value)?;
        }
        inventory.add_child(&group, child)?;
        add_parents(cx, inventory, &group, parent.get("parents"), scope)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_the_layers_is_there_once() {
        let layers = rplay_syntax::parse("g.yml", "{a: [1, 2], b: [x, y]}").expect("YAML").node;
        let all = product(&layers).expect("layers");
        let shown: Vec<String> = all
            .iter()
            .map(|vars| vars.iter().map(|(_, value)| value.key_text().into_owned()).collect())
            .collect();
        assert_eq!(shown, ["1x", "1y", "2x", "2y"]);
    }
}
