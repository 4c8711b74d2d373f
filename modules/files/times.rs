//! The times of a file, as `file` is asked to set them.

use std::time::UNIX_EPOCH;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rplay_module::{Cx, Failure, Result};

use crate::seen::{self, Seen};
use crate::tree::Entry;
use crate::write::{self, Stamp};

/// The times to set; those that are not asked for stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Times {
    accessed: Option<Stamp>,
    modified: Option<Stamp>,
    now: f64,
    /// They have been set: what is read again says when it was read, and the system's now is not ours.
    set: bool,
}

/// A time as the playbook writes it, and how.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) time: Option<&'a str>,
    pub(crate) format: &'a str,
}

impl Times {
    /// Reads the parameters; what is omitted is now for a touched file.
    pub(crate) fn of(
        cx: &Cx,
        touched: bool,
        accessed: Written<'_>,
        modified: Written<'_>,
        set: bool,
    ) -> Result<Self> {
        let now = cx.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Ok(Self { accessed: stamp(touched, accessed)?, modified: stamp(touched, modified)?, now, set })
    }

    pub(crate) fn have(&self, seen: &Seen, entry: Entry) -> Entry {
        let read = |stamp: Option<Stamp>, actual: f64, is_met: bool| {
            stamp.map(|stamp| if is_met { self.seconds(stamp) } else { actual })
        };
        let now = self.set && self.modified == Some(Stamp::Now);
        Entry {
            atime: read(self.accessed, seen.accessed, self.set),
            mtime: read(self.modified, seen.modified, now),
            ..entry
        }
    }

    pub(crate) fn want(&self, entry: Entry) -> Entry {
        Entry {
            atime: self.accessed.map(|stamp| self.seconds(stamp)),
            mtime: self.modified.map(|stamp| self.seconds(stamp)),
            ..entry
        }
    }

    pub(crate) fn set(&self, cx: &Cx, path: &str, entry: &Entry) -> Result<()> {
        let managed = entry.atime.is_some() || entry.mtime.is_some();
        if managed { write::times(cx, path, self.accessed, self.modified) } else { Ok(()) }
    }

    fn seconds(&self, stamp: Stamp) -> f64 {
        match stamp {
            Stamp::Now => self.now,
            Stamp::At(seconds) => seconds,
        }
    }
}

fn stamp(touched: bool, written: Written<'_>) -> Result<Option<Stamp>> {
    match written.time {
        None if touched => Ok(Some(Stamp::Now)),
        None | Some("preserve") => Ok(None),
        Some("now") => Ok(Some(Stamp::Now)),
        Some(text) => {
            let format = written.format;
            let time = DateTime::strptime(format, text).and_then(|time| time.to_zoned(TimeZone::system()));
            let time = time.map_err(|_| {
                let why = format!("time data '{text}' does not match format '{format}'");
                Failure::new(format!(
                    "Error while obtaining timestamp for time {text} using format {format}: {why}"
                ))
            })?;
            Ok(Some(Stamp::At(seen::seconds(time.timestamp().as_second(), 0))))
        }
    }
}
