//! What of an instance can be a host's name: tags, and what the filters of `DescribeInstances` are called.

use serde_json::{Map, Value};

/// Where a filter's value stands in an instance. Source of the pairs: the hostnames of the inventory plugin `aws_ec2`.
const FILTERS: &[(&str, &str)] = &[
    ("affinity", "placement.affinity"),
    ("architecture", "architecture"),
    ("availability-zone", "placement.availability_zone"),
    ("block-device-mapping.attach-time", "block_device_mappings.ebs.attach_time"),
    ("block-device-mapping.delete-on-termination", "block_device_mappings.ebs.delete_on_termination"),
    ("block-device-mapping.device-name", "block_device_mappings.device_name"),
    ("block-device-mapping.status", "block_device_mappings.ebs.status"),
    ("block-device-mapping.volume-id", "block_device_mappings.ebs.volume_id"),
    ("client-token", "client_token"),
    ("dns-name", "public_dns_name"),
    ("host-id", "placement.host_id"),
    ("hypervisor", "hypervisor"),
    ("iam-instance-profile.arn", "iam_instance_profile.arn"),
    ("image-id", "image_id"),
    ("instance-id", "instance_id"),
    ("instance-lifecycle", "instance_lifecycle"),
    ("instance-state-code", "state.code"),
    ("instance-state-name", "state.name"),
    ("instance-type", "instance_type"),
    ("instance.group-id", "security_groups.group_id"),
    ("instance.group-name", "security_groups.group_name"),
    ("ip-address", "public_ip_address"),
    ("kernel-id", "kernel_id"),
    ("key-name", "key_name"),
    ("launch-index", "ami_launch_index"),
    ("launch-time", "launch_time"),
    ("monitoring-state", "monitoring.state"),
    (
        "network-interface.addresses.association.ip-owner-id",
        "network_interfaces.private_ip_addresses.association.ip_owner_id",
    ),
    (
        "network-interface.addresses.association.public-ip",
        "network_interfaces.private_ip_addresses.association.public_ip",
    ),
    ("network-interface.addresses.primary", "network_interfaces.private_ip_addresses.primary"),
    ("network-interface.addresses.private-ip-address", "network_interfaces.private_ip_address"),
    ("network-interface.association.ip-owner-id", "network_interfaces.association.ip_owner_id"),
    ("network-interface.association.public-ip", "network_interfaces.association.public_ip"),
    ("network-interface.attachment.attach-time", "network_interfaces.attachment.attach_time"),
    ("network-interface.attachment.attachment-id", "network_interfaces.attachment.attachment_id"),
    (
        "network-interface.attachment.delete-on-termination",
        "network_interfaces.attachment.delete_on_termination",
    ),
    ("network-interface.attachment.device-index", "network_interfaces.attachment.device_index"),
    ("network-interface.attachment.instance-id", "instance_id"),
    ("network-interface.attachment.instance-owner-id", "owner_id"),
    ("network-interface.attachment.status", "network_interfaces.attachment.status"),
    ("network-interface.availability-zone", "placement.availability_zone"),
    ("network-interface.description", "network_interfaces.description"),
    ("network-interface.group-id", "network_interfaces.groups.group_id"),
    ("network-interface.group-name", "network_interfaces.groups.group_name"),
    ("network-interface.ipv6-addresses.ipv6-address", "network_interfaces.ipv6_addresses.ipv6_address"),
    ("network-interface.mac-address", "network_interfaces.mac_address"),
    ("network-interface.network-interface-id", "network_interfaces.network_interface_id"),
    ("network-interface.owner-id", "network_interfaces.owner_id"),
    ("network-interface.private-dns-name", "network_interfaces.private_dns_name"),
    ("network-interface.requester-managed", "network_interfaces.association.ip_owner_id"),
    ("network-interface.source-dest-check", "network_interfaces.source_dest_check"),
    ("network-interface.status", "network_interfaces.status"),
    ("network-interface.subnet-id", "network_interfaces.subnet_id"),
    ("network-interface.vpc-id", "network_interfaces.vpc_id"),
    ("owner-id", "owner_id"),
    ("placement-group-name", "placement.group_name"),
    ("platform", "platform"),
    ("private-dns-name", "private_dns_name"),
    ("private-ip-address", "private_ip_address"),
    ("product-code", "product_codes.product_code_id"),
    ("product-code.type", "product_codes.product_code_type"),
    ("ramdisk-id", "ramdisk_id"),
    ("reason", "state_transition_reason"),
    ("requester-id", "requester_id"),
    ("reservation-id", "reservation_id"),
    ("root-device-name", "root_device_name"),
    ("root-device-type", "root_device_type"),
    ("source-dest-check", "source_dest_check"),
    ("spot-instance-request-id", "spot_instance_request_id"),
    ("state-reason-code", "state_reason.code"),
    ("state-reason-message", "state_reason.message"),
    ("subnet-id", "subnet_id"),
    ("tenancy", "placement.tenancy"),
    ("virtualization-type", "virtualization_type"),
    ("vpc-id", "vpc_id"),
];

