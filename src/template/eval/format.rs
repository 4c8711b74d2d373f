//! Python's `'%s' % value` and `strftime`.

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::first_error;
use crate::value::{Repr, digits, float_repr, truncated};
use crate::{TemplateError, Value};

fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::runtime(message))
}

/// A `%` specification, or the part after the colon in `{:>8}`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) fill: Option<char>,
    /// `<`, `>`, `^` or `=`
    pub(crate) align: Option<char>,
    /// `+`, `-` or a space
    pub(crate) sign: Option<char>,
    pub(crate) alternate: bool,
    pub(crate) zero: bool,
    pub(crate) width: usize,
    pub(crate) grouping: Option<char>,
    pub(crate) precision: Option<usize>,
    pub(crate) kind: Option<char>,
}

/// Formats as Python's `%` operator does, with a value whose parts may be undefined: those that are asked for must not be.
pub(crate) fn percent_format_of(format: &str, value: &Value) -> Result<String, TemplateError> {
    if let Repr::Undefined(error) = &value.0 {
        // A place for it there is, or none at all.
        return if format.replace("%%", "").contains('%') {
            Err(TemplateError::clone(error))
        } else {
            Ok(format.replace("%%", "%"))
        };
    }
    percent_format(format, value)
}

/// Formats as Python's `%` operator does.
pub(crate) fn percent_format(format: &str, value: &Value) -> Result<String, TemplateError> {
    let mut args = PercentArgs::new(value);
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        percent_item(&mut chars, &mut args, &mut out)?;
    }
    if args.has_more() {
        return fail("not all arguments converted during string formatting");
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn percent_item(
    chars: &mut Chars<'_>,
    args: &mut PercentArgs,
    out: &mut String,
) -> Result<(), TemplateError> {
    let mut named = None;
    if chars.next_if_eq(&'(').is_some() {
        let key: String = chars.by_ref().take_while(|c| *c != ')').collect();
        named = Some(args.named(&key)?);
    }
    let mut layout = Layout::default();
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#')) {
        match flag {
            '-' => layout.align = Some('<'),
            '0' => layout.zero = true,
            '#' => layout.alternate = true,
            '+' => layout.sign = Some('+'),
            _ => layout.sign = layout.sign.or(Some(' ')),
        }
    }
    layout.width = percent_number(chars, args)?.unwrap_or(0);
    if chars.next_if_eq(&'.').is_some() {
        layout.precision = Some(percent_number(chars, args)?.unwrap_or(0));
    }
    while chars.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
    let Some(kind) = chars.next() else { return fail("incomplete format") };
    let value = match named {
        Some(value) => value,
        None => args.next()?,
    };
    out.push_str(&percent_value(kind, &value, layout)?);
    Ok(())
}

fn percent_number(chars: &mut Chars<'_>, args: &mut PercentArgs) -> Result<Option<usize>, TemplateError> {
    if chars.next_if_eq(&'*').is_some() {
        let width = args.next()?.as_i64().and_then(|width| usize::try_from(width).ok());
        let width = width.ok_or_else(|| TemplateError::runtime("* wants int"))?;
        crate::limits::text(width)?;
        return Ok(Some(width));
    }
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.len() > 6 {
        return fail("width too big");
    }
    Ok(digits.parse().ok())
}

