use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order};
use crate::service::is_systemd_managed;

/// Tells of the services of this machine.
#[derive(Params)]
pub(crate) struct ServiceFactsParams {}

/// What systemd says of a service that is out of order.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

pub(crate) struct ServiceFacts;

impl Action for ServiceFacts {
    type Params = ServiceFactsParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, _p: &ServiceFactsParams) -> Result<Deed> {
        let mut services = Map::new();
        if let Some(service) =
            program::find(cx, "service").filter(|_| program::find(cx, "chkconfig").is_none())
        {
            let ran = Order::new([service.as_str(), "--status-all"]).run(cx).await?;
            if ran.ok() {
                scripts(&ran.out, &mut services);
            } else if ran.rc != 4 || std::path::Path::new("/etc/init.d").exists() {
                cx.warn(format!("Unable to query 'service' tool ({}): {}", ran.rc, ran.err));
                scripts(&ran.out, &mut services);
            }
        }
        if is_systemd_managed(cx) {
            systemd(cx, &mut services).await?;
        }
        if services.is_empty() {
            return Ok(Deed {
                skipped: true,
                ..Deed::new(
                    false,
                    json!({ "msg": "Failed to find any services. This can be due to privileges or some other configuration issue." }),
                )
            });
        }
        Ok(Deed::new(false, json!({ "ansible_facts": { "services": services } })))
    }
}

fn put(services: &mut Map<String, Value>, name: &str, state: &str, more: &[(&str, &str)]) {
    let mut service = json!({ "name": name, "state": state });
    if let Some(fields) = service.as_object_mut() {
        fields.extend(more.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))));
    }
    services.insert(name.to_owned(), service);
}

/// Reads ` [ + ]  name`.
fn scripts(text: &str, services: &mut Map<String, Value>) {
    for line in text.lines() {
        let Some(rest) = line.trim_start().strip_prefix("[ ") else { continue };
        let Some((sign, name)) = rest.split_once(" ]") else { continue };
        let state = match sign {
            "+" => "running",
            "-" => "stopped",
            _ => continue,
        };
        put(services, name.trim(), state, &[("source", "sysv")]);
    }
}

async fn systemd(cx: &Cx, services: &mut Map<String, Value>) -> Result<()> {
    let systemctl = program::require(cx, "systemctl")?;
    let ask =
        |words: &[&str]| Order::new([systemctl.clone()]).args(words.iter().map(|word| (*word).to_owned()));
    let units = ask(&["list-units", "--no-pager", "--type", "service", "--all", "--plain"]).run(cx).await?;
    if units.ok() {
        listed(&units.out, services);
    } else {
        cx.warn(format!("Could not list units from systemd: {}", units.err));
    }
    let files = ask(&["list-unit-files", "--no-pager", "--type", "service", "--all"]).run(cx).await?;
    if !files.ok() {
        cx.warn(format!("Could not get unit files data from systemd: {}", files.err));
        return Ok(());
    }
    for line in files.out.lines().filter(|line| line.contains(".service")) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else {
            return Err(Failure::new(format!(
                "Malformed output discovered from systemd list-unit-files: {line}"
            )));
        };
        if let Some(service) = services.get_mut(name) {
            if !BAD.contains(&service["status"].as_str().unwrap_or_default()) {
                service["status"] = Value::from(status);
            }
            continue;
        }
        let shown = ask(&["show", name, "--property=ActiveState"]).run(cx).await?;
        let state = shown.out.replace("ActiveState=", "");
        let state = if shown.ok() && !shown.out.is_empty() { state.trim_end() } else { "unknown" };
        put(services, name, state, &[("status", status), ("source", "systemd")]);
    }
    Ok(())
}

/// Reads `systemctl list-units`: unit, load, active, sub, description.
fn listed(text: &str, services: &mut Map<String, Value>) {
    for line in text.lines().filter(|line| line.contains(".service")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, _, active, sub, ..] = fields.as_slice() else { continue };
        let known = fields.get(..fields.len().saturating_sub(1)).unwrap_or_default();
        let bad = BAD.iter().find(|bad| known.contains(bad)).copied();
        let state = if *sub == "running" { "running" } else { "stopped" };
        put(services, name, state, &[("status", bad.unwrap_or(active)), ("source", "systemd")]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{listed, scripts};

    #[test]
    fn scripts_and_units_are_read() {
        let mut services = Map::new();
        scripts(" [ + ]  cron\n [ - ]  x y\n [ ? ]  z\n", &mut services);
        listed(
            "cron.service loaded active running Regular\nb.service not-found inactive dead b.service\n",
            &mut services,
        );
        let expected = json!({
            "cron": { "name": "cron", "state": "running", "source": "sysv" },
            "x y": { "name": "x y", "state": "stopped", "source": "sysv" },
            "cron.service": { "name": "cron.service", "state": "running", "status": "active", "source": "systemd" },
            "b.service": { "name": "b.service", "state": "stopped", "status": "not-found", "source": "systemd" },
        });
        assert_eq!(Value::Object(services), expected);
    }
}
