use super::ran_with;

#[test]
fn an_included_file_is_named_as_it_was_put_together() {
    let files = [
        ("tasks/inner/one.yml", "- include_tasks: ../two.yml\n"),
        ("tasks/two.yml", "- debug: {msg: two}\n"),
    ];
    let ran = ran_with("- hosts: a\n  tasks:\n    - include_tasks: ./tasks/inner/one.yml\n", &files, |_| {});
    assert_eq!(ran.code, 0, "{:?}", ran.lines);
    let files: Vec<&str> =
        ran.files.iter().filter_map(|file| file.split_once("/tasks/")).map(|(_, file)| file).collect();
    assert_eq!(files, ["inner/one.yml", "inner/../two.yml"]);
}

#[test]
fn what_include_vars_cannot_read_is_told_with_what_it_has_read() {
    let files = [("vars/a.yml", "one: 1\n"), ("vars/b.yml", "- no\n")];
    let ran = ran_with(
        "- hosts: a\n  tasks:\n    - include_vars: {dir: vars}\n      ignore_errors: true\n      register: r\n    - debug: \
             {msg: \"{{ r.message }} {{ r.msg }} {{ r.ansible_included_var_files }}\"}\n    - include_vars: {file: null}\n      ignore_errors: true\n      register: r\n    \
             - debug: {msg: \"{{ r.message.splitlines()[0] }}\"}\n",
        &files,
        |_| {},
    );
    let told: Vec<&str> = ran.lines.iter().filter_map(|line| line.strip_prefix("a ok: ")).collect();
    let [folder, nothing] = told.as_slice() else { panic!("two are told: {:?}", ran.lines) };
    assert!(folder.contains(
        "vars/b.yml must be stored as a dictionary/hash Task failed: Action failed: Unknown error. ["
    ));
    assert!(folder.ends_with("vars/a.yml']\""), "{folder}");
    assert_eq!(*nothing, "\"Could not find file on the Ansible Controller.\"");
}

#[test]
fn a_looped_include_that_fails_has_a_heading_where_hosts_go_their_own_ways() {
    let ran = ran_with(
        "- hosts: a\n  strategy: free\n  tasks:\n    - include_tasks: '{{ item }}'\n      loop: [nope]\n",
        &[],
        |_| {},
    );
    assert!(ran.lines.iter().any(|line| line == "a failed"), "{:?}", ran.lines);
    assert_eq!(ran.code, 2);
}
