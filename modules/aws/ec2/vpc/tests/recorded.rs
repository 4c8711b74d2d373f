use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{
    Address, Composed, FailureKind, Foretold, Intent, KeptWhy, Mode, Outcome, Realm, Runnable as _,
    World as _,
};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::{Value, json};

use crate::vpc::Vpc;

async fn run(world: &Arc<TestWorld>, recorded: &Recorded, args: &Value, mode: Mode) -> Outcome {
    world.cx().shared::<Transport>().replace(recorded.client());
    Composed(Vpc).run(&world.native_cx(), args, mode).await
}

fn bare() -> Value {
    json!({ "name": "web", "cidr": "10.20.0.0/16" })
}

fn with_subnet(cidr: &str) -> Value {
    json!({ "name": "web", "cidr": "10.20.0.0/16", "subnets": [{ "name": "a", "cidr": cidr, "zone": "a" }] })
}

fn name_tag(name: &str) -> String {
    format!("<tagSet><item><key>Name</key><value>{name}</value></item></tagSet>")
}

fn vpc_item(id: &str, more: &str) -> String {
    let tags = name_tag("web");
    format!(
        "<item><vpcId>{id}</vpcId><cidrBlock>10.20.0.0/16</cidrBlock><instanceTenancy>default</instanceTenancy>{tags}{more}</item>"
    )
}

fn vpcs(items: &[String]) -> Expected {
    Expected::ec2("DescribeVpcs")
        .parameter("Filter.1.Name", "tag:Name")
        .parameter("Filter.1.Value.1", "web")
        .gives(&format!("<vpcSet>{}</vpcSet>", items.concat()))
}

fn the_vpc() -> Expected {
    vpcs(&[vpc_item("vpc-1", "")])
}

fn attributes() -> [Expected; 2] {
    ["enableDnsSupport", "enableDnsHostnames"].map(|name| {
        Expected::ec2("DescribeVpcAttribute")
            .parameter("Attribute", name)
            .gives(&format!("<vpcId>vpc-1</vpcId><{name}><value>true</value></{name}>"))
            .repeatedly()
    })
}

/// What is read of a VPC that is as it shall be.
fn kept_vpc() -> Vec<Expected> {
    std::iter::once(the_vpc().repeatedly()).chain(attributes()).collect()
}

fn subnets(items: &str) -> Expected {
    Expected::ec2("DescribeSubnets")
        .parameter("Filter.1.Name", "vpc-id")
        .parameter("Filter.1.Value.1", "vpc-1")
        .gives(&format!("<subnetSet>{items}</subnetSet>"))
}

fn subnet_item(id: &str, cidr: &str) -> String {
    let tags = name_tag("web-a");
    format!(
        "<item><subnetId>{id}</subnetId><cidrBlock>{cidr}</cidrBlock><availabilityZone>eu-west-1a</availabilityZone>{tags}</item>"
    )
}

fn who() -> Expected {
    Expected::query("GetCallerIdentity").gives("<Account>123456789012</Account>")
}

fn failed(outcome: Outcome) -> rplay_module::Failure {
    outcome.failure.expect("a failure is expected")
}

#[tokio::test]
async fn a_subnet_that_overlaps_one_in_the_account_quotes_aws() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new(kept_vpc());
    recorded.expect([
        subnets("").repeatedly(),
        who(),
        Expected::ec2("CreateSubnet")
            .parameter("VpcId", "vpc-1")
            .parameter("CidrBlock", "10.20.0.0/20")
            .parameter("AvailabilityZone", "eu-west-1a")
            .parameter("TagSpecification.1.ResourceType", "subnet")
            .parameter("TagSpecification.1.Tag.1.Value", "web-a")
            .parameter("TagSpecification.1.Tag.2.Key", "rplay:owner")
            .refuses("InvalidSubnet.Conflict", "The CIDR '10.20.0.0/20' conflicts with another subnet"),
    ]);
    let failure = failed(run(&world, &recorded, &with_subnet("10.20.0.0/20"), Mode::Apply).await);
    assert_eq!(
        failure.message,
        "could not create subnet web/a: InvalidSubnet.Conflict: The CIDR '10.20.0.0/20' conflicts with another subnet"
    );
    assert_eq!(
        failure.hint.as_deref(),
        Some("another subnet of the VPC has these addresses: choose another cidr")
    );
}

