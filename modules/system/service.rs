//! `service`, and `sysvinit`: whatever starts services on this machine.

use std::time::Duration;

use rplay_module::{Action, Choice as _, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order, Ran};
use crate::systemd::{State, Systemctl, Wish};
use crate::sysv;

/// Keeps a service.
#[derive(Params)]
#[params(required_one_of("state", "enabled"))]
pub(crate) struct ServiceParams {
    /// The service.
    name: String,
    /// Whether it runs. `restarted` and `reloaded` do so every time.
    state: Option<State>,
    /// Whether it is started with the system.
    enabled: Option<bool>,
    /// How many seconds pass between stopping and starting it in a restart.
    sleep: Option<u64>,
    /// A text in the process list that says that it runs, where its script cannot tell.
    pattern: Option<String>,
    /// The runlevel, where there are any.
    #[param(default = "default")]
    runlevel: String,
    /// Further arguments for its script.
    #[param(default = "", alias = "args")]
    arguments: String,
    /// What manages services; omitted it is found out.
    #[param(name = "use", default = "auto")]
    manager: String,
}

/// Keeps a service that has an init script.
#[derive(Params)]
#[params(required_one_of("state", "enabled"))]
pub(crate) struct SysvinitParams {
    /// The service.
    #[param(alias = "service")]
    name: String,
    /// Whether it runs. `restarted` and `reloaded` do so every time.
    state: Option<State>,
    /// Whether it is started with the system.
    enabled: Option<bool>,
    /// How many seconds pass between stopping and starting it in a restart.
    #[param(default = 1)]
    sleep: u64,
    /// A text in the process list that says that it runs, where its script cannot tell.
    pattern: Option<String>,
    /// The runlevels that it is enabled on; omitted the system's choice.
    runlevels: Option<Vec<String>>,
    /// Further arguments for its script.
    #[param(alias = "args")]
    arguments: Option<String>,
    /// Whether its script goes on in the background and forgets who started it.
    #[param(default = false)]
    daemonize: bool,
}

/// An init script, and what shall be done to its service.
struct Script<'a> {
    cx: &'a Cx,
    name: &'a str,
    state: Option<State>,
    enabled: Option<bool>,
    sleep: u64,
    pattern: Option<&'a str>,
    arguments: &'a str,
    runlevels: &'a [String],
    dry: bool,
}

impl Script<'_> {
    async fn keep(&self, result: &mut Map<String, Value>) -> Result<bool> {
        let mut changed = false;
        if let Some(enabled) = self.enabled {
            changed |= self.enable(enabled).await?;
            result.insert("enabled".to_owned(), Value::from(enabled));
        }
        if let Some(state) = self.state {
            changed |= self.run_state(state).await?;
            let shown = if state == State::Stopped { "stopped" } else { "started" };
            result.insert("state".to_owned(), Value::from(shown));
        }
        Ok(changed)
    }

    async fn enable(&self, enabled: bool) -> Result<bool> {
        if !sysv::exists(self.name) {
            return Err(Failure::new(format!("Could not find the requested service {}: host", self.name)));
        }
        if sysv::is_enabled(self.name) == enabled {
            return Ok(false);
        }
        let levels =
            if enabled && !self.runlevels.is_empty() { self.runlevels.join(" ") } else { String::new() };
        let action = if enabled { "enable" } else { "disable" };
        let order = Order::new([program::require(self.cx, "update-rc.d")?, self.name.to_owned()]);
        if self.dry {
            return Ok(true);
        }
        let ran = order.clone().arg("defaults").run(self.cx).await?;
        let ran = if ran.ok() {
            order.arg(action).args(levels.split_whitespace()).run(self.cx).await?
        } else {
            ran
        };
        if ran.ok() {
            Ok(true)
        } else {
            Err(ran.failure(format!("Failed to {action} service: {}", self.name)))
        }
    }

    async fn script(&self, action: &str) -> Result<Ran> {
        let script = format!("/etc/init.d/{}", self.name);
        let order = match program::find(self.cx, "service") {
            Some(service) => Order::new([service, self.name.to_owned()]),
            None => Order::new([script]),
        };
        order.arg(action).args(self.arguments.split_whitespace()).run(self.cx).await
    }

    /// What a script says of its service in words counts for more than how it ends.
    async fn runs(&self) -> Result<bool> {
        if let Some(pattern) = self.pattern {
            let list = Order::new(["ps", "auxww"]).run(self.cx).await?;
            return Ok(list.out.lines().any(|line| line.contains(pattern) && !line.contains("pattern=")));
        }
        let status = self.script("status").await?;
        let said = format!("{}{}", status.out, status.err).to_lowercase();
        if said.contains("unrecognized service") {
            return Err(Failure::new(format!("Could not find the requested service {}: host", self.name)));
        }
        let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
        Ok(match status.rc {
            _ if says(&["is not running", "not running", "stopped", "is dead", "start/waiting"]) => false,
            0 => true,
            1..=4 | 69 => false,
            _ => says(&["running", "could not access pid file"]),
        })
    }

    async fn run_state(&self, state: State) -> Result<bool> {
        if !sysv::exists(self.name) && program::find(self.cx, "service").is_none() {
            return Err(Failure::new(format!("Could not find the requested service {}: host", self.name)));
        }
        let running = self.runs().await?;
        let actions: &[&str] = match state {
            State::Started if running => &[],
            State::Stopped if !running => &[],
            State::Stopped => &["stop"],
            State::Reloaded if running => &["reload"],
            State::Restarted if running => &["stop", "start"],
            State::Started | State::Reloaded | State::Restarted => &["start"],
        };
        if self.dry {
            return Ok(!actions.is_empty());
        }
        for (at, action) in actions.iter().enumerate() {
            if at > 0 {
                self.cx.sleep(Duration::from_secs(self.sleep)).await;
            }
            let ran = self.script(action).await?;
            if !ran.ok() {
                let said = if ran.err.is_empty() { ran.out } else { ran.err };
                return Err(Failure::new(said));
            }
        }
        Ok(!actions.is_empty())
    }
}

