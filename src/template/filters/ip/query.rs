//! What `ipaddr` can be asked about an address.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Net;
use crate::filters::fail;
use crate::{TemplateError, Value};

type Answer = Result<Value, TemplateError>;

/// An address as it was written.
pub(super) struct Asked {
    pub(super) net: Net,
    /// It was written with a prefix.
    pub(super) is_network: bool,
    pub(super) written: Value,
}

fn when(condition: bool, value: impl Into<Value>) -> Value {
    if condition { value.into() } else { Value::NONE }
}

/// Returns whether the address is that of a host in its network, not the network's own.
fn is_host(net: Net) -> bool {
    net.size() <= 2 || net.value != net.first()
}

impl Asked {
    /// Returns the answer; `None` where nobody knows the question.
    pub(super) fn answer(&self, query: &str) -> Option<Answer> {
        if let Some(answer) = self.shape(query).or_else(|| self.kind(query)) {
            return Some(Ok(answer));
        }
        self.neighbour(query)
    }

    /// How it is written.
    fn shape(&self, query: &str) -> Option<Value> {
        let net = self.net;
        let text = |value: u128| net.address(value);
        Some(match query {
            "" if self.is_network => net.cidr().into(),
            "" => net.ip().into(),
            "address" | "ip" => when(is_host(net), net.ip()),
            "address/prefix" | "host/prefix" | "ip/prefix" | "gateway" | "gw" | "hostnet" | "router" => {
                when(net.size() > 1 && is_host(net), net.cidr())
            }
            "bool" => true.into(),
            "broadcast" => when(net.size() > 2, text(net.last())),
            "cidr" => net.cidr().into(),
            "host" => when(is_host(net), net.cidr()),
            "hostmask" | "wildcard" => text(net.host_mask()).into(),
            "int" if self.is_network => format!("{}/{}", net.value, net.prefix).into(),
            "int" => i128::try_from(net.value).map_or_else(|_| net.value.to_string().into(), Value::from),
            "ip_netmask" => {
                when(net.size() > 1 && is_host(net), format!("{} {}", net.ip(), text(net.mask())))
            }
            "ip_wildcard" => {
                when(net.size() > 1 && is_host(net), format!("{} {}", net.ip(), text(net.host_mask())))
            }
            "net" => when(net.size() > 1 && net.value == net.first(), net.cidr()),
            "netmask" => text(net.mask()).into(),
            "network" | "network_id" => text(net.first()).into(),
            "network/prefix" | "subnet" => net.network().cidr().into(),
            "network_netmask" => format!("{} {}", text(net.first()), text(net.mask())).into(),
            "network_wildcard" => format!("{} {}", text(net.first()), text(net.host_mask())).into(),
            "prefix" => i128::from(net.prefix).into(),
            "size" => i128::try_from(net.size()).unwrap_or(i128::MAX).into(),
            "size_usable" => match net.size() {
                1 => 0_i64.into(),
                2 => 2_i64.into(),
                size => i128::try_from(size - 2).unwrap_or(i128::MAX).into(),
            },
            "revdns" => reversed(net).into(),
            "wrap" if net.is_v6 && self.is_network => format!("[{}]/{}", net.ip(), net.prefix).into(),
            "wrap" if net.is_v6 => format!("[{}]", net.ip()).into(),
            "wrap" => self.written.clone(),
            "type" => if net.size() == 1 || net.value != net.first() { "address" } else { "network" }.into(),
            "version" => net.version().into(),
            _ => return None,
        })
    }