/// Returns what a preference (`dns-name`, `tag:Name`, `tag:Name=web,Stage`) is for an instance: a text, a list where there
/// are several, `null` where there is none. What names nothing of an instance is a literal.
pub(crate) fn preferred(instance: &Map<String, Value>, preference: &str) -> Value {
    if let Some(tags) = preference.strip_prefix("tag:") {
        return tagged(instance, tags);
    }
    let Some((_, path)) = FILTERS.iter().find(|(name, _)| *name == preference) else {
        return preference.into();
    };
    path.split('.').fold(Value::Object(instance.clone()), |found, field| compiled(&found, field))
}

fn tagged(instance: &Map<String, Value>, names: &str) -> Value {
    let tag = |name: &str| instance.get("tags")?.get(name)?.as_str().filter(|value| !value.is_empty());
    let one = |name: &str| match name.split_once('=') {
        Some((name, value)) => (tag(name) == Some(value)).then(|| format!("{name}_{value}")),
        None => tag(name).map(str::to_owned),
    };
    let mut found: Vec<Value> = names.split(',').filter_map(one).map(Value::from).collect();
    if names.contains(',') || found.is_empty() { found.into() } else { found.swap_remove(0) }
}

/// Returns a field of a mapping, or of each of a list; a list of one is that one.
fn compiled(of: &Value, field: &str) -> Value {
    let found = match of {
        Value::Array(items) => items.iter().map(|item| compiled(item, field)).filter(is_something).collect(),
        Value::Object(fields) => fields.get(field).cloned().unwrap_or_default(),
        _ => Value::Null,
    };
    match found {
        Value::Array(mut items) if items.len() == 1 => items.swap_remove(0),
        other => other,
    }
}

/// What Python takes for true.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_come_from_fields_tags_and_literals() {
        let instance = json!({
            "private_ip_address": "10.0.0.5",
            "tags": { "Name": "web", "Stage": "dev", "Empty": "" },
            "network_interfaces": [
                { "private_ip_address": "10.0.0.5", "groups": [{ "group_id": "sg-1" }, { "group_id": "sg-2" }] },
                { "private_ip_address": "10.0.0.6", "groups": [] },
            ],
        });
        let instance = instance.as_object().expect("a mapping");
        for (preference, expected) in [
            ("private-ip-address", json!("10.0.0.5")),
            ("dns-name", json!(null)),
            ("network-interface.addresses.private-ip-address", json!(["10.0.0.5", "10.0.0.6"])),
            ("network-interface.group-id", json!(["sg-1", "sg-2"])),
            ("tag:Name", json!("web")),
            ("tag:Name,Stage", json!(["web", "dev"])),
            ("tag:Name=web", json!("Name_web")),
            ("tag:Name=other", json!([])),
            ("tag:Empty", json!([])),
            ("fleet", json!("fleet")),
        ] {
            assert_eq!(preferred(instance, preference), expected, "{preference}");
        }
    }
}
