//! A target group: where a load balancer forwards to, and how it tells whether that is healthy.

use std::collections::BTreeMap;
use std::sync::Arc;

use rplay_aws::{Tags, failing, once, optional, retry_on};
use rplay_client_elbv2::sdk::types::{
    LoadBalancer, Matcher, ProtocolEnum, TargetGroup as Found, TargetGroupAttribute,
    TargetGroupIpAddressTypeEnum, TargetTypeEnum,
};
use rplay_client_elbv2::{Elbv2, tag_list};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Held, Params, Realm, Report, Resource, Result, State, Verdict,
};
use serde_json::{Value, json};

use crate::attributes::{self, Asked};
use crate::look::{Look, Seen, group_address};
use crate::network;
use crate::presence::Presence;

/// How long a listener that was just deleted may still hold its target group, in seconds.
const RELEASE: u64 = 60;
/// The protocols whose requests are HTTP's.
const HTTP: [&str; 2] = ["HTTP", "HTTPS"];

/// A target group.
#[derive(Params, Clone, Debug)]
pub(crate) struct TargetGroupParams {
    /// The target group's name: 32 letters, digits and hyphens at most, one of its kind in account and region.
    #[param(identity)]
    pub(crate) name: String,
    /// How targets are spoken to. Omitted: as it is; a new one needs it, but for Lambda functions. It cannot be changed.
    #[param(choices("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"))]
    protocol: Option<String>,
    /// The port of targets that are registered without one. Omitted: as it is; a new one needs it, but for Lambda
    /// functions. It cannot be changed.
    port: Option<i32>,
    /// What targets are. Omitted: as it is, at first instance. It cannot be changed.
    #[param(choices("instance", "ip", "lambda", "alb"))]
    target_type: Option<String>,
    /// The version of HTTP that targets are spoken to in. Omitted: as it is, at first HTTP1. It cannot be changed.
    #[param(choices("HTTP1", "HTTP2", "GRPC"))]
    protocol_version: Option<String>,
    /// Which addresses targets have. Omitted: as it is, at first ipv4. It cannot be changed.
    #[param(choices("ipv4", "ipv6"))]
    ip_address_type: Option<String>,
    /// How healthy targets are told from others. What is omitted is left as it is.
    health_check: Option<HealthCheckParams>,
    /// The seconds that a target which goes still gets to finish its requests. Omitted: as it is (AWS begins with 300).
    #[param(alias = "deregistration_delay_timeout")]
    deregistration_delay: Option<u32>,
    /// Whether one client's requests stay with one target. Omitted: as it is (AWS begins with no).
    stickiness: Option<StickinessParams>,
    /// The seconds over which a new target gets its share step by step, 0 for at once. Omitted: as it is.
    slow_start: Option<u32>,
    /// How a target is chosen. Omitted: as it is (AWS begins with `round_robin`).
    #[param(choices("round_robin", "least_outstanding_requests", "weighted_random"))]
    algorithm: Option<String>,
    /// Whether targets of all zones are used. Omitted: as it is, what the load balancer says.
    #[param(choices("true", "false", "use_load_balancer_configuration"))]
    cross_zone: Option<String>,
    /// Whether targets see the client's address; of a network load balancer. Omitted: as it is.
    preserve_client_ip: Option<bool>,
    /// Whether the client's address is told in a proxy protocol header; of a network load balancer. Omitted: as it is.
    proxy_protocol_v2: Option<bool>,
    /// Whether connections are cut when the deregistration delay is over; of a network load balancer. Omitted: as it is.
    connection_termination: Option<bool>,
    /// Further attributes by AWS's own keys. What is not named is left alone.
    attributes: Option<BTreeMap<String, String>>,
}

