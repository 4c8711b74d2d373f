//! The stand-in's virtual environment: made once, whole or not at all.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use super::folder::{hold, private};
use super::{Error, Result, Tell, VERSION};

/// Every package by version and hash: what is installed is what was looked at.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The versions for which there are hashes.
const VERSIONS: std::ops::RangeInclusive<u32> = 11..=14;

/// The system's own first; the others for machines whose `python3` is older.
const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Returns the Python that has the stand-in; installs it where it is not there yet.
pub(crate) async fn prepared(cache: &Path, path: &OsStr, tell: Tell<'_>) -> Result<PathBuf> {
    let folder = cache.join("rplay");
    let venv = folder.join(format!("sandbox-{:016x}", fingerprint(REQUIREMENTS)));
    let python = venv.join("bin/python");
    if works(&python).await {
        return Ok(python);
    }
    private(&folder)?;
    let _lock = hold(&folder.join("sandbox.lock"), tell).await?;
    // Another rplay may have made it meanwhile.
    if !works(&python).await {
        tell(&format!("installing the sandbox (ministack {VERSION}), once"));
        install(&venv, path).await?;
    }
    Ok(python)
}

/// Makes the environment beside its place and moves it there: what carries the name is whole. Python finds its packages
/// from where its own file is, so the move harms nothing.
async fn install(venv: &Path, path: &OsStr) -> Result<()> {
    let python = find(path).await?;
    let partial = venv.with_extension("partial");
    remove(&partial)?;
    make(&python, &partial).await?;
    let list = partial.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).map_err(Error::file("write", &list))?;
    let said = output(
        Command::new(partial.join("bin/python"))
            .args(["-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r"])
            .arg(&list),
    )
    .await?;
    if !said.status.success() {
        return Err(Error::Install { said: last_lines(&said, 3) });
    }
    // One that is there and does not work: its Python was replaced under it.
    remove(venv)?;
    fs::rename(&partial, venv).map_err(Error::file("rename", &partial))
}

async fn make(python: &Path, folder: &Path) -> Result<()> {
    let said = output(Command::new(python).args(["-I", "-m", "venv"]).arg(folder)).await?;
    if said.status.success() {
        return Ok(());
    }
    remove(folder)?;
    let text = last_lines(&said, usize::MAX);
    // Debian has a Python without either; both say so in these words.
    if text.contains("ensurepip") || text.contains("No module named venv") {
        return Err(Error::NoVenv { python: python.to_owned() });
    }
    Err(Error::Install { said: last_lines(&said, 3) })
}

/// Returns the first Python on the path that will do.
async fn find(path: &OsStr) -> Result<PathBuf> {
    let mut found = Vec::new();
    for name in NAMES {
        let Some(file) =
            std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
        else {
            continue;
        };
        let probe = "import sys; print(sys.implementation.name, *sys.version_info[:2])";
        let said = output(Command::new(&file).args(["-I", "-c", probe])).await?;
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        match text.strip_prefix("cpython 3 ").and_then(|minor| minor.parse().ok()) {
            Some(minor) if VERSIONS.contains(&minor) => return Ok(file),
            Some(minor) => found.push(format!("{} (3.{minor})", file.display())),
            None => found.push(format!("{} ({text})", file.display())),
        }
    }
    Err(Error::NoPython { found })
}

/// Returns whether this Python runs and has the stand-in.
async fn works(python: &Path) -> bool {
    let said = output(Command::new(python).args(["-I", "-c", "import ministack"])).await;
    said.is_ok_and(|said| said.status.success())
}

/// Runs a child that ends with rplay; it has the environment, where pip's settings may be.
async fn output(command: &mut Command) -> Result<Output> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    output.map_err(Error::io(format!("run {program}")))
}

/// Returns the last lines of what a child said, errors after the rest.
fn last_lines(said: &Output, count: usize) -> String {
    let text = [&said.stdout, &said.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n  ")
}

fn remove(folder: &Path) -> Result<()> {
    if folder.symlink_metadata().is_err() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(Error::file("remove", folder))
}

/// Returns a short name for a text (FNV-1a, 64 bits). Nothing is trusted for it: pip checks the hashes.
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A folder with programs that print a line each.
    fn programs(programs: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, line) in programs {
            let file = folder.path().join(name);
            fs::write(&file, format!("#!/bin/sh\necho {line}\n")).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).expect("made a program");
        }
        folder
    }

    #[test]
    fn the_stand_in_itself_is_among_the_requirements() {
        assert!(REQUIREMENTS.contains(&format!("\nministack=={VERSION} \\\n    --hash=sha256:")));
    }

    #[test]
    fn every_requirement_has_a_version_and_a_hash() {
        let joined = REQUIREMENTS.replace("\\\n", "");
        for line in joined.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
        }
    }

    #[test]
    fn another_text_has_another_fingerprint() {
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[tokio::test]
    async fn an_older_python_is_passed_over() {
        let folder = programs(&[("python3", "cpython 3 9"), ("python3.12", "cpython 3 12")]);
        let found = find(folder.path().as_os_str()).await.expect("there is one");
        assert_eq!(found, folder.path().join("python3.12"));
    }

    #[tokio::test]
    async fn what_was_found_instead_is_named() {
        let folder = programs(&[("python3", "pypy 3 11")]);
        let error = find(folder.path().as_os_str()).await.expect_err("none will do");
        let path = folder.path().display();
        assert_eq!(
            error.to_string(),
            format!(
                "could not prepare the sandbox: it needs CPython 3.11 to 3.14, and PATH has {path}/python3 (pypy 3 11)"
            )
        );
        let error = find(OsStr::new("/nowhere")).await.expect_err("there is none");
        assert!(error.to_string().ends_with("there is no python3 on PATH"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("python3-venv")));
    }

    #[tokio::test]
    async fn a_python_without_venv_is_told_in_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let python = folder.path().join("python3");
        fs::write(&python, "#!/bin/sh\necho 'ensurepip is not available' >&2\nexit 1\n").expect("written");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o700)).expect("made a program");
        let error = make(&python, &folder.path().join("venv")).await.expect_err("it has none");
        assert!(matches!(error, Error::NoVenv { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
}
