//! A group as boto3 gives it and Ansible returns it: rules with the same protocol and ports in one permission.

use std::collections::BTreeMap;

use rplay_module::Resource as _;
use serde_json::{Map, Value, json};

use crate::security_group::rule::{Group, Peer, Ports, Rule, Rules};
use crate::security_group::{Around, GroupState, SecurityGroup, SecurityGroupParams};

const LISTS: [&str; 4] = ["ip_ranges", "ipv6_ranges", "prefix_list_ids", "user_id_group_pairs"];

/// Returns the group; what only AWS can tell of one that is to be made is marked as not known yet.
pub(super) fn group(p: &SecurityGroupParams, around: &Around, state: &GroupState) -> Value {
    let address = SecurityGroup.address(p);
    let fact = |fact: &rplay_module::Fact<String>, what: &str| fact.json(&format!("{address}: {what}"));
    let vpc_id = match state.vpc_id.known() {
        None if !around.vpc_id.is_empty() => json!(around.vpc_id),
        _ => fact(&state.vpc_id, "vpc_id"),
    };
    let own = Own { id: fact(&state.id, "id"), account: fact(&state.owner, "owner_id") };
    json!({
        "description": state.description,
        "group_id": own.id,
        "group_name": p.name,
        "ip_permissions": permissions(&state.rules, &own),
        "ip_permissions_egress": permissions(&state.rules_egress, &own),
        "owner_id": own.account,
        "security_group_arn": fact(&state.arn, "arn"),
        "tags": state.tags.json(),
        "vpc_id": vpc_id,
    })
}

struct Own {
    id: Value,
    account: Value,
}

fn permissions(rules: &Rules, own: &Own) -> Value {
    let mut permissions: BTreeMap<(&str, &Ports), Map<String, Value>> = BTreeMap::new();
    for (rule, description) in &rules.list {
        let permission = permissions
            .entry((&rule.protocol, &rule.ports))
            .or_insert_with(|| empty(&rule.protocol, &rule.ports));
        let (list, mut entry) = entry(rule, own);
        if !description.is_empty() {
            entry.insert("description".to_owned(), json!(description));
        }
        if let Some(Value::Array(entries)) = permission.get_mut(list) {
            entries.push(Value::Object(entry));
        }
    }
    permissions.into_values().map(Value::Object).collect()
}

fn empty(protocol: &str, ports: &Ports) -> Map<String, Value> {
    let mut permission = Map::from_iter([("ip_protocol".to_owned(), json!(protocol))]);
    match ports {
        Ports::Range(from, to) => {
            permission.insert("from_port".to_owned(), json!(from));
            permission.insert("to_port".to_owned(), json!(to));
        }
        Ports::Unknown(marker) => {
            permission.insert("from_port".to_owned(), json!(marker));
            permission.insert("to_port".to_owned(), json!(marker));
        }
        Ports::None => {}
    }
    permission.extend(LISTS.map(|list| (list.to_owned(), json!([]))));
    permission
}

fn entry(rule: &Rule, own: &Own) -> (&'static str, Map<String, Value>) {
    let one = |key: &str, value: &str| Map::from_iter([(key.to_owned(), json!(value))]);
    let pair = |id: Value, account: Value| {
        Map::from_iter([("group_id".to_owned(), id), ("user_id".to_owned(), account)])
    };
    let [v4, v6, lists, groups] = LISTS;
    match &rule.peer {
        Peer::V4(cidr) => (v4, one("cidr_ip", cidr)),
        Peer::V6(cidr) => (v6, one("cidr_ipv6", cidr)),
        Peer::PrefixList(id) => (lists, one("prefix_list_id", id)),
        Peer::Itself => (groups, pair(own.id.clone(), own.account.clone())),
        Peer::Group(Group { id, owner: Some(owner), .. }) => (groups, pair(json!(id), json!(owner))),
        Peer::Group(group) => (groups, pair(json!(group.id), own.account.clone())),
        Peer::Nobody(name) => (groups, one("group_name", name)),
    }
}