/// A health check; what is omitted is left as it is.
#[derive(Params, Clone, Debug, Default)]
pub(crate) struct HealthCheckParams {
    /// Whether targets are checked; only for Lambda functions it can be no.
    enabled: Option<bool>,
    /// How targets are asked. Omitted at first: HTTP for an application load balancer, else TCP.
    #[param(choices("HTTP", "HTTPS", "TCP"))]
    protocol: Option<String>,
    /// The port that is asked: a number, or `traffic-port`.
    port: Option<String>,
    /// The path that is asked for.
    path: Option<String>,
    /// The seconds between two checks of a target.
    interval: Option<i32>,
    /// The seconds that an answer may take.
    timeout: Option<i32>,
    /// How many good answers in a row make a target healthy.
    healthy_threshold: Option<i32>,
    /// How many bad answers in a row make a target unhealthy.
    unhealthy_threshold: Option<i32>,
    /// The status codes of a good answer: `200`, `200,301`, `200-299`; of gRPC `0-99`.
    #[param(alias = "matcher")]
    success_codes: Option<String>,
}

/// Stickiness.
#[derive(Params, Clone, Debug)]
pub(crate) struct StickinessParams {
    /// Whether requests stay with a target.
    #[param(default = true)]
    enabled: bool,
    /// By what a client is known again. Omitted: as it is (AWS begins with `lb_cookie`, or `source_ip`).
    #[param(
        name = "type",
        choices("lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto")
    )]
    kind: Option<String>,
    /// For how many seconds. Omitted: as it is (AWS begins with a day).
    duration: Option<u32>,
    /// The application's own cookie, for `app_cookie`. Omitted: as it is.
    cookie_name: Option<String>,
}

impl TargetGroupParams {
    pub(crate) fn is_for_lambda(&self) -> bool {
        self.target_type.as_deref() == Some("lambda")
    }

    /// Returns the attributes that the task asks for, by AWS's keys.
    pub(crate) fn attributes(&self) -> BTreeMap<String, String> {
        let sticky = self.stickiness.as_ref();
        let by_application = sticky.is_some_and(|sticky| sticky.kind.as_deref() == Some("app_cookie"));
        let duration = if by_application {
            "stickiness.app_cookie.duration_seconds"
        } else {
            "stickiness.lb_cookie.duration_seconds"
        };
        Asked::of(self.attributes.as_ref())
            .with("deregistration_delay.timeout_seconds", self.deregistration_delay)
            .with("deregistration_delay.connection_termination.enabled", self.connection_termination)
            .with("stickiness.enabled", sticky.map(|sticky| sticky.enabled))
            .with("stickiness.type", sticky.and_then(|sticky| sticky.kind.as_ref()))
            .with(duration, sticky.and_then(|sticky| sticky.duration))
            .with("stickiness.app_cookie.cookie_name", sticky.and_then(|sticky| sticky.cookie_name.as_ref()))
            .with("slow_start.duration_seconds", self.slow_start)
            .with("load_balancing.algorithm.type", self.algorithm.as_ref())
            .with("load_balancing.cross_zone.enabled", self.cross_zone.as_ref())
            .with("preserve_client_ip.enabled", self.preserve_client_ip)
            .with("proxy_protocol_v2.enabled", self.proxy_protocol_v2)
            .done()
    }
}

/// A target group as it is or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct TargetGroupState {
    arn: Fact<String>,
    /// The ARNs of the load balancers that forward to it.
    load_balancers: Fact<Vec<String>>,
    protocol: Option<String>,
    port: Option<i32>,
    target_type: Option<String>,
    vpc_id: Option<String>,
    protocol_version: Option<String>,
    ip_address_type: Option<String>,
    health_check: HealthCheckState,
    attributes: BTreeMap<String, String>,
    tags: Tags,
}

#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct HealthCheckState {
    enabled: Option<bool>,
    protocol: Option<String>,
    port: Option<String>,
    path: Option<String>,
    interval: Option<i32>,
    timeout: Option<i32>,
    healthy_threshold: Option<i32>,
    unhealthy_threshold: Option<i32>,
    success_codes: Option<String>,
}

/// The id of the VPC that the task names.
#[derive(Default)]
pub(crate) struct Around {
    vpc: Option<String>,
}

pub(crate) struct TargetGroup(pub(crate) Arc<Look>);

