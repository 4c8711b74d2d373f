//! Init scripts, where there are any.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rplay_module::{Cx, fnmatch};

const SCRIPTS: &str = "/etc/init.d";

/// Returns whether a service has an init script.
pub(crate) fn exists(name: &str) -> bool {
    !name.is_empty() && Path::new(SCRIPTS).join(name).is_file()
}

/// Returns whether a service is started on any runlevel.
pub(crate) fn is_enabled(name: &str) -> bool {
    runlevels_of(name, Path::new("/etc"))
}

fn runlevels_of(name: &str, folder: &Path) -> bool {
    let started = |level: &Path| {
        let entries = level.read_dir().into_iter().flatten().filter_map(Result::ok);
        entries
            .into_iter()
            .any(|entry| fnmatch::matches(&format!("S??{name}"), &entry.file_name().to_string_lossy()))
    };
    let levels = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
    levels
        .filter(|level| fnmatch::matches("rc[0-9S].d", &level.file_name().to_string_lossy()))
        .any(|level| started(&level.path()))
}

/// Returns whether the root of this process is not that of the machine's first one.
pub(crate) fn is_chroot(cx: &Cx) -> bool {
    if cx.env("debian_chroot").is_some() {
        return true;
    }
    let identity = |path: &str| Path::new(path).metadata().ok().map(|found| (found.dev(), found.ino()));
    match (identity("/"), identity("/proc/1/root/.")) {
        (Some(own), Some(first)) => own != first,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_enabled_by_a_link_to_its_script() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rc3.d")).unwrap();
        assert!(!runlevels_of("x", folder.path()));
        std::fs::write(folder.path().join("rc3.d/S20x"), "").unwrap();
        assert!(runlevels_of("x", folder.path()));
        assert!(!runlevels_of("xy", folder.path()));
    }
}
