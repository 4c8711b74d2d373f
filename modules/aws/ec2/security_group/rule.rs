//! A single rule: one protocol, one range of ports, one other side. What EC2 groups into permissions, and what a playbook
//! writes as a list of ports and a list of sources, is taken apart into these, so that a difference names just the rules
//! that differ.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use rplay_client_ec2::sdk::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use rplay_module::Part;
use serde_json::{Map, Value, json};

use crate::cidr;

/// A rule without its description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, another protocol's number, or `-1` for all.
    pub(crate) protocol: String,
    pub(crate) ports: Ports,
    pub(crate) peer: Peer,
}

/// Ports; of ICMP type and code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ports {
    /// The protocol has none.
    None,
    Range(i32, i32),
    /// Not known before the run.
    Unknown(String),
}

/// The other side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// The group that has the rule.
    Itself,
    V4(String),
    V6(String),
    PrefixList(String),
    Group(Group),
    /// A group that is called so and does not exist.
    Nobody(String),
}

/// Another group; its id says which.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// The account, where it is another one.
    pub(crate) owner: Option<String>,
    /// What the playbook calls it.
    pub(crate) name: Option<String>,
}

/// The rules of one direction, with their descriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) direction: Direction,
    pub(crate) list: BTreeMap<Rule, String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Direction {
    #[default]
    In,
    Out,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Group {}

impl PartialOrd for Group {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Group {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

/// What a permission's groups are looked up in.
pub(crate) struct Known<'a> {
    /// The group that has the rules.
    pub(crate) own_id: Option<&'a str>,
    pub(crate) own_account: Option<&'a str>,
    /// The ids of groups by the names that the playbook uses.
    pub(crate) names: &'a BTreeMap<String, String>,
}

impl Known<'_> {
    pub(crate) fn peer(&self, id: &str, account: Option<&str>) -> Peer {
        if self.own_id == Some(id) {
            return Peer::Itself;
        }
        let owner = account.filter(|account| self.own_account.is_some_and(|own| own != *account));
        let name = self.names.iter().find(|(_, known)| *known == id).map(|(name, _)| name.clone());
        Peer::Group(Group { id: id.to_owned(), owner: owner.map(str::to_owned), name })
    }
}

/// Returns a protocol as EC2 writes it.
pub(crate) fn protocol(given: &str) -> String {
    let lower = given.trim().to_lowercase();
    match lower.as_str() {
        "all" | "any" => "-1",
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" | "icmp6" => "icmpv6",
        other => other,
    }
    .to_owned()
}

/// Returns the ports as EC2 has them: only four protocols have any, and for ICMP none means all types.
pub(crate) fn ports(protocol: &str, given: Ports) -> Ports {
    match (protocol, given) {
        ("icmp" | "icmpv6", Ports::None) => Ports::Range(-1, -1),
        ("tcp" | "udp" | "icmp" | "icmpv6", given) => given,
        _ => Ports::None,
    }
}

impl Rule {
    fn text(&self, direction: Direction) -> String {
        let protocol = if self.protocol == "-1" { "all" } else { &self.protocol };
        let way = if direction == Direction::In { "from" } else { "to" };
        let ports = match (&self.ports, protocol) {
            (Ports::None | Ports::Range(-1, -1), _) => String::new(),
            (Ports::Range(kind, -1), "icmp" | "icmpv6") => format!(" type {kind}"),
            (Ports::Range(kind, code), "icmp" | "icmpv6") => format!(" type {kind} code {code}"),
            (Ports::Range(from, to), _) if from == to => format!(" {from}"),
            (Ports::Range(from, to), _) => format!(" {from}-{to}"),
            (Ports::Unknown(_), _) => " on unknown ports".to_owned(),
        };
        format!("{protocol}{ports} {way} {}", self.peer)
    }

    /// Returns the rule as a permission of its own.
    pub(crate) fn permission(&self, own_id: &str, description: &str) -> IpPermission {
        let description = (!description.is_empty()).then(|| description.to_owned());
        let permission = IpPermission::builder().ip_protocol(&self.protocol);
        let permission = match self.ports {
            Ports::Range(from, to) => permission.from_port(from).to_port(to),
            Ports::None | Ports::Unknown(_) => permission,
        };
        let group = |id: &str, owner: Option<&String>| {
            let pair = UserIdGroupPair::builder().group_id(id).set_user_id(owner.cloned());
            pair.set_description(description.clone()).build()
        };
        let permission = match &self.peer {
            Peer::V4(cidr) => {
                permission.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(description).build())
            }
            Peer::V6(cidr) => permission
                .ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(description).build()),
            Peer::PrefixList(id) => permission.prefix_list_ids(
                PrefixListId::builder().prefix_list_id(id).set_description(description).build(),
            ),
            Peer::Itself => permission.user_id_group_pairs(group(own_id, None)),
            Peer::Group(peer) => permission.user_id_group_pairs(group(&peer.id, peer.owner.as_ref())),
            Peer::Nobody(_) => permission,
        };
        permission.build()
    }

    fn json(&self, description: &str) -> Value {
        let mut fields = Map::from_iter([
            ("proto".to_owned(), json!(if self.protocol == "-1" { "all" } else { &self.protocol })),
            ("rule_desc".to_owned(), json!(description)),
        ]);
        match &self.ports {
            Ports::Range(from, to) => {
                fields.insert("from_port".to_owned(), json!(from));
                fields.insert("to_port".to_owned(), json!(to));
            }
            Ports::Unknown(marker) => drop(fields.insert("ports".to_owned(), json!(marker))),
            Ports::None => {}
        }
        let (key, value) = match &self.peer {
            Peer::V4(cidr) => ("cidr_ip", cidr.as_str()),
            Peer::V6(cidr) => ("cidr_ipv6", cidr.as_str()),
            Peer::PrefixList(id) => ("ip_prefix", id.as_str()),
            Peer::Group(group) => ("group_id", group.id.as_str()),
            Peer::Itself => ("group_id", "itself"),
            Peer::Nobody(name) => ("group_name", name.as_str()),
        };
        fields.insert(key.to_owned(), json!(value));
        Value::Object(fields)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("itself"),
            Self::V4(text) | Self::V6(text) | Self::PrefixList(text) | Self::Nobody(text) => {
                f.write_str(text)
            }
            Self::Group(Group { name: Some(name), .. }) => f.write_str(name),
            Self::Group(group) => f.write_str(&group.id),
        }
    }
}

