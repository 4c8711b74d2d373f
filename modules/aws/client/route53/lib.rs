//! The client of Route 53, and the paged reads that several modules need.
//!
//! Two of its lists have no pages that the SDK knows how to turn: they are turned here.

use std::ops::Deref;

pub use aws_sdk_route53 as sdk;
use rplay_aws::{Config, Service, Tags, failing};
use rplay_module::Result;
use sdk::types::{HostedZone, ResourceRecordSet, TagResourceType};

/// Route 53, for some credentials.
pub struct Route53(sdk::Client);

impl Service for Route53 {
    const ID: &'static str = "Route 53";
    const GLOBAL: bool = true;

    fn build(config: &Config) -> Self {
        let built = sdk::config::Builder::from(&config.sdk).interceptor(config.resend).build();
        Self(sdk::Client::from_conf(built))
    }
}

impl Deref for Route53 {
    type Target = sdk::Client;

    fn deref(&self) -> &sdk::Client {
        &self.0
    }
}

/// Returns a domain name as Route 53 keeps it: lower case, with the dot at the end.
pub fn absolute(name: &str) -> String {
    let name = name.to_lowercase();
    if name.ends_with('.') { name } else { format!("{name}.") }
}

/// Returns a zone's id without the path in front of it.
pub fn zone_id(zone: &HostedZone) -> &str {
    zone.id().trim_start_matches("/hostedzone/")
}

/// Returns a record's name with the characters that Route 53 writes as `\052` put back.
pub fn unescaped(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let (Some(code), Some(behind)) = (code, after.get(3..)) {
            out.push(char::from(code));
            rest = behind;
        } else {
            out.push('\\');
            rest = after;
        }
    }
    out + rest
}

impl Route53 {
    /// Returns every zone of exactly this name, public and private ones.
    pub async fn zones_named(&self, name: &str) -> Result<Vec<HostedZone>> {
        let name = absolute(name);
        let (mut found, mut next) = (Vec::new(), (Some(name.clone()), None::<String>));
        loop {
            let asked =
                self.list_hosted_zones_by_name().set_dns_name(next.0).set_hosted_zone_id(next.1).send().await;
            let page = asked.map_err(failing(format!("look for zone {name}")))?;
            let all_of_it = page.hosted_zones().iter().all(|zone| zone.name() == name);
            found.extend(page.hosted_zones().iter().filter(|zone| zone.name() == name).cloned());
            // The list goes on in the order of names: behind the last one of this name there is none.
            if !page.is_truncated() || !all_of_it {
                return Ok(found);
            }
            next = (page.next_dns_name, page.next_hosted_zone_id);
        }
    }

    /// Returns all zones of the account.
    pub async fn zones(&self) -> Result<Vec<HostedZone>> {
        let pages = self.list_hosted_zones().into_paginator().items().send();
        pages.try_collect().await.map_err(failing("list zones"))
    }

    /// Returns all records of a zone.
    pub async fn records(&self, zone: &str) -> Result<Vec<ResourceRecordSet>> {
        self.records_from(zone, None).await
    }

    /// Returns the records of exactly this name in a zone, of every type.
    pub async fn records_named(&self, zone: &str, name: &str) -> Result<Vec<ResourceRecordSet>> {
        let name = absolute(name);
        let mut records = self.records_from(zone, Some(&name)).await?;
        records.retain(|record| absolute(&unescaped(record.name())) == name);
        Ok(records)
    }

    /// With a name only as far as that name goes.
    async fn records_from(&self, zone: &str, name: Option<&str>) -> Result<Vec<ResourceRecordSet>> {
        let (mut found, mut from) = (Vec::new(), (name.map(str::to_owned), None, None));
        loop {
            let asked = self
                .list_resource_record_sets()
                .hosted_zone_id(zone)
                .set_start_record_name(from.0)
                .set_start_record_type(from.1)
                .set_start_record_identifier(from.2)
                .send()
                .await;
            let page = asked.map_err(failing(format!("list the records of zone {zone}")))?;
            found.extend(page.resource_record_sets().iter().cloned());
            let goes_on = page
                .next_record_name()
                .is_some_and(|next| name.is_none_or(|name| absolute(&unescaped(next)) == name));
            if !page.is_truncated() || !goes_on {
                return Ok(found);
            }
            from = (page.next_record_name, page.next_record_type, page.next_record_identifier);
        }
    }

