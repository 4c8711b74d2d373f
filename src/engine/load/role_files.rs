//! The files of a role: where the role is, and what lies in its folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rplay_config::Config;
use rplay_event::{Fault, FaultKind, Span};

use super::Loader;
use super::include_path::plain;
use crate::scopes::Written;

/// A role's folder, and what the role is called.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) collection: Option<String>,
}

/// From where a role is looked for.
pub(crate) struct Search<'a> {
    /// The folder of the play's file.
    pub(crate) base: &'a str,
    /// The folder that the role which depends on this one lies in.
    pub(crate) beside: Option<&'a Path>,
    pub(crate) collections: &'a [String],
}

/// The folders that roles and collections are looked for in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchPaths {
    pub(crate) roles: Vec<PathBuf>,
    pub(crate) collections: Vec<PathBuf>,
    /// The folders of the playbooks that were named: a folder `collections` there comes first.
    pub(crate) adjacent: Vec<PathBuf>,
}

impl SearchPaths {
    pub(crate) fn new(config: &Config, playbooks: &[PathBuf]) -> Self {
        let list = |name: &str| config.list(name).iter().map(PathBuf::from).collect();
        let folder = |path: &PathBuf| std::path::absolute(path).ok()?.parent().map(Path::to_owned);
        Self {
            roles: list("DEFAULT_ROLES_PATH"),
            collections: list("COLLECTIONS_PATHS"),
            adjacent: playbooks.iter().filter_map(folder).collect(),
        }
    }

    /// Finds a role. Source of the order: `_load_role_path` of `ansible/playbook/role/definition.py`.
    pub(crate) fn role(&self, name: &str, search: &Search<'_>, span: &Span) -> Result<Place, Fault> {
        if let Some(place) = self.collection_role(name, search) {
            return Ok(place);
        }
        let base = Path::new(search.base);
        let mut folders = vec![base.join("roles")];
        folders.extend(self.roles.iter().cloned());
        folders.extend(search.beside.map(Path::to_owned));
        folders.push(base.to_owned());
        for folder in &folders {
            let path = plain(&folder.join(name));
            if path.exists() {
                return Ok(Place { name: name.to_owned(), path, collection: None });
            }
        }
        let path = plain(Path::new(name));
        if !name.is_empty() && path.exists() {
            let path = std::path::absolute(&path).unwrap_or(path);
            let name = name.rsplit('/').next().unwrap_or(name).to_owned();
            return Ok(Place { name, path, collection: None });
        }
        let folders = folders.iter().map(|path| path.display().to_string());
        let looked: Vec<String> = search.collections.iter().cloned().chain(folders).collect();
        let message = format!("the role '{name}' was not found in {}", looked.join(":"));
        Err(Fault::new(message).kind(FaultKind::Setup).at(span))
    }
}

/// Which of a role's files of one kind is meant.
pub(crate) struct Wanted<'a> {
    pub(crate) role: &'a str,
    pub(crate) path: &'a Path,
    /// `tasks`, `vars` ...
    pub(crate) folder: &'a str,
    /// `tasks_from` and the like; without it `main`, which may be missing.
    pub(crate) from: Option<&'a str>,
    /// A folder of that name is read whole.
    pub(crate) folders: bool,
}

impl Wanted<'_> {
    /// Returns the files, in the order that later ones beat earlier ones.
    pub(crate) fn files(&self, span: &Span) -> Result<Vec<PathBuf>, Fault> {
        let folder = self.path.join(self.folder);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let endings =
            if self.from.is_some() { ["", ".yml", ".yaml", ".json"] } else { [".yml", ".yaml", ".json", ""] };
        let name = self.from.unwrap_or("main");
        for ending in endings {
            let path = folder.join(format!("{name}{ending}"));
            if path.is_dir() && self.folders {
                let mut files = Vec::new();
                inside(&path, &mut files);
                return Ok(files);
            }
            if path.is_file() {
                return self.within(path, &folder, span).map(|path| vec![path]);
            }
        }
        match self.from {
            None => Ok(Vec::new()),
            Some(name) => {
                let message = format!("Could not find specified file in role: {}/{name}", self.folder);
                Err(Fault::new(message).at(span))
            }
        }
    }

    /// A name such as `../../x` must not lead out of the role.
    fn within(&self, path: PathBuf, folder: &Path, span: &Span) -> Result<PathBuf, Fault> {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| plain(path));
        if real(&path).starts_with(real(folder)) || plain(&path).starts_with(plain(folder)) {
            return Ok(path);
        }
        let message = format!(
            "Failed loading '{}' for role ({}) as it is not inside the expected role path: '{}'",
            path.display(),
            self.role,
            folder.display()
        );
        Err(Fault::new(message).at(span))
    }
}

/// Adds the files of variables below a folder, in the order of their names.
fn inside(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() && ending.is_none() {
            inside(&path, files);
        } else if path.is_file() && matches!(ending, None | Some("yml" | "yaml" | "json")) {
            files.push(path);
        }
    }
}

impl Loader {
    /// Reads the variables of a role.
    pub(super) fn role_vars(
        &self,
        wanted: &Wanted<'_>,
        span: &Span,
    ) -> Result<Vec<Arc<Written>>, Vec<Fault>> {
        let mut layers = Vec::new();
        for path in wanted.files(span).map_err(|fault| vec![fault])? {
            let file = self.reader.vars(&path).map_err(|fault| {
                let is_no_mapping = fault.message.starts_with("Vars file must contain");
                let message = format!(
                    "The {}/main.yml file for role '{}' must contain a dictionary of variables",
                    wanted.folder, wanted.role
                );
                vec![if is_no_mapping { Fault { message, ..fault } } else { fault }]
            })?;
            file.warnings.iter().for_each(|warning| self.emitter.warn(warning.clone()));
            layers.push(file.written);
        }
        Ok(layers)
    }
}
