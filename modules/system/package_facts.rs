use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{self, Order};

/// Tells of the packages that are installed.
#[derive(Params)]
pub(crate) struct PackageFactsParams {
    /// The package managers to ask; `auto` is those that are known.
    #[param(default = ["auto"])]
    manager: Vec<String>,
    /// Whether the first of them that knows any is enough.
    #[param(default = "first")]
    strategy: Strategy,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    First,
    All,
}

/// The managers that Ansible knows, in the order of their names; only apt and rpm are asked.
const MANAGERS: [&str; 8] = ["apk", "apt", "openbsd_pkg", "pacman", "pkg", "pkg_info", "portage", "rpm"];
const ALIASES: [(&str, &str); 4] = [("dnf", "rpm"), ("dnf5", "rpm"), ("yum", "rpm"), ("zypper", "rpm")];

impl PackageFactsParams {
    /// Returns the managers to ask, each once and by its own name.
    fn managers(&self) -> Result<Vec<String>> {
        let mut managers: Vec<String> = self.manager.iter().map(|name| name.to_lowercase()).collect();
        let auto = managers.iter().any(|name| name == "auto");
        if auto {
            managers.retain(|name| name != "auto");
            managers.extend(MANAGERS.map(str::to_owned));
        }
        let own = |name: &String| {
            ALIASES.iter().find(|(alias, _)| alias == name).map_or(name.clone(), |(_, own)| (*own).to_owned())
        };
        let mut once: Vec<String> = Vec::new();
        for name in managers.iter().map(own) {
            if !MANAGERS.contains(&name.as_str()) {
                return Err(Failure::new(format!("Unsupported package managers requested: {name}")));
            }
            if !once.contains(&name) {
                once.push(name);
            }
        }
        Ok(once)
    }
}

pub(crate) struct PackageFacts;

impl Action for PackageFacts {
    type Params = PackageFactsParams;
    const EFFECT: Effect = Effect::Reads;
    const IN_CHECK: InCheck = InCheck::Run;

    async fn perform(&self, cx: &Cx, p: &PackageFactsParams) -> Result<Deed> {
        let managers = p.managers()?;
        let mut packages: Map<String, Value> = Map::new();
        for name in &managers {
            if p.strategy == Strategy::First && !packages.is_empty() {
                break;
            }
            let found = match name.as_str() {
                "apt" => apt(cx).await?,
                "rpm" => rpm(cx).await?,
                _ => None,
            };
            match found {
                Some(found) if found.is_empty() => {
                    cx.warn(format!("Found \"{name}\" but no associated packages"));
                }
                Some(found) => merge(&mut packages, found),
                None if p.manager.contains(name) => {
                    cx.warn(format!("Requested package manager {name} was not usable by this module: it is not on this machine"));
                }
                None => {}
            }
        }
        if packages.is_empty() {
            let list = managers.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(format!(
                "Could not detect a supported package manager from the following list: [{list}], or the required Python \
                 library is not installed. Check warnings for details."
            )));
        }
        Ok(Deed::new(false, json!({ "ansible_facts": { "packages": packages } })))
    }
}

fn merge(all: &mut Map<String, Value>, found: Vec<Value>) {
    for package in found {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        match all.entry(name).or_insert_with(|| json!([])) {
            Value::Array(list) => list.push(package),
            other => *other = json!([package]),
        }
    }
}

async fn apt(cx: &Cx) -> Result<Option<Vec<Value>>> {
    let Some(query) = program::find(cx, "dpkg-query") else { return Ok(None) };
    let format = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${Section}\n";
    let ran = Order::new([query.as_str(), "-W", "-f", format]).plain().run(cx).await?;
    let native =
        Order::new(["dpkg", "--print-architecture"]).run(cx).await.map(|ran| ran.out).unwrap_or_default();
    Ok(Some(dpkg(&ran.out, native.trim())))
}

/// Packages of another architecture have it in their name; where a package came from dpkg does not note.
fn dpkg(text: &str, native: &str) -> Vec<Value> {
    let fields = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    fields
        .filter_map(|fields| {
            let ["installed", name, version, arch, section] = fields.as_slice() else { return None };
            let foreign = *arch != native && *arch != "all" && !native.is_empty();
            let name = if foreign { format!("{name}:{arch}") } else { (*name).to_owned() };
            Some(json!({
                "name": name, "version": version, "arch": arch, "category": section, "origin": "", "source": "apt",
            }))
        })
        .collect()
}

async fn rpm(cx: &Cx) -> Result<Option<Vec<Value>>> {
    let Some(rpm) = program::find(cx, "rpm") else { return Ok(None) };
    let format = "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n";
    let ran = Order::new([rpm.as_str(), "-qa", "--qf", format]).plain().run(cx).await?;
    let fields = ran.out.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let packages = fields.filter_map(|fields| {
        let [name, version, release, epoch, arch] = fields.as_slice() else { return None };
        Some(json!({
            "name": name, "version": version, "release": release, "epoch": epoch.parse::<u64>().ok(), "arch": arch,
            "source": "rpm",
        }))
    });
    Ok(Some(packages.collect()))
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn installed_packages_are_facts() {
        let list =
            "installed\ta\t1.0\tamd64\tnet\nconfig-files\tb\t1\tamd64\tnet\ninstalled\ta\t1.0\ti386\tnet\n";
        let bench = Bench::answering("dpkg-query", &Exit { stdout: list.into(), ..Exit::default() });
        bench.answer("dpkg", &Exit { stdout: b"amd64\n".to_vec(), ..Exit::default() });
        let told = bench.run("package_facts", &json!({}), Mode::Check).await;
        let package = |name: &str, arch: &str| json!([{ "name": name, "version": "1.0", "arch": arch, "category": "net", "origin": "", "source": "apt" }]);
        let expected =
            json!({ "packages": { "a": package("a", "amd64"), "a:i386": package("a:i386", "i386") } });
        assert_eq!(told.result["ansible_facts"], expected);
    }

    #[tokio::test]
    async fn a_manager_that_nobody_knows_is_named() {
        let failed = Bench::new().run("package_facts", &json!({ "manager": "brew" }), Mode::Apply).await;
        assert_eq!(failed.failure.unwrap().message, "Unsupported package managers requested: brew");
    }
}
