//! The same against a stand-in, with trouble on the way.

use rplay_test_support::{Proxy, Raw, Rule, StandIn};

use super::*;

fn place() -> (Proxy, Raw, Arc<TestWorld>) {
    let stand_in = StandIn::shared();
    let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", raw.id())
        .start();
    (proxy, raw, world)
}

async fn run(world: &Arc<TestWorld>, args: Value, mode: Mode) -> Outcome {
    let resource = LogGroup::<LogGroupParams>::default();
    let outcome = drive::resource(&resource, &world.native_cx(), &args, mode).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_lives_from_check_to_destroy() {
    let (proxy, raw, world) = place();
    assert!(run(&world, web(14), Mode::Check).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    world.next_run();

    proxy.add_rule(Rule::on("logs", "CreateLogGroup").nth(1).lose_the_answer());
    proxy.add_rule(Rule::on("logs", "DescribeLogGroups").nth(2).throttle());
    assert!(run(&world, web(14), Mode::Apply).await.changed);
    assert_eq!(proxy.written(), ["logs CreateLogGroup", "logs PutRetentionPolicy"]);
    proxy.clear_calls();

    assert!(!run(&world, web(14), Mode::Apply).await.changed);
    assert!(proxy.writes().is_empty(), "{}", proxy.log());
    assert_eq!(proxy.calls().len(), 2, "{}", proxy.log());

    let outcome = run(&world, web(30), Mode::Apply).await;
    assert_eq!(paths(&outcome), ["retention"]);
    let groups = raw.logs("DescribeLogGroups", &json!({}));
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 30);

    assert!(run(&world, web(30), Mode::Destroy).await.changed);
    assert_eq!(raw.logs("DescribeLogGroups", &json!({}))["logGroups"], json!([]));
    assert!(!run(&world, web(30), Mode::Destroy).await.changed);
}
