use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, failing};
use rplay_client_route53::sdk::types::{HostedZone, HostedZoneConfig, Tag, TagResourceType, Vpc, VpcRegion};
use rplay_client_route53::{Route53, absolute, unescaped, zone_id};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State,
    Verdict, unknown,
};
use serde_json::{Value, json};

use crate::zone;

/// Keeps a hosted zone.
#[derive(Clone, Debug, Params)]
#[params(
    required_together("vpc_id", "vpc_region"),
    mutually_exclusive("vpcs", "vpc_id"),
    unbuilt("dnssec", "wait", "wait_timeout")
)]
pub struct ZoneParams {
    /// The zone's domain name.
    #[param(identity)]
    pub zone: String,
    /// Whether the zone shall be there.
    #[param(default = ZoneWish::Present)]
    pub state: ZoneWish,
    /// The VPC of a private zone; omitted, the zone is public.
    pub vpc_id: Option<String>,
    /// The region of `vpc_id`.
    pub vpc_region: Option<String>,
    /// The VPCs of a private zone, where there are several.
    pub vpcs: Option<Vec<ZoneVpc>>,
    /// What the zone says of itself; omitted, nothing.
    #[param(default = "")]
    pub comment: String,
    /// The zone's id, where several zones have the name.
    #[param(identity)]
    pub hosted_zone_id: Option<String>,
    /// The reusable delegation set of a public zone; omitted, AWS chooses name servers.
    pub delegation_set_id: Option<String>,
    /// The zone's tags; omitted, they are left alone.
    #[param(alias = "resource_tags")]
    pub tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed.
    #[param(default = true)]
    pub purge_tags: bool,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// Whether a zone shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum ZoneWish {
    Present,
    Absent,
}

/// A VPC that a private zone answers in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Params, State)]
pub struct ZoneVpc {
    /// The VPC's id.
    pub id: String,
    /// Its region.
    pub region: String,
}

/// What is managed of a zone.
#[derive(Clone, Debug, PartialEq, State)]
pub struct ZoneState {
    name: String,
    comment: String,
    vpcs: Vec<ZoneVpc>,
    delegation_set_id: Option<String>,
    tags: Tags,
    id: Fact<String>,
}

/// A hosted zone.
#[derive(Clone, Copy, Debug)]
pub struct ZoneResource;

impl ZoneParams {
    fn wanted_vpcs(&self) -> Vec<ZoneVpc> {
        match (&self.vpcs, &self.vpc_id, &self.vpc_region) {
            (Some(vpcs), _, _) => vpcs.clone(),
            (None, Some(id), Some(region)) => vec![ZoneVpc { id: id.clone(), region: region.clone() }],
            _ => Vec::new(),
        }
    }

    fn private(&self) -> bool {
        !self.wanted_vpcs().is_empty()
    }
}

impl Resource for ZoneResource {
    type Params = ZoneParams;
    type State = ZoneState;
    type Around = ();
    type Receipt = ();

    fn address(&self, p: &ZoneParams) -> Address {
        match &p.hosted_zone_id {
            Some(id) => Address::new("route53.zone", id.as_str()),
            None => zone::address(&p.zone, p.private()),
        }
    }

    fn refers(&self, _p: &ZoneParams) -> Option<Vec<Address>> {
        None
    }

    async fn read(&self, cx: &Cx, p: &ZoneParams, _receipt: Option<&()>) -> Result<(Option<ZoneState>, ())> {
        if p.wanted_vpcs().iter().any(|vpc| unknown::is_unknown(&vpc.id)) {
            return Ok((None, ()));
        }
        let client = client::<Route53>(cx, &p.aws).await?;
        let mut found = client.zones_named(&p.zone).await?;
        if let Some(id) = &p.hosted_zone_id {
            found.retain(|zone| zone_id(zone) == id);
        }
        let Some(zone) = zone::only(found, &p.zone, p.private())? else { return Ok((None, ())) };
        Ok((Some(state(&client, p, &zone).await?), ()))
    }

