//! Against recorded answers: what the stand-in does not know.

use rplay_aws::Transport;
use rplay_module::FailureKind;
use rplay_test_support::recorded::{Expected, Recorded};

use super::*;

const BALANCER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1";
const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/3";
const OTHER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/other/4";

pub(super) fn world(expected: impl IntoIterator<Item = Expected>) -> (Arc<TestWorld>, Recorded) {
    let (world, recorded) = (TestWorld::aws().start(), Recorded::new(expected));
    world.cx().shared::<Transport>().replace(recorded.client());
    (world, recorded)
}

/// Ids only: nothing is looked for in EC2.
pub(super) fn args() -> Value {
    json!({ "name": "web", "subnets": ["subnet-0000000a", "subnet-0000000b"] })
}

fn balancer(state: &str, more: &str) -> String {
    format!(
        "<LoadBalancers><member><LoadBalancerArn>{BALANCER}</LoadBalancerArn><LoadBalancerName>web</LoadBalancerName>\
         <DNSName>web-1.eu-west-1.elb.amazonaws.com</DNSName><CanonicalHostedZoneId>Z1</CanonicalHostedZoneId>\
         <Scheme>internet-facing</Scheme><IpAddressType>ipv4</IpAddressType><AvailabilityZones>\
         <member><SubnetId>subnet-0000000b</SubnetId></member><member><SubnetId>subnet-0000000a</SubnetId></member>\
         </AvailabilityZones><State><Code>{state}</Code></State>{more}</member></LoadBalancers>"
    )
}

fn application(state: &str) -> String {
    balancer(state, "<Type>application</Type><SecurityGroups><member>sg-1</member></SecurityGroups>")
}

fn network(groups: &str) -> String {
    balancer("active", &format!("<Type>network</Type><SecurityGroups>{groups}</SecurityGroups>"))
}

fn group(name: &str, arn: &str) -> String {
    format!(
        "<member><TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
         <Protocol>HTTP</Protocol><Port>80</Port><VpcId>vpc-1</VpcId><TargetType>ip</TargetType>\
         <ProtocolVersion>HTTP1</ProtocolVersion><IpAddressType>ipv4</IpAddressType></member>"
    )
}

fn groups(members: &[(&str, &str)]) -> String {
    let members: String = members.iter().map(|(name, arn)| group(name, arn)).collect();
    format!("<TargetGroups>{members}</TargetGroups>")
}

fn listener(more: &str) -> String {
    format!(
        "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><LoadBalancerArn>{BALANCER}</LoadBalancerArn>\
         {more}</member></Listeners>"
    )
}

fn forward(weights: &[(&str, u32)], sticky: &str) -> String {
    let weighted = |(arn, weight): &(&str, u32)| {
        format!("<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>")
    };
    let groups = weights.iter().map(weighted).collect::<Vec<_>>().concat();
    format!(
        "<DefaultActions><member><Type>forward</Type><Order>1</Order><ForwardConfig><TargetGroups>{groups}\
         </TargetGroups><TargetGroupStickinessConfig>{sticky}</TargetGroupStickinessConfig></ForwardConfig>\
         </member></DefaultActions>"
    )
}

fn http(actions: &str) -> String {
    listener(&format!("<Port>80</Port><Protocol>HTTP</Protocol>{actions}"))
}

pub(super) fn found() -> Expected {
    Expected::query("DescribeLoadBalancers").parameter("Names.member.1", "web").gives(&application("active"))
}

pub(super) fn tags() -> Expected {
    Expected::query("DescribeTags").repeatedly()
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity")
        .gives("<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/me</Arn>")
}

pub(super) fn no_balancer() -> Expected {
    Expected::query("DescribeLoadBalancers").refuses("LoadBalancerNotFound", "none")
}

#[tokio::test]
async fn it_is_foretold_without_a_write() {
    let (world, recorded) = world([no_balancer()]);
    let foretold = done(&world, &args(), Mode::Check).await;
    assert_eq!(planned(&foretold), [(Intent::Create, "elb.load_balancer web")]);
    assert_eq!(recorded.calls(), ["DescribeLoadBalancers"]);
}

