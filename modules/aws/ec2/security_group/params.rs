//! How a playbook writes rules: Ansible's form, with lists of ports and of other sides.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rplay_aws::AwsParams;
use rplay_module::unknown::{self, Cause};
use rplay_module::{Params, Result};

use super::rule::{Direction, Group, Known, Peer, Ports, Rule, Rules, ports, protocol};
use crate::cidr::Cidr;
use crate::presence::Presence;
use crate::refusals::wrong;

/// Keeps a security group and its rules.
#[derive(Clone, Debug, Params)]
#[params(
    required_if(state = "present", needs("description")),
    required_one_of("vpc", "vpc_id"),
    mutually_exclusive("vpc", "vpc_id")
)]
pub(crate) struct SecurityGroupParams {
    /// The group's name, one of its kind in the VPC.
    #[param(identity)]
    pub(crate) name: String,
    /// What the group is for. Cannot be changed in place: another one replaces the group, which is refused while anything
    /// uses it. May only be omitted with `state: absent`.
    pub(crate) description: Option<String>,
    /// The name of its VPC: the tag `Name`.
    #[param(identity)]
    pub(crate) vpc: Option<String>,
    /// The id of its VPC, in place of `vpc`.
    #[param(identity)]
    pub(crate) vpc_id: Option<String>,
    /// Who may reach what is in the group. Omitted: the rules are left alone; a new group lets nobody in.
    pub(crate) rules: Option<Vec<RuleOptions>>,
    /// Whom what is in the group may reach. Omitted: the rules are left alone; from a new group everything may go out.
    #[param(alias = "egress_rules")]
    pub(crate) rules_egress: Option<Vec<RuleOptions>>,
    /// Whether rules that are not named are removed, where `rules` is given.
    #[param(default = true)]
    pub(crate) purge_rules: bool,
    /// Whether rules that are not named are removed, where `rules_egress` is given.
    #[param(default = true, alias = "purge_egress_rules")]
    pub(crate) purge_rules_egress: bool,
    /// The tags. Omitted: they are left alone.
    #[param(alias = "resource_tags")]
    pub(crate) tags: Option<IndexMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    /// Whether it shall be there.
    #[param(default = "present")]
    pub(crate) state: Presence,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

/// A rule: each of its ports with each of its other sides.
#[derive(Clone, Debug, Params)]
#[params(
    required_one_of("cidr_ip", "cidr_ipv6", "group_id", "group_name", "ip_prefix"),
    required_if(proto = "tcp", any("ports", "from_port", "to_port")),
    required_if(proto = "udp", any("ports", "from_port", "to_port")),
    required_by(icmp_code, needs("icmp_type")),
    mutually_exclusive("ports", "to_port"),
    mutually_exclusive("ports", "from_port"),
    mutually_exclusive("ports", "icmp_type"),
    mutually_exclusive("ports", "icmp_code"),
    mutually_exclusive("icmp_type", "to_port"),
    mutually_exclusive("icmp_code", "to_port"),
    mutually_exclusive("icmp_type", "from_port"),
    mutually_exclusive("icmp_code", "from_port")
)]
pub(crate) struct RuleOptions {
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, another one's number, or `all`.
    #[param(default = "tcp")]
    pub(crate) proto: String,
    /// Ports: a number, a range such as `8000-8010`, or a list of these. Omitted: `from_port` and `to_port`.
    pub(crate) ports: Option<Vec<String>>,
    /// The first port; of ICMP the type. Omitted: `to_port`.
    pub(crate) from_port: Option<i32>,
    /// The last port; of ICMP the code. Omitted: `from_port`, of ICMP every code.
    pub(crate) to_port: Option<i32>,
    /// The ICMP type, -1 for all. Omitted: all.
    pub(crate) icmp_type: Option<i32>,
    /// The ICMP code, -1 for all. Omitted: all.
    pub(crate) icmp_code: Option<i32>,
    /// Blocks of IPv4 addresses. Omitted: none.
    pub(crate) cidr_ip: Option<Vec<String>>,
    /// Blocks of IPv6 addresses. Omitted: none.
    pub(crate) cidr_ipv6: Option<Vec<String>>,
    /// Lists of address blocks by id, such as `pl-63a5400a`. Omitted: none.
    pub(crate) ip_prefix: Option<Vec<String>>,
    /// Groups by id; of another account as `ACCOUNT/sg-…/NAME`. Omitted: none.
    pub(crate) group_id: Option<Vec<String>>,
    /// Groups of the same VPC by name; the group's own name is itself. Each must be there: its task stands before this one.
    /// Omitted: none.
    pub(crate) group_name: Option<Vec<String>>,
    /// What the rule is for. Omitted: it is left alone; none for a rule that is added.
    pub(crate) rule_desc: Option<String>,
}

impl SecurityGroupParams {
    /// Returns what the address has before the group's name: the VPC's name, or its id where the playbook gives that.
    pub(crate) fn scope(&self) -> &str {
        self.vpc.as_deref().or(self.vpc_id.as_deref()).unwrap_or_default()
    }

    /// Returns the names of other groups that rules mention.
    pub(crate) fn mentioned(&self) -> BTreeSet<&str> {
        let rules = self.rules.iter().chain(&self.rules_egress).flatten();
        let names = rules.flat_map(|rule| rule.group_name.iter().flatten()).map(String::as_str);
        names.filter(|name| *name != self.name).collect()
    }
}

/// What rules are read with.
pub(crate) struct Reading<'a> {
    pub(crate) own_name: &'a str,
    pub(crate) known: Known<'a>,
}

