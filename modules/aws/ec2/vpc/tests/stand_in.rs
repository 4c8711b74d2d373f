use rplay_module::{Address, Intent, KeptWhy, Mode, Outcome, Ownership, unknown};
use rplay_test_support::{Effect, Rule};
use serde_json::{Value, json};

use crate::account::{Account, changed};

fn network() -> Value {
    json!({
        "name": "web", "cidr": "10.20.0.0/16", "internet_gateway": true, "tags": { "app": "web" },
        "subnets": [
            { "name": "a", "cidr": "10.20.0.0/20", "zone": "a" },
            { "name": "b", "cidr": "10.20.16.0/20", "zone": "b" },
        ],
    })
}

fn with(mut args: Value, field: &str, value: Value) -> Value {
    args[field] = value;
    args
}

#[tokio::test]
async fn a_network_is_made_kept_and_destroyed() {
    let account = Account::new();
    let made = account.done("vpc", &network(), Mode::Apply).await;
    assert_eq!(
        account.proxy.written(),
        [
            "ec2 CreateVpc",
            "ec2 ModifyVpcAttribute",
            "ec2 CreateInternetGateway",
            "ec2 AttachInternetGateway",
            "ec2 CreateSubnet",
            "ec2 ModifySubnetAttribute",
            "ec2 CreateSubnet",
            "ec2 ModifySubnetAttribute",
            "ec2 CreateRouteTable",
            "ec2 CreateRoute",
            "ec2 AssociateRouteTable",
            "ec2 AssociateRouteTable",
        ]
    );
    let result = Value::Object(made.result.clone());
    assert_eq!((&result["region"], &result["cidr"]), (&json!("eu-west-1"), &json!("10.20.0.0/16")));
    assert_eq!(result["subnets"][1]["zone"], "eu-west-1b");
    assert_eq!(result["subnet_ids"], json!([result["subnets"][0]["id"], result["subnets"][1]["id"]]));
    for field in ["id", "vpc_id", "internet_gateway_id", "route_table_id"] {
        assert!(result[field].as_str().is_some_and(|id| !unknown::is_unknown(id)), "{field}: {result}");
    }

    let reads = account.kept("vpc", &network()).await;
    assert_eq!(
        reads,
        [
            "DescribeVpcs",
            "DescribeVpcAttribute",
            "DescribeVpcAttribute",
            "DescribeInternetGateways",
            "DescribeSubnets",
            "DescribeRouteTables",
        ]
    );

    let destroyed = account.done("vpc", &network(), Mode::Destroy).await;
    assert!(destroyed.changed && destroyed.kept.is_empty(), "{:?}", destroyed.kept);
    assert_eq!(
        account.proxy.written(),
        [
            "ec2 DisassociateRouteTable",
            "ec2 DisassociateRouteTable",
            "ec2 DeleteRouteTable",
            "ec2 DeleteSubnet",
            "ec2 DeleteSubnet",
            "ec2 DetachInternetGateway",
            "ec2 DeleteInternetGateway",
            "ec2 DeleteVpc",
        ]
    );
    assert!(!account.listed("DescribeVpcs", "cidrBlock").contains(&"10.20.0.0/16".to_owned()));
    let again = account.done("vpc", &network(), Mode::Destroy).await;
    assert!(!again.changed && account.proxy.writes().is_empty());
}

