//! What has to be run to make, change or delete an account.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rplay_module::{Cx, Failure, Result};

use super::{UpdatePassword, UserParams};
use crate::accounts::{self, Group, User as Account};
use crate::program::{self, Order};

const DAY: i64 = 86_400;

pub(super) fn deletion(cx: &Cx, p: &UserParams) -> Result<Order> {
    let mut order = Order::new([program::require(cx, "userdel")?]);
    for (wanted, option) in [(p.force, "-f"), (p.remove, "-r")] {
        if wanted {
            order = order.arg(option);
        }
    }
    Ok(order.arg(p.name.as_str()))
}

pub(super) async fn creation(cx: &Cx, p: &UserParams) -> Result<Order> {
    let mut order =
        Order::new([program::require(cx, "useradd")?]).option("-u", p.uid.map(|uid| uid.to_string()));
    if p.uid.is_some() && p.non_unique {
        order = order.arg("-o");
    }
    order = order.option("-Z", p.seuser.as_deref());
    if let Some(group) = &p.group {
        known(cx, group).await?;
        order = order.arg("-g").arg(group.as_str());
    } else if accounts::group_meant(cx, &p.name).await.is_some() {
        // A group of that name is there already: the user gets none of its own.
        order = order.arg("-N");
    }
    let groups = p.named_groups();
    for group in &groups {
        known(cx, group).await?;
    }
    if !groups.is_empty() {
        order = order.arg("-G").arg(groups.join(","));
    }
    order = order
        .option("-c", p.comment.as_deref())
        .option("-d", p.home())
        .option("-s", p.shell.as_ref().map(|shell| shell.to_string_lossy().into_owned()))
        .option("-e", p.expires.map(date))
        .option("-f", p.password_expire_account_disable.map(|days| days.to_string()))
        .option("-p", p.new_password());
    if p.create_home {
        order = order.arg("-m").option("-k", p.skeleton.as_deref());
        order = order.option("-K", p.umask.as_ref().map(|umask| format!("UMASK={umask}")));
    } else {
        order = order.arg("-M");
    }
    if p.system {
        order = order.arg("-r");
    }
    let bound = |name: &str, value: Option<u32>| value.map(|value| format!("{name}={value}"));
    order = order.option("-K", bound("UID_MIN", p.uid_min)).option("-K", bound("UID_MAX", p.uid_max));
    Ok(order.arg(p.name.as_str()))
}

/// Returns what has to be run on an account that is there; `None` where it is as it shall be.
pub(super) async fn modification(cx: &Cx, p: &UserParams, account: &Account) -> Result<Option<Order>> {
    let shadow = accounts::shadow(&p.name).unwrap_or_default();
    let mut order = Order::new([program::require(cx, "usermod")?]);
    if let Some(uid) = p.uid.filter(|uid| *uid != account.uid) {
        order = order.arg("-u").arg(uid.to_string());
        if p.non_unique {
            order = order.arg("-o");
        }
    }
    if let Some(group) = &p.group {
        let group = known(cx, group).await?;
        if group.gid != account.gid {
            order = order.arg("-g").arg(group.gid.to_string());
        }
    }
    order = order.args(group_options(cx, p).await?);
    if let Some(comment) = p.comment.as_ref().filter(|comment| **comment != account.comment) {
        order = order.arg("-c").arg(comment.as_str());
    }
    if let Some(home) = p.home().filter(|home| *home != account.home) {
        order = order.arg("-d").arg(home);
        if p.move_home {
            order = order.arg("-m");
        }
    }
    let shell = p.shell.as_ref().map(|shell| shell.to_string_lossy().into_owned());
    order = order.option("-s", shell.filter(|shell| *shell != account.shell));
    order = order.option("-e", new_expiry(p.expires, shadow.expires));
    order = order.option("-f", p.password_expire_account_disable.map(|days| days.to_string()));
    let locked = shadow.password.starts_with('!');
    let hash = |text: &str| text.trim_start_matches('!').to_owned();
    let new = p.password.as_ref().filter(|password| hash(password.expose()) != hash(&shadow.password));
    if new.is_some() && p.update_password == UpdatePassword::Always {
        // Locking and unlocking exclude `-p`, which does it as well.
        order = order.option("-p", p.new_password());
    } else {
        match (p.password_lock, locked) {
            (Some(true), false) => order = order.arg("-L"),
            (Some(false), true) => order = order.arg("-U"),
            _ => {}
        }
    }
    Ok((order.words().len() > 1).then(|| order.arg(p.name.as_str())))
}

