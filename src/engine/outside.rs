//! What templates reach outside of rplay: files, the environment, the clock, commands.

mod caller;
mod fetch;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rplay_config::Config;
use rplay_event::Masker;
use rplay_module::Child;
use rplay_template::{FileStamp, Now, PathKind, PluginCall, PluginKind, Unfetched, World};
use serde_json::Value as Json;

use crate::child::Children;
use crate::fallthrough::Fallthrough;
use crate::python;
use crate::settings::Settings;
pub(crate) use caller::Caller;
pub(crate) use fetch::Fetcher;

use crate::vault::{Vaults, is_vault, open_with, seal_with};

/// Where user names and their home folders stand.
const PASSWD: &str = "/etc/passwd";

/// After so many links in one path the rest is a circle: the kernel gives up there too.
const MOST_LINKS: usize = 40;

/// The longest file that a template reads, in bytes.
const LONGEST_FILE: u64 = 200_000_000;

/// The world of lookups, filters and tests.
pub(crate) struct Outside {
    env: Vec<(String, String)>,
    config: Arc<Config>,
    /// Asks for pages.
    fetcher: Option<Fetcher>,
    home: Option<PathBuf>,
    folder: PathBuf,
    vaults: Arc<Vaults>,
    children: Arc<Children>,
    fallthrough: Option<Arc<Fallthrough>>,
    /// Told of everything that comes out of a vault.
    masker: Masker,
    now: fn() -> SystemTime,
    random: fn(&mut [u8]),
}

impl Outside {
    pub(crate) fn new(
        settings: &Settings,
        fallthrough: Arc<Fallthrough>,
        children: Arc<Children>,
        vaults: Arc<Vaults>,
        masker: Masker,
    ) -> Self {
        let env = settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self {
            env,
            config: Arc::clone(&settings.config),
            fetcher: None,
            home: settings.home.clone(),
            folder: settings.folder.clone(),
            vaults,
            children,
            fallthrough: Some(fallthrough),
            masker,
            now: settings.now,
            random: settings.random,
        }
    }

    /// Returns the same world with something that asks for pages.
    pub(crate) fn with_fetcher(self, fetcher: Option<Fetcher>) -> Self {
        Self { fetcher, ..self }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The zone of the environment's `TZ`, else the system's; a zone that nobody knows is UTC, as for the C library.
    fn zone(&self) -> TimeZone {
        match self.variable("TZ").map(|name| name.trim_start_matches(':')) {
            Some(name) if !name.is_empty() && !name.starts_with('/') => {
                TimeZone::get(name).or_else(|_| TimeZone::posix(name)).unwrap_or(TimeZone::UTC)
            }
            _ => TimeZone::try_system().unwrap_or(TimeZone::UTC),
        }
    }
}

/// Reads a file, unless it is longer than any text may become: `/dev/zero` has no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::Error::other(format!("it is longer than {LONGEST_FILE} bytes")));
    }
    Ok(bytes)
}

