use std::time::Duration;

use rplay_aws::{AwsParams, Probe, Wait, client, failing, is_code, retry_on, wait};
use rplay_client_route53::sdk::types::{
    AliasTarget, Change as SdkChange, ChangeAction, ChangeBatch, ChangeStatus, GeoLocation, ResourceRecord,
    ResourceRecordSet, ResourceRecordSetFailover, ResourceRecordSetRegion, RrType,
};
use rplay_client_route53::{Route53, absolute};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::{record, zone};

/// Keeps a record of a zone.
#[derive(Clone, Debug, Params)]
#[params(
    required_one_of("zone", "hosted_zone_id"),
    mutually_exclusive("values", "alias"),
    mutually_exclusive("weight", "region_of_latency", "failover", "geo_location"),
    required_by(weight, needs("identifier")),
    required_by(region_of_latency, needs("identifier")),
    required_by(failover, needs("identifier")),
    required_by(geo_location, needs("identifier")),
    required_if(state = "present", any("values", "alias"))
)]
pub struct RecordParams {
    /// The zone's domain name; omitted, the zone is found by its id.
    #[param(identity)]
    pub zone: Option<String>,
    /// The zone's id, where several zones have the name; omitted, the zone is found by its name.
    #[param(identity)]
    pub hosted_zone_id: Option<String>,
    /// Looks for a private zone of that name.
    #[param(default = false)]
    pub private_zone: bool,
    /// The record's name; one outside the zone is taken as below it.
    #[param(identity)]
    pub record: String,
    /// The record's type.
    #[param(
        identity,
        choices(
            "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV",
            "SSHFP", "SVCB", "TLSA", "TXT"
        )
    )]
    pub r#type: String,
    /// How many seconds others may remember it; omitted it is left alone, 300 for a new record.
    pub ttl: Option<i64>,
    /// The record's values; a TXT value is quoted where it is not.
    #[param(alias = "value")]
    pub values: Option<Vec<String>>,
    /// Points at a load balancer, bucket or distribution instead of values.
    pub alias: Option<AliasParams>,
    /// Tells several records of one name and type apart; omitted, there is only one.
    #[param(identity)]
    pub identifier: Option<String>,
    /// The share of answers that this one is, among those of its name; omitted with the other ways of choosing, how it
    /// is chosen is left alone.
    pub weight: Option<i64>,
    /// Answers those who are nearest to this AWS region.
    pub region_of_latency: Option<String>,
    /// Answers while the other one is healthy, or when it is not.
    pub failover: Option<Failover>,
    /// Answers those who are in this place.
    pub geo_location: Option<GeoParams>,
    /// The id of the health check that decides whether the record is given out; empty for none, omitted it is left
    /// alone.
    pub health_check: Option<String>,
    /// Whether the record shall be there.
    #[param(default = RecordWish::Present)]
    pub state: RecordWish,
    /// Waits until all name servers know a change.
    #[param(default = false)]
    pub wait: bool,
    /// How many seconds to wait for that.
    #[param(default = 300)]
    pub wait_timeout: u64,
    #[param(flatten)]
    pub aws: AwsParams,
}

/// Where an alias points.
#[derive(Clone, Debug, PartialEq, Params, State)]
pub struct AliasParams {
    /// The target's DNS name.
    pub dns_name: String,
    /// The zone that the target's name is in, not the record's own.
    pub hosted_zone_id: String,
    /// Answers only while the target is healthy.
    #[param(default = false)]
    pub evaluate_target_health: bool,
}

/// A place on earth.
#[derive(Clone, Debug, PartialEq, Params, State)]
pub struct GeoParams {
    /// Two letters, such as `EU`.
    pub continent_code: Option<String>,
    /// Two letters, such as `DE`; `*` for everywhere else.
    pub country_code: Option<String>,
    /// A part of the country, such as a state of the US.
    pub subdivision_code: Option<String>,
}

/// Whether a record shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum RecordWish {
    Present,
    Absent,
}

/// Which of two records comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Failover {
    #[choice("PRIMARY")]
    Primary,
    #[choice("SECONDARY")]
    Secondary,
}

/// What is managed of a record.
#[derive(Clone, Debug, PartialEq, State)]
pub struct RecordState {
    name: String,
    kind: String,
    ttl: Option<i64>,
    values: Vec<String>,
    alias: Option<AliasParams>,
    identifier: Option<String>,
    #[state(flatten)]
    choice: Policy,
    health_check: Option<String>,
    /// A change that is on its way to the name servers.
    change: Fact<String>,
    /// The record to the letter: only so can it be deleted.
    found: Fact<ResourceRecordSet>,
}

/// By what one of several records of a name is chosen.
#[derive(Clone, Debug, Default, PartialEq, State)]
pub(crate) struct Policy {
    weight: Option<i64>,
    region_of_latency: Option<String>,
    failover: Option<String>,
    geo_location: Option<GeoParams>,
}

