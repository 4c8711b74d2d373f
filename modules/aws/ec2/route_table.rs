use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, once, optional, retry_on};
use rplay_client_ec2::sdk::types::{ResourceType, Route, RouteState, RouteTable as Table};
use rplay_client_ec2::{Ec2, filter, specification, tags};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::presence::Presence;
use crate::refusals::{UNSEEN, failing, release, the_one};
use crate::subnet::{self, At, Listing};
use crate::{bare_vpc, internet_gateway, name_tag};

const GONE: [&str; 1] = ["InvalidRouteTableID.NotFound"];
const EVERYWHERE: &str = "0.0.0.0/0";
/// The default route where it is as it shall be.
const TO_GATEWAY: &str = "internet gateway";

/// Keeps a route table whose default route goes to the VPC's internet gateway.
#[derive(Clone, Debug, Params)]
pub(crate) struct RouteTableParams {
    /// The name of its VPC.
    #[param(identity)]
    pub(crate) vpc: String,
    /// Its name within the VPC: its tag `Name` is `VPC-NAME`, by which it is found again.
    #[param(identity)]
    pub(crate) name: String,
    /// The names of the subnets that use it. Those that are not named keep what they use.
    #[param(default)]
    pub(crate) subnets: Vec<String>,
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
pub(crate) struct TableState {
    id: Fact<String>,
    /// Where what is nowhere in the VPC goes; another target than the gateway by its id.
    default_route: Option<String>,
    /// Names of the subnets that the playbook names, ids of others.
    subnets: BTreeSet<String>,
    tags: Tags,
    /// The ids of its associations with subnets.
    associations: Fact<Vec<String>>,
}

#[derive(Default)]
pub(crate) struct Around {
    vpc_id: String,
    gateway: Option<String>,
    /// The ids of the subnets by name.
    subnets: BTreeMap<String, String>,
    /// Which association a subnet has with another table, by the subnet's id.
    elsewhere: BTreeMap<String, String>,
}

pub(crate) struct RouteTable {
    pub(crate) listing: Arc<Listing>,
}

/// Returns the address of a table by the names of the VPC and its own.
pub(crate) fn address(vpc: &str, name: &str) -> Address {
    Address::new("ec2.route_table", format!("{vpc}/{name}"))
}

/// Returns the table as something that lives in its VPC; the main one goes with the VPC.
pub(crate) fn held(vpc: &str, table: &Table) -> Option<Held> {
    if table.associations().iter().any(|association| association.main() == Some(true)) {
        return None;
    }
    let known = tags(table.tags());
    let name = known.get("Name").and_then(|name| name.strip_prefix(vpc)?.strip_prefix('-'));
    Some(match name {
        Some(name) => Held { name: format!("route table {vpc}/{name}"), address: Some(address(vpc, name)) },
        None => Held {
            name: format!("route table {}", table.route_table_id().unwrap_or_default()),
            address: None,
        },
    })
}

fn tag(vpc: &str, name: &str) -> String {
    format!("{vpc}-{name}")
}

impl RouteTable {
    /// Looks up what the table shall refer to. What is not there is left out: a table that is to be destroyed may have
    /// outlived its subnets.
    async fn around(&self, cx: &Cx, ec2: &Ec2, p: &RouteTableParams, vpc_id: String) -> Result<Around> {
        let mut around = Around { vpc_id, ..Around::default() };
        if p.state.is_absent() || unknown::is_unknown(&around.vpc_id) {
            return Ok(around);
        }
        for name in &p.subnets {
            let at = At { vpc: &p.vpc, vpc_id: &around.vpc_id, name };
            if let Some(id) = self.listing.id(cx, ec2, &at).await? {
                around.subnets.insert(name.clone(), id);
            }
        }
        around.gateway = internet_gateway::id(cx, ec2, &p.vpc, &around.vpc_id).await?;
        Ok(around)
    }
}

impl Around {
    /// Returns the name of a subnet that the playbook names, else its id.
    fn called(&self, id: &str) -> String {
        let name = self.subnets.iter().find(|(_, known)| *known == id).map(|(name, _)| name);
        name.cloned().unwrap_or_else(|| id.to_owned())
    }