    /// What kind of address it is.
    fn kind(&self, query: &str) -> Option<Value> {
        let net = self.net;
        let when = |condition: bool| when(condition, self.written.clone());
        Some(match query {
            "v4" | "ipv4" if !net.is_v6 => self.written.clone(),
            "v4" | "ipv4" => match Ipv6Addr::from(net.value).to_ipv4() {
                Some(address) => {
                    let prefix = net.prefix.saturating_sub(96);
                    format!("{address}/{prefix}").into()
                }
                None => false.into(),
            },
            "v6" | "ipv6" if net.is_v6 => self.written.clone(),
            "v6" | "ipv6" => {
                let address = Ipv4Addr::from(u32::try_from(net.value).unwrap_or_default());
                format!("{}/{}", address.to_ipv6_mapped(), net.prefix + 96).into()
            }
            "6to4" => when(net.is_v6 && net.value >> 112 == 0x2002),
            "link-local" => when(is_link_local(net)),
            "loopback" | "lo" => when(is_loopback(net)),
            "multicast" => when(is_multicast(net)),
            "unicast" => when(!is_multicast(net)),
            "private" => when(is_private(net)),
            "public" => when(!is_multicast(net) && !is_private(net) && !is_loopback(net)),
            _ => return None,
        })
    }

    /// Which other addresses there are in its network.
    fn neighbour(&self, query: &str) -> Option<Answer> {
        const QUERIES: [&str; 6] =
            ["first_usable", "last_usable", "next_usable", "previous_usable", "range_usable", "peer"];
        if !QUERIES.contains(&query) {
            return None;
        }
        let net = self.net;
        if !self.is_network {
            return Some(fail("Not a network address"));
        }
        if query == "peer" {
            return Some(peer(net));
        }
        let Some((first, last)) = net.usable() else { return Some(Ok(Value::NONE)) };
        let inside = |value: Option<u128>| {
            value
                .filter(|value| (first..=last).contains(value))
                .map_or(Value::NONE, |value| net.address(value).into())
        };
        Some(Ok(match query {
            "first_usable" => net.address(first).into(),
            "last_usable" => net.address(last).into(),
            "next_usable" => inside(net.value.checked_add(1)),
            "previous_usable" => inside(net.value.checked_sub(1)),
            _ => format!("{}-{}", net.address(first), net.address(last)).into(),
        }))
    }
}

fn peer(net: Net) -> Answer {
    match (net.size(), net.value % 4) {
        (2, _) => Ok(net.address(net.value ^ 1).into()),
        (4, 0) => fail("Network address of /30 has no peer"),
        (4, 3) => fail("Broadcast address of /30 has no peer"),
        (4, _) => Ok(net.address(net.value ^ 3).into()),
        _ => fail("Not a point-to-point network"),
    }
}

/// Returns the name that the address has in the reverse zones of the DNS.
fn reversed(net: Net) -> String {
    if net.is_v6 {
        let digits: String =
            format!("{:032x}", net.value).chars().rev().flat_map(|digit| [digit, '.']).collect();
        return format!("{digits}ip6.arpa.");
    }
    let mut parts: Vec<String> = net.ip().split('.').map(str::to_owned).collect();
    parts.reverse();
    format!("{}.in-addr.arpa.", parts.join("."))
}

fn within(net: Net, networks: &[&str]) -> bool {
    let host = Net::host(net.value, net.is_v6);
    networks.iter().filter_map(|network| Net::parse(network)).any(|network| network.contains(host))
}

pub(crate) fn is_link_local(net: Net) -> bool {
    within(net, &["169.254.0.0/16", "fe80::/10"])
}

pub(crate) fn is_loopback(net: Net) -> bool {
    within(net, &["127.0.0.0/8", "::1/128"])
}

pub(crate) fn is_multicast(net: Net) -> bool {
    within(net, &["224.0.0.0/4", "ff00::/8"])
}

pub(crate) fn is_private(net: Net) -> bool {
    const PRIVATE: [&str; 7] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    ];
    within(net, &PRIVATE)
}

pub(crate) fn is_reserved(net: Net) -> bool {
    within(net, &["240.0.0.0/4", "::/8", "100::/8", "200::/7", "400::/6", "800::/5", "1000::/4", "4000::/3"])
}
