use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::unknown::{self, Cause};
use rplay_module::{Driven, Failure, FailureKind, Intent, KeptWhy, Mode, Outcome, Runnable as _};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::{Value, json};

use crate::security_group::SecurityGroup;

async fn run(world: &Arc<TestWorld>, recorded: &Recorded, args: &Value, mode: Mode) -> Outcome {
    world.cx().shared::<Transport>().replace(recorded.client());
    Driven(SecurityGroup).run(&world.native_cx(), args, mode).await
}

async fn done(world: &Arc<TestWorld>, recorded: &Recorded, args: &Value, mode: Mode) -> Outcome {
    let outcome = run(world, recorded, args, mode).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome
}

async fn failed(world: &Arc<TestWorld>, recorded: &Recorded, args: &Value, mode: Mode) -> Failure {
    run(world, recorded, args, mode).await.failure.expect("a failure is expected")
}

fn group(rules: &Value) -> Value {
    json!({ "name": "web", "description": "d", "vpc_id": "vpc-1", "rules": rules })
}

fn http() -> Value {
    json!([{ "ports": 80, "cidr_ip": "0.0.0.0/0" }])
}

/// A permission of an answer.
fn permission(protocol: &str, ports: Option<(i32, i32)>, peers: &str) -> String {
    let ports =
        ports.map_or(String::new(), |(from, to)| format!("<fromPort>{from}</fromPort><toPort>{to}</toPort>"));
    format!("<item><ipProtocol>{protocol}</ipProtocol>{ports}{peers}</item>")
}

fn ranges(cidrs: &[&str]) -> String {
    let items: Vec<String> =
        cidrs.iter().map(|cidr| format!("<item><cidrIp>{cidr}</cidrIp></item>")).collect();
    format!("<ipRanges>{}</ipRanges>", items.concat())
}

fn everything_out() -> String {
    permission("-1", None, &ranges(&["0.0.0.0/0"]))
}

fn item(inside: &str, outside: &str, more: &str) -> String {
    format!(
        "<item><ownerId>123456789012</ownerId><groupId>sg-1</groupId><groupName>web</groupName>\
         <groupDescription>d</groupDescription><vpcId>vpc-1</vpcId><ipPermissions>{inside}</ipPermissions>\
         <ipPermissionsEgress>{outside}</ipPermissionsEgress>{more}</item>"
    )
}

fn described(items: &str) -> Expected {
    Expected::ec2("DescribeSecurityGroups").gives(&format!("<securityGroupInfo>{items}</securityGroupInfo>"))
}

