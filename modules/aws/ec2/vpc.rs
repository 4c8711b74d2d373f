//! `vpc`: a VPC with its subnets, its internet gateway and the route table of its public subnets.

use std::sync::Arc;

use indexmap::IndexMap;
use rplay_aws::AwsParams;
use rplay_module::{Composite, Params, Result, Step, unknown};
use serde_json::{Map, Value, json};

use crate::bare_vpc::{BareVpc, BareVpcParams};
use crate::cidr::Cidr;
use crate::internet_gateway::{InternetGateway, InternetGatewayParams};
use crate::presence::Presence;
use crate::refusals::wrong;
use crate::route_table::{RouteTable, RouteTableParams};
use crate::subnet::{Listing, Subnet, SubnetParams};

/// The route table of the subnets that reach the internet.
const PUBLIC: &str = "public";

/// Keeps a network: a VPC, its subnets, and the way out of it.
///
/// What is made carries the tag `Name`: the VPC's name, for its parts with what they are behind it (`web-a`, `web-public`).
/// Subnets that are not listed are left alone.
#[derive(Clone, Debug, Params)]
pub(crate) struct VpcParams {
    #[param(flatten)]
    pub(crate) vpc: BareVpcParams,
    /// The subnets, by name. Omitted: none is made, changed or removed.
    #[param(default)]
    pub(crate) subnets: Vec<SubnetOptions>,
    /// Whether the VPC has an internet gateway, with a route table `NAME-public` that leads the listed subnets to it. Omitted:
    /// both are left alone. No removes them.
    pub(crate) internet_gateway: Option<bool>,
}

/// A subnet of the VPC.
#[derive(Clone, Debug, Params)]
pub(crate) struct SubnetOptions {
    /// Its name within the VPC.
    pub(crate) name: String,
    /// Its addresses, such as `10.20.0.0/20`: inside the VPC's and apart from each other's. Cannot be changed in place: another
    /// one replaces the subnet, which is refused while anything is in it. May only be omitted with `state: absent`.
    pub(crate) cidr: Option<String>,
    /// Its zone: a letter (`a`), a number counted from 0, an id (`euw1-az1`) or a name. Cannot be changed in place. Omitted: it
    /// stays where it is; the nth subnet of the list is created in the region's nth zone.
    pub(crate) zone: Option<String>,
    /// Whether what starts in it gets a public address. Omitted: yes with `internet_gateway: true`, else it is left alone.
    pub(crate) map_public: Option<bool>,
    /// Its tags, beside `Name`. Omitted: those of the VPC.
    pub(crate) tags: Option<IndexMap<String, String>>,
}

pub(crate) struct Vpc;

impl VpcParams {
    fn aws(&self) -> AwsParams {
        self.vpc.aws.clone()
    }

    fn subnet(&self, options: &SubnetOptions) -> SubnetParams {
        SubnetParams {
            vpc: self.vpc.name.clone(),
            name: options.name.clone(),
            cidr: options.cidr.clone(),
            zone: options.zone.clone(),
            map_public: options.map_public.or_else(|| (self.internet_gateway == Some(true)).then_some(true)),
            tags: options.tags.clone().or_else(|| self.vpc.tags.clone()),
            purge_tags: self.vpc.purge_tags,
            state: self.vpc.state,
            aws: self.aws(),
        }
    }

    fn gateway(&self, state: Presence) -> InternetGatewayParams {
        InternetGatewayParams {
            vpc: self.vpc.name.clone(),
            tags: self.vpc.tags.clone(),
            purge_tags: self.vpc.purge_tags,
            state,
            aws: self.aws(),
        }
    }

    fn table(&self, state: Presence) -> RouteTableParams {
        RouteTableParams {
            vpc: self.vpc.name.clone(),
            name: PUBLIC.to_owned(),
            subnets: self.subnets.iter().map(|subnet| subnet.name.clone()).collect(),
            tags: self.vpc.tags.clone(),
            purge_tags: self.vpc.purge_tags,
            state,
            aws: self.aws(),
        }
    }

    /// Finds what AWS would refuse half-way through.
    fn judge(&self) -> Result<()> {
        judge_name("tags.Name", self.vpc.tags.as_ref(), &self.vpc.name)?;
        let blocks = self.blocks()?;
        let mut seen: Vec<(&str, Cidr)> = Vec::new();
        for (at, subnet) in self.subnets.iter().enumerate() {
            let name = &subnet.name;
            judge_name(&format!("subnets[{at}].tags.Name"), subnet.tags.as_ref(), name)?;
            if self.subnets.iter().take(at).any(|other| other.name == *name) {
                return Err(wrong(format!("subnets[{at}].name"), format!("two subnets are named {name}")));
            }
            let path = format!("subnets[{at}].cidr");
            if subnet.cidr.is_none() && !self.vpc.state.is_absent() {
                return Err(wrong(path, format!("subnet {name} needs a cidr")));
            }
            let Some(cidr) = block(&path, subnet.cidr.as_deref())? else { continue };
            if let Some((other, _)) = seen.iter().find(|(_, other)| other.overlaps(&cidr)) {
                return Err(wrong(path, format!("{cidr} of subnet {name} overlaps subnet {other}")));
            }
            if blocks.as_ref().is_some_and(|blocks| !blocks.iter().any(|block| block.contains(&cidr))) {
                return Err(wrong(path, format!("{cidr} of subnet {name} lies outside of the VPC's cidr")));
            }
            seen.push((name, cidr));
        }
        Ok(())
    }

