//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Rule, StandIn};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn objects_live_from_check_to_destroy_with_their_bucket() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let object = async |args: Value, mode: Mode| {
        let outcome = Box::pin(drive::resource(&ObjectResource, &world.cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let bucket = async |mode: Mode| {
        let args = json!({ "name": "life-of-objects", "versioning": true });
        let outcome = Box::pin(drive::resource(&BucketResource, &world.cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let page = |content: &str| {
        json!({
            "bucket": "life-of-objects", "object": "a b/index.html", "mode": "put", "content": content,
            "metadata": { "Content-Type": "text/html", "version": "1" }, "tags": { "app": "web" },
        })
    };
    let copy = json!({
        "bucket": "life-of-objects", "object": "copy.html", "mode": "copy",
        "copy_src": { "bucket": "life-of-objects", "object": "a b/index.html" },
    });
    assert!(bucket(Mode::Check).await.changed);
    assert!(object(page("one"), Mode::Check).await.changed);
    assert!(object(copy.clone(), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    world.next_run();

    assert!(bucket(Mode::Apply).await.changed);
    proxy.add_rule(Rule::on("s3", "PutObject").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("s3", "HeadObject").nth(2).throttle());
    assert_eq!(object(page("one"), Mode::Apply).await.result["tags"], json!({ "app": "web" }));
    assert!(object(copy.clone(), Mode::Apply).await.changed);
    proxy.clear_calls();

    assert!(!object(page("one"), Mode::Apply).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    assert_eq!(proxy.calls().len(), 2, "{}", proxy.log());
    assert!(!object(copy.clone(), Mode::Apply).await.changed, "{}", proxy.log());

    assert_eq!(paths(&object(page("two"), Mode::Apply).await), ["etag"]);
    assert_eq!(paths(&object(copy.clone(), Mode::Apply).await), ["etag"]);
    let read = json!({ "bucket": "life-of-objects", "object": "copy.html", "mode": "getstr" });
    let outcome = Box::pin(drive::action(&ReadObject, "s3_object", &world.cx(), &read, Mode::Apply)).await;
    assert_eq!(outcome.result["contents"], "two", "{outcome:?}");

    // Old versions go with the objects: the bucket is empty then.
    assert!(object(copy, Mode::Destroy).await.changed);
    assert!(object(page("two"), Mode::Destroy).await.changed);
    assert!(bucket(Mode::Destroy).await.changed, "{}", proxy.log());
    assert!(!bucket(Mode::Destroy).await.changed);
}
