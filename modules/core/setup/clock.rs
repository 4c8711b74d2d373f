use jiff::tz::{Dst, TimeZone};
use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::Facts;
use super::host::{Host, facts as of};

/// The host's date and time, in all the forms that Ansible has.
pub(super) fn facts(host: &Host) -> Facts {
    let now = Timestamp::try_from(host.now).unwrap_or_default();
    at(&now.to_zoned(TimeZone::system()))
}

fn at(now: &Zoned) -> Facts {
    let utc = now.with_time_zone(TimeZone::UTC);
    let form = |format: &str| now.strftime(format).to_string();
    let in_utc = |format: &str| utc.strftime(format).to_string();
    let epoch = now.timestamp().as_second().to_string();
    of(json!({ "date_time": {
        "year": form("%Y"),
        "month": form("%m"),
        "weekday": form("%A"),
        "weekday_number": form("%w"),
        "weeknumber": form("%W"),
        "day": form("%d"),
        "hour": form("%H"),
        "minute": form("%M"),
        "second": form("%S"),
        "epoch": epoch,
        "epoch_int": epoch,
        "date": form("%Y-%m-%d"),
        "time": form("%H:%M:%S"),
        "iso8601_micro": in_utc("%Y-%m-%dT%H:%M:%S.%6fZ"),
        "iso8601": in_utc("%Y-%m-%dT%H:%M:%SZ"),
        "iso8601_basic": form("%Y%m%dT%H%M%S%6f"),
        "iso8601_basic_short": form("%Y%m%dT%H%M%S"),
        "tz": form("%Z"),
        "tz_dst": summer_name(now),
        "tz_offset": form("%z"),
    } }))
}

/// Returns what the zone is called in summer; where there is no summer time, what it is called anyway.
fn summer_name(now: &Zoned) -> String {
    let halves = [now.first_of_year().ok(), now.last_of_year().ok(), midyear(now), Some(now.clone())];
    let names = |wanted: Dst| {
        halves.iter().flatten().find_map(|time| {
            let offset = time.time_zone().to_offset_info(time.timestamp());
            (offset.dst() == wanted).then(|| offset.abbreviation().to_owned())
        })
    };
    names(Dst::Yes).or_else(|| names(Dst::No)).unwrap_or_default()
}

fn midyear(now: &Zoned) -> Option<Zoned> {
    now.with().month(7).day(1).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn told(utc: &str, zone: &str) -> Facts {
        let time: Timestamp = utc.parse().unwrap();
        at(&time.to_zoned(TimeZone::posix(zone).unwrap()))
    }

    #[test]
    fn a_time_is_told_in_every_form() {
        let facts = told("2026-07-04T07:05:03.000169Z", BERLIN);
        let time = &facts["date_time"];
        for (key, expected) in [
            ("iso8601_micro", "2026-07-04T07:05:03.000169Z"),
            ("iso8601", "2026-07-04T07:05:03Z"),
            ("iso8601_basic", "20260704T090503000169"),
            ("weekday", "Saturday"),
            ("weekday_number", "6"),
            ("weeknumber", "26"),
            ("tz", "CEST"),
            ("tz_dst", "CEST"),
            ("tz_offset", "+0200"),
            ("epoch", "1783148703"),
        ] {
            assert_eq!(time[key], expected, "{key}");
        }
    }

    #[test]
    fn a_zone_is_named_as_in_summer_all_the_year() {
        let of = |zone: &str| told("2026-01-04T09:05:03Z", zone)["date_time"]["tz_dst"].clone();
        assert_eq!(of(BERLIN), "CEST");
        assert_eq!(of("AEST-10AEDT,M10.1.0,M4.1.0/3"), "AEDT");
        assert_eq!(of("UTC0"), "UTC");
    }
}
