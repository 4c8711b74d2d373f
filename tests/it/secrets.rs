use crate::rplay;

const TOKEN: &str = "s3cr3t/tok en\"9";

/// Each place where a secret could come out: results at -vvvv, diffs, errors, the journal, JSON.
#[test]
fn planted_secrets_come_out_nowhere() {
    let play = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars/secret.yml]\n  tasks:\n    \
             - debug: {msg: \"raw {{ token }}\"}\n    \
             - debug: {msg: \"{{ ('user:' ~ token) | b64encode }} {{ token | urlencode }} {{ {'a': token} | to_json }}\"}\n    \
             - copy: {dest: out, content: \"{{ token }}\\n\"}\n    \
             - command: \"echo {{ token | quote }}\"\n    \
             - fail: {msg: \"it was {{ token }}\"}\n      ignore_errors: true\n    \
             - debug: {msg: hidden-by-no-log}\n      no_log: true\n    \
             - debug: {msg: \"later hidden-by-no-log\"}\n",
        )
        .file("vars/secret.yml", format!("token: '{TOKEN}'\n"));
    for args in [&["-vvvv", "--diff"][..], &["--output", "json", "-vvvv"], &["--check", "--diff", "-vvv"]] {
        let ran = play.run_with(args.iter().copied());
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        for (place, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            let found = forms().into_iter().filter(|form| text.contains(form.as_str())).collect::<Vec<_>>();
            assert_eq!(found, Vec::<String>::new(), "{place} of {args:?}: {text}");
        }
    }
    let runs = play.folder().join(".rplay/runs");
    let journals: String = std::fs::read_dir(runs)
        .expect("runs are kept")
        .map(|run| {
            std::fs::read_to_string(run.expect("a folder").path().join("events.jsonl")).expect("a journal")
        })
        .collect();
    assert!(journals.contains("********"));
    let found = forms().into_iter().filter(|form| journals.contains(form.as_str())).collect::<Vec<_>>();
    assert_eq!(found, Vec::<String>::new());
}

/// The control: the same playbook without secrecy shows every one of the forms.
#[test]
fn without_masking_every_form_would_be_found() {
    let play = rplay()
        .playbook(
            "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars/plain.yml]\n  tasks:\n    \
             - debug: {msg: \"raw {{ token }} hidden-by-no-log\"}\n    \
             - debug: {msg: \"{{ ('user:' ~ token) | b64encode }} {{ token | urlencode }} {{ {'a': token} | to_json }}\"}\n",
        )
        .file("vars/plain.yml", format!("token: '{TOKEN}'\n"));
    let ran = play.run_with(["--output", "json"]);
    let missing = forms().into_iter().filter(|form| !ran.stdout.contains(form.as_str())).collect::<Vec<_>>();
    assert_eq!(missing, Vec::<String>::new(), "{}", ran.stdout);
}

/// The token raw (as JSON has it), in base64 behind `user:`, in a URL, and in JSON in JSON.
fn forms() -> Vec<String> {
    [
        "s3cr3t/tok en\\\"9",
        "zM2NyM3QvdG9rIGVuIj",
        "s3cr3t/tok%20en%229",
        "s3cr3t/tok en\\\\\\\"9",
        "hidden-by-no-log",
    ]
    .map(str::to_owned)
    .to_vec()
}
