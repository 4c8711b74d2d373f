//! Against the stand-in, through the proxy.

use rplay_module::KeptWhy;
use rplay_test_support::{Proxy, Raw, Rule, StandIn};

use super::*;

/// An account of the stand-in behind a proxy.
pub(super) struct Place {
    pub(super) raw: Raw,
    pub(super) proxy: Proxy,
    pub(super) world: Arc<TestWorld>,
}

impl Place {
    /// Returns an account with the VPC `web`, its subnets `a` and `b` and the security group `web-lb`.
    pub(super) fn with_network() -> Self {
        let stand_in = StandIn::shared();
        let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        let named = |id: &str, name: &str| {
            raw.query(
                "ec2",
                "CreateTags",
                &[("ResourceId.1", id), ("Tag.1.Key", "Name"), ("Tag.1.Value", name)],
            );
        };
        let vpc = raw.query("ec2", "CreateVpc", &[("CidrBlock", "10.20.0.0/16")]).element("vpcId").unwrap();
        named(&vpc, "web");
        for (name, cidr) in [("a", "10.20.0.0/20"), ("b", "10.20.16.0/20")] {
            let subnet = raw.query("ec2", "CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", cidr)]);
            named(&subnet.element("subnetId").unwrap(), name);
        }
        let group = [("GroupName", "web-lb"), ("GroupDescription", "HTTP"), ("VpcId", vpc.as_str())];
        raw.query("ec2", "CreateSecurityGroup", &group);
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", raw.id())
            .start();
        Self { raw, proxy, world }
    }

    pub(super) fn names(&self, action: &str, element: &str) -> Vec<String> {
        self.raw.query("elasticloadbalancing", action, &[]).elements(element)
    }

    pub(super) async fn keeps(&self, args: &Value) {
        self.proxy.clear_calls();
        let kept = done(&self.world, args, Mode::Apply).await;
        assert!(!kept.changed, "{:?}", kept.planned);
        assert!(self.proxy.writes().is_empty(), "{}", self.proxy.log());
    }
}

pub(super) fn args() -> Value {
    json!({
        "name": "web",
        "vpc": "web",
        "subnets": ["a", "b"],
        "security_groups": ["web-lb"],
        "target_groups": [{
            "name": "web", "protocol": "HTTP", "port": 8080, "target_type": "ip",
            "health_check": { "path": "/_health", "interval": 10, "healthy_threshold": 2 },
            "deregistration_delay": 5,
        }],
        "listeners": [{ "protocol": "HTTP", "port": 80, "target_group": "web" }],
        "tags": { "app": "web" },
    })
}

#[tokio::test]
async fn a_load_balancer_is_foretold_made_kept_and_destroyed() {
    let place = Place::with_network();
    let foretold = done(&place.world, &args(), Mode::Check).await;
    let all = [
        (Intent::Create, "elb.target_group web"),
        (Intent::Create, "elb.load_balancer web"),
        (Intent::Create, "elb.listener web/80"),
    ];
    assert_eq!(planned(&foretold), all);
    assert!(rplay_module::unknown::is_unknown(foretold.result["dns_name"].as_str().unwrap()));
    assert!(place.proxy.writes().is_empty(), "{}", place.proxy.log());
    place.world.next_run();

    let made = done(&place.world, &args(), Mode::Apply).await;
    assert_eq!(planned(&made), all);
    assert!(made.result["dns_name"].as_str().unwrap().starts_with("web-"), "{:?}", made.result);
    assert!(made.result["target_groups"]["web"]["arn"].as_str().unwrap().contains(":targetgroup/web/"));
    assert_eq!(made.result["listeners"][0]["port"], 80);
    let written = place.proxy.written();
    assert_eq!(
        written,
        [
            "elasticloadbalancing CreateTargetGroup",
            "elasticloadbalancing ModifyTargetGroupAttributes",
            "elasticloadbalancing CreateLoadBalancer",
            "elasticloadbalancing CreateListener",
        ]
    );

    place.keeps(&args()).await;
    let rerun: Vec<String> = place.proxy.calls().into_iter().map(|call| call.operation.action).collect();
    let mut rerun = rerun;
    rerun.sort();
    assert_eq!(
        rerun,
        [
            "DescribeListeners",
            "DescribeLoadBalancers",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeTags",
            "DescribeTargetGroupAttributes",
            "DescribeTargetGroups",
            "DescribeVpcs",
        ]
    );

    let doomed = done(&place.world, &args(), Mode::PlanDestroy).await;
    let backwards: Vec<_> = all.iter().rev().map(|(_, address)| (Intent::Delete, *address)).collect();
    assert_eq!(planned(&doomed), backwards);
    done(&place.world, &args(), Mode::Destroy).await;
    assert!(place.names("DescribeLoadBalancers", "LoadBalancerName").is_empty());
    assert!(place.names("DescribeTargetGroups", "TargetGroupName").is_empty());
    assert!(place.names("DescribeListeners", "ListenerArn").is_empty());
    let again = done(&place.world, &args(), Mode::Destroy).await;
    assert!(!again.changed && again.kept.is_empty(), "{:?}", again.kept);
}

