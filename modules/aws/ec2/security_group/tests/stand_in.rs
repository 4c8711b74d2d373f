use rplay_module::Mode;

use serde_json::{Value, json};

use crate::account::Account;

const LB: &str = "security_group";

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

async fn in_a_network() -> Account {
    let account = Account::new();
    account.done("vpc", &json!({ "name": "web", "cidr": "10.20.0.0/16" }), Mode::Apply).await;
    account
}

#[tokio::test]
async fn groups_are_made_kept_and_destroyed() {
    let account = in_a_network().await;
    let made = account.done(LB, &lb(), Mode::Apply).await;
    assert_eq!(account.proxy.written(), ["ec2 CreateSecurityGroup", "ec2 AuthorizeSecurityGroupIngress"]);
    assert_eq!(made.result["name"], "web-lb");
    assert!(made.result["id"].as_str().is_some_and(|id| id.starts_with("sg-")));
    let app_made = account.done(LB, &app(), Mode::Apply).await;
    assert_eq!(app_made.result["rules"][0]["group_id"], made.result["id"]);
    for group in [lb(), app()] {
        assert_eq!(account.kept(LB, &group).await, ["DescribeVpcs", "DescribeSecurityGroups"]);
    }
    for group in [app(), lb()] {
        let destroyed = account.done(LB, &group, Mode::Destroy).await;
        assert!(destroyed.changed && destroyed.kept.is_empty(), "{:?}", destroyed.kept);
        assert_eq!(account.proxy.written(), ["ec2 DeleteSecurityGroup"]);
        assert!(!account.done(LB, &group, Mode::Destroy).await.changed);
    }
}
