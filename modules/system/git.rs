use std::path::{Path, PathBuf};

use rplay_module::{Action, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value};

use crate::paths;

mod archive;
mod repository;
mod revisions;
mod submodules;

use repository::Repository;

/// Keeps a working copy of a git repository at a version.
#[derive(Params)]
#[params(
    mutually_exclusive("separate_git_dir", "bare"),
    mutually_exclusive("accept_hostkey", "accept_newhostkey"),
    required_by(archive_prefix, needs("archive"))
)]
pub(crate) struct GitParams {
    /// The folder of the working copy; omitted only with `clone: false`.
    dest: Option<PathBuf>,
    /// The repository's address.
    #[param(alias = "name")]
    repo: String,
    /// The branch, tag or commit; `HEAD` is what the repository has checked out.
    #[param(default = "HEAD")]
    version: String,
    /// What the repository is called in the working copy.
    #[param(default = "origin")]
    remote: String,
    /// What else is fetched.
    refspec: Option<String>,
    /// A repository on this machine to take objects from.
    reference: Option<String>,
    /// Whether changes in the working copy are discarded.
    #[param(default = false)]
    force: bool,
    /// How many commits are fetched; omitted all.
    depth: Option<u64>,
    /// Whether a working copy that is not there is made.
    #[param(default = true)]
    clone: bool,
    /// Whether a working copy that is there is brought to the version.
    #[param(default = true)]
    update: bool,
    /// Whether the version has to be signed.
    #[param(default = false)]
    verify_commit: bool,
    /// The keys that may have signed it.
    #[param(default = [], alias = "gpg_whitelist")]
    gpg_allowlist: Vec<String>,
    /// Whether any key of the host is accepted.
    #[param(default = false)]
    accept_hostkey: bool,
    /// Whether the key of a host that is not known yet is accepted.
    #[param(default = false)]
    accept_newhostkey: bool,
    /// The private key for SSH.
    key_file: Option<PathBuf>,
    /// Further options for SSH.
    ssh_opts: Option<String>,
    /// The git program; omitted it is looked for.
    executable: Option<PathBuf>,
    /// Whether it is a repository without a working copy.
    #[param(default = false)]
    bare: bool,
    /// Whether submodules are kept, too.
    #[param(default = true)]
    recursive: bool,
    /// Whether only the history of the version is fetched.
    #[param(default = false)]
    single_branch: bool,
    /// Whether submodules follow their branch rather than the commit that the repository names.
    #[param(default = false)]
    track_submodules: bool,
    /// The umask to work with, octal, as a text.
    umask: Option<Value>,
    /// An archive to make of the version: `.zip`, `.tar`, `.tar.gz` or `.tgz`.
    archive: Option<PathBuf>,
    /// What stands before each name in the archive.
    archive_prefix: Option<String>,
    /// A folder for the repository itself, apart from the working copy.
    separate_git_dir: Option<PathBuf>,
}

impl GitParams {
    fn umask(&self) -> Result<Option<u32>> {
        match &self.umask {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => match u32::from_str_radix(text, 8) {
                Ok(umask) => Ok(Some(umask)),
                Err(_) => Err(Failure::new("umask must be an octal integer")),
            },
            Some(_) => Err(Failure::new("umask must be defined as a quoted octal integer")),
        }
    }

    /// A path is written as an address, or shallow clones of it would not be shallow.
    fn address(&self, cx: &Cx) -> String {
        let expanded = if self.repo.starts_with('~') {
            paths::expand(cx, Path::new(&self.repo))
        } else {
            self.repo.clone()
        };
        if expanded.starts_with('/') { format!("file://{expanded}") } else { self.repo.clone() }
    }

    async fn deed(&self, cx: &Cx, dry: bool) -> Result<Deed> {
        let dest = self.dest.as_deref().map(|dest| paths::real(cx, &paths::expand(cx, dest)));
        if dest.is_none() && self.clone {
            return Err(Failure::new("the destination directory must be specified unless clone=no"));
        }
        let git = Repository::of(cx, self, dest, self.address(cx)).await?;
        let mut work = Work { p: self, git, dry, result: Map::new(), changed: false, diff: None };
        work.result.insert("before".to_owned(), Value::Null);
        work.keep().await?;
        Ok(Deed {
            changed: work.changed,
            result: work.result,
            diff: work.diff.into_iter().collect(),
            ..Deed::default()
        })
    }
}

/// A run of the module.
struct Work<'a> {
    p: &'a GitParams,
    git: Repository<'a>,
    /// Only told what it would do.
    dry: bool,
    result: Map<String, Value>,
    changed: bool,
    diff: Option<Diff>,
}

