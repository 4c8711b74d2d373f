//! What a load balancer has beside what the task names: listeners, and rules of a listener. Purged.

use std::collections::BTreeMap;
use std::sync::Arc;

use rplay_aws::{failing, optional};
use rplay_client_elbv2::Elbv2;
use rplay_module::{
    Address, Change, Cx, Fact, Ownership, Params, Realm, Report, Resource, Result, State, unknown,
};
use serde_json::{Value, json};

use crate::look::{Look, number};

/// Nothing is said of what is not named.
#[derive(Params, Clone, Debug)]
pub(crate) struct Nothing {}

/// What is not named, by port or priority; there is none of it, or it shall go.
#[derive(State, Clone, Debug, PartialEq)]
pub(crate) struct Unnamed {
    numbers: Vec<String>,
    arns: Fact<BTreeMap<String, String>>,
}

impl Unnamed {
    fn of(found: BTreeMap<String, String>) -> Option<Self> {
        let numbers: Vec<String> = found.keys().cloned().collect();
        (!numbers.is_empty()).then_some(Self { numbers, arns: Fact::Known(found) })
    }

    fn arns(&self) -> impl Iterator<Item = (&String, &String)> {
        self.arns.known().into_iter().flatten()
    }
}

/// The listeners that the task does not name.
pub(crate) struct UnnamedListeners(pub(crate) Arc<Look>);

/// The rules that the task does not name, of the listener of a port.
pub(crate) struct UnnamedRules {
    pub(crate) look: Arc<Look>,
    pub(crate) port: i32,
}

impl Resource for UnnamedListeners {
    type Params = Nothing;
    type State = Unnamed;
    type Around = ();
    type Receipt = ();

    fn address(&self, _p: &Nothing) -> Address {
        Address::new("elb.listeners", format!("{} (not named)", self.0.p.name))
    }

    async fn read(&self, cx: &Cx, p: &Nothing, _receipt: Option<&()>) -> Result<(Option<Unnamed>, ())> {
        let balancer = self.0.balancer_arn(cx).await?.filter(|arn| !unknown::is_unknown(arn));
        let Some(balancer) = balancer else { return Ok((None, ())) };
        let listeners = self.0.listeners(cx, &self.address(p), &balancer).await?;
        let unnamed = listeners.into_iter().filter_map(|listener| {
            let port = listener.port?;
            (!self.0.wants.ports.contains(&port)).then_some((port.to_string(), listener.listener_arn?))
        });
        Ok((Unnamed::of(unnamed.collect()), ()))
    }

    fn desired(&self, _p: &Nothing, _around: &(), _have: Option<&Unnamed>) -> Result<Option<Unnamed>> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx, p: &Nothing, _around: &(), change: Change<'_, Unnamed>) -> Result<()> {
        let Change::Delete { have } = change else { return Ok(()) };
        let (elb, realm) = (self.0.elb(cx).await?, self.realm(cx, p).await?);
        for (port, arn) in have.arns() {
            let address = Address::new("elb.listener", format!("{}/{port}", self.0.p.name));
            let sent = elb.delete_listener().listener_arn(arn).send().await;
            let deleted = sent.map_err(failing(format!("delete listener {}", address.name)));
            optional(deleted, &["ListenerNotFound"])?;
            disown(cx, &address, &realm);
        }
        Ok(())
    }

    fn output(&self, _p: &Nothing, _report: &Report<'_, Self>) -> Value {
        json!({})
    }

    async fn realm(&self, cx: &Cx, _p: &Nothing) -> Result<Realm> {
        rplay_client_sts::realm(cx, &self.0.p.aws).await
    }
}

impl Resource for UnnamedRules {
    type Params = Nothing;
    type State = Unnamed;
    type Around = ();
    type Receipt = ();

    fn address(&self, _p: &Nothing) -> Address {
        Address::new("elb.rules", format!("{}/{} (not named)", self.look.p.name, self.port))
    }

    async fn read(&self, cx: &Cx, p: &Nothing, _receipt: Option<&()>) -> Result<(Option<Unnamed>, ())> {
        let listener = self.look.listener_arn(cx, self.port).await?.filter(|arn| !unknown::is_unknown(arn));
        let Some(listener) = listener else { return Ok((None, ())) };
        let named = self.look.wants.rules.get(&self.port);
        let rules = self.look.rules(cx, &self.address(p), &listener).await?;
        let unnamed = rules.into_iter().filter_map(|rule| {
            // The default rule has no number.
            let priority = number(&rule)?;
            let is_named = named.is_some_and(|named| named.contains(&priority));
            (!is_named).then_some((priority.to_string(), rule.rule_arn?))
        });
        Ok((Unnamed::of(unnamed.collect()), ()))
    }

    fn desired(&self, _p: &Nothing, _around: &(), _have: Option<&Unnamed>) -> Result<Option<Unnamed>> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx, p: &Nothing, _around: &(), change: Change<'_, Unnamed>) -> Result<()> {
        let Change::Delete { have } = change else { return Ok(()) };
        let (elb, realm): (Arc<Elbv2>, Realm) = (self.look.elb(cx).await?, self.realm(cx, p).await?);
        for (priority, arn) in have.arns() {
            let address = self.look.rule_address(self.port, priority);
            let sent = elb.delete_rule().rule_arn(arn).send().await;
            let deleted = sent.map_err(failing(format!("delete rule {}", address.name)));
            optional(deleted, &["RuleNotFound"])?;
            disown(cx, &address, &realm);
        }
        Ok(())
    }

    fn output(&self, _p: &Nothing, _report: &Report<'_, Self>) -> Value {
        json!({})
    }

    async fn realm(&self, cx: &Cx, _p: &Nothing) -> Result<Realm> {
        rplay_client_sts::realm(cx, &self.look.p.aws).await
    }
}

/// What an earlier version of the playbook named is gone now.
fn disown(cx: &Cx, address: &Address, realm: &Realm) {
    if cx.owns(address, realm) {
        cx.world().own(address, realm, Ownership::Gone);
    }
}
