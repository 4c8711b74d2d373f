use super::ran;

#[test]
fn a_keyword_without_a_value_of_its_kind_fails_the_task_in_its_turn() {
    for (keyword, message) in [
        ("diff: 'yes.'", "diff': The value 'yes.' could not be converted to 'bool'."),
        ("check_mode: \"{{ 'x' }}\"", "check_mode': The value 'x' could not be converted to 'bool'."),
        ("diff: '{{ nope }}'", "diff': 'nope' is undefined"),
        ("timeout: '{{ [1] }}'", "timeout': The value [1] could not be converted to 'int'."),
        ("delay: soon", "delay': The value 'soon' could not be converted to 'float'."),
        ("notify: '{{ nope }}'", "notify': 'nope' is undefined"),
    ] {
        let ran = ran(&format!(
            "- hosts: a\n  tasks:\n    - block:\n        - debug:\n          {keyword}\n      rescue:\n        \
             - debug: {{msg: '{{{{ ansible_failed_result.msg }}}}'}}\n"
        ));
        let told = format!("Task failed: Error processing keyword '{message}");
        ran.told(&format!("PLAY a\nTASK debug\na failed\nTASK debug\na ok: {told:?}\na : ok=1 rescued=1"));
    }
}

#[test]
fn a_condition_that_does_not_hold_comes_before_a_keyword() {
    let ran = ran("- hosts: a\n  tasks:\n    - debug:\n      when: false\n      diff: '{{ nope }}'\n");
    ran.told("PLAY a\nTASK debug\na skipped\na : skipped=1");
}

#[test]
fn what_hides_a_result_may_depend_on_the_item() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - debug: {msg: plain}\n      loop: [1, 2]\n      no_log: '{{ item == 2 }}'\n      register: said\n",
    );
    assert_eq!(ran.code, 0);
}
