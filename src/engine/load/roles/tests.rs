use crate::testing::{Rig, told};

const PLAY: &str =
    "- hosts: localhost\n  roles:\n    - one\n  tasks:\n    - debug: {msg: '{{ v }} {{ d }}'}\n";

#[test]
fn a_role_runs_after_what_it_depends_on_and_before_the_tasks_of_the_play() {
    let lines = told(&[
        ("p.yml", PLAY),
        ("roles/one/meta/main.yml", "dependencies: [two]\n"),
        ("roles/one/vars/main.yml", "v: vars\n"),
        ("roles/one/defaults/main.yml", "d: default\n"),
        ("roles/one/tasks/main.yml", "- name: first\n  debug: {msg: '{{ role_name }} {{ v }}'}\n"),
        ("roles/two/tasks/main.yml", "- debug: {msg: '{{ role_name }} {{ v }} {{ d }}'}\n"),
    ]);
    assert_eq!(
        lines,
        [
            "TASK [two : debug]",
            "ok: two vars default",
            "TASK [one : first]",
            "ok: one vars",
            "TASK [debug]",
            "ok: vars default"
        ]
    );
}

#[test]
fn a_role_named_twice_alike_runs_once_and_with_other_params_again() {
    let lines = told(&[
        (
            "p.yml",
            "- hosts: localhost\n  roles: [a, a, {role: a, x: 1}, {role: a, x: 1}, {role: b, x: 1}, b]\n",
        ),
        ("roles/a/tasks/main.yml", "- debug: {msg: \"a {{ x | default('-') }}\"}\n"),
        ("roles/b/meta/main.yml", "allow_duplicates: true\n"),
        ("roles/b/tasks/main.yml", "- debug: {msg: \"b {{ x | default('-') }}\"}\n"),
    ]);
    let ok: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("ok: ")).collect();
    assert_eq!(ok, ["a -", "a 1", "b 1", "b -"]);
}

#[test]
fn an_included_role_keeps_its_variables_to_itself_unless_it_is_public() {
    let play = "- hosts: localhost\n  tasks:\n    - include_role: {name: one}\n    - debug: {msg: \"{{ v | default('-') }}\"}\n    \
                - include_role: {name: one, public: true}\n    - debug: {msg: \"{{ v | default('-') }}\"}\n";
    let lines = told(&[
        ("p.yml", play),
        ("roles/one/vars/main.yml", "v: vars\n"),
        ("roles/one/tasks/main.yml", "- debug: {msg: in}\n"),
    ]);
    assert_eq!(
        lines,
        [
            "TASK [include_role : one]",
            "included: one",
            "TASK [one : debug]",
            "ok: in",
            "TASK [debug]",
            "ok: -",
            "TASK [include_role : one]",
            "included: one",
            "TASK [one : debug]",
            "ok: in",
            "TASK [debug]",
            "ok: vars"
        ]
    );
}

#[test]
fn an_imported_role_inherits_the_keywords_of_the_import() {
    let play = "- hosts: localhost\n  tasks:\n    - import_role: {name: one, tasks_from: other}\n      when: false\n      vars: {x: 1}\n    \
                - import_role: {name: '{{ r }}'}\n      vars: {r: one}\n";
    let lines = told(&[
        ("p.yml", play),
        ("roles/one/tasks/other.yml", "- debug: {msg: other}\n"),
        ("roles/one/tasks/main.yml", "- import_tasks: sub/a.yml\n"),
        ("roles/one/tasks/sub/a.yml", "- import_tasks: b.yml\n"),
        ("roles/one/tasks/sub/b.yml", "- debug: {msg: deep}\n"),
    ]);
    assert_eq!(lines, ["TASK [one : debug]", "skipping", "TASK [one : debug]", "ok: deep"]);
}

#[test]
fn end_role_leaves_the_rest_of_the_role() {
    let play = "- hosts: localhost\n  roles: [one]\n  tasks: [{debug: {msg: after}}]\n";
    let lines = told(&[
        ("p.yml", play),
        ("roles/one/tasks/main.yml", "- include_tasks: a.yml\n- debug: {msg: never}\n"),
        ("roles/one/tasks/a.yml", "- meta: end_role\n- debug: {msg: never}\n"),
    ]);
    assert!(lines.contains(&"ok: after".to_owned()) && !lines.contains(&"ok: never".to_owned()), "{lines:?}");
}

