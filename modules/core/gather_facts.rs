use rplay_module::{Action, Cx, Deed, Effect, InCheck, Params, Result};

use crate::setup::{Setup, SetupParams};

/// Gathers facts about the host, as a play does before its first task.
#[derive(Params)]
pub(crate) struct GatherFactsParams {
    #[param(flatten)]
    setup: SetupParams,
    /// Whether several gatherers run at once; there is one, so that both come to the same.
    #[expect(dead_code, reason = "there is one gatherer")]
    parallel: Option<bool>,
}

pub(crate) struct GatherFacts;

impl Action for GatherFacts {
    type Params = GatherFactsParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &GatherFactsParams) -> Result<Deed> {
        Setup.perform(cx, &p.setup).await
    }
}
