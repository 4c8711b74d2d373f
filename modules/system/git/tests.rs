use std::process::Command;

use rplay_module::{Mode, Outcome};
use serde_json::{Value, json};

use crate::tests::Bench;

fn git(bench: &Bench, folder: &str, args: &[&str]) -> String {
    let who = ["-c", "user.name=me", "-c", "user.email=me@here", "-c", "init.defaultBranch=main"];
    let mut command = Command::new("git");
    command.current_dir(bench.path(folder)).env("HOME", bench.path("")).args(who).args(args);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// Makes a repository `r` with one commit; returns that.
fn bench() -> (Bench, String) {
    let bench = Bench::new();
    bench.write("r/f", "1\n");
    git(&bench, "r", &["init", "-q"]);
    let first = commit(&bench);
    (bench, first)
}

fn commit(bench: &Bench) -> String {
    git(bench, "r", &["add", "."]);
    git(bench, "r", &["commit", "-q", "-m", "x"]);
    git(bench, "r", &["rev-parse", "HEAD"])
}

async fn run(bench: &Bench, mut args: Value, mode: Mode) -> Outcome {
    args["repo"] = json!(bench.path("r"));
    if args.get("dest").is_none() {
        args["dest"] = json!("c");
    }
    bench.run("git", &args, mode).await
}

#[tokio::test]
async fn a_repository_is_cloned_kept_and_updated() {
    let (bench, first) = bench();
    let foretold = run(&bench, json!({}), Mode::Check).await;
    assert!(foretold.changed && !bench.path("c").exists(), "{:?}", foretold.failure);
    assert_eq!((&foretold.result["before"], &foretold.result["after"]), (&Value::Null, &json!(first)));
    let cloned = run(&bench, json!({}), Mode::Apply).await;
    assert!(cloned.changed, "{:?}", cloned.failure);
    assert_eq!((cloned.result["after"].as_str(), bench.read("c/f").as_str()), (Some(first.as_str()), "1\n"));
    let kept = run(&bench, json!({}), Mode::Apply).await;
    assert!(!kept.changed, "{:?}", kept.failure);
    assert_eq!(kept.result["remote_url_changed"], false);
    bench.write("r/f", "2\n");
    let second = commit(&bench);
    assert!(run(&bench, json!({}), Mode::Check).await.changed);
    let updated = run(&bench, json!({}), Mode::Apply).await;
    assert_eq!((&updated.result["before"], &updated.result["after"]), (&json!(first), &json!(second)));
    assert!(updated.diff[0].prepared.as_ref().unwrap().contains("+2"));
    assert_eq!(bench.read("c/f"), "2\n");
    let kept = run(&bench, json!({ "update": false }), Mode::Apply).await;
    assert!(!kept.changed);
}

#[tokio::test]
async fn branches_tags_and_commits_are_versions() {
    let (bench, first) = bench();
    git(&bench, "r", &["tag", "v1"]);
    git(&bench, "r", &["checkout", "-q", "-b", "other"]);
    bench.write("r/f", "2\n");
    let second = commit(&bench);
    git(&bench, "r", &["checkout", "-q", "main"]);
    for (version, commit) in
        [("other", &second), ("v1", &first), (second.as_str(), &second), ("main", &first), ("HEAD", &first)]
    {
        let done = run(&bench, json!({ "version": version }), Mode::Apply).await;
        assert!(done.failure.is_none(), "{version}: {:?}", done.failure);
        assert_eq!(done.result["after"].as_str(), Some(commit.as_str()), "{version}");
    }
    let missing = run(&bench, json!({ "version": "nowhere" }), Mode::Apply).await.failure.unwrap();
    assert_eq!(missing.message, "Failed to checkout nowhere");
}

#[tokio::test]
async fn changes_in_the_copy_are_discarded_only_when_told_to() {
    let (bench, _) = bench();
    run(&bench, json!({}), Mode::Apply).await;
    bench.write("c/f", "mine\n");
    let failed = run(&bench, json!({}), Mode::Apply).await.failure.unwrap();
    let shown = bench.path("c").display().to_string();
    assert_eq!(failed.message, format!("Local modifications exist in the destination: {shown} (force=no)."));
    assert!(run(&bench, json!({ "force": true }), Mode::Apply).await.changed);
    assert_eq!(bench.read("c/f"), "1\n");
}

#[tokio::test]
async fn a_clone_may_be_shallow_bare_or_apart() {
    let (bench, _) = bench();
    bench.write("r/f", "2\n");
    commit(&bench);
    run(&bench, json!({ "depth": 1 }), Mode::Apply).await;
    assert_eq!(git(&bench, "c", &["rev-list", "--count", "HEAD"]), "1");
    let bare = run(&bench, json!({ "dest": "b", "bare": true }), Mode::Apply).await;
    assert!(bare.changed && bench.path("b/config").exists(), "{:?}", bare.failure);
    assert!(!run(&bench, json!({ "dest": "b", "bare": true }), Mode::Apply).await.changed);
    let apart = json!({ "dest": "d", "separate_git_dir": "apart" });
    assert!(run(&bench, apart, Mode::Apply).await.changed && bench.path("apart/config").exists());
}

#[tokio::test]
async fn an_archive_is_made_of_the_version() {
    let (bench, _) = bench();
    let args = json!({ "archive": bench.path("a.tar"), "archive_prefix": "p/" });
    assert!(run(&bench, args.clone(), Mode::Apply).await.changed && bench.path("a.tar").exists());
    assert!(!run(&bench, args, Mode::Apply).await.changed);
    let failed = run(&bench, json!({ "archive": bench.path("a.rar") }), Mode::Apply).await.failure.unwrap();
    assert!(failed.message.starts_with("Unable to get file extension"));
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let (bench, _) = bench();
    for (args, message) in [
        (json!({ "umask": 22 }), "umask must be defined as a quoted octal integer"),
        (json!({ "umask": "x" }), "umask must be an octal integer"),
        (
            json!({ "bare": true, "separate_git_dir": "x" }),
            "parameters are mutually exclusive: separate_git_dir|bare",
        ),
    ] {
        assert_eq!(run(&bench, args, Mode::Apply).await.failure.unwrap().message, message);
    }
    let args = json!({ "repo": "x" });
    let failed = bench.run("git", &args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failed.message, "the destination directory must be specified unless clone=no");
}
