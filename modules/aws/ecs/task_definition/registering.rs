//! Registering and deregistering revisions, and how AWS describes one.

use std::collections::BTreeMap;

use rplay_aws::{failing, once, timestamp};
use rplay_client_ecs::{Ecs, sdk, tag_list};
use rplay_module::{Failure, Result};
use sdk::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use sdk::types::{SortOrder, TaskDefinitionStatus};
use serde_json::{Value, json};

use super::definition::TaskDefinition;
use crate::shape::{Piece as _, Shape as _, fields_json};

/// Registers a revision and returns its ARN. There is no client token: when the answer is lost, what is there decides.
pub(super) async fn register(
    ecs: &Ecs,
    family: &str,
    definition: &TaskDefinition,
    tags: &BTreeMap<String, String>,
) -> Result<String> {
    let sent = call(ecs, family, definition, tags)?.customize().interceptor(once()).send().await;
    let answer = sent.map_err(failing(format!("register task definition {family}")))?;
    answer
        .task_definition
        .and_then(|registered| registered.task_definition_arn)
        .ok_or_else(|| Failure::bug("RegisterTaskDefinition names no ARN"))
}

#[expect(deprecated, reason = "inference accelerators: AWS offers none to new accounts")]
pub(super) fn call(
    ecs: &Ecs,
    family: &str,
    definition: &TaskDefinition,
    tags: &BTreeMap<String, String>,
) -> Result<RegisterTaskDefinitionFluentBuilder> {
    let all = definition.to_sdk()?;
    let call = ecs
        .register_task_definition()
        .family(family)
        .set_task_role_arn(all.task_role_arn)
        .set_execution_role_arn(all.execution_role_arn)
        .set_network_mode(all.network_mode)
        .set_container_definitions(all.container_definitions)
        .set_volumes(all.volumes)
        .set_placement_constraints(all.placement_constraints)
        .set_requires_compatibilities(all.requires_compatibilities)
        .set_cpu(all.cpu)
        .set_memory(all.memory)
        .set_pid_mode(all.pid_mode)
        .set_ipc_mode(all.ipc_mode)
        .set_proxy_configuration(all.proxy_configuration)
        .set_inference_accelerators(all.inference_accelerators)
        .set_ephemeral_storage(all.ephemeral_storage)
        .set_runtime_platform(all.runtime_platform)
        .set_enable_fault_injection(all.enable_fault_injection);
    Ok(if tags.is_empty() { call } else { call.set_tags(Some(tag_list(tags))) })
}

pub(super) async fn deregister(ecs: &Ecs, arns: &[String]) -> Result<()> {
    for arn in arns {
        let sent = ecs.deregister_task_definition().task_definition(arn).send().await;
        sent.map_err(failing(format!("deregister task definition {arn}")))?;
    }
    Ok(())
}

/// Returns the ARNs of a family's active revisions, the newest first.
pub(super) async fn active(ecs: &Ecs, family: &str) -> Result<Vec<String>> {
    let pages = ecs
        .list_task_definitions()
        .family_prefix(family)
        .status(TaskDefinitionStatus::Active)
        .sort(SortOrder::Desc)
        .into_paginator()
        .items()
        .send();
    let listed: Vec<String> = pages
        .try_collect()
        .await
        .map_err(failing(format!("list the revisions of task definition {family}")))?;
    // The prefix of a family is the beginning of others.
    let of_family = |arn: &String| {
        arn.rsplit_once('/')
            .and_then(|(_, name)| name.rsplit_once(':'))
            .is_some_and(|(name, _)| name == family)
    };
    Ok(listed.into_iter().filter(of_family).collect())
}

/// Returns the ARNs of those active revisions that say themselves that rplay made them.
pub(super) async fn owned(ecs: &Ecs, family: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for arn in active(ecs, family).await? {
        if ecs.task_definition(&arn).await?.is_some_and(|(_, tags)| tags.owned()) {
            found.push(arn);
        }
    }
    Ok(found)
}

/// Returns a revision as boto3 gives it.
pub(super) fn described(found: &sdk::types::TaskDefinition) -> Value {
    let time = |time: Option<&sdk::primitives::DateTime>| time.map(timestamp).map(Value::from);
    let mut fields = TaskDefinition::from_sdk(found).json();
    let own = fields_json([
        ("task_definition_arn", found.task_definition_arn.as_deref().map(Value::from)),
        ("family", found.family.as_deref().map(Value::from)),
        ("revision", Some(Value::from(found.revision))),
        ("status", found.status.as_ref().map(|status| Value::from(status.as_str()))),
        (
            "requires_attributes",
            found.requires_attributes.as_ref().map(|all| all.iter().map(attribute).collect()),
        ),
        (
            "compatibilities",
            found
                .compatibilities
                .as_ref()
                .map(|all| all.iter().map(|one| Value::from(one.as_str())).collect()),
        ),
        ("registered_at", time(found.registered_at.as_ref())),
        ("deregistered_at", time(found.deregistered_at.as_ref())),
        ("delete_requested_at", time(found.delete_requested_at.as_ref())),
        ("registered_by", found.registered_by.as_deref().map(Value::from)),
    ]);
    if let (Value::Object(fields), Value::Object(own)) = (&mut fields, own) {
        fields.extend(own);
    }
    fields
}

fn attribute(found: &sdk::types::Attribute) -> Value {
    let mut fields = json!({ "name": found.name });
    let further = fields_json([
        ("value", found.value.as_deref().map(Value::from)),
        ("target_type", found.target_type.as_ref().map(|kind| Value::from(kind.as_str()))),
        ("target_id", found.target_id.as_deref().map(Value::from)),
    ]);
    if let (Value::Object(fields), Value::Object(further)) = (&mut fields, further) {
        fields.extend(further);
    }
    fields
}