    /// Returns the tags of a zone.
    pub async fn zone_tags(&self, zone: &str) -> Result<Tags> {
        let asked = self
            .list_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone)
            .resource_id(zone)
            .send()
            .await;
        let answer = asked.map_err(failing(format!("read the tags of zone {zone}")))?;
        let tags = answer.resource_tag_set.and_then(|set| set.tags).unwrap_or_default();
        Ok(tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use rplay_aws::{AwsParams, Transport, client};
    use rplay_test_support::TestWorld;
    use rplay_test_support::recorded::{Expected, Recorded};

    use super::*;

    async fn route53(expected: impl IntoIterator<Item = Expected>) -> (std::sync::Arc<Route53>, Recorded) {
        let (world, calls) = (TestWorld::aws().start(), Recorded::new(expected));
        world.cx().shared::<Transport>().replace(calls.client());
        (client::<Route53>(&world.cx(), &AwsParams::default()).await.unwrap(), calls)
    }

    fn zone(id: &str, name: &str) -> String {
        format!(
            "<HostedZone><Id>/hostedzone/{id}</Id><Name>{name}</Name><CallerReference>r</CallerReference></HostedZone>"
        )
    }

    fn zones(inside: &str, more: &str) -> String {
        let truncated = !more.is_empty();
        format!(
            "<ListHostedZonesByNameResponse><HostedZones>{inside}</HostedZones><IsTruncated>{truncated}</IsTruncated>\
             {more}<MaxItems>100</MaxItems></ListHostedZonesByNameResponse>"
        )
    }

    fn records(names: &[&str], more: &str) -> String {
        let truncated = !more.is_empty();
        let set =
            |name: &&str| format!("<ResourceRecordSet><Name>{name}</Name><Type>A</Type></ResourceRecordSet>");
        let sets = names.iter().map(set).collect::<Vec<_>>().concat();
        format!(
            "<ListResourceRecordSetsResponse><ResourceRecordSets>{sets}</ResourceRecordSets>\
             <IsTruncated>{truncated}</IsTruncated>{more}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
        )
    }

    #[tokio::test]
    async fn a_zone_that_only_follows_in_the_list_is_another_one() {
        let by_name = || Expected::rest("GET", "/2013-04-01/hostedzonesbyname");
        let (route53, _calls) = route53([
            by_name().parameter("dnsname", "a.test.").without("hostedzoneid").answers_xml(&zones(
                &zone("Z1", "a.test."),
                "<NextDNSName>a.test.</NextDNSName><NextHostedZoneId>Z2</NextHostedZoneId>",
            )),
            by_name().parameter("hostedzoneid", "Z2").answers_xml(&zones(
                &(zone("Z2", "a.test.") + &zone("Z3", "b.test.")),
                "<NextDNSName>c.</NextDNSName>",
            )),
        ])
        .await;
        let found = route53.zones_named("A.test").await.unwrap();
        assert_eq!(found.iter().map(zone_id).collect::<Vec<_>>(), ["Z1", "Z2"]);
    }

    #[tokio::test]
    async fn records_are_read_as_far_as_their_name_goes() {
        let path = "/2013-04-01/hostedzone/Z1/rrset";
        let (route53, _calls) = route53([
            Expected::rest("GET", path).parameter("name", "*.a.test.").without("identifier").answers_xml(
                &records(
                    &["\\052.a.test."],
                    "<NextRecordName>\\052.a.test.</NextRecordName><NextRecordType>A</NextRecordType>\
                     <NextRecordIdentifier>two</NextRecordIdentifier>",
                ),
            ),
            Expected::rest("GET", path).parameter("identifier", "two").answers_xml(&records(
                &["\\052.a.test.", "b.a.test."],
                "<NextRecordName>c.a.test.</NextRecordName>",
            )),
        ])
        .await;
        assert_eq!(route53.records_named("Z1", "*.a.test").await.unwrap().len(), 2);
    }

    #[test]
    fn names_are_taken_as_route_53_keeps_them() {
        assert_eq!(absolute("WWW.Example.com"), "www.example.com.");
        assert_eq!(unescaped("\\052.a\\100b."), "*.a@b.");
        assert_eq!(unescaped("a\\b"), "a\\b");
    }
}