#[tokio::test]
async fn a_subnet_outside_of_the_vpc_quotes_aws() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new(kept_vpc());
    let refusal = "The CIDR '10.21.0.0/20' is invalid.";
    recorded.expect([
        subnets("").repeatedly(),
        who(),
        Expected::ec2("CreateSubnet").refuses("InvalidSubnet.Range", refusal),
    ]);
    let failure = failed(run(&world, &recorded, &with_subnet("10.21.0.0/20"), Mode::Apply).await);
    assert_eq!(failure.message, format!("could not create subnet web/a: InvalidSubnet.Range: {refusal}"));
    assert!(failure.hint.unwrap().contains("additional_cidrs"));
}

#[tokio::test]
async fn the_limit_of_vpcs_is_said_at_once_and_nothing_is_owned() {
    let world = TestWorld::aws().start();
    let refusal = "The maximum number of VPCs has been reached.";
    let recorded = Recorded::new([
        vpcs(&[]).repeatedly(),
        who(),
        Expected::ec2("CreateVpc")
            .parameter("CidrBlock", "10.20.0.0/16")
            .parameter("InstanceTenancy", "default")
            .refuses("VpcLimitExceeded", refusal),
    ]);
    let failure = failed(run(&world, &recorded, &bare(), Mode::Apply).await);
    assert_eq!(failure.message, format!("could not create VPC web: VpcLimitExceeded: {refusal}"));
    assert!(failure.hint.unwrap().contains("quota"));
    let realm =
        Realm { account: "123456789012".to_owned(), region: "eu-west-1".to_owned(), endpoint: String::new() };
    assert!(!world.owns(&Address::new("ec2.vpc", "web"), &realm));
}

#[tokio::test]
async fn two_vpcs_of_the_name_are_listed() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([vpcs(&[vpc_item("vpc-1", ""), vpc_item("vpc-2", "")]).repeatedly()]);
    for mode in [Mode::Check, Mode::Apply] {
        let failure = failed(run(&world, &recorded, &bare(), mode).await);
        assert_eq!(failure.message, "could not tell which VPC named web is meant: there are vpc-1, vpc-2");
    }
}

/// Filters take `*` and `?` for wildcards.
#[tokio::test]
async fn a_vpc_that_only_matches_the_filter_is_another_one() {
    let world = TestWorld::aws().start();
    let other = vpc_item("vpc-1", "").replace("<value>web</value>", "<value>website</value>");
    let found = Expected::ec2("DescribeVpcs").gives(&format!("<vpcSet>{other}</vpcSet>"));
    let recorded = Recorded::new([found]);
    let args = json!({ "name": "web*", "cidr": "10.20.0.0/16" });
    let outcome = run(&world, &recorded, &args, Mode::Check).await;
    assert_eq!(outcome.planned[0].action, Intent::Create);
}

fn block(cidr: &str, state: &str) -> String {
    format!(
        "<item><cidrBlock>{cidr}</cidrBlock><associationId>assoc-{cidr}</associationId><cidrBlockState><state>{state}</state>\
         </cidrBlockState></item>"
    )
}

fn vpc_with(blocks: &[String]) -> Expected {
    let first = block("10.20.0.0/16", "associated");
    let set = format!("<cidrBlockAssociationSet>{first}{}</cidrBlockAssociationSet>", blocks.concat());
    vpcs(&[vpc_item("vpc-1", &set)])
}