    fn default_route(&self, routes: &[Route]) -> Option<String> {
        let route = routes.iter().find(|route| route.destination_cidr_block() == Some(EVERYWHERE))?;
        let target = [
            route.gateway_id(),
            route.nat_gateway_id(),
            route.transit_gateway_id(),
            route.vpc_peering_connection_id(),
            route.network_interface_id(),
        ];
        let target = target.into_iter().flatten().next().unwrap_or("nowhere");
        let lives = route.state() != Some(&RouteState::Blackhole);
        Some(match self.gateway.as_deref() {
            Some(gateway) if gateway == target && lives => TO_GATEWAY.to_owned(),
            _ => target.to_owned(),
        })
    }

    fn state(&self, table: &Table) -> TableState {
        let associations = || table.associations().iter().filter(|one| one.subnet_id().is_some());
        let ids = associations().filter_map(|one| one.route_table_association_id()).map(str::to_owned);
        TableState {
            id: Fact::from_answer(table.route_table_id.clone()),
            default_route: self.default_route(table.routes()),
            subnets: associations().filter_map(|one| one.subnet_id()).map(|id| self.called(id)).collect(),
            tags: tags(table.tags()),
            associations: ids.collect::<Vec<_>>().into(),
        }
    }
}

impl Resource for RouteTable {
    type Params = RouteTableParams;
    type State = TableState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &RouteTableParams) -> Address {
        address(&p.vpc, &p.name)
    }