impl World for Outside {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = read(&self.place(path)).map_err(|error| about(&error, path))?;
        if !is_vault(&bytes) {
            return Ok(bytes);
        }
        let plain = self.vaults.open(&bytes, path).map_err(|error| error.to_string())?;
        self.masker.add_text(&String::from_utf8_lossy(&plain));
        Ok(plain)
    }

    fn write_private(&self, path: &str, text: &str) -> Result<(), String> {
        write_private(&self.place(path), text).map_err(|error| about(&error, path))
    }

    fn path_kind(&self, path: &str, follow: bool) -> Option<PathKind> {
        let place = self.place(path);
        let found = if follow { fs::metadata(place) } else { fs::symlink_metadata(place) }.ok()?;
        Some(match found.file_type() {
            kind if kind.is_file() => PathKind::File,
            kind if kind.is_dir() => PathKind::Directory,
            kind if kind.is_symlink() => PathKind::Link,
            _ => PathKind::Other,
        })
    }

    fn list_folder(&self, path: &str) -> Result<Vec<String>, String> {
        let entries = fs::read_dir(self.place(path)).map_err(|error| about(&error, path))?;
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> =
            entries.map(name).collect::<io::Result<_>>().map_err(|error| about(&error, path))?;
        names.sort();
        Ok(names)
    }

    fn real_path(&self, path: &str) -> String {
        real_path(&self.place(path)).display().to_string()
    }

    fn current_folder(&self) -> String {
        self.folder.display().to_string()
    }

    fn home(&self, user: Option<&str>) -> Option<String> {
        let own = || self.home.as_ref().map(|home| home.display().to_string());
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        match user {
            Some(user) => home_of(&passwd, |fields| fields.first() == Some(&user)),
            None => own().or_else(|| {
                let uid = rustix::process::getuid().as_raw().to_string();
                home_of(&passwd, |fields| fields.get(2) == Some(&uid.as_str()))
            }),
        }
    }

    fn file_stamp(&self, path: &str) -> Option<FileStamp> {
        let place = self.place(path);
        let modified = Timestamp::try_from(fs::metadata(&place).ok()?.modified().ok()?).ok()?;
        let nanoseconds = modified.as_nanosecond().rem_euclid(1_000_000_000);
        Some(FileStamp {
            modified: i64::try_from(modified.as_nanosecond().div_euclid(1_000_000_000)).ok()?,
            nanoseconds: u32::try_from(nanoseconds).ok()?,
            owner: crate::machine::owner(&place),
        })
    }

    fn host_name(&self) -> String {
        crate::machine::host_name()
    }

    fn setting(&self, name: &str, plugin: Option<(&str, &str)>) -> Option<(serde_json::Value, String)> {
        let found = match plugin {
            None => self.config.setting(name),
            Some((kind, plugin)) => self.config.option(kind, plugin, name),
        }?;
        Some((found.value.clone(), found.origin.to_string()))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.variable(name).map(str::to_owned)
    }

    fn pipe(&self, command: &str, folder: Option<&str>) -> Result<String, String> {
        let folder = folder.map_or_else(|| self.folder.clone(), |folder| self.place(folder));
        let argv = ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
        let child = Child { argv, folder: Some(folder), ..Child::default() };
        let exit = self.children.run_here(child, self.env.clone()).map_err(|failure| failure.message)?;
        if exit.rc == 0 {
            return Ok(python::decode(exit.stdout)?.trim_end().to_owned());
        }
        let refused = format!("lookup_plugin.pipe({command}) returned {}", exit.rc);
        // Ansible lets it through to the terminal, where nothing would mask it.
        Err(match String::from_utf8_lossy(&exit.stderr).trim() {
            "" => refused,
            said => format!("{refused}: {said}"),
        })
    }

    fn fetch(&self, args: serde_json::Value) -> Result<String, Unfetched> {
        match &self.fetcher {
            Some(fetcher) => fetcher.fetch(args),
            None => Err(Unfetched { status: -1, message: "this rplay has no module uri".to_owned() }),
        }
    }

    fn open_vault(&self, envelope: &str) -> Result<String, String> {
        let plain =
            self.vaults.open(envelope.as_bytes(), "a !vault string").map_err(|error| error.to_string())?;
        let text = python::decode(plain)?;
        self.masker.add(&text);
        Ok(text)
    }

    fn has_plugin(&self, kind: PluginKind, name: &str) -> bool {
        self.fallthrough.as_ref().is_some_and(|fallthrough| fallthrough.has_plugin(kind, name))
    }

    fn call_plugin(&self, call: &PluginCall) -> Result<Json, String> {
        let fallthrough = self.fallthrough.as_ref().ok_or_else(|| format!("there is no '{}'", call.name))?;
        fallthrough.call_plugin(call)
    }

    fn is_secret(&self, text: &str) -> bool {
        self.masker.is_secret(text)
    }

    fn conceal(&self, text: &str) {
        self.masker.add_derived(text);
    }

    fn open_vault_with(&self, envelope: &str, password: &str) -> Result<String, String> {
        self.masker.add(password);
        let plain = open_with(envelope.as_bytes(), password.as_bytes()).map_err(|why| why.to_string())?;
        let text = python::decode(plain)?;
        self.masker.add(&text);
        Ok(text)
    }

    fn seal_vault(
        &self,
        plain: &str,
        password: &str,
        salt: Option<&str>,
        id: &str,
    ) -> Result<String, String> {
        let mut fresh = [0; 32];
        (self.random)(&mut fresh);
        let salt = salt.map_or(fresh.as_slice(), str::as_bytes);
        seal_with(plain.as_bytes(), password.as_bytes(), id, salt).map_err(|why| why.to_string())
    }

    fn is_vault_file(&self, path: &str) -> Result<bool, String> {
        fs::read(self.place(path)).map(|bytes| is_vault(&bytes)).map_err(|error| about(&error, path))
    }

    fn now(&self) -> Now {
        let now = Timestamp::try_from((self.now)()).unwrap_or(Timestamp::UNIX_EPOCH);
        // Whole seconds rounded down, so that the rest is never negative.
        let nanoseconds = now.as_nanosecond().rem_euclid(1_000_000_000);
        let seconds = now.as_nanosecond().div_euclid(1_000_000_000);
        Now {
            unix_seconds: i64::try_from(seconds).unwrap_or_default(),
            nanoseconds: u32::try_from(nanoseconds).unwrap_or_default(),
            utc_offset_seconds: self.zone().to_offset(now).seconds(),
        }
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// Python's words, which lookups' messages quote.
fn about(error: &io::Error, path: &str) -> String {
    python::os_error(error, &format!("'{path}'"))
}

/// Writes in place: the path may be a device or a link that the user has put there.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.is_file() {
        // One that was there before may be open to others; before anything is in it, it no longer is.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

/// Resolves every link, part by part; what does not exist is no link and stays as it was written.
fn real_path(path: &Path) -> PathBuf {
    let parts =
        |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let (mut real, mut rest, mut links) = (PathBuf::new(), parts(path), 0);
    while let Some(part) = rest.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        // The root replaces all before it.
        let next = real.join(&part);
        match fs::read_link(&next) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                rest.extend(parts(&target));
            }
            _ => real = next,
        }
    }
    real
}

/// Returns the home folder on the first line of `passwd` whose fields are meant.
fn home_of(passwd: &str, meant: impl Fn(&[&str]) -> bool) -> Option<String> {
    let lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines
        .into_iter()
        .find(|fields| meant(fields))
        .and_then(|fields| fields.get(5).map(|home| (*home).to_owned()))
}

#[cfg(test)]
mod tests;