#[tokio::test]
async fn an_edit_changes_one_field_and_a_rerun_nothing() {
    let place = Place::with_network();
    let raw = &place.raw;
    let vpc = raw.query("ec2", "DescribeVpcs", &[("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", "web")]);
    let other =
        [("GroupName", "other"), ("GroupDescription", "x"), ("VpcId", &vpc.element("vpcId").unwrap())];
    raw.query("ec2", "CreateSecurityGroup", &other);
    done(&place.world, &args(), Mode::Apply).await;
    let mut args = args();
    let group = |change: Value| json!({ "target_groups": [change] });
    let check = |change: Value| group(json!({ "health_check": change }));
    for (change, field) in [
        (json!({ "security_groups": ["web-lb", "other"] }), "security_groups"),
        (json!({ "subnets": ["a"] }), "subnets"),
        (json!({ "ip_address_type": "dualstack" }), "ip_address_type"),
        (json!({ "idle_timeout": 30 }), "attributes.idle_timeout.timeout_seconds"),
        (json!({ "deletion_protection": true }), "attributes.deletion_protection.enabled"),
        (json!({ "deletion_protection": false }), "attributes.deletion_protection.enabled"),
        (json!({ "http2": false }), "attributes.routing.http2.enabled"),
        (
            json!({ "drop_invalid_headers": true }),
            "attributes.routing.http.drop_invalid_header_fields.enabled",
        ),
        (json!({ "desync_mitigation": "strictest" }), "attributes.routing.http.desync_mitigation_mode"),
        (json!({ "preserve_host_header": true }), "attributes.routing.http.preserve_host_header.enabled"),
        (json!({ "cross_zone": true }), "attributes.load_balancing.cross_zone.enabled"),
        (json!({ "attributes": { "waf.fail_open.enabled": true } }), "attributes.waf.fail_open.enabled"),
        (group(json!({ "deregistration_delay": 6 })), "attributes.deregistration_delay.timeout_seconds"),
        (group(json!({ "slow_start": 40 })), "attributes.slow_start.duration_seconds"),
        (group(json!({ "algorithm": "weighted_random" })), "attributes.load_balancing.algorithm.type"),
        (group(json!({ "cross_zone": "false" })), "attributes.load_balancing.cross_zone.enabled"),
        (group(json!({ "preserve_client_ip": true })), "attributes.preserve_client_ip.enabled"),
        (group(json!({ "proxy_protocol_v2": true })), "attributes.proxy_protocol_v2.enabled"),
        (
            group(json!({ "connection_termination": true })),
            "attributes.deregistration_delay.connection_termination.enabled",
        ),
        (group(json!({ "attributes": { "x.y": "z" } })), "attributes.x.y"),
        (group(json!({ "stickiness": { "enabled": true } })), "attributes.stickiness.enabled"),
        (
            group(json!({ "stickiness": { "duration": 60 } })),
            "attributes.stickiness.lb_cookie.duration_seconds",
        ),
        (check(json!({ "path": "/other" })), "health_check.path"),
        (check(json!({ "port": 81 })), "health_check.port"),
        (check(json!({ "interval": 15 })), "health_check.interval"),
        (check(json!({ "timeout": 4 })), "health_check.timeout"),
        (check(json!({ "healthy_threshold": 3 })), "health_check.healthy_threshold"),
        (check(json!({ "unhealthy_threshold": 3 })), "health_check.unhealthy_threshold"),
        (check(json!({ "success_codes": "200, 301" })), "health_check.success_codes"),
        (check(json!({ "protocol": "HTTPS" })), "health_check.protocol"),
        (
            json!({ "listeners": [{ "target_group": null, "default_actions": [{ "fixed_response": {} }] }] }),
            "default_actions",
        ),
        (
            json!({ "listeners": [{ "default_actions": [{ "fixed_response": { "status_code": 503 } }] }] }),
            "default_actions.0.fixed_response.status_code",
        ),
        (
            json!({ "listeners": [{ "default_actions": [{ "fixed_response": { "content_type": "text/css" } }] }] }),
            "default_actions.0.fixed_response.content_type",
        ),
        (
            json!({ "listeners": [{ "default_actions": [{ "fixed_response": { "message_body": "no" } }] }] }),
            "default_actions.0.fixed_response.message_body",
        ),
    ] {
        args = but(&args, &change);
        let foretold = done(&place.world, &args, Mode::Check).await;
        place.world.next_run();
        let changed = done(&place.world, &args, Mode::Apply).await;
        if field == "default_actions" {
            assert!(fields(&changed).iter().all(|path| path.starts_with(field)), "{:?}", changed.planned);
        } else {
            assert_eq!(fields(&changed), [field], "{change}");
        }
        assert_eq!(fields(&foretold), fields(&changed), "{change}");
        place.keeps(&args).await;
    }
    let tagged = but(&args, &json!({ "tags": { "app": null, "stage": "test" } }));
    let changed = done(&place.world, &tagged, Mode::Apply).await;
    assert_eq!(fields(&changed), ["tags.stage", "tags.app"].repeat(3), "of each of the three things");
    place.keeps(&tagged).await;
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let place = Place::with_network();
    let full =
        but(&args(), &json!({ "scheme": "internal", "idle_timeout": 30, "ip_address_type": "dualstack" }));
    done(&place.world, &full, Mode::Apply).await;
    let least =
        json!({ "name": "web", "vpc": "web", "subnets": ["a", "b"], "target_groups": [{ "name": "web" }] });
    place.keeps(&least).await;
}

