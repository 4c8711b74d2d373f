//! The addresses of ansible.utils: `ipaddr` and its relatives, as `netaddr` calculates.

mod mac;
mod net;
mod query;
mod subnet;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::Repr;
use crate::{TemplateError, Value};

pub(crate) use mac::bytes as mac_bytes;
pub(crate) use net::Net;
use net::merged;
use query::Asked;
pub(crate) use query::{is_link_local, is_loopback, is_multicast, is_private, is_reserved};

const UTILS: &str = "ansible.utils";

pub(super) const FILTERS: &[Builtin] = &[
    builtin("ipaddr", "value query= version=", |_, given| ask(given, "ipaddr", None)).of(UTILS),
    builtin("ipv4", "value query=", |_, given| ask(given, "ipv4", Some(4))).of(UTILS),
    builtin("ipv6", "value query=", |_, given| ask(given, "ipv6", Some(6))).of(UTILS),
    builtin("ipwrap", "value query=", wrap).of(UTILS),
    builtin("ipmath", "value amount", math).of(UTILS),
    builtin("ip4_hex", "arg delimiter=", hexadecimal).of(UTILS),
    builtin("ipcut", "value amount", cut).of(UTILS),
    builtin("cidr_merge", "value action=", merge).of(UTILS),
    builtin("nthhost", "value query=", subnet::nth_host).of(UTILS),
    builtin("next_nth_usable", "value offset", |_, given| subnet::nth_usable(given, 1)).of(UTILS),
    builtin("previous_nth_usable", "value offset", |_, given| subnet::nth_usable(given, -1)).of(UTILS),
    builtin("ipsubnet", "value query= index=", subnet::subnet).of(UTILS),
    builtin("network_in_network", "value test", |_, given| subnet::inside(given, false)).of(UTILS),
    builtin("network_in_usable", "value test", |_, given| subnet::inside(given, true)).of(UTILS),
    builtin("reduce_on_network", "value network", subnet::reduce).of(UTILS),
    builtin("usable_range", "ip", subnet::usable_range).of(UTILS),
    builtin("slaac", "value query=", mac::slaac).of(UTILS),
    builtin("hwaddr", "value query= alias=", |cx, given| mac::hardware(cx, given, "hwaddr")).of(UTILS),
    builtin("macaddr", "value query= alias=", |cx, given| mac::hardware(cx, given, "macaddr")).of(UTILS),
];

/// Reads an address as `ipaddr` takes it: a text, a number, or a number with a prefix.
fn asked(value: &Value, version: Option<i64>) -> Option<Asked> {
    let text = value.text();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u128 = text.parse().ok()?;
        let is_v6 = version == Some(6) || number > u32::MAX.into();
        let net = Net::host(number, is_v6);
        return Some(Asked { net, is_network: true, written: net.cidr().into() })
            .map(|asked| Asked { is_network: false, ..asked });
    }
    if let Some(net) = Net::parse(&text) {
        return Some(Asked { net, is_network: text.contains('/'), written: value.clone() });
    }
    let (number, prefix) = text.split_once('/')?;
    let (number, prefix): (u128, u32) = (number.parse().ok()?, prefix.parse().ok()?);
    let net = Net { prefix, ..Net::host(number, number > u32::MAX.into()) };
    (prefix <= net.width()).then(|| Asked { net, is_network: true, written: net.cidr().into() })
}

fn ask(given: &Given, alias: &str, version: Option<i64>) -> Evaluated {
    let version = version.or_else(|| given.some(2).and_then(Value::as_i64));
    about(given.value(0), &given.text_or(1, ""), version, alias)
}

