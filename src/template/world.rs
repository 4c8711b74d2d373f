use std::fmt;

use serde_json::Value as Json;

use crate::{PluginCall, PluginKind};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    File,
    Directory,
    Link,
    Other,
}

/// The time, and how far the local clock is from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub unix_seconds: i64,
    pub nanoseconds: u32,
    pub utc_offset_seconds: i32,
}

/// What is known of a file besides its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// When it was changed last, in seconds since 1970.
    pub modified: i64,
    pub nanoseconds: u32,
    /// The name of its owner, or the number where it has none.
    pub owner: String,
}

/// Why a page could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched {
    /// The server's answer, or -1 where there was none.
    pub status: i64,
    pub message: String,
}

/// Everything outside that lookups, filters and tests reach.
///
/// This crate reads no file, clock, environment or randomness itself. Errors are whole sentences in the words of
/// whoever refused.
pub trait World: Send + Sync {
    /// Returns a file's bytes, opened where it is encrypted with vault.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Writes a file only its owner may read, making its folders: what the `password` lookup keeps.
    fn write_private(&self, path: &str, text: &str) -> Result<(), String>;

    /// Returns what is at the path; links are followed when `follow` is set.
    fn path_kind(&self, path: &str, follow: bool) -> Option<PathKind>;

    /// Returns the names in a folder.
    fn list_folder(&self, path: &str) -> Result<Vec<String>, String>;

    /// Returns the path with every link in it resolved; what does not exist is left as it is.
    fn real_path(&self, path: &str) -> String;

    /// Returns the folder that relative paths begin in.
    fn current_folder(&self) -> String;

    /// Returns the home folder of the user, or of the one who runs this.
    fn home(&self, user: Option<&str>) -> Option<String>;

    /// Returns when a file was changed, and whose it is.
    fn file_stamp(&self, path: &str) -> Option<FileStamp>;

    /// Returns this machine's name.
    fn host_name(&self) -> String;

    /// Returns a setting of Ansible's configuration, or an option of the plugin of that kind and name, and where it
    /// comes from; `None` where there is none of that name.
    fn setting(&self, name: &str, plugin: Option<(&str, &str)>) -> Option<(serde_json::Value, String)>;

    /// Returns a variable of the environment.
    fn env(&self, name: &str) -> Option<String>;

    /// Runs a shell command in `folder` and returns its output, as the `pipe` lookup does.
    fn pipe(&self, command: &str, folder: Option<&str>) -> Result<String, String>;

    /// Returns the text of the page that the parameters of the module `uri` ask for.
    fn fetch(&self, args: serde_json::Value) -> Result<String, Unfetched>;

    /// Opens a `!vault` string.
    fn open_vault(&self, envelope: &str) -> Result<String, String>;

    /// Opens an envelope with a password of the template's own.
    fn open_vault_with(&self, envelope: &str, password: &str) -> Result<String, String>;

    /// Seals a text with a password of the template's own; without salt the same text never looks the same again.
    fn seal_vault(&self, plain: &str, password: &str, salt: Option<&str>, id: &str)
    -> Result<String, String>;

    /// Returns whether a file is encrypted with vault.
    fn is_vault_file(&self, path: &str) -> Result<bool, String>;

    fn now(&self) -> Now;

    /// Returns whether there is a filter, test or lookup of that name which this crate does not have.
    fn has_plugin(&self, _kind: PluginKind, _name: &str) -> bool {
        false
    }

    /// Calls such a filter, test or lookup.
    fn call_plugin(&self, call: &PluginCall) -> Result<Json, String> {
        Err(format!("there is no {} '{}'", call.kind.name(), call.name))
    }

    /// Returns whether the text as a whole is not to be shown.
    fn is_secret(&self, _text: &str) -> bool {
        false
    }

    /// Takes note of a text that is not to be shown, because it was made of one that is not.
    fn conceal(&self, _text: &str) {}

    /// Returns 64 fresh random bits.
    fn random(&self) -> u64;
}

impl fmt::Debug for dyn World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
