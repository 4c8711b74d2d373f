//! What only reads from a bucket.

use super::*;

fn asks(mode: &str, further: &Value) -> Value {
    let mut args = json!({ "bucket": "web", "object": "index.html", "mode": mode });
    args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    args
}

fn gives(content: &str) -> Expected {
    Expected::rest("GET", PATH).answers_with(200, &[("etag", &quoted(content))], content)
}

#[tokio::test]
async fn an_object_is_written_into_a_file_once() {
    let task = Task::new([there("hello", &[]).repeatedly(), gives("hello")]);
    let dest = task.world.folder().join("index.html");
    let args = || asks("get", &json!({ "dest": dest }));
    let outcome = task.act(GetObject, args(), Mode::Check).await;
    assert!(outcome.changed && !dest.exists());
    let outcome = task.act(GetObject, args(), Mode::Apply).await;
    assert_eq!(outcome.result["msg"], "GET operation complete");
    assert_eq!(std::fs::read_to_string(&dest).unwrap(), "hello");
    assert_eq!(std::fs::read_dir(task.world.folder()).unwrap().count(), 1);
    let outcome = task.act(GetObject, args(), Mode::Apply).await;
    assert!(!outcome.changed);
    assert_eq!(
        outcome.result["msg"],
        "Local and remote object are identical, ignoring. Use overwrite=always parameter to force."
    );
}

#[tokio::test]
async fn a_file_is_replaced_as_overwrite_says() {
    let remote = "Mon, 01 Jan 2024 00:00:00 GMT";
    for (overwrite, replaced) in [("different", true), ("always", true), ("never", false), ("latest", false)]
    {
        let mut expected = vec![there("new", &[("last-modified", remote)])];
        expected.extend(replaced.then(|| gives("new")));
        let task = Task::new(expected);
        let dest = task.world.folder().join("index.html");
        std::fs::write(&dest, "old").unwrap();
        let outcome = task
            .act(GetObject, asks("get", &json!({ "dest": dest, "overwrite": overwrite })), Mode::Apply)
            .await;
        assert_eq!(outcome.changed, replaced, "{overwrite}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_object_that_is_not_there_is_said_to_be_so() {
    for (mode, further, expected) in [
        ("get", json!({ "dest": "x" }), "Key index.html does not exist."),
        ("get", json!({ "dest": "x", "version": "7" }), "Key index.html with version id 7 does not exist."),
        ("geturl", json!({}), "Key index.html does not exist."),
    ] {
        let task = Task::new([none()]);
        let args = asks(mode, &further);
        let outcome = match mode {
            "get" => task.act(GetObject, args, Mode::Apply).await,
            _ => task.act(ObjectUrl, args, Mode::Apply).await,
        };
        assert_eq!(outcome.failure.unwrap().message, expected);
    }
    let task = Task::new([Expected::rest("GET", PATH).refuses("NoSuchKey", "no")]);
    let outcome = task.act(ReadObject, asks("getstr", &json!({})), Mode::Apply).await;
    assert_eq!(outcome.failure.unwrap().message, "Key index.html does not exist.");
}

#[tokio::test]
async fn an_object_is_read_as_text_in_check_mode_too() {
    let task = Task::new([gives("hellö").repeatedly()]);
    for mode in [Mode::Check, Mode::Apply] {
        let outcome = task.act(ReadObject, asks("getstr", &json!({})), mode).await;
        assert_eq!(outcome.result["contents"], "hellö");
        assert!(outcome.changed);
    }
}

#[tokio::test]
async fn a_link_is_good_for_as_long_as_it_is_asked_for() {
    let task = Task::new([there("hello", &[("x-amz-tagging-count", "1")]), tagged(&[("a", "1")])]);
    let outcome = task.act(ObjectUrl, asks("geturl", &json!({ "expiry": 60 })), Mode::Apply).await;
    let url = outcome.result["url"].as_str().unwrap();
    assert!(url.contains("X-Amz-Expires=60") && url.contains("X-Amz-Date=20231114T221320Z"), "{url}");
    assert_eq!(outcome.result["tags"], json!({ "a": "1" }));
    assert_eq!(outcome.result["expiry"], 60);
}

#[tokio::test]
async fn keys_are_listed_all_or_as_many_as_asked_for() {
    let contents = |key: &&str| format!("<Contents><Key>{key}</Key></Contents>");
    let page = |keys: &[&str], more: &str| {
        let inside: String = keys.iter().map(contents).collect();
        let truncated = !more.is_empty();
        format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{inside}</ListBucketResult>")
    };
    let list = || Expected::rest("GET", "/web").parameter("list-type", "2");
    let next = "<NextContinuationToken>t</NextContinuationToken>";
    let task = Task::new([
        list().without("continuation-token").parameter("prefix", "a").answers_xml(&page(&["a1"], next)),
        list().parameter("continuation-token", "t").answers_xml(&page(&["a2"], "")),
        list().parameter("max-keys", "1").parameter("start-after", "a1").answers_xml(&page(&["a2"], next)),
    ]);
    let args = json!({ "bucket": "web", "mode": "list", "prefix": "a" });
    let outcome = task.act(ListedKeys, args, Mode::Apply).await;
    assert_eq!(outcome.result["s3_keys"], json!(["a1", "a2"]));
    assert!(!outcome.changed);
    let args = json!({ "bucket": "web", "mode": "list", "marker": "a1", "max_keys": 1 });
    assert_eq!(task.act(ListedKeys, args, Mode::Check).await.result["s3_keys"], json!(["a2"]));
    assert_eq!(task.world.deprecations().len(), 2);
}

#[tokio::test]
async fn what_is_only_to_be_made_is_not_read() {
    let task = Task::new([none(), bucket()]);
    assert!(task.ok(put("hello", &json!({})), Mode::Check).await.changed);
    let outcome = task.act(ReadObject, asks("getstr", &json!({})), Mode::Check).await;
    assert!(unknown::is_unknown(outcome.result["contents"].as_str().unwrap()));
    let outcome = task.act(ObjectUrl, asks("geturl", &json!({})), Mode::Plan).await;
    assert!(unknown::is_unknown(outcome.result["url"].as_str().unwrap()));
    let outcome = task.act(GetObject, asks("get", &json!({ "dest": "x" })), Mode::Check).await;
    assert!(outcome.changed && outcome.failure.is_none());
}

#[tokio::test]
async fn what_is_to_be_deleted_is_not_there_any_more() {
    let task = Task::new([there("hello", &[])]);
    assert!(task.ok(asks("delobj", &json!({})), Mode::Check).await.changed);
    let outcome = task.act(ReadObject, asks("getstr", &json!({})), Mode::Check).await;
    assert_eq!(outcome.failure.unwrap().message, "Key index.html does not exist.");
}
