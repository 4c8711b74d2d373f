//! Times and lines as Python writes them, which is how they stand in results.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns what `str(datetime.now())` gives for a time: local, microseconds only where there are any.
pub(crate) fn local(time: SystemTime) -> String {
    let zoned = Timestamp::try_from(time).unwrap_or_default().to_zoned(TimeZone::system());
    let micros = zoned.subsec_nanosecond() / 1_000;
    format!("{}{}", zoned.strftime("%Y-%m-%d %H:%M:%S"), fraction(micros))
}

/// Returns what `str(timedelta)` gives for a duration.
pub(crate) fn delta(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let (hours, minutes, seconds) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let micros = i32::try_from(time.subsec_micros()).unwrap_or_default();
    format!("{days}{hours}:{minutes:02}:{seconds:02}{}", fraction(micros))
}

fn fraction(micros: i32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}") }
}

/// Splits a text as Python's `splitlines` does: at more than newlines, and without an empty line at the end.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(at) = rest.find(is_line_end) else {
            lines.push(rest);
            break;
        };
        let (line, end) = rest.split_at(at);
        lines.push(line);
        rest = end.strip_prefix("\r\n").unwrap_or_else(|| {
            let mut characters = end.chars();
            characters.next();
            characters.as_str()
        });
    }
    lines
}

fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        for (text, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n", vec!["a"]),
            ("a\n\n", vec!["a", ""]),
            ("a\r\nb\rc\u{c}d\u{2028}e", vec!["a", "b", "c", "d", "e"]),
            ("\r\n", vec![""]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn durations_are_written_as_python_writes_them() {
        assert_eq!(delta(Duration::from_micros(5_063)), "0:00:00.005063");
        assert_eq!(delta(Duration::from_secs(3_725)), "1:02:05");
        assert_eq!(delta(Duration::from_hours(48)), "2 days, 0:00:00");
        assert_eq!(delta(Duration::from_millis(86_400_500)), "1 day, 0:00:00.500000");
    }

    #[test]
    fn a_time_has_microseconds_only_where_there_are_any() {
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!(local(whole).len(), "2001-09-09 01:46:40".len());
        assert!(local(whole + Duration::from_micros(7)).ends_with(".000007"));
    }
}
