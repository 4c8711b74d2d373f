use std::time::UNIX_EPOCH;

use indexmap::IndexMap;
use rplay_aws::{AwsParams, Tags, client, failing, is_code};
use rplay_client_route53::sdk::types::{HostedZoneConfig, Tag, TagResourceType, Vpc, VpcRegion};
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
    mutually_exclusive("delegation_set_id", "vpc_id"),
    mutually_exclusive("delegation_set_id", "vpcs"),
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
    /// The region of `vpc_id`; omitted like it.
    pub vpc_region: Option<String>,
    /// The VPCs of a private zone, where there are several; omitted, the zone is public or in `vpc_id`.
    pub vpcs: Option<Vec<ZoneVpc>>,
    /// What the zone says of itself; omitted, nothing.
    #[param(default = "")]
    pub comment: String,
    /// The zone's id, where several zones have the name; omitted, it is found by its name.
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
    /// `None` where the parameters leave them alone: then they are not read.
    tags: Option<Tags>,
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

    fn delegation_set(&self) -> Option<String> {
        self.delegation_set_id.as_deref().map(bare_delegation_set)
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

    fn refers(&self, p: &ZoneParams) -> Option<Vec<Address>> {
        // A VPC is known here by its id only, which is no name.
        (!p.private()).then(Vec::new)
    }

    async fn read(&self, cx: &Cx, p: &ZoneParams, _receipt: Option<&()>) -> Result<(Option<ZoneState>, ())> {
        if p.wanted_vpcs().iter().any(|vpc| unknown::is_unknown(&vpc.id)) {
            return Ok((None, ()));
        }
        let client = client::<Route53>(cx, &p.aws).await?;
        let Some(found) = find(&client, p).await? else { return Ok((None, ())) };
        Ok((Some(state(&client, p, found).await?), ()))
    }

    fn desired(&self, p: &ZoneParams, _around: &(), have: Option<&ZoneState>) -> Result<Option<ZoneState>> {
        if p.state == ZoneWish::Absent {
            return Ok(None);
        }
        let have_tags = have.and_then(|have| have.tags.as_ref());
        Ok(Some(ZoneState {
            name: absolute(&p.zone),
            comment: p.comment.clone(),
            vpcs: p.wanted_vpcs(),
            delegation_set_id: p.delegation_set(),
            tags: p.tags.as_ref().map(|tags| Tags::desired(Some(tags), p.purge_tags, have_tags)),
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
            Change::Create { want } => create(cx, &client, p, self.address(p), want).await,
            Change::Update { have, want } => update(&client, have, want).await,
            Change::Delete { have } => {
                let id = known(have)?;
                let deleted = client.delete_hosted_zone().id(id).send().await;
                let deleted = deleted.map(|_| ()).map_err(failing(format!("delete zone {}", have.name)));
                match deleted {
                    Err(failure) if is_code(&failure, &["NoSuchHostedZone"]) => Ok(()),
                    Err(failure) if is_code(&failure, &["HostedZoneNotEmpty"]) => {
                        Err(failure.hint("delete its records first"))
                    }
                    done => done,
                }
            }
        }
    }

    fn output(&self, p: &ZoneParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.after else {
            let gone = |state: &ZoneState| format!("Successfully deleted {}", state.name);
            return json!({ "result": report.before.map_or_else(|| "No zone to delete.".to_owned(), gone) });
        };
        let first = state.vpcs.first();
        let mut fields = json!({
            "name": state.name,
            "zone_id": state.id.json(&format!("{}: zone_id", self.address(p))),
            "private_zone": first.is_some(),
            "vpc_id": first.map(|vpc| &vpc.id),
            "vpc_region": first.map(|vpc| &vpc.region),
            "vpcs": first.map(|_| state.vpcs.iter().map(|vpc| json!({ "id": vpc.id, "region": vpc.region })).collect::<Vec<_>>()),
            "comment": state.comment,
            "delegation_set_id": state.delegation_set_id,
        });
        // What was not read is not told.
        if let (Some(tags), Some(fields)) = (&state.tags, fields.as_object_mut()) {
            fields.insert("tags".to_owned(), tags.json());
        }
        let mut output = fields.clone();
        if let Some(output) = output.as_object_mut() {
            output.insert("result".to_owned(), fields);
        }
        output
    }

    fn id(&self, state: &ZoneState) -> Option<String> {
        state.id.known().cloned()
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

/// A zone that was found, and what only asking for it tells, where that was asked.
struct Found {
    id: String,
    comment: String,
    details: Option<Details>,
}

/// What the list leaves out.
struct Details {
    vpcs: Vec<ZoneVpc>,
    delegation_set_id: Option<String>,
}

/// Returns the zone that is meant.
///
/// A private zone is the one that one of the VPCs is in already: Route 53 has at most one of a name for each VPC, and one
/// of the same name in another VPC is somebody else's. To be deleted it must be in exactly the VPCs named.
async fn find(client: &Route53, p: &ZoneParams) -> Result<Option<Found>> {
    let mut zones = client.zones_named(&p.zone).await?;
    match p.hosted_zone_id.as_deref() {
        Some("all") => {
            return Err(Failure::new("could not delete all zones of a name: that is not built yet"));
        }
        Some(id) => {
            zones.retain(|zone| zone_id(zone) == id);
            if zones.is_empty() && p.state == ZoneWish::Present {
                return Err(Failure::new(format!("could not find zone {} with the id {id}", p.zone)));
            }
        }
        None => {}
    }
    let mut read = None;
    if p.private() && p.hosted_zone_id.is_none() {
        let wanted = p.wanted_vpcs();
        let mut meant = Vec::new();
        for zone in zones.into_iter().filter(zone::is_private) {
            let details = details(client, zone_id(&zone)).await?;
            let there = |vpc: &ZoneVpc| details.vpcs.contains(vpc);
            let all = wanted.len() == details.vpcs.len() && wanted.iter().all(there);
            let some = p.state == ZoneWish::Present && wanted.iter().any(there);
            if all || some {
                meant.push(zone);
                read = Some(details);
            }
        }
        zones = meant;
    }
    let Some(zone) = zone::only(zones, &p.zone, p.private())? else { return Ok(None) };
    let comment = zone.config().and_then(HostedZoneConfig::comment).unwrap_or_default().to_owned();
    Ok(Some(Found { id: zone_id(&zone).to_owned(), comment, details: read }))
}

async fn details(client: &Route53, id: &str) -> Result<Details> {
    let asked = client.get_hosted_zone().id(id).send().await;
    let answer = asked.map_err(failing(format!("read zone {id}")))?;
    Ok(Details {
        vpcs: answer.vpcs().iter().filter_map(vpc).collect(),
        delegation_set_id: answer.delegation_set().and_then(|set| set.id()).map(bare_delegation_set),
    })
}

/// A public zone costs no call more than finding it, a private one another for its VPCs, and tags one if they are managed.
async fn state(client: &Route53, p: &ZoneParams, found: Found) -> Result<ZoneState> {
    let details = match found.details {
        None if p.private() || p.delegation_set_id.is_some() => Some(details(client, &found.id).await?),
        known => known,
    };
    let (vpcs, delegation_set_id) =
        details.map(|details| (details.vpcs, details.delegation_set_id)).unwrap_or_default();
    Ok(ZoneState {
        name: absolute(&p.zone),
        comment: found.comment,
        vpcs,
        delegation_set_id: delegation_set_id.filter(|_| p.delegation_set_id.is_some()),
        tags: match p.tags {
            Some(_) => Some(client.zone_tags(&found.id).await?),
            None => None,
        },
        id: found.id.into(),
    })
}

fn bare_delegation_set(id: &str) -> String {
    id.trim_start_matches("/delegationset/").to_owned()
}

fn vpc(vpc: &Vpc) -> Option<ZoneVpc> {
    Some(ZoneVpc { id: vpc.vpc_id()?.to_owned(), region: vpc.vpc_region()?.as_str().to_owned() })
}

fn sdk_vpc(vpc: &ZoneVpc) -> Vpc {
    Vpc::builder().vpc_id(&vpc.id).vpc_region(VpcRegion::from(vpc.region.as_str())).build()
}

/// Creates a zone. What is missing when this ends early is what an update adds.
async fn create(cx: &Cx, client: &Route53, p: &ZoneParams, address: Address, want: &ZoneState) -> Result<()> {
    let reference = cx.token(&address.to_string());
    let id = match create_bare(client, reference.clone(), want).await {
        Err(failure) if is_code(&failure, &["HostedZoneAlreadyExists"]) => {
            if let Some(found) = find(client, p).await? {
                // Sent twice, because the first answer was lost.
                found.id
            } else {
                // The reference is that of a zone deleted behind our back: each is good for one zone, for ever.
                let seconds = cx.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                create_bare(client, format!("{reference}-{seconds}"), want).await?
            }
        }
        created => created?,
    };
    for vpc in want.vpcs.iter().skip(1) {
        associate(client, &id, vpc).await?;
    }
    let tags = want.tags.as_ref().map(|tags| tags.for_creation(cx)).unwrap_or_default();
    if tags.is_empty() {
        return Ok(());
    }
    retag(client, &id, tags.into_iter().collect(), Vec::new()).await
}

async fn create_bare(client: &Route53, reference: String, want: &ZoneState) -> Result<String> {
    let config =
        HostedZoneConfig::builder().comment(&want.comment).private_zone(!want.vpcs.is_empty()).build();
    let created = client
        .create_hosted_zone()
        .name(&want.name)
        .caller_reference(reference)
        .hosted_zone_config(config)
        .set_vpc(want.vpcs.first().map(sdk_vpc))
        .set_delegation_set_id(want.delegation_set_id.clone())
        .send()
        .await
        .map_err(failing(format!("create zone {}", want.name)))?;
    let zone = created.hosted_zone().ok_or_else(|| {
        Failure::new(format!("could not create zone {}: the answer names no zone", want.name))
    })?;
    Ok(zone_id(zone).to_owned())
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
    let (Some(had), Some(wanted)) = (&have.tags, &want.tags) else { return Ok(()) };
    let change = had.change(wanted);
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

#[cfg(test)]
mod tests;