async fn group_options(cx: &Cx, p: &UserParams) -> Result<Vec<String>> {
    if p.groups.is_none() {
        return Ok(Vec::new());
    }
    let have = accounts::memberships(&p.name);
    let mut want = Vec::new();
    for group in p.named_groups() {
        want.push(known(cx, &group).await?.name);
    }
    let missing = want.iter().any(|group| !have.contains(group));
    let surplus = have.iter().any(|group| !want.contains(group));
    let list = want.join(",");
    Ok(match (p.append, missing, surplus) {
        (true, true, _) => vec!["-a".to_owned(), "-G".to_owned(), list],
        (false, true, _) | (false, _, true) => vec!["-G".to_owned(), list],
        _ => Vec::new(),
    })
}

async fn known(cx: &Cx, group: &str) -> Result<Group> {
    let found = accounts::group_meant(cx, group).await;
    found.ok_or_else(|| Failure::new(format!("Group {group} does not exist")))
}

/// Returns the change of the password's ages; `None` where there is nothing to change.
pub(super) fn expiry(cx: &Cx, p: &UserParams) -> Result<Option<Order>> {
    let Some(shadow) = accounts::shadow(&p.name) else { return Ok(None) };
    let changes = [
        ("-m", p.password_expire_min, shadow.least),
        ("-M", p.password_expire_max, shadow.most),
        ("-W", p.password_expire_warn, shadow.warning),
    ];
    let changes: Vec<_> =
        changes.into_iter().filter(|(_, want, have)| want.is_some() && want != have).collect();
    if changes.is_empty() {
        return Ok(None);
    }
    let order = Order::new([program::require(cx, "chage")?]);
    let order = changes
        .into_iter()
        .fold(order, |order, (option, want, _)| order.option(option, want.map(|days| days.to_string())));
    Ok(Some(order.arg(p.name.as_str())))
}

/// Days count, not seconds; an account that never ends has none or a negative one.
fn new_expiry(want: Option<f64>, have: Option<i64>) -> Option<String> {
    let seconds = want?;
    if seconds < 0.0 {
        return have.is_some_and(|days| days >= 0).then(String::new);
    }
    let same = have.is_some_and(|days| days >= 0 && days == day(seconds));
    (!same).then(|| date(seconds))
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 are far from the ends of the range")]
fn day(seconds: f64) -> i64 {
    (seconds.floor() as i64).div_euclid(DAY)
}

fn date(seconds: f64) -> String {
    if seconds < 0.0 {
        return String::new();
    }
    let time = Timestamp::from_second(day(seconds) * DAY).unwrap_or_default().to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d").to_string()
}

impl UserParams {
    fn named_groups(&self) -> Vec<String> {
        let groups = self.groups.iter().flatten().map(|group| group.trim().to_owned());
        groups.filter(|group| !group.is_empty()).collect()
    }

    fn new_password(&self) -> Option<String> {
        let password = self.password.as_ref()?.expose();
        let lock = if self.password_lock == Some(true) { "!" } else { "" };
        Some(format!("{lock}{password}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_end_on_a_day() {
        assert_eq!(date(1_422_403_387.0), "2015-01-28");
        assert_eq!(date(-1.0), "");
        assert_eq!(new_expiry(Some(1_422_403_387.0), Some(16_463)), None);
        assert_eq!(new_expiry(Some(1_422_403_387.0), Some(-1)).as_deref(), Some("2015-01-28"));
        assert_eq!(new_expiry(Some(-1.0), Some(16_463)).as_deref(), Some(""));
        assert_eq!(new_expiry(Some(-1.0), None), None);
        assert_eq!(new_expiry(None, Some(1)), None);
    }
}
