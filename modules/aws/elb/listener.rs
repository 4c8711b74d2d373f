//! A listener: a port of the load balancer, and what is done with requests that no rule catches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rplay_aws::{Tags, failing, once, optional};
use rplay_client_elbv2::sdk::types::{Certificate, Listener as Found, ProtocolEnum};
use rplay_client_elbv2::{Elbv2, tag_list};
use rplay_module::{
    Address, Change, Cx, Fact, Failure, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::action::{self, ActionParams, ActionState};
use crate::look::{Look, Seen};
use crate::presence::Presence;
use crate::rule::RuleParams;

/// The protocols that need a certificate.
const ENCRYPTED: [&str; 2] = ["HTTPS", "TLS"];

/// A listener.
#[derive(Params, Clone, Debug)]
#[params(
    required_one_of("target_group", "default_actions"),
    mutually_exclusive("target_group", "default_actions"),
    required_if(protocol = "HTTPS", needs("certificate")),
    required_if(protocol = "TLS", needs("certificate"))
)]
pub(crate) struct ListenerParams {
    /// What clients speak.
    #[param(choices("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"))]
    pub(crate) protocol: String,
    /// The port that clients connect to.
    #[param(identity)]
    pub(crate) port: i32,
    /// The target group that gets what no rule catches, by name or ARN.
    target_group: Option<String>,
    /// What is done with what no rule catches, where that is more than forwarding to one target group.
    default_actions: Option<Vec<ActionParams>>,
    /// The ARN of the certificate that clients are shown.
    certificate: Option<String>,
    /// The ARNs of further certificates, shown to clients that ask for one of their names. Omitted: left alone.
    certificates: Option<Vec<String>>,
    /// Which ciphers and versions of TLS clients may use. Omitted: as it is, at first AWS's default.
    ssl_policy: Option<String>,
    /// Which protocol is agreed on in TLS; of a network load balancer. Omitted: as it is.
    #[param(choices("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"))]
    alpn: Option<String>,
    /// What is done with requests of some kind, in the order of their priorities. Omitted: rules are left alone.
    pub(crate) rules: Option<Vec<RuleParams>>,
}

impl ListenerParams {
    pub(crate) fn actions(&self) -> Vec<ActionParams> {
        let forward = self.target_group.as_deref().map(ActionParams::forward);
        forward.into_iter().chain(self.default_actions.iter().flatten().cloned()).collect()
    }
}

/// A listener as it is or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct ListenerState {
    arn: Fact<String>,
    protocol: String,
    port: i32,
    default_actions: Vec<ActionState>,
    certificate: Option<String>,
    /// Only looked at where the task names them.
    certificates: Option<BTreeSet<String>>,
    ssl_policy: Option<String>,
    alpn: Option<String>,
    tags: Tags,
}

/// What a listener hangs on and forwards to.
#[derive(Default)]
pub(crate) struct Around {
    balancer: Option<String>,
    groups: BTreeMap<String, String>,
}

pub(crate) struct Listener(pub(crate) Arc<Look>);

impl Resource for Listener {
    type Params = ListenerParams;
    type State = ListenerState;
    type Around = Around;
    type Receipt = ();

    fn address(&self, p: &ListenerParams) -> Address {
        self.0.listener_address(p.port)
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &ListenerParams,
        _receipt: Option<&()>,
    ) -> Result<(Option<ListenerState>, Around)> {
        let is_absent = self.0.p.state == Presence::Absent;
        let Some(balancer) = self.0.balancer_arn(cx).await? else {
            return if is_absent {
                Ok((None, Around::default()))
            } else {
                Err(Failure::missing(self.0.address()))
            };
        };
        let groups = if is_absent { BTreeMap::new() } else { self.0.group_arns(cx, &p.actions()).await? };
        let around = Around { balancer: Some(balancer.clone()), groups };
        if unknown::is_unknown(&balancer) {
            return Ok((None, around));
        }
        let Some(seen) = self.0.listener(cx, &balancer, p.port).await? else { return Ok((None, around)) };
        let mut state = seen_state(&seen, p.port);
        if let Some(arn) = state.arn.known().filter(|_| p.certificates.is_some()) {
            state.certificates = Some(further_certificates(self.0.elb(cx).await?.as_ref(), arn).await?);
        }
        Ok((Some(state), around))
    }

