//! Home folders that are made here and not by `useradd`: those whose parents were missing, or of accounts without one.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};
use std::path::Path;

use rplay_module::{Failure, Result};

use crate::accounts::User as Account;

/// Makes a home as a copy of the skeleton, with the permissions that the system gives to homes.
pub(super) fn make(skeleton: Option<&str>, home: &Path) -> Result<()> {
    if home.exists() {
        return Ok(());
    }
    let fail = |error: io::Error| Failure::new(format!("could not make {}: {error}", home.display()));
    fs::create_dir_all(home).map_err(fail)?;
    let skeleton = Path::new(skeleton.unwrap_or("/etc/skel"));
    if skeleton.is_dir() {
        copy(skeleton, home).map_err(fail)?;
    }
    if let Ok(settings) = fs::read_to_string("/etc/login.defs") {
        fs::set_permissions(home, fs::Permissions::from_mode(bits(&settings))).map_err(fail)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in from.read_dir()? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&source, &target)?;
            fs::set_permissions(&target, source.metadata()?.permissions())?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// `HOME_MODE` beats `UMASK`.
fn bits(settings: &str) -> u32 {
    let octal = |name: &str| {
        let mut fields = settings.lines().map(str::split_whitespace);
        fields.find_map(|mut words| {
            (words.next() == Some(name))
                .then(|| words.next())
                .flatten()
                .and_then(|text| u32::from_str_radix(text, 8).ok())
        })
    };
    octal("HOME_MODE").or_else(|| octal("UMASK").map(|umask| 0o777 & !umask)).unwrap_or(0o755)
}

/// Gives a home and all that is in it to its user.
pub(super) fn give(home: &Path, account: &Account) -> Result<()> {
    given(home, account)
        .map_err(|error| Failure::new(format!("could not give {} away: {error}", home.display())))
}

fn given(path: &Path, account: &Account) -> io::Result<()> {
    lchown(path, Some(account.uid), Some(account.gid))?;
    if path.is_dir() && !path.is_symlink() {
        for entry in path.read_dir()? {
            given(&entry?.path(), account)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_copy_of_the_skeleton() {
        let folder = tempfile::tempdir().unwrap();
        let skeleton = folder.path().join("skel");
        fs::create_dir_all(skeleton.join("d")).unwrap();
        fs::write(skeleton.join("d/f"), "1").unwrap();
        symlink("d", skeleton.join("l")).unwrap();
        let home = folder.path().join("a/home");
        make(skeleton.to_str(), &home).unwrap();
        assert_eq!(fs::read_to_string(home.join("d/f")).unwrap(), "1");
        assert!(home.join("l").is_symlink());
    }

    #[test]
    fn permissions_of_homes_are_the_systems() {
        assert_eq!(bits("UMASK 027\n"), 0o750);
        assert_eq!(bits("UMASK\t022\nHOME_MODE\t0700\n"), 0o700);
        assert_eq!(bits("# UMASK 027\n"), 0o755);
    }
}