    fn desired(&self, p: &ZoneParams, _around: &(), have: Option<&ZoneState>) -> Result<Option<ZoneState>> {
        if p.state == ZoneWish::Absent {
            return Ok(None);
        }
        Ok(Some(ZoneState {
            name: absolute(&p.zone),
            comment: p.comment.clone(),
            vpcs: p.wanted_vpcs(),
            delegation_set_id: p
                .delegation_set_id
                .clone()
                .or_else(|| have.and_then(|have| have.delegation_set_id.clone())),
            tags: Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags)),
            id: have.map(|have| have.id.clone()).unwrap_or_default(),
        }))
    }

    fn normal(&self, mut state: ZoneState) -> ZoneState {
        state.vpcs.sort();
        state
    }

    fn verdict(&self, _p: &ZoneParams, have: &ZoneState, want: &ZoneState) -> Verdict {
        if have.delegation_set_id != want.delegation_set_id {
            Verdict::Replace("a zone's delegation set cannot be changed".to_owned())
        } else if have == want {
            Verdict::Keep
        } else {
            Verdict::Update
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &ZoneParams,
        _around: &(),
        change: Change<'_, ZoneState>,
    ) -> Result<()> {
        let client = client::<Route53>(cx, &p.aws).await?;
        match change {
            Change::Create { want } => create(cx, &client, self.address(p), want).await,
            Change::Update { have, want } => update(&client, have, want).await,
            Change::Delete { have } => {
                let id = known(have)?;
                let deleted = client.delete_hosted_zone().id(id).send().await;
                deleted.map(|_| ()).map_err(failing(format!("delete zone {}", have.name)))
            }
        }
    }

    fn output(&self, p: &ZoneParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.after else { return json!({}) };
        let first = state.vpcs.first();
        json!({
            "name": state.name,
            "zone_id": state.id.json(&format!("{}: zone_id", self.address(p))),
            "private_zone": !state.vpcs.is_empty(),
            "vpc_id": first.map(|vpc| &vpc.id),
            "vpc_region": first.map(|vpc| &vpc.region),
            "vpcs": state.vpcs.iter().map(|vpc| json!({ "id": vpc.id, "region": vpc.region })).collect::<Vec<_>>(),
            "comment": state.comment,
            "delegation_set_id": state.delegation_set_id,
            "tags": state.tags.json(),
        })
    }

    fn id(&self, state: &ZoneState) -> Option<String> {
        state.id.known().cloned()
    }

    fn ours(&self, have: &ZoneState) -> bool {
        have.tags.owned()
    }

    async fn holds(&self, cx: &Cx, p: &ZoneParams, have: &ZoneState) -> Result<Vec<Held>> {
        let client = client::<Route53>(cx, &p.aws).await?;
        let records = client.records(known(have)?).await?;
        Ok(records
            .iter()
            .filter(|record| {
                !(absolute(record.name()) == have.name && matches!(record.r#type().as_str(), "NS" | "SOA"))
            })
            .map(|record| {
                let name = unescaped(record.name());
                let kind = record.r#type().as_str();
                let zone = have.name.trim_end_matches('.');
                let address = crate::record::address(zone, &name, kind, record.set_identifier());
                Held { name: format!("record {} {kind}", name.trim_end_matches('.')), address: Some(address) }
            })
            .collect())
    }

    async fn realm(&self, cx: &Cx, p: &ZoneParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

/// Public zones cost one call more, for their tags; private ones another for their VPCs, which the list leaves out.
async fn state(client: &Route53, p: &ZoneParams, found: &HostedZone) -> Result<ZoneState> {
    let id = zone_id(found).to_owned();
    let mut vpcs = Vec::new();
    let mut delegation_set_id = None;
    if p.private() || p.delegation_set_id.is_some() {
        let asked = client.get_hosted_zone().id(&id).send().await;
        let answer = asked.map_err(failing(format!("read zone {}", found.name())))?;
        vpcs = answer.vpcs().iter().filter_map(vpc).collect();
        delegation_set_id = answer
            .delegation_set()
            .and_then(|set| set.id())
            .map(|id| id.trim_start_matches("/delegationset/").to_owned());
    }
    Ok(ZoneState {
        name: absolute(found.name()),
        comment: found.config().and_then(HostedZoneConfig::comment).unwrap_or_default().to_owned(),
        vpcs,
        delegation_set_id,
        tags: client.zone_tags(&id).await?,
        id: id.into(),
    })
}

fn vpc(vpc: &Vpc) -> Option<ZoneVpc> {
    Some(ZoneVpc { id: vpc.vpc_id()?.to_owned(), region: vpc.vpc_region()?.as_str().to_owned() })
}

fn sdk_vpc(vpc: &ZoneVpc) -> Vpc {
    Vpc::builder().vpc_id(&vpc.id).vpc_region(VpcRegion::from(vpc.region.as_str())).build()
}

async fn create(cx: &Cx, client: &Route53, address: Address, want: &ZoneState) -> Result<()> {
    let config =
        HostedZoneConfig::builder().comment(&want.comment).private_zone(!want.vpcs.is_empty()).build();
    let created = client
        .create_hosted_zone()
        .name(&want.name)
        .caller_reference(cx.token(&address.to_string()))
        .hosted_zone_config(config)
        .set_vpc(want.vpcs.first().map(sdk_vpc))
        .set_delegation_set_id(want.delegation_set_id.clone())
        .send()
        .await
        .map_err(failing(format!("create zone {}", want.name)))?;
    let Some(zone) = created.hosted_zone() else {
        return Err(Failure::new(format!("could not create zone {}: the answer names no zone", want.name)));
    };
    let id = zone_id(zone);
    for vpc in want.vpcs.iter().skip(1) {
        associate(client, id, vpc).await?;
    }
    let tags = want.tags.for_creation(cx);
    if tags.is_empty() {
        return Ok(());
    }
    retag(client, id, tags.into_iter().collect(), Vec::new()).await
}

async fn update(client: &Route53, have: &ZoneState, want: &ZoneState) -> Result<()> {
    let id = known(have)?;
    if have.comment != want.comment {
        let updated = client.update_hosted_zone_comment().id(id).comment(&want.comment).send().await;
        updated.map_err(failing(format!("change the comment of zone {}", want.name)))?;
    }
    for vpc in want.vpcs.iter().filter(|vpc| !have.vpcs.contains(vpc)) {
        associate(client, id, vpc).await?;
    }
    for vpc in have.vpcs.iter().filter(|vpc| !want.vpcs.contains(vpc)) {
        let gone =
            client.disassociate_vpc_from_hosted_zone().hosted_zone_id(id).vpc(sdk_vpc(vpc)).send().await;
        gone.map_err(failing(format!("take {} out of zone {}", vpc.id, want.name)))?;
    }
    let change = have.tags.change(&want.tags);
    if change.is_empty() {
        return Ok(());
    }
    retag(client, id, change.set.into_iter().collect(), change.remove).await
}

async fn associate(client: &Route53, id: &str, vpc: &ZoneVpc) -> Result<()> {
    let done = client.associate_vpc_with_hosted_zone().hosted_zone_id(id).vpc(sdk_vpc(vpc)).send().await;
    done.map(|_| ()).map_err(failing(format!("put {} into zone {id}", vpc.id)))
}

async fn retag(client: &Route53, id: &str, set: Vec<(String, String)>, remove: Vec<String>) -> Result<()> {
    let tags: Vec<Tag> =
        set.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let done = client
        .change_tags_for_resource()
        .resource_type(TagResourceType::Hostedzone)
        .resource_id(id)
        .set_add_tags((!tags.is_empty()).then_some(tags))
        .set_remove_tag_keys((!remove.is_empty()).then_some(remove))
        .send()
        .await;
    done.map(|_| ()).map_err(failing(format!("tag zone {id}")))
}

fn known(state: &ZoneState) -> Result<&str> {
    state.id.known().map(String::as_str).ok_or_else(|| Failure::bug("a zone that was read has an id"))
}
