use std::io::Write as _;
use std::process::{Command, Stdio};

use rplay_test_support::{Play, StandIn};

use crate::rplay;

/// A text that must not come out, and what its middle is in base64 behind `user:`.
struct Planted {
    plain: &'static str,
    base64: &'static str,
}

const TOKEN: Planted = Planted { plain: "s3cr3t/tok en\"9", base64: "zM2NyM3QvdG9rIGVuIj" };
const KEY_OF_THE_ENVIRONMENT: Planted =
    Planted { plain: "environment-key/for tests 1", base64: "plbnZpcm9ubWVudC1rZXkvZm9yIHRlc3Rz" };
const KEY_OF_A_PARAMETER: Planted =
    Planted { plain: "parameter-key/for tests 2", base64: "pwYXJhbWV0ZXIta2V5L2ZvciB0ZXN0c" };
const OF_NO_LOG: &str = "hidden-by-no-log";

impl Planted {
    /// Raw (as JSON has it), in base64, in a URL, and in JSON in JSON.
    fn forms(&self) -> Vec<String> {
        let json = serde_json::to_string(self.plain).expect("a text");
        let twice = serde_json::to_string(&json).expect("a text");
        let url = self.plain.replace(' ', "%20").replace('"', "%22");
        vec![inside(&json, 1), self.base64.to_owned(), url, inside(&twice, 3)]
    }
}

/// Returns a text without its quotes, which are so long.
fn inside(quoted: &str, ends: usize) -> String {
    quoted[ends..quoted.len() - ends].to_owned()
}

/// Tasks that show an expression's value in every form.
fn shown(expression: &str) -> String {
    const TASKS: &str = r#"
    - debug: {msg: "raw {{ EXPRESSION }}"}
    - debug: {msg: "{{ ('user:' ~ EXPRESSION) | b64encode }} {{ EXPRESSION | urlencode }} {{ {'a': EXPRESSION} | to_json }}"}
"#;
    TASKS.replace("EXPRESSION", expression)
}

/// Each place where a secret could come out: results at -vvvv, diffs, errors, the journal, JSON.
#[test]
fn planted_secrets_come_out_nowhere() {
    let head = "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars/secret.yml]\n  tasks:\n";
    let tasks = r#"
    - copy: {dest: out, content: "{{ token }}\n"}
    - command: "echo {{ token | quote }}"
    - fail: {msg: "it was {{ token }}"}
      ignore_errors: true
    - debug: {msg: hidden-by-no-log}
      no_log: true
    - debug: {msg: "later hidden-by-no-log"}
"#;
    let play = rplay()
        .playbook(&[head, &shown("token"), tasks].concat())
        .file("vars/secret.yml", format!("token: '{}'\n", TOKEN.plain));
    let mut forms = TOKEN.forms();
    forms.push(OF_NO_LOG.to_owned());
    assert_nothing_comes_out(&play, &forms);
}

/// What is split, cut or turned around is a secret still, and so is what an excerpt of the playbook shows.
#[test]
fn parts_of_secrets_come_out_nowhere() {
    let play =
        rplay().file("vars/secret.yml", "pw: S3cr3t/Pass word+1\nmade: '{{ base }}-of-it'\n").playbook(
            r#"
- hosts: localhost
  gather_facts: false
  vars_files: [vars/secret.yml]
  vars: {base: made-of-a-template}
  tasks:
    - command: "echo {{ pw }}"
    - debug: {msg: "{{ pw | upper }} {{ pw | reverse }} {{ pw[:6] }} {{ pw.split('/') }} {{ made }}"}
    - debug: {msg: "{{ item }}"}
      loop: "{{ pw | list }}"
    - uri: {url: "http://127.0.0.1:9/", url_password: OTHERPW77777}
      ignore_errors: true
    - uri: {url: "http://127.0.0.1:9/", url_username: me, url_password: hush5}
      ignore_errors: true
"#,
        );
    let forms = [
        "S3cr3t",
        "word+1",
        "S3CR3T",
        "1+drow",
        "Pass word",
        "OTHERPW77777",
        "hush5",
        "made-of-a-template-of-it",
    ];
    assert_nothing_comes_out(&play, &forms.map(str::to_owned));
}

