use super::*;
use crate::testing::{assert_one, is_action, playbook_faults};

#[test]
fn a_playbook_is_plays_and_imports() {
    let text = "- import_playbook: x.yml\n  vars: {a: 1}\n  tags: [t]\n  when: w\n- hosts: h\n- ansible.builtin.import_playbook: y.yml\n";
    let playbook = parse_playbook("p.yml", text, &is_action).expect("the playbook is right").value;
    let [Entry::ImportPlaybook(first), Entry::Play(_), Entry::ImportPlaybook(second)] =
        playbook.entries.as_slice()
    else {
        panic!("an import, a play, an import")
    };
    assert_eq!((first.path.as_str(), second.path.as_str()), (Some("x.yml"), Some("y.yml")));
    assert_eq!((first.keywords.when.len(), first.keywords.tags.len(), first.keywords.vars.len()), (1, 1, 1));
    assert_eq!(&*playbook.file, "p.yml");
}

#[test]
fn what_is_no_playbook_is_a_fault() {
    let cases = [
        ("", 0, 0, "Empty playbook, nothing to do: p.yml", None),
        ("[]", 0, 0, "A playbook must contain at least one play: p.yml", None),
        (
            "hosts: a\n",
            1,
            1,
            "A playbook must be a list of plays, got a dict instead: p.yml",
            Some("begin every play with `- `: `- hosts: localhost`"),
        ),
        ("- a\n", 1, 3, "playbook entries must be either valid plays or 'import_playbook' statements", None),
        (
            "- import_playbook: x\n  foo: y\n",
            2,
            3,
            "'foo' is not a valid attribute for a PlaybookInclude",
            None,
        ),
        (
            "- import_playbook: [x]\n",
            1,
            20,
            "The field 'import_playbook' is supposed to be a string type, however the incoming data structure is a list",
            None,
        ),
        ("- import_playbook:\n", 1, 3, "The field 'import_playbook' is required but was not set.", None),
        (
            "- import_playbook: x\n  ansible.builtin.import_playbook: y\n",
            2,
            3,
            "Found conflicting import_playbook actions: ansible.builtin.import_playbook, import_playbook",
            None,
        ),
    ];
    for (text, line, column, message, help) in cases {
        assert_one(&playbook_faults(text), text, (line, column, message, help));
    }
}

#[test]
fn every_fault_of_a_playbook_is_told_at_once() {
    let text = "- hosts: a\n  taks: []\n  tasks:\n    - debug:\n      wehn: x\n- hosts:\n";
    let lines: Vec<_> = playbook_faults(text).into_iter().map(|fault| fault.0).collect();
    assert_eq!(lines, [2, 5, 6]);
}
