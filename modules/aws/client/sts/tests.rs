//! The first client also proves what all of them share: retries, lost answers, wording.

use rplay_aws::Transport;
use rplay_module::{FailureKind, Sandbox};
use rplay_test_support::recorded::{Expected, Recorded};
use rplay_test_support::{Proxy, Rule, TestWorld};

use super::*;

const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws-cn:iam::123456789012:user/me</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

fn who() -> Expected {
    Expected::query("GetCallerIdentity").answers_xml(WHO)
}

fn recorded(world: &std::sync::Arc<TestWorld>, expected: impl IntoIterator<Item = Expected>) -> Recorded {
    let recorded = Recorded::new(expected);
    world.cx().shared::<Transport>().replace(recorded.client());
    recorded
}

#[tokio::test]
async fn who_we_are_is_asked_once_a_run() {
    let world = TestWorld::aws().start();
    let calls = recorded(&world, [who()]);
    let p = AwsParams::default();
    let identity = identity(&world.cx(), &p).await.unwrap();
    assert_eq!((identity.account.as_str(), identity.partition()), ("123456789012", "aws-cn"));
    let realm = realm(&world.cx(), &p).await.unwrap();
    assert_eq!(
        (realm.account.as_str(), realm.region.as_str(), realm.endpoint.as_str()),
        ("123456789012", "eu-west-1", "")
    );
    assert_eq!(global_realm(&world.cx(), &p).await.unwrap().region, "");
    calls.done();
    assert_eq!(world.secrets(), ["a secret access key"]);
}

#[tokio::test]
async fn throttling_is_waited_out_and_so_are_server_errors() {
    let world = TestWorld::aws().start();
    let nonsense = || Expected::query("GetCallerIdentity").answers_with(500, &[], "<html>");
    let throttled = || Expected::query("GetCallerIdentity").throttles();
    let _calls = recorded(
        &world,
        [throttled(), nonsense(), throttled(), throttled(), throttled(), throttled(), who()],
    );
    identity(&world.cx(), &AwsParams::default()).await.unwrap();
}

#[tokio::test]
async fn server_errors_end_after_a_few_attempts() {
    let world = TestWorld::aws().start();
    let calls = recorded(
        &world,
        [Expected::query("GetCallerIdentity").answers_with(503, &[], "<html>").repeatedly()],
    );
    let failure = identity(&world.cx(), &AwsParams::default()).await.unwrap_err();
    assert_eq!(calls.calls().len(), 5);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert!(failure.message.contains("the answer (HTTP 503) makes no sense: <html>"), "{failure}");
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    let world = TestWorld::aws().start();
    let refusal =
        Expected::query("GetCallerIdentity").refuses("InvalidClientTokenId", "The token is invalid.");
    let _calls = recorded(&world, [refusal]);
    let failure = identity(&world.cx(), &AwsParams::default()).await.unwrap_err();
    assert_eq!(
        failure.message,
        "could not tell who the AWS credentials belong to: InvalidClientTokenId: The token is invalid."
    );
    assert_eq!((failure.request_id.as_deref(), failure.hint.is_some()), (Some("test-request"), true));
}

#[tokio::test]
async fn a_call_that_must_not_be_repeated_is_lost_with_its_answer() {
    let world = TestWorld::aws().start();
    let calls = recorded(&world, [Expected::query("GetCallerIdentity").loses_the_answer()]);
    let sts: std::sync::Arc<Sts> = rplay_aws::client(&world.cx(), &AwsParams::default()).await.unwrap();
    let asked = sts.get_caller_identity().customize().interceptor(rplay_aws::once()).send().await;
    let failure = asked.map_err(failing("create a thing")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Lost);
    assert_eq!(
        failure.message,
        "could not create a thing: the connection to https://sts.eu-west-1.amazonaws.com: connection reset: \
         whether it happened is not known"
    );
    calls.done();
    calls.expect([Expected::query("GetCallerIdentity").throttles(), who()]);
    sts.get_caller_identity().customize().interceptor(rplay_aws::once()).send().await.unwrap();
}

#[tokio::test]
async fn nobody_listening_fails_at_once_and_names_the_endpoint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = TestWorld::aws().env("AWS_ENDPOINT_URL", &endpoint).start();
    let failure = identity(&world.cx(), &AwsParams::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(
        failure.message,
        format!(
            "could not tell who the AWS credentials belong to: could not connect to {endpoint}: \
             Connection refused (os error 111)"
        )
    );
}

#[tokio::test]
async fn over_the_network_a_lost_answer_is_lost_and_a_throttled_call_comes_again() {
    let upstream = Proxy::start("http://127.0.0.1:1");
    upstream.add_rule(Rule::any().answer(200, WHO));
    let proxy = Proxy::start(&upstream.endpoint());
    proxy.add_rule(Rule::on("sts", "GetCallerIdentity").nth(1).throttle());
    proxy.add_rule(Rule::on("sts", "GetCallerIdentity").nth(2).lose_the_answer());
    proxy.add_rule(Rule::on("sts", "GetCallerIdentity").nth(3).reset());
    let world = TestWorld::aws()
        .sandbox(Sandbox {
            endpoint: proxy.endpoint(),
            region: "us-east-1".to_owned(),
            access_key: "000000000000".to_owned(),
            secret_key: "sandbox".to_owned(),
        })
        .start();
    let realm = realm(&world.cx(), &AwsParams::default()).await.unwrap();
    assert_eq!((realm.region.as_str(), realm.endpoint.as_str()), ("us-east-1", "sandbox"));
    let troubles: Vec<_> = proxy.calls().iter().map(|call| call.trouble).collect();
    assert_eq!(troubles, [Some("throttled"), Some("answer lost"), Some("reset"), None], "{}", proxy.log());
}
