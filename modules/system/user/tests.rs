use rplay_module::{Exit, Mode};
use serde_json::json;

use super::is_hashed;
use crate::tests::Bench;

#[tokio::test]
async fn an_account_that_is_as_it_shall_be_is_left_alone() {
    let bench = Bench::new();
    let args = json!({ "name": "root", "uid": 0, "home": "/root", "group": "root" });
    let kept = bench.run("user", &args, Mode::Apply).await;
    assert!(!kept.changed, "{:?}", kept.failure);
    for (name, value) in
        [("uid", json!(0)), ("group", json!(0)), ("home", json!("/root")), ("append", json!(false))]
    {
        assert_eq!(kept.result[name], value, "{name}");
    }
    let absent = bench.run("user", &json!({ "name": "rplay-none", "state": "absent" }), Mode::Apply).await;
    assert!(!absent.changed);
}

#[tokio::test]
async fn an_account_is_foretold_and_made() {
    let bench = Bench::answering("useradd", &Exit::default());
    let args = json!({
        "name": "rplay-none", "uid": 4711, "groups": ["root"], "comment": "x y", "create_home": false, "system": true,
        "expires": 1_422_403_387, "password": "*", "shell": "/bin/sh",
    });
    let foretold = bench.run("user", &args, Mode::Check).await;
    assert!(foretold.changed && bench.spawned("useradd").is_empty(), "{:?}", foretold.failure);
    let made = bench.run("user", &args, Mode::Apply).await;
    assert!(made.changed, "{:?}", made.failure);
    assert_eq!(made.result["password"], "NOT_LOGGING_PASSWORD");
    let words = "-u 4711 -G root -c x~y -s /bin/sh -e 2015-01-28 -p * -M -r rplay-none";
    let words: Vec<String> = words.split(' ').map(|word| word.replace('~', " ")).collect();
    assert_eq!(bench.spawned("useradd"), [words]);
}

#[tokio::test]
async fn only_what_differs_is_changed() {
    let bench = Bench::answering("usermod", &Exit::default());
    let args = json!({ "name": "root", "comment": "somebody else", "home": "/root", "groups": ["daemon"], "append": true });
    let changed = bench.run("user", &args, Mode::Apply).await;
    assert!(changed.changed, "{:?}", changed.failure);
    assert_eq!(
        bench.spawned("usermod"),
        [["-a", "-G", "daemon", "-c", "somebody else", "root"].map(str::to_owned)]
    );
    assert_eq!(changed.result["groups"], "daemon");
}

#[tokio::test]
async fn an_account_is_deleted_with_its_home() {
    let bench = Bench::answering("userdel", &Exit::default());
    let args = json!({ "name": "root", "state": "absent", "remove": true, "force": true });
    assert!(bench.run("user", &args, Mode::Check).await.changed && bench.spawned("userdel").is_empty());
    let gone = bench.run("user", &args, Mode::Apply).await;
    assert_eq!(bench.spawned("userdel"), [["-f", "-r", "root"].map(str::to_owned)]);
    assert_eq!((&gone.result["remove"], &gone.result["force"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_group_has_to_be_there_and_a_refusal_is_told() {
    let refusal = Exit { rc: 4, stderr: b"useradd: no".to_vec(), ..Exit::default() };
    let bench = Bench::answering("useradd", &refusal);
    let missing = json!({ "name": "rplay-none", "group": "rplay-nowhere" });
    let failed = bench.run("user", &missing, Mode::Apply).await.failure.unwrap();
    assert_eq!(failed.message, "Group rplay-nowhere does not exist");
    let failed = bench.run("user", &json!({ "name": "rplay-none" }), Mode::Apply).await.failure.unwrap();
    assert_eq!((failed.message.as_str(), &failed.result["rc"]), ("useradd: no", &json!(4)));
}

#[tokio::test]
async fn a_password_in_the_clear_is_warned_of() {
    let bench = Bench::answering("usermod", &Exit::default());
    bench.run("user", &json!({ "name": "root", "password": "secret" }), Mode::Check).await;
    assert!(bench.warnings()[0].starts_with("The input password appears not to have been hashed."));
}

#[test]
fn hashes_are_known_by_their_shape() {
    for (password, hashed) in [
        ("*", true),
        ("plain", false),
        ("$1$salt$qQS3S8bAvMmbUGZMPTVYZ0", true),
        ("$6$salt$short", false),
        ("a:b", false),
        ("$y$", false),
    ] {
        assert_eq!(is_hashed(password), hashed, "{password}");
    }
}
