use crate::rplay;

/// Runs one task list; returns stderr with the folder taken out, stdout, and the exit code.
fn refused(tasks: &str) -> (String, String, i32) {
    let play = rplay().playbook(&format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"));
    let ran = play.run();
    let folder = play.folder().canonicalize().expect("the folder is there").display().to_string();
    (ran.stderr.replace(&format!("{folder}/"), ""), ran.stdout, ran.code)
}

#[test]
fn a_misspelt_module_is_found_before_the_first_task() {
    let (stderr, stdout, code) = refused("    - command: touch made\n    - debgu: {msg: a}\n");
    assert_eq!(code, 4);
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("[ERROR]: couldn't resolve module/action 'debgu'."), "{stderr}");
    assert!(stderr.contains("playbook.yml:5:7") && stderr.contains("did you mean 'debug'?"), "{stderr}");
}

#[test]
fn a_misspelt_keyword_is_found_before_the_first_task() {
    let (stderr, stdout, code) =
        refused("    - command: touch made\n    - debug: {msg: a}\n      wehn: true\n");
    assert_eq!((stdout.as_str(), code), ("", 4));
    assert!(
        stderr.contains("'wehn' is not a valid attribute for a Task") && stderr.contains("when"),
        "{stderr}"
    );
}

#[test]
fn a_misspelt_parameter_is_found_before_the_first_task() {
    let (stderr, stdout, code) = refused("    - command: touch made\n    - copy: {dset: a, content: b}\n");
    assert_eq!((stdout.as_str(), code), ("", 2));
    assert!(stderr.contains("Unsupported parameters for (ansible.builtin.copy) module: dset."), "{stderr}");
    assert!(stderr.contains("did you mean 'dest'?"), "{stderr}");
}

#[test]
fn a_wrong_choice_is_found_before_the_first_task() {
    let (stderr, stdout, code) = refused("    - file: {path: a, state: direcotry}\n");
    assert_eq!((stdout.as_str(), code), ("", 2));
    assert!(
        stderr.contains("value of state must be one of:") && stderr.contains("got: direcotry"),
        "{stderr}"
    );
}

#[test]
fn a_doubtful_task_fails_in_its_turn_with_a_warning_up_front() {
    let (stderr, stdout, code) =
        refused("    - copy: {dset: a}\n      when: false\n    - debug: {msg: reached}\n");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("reached"));
    assert!(stderr.contains("[WARNING]:") && stderr.contains("dset"), "{stderr}");
}

#[test]
fn invalid_yaml_is_shown_where_it_is() {
    let (stderr, stdout, code) = refused("    - debug: {msg: \"a}\n");
    assert_eq!((stdout.as_str(), code), ("", 4));
    assert!(stderr.contains("playbook.yml:"), "{stderr}");
}

#[test]
fn an_undefined_variable_fails_its_task_with_its_place() {
    let (_, stdout, code) = refused("    - debug: {msg: \"{{ nope }}\"}\n");
    assert_eq!(code, 2);
    assert!(stdout.contains("'nope' is undefined\nOrigin: "), "{stdout}");
    assert!(stdout.contains("playbook.yml:4:20"), "{stdout}");
}

#[test]
fn a_playbook_that_is_not_there_is_named() {
    let ran = rplay().run_with(["nothere.yml"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.starts_with("[ERROR]: the playbook: nothere.yml could not be found"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_option_that_is_none_ends_with_two() {
    assert_eq!(rplay().run_with(["--nope", "x.yml"]).code, 2);
}

#[test]
fn an_endpoint_where_nobody_listens_is_named() {
    let ran = rplay()
        .playbook("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ecs_cluster: {name: app}\n")
        .aws("http://127.0.0.1:1", "123456789012")
        .run();
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("http://127.0.0.1:1"), "{}", ran.stdout);
}

#[test]
fn missing_credentials_say_where_they_are_looked_for() {
    let ran = rplay()
        .playbook("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ecs_cluster: {name: app, region: eu-west-1}\n")
        .run();
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("credentials"), "{}", ran.stdout);
}
