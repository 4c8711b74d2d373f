use std::path::{Path, PathBuf};

use crate::run::Runner;

/// Writes the names of the hosts that failed beside the playbook, where the configuration wants it (`retry_files_enabled`);
/// returns the file.
///
/// # Errors
/// What could not be written, and why.
pub(crate) fn write(runner: &Runner, playbook: &str) -> Result<Option<PathBuf>, String> {
    let config = &runner.settings.config;
    if !config.flag("RETRY_FILES_ENABLED") {
        return Ok(None);
    }
    let recap = runner.hosts.recap();
    let mut failed: Vec<&str> = recap
        .iter()
        .filter(|(_, counts)| counts.failed > 0 || counts.unreachable > 0)
        .map(|(host, _)| host.as_str())
        .collect();
    if failed.is_empty() {
        return Ok(None);
    }
    failed.sort_unstable();
    let path = place(config.text("RETRY_FILES_SAVE_PATH").as_deref(), &runner.settings.folder.join(playbook));
    let lines: String = failed.iter().flat_map(|host| [host, "\n"]).collect();
    match std::fs::write(&path, lines) {
        Ok(()) => Ok(Some(path)),
        Err(error) => Err(format!("Could not create retry file '{}'.\t{error}", path.display())),
    }
}

/// Returns where the file of a playbook lies: in a folder of all such files, else beside the playbook.
fn place(folder: Option<&str>, playbook: &Path) -> PathBuf {
    let name = playbook.with_extension("retry");
    match (folder, name.file_name()) {
        (Some(folder), Some(name)) => Path::new(folder).join(name),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_playbooks_name_and_lies_beside_it_or_where_it_is_wanted() {
        assert_eq!(place(None, Path::new("/a/site.yml")), Path::new("/a/site.retry"));
        assert_eq!(place(Some("/r"), Path::new("/a/site.yml")), Path::new("/r/site.retry"));
    }
}
