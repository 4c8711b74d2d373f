use super::{ran, ran_with};

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

#[test]
fn a_condition_or_a_loop_that_is_none_fails_the_task_in_its_turn() {
    for (keyword, message) in [
        ("when: {a: b}", "Task failed: Conditional expressions must be strings."),
        ("until: [1]", "Task failed: Conditional expressions must be strings."),
        ("loop: one", "The `loop` value must resolve to a 'list', not 'str'."),
    ] {
        let ran = ran(&format!(
            "- hosts: a\n  tasks:\n    - block:\n        - debug:\n          {keyword}\n          retries: 1\n      \
             rescue:\n        - debug: {{msg: '{{{{ ansible_failed_result.msg }}}}'}}\n"
        ));
        let told = ran.lines.iter().find_map(|line| line.strip_prefix("a ok: "));
        assert_eq!(told, Some(format!("{message:?}").as_str()), "{keyword}: {:?}", ran.lines);
    }
}

#[test]
fn a_condition_that_is_null_is_none() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - debug: {msg: x}\n      when:\n    - debug: {msg: y}\n      when: [null]\n",
    );
    ran.told("PLAY a\nTASK debug\na ok: \"x\"\nTASK debug\na ok: \"y\"\na : ok=2");
}

#[test]
fn module_defaults_hold_for_actions_of_the_interpreter() {
    let ran = ran(
        "- hosts: a\n  module_defaults:\n    debug: {msg: said}\n    ansible.builtin.fail: {msg: no}\n  tasks:\n    - debug:\n    \
         - debug: {msg: own}\n    - debug: {msg: '{{ omit }}'}\n    - fail:\n      ignore_errors: true\n      register: failed\n    \
         - debug: {var: failed.msg}\n      module_defaults: [{debug: {}}]\n      when: false\n",
    );
    ran.told(
        "PLAY a\nTASK debug\na ok: \"said\"\nTASK debug\na ok: \"own\"\nTASK debug\na ok: \"Hello world!\"\nTASK fail\n\
         a failed ignored\nTASK debug\na skipped\na : ok=4 skipped=1 ignored=1",
    );
}

#[test]
fn a_limit_that_is_not_set_is_no_variable() {
    let playbook = "- hosts: a\n  tasks:\n    - debug: {msg: \"{{ ansible_limit | default('none') }}\"}\n";
    ran(playbook).told("PLAY a\nTASK debug\na ok: \"none\"\na : ok=1");
    let limited = ran_with(playbook, &[], |settings| settings.limit = Some("a".to_owned()));
    limited.told("PLAY a\nTASK debug\na ok: \"a\"\na : ok=1");
}

#[test]
fn what_is_undefined_in_a_name_is_told_in_its_place() {
    let ran = ran(
        "- hosts: a\n  vars: {known: 5}\n  tasks:\n    - name: do {{ item }} of {{ known }} {{ nope }}\n      debug: {msg: x}\n      \
         loop: [1]\n    - name: half {{ 1 / 0 }} rest\n      debug: {msg: x}\n    - name: ''\n      debug: {msg: x}\n",
    );
    let headings: Vec<&str> = ran.lines.iter().filter_map(|line| line.strip_prefix("TASK ")).collect();
    assert_eq!(
        headings,
        [
            "do << error 1 - 'item' is undefined >> of 5 << error 2 - 'nope' is undefined >>",
            "half << error 1 - Error rendering template: division by zero >><< error 2 - template potentially truncated >>",
            "debug",
        ]
    );
}