    fn desired(
        &self,
        p: &ListenerParams,
        around: &Around,
        have: Option<&ListenerState>,
    ) -> Result<Option<ListenerState>> {
        if self.0.p.state == Presence::Absent {
            return Ok(None);
        }
        let base = have.cloned().unwrap_or_default();
        Ok(Some(ListenerState {
            arn: base.arn,
            protocol: p.protocol.clone(),
            port: p.port,
            default_actions: p.actions().iter().map(|action| action.wanted(&around.groups)).collect(),
            certificate: p.certificate.clone().or(base.certificate),
            certificates: p.certificates.as_ref().map(|all| all.iter().cloned().collect()),
            ssl_policy: p.ssl_policy.clone().or(base.ssl_policy),
            alpn: p.alpn.clone().or(base.alpn),
            tags: Tags::desired(self.0.p.tags.as_ref(), self.0.p.purge_tags, have.map(|have| &have.tags)),
        }))
    }

    fn normal(&self, mut state: ListenerState) -> ListenerState {
        state.default_actions.iter_mut().for_each(ActionState::normal);
        if !ENCRYPTED.contains(&state.protocol.as_str()) {
            // AWS drops these with the encryption.
            (state.certificate, state.ssl_policy, state.alpn) = (None, None, None);
        }
        state.alpn = state.alpn.filter(|alpn| alpn != "None");
        state
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &ListenerParams,
        around: &Around,
        change: Change<'_, ListenerState>,
    ) -> Result<()> {
        let (elb, name) = (self.0.elb(cx).await?, self.0.listener_address(p.port).name);
        match change {
            Change::Create { want } => create(cx, &elb, &name, around, want).await,
            Change::Update { have, want } => update(&elb, &name, have, want).await,
            Change::Delete { have } => {
                let sent = elb.delete_listener().set_listener_arn(have.arn.known().cloned()).send().await;
                let deleted = sent.map_err(failing(format!("delete listener {name}")));
                optional(deleted, &["ListenerNotFound"]).map(drop)
            }
        }
    }

    fn output(&self, p: &ListenerParams, report: &Report<'_, Self>) -> Value {
        let Some(state) = report.state() else { return json!({ "port": p.port }) };
        let arn = state.arn.json(&format!("{}: arn", self.address(p)));
        json!({ "arn": arn, "port": p.port, "protocol": state.protocol })
    }

    fn id(&self, state: &ListenerState) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &ListenerState) -> bool {
        have.tags.owned()
    }

    async fn realm(&self, cx: &Cx, _p: &ListenerParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &self.0.p.aws).await
    }
}

fn seen_state(seen: &Seen<Found>, port: i32) -> ListenerState {
    let found = &seen.thing;
    let certificate = found.certificates().first().and_then(Certificate::certificate_arn);
    ListenerState {
        arn: Fact::from_answer(found.listener_arn().map(str::to_owned)),
        protocol: found.protocol().map(|protocol| protocol.as_str().to_owned()).unwrap_or_default(),
        port,
        default_actions: action::seen(found.default_actions()),
        certificate: certificate.map(str::to_owned),
        certificates: None,
        ssl_policy: found.ssl_policy().map(str::to_owned),
        alpn: found.alpn_policy().first().cloned(),
        tags: seen.tags.clone(),
    }
}

