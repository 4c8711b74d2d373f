//! A task over recorded answers.

use std::sync::Arc;

use rplay_aws::Transport;
use rplay_module::{Failure, Mode, Outcome, Resource, drive};
use rplay_test_support::TestWorld;
use rplay_test_support::recorded::{Expected, Recorded};
use serde_json::Value;

/// A task whose module keeps `R`.
pub(crate) struct Task<R> {
    pub(crate) world: Arc<TestWorld>,
    pub(crate) calls: Recorded,
    resource: R,
}

impl<R: Resource + Default> Task<R> {
    pub(crate) fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        Self::within("eu-west-1", expected)
    }

    /// A task in a region. Recorded answers are for buckets in paths, which only an endpoint of this machine has.
    pub(crate) fn within(region: &str, expected: impl IntoIterator<Item = Expected>) -> Self {
        let world =
            TestWorld::aws().env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_REGION", region).start();
        let calls = Recorded::new(expected);
        world.cx().shared::<Transport>().replace(calls.client());
        Self { world, calls, resource: R::default() }
    }

    pub(crate) async fn run(&self, args: Value, mode: Mode) -> Outcome {
        Box::pin(drive::resource(&self.resource, &self.world.cx(), &args, mode)).await
    }

    /// Runs the task, which must not fail.
    pub(crate) async fn ok(&self, args: Value, mode: Mode) -> Outcome {
        let outcome = self.run(args, mode).await;
        assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
        outcome
    }

    pub(crate) async fn fails(&self, args: Value) -> Failure {
        self.run(args, Mode::Apply).await.failure.expect("a failure")
    }
}
