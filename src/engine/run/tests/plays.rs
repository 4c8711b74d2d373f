use super::{ran, ran_with};

#[test]
fn a_play_on_which_all_hosts_fail_is_the_last_one() {
    let ran = ran("- hosts: a\n  tasks:\n    - fail: {}\n- hosts: b\n  tasks:\n    - debug: {msg: never}\n");
    ran.told("PLAY a\nTASK fail\na failed\na : failed=1");
    assert_eq!(ran.code, 2);
}

#[test]
fn more_failures_than_the_percentage_end_the_play_at_once() {
    let play = |most: u8| {
        format!(
            "- hosts: a,b,c\n  max_fail_percentage: {most}\n  tasks:\n    - fail: {{}}\n      when: inventory_hostname == 'a'\n    - debug: {{msg: go}}\n"
        )
    };
    ran(&play(20)).told(
        "PLAY a,b,c\nTASK fail\na failed\nb skipped\nc skipped\nNO MORE HOSTS LEFT\nNO MORE HOSTS LEFT\na : failed=1\nb : skipped=1\n\
         c : skipped=1",
    );
    ran(&play(50)).told(
        "PLAY a,b,c\nTASK fail\na failed\nb skipped\nc skipped\nTASK debug\nb ok: \"go\"\nc ok: \"go\"\na : failed=1\n\
         b : ok=1 skipped=1\nc : ok=1 skipped=1",
    );
}

#[test]
fn hosts_are_taken_in_the_order_of_the_play() {
    ran("- hosts: a,c,b\n  order: reverse_sorted\n  tasks:\n    - debug: {msg: x}\n")
        .told("PLAY a,c,b\nTASK debug\nc ok: \"x\"\nb ok: \"x\"\na ok: \"x\"\na : ok=1\nb : ok=1\nc : ok=1");
}

#[test]
fn what_a_run_once_registers_is_known_to_all() {
    ran("- hosts: a,b\n  tasks:\n    - {debug: {msg: x}, run_once: true, register: r}\n    - debug: {msg: '{{ r.msg }}'}\n")
        .told("PLAY a,b\nTASK debug\na ok: \"x\"\nTASK debug\na ok: \"x\"\nb ok: \"x\"\na : ok=2\nb : ok=1");
}

#[test]
fn free_hosts_go_each_their_own_way() {
    let ran =
        ran("- hosts: a,b\n  strategy: free\n  tasks:\n    - {debug: {msg: 1}}\n    - {debug: {msg: 2}}\n");
    let of = |host: &str| -> Vec<&String> {
        ran.lines.iter().filter(|line| line.starts_with(&format!("{host} ok"))).collect()
    };
    assert_eq!(of("a"), ["a ok: 1", "a ok: 2"]);
    assert_eq!(of("b"), ["b ok: 1", "b ok: 2"]);
    assert_eq!(ran.code, 0);
}

#[test]
fn an_action_may_be_a_template() {
    ran("- hosts: a\n  vars: {what: debug}\n  tasks:\n    - {action: '{{ what }} msg=x'}\n")
        .told("PLAY a\nTASK {{ what }}\na ok: \"x\"\na : ok=1");
}

#[test]
fn a_run_may_start_at_a_task() {
    let play =
        "- hosts: a\n  tasks:\n    - {name: one, debug: {msg: 1}}\n    - {name: two, debug: {msg: 2}}\n";
    ran_with(play, &[], |settings| settings.start_at_task = Some("t*".to_owned()))
        .told("PLAY a\nTASK two\na ok: 2\na : ok=1");
}

#[test]
fn an_unknown_strategy_or_throttle_ends_the_run() {
    assert_eq!(ran("- hosts: a\n  strategy: fast\n  tasks:\n    - debug: {msg: x}\n").code, 1);
    for (throttle, why) in
        [("nothing", "'nothing' is undefined"), ("'x'", "invalid literal for int() with base 10: 'x'")]
    {
        let ran = ran(&format!(
            "- hosts: a\n  tasks:\n    - {{debug: {{msg: x}}, throttle: \"{{{{ {throttle} }}}}\"}}\n"
        ));
        let fault = format!("fault: Failed to convert the throttle value to an integer: {why}");
        assert_eq!((ran.code, ran.lines.last()), (1, Some(&fault)));
    }
}

#[test]
fn hosts_that_go_their_own_ways_wait_for_their_turn_at_a_throttled_task() {
    let ran = ran(
        "- hosts: a,b,c\n  strategy: free\n  tasks:\n    - {debug: {msg: 1}, throttle: 1}\n    - {debug: {msg: 2}}\n",
    );
    assert_eq!(ran.code, 0);
    assert_eq!(ran.lines.iter().filter(|line| line.ends_with("ok: 1")).count(), 3, "{:?}", ran.lines);
}

#[test]
fn a_host_of_which_nothing_else_is_said_is_at_the_address_of_its_name() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - debug: {msg: '{{ ansible_host }}'}\n      when: ansible_host == 'a'\n    - debug: {msg: '{{ ansible_host }}'}\n      vars: {ansible_host: there}\n    - debug: {msg: \"{{ hostvars.a.ansible_host is defined }}\"}\n",
    );
    ran.told(
        "PLAY a\nTASK debug\na ok: \"a\"\nTASK debug\na ok: \"there\"\nTASK debug\na ok: false\na : ok=3",
    );
}
