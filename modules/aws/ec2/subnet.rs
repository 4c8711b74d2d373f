use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, once, region, retry_on};
use rplay_client_ec2::sdk::types::{
    AttributeBooleanValue, NetworkInterface, ResourceType, Subnet as Ec2Subnet,
};
use rplay_client_ec2::{Ec2, filter, specification, tags};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, Verdict,
    unknown,
};
use serde_json::{Value, json};

use crate::presence::Presence;
use crate::refusals::{UNSEEN, failing, release, the_one};
use crate::{bare_vpc, cidr, interfaces, name_tag, zone};

const GONE: [&str; 1] = ["InvalidSubnetID.NotFound"];

/// Keeps a subnet of a VPC.
#[derive(Clone, Debug, Params)]
#[params(required_if(state = "present", needs("cidr")))]
pub(crate) struct SubnetParams {
    /// The name of its VPC.
    #[param(identity)]
    pub(crate) vpc: String,
    /// Its name within the VPC: its tag `Name` is `VPC-NAME`, by which it is found again.
    #[param(identity)]
    pub(crate) name: String,
    /// Its addresses. Cannot be changed in place. May only be omitted with `state: absent`.
    pub(crate) cidr: Option<String>,
    /// Its zone: a letter, a number counted from 0, an id or a name. Cannot be changed in place. Omitted: it stays where it
    /// is.
    pub(crate) zone: Option<String>,
    /// Whether what starts in it gets a public address. Omitted: it is left alone; no for one that is created.
    pub(crate) map_public: Option<bool>,
    /// The tags, beside `Name`. Omitted: they are left alone.
    pub(crate) tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// Whether it shall be there.
    #[param(default = "present")]
    pub(crate) state: Presence,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct SubnetState {
    id: Fact<String>,
    cidr: String,
    zone: Option<String>,
    map_public: bool,
    tags: Tags,
}

#[derive(Default)]
pub(crate) struct Around {
    vpc_id: String,
    /// The zone that is asked for, or where none is the one for a subnet that is created.
    zone: Option<String>,
}

pub(crate) struct Subnet {
    pub(crate) listing: Arc<Listing>,
    /// Its place in the list: which zone it gets where none is asked for.
    pub(crate) number: usize,
}

/// The subnets of a VPC as one call lists them, shared by the steps of one task: each of them reads before it writes.
#[derive(Default)]
pub(crate) struct Listing(Mutex<Option<Listed>>);

struct Listed {
    vpc_id: String,
    subnets: Vec<Ec2Subnet>,
}

impl Listing {
    async fn subnets(&self, ec2: &Ec2, vpc_id: &str, anew: bool) -> Result<Vec<Ec2Subnet>> {
        if anew {
            self.forget();
        }
        if let Some(listed) = self.lock().as_ref().filter(|listed| listed.vpc_id == vpc_id) {
            return Ok(listed.subnets.clone());
        }
        let subnets = ec2.subnets(vec![filter("vpc-id", [vpc_id])]).await?;
        *self.lock() = Some(Listed { vpc_id: vpc_id.to_owned(), subnets: subnets.clone() });
        Ok(subnets)
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Listed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(&self, ec2: &Ec2, at: &At<'_>, anew: bool) -> Result<Option<Ec2Subnet>> {
        let tag = tag(at.vpc, at.name);
        let mut found = self.subnets(ec2, at.vpc_id, anew).await?;
        found.retain(|subnet| tags(subnet.tags()).get("Name") == Some(tag.as_str()));
        the_one(found, &format!("subnet named {tag}"), Ec2Subnet::subnet_id)
    }

    /// Returns the id of a subnet by its name, or the marker of one that is to be created.
    pub(crate) async fn id(&self, cx: &Cx, ec2: &Ec2, at: &At<'_>) -> Result<Option<String>> {
        let find = async { Ok(self.find(ec2, at, false).await?.and_then(|subnet| subnet.subnet_id)) };
        cx.lookup(&address(at.vpc, at.name), find).await
    }
}

/// Which subnet is meant.
pub(crate) struct At<'a> {
    pub(crate) vpc: &'a str,
    pub(crate) vpc_id: &'a str,
    pub(crate) name: &'a str,
}

/// Returns the address of a subnet by the names of the VPC and its own.
pub(crate) fn address(vpc: &str, name: &str) -> Address {
    Address::new("ec2.subnet", format!("{vpc}/{name}"))
}

/// Returns the subnet as something that lives in its VPC.
pub(crate) fn held(vpc: &str, subnet: &Ec2Subnet) -> Held {
    let (known, id) = (tags(subnet.tags()), subnet.subnet_id().unwrap_or_default());
    let name = known.get("Name").and_then(|name| name.strip_prefix(vpc)?.strip_prefix('-'));
    match name {
        Some(name) => Held { name: format!("subnet {vpc}/{name}"), address: Some(address(vpc, name)) },
        None => Held { name: format!("subnet {}", known.get("Name").unwrap_or(id)), address: None },
    }
}

fn tag(vpc: &str, name: &str) -> String {
    format!("{vpc}-{name}")
}

impl Subnet {
    async fn zone(&self, ec2: &Ec2, region: &str, p: &SubnetParams, there: bool) -> Result<Option<String>> {
        match &p.zone {
            _ if p.state.is_absent() => Ok(None),
            Some(given) => zone::name(ec2, region, given).await.map(Some),
            None if there => Ok(None),
            None => zone::nth(ec2, region, self.number).await.map(Some),
        }
    }
}

impl Resource for Subnet {
    type Params = SubnetParams;
    type State = SubnetState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &SubnetParams) -> Address {
        address(&p.vpc, &p.name)
    }

