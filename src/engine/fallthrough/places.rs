//! Where modules and plugins lie: beside the playbook, in roles, in collections, and where the environment says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rplay_template::PluginKind;

use crate::settings::Settings;

/// What lies in a folder of modules and is none: `REJECT_EXTS` and `MODULE_IGNORE_EXTS` of Ansible's `constants.py`.
const NO_MODULES: [&str; 18] = [
    "pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "orig", "cfg", "retry", "yaml", "yml", "ini",
    "json", "ps1", "psm1", "cs",
];

/// A module that is not rplay's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) path: PathBuf,
    /// Its name as a Python module, for its relative imports.
    pub(crate) python_name: Option<String>,
}

/// The folders to look in.
pub(crate) struct Places {
    /// Playbooks' folders and those of roles.
    roots: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
    collections: Vec<PathBuf>,
}

/// What a run says of where to look.
#[derive(Debug, Default)]
pub(super) struct Configured {
    /// The folders of playbooks.
    pub(super) beside: Vec<PathBuf>,
    pub(super) modules: Vec<PathBuf>,
    pub(super) collections: Vec<PathBuf>,
    pub(super) roles: Vec<PathBuf>,
}

impl Places {
    pub(crate) fn new(settings: &Settings) -> Self {
        let config = &settings.config;
        let modules = settings.module_path.iter().cloned().chain(config.list("DEFAULT_MODULE_PATH"));
        let playbook_folder = |path: &PathBuf| settings.folder.join(path).parent().map(Path::to_owned);
        let beside =
            settings.playbooks.iter().filter_map(playbook_folder).chain(settings.playbook_dir.clone());
        Self::of(&Configured {
            beside: beside.collect(),
            modules: modules.map(|folder| settings.folder.join(folder)).collect(),
            collections: config.list("COLLECTIONS_PATHS").into_iter().map(PathBuf::from).collect(),
            roles: config.list("DEFAULT_ROLES_PATH").into_iter().map(PathBuf::from).collect(),
        })
    }

    pub(super) fn of(configured: &Configured) -> Self {
        let mut roots = configured.beside.clone();
        roots.dedup();
        let collections =
            roots.iter().map(|root| root.join("collections")).chain(configured.collections.clone()).collect();
        let roles = roots.iter().map(|root| root.join("roles")).chain(configured.roles.clone());
        let roles: Vec<PathBuf> = roles.flat_map(|folder| folders_in(&folder)).collect();
        roots.extend(roles);
        let mut libraries: Vec<PathBuf> = roots.iter().map(|root| root.join("library")).collect();
        libraries.extend(configured.modules.clone());
        libraries.retain(|folder| folder.is_dir());
        Self { roots, libraries, collections }
    }

    /// Returns the module of that name.
    pub(crate) fn module(&self, name: &str) -> Option<Foreign> {
        match own_name(name) {
            Some(bare) => {
                let path = self.libraries.iter().find_map(|folder| file_named(folder, bare))?;
                Some(Foreign { path, python_name: None })
            }
            None => self.collections.iter().find_map(|folder| in_collection(folder, name)),
        }
    }

    /// Returns whether Python's installed packages may have a module of that name.
    pub(crate) fn may_be_installed(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
    }

    /// Returns whether it is worth while to ask Ansible for a plugin: no folder, no plugin.
    pub(crate) fn may_have_plugin(&self, kind: PluginKind, name: &str) -> bool {
        let name_of = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if !name.chars().all(name_of) {
            return false;
        }
        match own_name(name) {
            Some(_) => self.roots.iter().any(|root| root.join(folder_of(kind)).is_dir()),
            None => name.split('.').count() >= 3,
        }
    }

    /// Returns the folders of plugins by their kind, those of `module_utils` too.
    pub(crate) fn plugin_folders(&self) -> BTreeMap<&'static str, Vec<PathBuf>> {
        let kinds = [PluginKind::Filter, PluginKind::Test, PluginKind::Lookup];
        kinds.into_iter().map(|kind| (kind.name(), self.within_roots(folder_of(kind)))).collect()
    }

    /// Returns the folders whose files are `ansible.module_utils.NAME` to modules.
    pub(crate) fn module_utils(&self) -> Vec<PathBuf> {
        self.within_roots("module_utils")
    }

    pub(crate) fn collections(&self) -> &[PathBuf] {
        &self.collections
    }

    fn within_roots(&self, name: &str) -> Vec<PathBuf> {
        self.roots.iter().map(|root| root.join(name)).filter(|folder| folder.is_dir()).collect()
    }
}

fn folder_of(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Filter => "filter_plugins",
        PluginKind::Test => "test_plugins",
        PluginKind::Lookup => "lookup_plugins",
    }
}

/// Returns the name without Ansible's own collection; `None` for the name of another collection's.
pub(super) fn own_name(name: &str) -> Option<&str> {
    match name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")) {
        Some(bare) => Some(bare),
        None if name.contains('.') => None,
        None => Some(name),
    }
}

/// Returns the module of a collection below a folder.
pub(super) fn in_collection(folder: &Path, name: &str) -> Option<Foreign> {
    let mut parts = name.split('.');
    let (namespace, collection) = (parts.next()?, parts.next()?);
    let inner: Vec<&str> = parts.collect();
    let (last, folders) = inner.split_last()?;
    let home = folder.join("ansible_collections").join(namespace).join(collection).join("plugins/modules");
    let path = file_named(&folders.iter().fold(home, |home, part| home.join(part)), last)?;
    let python = path.extension().is_some_and(|ending| ending == "py");
    let python_name = python
        .then(|| format!("ansible_collections.{namespace}.{collection}.plugins.modules.{}", inner.join(".")));
    Some(Foreign { path, python_name })
}

/// Returns the file whose name without its ending is this one.
fn file_named(folder: &Path, name: &str) -> Option<PathBuf> {
    let straight = folder.join(format!("{name}.py"));
    if straight.is_file() {
        return Some(straight);
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.into_iter().find(|file| {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        file.file_stem().is_some_and(|stem| stem == name)
            && file.is_file()
            && !NO_MODULES.contains(&ending)
            && !ending.ends_with('~')
    })
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
