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
        (Some(x), Some(base)) if x < 0.0 && (1.0 / base).fract() != 0.0 => {
            fail("root() can only be used on numbers: math domain error")
        }
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
    let Some(size) = number(given, 0, 0.0) else {
        let kind = given.value(0).class_name();
        return fail(format!(
            "human_readable() failed on bad input: '>=' not supported between instances of '{kind}' and 'int'"
        ));
    };
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
    bytes_of(&text, unit.as_deref(), given.flag(2, false)).map(Value::from).map_err(|misfit| {
        let told =
            |why: String| format!("human_to_bytes() can't interpret the input: human_to_bytes() {why}");
        match misfit {
            Misfit::Text => TemplateError::runtime(told(format!("can't interpret following string: {text}"))),
            Misfit::Letter(unit) => {
                let known: Vec<String> = UNITS.iter().map(|(letter, _)| letter.to_string()).collect();
                let known = known.join(", ");
                let why =
                    format!("failed to convert {text} (unit = {unit}). The suffix must be one of {known}");
                let inner = TemplateError::runtime(format!("human_to_bytes() {why}")).apart();
                inner.context_unstopped("human_to_bytes() can't interpret the input")
            }
            Misfit::Unit(expected) => TemplateError::runtime(told(format!(
                "failed to convert {text}. Value is not a valid string (expect {expected})"
            ))),
        }
    })
}

/// Why a text is no size.
enum Misfit {
    Text,
    /// No unit begins with the first letter of this one.
    Letter(String),
    /// The unit is none of those that are expected.
    Unit(String),
}

fn bytes_of(text: &str, default_unit: Option<&str>, bits: bool) -> Result<i128, Misfit> {
    let pattern = Regex::new(r"^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$").ok();
    let captures = pattern.and_then(|pattern| pattern.captures(text).ok().flatten()).ok_or(Misfit::Text)?;
    let number = captures.get(1).and_then(|number| number.as_str().parse::<f64>().ok());
    let number = number.ok_or(Misfit::Text)?;
    let unit = captures.get(2).map(|unit| unit.as_str()).or(default_unit);
    let Some(unit) = unit else { return rounded(number).ok_or(Misfit::Text) };
    let letter = unit.chars().next().unwrap_or_default().to_ascii_uppercase();
    let known = UNITS.iter().find(|(known, _)| *known == letter);
    let (_, limit) = known.ok_or_else(|| Misfit::Letter(unit.to_owned()))?;
    if unit.chars().count() > 1 {
        let (_, bytes, bit) = LONG_NAMES.iter().find(|(known, ..)| *known == letter).ok_or(Misfit::Text)?;
        let long = if bits { bit } else { bytes };
        let (class, name) = if bits { ('b', "bit") } else { ('B', "byte") };
        let (short, expected) = match letter {
            'B' => (class.to_string(), format!("{class} or {name}")),
            _ => (format!("{letter}{class}"), format!("{letter}{class} or {letter}")),
        };
        if unit.to_lowercase() != *long && unit != short {
            return Err(Misfit::Unit(expected));
        }
    }
    rounded(number * int_to_float(*limit)).ok_or(Misfit::Text)
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
        if value.is_text() {
            return fail(format!("could not convert string to float: {}", value.repr()));
        }
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
