use std::path::PathBuf;

use rplay_module::{
    Action, ControllerFile, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result,
};
use rustix::fs::{Access, access};
use serde_json::{Map, Value, json};

use crate::attributes::Attributes;
use crate::paths;
use crate::settle::{self, Settled};

mod fetched;
mod process;
mod tar;
mod zip;
mod zip_state;

use tar::Tar;
use zip::Zip;

/// Unpacks an archive: tar in any of its compressions, or zip.
#[derive(Params)]
#[params(mutually_exclusive("include", "exclude"))]
pub(crate) struct UnarchiveParams {
    /// The archive, beside the playbook or role; with `remote_src` one of the host, or an address to fetch it from.
    #[param(files = "files")]
    src: ControllerFile,
    /// The folder to unpack it in, which has to be there.
    dest: PathBuf,
    /// Whether `src` is a path on the host.
    #[param(default = false)]
    remote_src: bool,
    /// A path: where it is there already, nothing is unpacked.
    creates: Option<PathBuf>,
    /// Whether the names in the archive are returned.
    #[param(default = false)]
    list_files: bool,
    /// Whether files that are newer than those in the archive stay.
    #[param(default = false)]
    keep_newer: bool,
    /// Names that are left out.
    #[param(default = [])]
    exclude: Vec<String>,
    /// Names that alone are unpacked.
    #[param(default = [])]
    include: Vec<String>,
    /// Further options for the program that unpacks.
    #[param(default = [])]
    extra_opts: Vec<String>,
    /// Whether the server of an address has to show a certificate that is trusted.
    #[param(default = true)]
    validate_certs: bool,
    /// How many bytes are read at once; it changes nothing here.
    #[param(default = 65536)]
    #[expect(dead_code, reason = "files are read in pieces of one size")]
    io_buffer_size: u64,
    /// The old way to say the contrary of `remote_src`.
    #[param(default = true)]
    copy: bool,
    /// Whether an archive that is encrypted is decrypted.
    #[param(default = true)]
    #[expect(dead_code, reason = "the engine decrypts what it finds")]
    decrypt: bool,
    #[param(flatten)]
    attributes: Attributes,
}

/// An archive and where it goes.
pub(crate) struct Job<'a> {
    cx: &'a Cx,
    p: &'a UnarchiveParams,
    /// The archive's real path.
    src: String,
    /// The folder as results name it, and its real path.
    dest: String,
    folder: String,
    /// What was fetched for it, until it is unpacked.
    _fetched: Option<tempfile::NamedTempFile>,
}

/// What is known of an archive before it is unpacked.
pub(crate) struct Compared {
    unarchived: bool,
    /// As `rsync` itemizes changes; only of a zip.
    diff: Option<String>,
    /// Files that are newer than those in the archive.
    newer: Vec<String>,
}

/// What unpacks.
enum Handler {
    Tar(Tar),
    Zip(Zip),
}

impl Handler {
    fn name(&self) -> &'static str {
        match self {
            Self::Tar(tar) => tar.name(),
            Self::Zip(_) => "ZipArchive",
        }
    }

    fn files(&self) -> &[String] {
        match self {
            Self::Tar(tar) => &tar.files,
            Self::Zip(zip) => &zip.files,
        }
    }

    async fn pick(job: &Job<'_>) -> Result<Self> {
        let mut reasons: Vec<String> = Vec::new();
        match Zip::of(job).await? {
            Ok(zip) => return Ok(Self::Zip(zip)),
            Err(reason) => reasons.push(reason),
        }
        for packed in tar::PACKED {
            match Tar::of(job, *packed).await? {
                Ok(tar) => return Ok(Self::Tar(tar)),
                Err(reason) if !reasons.contains(&reason) => reasons.push(reason),
                Err(_) => {}
            }
        }
        Err(Failure::new(format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n{}",
            job.src,
            reasons.join("\n")
        )))
    }

    async fn compare(&self, job: &Job<'_>) -> Result<Compared> {
        match self {
            Self::Tar(tar) => tar.compare(job).await,
            Self::Zip(zip) => zip.compare(job).await,
        }
    }

    async fn unpack(&self, job: &Job<'_>, compared: &Compared) -> Result<Value> {
        match self {
            Self::Tar(tar) => tar.unpack(job).await,
            Self::Zip(zip) => zip.unpack(job, compared).await,
        }
    }
}

impl UnarchiveParams {
    fn needless(&self, cx: &Cx) -> Option<Deed> {
        let creates = paths::expand(cx, self.creates.as_deref()?);
        paths::real(cx, &creates).exists().then(|| {
            let message = json!({ "msg": format!("skipped, since {creates} exists") });
            Deed { skipped: true, ..Deed::new(false, message) }
        })
    }