#[tokio::test]
async fn creation_waits_until_it_is_active() {
    let (world, recorded) = world([
        no_balancer(),
        who(),
        Expected::query("CreateLoadBalancer")
            .parameter("Name", "web")
            .parameter("Scheme", "internet-facing")
            .parameter("Type", "application")
            .parameter("Tags.member.1.Key", "rplay:owner")
            .without("SecurityGroups.member.1")
            .gives(&application("provisioning")),
        Expected::query("DescribeLoadBalancers").gives(&application("provisioning")),
        Expected::query("DescribeLoadBalancers").gives(&application("provisioning")),
        Expected::query("DescribeLoadBalancers").gives(&application("active")),
        tags(),
    ]);
    let made = done(&world, &args(), Mode::Apply).await;
    assert_eq!(made.result["dns_name"], "web-1.eu-west-1.elb.amazonaws.com");
    assert_eq!(made.result["canonical_hosted_zone_id"], "Z1");
    assert_eq!(made.result["arn"], BALANCER);
    assert_eq!(world.progress()[0].headline, "load balancer web: provisioning");
    recorded.done();
}

#[tokio::test]
async fn one_that_cannot_be_provisioned_is_a_failure_in_a_rerun_too() {
    let failed = "<State><Code>failed</Code><Reason>no free addresses</Reason></State>";
    let failed = application("x").replace("<State><Code>x</Code></State>", failed);
    let (world, _recorded) =
        world([Expected::query("DescribeLoadBalancers").gives(&failed).repeatedly(), tags()]);
    let failure = run(&world, &args(), Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "could not provision load balancer web: no free addresses");
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_and_can_be_left_out() {
    let (world, recorded) = world([
        Expected::query("DescribeLoadBalancers").gives(&application("provisioning")).repeatedly(),
        tags(),
    ]);
    let kept = done(&world, &but(&args(), &json!({ "wait": false })), Mode::Apply).await;
    assert!(!kept.changed);
    let late = run(&world, &but(&args(), &json!({ "wait_timeout": 20 })), Mode::Apply).await.failure.unwrap();
    assert_eq!(late.kind, FailureKind::TimedOut);
    assert_eq!(world.slept().as_secs(), 20);
    recorded.done();
}

#[tokio::test]
async fn a_rerun_without_target_groups_and_listeners_is_two_calls() {
    let (world, recorded) = world([found(), tags()]);
    assert!(!done(&world, &args(), Mode::Apply).await.changed);
    assert_eq!(recorded.calls(), ["DescribeLoadBalancers", "DescribeTags"]);
}

#[tokio::test]
async fn one_target_group_that_is_missing_does_not_hide_the_others() {
    let (world, recorded) = world([
        found(),
        Expected::query("DescribeTargetGroups")
            .parameter("Names.member.2", "web")
            .refuses("TargetGroupNotFound", "one or more"),
        Expected::query("DescribeTargetGroups")
            .parameter("Names.member.1", "other")
            .refuses("TargetGroupNotFound", "none"),
        Expected::query("DescribeTargetGroups")
            .parameter("Names.member.1", "web")
            .gives(&groups(&[("web", GROUP)])),
        tags(),
    ]);
    let two = json!([
        { "name": "web" }, { "name": "other", "protocol": "HTTP", "port": 80, "target_type": "ip" }
    ]);
    let args = but(&args(), &json!({ "vpc_id": "vpc-1", "target_groups": two }));
    let foretold = done(&world, &args, Mode::Check).await;
    assert_eq!(planned(&foretold), [(Intent::Create, "elb.target_group other")]);
    recorded.done();
}

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let pair = [("other", OTHER), ("web", GROUP)];
    let (world, recorded) = world([
        found(),
        Expected::query("DescribeTargetGroups").gives(&groups(&pair)),
        Expected::query("DescribeListeners")
            .gives(&http(&forward(&[(GROUP, 1)], "<Enabled>false</Enabled>"))),
        tags(),
    ]);
    let weighted = |weight: u32, seconds: u32| {
        let groups = json!([{ "target_group": "web", "weight": weight }, { "target_group": "other" }]);
        let actions = json!([{ "target_groups": groups, "stickiness": seconds }]);
        but(
            &args(),
            &json!({ "listeners": [{ "protocol": "HTTP", "port": 80, "default_actions": actions }] }),
        )
    };
    let plain =
        but(&args(), &json!({ "listeners": [{ "protocol": "HTTP", "port": 80, "target_group": GROUP }] }));
    let first = weighted(9, 60);

    let foretold = done(&world, &first, Mode::Check).await;
    assert_eq!(fields(&foretold), ["default_actions.0.target_groups", "default_actions.0.stickiness"]);
    recorded.done();

    let sticky = "<Enabled>true</Enabled><DurationSeconds>60</DurationSeconds>";
    let after = http(&forward(&[(OTHER, 1), (GROUP, 9)], sticky));
    let config = "DefaultActions.member.1.ForwardConfig";
    recorded.expect([
        found(),
        Expected::query("DescribeTargetGroups").gives(&groups(&pair)),
        Expected::query("DescribeListeners").gives(&http(&forward(&[(GROUP, 1)], ""))),
        Expected::query("ModifyListener")
            .parameter(&format!("{config}.TargetGroups.member.1.TargetGroupArn"), OTHER)
            .parameter(&format!("{config}.TargetGroups.member.2.TargetGroupArn"), GROUP)
            .parameter(&format!("{config}.TargetGroups.member.2.Weight"), "9")
            .parameter(&format!("{config}.TargetGroupStickinessConfig.DurationSeconds"), "60")
            .without("DefaultActions.member.1.TargetGroupArn"),
        Expected::query("DescribeListeners").gives(&after),
    ]);
    assert!(done(&world, &first, Mode::Apply).await.changed);
    recorded.done();

    // One that forwards to a single group is the same in either form of the answer; its weight means nothing.
    recorded
        .expect([found(), Expected::query("DescribeListeners").gives(&http(&forward(&[(GROUP, 7)], "")))]);
    assert!(!done(&world, &plain, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_query_is_a_condition_and_what_cannot_be_written_is_a_difference() {
    let rule = |conditions: &str| {
        format!(
            "<Rules><member><RuleArn>{LISTENER}/5</RuleArn><Priority>1</Priority><IsDefault>false</IsDefault>\
             <Conditions>{conditions}</Conditions><Actions><member><Type>forward</Type>\
             <TargetGroupArn>{GROUP}</TargetGroupArn></member></Actions></member></Rules>"
        )
    };
    let query = "<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>v</Key><Value>2</Value>\
                 </member><member><Value>beta</Value></member></Values></QueryStringConfig></member>";
    let (world, recorded) = world([
        found(),
        Expected::query("DescribeListeners").gives(&http(&forward(&[(GROUP, 1)], ""))),
        Expected::query("DescribeRules").gives(&rule(query)),
        tags(),
    ]);
    let conditions = json!({ "query": [{ "value": "beta" }, { "key": "v", "value": 2 }] });
    let rules = json!([{ "priority": 1, "conditions": conditions, "target_group": GROUP }]);
    let listeners = json!([{ "protocol": "HTTP", "port": 80, "target_group": GROUP, "rules": rules }]);
    let args = but(&args(), &json!({ "listeners": listeners }));
    assert!(!done(&world, &args, Mode::Apply).await.changed);
    recorded.done();

    let regex = "<member><Field>path-pattern</Field><PathPatternConfig><RegexValues><member>^/x</member>\
                 </RegexValues></PathPatternConfig></member>";
    let config = "Conditions.member.1.QueryStringConfig.Values";
    recorded.expect([
        found(),
        Expected::query("DescribeListeners").gives(&http(&forward(&[(GROUP, 1)], ""))),
        Expected::query("DescribeRules").gives(&rule(&format!("{query}{regex}"))),
        Expected::query("ModifyRule")
            .parameter(&format!("{config}.member.1.Value"), "beta")
            .parameter(&format!("{config}.member.2.Key"), "v")
            .without("Conditions.member.2.Field"),
        Expected::query("DescribeRules").gives(&rule(query)),
    ]);
    let changed = done(&world, &args, Mode::Apply).await;
    assert_eq!(fields(&changed), ["conditions.other"]);
}

#[tokio::test]
async fn certificates_are_added_and_removed() {
    let https = listener(&format!(
        "<Port>443</Port><Protocol>HTTPS</Protocol><SslPolicy>ELBSecurityPolicy-2016-08</SslPolicy><Certificates>\
         <member><CertificateArn>arn:main</CertificateArn></member></Certificates>{}",
        forward(&[(GROUP, 1)], "")
    ));
    let certificates = |arns: &[&str]| {
        let further = |arn: &&str| format!("<member><CertificateArn>{arn}</CertificateArn></member>");
        let further = arns.iter().map(further).collect::<Vec<_>>().concat();
        let all = format!(
            "<Certificates><member><CertificateArn>arn:main</CertificateArn><IsDefault>true</IsDefault></member>\
             {further}</Certificates>"
        );
        Expected::query("DescribeListenerCertificates").gives(&all)
    };
    let (world, recorded) = world([
        found(),
        Expected::query("DescribeListeners").gives(&https).repeatedly(),
        certificates(&["arn:old", "arn:both"]),
        Expected::query("AddListenerCertificates")
            .parameter("Certificates.member.1.CertificateArn", "arn:new")
            .without("Certificates.member.2.CertificateArn"),
        Expected::query("RemoveListenerCertificates")
            .parameter("Certificates.member.1.CertificateArn", "arn:old"),
        certificates(&["arn:both", "arn:new"]),
        tags(),
    ]);
    let listener = json!({
        "protocol": "HTTPS", "port": 443, "target_group": GROUP,
        "certificate": "arn:main", "certificates": ["arn:new", "arn:both"],
    });
    let args = but(&args(), &json!({ "listeners": [listener] }));
    let changed = done(&world, &args, Mode::Apply).await;
    assert_eq!(fields(&changed), ["certificates"]);
    recorded.done();
}

#[tokio::test]
async fn each_field_of_an_encrypted_listener_is_sent() {
    let of = |certificate: &str, policy: &str, alpn: &str| {
        listener(&format!(
            "<Port>443</Port><Protocol>TLS</Protocol><SslPolicy>{policy}</SslPolicy><AlpnPolicy><member>{alpn}</member>\
             </AlpnPolicy><Certificates><member><CertificateArn>{certificate}</CertificateArn></member></Certificates>{}",
            forward(&[(GROUP, 1)], "")
        ))
    };
    let before = json!({
        "protocol": "TLS", "port": 443, "target_group": GROUP,
        "certificate": "arn:1", "ssl_policy": "P1", "alpn": "HTTP1Only",
    });
    for (change, field, parameter, after) in [
        (
            json!({ "certificate": "arn:2" }),
            "certificate",
            ("Certificates.member.1.CertificateArn", "arn:2"),
            of("arn:2", "P1", "HTTP1Only"),
        ),
        (json!({ "ssl_policy": "P2" }), "ssl_policy", ("SslPolicy", "P2"), of("arn:1", "P2", "HTTP1Only")),
        (json!({ "alpn": "None" }), "alpn", ("AlpnPolicy.member.1", "None"), of("arn:1", "P1", "None")),
        (
            json!({ "alpn": "HTTP2Only" }),
            "alpn",
            ("AlpnPolicy.member.1", "HTTP2Only"),
            of("arn:1", "P1", "HTTP2Only"),
        ),
    ] {
        let (world, recorded) = world([
            found(),
            Expected::query("DescribeListeners").gives(&of("arn:1", "P1", "HTTP1Only")),
            Expected::query("ModifyListener").parameter(parameter.0, parameter.1),
            Expected::query("DescribeListeners").gives(&after),
            tags(),
        ]);
        let args = but(&args(), &json!({ "listeners": [but(&before, &change)] }));
        assert_eq!(fields(&done(&world, &args, Mode::Apply).await), [field]);
        recorded.done();
    }
}

#[tokio::test]
async fn a_group_that_a_deleted_listener_still_holds_is_deleted_a_little_later() {
    let delete = || Expected::query("DeleteTargetGroup").parameter("TargetGroupArn", GROUP);
    let (world, recorded) = world([
        no_balancer().repeatedly(),
        Expected::query("DescribeTargetGroups").gives(&groups(&[("web", GROUP)])),
        who(),
        delete().refuses("ResourceInUse", "in use by a listener"),
        delete().refuses("ResourceInUse", "in use by a listener"),
        delete(),
        Expected::query("DescribeTargetGroups").refuses("TargetGroupNotFound", "none"),
        tags(),
    ]);
    let args = json!({ "name": "web", "state": "absent", "target_groups": [{ "name": "web" }] });
    assert!(done(&world, &args, Mode::Apply).await.changed);
    recorded.done();
}

#[tokio::test]
async fn a_group_of_another_load_balancer_stays_in_use() {
    let (world, _recorded) = world([
        no_balancer().repeatedly(),
        Expected::query("DescribeTargetGroups").gives(&groups(&[("web", GROUP)])),
        who(),
        Expected::query("DeleteTargetGroup").refuses("ResourceInUse", "in use by a listener").repeatedly(),
        tags(),
    ]);
    let args = json!({ "name": "web", "state": "absent", "target_groups": [{ "name": "web" }] });
    let failure = run(&world, &args, Mode::Apply).await.failure.unwrap();
    assert_eq!(failure.message, "could not delete target group web: ResourceInUse: in use by a listener");
}

#[tokio::test]
async fn a_protected_load_balancer_says_what_to_do() {
    let (world, _recorded) = world([
        found(),
        who(),
        Expected::query("DeleteLoadBalancer")
            .refuses("OperationNotPermitted", "deletion protection is enabled"),
        tags(),
    ]);
    let failure =
        run(&world, &json!({ "name": "web", "state": "absent" }), Mode::Apply).await.failure.unwrap();
    assert!(failure.message.ends_with("OperationNotPermitted: deletion protection is enabled"));
    assert!(failure.hint.unwrap().contains("deletion_protection: false"));
}

#[tokio::test]
async fn a_network_load_balancer_made_without_security_groups_cannot_get_any() {
    let (world, recorded) = world([
        Expected::query("DescribeLoadBalancers").gives(&network("")),
        Expected::query("DescribeListeners"),
        tags(),
    ]);
    let args = but(&args(), &json!({ "type": "network", "security_groups": ["sg-0000000a"] }));
    let foretold = done(&world, &args, Mode::Plan).await;
    assert_eq!(planned(&foretold), [(Intent::Replace, "elb.load_balancer web")]);
    recorded
        .expect([Expected::query("DescribeLoadBalancers").gives(&network("<member>sg-0000000b</member>"))]);
    world.next_run();
    assert_eq!(planned(&done(&world, &args, Mode::Plan).await), [(Intent::Update, "elb.load_balancer web")]);
}

#[tokio::test]
async fn what_a_target_group_is_made_of_cannot_be_changed() {
    for (change, what) in [
        (json!({ "protocol": "HTTPS" }), "protocol"),
        (json!({ "port": 81 }), "port"),
        (json!({ "target_type": "instance" }), "target_type"),
        (json!({ "protocol_version": "GRPC" }), "protocol_version"),
        (json!({ "ip_address_type": "ipv6" }), "ip_address_type"),
    ] {
        let (world, _recorded) = world([
            found(),
            Expected::query("DescribeTargetGroups").gives(&groups(&[("web", GROUP)])),
            tags(),
        ]);
        let group = but(&json!({ "name": "web" }), &change);
        let args = but(&args(), &json!({ "vpc_id": "vpc-1", "target_groups": [group] }));
        let foretold = done(&world, &args, Mode::Plan).await;
        let reason = format!("{what} cannot be changed in place");
        assert_eq!(foretold.planned[0].reason.as_deref(), Some(reason.as_str()), "{:?}", foretold.planned);
    }
    let (world, _recorded) =
        world([found(), Expected::query("DescribeTargetGroups").gives(&groups(&[("web", GROUP)])), tags()]);
    let args = but(&args(), &json!({ "vpc_id": "vpc-2", "target_groups": [{ "name": "web" }] }));
    let foretold = done(&world, &args, Mode::Plan).await;
    assert_eq!(foretold.planned[0].reason.as_deref(), Some("vpc cannot be changed in place"));
}

#[tokio::test]
async fn a_grpc_group_has_codes_of_its_own() {
    let grpc = group("web", GROUP)
        .replace("HTTP1", "GRPC")
        .replace("</member>", "<Matcher><GrpcCode>0-99</GrpcCode></Matcher></member>");
    let (world, recorded) = world([
        found(),
        Expected::query("DescribeTargetGroups").refuses("TargetGroupNotFound", "none"),
        who(),
        Expected::query("CreateTargetGroup")
            .parameter("ProtocolVersion", "GRPC")
            .parameter("Matcher.GrpcCode", "0-99")
            .parameter("VpcId", "vpc-1")
            .gives(&format!("<TargetGroups>{grpc}</TargetGroups>")),
        Expected::query("DescribeTargetGroups").gives(&format!("<TargetGroups>{grpc}</TargetGroups>")),
        tags(),
    ]);
    let group = json!({
        "name": "web", "protocol": "HTTP", "port": 80, "target_type": "ip", "protocol_version": "GRPC",
        "health_check": { "success_codes": "0-99" },
    });
    done(&world, &but(&args(), &json!({ "vpc_id": "vpc-1", "target_groups": [group] })), Mode::Apply).await;
    recorded.done();
}
