use super::ran;

#[test]
fn a_rescue_runs_on_those_that_failed_and_an_always_on_all() {
    let ran = ran(
        "- hosts: a,b\n  tasks:\n    - block:\n        - fail: {msg: refused}\n          when: inventory_hostname == 'a'\n        - debug: {msg: go}\n      rescue:\n        - debug: {msg: '{{ ansible_failed_task.action }} {{ ansible_failed_result.msg }}'}\n      always:\n        - debug: {msg: always}\n",
    );
    ran.told(
        r#"
        PLAY a,b
        TASK fail
        a failed
        b skipped
        TASK debug
        b ok: "go"
        TASK debug
        a ok: "fail refused"
        TASK debug
        a ok: "always"
        b ok: "always"
        a : ok=2 rescued=1
        b : ok=2 skipped=1
    "#,
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn a_failed_run_once_takes_everyone_and_only_its_own_host_is_rescued() {
    let ran = ran(
        "- hosts: a,b\n  tasks:\n    - block:\n        - fail: {}\n          run_once: true\n      rescue:\n        - debug: {msg: rescue}\n      always:\n        - debug: {msg: always}\n    - debug: {msg: after}\n",
    );
    ran.told(
        r#"
        PLAY a,b
        TASK fail
        a failed
        TASK debug
        a ok: "rescue"
        TASK debug
        a ok: "always"
        b ok: "always"
        TASK debug
        a ok: "after"
        a : ok=3 rescued=1
        b : ok=1
    "#,
    );
    assert_eq!(ran.code, 2);
}

#[test]
fn a_failure_after_an_always_still_counts() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - block:\n        - fail: {}\n      always:\n        - debug: {msg: always}\n    - debug: {msg: never}\n",
    );
    ran.told("PLAY a\nTASK fail\na failed\nTASK debug\na ok: \"always\"\na : ok=1 failed=1");
    assert_eq!(ran.code, 2);
}

#[test]
fn an_outer_rescue_takes_what_an_inner_rescue_lets_fail() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - block:\n        - block:\n            - fail: {}\n          rescue:\n            - fail: {}\n          always:\n            - debug: {msg: inner}\n      rescue:\n        - debug: {msg: outer}\n",
    );
    ran.told("PLAY a\nTASK fail\na failed\nTASK fail\na failed\nTASK debug\na ok: \"inner\"\nTASK debug\na ok: \"outer\"\na : ok=2 rescued=2");
}

#[test]
fn any_errors_fatal_sends_every_host_to_the_rescue() {
    let ran = ran(
        "- hosts: a,b\n  any_errors_fatal: true\n  tasks:\n    - block:\n        - fail: {}\n          when: inventory_hostname == 'a'\n        - debug: {msg: never}\n      rescue:\n        - debug: {msg: rescue}\n    - debug: {msg: go}\n",
    );
    ran.told(
        r#"
        PLAY a,b
        TASK fail
        a failed
        b skipped
        TASK debug
        a ok: "rescue"
        b ok: "rescue"
        TASK debug
        a ok: "go"
        b ok: "go"
        a : ok=2 rescued=1
        b : ok=2 skipped=1
    "#,
    );
}

#[test]
fn an_ignored_failure_lets_the_play_go_on() {
    let ran = ran(
        "- hosts: a\n  any_errors_fatal: true\n  tasks:\n    - fail: {}\n      ignore_errors: true\n    - debug: {msg: go}\n",
    );
    ran.told("PLAY a\nTASK fail\na failed ignored\nTASK debug\na ok: \"go\"\na : ok=2 ignored=1");
    assert_eq!(ran.code, 0);
}
