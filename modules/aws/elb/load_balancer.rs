//! The load balancer itself, without what hangs on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rplay_aws::{AwsParams, Probe, Tags, Wait, failing, once, optional, wait};
use rplay_client_elbv2::sdk::types::{
    IpAddressType, LoadBalancer as Found, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerTypeEnum,
};
use rplay_client_elbv2::{Elbv2, tag_list};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

use crate::attributes::{self, Asked};
use crate::look::{Look, Seen};
use crate::network;
use crate::presence::Presence;

/// Between two looks at a load balancer that is being provisioned.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The load balancer.
#[derive(Params, Clone, Debug)]
pub(crate) struct LoadBalancerParams {
    /// The load balancer's name: 32 letters, digits and hyphens at most, one of its kind in account and region.
    #[param(identity)]
    pub(crate) name: String,
    /// The VPC, by its tag `Name` or by id: where target groups are made and where subnets and security groups are looked
    /// for by name. Omitted: ids only, and no target groups but for Lambda functions.
    pub(crate) vpc: Option<String>,
    /// The VPC's id, in place of `vpc`.
    pub(crate) vpc_id: Option<String>,
    /// The subnets, by id or by their tag `Name` in the VPC; an application load balancer needs two in different zones.
    pub(crate) subnets: Option<Vec<String>>,
    /// The security groups, by id or by name in the VPC. Omitted: those it has, at first the VPC's default group.
    pub(crate) security_groups: Option<Vec<String>>,
    /// Whether clients of the internet reach it. Omitted: as it is, at first internet-facing. Another one is another load
    /// balancer: it is replaced.
    pub(crate) scheme: Option<Scheme>,
    /// Layer 7 or layer 4. Omitted: as it is, at first application. Another one is another load balancer: it is replaced.
    #[param(name = "type")]
    pub(crate) kind: Option<Kind>,
    /// Which addresses clients use. Omitted: as it is, at first ipv4.
    #[param(choices("ipv4", "dualstack", "dualstack-without-public-ipv4"))]
    pub(crate) ip_address_type: Option<String>,
    /// The seconds after which an idle connection is closed. Omitted: as it is (AWS begins with 60).
    pub(crate) idle_timeout: Option<u32>,
    /// Whether AWS refuses to delete it. Omitted: as it is (AWS begins with no).
    pub(crate) deletion_protection: Option<bool>,
    /// Whether clients may speak HTTP/2. Omitted: as it is (AWS begins with yes).
    pub(crate) http2: Option<bool>,
    /// Whether headers with invalid names are left out of what targets get. Omitted: as it is (AWS begins with no).
    #[param(alias = "http_drop_invalid_header_fields")]
    pub(crate) drop_invalid_headers: Option<bool>,
    /// What is done with requests that could be taken for two. Omitted: as it is (AWS begins with defensive).
    #[param(alias = "http_desync_mitigation_mode", choices("monitor", "defensive", "strictest"))]
    pub(crate) desync_mitigation: Option<String>,
    /// Whether targets get the Host header as the client sent it. Omitted: as it is (AWS begins with no).
    pub(crate) preserve_host_header: Option<bool>,
    /// Whether a zone's node forwards to targets in other zones too; of a network load balancer. Omitted: as it is.
    pub(crate) cross_zone: Option<bool>,
    /// Where a line about each request is kept. Omitted: as it is (AWS begins with nowhere).
    pub(crate) access_logs: Option<AccessLogsParams>,
    /// Further attributes by AWS's own keys, such as `waf.fail_open.enabled`. What is not named is left alone.
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// The tags of the load balancer and of all that this task makes with it. Omitted: left alone.
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// Whether it shall be there; absent takes its listeners and the target groups named here along.
    #[param(default = "present")]
    pub(crate) state: Presence,
    /// Whether to wait until it is active.
    #[param(default = true)]
    pub(crate) wait: bool,
    /// How many seconds to wait for that.
    #[param(default = 600)]
    pub(crate) wait_timeout: u64,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// Access logs.
#[derive(Params, Clone, Debug)]
#[params(required_if(enabled = true, needs("bucket")))]
pub(crate) struct AccessLogsParams {
    /// Whether they are kept.
    #[param(default = true)]
    enabled: bool,
    /// The bucket's name; its policy must let the service write. Omitted: as it is.
    bucket: Option<String>,
    /// What the names of the objects begin with. Omitted: as it is.
    prefix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Scheme {
    #[choice("internet-facing")]
    InternetFacing,
    Internal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Kind {
    Application,
    Network,
}

impl LoadBalancerParams {
    /// Returns the attributes that the task asks for, by AWS's keys.
    pub(crate) fn attributes(&self) -> BTreeMap<String, String> {
        let logs = self.access_logs.as_ref();
        Asked::of(self.attributes.as_ref())
            .with("idle_timeout.timeout_seconds", self.idle_timeout)
            .with("deletion_protection.enabled", self.deletion_protection)
            .with("routing.http2.enabled", self.http2)
            .with("routing.http.drop_invalid_header_fields.enabled", self.drop_invalid_headers)
            .with("routing.http.desync_mitigation_mode", self.desync_mitigation.as_ref())
            .with("routing.http.preserve_host_header.enabled", self.preserve_host_header)
            .with("load_balancing.cross_zone.enabled", self.cross_zone)
            .with("access_logs.s3.enabled", logs.map(|logs| logs.enabled))
            .with("access_logs.s3.bucket", logs.and_then(|logs| logs.bucket.as_ref()))
            .with("access_logs.s3.prefix", logs.and_then(|logs| logs.prefix.as_ref()))
            .done()
    }
}

/// A load balancer as it is or shall be.
#[derive(State, Clone, Debug, PartialEq)]
pub(crate) struct LoadBalancerState {
    arn: Fact<String>,
    dns_name: Fact<String>,
    canonical_hosted_zone_id: Fact<String>,
    /// `provisioning`, `active` …
    status: Fact<String>,
    scheme: String,
    #[state(name = "type")]
    kind: String,
    ip_address_type: Option<String>,
    subnets: BTreeSet<String>,
    security_groups: Option<BTreeSet<String>>,
    attributes: BTreeMap<String, String>,
    tags: Tags,
}

/// The ids behind the names that the task uses.
#[derive(Default)]
pub(crate) struct Around {
    subnets: Option<BTreeSet<String>>,
    security_groups: Option<BTreeSet<String>>,
}

pub(crate) struct LoadBalancer(pub(crate) Arc<Look>);

impl Resource for LoadBalancer {
    type Params = LoadBalancerParams;
    type State = LoadBalancerState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, _p: &LoadBalancerParams) -> Address {
        self.0.address()
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &LoadBalancerParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<LoadBalancerState>, Around)> {
        let (around, seen) = tokio::try_join!(ids(cx, p), self.0.load_balancer(cx))?;
        Ok((seen.map(|seen| seen_state(&seen, &p.attributes())), around))
    }

    fn desired(
        &self,
        p: &LoadBalancerParams,
        around: &Around,
        have: Option<&LoadBalancerState>,
    ) -> Result<Option<LoadBalancerState>> {
        if p.state == Presence::Absent {
            return Ok(None);
        }
        let base = have.cloned().unwrap_or_else(LoadBalancerState::at_first);
        Ok(Some(LoadBalancerState {
            scheme: p.scheme.map_or(base.scheme, |scheme| scheme.as_str().to_owned()),
            kind: p.kind.map_or(base.kind, |kind| kind.as_str().to_owned()),
            ip_address_type: p.ip_address_type.clone().or(base.ip_address_type),
            subnets: around.subnets.clone().unwrap_or(base.subnets),
            security_groups: around.security_groups.clone().or(base.security_groups),
            attributes: p.attributes(),
            tags: Tags::desired(p.tags.as_ref(), p.purge_tags, have.map(|have| &have.tags)),
            ..base
        }))
    }

    fn verdict(
        &self,
        _p: &LoadBalancerParams,
        have: &LoadBalancerState,
        want: &LoadBalancerState,
    ) -> Verdict {
        let is_bare =
            |state: &LoadBalancerState| state.security_groups.as_ref().is_none_or(BTreeSet::is_empty);
        let replace = |what: &str| Verdict::Replace(format!("{what} cannot be changed in place"));
        match () {
            () if have == want => Verdict::Keep,
            () if have.scheme != want.scheme => replace("scheme"),
            () if have.kind != want.kind => replace("type"),
            // Only one that was made with security groups can have others.
            () if have.kind == Kind::Network.as_str() && is_bare(have) != is_bare(want) => {
                replace("having security_groups or none, of a network load balancer,")
            }
            () => Verdict::Update,
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &LoadBalancerParams,
        _around: &Around,
        change: Change<'_, LoadBalancerState>,
    ) -> Result<()> {
        let elb = self.0.elb(cx).await?;
        match change {
            Change::Create { want } => create(cx, &elb, p, want).await,
            Change::Update { have, want } => update(&elb, p, have, want).await,
            Change::Delete { have } => {
                let sent =
                    elb.delete_load_balancer().set_load_balancer_arn(have.arn.known().cloned()).send().await;
                let deleted = sent.map_err(failing(format!("delete load balancer {}", p.name)));
                optional(deleted.map_err(protected), &["LoadBalancerNotFound"]).map(drop)
            }
        }
    }

    async fn settle(&self, cx: &Cx, p: &LoadBalancerParams, now: &LoadBalancerState) -> Result<()> {
        if !p.wait
            || p.state == Presence::Absent
            || now.status.known().is_some_and(|status| status == "active")
        {
            return Ok(());
        }
        let elb = self.0.elb(cx).await?;
        let what = format!("load balancer {} active", p.name);
        let patience = Wait { what, seconds: p.wait_timeout, every: LOOK_EVERY };
        wait(cx, &patience, || probe(&elb, &p.name)).await
    }

    fn output(&self, p: &LoadBalancerParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.state() else { return json!({ "name": p.name }) };
        let label = |what: &str| format!("{}: {what}", self.0.address());
        json!({
            "name": p.name,
            "arn": state.arn.json(&label("arn")),
            "dns_name": state.dns_name.json(&label("dns_name")),
            "canonical_hosted_zone_id": state.canonical_hosted_zone_id.json(&label("canonical_hosted_zone_id")),
            "scheme": state.scheme,
            "type": state.kind,
        })
    }

    fn id(&self, state: &LoadBalancerState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &LoadBalancerState) -> bool {
        have.tags.owned()
    }

    /// Its listeners go with it: those that this task does not make, or that rplay did not.
    async fn holds(&self, cx: &Cx, p: &LoadBalancerParams, have: &LoadBalancerState) -> Result<Vec<Held>> {
        let listeners = self.listeners(cx, have).await?;
        let arns: Vec<String> = listeners.iter().map(|(_, arn)| arn.clone()).collect();
        let (tags, realm) = (self.0.elb(cx).await?.tags_of(&arns).await?, self.realm(cx, p).await?);
        let ours = |port: i32, arn: &str| {
            tags.get(arn).is_some_and(Tags::owned) || cx.owns(&self.0.listener_address(port), &realm)
        };
        let held = listeners.iter().filter(|(port, arn)| !self.is_named(*port) || !ours(*port, arn));
        Ok(held.map(|(port, _)| self.held(*port)).collect())
    }

    /// The listeners of this task are made anew with it.
    async fn orphans(&self, cx: &Cx, _p: &LoadBalancerParams, have: &LoadBalancerState) -> Result<Vec<Held>> {
        let listeners = self.listeners(cx, have).await?;
        Ok(listeners
            .iter()
            .filter(|(port, _)| !self.is_named(*port))
            .map(|(port, _)| self.held(*port))
            .collect())
    }

    async fn realm(&self, cx: &Cx, p: &LoadBalancerParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

impl LoadBalancer {
    /// Returns the ports and ARNs of all its listeners.
    async fn listeners(&self, cx: &Cx, have: &LoadBalancerState) -> Result<Vec<(i32, String)>> {
        let Some(arn) = have.arn.known() else { return Ok(Vec::new()) };
        let listeners = self.0.elb(cx).await?.listeners(arn).await?;
        Ok(listeners
            .into_iter()
            .filter_map(|listener| Some((listener.port?, listener.listener_arn?)))
            .collect())
    }

    fn is_named(&self, port: i32) -> bool {
        self.0.wants.ports.contains(&port)
    }

    fn held(&self, port: i32) -> Held {
        Held { name: format!("listener {port}"), address: Some(self.0.listener_address(port)) }
    }
}

impl LoadBalancerState {
    /// What AWS makes of one of which nothing is said.
    fn at_first() -> Self {
        Self {
            arn: Fact::Unknown,
            dns_name: Fact::Unknown,
            canonical_hosted_zone_id: Fact::Unknown,
            status: Fact::Unknown,
            scheme: Scheme::InternetFacing.as_str().to_owned(),
            kind: Kind::Application.as_str().to_owned(),
            ip_address_type: None,
            subnets: BTreeSet::new(),
            security_groups: None,
            attributes: BTreeMap::new(),
            tags: Tags::default(),
        }
    }
}

async fn ids(cx: &Cx, p: &LoadBalancerParams) -> Result<Around> {
    if p.state == Presence::Absent {
        return Ok(Around::default());
    }
    let subnets = network::subnets(cx, p).await?;
    Ok(Around { subnets, security_groups: network::security_groups(cx, p).await? })
}

fn seen_state(seen: &Seen<Found>, asked: &BTreeMap<String, String>) -> LoadBalancerState {
    let found = &seen.thing;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let zones = found.availability_zones();
    LoadBalancerState {
        arn: Fact::from_answer(text(found.load_balancer_arn())),
        dns_name: Fact::from_answer(text(found.dns_name())),
        canonical_hosted_zone_id: Fact::from_answer(text(found.canonical_hosted_zone_id())),
        status: Fact::from_answer(found.state().and_then(|state| Some(state.code()?.as_str().to_owned()))),
        scheme: found.scheme().map(|scheme| scheme.as_str().to_owned()).unwrap_or_default(),
        kind: found.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        ip_address_type: found.ip_address_type().map(|kind| kind.as_str().to_owned()),
        subnets: zones.iter().filter_map(|zone| text(zone.subnet_id())).collect(),
        security_groups: Some(found.security_groups().iter().cloned().collect()),
        attributes: attributes::managed(asked, &seen.attributes),
        tags: seen.tags.clone(),
    }
}

async fn create(cx: &Cx, elb: &Elbv2, p: &LoadBalancerParams, want: &LoadBalancerState) -> Result<()> {
    let created = elb
        .create_load_balancer()
        .name(&p.name)
        .scheme(LoadBalancerSchemeEnum::from(want.scheme.as_str()))
        .r#type(LoadBalancerTypeEnum::from(want.kind.as_str()))
        .set_ip_address_type(want.ip_address_type.as_deref().map(IpAddressType::from))
        .set_subnets(Some(want.subnets.iter().cloned().collect()))
        .set_security_groups(want.security_groups.as_ref().map(|groups| groups.iter().cloned().collect()))
        .set_tags(tag_list(&want.tags.for_creation(cx)))
        .customize()
        .interceptor(once())
        .send()
        .await
        .map_err(failing(format!("create load balancer {}", p.name)))?;
    let arn = created.load_balancers().first().and_then(Found::load_balancer_arn);
    let arn = arn.ok_or_else(|| Failure::bug("CreateLoadBalancer names no ARN"))?;
    set_attributes(elb, p, arn, &BTreeMap::new(), &want.attributes).await
}

async fn update(
    elb: &Elbv2,
    p: &LoadBalancerParams,
    have: &LoadBalancerState,
    want: &LoadBalancerState,
) -> Result<()> {
    let arn = have.arn.known().ok_or_else(|| Failure::bug("a load balancer without an ARN"))?;
    let what = |what: &str| failing_text(what, &p.name);
    if have.subnets != want.subnets {
        let subnets = want.subnets.iter().cloned().collect();
        let sent = elb.set_subnets().load_balancer_arn(arn).set_subnets(Some(subnets)).send().await;
        sent.map_err(failing(what("subnets")))?;
    }
    if have.security_groups != want.security_groups {
        let groups = want.security_groups.iter().flatten().cloned().collect();
        let sent =
            elb.set_security_groups().load_balancer_arn(arn).set_security_groups(Some(groups)).send().await;
        sent.map_err(failing(what("security groups")))?;
    }
    if let Some(kind) =
        want.ip_address_type.as_deref().filter(|_| have.ip_address_type != want.ip_address_type)
    {
        let sent = elb.set_ip_address_type().load_balancer_arn(arn).ip_address_type(kind.into()).send().await;
        sent.map_err(failing(what("address type")))?;
    }
    set_attributes(elb, p, arn, &have.attributes, &want.attributes).await?;
    elb.retag(arn, &have.tags.change(&want.tags)).await
}

fn failing_text(what: &str, name: &str) -> String {
    format!("set the {what} of load balancer {name}")
}

async fn set_attributes(
    elb: &Elbv2,
    p: &LoadBalancerParams,
    arn: &str,
    have: &BTreeMap<String, String>,
    want: &BTreeMap<String, String>,
) -> Result<()> {
    let pair = |(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build();
    let changed: Vec<_> = attributes::changed(have, want).map(pair).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let sent = elb
        .modify_load_balancer_attributes()
        .load_balancer_arn(arn)
        .set_attributes(Some(changed))
        .send()
        .await;
    sent.map(drop).map_err(failing(failing_text("attributes", &p.name)))
}

async fn probe(elb: &Elbv2, name: &str) -> Result<Probe<()>> {
    let found = elb.load_balancer(name).await?;
    let state = found.as_ref().and_then(Found::state);
    let code = state.and_then(|state| Some(state.code()?.as_str()));
    let reason = state.and_then(|state| state.reason());
    match code {
        Some("active") => Ok(Probe::Done(())),
        Some("failed") => {
            let reason = reason.unwrap_or("the service gives no reason");
            Err(Failure::new(format!("could not provision load balancer {name}: {reason}")))
        }
        other => Ok(Probe::pending(format!(
            "load balancer {name}: {}{}",
            other.unwrap_or("not seen yet"),
            reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
        ))),
    }
}

fn protected(failure: Failure) -> Failure {
    if rplay_aws::is_code(&failure, &["OperationNotPermitted"]) {
        failure.hint("if it is protected from deletion, run with deletion_protection: false first")
    } else {
        failure
    }
}
