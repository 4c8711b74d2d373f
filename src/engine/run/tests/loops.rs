use super::ran;

#[test]
fn a_loop_sees_what_its_items_before_have_registered_and_ends_where_it_is_told_to() {
    ran("- hosts: a\n  tasks:\n    - debug: {msg: '{{ r.msg | default(0) | int + item }}'}\n      loop: [1, 2, 3, 4]\n      register: r\n      loop_control: {break_when: r.msg | int >= 6}\n    - debug: {msg: '{{ r.results | map(attribute=\"msg\") | list }} {{ r.skipped }}'}\n")
        .told(
            "PLAY a\nTASK debug\na ok (1): 1\na ok (2): 3\na ok (3): 6\na ok\nTASK debug\n\
             a ok: \"[1, 3, 6] False\"\na : ok=2",
        );
}

#[test]
fn a_notification_of_any_item_is_heard_when_one_has_changed_something() {
    ran("- hosts: a\n  tasks:\n    - debug: {msg: x}\n      changed_when: item == 'one'\n      loop: [one, two]\n      notify: '{{ item }}'\n  handlers:\n    - {name: one, debug: {msg: 1}}\n    - {name: two, debug: {msg: 2}}\n")
        .told(
            "PLAY a\nTASK debug\na changed (\"one\"): \"x\"\na ok (\"two\"): \"x\"\na changed\n\
             a notified one\na notified two\nHANDLER one\na ok: 1\nHANDLER two\na ok: 2\na : ok=3 changed=1",
        );
}

#[test]
fn a_variable_that_a_loop_covers_is_warned_of() {
    let ran =
        ran("- hosts: a\n  vars: {item: x}\n  tasks:\n    - debug: {msg: '{{ item }}'}\n      loop: [1]\n");
    let warning = "warning: The loop variable 'item' is already in use.";
    assert!(ran.lines.iter().any(|line| line.starts_with(warning)), "{:?}", ran.lines);
}

#[test]
fn a_task_is_tried_until_its_condition_holds() {
    ran("- hosts: a\n  tasks:\n    - debug: {msg: x}\n      register: r\n      until: r.attempts == 3\n      delay: 0\n    - debug: {msg: x}\n      until: false\n      retries: 1\n      delay: 0\n      ignore_errors: true\n")
        .told(
            "PLAY a\nTASK debug\na: 3 retries left\na: 2 retries left\na ok: \"x\"\nTASK debug\na: 1 retries left\n\
             a failed ignored: \"x\"\na : ok=2 ignored=1",
        );
}

#[test]
fn each_item_tells_facts_of_its_own_delegate() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - set_fact: {known: '{{ item }}'}\n      delegate_to: '{{ item }}'\n      delegate_facts: true\n      \
         loop: [b, c]\n    - debug: {msg: \"{{ hostvars.b.known }} {{ hostvars.c.known }} {{ known | default('none') }}\"}\n",
    );
    assert!(ran.lines.contains(&"a ok: \"b c none\"".to_owned()), "{:?}", ran.lines);
}

#[test]
fn what_is_tried_again_and_is_no_text_is_told_as_what_it_is() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - block:\n        - debug: {msg: '{{ 1 }}'}\n          until: false\n          retries: 1\n          \
         delay: 0\n      rescue:\n        - debug: {msg: \"{{ ansible_failed_result.attempts }}\"}\n",
    );
    assert!(ran.lines.contains(&"a: 1 retries left".to_owned()), "{:?}", ran.lines);
    assert!(ran.lines.contains(&"a ok: 1".to_owned()), "{:?}", ran.lines);
}
