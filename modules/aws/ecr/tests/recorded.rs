//! Against recorded answers: what the stand-in does not know. There is no engine here but where a test says so.

use rplay_aws::Transport;
use rplay_module::unknown::{Cause, is_unknown, marker};
use rplay_module::{Address, FailureKind, Foretold, KeptWhy, Realm, World as _};
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::json;

use super::*;

const ARN: &str = "arn:aws:ecr:eu-west-1:123456789012:repository/app";
const URI: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app";

fn world(expected: impl IntoIterator<Item = Expected>) -> (Arc<TestWorld>, Recorded) {
    let world = TestWorld::aws().env("DOCKER_HOST", "unix:///nowhere/docker.sock").start();
    let recorded = Recorded::new(expected);
    world.cx().shared::<Transport>().replace(recorded.client());
    (world, recorded)
}

fn args() -> Value {
    json!({ "image": "app:1", "repository": "app" })
}

fn with(changes: &Value) -> Value {
    let mut args = args();
    for (key, change) in changes.as_object().unwrap() {
        args[key] = change.clone();
    }
    args
}

fn repository(more: &Value) -> Value {
    let mut repository = json!({
        "repositoryName": "app", "repositoryArn": ARN, "repositoryUri": URI, "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": { "scanOnPush": false },
        "encryptionConfiguration": { "encryptionType": "AES256" },
    });
    for (key, value) in more.as_object().unwrap() {
        repository[key] = value.clone();
    }
    json!({ "repositories": [repository] })
}

fn found() -> Expected {
    Expected::json("DescribeRepositories").answers(&repository(&json!({})))
}

fn tags() -> Expected {
    Expected::json("ListTagsForResource").answers(&json!({ "tags": [] })).repeatedly()
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity")
        .gives("<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/me</Arn>")
}

fn image(manifest: &Value) -> Expected {
    let image = json!({ "imageId": { "imageDigest": "sha256:aa", "imageTag": "1" }, "imageManifest": manifest.to_string() });
    Expected::json("BatchGetImage")
        .body(json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "1" }] }))
        .answers(&json!({ "images": [image], "failures": [] }))
}

fn pushed() -> Expected {
    image(&json!({ "config": { "digest": "sha256:c1" } }))
}

fn no_image() -> Expected {
    let failure = json!({ "imageId": { "imageTag": "1" }, "failureCode": "ImageNotFound" });
    Expected::json("BatchGetImage").answers(&json!({ "images": [], "failures": [failure] }))
}

/// Says what `docker_build` says in a plan.
fn foretell_build(world: &TestWorld) {
    let id = marker(Cause::Created, "docker.image app:1: id");
    world.foretell(Address::new("docker.image", "app:1"), Foretold::Created(id));
}

#[tokio::test]
async fn an_image_that_is_to_be_built_is_foretold_without_asking_the_engine() {
    let (world, recorded) =
        world([Expected::json("DescribeRepositories").refuses("RepositoryNotFoundException", "none"), who()]);
    foretell_build(&world);
    let foretold = done(&world, &args(), Mode::Plan).await;
    assert_eq!(
        planned(&foretold),
        [(Intent::Create, "ecr.repository app"), (Intent::Create, "ecr.image app:1")]
    );
    assert_eq!(foretold.result["image"], format!("{URI}:1"));
    assert_eq!(foretold.result["repository_arn"], ARN);
    assert_eq!(foretold.result["tag"], "1");
    assert!(is_unknown(foretold.result["digest"].as_str().unwrap()));
    recorded.done();
}

#[tokio::test]
async fn an_image_that_is_to_be_built_anew_may_change_what_is_there() {
    let (world, _recorded) = world([found(), pushed(), tags()]);
    foretell_build(&world);
    let foretold = done(&world, &args(), Mode::Plan).await;
    assert_eq!(planned(&foretold), [(Intent::MayChange, "ecr.image app:1")]);
}

#[tokio::test]
async fn an_image_whose_name_is_not_known_yet_is_foretold() {
    let (world, _recorded) = world([found(), tags()]);
    let unknown = with(&json!({ "image": marker(Cause::Created, "docker.image app: name") }));
    let foretold = done(&world, &unknown, Mode::Plan).await;
    assert_eq!(planned(&foretold)[0].0, Intent::Create, "{:?}", foretold.planned);
}

#[tokio::test]
async fn what_is_pushed_needs_no_engine() {
    let (world, recorded) = world([found(), pushed(), tags()]);
    let kept = done(&world, &args(), Mode::Apply).await;
    assert!(!kept.changed, "{:?}", kept.planned);
    assert_eq!(kept.result["digest"], "sha256:aa");
    assert_eq!(kept.result["image"], format!("{URI}:1"));
    assert_eq!(recorded.calls(), ["DescribeRepositories", "ListTagsForResource", "BatchGetImage"]);
}

