use rplay_module::{Address, Intent, KeptWhy, Mode, Ownership, unknown};
use rplay_test_support::{Effect, Rule};
use serde_json::{Value, json};

use crate::account::{Account, changed};

const GROUP: &str = "security_group";

fn lb() -> Value {
    json!({
        "name": "web-lb", "description": "HTTP from everywhere", "vpc": "web", "tags": { "app": "web" },
        "rules": [{ "proto": "tcp", "ports": 80, "cidr_ip": "0.0.0.0/0" }],
    })
}

fn app() -> Value {
    json!({
        "name": "web-app", "description": "Only the load balancer", "vpc": "web",
        "rules": [{ "proto": "tcp", "ports": 8080, "group_name": "web-lb" }],
    })
}

fn with(mut args: Value, field: &str, value: Value) -> Value {
    args[field] = value;
    args
}

fn ruled(rules: Value) -> Value {
    with(lb(), "rules", rules)
}

async fn in_a_network() -> Account {
    let account = Account::new();
    account.done("vpc", &json!({ "name": "web", "cidr": "10.20.0.0/16" }), Mode::Apply).await;
    account
}

/// The groups beside the default ones.
fn groups(account: &Account) -> Vec<String> {
    let mut names = account.listed("DescribeSecurityGroups", "groupName");
    names.retain(|name| name != "default");
    names
}

#[tokio::test]
async fn groups_are_made_kept_and_destroyed() {
    let account = in_a_network().await;
    let made = account.done(GROUP, &lb(), Mode::Apply).await;
    assert_eq!(account.proxy.written(), ["ec2 CreateSecurityGroup", "ec2 AuthorizeSecurityGroupIngress"]);
    assert_eq!(made.result["name"], "web-lb");
    assert!(made.result["id"].as_str().is_some_and(|id| id.starts_with("sg-")));
    let app_made = account.done(GROUP, &app(), Mode::Apply).await;
    assert_eq!(app_made.result["rules"][0]["group_id"], made.result["id"]);
    for group in [lb(), app()] {
        assert_eq!(account.kept(GROUP, &group).await, ["DescribeVpcs", "DescribeSecurityGroups"]);
    }
    let foretold = account.done(GROUP, &lb(), Mode::PlanDestroy).await;
    assert!(foretold.kept.is_empty(), "what refers to it is ours as well: {:?}", foretold.kept);
    for group in [app(), lb()] {
        let destroyed = account.done(GROUP, &group, Mode::Destroy).await;
        assert!(destroyed.changed && destroyed.kept.is_empty(), "{:?}", destroyed.kept);
        assert_eq!(account.proxy.written(), ["ec2 DeleteSecurityGroup"]);
        assert!(!account.done(GROUP, &group, Mode::Destroy).await.changed);
    }
    assert!(groups(&account).is_empty());
}

#[tokio::test]
async fn each_edit_changes_just_the_rules_that_differ() {
    let account = in_a_network().await;
    account.done(GROUP, &lb(), Mode::Apply).await;
    let everywhere = |ports: Value| json!({ "ports": ports, "cidr_ip": "0.0.0.0/0" });
    for (edited, expected) in [
        (ruled(json!([everywhere(json!([80, 443]))])), vec!["rules.tcp 443 from 0.0.0.0/0.description"]),
        (
            ruled(json!([everywhere(json!("80,8000-8010"))])),
            vec!["rules.tcp 8000-8010 from 0.0.0.0/0.description"],
        ),
        (
            ruled(json!([{ "from_port": 80, "to_port": 90, "cidr_ip": "0.0.0.0/0" }])),
            vec!["rules.tcp 80-90 from 0.0.0.0/0.description", "rules.tcp 80 from 0.0.0.0/0.description"],
        ),
        (
            ruled(json!([{ "proto": "udp", "ports": "80", "cidr_ip": "0.0.0.0/0" }])),
            vec!["rules.udp 80 from 0.0.0.0/0.description", "rules.tcp 80 from 0.0.0.0/0.description"],
        ),
        (
            ruled(json!([{ "ports": "80", "cidr_ip": "10.1.2.3/8,0.0.0.0/0", "cidr_ipv6": "::/0" }])),
            vec!["rules.tcp 80 from 10.0.0.0/8.description", "rules.tcp 80 from ::/0.description"],
        ),
        (
            ruled(json!([everywhere(json!(80)), { "proto": "all", "group_name": "web-lb" }])),
            vec!["rules.all from itself.description"],
        ),
        (
            ruled(
                json!([everywhere(json!(80)), { "proto": "icmp", "icmp_type": 8, "icmp_code": -1, "cidr_ip": "10.0.0.0/8" }]),
            ),
            vec!["rules.icmp type 8 from 10.0.0.0/8.description"],
        ),
        (
            ruled(json!([{ "ports": 80, "cidr_ip": "0.0.0.0/0", "rule_desc": "the web" }])),
            vec!["rules.tcp 80 from 0.0.0.0/0.description"],
        ),
        (ruled(json!([])), vec!["rules.tcp 80 from 0.0.0.0/0.description"]),
        (with(lb(), "tags", json!({ "app": "shop" })), vec!["tags.app"]),
        (
            with(lb(), "rules_egress", json!([{ "ports": 443, "cidr_ip": "0.0.0.0/0" }])),
            vec![
                "rules_egress.tcp 443 to 0.0.0.0/0.description",
                "rules_egress.all to 0.0.0.0/0.description",
            ],
        ),
        (
            with(
                with(lb(), "rules_egress", json!([{ "ports": 443, "cidr_ip": "0.0.0.0/0" }])),
                "purge_rules_egress",
                json!(false),
            ),
            vec!["rules_egress.tcp 443 to 0.0.0.0/0.description"],
        ),
        (
            with(ruled(json!([everywhere(json!(443))])), "purge_rules", json!(false)),
            vec!["rules.tcp 443 from 0.0.0.0/0.description"],
        ),
    ] {
        let expected = [format!("ec2.security_group web/web-lb: {}", expected.join(", "))];
        assert_eq!(changed(&account.done(GROUP, &edited, Mode::Check).await), expected);
        assert!(account.proxy.writes().is_empty(), "{}", account.proxy.log());
        account.world.next_run();
        assert_eq!(changed(&account.done(GROUP, &edited, Mode::Apply).await), expected);
        account.kept(GROUP, &edited).await;
        // A group without rule_desc keeps its descriptions: it is taken away with its rules.
        let everything = with(
            with(lb(), "rules", json!([])),
            "rules_egress",
            json!([{ "proto": -1, "cidr_ip": "0.0.0.0/0" }]),
        );
        account.done(GROUP, &everything, Mode::Apply).await;
        account.done(GROUP, &lb(), Mode::Apply).await;
    }
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let account = in_a_network().await;
    let full = with(
        ruled(json!([{ "ports": 80, "cidr_ip": "0.0.0.0/0", "rule_desc": "the web" }])),
        "rules_egress",
        json!([{ "ports": 443, "cidr_ip": "0.0.0.0/0", "rule_desc": "registries" }]),
    );
    account.done(GROUP, &full, Mode::Apply).await;
    account.kept(GROUP, &lb()).await;
    account
        .kept(GROUP, &json!({ "name": "web-lb", "description": "HTTP from everywhere", "vpc": "web" }))
        .await;
    account.kept(GROUP, &full).await;
}

