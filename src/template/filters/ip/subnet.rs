//! Networks in networks.

use super::{Net, asked, fail, parsed};
use crate::builtin::Given;
use crate::eval::{Cx, Evaluated};
use crate::value::Dict;
use crate::{TemplateError, Value};

/// How many addresses one template may list.
const MOST_LISTED: u128 = 1 << 20;

pub(super) fn nth_host(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(asked) = asked(given.value(0), None) else { return Ok(false.into()) };
    let Ok(index) = given.int(1, 0) else { return Ok(false.into()) };
    Ok(asked.net.nth(index).map_or_else(|| false.into(), |value| asked.net.address(value).into()))
}

/// Returns the address so many places away, if a host may have it.
pub(super) fn nth_usable(given: &Given, direction: i128) -> Evaluated {
    let Some(asked) = asked(given.value(0), None) else { return Ok(false.into()) };
    let net = asked.net;
    let distance = given.int(1, 0)? * direction;
    let Some((first, last)) = net.usable() else { return Ok(false.into()) };
    let place = if distance < 0 {
        net.value.checked_sub(distance.unsigned_abs())
    } else {
        net.value.checked_add(distance.unsigned_abs())
    };
    let place = place.filter(|place| (first..=last).contains(place));
    Ok(place.map_or(Value::NONE, |place| net.address(place).into()))
}

pub(super) fn inside(given: &Given, usable: bool) -> Evaluated {
    let (Some(outer), Some(inner)) = (asked(given.value(0), None), asked(given.value(1), None)) else {
        return Ok(false.into());
    };
    let (outer, inner) = (outer.net, inner.net);
    let (first, last) = if usable { outer.usable() } else { None }.unwrap_or((outer.first(), outer.last()));
    Ok((outer.is_v6 == inner.is_v6 && first <= inner.first() && inner.last() <= last).into())
}

pub(super) fn reduce(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let network = parsed(given.value(1), "reduce_on_network")?;
    let items = given.items(cx, 0)?;
    let fits = |item: &Value| asked(item, None).is_some_and(|asked| network.contains(asked.net));
    Ok(items.into_iter().filter(fits).collect())
}

pub(super) fn usable_range(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let net = parsed(given.value(0), "usable_range")?;
    if net.size() > MOST_LISTED {
        return fail(format!("{} has too many addresses to list", net.cidr()));
    }
    let addresses: Vec<Value> = (net.first()..=net.last()).map(|value| net.address(value).into()).collect();
    let entries = [
        (Value::from("number_of_ips"), addresses.len().into()),
        (Value::from("usable_ips"), addresses.into()),
    ];
    Ok(entries.into_iter().collect::<Dict>().into())
}

/// Divides a network, or says which part of another it is.
pub(super) fn subnet(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(asked) = asked(given.value(0), None) else { return Ok(false.into()) };
    let is_address = asked.net.size() == 1 || asked.net.value != asked.net.first();
    let net = if is_address { Net { ..asked.net } } else { asked.net.network() };
    let query = given.text_or(1, "");
    if query.is_empty() {
        return Ok(net.network().cidr().into());
    }
    let Ok(prefix) = query.parse::<u32>() else { return place_in(net, &query) };
    let index = given.some(2).map(|_| given.int(2, 0)).transpose()?;
    let Some(found) = part(net, prefix, index)? else { return Ok(false.into()) };
    Ok(found)
}

/// Returns the part of that prefix and index, or how many there are; of a single address, the networks around it.
fn part(net: Net, prefix: u32, index: Option<i128>) -> Result<Option<Value>, TemplateError> {
    if net.size() == 1 {
        if prefix >= net.width() {
            return Ok(None);
        }
        let around = (prefix..net.width()).map(|prefix| Net { prefix, ..net }.network()).collect::<Vec<_>>();
        let at = index.unwrap_or(0);
        let at = if at < 0 { at + i128::try_from(around.len()).unwrap_or(0) } else { at };
        let found = usize::try_from(at).ok().and_then(|at| around.get(at));
        return Ok(found.map(|net| net.cidr().into()));
    }
    let Some(count) = net.network().subnets(prefix) else { return Ok(None) };
    let Some(index) = index else { return Ok(Some(count.to_string().into())) };
    let at = if index < 0 { count.checked_sub(index.unsigned_abs()) } else { Some(index.unsigned_abs()) };
    let at = at.filter(|at| *at < count);
    Ok(at.map(|at| net.network().subnet(prefix, at).cidr().into()))
}

fn place_in(net: Net, query: &str) -> Evaluated {
    let Some(outer) = Net::parse(query) else {
        return fail(format!("You must pass a valid subnet or IP address; {query} is invalid"));
    };
    let (outer, net) = (outer.network(), net.network());
    if !outer.contains(net) {
        return fail(format!("{} is not in the subnet {}", net.cidr(), outer.cidr()));
    }
    let bits = net.width() - net.prefix;
    Ok((((net.first() - outer.first()) >> bits) + 1).to_string().into())
}
