//! Network interfaces: what keeps subnets and groups from being deleted.

use rplay_client_ec2::sdk::types::NetworkInterface;
use rplay_module::Held;

/// Returns whether a load balancer, a task or another service of AWS has made the interface: then it goes away when that
/// is deleted, a little later, and deleting what it hangs on waits for it.
pub(crate) fn goes_by_itself(interface: &NetworkInterface) -> bool {
    interface.requester_managed() == Some(true)
}

/// Returns an interface as something that hangs on a subnet or a group.
pub(crate) fn held(interface: &NetworkInterface) -> Held {
    let id = interface.network_interface_id().unwrap_or_default();
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let name = match (instance, interface.description()) {
        (Some(instance), _) => format!("instance {instance} ({id})"),
        (None, Some(text)) if !text.is_empty() => format!("network interface {id} ({text})"),
        _ => format!("network interface {id}"),
    };
    Held { name, address: None }
}