#[test]
fn a_role_that_is_nowhere_names_the_folders_it_was_looked_for_in() {
    let told = Rig::new(&[("p.yml", "- hosts: localhost\n  roles: [nix]\n")]).play();
    assert_eq!(
        told.lines,
        [
            "fault: the role 'nix' was not found in ./roles:./~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles:."
        ]
    );
    assert_eq!(told.code, 1);
}

#[test]
fn the_arguments_of_a_role_are_checked_before_its_first_task() {
    let specs = "argument_specs:\n  main:\n    short_description: Short\n    options:\n      n: {type: int, required: true}\n";
    let files = |play| {
        [
            ("p.yml", play),
            ("roles/one/meta/argument_specs.yml", specs),
            ("roles/one/tasks/main.yml", "- debug: {msg: in}\n"),
        ]
    };
    let lines = told(&files("- hosts: localhost\n  roles: [{role: one, n: '3'}]\n"));
    assert_eq!(
        lines,
        [
            "TASK [one : Validating arguments against arg spec 'main' - Short]",
            "ok: The arg spec validation passed",
            "TASK [one : debug]",
            "ok: in"
        ]
    );
    let told = Rig::new(&files("- hosts: localhost\n  roles: [one]\n")).play();
    assert_eq!(
        told.lines.last().map(String::as_str),
        Some("failed: Validation of arguments failed:\nmissing required arguments: n")
    );
}

#[test]
fn tasks_of_roles_are_listed_with_their_tags() {
    let rig = Rig::new(&[
        ("p.yml", "- hosts: localhost\n  roles: [{role: one, tags: [r]}]\n"),
        ("roles/one/tasks/main.yml", "- name: named\n  debug: {msg: in}\n  tags: [t]\n- debug:\n"),
    ]);
    let listed = rig.list_tasks();
    assert!(listed.ends_with("      one : named\tTAGS: [r, t]\n      debug\tTAGS: [r]\n"), "{listed}");
}

#[test]
fn roles_and_playbooks_of_a_collection_beside_the_playbook_are_found_by_their_names() {
    let base = "collections/ansible_collections/ns/c";
    let (one, two) = (format!("{base}/roles/one/tasks/main.yml"), format!("{base}/playbooks/deep.yml"));
    let lines = told(&[
        ("p.yml", "- hosts: localhost\n  roles: [ns.c.one]\n- import_playbook: ns.c.deep\n  vars: {x: 3}\n"),
        (&one, "- debug: {msg: '{{ role_name }} {{ ansible_role_name }}'}\n"),
        (&two, "- hosts: localhost\n  roles: [one]\n  tasks: [{debug: {msg: '{{ x }}'}}]\n"),
    ]);
    assert_eq!(
        lines,
        [
            "TASK [ns.c.one : debug]",
            "ok: one ns.c.one",
            "TASK [ns.c.one : debug]",
            "ok: one ns.c.one",
            "TASK [debug]",
            "ok: 3"
        ]
    );
}

#[test]
fn an_include_that_cannot_be_read_fails_its_hosts_and_is_rescued() {
    let play = "- hosts: localhost\n  tasks:\n    - block: [{include_tasks: nix.yml}]\n      rescue: [{debug: {msg: rescued}}]\n";
    let told = Rig::new(&[("p.yml", play)]).play();
    assert!(told.lines.contains(&"ok: rescued".to_owned()), "{:#?}", told.lines);
}

#[test]
fn what_a_host_includes_twice_alike_runs_twice() {
    let play = "- hosts: localhost\n  tasks:\n    - include_tasks: a.yml\n      loop: [x, x]\n";
    let lines = told(&[("p.yml", play), ("a.yml", "- debug: {msg: '{{ item }}'}\n")]);
    assert_eq!(lines.iter().filter(|line| *line == "ok: x").count(), 2, "{lines:#?}");
}