impl Resource for TargetGroup {
    type Params = TargetGroupParams;
    type State = TargetGroupState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &TargetGroupParams) -> Address {
        group_address(&p.name)
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &TargetGroupParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<TargetGroupState>, Around)> {
        let needs_vpc = self.0.p.state == Presence::Present && !p.is_for_lambda();
        let find_vpc = async { if needs_vpc { network::vpc(cx, &self.0.p).await } else { Ok(None) } };
        let (vpc, seen) = tokio::try_join!(find_vpc, self.0.group(cx, &p.name))?;
        Ok((seen.map(|seen| seen_state(&seen, &p.attributes())), Around { vpc }))
    }

    fn desired(
        &self,
        p: &TargetGroupParams,
        around: &Around,
        have: Option<&TargetGroupState>,
    ) -> Result<Option<TargetGroupState>> {
        if self.0.p.state == Presence::Absent {
            return Ok(None);
        }
        let at_first =
            TargetGroupState { target_type: Some("instance".to_owned()), ..TargetGroupState::default() };
        let base = have.cloned().unwrap_or(at_first);
        let (tags, purge) = (self.0.p.tags.as_ref(), self.0.p.purge_tags);
        Ok(Some(TargetGroupState {
            protocol: p.protocol.clone().or(base.protocol),
            port: p.port.or(base.port),
            target_type: p.target_type.clone().or(base.target_type),
            vpc_id: around.vpc.clone().or(base.vpc_id),
            protocol_version: p.protocol_version.clone().or(base.protocol_version),
            ip_address_type: p.ip_address_type.clone().or(base.ip_address_type),
            health_check: base.health_check.with(p.health_check.as_ref()),
            attributes: p.attributes(),
            tags: Tags::desired(tags, purge, have.map(|have| &have.tags)),
            ..base
        }))
    }

    fn normal(&self, mut state: TargetGroupState) -> TargetGroupState {
        let is_http = state.protocol.as_deref().is_some_and(|protocol| HTTP.contains(&protocol));
        if is_http && state.protocol_version.is_none() {
            state.protocol_version = Some("HTTP1".to_owned());
        }
        let check = &mut state.health_check;
        if check.protocol.as_deref() == Some("TCP") {
            // A connection has neither path nor status: what an HTTP check left behind is refused.
            (check.path, check.success_codes) = (None, None);
        }
        // People write spaces after the commas, AWS gives none back.
        let codes = check.success_codes.as_mut();
        codes.into_iter().for_each(|codes| codes.retain(|character| !character.is_whitespace()));
        state
    }

    fn verdict(&self, _p: &TargetGroupParams, have: &TargetGroupState, want: &TargetGroupState) -> Verdict {
        let fixed = [
            ("protocol", have.protocol != want.protocol),
            ("port", have.port != want.port),
            ("target_type", have.target_type != want.target_type),
            ("vpc", have.vpc_id != want.vpc_id),
            ("protocol_version", have.protocol_version != want.protocol_version),
            ("ip_address_type", have.ip_address_type != want.ip_address_type),
        ];
        match fixed.iter().find(|(_, differs)| *differs) {
            Some((what, _)) => Verdict::Replace(format!("{what} cannot be changed in place")),
            None if have == want => Verdict::Keep,
            None => Verdict::Update,
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &TargetGroupParams,
        _around: &Around,
        change: Change<'_, TargetGroupState>,
    ) -> Result<()> {
        let elb = self.0.elb(cx).await?;
        match change {
            Change::Create { want } => create(cx, &elb, &p.name, want).await,
            Change::Update { have, want } => update(&elb, &p.name, have, want).await,
            Change::Delete { have } => delete(cx, &elb, &p.name, have).await,
        }
    }

    fn output(&self, p: &TargetGroupParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.state() else { return json!({ "name": p.name }) };
        json!({
            "name": p.name,
            "arn": state.arn.json(&format!("{}: arn", self.address(p))),
            "protocol": state.protocol,
            "port": state.port,
            "target_type": state.target_type,
        })
    }

    fn id(&self, state: &TargetGroupState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &TargetGroupState) -> bool {
        have.tags.owned()
    }

    /// The load balancers whose listeners forward to it; but the task's own, if it is ours, goes before it.
    async fn holds(&self, cx: &Cx, _p: &TargetGroupParams, have: &TargetGroupState) -> Result<Vec<Held>> {
        let users = self.users(cx, have).await?;
        let elb = self.0.elb(cx).await?;
        let own =
            users.iter().find(|user| user.load_balancer_name.as_deref() == Some(self.0.p.name.as_str()));
        let own = own.and_then(LoadBalancer::load_balancer_arn).map(str::to_owned);
        let tags = elb.tags_of(own.as_slice()).await?;
        let ours = |user: &LoadBalancer| {
            user.load_balancer_arn().and_then(|arn| tags.get(arn)).is_some_and(Tags::owned)
        };
        Ok(users.iter().filter(|user| !ours(user)).filter_map(held).collect())
    }

    /// AWS deletes no group that is in use.
    async fn orphans(&self, cx: &Cx, _p: &TargetGroupParams, have: &TargetGroupState) -> Result<Vec<Held>> {
        Ok(self.users(cx, have).await?.iter().filter_map(held).collect())
    }

    async fn realm(&self, cx: &Cx, _p: &TargetGroupParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &self.0.p.aws).await
    }
}