/// How many there are of each part, the stand-in's own default VPC left out.
fn parts(account: &Account) -> [usize; 4] {
    let named = |action: &str| {
        let filter = [("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "Name")];
        let answer = account.raw.query("ec2", action, &filter).text();
        answer.matches("<key>Name</key>").count()
    };
    [
        named("DescribeVpcs"),
        named("DescribeSubnets"),
        named("DescribeInternetGateways"),
        named("DescribeRouteTables"),
    ]
}

fn intents(outcome: &Outcome) -> Vec<(String, Intent)> {
    outcome.planned.iter().map(|planned| (planned.address.clone(), planned.action)).collect()
}

#[tokio::test]
async fn each_edit_changes_what_it_names_and_nothing_else() {
    let account = Account::new();
    account.done("vpc", &network(), Mode::Apply).await;
    let subnets = |field: &str, value: Value| {
        let mut edited = network();
        edited["subnets"][0][field] = value;
        edited
    };
    let mut third = network();
    third["subnets"].as_array_mut().unwrap().push(json!({ "name": "c", "cidr": "10.20.32.0/20", "zone": 2 }));
    let all = |field: &str| {
        ["vpc web", "internet_gateway web", "subnet web/a", "subnet web/b", "route_table web/public"]
            .map(|part| format!("ec2.{part}: {field}"))
            .to_vec()
    };
    let one = |text: &str| vec![text.to_owned()];
    for (edited, expected) in [
        (with(network(), "dns_support", json!(false)), one("ec2.vpc web: dns_support")),
        (with(network(), "dns_hostnames", json!(false)), one("ec2.vpc web: dns_hostnames")),
        (with(network(), "tags", json!({ "app": "shop" })), all("tags.app")),
        (with(network(), "tags", json!({})), all("tags.app")),
        (subnets("map_public", json!(false)), one("ec2.subnet web/a: map_public")),
        (subnets("tags", json!({ "tier": "web" })), one("ec2.subnet web/a: tags.tier, tags.app")),
    ] {
        assert_eq!(changed(&account.done("vpc", &edited, Mode::Check).await), expected);
        assert!(account.proxy.writes().is_empty(), "{}", account.proxy.log());
        account.world.next_run();
        assert_eq!(changed(&account.done("vpc", &edited, Mode::Apply).await), expected);
        account.kept("vpc", &edited).await;
        account.done("vpc", &network(), Mode::Apply).await;
        account.kept("vpc", &network()).await;
    }
    let grown = account.done("vpc", &third, Mode::Apply).await;
    assert_eq!(changed(&grown)[1], "ec2.route_table web/public: subnets");
    assert_eq!(grown.result["subnets"][2]["zone"], "eu-west-1c");
    assert_eq!(parts(&account), [1, 3, 1, 1]);
    // What is no longer listed is left alone.
    account.kept("vpc", &network()).await;
}

#[tokio::test]
async fn what_is_omitted_is_left_alone() {
    let account = Account::new();
    account.done("vpc", &network(), Mode::Apply).await;
    let bare = json!({ "name": "web", "cidr": "10.20.7.7/16" });
    assert_eq!(
        account.kept("vpc", &bare).await,
        ["DescribeVpcs", "DescribeVpcAttribute", "DescribeVpcAttribute"]
    );
    let kept = with(with(network(), "tags", json!({ "other": "x" })), "purge_tags", json!(false));
    account.done("vpc", &kept, Mode::Apply).await;
    account
        .kept(
            "vpc",
            &network()
                .as_object()
                .map(|fields| {
                    let mut fields = fields.clone();
                    fields.remove("tags");
                    Value::Object(fields)
                })
                .unwrap(),
        )
        .await;
    let tags = account.raw.query("ec2", "DescribeSubnets", &[]).text();
    assert_eq!((tags.matches("<key>app</key>").count(), tags.matches("<key>other</key>").count()), (2, 2));
}

#[tokio::test]
async fn a_check_on_an_empty_account_foretells_what_the_run_makes() {
    let account = Account::new();
    let foretold = account.done("vpc", &network(), Mode::Check).await;
    assert!(account.proxy.writes().is_empty(), "{}", account.proxy.log());
    // Only the VPC is looked for: in one that is to be created there is nothing.
    assert_eq!(account.calls(), ["DescribeVpcs"]);
    assert!(foretold.changed);
    let result = Value::Object(foretold.result.clone());
    assert_eq!(unknown::shown(result["subnet_ids"][1].as_str().unwrap()), unknown::SHOWN);
    assert_eq!(unknown::cause_in(&result["internet_gateway_id"]), Some(unknown::Cause::Created));
    assert_eq!(result["subnets"][0]["zone"], "eu-west-1a");
    account.world.next_run();
    let planned = account.done("vpc", &network(), Mode::Plan).await;
    account.world.next_run();
    let made = account.done("vpc", &network(), Mode::Apply).await;
    assert_eq!(intents(&planned), intents(&made));
    let owned: Vec<_> =
        account.world.ownership().into_iter().filter(|(_, _, stage)| *stage == Ownership::Created).collect();
    assert_eq!(owned.len(), 5);
    assert!(
        owned.iter().all(|(_, realm, _)| realm.account == account.raw.id() && realm.region == "eu-west-1")
    );
}

#[tokio::test]
async fn a_lost_answer_of_any_write_makes_nothing_twice() {
    for action in [
        "CreateVpc",
        "ModifyVpcAttribute",
        "CreateInternetGateway",
        "AttachInternetGateway",
        "CreateSubnet",
        "CreateRouteTable",
        "CreateRoute",
        "AssociateRouteTable",
    ] {
        let account = Account::new();
        account.proxy.add_rule(Rule::on("ec2", action).nth(1).lose_the_answer());
        account.done("vpc", &network(), Mode::Apply).await;
        assert_eq!(parts(&account), [1, 2, 1, 1], "{action}");
        account.kept("vpc", &network()).await;
    }
}

#[tokio::test]
async fn a_run_that_is_cut_off_at_any_write_is_finished_by_the_next() {
    for number in 1..=12 {
        let account = Account::new();
        let refused = Rule::every(Effect::Write).nth(number).refuse(
            403,
            "UnauthorizedOperation",
            "You are not authorized.",
        );
        account.proxy.add_rule(refused);
        let cut = account.run("vpc", &network(), Mode::Apply).await;
        assert!(cut.failure.is_some_and(|failure| failure.message.contains("UnauthorizedOperation")));
        account.done("vpc", &network(), Mode::Apply).await;
        assert_eq!(parts(&account), [1, 2, 1, 1], "cut off at write {number}");
        account.kept("vpc", &network()).await;
    }
}

#[tokio::test]
async fn throttled_reads_are_waited_out() {
    let account = Account::new();
    account.done("vpc", &network(), Mode::Apply).await;
    account.proxy.add_rule(Rule::on("ec2", "DescribeVpcs").nth(1).throttle());
    account.proxy.add_rule(Rule::on("ec2", "DescribeSubnets").nth(1).throttle());
    assert_eq!(account.kept("vpc", &network()).await.len(), 8);
}

#[tokio::test]
async fn only_what_is_ours_is_destroyed() {
    let account = Account::new();
    account.raw.query(
        "ec2",
        "CreateVpc",
        &[
            ("CidrBlock", "10.20.0.0/16"),
            ("TagSpecification.1.ResourceType", "vpc"),
            ("TagSpecification.1.Tag.1.Key", "Name"),
            ("TagSpecification.1.Tag.1.Value", "web"),
        ],
    );
    account.done("vpc", &network(), Mode::Apply).await;
    let destroyed = account.done("vpc", &network(), Mode::Destroy).await;
    assert_eq!(destroyed.kept.len(), 1);
    assert_eq!(
        (&destroyed.kept[0].address, &destroyed.kept[0].why),
        (&Address::new("ec2.vpc", "web"), &KeptWhy::NotOurs)
    );
    assert_eq!(parts(&account), [1, 0, 0, 0]);
}

#[tokio::test]
async fn what_others_have_put_into_a_network_is_kept_with_it() {
    let account = Account::new();
    let made = account.done("vpc", &network(), Mode::Apply).await;
    let vpc = made.result["id"].as_str().unwrap();
    account.raw.query("ec2", "CreateSubnet", &[("VpcId", vpc), ("CidrBlock", "10.20.48.0/20")]);
    let foretold = account.done("vpc", &network(), Mode::PlanDestroy).await;
    assert!(account.proxy.writes().is_empty());
    let destroyed = account.done("vpc", &network(), Mode::Destroy).await;
    for outcome in [foretold, destroyed] {
        assert!(
            matches!(&outcome.kept[..], [kept] if matches!(&kept.why, KeptWhy::Holds(names) if names[0].starts_with("subnet subnet-"))),
            "{:?}",
            outcome.kept
        );
    }
}

#[tokio::test]
async fn absent_takes_the_whole_network_away() {
    let account = Account::new();
    let absent = with(network(), "state", json!("absent"));
    account.kept("vpc", &absent).await;
    account.done("vpc", &network(), Mode::Apply).await;
    let deleted = account.done("vpc", &absent, Mode::Apply).await;
    assert!(deleted.changed);
    assert_eq!(parts(&account), [0, 0, 0, 0]);
    account.kept("vpc", &absent).await;
}

#[tokio::test]
async fn the_way_out_can_be_taken_away_and_given_back() {
    let account = Account::new();
    account.done("vpc", &network(), Mode::Apply).await;
    let closed = with(network(), "internet_gateway", json!(false));
    let shut = account.done("vpc", &closed, Mode::Apply).await;
    assert_eq!(changed(&shut).len(), 2, "{:?}", changed(&shut));
    assert_eq!(parts(&account), [1, 2, 0, 0]);
    account.kept("vpc", &closed).await;
    account.done("vpc", &network(), Mode::Apply).await;
    account.kept("vpc", &network()).await;
}

#[tokio::test]
async fn a_subnet_that_uses_another_table_is_moved() {
    let account = Account::new();
    let inner = with(network(), "internet_gateway", Value::Null);
    let made = account.done("vpc", &inner, Mode::Apply).await;
    let vpc = made.result["id"].as_str().unwrap();
    let table =
        account.raw.query("ec2", "CreateRouteTable", &[("VpcId", vpc)]).element("routeTableId").unwrap();
    let subnet = made.result["subnet_ids"][0].as_str().unwrap();
    account.raw.query("ec2", "AssociateRouteTable", &[("RouteTableId", &table), ("SubnetId", subnet)]);
    account.done("vpc", &network(), Mode::Apply).await;
    assert!(account.proxy.written().contains(&"ec2 ReplaceRouteTableAssociation".to_owned()));
    account.kept("vpc", &network()).await;
}

#[tokio::test]
async fn a_default_route_to_elsewhere_is_led_back() {
    let account = Account::new();
    let made = account.done("vpc", &network(), Mode::Apply).await;
    let table = made.result["route_table_id"].as_str().unwrap();
    let route = [("RouteTableId", table), ("DestinationCidrBlock", "0.0.0.0/0"), ("NatGatewayId", "nat-1")];
    account.raw.query("ec2", "ReplaceRoute", &route);
    let outcome = account.done("vpc", &network(), Mode::Apply).await;
    assert_eq!(changed(&outcome), ["ec2.route_table web/public: default_route"]);
    assert_eq!(account.proxy.written(), ["ec2 ReplaceRoute"]);
    assert_eq!(outcome.planned[4].fields[0].before, Some(json!("nat-1")));
    account.kept("vpc", &network()).await;
}
