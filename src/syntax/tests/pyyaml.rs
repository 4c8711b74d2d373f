//! Texts, whole and damaged, with what `PyYAML` made of each: `scripts/yaml-compare --keep` wrote them down.

#[path = "../examples/yaml_nodes/nodes.rs"]
mod nodes;

use rplay_syntax::parse_all;
use serde_json::Value;

const KEPT: &str = include_str!("pyyaml.jsonl");

#[test]
fn texts_are_read_as_pyyaml_reads_them_or_refused_as_it_refuses_them() {
    for line in KEPT.lines() {
        let kept: Value = serde_json::from_str(line).unwrap();
        let text = kept["text"].as_str().unwrap();
        let read: Option<Value> = parse_all("f", text)
            .ok()
            .map(|documents| documents.iter().map(|parsed| nodes::written(&parsed.node)).collect());
        assert_eq!(read.unwrap_or_default(), kept["documents"], "{text:?}");
    }
}
