use std::os::unix::fs::PermissionsExt as _;

use crate::rplay;

const SLOW: &str =
    "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Slowly\n      command: sleep 600\n";

#[test]
fn a_journal_is_private_and_plays_the_screen_again() {
    let play =
        rplay().playbook("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n");
    let first = play.run();
    let runs = play.folder().join(".rplay/runs");
    let run = std::fs::read_dir(&runs).expect("runs").next().expect("one").expect("a folder").path();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&runs), mode(&run), mode(&run.join("events.jsonl"))), (0o700, 0o700, 0o600));
    let again = std::process::Command::new(env!("CARGO_BIN_EXE_rplay"))
        .arg("replay")
        .current_dir(play.folder())
        .output()
        .expect("the binary runs");
    assert_eq!(String::from_utf8_lossy(&again.stdout), first.stdout);
}

#[test]
fn two_runs_that_change_things_do_not_run_at_once() {
    let bucket = "    - s3_bucket: {name: never}\n      when: false\n";
    let play = rplay().playbook(&[SLOW, bucket].concat());
    let mut running = play.start();
    running.wait_for_output("TASK [Slowly]");
    let second = play.run();
    assert_eq!(second.code, 1, "{}", second.stderr);
    assert!(second.stderr.contains("--wait-lock"), "{}", second.stderr);
    assert_eq!(play.run_with(["--check"]).code, 0, "a check changes nothing and waits for nobody");
    running.kill();
}

#[test]
fn runs_that_leave_everything_but_their_hosts_alone_do_not_wait_for_each_other() {
    let play = rplay().playbook(&SLOW.replace("600", "{{ seconds | default(600) }}"));
    let mut running = play.start();
    running.wait_for_output("TASK [Slowly]");
    let second = play.run_with(["-e", "seconds=0"]);
    assert_eq!(second.code, 0, "{}", second.stderr);
    running.kill();
}

#[test]
fn a_run_that_computes_ends_at_the_first_signal() {
    let endless = "{% for a in range(1000000) %}{% for b in range(1000000) %}{% endfor %}{% endfor %}";
    let play = rplay().playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {{msg: before}}\n    - debug:\n        msg: \
         \"{endless}\"\n      name: Endless\n"
    ));
    let mut running = play.start();
    running.wait_for_output("TASK [Endless]");
    running.interrupt();
    let ran = running.wait();
    assert_eq!(ran.code, 99, "{}", ran.stderr);
    assert!(ran.stdout.contains("PLAY RECAP") && ran.stdout.contains("ok=1"), "{}", ran.stdout);
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let play =
        rplay().playbook("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n");
    play.run();
    for args in [&["playbook.yml"][..], &["--list-tasks", "playbook.yml"], &["replay"]] {
        let full = std::fs::File::create("/dev/full").expect("there is such a device");
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_rplay"))
            .args(args)
            .current_dir(play.folder())
            .stdout(full)
            .output()
            .expect("the binary runs");
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{args:?}: {told}");
        assert!(
            told.contains("the output could not be written to stdout: No space left"),
            "{args:?}: {told}"
        );
    }
}

#[test]
fn an_interrupted_run_says_what_was_going_on_and_leaves_no_child() {
    let play = rplay().playbook(SLOW);
    let mut running = play.start();
    running.wait_for_output("TASK [Slowly]");
    running.interrupt();
    let ran = running.wait();
    assert_eq!(ran.code, 99, "{}", ran.stderr);
    assert!(ran.stderr.contains("interrupted in: Slowly"), "{}", ran.stderr);
}
