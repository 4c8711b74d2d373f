//! A repository and its working copy, through the git program.

use std::path::{Path, PathBuf};

use rplay_module::{Cx, Failure, Result, words};

use super::GitParams;
use crate::paths;
use crate::program::{self, Order, Ran};

/// A working copy that is there or shall be.
pub(super) struct Repository<'a> {
    pub(super) cx: &'a Cx,
    pub(super) p: &'a GitParams,
    pub(super) program: String,
    pub(super) dest: Option<PathBuf>,
    pub(super) address: String,
    /// The repository's own folder, where that is not in the working copy.
    pub(super) apart: Option<PathBuf>,
    ssh: String,
    /// Set before each command, as git has no option for it.
    umask: Option<u32>,
}

impl<'a> Repository<'a> {
    pub(super) async fn of(
        cx: &'a Cx,
        p: &'a GitParams,
        dest: Option<PathBuf>,
        address: String,
    ) -> Result<Self> {
        let program = match &p.executable {
            Some(executable) => paths::expand(cx, executable),
            None => program::require(cx, "git")?,
        };
        let apart = p.separate_git_dir.as_deref().map(|apart| {
            let apart = paths::real(cx, &paths::expand(cx, apart));
            std::fs::canonicalize(&apart).unwrap_or(apart)
        });
        let mut own = Self { cx, p, program, dest, address, apart, ssh: String::new(), umask: p.umask()? };
        own.ssh = own.ssh_command().await?;
        Ok(own)
    }

    /// Returns the command that git reaches hosts with: nothing may ask the user.
    async fn ssh_command(&self) -> Result<String> {
        let p = self.p;
        let program = self.cx.env("GIT_SSH").or_else(|| self.cx.env("GIT_SSH_COMMAND"));
        let mut options = self.cx.env("GIT_SSH_OPTS").unwrap_or_default();
        if let Some(more) = &p.ssh_opts {
            options = format!("{options} {more}");
        }
        let mut add = |sign: &str, option: &str| {
            if !options.contains(sign) {
                options = format!("{options} {option}");
            }
        };
        if p.accept_newhostkey {
            let asked = ["ssh", "-o", "StrictHostKeyChecking=accept-new", "-V"];
            if Order::new(asked).run(self.cx).await.is_ok_and(|ran| ran.ok()) {
                add("StrictHostKeyChecking=", "-o StrictHostKeyChecking=accept-new");
            } else {
                self.cx.warn(
                    "Your ssh client does not support accept_newhostkey option, therefore it cannot be used.",
                );
            }
        }
        if p.accept_hostkey {
            add("StrictHostKeyChecking=", "-o StrictHostKeyChecking=no");
        }
        add("BatchMode=yes", "-o BatchMode=yes");
        if let Some(key) = &p.key_file {
            let key = words::quote(&paths::expand(self.cx, key));
            add(&format!("-i {key}"), &format!("-i {key}"));
            add("IdentitiesOnly=yes", "-o IdentitiesOnly=yes");
        }
        Ok(format!("{} {}", program.as_deref().unwrap_or("ssh"), options.trim()))
    }

    pub(super) fn shown(&self) -> String {
        self.dest.as_ref().map(|dest| dest.display().to_string()).unwrap_or_default()
    }

    fn order(&self, words: &[&str]) -> Order {
        let git = std::iter::once(self.program.as_str()).chain(words.iter().copied());
        let order = match self.umask {
            Some(umask) => {
                let line = git.map(words::quote).collect::<Vec<_>>().join(" ");
                Order::new(["/bin/sh".to_owned(), "-c".to_owned(), format!("umask {umask:o}; exec {line}")])
            }
            None => Order::new(git.map(str::to_owned)),
        };
        order.plain().env("LANGUAGE", "C").env("GIT_SSH_COMMAND", &self.ssh)
    }

