use jiff::civil::DateTime;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated, format_date};
use crate::functions::{at_second, current};
use crate::object::Object;
use crate::value::{Repr, float_to_int, parse_float};
use crate::{TemplateError, Value};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("strftime", "string_format second= utc=", strftime),
    builtin("to_datetime", "string format=", to_datetime),
];

fn strftime(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let utc = given.flag(2, false);
    if !given.value(0).is_text() {
        let kind = given.value(0).type_name();
        return fail(format!(
            "strftime() argument 1 must be str, not {}",
            if kind == "NoneType" { "None" } else { kind }
        ));
    }
    let date = match given.some(1) {
        None => current(cx, utc)?,
        Some(second) => {
            let number = match &second.0 {
                Repr::Float(number) => Some(*number),
                Repr::Str(text) => parse_float(text),
                _ => second.as_int().map(crate::value::int_to_float),
            };
            let seconds = number.and_then(|number| float_to_int(number.floor()));
            let Some(seconds) = seconds.and_then(|seconds| i64::try_from(seconds).ok()) else {
                let message = format!("Invalid value for epoch value ({})", second.text());
                return Err(TemplateError::runtime(message).apart());
            };
            let offset = if utc { 0 } else { cx.world().now().utc_offset_seconds };
            at_second(seconds, 0, offset)?
        }
    };
    Ok(format_date(&date, &given.text(0)).into())
}

fn to_datetime(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    if !given.value(0).is_text() {
        let kind = given.value(0).class_name();
        let kind = if kind == "NoneType" { "None" } else { kind };
        return fail(format!("strptime() argument 1 must be str, not {kind}"));
    }
    let text = given.str(0)?;
    let format = given.text_or(1, "%Y-%m-%d %H:%M:%S");
    match parse(text, &format) {
        Some(date) => Ok(Value::object(Object::Date(date))),
        None => fail(format!(
            "time data {} does not match format {}",
            Value::from(text).repr(),
            Value::from(format).repr()
        )),
    }
}

/// Reads a date as Python's `strptime` does; what the format leaves out is as in 1900-01-01 00:00:00.
fn parse(text: &str, format: &str) -> Option<DateTime> {
    // Python's %f is a fraction after a dot that the format has.
    let format = format.replace(".%f", "%.f");
    let broken = jiff::fmt::strtime::BrokenDownTime::parse(&format, text).ok()?;
    let year = broken.year().unwrap_or(1900);
    let date = match (broken.month(), broken.day(), broken.day_of_year()) {
        (None, None, Some(day)) => {
            jiff::civil::date(year, 1, 1).checked_add(jiff::Span::new().days(i64::from(day) - 1)).ok()?
        }
        (month, day, _) => jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?,
    };
    let mut hour = broken.hour().unwrap_or(0);
    match broken.meridiem() {
        Some(jiff::fmt::strtime::Meridiem::PM) if hour < 12 => hour += 12,
        Some(jiff::fmt::strtime::Meridiem::AM) if hour == 12 => hour = 0,
        _ => {}
    }
    let (minute, second) = (broken.minute().unwrap_or(0), broken.second().unwrap_or(0));
    let nanos = broken.subsec_nanosecond().unwrap_or(0);
    let time = jiff::civil::Time::new(hour, minute, second, nanos).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn dates_are_written_and_read() {
        give(&[
            ("'%Y-%m-%d' | strftime(0, true)", json!("1970-01-01")),
            ("'%H:%M:%S' | strftime(3661, true)", json!("01:01:01")),
            ("'%Y' | strftime('86400', true)", json!("1970")),
            ("('2020-01-02' | to_datetime('%Y-%m-%d')).year", json!(2020)),
            (
                "(('2020-01-02' | to_datetime('%Y-%m-%d')) - ('2020-01-01' | to_datetime('%Y-%m-%d'))).days",
                json!(1),
            ),
            ("('2020-01-02 03:04:05' | to_datetime) ~ ''", json!("2020-01-02 03:04:05")),
            ("('02/Jan/2020 03:04' | to_datetime('%d/%b/%Y %H:%M')).hour", json!(3)),
            (
                "(('2020-01-02 00:00:01' | to_datetime) - ('2020-01-01 00:00:00' | to_datetime)).total_seconds()",
                json!(86401.0),
            ),
        ]);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        refuse(&[
            (
                "'x' | to_datetime",
                "The filter plugin 'ansible.builtin.to_datetime' failed: time data 'x' does not match format '%Y-%m-%d %H:%M:%S'",
            ),
            (
                "'%Y' | strftime('x')",
                "The filter plugin 'ansible.builtin.strftime' failed: Invalid value for epoch value (x)",
            ),
        ]);
    }
}
