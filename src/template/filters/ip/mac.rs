//! Hardware addresses.

use super::{Net, asked, fail};
use crate::Value;
use crate::builtin::Given;
use crate::eval::{Cx, Evaluated};

/// Returns the six bytes of an address, in any of the usual notations.
pub(crate) fn bytes(text: &str) -> Option<[u8; 6]> {
    let separators = |c: char| matches!(c, ':' | '-' | '.');
    let digits: String = if text.contains([':', '-']) {
        let parts: Vec<&str> = text.split(separators).collect();
        let width = if parts.len() == 6 { 2 } else { 4 };
        let padded = |part: &&str| format!("{part:0>width$}");
        parts.iter().map(padded).collect::<Vec<_>>().concat()
    } else {
        text.replace('.', "")
    };
    if digits.len() != 12 {
        return None;
    }
    let number = u64::from_str_radix(&digits, 16).ok()?;
    number.to_be_bytes().last_chunk::<6>().copied()
}

fn joined(bytes: [u8; 6], size: usize, between: &str) -> String {
    bytes.chunks(size).map(crate::filters::hex).collect::<Vec<_>>().join(between)
}

pub(super) fn hardware(_cx: &Cx<'_>, given: &Given, alias: &str) -> Evaluated {
    let query = given.text_or(1, "");
    let Some(bytes) = bytes(&given.text(0)) else {
        return match query.as_str() {
            "" | "bool" => Ok(false.into()),
            _ => fail(format!("{alias}: not a hardware address: {}", given.text(0))),
        };
    };
    Ok(match query.as_str() {
        "" => given.value(0).clone(),
        "bool" => true.into(),
        "bare" => joined(bytes, 6, "").into(),
        "cisco" => joined(bytes, 2, ".").into(),
        "int" => bytes.iter().fold(0_i128, |number, byte| number << 8 | i128::from(*byte)).into(),
        "eui48" | "win" => joined(bytes, 1, "-").to_uppercase().into(),
        "linux" | "unix" => joined(bytes, 1, ":").into(),
        "pgsql" | "postgresql" | "psql" => joined(bytes, 3, ":").into(),
        other => return fail(format!("{alias}: unknown filter type: {other}")),
    })
}

/// Returns the address that a host gives itself in a network of version 6.
pub(super) fn slaac(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(asked) = asked(given.value(0), None).filter(|asked| asked.net.is_v6) else {
        return Ok(false.into());
    };
    let Some(bytes) = bytes(&given.text_or(1, "")) else { return Ok(false.into()) };
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // The halves are set apart, and the bit that says that somebody chose it is turned around.
    let own = (number >> 24 << 40 | 0xff_fe00_0000 | number & 0xff_ffff) ^ 1 << 57;
    let net = Net { prefix: 64, ..asked.net };
    Ok(Value::from(net.address(net.first() | u128::from(own))))
}
