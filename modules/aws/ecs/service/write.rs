//! The calls that make a service, and that take it away.

use std::time::Duration;

use rplay_aws::{client, failing, is_code};
use rplay_client_ecs::sdk::operation::create_service::builders::CreateServiceFluentBuilder as Creation;
use rplay_client_ecs::{Ecs, tag_list};
use rplay_module::{Cx, Failure, Result};

use super::state::{State, primary};
use super::traffic::AwsVpcConfiguration;
use super::{Receipt, gone};
use crate::ecs_service::{EcsServiceParams, ServiceState};
use crate::shape::{Shape, all_to_sdk, types};

/// How long what was just made may not be seen by ECS: a role, a listener.
const SEEN_AT_LAST: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_secs(2);

/// What ECS says of things that it sees a little later.
const NOT_SEEN_YET: &[&str] = &["service linked role", "does not have an associated load balancer"];
const STILL_GOING: &str = "still Draining";

/// Creates the service; waits for one of the same name that is being deleted.
pub(crate) async fn create(cx: &Cx, p: &EcsServiceParams, want: &State) -> Result<Receipt> {
    let end = cx.now() + SEEN_AT_LAST;
    loop {
        match create_once(cx, p, want).await {
            Ok(service) => return Ok(receipt(&service, None)),
            Err(failure) if says(&failure, &[STILL_GOING]) => gone(cx, p).await?,
            Err(failure) if says(&failure, NOT_SEEN_YET) && cx.now() < end => cx.sleep(BETWEEN).await,
            Err(failure) => return Err(failure),
        }
    }
}

/// ECS has one code for every mistake of the caller: only the text tells them apart.
fn says(failure: &Failure, texts: &[&str]) -> bool {
    is_code(failure, &["InvalidParameterException"])
        && texts.iter().any(|text| failure.message.contains(text))
}

async fn create_once(cx: &Cx, p: &EcsServiceParams, want: &State) -> Result<types::Service> {
    let ecs = client::<Ecs>(cx, &p.aws).await?;
    let call = creation(cx, &ecs, p, want)?;
    let answer = Box::pin(call.send()).await.map_err(failing(format!("create service {}", p.called())))?;
    answer.service.ok_or_else(|| Failure::bug("CreateService answers without a service"))
}

/// The call is made apart from its sending: so large a thing, moved for each field, would take the stack that the sending
/// needs.
pub(crate) fn creation(cx: &Cx, ecs: &Ecs, p: &EcsServiceParams, want: &State) -> Result<Creation> {
    let (settings, revision) = (&want.settings, &want.revision);
    let sent = settings.to_sdk()?;
    let tags = tag_list(&want.tags.for_creation(cx));
    let token = p.client_token.clone().filter(|token| !token.is_empty());
    Ok(ecs
        .create_service()
        .cluster(&p.cluster)
        .service_name(&p.name)
        .client_token(token.unwrap_or_else(|| cx.token(&format!("ecs.service {}", p.called()))))
        .set_task_definition(want.task_definition.clone())
        .set_desired_count(settings.desired_count)
        .set_launch_type(sent.launch_type)
        .set_capacity_provider_strategy(sent.capacity_provider_strategy)
        .set_platform_version(sent.platform_version)
        .set_role(p.role.clone().filter(|role| !role.is_empty()))
        .set_scheduling_strategy(sent.scheduling_strategy)
        .set_deployment_controller(sent.deployment_controller)
        .set_deployment_configuration(sent.deployment_configuration)
        .set_network_configuration(want.network_configuration.as_ref().map(network).transpose()?)
        .set_load_balancers(want.load_balancers.as_deref().map(all_to_sdk).transpose()?)
        .set_service_registries(sent.service_registries)
        .set_health_check_grace_period_seconds(settings.health_check_grace_period_seconds)
        .set_placement_constraints(sent.placement_constraints)
        .set_placement_strategy(sent.placement_strategy)
        .set_availability_zone_rebalancing(sent.availability_zone_rebalancing)
        .set_enable_ecs_managed_tags(settings.enable_ecs_managed_tags)
        .set_propagate_tags(sent.propagate_tags)
        .set_enable_execute_command(settings.enable_execute_command)
        .set_service_connect_configuration(
            revision.service_connect_configuration.as_ref().map(Shape::to_sdk).transpose()?,
        )
        .set_volume_configurations(revision.volume_configurations.as_deref().map(all_to_sdk).transpose()?)
        .set_vpc_lattice_configurations(
            revision.vpc_lattice_configurations.as_deref().map(all_to_sdk).transpose()?,
        )
        .set_gateway_connectors(revision.gateway_connectors.as_deref().map(all_to_sdk).transpose()?)
        .set_monitoring(revision.monitoring.as_ref().map(Shape::to_sdk).transpose()?)
        .set_tags((!tags.is_empty()).then_some(tags)))
}

pub(super) fn network(network: &AwsVpcConfiguration) -> Result<types::NetworkConfiguration> {
    Ok(types::NetworkConfiguration::builder().awsvpc_configuration(network.to_sdk()?).build())
}

/// Returns what an answer tells of the deployment; `before` is the one that the service had.
pub(super) fn receipt(service: &types::Service, before: Option<&String>) -> Receipt {
    let deployment = primary(service).and_then(|primary| primary.id.clone());
    let started = deployment.as_ref() != before;
    Receipt { deployment, started }
}

/// Deletes the service, and waits until it is gone where that matters: what it uses cannot go before it.
pub(crate) async fn delete(cx: &Cx, p: &EcsServiceParams, have: &State) -> Result<Receipt> {
    let asked = p.state == ServiceState::Absent;
    if !have.drains {
        let ecs = client::<Ecs>(cx, &p.aws).await?;
        // A replacement and a destruction mean it; `state: absent` only when it says so, as Ansible's does.
        let force = p.force_deletion || !asked;
        let call = ecs.delete_service().cluster(&p.cluster).service(&p.name).set_force(force.then_some(true));
        match call.send().await.map_err(failing(format!("delete service {}", p.called()))) {
            // Somebody else was faster, or an earlier call whose answer was lost.
            Err(failure) if is_code(&failure, &["ServiceNotFoundException", "ServiceNotActiveException"]) => {
            }
            Err(failure) if is_code(&failure, &["InvalidParameterException"]) && !force => {
                return Err(
                    failure.hint("force_deletion: true deletes a service that still has tasks to run")
                );
            }
            answered => _ = answered?,
        }
    }
    if !asked || p.waits(cx.env("RPLAY_ECS_WAIT").as_deref()) {
        gone(cx, p).await?;
    }
    Ok(Receipt::default())
}
