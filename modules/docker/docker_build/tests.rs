//! These need a Docker engine: without one each fails with one line that says so.

use std::fs;
use std::path::Path;

use rplay_docker_client::{Engine, Reference, Settings};
use rplay_module::{Intent, Mode, Outcome, unknown};
use rplay_test_support::TestWorld;
use serde_json::{Value, json};

use crate::MODULES;

/// An image name that no other test uses, cleaned away at the end.
struct Bench {
    world: std::sync::Arc<TestWorld>,
    engine: Engine,
    name: String,
}

impl Bench {
    async fn new(name: &str) -> Self {
        let engine = match Engine::connect(&Settings::default()).await {
            Ok(engine) => engine,
            Err(error) => panic!("this test needs a Docker engine: {error}"),
        };
        let bench = Self { world: TestWorld::new().start(), engine, name: format!("rplay-test/{name}") };
        // Layers of its own: one test's clean-up must not take what another is building on, and what a failed test left
        // behind must not be found by the next.
        let own = format!("ENV TEST={name}-{}", std::process::id());
        bench.write(
            "app/Dockerfile",
            &format!("FROM scratch\n{own}\nARG MODE\nLABEL mode=$MODE\nCOPY a /a\n"),
        );
        bench.write("app/a", "hello");
        bench
    }

    fn folder(&self) -> std::path::PathBuf {
        self.world.native_cx().world().folder().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.folder().join(name);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    async fn run(&self, further: Value, mode: Mode) -> Outcome {
        let mut args = json!({ "path": "app", "name": self.name });
        if let (Some(args), Value::Object(further)) = (args.as_object_mut(), further) {
            args.extend(further);
        }
        let module =
            MODULES.iter().find(|module| module.names.contains(&"docker_build")).expect("it is there");
        (module.pick)(&args).run(&self.world.native_cx(), &args, mode).await
    }

    async fn made(&self, more: Value) -> Outcome {
        let outcome = self.run(more, Mode::Apply).await;
        assert_eq!(outcome.failure, None);
        outcome
    }

    async fn clean(&self, images: &[&Outcome]) {
        for outcome in images {
            self.engine.untag(&Reference::parse(text(outcome, "image"))).await.expect("removed");
        }
    }
}

fn text<'a>(outcome: &'a Outcome, field: &str) -> &'a str {
    outcome
        .result
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{field} in {:?}", outcome.result))
}

#[tokio::test]
async fn it_builds_once_for_the_same_content() {
    let bench = Bench::new("once").await;
    let first = bench.made(json!({})).await;
    assert!(first.changed);
    assert_eq!(text(&first, "tag").len(), 16);
    assert_eq!(text(&first, "image"), format!("{}:{}", bench.name, text(&first, "tag")));
    assert!(text(&first, "id").starts_with("sha256:"));
    assert_eq!(first.result.get("digest"), None);
    let second = bench.made(json!({})).await;
    assert!(!second.changed);
    assert_eq!(second.result, first.result);
    bench.clean(&[&first]).await;
}

#[tokio::test]
async fn check_mode_foretells_the_tag_and_builds_nothing() {
    let bench = Bench::new("check").await;
    for mode in [Mode::Check, Mode::Plan] {
        let foretold = bench.run(json!({}), mode).await;
        assert!(foretold.changed && foretold.failure.is_none(), "{foretold:?}");
        assert!(unknown::is_unknown(text(&foretold, "id")));
        assert_eq!(foretold.planned.first().map(|planned| planned.action), Some(Intent::WillRun));
        assert_eq!(bench.engine.image(text(&foretold, "image")).await.expect("asked"), None);
    }
    let foretold = bench.run(json!({}), Mode::Check).await;
    let made = bench.made(json!({})).await;
    assert_eq!(text(&made, "image"), text(&foretold, "image"));
    let after = bench.run(json!({}), Mode::Check).await;
    assert!(!after.changed);
    assert_eq!(after.result, made.result);
    bench.clean(&[&made]).await;
}

#[tokio::test]
async fn whatever_goes_into_the_image_makes_another_tag() {
    let bench = Bench::new("tags").await;
    let foretold = |more: Value| async { text(&bench.run(more, Mode::Check).await, "tag").to_owned() };
    let mut tags = vec![foretold(json!({})).await];
    tags.push(foretold(json!({ "args": { "MODE": "x" } })).await);
    tags.push(foretold(json!({ "labels": { "a": "b" } })).await);
    tags.push(foretold(json!({ "platform": "linux/riscv64" })).await);
    tags.push(foretold(json!({ "target": "x" })).await);
    bench.write("app/a", "hello!");
    tags.push(foretold(json!({})).await);
    bench.write("app/Dockerfile", "FROM scratch\nCOPY a /b\n");
    tags.push(foretold(json!({})).await);
    let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len(), "{tags:?}");
}

#[tokio::test]
async fn what_only_says_how_to_build_does_not_change_the_tag() {
    let bench = Bench::new("how").await;
    let plain = bench.run(json!({}), Mode::Check).await;
    let how =
        json!({ "nocache": true, "pull": true, "network": "none", "extra_hosts": { "a": "127.0.0.1" } });
    assert_eq!(bench.run(how, Mode::Check).await.result, plain.result);
    bench.write("app/.dockerignore", "notes\n");
    let ignoring = bench.run(json!({}), Mode::Check).await;
    bench.write("app/notes", "ignored");
    assert_eq!(bench.run(json!({}), Mode::Check).await.result, ignoring.result);
}

