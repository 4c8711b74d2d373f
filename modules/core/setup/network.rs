use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value, json};

use super::Facts;
use super::host::{Host, facts as of};
use super::netlink::{self, Address, Route};

const INTERFACES: &str = "/sys/class/net";

/// An interface: its number, its name and what is told of it.
struct Interface {
    number: u32,
    name: String,
    facts: Facts,
}

/// The interfaces, their addresses, and which of them packets leave by.
pub(super) fn facts(host: &Host) -> Facts {
    let addresses = netlink::addresses();
    let mut interfaces = interfaces(host);
    // Addresses of other names than their interface's (`eth0:1`) stand by themselves.
    let mut labelled = Facts::new();
    // First those that were there first.
    for secondary in [false, true] {
        for address in addresses.iter().filter(|address| address.secondary == secondary) {
            add(&mut interfaces, &mut labelled, address);
        }
    }
    // Names of public resolvers, as good as any other place outside; nothing is sent there.
    let v4 = netlink::way_to(Ipv4Addr::new(8, 8, 8, 8).into());
    let v6 = netlink::way_to(Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012).into());
    let names = interfaces.iter().map(|it| it.name.clone()).chain(labelled.keys().cloned());
    let names: Vec<String> = names.map(|name| name.replace(':', "_")).collect();
    let mut facts = of(json!({
        "interfaces": names,
        "default_ipv4": default(&interfaces, &addresses, v4.as_ref()),
        "default_ipv6": default(&interfaces, &addresses, v6.as_ref()),
        "all_ipv4_addresses": all(&interfaces, &addresses, IpAddr::is_ipv4),
        "all_ipv6_addresses": all(&interfaces, &addresses, IpAddr::is_ipv6),
        "locally_reachable_ips": reachable(&netlink::local()),
    }));
    let each = interfaces.into_iter().map(|it| (it.name, Value::Object(it.facts))).chain(labelled);
    facts.extend(each.map(|(name, told)| (name.replace(':', "_"), told)));
    facts
}

/// Returns the interfaces in the kernel's order.
fn interfaces(host: &Host) -> Vec<Interface> {
    let mut found: Vec<Interface> = host
        .names(INTERFACES)
        .into_iter()
        .filter(|name| host.path(&format!("{INTERFACES}/{name}")).is_dir())
        .map(|name| Interface {
            number: host
                .number(&format!("{INTERFACES}/{name}/ifindex"))
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(0),
            facts: interface(host, &name),
            name,
        })
        .collect();
    found.sort_by_key(|interface| interface.number);
    found
}

fn interface(host: &Host, name: &str) -> Facts {
    let at = |file: &str| format!("{INTERFACES}/{name}/{file}");
    let text = |file: &str| host.text(&at(file));
    let mut facts = of(json!({ "device": name }));
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    set("macaddress", text("address").filter(|it| it != "00:00:00:00:00:00").map(Value::from));
    set("mtu", host.number(&at("mtu")).map(Value::from));
    set("active", text("operstate").map(|state| Value::from(state != "down")));
    let module = host.path(&at("device/driver/module")).canonicalize().ok();
    set("module", module.and_then(|path| Some(Value::from(path.file_name()?.to_string_lossy()))));
    set("type", text("type").map(|number| Value::from(kind(&number))));
    if host.exists(&at("bridge")) {
        set("type", Some(json!("bridge")));
        set("interfaces", Some(json!(host.names(&at("brif")))));
        set("id", text("bridge/bridge_id").map(Value::from));
        set("stp", text("bridge/stp_state").map(|state| Value::from(state == "1")));
    }
    if host.exists(&at("bonding")) {
        let first = |file: &str| text(file).and_then(|it| it.split_whitespace().next().map(Value::from));
        set("type", Some(json!("bonding")));
        let slaves = text("bonding/slaves").unwrap_or_default();
        set("slaves", Some(json!(slaves.split_whitespace().collect::<Vec<_>>())));
        set("mode", first("bonding/mode"));
        set("miimon", first("bonding/miimon"));
        set("lacp_rate", first("bonding/lacp_rate"));
        set("primary", text("bonding/primary").map(Value::from));
    }
    set("perm_macaddress", text("bonding_slave/perm_hwaddr").map(Value::from));
    set("pciid", host.target(&at("device")).map(Value::from));
    set("speed", host.number(&at("speed")).map(Value::from));
    let flags = text("flags").and_then(|flags| u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    set("promisc", flags.map(|flags| Value::from(flags & 0x100 != 0)));
    facts
}

fn kind(number: &str) -> &'static str {
    match number {
        "1" => "ether",
        "32" => "infiniband",
        "512" => "ppp",
        "772" => "loopback",
        "65534" => "tunnel",
        _ => "unknown",
    }
}

/// Adds an address to its interface, or to what it goes by.
fn add(interfaces: &mut [Interface], labelled: &mut Facts, address: &Address) {
    let Some(interface) = interfaces.iter_mut().find(|it| it.number == address.interface) else { return };
    let IpAddr::V4(_) = address.ip else {
        let told = json!({
            "address": address.ip.to_string(),
            "prefix": address.prefix.to_string(),
            "scope": scope(address.scope),
        });
        push(&mut interface.facts, "ipv6", told);
        return;
    };
    let told = Value::Object(v4(address));
    let label = address.label.as_deref().filter(|label| *label != interface.name);
    let named = label.map(|label| labelled.entry(label).or_insert_with(|| json!({})));
    let facts = match named {
        Some(Value::Object(facts)) => {
            if address.secondary {
                push(&mut interface.facts, "ipv4_secondaries", told.clone());
            }
            facts
        }
        _ => &mut interface.facts,
    };
    if address.secondary || facts.contains_key("ipv4") {
        push(facts, "ipv4_secondaries", told);
    } else {
        facts.insert("ipv4".to_owned(), told);
    }
}

