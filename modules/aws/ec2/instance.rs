//! What EC2 tells of an instance, under the names that Ansible's results have.

use rplay_aws::timestamp;
use rplay_client_ec2::sdk::types::{
    CapacityReservationSpecificationResponse, CpuOptions, EbsInstanceBlockDevice, GroupIdentifier, Instance,
    InstanceBlockDeviceMapping, InstanceMetadataOptionsResponse, InstanceNetworkInterface,
    InstanceNetworkInterfaceAssociation, InstanceNetworkInterfaceAttachment, InstancePrivateIpAddress,
    OperatorResponse, Placement, PrivateDnsNameOptionsResponse,
};
use rplay_client_ec2::tags;
use serde_json::{Map, Value};

/// Returns an instance as `ec2_instance_info` returns one: what the answer does not name is left out. Its tags are a
/// mapping; those without are an empty one.
///
/// Source of the names: the API's `Instance`, spelled as `camel_dict_to_snake_dict` spells them.
pub(crate) fn shown(instance: &Instance) -> Map<String, Value> {
    let i = instance;
    let mut facts = Facts::default()
        .put("ami_launch_index", i.ami_launch_index)
        .word("architecture", i.architecture.as_ref())
        .list("block_device_mappings", i.block_device_mappings.as_deref(), device)
        .word("boot_mode", i.boot_mode.as_ref())
        .put("capacity_block_id", i.capacity_block_id.as_deref())
        .put("capacity_reservation_id", i.capacity_reservation_id.as_deref())
        .part(
            "capacity_reservation_specification",
            i.capacity_reservation_specification.as_ref(),
            capacity_reservation,
        )
        .put("client_token", i.client_token.as_deref())
        .part("cpu_options", i.cpu_options.as_ref(), cpu_options)
        .word("current_instance_boot_mode", i.current_instance_boot_mode.as_ref())
        .put("ebs_optimized", i.ebs_optimized)
        .put("ena_support", i.ena_support)
        .part("enclave_options", i.enclave_options.as_ref(), |x| Facts::default().put("enabled", x.enabled))
        .part("hibernation_options", i.hibernation_options.as_ref(), |x| {
            Facts::default().put("configured", x.configured)
        })
        .word("hypervisor", i.hypervisor.as_ref())
        .part("iam_instance_profile", i.iam_instance_profile.as_ref(), |x| {
            Facts::default().put("arn", x.arn.as_deref()).put("id", x.id.as_deref())
        })
        .put("image_id", i.image_id.as_deref())
        .put("instance_id", i.instance_id.as_deref())
        .word("instance_lifecycle", i.instance_lifecycle.as_ref())
        .word("instance_type", i.instance_type.as_ref())
        .put("ipv6_address", i.ipv6_address.as_deref())
        .put("kernel_id", i.kernel_id.as_deref())
        .put("key_name", i.key_name.as_deref())
        .put("launch_time", i.launch_time.as_ref().map(timestamp))
        .list("licenses", i.licenses.as_deref(), |x| {
            Facts::default().put("license_configuration_arn", x.license_configuration_arn.as_deref())
        })
        .part("maintenance_options", i.maintenance_options.as_ref(), |x| {
            Facts::default()
                .word("auto_recovery", x.auto_recovery.as_ref())
                .word("reboot_migration", x.reboot_migration.as_ref())
        })
        .part("metadata_options", i.metadata_options.as_ref(), metadata_options)
        .part("monitoring", i.monitoring.as_ref(), |x| Facts::default().word("state", x.state.as_ref()))
        .list("network_interfaces", i.network_interfaces.as_deref(), interface);
    facts = facts
        .part("network_performance_options", i.network_performance_options.as_ref(), |x| {
            Facts::default().word("bandwidth_weighting", x.bandwidth_weighting.as_ref())
        })
        .part("operator", i.operator.as_ref(), operator)
        .put("outpost_arn", i.outpost_arn.as_deref())
        .part("placement", i.placement.as_ref(), placement)
        .word("platform", i.platform.as_ref())
        .put("platform_details", i.platform_details.as_deref())
        .part("private_dns_name_options", i.private_dns_name_options.as_ref(), private_dns_name_options)
        .put("private_dns_name", i.private_dns_name.as_deref())
        .put("private_ip_address", i.private_ip_address.as_deref())
        .list("product_codes", i.product_codes.as_deref(), |x| {
            Facts::default()
                .put("product_code_id", x.product_code_id.as_deref())
                .word("product_code_type", x.product_code_type.as_ref())
        })
        .put("public_dns_name", i.public_dns_name.as_deref())
        .put("public_ip_address", i.public_ip_address.as_deref())
        .put("ramdisk_id", i.ramdisk_id.as_deref())
        .put("root_device_name", i.root_device_name.as_deref())
        .word("root_device_type", i.root_device_type.as_ref())
        .list("security_groups", i.security_groups.as_deref(), group)
        .put("source_dest_check", i.source_dest_check)
        .put("spot_instance_request_id", i.spot_instance_request_id.as_deref())
        .put("sriov_net_support", i.sriov_net_support.as_deref())
        .part("state", i.state.as_ref(), |x| {
            // The high byte is for EC2 itself.
            Facts::default().put("code", x.code.map(|code| code & 0xff)).word("name", x.name.as_ref())
        })
        .part("state_reason", i.state_reason.as_ref(), |x| {
            Facts::default().put("code", x.code.as_deref()).put("message", x.message.as_deref())
        })
        .put("state_transition_reason", i.state_transition_reason.as_deref())
        .put("subnet_id", i.subnet_id.as_deref())
        .put("tpm_support", i.tpm_support.as_deref())
        .put("usage_operation", i.usage_operation.as_deref())
        .put("usage_operation_update_time", i.usage_operation_update_time.as_ref().map(timestamp))
        .word("virtualization_type", i.virtualization_type.as_ref())
        .put("vpc_id", i.vpc_id.as_deref());
    let tags = tags(i.tags.as_deref().unwrap_or_default());
    facts.0.insert(
        "tags".to_owned(),
        tags.iter().map(|(key, value)| (key.to_owned(), value.into())).collect::<Map<_, _>>().into(),
    );
    facts.0
}