fn read(items: &str) -> Expected {
    described(items)
        .parameter("Filter.1.Name", "vpc-id")
        .parameter("Filter.1.Value.1", "vpc-1")
        .parameter("Filter.2.Name", "group-name")
        .parameter("Filter.2.Value.1", "web")
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

/// AWS gathers what has the same ports into one permission, and may write protocols by number.
#[tokio::test]
async fn rules_that_aws_has_gathered_are_the_same_rules() {
    let world = TestWorld::aws().start();
    let inside = [
        permission("tcp", Some((80, 80)), &ranges(&["10.0.0.0/8", "192.168.0.0/16"])),
        permission("icmp", Some((-1, -1)), &ranges(&["10.0.0.0/8"])),
        permission("50", None, &ranges(&["10.0.0.0/8"])),
        permission(
            "-1",
            None,
            "<groups><item><groupId>sg-1</groupId><userId>123456789012</userId></item></groups>",
        ),
    ];
    let recorded = Recorded::new([read(&item(&inside.concat(), &everything_out(), ""))]);
    let args = group(&json!([
        { "proto": 6, "ports": [80], "cidr_ip": ["192.168.1.1/16", "10.0.0.0/8"] },
        { "proto": "ICMP", "cidr_ip": "10.0.0.0/8" },
        { "proto": 50, "cidr_ip": "10.0.0.0/8" },
        { "proto": "all", "group_id": "sg-1" },
    ]));
    let outcome = done(&world, &recorded, &args, Mode::Apply).await;
    assert!(!outcome.changed, "{:?}", outcome.planned);
    assert_eq!(recorded.calls(), ["DescribeSecurityGroups"]);
}

#[tokio::test]
async fn a_group_of_another_account_and_a_prefix_list_are_kept_and_added() {
    let world = TestWorld::aws().start();
    let peers = "<groups><item><groupId>sg-9</groupId><userId>999999999999</userId>\
                 <vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId></item></groups>\
                 <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds>";
    let there = item(&permission("tcp", Some((443, 443)), peers), &everything_out(), "");
    let recorded = Recorded::new([
        read(&item("", &everything_out(), "")),
        Expected::ec2("AuthorizeSecurityGroupIngress")
            .parameter("GroupId", "sg-1")
            .parameter("IpPermissions.1.PrefixListIds.1.PrefixListId", "pl-1")
            .parameter("IpPermissions.2.Groups.1.GroupId", "sg-9")
            .parameter("IpPermissions.2.Groups.1.UserId", "999999999999"),
        read(&there).repeatedly(),
    ]);
    let args = group(&json!([{ "ports": 443, "group_id": "999999999999/sg-9/theirs", "ip_prefix": "pl-1" }]));
    let outcome = done(&world, &recorded, &args, Mode::Apply).await;
    let fields: Vec<_> = outcome.planned[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        fields,
        [
            "rules.tcp 443 from pl-1.description",
            "rules.tcp 443 from sg-9.description",
            "rules.tcp 443 from sg-9.group_id"
        ]
    );
    assert!(!done(&world, &recorded, &args, Mode::Apply).await.changed);
    let nothing = json!({ "name": "web", "description": "d", "vpc_id": "vpc-1" });
    assert!(!done(&world, &recorded, &nothing, Mode::Apply).await.changed);
}

/// Where the VPC has IPv6, a new group lets everything out by that as well.
#[tokio::test]
async fn all_that_aws_allows_a_new_group_is_revoked_where_egress_is_given() {
    let world = TestWorld::aws().start();
    let v6 = "<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>";
    let new = item("", &permission("-1", None, &(ranges(&["0.0.0.0/0"]) + v6)), "");
    let https = permission("tcp", Some((443, 443)), &ranges(&["0.0.0.0/0"]));
    let recorded = Recorded::new([
        read(""),
        who(),
        Expected::ec2("CreateSecurityGroup")
            .parameter("GroupName", "web")
            .parameter("GroupDescription", "d")
            .parameter("VpcId", "vpc-1")
            .parameter("TagSpecification.1.Tag.1.Key", "rplay:owner")
            .gives("<groupId>sg-1</groupId>"),
        described(&item("", "", "")).parameter("Filter.1.Name", "group-id"),
        described(&new).parameter("Filter.1.Name", "group-id"),
        Expected::ec2("AuthorizeSecurityGroupEgress").parameter("IpPermissions.1.FromPort", "443"),
        Expected::ec2("RevokeSecurityGroupEgress")
            .parameter("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")
            .parameter("IpPermissions.2.Ipv6Ranges.1.CidrIpv6", "::/0"),
        read(&item("", &https, "")).repeatedly(),
    ]);
    let mut args = group(&json!([]));
    args["rules_egress"] = json!([{ "ports": 443, "cidr_ip": "0.0.0.0/0" }]);
    assert!(done(&world, &recorded, &args, Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_new_group_that_is_not_seen_yet_is_waited_for() {
    let world = TestWorld::aws().start();
    let there = item(&permission("tcp", Some((80, 80)), &ranges(&["0.0.0.0/0"])), &everything_out(), "");
    let recorded = Recorded::new([
        read(""),
        who(),
        Expected::ec2("CreateSecurityGroup").gives("<groupId>sg-1</groupId>"),
        Expected::ec2("AuthorizeSecurityGroupIngress").refuses("InvalidGroup.NotFound", "does not exist"),
        Expected::ec2("AuthorizeSecurityGroupIngress"),
        read(""),
        read(&there),
    ]);
    assert!(done(&world, &recorded, &group(&http()), Mode::Apply).await.changed);
}

/// A rule for a group that was never there is no matter of patience.
#[tokio::test]
async fn a_group_id_that_does_not_exist_is_said_at_once() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([
        read(&item("", &everything_out(), "")),
        Expected::ec2("AuthorizeSecurityGroupIngress")
            .refuses("InvalidGroup.NotFound", "The security group 'sg-7' does not exist"),
    ]);
    let args = group(&json!([{ "ports": 80, "group_id": "sg-7" }]));
    let failure = failed(&world, &recorded, &args, Mode::Apply).await;
    assert_eq!(
        failure.message,
        "could not add rules to security group web: InvalidGroup.NotFound: The security group 'sg-7' does not exist"
    );
    assert_eq!(world.slept().as_secs(), 0);
}

#[tokio::test]
async fn too_many_rules_are_refused_before_any_is_removed() {
    let world = TestWorld::aws().start();
    let there = item(&permission("tcp", Some((22, 22)), &ranges(&["10.0.0.0/8"])), &everything_out(), "");
    let refusal = "The maximum number of rules per security group has been reached.";
    let recorded = Recorded::new([
        read(&there),
        Expected::ec2("AuthorizeSecurityGroupIngress").refuses("RulesPerSecurityGroupLimitExceeded", refusal),
    ]);
    let failure = failed(&world, &recorded, &group(&http()), Mode::Apply).await;
    assert_eq!(
        failure.message,
        format!("could not add rules to security group web: RulesPerSecurityGroupLimitExceeded: {refusal}")
    );
    assert!(failure.hint.unwrap().contains("quota"));
}

/// The answer to a removal was lost and the SDK has sent it again.
#[tokio::test]
async fn a_rule_that_is_gone_already_is_as_good_as_removed() {
    let world = TestWorld::aws().start();
    let there = item(&permission("tcp", Some((22, 22)), &ranges(&["10.0.0.0/8"])), &everything_out(), "");
    let recorded = Recorded::new([
        read(&there),
        Expected::ec2("RevokeSecurityGroupIngress").loses_the_answer(),
        Expected::ec2("RevokeSecurityGroupIngress").refuses("InvalidPermission.NotFound", "does not exist"),
        read(&item("", &everything_out(), "")),
    ]);
    assert!(done(&world, &recorded, &group(&json!([])), Mode::Apply).await.changed);
}

#[tokio::test]
async fn a_description_is_changed_in_place_for_its_rule_alone() {
    let world = TestWorld::aws().start();
    let with = |text: &str| {
        let peers = format!(
            "<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp><description>{text}</description></item>\
             <item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>"
        );
        item(&permission("tcp", Some((80, 80)), &peers), &everything_out(), "")
    };
    let rule = |id: &str, cidr: &str, egress: bool| {
        format!(
            "<item><securityGroupRuleId>{id}</securityGroupRuleId><isEgress>{egress}</isEgress><ipProtocol>tcp</ipProtocol>\
             <fromPort>80</fromPort><toPort>80</toPort><cidrIpv4>{cidr}</cidrIpv4></item>"
        )
    };
    let rules = [
        rule("sgr-1", "0.0.0.0/0", true),
        rule("sgr-2", "10.0.0.0/8", false),
        rule("sgr-3", "0.0.0.0/0", false),
    ];
    let recorded = Recorded::new([
        read(&with("old")),
        Expected::ec2("DescribeSecurityGroupRules")
            .parameter("Filter.1.Value.1", "sg-1")
            .gives(&format!("<securityGroupRuleSet>{}</securityGroupRuleSet>", rules.concat())),
        Expected::ec2("ModifySecurityGroupRules")
            .parameter("SecurityGroupRule.1.SecurityGroupRuleId", "sgr-3")
            .parameter("SecurityGroupRule.1.SecurityGroupRule.Description", "new")
            .parameter("SecurityGroupRule.1.SecurityGroupRule.CidrIpv4", "0.0.0.0/0")
            .without("SecurityGroupRule.2.SecurityGroupRuleId"),
        read(&with("new")),
    ]);
    let args = group(&json!([
        { "ports": 80, "cidr_ip": "0.0.0.0/0", "rule_desc": "new" },
        { "ports": 80, "cidr_ip": "10.0.0.0/8" },
    ]));
    let outcome = done(&world, &recorded, &args, Mode::Apply).await;
    let field = &outcome.planned[0].fields[0];
    assert_eq!(field.path, "rules.tcp 80 from 0.0.0.0/0.description");
    assert_eq!((&field.before, &field.after), (&Some(json!("old")), &Some(json!("new"))));
}

fn interfaces(managed: bool) -> Expected {
    Expected::ec2("DescribeNetworkInterfaces").parameter("Filter.1.Name", "group-id").gives(&format!(
        "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>\
         <groupSet><item><groupId>sg-1</groupId></item></groupSet><requesterManaged>{managed}</requesterManaged>\
         <attachment><instanceId>i-1</instanceId></attachment></item></networkInterfaceSet>"
    ))
}

fn references(items: &str) -> [Expected; 2] {
    ["ip-permission.group-id", "egress.ip-permission.group-id"]
        .map(|name| described(items).parameter("Filter.1.Name", name).parameter("Filter.1.Value.1", "sg-1"))
}

fn owned() -> String {
    item("", &everything_out(), "<tagSet><item><key>rplay:owner</key><value>rplay</value></item></tagSet>")
}

#[tokio::test]
async fn a_group_in_use_is_neither_replaced_nor_destroyed() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([read(&owned()).repeatedly(), interfaces(true)]);
    recorded.expect(references(""));
    let mut args = group(&json!([]));
    args["description"] = json!("other");
    let failure = failed(&world, &recorded, &args, Mode::Plan).await;
    assert!(failure.message.ends_with("instance i-1 (eni-1) would be orphaned"), "{failure}");
    recorded.expect([who(), interfaces(false)]);
    recorded.expect(references(""));
    let outcome = done(&world, &recorded, &args, Mode::Destroy).await;
    assert_eq!(outcome.kept[0].why, KeptWhy::Holds(vec!["instance i-1 (eni-1)".to_owned()]));
}

/// A stopped task's interface has its groups for a while longer.
#[tokio::test]
async fn interfaces_that_go_by_themselves_are_waited_for() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([read(&owned()), who(), interfaces(true)]);
    recorded.expect(references(&owned()));
    let refusal = || {
        Expected::ec2("DeleteSecurityGroup")
            .refuses("DependencyViolation", "resource sg-1 has a dependent object")
    };
    recorded.expect([refusal(), Expected::ec2("DeleteSecurityGroup").parameter("GroupId", "sg-1"), read("")]);
    assert!(done(&world, &recorded, &group(&json!([])), Mode::Destroy).await.changed);
    assert_eq!(world.slept().as_millis(), 500, "one pause, by the test's own clock");
}

#[tokio::test]
async fn a_group_that_stays_in_use_fails_after_a_bounded_time() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([
        read(&owned()).repeatedly(),
        Expected::ec2("DeleteSecurityGroup")
            .refuses("DependencyViolation", "resource sg-1 has a dependent object")
            .repeatedly(),
        who(),
    ]);
    let absent = json!({ "name": "web", "vpc_id": "vpc-1", "state": "absent" });
    let failure = failed(&world, &recorded, &absent, Mode::Apply).await;
    assert_eq!(
        failure.message,
        "could not delete security group web (sg-1): DependencyViolation: resource sg-1 has a dependent object"
    );
    assert!((300..400).contains(&world.slept().as_secs()), "{:?}", world.slept());
}