#[tokio::test]
async fn a_fixed_tag_is_built_anew_for_other_content() {
    let bench = Bench::new("fixed").await;
    let first = bench.made(json!({ "tag": "1.0" })).await;
    assert_eq!((first.changed, text(&first, "tag")), (true, "1.0"));
    assert!(!bench.made(json!({ "tag": "1.0" })).await.changed);
    // Keeps a name, by which it is cleaned away.
    let kept = Reference::new(bench.name.clone(), "kept");
    bench.engine.tag(text(&first, "id"), &kept).await.expect("tagged");
    bench.write("app/a", "other");
    let second = bench.made(json!({ "tag": "1.0" })).await;
    assert!(second.changed);
    assert_ne!(text(&second, "id"), text(&first, "id"));
    bench.engine.untag(&kept).await.expect("removed");
    bench.clean(&[&second]).await;
}

#[tokio::test]
async fn force_builds_what_is_there() {
    let bench = Bench::new("force").await;
    let first = bench.made(json!({})).await;
    assert!(bench.made(json!({ "force": true })).await.changed);
    bench.clean(&[&first]).await;
}

#[tokio::test]
async fn args_and_labels_reach_the_image() {
    let bench = Bench::new("args").await;
    let made = bench.made(json!({ "args": { "MODE": "fast" }, "labels": { "team": "a team" } })).await;
    let image = bench.engine.image(text(&made, "image")).await.expect("asked").expect("it is there");
    assert_eq!((image.label("mode"), image.label("team")), (Some("fast"), Some("a team")));
    bench.clean(&[&made]).await;
}

#[tokio::test]
async fn the_log_is_told_as_progress() {
    let bench = Bench::new("progress").await;
    let made = bench.made(json!({})).await;
    let progress = bench.world.progress();
    let last = progress.last().expect("it told something");
    assert_eq!(last.headline, format!("building {}", text(&made, "image")));
    let labels: Vec<&str> = last.steps.iter().map(|step| step.label.as_str()).collect();
    assert_eq!(labels.first(), Some(&"FROM scratch"));
    assert!(labels.contains(&"COPY a /a"), "{labels:?}");
    assert_eq!(last.steps.first().map(|step| step.state.as_str()), Some("done"));
    bench.clean(&[&made]).await;
}

#[tokio::test]
async fn a_failed_build_shows_its_log() {
    let bench = Bench::new("fails").await;
    bench.write("app/Dockerfile", "FROM scratch\nCOPY nothing /\n");
    let failure = bench.run(json!({}), Mode::Apply).await.failure.expect("it fails");
    assert!(failure.message.starts_with(&format!("could not build the image {}:", bench.name)), "{failure}");
    assert!(failure.message.contains("nothing"), "{failure}");
    assert!(failure.screen.is_some_and(|screen| screen.contains("  Step 2/3 : COPY nothing /\n")));
    assert!(
        failure
            .result
            .get("stdout")
            .and_then(Value::as_str)
            .is_some_and(|log| log.starts_with("Step 1/3 : FROM"))
    );
}

#[tokio::test]
async fn an_engine_that_refuses_at_once_is_not_waited_for() {
    let bench = Bench::new("early").await;
    // More than is under way at any time: the rest of it is never asked for.
    bench.write("app/large", &"x".repeat(8 << 20));
    let failure =
        bench.run(json!({ "name": "Not/Lower-Case" }), Mode::Apply).await.failure.expect("it is refused");
    assert!(failure.message.contains("invalid reference format"), "{failure}");
}

#[tokio::test]
async fn a_dockerfile_outside_is_used_and_not_copied() {
    let bench = Bench::new("outside").await;
    fs::remove_file(bench.folder().join("app/Dockerfile")).expect("removed");
    bench.write("web.Dockerfile", "FROM scratch\nENV TEST=outside\nCOPY . /all\n");
    let made = bench.made(json!({ "dockerfile": "../web.Dockerfile" })).await;
    // The image is the one file: as large as the same without the Dockerfile beside it.
    let image = bench.engine.image(text(&made, "image")).await.expect("asked").expect("it is there");
    assert_eq!(image.size, "hello".len() as u64);
    bench.clean(&[&made]).await;
}

#[tokio::test]
async fn an_image_of_a_name_with_a_tag_is_refused() {
    let bench = Bench::new("refused").await;
    let failure = bench.run(json!({ "name": "app:1" }), Mode::Check).await.failure.expect("refused");
    assert_eq!(failure.message, "could not use \"app:1\" as an image's name: it is empty or has a tag");
}

#[tokio::test]
async fn without_an_engine_it_says_what_to_do() {
    let world = TestWorld::new().env("DOCKER_HOST", "unix:///nowhere/docker.sock").start();
    let args = json!({ "path": ".", "name": "app" });
    let module = MODULES.first().expect("there is one");
    let outcome = (module.pick)(&args).run(&world.native_cx(), &args, Mode::Apply).await;
    let failure = outcome.failure.expect("nobody answers");
    assert!(
        failure.message.starts_with("could not reach a Docker engine at unix:///nowhere/docker.sock"),
        "{failure}"
    );
    assert!(failure.hint.is_some_and(|hint| hint.contains("apt-get install docker.io")));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let bench = Bench::new("nofolder").await;
    let failure =
        bench.run(json!({ "path": "nowhere" }), Mode::Check).await.failure.expect("it is not there");
    let folder = bench.folder().join(Path::new("nowhere"));
    let expected =
        format!("could not read the context {}: No such file or directory (os error 2)", folder.display());
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn an_unknown_argument_makes_the_tag_unknown() {
    let bench = Bench::new("unknown").await;
    let marker = unknown::marker(unknown::Cause::Created, "elb web: dns_name");
    let outcome = bench.run(json!({ "args": { "MODE": marker } }), Mode::Plan).await;
    assert!(outcome.unknown && outcome.failure.is_none(), "{outcome:?}");
}