impl Work<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.result.insert(name.to_owned(), value.into());
    }

    async fn keep(&mut self) -> Result<()> {
        let there = self.git.there()?;
        if self.move_repository(there)? {
            self.changed = true;
        }
        if !self.git.there()? || (self.git.dest.is_none() && !self.p.clone) {
            if self.dry || !self.p.clone {
                let head = self.git.remote_head(&self.git.address, self.git.dest.is_none()).await?;
                self.changed = true;
                self.put("after", head.as_str());
                return self.show(None, &head).await;
            }
            self.git.clone().await?;
            return self.switch(None, false, false).await;
        }
        let before = self.git.version("HEAD").await?;
        self.put("before", before.as_str());
        if !self.p.update {
            self.put("after", before.as_str());
            return self.archive().await;
        }
        let modified = self.git.is_modified().await?;
        if modified {
            let message = format!("Local modifications exist in the destination: {}", self.git.shown());
            if !self.p.force {
                let failure = Failure::new(format!("{message} (force=no)."));
                return Err(failure.field("before", before));
            }
            if !self.dry {
                self.git.reset().await?;
                self.changed = true;
                self.put("msg", message);
            }
        }
        let moved = self.git.moved(!self.dry).await?;
        self.put("remote_url_changed", moved);
        if self.dry {
            let head = self.git.remote_head(&self.p.remote, false).await?;
            self.changed |= before != head || moved;
            self.put("after", head.as_str());
            return self.show(Some(&before), &head).await;
        }
        self.git.fetch().await?;
        self.switch(Some(before), modified, moved).await
    }

    /// Checks the version out, with its submodules, and tells what that changed.
    async fn switch(&mut self, before: Option<String>, modified: bool, moved: bool) -> Result<()> {
        let mut submodules = false;
        if !self.p.bare {
            self.git.switch().await?;
            if self.p.recursive {
                submodules = self.git.fetch_submodules().await?;
                if submodules {
                    self.put("submodules_changed", true);
                    self.git.update_submodules().await?;
                }
            }
        }
        let after = self.git.version("HEAD").await?;
        self.put("after", after.as_str());
        if before.as_ref() != Some(&after) || modified || submodules || moved {
            self.changed = true;
            self.show(before.as_deref(), &after).await?;
        }
        self.archive().await
    }

    async fn archive(&mut self) -> Result<()> {
        let Some(archive) = &self.p.archive else { return Ok(()) };
        if self.dry {
            self.changed = true;
            return Ok(());
        }
        let archive = paths::real(self.git.cx, &paths::expand(self.git.cx, archive));
        self.changed = archive::make(&self.git, &archive).await?;
        Ok(())
    }

    async fn show(&mut self, before: Option<&str>, after: &str) -> Result<()> {
        let text = match before {
            None => format!(">> Newly checked out {after}"),
            Some(before) if before == after => return Ok(()),
            Some(before) => self.git.difference(before, after).await?,
        };
        self.diff = Some(Diff {
            before: DiffSide::Absent,
            after: DiffSide::Absent,
            before_header: None,
            after_header: None,
            prepared: Some(text),
        });
        Ok(())
    }

    /// Moves the repository out of the working copy where it shall be apart.
    fn move_repository(&mut self, there: bool) -> Result<bool> {
        let (Some(apart), Some(dest)) = (self.git.apart.clone(), self.git.dest.clone()) else {
            return Ok(false);
        };
        let old = self.git.folder()?;
        if !there || old.as_ref() == Some(&apart) {
            return Ok(false);
        }
        let Some(old) = old.filter(|_| !self.dry) else { return Ok(true) };
        if apart.exists() {
            let shown = apart.display();
            return Err(Failure::new(format!("Separate-git-dir path {shown} already exists.")));
        }
        let moved = std::fs::rename(&old, &apart)
            .and_then(|()| std::fs::write(dest.join(".git"), format!("gitdir: {}", apart.display())));
        moved.map_err(|error| Failure::new("Unable to move git dir.").hint(error.to_string()))?;
        self.put("git_dir_before", old.display().to_string());
        self.put("git_dir_now", apart.display().to_string());
        Ok(true)
    }
}

pub(crate) struct Git;

impl Action for Git {
    type Params = GitParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &GitParams) -> Result<Deed> {
        p.umask()?;
        p.deed(cx, true).await
    }

    async fn perform(&self, cx: &Cx, p: &GitParams) -> Result<Deed> {
        p.umask()?;
        p.deed(cx, false).await
    }
}

#[cfg(test)]
mod tests;
