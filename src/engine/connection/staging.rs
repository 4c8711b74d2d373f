//! Files of the controller's on a host: a private folder under the remote temporary one, gone after the call.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use rplay_module::params::to_wire;
use serde_json::Value;

use super::wire::{Carried, What};

/// A folder that goes with everything in it.
pub(super) struct Staging {
    folder: PathBuf,
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What a task has made unremovable stays where temporary files are.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Staging {
    pub(super) fn new(remote_tmp: &str, home: Option<&str>) -> io::Result<Self> {
        let base = match (remote_tmp.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => PathBuf::from(remote_tmp),
        };
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the kernel gives random bytes once it is up");
        let name = format!("ansible-tmp-{}", u64::from_ne_bytes(bytes));
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        let folder = base.join(&name);
        let folder = match private(&folder) {
            Ok(()) => folder,
            // Users without a home have the machine's.
            Err(_) => std::env::temp_dir().join(name),
        };
        private(&folder)?;
        Ok(Self { folder })
    }

    /// Leaves the folder to someone else to remove.
    pub(super) fn keep(self) -> PathBuf {
        let folder = self.folder.clone();
        std::mem::forget(self);
        folder
    }

    /// Receives what is carried, and points the parameters at it.
    pub(super) fn unpack(&self, files: &[Carried], args: &mut Value, from: &mut impl Read) -> io::Result<()> {
        for (number, carried) in files.iter().enumerate() {
            let root = self.folder.join(number.to_string());
            DirBuilder::new().mode(0o700).create(&root)?;
            let root = root.join(plain(&carried.name)?);
            let mut modes = Vec::new();
            for entry in &carried.entries {
                let path = if entry.path.is_empty() { root.clone() } else { root.join(inner(&entry.path)?) };
                match &entry.what {
                    What::Folder => {
                        DirBuilder::new().mode(0o700).create(&path)?;
                        modes.push((path, entry.mode));
                    }
                    What::Link(target) => symlink(target, &path)?,
                    What::File(size) => {
                        let mut options = OpenOptions::new();
                        let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
                        let copied = io::copy(&mut from.take(*size), &mut file)?;
                        if copied < *size {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                        file.flush()?;
                        fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))?;
                    }
                }
            }
            // The folders last: one that may not be written to could not be filled.
            for (path, mode) in modes.into_iter().rev() {
                fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700))?;
            }
            let mut shown = root.into_os_string();
            if carried.inside {
                shown.push("/");
            }
            if let Some(fields) = args.as_object_mut() {
                fields.insert(carried.param.clone(), to_wire(Path::new(&shown), None));
            }
        }
        Ok(())
    }
}

/// A name must be one; what is sent decides on no place outside of the folder.
fn plain(name: &str) -> io::Result<&str> {
    match (name, name.contains('/')) {
        ("" | "." | "..", _) => Ok("src"),
        (_, true) => Err(io::ErrorKind::InvalidInput.into()),
        (name, false) => Ok(name),
    }
}

fn inner(path: &str) -> io::Result<&Path> {
    let path = Path::new(path);
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        Ok(path)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

#[cfg(test)]
mod tests {
    use rplay_module::params::{Kind, Param, Params as _, from_wire};
    use serde_json::json;

    use super::super::carried;
    use super::*;

    /// Takes a file.
    #[derive(rplay_module::Params)]
    struct Takes {
        /// A file.
        #[expect(dead_code, reason = "only its description is looked at")]
        src: Option<rplay_module::ControllerFile>,
    }

    #[test]
    fn a_folder_arrives_as_it_was_and_is_gone_afterwards() {
        assert!(matches!(<rplay_module::ControllerFile as Param>::kind(), Kind::ControllerFile(_)));
        let here = tempfile::tempdir().unwrap();
        let source = here.path().join("conf");
        fs::create_dir_all(source.join("sub")).unwrap();
        fs::write(source.join("sub/a"), "text").unwrap();
        fs::set_permissions(source.join("sub/a"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("sub/a", source.join("link")).unwrap();
        let mut args = json!({ "src": to_wire(&source, None), "dest": "/etc" });
        let packed = carried::pack(&Takes::spec(), &args).unwrap();
        let (carried, files): (Vec<_>, Vec<_>) = packed.into_iter().unzip();
        let bytes: Vec<u8> = files.iter().flatten().flat_map(|path| fs::read(path).unwrap()).collect();
        let staging = Staging::new(here.path().join("tmp").to_str().unwrap(), None).unwrap();
        staging.unpack(&carried, &mut args, &mut bytes.as_slice()).unwrap();
        let arrived = from_wire(&args["src"]).unwrap().path;
        assert!(arrived.ends_with("conf") && arrived.starts_with(here.path().join("tmp")));
        assert_eq!(fs::read_to_string(arrived.join("link")).unwrap(), "text");
        assert_eq!(arrived.join("sub/a").metadata().unwrap().permissions().mode() & 0o777, 0o640);
        drop(staging);
        assert!(!arrived.exists());
    }

    #[test]
    fn what_is_carried_stays_in_its_folder() {
        assert!(inner("../x").is_err() && inner("/x").is_err() && plain("a/b").is_err());
        assert!(inner("a/b").is_ok());
    }
}
