use std::path::PathBuf;

use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};

use crate::program::{Order, Ran};

pub(crate) mod cache;
mod deb;
mod known;
mod orders;
mod policy;

use known::Packages;

/// Keeps Debian packages.
#[derive(Params)]
#[params(
    mutually_exclusive("deb", "package", "upgrade"),
    required_one_of("autoremove", "deb", "package", "update_cache", "upgrade")
)]
pub(crate) struct AptParams {
    /// Whether the packages are there, at their latest version, with what it takes to build them, or mended.
    #[param(default = "present")]
    state: State,
    /// Whether the lists of packages are fetched first.
    #[param(alias = "update-cache")]
    update_cache: Option<bool>,
    /// How often fetching the lists is tried.
    #[param(default = 5)]
    update_cache_retries: u32,
    /// The longest time between two tries, in seconds.
    #[param(default = 12)]
    update_cache_retry_max_delay: u64,
    /// How long fetched lists are good for, in seconds.
    #[param(default = 0)]
    cache_valid_time: u64,
    /// Whether configuration files go with their package.
    #[param(default = false)]
    purge: bool,
    /// The packages, by name, `name=version`, `name>=version`, or pattern.
    #[param(alias = "pkg", alias = "name")]
    package: Option<Vec<String>>,
    /// A package file on the host.
    deb: Option<PathBuf>,
    /// The release to take packages from.
    #[param(alias = "default-release")]
    default_release: Option<String>,
    /// Whether what a package recommends comes with it; omitted it is as the system is set up.
    #[param(alias = "install-recommends")]
    install_recommends: Option<bool>,
    /// Whether apt is to do it against its own advice.
    #[param(default = false)]
    force: bool,
    /// Whether all packages are upgraded, and how far that goes.
    #[param(default = "no")]
    upgrade: Upgrade,
    /// Options for dpkg, with commas between them.
    #[param(default = "force-confdef,force-confold")]
    dpkg_options: String,
    /// Whether packages go that were there for others only.
    #[param(default = false)]
    autoremove: bool,
    /// Whether files of packages go that cannot be fetched any more.
    #[param(default = false)]
    autoclean: bool,
    /// Whether it is a failure when a package would be removed.
    #[param(default = false)]
    fail_on_autoremove: bool,
    /// What `policy-rc.d` shall answer while packages are installed: 101 keeps services from being started.
    policy_rc_d: Option<i32>,
    /// Whether only packages that are there are upgraded.
    #[param(default = false)]
    only_upgrade: bool,
    /// Whether apt-get is used even where there is an aptitude.
    #[param(default = false)]
    force_apt_get: bool,
    /// Whether all fetched package files go.
    #[param(default = false)]
    clean: bool,
    /// Whether packages that nobody has signed are taken.
    #[param(default = false, alias = "allow-unauthenticated")]
    allow_unauthenticated: bool,
    /// Whether a lower version may be installed.
    #[param(
        default = false,
        alias = "allow-downgrade",
        alias = "allow_downgrades",
        alias = "allow-downgrades"
    )]
    allow_downgrade: bool,
    /// Whether packages that are held may be changed.
    #[param(default = false)]
    allow_change_held_packages: bool,
    /// How many seconds to wait for another apt to end.
    #[param(default = 60)]
    lock_timeout: u32,
    /// Only for Ansible, which needs a library that rplay does not.
    #[param(default = true)]
    #[expect(dead_code, reason = "nothing has to be installed")]
    auto_install_module_deps: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    #[choice("build-dep")]
    BuildDep,
    Fixed,
    Latest,
    Present,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    Dist,
    Full,
    No,
    Safe,
    Yes,
}

/// What apt-get says when it has nothing to do.
const NOTHING: &str = "\n0 upgraded, 0 newly installed, 0 to remove";

/// A run of the module.
struct Work<'a> {
    cx: &'a Cx,
    p: &'a AptParams,
    /// Only told what it would do: apt-get simulates.
    dry: bool,
}