    /// Runs git in the working copy, or in the folder above where that is not there.
    pub(super) async fn git(&self, words: &[&str]) -> Result<Ran> {
        let order = self.order(words);
        match self.dest.as_ref().filter(|dest| dest.is_dir()) {
            Some(dest) => order.folder(dest).run(self.cx).await,
            None => order.run(self.cx).await,
        }
    }

    /// Runs git, which has to succeed.
    pub(super) async fn must(&self, words: &[&str]) -> Result<String> {
        let ran = self.git(words).await?;
        if ran.ok() {
            return Ok(ran.out);
        }
        let command = std::iter::once(self.program.as_str()).chain(words.iter().copied());
        let command = command.map(words::quote).collect::<Vec<_>>().join(" ");
        Err(ran.failure(ran.err.trim_end()).field("cmd", command))
    }

    /// Returns the repository's own folder, if the working copy names one.
    pub(super) fn folder(&self) -> Result<Option<PathBuf>> {
        let Some(dest) = &self.dest else { return Ok(None) };
        let inner = if self.p.bare { dest.clone() } else { dest.join(".git") };
        if !inner.is_file() {
            return Ok(Some(inner));
        }
        let bad = |details: String| {
            let message = "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path";
            Failure::new(message).field("details", details)
        };
        let text = std::fs::read_to_string(&inner).map_err(|error| bad(error.to_string()))?;
        let Some(named) = text.trim_end().strip_prefix("gitdir: ") else {
            return Err(bad(".git file has invalid git dir reference format".to_owned()));
        };
        let folder = dest.join(named);
        if folder.is_dir() {
            Ok(Some(folder))
        } else {
            Err(bad(format!("{} is not a directory", folder.display())))
        }
    }

    pub(super) fn there(&self) -> Result<bool> {
        Ok(self.folder()?.is_some_and(|folder| folder.join("config").exists()))
    }

    pub(super) async fn version(&self, name: &str) -> Result<String> {
        Ok(self.git(&["rev-parse", name]).await?.out.trim_end_matches('\n').to_owned())
    }

    /// Whether files that git knows were changed in the working copy.
    pub(super) async fn is_modified(&self) -> Result<bool> {
        if self.p.bare {
            return Ok(false);
        }
        let status = self.git(&["status", "--porcelain"]).await?;
        Ok(status.out.lines().any(|line| !line.starts_with("??")))
    }

    pub(super) async fn reset(&self) -> Result<()> {
        self.must(&["reset", "--hard", "HEAD"]).await.map(drop)
    }

    /// Whether the repository has another address; if so and `really`, that is noted in the working copy.
    pub(super) async fn moved(&self, really: bool) -> Result<bool> {
        let ran = self.git(&["ls-remote", "--get-url", &self.p.remote]).await?;
        let old = ran.out.trim_end_matches('\n');
        if !ran.ok() || same(old, &self.address) {
            return Ok(false);
        }
        if really {
            let set = self.git(&["remote", "set-url", &self.p.remote, &self.address]).await?;
            if !set.ok() {
                let what = format!("set a new url {} for {}", self.address, self.p.remote);
                return Err(Failure::new(format!("Failed to {what}: {} {}", set.out, set.err)));
            }
        }
        Ok(true)
    }

