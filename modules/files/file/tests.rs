use std::fs;
use std::os::unix::fs::symlink;

use rplay_module::{DiffSide, Failure, FailureKind, Intent, Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

async fn run(bench: &Bench, args: Value) -> Outcome {
    bench.run("file", &args, Mode::Apply).await
}

async fn fails(bench: &Bench, args: Value) -> Failure {
    run(bench, args).await.failure.unwrap()
}

fn sides(outcome: &Outcome) -> (Value, Value) {
    match (&outcome.diff[0].before, &outcome.diff[0].after) {
        (DiffSide::Data(before), DiffSide::Data(after)) => (before.clone(), after.clone()),
        other => panic!("{other:?}"),
    }
}

/// Runs a task as Ansible's users do: foretold, done, done again.
async fn whole(bench: &Bench, args: Value) -> Outcome {
    let before = listing(bench);
    let foretold = bench.run("file", &args, Mode::Check).await;
    assert!(foretold.changed && foretold.failure.is_none(), "{args}: {:?}", foretold.failure);
    assert_eq!(listing(bench), before, "check mode writes nothing");
    let done = run(bench, args.clone()).await;
    assert!(done.changed && done.failure.is_none(), "{args}: {:?}", done.failure);
    let again = run(bench, args.clone()).await;
    assert!(!again.changed && again.failure.is_none(), "{args}: {:?}", again.planned);
    assert!(again.diff.is_empty());
    done
}

fn listing(bench: &Bench) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(bench.path("."))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| format!("{:?} {:?}", entry.path(), entry.metadata().unwrap().permissions()))
        .collect();
    names.sort();
    names
}

/// Returns the result but for the difference, which each has.
fn without_diff(outcome: &Outcome) -> Value {
    let mut result = outcome.result.clone();
    result.shift_remove("diff");
    Value::Object(result)
}

#[tokio::test]
async fn a_folder_is_made_with_those_on_the_way_to_it() {
    let bench = Bench::new();
    let made = whole(&bench, json!({ "path": "a/b/c", "state": "directory", "mode": "0750" })).await;
    for folder in ["a", "a/b", "a/b/c"] {
        assert_eq!(bench.mode(folder), 0o750, "{folder}");
    }
    assert_eq!(
        (made.result["path"].clone(), made.result["state"].clone()),
        (json!("a/b/c"), json!("directory"))
    );
    assert_eq!(made.result["mode"], "0750");
    let (before, after) = sides(&made);
    assert_eq!(before["state"], "absent");
    assert_eq!((after["state"].clone(), after["mode"].clone()), (json!("directory"), json!("0750")));
}

#[tokio::test]
async fn a_foretold_folder_says_what_ansible_says() {
    let bench = Bench::new();
    let foretold =
        bench.run("file", &json!({ "path": "a/b", "state": "directory", "mode": "0750" }), Mode::Check).await;
    assert_eq!(without_diff(&foretold), json!({ "path": "a/b" }));
    assert_eq!(
        sides(&foretold),
        (json!({ "path": "a/b", "state": "absent" }), json!({ "path": "a/b", "state": "directory" }))
    );
    assert_eq!(foretold.planned[0].action, Intent::Create);
}

