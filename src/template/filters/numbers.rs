use fancy_regex::Regex;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated};
use crate::value::{Repr, float_repr, float_to_int, int_to_float};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("log", "x base=", log),
    builtin("pow", "x y", pow),
    builtin("root", "x base=", root),
    builtin("human_readable", "size isbits= unit=", human_readable),
    builtin("human_to_bytes", "size default_unit= isbits=", human_to_bytes),
    builtin("filesizeformat", "value binary=", file_size),
];

fn number(given: &Given, at: usize, default: f64) -> Option<f64> {
    match given.given(at) {
        None => Some(default),
        Some(value) => match value.0 {
            Repr::Float(number) => Some(number),
            _ => value.as_int().map(int_to_float),
        },
    }
}

fn log(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let (Some(x), Some(base)) = (number(given, 0, 0.0), number(given, 1, std::f64::consts::E)) else {
        return no_number("log", given);
    };
    if x <= 0.0 || base <= 0.0 {
        return fail("math domain error");
    }
    // Python asks for log10 by name, which is exact for powers of ten.
    let decimal = float_to_int(base) == Some(10);
    Ok(if decimal { x.log10() } else { x.ln() / base.ln() }.into())
}

fn pow(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    match (number(given, 0, 0.0), number(given, 1, 0.0)) {
        (Some(x), Some(y)) if x < 0.0 && y.fract() != 0.0 || x == 0.0 && y < 0.0 => fail("math domain error"),
        (Some(x), Some(y)) => raised(x, y),
        _ => no_number("pow", given),
    }
}

fn raised(x: f64, y: f64) -> Evaluated {
    let power = x.powf(y);
    if power.is_infinite() && x.is_finite() && y.is_finite() {
        fail("math range error")
    } else {
        Ok(power.into())
    }
}

fn root(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    match (number(given, 0, 0.0), number(given, 1, 2.0)) {
        (Some(x), Some(2.0)) if x < 0.0 => fail("root() can only be used on numbers: math domain error"),
        (Some(x), Some(_)) if x < 0.0 => fail("root() can only be used on numbers"),
        (Some(x), Some(2.0)) => Ok(x.sqrt().into()),
        (Some(x), Some(base)) => raised(x, 1.0 / base),
        _ => no_number("root", given),
    }
}

/// Refuses the first argument that is no number.
fn no_number(function: &str, given: &Given) -> Evaluated {
    let at = usize::from(number(given, 0, 0.0).is_some());
    let kind = given.value(at).type_name();
    fail(format!("{function}() can only be used on numbers: must be real number, not {kind}"))
}

/// The sizes that a letter stands for, the largest first.
const UNITS: [(char, i128); 9] = [
    ('Y', 1 << 80),
    ('Z', 1 << 70),
    ('E', 1 << 60),
    ('P', 1 << 50),
    ('T', 1 << 40),
    ('G', 1 << 30),
    ('M', 1 << 20),
    ('K', 1 << 10),
    ('B', 1),
];

fn human_readable(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(size) = number(given, 0, 0.0) else { return fail("human_readable() failed on bad input") };
    let base = if given.flag(1, false) { "bits" } else { "Bytes" };
    let wanted = given.some(2).map(|unit| unit.text().to_uppercase());
    let unit = UNITS.iter().find(|(letter, limit)| match &wanted {
        Some(wanted) => *wanted == letter.to_string(),
        None => size >= int_to_float(*limit),
    });
    let (letter, limit) = unit.copied().unwrap_or(('B', 1));
    let amount = size / int_to_float(limit);
    let suffix =
        if limit == 1 { base.to_owned() } else { format!("{letter}{}", base.get(..1).unwrap_or_default()) };
    Ok(format!("{amount:.2} {suffix}").into())
}

const LONG_NAMES: [(char, &str, &str); 9] = [
    ('B', "byte", "bit"),
    ('K', "kilobyte", "kilobit"),
    ('M', "megabyte", "megabit"),
    ('G', "gigabyte", "gigabit"),
    ('T', "terabyte", "terabit"),
    ('P', "petabyte", "petabit"),
    ('E', "exabyte", "exabit"),
    ('Z', "zetabyte", "zetabit"),
    ('Y', "yottabyte", "yottabit"),
];

