use std::collections::BTreeSet;

use super::host::Host;
use super::{
    Facts, clock, devices, distribution, identity, managers, memory, mounts, network, platform, processor,
    python, security, virtualization,
};

/// What reads some of the facts, under the names that `gather_subset` has for it.
pub(super) struct Collector {
    pub(super) name: &'static str,
    /// Single facts whose name asks for the collector as well.
    ids: &'static [&'static str],
    /// Part of `min`.
    minimal: bool,
    needs: &'static [&'static str],
    pub(super) gather: fn(&Host) -> Facts,
}

const fn collector(name: &'static str, gather: fn(&Host) -> Facts) -> Collector {
    Collector { name, ids: &[], minimal: false, needs: &[], gather }
}

impl Collector {
    const fn minimal(self) -> Self {
        Self { minimal: true, ..self }
    }

    const fn ids(self, ids: &'static [&'static str]) -> Self {
        Self { ids, ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}

const COLLECTORS: &[Collector] = &[
    collector("platform", platform::facts).minimal().ids(&[
        "system",
        "kernel",
        "kernel_version",
        "machine",
        "python_version",
        "architecture",
        "machine_id",
    ]),
    collector("distribution", distribution::facts).minimal().ids(&[
        "distribution_version",
        "distribution_release",
        "distribution_major_version",
        "os_family",
    ]),
    collector("lsb", distribution::lsb).minimal(),
    collector("selinux", security::selinux).minimal(),
    collector("apparmor", security::apparmor).minimal(),
    collector("chroot", security::chroot).ids(&["is_chroot"]),
    collector("fips", security::fips).minimal(),
    collector("python", python::facts).minimal(),
    collector("caps", security::capabilities)
        .minimal()
        .ids(&["system_capabilities", "system_capabilities_enforced"]),
    collector("pkg_mgr", managers::packages).minimal().needs(&["distribution"]),
    collector("service_mgr", managers::services).minimal().needs(&["platform", "distribution"]),
    collector("cmdline", platform::command_line).minimal(),
    collector("date_time", clock::facts).minimal(),
    collector("env", identity::environment).minimal(),
    collector("loadavg", memory::load),
    collector("ssh_pub_keys", security::host_keys).minimal().ids(&[
        "ssh_host_pub_keys",
        "ssh_host_key_dsa_public",
        "ssh_host_key_rsa_public",
        "ssh_host_key_ecdsa_public",
        "ssh_host_key_ed25519_public",
    ]),
    collector("user", identity::user).minimal().ids(&[
        "user_id",
        "user_uid",
        "user_gid",
        "user_gecos",
        "user_dir",
        "user_shell",
        "real_user_id",
        "effective_user_id",
        "effective_group_ids",
    ]),
    collector("systemd", managers::systemd),
    collector("virtual", virtualization::facts).ids(&[
        "virtualization_type",
        "virtualization_role",
        "virtualization_tech_guest",
        "virtualization_tech_host",
    ]),
    collector("hardware", hardware)
        .ids(&["processor", "processor_cores", "processor_count", "mounts", "devices"])
        .needs(&["platform"]),
    collector("dns", network::dns).minimal(),
    collector("fibre_channel_wwn", network::fibre_channel),
    collector("network", network::facts)
        .ids(&["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"])
        .needs(&["distribution", "platform"]),
    collector("iscsi", network::iscsi),
    collector("nvme", network::nvme),
    // These may be programs of the host's owner: the action runs them.
    collector("local", |_| Facts::new()).minimal(),
];

/// What other programs would have to gather; leaving them out is what happens anyway.
const FOREIGN: [&str; 2] = ["facter", "ohai"];

fn hardware(host: &Host) -> Facts {
    let parts = [processor::facts, memory::facts, devices::dmi, devices::facts, mounts::facts];
    parts.iter().flat_map(|part| part(host)).collect()
}

/// Returns the collectors that a `gather_subset` asks for: `min` first, then what is added, less what is excluded but not
/// named as well.
pub(super) fn chosen(wanted: &[String]) -> Result<Vec<&'static Collector>, String> {
    let names = || COLLECTORS.iter().flat_map(|collector| collector.ids.iter().chain([&collector.name]));
    let minimal = || COLLECTORS.iter().filter(|collector| collector.minimal).map(|collector| collector.name);
    let mut added: BTreeSet<&str> = minimal().collect();
    let mut asked_for = BTreeSet::new();
    let mut excluded = BTreeSet::new();
    for subset in wanted {
        match subset.as_str() {
            "min" => added.extend(minimal()),
            "all" => added.extend(names()),
            "!min" => excluded.extend(minimal()),
            "!all" => {
                let minimal: BTreeSet<&str> = minimal().collect();
                excluded.extend(names().filter(|name| !minimal.contains(*name)));
            }
            other => match other.strip_prefix('!') {
                Some(name) => {
                    let ids = COLLECTORS.iter().filter(|it| it.name == name).flat_map(|it| it.ids);
                    excluded.extend(ids.copied().chain([name]));
                }
                None if FOREIGN.contains(&other) => {
                    return Err(format!("could not gather the facts of {other}: that is not built yet"));
                }
                None if names().any(|name| *name == other) => {
                    asked_for.insert(other);
                    added.insert(other);
                }
                None => return Err(bad_subset(other, names().chain(&FOREIGN).copied().collect())),
            },
        }
    }
    if added.is_empty() {
        added.extend(names());
    }
    added.retain(|name| asked_for.contains(name) || !excluded.contains(name));
    Ok(with_needs(&added))
}

fn with_needs(names: &BTreeSet<&str>) -> Vec<&'static Collector> {
    let asked = |it: &Collector| names.contains(it.name) || it.ids.iter().any(|id| names.contains(id));
    let needed: BTreeSet<&str> =
        COLLECTORS.iter().filter(|it| asked(it)).flat_map(|it| it.needs).copied().collect();
    COLLECTORS.iter().filter(|it| asked(it) || needed.contains(it.name)).collect()
}

fn bad_subset(subset: &str, valid: BTreeSet<&str>) -> String {
    let valid = valid.into_iter().collect::<Vec<_>>().join(", ");
    format!("Bad subset '{subset}' given to Ansible. gather_subset options allowed: all, {valid}")
}
