use super::ran_with;

/// Answers each question in turn; a thread has a list of its own.
fn answering(answers: &'static [&'static str]) -> fn(&str, bool) -> Option<String> {
    ANSWERS.with(|left| *left.borrow_mut() = answers.to_vec());
    |_, _| {
        ANSWERS.with(|left| {
            let mut left = left.borrow_mut();
            (!left.is_empty()).then(|| left.remove(0).to_owned())
        })
    }
}

thread_local! {
    static ANSWERS: std::cell::RefCell<Vec<&'static str>> = const { std::cell::RefCell::new(Vec::new()) };
}

const FAILS: &str = "- hosts: a\n  tasks:\n    - assert: {that: wanted == 'b', fail_msg: refused}\n      vars: {wanted: a}\n      debugger: on_failed\n    - debug: {msg: after}\n";

#[test]
fn a_failed_task_can_be_done_again_with_other_variables() {
    let ask = answering(&["p task_vars.wanted", "task_vars['wanted'] = 'b'", "redo"]);
    let ran = ran_with(FAILS, &[], |settings| settings.ask = ask);
    ran.told(
        r#"
        PLAY a
        TASK assert
        a failed: "refused"
        'a'
        a ok: "All assertions passed"
        TASK debug
        a ok: "after"
        a : ok=2
    "#,
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn the_debugger_lets_a_failure_be_or_ends_the_run() {
    let ask = answering(&["c"]);
    let ran = ran_with(FAILS, &[], |settings| settings.ask = ask);
    ran.told("PLAY a\nTASK assert\na failed: \"refused\"\na : failed=1");
    let ask = answering(&[]);
    let ran = ran_with(FAILS, &[], |settings| settings.ask = ask);
    ran.told("PLAY a\nTASK assert\na failed: \"refused\"\nUser interrupted execution");
    assert_eq!(ran.code, 99);
}

#[test]
fn the_debug_strategy_asks_at_each_failure_and_takes_other_arguments() {
    let ask = answering(&["task.args['that'] = 'true'", "r"]);
    let ran = ran_with(
        "- hosts: a\n  strategy: debug\n  tasks:\n    - assert: {that: 'false'}\n",
        &[],
        |settings| settings.ask = ask,
    );
    ran.told(
        "PLAY a\nTASK assert\na failed: \"Assertion failed\"\na ok: \"All assertions passed\"\na : ok=1",
    );
}