    pub(super) async fn clone(&self) -> Result<()> {
        let p = self.p;
        let dest = self.shown();
        if let Some(above) = Path::new(&dest).parent() {
            std::fs::create_dir_all(above)
                .map_err(|error| Failure::new(format!("could not make {}: {error}", above.display())))?;
        }
        let depth = p.depth.filter(|depth| *depth > 0).map(|depth| depth.to_string());
        let apart = self.apart.as_ref().map(|apart| format!("--separate-git-dir={}", apart.display()));
        let named = self.is_remote_branch(&self.address).await? || self.is_remote_tag(&self.address).await?;
        let mut command = vec!["clone"];
        command.extend(if p.bare { vec!["--bare"] } else { vec!["--origin", p.remote.as_str()] });
        if let Some(depth) = depth.as_deref() {
            if p.version == "HEAD" || p.refspec.is_some() {
                command.extend(["--depth", depth]);
            } else if named {
                command.extend(["--depth", depth, "--branch", p.version.as_str()]);
            } else {
                self.cx.warn(
                    "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination \
                     with refspec.",
                );
            }
        }
        if let Some(reference) = &p.reference {
            command.extend(["--reference", reference.as_str()]);
        }
        if p.single_branch {
            command.push("--single-branch");
            if named {
                command.extend(["--branch", p.version.as_str()]);
            }
        }
        command.extend(apart.as_deref());
        command.extend([self.address.as_str(), dest.as_str()]);
        self.must(&command).await?;
        if p.bare && p.remote != "origin" {
            self.must(&["remote", "add", &p.remote, &self.address]).await?;
        }
        if let Some(refspec) = &p.refspec {
            let mut command = vec!["fetch"];
            if let Some(depth) = depth.as_deref() {
                command.extend(["--depth", depth]);
            }
            command.extend([p.remote.as_str(), refspec.as_str()]);
            self.must(&command).await?;
        }
        if p.verify_commit { self.verify().await } else { Ok(()) }
    }

    /// Fetches what the version needs: all, or with a depth no more than that.
    pub(super) async fn fetch(&self) -> Result<()> {
        let p = self.p;
        let version = p.version.as_str();
        let depth = p.depth.filter(|depth| *depth > 0).map(|depth| depth.to_string());
        let mut refs: Vec<String> = Vec::new();
        if depth.is_some() {
            let current = self.head_branch().await?;
            if let Some(refspec) = &p.refspec {
                refs.push(refspec.clone());
            } else if version == "HEAD" {
                refs.push(current);
            } else if self.is_remote_branch(&self.address).await? {
                if current != version {
                    refs.push(format!("+refs/heads/{version}:refs/heads/{version}"));
                }
                refs.push(format!("+refs/heads/{version}:refs/remotes/{}/{version}", p.remote));
            } else if self.is_remote_tag(&self.address).await? {
                refs.push(format!("+refs/tags/{version}:refs/tags/{version}"));
            }
        }
        let mut command = vec!["fetch"];
        match depth.as_deref() {
            Some(depth) if !refs.is_empty() => command.extend(["--depth", depth]),
            _ => {
                if p.bare {
                    refs =
                        vec!["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()];
                } else {
                    command.push("--tags");
                }
                refs.extend(p.refspec.clone());
            }
        }
        if p.force {
            command.push("--force");
        }
        command.push(&p.remote);
        command.extend(refs.iter().map(String::as_str));
        let ran = self.git(&command).await?;
        if ran.ok() {
            return Ok(());
        }
        let words: Vec<&str> = std::iter::once(self.program.as_str()).chain(command).collect();
        let message = format!("Failed to download remote objects and refs: {} {}", ran.out, ran.err);
        Err(Failure::new(message).field("cmd", words))
    }

    pub(super) async fn difference(&self, before: &str, after: &str) -> Result<String> {
        // What is only on the other side cannot be compared.
        let ran = self.git(&["diff", before, after]).await?;
        Ok(match (ran.ok(), ran.out.is_empty(), ran.err.is_empty()) {
            (true, false, _) => ran.out,
            (true, true, _) => format!(">> No visual differences between {before} and {after}"),
            (false, _, false) => {
                format!(">> Failed to get proper diff between {before} and {after}:\n>> {}", ran.err)
            }
            (false, ..) => format!(">> Failed to get proper diff between {before} and {after}"),
        })
    }
}

/// Two ways to write one path are one address.
fn same(one: &str, other: &str) -> bool {
    let path = |address: &str| std::fs::canonicalize(address).unwrap_or_else(|_| PathBuf::from(address));
    one == other || path(one) == path(other)
}