impl TargetGroup {
    /// Returns the load balancers that use it. It goes on naming one for a while after that was deleted.
    async fn users(&self, cx: &Cx, have: &TargetGroupState) -> Result<Vec<LoadBalancer>> {
        let Some(arns) = have.load_balancers.known().filter(|arns| !arns.is_empty()) else {
            return Ok(Vec::new());
        };
        let elb = self.0.elb(cx).await?;
        let asked = elb.describe_load_balancers().set_load_balancer_arns(Some(arns.clone())).send().await;
        let asked = asked.map_err(failing("read the load balancers that use a target group"));
        let found = optional(asked, &["LoadBalancerNotFound"])?;
        Ok(found.and_then(|answer| answer.load_balancers).unwrap_or_default())
    }
}

impl HealthCheckState {
    fn with(self, p: Option<&HealthCheckParams>) -> Self {
        let Some(p) = p else { return self };
        Self {
            enabled: p.enabled.or(self.enabled),
            protocol: p.protocol.clone().or(self.protocol),
            port: p.port.clone().or(self.port),
            path: p.path.clone().or(self.path),
            interval: p.interval.or(self.interval),
            timeout: p.timeout.or(self.timeout),
            healthy_threshold: p.healthy_threshold.or(self.healthy_threshold),
            unhealthy_threshold: p.unhealthy_threshold.or(self.unhealthy_threshold),
            success_codes: p.success_codes.clone().or(self.success_codes),
        }
    }
}

fn seen_state(seen: &Seen<Found>, asked: &BTreeMap<String, String>) -> TargetGroupState {
    let found = &seen.thing;
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let codes = found.matcher().and_then(|matcher| matcher.http_code().or(matcher.grpc_code()));
    TargetGroupState {
        arn: Fact::from_answer(text(found.target_group_arn())),
        load_balancers: Fact::Known(found.load_balancer_arns().to_vec()),
        protocol: text(found.protocol().map(ProtocolEnum::as_str)),
        port: found.port(),
        target_type: text(found.target_type().map(TargetTypeEnum::as_str)),
        vpc_id: text(found.vpc_id()),
        protocol_version: text(found.protocol_version()),
        ip_address_type: text(found.ip_address_type().map(TargetGroupIpAddressTypeEnum::as_str)),
        health_check: HealthCheckState {
            enabled: found.health_check_enabled(),
            protocol: text(found.health_check_protocol().map(ProtocolEnum::as_str)),
            port: text(found.health_check_port()),
            path: text(found.health_check_path()),
            interval: found.health_check_interval_seconds(),
            timeout: found.health_check_timeout_seconds(),
            healthy_threshold: found.healthy_threshold_count(),
            unhealthy_threshold: found.unhealthy_threshold_count(),
            success_codes: text(codes),
        },
        attributes: attributes::managed(asked, &seen.attributes),
        tags: seen.tags.clone(),
    }
}

/// gRPC has status codes of its own.
fn matcher(state: &TargetGroupState) -> Option<Matcher> {
    let codes = state.health_check.success_codes.as_ref()?;
    let is_grpc = state.protocol_version.as_deref() == Some("GRPC");
    let builder = Matcher::builder();
    Some(if is_grpc { builder.grpc_code(codes).build() } else { builder.http_code(codes).build() })
}

