use crate::rplay;

#[test]
fn a_play_of_everyday_tasks_prints_what_ansible_prints() {
    let ran = rplay()
        .playbook(
            "\
- name: Everyday
  hosts: localhost
  gather_facts: false
  vars_files: [vars/all.yml, [vars/missing.yml, vars/other.yml]]
  vars: {size: 2}
  tasks:
    - name: Say {{ who }}
      debug: {msg: \"{{ greeting }}, {{ size + 1 }}\"}
    - name: Each
      debug: {msg: \"{{ item }}\"}
      loop: [a, b]
    - command: echo hi
      register: out
      changed_when: false
    - set_fact: {said: \"{{ out.stdout }}\"}
    - assert: {that: said == 'hi'}
    - name: Not this one
      debug: {msg: no}
      when: size > 5
    - block:
        - fail: {msg: oops}
      rescue:
        - debug: {msg: \"rescued: {{ ansible_failed_result.msg }}\"}
      always:
        - debug: {msg: in any case}
    - command: echo changed
      notify: handled
  handlers:
    - name: handled
      debug: {msg: handled}
",
        )
        .file("vars/all.yml", "who: you\n")
        .file("vars/other.yml", "greeting: \"hello {{ who }}\"\n")
        .run();
    let failed = format!("{}/playbook.yml:21:11", "FOLDER");
    let expected = format!(
        "
PLAY [Everyday] ****************************************************************

TASK [Say you] *****************************************************************
ok: [localhost] => {{
    \"msg\": \"hello you, 3\"
}}

TASK [Each] ********************************************************************
ok: [localhost] => (item=a) => {{
    \"msg\": \"a\"
}}
ok: [localhost] => (item=b) => {{
    \"msg\": \"b\"
}}

TASK [command] *****************************************************************
ok: [localhost]

TASK [set_fact] ****************************************************************
ok: [localhost]

TASK [assert] ******************************************************************
ok: [localhost] => {{
    \"changed\": false,
    \"msg\": \"All assertions passed\"
}}

TASK [Not this one] ************************************************************
skipping: [localhost]

TASK [fail] ********************************************************************
[ERROR]: Task failed: Action failed: oops
Origin: {failed}

19       when: size > 5
20     - block:
21         - fail: {{msg: oops}}
             ^ column 11

fatal: [localhost]: FAILED! => {{\"changed\": false, \"msg\": \"oops\"}}

TASK [debug] *******************************************************************
ok: [localhost] => {{
    \"msg\": \"rescued: oops\"
}}

TASK [debug] *******************************************************************
ok: [localhost] => {{
    \"msg\": \"in any case\"
}}

TASK [command] *****************************************************************
changed: [localhost]

RUNNING HANDLER [handled] ******************************************************
ok: [localhost] => {{
    \"msg\": \"handled\"
}}

PLAY RECAP *********************************************************************
localhost                  : ok=9    changed=1    unreachable=0    failed=0    skipped=1    rescued=1    ignored=0   

"
    );
    assert_eq!((plain(&ran.stdout), ran.code), (expected, 0), "{}", ran.stderr);
}

/// The folder of a test is another one each time.
fn plain(stdout: &str) -> String {
    let mut out = String::new();
    for line in stdout.split_inclusive('\n') {
        match line.strip_prefix("Origin: ").and_then(|place| place.rsplit_once("/playbook.yml:")) {
            Some((_, place)) => out.extend(["Origin: FOLDER/playbook.yml:", place]),
            None => out.push_str(line),
        }
    }
    out
}

#[test]
fn included_files_run_for_each_item_after_all_are_named() {
    let ran = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - include_tasks: {file: inc.yml}\n      loop: [1, 2]\n      \
             loop_control: {loop_var: outer}\n      vars: {v: 7}\n",
        )
        .file("inc.yml", "- debug: {msg: \"{{ outer }}/{{ v }}\"}\n")
        .run();
    let told: Vec<&str> =
        ran.stdout.lines().filter(|line| line.starts_with("included") || line.contains("msg")).collect();
    assert!(told[0].ends_with("inc.yml for localhost => (item=1)"), "{told:?}");
    assert!(told[1].ends_with("inc.yml for localhost => (item=2)"), "{told:?}");
    assert_eq!(told[2..], ["    \"msg\": \"1/7\"", "    \"msg\": \"2/7\""]);
}

#[test]
fn until_is_tried_again_until_it_holds() {
    let ran = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - shell: echo x >> n; wc -l < n\n      register: r\n      \
             until: r.stdout | int >= 2\n      retries: 3\n      delay: 0\n      changed_when: false\n    - debug: {msg: \"{{ r.attempts }}\"}\n",
        )
        .run();
    assert!(
        ran.stdout.contains("FAILED - RETRYING: [localhost]: shell (3 retries left).\nok: [localhost]\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("\"msg\": 2"), "{}", ran.stdout);
}

#[test]
fn tags_choose_tasks_and_lists_name_them() {
    let play = rplay().playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: one, debug: {msg: 1}, tags: a}\n    \
         - {name: two, debug: {msg: 2}, tags: [b, never]}\n    - {name: three, debug: {msg: 3}, tags: always}\n",
    );
    let names = |args: &[&str]| -> Vec<String> {
        let ran = play.run_with(args.iter().copied());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let tasks = ran.stdout.lines().filter(|line| line.starts_with("TASK ["));
        tasks
            .map(|line| line.trim_start_matches("TASK [").split(']').next().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&[]), ["one", "three"]);
    assert_eq!(names(&["--tags", "b"]), ["two", "three"]);
    assert_eq!(names(&["--skip-tags", "a,always"]), Vec::<String>::new());
    let listed = play.run_with(["--list-tasks"]);
    assert_eq!(
        listed.stdout,
        "\nplaybook: playbook.yml\n\n  play #1 (localhost): localhost\tTAGS: []\n    tasks:\n      one\tTAGS: [a]\n      \
         three\tTAGS: [always]\n"
    );
}

#[test]
fn check_and_diff_change_nothing_and_say_what_would() {
    let play = rplay().playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - copy: {dest: out.txt, content: \"new\\n\"}\n    - command: touch made\n",
    );
    let checked = play.run_with(["--check", "--diff"]);
    assert!(checked.stdout.contains("@@ -0,0 +1 @@\n+new\n"), "{}", checked.stdout);
    assert!(checked.stdout.contains("skipping: [localhost]"), "{}", checked.stdout);
    assert!(!play.folder().join("out.txt").exists() && !play.folder().join("made").exists());
    assert!(play.run().stdout.contains("changed=2"));
    assert!(play.folder().join("out.txt").exists() && play.folder().join("made").exists());
    assert!(play.run().stdout.contains("changed=1"));
}

#[test]
fn what_came_from_outside_is_never_a_template() {
    let ran = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: cat evil\n      register: evil\n    \
             - set_fact: {copied: \"{{ evil.stdout }}\"}\n    - debug: {msg: \"{{ copied }} {{ lookup('file', 'evil') }}\"}\n",
        )
        .file("evil", "{{ lookup('pipe', 'touch pwned') }}")
        .run();
    assert!(
        ran.stdout.contains("{{ lookup('pipe', 'touch pwned') }} {{ lookup('pipe', 'touch pwned') }}"),
        "{}",
        ran.stdout
    );
}

#[test]
fn extra_variables_beat_all_others() {
    let play = rplay().playbook(
        "- hosts: localhost\n  gather_facts: false\n  vars: {a: play}\n  tasks:\n    - set_fact: {a: fact}\n    \
         - debug: {msg: \"{{ a }}\"}\n      vars: {a: task}\n",
    );
    assert!(play.run().stdout.contains("\"msg\": \"fact\""));
    assert!(play.run_with(["-e", "a=extra"]).stdout.contains("\"msg\": \"extra\""));
}
