//! The files that vault commands read and write: secrets are never readable by others, not even for a moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::error::VaultFault;
use super::{Done, say_bytes};
use crate::cli::settings;

/// How much is written at once where a file is overwritten before it goes.
const PIECE: usize = 1 << 16;

/// Where a text comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Standard input, or standard output.
    Standard,
    File(PathBuf),
}

impl Place {
    /// Returns the places of several files, or the standard one where none is named.
    pub(super) fn all(files: &[PathBuf]) -> Vec<Self> {
        if files.is_empty() {
            vec![Self::Standard]
        } else {
            files.iter().map(|file| Self::real(file)).collect()
        }
    }

    /// Returns a file as it was named.
    pub(super) fn given(file: &Path) -> Self {
        if file.as_os_str() == "-" { Self::Standard } else { Self::File(file.to_owned()) }
    }

    /// Returns the file that a name leads to, links followed: they stay links.
    pub(super) fn real(file: &Path) -> Self {
        match Self::given(file) {
            Self::File(file) => Self::File(real(&file)),
            Self::Standard => Self::Standard,
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Standard => "-".to_owned(),
            Self::File(file) => file.display().to_string(),
        }
    }

    pub(super) fn read(&self) -> Done<Vec<u8>> {
        let mut text = Vec::new();
        let (read, shown) = match self {
            Self::Standard => (io::stdin().read_to_end(&mut text).map(|_| text), "-".to_owned()),
            Self::File(file) => {
                let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
                (fs::read(&absolute), absolute.display().to_string())
            }
        };
        read.map_err(|error| {
            let reason = rplay_engine::os_error(&error, &format!("'{shown}'"));
            VaultFault::failed(format!("Unable to read source file ({shown}): {reason}"))
        })
    }

    /// Writes a file that only its owner can read, in the place of the one that is there.
    pub(super) fn write(&self, text: &[u8]) -> Done {
        match self {
            Self::Standard => {
                say_bytes(|out| out.write_all(text));
                Ok(())
            }
            Self::File(file) => replace(file, text, None),
        }
    }

    /// Writes a file anew that keeps its owner and mode.
    pub(super) fn rewrite(&self, text: &[u8]) -> Done {
        match self {
            Self::Standard => self.write(text),
            Self::File(file) => replace(file, text, fs::metadata(file).ok()),
        }
    }
}

/// Written beside the file first: a full disk must not cost it.
fn replace(file: &Path, text: &[u8], like: Option<fs::Metadata>) -> Done {
    let folder = file.parent().unwrap_or(Path::new("/"));
    if access(folder, Access::WRITE_OK).is_err() {
        return Err(VaultFault::failed(format!("Destination '{}' not writable", folder.display())));
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push(".rplay-new");
    let beside = PathBuf::from(beside);
    let written = write_private(&beside, text).and_then(|()| {
        if let Some(like) = like {
            // Only root can give files away; for others the owner is theirs anyway.
            let _ = std::os::unix::fs::chown(&beside, Some(like.uid()), Some(like.gid()));
            fs::set_permissions(&beside, like.permissions())?;
        }
        if file.is_file() {
            overwrite(file)?;
        }
        fs::rename(&beside, file)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        VaultFault::failed(format!("Unable to write to temporary vault file: {error}"))
    })
}

pub(super) fn write_private(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text)?;
    file.sync_data()
}

/// Overwrites a file with noise, as far as the file system writes in place, before it is removed.
pub(super) fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut left = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut noise = vec![0; PIECE];
    while left > 0 {
        let count = left.min(PIECE);
        let piece = noise.get_mut(..count).unwrap_or_default();
        settings::random(piece);
        file.write_all(piece)?;
        left -= count;
    }
    file.sync_data()
}

/// Makes folders that only their owner can look into.
pub(super) fn make_private(folder: &Path) -> Done {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        VaultFault::failed(format!("Unable to create local directories({}): {error}", folder.display()))
    })
}

/// Returns the path with links followed; what does not exist stays as it is written.
fn real(file: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(file) {
        return real;
    }
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match (absolute.parent().and_then(|folder| fs::canonicalize(folder).ok()), absolute.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_for_its_owner_alone_and_what_is_rewritten_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        Place::File(file.clone()).rewrite(b"new").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o640, b"new".to_vec()));
        Place::File(file.clone()).write(b"newer").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"newer".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_leads_to_the_file_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        fs::write(folder.join("a"), "x").unwrap();
        std::os::unix::fs::symlink("a", folder.join("link")).unwrap();
        assert_eq!(Place::real(&folder.join("link")), Place::File(folder.join("a")));
        assert_eq!(Place::real(&folder.join("no")), Place::File(folder.join("no")));
        assert_eq!(Place::real(Path::new("-")), Place::Standard);
    }

    #[test]
    fn what_is_not_there_is_said_in_pythons_words() {
        let said = Place::File("/nowhere/x".into()).read().unwrap_err().message;
        let reason = "[Errno 2] No such file or directory: '/nowhere/x'";
        assert_eq!(said, format!("Unable to read source file (/nowhere/x): {reason}"));
        let said = Place::File("/nowhere/x".into()).write(b"").unwrap_err().message;
        assert_eq!(said, "Destination '/nowhere' not writable");
    }
}