fn human_to_bytes(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.text(0);
    let unit = given.some(1).map(Value::text);
    match bytes_of(&text, unit.as_deref(), given.flag(2, false)) {
        Some(bytes) => Ok(bytes.into()),
        None => fail(format!(
            "human_to_bytes() can't interpret the input: human_to_bytes() can't interpret following string: {text}"
        )),
    }
}

fn bytes_of(text: &str, default_unit: Option<&str>, bits: bool) -> Option<i128> {
    let pattern = Regex::new(r"^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$").ok()?;
    let captures = pattern.captures(text).ok()??;
    let number: f64 = captures.get(1)?.as_str().parse().ok()?;
    let unit = captures.get(2).map(|unit| unit.as_str()).or(default_unit);
    let Some(unit) = unit else { return rounded(number) };
    let letter = unit.chars().next()?.to_ascii_uppercase();
    let (_, limit) = UNITS.iter().find(|(known, _)| *known == letter)?;
    if unit.chars().count() > 1 {
        let (_, bytes, bit) = LONG_NAMES.iter().find(|(known, ..)| *known == letter)?;
        let long = if bits { bit } else { bytes };
        let short = match (letter, bits) {
            ('B', true) => "b".to_owned(),
            ('B', false) => "B".to_owned(),
            (_, true) => format!("{letter}b"),
            (_, false) => format!("{letter}B"),
        };
        if unit.to_lowercase() != *long && unit != short {
            return None;
        }
    }
    rounded(number * int_to_float(*limit))
}

fn rounded(number: f64) -> Option<i128> {
    float_to_int(number.round_ties_even())
}

fn file_size(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    let parsed = match &value.0 {
        Repr::Str(text) => crate::value::parse_float(text),
        _ => number(given, 0, 0.0),
    };
    let Some(size) = parsed else {
        return Err(TemplateError::runtime(format!(
            "float() argument must be a string or a real number, not '{}'",
            value.type_name()
        )));
    };
    let binary = given.flag(1, false);
    let base = if binary { 1024.0 } else { 1000.0 };
    if float_to_int(size) == Some(1) {
        return Ok("1 Byte".into());
    }
    if size < base {
        return Ok(format!(
            "{} Bytes",
            float_to_int(size.trunc()).map_or_else(|| float_repr(size), |n| n.to_string())
        )
        .into());
    }
    let names = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    let mut unit = base;
    for (at, name) in names.iter().enumerate() {
        unit *= base;
        if size < unit || at + 1 == names.len() {
            return Ok(format!("{:.1} {name}", base * size / unit).into());
        }
    }
    Ok(Value::NONE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn sizes_and_roots_are_calculated() {
        give(&[
            ("8 | log(2)", json!(3.0)),
            ("100 | log(10)", json!(2.0)),
            ("2 | pow(3)", json!(8.0)),
            ("16 | root", json!(4.0)),
            ("27 | root(3)", json!(3.0)),
            ("1024 | human_readable", json!("1.00 KB")),
            ("10000000 | human_readable", json!("9.54 MB")),
            ("10000000 | human_readable(unit='G')", json!("0.01 GB")),
            ("1024 | human_readable(isbits=true)", json!("1.00 Kb")),
            ("'10M' | human_to_bytes", json!(10_485_760)),
            ("'1.5 GB' | human_to_bytes", json!(1_610_612_736)),
            ("'10' | human_to_bytes('K')", json!(10240)),
            ("'10Kb' | human_to_bytes(isbits=true)", json!(10240)),
            ("1 | filesizeformat", json!("1 Byte")),
            ("1000000 | filesizeformat", json!("1.0 MB")),
            ("2048 | filesizeformat(true)", json!("2.0 KiB")),
        ]);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        refuse(&[(
            "'x' | human_to_bytes",
            "The filter plugin 'ansible.builtin.human_to_bytes' failed: human_to_bytes() can't interpret the input: human_to_bytes() can't interpret following string: x",
        )]);
    }
}
