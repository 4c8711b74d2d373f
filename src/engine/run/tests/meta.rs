use super::{ran, ran_with};

#[test]
fn end_host_ends_the_play_for_one_host() {
    let ran = ran(
        "- hosts: a,b\n  tasks:\n    - meta: end_host\n      when: inventory_hostname == 'a'\n    - debug: {msg: go}\n- hosts: a\n  tasks:\n    - debug: {msg: next}\n",
    );
    ran.told(
        "PLAY a,b\nTASK meta\nTASK meta\nb skipped\nTASK debug\nb ok: \"go\"\nPLAY a\nTASK debug\na ok: \"next\"\na : ok=1\nb : ok=1",
    );
}

#[test]
fn end_play_ends_all_batches_and_end_batch_one() {
    let play = |what: &str| {
        format!(
            "- hosts: a,b\n  serial: 1\n  tasks:\n    - debug: {{msg: go}}\n    - meta: {what}\n    - debug: {{msg: never}}\n"
        )
    };
    ran(&play("end_play")).told("PLAY a,b\nTASK debug\na ok: \"go\"\nTASK meta\na : ok=1");
    ran(&play("end_batch")).told(
        "PLAY a,b\nTASK debug\na ok: \"go\"\nTASK meta\nPLAY a,b\nTASK debug\nb ok: \"go\"\nTASK meta\na : ok=1\nb : ok=1",
    );
}

#[test]
fn what_meta_does_is_said_at_two_v() {
    let play = "- hosts: a\n  tasks:\n    - meta: clear_facts\n    - meta: end_host\n      when: false\n";
    ran_with(play, &[], |settings| settings.verbosity = 2).told(
        "PLAY a\nTASK meta\nMETA: facts cleared\nTASK meta\n\
         META: end_host conditional evaluated to False, continuing execution for a\na skipped",
    );
}

#[test]
fn forgiven_hosts_are_in_the_next_play() {
    let play = |forgive: &str| {
        format!(
            "- hosts: a,b\n  tasks:\n    - fail: {{}}\n      when: inventory_hostname == 'a'\n{forgive}- hosts: a,b\n  tasks:\n    - debug: {{msg: '{{{{ ansible_play_hosts }}}}'}}\n"
        )
    };
    let forgiven = ran(&play("    - meta: clear_host_errors\n"));
    assert_eq!(forgiven.code, 0);
    assert!(forgiven.lines.contains(&"a ok: [\"a\",\"b\"]".to_owned()), "{:?}", forgiven.lines);
    let failed = ran(&play(""));
    assert_eq!(failed.code, 2);
    assert!(failed.lines.contains(&"b ok: [\"b\"]".to_owned()), "{:?}", failed.lines);
}

/// An inventory that has one host less each time it is read.
const SHRINKING: &str = "#!/bin/sh\nif [ -e \"$0.read\" ]; then hosts='\"b\"'; else hosts='\"a\", \"b\"'; fi\n: > \"$0.read\"\n\
                         echo \"{\\\"g\\\": {\\\"hosts\\\": [$hosts]}, \\\"_meta\\\": {\\\"hostvars\\\": {}}}\"\n";

#[test]
fn hosts_that_a_refreshed_inventory_does_not_have_take_no_further_part() {
    use std::os::unix::fs::PermissionsExt as _;
    let play = "- hosts: all\n  tasks:\n    - debug: {msg: before}\n    - meta: refresh_inventory\n    - debug: {msg: '{{ ansible_play_hosts }}'}\n";
    let ran = ran_with(play, &[("hosts.sh", SHRINKING)], |settings| {
        let script = settings.folder.join("hosts.sh");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
            .expect("the script is there");
        settings.inventory = vec![script.display().to_string()];
    });
    ran.told(
        r#"
        PLAY all
        TASK debug
        a ok: "before"
        b ok: "before"
        TASK meta
        TASK debug
        b ok: ["b"]
        a : ok=1
        b : ok=2
    "#,
    );
}