/// The fields of a result that are there.
#[derive(Default)]
struct Facts(Map<String, Value>);

impl Facts {
    fn put(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    fn word(self, name: &str, word: Option<&impl AsRef<str>>) -> Self {
        self.put(name, word.map(AsRef::as_ref))
    }

    fn part<T>(self, name: &str, part: Option<&T>, facts: fn(&T) -> Self) -> Self {
        self.put(name, part.map(|part| facts(part).0))
    }

    fn list<T>(self, name: &str, items: Option<&[T]>, facts: fn(&T) -> Self) -> Self {
        let shown = |items: &[T]| items.iter().map(|item| facts(item).0.into()).collect::<Vec<Value>>();
        self.put(name, items.map(shown))
    }
}

fn device(of: &InstanceBlockDeviceMapping) -> Facts {
    Facts::default().put("device_name", of.device_name.as_deref()).part("ebs", of.ebs.as_ref(), volume)
}

fn volume(of: &EbsInstanceBlockDevice) -> Facts {
    Facts::default()
        .put("attach_time", of.attach_time.as_ref().map(timestamp))
        .put("delete_on_termination", of.delete_on_termination)
        .word("status", of.status.as_ref())
        .put("volume_id", of.volume_id.as_deref())
        .put("associated_resource", of.associated_resource.as_deref())
        .put("volume_owner_id", of.volume_owner_id.as_deref())
        .part("operator", of.operator.as_ref(), operator)
}

fn operator(of: &OperatorResponse) -> Facts {
    Facts::default().put("managed", of.managed).put("principal", of.principal.as_deref())
}

fn cpu_options(of: &CpuOptions) -> Facts {
    Facts::default()
        .put("core_count", of.core_count)
        .put("threads_per_core", of.threads_per_core)
        .word("amd_sev_snp", of.amd_sev_snp.as_ref())
}

fn capacity_reservation(of: &CapacityReservationSpecificationResponse) -> Facts {
    Facts::default()
        .word("capacity_reservation_preference", of.capacity_reservation_preference.as_ref())
        .part("capacity_reservation_target", of.capacity_reservation_target.as_ref(), |x| {
            Facts::default().put("capacity_reservation_id", x.capacity_reservation_id.as_deref()).put(
                "capacity_reservation_resource_group_arn",
                x.capacity_reservation_resource_group_arn.as_deref(),
            )
        })
}

fn metadata_options(of: &InstanceMetadataOptionsResponse) -> Facts {
    Facts::default()
        .word("state", of.state.as_ref())
        .word("http_tokens", of.http_tokens.as_ref())
        .put("http_put_response_hop_limit", of.http_put_response_hop_limit)
        .word("http_endpoint", of.http_endpoint.as_ref())
        .word("http_protocol_ipv6", of.http_protocol_ipv6.as_ref())
        .word("instance_metadata_tags", of.instance_metadata_tags.as_ref())
}

fn placement(of: &Placement) -> Facts {
    Facts::default()
        .put("affinity", of.affinity.as_deref())
        .put("availability_zone", of.availability_zone.as_deref())
        .put("availability_zone_id", of.availability_zone_id.as_deref())
        .put("group_id", of.group_id.as_deref())
        .put("group_name", of.group_name.as_deref())
        .put("host_id", of.host_id.as_deref())
        .put("host_resource_group_arn", of.host_resource_group_arn.as_deref())
        .put("partition_number", of.partition_number)
        .put("spread_domain", of.spread_domain.as_deref())
        .word("tenancy", of.tenancy.as_ref())
}

fn private_dns_name_options(of: &PrivateDnsNameOptionsResponse) -> Facts {
    Facts::default()
        .word("hostname_type", of.hostname_type.as_ref())
        .put("enable_resource_name_dns_a_record", of.enable_resource_name_dns_a_record)
        .put("enable_resource_name_dns_aaaa_record", of.enable_resource_name_dns_aaaa_record)
}

fn group(of: &GroupIdentifier) -> Facts {
    Facts::default().put("group_id", of.group_id.as_deref()).put("group_name", of.group_name.as_deref())
}

fn interface(of: &InstanceNetworkInterface) -> Facts {
    Facts::default()
        .part("association", of.association.as_ref(), association)
        .part("attachment", of.attachment.as_ref(), attachment)
        .put("description", of.description.as_deref())
        .list("groups", of.groups.as_deref(), group)
        .put("interface_type", of.interface_type.as_deref())
        .list("ipv4_prefixes", of.ipv4_prefixes.as_deref(), |x| {
            Facts::default().put("ipv4_prefix", x.ipv4_prefix.as_deref())
        })
        .list("ipv6_addresses", of.ipv6_addresses.as_deref(), |x| {
            Facts::default()
                .put("ipv6_address", x.ipv6_address.as_deref())
                .put("is_primary_ipv6", x.is_primary_ipv6)
        })
        .list("ipv6_prefixes", of.ipv6_prefixes.as_deref(), |x| {
            Facts::default().put("ipv6_prefix", x.ipv6_prefix.as_deref())
        })
        .put("mac_address", of.mac_address.as_deref())
        .put("network_interface_id", of.network_interface_id.as_deref())
        .part("operator", of.operator.as_ref(), operator)
        .put("owner_id", of.owner_id.as_deref())
        .put("private_dns_name", of.private_dns_name.as_deref())
        .put("private_ip_address", of.private_ip_address.as_deref())
        .list("private_ip_addresses", of.private_ip_addresses.as_deref(), address)
        .put("source_dest_check", of.source_dest_check)
        .word("status", of.status.as_ref())
        .put("subnet_id", of.subnet_id.as_deref())
        .put("vpc_id", of.vpc_id.as_deref())
}

fn association(of: &InstanceNetworkInterfaceAssociation) -> Facts {
    Facts::default()
        .put("carrier_ip", of.carrier_ip.as_deref())
        .put("customer_owned_ip", of.customer_owned_ip.as_deref())
        .put("ip_owner_id", of.ip_owner_id.as_deref())
        .put("public_dns_name", of.public_dns_name.as_deref())
        .put("public_ip", of.public_ip.as_deref())
}

fn attachment(of: &InstanceNetworkInterfaceAttachment) -> Facts {
    Facts::default()
        .put("attach_time", of.attach_time.as_ref().map(timestamp))
        .put("attachment_id", of.attachment_id.as_deref())
        .put("delete_on_termination", of.delete_on_termination)
        .put("device_index", of.device_index)
        .put("network_card_index", of.network_card_index)
        .word("status", of.status.as_ref())
}

fn address(of: &InstancePrivateIpAddress) -> Facts {
    Facts::default()
        .part("association", of.association.as_ref(), association)
        .put("primary", of.primary)
        .put("private_dns_name", of.private_dns_name.as_deref())
        .put("private_ip_address", of.private_ip_address.as_deref())
}