#[tokio::test]
async fn lost_answers_of_creations_and_throttled_reads_make_no_second_thing() {
    let place = Place::with_network();
    for (action, trouble) in [
        ("CreateTargetGroup", "lost"),
        ("CreateLoadBalancer", "lost"),
        ("CreateListener", "lost"),
        ("DescribeTags", "throttled"),
        ("DescribeListeners", "throttled"),
    ] {
        let rule = Rule::on("elasticloadbalancing", action).nth(1);
        place.proxy.add_rule(if trouble == "lost" { rule.lose_the_answer() } else { rule.throttle() });
    }
    assert!(done(&place.world, &args(), Mode::Apply).await.changed);
    place.keeps(&args()).await;
    assert_eq!(place.names("DescribeLoadBalancers", "LoadBalancerName"), ["web"]);
    assert_eq!(place.names("DescribeTargetGroups", "TargetGroupName"), ["web"]);
    assert_eq!(place.names("DescribeListeners", "ListenerArn").len(), 1);
    let delay = place.names("DescribeTargetGroups", "TargetGroupArn");
    let asked = [("TargetGroupArn", delay[0].as_str())];
    let attributes = place.raw.query("elasticloadbalancing", "DescribeTargetGroupAttributes", &asked);
    assert_eq!(attributes.elements("Value")[0], "5", "set although the creation's answer was lost");
}

#[tokio::test]
async fn a_listener_that_is_not_named_is_purged_unless_told_otherwise() {
    let place = Place::with_network();
    let two = but(
        &args(),
        &json!({ "listeners": [
        { "protocol": "HTTP", "port": 80, "target_group": "web" },
        { "protocol": "HTTP", "port": 81, "target_group": "web" },
    ] }),
    );
    done(&place.world, &two, Mode::Apply).await;
    place.keeps(&but(&args(), &json!({ "purge_listeners": false }))).await;
    place.keeps(&but(&args(), &json!({ "listeners": null }))).await;

    let foretold = done(&place.world, &args(), Mode::Check).await;
    assert_eq!(planned(&foretold), [(Intent::Delete, "elb.listeners web (not named)")]);
    place.world.next_run();
    assert!(done(&place.world, &args(), Mode::Apply).await.changed);
    assert_eq!(place.names("DescribeListeners", "Port"), ["80"]);
    place.keeps(&args()).await;
    let gone = place.world.ownership().into_iter().rfind(|(address, ..)| address.name == "web/81");
    assert_eq!(gone.unwrap().2, rplay_module::Ownership::Gone);
}

#[tokio::test]
async fn a_destroy_keeps_a_load_balancer_with_listeners_of_somebody_else() {
    let place = Place::with_network();
    done(&place.world, &args(), Mode::Apply).await;
    let balancer = place.names("DescribeLoadBalancers", "LoadBalancerArn").remove(0);
    let foreign = [
        ("LoadBalancerArn", balancer.as_str()),
        ("Port", "9000"),
        ("Protocol", "HTTP"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "200"),
    ];
    place.raw.query("elasticloadbalancing", "CreateListener", &foreign);
    let only_ours = but(&args(), &json!({ "purge_listeners": false }));
    let destroyed = done(&place.world, &only_ours, Mode::Destroy).await;
    assert_eq!(destroyed.kept[0].address.name, "web");
    assert_eq!(destroyed.kept[0].why, KeptWhy::Holds(vec!["listener 9000".to_owned()]));
    assert_eq!(place.names("DescribeListeners", "Port"), ["9000"]);
}

