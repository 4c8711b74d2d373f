use serde_json::json;

use super::*;
use crate::testing::{assert_one, play, playbook_faults};

#[test]
fn a_play_keeps_its_keywords() {
    let text = "- name: n\n  hosts: [a, b]\n  gather_facts: no\n  vars: {x: 1}\n  vars_files: [a.yml, [b.yml, c.yml]]\n  \
                vars_prompt: [{name: p, private: no}]\n  roles: [r, {role: s, when: w, extra: 1, tags: [t]}]\n  \
                pre_tasks: [{debug: }]\n  tasks: [{debug: }, {ping: }]\n  post_tasks: []\n  handlers: [{debug: , listen: l}]\n  \
                serial: [1, '30%']\n  strategy: free\n  order: sorted\n  max_fail_percentage: 30%\n  force_handlers: yes\n  tags: t\n";
    let play = play(text);
    let files: Vec<Vec<_>> =
        play.vars_files.iter().map(|files| files.iter().filter_map(Node::as_str).collect()).collect();
    assert_eq!(files, [vec!["a.yml"], vec!["b.yml", "c.yml"]]);
    assert_eq!(play.hosts.to_json(), json!(["a", "b"]));
    assert_eq!(
        (play.pre_tasks.len(), play.tasks.len(), play.post_tasks.len(), play.handlers.len()),
        (1, 2, 0, 1)
    );
    assert_eq!(play.serial.iter().map(Node::to_json).collect::<Vec<_>>(), [json!(1), json!("30%")]);
    assert_eq!(play.gather_facts.as_ref().map(Node::to_json), Some(json!(false)));
    assert_eq!(play.vars_prompt[0].private.as_ref().map(Node::to_json), Some(json!(false)));
    assert_eq!(play.roles[1].params.get("extra").map(Node::to_json), Some(json!(1)));
    assert_eq!((play.roles[1].keywords.when.len(), play.roles[1].keywords.tags.len()), (1, 1));
}

#[test]
fn one_file_of_variables_may_stand_alone() {
    let play = play("- hosts: a\n  vars_files: x.yml\n");
    assert_eq!(play.vars_files.len(), 1);
}

#[test]
fn what_is_no_play_is_told_at_the_word() {
    let cases = [
        (
            "- hosts: a\n  taks: []\n",
            2,
            3,
            "'taks' is not a valid attribute for a Play",
            Some("did you mean `tasks`?"),
        ),
        (
            "- hosts: a\n  debug: msg=a\n",
            2,
            3,
            "'debug' is not a valid attribute for a Play",
            Some("this is a task: it stands in the list `tasks:` of a play"),
        ),
        ("- hosts: a\n  5: x\n", 2, 3, "'5' is not a valid attribute for a Play", None),
        (
            "- hosts: a\n  user: b\n  remote_user: c\n",
            2,
            3,
            "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed",
            None,
        ),
        (
            "- tasks: []\n",
            1,
            3,
            "The field 'hosts' is required but was not set.",
            Some("say where the play runs: `hosts: localhost`"),
        ),
        ("- hosts:\n", 1, 9, "Hosts list cannot be empty. Please check your playbook", None),
        ("- hosts: []\n", 1, 10, "Hosts list cannot be empty. Please check your playbook", None),
        ("- hosts: ''\n", 1, 10, "Hosts list cannot be empty. Please check your playbook", None),
        ("- hosts: 5\n", 1, 10, "Hosts list must be a sequence or string. Please check your playbook.", None),
        (
            "- hosts: [a, null]\n",
            1,
            14,
            "Hosts list cannot contain values of 'None'. Please check your playbook",
            None,
        ),
        ("- hosts: [a, 5]\n", 1, 14, "Hosts list contains an invalid host value: 5", None),
        ("- hosts: [a, ' ']\n", 1, 14, "Keyword 'hosts' is required, and cannot have empty values.", None),
        (
            "- hosts: a\n  tasks: {debug: }\n",
            2,
            10,
            "A malformed block was encountered while loading tasks: should be a list or None but is a dict",
            Some("begin every task with `- `"),
        ),
        (
            "- hosts: a\n  gather_facts: maybe\n",
            2,
            17,
            "Error processing keyword 'gather_facts': The value 'maybe' could not be converted to 'bool'.",
            Some("write `true` or `false`"),
        ),
        (
            "- hosts: a\n  max_fail_percentage: few\n",
            2,
            24,
            "Error processing keyword 'max_fail_percentage': The value 'few' could not be converted to 'percent'.",
            None,
        ),
        (
            "- hosts: a\n  serial: [1, few]\n",
            2,
            15,
            "Error processing keyword 'serial': The value 'few' could not be converted to 'percent'.",
            None,
        ),
        (
            "- hosts: a\n  order: sort\n",
            2,
            10,
            "Invalid 'order' specified for inventory hosts: sort",
            Some("one of: inventory, sorted, reverse_sorted, reverse_inventory, shuffle"),
        ),
        (
            "- hosts: a\n  vars_files: [{a: b}]\n",
            2,
            16,
            "Invalid `vars_files` value of type 'dict'.",
            Some("A `vars_files` value should either be a string or list of strings."),
        ),
        (
            "- hosts: a\n  vars_prompt: [{prompt: b}]\n",
            2,
            17,
            "Invalid vars_prompt data structure, missing 'name' key",
            None,
        ),
        (
            "- hosts: a\n  vars_prompt: [{name: b, promt: c}]\n",
            2,
            27,
            "Invalid vars_prompt data structure, found unsupported key 'promt'",
            Some("did you mean `prompt`?"),
        ),
        (
            "- hosts: a\n  vars_prompt: b\n",
            2,
            16,
            "Invalid variable file contents.",
            Some("an entry of `vars_prompt` is a mapping with `name` and `prompt`"),
        ),
        (
            "- hosts: a\n  roles: b\n",
            2,
            10,
            "A malformed role declaration was encountered: ds (b) should be a list but was a str",
            Some("begin every role with `- `"),
        ),
        (
            "- hosts: a\n  roles: [5]\n",
            2,
            11,
            "Invalid role definition.",
            Some("a role is its name, or a mapping with `role: name`"),
        ),
        (
            "- hosts: a\n  roles: [{b: c}]\n",
            2,
            11,
            "role definitions must contain a role name",
            Some("name it with `role: name`"),
        ),
        (
            "- hosts: a\n  roles: ['b,c']\n",
            2,
            11,
            "Invalid old style role requirement: b,c",
            Some("write the role's name alone, and its version in requirements.yml"),
        ),
    ];
    for (text, line, column, message, help) in cases {
        assert_one(&playbook_faults(text), text, (line, column, message, help));
    }
}
