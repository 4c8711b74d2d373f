use std::sync::Arc;

use rplay_module::{Mode, Outcome, drive};
use rplay_test_support::{Proxy, Raw, StandIn, TestWorld};
use serde_json::{Value, json};

use super::Services;

mod against_stand_in;
mod answers;
mod edits;
mod names;
mod recorded;
mod rollouts;
mod truth;
mod with_containers;
mod world;

/// A cluster and two revisions of a task definition in an account of the stand-in's.
pub(super) struct Place {
    pub(super) world: Arc<TestWorld>,
    pub(super) proxy: Proxy,
    pub(super) raw: Raw,
}

impl Place {
    pub(super) fn new(stand_in: &StandIn) -> Self {
        let (proxy, raw) = (Proxy::start(&stand_in.endpoint()), stand_in.account());
        raw.ecs("CreateCluster", &json!({ "clusterName": "app" }));
        let world = TestWorld::aws()
            .env("AWS_ENDPOINT_URL", &proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", raw.id())
            .start();
        Self { world, proxy, raw }
    }

    pub(super) async fn run(&self, args: &Value, mode: Mode) -> Outcome {
        self.world.next_run();
        self.proxy.clear_calls();
        Box::pin(drive::resource(&Services, &self.world.cx(), args, mode)).await
    }
}

pub(super) fn done(outcome: &Outcome) -> bool {
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome.changed
}