impl Rules {
    pub(crate) fn new(direction: Direction) -> Self {
        Self { direction, list: BTreeMap::new() }
    }

    /// Returns the rules of an answer.
    pub(crate) fn of(direction: Direction, permissions: &[IpPermission], known: &Known<'_>) -> Self {
        let mut rules = Self::new(direction);
        for permission in permissions {
            let protocol = protocol(permission.ip_protocol().unwrap_or("-1"));
            let given = match (permission.from_port(), permission.to_port()) {
                (Some(from), Some(to)) => Ports::Range(from, to),
                _ => Ports::None,
            };
            let ports = ports(&protocol, given);
            for (peer, description) in peers(permission, known) {
                let rule = Rule { protocol: protocol.clone(), ports: ports.clone(), peer };
                rules.list.insert(rule, description.unwrap_or_default().to_owned());
            }
        }
        rules
    }

    /// Returns the rules that AWS gives a new group: everything may go out.
    pub(crate) fn everything_out() -> Self {
        let rule =
            Rule { protocol: "-1".to_owned(), ports: Ports::None, peer: Peer::V4("0.0.0.0/0".to_owned()) };
        Self { direction: Direction::Out, list: BTreeMap::from([(rule, String::new())]) }
    }

    /// Returns the rules that are not in the others, whatever their descriptions.
    pub(crate) fn without(&self, others: &Self) -> BTreeMap<&Rule, &str> {
        let missing = self.list.iter().filter(|(rule, _)| !others.list.contains_key(*rule));
        missing.map(|(rule, description)| (rule, description.as_str())).collect()
    }

