//! The names that images have in the Docker engine of this machine.

use std::process::{Command, Stdio};

fn docker(args: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether an engine answers.
pub(crate) fn answers() -> bool {
    docker(&["version", "--format", "{{.Server.Version}}"]).is_some()
}

/// Returns the names of an application's images, its own and those it was pushed under.
pub(crate) fn names(app: &str) -> Vec<String> {
    let listed = docker(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).unwrap_or_default();
    let of_it =
        |name: &&str| name.rsplit('/').next().is_some_and(|last| last.starts_with(&format!("{app}:")));
    listed.lines().filter(of_it).map(str::to_owned).collect()
}

/// Takes away the names that pushing has given; the image stays under its own.
pub(crate) fn forget_pushed_names(app: &str) {
    let pushed: Vec<String> = names(app).into_iter().filter(|name| name.contains('/')).collect();
    let args: Vec<&str> = ["image", "rm"].into_iter().chain(pushed.iter().map(String::as_str)).collect();
    if !pushed.is_empty() {
        docker(&args);
    }
}

/// Takes away all of them, and with them the image.
pub(crate) fn forget(app: &str) {
    let names = names(app);
    let args: Vec<&str> = ["image", "rm"].into_iter().chain(names.iter().map(String::as_str)).collect();
    if !names.is_empty() {
        docker(&args);
    }
}
