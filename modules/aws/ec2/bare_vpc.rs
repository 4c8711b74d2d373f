//! The VPC itself, without what is in it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, once, optional, region, retry_on};
use rplay_client_ec2::sdk::types::{
    AttributeBooleanValue, ResourceType, Tenancy as VpcTenancy, Vpc, VpcAttributeName, VpcCidrBlockStateCode,
};
use rplay_client_ec2::{Ec2, filter, named, specification, tags};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, FailureKind, Held, Params, Realm, Report, Resource, Result,
    State, Verdict, unknown,
};
use serde_json::{Value, json};

use crate::presence::Presence;
use crate::refusals::{UNSEEN, failing, release, the_one};
use crate::{cidr, internet_gateway, name_tag, route_table, security_group, subnet};

const GONE: [&str; 1] = ["InvalidVpcID.NotFound"];

/// Keeps a VPC.
#[derive(Clone, Debug, Params)]
#[params(required_if(state = "present", needs("cidr")))]
pub(crate) struct BareVpcParams {
    /// The VPC's name: its tag `Name`, by which it is found again. Two VPCs of that name are a failure.
    #[param(identity)]
    pub(crate) name: String,
    /// Its addresses, such as `10.20.0.0/16`. Cannot be changed in place: another one replaces the VPC, which is refused
    /// while anything is in it. May only be omitted with `state: absent`.
    pub(crate) cidr: Option<String>,
    /// Further blocks of addresses, all of them: one that is not named is taken away. Omitted: they are left alone.
    pub(crate) additional_cidrs: Option<Vec<String>>,
    /// Whether names can be resolved in the VPC.
    #[param(default = true)]
    pub(crate) dns_support: bool,
    /// Whether what is in the VPC gets names. AWS's own default is no; yes is what private zones, EFS and the endpoints
    /// of ECR and CloudWatch Logs need.
    #[param(default = true)]
    pub(crate) dns_hostnames: bool,
    /// On whose hardware instances run. Omitted: it is left alone, `default` for a VPC that is created. From `dedicated` to
    /// `default` can be changed in place, the other way replaces the VPC.
    pub(crate) tenancy: Option<Tenancy>,
    /// The tags, beside `Name`. Omitted: they are left alone.
    #[param(alias = "resource_tags")]
    pub(crate) tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// `absent` deletes it, with its internet gateway and public route table and the subnets that are listed.
    #[param(default = "present")]
    pub(crate) state: Presence,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// On whose hardware instances run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Tenancy {
    Default,
    Dedicated,
}

#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct VpcState {
    id: Fact<String>,
    cidr: String,
    additional_cidrs: BTreeSet<String>,
    dns_support: bool,
    dns_hostnames: bool,
    tenancy: String,
    tags: Tags,
    /// The ids of the associations of further blocks, by block.
    associations: Fact<BTreeMap<String, String>>,
}

#[derive(Default)]
pub(crate) struct Around {
    region: Fact<String>,
}

pub(crate) struct BareVpc;

/// Returns the address of the VPC of that name.
pub(crate) fn address(name: &str) -> Address {
    Address::new("ec2.vpc", name)
}

/// Returns the VPC's id, or the marker of one that is to be created.
///
/// # Errors
/// [`rplay_module::FailureKind::Missing`] where there is none.
pub(crate) async fn id(cx: &Cx, ec2: &Ec2, name: &str) -> Result<String> {
    let address = address(name);
    let find = async { Ok(find(ec2, name).await?.and_then(|vpc| vpc.vpc_id)) };
    cx.lookup(&address, find).await?.ok_or_else(|| Failure::missing(address))
}

/// Returns the VPC's id as [`id`] does; `None` where there is none and what is in it shall be `absent` anyway.
pub(crate) async fn id_unless(absent: bool, cx: &Cx, ec2: &Ec2, name: &str) -> Result<Option<String>> {
    match id(cx, ec2, name).await {
        Err(gone) if absent && matches!(gone.kind, FailureKind::Missing(_)) => Ok(None),
        found => found.map(Some),
    }
}

async fn find(ec2: &Ec2, name: &str) -> Result<Option<Vpc>> {
    let mut found = ec2.vpcs(vec![named(name)]).await?;
    // A filter takes `*` and `?` for wildcards.
    found.retain(|vpc| tags(vpc.tags()).get("Name") == Some(name));
    the_one(found, &format!("VPC named {name}"), Vpc::vpc_id)
}

/// Returns an attribute; `None` for a VPC that is not there (yet).
async fn attribute(ec2: &Ec2, id: &str, name: VpcAttributeName) -> Result<Option<bool>> {
    let asked = ec2.describe_vpc_attribute().vpc_id(id).attribute(name.clone()).send().await;
    let Some(answer) = optional(asked.map_err(failing(format!("look at {name} of {id}"))), &GONE)? else {
        return Ok(None);
    };
    let value = match name {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support,
        _ => answer.enable_dns_hostnames,
    };
    Ok(Some(value.and_then(|value| value.value).unwrap_or_default()))
}