/// The id of the zone the record is in.
#[derive(Clone, Debug, Default)]
pub struct InZone {
    id: String,
}

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct Record;

/// Route 53 makes one change of a zone after the other.
const BUSY: &[&str] = &["PriorRequestNotComplete"];

fn is_gone(failure: &Failure) -> bool {
    is_code(failure, &["InvalidChangeBatch"]) && failure.message.contains("but it was not found")
}

impl RecordParams {
    fn zone_shown(&self) -> &str {
        self.zone.as_deref().or(self.hosted_zone_id.as_deref()).unwrap_or_default()
    }

    /// `None` where none is given: then it is left alone.
    fn choice(&self) -> Option<Policy> {
        let given = Policy {
            weight: self.weight,
            region_of_latency: self.region_of_latency.clone(),
            failover: self.failover.map(|failover| failover.as_str().to_owned()),
            geo_location: self.geo_location.clone(),
        };
        (given != Policy::default()).then_some(given)
    }

    fn name(&self) -> String {
        self.zone
            .as_deref()
            .map_or_else(|| absolute(&self.record), |zone| record::whole_name(&self.record, zone))
    }
}

impl Resource for Record {
    type Params = RecordParams;
    type State = RecordState;
    type Around = InZone;
    /// The id of the change, whose way to the name servers can be watched.
    type Receipt = Option<String>;

