use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::json;

use crate::program::{self, Order};

/// Keeps what dpkg shall do with a package: install it, hold it as it is, or remove it.
#[derive(Params)]
pub(crate) struct DpkgSelectionsParams {
    /// The package.
    name: String,
    /// What shall be done with it.
    selection: Selection,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    Install,
    Hold,
    Deinstall,
    Purge,
}

/// A selection before and after.
struct Change {
    dpkg: String,
    before: String,
    changed: bool,
}

impl DpkgSelectionsParams {
    async fn change(&self, cx: &Cx) -> Result<Change> {
        let dpkg = program::require(cx, "dpkg")?;
        let order = Order::new([dpkg.as_str(), "--get-selections", self.name.as_str()]).plain();
        let ran = order.run(cx).await?;
        if !ran.ok() {
            return Err(ran.failure(ran.err.trim_end().to_owned()));
        }
        if ran.err.contains("no packages found matching") {
            return Err(Failure::new(format!(
                "Failed to find package '{}' to perform selection '{}'.",
                self.name,
                self.selection.as_str()
            )));
        }
        let before = ran.out.split_whitespace().nth(1).unwrap_or("not present").to_owned();
        Ok(Change { dpkg, changed: before != self.selection.as_str(), before })
    }

    fn deed(&self, change: &Change) -> Deed {
        Deed::new(change.changed, json!({ "before": change.before, "after": self.selection.as_str() }))
    }
}

pub(crate) struct DpkgSelections;

impl Action for DpkgSelections {
    type Params = DpkgSelectionsParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &DpkgSelectionsParams) -> Result<Deed> {
        Ok(p.deed(&p.change(cx).await?))
    }

    async fn perform(&self, cx: &Cx, p: &DpkgSelectionsParams) -> Result<Deed> {
        let change = p.change(cx).await?;
        if change.changed {
            let wish = format!("{} {}", p.name, p.selection.as_str());
            let ran =
                Order::new([change.dpkg.as_str(), "--set-selections"]).plain().stdin(wish).run(cx).await?;
            if !ran.ok() {
                return Err(ran.failure(ran.err.trim_end().to_owned()));
            }
        }
        Ok(p.deed(&change))
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::{Exit, Mode};
    use serde_json::json;

    use crate::tests::Bench;

    #[tokio::test]
    async fn a_package_is_held_once() {
        let bench = Bench::new();
        bench.write("kept", "install");
        let kept = bench.path("kept").display().to_string();
        bench.script(
            "dpkg",
            &format!(
                "if [ $1 = --set-selections ]; then cut -d' ' -f2 > '{kept}'; else echo \"$2 $(cat '{kept}')\"; fi"
            ),
        );
        let args = json!({ "name": "vim", "selection": "hold" });
        let foretold = bench.run("dpkg_selections", &args, Mode::Check).await;
        assert!(foretold.changed && bench.read("kept") == "install", "{:?}", foretold.failure);
        let done = bench.run("dpkg_selections", &args, Mode::Apply).await;
        assert_eq!((&done.result["before"], &done.result["after"]), (&json!("install"), &json!("hold")));
        assert_eq!(bench.read("kept"), "hold\n");
        assert!(!bench.run("dpkg_selections", &args, Mode::Apply).await.changed);
    }

    #[tokio::test]
    async fn a_package_that_nobody_knows_is_named() {
        let said = b"dpkg: no packages found matching vim\n".to_vec();
        let bench = Bench::answering("dpkg", &Exit { stderr: said, ..Exit::default() });
        let args = json!({ "name": "vim", "selection": "hold" });
        let failed = bench.run("dpkg_selections", &args, Mode::Apply).await.failure.unwrap();
        assert_eq!(failed.message, "Failed to find package 'vim' to perform selection 'hold'.");
    }
}
