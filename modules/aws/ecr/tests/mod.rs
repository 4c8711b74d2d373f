//! The module as a task runs it: against recorded answers, and against the stand-in with a Docker engine.

mod recorded;
mod stand_in;

use std::sync::Arc;

use rplay_module::{Intent, Mode, Outcome};
use rplay_test_support::TestWorld;
use serde_json::Value;

use crate::MODULES;

/// Runs `ecr_push` in a task of its own.
async fn run(world: &Arc<TestWorld>, args: &Value, mode: Mode) -> Outcome {
    let module = (MODULES[0].pick)(args);
    module.run(&world.native_cx(), args, mode).await
}

/// Runs `ecr_push`, which must not fail.
async fn done(world: &Arc<TestWorld>, args: &Value, mode: Mode) -> Outcome {
    let outcome = run(world, args, mode).await;
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    outcome
}

/// What is done to each thing that is not kept.
fn planned(outcome: &Outcome) -> Vec<(Intent, &str)> {
    let planned = outcome.planned.iter().filter(|planned| planned.action != Intent::Keep);
    planned.map(|planned| (planned.action, planned.address.as_str())).collect()
}

/// The paths of all fields that differ.
fn fields(outcome: &Outcome) -> Vec<&str> {
    outcome.planned.iter().flat_map(|planned| &planned.fields).map(|field| field.path.as_str()).collect()
}