    fn address(&self, p: &RecordParams) -> Address {
        record::address(p.zone_shown(), &p.name(), &p.r#type, p.identifier.as_deref())
    }

    fn refers(&self, p: &RecordParams) -> Option<Vec<Address>> {
        p.zone.as_ref().map(|name| vec![zone::address(name, p.private_zone)])
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &RecordParams,
        receipt: Option<&Option<String>>,
    ) -> Result<(Option<RecordState>, InZone)> {
        let client = client::<Route53>(cx, &p.aws).await?;
        let id = match &p.hosted_zone_id {
            Some(id) => id.clone(),
            None => zone::id_of(cx, &client, p.zone_shown(), p.private_zone).await?,
        };
        let around = InZone { id };
        if unknown::is_unknown(&around.id) {
            return Ok((None, around));
        }
        let records = client.records_named(&around.id, &p.name()).await?;
        let meant = |set: &&ResourceRecordSet| {
            set.r#type().as_str() == p.r#type && set.set_identifier() == p.identifier.as_deref()
        };
        let mut state = records.iter().find(meant).map(state);
        if let (Some(state), Some(Some(change))) = (&mut state, receipt) {
            state.change = change.clone().into();
        }
        Ok((state, around))
    }

    fn desired(
        &self,
        p: &RecordParams,
        _around: &InZone,
        have: Option<&RecordState>,
    ) -> Result<Option<RecordState>> {
        if p.state == RecordWish::Absent {
            return Ok(None);
        }
        let ttl = p.ttl.or_else(|| have.and_then(|have| have.ttl)).or(Some(300));
        let choice = p.choice().or_else(|| have.map(|have| have.choice.clone())).unwrap_or_default();
        let health_check = p.health_check.clone().or_else(|| have.and_then(|have| have.health_check.clone()));
        Ok(Some(RecordState {
            name: p.name(),
            kind: p.r#type.clone(),
            ttl: ttl.filter(|_| p.alias.is_none()),
            values: p.values.iter().flatten().map(|value| record::value(&p.r#type, value)).collect(),
            alias: p.alias.clone(),
            identifier: p.identifier.clone(),
            choice,
            health_check: health_check.filter(|id| !id.is_empty()),
            change: have.map(|have| have.change.clone()).unwrap_or_default(),
            found: have.map(|have| have.found.clone()).unwrap_or_default(),
        }))
    }

    fn normal(&self, mut state: RecordState) -> RecordState {
        state.values = state.values.iter().map(|value| record::compared(&state.kind, value)).collect();
        state.values.sort();
        if let Some(alias) = &mut state.alias
            && !unknown::is_unknown(&alias.dns_name)
        {
            alias.dns_name = absolute(&alias.dns_name);
        }
        state
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &RecordParams,
        around: &InZone,
        change: Change<'_, RecordState>,
    ) -> Result<Option<String>> {
        let client = client::<Route53>(cx, &p.aws).await?;
        let (action, state) = match change {
            Change::Create { want } | Change::Update { want, .. } => (ChangeAction::Upsert, want),
            Change::Delete { have } => (ChangeAction::Delete, have),
        };
        let shown = state.name.trim_end_matches('.');
        let bug = |error| Failure::bug(format!("record {shown}: {error}"));
        let set = match (&action, state.found.known()) {
            (ChangeAction::Delete, Some(found)) => found.clone(),
            _ => record_set(state).map_err(bug)?,
        };
        let change = SdkChange::builder().action(action.clone()).resource_record_set(set).build();
        let batch = change.and_then(|change| ChangeBatch::builder().changes(change).build()).map_err(bug)?;
        let send = || async {
            let asked = client.change_resource_record_sets().hosted_zone_id(&around.id);
            let answer = asked.change_batch(batch.clone()).send().await;
            answer.map_err(failing(format!("change record {shown} {}", state.kind)))
        };
        match retry_on(cx, BUSY, 60, send).await {
            Ok(answer) => {
                Ok(answer.change_info().map(|info| info.id().trim_start_matches("/change/").to_owned()))
            }
            // Sent twice, because the first answer was lost.
            Err(failure) if action == ChangeAction::Delete && is_gone(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn settle(&self, cx: &Cx, p: &RecordParams, now: &RecordState) -> Result<()> {
        let (true, Some(change)) = (p.wait, now.change.known()) else { return Ok(()) };
        let client = client::<Route53>(cx, &p.aws).await?;
        let waiting = Wait {
            what: format!("record {} known to all name servers", now.name.trim_end_matches('.')),
            seconds: p.wait_timeout,
            every: Duration::from_secs(5),
        };
        wait(cx, &waiting, || async {
            let asked = client.get_change().id(change).send().await;
            let answer = asked.map_err(failing(format!("read change {change}")))?;
            let known = answer.change_info().is_some_and(|info| *info.status() == ChangeStatus::Insync);
            Ok(if known { Probe::Done(()) } else { Probe::pending("PENDING") })
        })
        .await
    }

    fn output(&self, p: &RecordParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.state() else { return json!({}) };
        json!({
            "name": state.name.trim_end_matches('.'),
            "zone": p.zone,
            "zone_id": report.around.id,
            "type": state.kind,
            "ttl": state.ttl,
            "values": state.values,
            "alias": state.alias.as_ref().map(|alias| json!({
                "dns_name": alias.dns_name,
                "hosted_zone_id": alias.hosted_zone_id,
                "evaluate_target_health": alias.evaluate_target_health,
            })),
        })
    }

    async fn realm(&self, cx: &Cx, p: &RecordParams) -> Result<Realm, Failure> {
        rplay_client_sts::global_realm(cx, &p.aws).await
    }
}

fn state(set: &ResourceRecordSet) -> RecordState {
    let text = |value: Option<&str>| value.map(str::to_owned);
    RecordState {
        name: absolute(&rplay_client_route53::unescaped(set.name())),
        kind: set.r#type().as_str().to_owned(),
        ttl: set.ttl(),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
        alias: set.alias_target().map(|alias| AliasParams {
            dns_name: alias.dns_name().to_owned(),
            hosted_zone_id: alias.hosted_zone_id().to_owned(),
            evaluate_target_health: alias.evaluate_target_health(),
        }),
        identifier: text(set.set_identifier()),
        choice: Policy {
            weight: set.weight(),
            region_of_latency: set.region().map(|region| region.as_str().to_owned()),
            failover: set.failover().map(|failover| failover.as_str().to_owned()),
            geo_location: set.geo_location().map(|place| GeoParams {
                continent_code: text(place.continent_code()),
                country_code: text(place.country_code()),
                subdivision_code: text(place.subdivision_code()),
            }),
        },
        health_check: text(set.health_check_id()),
        change: Fact::Unknown,
        found: set.clone().into(),
    }
}

fn record_set(
    state: &RecordState,
) -> Result<ResourceRecordSet, rplay_client_route53::sdk::error::BuildError> {
    let values: Vec<ResourceRecord> = state
        .values
        .iter()
        .map(|value| ResourceRecord::builder().value(value).build())
        .collect::<Result<_, _>>()?;
    let alias = state.alias.as_ref().map(|alias| {
        AliasTarget::builder()
            .dns_name(&alias.dns_name)
            .hosted_zone_id(&alias.hosted_zone_id)
            .evaluate_target_health(alias.evaluate_target_health)
            .build()
    });
    let location = state.choice.geo_location.as_ref().map(|place| {
        GeoLocation::builder()
            .set_continent_code(place.continent_code.clone())
            .set_country_code(place.country_code.clone())
            .set_subdivision_code(place.subdivision_code.clone())
            .build()
    });
    ResourceRecordSet::builder()
        .name(&state.name)
        .r#type(RrType::from(state.kind.as_str()))
        .set_ttl(state.ttl)
        .set_resource_records((!values.is_empty()).then_some(values))
        .set_alias_target(alias.transpose()?)
        .set_set_identifier(state.identifier.clone())
        .set_weight(state.choice.weight)
        .set_region(state.choice.region_of_latency.as_deref().map(ResourceRecordSetRegion::from))
        .set_failover(state.choice.failover.as_deref().map(ResourceRecordSetFailover::from))
        .set_geo_location(location)
        .set_health_check_id(state.health_check.clone())
        .build()
}

#[cfg(test)]
mod tests;
