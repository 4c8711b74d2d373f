//! How a time is written in rplay's own files: in UTC, to the second.

use std::time::SystemTime;

use jiff::Timestamp;

/// Returns the time as RFC 3339 has it: `2026-11-21T12:34:56Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    format("%Y-%m-%dT%H:%M:%SZ", time)
}

/// Returns the time as part of a name: `20261121T123456Z`. Such names sort by time.
pub(crate) fn compact(time: SystemTime) -> String {
    format("%Y%m%dT%H%M%SZ", time)
}

fn format(format: &str, time: SystemTime) -> String {
    // A clock beyond the year 9999 shows the beginning of time rather than ending the run.
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_264_496_789);
        assert_eq!(rfc3339(time), "2026-11-21T12:34:56Z");
        assert_eq!(compact(time), "20261121T123456Z");
    }
}
