use std::collections::BTreeSet;

use serde_json::json;

use super::Facts;
use super::host::{Host, facts as of};

const DMI: &str = "/sys/devices/virtual/dmi/id";

/// What has been found: the first sign decides the type, all of them are listed.
#[derive(Default)]
struct Found {
    first: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Found {
    fn guest(&mut self, technology: &str) {
        self.guest.insert(technology.to_owned());
        self.first.get_or_insert_with(|| (technology.to_owned(), "guest"));
    }

    fn host(&mut self, technology: &str) {
        self.host.insert(technology.to_owned());
        self.first.get_or_insert_with(|| (technology.to_owned(), "host"));
    }
}

/// Whether the host is a container or a virtual machine, or has some.
pub(super) fn facts(host: &Host) -> Facts {
    let mut found = Found::default();
    containers(host, &mut found);
    if host.exists("/proc/xen") {
        let capabilities = host.text("/proc/xen/capabilities").unwrap_or_default();
        if capabilities.contains("control_d") {
            found.host("xen");
        } else {
            // Told by the firmware as a technology, if at all.
            found.first.get_or_insert_with(|| ("xen".to_owned(), "guest"));
        }
    }
    firmware(host, &mut found);
    processors(host, &mut found);
    kernel_modules(host, &mut found);
    if host.exists("/dev/kvm") {
        found.host("kvm");
    }
    let (kind, role) = found.first.unwrap_or_else(|| ("NA".to_owned(), "NA"));
    of(json!({
        "virtualization_type": kind,
        "virtualization_role": role,
        "virtualization_tech_guest": found.guest,
        "virtualization_tech_host": found.host,
    }))
}

fn containers(host: &Host, found: &mut Found) {
    for line in host.text("/proc/1/cgroup").unwrap_or_default().lines() {
        if is_docker(line) {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    for entry in host.text("/proc/1/environ").unwrap_or_default().split('\0') {
        ["lxc", "podman"]
            .into_iter()
            .filter(|name| entry.contains(&format!("container={name}")))
            .for_each(|name| found.guest(name));
        if entry.strip_prefix("container=").is_some_and(|name| !name.is_empty()) {
            found.guest("container");
        }
    }
    if host.exists("/proc/vz") && !host.exists("/proc/lve") {
        if host.exists("/proc/bc") { found.host("openvz") } else { found.guest("openvz") }
    }
    let systemd = host.text("/run/systemd/container");
    if let Some(name) = &systemd {
        found.guest(name);
    }
    if host.exists("/.dockerenv") || host.exists("/.dockerinit") {
        found.guest("docker");
    }
    let known = ["docker", "lxc", "podman", "openvz", "containerd"];
    if systemd.is_some() || known.iter().any(|name| found.guest.contains(*name)) {
        found.guest.insert("container".to_owned());
    }
}

fn is_docker(line: &str) -> bool {
    let scope = |rest: &str| {
        let id = rest.strip_prefix('-').and_then(|rest| rest.split_once(".scope"));
        id.is_some_and(|(id, _)| !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit()))
    };
    line.match_indices("/docker").any(|(at, word)| {
        let rest = line.get(at + word.len()..).unwrap_or_default();
        rest.starts_with('/') || scope(rest)
    })
}

fn firmware(host: &Host, found: &mut Found) {
    let text = |file: &str| host.text(&format!("{DMI}/{file}")).unwrap_or_default();
    let (product, vendor, bios) = (text("product_name"), text("sys_vendor"), text("bios_vendor"));
    match product.as_str() {
        "KVM" | "KVM Server" | "Bochs" | "AHV" => found.guest("kvm"),
        "RHEV Hypervisor" if vendor == "Red Hat" && text("product_family") != "RHV" => found.guest("RHEV"),
        "OpenStack Compute" | "OpenStack Nova" => found.guest("openstack"),
        name if name.starts_with("VMware") => found.guest("VMware"),
        name if name.contains("BHYVE") => found.guest("bhyve"),
        _ => {}
    }
    match bios.as_str() {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" => found.guest("kvm"),
        _ => {}
    }
    match vendor.as_str() {
        "oVirt" => found.guest("oVirt"),
        "Red Hat" if text("product_family") == "RHV" => found.guest("RHV"),
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => found.guest("kvm"),
        "KubeVirt" => found.guest("KubeVirt"),
        "Microsoft Corporation" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        _ => {}
    }
}

fn processors(host: &Host, found: &mut Found) {
    for line in host.text("/proc/cpuinfo").unwrap_or_default().lines() {
        match line.split_once(':').map(|(key, value)| (key.trim(), value)) {
            Some(("model name", value)) if value.contains("QEMU Virtual CPU") => found.guest("kvm"),
            Some(("vendor_id", value)) if value.contains("User Mode Linux") => found.guest("uml"),
            Some(("model name", value)) if value.contains("UML") => found.guest("uml"),
            _ => {}
        }
    }
}

fn kernel_modules(host: &Host, found: &mut Found) {
    let text = host.text("/proc/modules").unwrap_or_default();
    let modules: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    if modules.contains("kvm") {
        found.host("kvm");
    }
    if modules.contains("vboxdrv") {
        found.host("virtualbox");
    }
    if modules.contains("virtio") {
        found.host.insert("kvm".to_owned());
        found.first.get_or_insert_with(|| ("kvm".to_owned(), "guest"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_group_says_that_docker_made_it() {
        assert!(is_docker("0::/docker/0123abcd"));
        assert!(is_docker("0::/system.slice/docker-0123abcd.scope"));
        assert!(!is_docker("0::/system.slice/docker.service"));
        assert!(!is_docker("0::/"));
    }
}