fn push(facts: &mut Map<String, Value>, name: &str, value: Value) {
    if let Value::Array(values) = facts.entry(name).or_insert_with(|| json!([])) {
        values.push(value);
    }
}

fn v4(address: &Address) -> Facts {
    let IpAddr::V4(own) = address.ip else { return Facts::new() };
    let mask = u32::MAX.checked_shl(32 - u32::from(address.prefix.min(32))).unwrap_or(0);
    of(json!({
        "address": own.to_string(),
        "broadcast": address.broadcast.map(|it| it.to_string()).unwrap_or_default(),
        "netmask": Ipv4Addr::from_bits(mask).to_string(),
        "network": Ipv4Addr::from_bits(own.to_bits() & mask).to_string(),
        "prefix": address.prefix.to_string(),
    }))
}

fn scope(number: u8) -> &'static str {
    match number {
        200 => "site",
        253 => "link",
        254 => "host",
        255 => "nowhere",
        _ => "global",
    }
}

/// Returns the way out: its interface, gateway and address, and what the interface is.
fn default(interfaces: &[Interface], addresses: &[Address], way: Option<&Route>) -> Facts {
    let mut facts = Facts::new();
    let Some(way) = way else { return facts };
    let interface = interfaces.iter().find(|it| Some(it.number) == way.interface);
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    set("interface", interface.map(|it| json!(it.name)));
    set("gateway", way.gateway.map(|it| json!(it.to_string())));
    set("address", way.source.map(|it| json!(it.to_string())));
    let Some(own) = addresses.iter().find(|it| Some(it.ip) == way.source) else { return facts };
    let Some(holder) = interfaces.iter().find(|it| it.number == own.interface) else { return facts };
    set("macaddress", holder.facts.get("macaddress").cloned());
    set("mtu", holder.facts.get("mtu").cloned());
    set("type", Some(holder.facts.get("type").cloned().unwrap_or_else(|| json!("unknown"))));
    if own.ip.is_ipv4() {
        set("alias", Some(json!(own.label.as_deref().unwrap_or(&holder.name))));
        facts.extend(v4(own));
    } else {
        set("prefix", Some(json!(own.prefix.to_string())));
        set("scope", Some(json!(scope(own.scope))));
    }
    facts
}

fn all(interfaces: &[Interface], addresses: &[Address], family: fn(&IpAddr) -> bool) -> Vec<String> {
    let known = |it: &&Address| interfaces.iter().any(|interface| interface.number == it.interface);
    let outside = addresses.iter().filter(|it| family(&it.ip) && !it.ip.is_loopback());
    outside.filter(known).map(|it| it.ip.to_string()).collect()
}

fn reachable(local: &[(IpAddr, u8)]) -> Value {
    let of_family = |family: fn(&IpAddr) -> bool| {
        let mut found: Vec<String> = Vec::new();
        for (address, prefix) in local.iter().filter(|(address, _)| family(address)) {
            let whole = if address.is_ipv4() { 32 } else { 128 };
            let text = if *prefix == whole { address.to_string() } else { format!("{address}/{prefix}") };
            if !found.contains(&text) {
                found.push(text);
            }
        }
        found
    };
    json!({ "ipv4": of_family(IpAddr::is_ipv4), "ipv6": of_family(IpAddr::is_ipv6) })
}

/// How names are resolved.
pub(super) fn dns(host: &Host) -> Facts {
    let mut dns = Facts::new();
    for line in host.text("/etc/resolv.conf").unwrap_or_default().lines() {
        let mut words = line.split_whitespace();
        let rest = |words: std::str::SplitWhitespace<'_>| words.map(Value::from).collect::<Vec<_>>();
        match words.next() {
            Some("nameserver") => rest(words).into_iter().for_each(|it| push(&mut dns, "nameservers", it)),
            Some("domain") => {
                if let Some(domain) = words.next() {
                    dns.insert("domain".to_owned(), Value::from(domain));
                }
            }
            Some(list @ ("search" | "sortlist")) => {
                dns.insert(list.to_owned(), Value::Array(rest(words)));
            }
            Some("options") => {
                let option = |word: &str| match word.split_once(':').filter(|(_, value)| !value.is_empty()) {
                    Some((name, value)) => (name.to_owned(), Value::from(value)),
                    None => (word.trim_end_matches(':').to_owned(), Value::Bool(true)),
                };
                dns.insert("options".to_owned(), Value::Object(words.map(option).collect()));
            }
            _ => {}
        }
    }
    of(json!({ "dns": dns }))
}

pub(super) fn fibre_channel(host: &Host) -> Facts {
    let folder = "/sys/class/fc_host";
    let names = host.names(folder).into_iter();
    let found = names.filter_map(|name| host.text(&format!("{folder}/{name}/port_name")));
    let found: Vec<String> = found.map(|it| it.trim_start_matches("0x").to_owned()).collect();
    of(json!({ "fibre_channel_wwn": found }))
}

pub(super) fn iscsi(host: &Host) -> Facts {
    let text = host.text("/etc/iscsi/initiatorname.iscsi").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("InitiatorName="));
    of(json!({ "iscsi_iqn": name.unwrap_or_default() }))
}

pub(super) fn nvme(host: &Host) -> Facts {
    let text = host.text("/etc/nvme/hostnqn").unwrap_or_default();
    of(json!({ "hostnqn": text.lines().find(|line| line.starts_with("nqn.")).unwrap_or_default() }))
}
