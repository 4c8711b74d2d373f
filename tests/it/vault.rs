use crate::rplay;

const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars/secret.yml]\n  tasks:\n    \
                    - debug: {msg: \"{{ token | length }}\"}\n";

#[test]
fn an_encrypted_file_of_variables_is_opened_and_a_wrong_password_ends_the_run() {
    let play = rplay()
        .playbook(PLAY)
        .file("vars/secret.yml", "token: seventeen letters\n")
        .file("pass", "right\n")
        .file("wrong", "wrong\n");
    assert_eq!(
        rplay_vault(&play, &["vault", "encrypt", "vars/secret.yml", "--vault-password-file", "pass"]),
        0
    );
    let text = std::fs::read_to_string(play.folder().join("vars/secret.yml")).expect("it is there");
    assert!(text.starts_with("$ANSIBLE_VAULT;1.1;AES256\n"), "{text}");
    let ran = play.run_with(["--vault-password-file", "pass"]);
    assert!(ran.stdout.contains("\"msg\": 17") || ran.stdout.contains("\"msg\": \"17\""), "{}", ran.stdout);
    let ran = play.run_with(["--vault-password-file", "wrong"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("Decryption failed"), "{}", ran.stderr);
    let ran = play.run();
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no vault secrets found"), "{}", ran.stderr);
}

fn rplay_vault(play: &rplay_test_support::Play, args: &[&str]) -> i32 {
    let command = std::process::Command::new(env!("CARGO_BIN_EXE_rplay"))
        .args(args)
        .current_dir(play.folder())
        .output()
        .expect("the binary runs");
    command.status.code().unwrap_or(-1)
}
