//! What is in a folder that is to be copied.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Something in the folder, by its path seen from there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    Folder(String, PathBuf),
    File(String, PathBuf),
    Link(String, String),
}

/// Lists everything in a folder. Links are followed or copied as links; one that leads back to where the walk is going
/// through anyway is copied as a link in any case.
pub(super) fn folder(root: &Path, follow: bool) -> io::Result<Vec<Found>> {
    let mut walk = Walk { follow, found: Vec::new() };
    walk.folder(root, "", &mut vec![identity(root)?])?;
    walk.found.sort();
    Ok(walk.found)
}

struct Walk {
    follow: bool,
    found: Vec<Found>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, name: &str, above: &mut Vec<(u64, u64)>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, own) = (entry.path(), entry.file_name());
            let own = own.to_string_lossy();
            let name = if name.is_empty() { own.into_owned() } else { format!("{name}/{own}") };
            let is_link = entry.file_type()?.is_symlink();
            let leads_to = path.metadata();
            match leads_to {
                Ok(target) if target.is_dir() && (!is_link || self.follow) => {
                    let identity = identity(&path)?;
                    if above.contains(&identity) {
                        self.link(name, &path)?;
                        continue;
                    }
                    self.found.push(Found::Folder(name.clone(), path.clone()));
                    above.push(identity);
                    self.folder(&path, &name, above)?;
                    above.pop();
                }
                Ok(target) if target.is_file() && (!is_link || self.follow) => {
                    self.found.push(Found::File(name, path));
                }
                _ if is_link => self.link(name, &path)?,
                // Sockets and pipes hold nothing that could be copied.
                _ => {}
            }
        }
        Ok(())
    }

    fn link(&mut self, name: String, path: &Path) -> io::Result<()> {
        self.found.push(Found::Link(name, fs::read_link(path)?.to_string_lossy().into_owned()));
        Ok(())
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = path.metadata()?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(root: &Path, follow: bool) -> Vec<String> {
        let shown = |found| match found {
            Found::Folder(name, _) => format!("{name}/"),
            Found::File(name, _) => name,
            Found::Link(name, target) => format!("{name} -> {target}"),
        };
        let mut names: Vec<String> = folder(root, follow).unwrap().into_iter().map(shown).collect();
        names.sort();
        names
    }

    #[test]
    fn links_are_followed_or_stay_links_and_loops_end() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("d/empty")).unwrap();
        fs::write(at("d/a"), "").unwrap();
        symlink("a", at("d/to_file")).unwrap();
        symlink("d", at("to_folder")).unwrap();
        symlink("..", at("d/up")).unwrap();
        symlink("nowhere", at("broken")).unwrap();
        assert_eq!(
            names(root.path(), false),
            ["broken -> nowhere", "d/", "d/a", "d/empty/", "d/to_file -> a", "d/up -> ..", "to_folder -> d"]
        );
        assert_eq!(
            names(root.path(), true),
            [
                "broken -> nowhere",
                "d/",
                "d/a",
                "d/empty/",
                "d/to_file",
                "d/up -> ..",
                "to_folder/",
                "to_folder/a",
                "to_folder/empty/",
                "to_folder/to_file",
                "to_folder/up -> ..",
            ]
        );
    }
}
