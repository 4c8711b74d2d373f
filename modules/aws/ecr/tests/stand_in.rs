//! Against the stand-in's registry, through the proxy, with images of this machine's engine.

use futures_util::stream;
use rplay_docker_client::{Build, Engine, Reference, Settings};
use rplay_test_support::{Proxy, Raw, Rule, StandIn};
use serde_json::json;

use super::*;

struct Place {
    raw: Raw,
    proxy: Proxy,
    world: Arc<TestWorld>,
    engine: Engine,
    /// Of the repository and of the image in the engine; a test's own.
    name: String,
}

impl Place {
    async fn new(name: &str) -> Self {
        let engine = match Engine::connect(&Settings::default()).await {
            Ok(engine) => engine,
            Err(error) => panic!("this test needs a Docker engine: {error}"),
        };
        let stand_in = StandIn::shared();
        // The registry takes an image for the one account that it knows without a signature.
        let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.default_account());
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", raw.id())
            .start();
        Self { raw, proxy, world, engine, name: format!("rplay-test/{name}-{}", std::process::id()) }
    }

    /// Makes an image of the text as `NAME:TAG`.
    async fn build(&self, tag: &str, text: &str, labels: &[(&str, &str)]) {
        let mut tar = tar::Builder::new(Vec::new());
        let dockerfile = format!("FROM scratch\nENV TEST={}\nCOPY a /a\n", self.name);
        for (name, text) in [("Dockerfile", dockerfile.as_str()), ("a", text)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        let build = Build {
            name: Some(Reference::new(self.name.clone(), tag)),
            dockerfile: "Dockerfile".to_owned(),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            no_cache: true,
            ..Build::default()
        };
        let context = stream::iter([Ok(tar.into_inner().unwrap())]);
        self.engine.build(&build, context, |_| ()).await.unwrap();
    }

    fn args(&self, tag: &str) -> Value {
        json!({ "image": format!("{}:{tag}", self.name), "repository": self.name, "scan_on_push": true })
    }

    fn uri(&self) -> String {
        format!("000000000000.dkr.ecr.eu-west-1.amazonaws.com/{}", self.name)
    }

    fn tags(&self) -> Vec<Value> {
        let images = self.raw.ecr("DescribeImages", &json!({ "repositoryName": self.name }));
        let images = images["imageDetails"].as_array().cloned().unwrap_or_default();
        images.into_iter().map(|image| image["imageTags"].clone()).collect()
    }

    /// Returns the names of the calls to AWS; the engine's own to the registry are left out.
    fn calls(&self) -> Vec<String> {
        let calls = self.proxy.calls().into_iter().filter(|call| !call.request.path.starts_with("/v2"));
        let mut calls: Vec<String> = calls.map(|call| call.operation.action).collect();
        calls.sort();
        calls
    }

    fn pushes(&self) -> usize {
        let put = |path: &str, method: &str| path.contains("/manifests/") && method == "PUT";
        self.proxy.calls().iter().filter(|call| put(&call.request.path, &call.request.method)).count()
    }

    async fn keeps(&self, args: &Value) {
        self.proxy.clear_calls();
        let kept = done(&self.world, args, Mode::Apply).await;
        assert!(!kept.changed, "{:?}", kept.planned);
        assert!(self.proxy.writes().is_empty(), "{}", self.proxy.log());
    }

    async fn clear(self, tags: &[&str]) {
        for tag in tags {
            self.engine.untag(&Reference::new(self.name.clone(), *tag)).await.unwrap();
            self.engine.untag(&Reference::new(self.uri(), *tag)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_image_is_foretold_pushed_kept_and_destroyed() {
    let place = Place::new("whole").await;
    place.build("1", "hello", &[]).await;
    let (args, name, uri) = (place.args("1"), place.name.clone(), place.uri());
    let (repository, image) = (format!("ecr.repository {name}"), format!("ecr.image {name}:1"));
    let all = [(Intent::Create, repository.as_str()), (Intent::Create, image.as_str())];

    let foretold = done(&place.world, &args, Mode::Check).await;
    assert_eq!(planned(&foretold), all);
    assert_eq!(foretold.result["image"], format!("{uri}:1"), "known before it is there");
    assert_eq!(foretold.result["repository_uri"], uri);
    assert!(rplay_module::unknown::is_unknown(foretold.result["digest"].as_str().unwrap()));
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    place.world.next_run();

    let pushed = done(&place.world, &args, Mode::Apply).await;
    assert_eq!(planned(&pushed), all);
    assert_eq!(pushed.result["image"], format!("{uri}:1"));
    assert!(pushed.result["digest"].as_str().unwrap().starts_with("sha256:"), "{:?}", pushed.result);
    assert_eq!(
        pushed.result["repository_arn"],
        format!("arn:aws:ecr:eu-west-1:000000000000:repository/{name}")
    );
    assert_eq!(place.tags(), [json!(["1"])]);
    let here = place.engine.image(&format!("{uri}:1")).await.unwrap();
    assert!(
        here.is_some_and(|image| image.names.len() == 2),
        "and the registry's own address is no name of it"
    );
    assert!(place.world.progress().iter().any(|progress| progress.headline.starts_with("pushing ")));
    assert!(place.world.secrets().contains(&"ministack-auth-token".to_owned()));

    place.keeps(&args).await;
    assert_eq!(place.calls(), ["BatchGetImage", "DescribeRepositories", "ListTagsForResource"]);

    let doomed = done(&place.world, &args, Mode::PlanDestroy).await;
    assert_eq!(planned(&doomed), [(Intent::Delete, image.as_str()), (Intent::Delete, repository.as_str())]);
    done(&place.world, &args, Mode::Destroy).await;
    let left = place.raw.ecr("DescribeRepositories", &json!({}))["repositories"].clone();
    assert!(left.as_array().unwrap().iter().all(|left| left["repositoryName"] != name.as_str()), "{left}");
    assert!(place.engine.image(&format!("{uri}:1")).await.unwrap().is_none());
    let again = done(&place.world, &args, Mode::Destroy).await;
    assert!(!again.changed && again.kept.is_empty(), "{:?}", again.kept);
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn another_image_of_the_same_tag_is_pushed() {
    let place = Place::new("moved").await;
    place.build("latest", "one", &[]).await;
    let args = place.args("latest");
    let first = done(&place.world, &args, Mode::Apply).await;
    place.build("latest", "two", &[]).await;
    let second = done(&place.world, &args, Mode::Apply).await;
    assert_eq!(planned(&second), [(Intent::Update, format!("ecr.image {}:latest", place.name).as_str())]);
    assert_eq!(fields(&second), ["id", "named_in_engine"]);
    assert_ne!(first.result["digest"], second.result["digest"]);
    place.keeps(&args).await;
    // The first one has lost its tag to the second and is ours all the same.
    assert_eq!(place.tags(), [json!([]), json!(["latest"])]);
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["latest"]).await;
}

#[tokio::test]
async fn an_image_built_anew_of_the_same_content_is_not_pushed() {
    let place = Place::new("content").await;
    let content = "0123456789abcdef0123456789abcdef";
    let tag = &content[..16];
    place.build(tag, "one", &[("rplay.content", content), ("built", "here")]).await;
    let args = place.args(tag);
    done(&place.world, &args, Mode::Apply).await;
    place.build(tag, "one", &[("rplay.content", content), ("built", "there")]).await;
    let renamed = done(&place.world, &args, Mode::Apply).await;
    assert_eq!(fields(&renamed), ["named_in_engine"]);
    assert_eq!(place.pushes(), 1);
    place.keeps(&args).await;
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&[tag]).await;
}

#[tokio::test]
async fn what_a_push_that_was_cut_off_has_called_the_image_is_taken_back() {
    let place = Place::new("cut-off").await;
    place.build("1", "hello", &[]).await;
    let args = place.args("1");
    done(&place.world, &args, Mode::Apply).await;
    let host = place.proxy.endpoint().replace("http://", "");
    let there = Reference::new(format!("{host}/{}", place.name), "1");
    place.engine.tag(&format!("{}:1", place.name), &there).await.unwrap();
    let cleaned = done(&place.world, &args, Mode::Apply).await;
    assert_eq!(fields(&cleaned), ["named_in_engine"]);
    assert_eq!(place.pushes(), 1);
    let here = place.engine.image(&format!("{}:1", place.uri())).await.unwrap();
    assert!(here.is_some_and(|image| image.names.len() == 2));
    place.keeps(&args).await;
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn an_image_that_somebody_else_pushed_keeps_the_repository() {
    let place = Place::new("foreign").await;
    place.build("1", "ours", &[]).await;
    let args = place.args("1");
    done(&place.world, &args, Mode::Apply).await;
    place.raw.ecr(
        "PutImage",
        &json!({ "repositoryName": place.name, "imageManifest": "{}", "imageTag": "theirs" }),
    );
    let destroyed = done(&place.world, &args, Mode::Destroy).await;
    assert_eq!(destroyed.kept.len(), 1);
    assert!(destroyed.kept[0].why.to_string().contains(":theirs"), "{:?}", destroyed.kept);
    assert_eq!(place.tags(), [json!(["theirs"])]);
    place.raw.ecr("DeleteRepository", &json!({ "repositoryName": place.name, "force": true }));
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn a_lost_answer_and_a_throttled_read_make_no_difference() {
    let place = Place::new("trouble").await;
    place.build("1", "hello", &[]).await;
    place.proxy.add_rule(Rule::on("ecr", "CreateRepository").nth(1).lose_the_answer());
    place.proxy.add_rule(Rule::on("ecr", "BatchGetImage").nth(1).throttle());
    let args = place.args("1");
    assert!(done(&place.world, &args, Mode::Apply).await.changed);
    place.keeps(&args).await;
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn force_pushes_what_is_there_already() {
    let place = Place::new("force").await;
    place.build("1", "hello", &[]).await;
    let mut args = place.args("1");
    done(&place.world, &args, Mode::Apply).await;
    args["force"] = json!(true);
    place.proxy.clear_calls();
    assert!(done(&place.world, &args, Mode::Check).await.changed);
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    assert!(done(&place.world, &args, Mode::Apply).await.changed);
    assert_eq!(place.pushes(), 1);
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn an_edit_of_the_repository_changes_one_field() {
    let place = Place::new("edits").await;
    place.build("1", "hello", &[]).await;
    let mut args = place.args("1");
    done(&place.world, &args, Mode::Apply).await;
    let statement =
        |action: &str| json!({ "Sid": "a", "Effect": "Allow", "Principal": "*", "Action": action });
    let policy = |action: &str| json!({ "Version": "2012-10-17", "Statement": [statement(action)] });
    let lifecycle = |days: u32| {
        let selection = json!({ "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days",
            "countNumber": days });
        json!({ "rules": [{ "rulePriority": 1, "selection": selection, "action": { "type": "expire" } }] })
    };
    for (key, value, field) in [
        ("scan_on_push", json!(false), "scan_on_push"),
        ("image_tag_mutability", json!("immutable"), "image_tag_mutability"),
        ("policy", policy("ecr:BatchGetImage"), "policy.Statement.Action"),
        ("policy", json!(policy("ecr:*").to_string()), "policy.Statement.Action"),
        ("lifecycle_policy", lifecycle(1), "lifecycle_policy.rules"),
        ("lifecycle_policy", lifecycle(2), "lifecycle_policy.rules.0.selection.countNumber"),
        ("tags", json!({ "a": "1" }), "tags.a"),
        ("tags", json!({}), "tags.a"),
    ] {
        args[key] = value;
        let changed = done(&place.world, &args, Mode::Apply).await;
        assert_eq!(fields(&changed)[0], field, "{:?}", changed.planned);
        let name = field.split('.').next().unwrap();
        assert!(fields(&changed).iter().all(|path| path.starts_with(name)), "{:?}", fields(&changed));
        place.keeps(&args).await;
    }
    for (name, purge) in [("policy", "purge_policy"), ("lifecycle_policy", "purge_lifecycle_policy")] {
        args.as_object_mut().unwrap().remove(name);
        place.keeps(&args).await;
        args[purge] = json!(true);
        assert!(done(&place.world, &args, Mode::Apply).await.changed, "{purge}");
        place.keeps(&args).await;
    }
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["1"]).await;
}

#[tokio::test]
async fn an_image_that_the_engine_does_not_have_cannot_be_pushed() {
    let place = Place::new("absent").await;
    let failure = run(&place.world, &place.args("1"), Mode::Check).await.failure.unwrap();
    let message = format!("could not push the image {}:1: the Docker engine does not have it", place.name);
    assert_eq!(failure.message, message);
}

#[tokio::test]
async fn a_push_that_the_registry_refuses_says_why() {
    let place = Place::new("refused").await;
    place.build("1", "one", &[]).await;
    let mut args = place.args("1");
    args["image_tag_mutability"] = json!("immutable");
    done(&place.world, &args, Mode::Apply).await;
    place.build("1", "two", &[]).await;
    let failure = run(&place.world, &args, Mode::Apply).await.failure.unwrap();
    assert!(failure.message.contains("immutable"), "{failure}");
    done(&place.world, &args, Mode::Destroy).await;
    place.clear(&["1"]).await;
}