impl Reading<'_> {
    /// Returns the rules that are asked for, with their descriptions where they are given.
    pub(crate) fn rules(
        &self,
        list: &str,
        options: &[RuleOptions],
    ) -> Result<BTreeMap<Rule, Option<String>>> {
        let mut rules = BTreeMap::new();
        for (at, options) in options.iter().enumerate() {
            let path = format!("{list}[{at}]");
            let protocol = protocol(&options.proto);
            let peers = self.peers(&path, options)?;
            for given in options.port_ranges(&path, &protocol)? {
                for peer in &peers {
                    let ports = ports(&protocol, given.clone());
                    let rule = Rule { protocol: protocol.clone(), ports, peer: peer.clone() };
                    rules.insert(rule, options.rule_desc.clone());
                }
            }
        }
        Ok(rules)
    }

    fn peers(&self, path: &str, options: &RuleOptions) -> Result<Vec<Peer>> {
        let mut peers = Vec::new();
        for (at, text) in options.cidr_ip.iter().flatten().enumerate() {
            peers.push(Peer::V4(block(&format!("{path}.cidr_ip[{at}]"), text, false)?));
        }
        for (at, text) in options.cidr_ipv6.iter().flatten().enumerate() {
            peers.push(Peer::V6(block(&format!("{path}.cidr_ipv6[{at}]"), text, true)?));
        }
        for (at, text) in options.group_id.iter().flatten().enumerate() {
            peers.push(self.group(&format!("{path}.group_id[{at}]"), text)?);
        }
        peers.extend(options.ip_prefix.iter().flatten().map(|id| Peer::PrefixList(id.clone())));
        peers.extend(options.group_name.iter().flatten().map(|name| self.named(name)));
        Ok(peers)
    }

    fn named(&self, name: &str) -> Peer {
        if name == self.own_name {
            return Peer::Itself;
        }
        match self.known.names.get(name) {
            Some(id) => Peer::Group(Group { id: id.clone(), owner: None, name: Some(name.to_owned()) }),
            None => Peer::Nobody(name.to_owned()),
        }
    }

    /// Reads `sg-1`, `123456789012/sg-1` and `123456789012/sg-1/name`.
    fn group(&self, path: &str, text: &str) -> Result<Peer> {
        if unknown::is_unknown(text) {
            return Ok(self.known.peer(text, None));
        }
        let parts: Vec<&str> = text.trim().split('/').collect();
        match parts.as_slice() {
            [id] if id.starts_with("sg-") => Ok(self.known.peer(id, None)),
            [account, id] | [account, id, _] if id.starts_with("sg-") => {
                Ok(self.known.peer(id, Some(account)))
            }
            _ => Err(wrong(path, format!("{text} is no group's id such as sg-0123 or 123456789012/sg-0123"))),
        }
    }
}

impl RuleOptions {
    fn port_ranges(&self, path: &str, protocol: &str) -> Result<Vec<Ports>> {
        let icmp = protocol.starts_with("icmp");
        if (self.icmp_type.is_some() || self.icmp_code.is_some()) && !icmp {
            return Err(wrong(path, "Specify proto: icmp or icmpv6 when using icmp_type/icmp_code"));
        }
        if let Some(listed) = &self.ports {
            let ranges = listed.iter().enumerate();
            return ranges.map(|(at, text)| range(&format!("{path}.ports[{at}]"), text)).collect();
        }
        let (first, last) = if self.icmp_type.is_some() {
            (self.icmp_type, self.icmp_code)
        } else {
            (self.from_port, self.to_port)
        };
        Ok(vec![match (first, last) {
            (Some(from), Some(to)) => Ports::Range(from, to),
            (Some(kind), None) if icmp => Ports::Range(kind, -1),
            (Some(port), None) | (None, Some(port)) => Ports::Range(port, port),
            // A number that is not known before the run counts as omitted, and is needed: it will be there.
            (None, None) if matches!(protocol, "tcp" | "udp") => {
                Ports::Unknown(unknown::marker(Cause::Open, "ports"))
            }
            (None, None) => Ports::None,
        }])
    }
}

fn range(path: &str, text: &str) -> Result<Ports> {
    if unknown::is_unknown(text) {
        return Ok(Ports::Unknown(text.to_owned()));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.trim().parse::<u16>().ok().map(i32::from);
    match (port(from), port(to)) {
        (Some(from), Some(to)) => Ok(Ports::Range(from.min(to), from.max(to))),
        _ => Err(wrong(path, format!("{text} is no port (0 to 65535) and no range such as 8000-8010"))),
    }
}

fn block(path: &str, text: &str, v6: bool) -> Result<String> {
    if unknown::is_unknown(text) {
        return Ok(text.to_owned());
    }
    let read = Cidr::parse(text).filter(|cidr| cidr.is_v6() == v6);
    let example =
        if v6 { "IPv6 addresses such as 2001:db8::/32" } else { "IPv4 addresses such as 10.0.0.0/8" };
    read.map(|cidr| cidr.to_string()).ok_or_else(|| wrong(path, format!("{text} is no block of {example}")))
}

/// Returns the rules as they shall be.
pub(crate) fn desired(
    direction: Direction,
    asked: Option<BTreeMap<Rule, Option<String>>>,
    purge: bool,
    have: &Rules,
) -> Rules {
    let Some(asked) = asked else { return have.clone() };
    let mut rules = if purge { Rules::new(direction) } else { have.clone() };
    for (rule, description) in asked {
        let description = description.or_else(|| have.list.get(&rule).cloned()).unwrap_or_default();
        // The key as well: it knows what the playbook calls the group.
        rules.list.remove(&rule);
        rules.list.insert(rule, description);
    }
    rules
}