fn percent_value(kind: char, value: &Value, mut layout: Layout) -> Result<String, TemplateError> {
    if layout.align == Some('<') {
        layout.zero = false;
    }
    match kind {
        's' | 'r' | 'a' => {
            let mut text = if kind == 's' { value.text() } else { value.repr() };
            if let Some(precision) = layout.precision {
                text = text.chars().take(precision).collect();
            }
            Ok(pad(&text, &Layout { zero: false, ..layout }, '>'))
        }
        'c' => match &value.0 {
            Repr::Str(text) if text.chars().count() == 1 => Ok(pad(text, &layout, '>')),
            _ => match value.as_int().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32) {
                Some(c) => Ok(pad(&c.to_string(), &layout, '>')),
                None => fail("%c requires int or char"),
            },
        },
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
            let whole = match value.0 {
                Repr::Float(number) if matches!(kind, 'd' | 'i' | 'u') => truncated(number),
                _ => Some(value.clone()).filter(Value::is_whole),
            };
            let Some(whole) = whole else {
                let wanted = if matches!(kind, 'd' | 'i' | 'u') { "a real number" } else { "an integer" };
                return fail(format!("%{kind} format: {wanted} is required, not {}", value.type_name()));
            };
            Ok(integer(&whole, kind, &layout))
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => match super::arithmetic::number(value) {
            Some(number) => Ok(float(number, kind, &layout)),
            None => fail(format!("must be real number, not {}", value.type_name())),
        },
        other => fail(format!("unsupported format character '{other}' (0x{:x})", u32::from(other))),
    }
}

/// Refuses what is undefined.
fn known(value: Value) -> Result<Value, TemplateError> {
    match first_error(&value) {
        Some(error) => Err(error.clone()),
        None => Ok(value),
    }
}

struct PercentArgs {
    whole: Value,
    items: Vec<Value>,
    at: usize,
    by_name: bool,
}

impl PercentArgs {
    fn new(value: &Value) -> Self {
        let items = match &value.0 {
            Repr::Tuple(items) => items.to_vec(),
            _ => vec![value.clone()],
        };
        Self { whole: value.clone(), items, at: 0, by_name: false }
    }

    fn next(&mut self) -> Result<Value, TemplateError> {
        let value = self.items.get(self.at).cloned();
        self.at += 1;
        match value {
            Some(value) => known(value),
            None => fail("not enough arguments for format string"),
        }
    }

    fn named(&mut self, key: &str) -> Result<Value, TemplateError> {
        self.by_name = true;
        if !self.whole.is_mapping() {
            return fail("format requires a mapping");
        }
        match self.whole.get(key) {
            Some(value) => known(value.clone()),
            None => fail(Value::from(key).repr()),
        }
    }

    /// A mapping or a list that no specification asked for is no mistake.
    fn has_more(&self) -> bool {
        let lone = !matches!(self.whole.0, Repr::Tuple(_));
        let container = self.whole.is_mapping() || self.whole.is_sequence();
        !self.by_name && self.at < self.items.len() && !(lone && container)
    }
}

/// Lays out a whole number in the base that the kind says.
pub(crate) fn integer(number: &Value, kind: char, layout: &Layout) -> String {
    let number = number.as_big().unwrap_or_default();
    let (prefix, base) = match kind {
        'x' => ("0x", 16),
        'X' => ("0X", 16),
        'o' => ("0o", 8),
        'b' => ("0b", 2),
        _ => ("", 10),
    };
    let (negative, mut digits) = digits(&number, base);
    if kind == 'X' {
        digits.make_ascii_uppercase();
    }
    if let Some(precision) = layout.precision {
        let missing = precision.saturating_sub(digits.len());
        digits.insert_str(0, &"0".repeat(missing));
    }
    let prefix = if layout.alternate { prefix } else { "" };
    signed(negative, prefix, &digits, layout)
}

/// Lays out a float with `e`, `f`, `g` or `%`.
pub(crate) fn float(number: f64, kind: char, layout: &Layout) -> String {
    let precision = layout.precision.unwrap_or(6);
    let magnitude = number.abs();
    let text = if magnitude.is_finite() {
        match kind.to_ascii_lowercase() {
            'e' => exponent(magnitude, precision),
            'g' => general(magnitude, precision, layout.alternate),
            '%' => format!("{:.precision$}%", magnitude * 100.0),
            _ => format!("{magnitude:.precision$}"),
        }
    } else {
        float_repr(magnitude)
    };
    let text = if kind.is_ascii_uppercase() { text.to_uppercase() } else { text };
    signed(number.is_sign_negative() && !number.is_nan(), "", &text, layout)
}

