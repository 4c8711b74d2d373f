//! What is told of arguments, names and plans before anything is done.

use rplay_module::unknown::{Cause, is_unknown, marker};
use rplay_module::{Address, FailureKind, Foretold, World as _};
use rplay_test_support::recorded::Expected;

use super::recorded::{args, found, no_balancer, tags, world};
use super::*;

#[tokio::test]
async fn in_a_plan_what_is_to_come_stands_for_its_ids() {
    let (world, recorded) = world([
        no_balancer(),
        Expected::query("DescribeTargetGroups").refuses("TargetGroupNotFound", "none"),
    ]);
    let foretell = |kind: &str, name: &str| {
        let address = Address::new(kind, name);
        let id = marker(Cause::Created, &address.to_string());
        world.foretell(address, Foretold::Created(id));
    };
    foretell("ec2.vpc", "net");
    foretell("ec2.subnet", "net/a");
    foretell("ec2.security_group", "net/lb");
    let args = json!({
        "name": "web", "vpc": "net", "subnets": ["a"], "security_groups": ["lb"],
        "target_groups": [{ "name": "web", "protocol": "HTTP", "port": 80, "target_type": "ip" }],
        "listeners": [{ "protocol": "HTTP", "port": 80, "target_group": "web", "rules": [
            { "priority": 1, "conditions": { "path": "/x" }, "target_group": "web" },
        ] }],
    });
    let foretold = done(&world, &args, Mode::Plan).await;
    assert_eq!(planned(&foretold).len(), 4, "{:?}", foretold.planned);
    assert!(is_unknown(foretold.result["target_groups"]["web"]["arn"].as_str().unwrap()));
    assert_eq!(recorded.calls().len(), 2, "nothing of EC2 is asked for: it is all to come");
}

#[tokio::test]
async fn a_network_that_is_not_there_is_missing() {
    let (world, _recorded) = world([Expected::ec2("DescribeVpcs"), found().repeatedly(), tags()]);
    let args = but(&args(), &json!({ "vpc": "net", "security_groups": ["lb"] }));
    let failure = run(&world, &args, Mode::Check).await.failure.unwrap();
    assert_eq!(failure.message, "could not find ec2.vpc net");
}

#[tokio::test]
async fn a_name_that_two_have_is_not_guessed() {
    let two = "<vpcSet><item><vpcId>vpc-1</vpcId></item><item><vpcId>vpc-2</vpcId></item></vpcSet>";
    let (world, _recorded) = world([Expected::ec2("DescribeVpcs").gives(two), found().repeatedly(), tags()]);
    let args = but(&args(), &json!({ "vpc": "net", "security_groups": ["lb"] }));
    let failure = run(&world, &args, Mode::Check).await.failure.unwrap();
    assert_eq!(failure.message, "could not tell which ec2.vpc net is meant: there are vpc-1, vpc-2");
}

#[tokio::test]
async fn wrong_arguments_are_told_before_any_call() {
    let (world, recorded) = world([]);
    let listener = |change: Value| {
        let listener = but(&json!({ "protocol": "HTTP", "port": 80, "target_group": "web" }), &change);
        json!({ "listeners": [listener] })
    };
    let action = |action: Value| listener(json!({ "target_group": null, "default_actions": [action] }));
    for (change, message) in [
        (json!({ "name": null }), "missing required arguments: name"),
        (json!({ "subnets": null }), "state is present but all of the following are missing: subnets"),
        (json!({ "type": "gateway" }), "value of type must be one of: application, network, got: gateway"),
        (
            json!({ "scheme": "public" }),
            "value of scheme must be one of: internet-facing, internal, got: public",
        ),
        (
            json!({ "subnets": ["a"] }),
            "vpc or vpc_id is needed for the subnet a, which is no id, to be looked for or made in",
        ),
        (
            json!({ "security_groups": ["lb"] }),
            "vpc or vpc_id is needed for the security group lb, which is no id, to be looked for or made in",
        ),
        (
            json!({ "target_groups": [{ "name": "web" }] }),
            "vpc or vpc_id is needed for the target group web to be looked for or made in",
        ),
        (
            json!({ "vpc_id": "vpc-1", "target_groups": [{ "name": "a" }, { "name": "a" }] }),
            "a stands twice: target_groups[1].name",
        ),
        (
            json!({ "access_logs": {} }),
            "enabled is True but all of the following are missing: bucket found in access_logs",
        ),
        (
            listener(json!({ "protocol": "HTTPS" })),
            "protocol is HTTPS but all of the following are missing: certificate found in listeners",
        ),
        (
            listener(json!({ "target_group": null })),
            "one of the following is required: target_group, default_actions found in listeners",
        ),
        (
            listener(json!({ "default_actions": [{ "fixed_response": {} }] })),
            "parameters are mutually exclusive: target_group|default_actions found in listeners",
        ),
        (
            action(json!({})),
            "one of the following is required: target_group, target_groups, redirect, fixed_response found in \
             listeners -> default_actions",
        ),
        (
            action(json!({ "target_group": "a", "stickiness": 60 })),
            "missing parameter(s) required by 'stickiness': target_groups found in listeners -> default_actions",
        ),
        (
            action(json!({ "redirect": { "status_code": "307" } })),
            "value of status_code must be one of: HTTP_301, HTTP_302, 301, 302, got: 307 found in listeners -> \
             default_actions -> redirect",
        ),
        (
            listener(json!({ "rules": [{ "priority": 1, "conditions": {}, "target_group": "a" }] })),
            "one of the following is required: path, host, header, query, source_ip, method found in listeners -> \
             rules -> conditions",
        ),
        (
            listener(json!({ "rules": [
                { "priority": 1, "conditions": { "path": "/a" }, "target_group": "a" },
                { "priority": 1, "conditions": { "path": "/b" }, "target_group": "a" },
            ] })),
            "1 stands twice: listeners[0].rules[1].priority",
        ),
    ] {
        let failure = run(&world, &but(&args(), &change), Mode::Check).await.failure.unwrap();
        assert!(matches!(failure.kind, FailureKind::Arguments(_)), "{change}: {failure}");
        assert_eq!(failure.message, message, "{change}");
    }
    assert!(recorded.calls().is_empty());
}
