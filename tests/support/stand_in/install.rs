//! The stand-in's own Python packages, installed once into the user's cache folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

/// Each package by version and hash: the list that the sandbox itself is made of.
const PACKAGES: &str = include_str!("../../../src/sandbox/requirements.txt");

/// Returns a Python that has the stand-in; installs it where it is not there, or of another version.
pub(super) fn python() -> io::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache.or(home).ok_or_else(|| io::Error::other("there is no HOME to keep it in"))?;
    let folder = cache.join("rplay").join("test-stand-in");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let (list, venv) = (folder.join("packages.txt"), folder.join("venv"));
    // Written last: a list that is there and the same says that all of it was installed.
    if fs::read_to_string(&list).ok().as_deref() != Some(PACKAGES) {
        install(&folder, &venv)?;
        fs::write(&list, PACKAGES)?;
    }
    Ok(venv.join("bin/python"))
}

fn install(folder: &Path, venv: &Path) -> io::Result<()> {
    if venv.exists() {
        fs::remove_dir_all(venv)?;
    }
    run(Command::new("python3").args(["-I", "-m", "venv"]).arg(venv))?;
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, PACKAGES)?;
    let switches = ["-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
    let checked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r"];
    run(Command::new(venv.join("bin/python")).args(switches).args(checked).arg(&wanted))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{} failed: {said}", command.get_program().display())))
}
