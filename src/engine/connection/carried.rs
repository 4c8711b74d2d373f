//! Files of the controller's on their way to a host.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rplay_module::params::{Kind, Spec, from_wire};
use rplay_module::{Failure, Result};
use serde_json::Value;

use super::wire::{Carried, Entry, What};

/// Returns what has to travel with a call: the files and folders that its parameters name on this machine.
pub(super) fn pack(spec: &Spec, args: &Value) -> Result<Vec<(Carried, Vec<PathBuf>)>> {
    let mut all = Vec::new();
    for param in &spec.params {
        if !matches!(param.kind, Kind::ControllerFile(_)) {
            continue;
        }
        let names = std::iter::once(param.name).chain(param.aliases.iter().copied());
        for name in names {
            // A plain text is a path of the host's.
            let Some(value) = args.get(name).filter(|value| value.is_object()) else { continue };
            let Some(file) = from_wire(value).filter(|file| file.content.is_none()) else { continue };
            let packed = one(name, &file.path)
                .map_err(|error| Failure::new(format!("could not read {}: {error}", file.path.display())))?;
            all.push(packed);
        }
    }
    Ok(all)
}

fn one(param: &str, path: &Path) -> io::Result<(Carried, Vec<PathBuf>)> {
    let shown = path.to_string_lossy();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut carried =
        Carried { param: param.to_owned(), name, inside: shown.ends_with('/'), entries: Vec::new() };
    let mut files = Vec::new();
    add(&mut carried, &mut files, path, "")?;
    Ok((carried, files))
}

fn add(carried: &mut Carried, files: &mut Vec<PathBuf>, path: &Path, name: &str) -> io::Result<()> {
    // The thing itself may be a link to it.
    let found = if name.is_empty() { path.metadata()? } else { path.symlink_metadata()? };
    let mode = found.permissions().mode() & 0o7777;
    let what = if found.is_dir() {
        What::Folder
    } else if found.is_symlink() {
        What::Link(fs::read_link(path)?.to_string_lossy().into_owned())
    } else if found.is_file() {
        What::File(found.len())
    } else {
        return Ok(());
    };
    if matches!(what, What::File(_)) {
        files.push(path.to_owned());
    }
    let inner = what == What::Folder;
    carried.entries.push(Entry { path: name.to_owned(), what, mode });
    if inner {
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let own = entry.file_name();
            let own = own.to_string_lossy();
            let name = if name.is_empty() { own.into_owned() } else { format!("{name}/{own}") };
            add(carried, files, &entry.path(), &name)?;
        }
    }
    Ok(())
}
