use std::path::Path;

use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::program::{self, Order, Ran};
use crate::service::is_systemd_managed;

/// Keeps the name of this machine.
#[derive(Params)]
pub(crate) struct HostnameParams {
    /// The name.
    name: String,
    /// How it is kept: a file, or `hostnamectl`; omitted it is found out.
    #[param(name = "use")]
    way: Option<Way>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Alpine,
    Debian,
    Freebsd,
    Generic,
    Macos,
    Macosx,
    Darwin,
    Openbsd,
    Openrc,
    Redhat,
    Sles,
    Solaris,
    Systemd,
}

const FILE: &str = "/etc/hostname";

/// The names that the machine has.
struct Names {
    current: String,
    permanent: String,
}

impl HostnameParams {
    fn by_systemd(&self, cx: &Cx) -> Result<bool> {
        match self.way {
            Some(Way::Systemd | Way::Debian) => Ok(true),
            Some(Way::Alpine) => Ok(false),
            Some(Way::Generic) | None => Ok(is_systemd_managed(cx)),
            Some(other) => Err(Failure::new(format!(
                "could not use {}: this is a Linux with files or systemd",
                other.as_str()
            ))),
        }
    }

    async fn names(&self, cx: &Cx) -> Result<Names> {
        if self.by_systemd(cx)? {
            let program = program::require(cx, "hostnamectl")?;
            let ask = async |what: &str| -> Result<String> {
                let ran = Order::new([program.as_str(), what, "status"]).run(cx).await?;
                Ok(checked(ran)?.out.trim().to_owned())
            };
            return Ok(Names { current: ask("--transient").await?, permanent: ask("--static").await? });
        }
        let ran = Order::new([program::require(cx, "hostname")?]).run(cx).await?;
        let permanent = std::fs::read_to_string(FILE).unwrap_or_default().trim().to_owned();
        Ok(Names { current: checked(ran)?.out.trim().to_owned(), permanent })
    }

    async fn apply(&self, cx: &Cx, names: &Names) -> Result<()> {
        let name = self.name.as_str();
        if self.by_systemd(cx)? {
            if name.len() > 64 {
                return Err(Failure::new(
                    "name cannot be longer than 64 characters on systemd servers, try a shorter name",
                ));
            }
            let program = program::require(cx, "hostnamectl")?;
            if names.permanent != name {
                let order = Order::new([program.as_str(), "--pretty", "--static", "set-hostname", name]);
                checked(order.run(cx).await?)?;
            }
            if names.current != name {
                checked(Order::new([program.as_str(), "--transient", "set-hostname", name]).run(cx).await?)?;
            }
            return Ok(());
        }
        if names.current != name {
            checked(Order::new([program::require(cx, "hostname")?.as_str(), name]).run(cx).await?)?;
        }
        if names.permanent != name {
            std::fs::write(FILE, format!("{name}\n"))
                .map_err(|error| Failure::new(format!("failed to update hostname: {error}")))?;
        }
        Ok(())
    }

    async fn deed(&self, cx: &Cx, names: &Names) -> Deed {
        let name = self.name.as_str();
        let changed = names.current != name || names.permanent != name;
        let full = full_name(cx).await;
        let mut deed = Deed::new(
            changed,
            json!({
                "name": name,
                "ansible_facts": {
                    "ansible_hostname": name.split('.').next(),
                    "ansible_nodename": name,
                    "ansible_fqdn": full,
                    "ansible_domain": full.split_once('.').map_or("", |(_, domain)| domain),
                },
            }),
        );
        if changed {
            let before = if names.current == name { &names.permanent } else { &names.current };
            deed.diff.push(Diff {
                before: DiffSide::Text(format!("hostname = {before}\n")),
                after: DiffSide::Text(format!("hostname = {name}\n")),
                before_header: None,
                after_header: None,
                prepared: None,
            });
        }
        deed
    }
}

fn checked(ran: Ran) -> Result<Ran> {
    if ran.ok() {
        return Ok(ran);
    }
    Err(Failure::new(format!("Command failed rc={}, out={}, err={}", ran.rc, ran.out, ran.err)))
}

/// What the system makes of the name; the name itself where it makes nothing of it.
async fn full_name(cx: &Cx) -> String {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    if !Path::new("/etc/hosts").exists() {
        return own;
    }
    match Order::new(["getent", "hosts", own.as_str()]).run(cx).await {
        Ok(ran) if ran.ok() => {
            ran.out.split_whitespace().skip(1).find(|name| name.contains('.')).unwrap_or(&own).to_owned()
        }
        _ => own,
    }
}

pub(crate) struct Hostname;

impl Action for Hostname {
    type Params = HostnameParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &HostnameParams) -> Result<Deed> {
        let names = p.names(cx).await?;
        Ok(p.deed(cx, &names).await)
    }

    async fn perform(&self, cx: &Cx, p: &HostnameParams) -> Result<Deed> {
        let names = p.names(cx).await?;
        p.apply(cx, &names).await?;
        Ok(p.deed(cx, &names).await)
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{DiffSide, Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_name_is_foretold_set_and_kept() {
        let bench = Bench::answering("hostnamectl", &Exit { stdout: b"old\n".to_vec(), ..Exit::default() });
        let args = json!({ "name": "new.example.org", "use": "systemd" });
        let foretold = bench.run("hostname", &args, Mode::Check).await;
        assert!(foretold.changed && bench.spawned("hostnamectl").len() == 2, "{:?}", foretold.failure);
        let done = bench.run("hostname", &args, Mode::Apply).await;
        assert!(done.changed);
        assert_eq!(done.result["ansible_facts"]["ansible_hostname"], "new");
        assert_eq!(done.diff[0].before, DiffSide::Text("hostname = old\n".to_owned()));
        assert_eq!(
            bench.spawned("hostnamectl")[4..],
            [
                ["--pretty", "--static", "set-hostname", "new.example.org"].map(str::to_owned).to_vec(),
                ["--transient", "set-hostname", "new.example.org"].map(str::to_owned).to_vec(),
            ]
        );
        let kept = bench.run("hostname", &json!({ "name": "old", "use": "systemd" }), Mode::Apply).await;
        assert!(!kept.changed);
    }

    #[tokio::test]
    async fn a_name_that_is_too_long_is_refused() {
        let bench = Bench::answering("hostnamectl", &Exit::default());
        let failed =
            bench.run("hostname", &json!({ "name": "x".repeat(65), "use": "systemd" }), Mode::Apply).await;
        let message = "name cannot be longer than 64 characters on systemd servers, try a shorter name";
        assert_eq!(failed.failure.unwrap().message, message);
    }
}
