//! What a build sends: the files of a folder that `.dockerignore` does not name, as a tar that is the same for the same
//! files, whoever checked them out and when.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use rplay_module::{Failure, Result};
use tar::{Builder, EntryType, Header};

use crate::ignore::Ignore;

const IGNORE_FILE: &str = ".dockerignore";

/// The time of every file in the tar: checkouts of the same sources differ in theirs. Tools that write zip files refuse
/// times before 1980.
const TIME: u64 = 315_532_800;

/// What is sent to the engine.
#[derive(Debug)]
pub(crate) struct Context {
    root: PathBuf,
    entries: Vec<Entry>,
    /// Files that are only in the tar.
    added: Vec<(String, Vec<u8>)>,
    /// The Dockerfile's path in the tar.
    pub(crate) dockerfile: String,
}

#[derive(Debug)]
struct Entry {
    /// Relative to the root.
    path: PathBuf,
    kind: Kind,
    mode: u32,
}

#[derive(Debug)]
enum Kind {
    Folder,
    File { size: u64 },
    Link,
}

impl Context {
    /// Looks through a folder; `dockerfile` is relative to it, and may be outside of it.
    pub(crate) fn read(root: &Path, dockerfile: &Path) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(could_not("read the context", root))?;
        if !root.is_dir() {
            return Err(Failure::new(format!(
                "could not read the context {}: it is no folder",
                root.display()
            )));
        }
        let file = root.join(dockerfile);
        let whole = fs::canonicalize(&file).map_err(could_not("read the Dockerfile", &file))?;
        let (own, text) = ignore_file(&root, &file)?;
        let ignore = Ignore::parse(&text).map_err(|line| {
            Failure::new(format!("could not read {}: \"{line}\" is no pattern", own.display()))
        })?;
        // What the engine needs is sent even if it is ignored; the engine then leaves it out of the image itself.
        let inside = inside(&root, &file, &whole);
        let needed = [inside.clone(), own.strip_prefix(&root).map(Path::to_owned).ok()];
        let mut walk = Walk { root: &root, ignore: &ignore, entries: Vec::new(), above: Vec::new() };
        walk.folder(Path::new(""))?;
        let mut entries = walk.entries;
        let present: BTreeSet<PathBuf> = entries.iter().map(|entry| entry.path.clone()).collect();
        for path in needed.into_iter().flatten().filter(|path| !present.contains(path)) {
            entries.extend(Entry::read(&root, path)?);
        }
        let mut context = Self { root, entries, added: Vec::new(), dockerfile: String::new() };
        match inside {
            Some(path) => context.dockerfile = path.to_string_lossy().into_owned(),
            None => context.bring_in(&whole, &text)?,
        }
        Ok(context)
    }

    /// Adds a Dockerfile from outside under a name of its own, and ignores that name: `COPY .` is not to copy it.
    fn bring_in(&mut self, dockerfile: &Path, ignored: &str) -> Result<()> {
        let name = ".dockerfile.rplay";
        let text = fs::read(dockerfile).map_err(could_not("read the Dockerfile", dockerfile))?;
        let had_one = self.entries.iter().any(|entry| entry.path == Path::new(IGNORE_FILE));
        self.entries.retain(|entry| entry.path != Path::new(IGNORE_FILE));
        let itself = if had_one { "" } else { IGNORE_FILE };
        self.added.push((IGNORE_FILE.to_owned(), format!("{ignored}\n{itself}\n{name}\n").into_bytes()));
        self.added.push((name.to_owned(), text));
        name.clone_into(&mut self.dockerfile);
        Ok(())
    }

    /// Writes the tar.
    pub(crate) fn write(&self, sink: impl Write) -> io::Result<()> {
        let mut tar = Builder::new(sink);
        for entry in &self.entries {
            let place = self.root.join(&entry.path);
            entry
                .write(&mut tar, &place)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", place.display())))?;
        }
        for (name, text) in &self.added {
            let mut header = header(EntryType::Regular, 0o644, text.len() as u64);
            tar.append_data(&mut header, name, text.as_slice())?;
        }
        tar.into_inner()?.flush()
    }
}

