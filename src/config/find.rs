use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::Surroundings;
use crate::convert::absolute;

/// The file that holds for everybody on this machine.
const SYSTEM: &str = "/etc/ansible/ansible.cfg";

/// The configuration file, and the warning about one that was passed over.
pub(crate) type Search = (Option<PathBuf>, Option<String>);

/// Returns the first file there is: `ANSIBLE_CONFIG`, the current folder's, the home folder's, the system's.
///
/// Anybody may have put a file into a folder that anybody may write to: that of such a current folder is passed over.
pub(crate) fn file(around: &Surroundings) -> Search {
    let named = around.env.get("ANSIBLE_CONFIG").map(|path| {
        let path = absolute(path, None, around);
        if path.is_dir() { path.join("ansible.cfg") } else { path }
    });
    let here = around.folder.join("ansible.cfg");
    let public =
        std::fs::metadata(&around.folder).is_ok_and(|folder| folder.permissions().mode() & 0o002 != 0);
    let home = absolute("~/.ansible.cfg", None, around);
    let candidates =
        [named.clone(), (!public).then(|| here.clone()), Some(home), Some(PathBuf::from(SYSTEM))];
    let found = candidates.into_iter().flatten().find(|path| readable(path));
    let passed_over = public && here.exists() && (named.is_none() || named != found);
    let warning = passed_over.then(|| {
        format!(
            "Ansible is being run in a world writable directory ({}), ignoring it as an ansible.cfg source. For more \
             information see https://docs.ansible.com/ansible/devel/reference_appendices/config.html#cfg-in-world-writable-dir",
            around.folder.display()
        )
    });
    (found, warning)
}

fn readable(path: &Path) -> bool {
    std::fs::File::open(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(folder: &Path, env: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            env: std::sync::Arc::new(env.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()),
            home: Some(folder.join("home")),
            folder: folder.to_owned(),
        }
    }

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("may be set");
        folder
    }

    #[test]
    fn the_named_file_comes_before_the_current_folders() {
        let place = folder(0o755);
        std::fs::write(place.path().join("ansible.cfg"), "").expect("writes");
        std::fs::write(place.path().join("other.cfg"), "").expect("writes");
        assert_eq!(file(&around(place.path(), &[])), (Some(place.path().join("ansible.cfg")), None));
        let named = around(place.path(), &[("ANSIBLE_CONFIG", "other.cfg")]);
        assert_eq!(file(&named), (Some(place.path().join("other.cfg")), None));
        let missing = around(place.path(), &[("ANSIBLE_CONFIG", "/dev/null/x")]);
        assert_eq!(file(&missing), (Some(place.path().join("ansible.cfg")), None));
    }

    #[test]
    fn a_folder_that_anybody_may_write_to_is_passed_over_with_a_warning() {
        let place = folder(0o777);
        std::fs::write(place.path().join("ansible.cfg"), "").expect("writes");
        let (found, warning) = file(&around(place.path(), &[]));
        assert_ne!(found, Some(place.path().join("ansible.cfg")));
        assert!(
            warning
                .is_some_and(|text| text.starts_with("Ansible is being run in a world writable directory"))
        );
    }
}
