use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Returns a time as Ansible's results have it: `2024-05-06T07:08:09.120000+00:00`.
///
/// Python's `isoformat` leaves out a fraction of zero and otherwise writes six digits. Always UTC: boto3 gives some
/// times in the local zone, which says the same.
pub fn timestamp(time: &DateTime) -> String {
    let whole = DateTime::from_secs(time.secs());
    let text = whole.fmt(Format::DateTime).unwrap_or_else(|_| time.secs().to_string());
    let seconds = text.trim_end_matches('Z');
    match time.subsec_nanos() / 1_000 {
        0 => format!("{seconds}+00:00"),
        micros => format!("{seconds}.{micros:06}+00:00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_python_writes_it() {
        assert_eq!(timestamp(&DateTime::from_secs(1_700_000_000)), "2023-11-14T22:13:20+00:00");
        assert_eq!(
            timestamp(&DateTime::from_secs_and_nanos(1_700_000_000, 123_456_789)),
            "2023-11-14T22:13:20.123456+00:00"
        );
        assert_eq!(
            timestamp(&DateTime::from_secs_and_nanos(0, 5_000_000)),
            "1970-01-01T00:00:00.005000+00:00"
        );
    }
}
