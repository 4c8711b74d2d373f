//! Making what is there what it shall be: the only place here that changes anything.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use rplay_module::{Child, Cx, Failure, Result, words};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use tempfile::NamedTempFile;

use crate::content::Source;
use crate::seen::{self, Kind, errno_words, system_words};
use crate::tree::Entry;
use crate::{mode, paths};

/// How files are replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner<'a> {
    pub(crate) unsafe_writes: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    pub(crate) validate: Option<&'a str>,
    /// A file that is replaced keeps its owner and permissions.
    pub(crate) keeps: bool,
}

/// Puts a content into a file as a whole, so that nobody sees half of it.
pub(crate) async fn file(
    cx: &Cx,
    shown: &str,
    source: &Source,
    want: &Entry,
    manner: Manner<'_>,
) -> Result<()> {
    let path = paths::real(cx, shown);
    let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let fail = |what: &str, error: &io::Error| {
        Failure::new(format!("could not {what} {shown}: {}", system_words(error))).field("path", shown)
    };
    let new = match NamedTempFile::with_prefix_in(".ansible_tmp", &folder) {
        Ok(new) => new,
        Err(_) if manner.unsafe_writes => {
            return in_place(&path, source).map_err(|error| fail("write", &error));
        }
        Err(error) => return Err(fail("write beside", &error)),
    };
    source.copy_to(new.as_file()).map_err(|error| fail("write", &error))?;
    if let Some(command) = manner.validate {
        for_validation(new.path(), want).map_err(|error| fail("prepare", &error))?;
        validate(cx, command, new.path()).await?;
    }
    clothe(new.as_file(), &path, manner.keeps).map_err(|error| fail("prepare", &error))?;
    match new.persist(&path) {
        Ok(_) => Ok(()),
        Err(_) if manner.unsafe_writes => in_place(&path, source).map_err(|error| fail("write", &error)),
        Err(error) => Err(fail("replace", &error.error)),
    }
}

/// Gives the new file what the old one had, or what the system gives to new files.
fn clothe(new: &File, path: &Path, keeps: bool) -> io::Result<()> {
    let old = path.metadata().ok().filter(|old| old.is_file() && keeps && !path.is_symlink());
    let Some(old) = old else {
        let bits = 0o666 & !seen::umask();
        return new.set_permissions(fs::Permissions::from_mode(bits));
    };
    let own = new.metadata()?;
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        let given = rustix::fs::fchown(
            new,
            Some(rustix::fs::Uid::from_raw(old.uid())),
            Some(rustix::fs::Gid::from_raw(old.gid())),
        );
        // Whoever is not root cannot give files away, and need not.
        if let Err(error) = given
            && error != rustix::io::Errno::PERM
        {
            return Err(error.into());
        }
    }
    new.set_permissions(old.permissions())
}

fn in_place(path: &Path, source: &Source) -> io::Result<()> {
    source.copy_to(File::create(path)?)
}

/// A check may look at the permissions.
fn for_validation(new: &Path, want: &Entry) -> io::Result<()> {
    if want.owner.is_some() || want.group.is_some() {
        lchown(new, want.owner, want.group)?;
    }
    match bits(want) {
        Some(bits) => fs::set_permissions(new, fs::Permissions::from_mode(bits)),
        None => Ok(()),
    }
}

async fn validate(cx: &Cx, command: &str, new: &Path) -> Result<()> {
    if !command.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {command}")));
    }
    let line = command.replace("%s", &new.to_string_lossy());
    let argv = words::split(&line).map_err(|error| Failure::new(error.to_string()))?;
    let argv = argv.iter().map(|word| paths::expand(cx, Path::new(word))).collect();
    let exit = cx.spawn(Child { argv, ..Child::default() }).await?;
    if exit.rc == 0 {
        return Ok(());
    }
    let [stdout, stderr] =
        [&exit.stdout, &exit.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    Err(Failure::new("failed to validate")
        .field("exit_status", exit.rc)
        .field("stdout_lines", lines(&stdout))
        .field("stderr_lines", lines(&stderr))
        .field("stdout", stdout)
        .field("stderr", stderr))
}

/// Makes a folder; one that somebody else has made meanwhile will do.
pub(crate) fn folder(cx: &Cx, shown: &str) -> Result<()> {
    let path = paths::real(cx, shown);
    match fs::create_dir(&path) {
        Err(_) if path.is_dir() => Ok(()),
        made => made.map_err(|error| {
            let said = errno_words(&error, shown.as_ref());
            Failure::new(format!("There was an issue creating {shown} as requested: {said}"))
                .field("path", shown)
        }),
    }
}

/// Makes an empty file where none is.
pub(crate) fn touch(cx: &Cx, shown: &str) -> Result<()> {
    let made = File::options().create(true).append(true).open(paths::real(cx, shown));
    made.map(drop).map_err(|error| {
        let said = errno_words(&error, shown.as_ref());
        Failure::new("Error, could not touch target.").because(said).field("path", shown)
    })
}

