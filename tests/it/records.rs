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
    let play = rplay().playbook(SLOW);
    let mut running = play.start();
    running.wait_for_output("TASK [Slowly]");
    let second = play.run();
    assert_eq!(second.code, 1, "{}", second.stderr);
    assert!(second.stderr.contains("--wait-lock"), "{}", second.stderr);
    assert_eq!(play.run_with(["--check"]).code, 0, "a check changes nothing and waits for nobody");
    running.kill();
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
