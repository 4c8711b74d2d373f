use std::process::Command;

use rplay_module::{Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

/// Makes an archive of `one` and `d/two` beside an empty folder `out`.
fn bench(name: &str, options: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.write("in/one", "1\n");
    bench.write("in/d/two", "2\n");
    std::fs::create_dir(bench.path("out")).unwrap();
    let mut tar = Command::new("tar");
    tar.args(options).arg("-f").arg(bench.path(name)).arg("-C").arg(bench.path("in")).args(["one", "d"]);
    assert!(tar.status().unwrap().success());
    bench
}

async fn run(bench: &Bench, mut args: Value, mode: Mode) -> Outcome {
    args["dest"] = json!(bench.path("out"));
    bench.run("unarchive", &args, mode).await
}

#[tokio::test]
async fn an_archive_is_unpacked_once() {
    for (name, options, handler) in
        [("a.tar.gz", ["-c", "-z"].as_slice(), "TgzArchive"), ("a.tar", ["-c"].as_slice(), "TarArchive")]
    {
        let bench = bench(name, options);
        let args = json!({ "src": name, "remote_src": true, "list_files": true });
        let foretold = run(&bench, args.clone(), Mode::Plan).await;
        assert!(foretold.changed && !bench.path("out/one").exists(), "{:?}", foretold.failure);
        let checked = run(&bench, args.clone(), Mode::Check).await;
        let message = "remote module (ansible.legacy.unarchive) does not support check mode when using gtar";
        assert_eq!((checked.skipped, &checked.result["msg"]), (true, &json!(message)));
        let done = run(&bench, args.clone(), Mode::Apply).await;
        assert!(done.changed, "{:?}", done.failure);
        assert_eq!((bench.read("out/one"), bench.read("out/d/two")), ("1\n".to_owned(), "2\n".to_owned()));
        assert_eq!(done.result["handler"], handler);
        assert_eq!(done.result["files"], json!(["one", "d/", "d/two"]));
        assert_eq!(done.result["extract_results"]["rc"], 0);
        assert!(!run(&bench, args, Mode::Apply).await.changed);
    }
}

#[tokio::test]
async fn names_are_left_out_or_picked() {
    let bench = bench("a.tar", &["-c"]);
    run(&bench, json!({ "src": "a.tar", "remote_src": true, "exclude": ["d*"] }), Mode::Apply).await;
    assert!(bench.path("out/one").exists() && !bench.path("out/d").exists());
    run(&bench, json!({ "src": "a.tar", "remote_src": true, "include": ["d/two"] }), Mode::Apply).await;
    assert!(bench.path("out/d/two").exists());
}

#[tokio::test]
async fn permissions_are_given_to_all() {
    let bench = bench("a.tar", &["-c"]);
    run(&bench, json!({ "src": "a.tar", "remote_src": true, "mode": "u=rwX,go=" }), Mode::Apply).await;
    assert_eq!([bench.mode("out/one"), bench.mode("out/d"), bench.mode("out/d/two")], [0o600, 0o700, 0o600]);
}

#[tokio::test]
async fn an_archive_is_fetched_from_its_address() {
    let bench = bench("a.tar.gz", &["-c", "-z"]);
    let src = format!("file://{}", bench.path("a.tar.gz").display());
    let done = run(&bench, json!({ "src": src, "remote_src": true }), Mode::Apply).await;
    assert!(done.changed, "{:?}", done.failure);
    assert_eq!(bench.read("out/d/two"), "2\n");
    let fetched = done.result["src"].as_str().unwrap();
    assert!(fetched.ends_with(".tar.gz") && !std::path::Path::new(fetched).exists(), "{fetched}");
    let nowhere = json!({ "src": "file:///rplay/none.zip", "remote_src": true });
    let failed = run(&bench, nowhere, Mode::Apply).await.failure.unwrap();
    assert!(failed.message.starts_with("Failure downloading file:///rplay/none.zip, "), "{failed}");
}

#[tokio::test]
async fn what_is_there_is_not_unpacked() {
    let bench = bench("a.tar", &["-c"]);
    let args = json!({ "src": "a.tar", "remote_src": true, "creates": "in/one" });
    let skipped = run(&bench, args, Mode::Apply).await;
    assert!(skipped.skipped);
    assert_eq!(skipped.result["msg"], "skipped, since in/one exists");
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_named() {
    let bench = bench("a.tar", &["-c"]);
    bench.write("empty", "");
    bench.write("text", "no archive\n");
    let text = bench.path("text").to_str().unwrap().to_owned();
    for (args, message) in [
        (json!({ "src": "none" }), "Source 'none' does not exist".to_owned()),
        (
            json!({ "src": "empty" }),
            format!("Invalid archive '{}', the file is 0 bytes", bench.path("empty").display()),
        ),
        (json!({ "src": "text" }), format!("Failed to find handler for \"{text}\". Make sure")),
    ] {
        let mut args = args;
        args["remote_src"] = json!(true);
        let failed = run(&bench, args, Mode::Apply).await.failure.unwrap();
        assert!(failed.message.starts_with(&message), "{failed}");
    }
    let args = json!({ "src": "a.tar", "remote_src": true, "dest": "nowhere" });
    let failed = bench.run("unarchive", &args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failed.message, "dest 'nowhere' must be an existing dir");
}
