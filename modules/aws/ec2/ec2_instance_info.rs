use rplay_aws::{AwsParams, DateTime, client};
use rplay_client_ec2::Ec2;
use rplay_client_ec2::sdk::types::{Instance, Reservation};
use rplay_module::{Action, Cx, Deed, Effect, InCheck, Params, Result};
use serde_json::{Value, json};

use crate::filters::{Wanted, filters};
use crate::instance::shown;

/// Tells what EC2 knows of instances.
#[derive(Params)]
#[params(mutually_exclusive("instance_ids", "filters"), unbuilt("include_attributes", "attributes"))]
pub(crate) struct Ec2InstanceInfoParams {
    /// The ids of the instances. Omitted: all that the filters let through.
    #[param(default)]
    pub(crate) instance_ids: Vec<String>,
    /// What the instances are like: names and values of the filters of `DescribeInstances`. Omitted: all.
    #[param(default)]
    pub(crate) filters: Wanted,
    /// For how many minutes they must have been running. Omitted: that is the same.
    #[param(alias = "uptime")]
    pub(crate) minimum_uptime: Option<u32>,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

pub(crate) struct Ec2InstanceInfo;

impl Action for Ec2InstanceInfo {
    type Params = Ec2InstanceInfoParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &Ec2InstanceInfoParams) -> Result<Deed> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let reservations = ec2.reservations(filters(&p.filters), &p.instance_ids).await?;
        let is_old_enough = |instance: &&Instance| {
            let Some(minutes) = p.minimum_uptime.filter(|minutes| *minutes > 0) else { return true };
            let now = cx.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
            let latest = now.saturating_sub(u64::from(minutes) * 60);
            let launched = instance.launch_time.as_ref().map(DateTime::secs);
            launched.is_some_and(|launched| u64::try_from(launched).unwrap_or_default() < latest)
        };
        let instances: Vec<Value> = reservations
            .iter()
            .flat_map(Reservation::instances)
            .filter(is_old_enough)
            .map(|instance| shown(instance).into())
            .collect();
        Ok(Deed::new(false, json!({ "instances": instances })))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rplay_aws::Transport;
    use rplay_module::{Done, Mode, Outcome, Runnable as _};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};

    use super::*;

    const ONE: &str = "<reservationSet><item><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><instancesSet>\
        <item><instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceType>t3.nano</instanceType>\
        <instanceState><code>272</code><name>running</name></instanceState><amiLaunchIndex>0</amiLaunchIndex>\
        <launchTime>2023-11-14T21:13:20.000Z</launchTime><productCodes/>\
        <placement><availabilityZone>eu-west-1a</availabilityZone><tenancy>default</tenancy></placement>\
        <tagSet><item><key>Name</key><value>web</value></item><item><key>myKey</key><value>V</value></item></tagSet>\
        <groupSet><item><groupId>sg-1</groupId><groupName>web</groupName></item></groupSet>\
        <networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><sourceDestCheck>true</sourceDestCheck>\
        <privateIpAddressesSet><item><primary>true</primary><privateIpAddress>10.0.0.5</privateIpAddress></item>\
        </privateIpAddressesSet></item></networkInterfaceSet></item></instancesSet></item></reservationSet>";

    async fn run(expected: Expected, args: Value) -> Outcome {
        let world: Arc<TestWorld> = TestWorld::aws().start();
        let calls = Recorded::new([expected]);
        world.cx().shared::<Transport>().replace(calls.client());
        Done("ec2_instance_info", Ec2InstanceInfo).run(&world.cx(), &args, Mode::Check).await
    }

    #[tokio::test]
    async fn instances_are_told_in_ansibles_spelling() {
        let expected = Expected::ec2("DescribeInstances")
            .parameter("Filter.1.Name", "tag:Name")
            .parameter("Filter.1.Value.1", "web")
            .parameter("Filter.2.Value.1", "true")
            .gives(ONE);
        let filters = json!({ "tag:Name": ["web"], "network-interface.source-dest-check": true });
        let outcome = run(expected, json!({ "filters": filters })).await;
        assert!(!outcome.changed && outcome.failure.is_none(), "{:?}", outcome.failure);
        assert_eq!(
            outcome.result["instances"],
            json!([{
                "ami_launch_index": 0,
                "image_id": "ami-1",
                "instance_id": "i-1",
                "instance_type": "t3.nano",
                "launch_time": "2023-11-14T21:13:20+00:00",
                "network_interfaces": [{
                    "network_interface_id": "eni-1",
                    "private_ip_addresses": [{ "primary": true, "private_ip_address": "10.0.0.5" }],
                    "source_dest_check": true,
                }],
                "placement": { "availability_zone": "eu-west-1a", "tenancy": "default" },
                "product_codes": [],
                "security_groups": [{ "group_id": "sg-1", "group_name": "web" }],
                "state": { "code": 16, "name": "running" },
                "tags": { "Name": "web", "myKey": "V" },
            }])
        );
    }

    #[tokio::test]
    async fn those_that_run_for_less_than_the_minimum_are_left_out() {
        let asked = || Expected::ec2("DescribeInstances").parameter("InstanceId.1", "i-1").gives(ONE);
        let args = |minutes: u32| json!({ "instance_ids": ["i-1"], "uptime": minutes });
        let found = run(asked(), args(1)).await;
        assert_eq!(found.result["instances"].as_array().map(Vec::len), Some(1));
        let none = run(asked(), args(u32::MAX)).await;
        assert_eq!(none.result["instances"], json!([]));
    }
}