    fn refers(&self, p: &SubnetParams) -> Option<Vec<Address>> {
        Some(vec![bare_vpc::address(&p.vpc)])
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &SubnetParams,
        receipt: Option<&()>,
    ) -> Result<(Option<SubnetState>, Around)> {
        let (ec2, region) = (client::<Ec2>(cx, &p.aws).await?, region(cx, &p.aws).await?);
        let Some(vpc_id) = bare_vpc::id_unless(p.state.is_absent(), cx, &ec2, &p.vpc).await? else {
            return Ok((None, Around::default()));
        };
        if unknown::is_unknown(&vpc_id) {
            let zone = self.zone(&ec2, &region, p, false).await?;
            return Ok((None, Around { vpc_id, zone }));
        }
        let at = At { vpc: &p.vpc, vpc_id: &vpc_id, name: &p.name };
        let found = self.listing.find(&ec2, &at, receipt.is_some()).await?;
        let zone = self.zone(&ec2, &region, p, found.is_some()).await?;
        let state = found.map(|subnet| SubnetState {
            id: Fact::from_answer(subnet.subnet_id.clone()),
            cidr: subnet.cidr_block().unwrap_or_default().to_owned(),
            zone: subnet.availability_zone.clone(),
            map_public: subnet.map_public_ip_on_launch.unwrap_or_default(),
            tags: tags(subnet.tags()),
        });
        Ok((state, Around { vpc_id, zone }))
    }

    fn desired(
        &self,
        p: &SubnetParams,
        around: &Around,
        have: Option<&SubnetState>,
    ) -> Result<Option<SubnetState>> {
        if p.state.is_absent() {
            return Ok(None);
        }
        Ok(Some(SubnetState {
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
            cidr: p.cidr.clone().or_else(|| have.map(|have| have.cidr.clone())).unwrap_or_default(),
            zone: around.zone.clone().or_else(|| have?.zone.clone()),
            map_public: p.map_public.or_else(|| have.map(|have| have.map_public)).unwrap_or_default(),
            tags: name_tag::desired(
                p.tags.as_ref(),
                p.purge_tags,
                have.map(|have| &have.tags),
                &tag(&p.vpc, &p.name),
            ),
        }))
    }

    fn normal(&self, mut state: SubnetState) -> SubnetState {
        state.cidr = cidr::normal(&state.cidr);
        state
    }

