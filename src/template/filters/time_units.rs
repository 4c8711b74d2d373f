//! Spans of time in other units, as community.general calculates them.

use super::fail;
use crate::Value;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::Evaluated;

const GENERAL: &str = "community.general";

pub(super) const FILTERS: &[Builtin] = &[
    builtin("to_time_unit", "human_time unit= **", |_, given| in_unit(given, &given.text_or(1, "ms")))
        .of(GENERAL),
    builtin("to_milliseconds", "human_time **", |_, given| in_unit(given, "ms")).of(GENERAL),
    builtin("to_seconds", "human_time **", |_, given| in_unit(given, "s")).of(GENERAL),
    builtin("to_minutes", "human_time **", |_, given| in_unit(given, "m")).of(GENERAL),
    builtin("to_hours", "human_time **", |_, given| in_unit(given, "h")).of(GENERAL),
    builtin("to_days", "human_time **", |_, given| in_unit(given, "d")).of(GENERAL),
    builtin("to_weeks", "human_time **", |_, given| in_unit(given, "w")).of(GENERAL),
    builtin("to_months", "human_time **", |_, given| in_unit(given, "mo")).of(GENERAL),
    builtin("to_years", "human_time **", |_, given| in_unit(given, "y")).of(GENERAL),
];

/// Returns how many milliseconds a unit has.
fn unit(given: &Given, name: &str) -> Option<f64> {
    const DAY: f64 = 86_400_000.0;
    let days = |option: &str, default: f64| {
        let given = given.option(option).and_then(Value::as_i64).and_then(|days| u32::try_from(days).ok());
        given.map_or(default, f64::from) * DAY
    };
    Some(match name.to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
        "h" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7.0 * DAY,
        "mo" | "month" | "months" => days("month", 30.0),
        "y" | "year" | "years" => days("year", 365.0),
        _ => return None,
    })
}

fn in_unit(given: &Given, wanted: &str) -> Evaluated {
    if let Some((name, _)) = given.named.iter().find(|(name, _)| !matches!(&**name, "year" | "month")) {
        return fail(format!("to_time_unit() got unknown keyword arguments: {name}"));
    }
    let value = given.value(0);
    if value.as_int() == Some(0) {
        return Ok(0_i64.into());
    }
    let Some(wanted_size) = unit(given, wanted) else {
        return fail(format!("to_time_unit() can not convert to the following unit: {wanted}."));
    };
    let mut milliseconds = 0.0;
    for word in value.text().split_whitespace() {
        let digits = word.strip_prefix('-').unwrap_or(word);
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let (number, name) = word.split_at(word.len() - digits.len() + end);
        let Ok(number) = number.parse::<f64>() else {
            return fail(format!("to_time_unit() can not interpret following string: {}", value.text()));
        };
        let Some(size) = unit(given, if name.is_empty() { "ms" } else { name }) else {
            return fail(format!("to_time_unit() can not interpret following string: {}", value.text()));
        };
        milliseconds += number * size;
    }
    let rounded = format!("{:.12}", milliseconds / wanted_size);
    Ok(rounded.parse::<f64>().unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn spans_are_converted() {
        give(&[
            ("'1w 3d 2h 32m 4s' | community.general.to_time_unit('m')", json!(14_552.066_666_666_667)),
            ("'1min 30s' | community.general.to_seconds", json!(90.0)),
            ("'1y' | community.general.to_days", json!(365.0)),
            ("'1mo' | community.general.to_days(month=31)", json!(31.0)),
        ]);
    }

    #[test]
    fn what_is_no_span_is_refused() {
        refuse(&[(
            "'1x' | community.general.to_seconds",
            "The filter plugin 'community.general.to_seconds' failed: to_time_unit() can not interpret following string: 1x",
        )]);
    }
}