    /// Returns the rules that are in both and described otherwise in the others.
    pub(crate) fn described_otherwise<'a>(&self, others: &'a Self) -> BTreeMap<&'a Rule, &'a str> {
        let other =
            others.list.iter().filter(|(rule, text)| self.list.get(*rule).is_some_and(|own| own != *text));
        other.map(|(rule, text)| (rule, text.as_str())).collect()
    }

    /// Returns the rules for results, one entry each.
    pub(crate) fn json(&self) -> Value {
        self.list.iter().map(|(rule, description)| rule.json(description)).collect()
    }
}

fn peers<'a>(permission: &'a IpPermission, known: &Known<'_>) -> Vec<(Peer, Option<&'a str>)> {
    let v4 = permission.ip_ranges().iter();
    let v4 = v4.filter_map(|range| Some((Peer::V4(cidr::normal(range.cidr_ip()?)), range.description())));
    let v6 = permission.ipv6_ranges().iter();
    let v6 = v6.filter_map(|range| Some((Peer::V6(cidr::normal(range.cidr_ipv6()?)), range.description())));
    let lists = permission.prefix_list_ids().iter();
    let lists = lists
        .filter_map(|list| Some((Peer::PrefixList(list.prefix_list_id()?.to_owned()), list.description())));
    let groups = permission.user_id_group_pairs().iter();
    let groups =
        groups.filter_map(|pair| Some((known.peer(pair.group_id()?, pair.user_id()), pair.description())));
    v4.chain(v6).chain(lists).chain(groups).collect()
}

/// Shown by rule, so that a difference names the rule; what is told of it: its description and which group is meant.
impl Part for Rules {
    fn shown(&self) -> Option<Value> {
        let shown = self.list.iter().map(|(rule, description)| {
            let mut fields = Map::from_iter([("description".to_owned(), json!(description))]);
            if let Peer::Group(group) = &rule.peer {
                fields.insert("group_id".to_owned(), json!(group.id));
            }
            if let Ports::Unknown(marker) = &rule.ports {
                fields.insert("ports".to_owned(), json!(marker));
            }
            (rule.text(self.direction), Value::Object(fields))
        });
        Some(Value::Object(shown.collect()))
    }

    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: &str, ports: Ports, peer: Peer) -> Rule {
        Rule { protocol: protocol.to_owned(), ports, peer }
    }

    #[test]
    fn a_rule_reads_as_people_say_it() {
        let everywhere = || Peer::V4("0.0.0.0/0".to_owned());
        let lb = Peer::Group(Group { id: "sg-1".to_owned(), owner: None, name: Some("web-lb".to_owned()) });
        for (rule, text) in [
            (rule("tcp", Ports::Range(80, 80), everywhere()), "tcp 80 from 0.0.0.0/0"),
            (rule("tcp", Ports::Range(80, 90), lb), "tcp 80-90 from web-lb"),
            (rule("-1", Ports::None, Peer::Itself), "all from itself"),
            (rule("icmp", Ports::Range(8, -1), everywhere()), "icmp type 8 from 0.0.0.0/0"),
            (rule("icmp", Ports::Range(3, 1), everywhere()), "icmp type 3 code 1 from 0.0.0.0/0"),
            (rule("icmp", Ports::Range(-1, -1), everywhere()), "icmp from 0.0.0.0/0"),
        ] {
            assert_eq!(rule.text(Direction::In), text);
        }
    }

    #[test]
    fn a_protocol_has_one_spelling_and_only_some_have_ports() {
        for (given, known) in
            [("TCP", "tcp"), ("6", "tcp"), ("all", "-1"), ("-1", "-1"), ("58", "icmpv6"), ("50", "50")]
        {
            assert_eq!(protocol(given), known);
        }
        assert_eq!(ports("-1", Ports::Range(1, 2)), Ports::None);
        assert_eq!(ports("icmp", Ports::None), Ports::Range(-1, -1));
    }

    #[test]
    fn what_names_a_group_makes_no_difference_its_id_does() {
        let group = |id: &str, name: Option<&str>| {
            Peer::Group(Group { id: id.to_owned(), owner: None, name: name.map(str::to_owned) })
        };
        assert_eq!(group("sg-1", Some("lb")), group("sg-1", None));
        assert_ne!(group("sg-1", Some("lb")), group("sg-2", Some("lb")));
    }
}