#[tokio::test]
async fn what_somebody_else_made_is_not_destroyed() {
    let place = Place::with_network();
    place.raw.query("elasticloadbalancing", "CreateLoadBalancer", &[("Name", "web")]);
    let adopted = but(&args(), &json!({ "target_groups": [], "listeners": [] }));
    let destroyed = done(&place.world, &adopted, Mode::Destroy).await;
    assert_eq!(destroyed.kept[0].why, KeptWhy::NotOurs);
    assert_eq!(place.names("DescribeLoadBalancers", "LoadBalancerName"), ["web"]);
}

#[tokio::test]
async fn the_tag_alone_says_whose_it_is() {
    let place = Place::with_network();
    done(&place.world, &args(), Mode::Apply).await;
    // Another machine, without the ownership file.
    let world = TestWorld::aws()
        .env("AWS_ENDPOINT_URL", &place.proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", place.raw.id())
        .start();
    let doomed = done(&world, &args(), Mode::PlanDestroy).await;
    assert_eq!(planned(&doomed).len(), 3, "{:?}", doomed.kept);
    done(&world, &args(), Mode::Destroy).await;
    assert!(place.names("DescribeLoadBalancers", "LoadBalancerName").is_empty());
    assert!(place.names("DescribeTargetGroups", "TargetGroupName").is_empty());
}

#[tokio::test]
async fn a_target_group_in_use_is_not_replaced() {
    let place = Place::with_network();
    done(&place.world, &args(), Mode::Apply).await;
    for mode in [Mode::Check, Mode::Apply] {
        let moved = but(&args(), &json!({ "target_groups": [{ "port": 9090 }] }));
        let failure = run(&place.world, &moved, mode).await.failure.unwrap();
        let message = "could not replace elb.target_group web (port cannot be changed in place): load balancer web \
                       would be orphaned";
        assert_eq!(failure.message, message);
    }
    let unused = but(
        &args(),
        &json!({ "target_groups": [
        { "name": "web", "protocol": "HTTP", "port": 8080, "target_type": "ip" },
        { "name": "spare", "protocol": "HTTP", "port": 1, "target_type": "ip" },
    ] }),
    );
    done(&place.world, &unused, Mode::Apply).await;
    let replaced = but(&unused, &json!({ "target_groups": [{}, { "port": 2 }] }));
    let foretold = done(&place.world, &replaced, Mode::Plan).await;
    assert_eq!(planned(&foretold), [(Intent::Replace, "elb.target_group spare")]);
    place.world.next_run();
    done(&place.world, &replaced, Mode::Apply).await;
    place.keeps(&replaced).await;
}

#[tokio::test]
async fn another_scheme_makes_another_load_balancer_with_the_same_listeners() {
    let place = Place::with_network();
    let first = done(&place.world, &args(), Mode::Apply).await;
    let internal = but(&args(), &json!({ "scheme": "internal" }));
    let foretold = done(&place.world, &internal, Mode::Check).await;
    assert_eq!(
        planned(&foretold),
        [(Intent::Replace, "elb.load_balancer web"), (Intent::Create, "elb.listener web/80"),]
    );
    place.world.next_run();
    let second = done(&place.world, &internal, Mode::Apply).await;
    assert_ne!(first.result["arn"], second.result["arn"]);
    place.keeps(&internal).await;
}

#[tokio::test]
async fn absent_takes_listeners_and_target_groups_along() {
    let place = Place::with_network();
    let absent = but(&args(), &json!({ "state": "absent", "subnets": null, "security_groups": null }));
    place.keeps(&absent).await;
    done(&place.world, &args(), Mode::Apply).await;
    let foretold = done(&place.world, &absent, Mode::Check).await;
    let all = [
        (Intent::Delete, "elb.listener web/80"),
        (Intent::Delete, "elb.load_balancer web"),
        (Intent::Delete, "elb.target_group web"),
    ];
    assert_eq!(planned(&foretold), all);
    place.world.next_run();
    assert_eq!(planned(&done(&place.world, &absent, Mode::Apply).await), all);
    assert!(place.names("DescribeTargetGroups", "TargetGroupName").is_empty());
    place.keeps(&absent).await;
}
