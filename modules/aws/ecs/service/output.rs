//! What `register` receives, in Ansible's shape: the service as boto3 returns it.

use rplay_module::Report;
use rplay_module::unknown::{self, Cause};
use serde_json::{Map, Value, json};

use super::json::json;
use super::state::Described;
use super::{Services, State};
use crate::ecs_service::EcsServiceParams;
use crate::shape::{Piece, types};

/// `service` of a service that is or will be there, `ansible_facts` of one that was deleted.
pub(crate) fn output(p: &EcsServiceParams, report: &Report<'_, Services>) -> Value {
    match (report.after, report.before) {
        (Some(now), _) => json!({ "service": service(p, now) }),
        (None, Some(before)) => {
            let mut facts = service(p, before);
            for large in ["deployments", "events"] {
                facts.remove(large);
            }
            json!({ "ansible_facts": facts })
        }
        (None, None) => json!({}),
    }
}

/// Returns the service as AWS describes it; what will be another in a plan as it will be.
pub(crate) fn service(p: &EcsServiceParams, state: &State) -> Map<String, Value> {
    let described = state.described.known().map(Described::service);
    let mut service =
        described.as_ref().and_then(|service| fields(json(service))).unwrap_or_else(|| foretold(p));
    let held = managed(&described.and_then(|service| State::of(service, p, None)).unwrap_or_default());
    for (name, value) in managed(state) {
        // What AWS describes as it is wanted stays in AWS's order.
        if held.get(&name) != Some(&value) || !service.contains_key(&name) {
            service.insert(name, value);
        }
    }
    service.insert("tags".to_owned(), state.tags.json());
    service
}

/// Returns what is managed in AWS's own names.
fn managed(state: &State) -> Map<String, Value> {
    let mut state = state.clone();
    state.normalize();
    let parts = [state.settings.json(), state.revision.json()];
    let mut all: Map<String, Value> = parts.into_iter().filter_map(fields).flatten().collect();
    let network = state.network_configuration.map(|network| json!({ "awsvpcConfiguration": network.json() }));
    let further = [
        ("taskDefinition", state.task_definition.map(Value::from)),
        ("networkConfiguration", network),
        ("loadBalancers", state.load_balancers.map(|all| all.json())),
    ];
    all.extend(further.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    all
}

/// Returns a service as AWS describes it.
pub(crate) fn described(service: &types::Service) -> Value {
    let mut fields = fields(json(service)).unwrap_or_default();
    let tags = rplay_client_ecs::tags(service.tags.as_deref().unwrap_or_default());
    fields.insert("tags".to_owned(), tags.json());
    Value::Object(fields)
}

fn fields(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// What only a creation tells.
fn foretold(p: &EcsServiceParams) -> Map<String, Value> {
    let label = |what: &str| unknown::marker(Cause::Created, &format!("ecs.service {}: {what}", p.called()));
    let unknown = ["serviceArn", "clusterArn", "roleArn", "createdAt"];
    let mut fields: Map<String, Value> =
        unknown.map(|name| (name.to_owned(), Value::from(label(name)))).into_iter().collect();
    fields.insert("serviceName".to_owned(), Value::from(p.name.as_str()));
    fields.insert("status".to_owned(), Value::from("ACTIVE"));
    fields
}