/// Vault strings in a container's environment and secrets, and the keys of AWS, against a stand-in for AWS.
#[test]
fn planted_secrets_of_aws_come_out_nowhere() {
    let account = StandIn::shared().account();
    let play = rplay()
        .aws(&StandIn::shared().endpoint(), account.id())
        .env("AWS_SECRET_ACCESS_KEY", KEY_OF_THE_ENVIRONMENT.plain)
        .file("pass", "the password\n")
        .args(["--vault-password-file", "pass"]);
    let head = "- hosts: localhost\n  gather_facts: false\n  vars:\n    sealed: SEALED\n  tasks:\n";
    let tasks = r#"
    - aws_caller_info: {access_key: "ACCOUNT", secret_key: "KEY"}
    - debug: {msg: "KEY"}
    - ecs_taskdef:
        family: planted
        network_mode: awsvpc
        containers:
          - name: web
            image: web
            memory: 64
            environment: {TOKEN: "{{ sealed }}"}
            secrets: [{name: OTHER, value_from: "{{ sealed }}"}]
      register: task
    - debug: {var: task}
    - ecs_taskdef: {family: refused, network_mode: "{{ sealed }}", containers: [{name: web, image: web, memory: 64}]}
      register: refused
      ignore_errors: true
    - debug: {var: refused}
    - log_group: {name: "{{ sealed }}", access_key: "ACCOUNT", secret_key: "{{ sealed }}"}
      ignore_errors: true
"#;
    let tasks = tasks.replace("ACCOUNT", account.id()).replace("KEY", KEY_OF_A_PARAMETER.plain);
    let head = head.replace("SEALED", &sealed(&play));
    let of_key = shown("lookup('env', 'AWS_SECRET_ACCESS_KEY')");
    let play = play.playbook(&[head, of_key, shown("sealed"), tasks].concat());
    let forms: Vec<String> =
        [TOKEN, KEY_OF_THE_ENVIRONMENT, KEY_OF_A_PARAMETER].iter().flat_map(Planted::forms).collect();
    assert_nothing_comes_out(&play, &forms);
    let registered =
        account.ecs("DescribeTaskDefinition", &serde_json::json!({ "taskDefinition": "planted" }));
    let container = &registered["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["environment"][0]["value"], TOKEN.plain, "AWS gets what is written: {registered}");
    assert_eq!(container["secrets"][0]["valueFrom"], TOKEN.plain);
}

/// The control: what is no secret comes out in every form.
#[test]
fn without_masking_every_form_would_be_found() {
    for planted in [TOKEN, KEY_OF_THE_ENVIRONMENT, KEY_OF_A_PARAMETER] {
        let head = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";
        let play = rplay().env("PLAIN", planted.plain).playbook(
            &[head, &shown("lookup('env', 'PLAIN')"), &format!("    - debug: {{msg: {OF_NO_LOG}}}\n")]
                .concat(),
        );
        let ran = play.run_with(["--output", "json"]);
        let mut forms = planted.forms();
        forms.push(OF_NO_LOG.to_owned());
        assert_eq!(found(&ran.stdout, &forms), forms, "{}", ran.stdout);
    }
}

/// Fails the test where one of the texts is on a screen or in a journal, however much is told.
#[track_caller]
fn assert_nothing_comes_out(play: &Play, forms: &[String]) {
    for args in [&["-vvvv", "--diff"][..], &["--output", "json", "-vvvv"], &["--check", "--diff", "-vvv"]] {
        let ran = play.run_with(args.iter().copied());
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        for (place, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            assert_eq!(found(text, forms), [""; 0], "{place} of {args:?}: {text}");
        }
    }
    let runs = std::fs::read_dir(play.folder().join(".rplay/runs")).expect("runs are kept");
    let mut journals = String::new();
    for run in runs {
        let folder = run.expect("a folder").path();
        for name in ["events.jsonl", "run.json"] {
            journals.push_str(&std::fs::read_to_string(folder.join(name)).expect("a journal"));
        }
    }
    assert!(journals.contains("********"));
    assert_eq!(found(&journals, forms), [""; 0]);
}

fn found<'a>(text: &str, forms: &'a [String]) -> Vec<&'a str> {
    forms.iter().map(String::as_str).filter(|form| text.contains(form)).collect()
}

/// Returns the token as a vault string, the way it is written in a playbook.
fn sealed(play: &Play) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rplay"))
        .args(["vault", "encrypt_string", "--vault-password-file", "pass"])
        .current_dir(play.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(TOKEN.plain.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("it is text")
}
