//! What templates and messages say of this machine: its name, whose a file is, and times as Python prints them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

/// Returns the machine's name.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns the name of a file's owner, or the number where it has none.
pub(crate) fn owner(path: &Path) -> String {
    let Ok(found) = std::fs::metadata(path) else { return String::new() };
    account(found.uid())
}

/// Returns the name of an account, or its number where it has none.
fn account(uid: u32) -> String {
    let uid = uid.to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number == uid).then(|| name.to_owned())
    });
    named.unwrap_or(uid)
}

/// Returns a local time as Python's `str(datetime)` has it: `2026-01-31 23:59:59.123456`.
pub(crate) fn stamp(time: SystemTime) -> String {
    let Ok(time) = jiff::Timestamp::try_from(time) else { return String::new() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// Returns the name of the user that rplay runs as, as Python's `getpass.getuser` finds it.
pub(crate) fn user(environment: &std::collections::BTreeMap<String, String>) -> String {
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| environment.get(*name));
    match named.filter(|name| !name.is_empty()) {
        Some(name) => name.clone(),
        None => account(rustix::process::getuid().as_raw()),
    }
}
