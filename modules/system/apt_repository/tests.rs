use rplay_module::{Exit, Mode};
use serde_json::json;

use crate::tests::Bench;

fn bench() -> Bench {
    let bench = Bench::answering("apt-get", &Exit::default());
    let (file, folder) = (bench.path("sources.list"), bench.path("parts"));
    let told = format!("FILE='{}'\nFOLDER='{}/'\n", file.display(), folder.display());
    bench.answer("apt-config", &Exit { stdout: told.into_bytes(), ..Exit::default() });
    bench.write("sources.list", "deb http://a/ x main\n#deb http://off/ x main\n\n# a remark\n");
    bench
}

#[tokio::test]
async fn a_source_is_foretold_added_and_kept() {
    let bench = bench();
    let args = json!({ "repo": "deb http://b.example/d  x main", "mode": "0600" });
    let file = bench.path("parts/b_example_d.list").display().to_string();
    let foretold = bench.run("apt_repository", &args, Mode::Check).await;
    assert!(foretold.changed && !bench.path("parts").exists(), "{:?}", foretold.failure);
    assert_eq!(foretold.diff[0].before_header.as_deref(), Some("/dev/null"));
    let done = bench.run("apt_repository", &args, Mode::Apply).await;
    assert_eq!(done.result["sources_added"], json!([file]), "{:?}", done.failure);
    assert_eq!(bench.read("parts/b_example_d.list"), "deb http://b.example/d x main\n");
    assert_eq!(bench.spawned("apt-get").len(), 1);
    assert!(!bench.run("apt_repository", &args, Mode::Apply).await.changed);
    let absent = json!({ "repo": "deb http://b.example/d x main", "state": "absent", "update_cache": false });
    let gone = bench.run("apt_repository", &absent, Mode::Apply).await;
    assert_eq!(gone.result["sources_removed"], json!([file]), "{:?}", gone.failure);
    assert!(!bench.path("parts/b_example_d.list").exists());
}

#[tokio::test]
async fn a_source_that_is_switched_off_is_switched_on() {
    let bench = bench();
    let args = json!({ "repo": "deb http://off/ x main", "update_cache": false });
    assert!(bench.run("apt_repository", &args, Mode::Apply).await.changed);
    assert_eq!(bench.read("sources.list"), "deb http://a/ x main\ndeb http://off/ x main\n\n# a remark\n");
}

#[tokio::test]
async fn a_source_that_cannot_be_fetched_goes_again() {
    let bench = bench();
    bench.answer("apt-get", &Exit { rc: 100, stderr: b"E: no\n".to_vec(), ..Exit::default() });
    let args = json!({ "repo": "deb http://b/ x main", "update_cache_retries": 1, "filename": "mine" });
    let failed = bench.run("apt_repository", &args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failed.message, "Failed to update apt cache after 1 retries: E: no");
    assert!(!bench.path("parts/mine.list").exists());
}

#[tokio::test]
async fn what_is_no_source_is_named() {
    for (args, message) in [
        (json!({ "repo": "" }), "Please set argument 'repo' to a non-empty value"),
        (json!({ "repo": "http://b/" }), "Invalid repository string: http://b/"),
        (json!({ "repo": "deb http://b/ x", "mode": "u=rw" }), "mode must be in octal form: u=rw"),
    ] {
        let failed = bench().run("apt_repository", &args, Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, message);
    }
}
