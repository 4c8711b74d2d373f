//! Folders and files that only their owner may read: journals and what rplay owns tell a lot about an account.
//!
//! They are made so in the first place, never changed afterwards: between the two anyone could open them. A folder that
//! is there and open to others, or a link, is refused: who put it there may read and redirect what is written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes sure that a folder is there and private; its parent must exist.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check(path),
        made => made.map_err(|error| about(path, "could not make the folder", &error)),
    }
}

/// Returns an error for a folder that is not private, and for what is no folder.
fn check(path: &Path) -> io::Result<()> {
    let shown = path.display();
    let found = fs::symlink_metadata(path).map_err(|error| about(path, "could not look at", &error))?;
    let refused = |why: String| Err(io::Error::new(ErrorKind::PermissionDenied, why));
    if found.is_symlink() {
        return refused(format!(
            "{shown} is a link: remove it, rplay keeps its files in a folder of its own"
        ));
    }
    if !found.is_dir() {
        return refused(format!("{shown} is no folder: rplay keeps its files in a folder of that name"));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return refused(format!("{shown} is open to other users (mode {mode:04o}): run chmod 700 {shown}"));
    }
    Ok(())
}

/// Opens a file to append whole lines to, made private when it is not there; never through a link.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// Opens a file to write and read, made private when it is not there; its content is left as it is.
pub(crate) fn shared(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Makes a private file that was not there before.
pub(crate) fn fresh(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true).create_new(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(path).map_err(|error| about(path, "could not open", &error))
}

fn about(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_made_private() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        folder(&path).unwrap();
        folder(&path).unwrap();
        append(&path.join("a")).unwrap();
        shared(&path.join("b")).unwrap();
        fresh(&path.join("c")).unwrap();
        assert_eq!(fresh(&path.join("c")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            [mode(&path), mode(&path.join("a")), mode(&path.join("b")), mode(&path.join("c"))],
            [0o700, 0o600, 0o600, 0o600]
        );
    }

    #[test]
    fn a_folder_open_to_others_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let said = folder(&path).unwrap_err().to_string();
        let shown = path.display();
        assert_eq!(said, format!("{shown} is open to other users (mode 0750): run chmod 700 {shown}"));
        assert_eq!(mode(&path), 0o750, "it is the user's to change");
    }

    #[test]
    fn links_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let (target, link) = (place.path().join("target"), place.path().join("link"));
        folder(&target).unwrap();
        symlink(&target, &link).unwrap();
        assert!(folder(&link).unwrap_err().to_string().contains("is a link"));
        symlink(place.path().join("file"), target.join("file")).unwrap();
        assert!(append(&target.join("file")).is_err());
        assert!(!place.path().join("file").exists());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        fs::write(&path, "").unwrap();
        assert!(folder(&path).unwrap_err().to_string().contains("is no folder"));
    }
}