#[tokio::test]
async fn without_an_engine_nothing_can_be_pushed() {
    let (world, _recorded) = world([found(), no_image(), tags()]);
    let failure = run(&world, &args(), Mode::Check).await.failure.unwrap();
    assert!(failure.message.starts_with("could not reach a Docker engine at unix:///nowhere/"), "{failure}");
    assert!(failure.hint.unwrap().contains("DOCKER_HOST"));
}

#[tokio::test]
async fn an_image_that_cannot_be_read_is_a_failure_and_none_that_is_missing() {
    let failure = json!({ "failureCode": "KmsError", "failureReason": "the key is disabled" });
    let (world, _recorded) = world([
        found(),
        Expected::json("BatchGetImage").answers(&json!({ "images": [], "failures": [failure] })),
        tags(),
    ]);
    let failure = run(&world, &args(), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "could not read image app:1: KmsError: the key is disabled");
}

#[tokio::test]
async fn encryption_is_for_ever_and_the_key_may_be_called_by_any_of_its_names() {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1234";
    let encrypted = || {
        let encryption = json!({ "encryptionType": "KMS", "kmsKey": key });
        Expected::json("DescribeRepositories")
            .answers(&repository(&json!({ "encryptionConfiguration": encryption })))
    };
    for name in [json!(null), json!(key), json!("1234"), json!("alias/mine")] {
        let (world, _recorded) = world([encrypted(), pushed(), tags()]);
        let args = with(&json!({ "encryption": { "type": "KMS", "kms_key": name } }));
        assert!(!done(&world, &args, Mode::Apply).await.changed, "{name}");
    }
    for encryption in [json!({ "type": "AES256" }), json!({ "type": "KMS", "kms_key": "5678" })] {
        let (world, _recorded) = world([
            encrypted(),
            Expected::json("DescribeImages").answers(&json!({ "imageDetails": [] })),
            who(),
            tags(),
        ]);
        foretell_build(&world);
        let foretold = done(&world, &with(&json!({ "encryption": encryption })), Mode::Plan).await;
        assert_eq!(planned(&foretold)[0], (Intent::Replace, "ecr.repository app"));
    }
}

#[tokio::test]
async fn a_repository_with_images_is_not_replaced() {
    let details = json!({ "imageDetails": [{ "imageTags": ["1"], "imageDigest": "sha256:aa" }] });
    let (world, _recorded) = world([found(), Expected::json("DescribeImages").answers(&details), tags()]);
    let args = with(&json!({ "encryption": { "type": "KMS" } }));
    let failure = run(&world, &args, Mode::Check).await.failure.unwrap();
    assert_eq!(
        failure.message,
        "could not replace ecr.repository app (encryption cannot be changed in place): image app:1 would be orphaned"
    );
}