    async fn job<'a>(&'a self, cx: &'a Cx) -> Result<Job<'a>> {
        let dest = paths::expand(cx, &self.dest);
        let folder = paths::real(cx, &dest);
        if !folder.is_dir() {
            return Err(Failure::new(format!("dest '{dest}' must be an existing dir")).refused());
        }
        let folder = folder.to_string_lossy().trim_end_matches('/').to_owned();
        let folder = if folder.is_empty() { "/".to_owned() } else { folder };
        if !dest.starts_with('/') {
            cx.warn(format!("Relative destination path '{dest}' was resolved to absolute path '{folder}'."));
        }
        let shown = paths::expand(cx, &self.src.path);
        let mut src = paths::real(cx, &shown);
        let mut fetched = None;
        if (self.remote_src || !self.copy) && shown.contains("://") && !src.exists() {
            let file = fetched::fetch(cx, &shown, self.validate_certs).await?;
            src = file.path().to_path_buf();
            fetched = Some(file);
        }
        let size = match src.metadata() {
            Ok(found) => found.len(),
            Err(_) if self.remote_src => {
                return Err(Failure::new(format!("Source '{shown}' does not exist")));
            }
            Err(_) => return Err(Failure::new(format!("Source '{shown}' failed to transfer"))),
        };
        if access(&src, Access::READ_OK).is_err() {
            return Err(Failure::new(format!("Source '{shown}' not readable")));
        }
        let src = src.to_string_lossy().into_owned();
        if size == 0 {
            return Err(Failure::new(format!("Invalid archive '{src}', the file is 0 bytes")));
        }
        Ok(Job { cx, p: self, src, dest, folder, _fetched: fetched })
    }
}

impl Job<'_> {
    /// Returns whether a name is left out.
    fn excludes(&self, name: &str) -> bool {
        self.p.exclude.iter().any(|pattern| rplay_module::fnmatch::matches(pattern, name))
    }

    fn deed(&self, handler: &Handler, compared: &Compared, changed: bool) -> Deed {
        let mut deed =
            Deed::new(changed, json!({ "handler": handler.name(), "dest": self.dest, "src": self.src }));
        if self.p.list_files {
            deed.result.insert("files".to_owned(), Value::from(handler.files()));
        }
        deed.diff.extend(compared.diff.clone().filter(|diff| !diff.is_empty()).map(|diff| Diff {
            before: DiffSide::Absent,
            after: DiffSide::Absent,
            before_header: None,
            after_header: None,
            prepared: Some(diff),
        }));
        deed
    }

    /// Gives what was unpacked its owner and permissions; a folder at the top of the archive as well.
    async fn settle(&self, handler: &Handler) -> Result<bool> {
        let files = handler.files();
        let mut tops: Vec<&str> = Vec::new();
        for name in files {
            if let Some((top, _)) = name.split_once('/')
                && !tops.contains(&top)
            {
                tops.push(top);
            }
        }
        let mut changed = false;
        for name in files.iter().map(String::as_str).chain(tops) {
            let path = paths::join(&self.folder, name);
            let path = path.trim_end_matches('/');
            let settled: Settled = settle::settle(self.cx, &self.p.attributes, path).await?;
            changed |= settled.changed;
        }
        Ok(changed)
    }
}

pub(crate) struct Unarchive;

impl Action for Unarchive {
    type Params = UnarchiveParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn needless(&self, cx: &Cx, p: &UnarchiveParams) -> Result<Option<Deed>> {
        Ok(p.needless(cx))
    }

    async fn foretell(&self, cx: &Cx, p: &UnarchiveParams) -> Result<Deed> {
        let job = p.job(cx).await?;
        let handler = Handler::pick(&job).await?;
        let compared = handler.compare(&job).await?;
        Ok(with_info(cx, &job, job.deed(&handler, &compared, !compared.unarchived)).await)
    }

    /// Of a tar archive Ansible's module looks at nothing in check mode.
    fn checked(&self, foretold: Deed) -> Deed {
        if foretold.skipped || foretold.result.get("handler").is_none_or(|handler| handler == "ZipArchive") {
            return foretold;
        }
        let message = "remote module (ansible.legacy.unarchive) does not support check mode when using gtar";
        Deed { skipped: true, ..Deed::new(false, json!({ "msg": message })) }
    }

    async fn perform(&self, cx: &Cx, p: &UnarchiveParams) -> Result<Deed> {
        let job = p.job(cx).await?;
        let handler = Handler::pick(&job).await?;
        let compared = handler.compare(&job).await?;
        let mut more = Map::new();
        if !compared.unarchived {
            let unpacked = handler.unpack(&job, &compared).await?;
            let failed = unpacked.get("rc") != Some(&Value::from(0));
            more.insert("extract_results".to_owned(), unpacked);
            if failed {
                let mut failure = Failure::new(format!("failed to unpack {} to {}", job.src, job.dest));
                failure.result = job.deed(&handler, &compared, false).result;
                failure.result.extend(more);
                return Err(failure);
            }
        }
        let settled = job.settle(&handler).await?;
        let mut deed = job.deed(&handler, &compared, !compared.unarchived || settled);
        deed.result.extend(more);
        Ok(with_info(cx, &job, deed).await)
    }
}

async fn with_info(cx: &Cx, job: &Job<'_>, mut deed: Deed) -> Deed {
    deed.result.extend(crate::seen::info(cx, &job.dest).await);
    deed
}

#[cfg(test)]
mod tests;
