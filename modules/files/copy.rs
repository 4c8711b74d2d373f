use std::path::{Path, PathBuf};

use rplay_module::{
    Address, Change, ControllerFile, Cx, Diff, Failure, Held, Params, Report, Resource, Result, words,
};
use serde_json::Value;

use crate::attributes::Attributes;
use crate::transfer::{self, Around, From, Job, Receipt};
use crate::tree::Tree;

/// Brings a file, a folder or a text to a place.
#[derive(Params)]
pub(crate) struct CopyParams {
    /// The file or folder to copy, beside the playbook or role; of a folder whose name ends with a slash only what is in it.
    #[param(files = "files")]
    src: Option<ControllerFile>,
    /// The text to write in place of a `src`; data is written as JSON.
    #[param(censored)]
    content: Option<Value>,
    /// Where it shall be. A path that ends with a slash, or a folder that is there, is a folder it goes into.
    #[param(identity)]
    dest: Option<PathBuf>,
    /// Whether a file that is replaced is kept under a name with the time in it.
    #[param(default = false)]
    backup: bool,
    /// Whether a file that is there and differs is replaced.
    #[param(default = true)]
    force: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    /// The permissions of folders that are made; omitted they are what the system's umask leaves.
    directory_mode: Option<Value>,
    /// Whether `src` is a path on the host.
    #[param(default = false)]
    remote_src: bool,
    /// Whether links in a folder are followed; omitted they are, but for those of the host.
    local_follow: Option<bool>,
    /// The SHA-1 that the source must have.
    checksum: Option<String>,
    /// Whether a link at the destination is followed rather than replaced.
    #[param(default = false)]
    follow: bool,
    /// Whether a source that is encrypted is decrypted.
    #[param(default = true)]
    decrypt: bool,
    #[param(flatten)]
    attributes: Attributes,
}

impl CopyParams {
    fn job(&self) -> Result<Job<'_>> {
        let src = self.src.as_ref().filter(|src| !src.path.as_os_str().is_empty());
        let dest = self.dest.as_deref().filter(|dest| !dest.as_os_str().is_empty());
        let from = match (src, &self.content) {
            (None, None) => return Err(Failure::new("src (or content) is required").by_action()),
            (_, _) if dest.is_none() => return Err(Failure::new("dest is required").by_action()),
            (Some(_), Some(_)) => {
                return Err(Failure::new("src and content are mutually exclusive").by_action());
            }
            (None, Some(content)) => From::Content(written(content)),
            (Some(src), None) if self.remote_src => From::Host(&src.path),
            (Some(ControllerFile { path, content: Some(content) }), None) if self.decrypt => {
                From::Made(path, content)
            }
            (Some(src), None) => From::Controller(&src.path),
        };
        let dest = dest.unwrap_or(Path::new(""));
        if matches!(from, From::Content(_)) && dest.to_string_lossy().ends_with('/') {
            return Err(Failure::new("can not use content with a dir as dest").by_action());
        }
        Ok(Job {
            from,
            dest,
            backup: self.backup,
            force: self.force,
            follow: self.follow,
            local_follow: self.local_follow,
            validate: self.validate.as_deref(),
            directory_mode: self.directory_mode.as_ref(),
            checksum: self.checksum.as_deref(),
            attributes: &self.attributes,
        })
    }

    fn dest(&self) -> &Path {
        self.dest.as_deref().unwrap_or(Path::new(""))
    }
}

/// Data is written as JSON; what is neither a text nor data as Python writes it.
fn written(content: &Value) -> Vec<u8> {
    match content {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bool(truth) => (if *truth { "True" } else { "False" }).as_bytes().to_vec(),
        data => words::document(data).into_bytes(),
    }
}

pub(crate) struct Copy;

impl Resource for Copy {
    type Params = CopyParams;
    type State = Tree;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &CopyParams) -> Address {
        transfer::address(p.dest())
    }

    fn refers(&self, p: &CopyParams) -> Option<Vec<Address>> {
        Some(transfer::refers(p.dest()))
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &CopyParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<Tree>, Around)> {
        transfer::read(cx, &p.job()?, receipt).await
    }

    fn desired(&self, p: &CopyParams, around: &Around, have: Option<&Tree>) -> Result<Option<Tree>> {
        around.want(p.dest(), have)
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &CopyParams,
        around: &Around,
        change: Change<'_, Tree>,
    ) -> Result<Receipt> {
        transfer::apply(cx, &p.job()?, around, change).await
    }

    fn output(&self, _p: &CopyParams, report: &Report<'_, Self>) -> Value {
        transfer::output(report)
    }

    fn checked(&self, _p: &CopyParams, report: &Report<'_, Self>) -> Value {
        transfer::checked(report)
    }

    fn diff(&self, _p: &CopyParams, report: &Report<'_, Self>) -> Option<Vec<Diff>> {
        Some(transfer::diff(report))
    }

    async fn holds(&self, cx: &Cx, _p: &CopyParams, have: &Tree) -> Result<Vec<Held>> {
        Ok(transfer::holds(cx, have))
    }

    /// A file is what it was made at once, or never.
    fn patience(&self, _p: &CopyParams) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