#[tokio::test]
async fn what_is_not_known_before_the_run_makes_no_fault() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([read(&item("", &everything_out(), "")).repeatedly()]);
    let open = unknown::marker(Cause::Open, "command");
    for rule in [
        json!({ "ports": open, "cidr_ip": "0.0.0.0/0" }),
        json!({ "from_port": open, "cidr_ip": "0.0.0.0/0" }),
        json!({ "ports": 80, "cidr_ip": open }),
        json!({ "ports": 80, "group_id": open }),
    ] {
        let outcome = done(&world, &recorded, &group(&json!([rule])), Mode::Plan).await;
        assert!(outcome.changed);
    }
    let mut args = group(&json!([]));
    args["description"] = json!(open);
    let outcome = done(&world, &recorded, &args, Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::MayChange);
    let mut args = group(&json!([]));
    args["vpc_id"] = json!(open);
    let outcome = done(&world, &recorded, &args, Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::Deferred);
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([read("").repeatedly()]);
    let targets = "one of the following is required: cidr_ip, cidr_ipv6, group_id, group_name, ip_prefix found in rules";
    for (args, path, message) in [
        (
            json!({ "name": "web", "vpc": "v" }),
            "state",
            "state is present but all of the following are missing: description",
        ),
        (json!({ "name": "web", "description": "d" }), "", "one of the following is required: vpc, vpc_id"),
        (
            json!({ "name": "web", "description": "d", "vpc": "v", "vpc_id": "vpc-1" }),
            "vpc_id",
            "parameters are mutually exclusive: vpc|vpc_id",
        ),
        (group(&json!([{ "ports": 80 }])), "rules[0]", targets),
        (
            group(&json!([{ "cidr_ip": "0.0.0.0/0" }])),
            "rules[0].proto",
            "proto is tcp but any of the following are missing: ports, from_port, to_port found in rules",
        ),
        (
            group(&json!([{ "ports": 80, "from_port": 80, "cidr_ip": "0.0.0.0/0" }])),
            "rules[0].from_port",
            "parameters are mutually exclusive: ports|from_port found in rules",
        ),
        (
            group(&json!([{ "proto": "icmp", "icmp_code": 1, "cidr_ip": "0.0.0.0/0" }])),
            "rules[0].icmp_code",
            "missing parameter(s) required by 'icmp_code': icmp_type found in rules",
        ),
        (
            group(&json!([{ "ports": "http", "cidr_ip": "0.0.0.0/0" }])),
            "rules[0].ports[0]",
            "http is no port (0 to 65535) and no range such as 8000-8010",
        ),
        (
            group(&json!([{ "ports": 80, "cidr_ip": "10.0.0/8" }])),
            "rules[0].cidr_ip[0]",
            "10.0.0/8 is no block of IPv4 addresses such as 10.0.0.0/8",
        ),
        (
            group(&json!([{ "ports": 80, "cidr_ipv6": "10.0.0.0/8" }])),
            "rules[0].cidr_ipv6[0]",
            "10.0.0.0/8 is no block of IPv6 addresses such as 2001:db8::/32",
        ),
        (
            group(&json!([{ "ports": 80, "group_id": "web-lb" }])),
            "rules[0].group_id[0]",
            "web-lb is no group's id such as sg-0123 or 123456789012/sg-0123",
        ),
        (
            group(&json!([{ "proto": 50, "icmp_type": 8, "cidr_ip": "0.0.0.0/0" }])),
            "rules[0]",
            "Specify proto: icmp or icmpv6 when using icmp_type/icmp_code",
        ),
    ] {
        let failure = failed(&world, &recorded, &args, Mode::Check).await;
        let FailureKind::Arguments(faults) = &failure.kind else { panic!("{failure:?}") };
        assert_eq!((faults[0].path.as_str(), faults[0].message.as_str()), (path, message));
    }
}