#[tokio::test]
async fn a_check_on_an_empty_account_foretells_groups_that_name_each_other() {
    let account = Account::new();
    account.done("vpc", &json!({ "name": "web", "cidr": "10.20.0.0/16" }), Mode::Check).await;
    let foretold = account.done(GROUP, &lb(), Mode::Check).await;
    assert!(
        account.calls().is_empty(),
        "in a VPC that is to be created there is nothing: {}",
        account.proxy.log()
    );
    assert_eq!(unknown::shown(foretold.result["id"].as_str().unwrap()), unknown::SHOWN);
    let app_foretold = account.done(GROUP, &app(), Mode::Check).await;
    let marker = app_foretold.result["rules"][0]["group_id"].as_str().unwrap();
    assert_eq!(unknown::shown(marker), unknown::SHOWN);
    assert!(marker.contains("ec2.security_group web/web-lb"));
    let by_id =
        json!({ "name": "web-db", "description": "The database", "vpc_id": foretold.result["vpc_id"] });
    assert!(account.done(GROUP, &by_id, Mode::Check).await.changed);
}

#[tokio::test]
async fn a_rule_for_a_group_that_is_to_be_created_is_a_change_for_certain() {
    let account = in_a_network().await;
    account.done(GROUP, &with(app(), "rules", json!([])), Mode::Apply).await;
    account.world.next_run();
    account.done(GROUP, &lb(), Mode::Plan).await;
    let foretold = account.done(GROUP, &app(), Mode::Plan).await;
    assert_eq!(foretold.planned[0].action, Intent::Update);
    let fields: Vec<_> =
        foretold.planned[0].fields.iter().map(|field| (field.path.as_str(), field.unknown)).collect();
    assert_eq!(
        fields,
        [("rules.tcp 8080 from web-lb.description", false), ("rules.tcp 8080 from web-lb.group_id", true)]
    );
}

#[tokio::test]
async fn a_group_that_is_not_there_fails_and_says_which_task_comes_first() {
    let account = in_a_network().await;
    for mode in [Mode::Check, Mode::Apply] {
        let failure = account.run(GROUP, &app(), mode).await.failure.unwrap();
        assert_eq!(
            failure.message,
            "could not find ec2.security_group web/web-lb, which the rules of security group web-app name"
        );
        assert!(failure.hint.unwrap().starts_with("the task that makes web-lb must stand before this one"));
        assert!(account.proxy.writes().is_empty());
    }
    account.done(GROUP, &with(app(), "rules", json!([])), Mode::Apply).await;
    let failure = account.run(GROUP, &app(), Mode::Apply).await.failure.unwrap();
    assert!(failure.message.starts_with("could not find ec2.security_group web/web-lb"));
    assert!(account.proxy.writes().is_empty(), "it says so before it changes anything");
    let destroyed = account.done(GROUP, &app(), Mode::Destroy).await;
    assert!(destroyed.changed, "to destroy it the other one need not be there");
}

