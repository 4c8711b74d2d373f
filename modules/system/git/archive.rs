//! An archive of a version.

use std::path::Path;

use rplay_module::{Failure, Result};

use super::repository::Repository;

/// Makes the archive anew; returns whether it differs from the one that is there.
pub(super) async fn make(git: &Repository<'_>, archive: &Path) -> Result<bool> {
    let format = match archive.extension().and_then(|extension| extension.to_str()) {
        Some("zip") => "zip",
        Some("gz") => "tar.gz",
        Some("tar") => "tar",
        Some("tgz") => "tgz",
        _ => {
            let message =
                format!("Unable to get file extension from archive file name : {}", archive.display());
            let details = "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', \
                           'zip', 'tgz']";
            return Err(Failure::new(message).field("details", details));
        }
    };
    if !archive.exists() {
        write(git, archive, format).await?;
        return Ok(true);
    }
    let fail = |error: std::io::Error| Failure::new(format!("could not make {}: {error}", archive.display()));
    let folder = tempfile::tempdir().map_err(fail)?;
    let new = folder.path().join("archive");
    write(git, &new, format).await?;
    let text = std::fs::read(&new).map_err(fail)?;
    if std::fs::read(archive).map_err(fail)? == text {
        return Ok(false);
    }
    std::fs::write(archive, text).map_err(fail)?;
    Ok(true)
}

async fn write(git: &Repository<'_>, archive: &Path, format: &str) -> Result<()> {
    let path = archive.to_string_lossy();
    let mut command = vec!["archive", "--format", format, "--output", &path];
    if let Some(prefix) = &git.p.archive_prefix {
        command.extend(["--prefix", prefix]);
    }
    command.push(&git.p.version);
    let ran = git.git(&command).await?;
    if ran.ok() {
        return Ok(());
    }
    let details = format!(
        "Git archive command failed to create archive {path} using {} directory.Error: {}",
        git.shown(),
        ran.err
    );
    Err(Failure::new("Failed to perform archive operation").field("details", details))
}