/// The stand-in knows no further blocks.
#[tokio::test]
async fn further_blocks_are_added_and_taken_away() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new(attributes());
    recorded.expect([
        vpc_with(&[block("10.30.0.0/16", "associated"), block("10.50.0.0/16", "disassociated")]),
        Expected::ec2("AssociateVpcCidrBlock").parameter("CidrBlock", "10.40.0.0/16"),
        Expected::ec2("DisassociateVpcCidrBlock").parameter("AssociationId", "assoc-10.30.0.0/16"),
        vpc_with(&[block("10.40.0.0/16", "associated")]).repeatedly(),
    ]);
    let mut args = bare();
    args["additional_cidrs"] = json!(["10.40.0.0/16"]);
    let outcome = run(&world, &recorded, &args, Mode::Apply).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    let field = &outcome.planned[0].fields[0];
    assert_eq!((field.path.as_str(), &field.after), ("additional_cidrs", &Some(json!(["10.40.0.0/16"]))));
    assert!(!run(&world, &recorded, &args, Mode::Apply).await.changed);
    assert!(!run(&world, &recorded, &bare(), Mode::Apply).await.changed, "omitted, they are left alone");
}

#[tokio::test]
async fn a_dedicated_vpc_becomes_a_default_one_in_place_and_never_the_other_way() {
    let world = TestWorld::aws().start();
    let dedicated = vpc_item("vpc-1", "").replace(">default<", ">dedicated<");
    let recorded = Recorded::new(attributes());
    recorded.expect([
        vpcs(&[dedicated]),
        Expected::ec2("ModifyVpcTenancy").parameter("InstanceTenancy", "default"),
        the_vpc().repeatedly(),
    ]);
    let mut args = bare();
    args["tenancy"] = json!("default");
    let outcome = run(&world, &recorded, &args, Mode::Apply).await;
    assert_eq!(outcome.planned[0].fields[0].path, "tenancy");
    args["tenancy"] = json!("dedicated");
    recorded.expect(contents(""));
    let outcome = run(&world, &recorded, &args, Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::Replace);
}

/// What is asked for before a VPC is deleted.
fn contents(subnets: &str) -> [Expected; 4] {
    [
        Expected::ec2("DescribeSubnets").gives(&format!("<subnetSet>{subnets}</subnetSet>")),
        Expected::ec2("DescribeSecurityGroups")
            .gives("<securityGroupInfo><item><groupName>default</groupName></item></securityGroupInfo>"),
        Expected::ec2("DescribeRouteTables").gives(
            "<routeTableSet><item><associationSet><item><main>true</main></item></associationSet></item></routeTableSet>",
        ),
        Expected::ec2("DescribeInternetGateways").parameter("Filter.1.Name", "attachment.vpc-id").gives(""),
    ]
}

#[tokio::test]
async fn another_cidr_replaces_an_empty_vpc_and_is_refused_for_one_in_use() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new(kept_vpc());
    recorded.expect(contents(&subnet_item("subnet-1", "10.20.0.0/20")));
    let args = json!({ "name": "web", "cidr": "10.99.0.0/16" });
    let failure = failed(run(&world, &recorded, &args, Mode::Plan).await);
    assert_eq!(
        failure.message,
        "could not replace ec2.vpc web (cidr cannot be changed in place, from 10.20.0.0/16 to 10.99.0.0/16): \
         subnet web/a would be orphaned"
    );
    recorded.expect(contents(""));
    let outcome = run(&world, &recorded, &args, Mode::Plan).await;
    assert_eq!(outcome.planned[0].action, Intent::Replace);
}

fn interface(id: &str, managed: bool) -> String {
    format!(
        "<item><networkInterfaceId>{id}</networkInterfaceId><subnetId>subnet-1</subnetId><requesterManaged>{managed}\
         </requesterManaged><description>ELB app/web/1</description></item>"
    )
}

fn interfaces(items: &[String]) -> Expected {
    Expected::ec2("DescribeNetworkInterfaces")
        .parameter("Filter.1.Name", "subnet-id")
        .gives(&format!("<networkInterfaceSet>{}</networkInterfaceSet>", items.concat()))
}

#[tokio::test]
async fn a_subnet_in_use_is_not_replaced_also_not_under_a_load_balancer() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new(kept_vpc());
    recorded.expect([
        subnets(&subnet_item("subnet-1", "10.20.0.0/20")).repeatedly(),
        interfaces(&[interface("eni-1", true)]).repeatedly(),
        who(),
    ]);
    for mode in [Mode::Plan, Mode::Apply] {
        let failure = failed(run(&world, &recorded, &with_subnet("10.20.64.0/20"), mode).await);
        assert_eq!(
            failure.message,
            "could not replace ec2.subnet web/a (cidr cannot be changed in place, from 10.20.0.0/20 to 10.20.64.0/20): \
             network interface eni-1 (ELB app/web/1) would be orphaned"
        );
    }
    let mut moved = with_subnet("10.20.0.0/20");
    moved["subnets"][0]["zone"] = json!("eu-west-1b");
    let failure = failed(run(&world, &recorded, &moved, Mode::Plan).await);
    assert!(failure.message.contains("zone cannot be changed in place, from eu-west-1a to eu-west-1b"));
}