#[tokio::test]
async fn two_groups_name_each_other() {
    let account = in_a_network().await;
    let both = with(lb(), "rules", json!([{ "ports": 9000, "group_name": ["web-app", "web-lb"] }]));
    account.done(GROUP, &with(lb(), "rules", json!([])), Mode::Apply).await;
    account.done(GROUP, &app(), Mode::Apply).await;
    let outcome = account.done(GROUP, &both, Mode::Apply).await;
    assert_eq!(
        changed(&outcome),
        ["ec2.security_group web/web-lb: rules.tcp 9000 from itself.description, \
          rules.tcp 9000 from web-app.description, rules.tcp 9000 from web-app.group_id"]
    );
    account.kept(GROUP, &both).await;
    account.kept(GROUP, &app()).await;
}

#[tokio::test]
async fn a_lost_answer_of_any_write_makes_nothing_twice() {
    let narrow = with(lb(), "rules_egress", json!([{ "ports": 443, "cidr_ip": "0.0.0.0/0" }]));
    for action in [
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupEgress",
    ] {
        let account = in_a_network().await;
        account.proxy.add_rule(Rule::on("ec2", action).nth(1).lose_the_answer());
        account.done(GROUP, &narrow, Mode::Apply).await;
        assert_eq!(groups(&account), ["web-lb"], "{action}");
        account.kept(GROUP, &narrow).await;
    }
}

#[tokio::test]
async fn a_run_that_is_cut_off_at_any_write_is_finished_by_the_next() {
    for number in 1..=2 {
        let account = in_a_network().await;
        let refused =
            Rule::every(Effect::Write).nth(number).refuse(403, "UnauthorizedOperation", "You may not.");
        account.proxy.add_rule(refused);
        assert!(account.run(GROUP, &lb(), Mode::Apply).await.failure.is_some());
        account.done(GROUP, &lb(), Mode::Apply).await;
        assert_eq!(groups(&account), ["web-lb"]);
        account.kept(GROUP, &lb()).await;
        let address = Address::new("ec2.security_group", "web/web-lb");
        let stages = account.world.ownership().into_iter().filter(|(owned, ..)| *owned == address);
        assert_eq!(stages.map(|(.., stage)| stage).next(), Some(Ownership::Intended));
    }
}

#[tokio::test]
async fn throttled_reads_are_waited_out() {
    let account = in_a_network().await;
    account.done(GROUP, &lb(), Mode::Apply).await;
    account.proxy.add_rule(Rule::on("ec2", "DescribeSecurityGroups").nth(1).throttle());
    assert_eq!(
        account.kept(GROUP, &lb()).await,
        ["DescribeVpcs", "DescribeSecurityGroups", "DescribeSecurityGroups"]
    );
}

#[tokio::test]
async fn another_description_replaces_a_group_that_nothing_uses() {
    let account = in_a_network().await;
    let first = account.done(GROUP, &lb(), Mode::Apply).await;
    account.done(GROUP, &app(), Mode::Apply).await;
    let other = with(lb(), "description", json!("HTTP"));
    for mode in [Mode::Plan, Mode::Apply] {
        let failure = account.run(GROUP, &other, mode).await.failure.unwrap();
        assert_eq!(
            failure.message,
            "could not replace ec2.security_group web/web-lb (description cannot be changed in place): \
             security group web-app (its rules name it) would be orphaned"
        );
    }
    account.done(GROUP, &with(app(), "rules", json!([])), Mode::Apply).await;
    let foretold = account.done(GROUP, &other, Mode::Plan).await;
    assert_eq!(foretold.planned[0].action, Intent::Replace);
    account.world.next_run();
    let replaced = account.done(GROUP, &other, Mode::Apply).await;
    assert_ne!(replaced.result["id"], first.result["id"]);
    account.kept(GROUP, &other).await;
}

#[tokio::test]
async fn only_what_is_ours_is_destroyed_and_absent_deletes_anything() {
    let account = in_a_network().await;
    let vpc = account.done("vpc", &json!({ "name": "web", "cidr": "10.20.0.0/16" }), Mode::Apply).await;
    let vpc = vpc.result["id"].as_str().unwrap().to_owned();
    account.raw.query(
        "ec2",
        "CreateSecurityGroup",
        &[("GroupName", "web-lb"), ("GroupDescription", "HTTP from everywhere"), ("VpcId", &vpc)],
    );
    account.done(GROUP, &lb(), Mode::Apply).await;
    let destroyed = account.done(GROUP, &lb(), Mode::Destroy).await;
    assert_eq!(destroyed.kept[0].why, KeptWhy::NotOurs);
    let absent = json!({ "name": "web-lb", "vpc_id": vpc, "state": "absent" });
    assert!(account.done(GROUP, &absent, Mode::Apply).await.changed);
    assert_eq!(account.kept(GROUP, &absent).await, ["DescribeSecurityGroups"]);
    let nowhere = json!({ "name": "web-lb", "vpc": "none", "state": "absent" });
    account.kept(GROUP, &nowhere).await;
}
