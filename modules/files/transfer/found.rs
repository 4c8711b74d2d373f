//! Looking at the source and at the destination.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rplay_module::{Cx, Failure, Result};
use rustix::fs::{Access, access};

use super::walk::{self, Found};
use super::{Around, From, Job, Thing, What};
use crate::attributes::Wish;
use crate::content::{Shown, Source, longest_diff};
use crate::mode::{self, Mode};
use crate::seen::{self, Kind, Seen, errno_words, system_words};
use crate::tempfile::chance;
use crate::{content, paths};

/// How many bytes of a file that is there are looked through for a null byte.
const PEEK: usize = 8192;

pub(super) async fn around(cx: &Cx, job: &Job<'_>) -> Result<Around> {
    let mut finding = Finding::begin(cx, job).await?;
    match &finding.origin.clone() {
        Origin::Folder(root) => finding.folder(root).await?,
        Origin::File(source) => finding.file(source).await?,
    }
    Ok(finding.around)
}

/// What the source is.
#[derive(Clone)]
enum Origin {
    File(Source),
    Folder(PathBuf),
}

/// A look at both sides.
struct Finding<'a> {
    cx: &'a Cx,
    job: &'a Job<'a>,
    origin: Origin,
    /// The name that the source has at a destination that is a folder.
    name: String,
    wish: Wish,
    folder_wish: Wish,
    around: Around,
}

impl<'a> Finding<'a> {
    async fn begin(cx: &'a Cx, job: &'a Job<'a>) -> Result<Self> {
        let (origin, src) = origin(cx, job)?;
        let wish = Wish::look_up(cx, job.attributes, job.attributes.mode.as_ref()).await?;
        let dest = paths::expand(cx, job.dest);
        let folder_wish = Wish::look_up(cx, job.attributes, job.directory_mode).await?;
        let name = src
            .as_deref()
            .map(|src| paths::name_of(src.trim_end_matches('/')).to_owned())
            .unwrap_or_default();
        let single = matches!(origin, Origin::File(_));
        let from_host = matches!(job.from, From::Host(_));
        let origin_shown = match job.from {
            From::Rendered(..) => Some(format!("{}/{name}", local(cx))),
            _ => src.clone(),
        };
        let around =
            Around { dest: dest.clone(), src, origin: origin_shown, single, from_host, ..Around::default() };
        Ok(Self { cx, job, origin, name, wish, folder_wish, around })
    }

    async fn file(&mut self, source: &Source) -> Result<()> {
        let (cx, job) = (self.cx, self.job);
        let sums = source.sums().map_err(|error| self.unreadable(&error))?;
        if self.around.from_host {
            job.checked(&sums.sha1)?;
        }
        let mut dest = self.around.dest.clone();
        if dest.ends_with('/') {
            self.around.dest = paths::join(&dest, &self.name);
            self.new_folders(dest.trim_end_matches('/')).await;
            dest.clone_from(&self.around.dest);
        }
        if paths::real(cx, &dest).is_dir() {
            if matches!(job.from, From::Content(_)) {
                return Err(Failure::new("can not use content with a dir as dest").by_action());
            }
            dest = paths::join(&dest, &self.name);
        }
        if job.follow && paths::real(cx, &dest).is_symlink() {
            dest = paths::followed(cx, &dest);
        }
        self.around.dest.clone_from(&dest);
        self.around.carried = carried(cx, &dest);
        let path = paths::real(cx, &dest);
        self.around.kept = !job.force && path.exists();
        if self.around.kept {
            // Ansible names the file that it has made of the content or of the template by then.
            let made = || format!("{}/.{}", local_folder(cx), chance(cx));
            let around = &mut self.around;
            around.src = around.origin.take().or_else(|| around.src.take()).or_else(|| Some(made()));
        }
        let longest = longest_diff(cx);
        self.around.text = Shown::of(source, longest, None);
        if path.exists() {
            self.around.old_text = Shown::of(&Source::File(path), longest, Some(PEEK));
        }
        let wish = self.of_file(source, &dest, &sums.sha1);
        self.put(dest.clone(), What::File(source.clone(), sums.sha1.clone()), wish).await?;
        self.around.sums = sums;
        self.around.info = seen::info(cx, &dest).await;
        Ok(())
    }

