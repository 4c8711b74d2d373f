//! The connections of a port, as the kernel lists them under `/proc/net`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Returns the kernel's number for a state's name.
pub(super) fn code(state: &str) -> Option<&'static str> {
    match state {
        "ESTABLISHED" => Some("01"),
        "SYN_SENT" => Some("02"),
        "SYN_RECV" => Some("03"),
        "FIN_WAIT1" => Some("04"),
        "FIN_WAIT2" => Some("05"),
        "TIME_WAIT" => Some("06"),
        _ => None,
    }
}

/// Counts the connections of a local port in one of the states, on one of our addresses, from others than the excluded.
pub(super) fn active(port: u16, states: &[String], ours: &[SocketAddr], excluded: &[SocketAddr]) -> usize {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.iter().filter_map(|table| std::fs::read_to_string(table).ok());
    tables.map(|table| count(&table, port, states, ours, excluded)).sum()
}

fn count(table: &str, port: u16, states: &[String], ours: &[SocketAddr], excluded: &[SocketAddr]) -> usize {
    let codes: Vec<&str> = states.iter().filter_map(|state| code(state)).collect();
    let any = ours.iter().any(|address| address.ip().is_unspecified());
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields.get(3).filter(|state| codes.contains(*state))?;
            Some((end(fields.get(1)?)?, end(fields.get(2)?)?))
        })
        .filter(|(local, remote)| {
            let is = |list: &[SocketAddr], ip: IpAddr| {
                list.iter().any(|address| address.ip().to_canonical() == ip)
            };
            local.1 == port && !is(excluded, remote.0) && (any || is(ours, local.0))
        })
        .count()
}

/// Reads `0100007F:1F90`: the address in words of the machine's byte order, the port.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let words: Vec<[u8; 4]> = (0..address.len() / 8)
        .map(|at| address.get(at * 8..at * 8 + 8))
        .map(|word| u32::from_str_radix(word?, 16).ok().map(u32::to_ne_bytes))
        .collect::<Option<_>>()?;
    let address = match words.as_slice() {
        [four] => IpAddr::from(Ipv4Addr::from(*four)),
        sixteen => IpAddr::from(<[u8; 16]>::try_from(sixteen.concat()).ok()?),
    };
    Some((address.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st\n\
        \x20  0: 0100007F:1F90 00000000:0000 0A\n\
        \x20  1: 0100007F:1F90 0100007F:D431 01\n\
        \x20  2: 0100007F:1F91 0100007F:D431 01\n\
        \x20  3: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200007F:D432 06\n";

    fn at(address: &str) -> Vec<SocketAddr> {
        vec![SocketAddr::new(address.parse().unwrap(), 80)]
    }

    #[test]
    fn only_active_connections_of_the_port_count() {
        let all = ["ESTABLISHED".to_owned(), "TIME_WAIT".to_owned()];
        assert_eq!(count(TABLE, 8080, &all, &at("127.0.0.1"), &[]), 2);
        assert_eq!(count(TABLE, 8080, &all[..1], &at("127.0.0.1"), &[]), 1);
        assert_eq!(count(TABLE, 8080, &all, &at("127.0.0.1"), &at("127.0.0.2")), 1);
        assert_eq!(count(TABLE, 8080, &all, &at("10.0.0.1"), &[]), 0);
        assert_eq!(count(TABLE, 8080, &all, &at("0.0.0.0"), &[]), 2);
        assert_eq!(count(TABLE, 8082, &all, &at("127.0.0.1"), &[]), 0);
    }
}
