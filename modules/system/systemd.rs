//! `systemd` and `systemd_service`: units, through `systemctl`.

use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order, Ran};
use crate::sysv;

/// Keeps a unit of systemd.
#[derive(Params)]
#[params(
    required_one_of("state", "enabled", "masked", "daemon_reload", "daemon_reexec"),
    required_by(state, needs("name")),
    required_by(enabled, needs("name")),
    required_by(masked, needs("name"))
)]
pub(crate) struct SystemdParams {
    /// The unit; without a suffix a service.
    #[param(alias = "service", alias = "unit")]
    name: Option<String>,
    /// Whether it runs. `restarted` and `reloaded` do so every time.
    state: Option<State>,
    /// Whether it is started with the system.
    enabled: Option<bool>,
    /// Whether links that are in the way are replaced.
    force: Option<bool>,
    /// Whether it cannot be started at all.
    masked: Option<bool>,
    /// Whether systemd reads its files again first.
    #[param(default = false, alias = "daemon-reload")]
    daemon_reload: bool,
    /// Whether systemd starts itself anew first.
    #[param(default = false, alias = "daemon-reexec")]
    daemon_reexec: bool,
    /// Whose units: the system's, this user's, or those of all users.
    #[param(default = "system")]
    scope: Scope,
    /// Whether the end of what is done is not waited for.
    #[param(default = false)]
    no_block: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Reloaded,
    Restarted,
    Started,
    Stopped,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    System,
    User,
    Global,
}

/// What `is-enabled` answers of a unit that is there.
const STATES: [&str; 11] = [
    "enabled",
    "enabled-runtime",
    "linked",
    "linked-runtime",
    "masked",
    "masked-runtime",
    "static",
    "indirect",
    "disabled",
    "generated",
    "transient",
];

/// What shall be done to a unit.
pub(crate) struct Wish<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: Option<State>,
    pub(crate) enabled: Option<bool>,
    pub(crate) masked: Option<bool>,
}

/// The way to talk to systemd, and whether it is to be changed.
pub(crate) struct Systemctl<'a> {
    cx: &'a Cx,
    program: String,
    options: Vec<String>,
    /// Only told what it would do.
    dry: bool,
}

impl<'a> Systemctl<'a> {
    pub(crate) fn of(cx: &'a Cx, dry: bool) -> Result<Self> {
        Ok(Self { cx, program: program::require(cx, "systemctl")?, options: Vec::new(), dry })
    }

    async fn ask(&self, words: &[&str]) -> Result<Ran> {
        let mut order = Order::new([self.program.clone()])
            .args(self.options.clone())
            .args(words.iter().map(|word| (*word).to_owned()));
        if self.cx.env("XDG_RUNTIME_DIR").is_none() {
            let user = rustix::process::geteuid().as_raw();
            order = order.env("XDG_RUNTIME_DIR", &format!("/run/user/{user}"));
        }
        order.run(self.cx).await
    }

    async fn change(&self, words: &[&str]) -> Result<Ran> {
        if self.dry { Ok(Ran::default()) } else { self.ask(words).await }
    }

    /// systemd does not answer in a chroot, or where it is told not to run.
    fn offline(&self) -> bool {
        self.cx.env("SYSTEMD_OFFLINE").as_deref() == Some("1") || sysv::is_chroot(self.cx)
    }

    async fn daemon(&self, what: &str) -> Result<()> {
        let ran = self.change(&[what]).await?;
        if ran.ok() {
            return Ok(());
        }
        if self.offline() {
            self.cx.warn(format!(
                "{what} failed, but target is a chroot or systemd is offline. Continuing. Error was: {} / {}",
                ran.rc, ran.err
            ));
            return Ok(());
        }
        Err(Failure::new(format!("failure {} during {what}: {}", ran.rc, ran.err)))
    }

    /// Looks at a unit: what systemd says of it, and whether systemd knows it.
    async fn look(&self, name: &str) -> Result<(Map<String, Value>, bool)> {
        let ran = self.ask(&["show", name]).await?;
        let ignored = |text: &str| {
            text.contains("Running in chroot, ignoring command") || text.contains("ignoring request")
        };
        if ran.ok() && !ignored(&ran.out) && !ignored(&ran.err) {
            let status = properties(&ran.out);
            let load = status.get("LoadState").and_then(Value::as_str);
            let known = load.is_some_and(|load| load != "not-found");
            if known
                && load != Some("masked")
                && let Some(error) = status.get("LoadError").and_then(Value::as_str)
            {
                return Err(Failure::new(format!("Error loading unit file '{name}': {error}")));
            }
            return Ok((status, known));
        }
        let enabled = self.ask(&["is-enabled", name]).await?;
        if STATES.contains(&enabled.out.trim()) || self.ask(&["list-unit-files", name]).await?.ok() {
            return Ok((Map::new(), true));
        }
        let any = self.ask(&[]).await?;
        if any.ok() {
            Ok((Map::new(), false))
        } else {
            Err(any.failure(any.err.trim_end()).field("cmd", self.program.as_str()))
        }
    }

