//! Where a file of tasks is looked for.
//!
//! Source: `path_dwim_relative` of `ansible/parsing/dataloader.py`, and the walks up the includes around in
//! `ansible/playbook/included_file.py` and `ansible/playbook/helpers.py`.

use std::path::{Component, Path, PathBuf};

use super::Context;

/// What is looked for, and from where.
pub(crate) struct Wanted<'a> {
    /// The name as it was written, rendered.
    pub(crate) name: &'a str,
    /// The folder of the play's file.
    pub(crate) base: &'a str,
    /// Dynamic includes look in the role's own folder first.
    pub(crate) dynamic: bool,
}

impl Wanted<'_> {
    /// Returns the first place where there is a file, else the place that a message names.
    pub(crate) fn find(&self, context: &Context) -> PathBuf {
        let inner = if context.handlers { "handlers" } else { "tasks" };
        let role = context.role.as_ref().map(|role| role.definition.path.as_str());
        let mut cumulative: Option<PathBuf> = None;
        for parent in context.includes.iter().rev() {
            let parent = Path::new(parent.as_ref());
            let folder = match cumulative.take() {
                Some(inner) => parent.join(inner),
                None => parent.to_owned(),
            };
            let found = match role {
                Some(role) => self.in_role(role, inner, &folder),
                None => self.relative(Path::new(self.base), &folder.display().to_string(), false),
            };
            if found.exists() {
                return found;
            }
            cumulative = Some(folder);
        }
        match role {
            Some(role) => self.relative(Path::new(role), inner, true),
            None => plain(&Path::new(self.base).join(self.name)),
        }
    }

    fn in_role(&self, role: &str, inner: &str, folder: &Path) -> PathBuf {
        let beside = || self.relative(&Path::new(role).join(inner).join(folder), inner, true);
        if !self.dynamic {
            return beside();
        }
        let own = self.relative(Path::new(role), inner, true);
        if own.exists() { own } else { beside() }
    }

    /// Returns the first of the places below a folder that is there, else the last one.
    fn relative(&self, folder: &Path, inner: &str, is_role: bool) -> PathBuf {
        let name = self.name;
        if Path::new(name).is_absolute() {
            return plain(Path::new(name));
        }
        let from = match (is_role && folder.ends_with("tasks"), folder.parent()) {
            (true, Some(parent)) => parent,
            _ => folder,
        };
        let mut places = vec![folder.join(inner).join(name), plain(&from.join(inner).join(name))];
        if is_role && !name.ends_with(inner) {
            places.push(plain(&from.join("tasks").join(name)));
        }
        let base = Path::new(self.base);
        places
            .extend([from.join(name), base.join(inner).join(name), base.join(name)].map(|path| plain(&path)));
        let last = plain(&base.join(name));
        places.into_iter().find(|place| place.exists()).unwrap_or(last)
    }
}

/// Returns the folder of a name as it was written; that of a bare name is empty.
pub(crate) fn folder_of(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => "",
    }
}

/// Takes `.` and `..` out of a path by its words alone.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
