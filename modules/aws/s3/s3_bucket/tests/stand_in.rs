//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Rule, StandIn};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_lives_from_check_to_destroy() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let run = async |args: Value, mode: Mode| {
        let outcome = Box::pin(drive::resource(&BucketResource, &world.cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let args = |app: &str, versioning: bool| {
        json!({
            "name": "life-of-a-bucket", "tags": { "app": app }, "versioning": versioning, "encryption": "AES256",
            "public_access": { "block_public_acls": true }, "object_ownership": "BucketOwnerPreferred",
            "policy": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::life-of-a-bucket/*",
                    "Condition": { "Bool": { "aws:SecureTransport": false } },
                }],
            },
        })
    };
    assert!(run(args("web", true), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    world.next_run();

    proxy.add_rule(Rule::on("s3", "CreateBucket").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("s3", "HeadBucket").nth(2).throttle());
    let made = run(args("web", true), Mode::Apply).await;
    assert_eq!(made.result["tags"], json!({ "app": "web" }));
    proxy.clear_calls();

    assert!(!run(args("web", true), Mode::Apply).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    // The bucket itself and six parts that are managed.
    assert_eq!(proxy.calls().len(), 7, "{}", proxy.log());

    assert_eq!(paths(&run(args("api", true), Mode::Apply).await), ["tags.app"]);
    assert_eq!(paths(&run(args("api", false), Mode::Apply).await), ["versioning"]);

    // What rplay did not make keeps the bucket.
    raw.rest("s3", "PUT", "/life-of-a-bucket/mine.txt", b"mine");
    let kept = run(args("api", false), Mode::Destroy).await;
    assert_eq!(kept.kept[0].why.to_string(), "holds what rplay did not make: object mine.txt");
    let mut forced = args("api", false);
    forced["force"] = json!(true);
    let plan = run(forced.clone(), Mode::PlanDestroy).await;
    assert_eq!(plan.planned[0].reason.as_deref(), Some("with the object in it"));
    assert!(run(forced.clone(), Mode::Destroy).await.changed);
    assert!(!run(forced, Mode::Destroy).await.changed);
}