    /// Brings a unit into the state that is asked for; returns whether anything changed.
    pub(crate) async fn keep(&self, wish: &Wish<'_>, result: &mut Map<String, Value>) -> Result<bool> {
        let name = wish.name;
        let (status, known) = self.look(name).await?;
        let script = sysv::exists(name);
        if script && !known {
            self.cx.warn(format!(
                "The service ({name}) is actually an init script but the system is managed by systemd"
            ));
        }
        let found = known || script;
        result.insert("status".to_owned(), Value::Object(status.clone()));
        let mut changed = false;
        if let Some(masked) = wish.masked {
            changed |= self.mask(name, masked, found).await?;
        }
        if let Some(enabled) = wish.enabled {
            present(name, found)?;
            let is = self.is_enabled(name, script).await?;
            if is != enabled {
                changed = true;
                let action = if enabled { "enable" } else { "disable" };
                let ran = self.change(&[action, name]).await?;
                if !ran.ok() {
                    let said = format!("{}{}", ran.out, ran.err);
                    return Err(Failure::new(format!("Unable to {action} service {name}: {said}")));
                }
            }
            result.insert("enabled".to_owned(), Value::from(enabled));
        }
        if let Some(state) = wish.state {
            present(name, found)?;
            changed |= self.run_state(name, state, &status, result).await?;
        }
        Ok(changed)
    }

    async fn mask(&self, name: &str, masked: bool, found: bool) -> Result<bool> {
        let is = self.ask(&["is-enabled", name]).await?.out.trim() == "masked";
        if is == masked {
            return Ok(false);
        }
        let action = if masked { "mask" } else { "unmask" };
        let ran = self.change(&[action, name]).await?;
        if !ran.ok() {
            present(name, found)?;
            return Err(Failure::new(format!("Failed to {action} the service ({name}): {}", ran.err.trim())));
        }
        Ok(true)
    }

    async fn is_enabled(&self, name: &str, script: bool) -> Result<bool> {
        let ran = self.ask(&["is-enabled", name, "-l"]).await?;
        Ok(match ran.rc {
            // What is enabled only until the next start, or by another name, is enabled anew.
            0 => !matches!(ran.out.trim_end(), "enabled-runtime" | "indirect" | "alias"),
            1 => {
                self.options.is_empty()
                    && script
                    && !ran.out.trim().ends_with("disabled")
                    && sysv::is_enabled(name)
            }
            _ => false,
        })
    }

    async fn run_state(
        &self,
        name: &str,
        state: State,
        status: &Map<String, Value>,
        result: &mut Map<String, Value>,
    ) -> Result<bool> {
        let shown = if matches!(state, State::Stopped) { "stopped" } else { "started" };
        result.insert("state".to_owned(), Value::from(shown));
        let Some(active) = status.get("ActiveState").and_then(Value::as_str) else {
            if self.offline() {
                self.cx.warn(
                    "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system \
                     tools from working.",
                );
                result.insert("state".to_owned(), Value::from(state.as_str()));
                return Ok(false);
            }
            return Err(
                Failure::new("Service is in unknown state").field("status", Value::Object(status.clone()))
            );
        };
        let running = matches!(active, "active" | "activating");
        let action = match state {
            State::Started if running => None,
            State::Stopped if !running && active != "deactivating" => None,
            State::Stopped => Some("stop"),
            State::Restarted if running => Some("restart"),
            State::Reloaded if running => Some("reload"),
            State::Started | State::Restarted | State::Reloaded => Some("start"),
        };
        let Some(action) = action else { return Ok(false) };
        let ran = self.change(&[action, name]).await?;
        if ran.ok() {
            Ok(true)
        } else {
            Err(Failure::new(format!("Unable to {action} service {name}: {}", ran.err)))
        }
    }
}

fn present(name: &str, found: bool) -> Result<()> {
    if found {
        return Ok(());
    }
    Err(Failure::new(format!("Could not find the requested service {name}: host")))
}

/// Reads `systemctl show`: a value that begins with a brace may go on until the line that ends with one.
fn properties(text: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        if let Some((name, mut lines)) = open.take() {
            lines.push(line);
            if line.trim_end().ends_with('}') {
                found.insert(name, Value::from(lines.join("\n").trim()));
            } else {
                open = Some((name, lines));
            }
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.starts_with("Exec") && value.trim_start().starts_with('{') && !value.trim_end().ends_with('}')
        {
            open = Some((name.to_owned(), vec![value]));
        } else {
            found.insert(name.to_owned(), Value::from(value.trim()));
        }
    }
    found
}

