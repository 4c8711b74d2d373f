//! The resource behind `ecs_service`: a service that works.
//!
//! `read` costs one `DescribeServices`, and one call for each kind of name that was given instead of an id. What was changed
//! is sent in one `UpdateService`. `settle` looks until the service works; one that does already costs one more
//! `DescribeTargetHealth` for each target group, and nothing without a load balancer.

mod connect;
mod deletion;
mod deployment;
mod diagnosis;
mod hook;
mod json;
mod judge;
mod logs;
mod names;
mod output;
mod placement;
mod probe;
mod proxy;
mod screen;
mod settings;
mod settle;
mod state;
mod traffic;
mod update;
mod watch;
mod write;

use std::time::Duration;

use rplay_aws::{client, failing, is_code};
use rplay_client_ecs::Ecs;
use rplay_client_ecs::sdk::types::ServiceField;
use rplay_module::{Address, Change, Cx, Failure, Foretold, Realm, Report, Resource, Result, Verdict};
use serde_json::Value;

use crate::ecs_service::EcsServiceParams;
use crate::shape::types;
pub(crate) use deletion::Deletion;
pub(crate) use names::Around;
pub(crate) use settings::{Service, ServiceRevision};
pub(crate) use state::State;
pub(crate) use traffic::LoadBalancer;

/// The resource.
pub(crate) struct Services;

/// What the answer to a change tells.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    /// The id of the deployment that carries the change out.
    pub(crate) deployment: Option<String>,
    /// The change has started that deployment: whatever it does happens after the change.
    pub(crate) started: bool,
}

impl Resource for Services {
    type Params = EcsServiceParams;
    type State = State;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &EcsServiceParams) -> Address {
        Address::new("ecs.service", p.called())
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &EcsServiceParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<State>, Around)> {
        Box::pin(read(cx, p, receipt)).await
    }

    fn desired(&self, p: &EcsServiceParams, around: &Around, have: Option<&State>) -> Result<Option<State>> {
        if p.is_absent() { Ok(None) } else { State::desired(p, around, have).map(Some) }
    }

    fn normal(&self, mut state: State) -> State {
        state.normalize();
        state
    }

    fn verdict(&self, _: &EcsServiceParams, have: &State, want: &State) -> Verdict {
        match have.unchangeable(want) {
            Some(why) => Verdict::Replace(why),
            None if have == want => Verdict::Keep,
            None => Verdict::Update,
        }
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &EcsServiceParams,
        around: &Around,
        change: Change<'_, State>,
    ) -> Result<Receipt> {
        match change {
            Change::Create { want } => {
                around.all_there()?;
                Box::pin(write::create(cx, p, want)).await
            }
            Change::Update { have, want } => {
                around.all_there()?;
                Box::pin(update::update(cx, p, have, want)).await
            }
            Change::Delete { have } => Box::pin(write::delete(cx, p, have)).await,
        }
    }

    async fn settle(&self, cx: &Cx, p: &EcsServiceParams, now: &State) -> Result<()> {
        Box::pin(settle::settle(cx, p, now)).await
    }

    fn output(&self, p: &EcsServiceParams, report: &Report<'_, Self>) -> Value {
        output::output(p, report)
    }

    fn id(&self, state: &State) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &State) -> bool {
        have.tags.owned()
    }

    async fn realm(&self, cx: &Cx, p: &EcsServiceParams) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.aws).await
    }
}

/// What these futures hold would otherwise be part of each of the driver's, and so of the stack.
async fn read(cx: &Cx, p: &EcsServiceParams, receipt: Option<&Receipt>) -> Result<(Option<State>, Around)> {
    let (described, looked_up) =
        tokio::try_join!(Box::pin(described(cx, p)), Box::pin(names::look_up(cx, p)))?;
    let have = described.and_then(|described| State::of(described, p, receipt));
    let revision = State::needs_revision(p, have.as_ref());
    let have = match (have, revision) {
        (Some(have), Some(arn)) => Some(have.with_revision(cx, p, &arn).await?),
        (have, _) => have,
    };
    let mut around = looked_up.resolved(cx, p, have.as_ref()).await?;
    around.applied = receipt.is_some();
    Ok((have, around))
}

/// Returns the service as AWS describes it, a deleted one included; `None` where the cluster is only foretold.
///
/// # Errors
/// [`rplay_module::FailureKind::Missing`] where a service shall be made in a cluster that is not there.
pub(crate) async fn described(cx: &Cx, p: &EcsServiceParams) -> Result<Option<types::Service>> {
    let cluster = Address::new("ecs.cluster", p.cluster_name());
    let foretold = cx.world().foretold(&cluster);
    if matches!(foretold, Some(Foretold::Created(_))) {
        return Ok(None);
    }
    let ecs = client::<Ecs>(cx, &p.aws).await?;
    let asked = ecs
        .describe_services()
        .cluster(&p.cluster)
        .services(&p.name)
        .include(ServiceField::Tags)
        .send()
        .await;
    match asked.map_err(failing(format!("read service {}", p.called()))) {
        Ok(answer) => Ok(answer.services.unwrap_or_default().into_iter().next()),
        Err(failure) if !is_code(&failure, &["ClusterNotFoundException"]) => Err(failure),
        Err(_) if p.is_absent() || foretold.is_some() => Ok(None),
        Err(_) => Err(Failure::missing(cluster)),
    }
}

/// Waits until the service is gone: its tasks have been drained.
pub(crate) async fn gone(cx: &Cx, p: &EcsServiceParams) -> Result<()> {
    let what = format!("service {} gone", p.called());
    let every = Duration::from_secs(if p.repeat.is_some() { p.delay.max(1) } else { 1 });
    let patience = rplay_aws::Wait { what, seconds: p.patience_to_go(), every };
    rplay_aws::wait(cx, &patience, async || {
        let described = described(cx, p).await?;
        Ok(match described.filter(|service| service.status.as_deref() != Some("INACTIVE")) {
            None => rplay_aws::Probe::Done(()),
            Some(service) => {
                let status = service.status.unwrap_or_default();
                rplay_aws::Probe::pending(format!("it is {status}, {} tasks run", service.running_count))
            }
        })
    })
    .await
}

#[cfg(test)]
mod tests;
