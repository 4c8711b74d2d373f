//! The pair of SSH keys of a user.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

use rplay_module::{Cx, Failure, Result};

use super::{Telling, UserParams};
use crate::accounts::User as Account;
use crate::program::{self, Order};

fn file(p: &UserParams, account: &Account) -> PathBuf {
    let own = || PathBuf::from(format!(".ssh/id_{}", p.ssh_key_type));
    Path::new(&account.home).join(p.ssh_key_file.clone().unwrap_or_else(own))
}

fn public(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.pub", file.display()))
}

pub(super) fn would_change(p: &UserParams, account: &Account) -> bool {
    let file = file(p, account);
    p.force || !(file.exists() || public(&file).exists())
}

/// Makes the pair unless it is there; returns whether it did.
pub(super) async fn make(cx: &Cx, p: &UserParams, account: &Account) -> Result<bool> {
    let fail = |message: String| Failure::new(message).field("name", p.name.as_str()).field("rc", 1);
    if !Path::new(&account.home).exists() && !p.ssh_key_file.as_ref().is_some_and(|file| file.is_absolute()) {
        return Err(fail(format!("User {} home directory does not exist", p.name)));
    }
    let file = file(p, account);
    let shown = file.display().to_string();
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        let made = fs::DirBuilder::new().mode(0o700).create(folder);
        made.and_then(|()| chown(folder, Some(account.uid), Some(account.gid)))
            .map_err(|error| fail(format!("Failed to create {}: {error}", folder.display())))?;
    }
    for (path, what) in [(file.clone(), "private"), (public(&file), "public")] {
        let path_shown = path.display();
        if !path.exists() {
            continue;
        }
        if !p.force {
            cx.warn(format!("Found existing ssh key {what} file \"{path_shown}\", no force, so skipping ssh-keygen generation"));
            return Ok(false);
        }
        cx.warn(format!("Overwriting existing ssh key {what} file \"{path_shown}\""));
        fs::remove_file(&path).map_err(|error| fail(format!("could not remove {path_shown}: {error}")))?;
    }
    let passphrase: &str = p.ssh_key_passphrase.as_ref().map_or("", |phrase| phrase.expose().as_str());
    let bits = (p.ssh_key_bits > 0).then(|| p.ssh_key_bits.to_string());
    let order = Order::new([program::require(cx, "ssh-keygen")?])
        .option("-t", Some(p.ssh_key_type.as_str()))
        .option("-b", bits)
        .option("-C", Some(comment(p)))
        .option("-f", Some(shown))
        .option("-N", Some(passphrase));
    let ran = order.run(cx).await?;
    if !ran.ok() {
        return Err(p.failed(&ran));
    }
    for path in [file.clone(), public(&file)] {
        chown(&path, Some(account.uid), Some(account.gid)).map_err(|error| fail(error.to_string()))?;
    }
    Ok(true)
}

fn comment(p: &UserParams) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    p.ssh_key_comment.clone().unwrap_or_else(|| format!("ansible-generated on {}", host()))
}

/// Tells of the key that is there.
pub(super) async fn tell(cx: &Cx, p: &UserParams, account: &Account, telling: &mut Telling) -> Result<()> {
    let file = file(p, account);
    let shown = file.display().to_string();
    let fingerprint = if file.exists() {
        let order = Order::new([
            program::require(cx, "ssh-keygen")?,
            "-l".to_owned(),
            "-f".to_owned(),
            shown.clone(),
        ]);
        let ran = order.run(cx).await?;
        if ran.ok() { ran.out } else { ran.err }
    } else {
        String::new()
    };
    telling.put("ssh_fingerprint", fingerprint.trim());
    telling.put("ssh_key_file", shown);
    telling.put("ssh_public_key", fs::read_to_string(public(&file)).ok().map(|text| text.trim().to_owned()));
    Ok(())
}