    async fn folder(&mut self, root: &Path) -> Result<()> {
        let (cx, job) = (self.cx, self.job);
        let listed = walk::folder(root, job.local_follow.unwrap_or(!self.around.from_host));
        let listed = listed.map_err(|error| self.unreadable(&error))?;
        let mut dest = self.around.dest.clone();
        let contents_only = self.around.src.as_deref().is_some_and(|src| src.ends_with('/'));
        if !dest.ends_with('/') {
            dest.push('/');
        }
        let into = self.around.from_host && !contents_only && paths::real(cx, &dest).is_dir();
        self.around.dest = match self.around.from_host {
            true if into => paths::join(&dest, &self.name),
            true => self.around.dest.clone(),
            false => dest.clone(),
        };
        let top = if contents_only {
            dest.trim_end_matches('/').to_owned()
        } else {
            paths::join(&dest, &self.name)
        };
        let top = if top.is_empty() { "/".to_owned() } else { top };
        let above = paths::folder_of(&top).to_owned();
        self.new_folders(&above).await;
        let own = if self.around.from_host { self.host_folder(root, &top) } else { self.folder_wish.clone() };
        self.put(top.clone(), What::Folder(self.around.from_host), own).await?;
        for found in listed {
            match found {
                Found::Folder(name, path) => {
                    let dest = paths::join(&top, &name);
                    let wish = if self.around.from_host {
                        self.host_folder(&path, &dest)
                    } else {
                        self.folder_wish.clone()
                    };
                    self.put(dest, What::Folder(true), wish).await?;
                }
                Found::Link(name, target) => {
                    let wish = self.wish.with_mode(None);
                    self.put(paths::join(&top, &name), What::Link(target), wish).await?;
                }
                Found::File(name, path) => {
                    let (dest, source) = (paths::join(&top, &name), Source::File(path));
                    if !job.force && paths::real(cx, &dest).exists() {
                        continue;
                    }
                    let sum = source.sums().map_err(|error| self.unreadable(&error))?.sha1;
                    let wish = self.of_file(&source, &dest, &sum);
                    self.put(dest, What::File(source, sum), wish).await?;
                }
            }
        }
        self.around.info = if self.around.from_host {
            seen::info(cx, &self.around.dest).await
        } else {
            serde_json::Map::new()
        };
        Ok(())
    }

    async fn put(&mut self, path: String, what: What, wish: Wish) -> Result<()> {
        let there = wish.look(self.cx, &path).await;
        let is_file = there.as_ref().is_some_and(|seen| matches!(seen.kind, Kind::File | Kind::Hard));
        let sum = matches!(what, What::File(..)).then(|| content::sha1(&paths::real(self.cx, &path)));
        // A file that cannot be read counts as different.
        let there_sum = sum.filter(|_| is_file).and_then(io::Result::ok);
        if let (What::Folder(_), Some(seen)) = (&what, &there)
            && !matches!(seen.kind, Kind::Directory | Kind::Link)
        {
            let message = format!("{path} already exists as a {}", seen.kind.text());
            return Err(Failure::new(message).field("path", path));
        }
        // A link to a folder is a folder to whoever puts something into it.
        let there = match (&what, there) {
            (What::Folder(_), Some(seen)) if seen.kind == Kind::Link => {
                let path = paths::followed(self.cx, &path);
                wish.look(self.cx, &path).await
            }
            (_, there) => there,
        };
        self.around.things.insert(path, Thing { what, wish, there, there_sum });
        Ok(())
    }

    /// Adds the folders on the way that are not there.
    async fn new_folders(&mut self, folder: &str) {
        for path in paths::way_to(folder) {
            if !paths::real(self.cx, &path).exists() {
                let thing = Thing {
                    what: What::Folder(false),
                    wish: self.folder_wish.clone(),
                    there: self.folder_wish.look(self.cx, &path).await,
                    there_sum: None,
                };
                self.around.things.insert(path, thing);
            }
        }
    }

    /// What a file is asked to be: with `preserve`, and where the host's own file is copied anew, as its source is.
    fn of_file(&self, source: &Source, dest: &str, sum: &str) -> Wish {
        let bits = match (source, &self.job.from) {
            (Source::File(path), _) => bits_of(path),
            (_, From::Made(path, _) | From::Rendered(path, _)) => bits_of(path),
            _ => Some(0o600),
        };
        let path = paths::real(self.cx, dest);
        let anew = self.around.from_host
            && (path.exists() || !self.around.single)
            && content::sha1(&path).ok().as_deref() != Some(sum);
        let asked = self.job.attributes.mode.is_some() && self.around.single;
        if self.wish.preserves() || (anew && !asked) {
            return self.wish.with_mode(bits.map(Mode::Bits));
        }
        // In a folder of the host the mode is meant for the folder itself.
        if self.around.from_host && !self.around.single {
            self.wish.with_mode(None)
        } else {
            self.wish.clone()
        }
    }

    /// A folder of the host is made as its source is; the mode is meant for the outermost one.
    fn host_folder(&self, source: &Path, dest: &str) -> Wish {
        let outermost = self.around.things.values().all(|thing| matches!(thing.what, What::Folder(false)));
        if self.job.attributes.mode.is_some() && outermost {
            return self.wish.clone();
        }
        let there = paths::real(self.cx, dest).exists();
        self.wish.with_mode(bits_of(source).filter(|_| !there).map(Mode::Bits))
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let src = self.around.src.as_deref().unwrap_or_default();
        Failure::new(format!("could not read {src}: {}", system_words(error)))
    }
}