/// Returns the certificates besides the default one.
async fn further_certificates(elb: &Elbv2, listener: &str) -> Result<BTreeSet<String>> {
    let pages = elb.describe_listener_certificates().listener_arn(listener).into_paginator().items().send();
    let all = pages.try_collect().await.map_err(failing(format!("list the certificates of {listener}")))?;
    let further = all.into_iter().filter(|certificate| certificate.is_default() != Some(true));
    Ok(further.filter_map(|certificate| certificate.certificate_arn).collect())
}

fn certificate(arn: &String) -> Certificate {
    Certificate::builder().certificate_arn(arn).build()
}

async fn create(cx: &Cx, elb: &Elbv2, name: &str, around: &Around, want: &ListenerState) -> Result<()> {
    let created = elb
        .create_listener()
        .set_load_balancer_arn(around.balancer.clone())
        .protocol(ProtocolEnum::from(want.protocol.as_str()))
        .port(want.port)
        .set_default_actions(Some(action::built(&want.default_actions)))
        .set_certificates(want.certificate.as_ref().map(|arn| vec![certificate(arn)]))
        .set_ssl_policy(want.ssl_policy.clone())
        .set_alpn_policy(want.alpn.clone().map(|alpn| vec![alpn]))
        .set_tags(tag_list(&want.tags.for_creation(cx)))
        .customize()
        .interceptor(once())
        .send()
        .await
        .map_err(failing(format!("create listener {name}")))?;
    let arn = created.listeners().first().and_then(Found::listener_arn);
    let arn = arn.ok_or_else(|| Failure::bug("CreateListener names no ARN"))?;
    set_certificates(elb, arn, None, want.certificates.as_ref()).await
}

async fn update(elb: &Elbv2, name: &str, have: &ListenerState, want: &ListenerState) -> Result<()> {
    let arn = have.arn.known().ok_or_else(|| Failure::bug("a listener without an ARN"))?;
    let core =
        |state: &ListenerState| ListenerState { certificates: None, tags: Tags::default(), ..state.clone() };
    if core(have) != core(want) {
        // No ALPN policy is one of its own here.
        let alpn = want.alpn.clone().or_else(|| have.alpn.as_ref().map(|_| "None".to_owned()));
        let sent = elb
            .modify_listener()
            .listener_arn(arn)
            .protocol(ProtocolEnum::from(want.protocol.as_str()))
            .set_default_actions(Some(action::built(&want.default_actions)))
            .set_certificates(want.certificate.as_ref().map(|arn| vec![certificate(arn)]))
            .set_ssl_policy(want.ssl_policy.clone())
            .set_alpn_policy(
                alpn.filter(|_| ENCRYPTED.contains(&want.protocol.as_str())).map(|alpn| vec![alpn]),
            )
            .send()
            .await;
        sent.map_err(failing(format!("change listener {name}")))?;
    }
    set_certificates(elb, arn, have.certificates.as_ref(), want.certificates.as_ref()).await?;
    elb.retag(arn, &have.tags.change(&want.tags)).await
}

async fn set_certificates(
    elb: &Elbv2,
    listener: &str,
    have: Option<&BTreeSet<String>>,
    want: Option<&BTreeSet<String>>,
) -> Result<()> {
    let (Some(want), none) = (want, BTreeSet::new()) else { return Ok(()) };
    let have = have.unwrap_or(&none);
    let (added, gone): (Vec<_>, Vec<_>) =
        (want.difference(have).map(certificate).collect(), have.difference(want).map(certificate).collect());
    if !added.is_empty() {
        let sent =
            elb.add_listener_certificates().listener_arn(listener).set_certificates(Some(added)).send().await;
        sent.map_err(failing(format!("add certificates to {listener}")))?;
    }
    if !gone.is_empty() {
        let sent = elb
            .remove_listener_certificates()
            .listener_arn(listener)
            .set_certificates(Some(gone))
            .send()
            .await;
        sent.map_err(failing(format!("remove certificates of {listener}")))?;
    }
    Ok(())
}
