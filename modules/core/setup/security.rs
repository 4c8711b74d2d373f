use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use super::Facts;
use super::host::{Host, facts as of};

pub(super) fn apparmor(host: &Host) -> Facts {
    let status = if host.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    of(json!({ "apparmor": { "status": status } }))
}

pub(super) fn fips(host: &Host) -> Facts {
    of(json!({ "fips": host.text("/proc/sys/crypto/fips_enabled").as_deref() == Some("1") }))
}

/// `SELinux`, as its file system and its configuration tell it.
pub(super) fn selinux(host: &Host) -> Facts {
    let present = of(json!({ "selinux_python_present": true }));
    let Some(enforced) = host.text("/sys/fs/selinux/enforce") else {
        return present.into_iter().chain(of(json!({ "selinux": { "status": "disabled" } }))).collect();
    };
    let config = host.text("/etc/selinux/config").unwrap_or_default();
    let setting = |name: &str| {
        let value = config.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        value.map_or("unknown", str::trim).to_owned()
    };
    let told = json!({ "selinux": {
        "status": "enabled",
        "policyvers": host.number("/sys/fs/selinux/policyvers").map_or(json!("unknown"), Value::from),
        "config_mode": setting("SELINUX"),
        "mode": if enforced == "1" { "enforcing" } else { "permissive" },
        "type": setting("SELINUXTYPE"),
    } });
    present.into_iter().chain(of(told)).collect()
}

/// Whether the root is another one than the first process has.
pub(super) fn chroot(host: &Host) -> Facts {
    let place = |path: &str| host.path(path).metadata().ok().map(|it| (it.dev(), it.ino()));
    let named = host.env.get("debian_chroot").is_some_and(|name| !name.is_empty());
    let moved = match (place("/"), place("/proc/1/root/.")) {
        (Some(ours), Some(first)) => ours != first,
        // The number that ext4, btrfs and xfs give their root.
        (Some((_, node)), None) => ![2, 256, 128].contains(&node),
        (None, _) => false,
    };
    of(json!({ "is_chroot": named || moved }))
}

/// The names of the kernel's capabilities, by number.
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Which capabilities the task has; none is listed where it has all of them, as Ansible has it.
pub(super) fn capabilities(host: &Host) -> Facts {
    let mask = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let Some(mask) = host.text("/proc/self/status").as_deref().and_then(mask) else {
        return of(json!({ "system_capabilities": "N/A", "system_capabilities_enforced": "N/A" }));
    };
    let last =
        host.number("/proc/sys/kernel/cap_last_cap").and_then(|last| u32::try_from(last).ok()).unwrap_or(40);
    let whole = u64::MAX >> (63 - last.min(63));
    let held = CAPABILITIES.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
    let held: Vec<String> = held.map(|(_, name)| format!("cap_{name}")).collect();
    let limited = mask & whole != whole;
    of(json!({
        "system_capabilities": if limited { held } else { Vec::new() },
        "system_capabilities_enforced": if limited { "True" } else { "False" },
    }))
}

/// The public keys by which the host is known to SSH.
pub(super) fn host_keys(host: &Host) -> Facts {
    let mut facts = Facts::new();
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let Some(text) = host.text(&format!("{folder}/ssh_host_{algorithm}_key.pub")) else { continue };
            let mut words = text.split_whitespace();
            if let (Some(kind), Some(key)) = (words.next(), words.next()) {
                facts.insert(format!("ssh_host_key_{algorithm}_public"), Value::from(key));
                facts.insert(format!("ssh_host_key_{algorithm}_public_keytype"), Value::from(kind));
            }
        }
        if !facts.is_empty() {
            break;
        }
    }
    facts
}
