use serde_json::json;

use super::Facts;
use super::host::{Host, facts as of};

/// The environment as a task sees it.
pub(super) fn environment(host: &Host) -> Facts {
    of(json!({ "env": host.env }))
}

/// Whoever runs the task.
pub(super) fn user(host: &Host) -> Facts {
    let (real, effective) = (rustix::process::getuid().as_raw(), rustix::process::geteuid().as_raw());
    let (group, effective_group) = (rustix::process::getgid().as_raw(), rustix::process::getegid().as_raw());
    let accounts = host.text("/etc/passwd").unwrap_or_default();
    let accounts: Vec<Vec<&str>> = accounts.lines().map(|line| line.split(':').collect()).collect();
    let of_number = || accounts.iter().find(|account| account.get(2) == Some(&real.to_string().as_str()));
    let given = ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| host.env.get(*name));
    let name = given.filter(|name| !name.is_empty()).cloned();
    let account = match &name {
        Some(name) => {
            accounts.iter().find(|account| account.first() == Some(&name.as_str())).or_else(of_number)
        }
        None => of_number(),
    };
    let field = |at: usize| account.and_then(|account| account.get(at)).copied();
    let number =
        |at: usize, otherwise: u32| field(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    of(json!({
        "user_id": name.as_deref().or(field(0)).unwrap_or_default(),
        "user_uid": number(2, real),
        "user_gid": number(3, group),
        "user_gecos": field(4).unwrap_or_default(),
        "user_dir": field(5).unwrap_or_default(),
        "user_shell": field(6).unwrap_or_default(),
        "real_user_id": real,
        "effective_user_id": effective,
        "real_group_id": group,
        "effective_group_id": effective_group,
    }))
}
