//! The client of EC2, and the paged reads that several families need.
//!
//! Things are looked for by filters, never by ids in the call itself: an id that is gone is then an empty answer and not
//! one of dozens of `Invalid….NotFound` errors.

use std::collections::BTreeMap;
use std::ops::Deref;

pub use aws_sdk_ec2 as sdk;
use rplay_aws::{Config, Service, TagChange, Tags, failing};
use rplay_module::Result;
use sdk::types::{
    AvailabilityZone, Filter, InternetGateway, NetworkInterface, Region, Reservation, ResourceType,
    RouteTable, SecurityGroup, Subnet, Tag, TagSpecification, Vpc,
};
use tokio::sync::OnceCell;

/// EC2, for some credentials in some region.
pub struct Ec2 {
    client: sdk::Client,
    zones: OnceCell<Vec<AvailabilityZone>>,
}

impl Service for Ec2 {
    const ID: &'static str = "EC2";

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self { client: sdk::Client::from_conf(built), zones: OnceCell::new() }
    }
}

impl Deref for Ec2 {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.client
    }
}

/// Returns a filter, such as `filter("vpc-id", ["vpc-1"])`.
pub fn filter<V: Into<String>>(name: &str, values: impl IntoIterator<Item = V>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Returns the filter for things with this `Name` tag.
pub fn named(name: &str) -> Filter {
    filter("tag:Name", [name])
}

/// Returns the tags of an answer.
pub fn tags(list: &[Tag]) -> Tags {
    list.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

/// Returns the tags for a call that creates; `None` where there are none, as an empty list is refused.
pub fn specification(kind: ResourceType, tags: &BTreeMap<String, String>) -> Option<TagSpecification> {
    let built = TagSpecification::builder().resource_type(kind).set_tags(Some(tag_list(tags))).build();
    (!tags.is_empty()).then_some(built)
}

/// Returns tags as EC2 takes them.
pub fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

impl Ec2 {
    pub async fn vpcs(&self, filters: Vec<Filter>) -> Result<Vec<Vpc>> {
        let pages = self.describe_vpcs().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list VPCs"))
    }

    pub async fn subnets(&self, filters: Vec<Filter>) -> Result<Vec<Subnet>> {
        let pages = self.describe_subnets().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list subnets"))
    }

    pub async fn security_groups(&self, filters: Vec<Filter>) -> Result<Vec<SecurityGroup>> {
        let pages =
            self.describe_security_groups().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list security groups"))
    }

    /// Returns the groups that are meant by ids (`sg-…`) or names, in the order found; names within the VPC where one
    /// is given.
    pub async fn security_groups_meant(
        &self,
        meant: &[String],
        vpc: Option<&str>,
    ) -> Result<Vec<SecurityGroup>> {
        let (ids, names): (Vec<&String>, Vec<&String>) =
            meant.iter().partition(|text| text.starts_with("sg-"));
        let mut found = Vec::new();
        if !ids.is_empty() {
            let there = self.security_groups(vec![filter("group-id", ids.iter().copied())]).await?;
            let is_meant = |group: &SecurityGroup| ids.iter().any(|id| group.group_id() == Some(id.as_str()));
            // There are stand-ins that do not know the filter.
            found.extend(there.into_iter().filter(is_meant));
        }
        if !names.is_empty() {
            let within = vpc.map(|vpc| filter("vpc-id", [vpc]));
            found.extend(
                self.security_groups(std::iter::once(filter("group-name", names)).chain(within).collect())
                    .await?,
            );
        }
        Ok(found)
    }

    pub async fn route_tables(&self, filters: Vec<Filter>) -> Result<Vec<RouteTable>> {
        let pages = self.describe_route_tables().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list route tables"))
    }

    pub async fn internet_gateways(&self, filters: Vec<Filter>) -> Result<Vec<InternetGateway>> {
        let pages =
            self.describe_internet_gateways().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list internet gateways"))
    }

    pub async fn network_interfaces(&self, filters: Vec<Filter>) -> Result<Vec<NetworkInterface>> {
        let pages =
            self.describe_network_interfaces().set_filters(Some(filters)).into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list network interfaces"))
    }

    /// Returns instances as they were launched together: those with these ids, where there are any.
    pub async fn reservations(&self, filters: Vec<Filter>, ids: &[String]) -> Result<Vec<Reservation>> {
        let ids = (!ids.is_empty()).then(|| ids.to_vec());
        let asked = self.describe_instances().set_filters(Some(filters)).set_instance_ids(ids);
        asked.into_paginator().items().send().try_collect().await.map_err(failing("list instances"))
    }

    /// Returns the names of the regions that the account can use.
    pub async fn regions(&self) -> Result<Vec<String>> {
        let asked = self.describe_regions().send().await.map_err(failing("list regions"))?;
        Ok(asked.regions().iter().filter_map(Region::region_name).map(str::to_owned).collect())
    }

    /// Returns the zones of the region that can be used, by name; remembered for the run.
    pub async fn zones(&self) -> Result<&[AvailabilityZone]> {
        self.zones.get_or_try_init(|| self.ask_for_zones()).await.map(Vec::as_slice)
    }

    async fn ask_for_zones(&self) -> Result<Vec<AvailabilityZone>> {
        let usable = [filter("state", ["available"]), filter("zone-type", ["availability-zone"])];
        let asked = self.describe_availability_zones().set_filters(Some(usable.to_vec())).send().await;
        let mut zones =
            asked.map_err(failing("list availability zones"))?.availability_zones.unwrap_or_default();
        zones.sort_by(|one, other| one.zone_name().cmp(&other.zone_name()));
        Ok(zones)
    }

    /// Changes the tags of a thing.
    pub async fn retag(&self, id: &str, change: &TagChange) -> Result<()> {
        if !change.set.is_empty() {
            let sent = self.create_tags().resources(id).set_tags(Some(tag_list(&change.set))).send().await;
            sent.map_err(failing(format!("tag {id}")))?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            let sent = self.delete_tags().resources(id).set_tags(Some(keys)).send().await;
            sent.map_err(failing(format!("remove tags of {id}")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};

    use super::*;

    fn page(ids: &[&str], next: &str) -> String {
        let item = |id: &&str| format!("<item><vpcId>{id}</vpcId></item>");
        let items = ids.iter().map(item).collect::<Vec<_>>().concat();
        format!("<vpcSet>{items}</vpcSet>{next}")
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let world = TestWorld::aws().start();
        let calls = Recorded::new([
            Expected::ec2("DescribeVpcs")
                .parameter("Filter.1.Name", "tag:Name")
                .parameter("Filter.1.Value.1", "app")
                .without("NextToken")
                .gives(&page(&["vpc-1"], "<nextToken>more</nextToken>")),
            Expected::ec2("DescribeVpcs").parameter("NextToken", "more").gives(&page(&["vpc-2"], "")),
        ]);
        world.cx().shared::<Transport>().replace(calls.client());
        let ec2 = client::<Ec2>(&world.cx(), &AwsParams::default()).await.unwrap();
        let found = ec2.vpcs(vec![named("app")]).await.unwrap();
        assert_eq!(found.iter().filter_map(Vpc::vpc_id).collect::<Vec<_>>(), ["vpc-1", "vpc-2"]);
    }

    #[tokio::test]
    async fn zones_are_asked_for_once_a_run() {
        let world = TestWorld::aws().start();
        let zone = |name: &str| format!("<item><zoneName>{name}</zoneName></item>");
        let calls = Recorded::new([Expected::ec2("DescribeAvailabilityZones").gives(&format!(
            "<availabilityZoneInfo>{}{}</availabilityZoneInfo>",
            zone("eu-west-1b"),
            zone("eu-west-1a")
        ))]);
        world.cx().shared::<Transport>().replace(calls.client());
        for _ in 0..2 {
            let ec2 = client::<Ec2>(&world.cx(), &AwsParams::default()).await.unwrap();
            let names: Vec<_> =
                ec2.zones().await.unwrap().iter().filter_map(AvailabilityZone::zone_name).collect();
            assert_eq!(names, ["eu-west-1a", "eu-west-1b"]);
        }
    }

    #[tokio::test]
    async fn groups_are_found_by_id_and_by_name() {
        let world = TestWorld::aws().start();
        let group =
            |id: &str| format!("<securityGroupInfo><item><groupId>{id}</groupId></item></securityGroupInfo>");
        let calls = Recorded::new([
            Expected::ec2("DescribeSecurityGroups")
                .parameter("Filter.1.Name", "group-id")
                .gives(&group("sg-1")),
            Expected::ec2("DescribeSecurityGroups")
                .parameter("Filter.1.Name", "group-name")
                .parameter("Filter.2.Value.1", "vpc-1")
                .gives(&group("sg-2")),
        ]);
        world.cx().shared::<Transport>().replace(calls.client());
        let ec2 = client::<Ec2>(&world.cx(), &AwsParams::default()).await.unwrap();
        let meant = ["sg-1".to_owned(), "web".to_owned()];
        let found = ec2.security_groups_meant(&meant, Some("vpc-1")).await.unwrap();
        assert_eq!(found.iter().filter_map(SecurityGroup::group_id).collect::<Vec<_>>(), ["sg-1", "sg-2"]);
    }
}