impl Resource for BareVpc {
    type Params = BareVpcParams;
    type State = VpcState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &BareVpcParams) -> Address {
        address(&p.name)
    }

    fn refers(&self, _: &BareVpcParams) -> Option<Vec<Address>> {
        Some(Vec::new())
    }

    async fn read(&self, cx: &Cx, p: &BareVpcParams, _: Option<&()>) -> Result<(Option<VpcState>, Around)> {
        let around = Around { region: region(cx, &p.aws).await?.into() };
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let Some(vpc) = find(&ec2, &p.name).await? else { return Ok((None, around)) };
        let Some(id) = vpc.vpc_id() else { return Ok((None, around)) };
        let (support, hostnames) = tokio::try_join!(
            attribute(&ec2, id, VpcAttributeName::EnableDnsSupport),
            attribute(&ec2, id, VpcAttributeName::EnableDnsHostnames)
        )?;
        let (Some(dns_support), Some(dns_hostnames)) = (support, hostnames) else {
            return Ok((None, around));
        };
        let associations = further_blocks(&vpc);
        let state = VpcState {
            id: id.to_owned().into(),
            cidr: vpc.cidr_block().unwrap_or_default().to_owned(),
            additional_cidrs: associations.keys().cloned().collect(),
            dns_support,
            dns_hostnames,
            tenancy: vpc.instance_tenancy().map_or("default", VpcTenancy::as_str).to_owned(),
            tags: tags(vpc.tags()),
            associations: associations.into(),
        };
        Ok((Some(state), around))
    }

    fn desired(&self, p: &BareVpcParams, _: &Around, have: Option<&VpcState>) -> Result<Option<VpcState>> {
        if p.state.is_absent() {
            return Ok(None);
        }
        Ok(Some(VpcState {
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
            cidr: p.cidr.clone().or_else(|| have.map(|have| have.cidr.clone())).unwrap_or_default(),
            additional_cidrs: match &p.additional_cidrs {
                Some(blocks) => blocks.iter().cloned().collect(),
                None => have.map(|have| have.additional_cidrs.clone()).unwrap_or_default(),
            },
            dns_support: p.dns_support,
            dns_hostnames: p.dns_hostnames,
            tenancy: match (p.tenancy, have) {
                (Some(tenancy), _) => tenancy.as_str().to_owned(),
                (None, Some(have)) => have.tenancy.clone(),
                (None, None) => Tenancy::Default.as_str().to_owned(),
            },
            tags: name_tag::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags), &p.name),
            associations: have.map(|have| have.associations.clone()).unwrap_or_default(),
        }))
    }

    fn normal(&self, mut state: VpcState) -> VpcState {
        state.cidr = cidr::normal(&state.cidr);
        state.additional_cidrs = state.additional_cidrs.iter().map(|block| cidr::normal(block)).collect();
        state
    }

    fn verdict(&self, _: &BareVpcParams, have: &VpcState, want: &VpcState) -> Verdict {
        if have == want {
            Verdict::Keep
        } else if have.cidr != want.cidr && !unknown::is_unknown(&want.cidr) {
            Verdict::Replace(format!("cidr cannot be changed in place, from {} to {}", have.cidr, want.cidr))
        } else if have.tenancy != want.tenancy && want.tenancy == Tenancy::Dedicated.as_str() {
            Verdict::Replace("tenancy cannot be changed to dedicated in place".to_owned())
        } else {
            Verdict::Update
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &BareVpcParams,
        _: &Around,
        change: Change<'_, VpcState>,
    ) -> Result<()> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => create(cx, &ec2, p, want).await,
            Change::Update { have, want } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a VPC without an id"))?;
                update(cx, &ec2, id, have, want).await
            }
            Change::Delete { have } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a VPC without an id"))?;
                release(cx, &GONE, || async {
                    let sent = ec2.delete_vpc().vpc_id(id).send().await;
                    sent.map(drop).map_err(failing(format!("delete VPC {} ({id})", p.name)))
                })
                .await
            }
        }
    }

    fn output(&self, p: &BareVpcParams, report: &Report<'_, Self>) -> Value {
        let label = format!("{}: id", address(&p.name));
        json!({
            "name": p.name,
            "region": report.around.region.json("region"),
            "id": report.state().map(|state| state.id.json(&label)),
            "cidr": report.state().map(|state| &state.cidr),
            "tags": report.state().map(|state| state.tags.json()),
        })
    }

    fn id(&self, state: &VpcState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &VpcState) -> bool {
        have.tags.owned()
    }

    async fn holds(&self, cx: &Cx, p: &BareVpcParams, have: &VpcState) -> Result<Vec<Held>> {
        let Some(id) = have.id.known() else { return Ok(Vec::new()) };
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let within = || vec![filter("vpc-id", [id])];
        let (subnets, groups, tables, gateways) = tokio::try_join!(
            ec2.subnets(within()),
            ec2.security_groups(within()),
            ec2.route_tables(within()),
            ec2.internet_gateways(vec![filter("attachment.vpc-id", [id])]),
        )?;
        let mut held: Vec<Held> = subnets.iter().map(|subnet| subnet::held(&p.name, subnet)).collect();
        held.extend(groups.iter().filter_map(|group| security_group::held(&p.name, group)));
        held.extend(tables.iter().filter_map(|table| route_table::held(&p.name, table)));
        held.extend(gateways.iter().map(|gateway| internet_gateway::held(&p.name, gateway)));
        Ok(held)
    }

    async fn realm(&self, cx: &Cx, p: &BareVpcParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

/// Returns the associations of blocks beside the first one, by block.
fn further_blocks(vpc: &Vpc) -> BTreeMap<String, String> {
    let blocks =
        vpc.cidr_block_association_set().iter().filter(|block| block.cidr_block() != vpc.cidr_block());
    let there = blocks.filter(|block| {
        let state = block.cidr_block_state().and_then(|state| state.state());
        matches!(state, None | Some(VpcCidrBlockStateCode::Associated | VpcCidrBlockStateCode::Associating))
    });
    there
        .filter_map(|block| Some((block.cidr_block()?.to_owned(), block.association_id()?.to_owned())))
        .collect()
}

async fn create(cx: &Cx, ec2: &Ec2, p: &BareVpcParams, want: &VpcState) -> Result<()> {
    let sent = ec2
        .create_vpc()
        .cidr_block(&want.cidr)
        .instance_tenancy(VpcTenancy::from(want.tenancy.as_str()))
        .set_tag_specifications(
            specification(ResourceType::Vpc, &want.tags.for_creation(cx)).map(|tags| vec![tags]),
        )
        .customize()
        .interceptor(once())
        .send()
        .await;
    let made = sent.map_err(failing(format!("create VPC {}", p.name)))?;
    let id = made.vpc.and_then(|vpc| vpc.vpc_id).ok_or_else(|| Failure::bug("CreateVpc gave no id"))?;
    // What AWS makes of a new VPC.
    let made = VpcState {
        dns_support: true,
        dns_hostnames: false,
        additional_cidrs: BTreeSet::new(),
        ..want.clone()
    };
    update(cx, ec2, &id, &made, want).await
}

async fn update(cx: &Cx, ec2: &Ec2, id: &str, have: &VpcState, want: &VpcState) -> Result<()> {
    // Names for what is in the VPC need names to be resolved: the one is switched on after the other, and off before it.
    let mut switches =
        vec![(true, have.dns_support, want.dns_support), (false, have.dns_hostnames, want.dns_hostnames)];
    if !want.dns_support {
        switches.reverse();
    }
    for (support, _, on) in switches.into_iter().filter(|(_, had, on)| had != on) {
        switch(cx, ec2, id, support, on).await?;
    }
    if have.tenancy != want.tenancy {
        let sent =
            ec2.modify_vpc_tenancy().vpc_id(id).instance_tenancy(want.tenancy.as_str().into()).send().await;
        sent.map_err(failing(format!("change the tenancy of {id}")))?;
    }
    for block in want.additional_cidrs.difference(&have.additional_cidrs) {
        let call =
            ec2.associate_vpc_cidr_block().vpc_id(id).cidr_block(block).customize().interceptor(once());
        call.send().await.map_err(failing(format!("add {block} to {id}")))?;
    }
    for block in have.additional_cidrs.difference(&want.additional_cidrs) {
        let association = have.associations.known().and_then(|known| known.get(block));
        let sent = ec2.disassociate_vpc_cidr_block().set_association_id(association.cloned()).send().await;
        sent.map_err(failing(format!("take {block} away from {id}")))?;
    }
    ec2.retag(id, &have.tags.change(&want.tags)).await
}

/// Only one attribute can be changed in a call.
async fn switch(cx: &Cx, ec2: &Ec2, id: &str, support: bool, on: bool) -> Result<()> {
    let value = AttributeBooleanValue::builder().value(on).build();
    retry_on(cx, &GONE, UNSEEN, || async {
        let call = ec2.modify_vpc_attribute().vpc_id(id);
        let call = if support {
            call.enable_dns_support(value.clone())
        } else {
            call.enable_dns_hostnames(value.clone())
        };
        let what = if support { "dns_support" } else { "dns_hostnames" };
        call.send().await.map(drop).map_err(failing(format!("change {what} of {id}")))
    })
    .await
}