#[tokio::test]
async fn creation_carries_all_that_is_asked_for() {
    let (world, recorded) = world([
        Expected::json("DescribeRepositories").refuses("RepositoryNotFoundException", "none"),
        who(),
        Expected::json("CreateRepository").body(json!({
            "repositoryName": "app",
            "imageScanningConfiguration": { "scanOnPush": true },
            "imageTagMutability": "IMMUTABLE",
            "encryptionConfiguration": { "encryptionType": "KMS", "kmsKey": "alias/mine" },
            "tags": [{ "Key": "app", "Value": "web" }, { "Key": "rplay:owner", "Value": "rplay" }],
        })),
        Expected::json("PutLifecyclePolicy").body(json!({ "lifecyclePolicyText": r#"{"rules":[]}"# })),
        Expected::json("DescribeRepositories").answers(&repository(&json!({
            "imageScanningConfiguration": { "scanOnPush": true },
            "imageTagMutability": "IMMUTABLE",
            "encryptionConfiguration": { "encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-west-1:1:key/1" },
        }))),
        Expected::json("GetLifecyclePolicy").answers(&json!({ "lifecyclePolicyText": r#"{ "rules": [] }"# })),
        Expected::json("ListTagsForResource").answers(&json!({ "tags": [{ "Key": "app", "Value": "web" }] })),
        no_image(),
    ]);
    let args = with(&json!({
        "scan_on_push": true,
        "image_tag_mutability": "immutable",
        "encryption": { "type": "KMS", "kms_key": "alias/mine" },
        "lifecycle_policy": { "rules": [] },
        "tags": { "app": "web" },
    }));
    let failure = run(&world, &args, Mode::Apply).await.failure.unwrap();
    assert!(
        failure.message.contains("Docker engine"),
        "the repository is made, the image cannot be: {failure}"
    );
    recorded.done();
}

#[tokio::test]
async fn policies_go_to_ecr_as_they_are_written() {
    let rule = |priority: u8| {
        let images =
            json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": priority });
        json!({ "rulePriority": priority, "selection": images, "action": { "type": "expire" } })
    };
    let lifecycle = json!({ "rules": [rule(2), rule(1)] });
    let policy = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "ecr:*" } });
    let theirs = json!({ "Version": "2008-10-17", "Statement": [policy["Statement"]] });
    let read = |action: &str, name: &str, text: &Value| {
        let answer = json!({ name: text.to_string() });
        Expected::json(action).answers(&answer)
    };
    let (world, recorded) = world([
        found(),
        found(),
        tags(),
        Expected::json("GetLifecyclePolicy").refuses("LifecyclePolicyNotFoundException", "none"),
        Expected::json("GetRepositoryPolicy").refuses("RepositoryPolicyNotFoundException", "none"),
        Expected::json("PutLifecyclePolicy").body(json!({ "lifecyclePolicyText": lifecycle.to_string() })),
        Expected::json("SetRepositoryPolicy").body(json!({ "policyText": policy.to_string() })),
        read("GetLifecyclePolicy", "lifecyclePolicyText", &json!({ "rules": [rule(1), rule(2)] })),
        read("GetRepositoryPolicy", "policyText", &theirs),
        no_image(),
    ]);
    let failure =
        run(&world, &with(&json!({ "lifecycle_policy": lifecycle, "policy": policy })), Mode::Apply)
            .await
            .failure;
    let failure = failure.expect("there is no engine for the image");
    assert!(failure.message.contains("Docker engine"), "{failure}");
    recorded.done();
}

#[tokio::test]
async fn a_repository_keeps_what_was_pushed_to_it_by_others() {
    let details = json!({ "imageDetails": [
        { "imageTags": ["1", "theirs"], "imageDigest": "sha256:aa" },
        { "imageDigest": "sha256:bb" },
    ] });
    let ours = json!({ "tags": [{ "Key": "rplay:owner", "Value": "rplay" }] });
    let (world, _recorded) = world([
        found(),
        Expected::json("DescribeRepositories").answers(&repository(&json!({}))),
        pushed(),
        who(),
        Expected::json("DescribeImages").answers(&details),
        Expected::json("ListTagsForResource").answers(&ours),
    ]);
    let doomed = done(&world, &args(), Mode::PlanDestroy).await;
    let names = ["image app:1", "image app:theirs", "image app@sha256:bb"].map(str::to_owned);
    assert_eq!(doomed.kept[0].why, KeptWhy::NotOurs, "the image: the file does not name it");
    assert_eq!(doomed.kept[1].why, KeptWhy::Holds(names.to_vec()));
}

#[tokio::test]
async fn a_repository_that_is_to_go_says_what_goes_with_it() {
    let realm =
        || Realm { account: "123456789012".into(), region: "eu-west-1".into(), endpoint: String::new() };
    let ours = json!({ "tags": [{ "Key": "rplay:owner", "Value": "rplay" }] });
    for (tags, reason) in [
        (&["1"][..], None),
        (&["1", "2"], Some("with image app:2")),
        (&["1", "2", "3", "4"], Some("with 3 images")),
    ] {
        let owned = |world: TestWorld, tag: &&str| {
            world.owning(Address::new("ecr.image", format!("app:{tag}")), realm())
        };
        let world = TestWorld::aws().env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        let world = tags.iter().fold(world, owned).start();
        let recorded = Recorded::new([
            found(),
            found(),
            pushed(),
            who(),
            Expected::json("DescribeImages").answers(&json!({ "imageDetails": [{ "imageTags": tags }] })),
            Expected::json("ListTagsForResource").answers(&ours),
        ]);
        world.cx().shared::<Transport>().replace(recorded.client());
        let doomed = done(&world, &args(), Mode::PlanDestroy).await;
        assert_eq!(
            planned(&doomed),
            [(Intent::Delete, "ecr.image app:1"), (Intent::Delete, "ecr.repository app")]
        );
        assert_eq!(doomed.planned[1].reason.as_deref(), reason);
        recorded.done();
    }
}

#[tokio::test]
async fn wrong_arguments_are_told_before_any_call() {
    let (world, recorded) = world([]);
    for (args, message) in [
        (json!({}), "missing required arguments: image, repository"),
        (
            with(&json!({ "image_tag_mutability": "sometimes" })),
            "value of image_tag_mutability must be one of: MUTABLE, mutable, IMMUTABLE, immutable, got: sometimes",
        ),
        (
            with(&json!({ "encryption": { "type": "ROT13" } })),
            "value of type must be one of: AES256, KMS, KMS_DSSE, got: ROT13 found in encryption",
        ),
        (with(&json!({ "policy": {}, "purge_policy": true })), "policy and purge_policy exclude each other"),
        (
            with(&json!({ "lifecycle_policy": {}, "purge_lifecycle_policy": true })),
            "lifecycle_policy and purge_lifecycle_policy exclude each other",
        ),
    ] {
        let failure = run(&world, &args, Mode::Check).await.failure.unwrap();
        assert!(matches!(failure.kind, FailureKind::Arguments(_)), "{failure}");
        assert_eq!(failure.message, message);
    }
    assert!(recorded.calls().is_empty());
}
