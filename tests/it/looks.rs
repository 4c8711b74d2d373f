//! What a run shows and saves beside its tasks: callbacks, settings, variables of the command line.

use crate::rplay;

const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ who }}\"}\n";

#[test]
fn variables_of_the_command_line_may_stand_in_an_encrypted_file() {
    let play =
        rplay().playbook(PLAY).file("secret.yml", "who: {first: a-long-secret}\n").file("pass", "right\n");
    let sealed = std::process::Command::new(env!("CARGO_BIN_EXE_rplay"))
        .args(["vault", "encrypt", "secret.yml", "--vault-password-file", "pass"])
        .current_dir(play.folder())
        .status();
    assert!(sealed.is_ok_and(|status| status.success()));
    let ran = play.run_with(["-e", "@secret.yml", "--vault-password-file", "pass"]);
    assert!(ran.stdout.contains("\"first\": \"********\""), "{}", ran.stdout);
    ran.code(0);
}

#[test]
fn variables_that_are_no_mapping_end_the_run_as_a_wrong_option_does() {
    let play = rplay().playbook(PLAY).file("text.yml", "a secret text\n").file("bad.yml", "a: [\n");
    let ran = play.run_with(["-e", "@text.yml"]);
    assert!(ran.stderr.contains("text.yml' could not be made into a dictionary"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    ran.code(5);
    play.run_with(["-e", "@bad.yml"]).code(4);
    play.run_with(["-e", "@nowhere.yml"]).code(1);
    play.run_with(["-e", "./text.yml"]).code(5);
}

#[test]
fn a_callback_for_the_screen_that_is_nowhere_ends_the_run() {
    let ran = rplay().playbook(PLAY).env("ANSIBLE_STDOUT_CALLBACK", "nope").run();
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("[ERROR]: Could not load 'nope' callback plugin."), "{}", ran.stderr);
    ran.code(1);
}

#[test]
fn yaml_is_the_default_screen_with_results_in_yaml() {
    let ran = rplay()
        .playbook(PLAY)
        .env("ANSIBLE_STDOUT_CALLBACK", "community.general.yaml")
        .run_with(["-e", "{who: {first: a, last: [b]}}"]);
    assert!(
        ran.stdout.contains("ok: [localhost] => \n    msg:\n        first: a\n        last:\n        - b\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_ad_hoc_task_saves_a_file_for_each_host() {
    let play = rplay().args(["adhoc", "localhost", "-m", "ping", "--tree", "out/hosts"]);
    play.run().code(0);
    let saved = std::fs::read_to_string(play.folder().join("out/hosts/localhost")).expect("it is saved");
    assert_eq!(saved, r#"{"changed": false, "ping": "pong"}"#);
}

#[test]
fn enabled_callbacks_report_beside_the_screen() {
    let play = rplay()
        .playbook(PLAY)
        .env("ANSIBLE_CALLBACKS_ENABLED", "junit,timer,nowhere")
        .env("JUNIT_OUTPUT_DIR", "reports");
    let ran = play.run_with(["-e", "who=x"]);
    assert!(ran.stdout.contains("\nPlaybook run took 0 days, 0 hours, "), "{}", ran.stdout);
    assert!(ran.stderr.contains("Skipping callback plugin 'nowhere'"), "{}", ran.stderr);
    let reports = std::fs::read_dir(play.folder().join("reports")).expect("the folder is made");
    let texts: Vec<String> = reports
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a report is text"))
        .collect();
    assert!(matches!(texts.as_slice(), [report] if report.contains("name=\"[localhost] localhost: debug\"")));
}

#[test]
fn every_task_is_silent_where_the_configuration_says_so() {
    let play = rplay().playbook(PLAY).file("ansible.cfg", "[defaults]\nno_log = true\nnocows = 1\n");
    let ran = play.run_with(["-e", "who=very-quiet", "-v"]);
    assert!(!ran.stdout.contains("very-quiet"), "{}", ran.stdout);
    assert!(ran.stdout.contains("'no_log: true' was specified"), "{}", ran.stdout);
    assert!(ran.stderr.contains("ANSIBLE_NOCOWS is set"), "{}", ran.stderr);
}