    fn refers(&self, p: &RouteTableParams) -> Option<Vec<Address>> {
        let subnets = p.subnets.iter().map(|name| subnet::address(&p.vpc, name));
        Some(
            [bare_vpc::address(&p.vpc), internet_gateway::address(&p.vpc)]
                .into_iter()
                .chain(subnets)
                .collect(),
        )
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &RouteTableParams,
        _: Option<&()>,
    ) -> Result<(Option<TableState>, Around)> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        let Some(vpc_id) = bare_vpc::id_unless(p.state.is_absent(), cx, &ec2, &p.vpc).await? else {
            return Ok((None, Around::default()));
        };
        let mut around = self.around(cx, &ec2, p, vpc_id).await?;
        if unknown::is_unknown(&around.vpc_id) {
            return Ok((None, around));
        }
        let tag = tag(&p.vpc, &p.name);
        let tables = ec2.route_tables(vec![filter("vpc-id", [&around.vpc_id])]).await?;
        let (ours, others): (Vec<Table>, Vec<Table>) =
            tables.into_iter().partition(|table| tags(table.tags()).get("Name") == Some(tag.as_str()));
        around.elsewhere = others
            .iter()
            .flat_map(Table::associations)
            .filter_map(|one| {
                Some((one.subnet_id()?.to_owned(), one.route_table_association_id()?.to_owned()))
            })
            .collect();
        let found = the_one(ours, &format!("route table named {tag}"), Table::route_table_id)?;
        Ok((found.map(|table| around.state(&table)), around))
    }

    fn desired(
        &self,
        p: &RouteTableParams,
        _: &Around,
        have: Option<&TableState>,
    ) -> Result<Option<TableState>> {
        if p.state.is_absent() {
            return Ok(None);
        }
        let mut subnets = have.map(|have| have.subnets.clone()).unwrap_or_default();
        subnets.extend(p.subnets.iter().cloned());
        Ok(Some(TableState {
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
            default_route: Some(TO_GATEWAY.to_owned()),
            subnets,
            tags: name_tag::desired(
                p.tags.as_ref(),
                p.purge_tags,
                have.map(|have| &have.tags),
                &tag(&p.vpc, &p.name),
            ),
            associations: have.map(|have| have.associations.clone()).unwrap_or_default(),
        }))
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &RouteTableParams,
        around: &Around,
        change: Change<'_, TableState>,
    ) -> Result<()> {
        let ec2 = client::<Ec2>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => {
                let id = create(cx, &ec2, p, &around.vpc_id, want).await?;
                let made = TableState { default_route: None, subnets: BTreeSet::new(), ..want.clone() };
                update(cx, &ec2, &id, around, &made, want).await
            }
            Change::Update { have, want } => {
                let id = have.id.known().ok_or_else(|| Failure::bug("a route table without an id"))?;
                update(cx, &ec2, id, around, have, want).await
            }
            Change::Delete { have } => delete(cx, &ec2, have).await,
        }
    }

    fn output(&self, p: &RouteTableParams, report: &Report<'_, Self>) -> Value {
        let label = format!("{}: id", address(&p.vpc, &p.name));
        json!({ "id": report.state().map(|state| state.id.json(&label)) })
    }

    fn id(&self, state: &TableState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &TableState) -> bool {
        have.tags.owned()
    }

    /// Subnets that the playbook does not name would fall back to the VPC's main table.
    async fn holds(&self, _: &Cx, p: &RouteTableParams, have: &TableState) -> Result<Vec<Held>> {
        let others = have.subnets.iter().filter(|name| !p.subnets.contains(name));
        Ok(others.map(|id| Held { name: format!("the way out of subnet {id}"), address: None }).collect())
    }

    async fn realm(&self, cx: &Cx, p: &RouteTableParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

async fn create(cx: &Cx, ec2: &Ec2, p: &RouteTableParams, vpc_id: &str, want: &TableState) -> Result<String> {
    let sent = ec2
        .create_route_table()
        .vpc_id(vpc_id)
        .set_tag_specifications(
            specification(ResourceType::RouteTable, &want.tags.for_creation(cx)).map(|tags| vec![tags]),
        )
        .customize()
        .interceptor(once())
        .send()
        .await;
    let made = sent.map_err(failing(format!("create route table {}/{}", p.vpc, p.name)))?;
    let id = made.route_table.and_then(|table| table.route_table_id);
    id.ok_or_else(|| Failure::bug("CreateRouteTable gave no id"))
}

async fn update(
    cx: &Cx,
    ec2: &Ec2,
    id: &str,
    around: &Around,
    have: &TableState,
    want: &TableState,
) -> Result<()> {
    if have.default_route != want.default_route {
        let gateway = around.gateway.as_deref();
        let gateway = gateway
            .ok_or_else(|| Failure::new(format!("could not route {id}: the VPC has no internet gateway")))?;
        route(cx, ec2, id, gateway, have.default_route.is_some()).await?;
    }
    for name in want.subnets.difference(&have.subnets) {
        let subnet = around.subnets.get(name);
        let subnet = subnet
            .ok_or_else(|| Failure::new(format!("could not find subnet {name} for route table {id}")))?;
        associate(cx, ec2, id, subnet, around.elsewhere.get(subnet)).await?;
    }
    ec2.retag(id, &have.tags.change(&want.tags)).await
}

async fn route(cx: &Cx, ec2: &Ec2, id: &str, gateway: &str, replace: bool) -> Result<()> {
    let unseen =
        ["InvalidRouteTableID.NotFound", "InvalidGatewayID.NotFound", "InvalidInternetGatewayID.NotFound"];
    let what = || format!("route {EVERYWHERE} of {id} to {gateway}");
    retry_on(cx, &unseen, UNSEEN, || async {
        if replace {
            let call =
                ec2.replace_route().route_table_id(id).destination_cidr_block(EVERYWHERE).gateway_id(gateway);
            call.send().await.map(drop).map_err(failing(what()))
        } else {
            let call =
                ec2.create_route().route_table_id(id).destination_cidr_block(EVERYWHERE).gateway_id(gateway);
            call.customize().interceptor(once()).send().await.map(drop).map_err(failing(what()))
        }
    })
    .await
}

/// A subnet that uses another table is moved: it cannot use two.
async fn associate(cx: &Cx, ec2: &Ec2, id: &str, subnet: &str, elsewhere: Option<&String>) -> Result<()> {
    let what = || format!("let {subnet} use route table {id}");
    retry_on(cx, &["InvalidRouteTableID.NotFound", "InvalidSubnetID.NotFound"], UNSEEN, || async {
        if let Some(association) = elsewhere {
            let call = ec2.replace_route_table_association().association_id(association).route_table_id(id);
            call.customize().interceptor(once()).send().await.map(drop).map_err(failing(what()))
        } else {
            let call = ec2.associate_route_table().subnet_id(subnet).route_table_id(id);
            call.customize().interceptor(once()).send().await.map(drop).map_err(failing(what()))
        }
    })
    .await
}

async fn delete(cx: &Cx, ec2: &Ec2, have: &TableState) -> Result<()> {
    let id = have.id.known().ok_or_else(|| Failure::bug("a route table without an id"))?;
    for association in have.associations.known().into_iter().flatten() {
        let sent = ec2.disassociate_route_table().association_id(association).send().await;
        let sent = sent.map(drop).map_err(failing(format!("take subnets from route table {id}")));
        optional(sent, &["InvalidAssociationID.NotFound"])?;
    }
    release(cx, &GONE, || async {
        let sent = ec2.delete_route_table().route_table_id(id).send().await;
        sent.map(drop).map_err(failing(format!("delete route table {id}")))
    })
    .await
}
