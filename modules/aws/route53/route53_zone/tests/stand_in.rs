//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Rule, StandIn};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_lives_from_check_to_destroy() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let run = async |args: Value, mode: Mode| {
        let outcome = Box::pin(drive::resource(&ZoneResource, &world.cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let args =
        |comment: &str| json!({ "zone": "life.example", "comment": comment, "tags": { "app": "web" } });
    assert!(run(args("one"), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    world.next_run();

    proxy.add_rule(Rule::on("route53", "CreateHostedZone").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("route53", "ListHostedZonesByName").nth(2).throttle());
    assert!(run(args("one"), Mode::Apply).await.changed);
    proxy.clear_calls();

    assert!(!run(args("one"), Mode::Apply).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    assert_eq!(proxy.calls().len(), 2, "{}", proxy.log());

    assert_eq!(paths(&run(args("two"), Mode::Apply).await), ["comment"]);
    assert!(run(args("two"), Mode::Destroy).await.changed);
    assert!(!run(args("two"), Mode::Destroy).await.changed);
}