    fn verdict(&self, _: &SubnetParams, have: &SubnetState, want: &SubnetState) -> Verdict {
        let known = |zone: &Option<String>| zone.clone().filter(|zone| !unknown::is_unknown(zone));
        if have == want {
            Verdict::Keep
        } else if have.cidr != want.cidr && !unknown::is_unknown(&want.cidr) {
            Verdict::Replace(format!("cidr cannot be changed in place, from {} to {}", have.cidr, want.cidr))
        } else if let (Some(from), Some(to)) = (&have.zone, known(&want.zone))
            && *from != to
        {
            Verdict::Replace(format!("zone cannot be changed in place, from {from} to {to}"))
        } else {
            Verdict::Update
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &SubnetParams,
        around: &Around,
        change: Change<'_, SubnetState>,
    ) -> Result<()> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        self.listing.forget();
        match change {
            Change::Create { want } => create(cx, &ec2, p, &around.vpc_id, want).await,
            Change::Update { have, want } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a subnet without an id"))?;
                update(cx, &ec2, id, have, want).await
            }
            Change::Delete { have } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a subnet without an id"))?;
                release(cx, &GONE, || async {
                    let sent = ec2.delete_subnet().subnet_id(id).send().await;
                    sent.map(drop).map_err(failing(format!("delete subnet {}/{} ({id})", p.vpc, p.name)))
                })
                .await
            }
        }
    }

    fn output(&self, p: &SubnetParams, report: &Report<'_, Self>) -> Value {
        let label = format!("{}: id", address(&p.vpc, &p.name));
        json!({
            "name": p.name,
            "id": report.state().map(|state| state.id.json(&label)),
            "cidr": report.state().map(|state| &state.cidr),
            "zone": report.state().map(|state| &state.zone),
        })
    }

    fn id(&self, state: &SubnetState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &SubnetState) -> bool {
        have.tags.owned()
    }

    async fn holds(&self, cx: &Cx, p: &SubnetParams, have: &SubnetState) -> Result<Vec<Held>> {
        let there = interfaces_in(cx, p, have).await?;
        Ok(there.iter().filter(|one| !interfaces::goes_by_itself(one)).map(interfaces::held).collect())
    }

    async fn orphans(&self, cx: &Cx, p: &SubnetParams, have: &SubnetState) -> Result<Vec<Held>> {
        Ok(interfaces_in(cx, p, have).await?.iter().map(interfaces::held).collect())
    }

    async fn realm(&self, cx: &Cx, p: &SubnetParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

async fn interfaces_in(cx: &Cx, p: &SubnetParams, have: &SubnetState) -> Result<Vec<NetworkInterface>> {
    let Some(id) = have.id.known() else { return Ok(Vec::new()) };
    let ec2 = client::<Ec2>(cx, &p.aws).await?;
    let mut found = ec2.network_interfaces(vec![filter("subnet-id", [id])]).await?;
    found.retain(|interface| interface.subnet_id() == Some(id));
    Ok(found)
}

async fn create(cx: &Cx, ec2: &Ec2, p: &SubnetParams, vpc_id: &str, want: &SubnetState) -> Result<()> {
    let made = retry_on(cx, &["InvalidVpcID.NotFound"], UNSEEN, || async {
        let sent = ec2
            .create_subnet()
            .vpc_id(vpc_id)
            .cidr_block(&want.cidr)
            .set_availability_zone(want.zone.clone())
            .set_tag_specifications(
                specification(ResourceType::Subnet, &want.tags.for_creation(cx)).map(|tags| vec![tags]),
            )
            .customize()
            .interceptor(once())
            .send()
            .await;
        sent.map_err(failing(format!("create subnet {}/{}", p.vpc, p.name)))
    })
    .await?;
    let id = made.subnet.and_then(|subnet| subnet.subnet_id);
    let id = id.ok_or_else(|| Failure::bug("CreateSubnet gave no id"))?;
    // What AWS makes of a new subnet.
    let made = SubnetState { map_public: false, ..want.clone() };
    update(cx, ec2, &id, &made, want).await
}

async fn update(cx: &Cx, ec2: &Ec2, id: &str, have: &SubnetState, want: &SubnetState) -> Result<()> {
    if have.map_public != want.map_public {
        let value = AttributeBooleanValue::builder().value(want.map_public).build();
        retry_on(cx, &GONE, UNSEEN, || async {
            let call = ec2.modify_subnet_attribute().subnet_id(id).map_public_ip_on_launch(value.clone());
            call.send().await.map(drop).map_err(failing(format!("change map_public of {id}")))
        })
        .await?;
    }
    ec2.retag(id, &have.tags.change(&want.tags)).await
}