fn exponent(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let digits = precision - 1;
    let text = format!("{number:.digits$e}");
    let power: i32 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    let trim = |text: String| {
        if keep_zeros || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if number != 0.0 && (power < -4 || power >= limit) {
        let text = exponent(number, digits);
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{power}", trim(mantissa.to_owned()));
    }
    let decimals = usize::try_from(limit - 1 - power).unwrap_or(0);
    trim(format!("{number:.decimals$}"))
}

/// Puts the sign before the digits and brings both to their width.
pub(crate) fn signed(negative: bool, prefix: &str, digits: &str, layout: &Layout) -> String {
    let sign = match (negative, layout.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let digits = match layout.grouping {
        Some(separator) => grouped(digits, separator),
        None => digits.to_owned(),
    };
    if layout.zero && layout.align.is_none_or(|align| align == '=') {
        let taken = sign.len() + prefix.len() + digits.chars().count();
        let zeros = "0".repeat(layout.width.saturating_sub(taken));
        return format!("{sign}{prefix}{zeros}{digits}");
    }
    if layout.align == Some('=') {
        let taken = sign.len() + prefix.len() + digits.chars().count();
        let fill: String =
            std::iter::repeat_n(layout.fill.unwrap_or(' '), layout.width.saturating_sub(taken)).collect();
        return format!("{sign}{prefix}{fill}{digits}");
    }
    pad(&format!("{sign}{prefix}{digits}"), layout, '>')
}

fn grouped(digits: &str, separator: char) -> String {
    let (whole, rest) = digits.find(['.', 'e', 'E', '%']).map_or((digits, ""), |at| digits.split_at(at));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    out + rest
}

/// Brings a text to its width; `default` says which side it stands on.
pub(crate) fn pad(text: &str, layout: &Layout, default: char) -> String {
    let missing = layout.width.saturating_sub(text.chars().count());
    let fill = layout.fill.unwrap_or(' ');
    let (before, after) = match layout.align.unwrap_or(default) {
        '<' => (0, missing),
        '^' => (missing / 2, missing - missing / 2),
        _ => (missing, 0),
    };
    let filling = |count| std::iter::repeat_n(fill, count);
    filling(before).chain(text.chars()).chain(filling(after)).collect()
}

/// Formats a date as C's `strftime` does in the C locale.
pub(crate) fn format_date(date: &DateTime, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(mut directive) = chars.next() else {
            out.push('%');
            break;
        };
        let unpadded = directive == '-';
        if unpadded {
            directive = chars.next().unwrap_or('%');
        }
        date_part(date, directive, unpadded, &mut out);
    }
    out
}

fn date_part(date: &DateTime, directive: char, unpadded: bool, out: &mut String) {
    let hour12 = if date.hour() % 12 == 0 { 12 } else { date.hour() % 12 };
    let mut two = |number: i64| {
        _ = if unpadded { write!(out, "{number}") } else { write!(out, "{number:02}") };
    };
    match directive {
        'd' => return two(date.day().into()),
        'm' => return two(date.month().into()),
        'H' => return two(date.hour().into()),
        'I' => return two(hour12.into()),
        'M' => return two(date.minute().into()),
        'S' => return two(date.second().into()),
        'y' => return two(i64::from(date.year()).rem_euclid(100)),
        'C' => return two(i64::from(date.year()).div_euclid(100)),
        'V' => return two(date.date().iso_week_date().week().into()),
        'U' => return two(week_of_year(date, date.weekday().to_sunday_zero_offset())),
        'W' => return two(week_of_year(date, date.weekday().to_monday_zero_offset())),
        _ => {}
    }
    let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    let day = DAYS.get(weekday).copied().unwrap_or_default();
    let month =
        usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    let short = |name: &str| name.chars().take(3).collect::<String>();
    match directive {
        'Y' | 'G' => {
            let year = if directive == 'Y' { date.year() } else { date.date().iso_week_date().year() };
            _ = write!(out, "{year}");
        }
        'j' if unpadded => _ = write!(out, "{}", date.day_of_year()),
        'j' => _ = write!(out, "{:03}", date.day_of_year()),
        'f' => _ = write!(out, "{:06}", date.subsec_nanosecond() / 1000),
        'e' => _ = write!(out, "{:2}", date.day()),
        'k' => _ = write!(out, "{:2}", date.hour()),
        'l' => _ = write!(out, "{hour12:2}"),
        'A' => out.push_str(day),
        'a' => out.push_str(&short(day)),
        'B' => out.push_str(month),
        'b' | 'h' => out.push_str(&short(month)),
        'p' => out.push_str(if date.hour() < 12 { "AM" } else { "PM" }),
        'P' => out.push_str(if date.hour() < 12 { "am" } else { "pm" }),
        'u' => _ = write!(out, "{}", weekday + 1),
        'w' => _ = write!(out, "{}", date.weekday().to_sunday_zero_offset()),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        '%' => out.push('%'),
        'T' | 'X' => out.push_str(&format_date(date, "%H:%M:%S")),
        'R' => out.push_str(&format_date(date, "%H:%M")),
        'r' => out.push_str(&format_date(date, "%I:%M:%S %p")),
        'D' | 'x' => out.push_str(&format_date(date, "%m/%d/%y")),
        'F' => out.push_str(&format_date(date, "%Y-%m-%d")),
        'c' => out.push_str(&format_date(date, "%a %b %e %H:%M:%S %Y")),
        's' => {
            let seconds = jiff::tz::Offset::UTC.to_timestamp(*date).map_or(0, jiff::Timestamp::as_second);
            _ = write!(out, "{seconds}");
        }
        // A date here has no zone, as Python's naive ones.
        'z' | 'Z' => {}
        other => out.extend(['%', other]),
    }
}

fn week_of_year(date: &DateTime, weekday: i8) -> i64 {
    (i64::from(date.day_of_year()) + 6 - i64::from(weekday)) / 7
}

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn percent(format: &str, value: serde_json::Value) -> String {
        let value = match Value::from_json(value) {
            Value(Repr::List(items)) => Value::tuple(items.to_vec()),
            other => other,
        };
        percent_format(format, &value).unwrap_or_else(|error| error.message)
    }

    #[test]
    fn percent_formats_as_python_does() {
        for (format, value, expected) in [
            ("%s-%s", json!(["a", 1]), "a-1"),
            ("%05d|%-5d|%+d", json!([42, 42, 42]), "00042|42   |+42"),
            ("%.2f", json!(2.71), "2.71"),
            ("%5.1f|", json!(2.25), "  2.2|"),
            ("%x %X %o %#x", json!([255, 255, 8, 255]), "ff FF 10 0xff"),
            ("%e", json!(12345.678), "1.234568e+04"),
            ("%g %g", json!([0.0001, 1e10]), "0.0001 1e+10"),
            ("%(a)s/%(b)03d", json!({"a": "x", "b": 7}), "x/007"),
            ("100%%", json!([]), "100%"),
            ("%s", json!([]), "not enough arguments for format string"),
            ("a", json!([1]), "not all arguments converted during string formatting"),
            ("%d", json!("x"), "%d format: a real number is required, not str"),
        ] {
            assert_eq!(percent(format, value), expected, "{format}");
        }
    }

    #[test]
    fn dates_are_written_as_strftime_writes_them() {
        let date = jiff::civil::datetime(2024, 3, 5, 14, 7, 9, 120_000_000);
        assert_eq!(
            format_date(&date, "%Y-%m-%d %H:%M:%S.%f %a %B %j %p %I %-d %U %%"),
            "2024-03-05 14:07:09.120000 Tue March 065 PM 02 5 09 %"
        );
    }
}
