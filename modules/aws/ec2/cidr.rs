use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses, without host bits: what AWS makes of `10.0.3.7/16` as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: IpAddr,
    length: u8,
}

impl Cidr {
    /// Reads a block; a single address is the block of that one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) =
            text.trim().split_once('/').map_or((text.trim(), None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(width), |length| length.parse().ok())?;
        (length <= width).then(|| Self { first: network(address, length), length })
    }

    pub(crate) fn is_v6(&self) -> bool {
        self.first.is_ipv6()
    }

    /// Returns whether all of the other block lies in this one.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.length <= other.length
            && self.is_v6() == other.is_v6()
            && network(other.first, self.length) == self.first
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

/// Returns a block as AWS writes it; what is none (an unknown one) stays as it is.
pub(crate) fn normal(text: &str) -> String {
    Cidr::parse(text).map_or_else(|| text.to_owned(), |cidr| cidr.to_string())
}

fn network(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn host_bits_and_spelling_make_no_difference() {
        for (given, shown) in [
            ("10.20.3.7/16", "10.20.0.0/16"),
            ("1.2.3.4", "1.2.3.4/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::1/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("not known yet", "not known yet"),
            ("10.0.0.0/33", "10.0.0.0/33"),
        ] {
            assert_eq!(normal(given), shown);
        }
    }

    #[test]
    fn blocks_contain_and_overlap_each_other() {
        let vpc = cidr("10.20.0.0/16");
        assert!(vpc.contains(&cidr("10.20.16.0/20")) && !vpc.contains(&cidr("10.21.0.0/20")));
        assert!(!cidr("10.20.16.0/20").contains(&vpc) && cidr("10.20.16.0/20").overlaps(&vpc));
        assert!(!cidr("10.20.0.0/20").overlaps(&cidr("10.20.16.0/20")));
        assert!(!cidr("::/0").overlaps(&vpc));
    }
}