/// A deleted load balancer's interfaces stay for a minute or two.
#[tokio::test]
async fn interfaces_that_go_by_themselves_are_waited_for() {
    let world = TestWorld::aws().start();
    let realm =
        Realm { account: "123456789012".to_owned(), region: "eu-west-1".to_owned(), endpoint: String::new() };
    world.own(&Address::new("ec2.subnet", "web/a"), &realm, rplay_module::Ownership::Created);
    let refusal = || {
        Expected::ec2("DeleteSubnet").refuses("DependencyViolation", "The subnet 'subnet-1' has dependencies")
    };
    let recorded = Recorded::new([
        the_vpc().repeatedly(),
        subnets(&subnet_item("subnet-1", "10.20.0.0/20")),
        who(),
        interfaces(&[interface("eni-1", true)]),
        refusal(),
        refusal(),
        Expected::ec2("DeleteSubnet").parameter("SubnetId", "subnet-1"),
        subnets(""),
    ]);
    recorded.expect(attributes());
    let outcome = run(&world, &recorded, &with_subnet("10.20.0.0/20"), Mode::Destroy).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert!(world.slept().as_secs() >= 1);
    // The VPC itself was not made by rplay.
    assert_eq!(outcome.kept.len(), 1);
}

#[tokio::test]
async fn interfaces_of_others_keep_a_subnet() {
    let world = TestWorld::aws().start();
    let owner = "<item><key>rplay:owner</key><value>rplay</value></item></tagSet>";
    let ours = subnet_item("subnet-1", "10.20.0.0/20").replace("</tagSet>", owner);
    let recorded = Recorded::new([
        the_vpc().repeatedly(),
        subnets(&ours),
        who(),
        interfaces(&[interface("eni-1", false), interface("eni-2", true)]),
    ]);
    recorded.expect(attributes());
    let outcome = run(&world, &recorded, &with_subnet("10.20.0.0/20"), Mode::Destroy).await;
    assert_eq!(
        outcome.kept[0].why,
        KeptWhy::Holds(vec!["network interface eni-1 (ELB app/web/1)".to_owned()])
    );
}

/// What was just made is not seen everywhere at once.
#[tokio::test]
async fn a_vpc_that_is_not_seen_yet_is_waited_for() {
    let world = TestWorld::aws().start();
    let unseen =
        |action| Expected::ec2(action).refuses("InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist");
    let recorded = Recorded::new([
        vpcs(&[]),
        who(),
        Expected::ec2("CreateVpc").gives("<vpc><vpcId>vpc-1</vpcId></vpc>"),
        unseen("ModifyVpcAttribute"),
        Expected::ec2("ModifyVpcAttribute").parameter("EnableDnsHostnames.Value", "true"),
        vpcs(&[]),
        the_vpc().repeatedly(),
        unseen("DescribeVpcAttribute").parameter("Attribute", "enableDnsSupport"),
    ]);
    recorded.expect(attributes());
    let outcome = run(&world, &recorded, &bare(), Mode::Apply).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert_eq!(outcome.result["id"], "vpc-1");
}

