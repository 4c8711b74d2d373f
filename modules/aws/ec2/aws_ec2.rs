use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use rplay_aws::{AwsParams, client, is_code};
use rplay_client_ec2::sdk::types::{AvailabilityZone, Instance, Reservation};
use rplay_client_ec2::{Ec2, filter};
use rplay_module::{Action, Cx, Deed, Effect, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::filters::{Wanted, filters};
use crate::hostname::preferred;
use crate::instance::shown;

/// Codes of an answer to who may not ask.
const FORBIDDEN: &[&str] = &["UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "403"];

/// What `sts:AssumeRole` is told the session is for.
const SESSION: &str = "ansible_aws_ec2_dynamic_inventory";

/// Lists instances as an inventory's hosts: `{"instances": [{"names": {PREFERENCE: NAMES}, "vars": {...}}]}`, in the order
/// of their ids. What its language makes of them is the inventory's own matter.
#[derive(Params)]
pub(crate) struct AwsEc2Params {
    /// The regions to look in. Omitted: all that the account can use.
    #[param(default)]
    pub(crate) regions: Vec<String>,
    /// What instances are like: those that one of these filters lets through. Omitted: all.
    #[param(default)]
    pub(crate) include_filters: Vec<Wanted>,
    /// What instances are not like.
    #[param(default)]
    pub(crate) exclude_filters: Vec<Wanted>,
    /// Whether a region that may not be looked at is an error; otherwise it is left out.
    #[param(default = true)]
    pub(crate) strict_permissions: bool,
    /// What could name a host: filters of `DescribeInstances`, `tag:NAME`, literals.
    #[param(default)]
    pub(crate) preferences: Vec<String>,
    /// The role to ask as. Omitted: nobody else.
    pub(crate) assume_role_arn: Option<String>,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

pub(crate) struct AwsEc2;

impl Action for AwsEc2 {
    type Params = AwsEc2Params;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &AwsEc2Params) -> Result<Deed> {
        let aws = match &p.assume_role_arn {
            Some(role) => rplay_client_sts::assumed(cx, &p.aws, role, SESSION).await?,
            None => p.aws.clone(),
        };
        let regions = if p.regions.is_empty() { all_regions(cx, &aws).await? } else { p.regions.clone() };
        let found = try_join_all(regions.iter().map(|region| in_region(cx, &aws, p, region))).await?;
        let mut hosts: BTreeMap<String, Value> = BTreeMap::new();
        for (id, vars) in found.into_iter().flatten() {
            let names: Map<String, Value> =
                p.preferences.iter().map(|name| (name.clone(), preferred(&vars, name))).collect();
            hosts.entry(id).or_insert_with(|| json!({ "names": names, "vars": vars }));
        }
        Ok(Deed::new(false, json!({ "instances": hosts.into_values().collect::<Vec<_>>() })))
    }
}

async fn all_regions(cx: &Cx, aws: &AwsParams) -> Result<Vec<String>> {
    let named = rplay_aws::region(cx, aws).await.unwrap_or_else(|_| "us-east-1".to_owned());
    let aws = AwsParams { region: Some(named), ..aws.clone() };
    client::<Ec2>(cx, &aws).await?.regions().await
}

/// Returns the instances of a region with their ids; none where asking is forbidden and that is no error.
async fn in_region(
    cx: &Cx,
    aws: &AwsParams,
    p: &AwsEc2Params,
    region: &str,
) -> Result<Vec<(String, Map<String, Value>)>> {
    let aws = AwsParams { region: Some(region.to_owned()), ..aws.clone() };
    let ec2 = client::<Ec2>(cx, &aws).await?;
    match listed(&ec2, p).await {
        Err(failure) if !p.strict_permissions && is_code(&failure, FORBIDDEN) => Ok(Vec::new()),
        listed => listed,
    }
}

async fn listed(ec2: &Ec2, p: &AwsEc2Params) -> Result<Vec<(String, Map<String, Value>)>> {
    let everything = [Wanted::new()];
    let included = if p.include_filters.is_empty() { &everything } else { p.include_filters.as_slice() };
    let (excluded, included) = tokio::try_join!(
        try_join_all(p.exclude_filters.iter().map(|wanted| matching(ec2, wanted))),
        try_join_all(included.iter().map(|wanted| matching(ec2, wanted))),
    )?;
    let mut left_out: BTreeSet<String> = ids(&excluded).collect();
    let mut found = Vec::new();
    for reservation in included.iter().flatten() {
        for instance in reservation.instances() {
            let Some(id) = instance.instance_id() else { continue };
            if left_out.insert(id.to_owned()) {
                found.push((id.to_owned(), variables(shown(instance), reservation)));
            }
        }
    }
    let unnamed =
        |vars: &Map<String, Value>| vars.get("placement").is_some_and(|of| of.get(ZONE_ID).is_none());
    if found.iter().any(|(_, vars)| unnamed(vars)) {
        let zones = ec2.zones().await?;
        for (_, vars) in &mut found {
            let Some(placement) = vars.get_mut("placement").and_then(Value::as_object_mut) else { continue };
            let name = placement.get("availability_zone").and_then(Value::as_str);
            let zone = zones.iter().find(|zone| zone.zone_name() == name);
            let id = zone.and_then(AvailabilityZone::zone_id).map(Value::from).unwrap_or_default();
            placement.entry(ZONE_ID).or_insert(id);
        }
    }
    Ok(found)
}

const ZONE_ID: &str = "availability_zone_id";

async fn matching(ec2: &Ec2, wanted: &Wanted) -> Result<Vec<Reservation>> {
    let mut asked = filters(wanted);
    if !wanted.contains_key("instance-state-name") {
        asked.push(filter("instance-state-name", ["running", "pending", "stopping", "stopped"]));
    }
    ec2.reservations(asked, &[]).await
}

fn ids(reservations: &[Vec<Reservation>]) -> impl Iterator<Item = String> {
    let instances = reservations.iter().flatten().flat_map(Reservation::instances);
    instances.filter_map(Instance::instance_id).map(str::to_owned)
}

/// Returns a host's variables: the instance, whose it is, its tags under both names, and its region.
fn variables(mut vars: Map<String, Value>, of: &Reservation) -> Map<String, Value> {
    vars.insert("owner_id".to_owned(), of.owner_id().unwrap_or_default().into());
    vars.insert("requester_id".to_owned(), of.requester_id().unwrap_or_default().into());
    vars.insert("reservation_id".to_owned(), of.reservation_id().unwrap_or_default().into());
    let tags = vars.get("tags").cloned().unwrap_or_default();
    vars.insert("ec2_tags".to_owned(), tags);
    if let Some(placement) = vars.get_mut("placement").and_then(Value::as_object_mut) {
        let zone = placement.get("availability_zone").and_then(Value::as_str).unwrap_or_default();
        let mut region = zone.to_owned();
        region.pop();
        placement.insert("region".to_owned(), region.into());
    }
    vars
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rplay_aws::Transport;
    use rplay_module::{Done, Mode, Outcome, Runnable as _};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};

    use super::*;

    fn instances(of: &[(&str, &str)]) -> String {
        let one = |(id, zone): &(&str, &str)| {
            format!(
                "<item><reservationId>r-{id}</reservationId><ownerId>123456789012</ownerId><instancesSet><item>\
                 <instanceId>{id}</instanceId><privateDnsName>{id}.internal</privateDnsName>\
                 <placement><availabilityZone>{zone}</availabilityZone></placement>\
                 <tagSet><item><key>Name</key><value>web</value></item></tagSet></item></instancesSet></item>"
            )
        };
        format!("<reservationSet>{}</reservationSet>", of.iter().map(one).collect::<String>())
    }

    fn zones() -> Expected {
        Expected::ec2("DescribeAvailabilityZones").gives(
            "<availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName><zoneId>euw1-az2</zoneId></item></availabilityZoneInfo>",
        )
    }

    async fn run(expected: impl IntoIterator<Item = Expected>, args: Value) -> Outcome {
        let world: Arc<TestWorld> = TestWorld::aws().start();
        let calls = Recorded::new(expected);
        world.cx().shared::<Transport>().replace(calls.client());
        Done("aws_ec2", AwsEc2).run(&world.cx(), &args, Mode::Apply).await
    }

    #[tokio::test]
    async fn hosts_are_those_included_and_not_excluded_in_the_order_of_ids() {
        let excluded = Expected::ec2("DescribeInstances")
            .parameter("Filter.1.Name", "tag:Name")
            .parameter("Filter.1.Value.1", "old")
            .parameter("Filter.2.Name", "instance-state-name")
            .gives(&instances(&[("i-3", "eu-west-1a")]));
        let included = Expected::ec2("DescribeInstances")
            .parameter("Filter.1.Name", "instance-state-name")
            .parameter("Filter.1.Value.1", "running")
            .gives(&instances(&[("i-2", "eu-west-1a"), ("i-3", "eu-west-1a"), ("i-1", "eu-west-1b")]));
        let args = json!({
            "regions": ["eu-west-1"],
            "include_filters": [{ "instance-state-name": "running" }],
            "exclude_filters": [{ "tag:Name": "old" }],
            "preferences": ["dns-name", "private-dns-name"],
        });
        let outcome = run([excluded, included, zones()], args).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        let first = json!({
            "names": { "dns-name": null, "private-dns-name": "i-1.internal" },
            "vars": {
                "ec2_tags": { "Name": "web" },
                "instance_id": "i-1",
                "owner_id": "123456789012",
                "placement": { "availability_zone": "eu-west-1b", "availability_zone_id": null, "region": "eu-west-1" },
                "private_dns_name": "i-1.internal",
                "requester_id": "",
                "reservation_id": "r-i-1",
                "tags": { "Name": "web" },
            },
        });
        let found = outcome.result["instances"].as_array().expect("a list");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], first);
        assert_eq!(found[1]["vars"]["placement"]["availability_zone_id"], "euw1-az2");
    }

    #[tokio::test]
    async fn every_region_is_asked_where_none_is_named() {
        let regions = Expected::ec2("DescribeRegions").gives(
            "<regionInfo><item><regionName>eu-west-1</regionName></item><item><regionName>us-east-1</regionName></item></regionInfo>",
        );
        let in_one = || Expected::ec2("DescribeInstances").gives(&instances(&[]));
        let outcome = run([regions, in_one(), in_one()], json!({})).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        assert_eq!(outcome.result["instances"], json!([]));
    }

    #[tokio::test]
    async fn a_forbidden_region_is_an_error_unless_that_is_allowed() {
        let forbidden =
            || Expected::ec2("DescribeInstances").refuses("UnauthorizedOperation", "You may not.");
        let args = |strict: bool| json!({ "regions": ["eu-west-1"], "strict_permissions": strict });
        let failure = run([forbidden()], args(true)).await.failure.expect("a failure");
        assert!(failure.message.contains("UnauthorizedOperation"), "{}", failure.message);
        assert_eq!(run([forbidden()], args(false)).await.result["instances"], json!([]));
    }

    #[tokio::test]
    async fn a_role_is_assumed_first() {
        let role = "arn:aws:iam::123456789012:role/reader";
        let assumed = Expected::query("AssumeRole").parameter("RoleArn", role).gives(
            "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2033-01-01T00:00:00Z</Expiration></Credentials>",
        );
        let listed = Expected::ec2("DescribeInstances").gives(&instances(&[]));
        let outcome =
            run([assumed, listed], json!({ "regions": ["eu-west-1"], "assume_role_arn": role })).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    }
}