async fn create(cx: &Cx, elb: &Elbv2, name: &str, want: &TargetGroupState) -> Result<()> {
    let check = &want.health_check;
    let created = elb
        .create_target_group()
        .name(name)
        .set_protocol(want.protocol.as_deref().map(ProtocolEnum::from))
        .set_port(want.port)
        .set_target_type(want.target_type.as_deref().map(TargetTypeEnum::from))
        .set_vpc_id(want.vpc_id.clone())
        .set_protocol_version(want.protocol_version.clone())
        .set_ip_address_type(want.ip_address_type.as_deref().map(TargetGroupIpAddressTypeEnum::from))
        .set_health_check_enabled(check.enabled)
        .set_health_check_protocol(check.protocol.as_deref().map(ProtocolEnum::from))
        .set_health_check_port(check.port.clone())
        .set_health_check_path(check.path.clone())
        .set_health_check_interval_seconds(check.interval)
        .set_health_check_timeout_seconds(check.timeout)
        .set_healthy_threshold_count(check.healthy_threshold)
        .set_unhealthy_threshold_count(check.unhealthy_threshold)
        .set_matcher(matcher(want))
        .set_tags(tag_list(&want.tags.for_creation(cx)))
        .customize()
        .interceptor(once())
        .send()
        .await
        .map_err(failing(format!("create target group {name}")))?;
    let arn = created.target_groups().first().and_then(Found::target_group_arn);
    let arn = arn.ok_or_else(|| Failure::bug("CreateTargetGroup names no ARN"))?;
    set_attributes(elb, name, arn, &BTreeMap::new(), &want.attributes).await
}

async fn update(elb: &Elbv2, name: &str, have: &TargetGroupState, want: &TargetGroupState) -> Result<()> {
    let arn = have.arn.known().ok_or_else(|| Failure::bug("a target group without an ARN"))?;
    let (check, was) = (&want.health_check, &have.health_check);
    if check != was {
        let sent = elb
            .modify_target_group()
            .target_group_arn(arn)
            .set_health_check_enabled(check.enabled.filter(|_| check.enabled != was.enabled))
            .set_health_check_protocol(check.protocol.as_deref().map(ProtocolEnum::from))
            .set_health_check_port(check.port.clone())
            .set_health_check_path(check.path.clone())
            .set_health_check_interval_seconds(check.interval)
            .set_health_check_timeout_seconds(check.timeout)
            .set_healthy_threshold_count(check.healthy_threshold)
            .set_unhealthy_threshold_count(check.unhealthy_threshold)
            .set_matcher(matcher(want))
            .send()
            .await;
        sent.map_err(failing(format!("change the health check of target group {name}")))?;
    }
    set_attributes(elb, name, arn, &have.attributes, &want.attributes).await?;
    elb.retag(arn, &have.tags.change(&want.tags)).await
}

async fn delete(cx: &Cx, elb: &Elbv2, name: &str, have: &TargetGroupState) -> Result<()> {
    let call = || async {
        let sent = elb.delete_target_group().set_target_group_arn(have.arn.known().cloned()).send().await;
        sent.map(drop).map_err(failing(format!("delete target group {name}")))
    };
    let deleted = retry_on(cx, &["ResourceInUse"], RELEASE, call).await;
    optional(deleted, &["TargetGroupNotFound"]).map(drop)
}

async fn set_attributes(
    elb: &Elbv2,
    name: &str,
    arn: &str,
    have: &BTreeMap<String, String>,
    want: &BTreeMap<String, String>,
) -> Result<()> {
    let pair = |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
    let changed: Vec<_> = attributes::changed(have, want).map(pair).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let sent =
        elb.modify_target_group_attributes().target_group_arn(arn).set_attributes(Some(changed)).send().await;
    sent.map(drop).map_err(failing(format!("set the attributes of target group {name}")))
}

fn held(user: &LoadBalancer) -> Option<Held> {
    let name = user.load_balancer_name()?;
    let address = Some(Address::new("elb.load_balancer", name));
    Some(Held { name: format!("load balancer {name}"), address })
}