#[tokio::test]
async fn zones_are_found_by_number_and_id_and_spread_where_none_is_named() {
    let world = TestWorld::aws().start();
    world.foretell(
        Address::new("ec2.vpc", "web"),
        Foretold::Created(rplay_module::unknown::marker(rplay_module::unknown::Cause::Created, "vpc")),
    );
    let zone = |letter: &str, id: &str| {
        format!("<item><zoneName>eu-west-1{letter}</zoneName><zoneId>{id}</zoneId></item>")
    };
    let zones = [zone("a", "euw1-az3"), zone("b", "euw1-az1")].concat();
    let recorded = Recorded::new([
        vpcs(&[]).repeatedly(),
        Expected::ec2("DescribeAvailabilityZones")
            .gives(&format!("<availabilityZoneInfo>{zones}</availabilityZoneInfo>")),
    ]);
    let subnet = |number: u8, zone: Value| json!({ "name": number, "cidr": format!("10.20.{number}.0/24"), "zone": zone });
    let args = json!({ "name": "web", "cidr": "10.20.0.0/16", "subnets": [
        subnet(0, json!(1)), subnet(1, json!("euw1-az3")), subnet(2, Value::Null), subnet(3, Value::Null), subnet(4, json!("us-west-2-lax-1a")),
    ] });
    let outcome = run(&world, &recorded, &args, Mode::Check).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    let zones: Vec<_> = outcome.result["subnets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subnet| subnet["zone"].as_str().unwrap())
        .collect();
    assert_eq!(zones, ["eu-west-1b", "eu-west-1a", "eu-west-1a", "eu-west-1b", "us-west-2-lax-1a"]);
    let args = json!({ "name": "web", "cidr": "10.20.0.0/16", "subnets": [subnet(0, json!(7))] });
    let failure = failed(run(&world, &recorded, &args, Mode::Check).await);
    assert_eq!(failure.message, "could not find zone 7 of eu-west-1: the account can use 2 zones there");
}

#[tokio::test]
async fn what_is_certain_to_be_refused_is_said_before_any_call() {
    let world = TestWorld::aws().start();
    let recorded = Recorded::new([]);
    let subnet = |name: &str, cidr: &str| json!({ "name": name, "cidr": cidr });
    let network = |subnets: Value| json!({ "name": "web", "cidr": "10.20.0.0/16", "additional_cidrs": [], "subnets": subnets });
    for (args, path, message) in [
        (json!({ "name": "web" }), "state", "state is present but all of the following are missing: cidr"),
        (json!({ "cidr": "10.0.0.0/8" }), "", "missing required arguments: name"),
        (
            json!({ "name": "web", "cidr": "10.20.0.0" , "subnets": [{ "cidr": "10.20.0.0/20" }]}),
            "subnets[0]",
            "missing required arguments: name found in subnets",
        ),
        (
            json!({ "name": "web", "cidr": "10.20.0/16" }),
            "cidr",
            "10.20.0/16 is no block of IPv4 addresses such as 10.20.0.0/16",
        ),
        (
            network(json!([subnet("a", "10.20.0.0/20"), subnet("b", "10.20.8.0/24")])),
            "subnets[1].cidr",
            "10.20.8.0/24 of subnet b overlaps subnet a",
        ),
        (
            network(json!([subnet("a", "10.21.0.0/20")])),
            "subnets[0].cidr",
            "10.21.0.0/20 of subnet a lies outside of the VPC's cidr",
        ),
        (
            network(json!([subnet("a", "10.20.0.0/20"), subnet("a", "10.20.16.0/20")])),
            "subnets[1].name",
            "two subnets are named a",
        ),
        (network(json!([{ "name": "a" }])), "subnets[0].cidr", "subnet a needs a cidr"),
        (
            json!({ "name": "web", "cidr": "10.20.0.0/16", "tags": { "Name": "other" } }),
            "tags.Name",
            "the tag Name is set by `name`: leave it out",
        ),
        (
            json!({ "name": "web", "cidr": "10.20.0.0/16", "tenancy": "host" }),
            "tenancy",
            "value of tenancy must be one of: default, dedicated, got: host",
        ),
    ] {
        let failure = failed(run(&world, &recorded, &args, Mode::Check).await);
        let FailureKind::Arguments(faults) = &failure.kind else { panic!("{failure:?}") };
        assert_eq!((faults[0].path.as_str(), faults[0].message.as_str()), (path, message));
    }
}

#[test]
fn the_description_of_the_parameters_has_no_mistakes() {
    for module in crate::MODULES {
        let mistakes = (module.spec)().mistakes();
        assert!(mistakes.is_empty(), "{mistakes:?}");
    }
}
