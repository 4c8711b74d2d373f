//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Rule, StandIn};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_lives_from_check_to_destroy_with_its_zone() {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    let record = async |args: Value, mode: Mode| {
        let outcome = Box::pin(drive::resource(&Record, &world.native_cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let zone = async |mode: Mode| {
        let args = json!({ "zone": "record.example" });
        let outcome = Box::pin(drive::resource(&ZoneResource, &world.cx(), &args, mode)).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, proxy.log());
        outcome
    };
    let args = |target: &str| {
        json!({
            "zone": "record.example", "record": "*.record.example", "type": "A",
            "alias": { "dns_name": target, "hosted_zone_id": "Z32O12XQLNTSW2" },
        })
    };
    assert!(zone(Mode::Check).await.changed);
    assert!(record(args("one.elb.amazonaws.com"), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    world.next_run();

    assert!(zone(Mode::Apply).await.changed);
    proxy.add_rule(Rule::on("route53", "ChangeResourceRecordSets").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("route53", "ListResourceRecordSets").nth(2).throttle());
    assert!(record(args("one.elb.amazonaws.com"), Mode::Apply).await.changed);
    proxy.clear_calls();

    assert!(!record(args("One.elb.amazonaws.com."), Mode::Apply).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    assert_eq!(proxy.calls().len(), 2, "{}", proxy.log());

    assert_eq!(paths(&record(args("two.elb.amazonaws.com"), Mode::Apply).await), ["alias.dns_name"]);

    // What rplay did not make stays, and with it the zone.
    let by_hand = json!({ "zone": "record.example", "record": "mine", "type": "A", "values": ["10.0.0.1"] });
    world.next_run();
    assert!(record(args("two.elb.amazonaws.com"), Mode::Destroy).await.changed);
    let by_hand_world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    Box::pin(drive::resource(&Record, &by_hand_world.native_cx(), &by_hand, Mode::Apply)).await;
    let kept = zone(Mode::Destroy).await;
    assert!(!kept.changed);
    assert_eq!(kept.kept[0].why.to_string(), "holds what rplay did not make: record mine.record.example A");
    Box::pin(drive::resource(&Record, &by_hand_world.native_cx(), &by_hand, Mode::Destroy)).await;
    assert!(zone(Mode::Destroy).await.changed);
    assert!(!zone(Mode::Destroy).await.changed);
}
