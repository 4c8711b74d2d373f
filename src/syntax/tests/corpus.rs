//! What the fuzzer's targets begin with and have found: none of it may end in a panic.

use std::fs;
use std::path::Path;

use rplay_syntax::{key_values, parse_all, parse_handlers, parse_playbook, parse_role_meta, parse_tasks};

fn each(target: &str, read: impl Fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the corpora are in the tree") {
        let bytes = entry.and_then(|entry| fs::read(entry.path())).expect("a file of a corpus can be read");
        if let Ok(text) = str::from_utf8(&bytes) {
            read(text);
            count += 1;
        }
    }
    assert!(count > 0, "{target} has no corpus");
}

#[test]
fn yaml_is_read_or_refused() {
    each("yaml", |text| drop(parse_all("f", text)));
}

#[test]
fn playbooks_are_read_or_refused() {
    let is_action = |name: &str| name.len().is_multiple_of(2);
    each("playbook", |text| {
        drop(parse_playbook("f", text, &is_action));
        drop(parse_tasks("f", text, &is_action));
        drop(parse_handlers("f", text, &is_action));
        drop(parse_role_meta("f", text));
    });
}

#[test]
fn arguments_are_read_or_refused() {
    each("arguments", |text| drop(key_values(text)));
}
