use rplay_syntax::{Data, Mapping, Node};

/// Returns `over` laid over `under` as `hash_behaviour = merge` does it: mappings are merged down to their leaves,
/// anything else is replaced.
pub(crate) fn merge_nodes(under: &Node, over: &Node) -> Node {
    let (Data::Map(below), Data::Map(above)) = (&under.data, &over.data) else { return over.clone() };
    let mut merged = Mapping::clone(below);
    for (key, value) in above.iter() {
        match merged.entries.iter_mut().find(|(known, _)| known.data == key.data) {
            Some((_, known)) => *known = merge_nodes(known, value),
            None => merged.entries.push((key.clone(), value.clone())),
        }
    }
    Node::map(merged, &over.span)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Node {
        rplay_syntax::parse("vars.yml", text).expect("YAML").node
    }

    #[test]
    fn mappings_are_merged_to_their_leaves_and_all_else_is_replaced() {
        let merged = merge_nodes(&read("{a: {x: 1, y: [1]}, b: 1}"), &read("{a: {y: [2], z: 3}, c: {d: 4}}"));
        assert_eq!(merged.to_json(), json!({"a": {"x": 1, "y": [2], "z": 3}, "b": 1, "c": {"d": 4}}));
        assert_eq!(merge_nodes(&read("{a: 1}"), &read("2")).to_json(), json!(2));
    }
}
