use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use rplay_module::{Failure, FailureKind, Intent, Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

async fn wait(bench: &Bench, args: Value) -> Outcome {
    bench.run("wait_for", &args, Mode::Apply).await
}

async fn failure(bench: &Bench, args: Value) -> Failure {
    wait(bench, args).await.failure.unwrap()
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn an_open_port_ends_the_wait() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let waited = wait(&bench, json!({ "port": port })).await;
    assert!(!waited.changed && waited.failure.is_none());
    assert_eq!(
        Value::Object(waited.result),
        json!({ "state": "started", "port": port, "path": null, "search_regex": null, "match_groups": [],
                "match_groupdict": {}, "elapsed": 0 })
    );
}

#[tokio::test]
async fn a_closed_port_is_waited_for_until_the_time_is_over() {
    let bench = Bench::new();
    let port = closed_port();
    let failed = failure(&bench, json!({ "port": port, "timeout": 3, "delay": 1 })).await;
    assert_eq!(failed.message, format!("Timeout when waiting for 127.0.0.1:{port}"));
    assert_eq!(failed.result["elapsed"], 3);
    assert_eq!(bench.slept(), Duration::from_secs(3));
    let own_words = failure(&bench, json!({ "port": port, "timeout": 1, "msg": "no luck" })).await;
    assert_eq!(own_words.message, "no luck");
}

#[tokio::test]
async fn a_closed_port_is_stopped_and_an_open_one_is_not() {
    let bench = Bench::new();
    assert!(wait(&bench, json!({ "port": closed_port(), "state": "stopped" })).await.failure.is_none());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let failed = failure(&bench, json!({ "port": port, "state": "absent", "timeout": 2, "sleep": 2 })).await;
    assert_eq!(failed.message, format!("Timeout when waiting for 127.0.0.1:{port} to stop."));
}

#[tokio::test]
async fn a_port_may_have_to_say_something() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let speaker = std::thread::spawn(move || {
        for _ in 0..2 {
            listener.accept().unwrap().0.write_all(b"220 mail.example.org ready\r\n").unwrap();
        }
    });
    assert!(wait(&bench, json!({ "port": port, "search_regex": "^220 .*ready" })).await.failure.is_none());
    let failed = failure(&bench, json!({ "port": port, "search_regex": "quit", "timeout": 1 })).await;
    assert_eq!(failed.message, format!("Timeout when waiting for search string quit in 127.0.0.1:{port}"));
    speaker.join().unwrap();
}

#[tokio::test]
async fn under_the_sandbox_a_load_balancer_is_found_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::reaching("app.elb.localhost", listener.local_addr().unwrap());
    let waited = wait(&bench, json!({ "host": "app.elb.localhost", "port": 80 })).await;
    assert!(waited.failure.is_none());
}

#[tokio::test]
async fn a_file_ends_the_wait_and_is_described() {
    let bench = Bench::new();
    std::fs::write(bench.folder().join("log"), "one\nroot:x\n").unwrap();
    let waited = wait(&bench, json!({ "path": "log", "search_regex": "^(ro+)t:(?P<flag>.)(y)?" })).await;
    assert_eq!(waited.result["match_groups"], json!(["roo", "x", null]));
    assert_eq!(waited.result["match_groupdict"], json!({ "flag": "x" }));
    assert_eq!(
        (waited.result["path"].clone(), waited.result["state"].clone()),
        (json!("log"), json!("file"))
    );
    assert_eq!(waited.result["size"], 11);
    let failed = failure(&bench, json!({ "path": "log", "search_regex": "two", "timeout": 1 })).await;
    assert_eq!(failed.message, "Timeout when waiting for search string two in log");
    assert_eq!(
        failure(&bench, json!({ "path": "nosuch", "timeout": 1 })).await.message,
        "Timeout when waiting for file nosuch"
    );
    let odd = failure(&bench, json!({ "path": "log/x", "timeout": 1 })).await;
    assert_eq!(odd.message, "Failed to stat log/x, Not a directory");
}

#[tokio::test]
async fn a_file_may_have_to_be_gone() {
    let bench = Bench::new();
    let gone = wait(&bench, json!({ "path": "nosuch", "state": "absent" })).await;
    assert_eq!(
        (gone.result["state"].clone(), gone.result["path"].clone()),
        (json!("absent"), json!("nosuch"))
    );
    std::fs::write(bench.folder().join("lock"), "").unwrap();
    let failed = failure(&bench, json!({ "path": "lock", "state": "absent", "timeout": 1 })).await;
    assert_eq!(failed.message, "Timeout when waiting for lock to be absent.");
}

#[tokio::test]
async fn a_port_is_drained_when_nobody_is_connected() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(wait(&bench, json!({ "port": port, "state": "drained" })).await.failure.is_none());
    let caller = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let failed = failure(&bench, json!({ "port": port, "state": "drained", "timeout": 1 })).await;
    assert_eq!(failed.message, format!("Timeout when waiting for 127.0.0.1:{port} to drain"));
    let excluded = json!({ "port": port, "state": "drained", "exclude_hosts": ["127.0.0.1"], "timeout": 1 });
    assert!(wait(&bench, excluded).await.failure.is_none());
    drop(caller);
}

#[tokio::test]
async fn without_a_port_and_a_path_the_time_is_all_there_is() {
    let bench = Bench::new();
    let waited = wait(&bench, json!({ "timeout": 7, "delay": 2 })).await;
    assert_eq!(bench.slept(), Duration::from_secs(9));
    assert_eq!(waited.result["elapsed"], 9);
}

#[tokio::test]
async fn check_mode_and_plans_do_not_wait() {
    let bench = Bench::new();
    let args = json!({ "port": closed_port() });
    let checked = bench.run("wait_for", &args, Mode::Check).await;
    assert!(checked.skipped);
    assert_eq!(checked.result["msg"], "remote module (wait_for) does not support check mode");
    assert_eq!(bench.run("wait_for", &args, Mode::Plan).await.planned[0].action, Intent::WillRun);
    assert_eq!(bench.slept(), Duration::ZERO);
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let bench = Bench::new();
    for (args, message) in [
        (json!({ "port": 1, "path": "/x" }), "port and path parameter can not both be passed to wait_for"),
        (
            json!({ "path": "/x", "state": "stopped" }),
            "state=stopped should only be used for checking a port in the wait_for module",
        ),
        (
            json!({ "path": "/x", "state": "drained" }),
            "state=drained should only be used for checking a port in the wait_for module",
        ),
        (json!({ "port": 1, "exclude_hosts": ["a"] }), "exclude_hosts should only be with state=drained"),
        (
            json!({ "port": 1, "active_connection_states": ["LOST"] }),
            "unknown active_connection_state (LOST) defined",
        ),
    ] {
        let failed = failure(&bench, args).await;
        assert_eq!(failed.message, message);
        assert_eq!(failed.result["elapsed"], 0);
    }
    let failed = failure(&bench, json!({ "path": "/x", "search_regex": "(a" })).await;
    assert!(failed.message.starts_with("Invalid regular expression: "), "{}", failed.message);
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let bench = Bench::new();
    for (args, message) in [
        (
            json!({ "state": "up" }),
            "value of state must be one of: absent, drained, present, started, stopped, got: up",
        ),
        (json!({ "port": "http" }), "cannot be converted to an int"),
        (json!({ "prot": 1 }), "prot"),
    ] {
        let failed = failure(&bench, args).await;
        assert!(matches!(failed.kind, FailureKind::Arguments(_)));
        assert!(failed.message.contains(message), "{}", failed.message);
    }
}