fn about(value: &Value, query: &str, version: Option<i64>, alias: &str) -> Evaluated {
    if let Some(items) = value.as_items() {
        let mut answers = Vec::new();
        for item in items {
            let answer = about(item, query, version, alias)?;
            if answer.is_truthy() {
                answers.push(answer);
            }
        }
        return Ok(answers.into());
    }
    if !value.is_truthy() || value.as_bool().is_some() {
        return Ok(false.into());
    }
    let Some(asked) = asked(value, version) else { return Ok(false.into()) };
    if version.is_some_and(|version| version != asked.net.version()) {
        return Ok(false.into());
    }
    if let Some(answer) = asked.answer(query) {
        return answer;
    }
    let net = asked.net;
    if let Ok(index) = query.parse::<i128>() {
        return Ok(match net.size() {
            1 if asked.is_network => net.cidr().into(),
            1 => net.ip().into(),
            _ => match net.nth(index) {
                Some(value) => format!("{}/{}", net.address(value), net.prefix).into(),
                None => false.into(),
            },
        });
    }
    match Net::parse(query) {
        Some(network) if network.contains(net) => Ok(asked.written),
        Some(_) => Ok(Value::NONE),
        None => fail(format!("{alias}: unknown filter type: {query}")),
    }
}

fn wrap(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let query = given.text_or(1, "");
    let wrapped = |value: &Value| -> Evaluated {
        let known = about(value, &query, None, "ipwrap")?;
        if known.is_truthy() { about(&known, "wrap", None, "ipwrap") } else { Ok(value.clone()) }
    };
    match given.value(0).as_items() {
        Some(items) => items.iter().map(wrapped).collect::<Result<Vec<_>, _>>().map(Value::from),
        None => wrapped(given.value(0)),
    }
}

fn parsed(value: &Value, alias: &str) -> Result<Net, TemplateError> {
    let text = value.text();
    Net::parse(&text).ok_or_else(|| {
        TemplateError::runtime(format!("{alias}: '{text}' does not appear to be an address or network"))
    })
}

fn math(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let net = parsed(given.value(0), "ipmath")?;
    let Some(amount) = given.value(1).as_int() else {
        return fail(format!(
            "You must pass an integer for arithmetic; {} is not a valid integer",
            given.text(1)
        ));
    };
    let sum = if amount < 0 {
        net.value.checked_sub(amount.unsigned_abs())
    } else {
        net.value.checked_add(amount.unsigned_abs())
    };
    match sum.filter(|sum| net.is_v6 || *sum <= u32::MAX.into()) {
        Some(sum) => Ok(net.address(sum).into()),
        None => fail(format!("{} and {amount} make no address", net.ip())),
    }
}

fn hexadecimal(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let net = parsed(given.value(0), "ip4_hex")?;
    let bytes: Vec<String> = net
        .ip()
        .split('.')
        .filter_map(|part| part.parse::<u8>().ok())
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(bytes.join(&given.text_or(1, "")).into())
}

/// Returns the first bits of an address of version 6, or the last ones where their number is negative.
fn cut(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let net = parsed(given.value(0), "ipcut")?;
    let amount = given.int(1, 0)?;
    let bits = u32::try_from(amount.unsigned_abs()).unwrap_or(128);
    if !net.is_v6 || bits > 128 || !bits.is_multiple_of(16) {
        return fail("ipcut takes an address of IPv6 and a multiple of 16");
    }
    let groups: Vec<String> =
        (0..8_u32).map(|at| format!("{:x}", net.value >> (112 - 16 * at) & 0xffff)).collect();
    let count = (bits / 16) as usize;
    let groups = if amount < 0 { groups.get(8 - count..) } else { groups.get(..count) };
    Ok(groups.unwrap_or_default().join(":").into())
}

fn merge(cx: &Cx<'_>, given: &Given) -> Evaluated {
    if !matches!(given.value(0).0, Repr::List(_) | Repr::Tuple(_)) {
        return fail(format!("cidr_merge: expected iterable, got {}", given.value(0).repr()));
    }
    let items = given.items(cx, 0)?;
    let nets: Vec<Net> = items.iter().map(|item| parsed(item, "cidr_merge")).collect::<Result<_, _>>()?;
    match given.text_or(1, "merge").as_str() {
        "merge" => Ok(merged(nets).iter().map(|net| Value::from(net.cidr())).collect()),
        "span" => Ok(match nets.iter().copied().reduce(Net::spanning) {
            Some(net) => net.network().cidr().into(),
            None => Value::NONE,
        }),
        other => fail(format!("cidr_merge: invalid action '{other}'")),
    }
}

#[cfg(test)]
mod tests;
