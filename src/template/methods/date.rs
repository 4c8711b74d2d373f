use jiff::civil::DateTime;

use crate::builtin::Given;
use crate::eval::{Args, Evaluated, format_date};
use crate::object::Object;
use crate::value::int_to_float;
use crate::{TemplateError, Value};

pub(super) const NAMES: &[&str] =
    &["date", "isoformat", "isoweekday", "replace", "strftime", "timestamp", "weekday"];

pub(super) fn call(date: &DateTime, name: &str, args: Args) -> Evaluated {
    let params = match name {
        "strftime" => "format",
        "isoformat" => "sep=",
        "replace" => "year= month= day= hour= minute= second= microsecond=",
        _ => "",
    };
    let given = Given::bind(&format!("datetime.{name}"), params, args)?;
    Ok(match name {
        "strftime" => format_date(date, &given.text(0)).into(),
        "isoformat" => iso(date, &given.text_or(0, "T")).into(),
        "weekday" => i128::from(date.weekday().to_monday_zero_offset()).into(),
        "isoweekday" => i128::from(date.weekday().to_monday_one_offset()).into(),
        "timestamp" => {
            let wrong = |error: jiff::Error| TemplateError::runtime(error.to_string());
            let stamp = jiff::tz::Offset::UTC.to_timestamp(*date).map_err(wrong)?;
            (int_to_float(stamp.as_microsecond().into()) / 1e6).into()
        }
        "date" => Value::object(Object::Date(date.date().to_datetime(jiff::civil::Time::midnight()))),
        _ => Value::object(Object::Date(replaced(date, &given)?)),
    })
}

/// Returns the date as `isoformat` writes it.
pub(crate) fn iso(date: &DateTime, separator: &str) -> String {
    let fraction = if date.subsec_nanosecond() == 0 { "" } else { ".%f" };
    format_date(date, &format!("%Y-%m-%d{separator}%H:%M:%S{fraction}"))
}

fn replaced(date: &DateTime, given: &Given) -> Result<DateTime, TemplateError> {
    let wrong = || TemplateError::runtime("a part of the date is out of range");
    let part = |at: usize, now: i128| given.int(at, now);
    let small = |at: usize, now: i8| -> Result<i8, TemplateError> {
        i8::try_from(part(at, now.into())?).map_err(|_| wrong())
    };
    let year = i16::try_from(part(0, date.year().into())?).map_err(|_| wrong())?;
    let micros = part(6, i128::from(date.subsec_nanosecond() / 1000))?;
    let nanos = i32::try_from(micros * 1000).map_err(|_| wrong())?;
    DateTime::new(
        year,
        small(1, date.month())?,
        small(2, date.day())?,
        small(3, date.hour())?,
        small(4, date.minute())?,
        small(5, date.second())?,
        nanos,
    )
    .map_err(|_| wrong())
}
