use rplay_module::{Action, Cx, Deed, Effect, Failure, InCheck, Params, Result, params};
use serde_json::{Map, Value};

use crate::apt::{Apt, AptParams};
use crate::program;

/// Keeps packages with whatever package manager this machine has.
#[derive(Params)]
#[params(open)]
pub(crate) struct PackageParams {
    /// The packages, as the package manager calls them.
    name: Value,
    /// Whether they are there, in the package manager's words: `present`, `absent`, `latest`; omitted it decides.
    state: Option<String>,
    /// The package manager; omitted it is found out.
    #[param(name = "use", default = "auto")]
    manager: String,
    /// What else the package manager takes.
    #[param(rest)]
    more: Map<String, Value>,
}

impl PackageParams {
    /// Returns what this comes to for apt, which is the one that is built.
    fn for_apt(&self, cx: &Cx) -> Result<AptParams> {
        match self.manager.as_str() {
            "auto" if program::find(cx, "apt-get").is_none() => {
                return Err(Failure::new(
                    "Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.",
                ));
            }
            "auto" | "apt" | "ansible.builtin.apt" | "ansible.legacy.apt" => {}
            other => {
                let message =
                    format!("Could not find a matching action for the \"{other}\" package manager.");
                return Err(Failure::new(message).refused());
            }
        }
        let mut args = self.more.clone();
        args.insert("name".to_owned(), self.name.clone());
        args.extend(self.state.iter().map(|state| ("state".to_owned(), Value::from(state.as_str()))));
        let parsed = params::parse::<AptParams>(&Value::Object(args));
        parsed.map(|parsed| parsed.params).map_err(|faults| Failure::new(params::message(&faults, "apt")))
    }
}

pub(crate) struct Package;

impl Action for Package {
    type Params = PackageParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &PackageParams) -> Result<Deed> {
        Apt.foretell(cx, &p.for_apt(cx)?).await
    }

    async fn perform(&self, cx: &Cx, p: &PackageParams) -> Result<Deed> {
        Apt.perform(cx, &p.for_apt(cx)?).await
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn packages_are_kept_with_apt() {
        let bench = Bench::answering("apt-get", &Exit::default());
        bench.answer("dpkg-query", &Exit::default());
        bench.answer("apt-mark", &Exit::default());
        let policy = "x:\n  Candidate: 1\n  Version table:\n     1 500\n";
        bench.answer("apt-cache", &Exit { stdout: policy.into(), ..Exit::default() });
        let args = json!({ "name": "x", "install_recommends": false });
        let done = bench.run("package", &args, Mode::Apply).await;
        assert!(done.changed, "{:?}", done.failure);
        assert!(bench.spawned("apt-get")[0].contains(&"x=1".to_owned()));
    }

    #[tokio::test]
    async fn another_manager_is_named() {
        let args = json!({ "name": "x", "state": "present", "use": "zypper" });
        let failed = Bench::new().run("package", &args, Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "Could not find a matching action for the \"zypper\" package manager.");
    }
}
