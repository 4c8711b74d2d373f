//! Addresses and networks of both versions, as numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Net {
    pub(crate) is_v6: bool,
    pub(crate) value: u128,
    pub(crate) prefix: u32,
}

/// Returns the number of an address, and whether it is of version 6.
pub(crate) fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), false),
        IpAddr::V6(address) => (u128::from(address), true),
    }
}

impl Net {
    pub(crate) fn host(value: u128, is_v6: bool) -> Self {
        Self { is_v6, value, prefix: if is_v6 { 128 } else { 32 } }
    }

    /// Reads `address`, `address/prefix`, `address/netmask`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (value, is_v6) = number(address.parse().ok()?);
        let net = Self::host(value, is_v6);
        let Some(prefix) = prefix else { return Some(net) };
        let length = match prefix.parse::<u32>() {
            Ok(length) => length,
            Err(_) => net.mask_length(number(prefix.parse().ok()?))?,
        };
        (length <= net.width()).then_some(Self { prefix: length, ..net })
    }

    /// Returns the length of a prefix that is written as its mask, or as what the mask leaves.
    fn mask_length(self, (mask, is_v6): (u128, bool)) -> Option<u32> {
        if is_v6 != self.is_v6 {
            return None;
        }
        let all = self.all();
        let length = |mask: u128| {
            let rest = all & !mask;
            (rest & rest.wrapping_add(1) == 0).then(|| mask.count_ones())
        };
        length(mask).or_else(|| length(all & !mask))
    }

    pub(crate) fn width(self) -> u32 {
        if self.is_v6 { 128 } else { 32 }
    }

    fn all(self) -> u128 {
        if self.is_v6 { u128::MAX } else { u32::MAX.into() }
    }

    pub(crate) fn version(self) -> i64 {
        if self.is_v6 { 6 } else { 4 }
    }

    pub(crate) fn host_mask(self) -> u128 {
        self.all().checked_shr(self.prefix).unwrap_or(0)
    }

    pub(crate) fn mask(self) -> u128 {
        self.all() & !self.host_mask()
    }

    pub(crate) fn first(self) -> u128 {
        self.value & self.mask()
    }

    pub(crate) fn last(self) -> u128 {
        self.value | self.host_mask()
    }

    /// Returns how many addresses it has; all of version 6 are one too few.
    pub(crate) fn size(self) -> u128 {
        self.host_mask().saturating_add(1)
    }

    /// Returns the first and last address that a host may have.
    pub(crate) fn usable(self) -> Option<(u128, u128)> {
        match self.size() {
            1 => None,
            2 => Some((self.first(), self.last())),
            _ => Some((self.first() + 1, self.last() - 1)),
        }
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.is_v6 == other.is_v6 && self.first() <= other.first() && other.last() <= self.last()
    }

    pub(crate) fn address(self, value: u128) -> String {
        if self.is_v6 {
            return Ipv6Addr::from(value).to_string();
        }
        Ipv4Addr::from(u32::try_from(value & u128::from(u32::MAX)).unwrap_or_default()).to_string()
    }

    pub(crate) fn ip(self) -> String {
        self.address(self.value)
    }

    /// Returns `address/prefix`.
    pub(crate) fn cidr(self) -> String {
        format!("{}/{}", self.ip(), self.prefix)
    }

    /// Returns the network that the address is in.
    pub(crate) fn network(self) -> Self {
        Self { value: self.first(), ..self }
    }

    /// Returns the address so many places after the first one, or before the end.
    pub(crate) fn nth(self, index: i128) -> Option<u128> {
        let value = if index < 0 {
            self.last().checked_sub(index.unsigned_abs() - 1)?
        } else {
            self.first().checked_add(index.unsigned_abs())?
        };
        (self.first()..=self.last()).contains(&value).then_some(value)
    }

    /// Returns how many networks of that prefix are in this one; none where that is no longer one.
    pub(crate) fn subnets(self, prefix: u32) -> Option<u128> {
        let count = (self.prefix..=self.width()).contains(&prefix).then(|| prefix - self.prefix)?;
        Some(1_u128.checked_shl(count).unwrap_or(u128::MAX))
    }

    /// Returns one of the networks of that prefix in this one.
    pub(crate) fn subnet(self, prefix: u32, at: u128) -> Self {
        let offset = at.checked_shl(self.width() - prefix).unwrap_or(0);
        Self { value: self.first().wrapping_add(offset), prefix, ..self }
    }

    /// Returns the smallest network of both.
    pub(crate) fn spanning(self, other: Self) -> Self {
        let differ = self.first() ^ other.last() | self.first() ^ other.first() | self.last() ^ other.last();
        let same = differ.leading_zeros() - (128 - self.width());
        Self { prefix: same.min(self.prefix).min(other.prefix), ..self }.network()
    }
}

/// Joins networks that lie beside one another, as `netaddr.cidr_merge` does.
pub(crate) fn merged(mut nets: Vec<Net>) -> Vec<Net> {
    nets.iter_mut().for_each(|net| *net = net.network());
    nets.sort_by_key(|net| (net.is_v6, net.value, net.prefix));
    let mut merged: Vec<Net> = Vec::new();
    for net in nets {
        if merged.last().is_some_and(|last| last.contains(net)) {
            continue;
        }
        let mut net = net;
        while let Some(last) = merged.last().copied() {
            let wider = Net { prefix: last.prefix.saturating_sub(1), ..last };
            let joins = last.prefix > 0
                && last.prefix == net.prefix
                && last.is_v6 == net.is_v6
                && wider.first() == last.first()
                && wider.last() == net.last();
            if !joins {
                break;
            }
            merged.pop();
            net = wider;
        }
        merged.push(net);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        Net::parse(text).expect("a network")
    }

    #[test]
    fn networks_know_their_bounds() {
        let small = net("192.168.1.7/24");
        assert_eq!(small.address(small.first()), "192.168.1.0");
        assert_eq!(small.address(small.last()), "192.168.1.255");
        assert_eq!(net("10.0.0.0/255.255.0.0").prefix, 16);
        assert_eq!(net("10.0.0.0/0.0.255.255").prefix, 16);
        assert_eq!(net("::1/128").size(), 1);
        assert_eq!(net("0.0.0.0/0").size(), 1 << 32);
        assert_eq!(net("2001:db8::/32").network().cidr(), "2001:db8::/32");
        assert!(Net::parse("10.0.0.0/33").is_none() && Net::parse("10.0.0").is_none());
    }

    #[test]
    fn neighbours_are_merged_and_spanned() {
        let nets = ["10.0.0.0/24", "10.0.1.0/24", "10.0.0.128/25", "10.0.3.0/24"].map(net).to_vec();
        let texts: Vec<String> = merged(nets).iter().map(|net| net.cidr()).collect();
        assert_eq!(texts, ["10.0.0.0/23", "10.0.3.0/24"]);
        assert_eq!(net("192.168.0.1/32").spanning(net("192.168.0.5/32")).cidr(), "192.168.0.0/29");
    }
}