/// Makes a link in place of what is there.
pub(crate) fn link(cx: &Cx, shown: &str, target: &Path, hard: bool, replaces: Option<Kind>) -> Result<()> {
    let path = paths::real(cx, shown);
    let make = |at: &Path| if hard { fs::hard_link(target, at) } else { symlink(target, at) };
    let fail = |what: &str, error: &io::Error| {
        Failure::new(format!("Error while {what}: {}", system_words(error))).field("path", shown)
    };
    let Some(kind) = replaces else { return make(&path).map_err(|error| fail("linking", &error)) };
    let beside = path.with_file_name(format!(".{}.{}.tmp", paths::name_of(shown), std::process::id()));
    let placed = match kind {
        Kind::Directory => fs::remove_dir(&path),
        Kind::File | Kind::Hard | Kind::Link => Ok(()),
    }
    .and_then(|()| make(&beside))
    .and_then(|()| fs::rename(&beside, &path));
    // Two names of one file: renaming one to the other does nothing, and leaves both.
    if beside.symlink_metadata().is_ok() {
        fs::remove_file(&beside).map_err(|error| fail("replacing", &error))?;
    }
    placed.map_err(|error| fail("replacing", &error))
}

/// Sets what is asked for of owner, group, permissions and flags, and leaves alone what is so already.
pub(crate) async fn attributes(cx: &Cx, shown: &str, want: &Entry) -> Result<()> {
    let path = paths::real(cx, shown);
    let fail = |message: &str, why: &str| Failure::new(message).field("path", shown).field("details", why);
    let refused = |message: &str, error: &io::Error| {
        Failure::new(message).because(errno_words(error, shown.as_ref())).field("path", shown)
    };
    let Some(seen) = seen::look(&path) else { return Ok(()) };
    if want.owner.is_some_and(|owner| owner != seen.uid) {
        lchown(&path, want.owner, None).map_err(|error| refused("chown failed", &error))?;
    }
    if want.group.is_some_and(|group| group != seen.gid) {
        lchown(&path, None, want.group).map_err(|error| refused("chgrp failed", &error))?;
    }
    // Giving a file away takes bits with it: they are looked at anew.
    let now = seen::look(&path).map_or(seen.bits, |seen| seen.bits);
    if let Some(bits) = bits(want).filter(|&bits| bits != now && seen.kind != Kind::Link) {
        let set = fs::set_permissions(&path, fs::Permissions::from_mode(bits));
        set.map_err(|error| fail("chmod failed", &system_words(&error)))?;
    }
    if let Some(flags) = &want.attributes {
        set_flags(cx, &path, flags).await.map_err(|why| fail("chattr failed", &why))?;
    }
    Ok(())
}

fn bits(want: &Entry) -> Option<u32> {
    u32::from_str_radix(want.mode.as_deref()?, 8).ok().map(|bits| bits & mode::ALL)
}

async fn set_flags(cx: &Cx, path: &Path, flags: &str) -> std::result::Result<(), String> {
    if seen::flags(cx, path).await.replace('e', "") == flags {
        return Ok(());
    }
    let argv = vec!["chattr".to_owned(), format!("={flags}"), path.to_string_lossy().into_owned()];
    let exit = cx.spawn(Child { argv, ..Child::default() }).await.map_err(|failure| failure.message)?;
    if exit.rc == 0 {
        return Ok(());
    }
    let said = [exit.stdout, exit.stderr].concat();
    Err(format!("Error while setting attributes: {}", String::from_utf8_lossy(&said)))
}

/// Sets the times that are given; the time of now needs no more than the right to write.
pub(crate) fn times(cx: &Cx, shown: &str, accessed: Option<Stamp>, modified: Option<Stamp>) -> Result<()> {
    if accessed.is_none() && modified.is_none() {
        return Ok(());
    }
    let spec = |stamp: Option<Stamp>| match stamp {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(Stamp::Now) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Some(Stamp::At(seconds)) => timespec(seconds),
    };
    let stamps = Timestamps { last_access: spec(accessed), last_modification: spec(modified) };
    rustix::fs::utimensat(CWD, paths::real(cx, shown), &stamps, AtFlags::empty()).map_err(|error| {
        let error = io::Error::from(error);
        let message = format!("Error while updating modification or access time: {}", system_words(&error));
        Failure::new(message).field("path", shown)
    })
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stamp {
    Now,
    /// In seconds, as Python has them.
    At(f64),
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 are far from the ends of the range")]
fn timespec(seconds: f64) -> Timespec {
    let whole = seconds.floor();
    Timespec { tv_sec: whole as i64, tv_nsec: ((seconds - whole) * 1e9).round() as i64 }
}

/// Takes away what is at a path, a folder with all that is in it.
pub(crate) fn remove(cx: &Cx, shown: &str) -> Result<()> {
    let path = paths::real(cx, shown);
    let Some(seen) = seen::look(&path) else { return Ok(()) };
    if seen.kind == Kind::Directory {
        return fs::remove_dir_all(&path).map_err(|error| {
            Failure::new(format!("rmtree failed: {}", errno_words(&error, shown.as_ref())))
        });
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let said = errno_words(&error, shown.as_ref());
            Err(Failure::new("Unlinking failed.").because(said).field("path", shown))
        }
        _ => Ok(()),
    }
}