impl Work<'_> {
    async fn deed(&self) -> Result<Deed> {
        let p = self.p;
        let names = p.package.as_deref().unwrap_or_default();
        let idle = names.is_empty() && p.upgrade == Upgrade::No && p.deb.is_none();
        if p.clean {
            let ran = self.clean().await?;
            if idle {
                return Ok(told(true, &ran, Some(&ran.out)));
            }
        }
        let mut told_cache = Map::new();
        let (updated, time) = if p.update_cache == Some(true) || p.cache_valid_time > 0 {
            self.update().await?
        } else {
            (false, cache::time(self.cx))
        };
        told_cache.insert("cache_updated".to_owned(), Value::from(updated));
        told_cache.insert("cache_update_time".to_owned(), Value::from(time));
        if idle && (p.update_cache == Some(true) || p.cache_valid_time > 0) {
            return Ok(Deed::new(updated, Value::Object(told_cache)));
        }
        if p.upgrade != Upgrade::No {
            return self.upgrade(p.upgrade).await;
        }
        if let Some(deb) = &p.deb {
            if p.state != State::Present {
                return Err(Failure::new("deb only supports state=present"));
            }
            return self.install_file(deb).await;
        }
        self.packages(names, told_cache).await
    }

    async fn packages(&self, names: &[String], told_cache: Map<String, Value>) -> Result<Deed> {
        let p = self.p;
        let packages: Vec<String> =
            names.iter().filter(|name| *name != "*").map(|name| name.trim().to_owned()).collect();
        if p.state == State::Latest && packages.len() != names.len() {
            if !packages.is_empty() {
                let message = "unable to install additional packages when upgrading all installed packages";
                return Err(Failure::new(message));
            }
            return self.upgrade(Upgrade::Yes).await;
        }
        if let Some(bad) = packages.iter().find(|name| name.matches('=').count() > 1) {
            return Err(Failure::new(format!("invalid package spec: {bad}")));
        }
        if packages.is_empty() {
            for (wanted, what) in [(p.autoclean, "autoclean"), (p.autoremove, "autoremove")] {
                if wanted {
                    return self.tidy(what).await;
                }
            }
        }
        let known = Packages::about(self.cx, &packages, p.default_release.as_deref()).await?;
        if p.state == State::Absent {
            return self.remove(&known).await;
        }
        let mut deed = self.install(&known).await.map_err(|mut failure| {
            // Of what nobody has heard of, nothing else is told.
            if !failure.message.starts_with("No package") {
                failure.result.extend(told_cache.clone());
            }
            failure
        })?;
        deed.result.extend(told_cache);
        Ok(deed)
    }

    async fn install(&self, known: &Packages) -> Result<Deed> {
        let wanted =
            if self.p.state == State::BuildDep { known.asked() } else { known.wanted(self.p).await? };
        let mut deed = Deed::new(false, json!({}));
        if !wanted.is_empty() {
            let order = orders::install(self, &wanted);
            let ran = policy::under(self.p.policy_rc_d, order.run(self.cx)).await?;
            if !ran.ok() {
                let line = orders::install_line(self, &wanted);
                return Err(ran.failure(format!("'{line}' failed: {}", ran.err)));
            }
            deed = told(self.p.state != State::BuildDep || !ran.out.contains(NOTHING), &ran, None);
        }
        if !self.dry && self.p.state != State::BuildDep {
            self.mark(&known.names()).await?;
        }
        Ok(deed)
    }

    /// Notes that the packages are there for themselves, so that they do not go with what they came with.
    async fn mark(&self, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let Some(mark) = crate::program::find(self.cx, "apt-mark") else {
            self.cx.warn("Could not find apt-mark binary, not marking package(s) as manually installed.");
            return Ok(());
        };
        let order = orders::plain(Order::new([mark.as_str(), "manual"])).args(names.to_vec());
        let line = order.line();
        let ran = order.run(self.cx).await?;
        if ran.ok() { Ok(()) } else { Err(ran.failure(format!("'{line}' failed: {}", ran.err))) }
    }

    async fn remove(&self, known: &Packages) -> Result<Deed> {
        let there = known.removable(self.p.purge);
        if there.is_empty() {
            return Ok(Deed::new(false, json!({})));
        }
        let ran = policy::under(self.p.policy_rc_d, orders::remove(self, &there).run(self.cx)).await?;
        if !ran.ok() {
            let quoted: Vec<String> = there.iter().map(|name| format!("'{name}'")).collect();
            return Err(ran.failure(format!("'apt-get remove {}' failed: {}", quoted.join(" "), ran.err)));
        }
        Ok(told(true, &ran, None))
    }

    async fn tidy(&self, what: &str) -> Result<Deed> {
        let ran = policy::under(self.p.policy_rc_d, orders::tidy(self, what).run(self.cx)).await?;
        if !ran.ok() {
            return Err(ran.failure(format!("'apt-get {what}' failed: {}", ran.err)));
        }
        let sign = if what == "autoclean" { "Del " } else { "The following packages will be REMOVED" };
        Ok(told(ran.out.contains(sign), &ran, None))
    }

    async fn clean(&self) -> Result<Ran> {
        if self.dry {
            return Ok(Ran::default());
        }
        let ran = orders::plain(Order::new(["apt-get", "clean"])).run(self.cx).await?;
        match (ran.ok(), ran.err.is_empty()) {
            (true, true) => Ok(ran),
            (false, _) => Err(ran.failure("apt-get clean failed")),
            (true, false) => Err(ran.failure(format!("apt-get clean failed: {}", ran.err))),
        }
    }

    async fn upgrade(&self, mode: Upgrade) -> Result<Deed> {
        let (order, name) = orders::upgrade(self, mode)?;
        let ran = policy::under(self.p.policy_rc_d, order.run(self.cx)).await?;
        if !ran.ok() {
            return Err(ran.failure(format!("'{name}' failed: {}", ran.err)));
        }
        let nothing = ran.out.contains(NOTHING)
            || ran.out.contains("\n0 packages upgraded, 0 newly installed, 0 to remove and 0 not upgraded");
        Ok(told(!nothing, &ran, Some(&ran.out)))
    }
}

