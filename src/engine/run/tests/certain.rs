use super::ran;

/// Runs a task with further lines, and returns its failure as its rescue sees it.
fn failure(lines: &str) -> String {
    let playbook = format!(
        "- hosts: a\n  tasks:\n    - block:\n        - debug: {{msg: x}}\n{lines}      rescue:\n        \
         - debug: {{msg: '{{{{ ansible_failed_result.msg }}}}'}}\n"
    );
    let told = ran(&playbook).lines;
    told.iter().rev().find_map(|line| line.strip_prefix("a ok: ")).unwrap_or("no failure").to_owned()
}

#[test]
fn what_a_task_says_of_itself_and_cannot_be_had_fails_it() {
    for (lines, message) in [
        (
            "          environment: '{{ nope }}'\n",
            "Task failed: Error processing keyword 'environment': 'nope' is undefined",
        ),
        (
            "          environment: {A: '{{ nope }}'}\n",
            "Task failed: Error processing keyword 'environment': 'nope' is undefined",
        ),
        (
            "          args: '{{ [1] }}'\n",
            "Task failed: Finalization of task args for 'ansible.builtin.debug' failed: Task args must resolve to a 'dict' \
             not 'list'.",
        ),
        (
            "        - fail: msg=a {{ 1 }}\n",
            "Task failed: Finalization of task args for 'ansible.builtin.fail' failed: Task args must resolve to a 'dict' \
             not 'int'.",
        ),
        (
            "        - stat: path=/ {{ 'b' }}\n",
            "Task failed: Finalization of task args for 'ansible.builtin.stat' failed: Task args must resolve to a 'dict' \
             not 'str'.",
        ),
        (
            "          delegate_to: 5\n",
            "Task failed: expected string or bytes-like object, got '_AnsibleTaggedInt'",
        ),
        ("          delegate_to: true\n", "Task failed: expected string or bytes-like object, got 'bool'"),
        ("          async: -1\n", "This action (debug) does not support async."),
        (
            "          async: null\n",
            "Task failed: '>' not supported between instances of 'NoneType' and 'int'",
        ),
    ] {
        assert_eq!(failure(lines), format!("{message:?}"), "{lines}");
    }
}

#[test]
fn a_rescue_sees_the_task_that_failed_and_what_is_around_it() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - block:\n        - block:\n            - name: goes wrong\n              fail:\n              when: 1 == 1\n              \
         register: kept\n          when: true\n          environment: {A: b}\n      rescue:\n        - debug:\n            \
         msg: '{{ ansible_failed_task | dict2items | selectattr(\"key\", \"in\", shown) | items2dict }}'\n          \
         vars: {shown: [name, action, _resolved_action, when, environment, register, poll, notify, become]}\n",
    );
    let told = ran.lines.iter().find_map(|line| line.strip_prefix("a ok: ")).map(serde_json::from_str);
    let told: serde_json::Value = told.expect("it is said").expect("it is JSON");
    assert_eq!(
        told,
        serde_json::json!({
            "name": "goes wrong", "action": "fail", "_resolved_action": "ansible.builtin.fail", "poll": 15,
            "when": [true, "1 == 1"], "environment": [{ "A": "b" }], "register": "kept", "notify": null, "become": false,
        })
    );
}

#[test]
fn an_environment_that_is_none_is_left_out_with_a_warning() {
    let ran = ran("- hosts: a\n  tasks:\n    - debug: {msg: x}\n      environment: '{{ [1] }}'\n");
    ran.told("PLAY a\nTASK debug\nwarning: could not parse environment value, skipping: [1]\na ok: \"x\"\na : ok=1");
}

#[test]
fn tags_that_cannot_be_evaluated_end_the_run() {
    for playbook in [
        "- hosts: a\n  tags: '{{ nope }}'\n  tasks:\n    - debug: {msg: x}\n",
        "- hosts: a\n  tasks:\n    - debug: {msg: x}\n      tags: '{{ nope }}'\n",
    ] {
        let ran = ran(playbook);
        assert_eq!(ran.code, 1);
        ran.told("PLAY a\nfault: 'nope' is undefined");
    }
}

#[test]
fn an_order_that_there_is_not_ends_the_run() {
    for (order, code) in [("5", 5), ("true", 5), ("backwards", 5), ("[]", 4)] {
        let ran = ran(&format!("- hosts: a\n  order: {order}\n  tasks:\n    - debug: {{msg: x}}\n"));
        assert_eq!(ran.code, code, "{order}: {:?}", ran.lines);
    }
}
