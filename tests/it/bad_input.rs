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
    assert!(stderr.contains("[ERROR]: couldn't resolve module/action 'debgu'."), "{stderr}");
    assert!(stderr.contains("playbook.yml:5:7") && stderr.contains("did you mean 'debug'?"), "{stderr}");
}

#[test]
fn a_module_of_a_collection_that_is_not_here_says_what_does_its_job() {
    let (stderr, stdout, code) = refused("    - command: touch made\n    - ecs_ecr: {name: web}\n");
    assert_eq!((stdout.as_str(), code), ("", 2));
    let said = "the module 'ecs_ecr' (community.aws.ecs_ecr) is not built into rplay";
    assert!(stderr.contains(said) && stderr.contains("rplay's own 'ecr_push' does this job"), "{stderr}");
    let (stderr, ..) = refused("    - ecs_taskdefinition_facts: {task_definition: web}\n");
    assert!(
        stderr.contains("community.aws.ecs_taskdefinition_info") && !stderr.contains("did you mean"),
        "{stderr}"
    );
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
fn a_misspelt_variable_is_found_before_the_first_task() {
    let play = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars.yml]\n  tasks:\n    \
             - command: touch made\n    - command: \"echo {{ app_name }}\"\n      register: said\n    \
             - debug:\n        msg: [\"{{ said.stdout }}\", \"{{ app_nmae }}\"]\n",
        )
        .file("vars.yml", "app_name: web\n");
    for (args, head) in [(&["-v"][..], "No config file found; using defaults\n"), (&["--check"], "")] {
        let ran = play.run_with(args.iter().copied());
        let folder = play.folder().canonicalize().expect("the folder is there").display().to_string();
        assert_eq!((ran.stdout.as_str(), ran.code), (head, 2), "{}", ran.stderr);
        let stderr = ran.stderr.replace(&format!("{folder}/"), "");
        let (_, fault) = stderr.split_once("[ERROR]: ").expect("an error");
        assert_eq!(
            fault,
            "'app_nmae' is undefined\n --> playbook.yml:9:36\n  |\n7 |       register: said\n8 |     - debug:\n\
             9 |         msg: [\"{{ said.stdout }}\", \"{{ app_nmae }}\"]\n  |                                    ^^^\n  |\n  \
             = help: did you mean 'app_name'?\n"
        );
    }
    assert!(!play.folder().join("made").exists());
    assert_eq!(play.run_with(["-e", "app_nmae=web"]).code, 0);
    let linted = rplay()
        .playbook(
            "- hosts: all\n  tasks:\n    - debug: {msg: \"{{ a }}\"}\n      when: ansible_os_family == 'b'\n",
        )
        .run_with(["lint"]);
    assert!(linted.code == 2 && linted.stderr.contains("'a' is undefined"), "{}", linted.stderr);
}

#[test]
fn a_variable_that_anything_may_define_is_no_fault() {
    for tasks in [
        "    - debug: {msg: \"{{ a | default('x') }}\"}\n    - debug: {msg: \"{{ a }}\"}\n      when: a is defined\n",
        "    - include_tasks: more.yml\n    - debug: {msg: \"{{ from_more }} {{ in_more }}\"}\n",
        "    - include_vars: vars.yml\n    - debug: {msg: \"{{ from_vars }}\"}\n",
        "    - include_tasks: \"{{ 'more' }}.yml\"\n    - debug: {msg: \"{{ from_more }}\"}\n",
        "    - meta: end_play\n    - debug: {msg: \"{{ never }}\"}\n",
        "    - debug: {msg: \"{{ playbook_dir }} {{ inventory_hostname }} {{ hostvars }} {{ ansible_version }}\"}\n",
        "    - debug: {msg: \"{{ each }}{{ at }}\"}\n      loop: [1]\n      loop_control: {loop_var: each, index_var: at}\n",
        "    - debug: {msg: \"{% set b = 1 %}{{ b }}{% for c in [1] %}{{ c }}{% endfor %}\"}\n",
        "    - debug: {var: nothing}\n",
        "    - setup:\n    - debug: {msg: \"{{ gather_subset }} {{ module_setup }} {{ ansible_facts }}\"}\n",
        "    - block:\n        - debug: {msg: \"{{ nope }}\"}\n      rescue:\n        - debug: {msg: \"{{ ansible_failed_result.msg }}\"}\n",
    ] {
        let play = rplay()
            .playbook(&format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"))
            .file("more.yml", "- set_fact: {from_more: 1}\n- command: echo\n  register: in_more\n")
            .file("vars.yml", "from_vars: 1\n");
        let ran = play.run();
        assert_eq!(ran.code, 0, "{tasks}{}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.is_empty(), "{tasks}");
    }
}

#[test]
fn invalid_yaml_is_shown_where_it_is() {
    let (stderr, stdout, code) = refused("    - debug: {msg: \"a}\n");
    assert_eq!((stdout.as_str(), code), ("", 4));
    assert!(stderr.contains("playbook.yml:"), "{stderr}");
}

#[test]
fn an_undefined_variable_fails_its_task_with_its_place() {
    let (stderr, stdout, code) = refused("    - debug: {msg: \"{{ nope }}\"}\n      when: true\n");
    assert_eq!(code, 2);
    assert!(stderr.contains("[WARNING]:") && stderr.contains("nothing in this run defines it"), "{stderr}");
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