impl SystemdParams {
    async fn deed(&self, cx: &Cx, dry: bool) -> Result<Deed> {
        let name = self.name.as_deref();
        if let Some((name, glob)) =
            name.and_then(|name| Some((name, ["*", "?", "["].into_iter().find(|glob| name.contains(glob))?)))
        {
            return Err(Failure::new(format!(
                "This module does not currently support using glob patterns, found '{glob}' in service name: {name}"
            )));
        }
        let mut systemctl = Systemctl::of(cx, dry)?;
        if self.scope != Scope::System {
            systemctl.options.push(format!("--{}", self.scope.as_str()));
        }
        let switches = [(self.no_block, "--no-block"), (self.force == Some(true), "--force")];
        systemctl
            .options
            .extend(switches.iter().filter(|(on, _)| *on).map(|(_, option)| (*option).to_owned()));
        for (wanted, what) in [(self.daemon_reload, "daemon-reload"), (self.daemon_reexec, "daemon-reexec")] {
            if wanted {
                systemctl.daemon(what).await?;
            }
        }
        let mut result = Map::from_iter([("name".to_owned(), json!(name)), ("status".to_owned(), json!({}))]);
        let mut changed = false;
        if let Some(name) = name {
            let wish = Wish { name, state: self.state, enabled: self.enabled, masked: self.masked };
            changed = systemctl.keep(&wish, &mut result).await?;
        }
        Ok(Deed::new(changed, Value::Object(result)))
    }
}

pub(crate) struct Systemd;

impl Action for Systemd {
    type Params = SystemdParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &SystemdParams) -> Result<Deed> {
        p.deed(cx, true).await
    }

    async fn perform(&self, cx: &Cx, p: &SystemdParams) -> Result<Deed> {
        p.deed(cx, false).await
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::{Value, json};

    use super::properties;
    use crate::tests::Bench;

    fn bench(active: &str, enabled: &str) -> Bench {
        let bench = Bench::new();
        bench.script(
            "systemctl",
            &format!(
                "case $1 in show) echo LoadState=loaded; echo ActiveState={active};; is-enabled) echo {enabled}; [ {enabled} = enabled ];; esac"
            ),
        );
        bench
    }

    fn changes(bench: &Bench) -> Vec<String> {
        let asked = bench
            .spawned("systemctl")
            .into_iter()
            .filter(|words| !["show", "is-enabled"].contains(&words[0].as_str()));
        asked.map(|words| words.join(" ")).collect()
    }

    #[tokio::test]
    async fn a_unit_is_brought_into_its_state() {
        for (active, state, action, shown) in [
            ("inactive", "started", Some("start x"), "started"),
            ("active", "started", None, "started"),
            ("active", "stopped", Some("stop x"), "stopped"),
            ("failed", "stopped", None, "stopped"),
            ("active", "restarted", Some("restart x"), "started"),
            ("inactive", "restarted", Some("start x"), "started"),
            ("active", "reloaded", Some("reload x"), "started"),
        ] {
            let bench = bench(active, "enabled");
            let args = json!({ "name": "x", "state": state });
            let foretold = bench.run("systemd", &args, Mode::Check).await;
            assert_eq!((foretold.changed, changes(&bench).len()), (action.is_some(), 0), "{state}");
            let done = bench.run("systemd", &args, Mode::Apply).await;
            assert_eq!(done.changed, action.is_some(), "{state}: {:?}", done.failure);
            assert_eq!(changes(&bench).first().map(String::as_str), action);
            assert_eq!(
                (&done.result["state"], &done.result["status"]["ActiveState"]),
                (&json!(shown), &json!(active))
            );
        }
    }

    #[tokio::test]
    async fn a_unit_is_enabled_and_masked() {
        let bench = bench("active", "disabled");
        let args = json!({ "name": "x", "enabled": true, "masked": true, "daemon_reload": true });
        let done = bench.run("systemd", &args, Mode::Apply).await;
        assert!(done.changed, "{:?}", done.failure);
        assert_eq!(done.result["enabled"], true);
        assert_eq!(changes(&bench), ["daemon-reload", "mask x", "enable x"]);
    }

    #[tokio::test]
    async fn a_unit_that_is_not_there_is_named() {
        let bench = Bench::answering(
            "systemctl",
            &Exit { stdout: b"LoadState=not-found\n".to_vec(), ..Exit::default() },
        );
        let failed =
            bench.run("systemd", &json!({ "name": "rplay-x", "state": "started" }), Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "Could not find the requested service rplay-x: host");
    }

    #[test]
    fn what_systemd_shows_is_read() {
        let shown = "Id=x.service\nExecStart={ path=/bin/a ;\n b }\nDescription=a = b\n";
        let expected =
            json!({ "Id": "x.service", "ExecStart": "{ path=/bin/a ;\n b }", "Description": "a = b" });
        assert_eq!(Value::Object(properties(shown)), expected);
    }
}
