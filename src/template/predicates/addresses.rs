//! What an address is, as the tests of ansible.utils ask.

use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::filters::{Net, is_link_local, is_loopback, is_multicast, is_private, is_reserved, mac_bytes};

const UTILS: &str = "ansible.utils";

pub(super) const TESTS: &[Builtin] = &[
    builtin("ip", "ip", |_, given| Ok(network(given.value(0)).is_some().into())).of(UTILS),
    builtin("ip_address", "ip", |_, given| is_address(given, |_| true)).of(UTILS),
    builtin("ipv4", "ip", |_, given| is_network(given, |net| !net.is_v6)).of(UTILS),
    builtin("ipv6", "ip", |_, given| is_network(given, |net| net.is_v6)).of(UTILS),
    builtin("ipv4_address", "ip", |_, given| is_address(given, |net| !net.is_v6)).of(UTILS),
    builtin("ipv6_address", "ip", |_, given| is_address(given, |net| net.is_v6)).of(UTILS),
    builtin("ipv4_netmask", "mask", |_, given| is_address(given, |net| is_mask(net, net.value))).of(UTILS),
    builtin("ipv4_hostmask", "mask", |_, given| {
        is_address(given, |net| is_mask(net, !net.value & u128::from(u32::MAX)))
    })
    .of(UTILS),
    builtin("loopback", "ip", |_, given| is_address(given, is_loopback)).of(UTILS),
    builtin("multicast", "ip", |_, given| is_address(given, is_multicast)).of(UTILS),
    builtin("private", "ip", |_, given| is_address(given, |net| is_private(net) || is_loopback(net)))
        .of(UTILS),
    builtin("public", "ip", |_, given| {
        is_address(given, |net| {
            !(is_private(net)
                || is_loopback(net)
                || is_multicast(net)
                || is_reserved(net)
                || is_link_local(net))
        })
    })
    .of(UTILS),
    builtin("reserved", "ip", |_, given| is_address(given, is_reserved)).of(UTILS),
    builtin("unspecified", "ip", |_, given| is_address(given, |net| net.value == 0)).of(UTILS),
    builtin("in_network", "ip network", |_, given| Ok(inside(given.value(0), given.value(1)).into()))
        .of(UTILS),
    builtin("in_any_network", "ip networks", in_any_network).of(UTILS),
    builtin("in_one_network", "ip networks", |cx, given| {
        let networks = given.items(cx, 1)?;
        Ok((networks.iter().filter(|network| inside(given.value(0), network)).count() == 1).into())
    })
    .of(UTILS),
    builtin("subnet_of", "network_a network_b", |_, given| Ok(inside(given.value(0), given.value(1)).into()))
        .of(UTILS),
    builtin("supernet_of", "network_a network_b", |_, given| {
        Ok(inside(given.value(1), given.value(0)).into())
    })
    .of(UTILS),
    builtin("mac", "mac", |_, given| Ok(mac_bytes(&given.text(0)).is_some().into())).of(UTILS),
];

/// Returns a network whose address is its first one.
fn network(value: &Value) -> Option<Net> {
    Net::parse(&value.text()).filter(|net| net.value == net.first())
}

fn is_network(given: &Given, test: impl Fn(Net) -> bool) -> Evaluated {
    Ok(network(given.value(0)).is_some_and(test).into())
}

fn is_address(given: &Given, test: impl Fn(Net) -> bool) -> Evaluated {
    let written = given.text(0);
    let net = Net::parse(&written).filter(|_| !written.contains('/'));
    Ok(net.is_some_and(test).into())
}

/// Returns whether all ones stand before all zeros.
fn is_mask(net: Net, mask: u128) -> bool {
    let rest = !mask & u128::from(u32::MAX);
    !net.is_v6 && rest & (rest + 1) == 0
}

fn inside(inner: &Value, outer: &Value) -> bool {
    let (Some(inner), Some(outer)) = (Net::parse(&inner.text()), Net::parse(&outer.text())) else {
        return false;
    };
    outer.contains(inner)
}

fn in_any_network(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let networks = given.items(cx, 1)?;
    Ok(networks.iter().any(|network| inside(given.value(0), network)).into())
}
