//! Against the stand-in, through the proxy.

use rplay_test_support::{Proxy, Raw, StandIn};

use super::*;

struct Place {
    raw: Raw,
    proxy: Proxy,
    world: Arc<TestWorld>,
}

impl Place {
    /// Returns an account with the VPC `web`, its subnets `a` and `b` and the security group `web-lb`.
    fn with_network() -> Self {
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

    fn names(&self, action: &str, element: &str) -> Vec<String> {
        self.raw.query("elasticloadbalancing", action, &[]).elements(element)
    }

    async fn keeps(&self, args: &Value) {
        self.proxy.clear_calls();
        let kept = done(&self.world, args, Mode::Apply).await;
        assert!(!kept.changed, "{:?}", kept.planned);
        assert!(self.proxy.writes().is_empty(), "{}", self.proxy.log());
    }
}

fn args() -> Value {
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
