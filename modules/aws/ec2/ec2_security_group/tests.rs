//! What is Ansible's own about it, against the stand-in.

use std::sync::Arc;

use rplay_module::{Mode, Outcome, unknown};
use rplay_test_support::{Proxy, Raw, StandIn, TestWorld};
use serde_json::{Value, json};

struct Account {
    proxy: Proxy,
    raw: Raw,
    world: Arc<TestWorld>,
    vpc: String,
}

impl Account {
    fn new() -> Self {
        let stand_in = StandIn::shared();
        let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", raw.id())
            .start();
        let vpc = raw.query("ec2", "CreateVpc", &[("CidrBlock", "10.20.0.0/16")]).element("vpcId").unwrap();
        Self { proxy, raw, world, vpc }
    }

    fn web(&self) -> Value {
        json!({
            "name": "web", "description": "the web", "vpc_id": self.vpc, "tags": { "app": "web" },
            "rules": [{ "ports": [80, "443"], "cidr_ip": "0.0.0.0/0", "rule_desc": "everybody" }],
        })
    }

    async fn run(&self, args: &Value, mode: Mode) -> Outcome {
        self.proxy.clear_calls();
        super::pick(args).run(&self.world.cx(), args, mode).await
    }

    async fn done(&self, args: &Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, self.proxy.log());
        outcome
    }

    async fn kept(&self, args: &Value) -> Outcome {
        let outcome = self.done(args, Mode::Apply).await;
        assert!(!outcome.changed, "{:?}", outcome.planned);
        assert!(self.proxy.writes().is_empty(), "{}", self.proxy.log());
        outcome
    }
}

#[tokio::test]
async fn what_is_returned_has_ansibles_shape() {
    let account = Account::new();
    let made = account.done(&account.web(), Mode::Apply).await;
    let id = made.result["group_id"].as_str().unwrap().to_owned();
    let rule = |port: u16| {
        json!({
            "ip_protocol": "tcp", "from_port": port, "to_port": port,
            "ip_ranges": [{ "cidr_ip": "0.0.0.0/0", "description": "everybody" }],
            "ipv6_ranges": [], "prefix_list_ids": [], "user_id_group_pairs": [],
        })
    };
    let mut result = made.result.clone();
    // The stand-in gives none.
    result.remove("security_group_arn");
    assert_eq!(
        Value::Object(result),
        json!({
            "description": "the web", "group_id": id, "group_name": "web", "owner_id": account.raw.id(),
            "ip_permissions": [rule(80), rule(443)],
            "ip_permissions_egress": [{
                "ip_protocol": "-1", "ip_ranges": [{ "cidr_ip": "0.0.0.0/0" }],
                "ipv6_ranges": [], "prefix_list_ids": [], "user_id_group_pairs": [],
            }],
            "tags": { "app": "web" }, "vpc_id": account.vpc,
        })
    );
    let tags = account.raw.query("ec2", "DescribeSecurityGroups", &[("GroupId.1", &id)]).text();
    assert!(!tags.contains("rplay:owner"), "under Ansible's name there are the playbook's tags only");
    account.kept(&account.web()).await;
    assert_eq!(account.proxy.calls().len(), 1);
    let mut anywhere = account.web();
    anywhere["vpc_id"] = Value::Null;
    account.kept(&anywhere).await;
}

#[tokio::test]
async fn without_rules_nobody_gets_in_unless_they_are_not_purged() {
    let account = Account::new();
    account.done(&account.web(), Mode::Apply).await;
    let mut bare = account.web();
    bare["rules"] = Value::Null;
    bare["purge_rules"] = json!(false);
    account.kept(&bare).await;
    bare["purge_rules"] = json!(true);
    let closed = account.done(&bare, Mode::Apply).await;
    assert_eq!(closed.result["ip_permissions"], json!([]));
    assert_eq!(closed.result["ip_permissions_egress"][0]["ip_protocol"], "-1", "the way out is left alone");
}

#[tokio::test]
async fn another_description_is_only_warned_of() {
    let account = Account::new();
    account.done(&account.web(), Mode::Apply).await;
    let mut other = account.web();
    other["description"] = json!("something else");
    let kept = account.kept(&other).await;
    assert_eq!(kept.result["description"], "the web");
    assert!(account.world.warnings()[0].starts_with("Group description does not match existing group."));
}

#[tokio::test]
async fn a_group_that_a_rule_describes_is_made_where_it_is_missing() {
    let account = Account::new();
    let mut args = account.web();
    args["rules"] = json!([
        { "ports": 22, "group_name": ["bastion", "web"], "group_desc": "who may log in" },
        { "proto": "all", "group_name": "web" },
    ]);
    let foretold = account.done(&args, Mode::Check).await;
    assert!(account.proxy.writes().is_empty());
    assert_eq!(foretold.planned.len(), 2);
    let pairs = &foretold.result["ip_permissions"][1]["user_id_group_pairs"];
    assert!(
        pairs.as_array().unwrap().iter().any(|pair| unknown::cause_in(&pair["group_id"]).is_some()),
        "{pairs}"
    );
    account.world.next_run();
    account.done(&args, Mode::Apply).await;
    let writes = ["CreateSecurityGroup", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress"];
    assert_eq!(account.proxy.written(), writes.map(|action| format!("ec2 {action}")));
    account.kept(&args).await;
    args["rules"][0]["group_desc"] = json!("another text");
    account.kept(&args).await;
    args["rules"][0].as_object_mut().unwrap().remove("group_desc");
    account.kept(&args).await;
}

#[tokio::test]
async fn a_group_is_deleted_by_name_or_by_id() {
    let account = Account::new();
    for by_id in [false, true] {
        let made = account.done(&account.web(), Mode::Apply).await;
        let absent = if by_id {
            json!({ "group_id": made.result["group_id"], "state": "absent" })
        } else {
            json!({ "name": "web", "vpc_id": account.vpc, "state": "absent" })
        };
        assert!(account.done(&absent, Mode::Check).await.changed);
        account.world.next_run();
        let gone = account.done(&absent, Mode::Apply).await;
        assert!(gone.changed);
        assert_eq!(Value::Object(gone.result), json!({ "group_id": null }));
        account.kept(&absent).await;
    }
}

#[tokio::test]
async fn two_groups_of_the_name_are_listed_unless_the_vpc_is_named() {
    let account = Account::new();
    account.done(&account.web(), Mode::Apply).await;
    let mut elsewhere = account.web();
    let other = account.raw.query("ec2", "CreateVpc", &[("CidrBlock", "10.30.0.0/16")]).element("vpcId");
    elsewhere["vpc_id"] = json!(other);
    account.done(&elsewhere, Mode::Apply).await;
    elsewhere["vpc_id"] = Value::Null;
    let failure = account.run(&elsewhere, Mode::Apply).await.failure.unwrap();
    assert!(failure.message.starts_with("could not tell which security group web is meant: there are sg-"));
    account.kept(&account.web()).await;
}

#[tokio::test]
async fn each_wrong_argument_is_named() {
    let account = Account::new();
    for (args, message) in [
        (json!({}), "one of the following is required: name, group_id"),
        (json!({ "name": "web" }), "state is present but all of the following are missing: description"),
        (
            json!({ "name": "web", "description": "d", "rules": [{ "ports": 80 }] }),
            "one of the following is required: cidr_ip, cidr_ipv6, group_id, group_name, ip_prefix found in rules",
        ),
    ] {
        assert_eq!(account.run(&args, Mode::Check).await.failure.unwrap().message, message);
    }
}
