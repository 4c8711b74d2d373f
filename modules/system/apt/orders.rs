//! The command lines of apt-get.

use rplay_module::{Failure, Result};

use super::{Upgrade, Work};
use crate::program::{self, Order};

/// No questions, and no language but C's.
pub(super) fn plain(order: Order) -> Order {
    order
        .plain()
        .env("LANGUAGE", "C")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("DEBIAN_PRIORITY", "critical")
}

fn flag(order: Order, wanted: bool, option: &str) -> Order {
    if wanted { order.arg(option) } else { order }
}

fn dpkg_options(work: &Work<'_>, order: Order) -> Order {
    let options = work.p.dpkg_options.split(',').filter(|option| !option.is_empty());
    let order =
        options.fold(order, |order, option| order.arg("-o").arg(format!("Dpkg::Options::=--{option}")));
    order.arg("-o").arg(format!("DPkg::Lock::Timeout={}", work.p.lock_timeout))
}

fn apt_get(work: &Work<'_>) -> Order {
    let program = program::find(work.cx, "apt-get").unwrap_or_else(|| "apt-get".to_owned());
    plain(Order::new([program]))
}

pub(super) fn install(work: &Work<'_>, packages: &[String]) -> Order {
    let p = work.p;
    let build = p.state == super::State::BuildDep;
    let mut order = dpkg_options(work, apt_get(work).arg("-y"));
    order = flag(order, p.only_upgrade, "--only-upgrade");
    order = flag(order, p.state == super::State::Fixed, "--fix-broken");
    order = flag(order, p.force, "--force-yes");
    order = flag(order, p.autoremove && !build, "--auto-remove");
    order = flag(order, p.fail_on_autoremove, "--no-remove");
    order = flag(order, work.dry, "--simulate");
    order = order.arg(if build { "build-dep" } else { "install" }).args(packages.to_vec());
    order = order.option("-t", p.default_release.as_deref());
    let recommends = p.install_recommends.map(|wanted| if wanted { "yes" } else { "no" });
    order = order.option("-o", recommends.map(|word| format!("APT::Install-Recommends={word}")));
    order = flag(order, p.allow_unauthenticated, "--allow-unauthenticated");
    order = flag(order, p.allow_downgrade, "--allow-downgrades");
    flag(order, p.allow_change_held_packages, "--allow-change-held-packages")
}

/// Returns the command line of an installation as Ansible writes it for a shell: what is not asked for leaves its space.
pub(super) fn install_line(work: &Work<'_>, packages: &[String]) -> String {
    let p = work.p;
    let build = p.state == super::State::BuildDep;
    let program = program::find(work.cx, "apt-get").unwrap_or_else(|| "apt-get".to_owned());
    let mut options: Vec<String> =
        p.dpkg_options.split(',').map(|option| format!("-o \"Dpkg::Options::=--{option}\"")).collect();
    options.push(format!("-o DPkg::Lock::Timeout={}", p.lock_timeout));
    let slot = |wanted: bool, option: &'static str| if wanted { option } else { "" };
    let mut slots = vec![
        slot(p.only_upgrade, "--only-upgrade"),
        slot(p.state == super::State::Fixed, "--fix-broken"),
        slot(p.force, "--force-yes"),
    ];
    slots.extend((!build).then_some(slot(p.autoremove, "--auto-remove")));
    slots.push(slot(p.fail_on_autoremove, "--no-remove"));
    slots.push(slot(work.dry, "--simulate"));
    let packages: Vec<String> = packages.iter().map(|package| format!("'{package}'")).collect();
    let deed = if build { "build-dep" } else { "install" };
    let mut line =
        format!("{program} -y {} {} {deed} {}", options.join(" "), slots.join(" "), packages.join(" "));
    if let Some(release) = &p.default_release {
        line.extend([" -t '", release, "'"]);
    }
    if let Some(wanted) = p.install_recommends {
        line.push_str(if wanted {
            " -o APT::Install-Recommends=yes"
        } else {
            " -o APT::Install-Recommends=no"
        });
    }
    for (wanted, option) in [
        (p.allow_unauthenticated, " --allow-unauthenticated"),
        (p.allow_downgrade, " --allow-downgrades"),
        (p.allow_change_held_packages, " --allow-change-held-packages"),
    ] {
        line.push_str(slot(wanted, option));
    }
    line
}

pub(super) fn remove(work: &Work<'_>, packages: &[String]) -> Order {
    let p = work.p;
    let mut order = dpkg_options(work, apt_get(work).arg("-q").arg("-y"));
    order = flag(order, p.purge, "--purge");
    order = flag(order, p.force, "--force-yes");
    order = flag(order, p.autoremove, "--auto-remove");
    order = flag(order, work.dry, "--simulate");
    order = flag(order, p.allow_change_held_packages, "--allow-change-held-packages");
    order.arg("remove").args(packages.to_vec())
}

pub(super) fn tidy(work: &Work<'_>, what: &str) -> Order {
    let order = dpkg_options(work, apt_get(work).arg("-y"));
    let order = flag(order, work.p.purge, "--purge");
    let order = flag(order, work.p.force, "--force-yes").arg(what);
    flag(order, work.dry, "--simulate")
}

/// Returns what upgrades all packages, and what a failure calls it.
pub(super) fn upgrade(work: &Work<'_>, mode: Upgrade) -> Result<(Order, String)> {
    let p = work.p;
    let aptitude = program::find(work.cx, "aptitude").filter(|_| !p.force_apt_get);
    let remove = if p.autoremove { " --auto-remove" } else { "" };
    let (program, words) = match (mode, aptitude) {
        (Upgrade::Dist, _) | (Upgrade::Full, None) => (None, format!("dist-upgrade{remove}")),
        (Upgrade::Full, Some(aptitude)) => (Some(aptitude), "full-upgrade".to_owned()),
        (_, Some(aptitude)) => (Some(aptitude), "safe-upgrade".to_owned()),
        (_, None) => (None, format!("upgrade --with-new-pkgs{remove}")),
    };
    let by_apt_get = program.is_none();
    for (given, option) in [(p.fail_on_autoremove, "--no-remove"), (p.allow_downgrade, "--allow-downgrades")]
    {
        if given && !by_apt_get {
            let param = if option == "--no-remove" { "fail_on_autoremove" } else { "allow_downgrade" };
            work.cx.warn(format!("APTITUDE does not support '{option}', ignoring the '{param}' parameter."));
        }
    }
    let Some(program) = program.or_else(|| program::find(work.cx, "apt-get")) else {
        return Err(Failure::new(
            "Unable to find APTITUDE in path. Please make sure to have APTITUDE in path or use 'force_apt_get=True'",
        ));
    };
    let name = format!("{program} {words}");
    let mut order = dpkg_options(work, plain(Order::new([program])).arg("-y"));
    order = match (p.force, by_apt_get) {
        (true, true) => order.arg("--force-yes"),
        (true, false) => order.arg("--assume-yes").arg("--allow-untrusted"),
        (false, _) => order,
    };
    order = flag(order, p.fail_on_autoremove && by_apt_get, "--no-remove");
    order = flag(order, p.allow_unauthenticated, "--allow-unauthenticated");
    order = flag(order, p.allow_downgrade && by_apt_get, "--allow-downgrades");
    order = flag(order, work.dry, "--simulate").args(words.split(' ').map(str::to_owned));
    Ok((order.option("-t", p.default_release.as_deref()), name))
}