#[tokio::test]
async fn attributes_of_a_file_are_changed() {
    let bench = Bench::new();
    bench.write("a", "text");
    fs::set_permissions(bench.path("a"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let done = whole(&bench, json!({ "path": "a", "mode": "u+x,g=r" })).await;
    assert_eq!(bench.mode("a"), 0o740);
    assert_eq!(
        sides(&done),
        (json!({ "path": "a", "mode": "0600" }), json!({ "path": "a", "mode": "0740" }))
    );
    assert_eq!(done.result["size"], 4);
    let plain = run(&bench, json!({ "path": "a", "mode": 0o740 })).await;
    assert!(!plain.changed, "a number is taken as it is");
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let bench = Bench::new();
    bench.write("a", "");
    fs::set_permissions(bench.path("a"), std::os::unix::fs::PermissionsExt::from_mode(0o611)).unwrap();
    let done = run(&bench, json!({ "path": "a", "state": "file" })).await;
    assert!(!done.changed);
    assert_eq!(done.result["mode"], "0611");
    assert_eq!(bench.run("file", &json!({ "path": "a" }), Mode::Plan).await.planned[0].action, Intent::Keep);
}

#[tokio::test]
async fn a_folder_is_changed_with_all_that_is_in_it() {
    let bench = Bench::new();
    bench.write("d/sub/a", "");
    bench.write("d/b", "");
    whole(&bench, json!({ "path": "d", "state": "directory", "recurse": true, "mode": "u=rwX,g=,o=" })).await;
    assert_eq!([bench.mode("d"), bench.mode("d/sub"), bench.mode("d/sub/a")], [0o700, 0o700, 0o600]);
    let planned =
        bench.run("file", &json!({ "path": "d", "recurse": true, "mode": "0755" }), Mode::Plan).await;
    assert!(planned.planned[0].fields.iter().any(|field| field.path.contains("d/sub/a")));
}

#[tokio::test]
async fn a_link_is_made_turned_and_refused() {
    let bench = Bench::new();
    bench.write("a", "");
    bench.write("b", "");
    let made = whole(&bench, json!({ "path": "l", "state": "link", "src": "a" })).await;
    assert_eq!((made.result["dest"].clone(), made.result["src"].clone()), (json!("l"), json!("a")));
    assert_eq!(made.result["state"], "link");
    let turned = whole(&bench, json!({ "dest": "l", "state": "link", "src": "b" })).await;
    assert_eq!(sides(&turned), (json!({ "path": "l", "src": "a" }), json!({ "path": "l", "src": "b" })));
    assert_eq!(fs::read_link(bench.path("l")).unwrap().to_str(), Some("b"));
    let missing = fails(&bench, json!({ "path": "l", "state": "link", "src": "nosuch" })).await;
    assert_eq!(
        missing.message,
        "src file does not exist, use 'force=yes' if you really want to create the link: nosuch"
    );
    assert_eq!(missing.result["state"], "link");
    let forced = json!({ "path": "l", "state": "link", "src": "nosuch", "force": true });
    assert!(run(&bench, forced.clone()).await.changed);
    assert!(bench.warnings()[0].starts_with("Cannot set fs attributes on a non-existent symlink target."));
    assert!(!run(&bench, forced).await.changed);
}

#[tokio::test]
async fn a_link_takes_the_place_of_something_only_by_force() {
    let bench = Bench::new();
    bench.write("a", "");
    bench.write("f", "");
    bench.write("full/x", "");
    fs::create_dir(bench.path("empty")).unwrap();
    let link = |path: &str, force: bool| json!({ "path": path, "state": "link", "src": bench.path("a"), "force": force });
    assert_eq!(
        fails(&bench, link("f", false)).await.message,
        "refusing to convert from file to symlink for f"
    );
    assert_eq!(
        fails(&bench, link("empty", false)).await.message,
        "refusing to convert from directory to symlink for empty"
    );
    assert_eq!(
        fails(&bench, link("full", true)).await.message,
        "the directory full is not empty, refusing to convert it"
    );
    whole(&bench, link("f", true)).await;
    whole(&bench, link("empty", true)).await;
    assert!(bench.path("empty").is_symlink());
    assert_eq!(
        fails(&bench, json!({ "path": "new", "state": "link" })).await.message,
        "src is required for creating new symlinks"
    );
}

#[tokio::test]
async fn attributes_are_meant_for_what_a_link_leads_to() {
    let bench = Bench::new();
    bench.write("a", "");
    whole(&bench, json!({ "path": "l", "state": "link", "src": "a", "mode": "0600" })).await;
    assert_eq!(bench.mode("a"), 0o600);
    let followed = run(&bench, json!({ "path": "l", "state": "file", "mode": "0640" })).await;
    assert_eq!(bench.mode("a"), 0o640);
    assert_eq!(followed.result["path"], bench.path("a").to_str().unwrap());
    let unfollowed = fails(&bench, json!({ "path": "l", "state": "file", "follow": false })).await;
    assert_eq!(unfollowed.message, "file (l) is link, cannot continue");
}

#[tokio::test]
async fn a_second_name_is_given_to_a_file() {
    let bench = Bench::new();
    bench.write("a", "text");
    bench.write("other", "");
    let made = whole(&bench, json!({ "path": "h", "state": "hard", "src": "a" })).await;
    assert_eq!((made.result["state"].clone(), made.result["src"].clone()), (json!("hard"), json!("a")));
    assert_eq!(bench.read("h"), "text");
    assert!(!run(&bench, json!({ "path": "h", "state": "hard" })).await.changed);
    for (args, message) in [
        (json!({ "path": "n", "state": "hard" }), "src is required for creating new hardlinks"),
        (json!({ "path": "n", "state": "hard", "src": "nosuch" }), "src does not exist"),
        (json!({ "path": "other", "state": "hard", "src": "a" }), "Cannot link, file exists at destination"),
        (
            json!({ "path": "h", "state": "hard", "src": "other" }),
            "Cannot link, different hard link exists at destination",
        ),
    ] {
        assert_eq!(fails(&bench, args).await.message, message);
    }
    whole(&bench, json!({ "path": "other", "state": "hard", "src": "a", "force": true })).await;
    assert_eq!(bench.read("other"), "text");
}

#[tokio::test]
async fn a_touched_file_changes_each_time_unless_its_times_are_kept() {
    let bench = Bench::new();
    let touch = json!({ "path": "t", "state": "touch", "mode": "0600" });
    let foretold = bench.run("file", &touch, Mode::Check).await;
    assert_eq!((foretold.changed, without_diff(&foretold)), (true, json!({ "dest": "t" })));
    assert!(!bench.path("t").exists() && foretold.diff.is_empty());
    let made = run(&bench, touch.clone()).await;
    assert!(made.changed && made.failure.is_none());
    assert_eq!((made.result["dest"].clone(), made.result["size"].clone()), (json!("t"), json!(0)));
    assert_eq!(sides(&made).1["state"], "touch");
    assert!(run(&bench, touch).await.changed);
    let kept =
        json!({ "path": "t", "state": "touch", "access_time": "preserve", "modification_time": "preserve" });
    assert!(!run(&bench, kept).await.changed);
}

#[tokio::test]
async fn times_are_set_as_they_are_written() {
    let bench = Bench::new();
    bench.write("a", "");
    let args = json!({ "path": "a", "state": "file", "modification_time": "202001010000.00" });
    let done = whole(&bench, args).await;
    let (_, after) = sides(&done);
    assert!(after["mtime"].as_f64().unwrap() > 1_577_000_000.0);
    let read = json!({ "path": "a", "state": "file", "access_time": "2020-02-03", "access_time_format": "%Y-%m-%d" });
    whole(&bench, read).await;
    let wrong = fails(&bench, json!({ "path": "a", "modification_time": "tomorrow" })).await;
    assert!(
        wrong
            .message
            .starts_with("Error while obtaining timestamp for time tomorrow using format %Y%m%d%H%M.%S: ")
    );
}

#[tokio::test]
async fn what_shall_be_absent_goes_with_all_that_is_in_it() {
    let bench = Bench::new();
    bench.write("d/sub/a", "");
    let gone = whole(&bench, json!({ "path": "d", "state": "absent" })).await;
    assert!(!bench.path("d").exists());
    assert_eq!(without_diff(&gone), json!({ "path": "d", "state": "absent" }));
    let (before, after) = sides(&gone);
    assert_eq!(before["path_content"], json!({ "directories": ["d/sub"], "files": ["d/sub/a"] }));
    assert_eq!((before["state"].clone(), after["state"].clone()), (json!("directory"), json!("absent")));
    bench.write("keep", "");
    symlink("keep", bench.path("l")).unwrap();
    whole(&bench, json!({ "path": "l", "state": "absent" })).await;
    assert!(bench.path("keep").exists());
}

#[tokio::test]
async fn what_is_not_what_it_is_said_to_be_is_refused() {
    let bench = Bench::new();
    bench.write("f", "");
    fs::create_dir(bench.path("d")).unwrap();
    for (args, message) in [
        (json!({ "path": "nosuch", "state": "file" }), "file (nosuch) is absent, cannot continue"),
        (json!({ "path": "d", "state": "file" }), "file (d) is directory, cannot continue"),
        (json!({ "path": "f", "state": "directory" }), "f already exists as a file"),
        (json!({ "path": "f", "recurse": true }), "recurse option requires state to be 'directory'"),
        (json!({ "path": "f", "src": "d" }), "src option requires state to be 'link' or 'hard'"),
        (json!({ "path": "f", "mode": "bogus" }), "mode must be in octal or symbolic form"),
        (json!({ "path": "f", "owner": "nosuchuser" }), "chown failed: failed to look up user nosuchuser"),
        (json!({ "path": "f", "group": "nosuchgroup" }), "chgrp failed: failed to look up group nosuchgroup"),
        (
            json!({ "path": "new", "state": "touch", "owner": "nosuchuser" }),
            "chown failed: failed to look up user nosuchuser",
        ),
    ] {
        assert_eq!(fails(&bench, args).await.message, message);
    }
    assert!(!bench.path("new").exists());
    let described = fails(&bench, json!({ "path": "f", "mode": "bogus" })).await;
    assert_eq!(described.result["details"], "bad symbolic permission for mode: bogus");
    assert_eq!(
        (described.result["path"].clone(), described.result["state"].clone()),
        (json!("f"), json!("file"))
    );
}

#[tokio::test]
async fn a_file_that_an_earlier_task_will_make_counts_as_there() {
    let bench = Bench::new();
    bench.run("copy", &json!({ "content": "x", "dest": "later" }), Mode::Check).await;
    let foretold = bench.run("file", &json!({ "path": "later", "mode": "0600" }), Mode::Check).await;
    assert!(foretold.failure.is_none() && foretold.changed);
    let linked =
        bench.run("file", &json!({ "path": "l", "state": "link", "src": "later" }), Mode::Check).await;
    assert!(linked.failure.is_none() && linked.changed);
}

#[tokio::test]
async fn destroying_takes_away_what_rplay_made_and_keeps_what_is_in_it() {
    let bench = Bench::new();
    let args = json!({ "path": "d", "state": "directory" });
    run(&bench, args.clone()).await;
    bench.write("d/theirs", "");
    let kept = bench.run("file", &args, Mode::Destroy).await;
    assert_eq!(kept.kept.len(), 1);
    fs::remove_file(bench.path("d/theirs")).unwrap();
    let gone = bench.run("file", &args, Mode::Destroy).await;
    assert_eq!(gone.planned[0].action, Intent::Delete);
    assert!(!bench.path("d").exists());
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let bench = Bench::new();
    for (args, message) in [
        (json!({}), "missing required arguments: path"),
        (
            json!({ "path": "f", "state": "present" }),
            "value of state must be one of: absent, directory, file, hard, link, touch",
        ),
        (json!({ "path": "f", "recurse": "maybe" }), "The value 'maybe' is not a valid boolean"),
        (json!({ "path": "f", "g": "r" }), "Unsupported parameters"),
    ] {
        let failure = fails(&bench, args).await;
        assert!(matches!(failure.kind, FailureKind::Arguments(_)));
        assert!(failure.message.contains(message), "{}", failure.message);
    }
}