impl What {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::File(..) => Kind::File,
            Self::Folder(_) => Kind::Directory,
            Self::Link(_) => Kind::Link,
        }
    }

    pub(super) fn is_file_over(&self, seen: &Seen) -> bool {
        matches!(self, Self::File(..)) && seen.kind == Kind::Hard
    }
}

fn bits_of(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|found| found.permissions().mode() & mode::ALL)
}

fn origin(cx: &Cx, job: &Job<'_>) -> Result<(Origin, Option<String>)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let at =
        |path: PathBuf| if path.is_dir() { Origin::Folder(path) } else { Origin::File(Source::File(path)) };
    match &job.from {
        From::Content(bytes) => Ok((Origin::File(Source::Bytes(bytes.clone())), None)),
        From::Made(path, bytes) | From::Rendered(path, bytes) => {
            Ok((Origin::File(Source::Bytes(bytes.to_vec())), Some(text(path))))
        }
        From::Controller(path) => Ok((at(cx.world().folder().join(path)), Some(text(path)))),
        From::Host(path) => {
            let shown = paths::expand(cx, path);
            let real = paths::real(cx, &shown);
            if !real.exists() {
                return Err(Failure::new(format!("Source {shown} not found")));
            }
            if access(&real, Access::READ_OK).is_err() {
                return Err(Failure::new(format!("Source {shown} not readable")));
            }
            if !real.is_file() && !real.is_dir() {
                return Err(Failure::new(format!("Cannot copy invalid source '{shown}': not a file")));
            }
            Ok((at(real), Some(shown)))
        }
    }
}

/// Returns the path that results name as the source: Ansible's, in a folder that goes with the task.
fn carried(cx: &Cx, dest: &str) -> String {
    let name = paths::name_of(dest).trim_start_matches('.');
    let ending = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default();
    format!("{}/.source{ending}", sent(cx))
}

/// Returns the folder that Ansible sends a task's files to.
pub(crate) fn sent(cx: &Cx) -> String {
    let folder = temporary(cx, "ANSIBLE_REMOTE_TMP");
    let since = cx.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut chance = [0; 6];
    cx.world().random(&mut chance);
    let chance = chance.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (seconds, micros) = (since.as_secs(), since.subsec_micros());
    format!("{folder}/ansible-tmp-{seconds}.{micros}-{}-{chance}", std::process::id())
}

/// Returns the path that a difference names for what is made on the controller: Ansible's file among temporary ones.
pub(crate) fn local(cx: &Cx) -> String {
    format!("{}/tmp{}", local_folder(cx), chance(cx))
}

fn local_folder(cx: &Cx) -> String {
    let (folder, own) = (temporary(cx, "ANSIBLE_LOCAL_TEMP"), std::process::id());
    format!("{folder}/ansible-local-{own}{}", chance(cx))
}

/// Returns the folder of temporary files that a variable names, else Ansible's own.
fn temporary(cx: &Cx, variable: &str) -> String {
    let folder = cx.env(variable).unwrap_or_else(|| "~/.ansible/tmp".to_owned());
    paths::expand(cx, Path::new(&folder)).trim_end_matches('/').to_owned()
}

/// Says beforehand what is wrong with the folder that a file goes into.
pub(super) fn writable(cx: &Cx, path: &str, unsafe_writes: bool) -> Result<()> {
    let shown = paths::folder_of(path);
    let folder = paths::real(cx, shown);
    match folder.metadata() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Failure::new(format!("Destination directory {shown} is not accessible")))
        }
        Err(_) => Err(Failure::new(format!("Destination directory {shown} does not exist"))),
        Ok(_) if !unsafe_writes && access(&folder, Access::WRITE_OK).is_err() => {
            Err(Failure::new(format!("Destination {shown} not writable")))
        }
        Ok(_) => Ok(()),
    }
}

/// Copies the file that is there to a name with the time in it, and returns that.
pub(crate) fn back_up(cx: &Cx, path: &str) -> Result<String> {
    let now = Timestamp::try_from(cx.now()).unwrap_or_default().to_zoned(TimeZone::system());
    let backup = format!("{path}.{}.{}", std::process::id(), now.strftime("%Y-%m-%d@%H:%M:%S~"));
    let (from, to) = (paths::real(cx, path), paths::real(cx, &backup));
    copied(&from, &to).map_err(|error| {
        Failure::new(format!("Could not make backup of '{path}' to '{backup}'."))
            .because(errno_words(&error, path.as_ref()))
    })?;
    Ok(backup)
}

fn copied(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let found = from.metadata()?;
    let times = fs::FileTimes::new().set_accessed(found.accessed()?).set_modified(found.modified()?);
    fs::File::options().write(true).open(to)?.set_times(times)?;
    match chown(to, Some(found.uid()), Some(found.gid())) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}