/// Tells what apt-get said; the difference is the part between its reading and its counting.
fn told(changed: bool, ran: &Ran, msg: Option<&str>) -> Deed {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut deed = Deed::new(
        changed,
        json!({
            "stdout": ran.out, "stdout_lines": lines(&ran.out),
            "stderr": ran.err, "stderr_lines": lines(&ran.err),
        }),
    );
    if let Some(msg) = msg {
        deed.result.insert("msg".to_owned(), Value::from(msg));
    }
    if changed {
        deed.diff.push(Diff {
            before: DiffSide::Absent,
            after: DiffSide::Absent,
            before_header: None,
            after_header: None,
            prepared: Some(difference(&ran.out)),
        });
    }
    deed
}

fn difference(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let start = ["Resolving dependencies...", "Reading state information..."]
        .iter()
        .find_map(|sign| lines.iter().position(|line| line == sign))
        .map_or(0, |at| at + 1);
    let counts = |line: &&str| {
        let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
        rest.len() < line.len() && (rest.starts_with(" upgraded") || rest.starts_with(" packages upgraded"))
    };
    let end = lines.iter().position(counts).map_or(lines.len(), |at| at + 1);
    lines.get(start..end).unwrap_or_default().join("\n")
}

pub(crate) struct Apt;

impl Action for Apt {
    type Params = AptParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &AptParams) -> Result<Deed> {
        Work { cx, p, dry: true }.deed().await
    }

    async fn perform(&self, cx: &Cx, p: &AptParams) -> Result<Deed> {
        Work { cx, p, dry: false }.deed().await
    }
}

#[cfg(test)]
mod tests;
