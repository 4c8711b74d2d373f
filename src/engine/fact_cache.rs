//! Facts that outlive a run: `fact_caching = jsonfile`, a file for each host.
//!
//! Source of the files' form: `ansible/plugins/cache/jsonfile.py`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rplay_config::Config;
use serde_json::{Map, Value as Json};

/// Where facts are kept, and for how long they hold.
#[derive(Clone, Debug)]
pub(crate) struct FactCacheSettings {
    pub(crate) folder: PathBuf,
    /// What stands before the host in the name of its file.
    pub(crate) prefix: String,
    /// `None` is for ever.
    pub(crate) timeout: Option<Duration>,
}

impl FactCacheSettings {
    /// Returns what is configured; `None` where facts are only kept in memory.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let plugin = config.text("CACHE_PLUGIN")?;
        if plugin.rsplit('.').next() != Some("jsonfile") {
            return None;
        }
        let timeout = config.int("CACHE_PLUGIN_TIMEOUT").and_then(|seconds| u64::try_from(seconds).ok());
        Some(Self {
            folder: config.text("CACHE_PLUGIN_CONNECTION").filter(|folder| !folder.is_empty())?.into(),
            prefix: config.text("CACHE_PLUGIN_PREFIX").unwrap_or_default(),
            timeout: timeout.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        })
    }
}

/// The facts that runs before this one have left, and where this one leaves its own.
#[derive(Debug, Default)]
pub(crate) struct FactCache {
    settings: Option<FactCacheSettings>,
    read: Mutex<HashSet<String>>,
}

impl FactCache {
    /// Opens the cache; with `flush` what is there is forgotten.
    pub(crate) fn open(settings: Option<FactCacheSettings>, flush: bool) -> std::io::Result<Self> {
        if let Some(settings) = &settings {
            std::fs::create_dir_all(&settings.folder)?;
            if flush {
                for entry in std::fs::read_dir(&settings.folder)? {
                    let entry = entry?;
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if !name.starts_with('.') && name.starts_with(&settings.prefix) {
                        std::fs::remove_file(entry.path())?;
                    }
                }
            }
        }
        Ok(Self { settings, read: Mutex::default() })
    }

    fn file(&self, host: &str) -> Option<PathBuf> {
        let settings = self.settings.as_ref()?;
        Some(settings.folder.join(format!("{}{host}", settings.prefix)))
    }

    /// Returns the facts of a host, the first time it is asked for.
    ///
    /// # Errors
    /// What is wrong with the file, which is removed.
    pub(crate) fn take(&self, host: &str, now: SystemTime) -> Result<Option<Map<String, Json>>, String> {
        let Some(file) = self.file(host) else { return Ok(None) };
        if !self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned()) {
            return Ok(None);
        }
        let Ok(found) = std::fs::metadata(&file) else { return Ok(None) };
        let age = found.modified().ok().and_then(|then| now.duration_since(then).ok()).unwrap_or_default();
        let timeout = self.settings.as_ref().and_then(|settings| settings.timeout);
        if timeout.is_some_and(|timeout| age > timeout) {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map(Some).map_err(|_| {
            let _ = std::fs::remove_file(&file);
            format!(
                "The cache file {} was corrupt, or did not otherwise contain valid data. It has been removed, so you can \
                 re-run your command now.",
                file.display()
            )
        })
    }

    /// Writes the facts of a host.
    pub(crate) fn keep(&self, host: &str, facts: &Map<String, Json>) -> std::io::Result<()> {
        let Some(file) = self.file(host) else { return Ok(()) };
        let fresh = file.with_file_name(format!(".{host}.{}", std::process::id()));
        std::fs::write(&fresh, Json::Object(facts.clone()).to_string())?;
        std::fs::rename(fresh, file)
    }

    /// Removes the facts of a host.
    pub(crate) fn forget(&self, host: &str) {
        if let Some(file) = self.file(host) {
            // What is not there is forgotten.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Returns whether facts are kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.settings.is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(folder: &std::path::Path, timeout: Option<Duration>, flush: bool) -> FactCache {
        let settings = FactCacheSettings { folder: folder.to_owned(), prefix: "p_".to_owned(), timeout };
        FactCache::open(Some(settings), flush).expect("a folder")
    }

    fn facts() -> Map<String, Json> {
        json!({"ansible_x": 1}).as_object().cloned().expect("a mapping")
    }

    #[test]
    fn facts_are_there_for_the_next_run_until_they_are_too_old() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path(), None, false).keep("a", &facts()).expect("a file");
        let later = SystemTime::now() + Duration::from_secs(100);
        let take = |timeout| open(folder.path(), timeout, false).take("a", later).expect("a good file");
        assert_eq!(take(None), Some(facts()));
        assert_eq!(take(Some(Duration::from_secs(1000))), Some(facts()));
        assert_eq!(take(Some(Duration::from_secs(10))), None);
    }

    #[test]
    fn a_flush_and_a_broken_file_leave_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path(), None, false).keep("a", &facts()).expect("a file");
        assert_eq!(open(folder.path(), None, true).take("a", SystemTime::now()), Ok(None));
        std::fs::write(folder.path().join("p_a"), "{").expect("a file");
        assert!(open(folder.path(), None, false).take("a", SystemTime::now()).is_err());
        assert!(!folder.path().join("p_a").exists());
    }
}