/// Returns the ignore file that counts, and its text: one that is named after the Dockerfile comes first.
fn ignore_file(root: &Path, dockerfile: &Path) -> Result<(PathBuf, String)> {
    let mut special = dockerfile.as_os_str().to_owned();
    special.push(IGNORE_FILE);
    for file in [PathBuf::from(special), root.join(IGNORE_FILE)] {
        match fs::read(&file) {
            Ok(text) => return Ok((file, String::from_utf8_lossy(&text).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(could_not("read", &file)(error)),
        }
    }
    Ok((PathBuf::new(), String::new()))
}

/// Returns the Dockerfile's path within the context; `None` for one outside.
fn inside(root: &Path, written: &Path, whole: &Path) -> Option<PathBuf> {
    let plain = |path: &&Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    // As it is written where that will do: a link inside the context stays a link.
    written
        .strip_prefix(root)
        .ok()
        .filter(plain)
        .or_else(|| whole.strip_prefix(root).ok())
        .map(Path::to_owned)
}

fn could_not(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let thing = format!("{verb} {}", path.display());
    move |error| Failure::new(format!("could not {thing}: {error}"))
}

/// A look through the folders, in the order of names.
struct Walk<'a> {
    root: &'a Path,
    ignore: &'a Ignore,
    entries: Vec<Entry>,
    /// Ignored folders that this one is in: they are sent if something inside is.
    above: Vec<Entry>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) -> Result<()> {
        let place = self.root.join(folder);
        let listed =
            fs::read_dir(&place).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        let mut names: Vec<_> = listed.map_err(could_not("read the folder", &place))?;
        names.sort();
        names.iter().try_for_each(|name| self.entry(folder, name))
    }

    fn entry(&mut self, folder: &Path, name: &OsStr) -> Result<()> {
        let path = folder.join(name);
        let text = path.to_string_lossy().into_owned();
        let Some(entry) = Entry::read(self.root, path.clone())? else { return Ok(()) };
        let is_folder = matches!(entry.kind, Kind::Folder);
        if !self.ignore.ignores(&text) {
            self.entries.append(&mut self.above);
            self.entries.push(entry);
            return if is_folder { self.folder(&path) } else { Ok(()) };
        }
        if is_folder && self.ignore.may_keep_inside(&text) {
            let depth = self.above.len();
            self.above.push(entry);
            self.folder(&path)?;
            self.above.truncate(depth);
        }
        Ok(())
    }
}

impl Entry {
    /// Looks at a file; `None` for what a tar cannot hold and Docker leaves out as well: a socket.
    fn read(root: &Path, path: PathBuf) -> Result<Option<Self>> {
        let place = root.join(&path);
        let about = fs::symlink_metadata(&place).map_err(could_not("read", &place))?;
        let kind = match about.file_type() {
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File { size: about.len() },
            kind if kind.is_symlink() => Kind::Link,
            kind if std::os::unix::fs::FileTypeExt::is_socket(&kind) => return Ok(None),
            _ => {
                let place = place.display();
                return Err(Failure::new(format!(
                    "could not send {place}: it is neither file, folder nor link"
                ))
                .hint("name it in .dockerignore"));
            }
        };
        Ok(Some(Self { path, kind, mode: mode(&about) }))
    }

    fn write(&self, tar: &mut Builder<impl Write>, place: &Path) -> io::Result<()> {
        match self.kind {
            Kind::Folder => {
                let mut header = header(EntryType::Directory, self.mode, 0);
                tar.append_data(&mut header, self.path.join(""), io::empty())
            }
            Kind::Link => {
                let mut header = header(EntryType::Symlink, self.mode, 0);
                tar.append_link(&mut header, &self.path, fs::read_link(place)?)
            }
            Kind::File { size } => {
                let mut header = header(EntryType::Regular, self.mode, size);
                // A file that shrank would shift all that follows in the tar; one that grew is cut here, and told by
                // the next look.
                let mut file = Exact { file: File::open(place)?.take(size), left: size };
                tar.append_data(&mut header, &self.path, &mut file)
            }
        }
    }
}

/// Permissions, and nothing of who owns it: the engine gives everything to root.
fn mode(about: &Metadata) -> u32 {
    about.permissions().mode() & 0o7777
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Reads as many bytes as were announced, or fails.
struct Exact {
    file: io::Take<File>,
    left: u64,
}

impl io::Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.left -= count as u64;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