impl ServiceParams {
    async fn deed(&self, cx: &Cx, dry: bool) -> Result<Deed> {
        let mut result = Map::from_iter([("name".to_owned(), json!(self.name))]);
        let managed = match self.manager.as_str() {
            "auto" => is_systemd_managed(cx),
            named => named.ends_with("systemd"),
        };
        let changed = if managed {
            self.warn_of_unused(cx);
            let wish = Wish { name: &self.name, state: self.state, enabled: self.enabled, masked: None };
            Systemctl::of(cx, dry)?.keep(&wish, &mut result).await?
        } else {
            let script = Script {
                cx,
                name: &self.name,
                state: self.state,
                enabled: self.enabled,
                sleep: self.sleep.unwrap_or(1),
                pattern: self.pattern.as_deref(),
                arguments: &self.arguments,
                runlevels: &[],
                dry,
            };
            script.keep(&mut result).await?
        };
        Ok(Deed::new(changed, Value::Object(result)))
    }

    /// systemd has no use for what is for scripts.
    fn warn_of_unused(&self, cx: &Cx) {
        let given = [
            ("pattern", self.pattern.is_some()),
            ("runlevel", self.runlevel != "default"),
            ("sleep", self.sleep.is_some()),
            ("arguments", !self.arguments.is_empty()),
        ];
        for (name, _) in given.iter().filter(|(_, given)| *given) {
            cx.warn(format!("Ignoring \"{name}\" as it is not used in \"systemd\""));
        }
    }
}

/// As Ansible's fact has it: there is a `systemctl`, and systemd has booted this machine or is its first process.
pub(crate) fn is_systemd_managed(cx: &Cx) -> bool {
    let canaries = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
    let first = std::fs::read_to_string("/proc/1/comm").unwrap_or_default();
    program::find(cx, "systemctl").is_some()
        && (first.trim() == "systemd" || canaries.iter().any(|canary| std::path::Path::new(canary).exists()))
}

pub(crate) struct Service;

impl Action for Service {
    type Params = ServiceParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &ServiceParams) -> Result<Deed> {
        p.deed(cx, true).await
    }

    async fn perform(&self, cx: &Cx, p: &ServiceParams) -> Result<Deed> {
        p.deed(cx, false).await
    }
}

impl SysvinitParams {
    async fn deed(&self, cx: &Cx, dry: bool) -> Result<Deed> {
        if !sysv::exists(&self.name) {
            return Err(Failure::new(format!("Could not find the requested service {}: ", self.name)));
        }
        let arguments = self.arguments.as_deref().unwrap_or_default();
        let script = Script {
            cx,
            name: &self.name,
            state: self.state,
            enabled: self.enabled,
            sleep: self.sleep,
            pattern: self.pattern.as_deref(),
            arguments,
            runlevels: self.runlevels.as_deref().unwrap_or_default(),
            dry,
        };
        let mut result =
            Map::from_iter([("name".to_owned(), json!(self.name)), ("status".to_owned(), json!({}))]);
        if self.daemonize {
            cx.warn("'daemonize' changes nothing: a script's own children go on by themselves");
        }
        let changed = script.keep(&mut result).await?;
        if let Some(state) = self.state {
            result.insert("state".to_owned(), Value::from(state.as_str()));
        }
        Ok(Deed::new(changed, Value::Object(result)))
    }
}

pub(crate) struct Sysvinit;

impl Action for Sysvinit {
    type Params = SysvinitParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &SysvinitParams) -> Result<Deed> {
        p.deed(cx, true).await
    }

    async fn perform(&self, cx: &Cx, p: &SysvinitParams) -> Result<Deed> {
        p.deed(cx, false).await
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::Mode;
    use serde_json::json;

    use crate::tests::Bench;

    fn bench(status: i32) -> Bench {
        let bench = Bench::new();
        bench.script("service", &format!("[ \"$2\" = status ] && exit {status}; exit 0"));
        bench
    }

    fn actions(bench: &Bench) -> Vec<String> {
        let words = bench.spawned("service").into_iter().map(|words| words[1].clone());
        words.filter(|word| word != "status").collect()
    }

    #[tokio::test]
    async fn a_script_is_called_only_when_it_has_to_be() {
        for (status, state, expected) in [
            (3, "started", vec!["start"]),
            (0, "started", vec![]),
            (0, "stopped", vec!["stop"]),
            (3, "stopped", vec![]),
            (0, "restarted", vec!["stop", "start"]),
            (3, "restarted", vec!["start"]),
            (0, "reloaded", vec!["reload"]),
        ] {
            let bench = bench(status);
            let args = json!({ "name": "x", "state": state, "use": "service" });
            assert_eq!(bench.run("service", &args, Mode::Check).await.changed, !expected.is_empty());
            assert!(actions(&bench).is_empty());
            let done = bench.run("service", &args, Mode::Apply).await;
            assert_eq!(done.changed, !expected.is_empty(), "{:?}", done.failure);
            assert_eq!(actions(&bench), expected);
        }
    }

    #[tokio::test]
    async fn a_service_without_a_script_is_named() {
        let failed =
            bench(0).run("sysvinit", &json!({ "name": "rplay-x", "state": "started" }), Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "Could not find the requested service rplay-x: ");
    }
}
