//! Addresses and routes as the kernel tells them over its own socket: what `ip address` and `ip route` read as well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_DONE: u16 = 3;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_MULTI: u16 = 2;
const NLM_F_DUMP: u16 = 0x300;
const IFA_F_SECONDARY: u8 = 1;
const RT_TABLE_LOCAL: u8 = 255;
const RTN_LOCAL: u8 = 2;

/// An address of an interface.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) interface: u32,
    pub(super) ip: IpAddr,
    pub(super) prefix: u8,
    pub(super) scope: u8,
    pub(super) secondary: bool,
    pub(super) broadcast: Option<IpAddr>,
    /// The name it goes by, which is the interface's unless someone named it (`eth0:1`).
    pub(super) label: Option<String>,
}

/// The way to somewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) interface: Option<u32>,
    pub(super) gateway: Option<IpAddr>,
    /// The address that packets are sent from.
    pub(super) source: Option<IpAddr>,
    /// What it leads to, with the length of its prefix.
    pub(super) target: Option<(IpAddr, u8)>,
    table: u8,
    kind: u8,
}

/// Returns the addresses of all interfaces.
pub(super) fn addresses() -> Vec<Address> {
    let body = [0; 8];
    ask(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &body)
        .iter()
        .filter_map(|(kind, body)| address(*kind, body))
        .collect()
}

/// Returns the way to an address.
pub(super) fn way_to(target: IpAddr) -> Option<Route> {
    let octets = octets(target);
    let mut body = vec![family(target), u8::try_from(octets.len() * 8).ok()?];
    body.resize(12, 0);
    let length = u16::try_from(4 + octets.len()).ok()?;
    body.extend(length.to_ne_bytes());
    body.extend(1_u16.to_ne_bytes());
    body.extend(octets);
    let answer = ask(RTM_GETROUTE, NLM_F_REQUEST, &body);
    answer.iter().find_map(|(kind, body)| route(*kind, body))
}