    /// Returns all blocks of the VPC; `None` where only AWS knows them all.
    fn blocks(&self) -> Result<Option<Vec<Cidr>>> {
        let first = block("cidr", self.vpc.cidr.as_deref())?;
        let further = self.vpc.additional_cidrs.iter().flatten().enumerate();
        let further: Vec<Option<Cidr>> = further
            .map(|(at, text)| block(&format!("additional_cidrs[{at}]"), Some(text)))
            .collect::<Result<_>>()?;
        let all = std::iter::once(first).chain(further).collect::<Option<Vec<_>>>();
        Ok(all.filter(|_| self.vpc.additional_cidrs.is_some()))
    }
}

/// Things are found by that tag.
fn judge_name(path: &str, tags: Option<&IndexMap<String, String>>, name: &str) -> Result<()> {
    match tags.and_then(|tags| tags.get("Name")) {
        Some(tag) if tag != name => Err(wrong(path, "the tag Name is set by `name`: leave it out")),
        _ => Ok(()),
    }
}

/// Reads a block; `None` for one that is omitted or not known yet.
fn block(path: &str, text: Option<&str>) -> Result<Option<Cidr>> {
    let Some(text) = text.filter(|text| !unknown::is_unknown(text)) else { return Ok(None) };
    let cidr = Cidr::parse(text).filter(|cidr| !cidr.is_v6());
    let message = || format!("{text} is no block of IPv4 addresses such as 10.20.0.0/16");
    cidr.map(Some).ok_or_else(|| wrong(path, message()))
}

impl Composite for Vpc {
    type Params = VpcParams;

    fn steps(&self, p: &VpcParams) -> Result<Vec<Step>> {
        p.judge()?;
        let listing = Arc::new(Listing::default());
        let vpc = Step::resource("vpc", BareVpc, p.vpc.clone());
        let gateway = |state| Step::resource("internet_gateway", InternetGateway, p.gateway(state));
        let table = |state| {
            let resource = RouteTable { listing: Arc::clone(&listing) };
            Step::resource("route_table", resource, p.table(state))
        };
        let subnets = p.subnets.iter().enumerate().map(|(number, options)| {
            let resource = Subnet { listing: Arc::clone(&listing), number };
            Step::resource(key(&options.name), resource, p.subnet(options))
        });
        let (present, absent) = (Presence::Present, Presence::Absent);
        let mut steps = Vec::new();
        match (p.vpc.state, p.internet_gateway) {
            (Presence::Absent, _) => {
                steps.push(table(absent));
                steps.extend(subnets);
                steps.push(gateway(absent));
                steps.push(vpc);
            }
            (Presence::Present, Some(true)) => {
                steps.extend([vpc, gateway(present)]);
                steps.extend(subnets);
                steps.push(table(present));
            }
            (Presence::Present, Some(false)) => {
                steps.push(vpc);
                steps.extend(subnets);
                steps.extend([table(absent), gateway(absent)]);
            }
            (Presence::Present, None) => {
                steps.push(vpc);
                steps.extend(subnets);
            }
        }
        Ok(steps)
    }

    fn output(&self, p: &VpcParams, steps: &IndexMap<String, Map<String, Value>>) -> Value {
        let of = |key: &str, field: &str| steps.get(key).and_then(|step| step.get(field)).cloned();
        let subnets = p.subnets.iter().filter_map(|subnet| steps.get(&key(&subnet.name)));
        json!({
            "id": of("vpc", "id"),
            "vpc_id": of("vpc", "id"),
            "name": p.vpc.name,
            "region": of("vpc", "region"),
            "cidr": of("vpc", "cidr"),
            "tags": of("vpc", "tags"),
            "subnet_ids": subnets.clone().map(|subnet| subnet.get("id").cloned()).collect::<Vec<_>>(),
            "subnets": subnets.collect::<Vec<_>>(),
            "internet_gateway_id": of("internet_gateway", "id"),
            "route_table_id": of("route_table", "id"),
        })
    }
}

fn key(subnet: &str) -> String {
    format!("subnet {subnet}")
}

#[cfg(test)]
mod tests;
