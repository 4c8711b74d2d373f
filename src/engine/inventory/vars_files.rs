use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_event::Fault;

use super::data::set;
use super::{Inventory, InventorySettings};
use crate::load::Reader;
use crate::scopes::Written;

/// Whose variables a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    Host,
    Group,
}

impl Whose {
    fn folder(self) -> &'static str {
        match self {
            Self::Host => "host_vars",
            Self::Group => "group_vars",
        }
    }
}

/// The files of `group_vars/` and `host_vars/`, each read at most once.
///
/// Source of the rules: `ansible/plugins/vars/host_group_vars.py`, `DataLoader.find_vars_files`.
pub(crate) struct VarsFolders {
    reader: Reader,
    endings: Vec<String>,
    merge: bool,
    enabled: bool,
    /// The names in each folder that is there.
    listings: Mutex<HashMap<PathBuf, Option<Arc<HashSet<String>>>>>,
    files: Mutex<HashMap<PathBuf, Arc<Written>>>,
    /// What is no folder, told once.
    warnings: Mutex<Vec<String>>,
}

impl VarsFolders {
    pub(crate) fn new(reader: Reader, settings: &InventorySettings) -> Self {
        let enabled = settings
            .vars_plugins
            .iter()
            .any(|name| name.trim_start_matches("ansible.builtin.") == "host_group_vars");
        Self {
            reader,
            endings: settings.endings.clone(),
            merge: settings.merge,
            enabled,
            listings: Mutex::default(),
            files: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the variables that stand beside a source or playbook for a host or group.
    pub(crate) fn vars(&self, base: &Path, whose: Whose, name: &str) -> Result<Vec<Arc<Written>>, Fault> {
        if !self.enabled || name.is_empty() || name.starts_with('/') {
            return Ok(Vec::new());
        }
        let folder = base.join(whose.folder());
        let Some(names) = self.listing(&folder) else { return Ok(Vec::new()) };
        self.found(&folder, &names, name).into_iter().map(|path| self.file(&path)).collect()
    }

    fn listing(&self, folder: &Path) -> Option<Arc<HashSet<String>>> {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = listings.get(folder) {
            return known.clone();
        }
        let listing = self.list(folder).map(Arc::new);
        listings.insert(folder.to_owned(), listing.clone());
        listing
    }

    fn list(&self, folder: &Path) -> Option<HashSet<String>> {
        if !folder.is_dir() {
            if folder.exists() {
                let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
                let name = name.unwrap_or_default();
                let warning = format!("Found {name} that is not a directory, skipping: {}", folder.display());
                self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
            }
            return None;
        }
        let entries = std::fs::read_dir(folder).ok()?;
        Some(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    /// The name without an ending comes first, be it a file or a folder; then the first of the endings that is there.
    fn found(&self, folder: &Path, names: &HashSet<String>, name: &str) -> Vec<PathBuf> {
        let endings = std::iter::once("").chain(self.endings.iter().map(String::as_str));
        for ending in endings {
            let dot = if ending.is_empty() || ending.contains('.') { "" } else { "." };
            let file = format!("{name}{dot}{ending}");
            let path = folder.join(&file);
            if !(names.contains(&file) || (file.contains('/') && path.exists())) {
                continue;
            }
            if path.is_dir() {
                let mut found = Vec::new();
                self.inside(&path, &mut found);
                return found;
            }
            return vec![path];
        }
        Vec::new()
    }

    /// Adds the files of a folder, by name, and those of folders in it.
    fn inside(&self, folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names.iter().filter(|name| !name.starts_with('.') && !name.ends_with('~')) {
            let path = folder.join(name);
            let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy()));
            match ending {
                None if path.is_dir() => self.inside(&path, found),
                None if path.is_file() => found.push(path),
                Some(ending) if path.is_file() && self.endings.contains(&ending) => found.push(path),
                _ => {}
            }
        }
    }

    fn file(&self, path: &Path) -> Result<Arc<Written>, Fault> {
        let known = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let written = self.reader.vars(path)?.written;
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), Arc::clone(&written));
        Ok(written)
    }

    /// Makes what stands beside the sources variables of the groups and hosts themselves.
    pub(crate) fn put_in(&self, inventory: &mut Inventory, sources: &[PathBuf]) -> Result<(), Fault> {
        for base in sources {
            for group in inventory.groups.values_mut() {
                for file in self.vars(base, Whose::Group, &group.name)? {
                    file.entries()
                        .for_each(|(name, value)| set(&mut group.vars, name, value.clone(), self.merge));
                }
            }
            for host in inventory.hosts.values_mut() {
                for file in self.vars(base, Whose::Host, &host.name)? {
                    file.entries()
                        .for_each(|(name, value)| set(&mut host.vars, name, value.clone(), self.merge));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn merge(&self) -> bool {
        self.merge
    }
}