/// Returns the prefixes that end on this machine.
pub(super) fn local() -> Vec<(IpAddr, u8)> {
    let dump = |family: u8| {
        let body = [family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        ask(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, &body)
    };
    let answers =
        [family(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), family(IpAddr::V6(Ipv6Addr::UNSPECIFIED))].map(dump);
    let routes = answers.iter().flatten().filter_map(|(kind, body)| route(*kind, body));
    routes
        .filter(|it| it.table == RT_TABLE_LOCAL && it.kind == RTN_LOCAL)
        .filter_map(|it| it.target)
        .collect()
}

fn family(address: IpAddr) -> u8 {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    u8::try_from(family.as_raw()).unwrap_or_default()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Asks the kernel and returns the kinds and bodies of its answers; none where it does not answer.
fn ask(kind: u16, flags: u16, body: &[u8]) -> Vec<(u16, Vec<u8>)> {
    exchange(kind, flags, body).unwrap_or_default()
}

fn exchange(kind: u16, flags: u16, body: &[u8]) -> rustix::io::Result<Vec<(u16, Vec<u8>)>> {
    // Protocol 0 is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut message = u32::try_from(16 + body.len()).unwrap_or_default().to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    send(&socket, &message, SendFlags::empty())?;
    let mut answers = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, _) = recv(&socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        let mut read = messages(buffer.get(..length).unwrap_or_default());
        let more = read.last().is_some_and(|message| message.multi && message.kind != NLMSG_DONE);
        read.retain(|message| message.kind != NLMSG_DONE && message.kind != NLMSG_ERROR);
        answers.extend(read.into_iter().map(|message| (message.kind, message.body)));
        if !more {
            return Ok(answers);
        }
    }
}

struct Message {
    kind: u16,
    multi: bool,
    body: Vec<u8>,
}

fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut found = Vec::new();
    while let Some(length) = number(bytes, 0).and_then(|length| usize::try_from(length).ok()) {
        let (Some(kind), Some(flags), Some(body)) = (half(bytes, 4), half(bytes, 6), bytes.get(16..length))
        else {
            break;
        };
        found.push(Message { kind, multi: flags & NLM_F_MULTI != 0, body: body.to_vec() });
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    found
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Returns the attributes that follow a body's fixed part.
fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let (Some(length), Some(kind)) = (half(bytes, 0).map(usize::from), half(bytes, 2)) {
        let Some(value) = bytes.get(4..length) else { break };
        found.push((kind, value));
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    found
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let four = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four().or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

fn address(kind: u16, body: &[u8]) -> Option<Address> {
    let [_, prefix, flags, scope, ..] = *body else { return None };
    let attributes = attributes(body.get(8..)?);
    let of = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    let (other, own) = (of(1).and_then(ip), of(2).and_then(ip));
    let address = own.or(other).filter(|_| kind == RTM_NEWADDR)?;
    // With a peer on the other side the prefix is the peer's.
    let whole = u8::try_from(octets(address).len() * 8).ok()?;
    let alone = address.is_ipv4() && other.is_some_and(|other| other != address);
    let label = of(3).map(|text| String::from_utf8_lossy(text).trim_end_matches('\0').to_owned());
    Some(Address {
        interface: number(body, 4)?,
        ip: address,
        prefix: if alone { whole } else { prefix },
        scope,
        secondary: flags & IFA_F_SECONDARY != 0,
        broadcast: of(4).and_then(ip),
        label,
    })
}

fn route(kind: u16, body: &[u8]) -> Option<Route> {
    let [family, prefix, _, _, table, _, _, route_kind, ..] = *body else { return None };
    let attributes = attributes(body.get(12..)?);
    let of = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    (kind == RTM_NEWROUTE && family != 0).then(|| Route {
        interface: of(4).and_then(|value| number(value, 0)),
        gateway: of(5).and_then(ip),
        source: of(7).and_then(ip),
        target: of(1).and_then(ip).map(|target| (target, prefix)),
        table,
        kind: route_kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    #[test]
    fn an_address_is_read_with_its_label_and_broadcast() {
        let mut body = vec![2, 24, 1, 0, 2, 0, 0, 0];
        body.extend(attribute(1, &[192, 0, 2, 7]));
        body.extend(attribute(2, &[192, 0, 2, 7]));
        body.extend(attribute(4, &[192, 0, 2, 255]));
        body.extend(attribute(3, b"eth0:1\0"));
        let address = address(RTM_NEWADDR, &body).unwrap();
        assert_eq!(address.interface, u32::from_ne_bytes([2, 0, 0, 0]));
        assert_eq!(
            (address.ip.to_string().as_str(), address.prefix, address.secondary),
            ("192.0.2.7", 24, true)
        );
        assert_eq!(address.broadcast.unwrap().to_string(), "192.0.2.255");
        assert_eq!(address.label.as_deref(), Some("eth0:1"));
    }

    #[test]
    fn an_address_with_a_peer_stands_alone() {
        let mut body = vec![2, 30, 0, 0, 3, 0, 0, 0];
        body.extend(attribute(1, &[10, 0, 0, 2]));
        body.extend(attribute(2, &[10, 0, 0, 1]));
        let address = address(RTM_NEWADDR, &body).unwrap();
        assert_eq!((address.ip.to_string().as_str(), address.prefix), ("10.0.0.1", 32));
    }

    #[test]
    fn what_is_cut_short_is_not_read() {
        assert!(messages(&[255, 0, 0, 0, 20, 0]).is_empty());
        assert!(attributes(&[9, 0, 1, 0, 1]).is_empty());
        assert_eq!(address(RTM_NEWADDR, &[2, 24]), None);
    }

    #[test]
    fn the_kernel_knows_its_loopback() {
        let addresses = addresses();
        assert!(addresses.iter().any(|it| it.ip == IpAddr::V4(Ipv4Addr::LOCALHOST)), "{addresses:?}");
        let way = way_to(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        assert_eq!(way.source, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(local().contains(&(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)));
    }
}
