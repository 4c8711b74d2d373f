//! The wait for the end of a service that somebody else deletes.

use rplay_module::{Action, Address, Cx, Deed, Effect, Failure, FailureKind, Foretold, InCheck, Result};
use serde_json::json;

use super::{described, gone};
use crate::ecs_service::EcsServiceParams;

/// Waits until a service is gone that is being deleted.
pub(crate) struct Deletion;

impl Action for Deletion {
    type Params = EcsServiceParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    fn refers(&self, p: &EcsServiceParams) -> Option<Vec<Address>> {
        Some(vec![Address::new("ecs.service", p.called())])
    }

    /// Messages and `changed` are Ansible's.
    async fn perform(&self, cx: &Cx, p: &EcsServiceParams) -> Result<Deed> {
        let address = Address::new("ecs.service", p.called());
        if matches!(cx.world().foretold(&address), Some(Foretold::Deleted)) {
            return Ok(Deed::new(true, json!({})));
        }
        if Box::pin(described(cx, p)).await?.is_none() {
            return Err(Failure::new(format!("Service '{} not found.", p.name)));
        }
        match Box::pin(gone(cx, p)).await {
            Err(failure) if failure.kind == FailureKind::TimedOut => {
                let (looks, delay) = (p.looks(), p.delay);
                let message =
                    format!("Service still not deleted after {looks} tries of {delay} seconds each.");
                Err(Failure::timed_out(message))
            }
            waited => waited.map(|()| Deed::new(true, json!({}))),
        }
    }
}
