//! What is called, how often, and what comes of it.

use rplay_aws::Transport;
use rplay_module::{Action, Intent, Mode, Outcome, World as _, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;
use crate::content::{Marks, etag_in_parts};
use crate::s3_bucket::BucketResource;
use crate::testing;

mod reading;
mod stand_in;

const PATH: &str = "/web/index.html";

type Task = testing::Task<ObjectResource>;

impl Task {
    async fn act<A: Action>(&self, action: A, args: Value, mode: Mode) -> Outcome {
        Box::pin(drive::action(&action, "s3_object", &self.world.cx(), &args, mode)).await
    }
}

fn none() -> Expected {
    Expected::rest("HEAD", PATH).answers_with(404, &[], "")
}

fn bucket() -> Expected {
    Expected::rest("HEAD", "/web").answers_with(200, &[], "")
}

fn quoted(content: &str) -> String {
    format!("\"{}\"", Marks::of(content.as_bytes()).md5)
}

fn there(content: &str, further: &[(&str, &str)]) -> Expected {
    let (etag, size) = (quoted(content), content.len().to_string());
    let mut headers =
        vec![("etag", etag.as_str()), ("content-length", &size), ("content-type", "binary/octet-stream")];
    headers.retain(|(name, _)| further.iter().all(|(other, _)| other != name));
    headers.extend(further);
    Expected::rest("HEAD", PATH).answers_with(200, &headers, "")
}

fn sent() -> Expected {
    Expected::rest("PUT", PATH).without("tagging")
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn tagged(pairs: &[(&str, &str)]) -> Expected {
    let tag = |(key, value): &(&str, &str)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let inside: String = pairs.iter().map(tag).collect();
    Expected::rest("GET", PATH)
        .parameter("tagging", "")
        .answers_xml(&format!("<Tagging><TagSet>{inside}</TagSet></Tagging>"))
}

fn paths(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}

fn put(content: &str, further: &Value) -> Value {
    let mut args = json!({ "bucket": "web", "object": "index.html", "mode": "put", "content": content });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

#[tokio::test]
async fn a_check_foretells_an_object_without_a_write() {
    let task = Task::new([none(), bucket()]);
    let outcome = task.ok(put("hello", &json!({})), Mode::Check).await;
    assert_eq!(outcome.planned[0].address, "s3.object web/index.html");
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert_eq!(paths(&outcome), ["etag", "headers.Content-Type", "metadata"]);
}

#[tokio::test]
async fn an_object_is_put_encrypted_and_kept_with_one_call() {
    let task = Task::new([
        none(),
        bucket(),
        who(),
        sent()
            .header("x-amz-server-side-encryption", "AES256")
            .header("content-type", "binary/octet-stream")
            .containing("hello"),
        there("hello", &[]).repeatedly(),
    ]);
    let outcome = task.ok(put("hello", &json!({})), Mode::Apply).await;
    assert_eq!(outcome.result["msg"], "PUT operation complete");
    assert!(outcome.result["url"].as_str().unwrap().starts_with("http://127.0.0.1:1/web/index.html?"));
    assert_eq!(outcome.result["tags"], json!({}));
    assert_eq!(task.calls.calls(), [PATH, "/web", "GetCallerIdentity", PATH, PATH]);
    let outcome = task.ok(put("hello", &json!({})), Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(outcome.result["msg"], "Download url:");
    assert_eq!(outcome.result["expiry"], 600);
    assert_eq!(task.calls.calls().len(), 6);
}

#[tokio::test]
async fn a_file_tells_its_type_by_its_name() {
    let task = Task::new([
        none(),
        bucket(),
        who(),
        sent().header("content-type", "text/html"),
        there("<p>", &[("content-type", "text/html")]).repeatedly(),
    ]);
    std::fs::write(task.world.folder().join("index.html"), "<p>").unwrap();
    let src = task.world.folder().join("index.html");
    let args = json!({ "bucket": "web", "object": "index.html", "mode": "put", "src": src });
    assert!(task.ok(args.clone(), Mode::Apply).await.changed);
    assert!(!task.ok(args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn an_object_of_a_bucket_to_be_created_is_foretold_without_asking_for_it() {
    let task = Task::new([bucket_none()]);
    let (cx, args) = (task.world.cx(), json!({ "name": "web" }));
    assert!(Box::pin(drive::resource(&BucketResource, &cx, &args, Mode::Check)).await.changed);
    let outcome = task.ok(put("hello", &json!({})), Mode::Check).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
    assert_eq!(task.calls.calls().len(), 1);
}

fn bucket_none() -> Expected {
    Expected::rest("HEAD", "/web").answers_with(404, &[], "")
}

#[tokio::test]
async fn an_object_of_no_bucket_fails_in_check_as_well() {
    let task = Task::new([none().repeatedly(), bucket_none().repeatedly()]);
    for mode in [Mode::Check, Mode::Apply] {
        let failure = task.run(put("hello", &json!({})), mode).await.failure.unwrap();
        assert_eq!(failure.message, "could not find s3.bucket web");
    }
}

#[tokio::test]
async fn each_edit_changes_what_was_edited() {
    let have = || {
        there(
            "hello",
            &[
                ("cache-control", "no-store"),
                ("x-amz-meta-version", "1"),
                ("x-amz-server-side-encryption", "AES256"),
            ],
        )
    };
    for (content, edit, expected) in [
        ("hello", json!({}), vec![]),
        ("other", json!({}), vec!["etag"]),
        ("other", json!({ "overwrite": "never" }), vec![]),
        ("hello", json!({ "metadata": { "version": "1" } }), vec![]),
        ("hello", json!({ "metadata": { "version": "2" } }), vec!["metadata.version"]),
        ("hello", json!({ "metadata": { "version": "1", "CacheControl": "no-store" } }), vec![]),
        (
            "hello",
            json!({ "headers": { "cache-control": "max-age=1" }, "metadata": { "version": "1" } }),
            vec!["headers.Cache-Control"],
        ),
        (
            "hello",
            json!({ "metadata": { "version": "1", "Content-Type": "text/html" } }),
            vec!["headers.Content-Type"],
        ),
        ("hello", json!({ "encryption_mode": "AES256" }), vec![]),
        ("hello", json!({ "encryption_mode": "aws:kms" }), vec!["encryption.mode"]),
        ("hello", json!({ "overwrite": "always" }), vec!["sent"]),
    ] {
        let task = Task::new([have()]);
        assert_eq!(paths(&task.ok(put(content, &edit), Mode::Check).await), expected, "{edit}");
    }
}

#[tokio::test]
async fn what_is_always_sent_is_sent_once_a_run() {
    let task = Task::new([there("hello", &[]).repeatedly(), sent()]);
    assert!(task.ok(put("hello", &json!({ "overwrite": "always" })), Mode::Apply).await.changed);
    assert_eq!(task.calls.calls().len(), 3);
}

#[tokio::test]
async fn what_was_sent_in_parts_is_told_from_something_else() {
    let etag = format!("\"{}\"", etag_in_parts(b"aaaabb", 4));
    let part = || {
        Expected::rest("HEAD", PATH).parameter("partNumber", "1").answers_with(
            206,
            &[("content-length", "4")],
            "",
        )
    };
    let have = |size: &str| there("", &[("etag", &etag), ("content-length", size)]).without("partNumber");
    let task = Task::new([have("6"), part()]);
    assert!(!task.ok(put("aaaabb", &json!({})), Mode::Apply).await.changed);
    let task = Task::new([have("6"), part()]);
    assert_eq!(paths(&task.ok(put("aaaabc", &json!({})), Mode::Check).await), ["etag"]);
    // Of another size: nothing has to be asked.
    let task = Task::new([have("7")]);
    assert_eq!(paths(&task.ok(put("aaaabb", &json!({})), Mode::Check).await), ["etag"]);
}

#[tokio::test]
async fn under_a_key_of_kms_the_checksum_tells_what_the_etag_does_not() {
    // A rule of S3: such an object's ETag is no MD5. A stand-in's is.
    let sha256 = Marks::of(b"hello").sha256;
    let have = |checksum: &str| {
        there(
            "",
            &[
                ("etag", "\"5d41402abc4b2a76b9719d911017c593\""),
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu-west-1:1:key/k1"),
                ("x-amz-checksum-sha256", checksum),
            ],
        )
        .header("x-amz-checksum-mode", "ENABLED")
    };
    let args =
        |content: &str| put(content, &json!({ "encryption_mode": "aws:kms", "encryption_kms_key_id": "k1" }));
    let task = Task::new([have(&sha256)]);
    assert!(!task.ok(args("hello"), Mode::Apply).await.changed);
    let task = Task::new([
        have("other"),
        sent()
            .header("x-amz-checksum-sha256", &sha256)
            .header("x-amz-server-side-encryption-aws-kms-key-id", "k1"),
        have(&sha256),
    ]);
    assert_eq!(paths(&task.ok(args("hello"), Mode::Apply).await), ["etag"]);
}

#[tokio::test]
async fn tags_are_sent_along_and_else_written_alone() {
    let args = || put("hello", &json!({ "tags": { "app": "a b" } }));
    let task = Task::new([
        none(),
        bucket(),
        who(),
        sent().header("x-amz-tagging", "app=a%20b"),
        there("hello", &[("x-amz-tagging-count", "1")]).repeatedly(),
        tagged(&[("app", "a b")]),
    ]);
    assert_eq!(task.ok(args(), Mode::Apply).await.result["tags"], json!({ "app": "a b" }));

    let task = Task::new([
        there("hello", &[("x-amz-tagging-count", "1")]).repeatedly(),
        tagged(&[("old", "1")]),
        Expected::rest("PUT", PATH).parameter("tagging", "").containing("<Key>app</Key><Value>a b</Value>"),
        tagged(&[("app", "a b")]),
    ]);
    assert_eq!(paths(&task.ok(args(), Mode::Apply).await), ["tags.app", "tags.old"]);
}

#[tokio::test]
async fn tags_that_are_not_managed_survive_a_new_content() {
    // S3 drops the tags of an object that is put without any.
    let task = Task::new([
        there("old", &[("x-amz-tagging-count", "1")]),
        tagged(&[("app", "web")]),
        sent().header("x-amz-tagging", "app=web"),
        there("hello", &[("x-amz-tagging-count", "1")]),
    ]);
    assert_eq!(paths(&task.ok(put("hello", &json!({})), Mode::Apply).await), ["etag"]);
}

#[tokio::test]
async fn a_lost_answer_of_a_put_is_a_put() {
    let task = Task::new([
        none(),
        bucket(),
        who(),
        sent().loses_the_answer(),
        sent(),
        there("hello", &[]).repeatedly(),
    ]);
    assert!(task.ok(put("hello", &json!({})), Mode::Apply).await.changed);
}

#[tokio::test]
async fn an_object_is_deleted_and_then_there_is_none() {
    let args = || json!({ "bucket": "web", "object": "index.html", "mode": "delobj" });
    let task = Task::new([
        there("hello", &[]),
        who(),
        Expected::rest("DELETE", PATH).answers_with(204, &[], ""),
        none().repeatedly(),
        bucket().repeatedly(),
    ]);
    assert_eq!(
        task.ok(args(), Mode::Apply).await.result["msg"],
        "Object index.html deleted from bucket web."
    );
    let outcome = task.ok(args(), Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(outcome.result["msg"], "Object index.html is not in bucket web.");
}

#[tokio::test]
async fn a_destroyed_object_leaves_no_versions_behind() {
    let realm = Realm {
        account: "123456789012".to_owned(),
        endpoint: "http://127.0.0.1:1".to_owned(),
        ..Realm::default()
    };
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .owning(keys::object("web", "index.html"), realm)
        .start();
    let versions = "<ListVersionsResult><IsTruncated>false</IsTruncated>\
                    <Version><Key>index.html</Key><VersionId>1</VersionId></Version>\
                    <Version><Key>index.html.bak</Key><VersionId>2</VersionId></Version></ListVersionsResult>";
    let calls = Recorded::new([
        there("hello", &[("x-amz-version-id", "1")]),
        who(),
        Expected::rest("GET", "/web")
            .parameter("versions", "")
            .parameter("prefix", "index.html")
            .answers_xml(versions),
        Expected::rest("POST", "/web")
            .parameter("delete", "")
            .containing("<Object><Key>index.html</Key><VersionId>1</VersionId></Object><Quiet>")
            .answers_xml("<DeleteResult></DeleteResult>"),
        none(),
        bucket(),
    ]);
    world.cx().shared::<Transport>().replace(calls.client());
    let args = put("hello", &json!({}));
    let outcome = Box::pin(drive::resource(&ObjectResource, &world.cx(), &args, Mode::Destroy)).await;
    assert!(outcome.failure.is_none() && outcome.changed, "{outcome:?}");
}

#[tokio::test]
async fn a_folder_is_an_empty_object_and_left_alone_once_it_is_there() {
    let args = || json!({ "bucket": "web", "object": "logs", "mode": "create" });
    let folder = |status| Expected::rest("HEAD", "/web/logs").answers_with(status, &[("etag", "\"x\"")], "");
    let task = Task::new([
        folder(404),
        bucket(),
        who(),
        Expected::rest("PUT", "/web/logs"),
        folder(200).repeatedly(),
    ]);
    let outcome = task.ok(args(), Mode::Apply).await;
    assert_eq!(outcome.result["msg"], "Virtual directory logs/ created in bucket web");
    let outcome = task.ok(args(), Mode::Apply).await;
    assert_eq!(outcome.result["msg"], "Bucket web and key logs/ already exists.");
}

#[tokio::test]
async fn a_copy_is_made_of_what_is_there_and_kept_while_it_is_the_same() {
    let source = || {
        Expected::rest("HEAD", "/from/a%20b").answers_with(
            200,
            &[("etag", &quoted("hello")), ("content-length", "5"), ("content-type", "text/html")],
            "",
        )
    };
    let args = || json!({ "bucket": "web", "object": "index.html", "mode": "copy", "copy_src": { "bucket": "from", "object": "a b" } });
    let task = Task::new([
        source().repeatedly(),
        none(),
        bucket(),
        who(),
        Expected::rest("PUT", PATH)
            .header("x-amz-copy-source", "from/a%20b")
            .answers_xml("<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"),
        there("hello", &[("content-type", "text/html")]).repeatedly(),
    ]);
    let outcome = task.ok(args(), Mode::Apply).await;
    assert_eq!(outcome.result["msg"], "Object copied from bucket from to bucket web.");
    assert!(!task.ok(args(), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_copy_of_what_was_sent_in_parts_is_known_by_its_size_and_time() {
    // A rule of S3: the copy is made in one piece, and has another ETag.
    let (earlier, later) = ("Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT");
    let source = || {
        let headers = [("etag", "\"x-2\""), ("content-length", "5"), ("last-modified", earlier)];
        Expected::rest("HEAD", "/from/a").answers_with(200, &headers, "")
    };
    let args = || json!({ "bucket": "web", "object": "index.html", "mode": "copy", "copy_src": { "bucket": "from", "object": "a" } });
    let copy = |size: &str, time: &str| {
        let headers = [("etag", "\"y\""), ("content-length", size), ("last-modified", time)];
        Expected::rest("HEAD", PATH).answers_with(200, &headers, "")
    };
    for (size, time, same) in
        [("5", later, true), ("6", later, false), ("5", "Sun, 31 Dec 2023 00:00:00 GMT", false)]
    {
        let task = Task::new([source(), copy(size, time)]);
        assert_eq!(!task.ok(args(), Mode::Check).await.changed, same, "{size} {time}");
    }
}

#[tokio::test]
async fn a_copy_of_nothing_fails() {
    let args = json!({
        "bucket": "web", "object": "index.html", "mode": "copy", "copy_src": { "bucket": "from", "object": "a" },
    });
    let task = Task::new([Expected::rest("HEAD", "/from/a").answers_with(404, &[], "")]);
    assert_eq!(task.fails(args).await.message, "could not find s3.object from/a");
    let everything = json!({ "bucket": "web", "mode": "copy", "copy_src": { "bucket": "from" } });
    let task = Task::new([]);
    assert_eq!(
        task.fails(everything).await.message,
        "could not copy everything in a bucket: that is not built yet"
    );
}

#[tokio::test]
async fn each_wrong_argument_is_named_before_any_call() {
    let task = Task::new([]);
    for (args, expected) in [
        (json!({ "mode": "put", "object": "a", "content": "x" }), "missing required arguments: bucket"),
        (
            json!({ "mode": "put", "bucket": "web", "object": "a" }),
            "mode is put but any of the following are missing: content, content_base64, src",
        ),
        (
            json!({ "mode": "put", "bucket": "web", "object": "a", "content": "x", "src": "y" }),
            "parameters are mutually exclusive: content|content_base64|src",
        ),
        (
            json!({ "mode": "get", "bucket": "web", "object": "a" }),
            "mode is get but all of the following are missing: dest",
        ),
        (
            json!({ "mode": "copy", "bucket": "web", "object": "a" }),
            "mode is copy but all of the following are missing: copy_src",
        ),
        (
            json!({ "mode": "put", "bucket": "web", "object": "/a", "content": "x" }),
            "Parameter 'object' should not start with a leading '/'",
        ),
        (
            json!({ "mode": "put", "bucket": "web", "object": "a", "content": "x", "permission": ["all"] }),
            "value of permission must be one or more of",
        ),
        (
            json!({ "mode": "put", "bucket": "web", "object": "a", "content_base64": "%" }),
            "could not decode content_base64",
        ),
        (json!({ "mode": "put", "bucket": "web", "object": "a", "content": "x", "retries": 1 }), "retries"),
    ] {
        let message = task.fails(args).await.message;
        assert!(message.contains(expected), "{message}");
    }
}
