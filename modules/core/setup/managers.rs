use serde_json::{Value, json};

use super::Facts;
use super::distribution;
use super::host::{Host, facts as of};

/// Where package managers are; of several the last one counts.
const PACKAGES: [(&str, &str); 17] = [
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "dnf"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/usr/pkg/bin/pkgin", "pkgin"),
    ("/usr/local/bin/brew", "homebrew"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/pkg", "pkg5"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/sorcery", "sorcery"),
];

/// What installs packages.
pub(super) fn packages(host: &Host) -> Facts {
    let found = PACKAGES.iter().rev().find(|(path, _)| host.exists(path)).map_or("unknown", |(_, name)| name);
    let name = match distribution::family(host).as_str() {
        "RedHat" => red_hat(host),
        "Debian" => "apt",
        "Altlinux" if found == "apt" => "apt_rpm",
        _ => found,
    };
    of(json!({ "pkg_mgr": name }))
}

fn red_hat(host: &Host) -> &'static str {
    if host.exists("/run/ostree-booted") {
        return "atomic_container";
    }
    let Some(path) = ["/usr/bin/dnf", "/usr/bin/microdnf"].into_iter().find(|path| host.exists(path)) else {
        return "unknown";
    };
    if host.path(path).canonicalize().is_ok_and(|real| real.ends_with("dnf5")) { "dnf5" } else { "dnf" }
}

/// What starts and stops services.
pub(super) fn services(host: &Host) -> Facts {
    let first = host.text("/proc/1/comm").or_else(|| host.target("/sbin/init"));
    let name = match first.as_deref() {
        Some("procd") => "openwrt_init",
        Some("runit-init") => "runit",
        Some("svscan") => "svc",
        Some("openrc-init") => "openrc",
        Some(name) if name != "init" && !name.ends_with("sh") => name,
        _ => by_folders(host),
    };
    of(json!({ "service_mgr": name }))
}

fn by_folders(host: &Host) -> &'static str {
    let systemctl = host.program("systemctl").is_some();
    match () {
        () if is_systemd(host) => "systemd",
        () if host.program("initctl").is_some() && host.exists("/etc/init") => "upstart",
        () if host.exists("/sbin/openrc") => "openrc",
        () if systemctl && host.target("/sbin/init").as_deref() == Some("systemd") => "systemd",
        () if host.exists("/etc/init.d") => "sysvinit",
        () if host.exists("/etc/dinit.d") => "dinit",
        () => "service",
    }
}

fn is_systemd(host: &Host) -> bool {
    let canaries = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
    host.program("systemctl").is_some() && canaries.iter().any(|canary| host.exists(canary))
}

/// systemd's version, where it runs the host; it stands in the name of its library.
pub(super) fn systemd(host: &Host) -> Facts {
    if !is_systemd(host) {
        return Facts::new();
    }
    let folders = ["/usr/lib/systemd", "/lib/systemd", "/usr/lib64/systemd"];
    let version = folders.iter().flat_map(|folder| host.names(folder)).find_map(|name| {
        let rest = name.strip_prefix("libsystemd-shared-")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    });
    version.map(|version| of(json!({ "systemd": { "version": Value::from(version) } }))).unwrap_or_default()
}
