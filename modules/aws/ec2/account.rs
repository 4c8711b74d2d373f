//! What the tests against the stand-in share.

use std::sync::Arc;

use rplay_module::{Composed, Driven, Intent, Mode, Outcome, Runnable as _};
use rplay_test_support::{Proxy, Raw, StandIn, TestWorld};
use serde_json::Value;

use crate::security_group::SecurityGroup;
use crate::vpc::Vpc;

/// An account of its own, with a proxy before it.
pub(crate) struct Account {
    pub(crate) proxy: Proxy,
    pub(crate) raw: Raw,
    pub(crate) world: Arc<TestWorld>,
}

impl Account {
    pub(crate) fn new() -> Self {
        let stand_in = StandIn::shared();
        let proxy = Proxy::start(&stand_in.endpoint());
        let raw = stand_in.account();
        let world =
            TestWorld::aws().env("AWS_ENDPOINT_URL", &proxy.endpoint()).env("AWS_ACCESS_KEY_ID", raw.id());
        Self { proxy, raw, world: world.start() }
    }

    pub(crate) async fn run(&self, module: &str, args: &Value, mode: Mode) -> Outcome {
        self.proxy.clear_calls();
        let cx = self.world.native_cx();
        match module {
            "vpc" => Composed(Vpc).run(&cx, args, mode).await,
            _ => Driven(SecurityGroup).run(&cx, args, mode).await,
        }
    }

    pub(crate) async fn done(&self, module: &str, args: &Value, mode: Mode) -> Outcome {
        let outcome = self.run(module, args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, self.proxy.log());
        outcome
    }

    /// Runs something that changes nothing, and returns the calls.
    pub(crate) async fn kept(&self, module: &str, args: &Value) -> Vec<String> {
        let outcome = self.done(module, args, Mode::Apply).await;
        assert!(!outcome.changed, "{:?}", outcome.diff);
        assert!(self.proxy.writes().is_empty(), "{}", self.proxy.log());
        self.calls()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.proxy.calls().into_iter().map(|call| call.operation.action).collect()
    }

    /// Returns what a listing of the stand-in has under an element.
    pub(crate) fn listed(&self, action: &str, element: &str) -> Vec<String> {
        self.raw.query("ec2", action, &[]).elements(element)
    }
}

/// What differs, as `address: field, field`.
pub(crate) fn changed(outcome: &Outcome) -> Vec<String> {
    let planned = outcome.planned.iter().filter(|planned| planned.action != Intent::Keep);
    planned
        .map(|planned| {
            let fields: Vec<&str> = planned.fields.iter().map(|field| field.path.as_str()).collect();
            format!("{}: {}", planned.address, fields.join(", "))
        })
        .collect()
}
