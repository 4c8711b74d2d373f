//! Collections: folders `ansible_collections/<namespace>/<name>` beside the playbook and where the settings say.

use std::path::{Path, PathBuf};

use super::role_files::{Place, Search, SearchPaths};

/// A name of three words or more: a collection, and what is meant of it.
struct Full<'a> {
    collection: &'a str,
    /// Folders below that of the kind, and the name.
    resource: &'a str,
}

impl<'a> Full<'a> {
    fn read(name: &'a str) -> Option<Self> {
        let is_word = |word: &str| {
            word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
                && word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        if !name.split('.').all(is_word) {
            return None;
        }
        let (second, _) = name.match_indices('.').nth(1)?;
        Some(Self { collection: name.get(..second)?, resource: name.get(second + 1..)? })
    }
}

impl SearchPaths {
    /// Returns the folder of an installed collection.
    pub(crate) fn collection(&self, base: &str, name: &str) -> Option<PathBuf> {
        let (namespace, name) = name.split_once('.')?;
        let beside = self.adjacent.iter().map(PathBuf::as_path).chain([Path::new(base)]);
        let adjacent: Vec<PathBuf> = beside.map(|folder| folder.join("collections")).collect();
        adjacent.iter().chain(&self.collections).find_map(|folder| {
            let inner = if folder.ends_with("ansible_collections") {
                folder.clone()
            } else {
                folder.join("ansible_collections")
            };
            let path = inner.join(namespace).join(name);
            path.is_dir().then_some(path)
        })
    }

    /// Finds a role of a collection: by its full name, or by its short one in the collections that are searched.
    pub(super) fn collection_role(&self, name: &str, search: &Search<'_>) -> Option<Place> {
        if let Some(full) = Full::read(name) {
            return self.role_of(search.base, full.collection, full.resource);
        }
        search.collections.iter().find_map(|collection| self.role_of(search.base, collection, name))
    }

    fn role_of(&self, base: &str, collection: &str, resource: &str) -> Option<Place> {
        let folder = self.collection(base, collection)?;
        let path = folder.join("roles").join(resource.replace('.', "/"));
        let name = resource.rsplit('.').next().unwrap_or(resource).to_owned();
        path.is_dir().then(|| Place { name, path, collection: Some(collection.to_owned()) })
    }

    /// Finds a playbook of a collection by its full name, with or without the ending of a file.
    pub(crate) fn collection_playbook(&self, base: &str, name: &str) -> Option<(PathBuf, String)> {
        let (words, endings): (&str, &[&str]) = match name.rsplit_once('.') {
            Some((words, "yml")) => (words, &["yml"]),
            Some((words, "yaml")) => (words, &["yaml"]),
            _ => (name, &["yml", "yaml"]),
        };
        let full = Full::read(words)?;
        let folder = self.collection(base, full.collection)?.join("playbooks");
        let stem = full.resource.replace('.', "/");
        let found = endings.iter().map(|ending| folder.join(format!("{stem}.{ending}")));
        found.into_iter().find(|path| path.is_file()).map(|path| (path, full.collection.to_owned()))
    }
}

/// Returns the collection that a file lies in, if it is its playbook.
pub(crate) fn collection_of(path: &Path) -> Option<String> {
    let parts: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let at = parts.iter().rposition(|part| part == "ansible_collections")?;
    let (namespace, name) = (parts.get(at + 1)?, parts.get(at + 2)?);
    (parts.get(at + 3)? == "playbooks").then(|| format!("{namespace}.{name}"))
}
