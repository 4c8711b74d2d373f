use rplay_module::{Mode, unknown};
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
async fn a_network_is_made_kept_edited_and_destroyed() {
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

    for (field, value, expected) in [
        ("dns_support", json!(false), vec!["ec2.vpc web: dns_support"]),
        ("dns_hostnames", json!(false), vec!["ec2.vpc web: dns_hostnames"]),
    ] {
        let edited = with(network(), field, value);
        assert_eq!(changed(&account.done("vpc", &edited, Mode::Check).await), expected);
        assert!(account.proxy.writes().is_empty());
        assert_eq!(changed(&account.done("vpc", &edited, Mode::Apply).await), expected);
        account.kept("vpc", &edited).await;
        account.done("vpc", &network(), Mode::Apply).await;
    }

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
