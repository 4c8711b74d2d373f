//! The change of a service in place.

use rplay_aws::{client, failing};
use rplay_client_ecs::Ecs;
use rplay_client_ecs::sdk::operation::update_service::builders::UpdateServiceFluentBuilder as Update;
use rplay_module::{Cx, Failure, Result};

use super::Receipt;
use super::connect::ServiceConnectConfiguration;
use super::deployment::DeploymentController;
use super::placement::MonitoringConfiguration;
use super::state::State;
use super::write::{network, receipt};
use crate::ecs_service::EcsServiceParams;
use crate::shape::{Shape, Vocabulary, Word, all_to_sdk, types};

/// Changes what differs, and nothing else: what is not sent stays as it is.
pub(crate) async fn update(cx: &Cx, p: &EcsServiceParams, have: &State, want: &State) -> Result<Receipt> {
    let ecs = client::<Ecs>(cx, &p.aws).await?;
    let mut made = have
        .described
        .known()
        .map(|described| receipt(&described.service(), have.deployment.known()))
        .unwrap_or_default();
    if differs_besides_tags(have, want) {
        let sent = send_update(&ecs, p, have, want).await?;
        made = receipt(&sent, have.deployment.known());
    }
    let tags = have.tags.change(&want.tags);
    if !tags.is_empty() {
        let arn = have.arn.known().ok_or_else(|| Failure::bug("a service without an ARN"))?;
        ecs.retag(arn, &tags).await?;
    }
    Ok(made)
}

fn differs_besides_tags(have: &State, want: &State) -> bool {
    let mut same = want.clone();
    same.tags.clone_from(&have.tags);
    same != *have
}

async fn send_update(ecs: &Ecs, p: &EcsServiceParams, have: &State, want: &State) -> Result<types::Service> {
    let call = change(ecs, p, have, want)?;
    let answer = Box::pin(call.send()).await.map_err(failing(format!("update service {}", p.called())))?;
    answer.service.ok_or_else(|| Failure::bug("UpdateService answers without a service"))
}

fn change(ecs: &Ecs, p: &EcsServiceParams, have: &State, want: &State) -> Result<Update> {
    let all = Sides { have, want };
    let own = Sides { have: &have.settings, want: &want.settings };
    let revision = Sides { have: &have.revision, want: &want.revision };
    let placed = all.changed(|state| &state.network_configuration, Default::default);
    let ecs_itself = || DeploymentController { r#type: Some(Word::new("ECS")) };
    let unconnected = || ServiceConnectConfiguration { enabled: Some(false), ..Default::default() };
    Ok(ecs
        .update_service()
        .cluster(&p.cluster)
        .service(&p.name)
        .set_task_definition(all.changed(|state| &state.task_definition, String::new))
        .set_desired_count(own.changed(|own| &own.desired_count, || 0))
        .set_capacity_provider_strategy(own.list(|own| &own.capacity_provider_strategy)?)
        .set_platform_version(own.changed(|own| &own.platform_version, || "LATEST".to_owned()))
        .set_deployment_controller(own.shape(|own| &own.deployment_controller, ecs_itself)?)
        .set_deployment_configuration(own.shape(|own| &own.deployment_configuration, Default::default)?)
        .set_network_configuration(placed.as_ref().map(network).transpose()?)
        .set_load_balancers(all.list(|state| &state.load_balancers)?)
        .set_service_registries(own.list(|own| &own.service_registries)?)
        .set_health_check_grace_period_seconds(
            own.changed(|own| &own.health_check_grace_period_seconds, || 0),
        )
        .set_placement_constraints(own.list(|own| &own.placement_constraints)?)
        .set_placement_strategy(own.list(|own| &own.placement_strategy)?)
        .set_availability_zone_rebalancing(own.word(|own| &own.availability_zone_rebalancing, "DISABLED"))
        .set_enable_ecs_managed_tags(own.changed(|own| &own.enable_ecs_managed_tags, || false))
        .set_propagate_tags(own.word(|own| &own.propagate_tags, "NONE"))
        .set_enable_execute_command(own.changed(|own| &own.enable_execute_command, || false))
        .set_service_connect_configuration(
            revision.shape(|revision| &revision.service_connect_configuration, unconnected)?,
        )
        .set_volume_configurations(revision.list(|revision| &revision.volume_configurations)?)
        .set_vpc_lattice_configurations(revision.list(|revision| &revision.vpc_lattice_configurations)?)
        .set_gateway_connectors(revision.list(|revision| &revision.gateway_connectors)?)
        .set_monitoring(revision.shape(|revision| &revision.monitoring, MonitoringConfiguration::default)?)
        .set_force_new_deployment(want.force_new_deployment))
}

/// What is, and what is wanted. Gives what is to be sent of a field: nothing where it stays, and what says "none" where
/// it goes.
struct Sides<'a, S> {
    have: &'a S,
    want: &'a S,
}

impl<S> Sides<'_, S> {
    fn changed<T>(&self, field: impl Fn(&S) -> &Option<T>, none: impl Fn() -> T) -> Option<T>
    where
        T: Clone + PartialEq,
    {
        let (have, want) = (field(self.have), field(self.want));
        (have != want).then(|| want.clone().unwrap_or_else(none))
    }

    fn shape<T>(&self, field: impl Fn(&S) -> &Option<T>, none: impl Fn() -> T) -> Result<Option<T::Sdk>>
    where
        T: Shape + Clone + PartialEq,
    {
        self.changed(field, none).as_ref().map(Shape::to_sdk).transpose()
    }

    fn list<T>(&self, field: impl Fn(&S) -> &Option<Vec<T>>) -> Result<Option<Vec<T::Sdk>>>
    where
        T: Shape + Clone + PartialEq,
    {
        self.changed(field, Vec::new).as_deref().map(all_to_sdk).transpose()
    }

    fn word<T: Vocabulary>(&self, field: impl Fn(&S) -> &Option<Word<T>>, none: &str) -> Option<T> {
        self.changed(field, || Word::new(none)).map(|word| word.to_sdk())
    }
}
