use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rplay_module::{DiffSide, Failure, FailureKind, Intent, Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

async fn run(bench: &Bench, args: Value) -> Outcome {
    bench.run("copy", &args, Mode::Apply).await
}

async fn fails(bench: &Bench, args: Value) -> Failure {
    run(bench, args).await.failure.unwrap()
}

fn texts(outcome: &Outcome) -> (&str, &str) {
    match (&outcome.diff[0].before, &outcome.diff[0].after) {
        (DiffSide::Text(before), DiffSide::Text(after)) => (before, after),
        other => panic!("{other:?}"),
    }
}

/// Runs a task as Ansible's users do: foretold, done, done again.
async fn whole(bench: &Bench, args: Value) -> Outcome {
    let foretold = bench.run("copy", &args, Mode::Check).await;
    assert!(foretold.changed && foretold.failure.is_none(), "{args}: {:?}", foretold.failure);
    let done = run(bench, args.clone()).await;
    assert!(done.changed && done.failure.is_none(), "{args}: {:?}", done.failure);
    let again = run(bench, args.clone()).await;
    assert!(!again.changed && again.failure.is_none(), "{args}: {:?}", again.planned);
    done
}

fn permit(bench: &Bench, name: &str, bits: u32) {
    fs::set_permissions(bench.path(name), fs::Permissions::from_mode(bits)).unwrap();
}

#[tokio::test]
async fn a_text_is_foretold_written_and_then_left_alone() {
    let bench = Bench::new();
    let args = json!({ "content": "one\n", "dest": "c" });
    let foretold = bench.run("copy", &args, Mode::Check).await;
    assert!(foretold.changed && !bench.path("c").exists());
    assert_eq!(texts(&foretold), ("", "one\n"));
    let made = run(&bench, args.clone()).await;
    assert_eq!(bench.read("c"), "one\n");
    for (name, value) in [
        ("dest", json!("./c")),
        ("checksum", json!("c7059bb19433cc3cabaa6236c83d56668a843dd2")),
        ("md5sum", json!("5bbf5a52328e7439ae6e719dfe712200")),
        ("size", json!(4)),
        ("state", json!("file")),
        ("mode", json!("0644")),
    ] {
        assert_eq!(made.result[name], value, "{name}");
    }
    let again = run(&bench, args).await;
    assert!(!again.changed && again.diff.is_empty());
    assert_eq!((again.result["path"].clone(), again.result.contains_key("md5sum")), (json!("c"), false));
}

#[tokio::test]
async fn a_changed_text_is_shown_and_written() {
    let bench = Bench::new();
    bench.write("c", "one\n");
    permit(&bench, "c", 0o600);
    let done = whole(&bench, json!({ "content": "two\n", "dest": "c" })).await;
    assert_eq!(texts(&done), ("one\n", "two\n"));
    assert_eq!(
        (done.diff[0].before_header.as_deref(), done.diff[0].after_header.as_deref()),
        (Some("c"), Some("c"))
    );
    assert_eq!(bench.mode("c"), 0o600, "a file that is replaced keeps its permissions");
}

#[tokio::test]
async fn only_attributes_are_shown_as_such() {
    let bench = Bench::new();
    bench.write("c", "one\n");
    permit(&bench, "c", 0o644);
    let done = whole(&bench, json!({ "content": "one\n", "dest": "c", "mode": "0600" })).await;
    let sides = (&done.diff[0].before, &done.diff[0].after);
    let side = |mode: &str| DiffSide::Data(json!({ "path": "c", "mode": mode }));
    assert_eq!(sides, (&side("0644"), &side("0600")));
    assert_eq!(done.result["path"], "c");
}

#[tokio::test]
async fn data_is_written_as_json() {
    let bench = Bench::new();
    run(&bench, json!({ "content": { "a": 1, "b": ["x"] }, "dest": "c" })).await;
    assert_eq!(bench.read("c"), r#"{"a": 1, "b": ["x"]}"#);
}

#[tokio::test]
async fn what_is_binary_or_long_is_not_shown() {
    let bench = Bench::new();
    let binary = run(&bench, json!({ "content": "a\u{0}b", "dest": "c" })).await;
    assert_eq!(binary.diff[0].prepared.as_deref(), Some("diff skipped: source file appears to be binary\n"));
    let over = run(&bench, json!({ "content": "x".repeat(200_000), "dest": "c" })).await;
    assert_eq!(
        over.diff[0].prepared.as_deref(),
        Some(
            "diff skipped: destination file appears to be binary\ndiff skipped: source file size is greater than 104448\n"
        )
    );
}

#[tokio::test]
async fn a_file_is_copied_beside_its_name_or_into_a_folder() {
    let bench = Bench::new();
    bench.write("files/src.txt", "hello\n");
    let src = bench.path("files/src.txt");
    let named = whole(&bench, json!({ "src": src, "dest": "named" })).await;
    assert_eq!(named.diff[0].after_header.as_deref(), src.to_str());
    let home = bench.path(".ansible/tmp/ansible-tmp-").display().to_string();
    let carried = named.result["src"].as_str().unwrap();
    assert!(carried.starts_with(&home) && carried.ends_with("/.source"), "{carried}");
    fs::create_dir(bench.path("there")).unwrap();
    assert_eq!(whole(&bench, json!({ "src": src, "dest": "there" })).await.result["dest"], "there/src.txt");
    let new = whole(&bench, json!({ "src": src, "dest": "new/er/", "directory_mode": "0700" })).await;
    assert_eq!(new.result["dest"], "new/er/src.txt");
    assert_eq!(
        [bench.mode("new"), bench.mode("new/er"), bench.mode("new/er/src.txt")],
        [0o700, 0o700, 0o644]
    );
}

#[tokio::test]
async fn a_file_that_the_engine_made_comes_with_its_content() {
    let bench = Bench::new();
    bench.write("files/secret", "$ANSIBLE_VAULT");
    let src = rplay_module::params::to_wire(&bench.path("files/secret"), Some(b"decrypted"));
    run(&bench, json!({ "src": src, "dest": "plain" })).await;
    assert_eq!(bench.read("plain"), "decrypted");
    run(&bench, json!({ "src": src, "dest": "as_it_is", "decrypt": false })).await;
    assert_eq!(bench.read("as_it_is"), "$ANSIBLE_VAULT");
}

#[tokio::test]
async fn a_folder_is_copied_with_all_that_is_in_it() {
    let bench = Bench::new();
    bench.write("files/d/a", "1");
    bench.write("files/d/sub/b", "2");
    fs::create_dir(bench.path("files/d/empty")).unwrap();
    symlink("a", bench.path("files/d/link")).unwrap();
    permit(&bench, "files/d/sub/b", 0o751);
    let src = bench.path("files/d");
    let done =
        whole(&bench, json!({ "src": src, "dest": "to", "mode": "preserve", "directory_mode": "0750" }))
            .await;
    assert_eq!(
        (bench.read("to/d/a"), bench.read("to/d/sub/b"), bench.read("to/d/link")),
        ("1".into(), "2".into(), "1".into())
    );
    assert!(bench.path("to/d/empty").is_dir() && !bench.path("to/d/link").is_symlink());
    assert_eq!([bench.mode("to/d/sub"), bench.mode("to/d/sub/b")], [0o750, 0o751]);
    assert_eq!(Value::Object(done.result), json!({ "dest": "to/", "src": src.to_str().unwrap() }));
    assert!(done.diff.is_empty());
    let inside = format!("{}/", src.display());
    whole(&bench, json!({ "src": inside, "dest": "flat", "local_follow": false })).await;
    assert!(bench.path("flat/link").is_symlink() && bench.path("flat/sub/b").exists());
    bench.write("files/d/sub/b", "3");
    whole(&bench, json!({ "src": inside, "dest": "flat", "local_follow": false })).await;
    assert_eq!(bench.read("flat/sub/b"), "3");
}

#[tokio::test]
async fn what_is_on_the_host_already_is_copied_there() {
    let bench = Bench::new();
    bench.write("there/a", "1");
    permit(&bench, "there/a", 0o600);
    let args = json!({ "src": "there/a", "dest": "copied", "remote_src": true });
    let done = whole(&bench, args).await;
    assert_eq!((done.result["src"].clone(), bench.mode("copied")), (json!("there/a"), 0o644));
    let kept =
        whole(&bench, json!({ "src": "there/a", "dest": "kept", "remote_src": true, "mode": "preserve" }))
            .await;
    assert_eq!(kept.result["mode"], "0600");
    let folder = whole(&bench, json!({ "src": "there", "dest": "all", "remote_src": true })).await;
    assert_eq!(
        (folder.result["checksum"].clone(), folder.result["md5sum"].clone()),
        (Value::Null, Value::Null)
    );
    assert_eq!((bench.read("all/there/a"), bench.mode("all/there/a")), ("1".to_owned(), 0o600));
    assert_eq!(
        fails(&bench, json!({ "src": "nosuch", "dest": "x", "remote_src": true })).await.message,
        "Source nosuch not found"
    );
}

#[tokio::test]
async fn a_replaced_file_is_kept_where_that_is_wanted() {
    let bench = Bench::new();
    bench.write("c", "old");
    let done = run(&bench, json!({ "content": "new", "dest": "c", "backup": true })).await;
    let backup = done.result["backup_file"].as_str().unwrap();
    assert!(backup.starts_with("c.") && backup.ends_with('~'), "{backup}");
    assert_eq!(bench.read(backup), "old");
    let unchanged = run(&bench, json!({ "content": "new", "dest": "c", "backup": true })).await;
    assert!(!unchanged.result.contains_key("backup_file"));
}

#[tokio::test]
async fn a_file_that_is_there_stays_where_that_is_wanted() {
    let bench = Bench::new();
    bench.write("c", "old");
    let kept = run(&bench, json!({ "content": "new", "dest": "c", "force": false, "mode": "0600" })).await;
    assert!(!kept.changed);
    let made = kept.result["src"].as_str().unwrap();
    let home = bench.path(".ansible/tmp/ansible-local-").display().to_string();
    assert!(made.starts_with(&home), "{made}");
    assert_eq!((bench.read("c").as_str(), kept.result["dest"].as_str()), ("old", Some("c")));
    let new = run(&bench, json!({ "content": "new", "dest": "d", "force": false })).await;
    assert!(new.changed && new.result.contains_key("md5sum"), "{:?}", new.result);
    assert!(run(&bench, json!({ "content": "new", "dest": "n", "force": false })).await.changed);
}

#[tokio::test]
async fn a_new_file_has_to_be_accepted_first() {
    let bench = Bench::new();
    let refused =
        fails(&bench, json!({ "content": "x", "dest": "v", "validate": "sh -c 'echo no; exit 3' %s" })).await;
    assert_eq!(refused.message, "failed to validate");
    assert_eq!(
        (refused.result["exit_status"].clone(), refused.result["stdout"].clone()),
        (json!(3), json!("no\n"))
    );
    assert!(!bench.path("v").exists());
    assert_eq!(fs::read_dir(bench.path(".")).unwrap().count(), 0, "nothing is left behind");
    assert_eq!(
        fails(&bench, json!({ "content": "x", "dest": "v", "validate": "true" })).await.message,
        "validate must contain %s: true"
    );
    whole(&bench, json!({ "content": "x", "dest": "v", "validate": "grep -q x %s" })).await;
}

#[tokio::test]
async fn a_link_is_replaced_or_followed() {
    let bench = Bench::new();
    bench.write("a", "old");
    symlink("a", bench.path("l")).unwrap();
    let followed = whole(&bench, json!({ "content": "new", "dest": "l", "follow": true })).await;
    assert_eq!((bench.read("a").as_str(), bench.path("l").is_symlink()), ("new", true));
    assert_eq!(followed.result["dest"], bench.path("a").to_str().unwrap());
    whole(&bench, json!({ "content": "own", "dest": "l" })).await;
    assert_eq!((bench.read("a").as_str(), bench.path("l").is_symlink()), ("new", false));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_only_missed_in_the_run() {
    let bench = Bench::new();
    let args = json!({ "content": "x", "dest": "no/where" });
    assert!(bench.run("copy", &args, Mode::Check).await.changed, "an earlier task may make it");
    assert_eq!(fails(&bench, args).await.message, "Destination directory no does not exist");
}

#[tokio::test]
async fn destroying_takes_away_what_rplay_made() {
    let bench = Bench::new();
    bench.write("files/d/sub/a", "1");
    let args = json!({ "src": bench.path("files/d"), "dest": "to/" });
    run(&bench, args.clone()).await;
    bench.write("to/d/theirs", "");
    let kept = bench.run("copy", &args, Mode::Destroy).await;
    assert_eq!(kept.kept.len(), 1);
    assert!(bench.path("to/d/sub/a").exists());
    fs::remove_file(bench.path("to/d/theirs")).unwrap();
    let gone = bench.run("copy", &args, Mode::Destroy).await;
    assert_eq!(gone.planned[0].action, Intent::Delete);
    assert!(!bench.path("to/d").exists());
}

#[tokio::test]
async fn what_a_file_cannot_be_given_is_told_once_it_is_there() {
    let bench = Bench::new();
    for (dest, further, message) in [
        ("m", json!({ "mode": "bogus" }), "mode must be in octal or symbolic form"),
        ("o", json!({ "owner": "nosuchuser" }), "chown failed: failed to look up user nosuchuser"),
    ] {
        let mut args = json!({ "content": "x", "dest": dest });
        args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        assert!(bench.run("copy", &args, Mode::Check).await.changed, "a check does not come that far");
        for _ in 0..2 {
            let failure = fails(&bench, args.clone()).await;
            assert_eq!((failure.message.as_str(), bench.read(dest).as_str()), (message, "x"));
            assert_eq!((&failure.result["path"], &failure.result["size"]), (&json!(dest), &json!(1)));
            assert_eq!(failure.result["checksum"], "11f6ad8ec52a2984abaafd7c3b516503785c2072");
        }
    }
}

#[tokio::test]
async fn in_check_mode_only_the_difference_is_told_of_what_would_be_sent() {
    let bench = Bench::new();
    bench.write("src", "x");
    let args = json!({ "src": bench.path("src"), "dest": "c", "checksum": "abc" });
    let foretold = bench.run("copy", &args, Mode::Check).await;
    assert_eq!((foretold.changed, Value::Object(foretold.result)), (true, json!({ "diff": [] })));
    let planned = bench.run("copy", &args, Mode::Plan).await;
    assert_eq!(planned.result["dest"], "./c");
}

#[tokio::test]
async fn a_checksum_is_compared_where_something_is_sent() {
    let bench = Bench::new();
    bench.write("c", "x");
    bench.write("src", "x");
    let args = json!({ "src": bench.path("src"), "dest": "c", "checksum": "abc" });
    assert!(!run(&bench, args).await.changed);
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let bench = Bench::new();
    fs::create_dir(bench.path("d")).unwrap();
    bench.write("src", "x");
    let src = bench.path("src");
    for (args, message) in [
        (json!({ "dest": "x" }), "src (or content) is required"),
        (json!({ "content": "x" }), "dest is required"),
        (json!({ "content": "x", "src": src, "dest": "x" }), "src and content are mutually exclusive"),
        (json!({ "content": "x", "dest": "x/" }), "can not use content with a dir as dest"),
        (json!({ "content": "x", "dest": "d" }), "can not use content with a dir as dest"),
        (
            json!({ "src": src, "dest": "x", "checksum": "abc" }),
            "Copied file does not match the expected checksum. Transfer failed.",
        ),
    ] {
        assert_eq!(fails(&bench, args).await.message, message);
    }
    assert!(!bench.path("x").exists());
    for (args, message) in [
        (
            json!({ "content": "x", "dest": "x", "force": "maybe" }),
            "The value 'maybe' is not a valid boolean",
        ),
        (json!({ "content": "x", "dest": "x", "raw": true }), "Unsupported parameters"),
    ] {
        let failure = fails(&bench, args).await;
        assert!(matches!(failure.kind, FailureKind::Arguments(_)));
        assert!(failure.message.contains(message), "{}", failure.message);
    }
}

#[test]
fn the_content_is_not_shown_among_the_arguments() {
    let args = json!({ "content": "hush", "dest": "c" });
    let shown = rplay_module::params::invocation(&<super::CopyParams as rplay_module::Params>::spec(), &args);
    assert_eq!(shown["content"], "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER");
    assert_eq!(shown["dest"], "c");
}
