use super::{ran, ran_with};

const CHANGE: &str = "- hosts: a,b\n  tasks:\n    - debug: {msg: x}\n      changed_when: true\n";

#[test]
fn handlers_run_in_the_order_they_are_listed_and_once() {
    let ran = ran(&format!(
        "{CHANGE}      notify: [two, one, two]\n  handlers:\n    - name: one\n      debug: {{msg: 1}}\n    - name: two\n      debug: {{msg: 2}}\n"
    ));
    ran.told(
        "PLAY a,b\nTASK debug\na changed: \"x\"\nb changed: \"x\"\na notified two\na notified one\nb notified two\nb notified one\n\
         HANDLER one\na ok: 1\nb ok: 1\nHANDLER two\na ok: 2\nb ok: 2\na : ok=3 changed=1\nb : ok=3 changed=1",
    );
}

#[test]
fn of_handlers_with_one_name_the_first_in_the_list_wins_and_all_that_listen_run() {
    let ran = ran(&format!(
        "{CHANGE}      when: inventory_hostname == 'a'\n      notify: h\n  handlers:\n    - {{name: h, debug: {{msg: first}}}}\n    - {{name: h, debug: {{msg: last}}}}\n    - {{name: l, listen: h, debug: {{msg: listens}}}}\n"
    ));
    ran.told(
        "PLAY a,b\nTASK debug\na changed: \"x\"\nb skipped\na notified h\na notified l\nHANDLER h\na ok: \"first\"\nHANDLER l\n\
         a ok: \"listens\"\na : ok=3 changed=1\nb : skipped=1",
    );
}

#[test]
fn a_handler_notifies_those_after_it_now_and_those_before_it_for_the_next_flush() {
    let ran = ran(
        "- hosts: a\n  tasks:\n    - {debug: {msg: x}, changed_when: true, notify: two}\n  handlers:\n    - {name: one, debug: {msg: 1}}\n    - {name: two, debug: {msg: 2}, changed_when: true, notify: [one, three]}\n    - {name: three, debug: {msg: 3}}\n",
    );
    ran.told(
        "PLAY a\nTASK debug\na changed: \"x\"\na notified two\nHANDLER two\na notified one\na notified three\na changed: 2\n\
         HANDLER three\na ok: 3\nHANDLER one\na ok: 1\na : ok=4 changed=2",
    );
}

#[test]
fn forced_handlers_run_on_hosts_that_have_failed() {
    let play = "- hosts: a\n  tasks:\n    - {debug: {msg: x}, changed_when: true, notify: h}\n    - fail: {}\n  handlers:\n    - {name: h, debug: {msg: 1}}\n";
    ran_with(play, &[], |settings| settings.force_handlers = true).told(
        "PLAY a\nTASK debug\na changed: \"x\"\nTASK fail\na failed\na notified h\nHANDLER h\na ok: 1\na : ok=2 changed=1 failed=1",
    );
    ran(play).told("PLAY a\nTASK debug\na changed: \"x\"\nTASK fail\na failed\na : ok=1 changed=1 failed=1");
}

#[test]
fn handlers_are_flushed_where_the_play_says_so_on_the_hosts_whose_condition_holds() {
    let ran = ran(
        "- hosts: a,b\n  tasks:\n    - {debug: {msg: x}, changed_when: true, notify: h}\n    - meta: flush_handlers\n      when: inventory_hostname == 'a'\n    - debug: {msg: go}\n  handlers:\n    - {name: h, debug: {msg: 1}}\n",
    );
    ran.told(
        "PLAY a,b\nTASK debug\na changed: \"x\"\nb changed: \"x\"\nTASK meta\nTASK meta\nb skipped\na notified h\nHANDLER h\na ok: 1\n\
         TASK debug\na ok: \"go\"\nb ok: \"go\"\nb notified h\nHANDLER h\nb ok: 1\na : ok=3 changed=1\nb : ok=3 changed=1",
    );
}

#[test]
fn a_handler_may_bring_in_tasks() {
    let play = "- hosts: a\n  tasks:\n    - {debug: {msg: x}, changed_when: true, notify: h}\n  handlers:\n    - {name: h, include_tasks: more.yml}\n    - {name: i, debug: {msg: 2}}\n";
    ran_with(play, &[("more.yml", "- {name: inner, debug: {msg: 1}, changed_when: true, notify: i}\n")], |_| {}).told(
        "PLAY a\nTASK debug\na changed: \"x\"\na notified h\nHANDLER h\nincluded for a\nHANDLER inner\na notified i\na changed: 1\n\
         HANDLER i\na ok: 2\na : ok=4 changed=2",
    );
}

#[test]
fn a_handler_that_is_not_there_ends_the_run_unless_it_is_only_to_be_warned_of() {
    let play = "- hosts: a\n  tasks:\n    - {debug: {msg: x}, changed_when: true, notify: h}\n";
    assert_eq!(ran(play).code, 1);
    let warned = ran_with(play, &[], |settings| settings.error_on_missing_handler = false);
    assert_eq!(warned.code, 0);
    assert!(
        warned.lines.iter().any(|line| line.starts_with("warning: The requested handler 'h' was not found"))
    );
}

#[test]
fn a_run_once_handler_runs_on_one_host_for_all() {
    let ran = ran(&format!(
        "{CHANGE}      notify: h\n  handlers:\n    - {{name: h, run_once: true, debug: {{msg: 1}}}}\n"
    ));
    ran.told(
        "PLAY a,b\nTASK debug\na changed: \"x\"\nb changed: \"x\"\na notified h\nb notified h\nHANDLER h\na ok: 1\na : ok=2 changed=1\n\
         b : ok=1 changed=1",
    );
}

#[test]
fn the_handlers_of_a_role_run_after_its_tasks_have_ended() {
    let files = [
        ("roles/r/tasks/main.yml", "- {debug: {msg: x}, changed_when: true, notify: h}\n"),
        ("roles/r/handlers/main.yml", "- {name: h, include_tasks: more.yml}\n"),
        ("roles/r/tasks/more.yml", "- debug: {msg: more}\n"),
    ];
    let told = ran_with("- hosts: a\n  roles: [r]\n", &files, |_| {}).lines;
    assert!(told.iter().any(|line| line == "a ok: \"more\""), "{told:?}");
}

#[test]
fn handlers_stay_out_where_what_always_runs_is_skipped() {
    let playbook = "- hosts: a\n  tasks:\n    - debug: {msg: x}\n      changed_when: true\n      notify: h\n  handlers:\n    \
                    - name: h\n      debug: {msg: h}\n";
    let ran = ran_with(playbook, &[], |settings| settings.skip_tags = vec!["always".to_owned()]);
    ran.told("PLAY a\nTASK debug\na changed: \"x\"\na : ok=1 changed=1");
}
