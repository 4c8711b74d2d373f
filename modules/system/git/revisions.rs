//! Branches, tags and commits: what the other side has, and what is checked out.

use rplay_module::{Failure, Result};

use super::repository::Repository;

impl Repository<'_> {
    pub(super) async fn is_remote_branch(&self, remote: &str) -> Result<bool> {
        let name = format!("refs/heads/{}", self.p.version);
        Ok(self.must(&["ls-remote", remote, "-h", &name]).await?.contains(&self.p.version))
    }

    pub(super) async fn is_remote_tag(&self, remote: &str) -> Result<bool> {
        let name = format!("refs/tags/{}", self.p.version);
        Ok(self.must(&["ls-remote", remote, "-t", &name]).await?.contains(&self.p.version))
    }

    /// Returns the commit that the version is on the other side; a commit is itself.
    pub(super) async fn remote_head(&self, remote: &str, without_copy: bool) -> Result<String> {
        let version = self.p.version.as_str();
        let mut tag = false;
        let out = if version == "HEAD" {
            if without_copy || remote == self.address {
                self.must(&["ls-remote", remote, "-h", "HEAD"]).await?
            } else {
                let head = format!("refs/heads/{}", self.head_branch().await?);
                self.must(&["ls-remote", remote, "-h", &head]).await?
            }
        } else if self.is_remote_branch(remote).await? {
            self.must(&["ls-remote", remote, "-h", &format!("refs/heads/{version}")]).await?
        } else if self.is_remote_tag(remote).await? {
            tag = true;
            self.must(&["ls-remote", remote, "-t", &format!("refs/tags/{version}*")]).await?
        } else {
            return Ok(version.to_owned());
        };
        // What an annotated tag leads to stands on a line of its own.
        let led = out.lines().find(|line| line.ends_with(&format!("{version}^{{}}")));
        let named = out.lines().find(|line| line.ends_with(version));
        let line = if tag { led.or(named) } else { out.lines().next() };
        let commit = line.and_then(|line| line.split_whitespace().next());
        commit.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("Could not determine remote revision for {version}"))
                .field("stdout", out.as_str())
                .field("rc", 0)
        })
    }

    async fn branches(&self) -> Result<Vec<String>> {
        let ran = self.git(&["branch", "--no-color", "-a"]).await?;
        if !ran.ok() {
            return Err(ran.failure(format!("Could not determine branch data - received {}", ran.out)));
        }
        Ok(ran.out.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    async fn is_local_branch(&self, name: &str) -> Result<bool> {
        Ok(self.branches().await?.iter().any(|branch| branch.trim_start_matches("* ") == name))
    }

    /// Returns the branch that is checked out; where none is, the one that the other side has checked out.
    pub(super) async fn head_branch(&self) -> Result<String> {
        let detached = |branch: &String| {
            let states = ["no branch", "detached from", "detached at"];
            branch.starts_with("* ") && states.iter().any(|state| branch.contains(state))
        };
        let folder = self.folder()?.unwrap_or_default();
        let file = if self.branches().await?.iter().any(detached) {
            folder.join("refs/remotes").join(&self.p.remote).join("HEAD")
        } else {
            folder.join("HEAD")
        };
        let Ok(text) = std::fs::read_to_string(&file) else { return Ok("None".to_owned()) };
        let line = text.lines().next().unwrap_or_default();
        let named = line.rsplit(' ').next().unwrap_or_default();
        let remote = format!("refs/remotes/{}/", self.p.remote);
        let branch = named.strip_prefix(&remote).or_else(|| named.splitn(3, '/').nth(2)).unwrap_or(named);
        Ok(branch.to_owned())
    }

    /// Checks the version out.
    pub(super) async fn switch(&self) -> Result<()> {
        let (version, remote) = (self.p.version.as_str(), self.p.remote.as_str());
        let mut name = version.to_owned();
        let command: Vec<String> = if version == "HEAD" {
            name = format!("branch {}", self.head_branch().await?);
            let branch = name.trim_start_matches("branch ").to_owned();
            self.checkout(&branch).await?;
            ["reset", "--hard", &format!("{remote}/{branch}"), "--"].map(str::to_owned).to_vec()
        } else if self.is_remote_branch(remote).await? {
            if self.p.depth.is_some_and(|depth| depth > 0) && !self.is_local_branch(version).await? {
                self.fetch_branch().await?;
            }
            if self.is_local_branch(version).await? {
                self.checkout(version).await?;
                ["reset", "--hard", &format!("{remote}/{version}")].map(str::to_owned).to_vec()
            } else {
                ["checkout", "--track", "-b", version, &format!("{remote}/{version}")]
                    .map(str::to_owned)
                    .to_vec()
            }
        } else {
            ["checkout", "--force", version].map(str::to_owned).to_vec()
        };
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = self.git(&words).await?;
        if !ran.ok() {
            let line = format!("{} {}", self.program, words.join(" "));
            return Err(ran.failure(format!("Failed to checkout {name}")).field("cmd", line));
        }
        if self.p.verify_commit { self.verify().await } else { Ok(()) }
    }

    async fn checkout(&self, branch: &str) -> Result<()> {
        let ran = self.git(&["checkout", "--force", branch]).await?;
        if ran.ok() { Ok(()) } else { Err(ran.failure(format!("Failed to checkout branch {branch}"))) }
    }

    /// A shallow clone has one branch only: another is fetched by itself.
    async fn fetch_branch(&self) -> Result<()> {
        let (version, remote) = (self.p.version.as_str(), self.p.remote.as_str());
        let depth = format!("--depth={}", self.p.depth.unwrap_or_default());
        let local = format!("+refs/heads/{version}:refs/heads/{version}");
        let tracked = format!("+refs/heads/{version}:refs/remotes/{remote}/{version}");
        let ran = self.git(&["fetch", &depth, remote, &local, &tracked]).await?;
        if ran.ok() {
            Ok(())
        } else {
            Err(ran.failure(format!("Failed to fetch branch from remote: {version}")))
        }
    }

    pub(super) async fn verify(&self) -> Result<()> {
        let version = self.p.version.as_str();
        let tags =
            self.git(&["for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)"]).await?;
        let annotated = tags.out.lines().any(|line| line.trim() == format!("tag:{version}"));
        let mut command = vec![if annotated { "verify-tag" } else { "verify-commit" }, version];
        if !self.p.gpg_allowlist.is_empty() {
            command.push("--raw");
        }
        let ran = self.git(&command).await?;
        if !ran.ok() {
            return Err(ran.failure(format!("Failed to verify GPG signature of commit/tag \"{version}\"")));
        }
        if self.p.gpg_allowlist.is_empty() {
            return Ok(());
        }
        let key = fingerprint(&ran.err).unwrap_or("None");
        if self.p.gpg_allowlist.iter().any(|known| known == key) {
            return Ok(());
        }
        Err(ran
            .failure(format!("The gpg_allowlist does not include the public key \"{key}\" for this commit")))
    }
}

/// Returns the fingerprint of the primary key, whichever of its keys signed.
fn fingerprint(said: &str) -> Option<&str> {
    let fields = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let fields = fields.into_iter().find(|fields| fields.get(1) == Some(&"VALIDSIG"))?;
    fields.get(if fields.len() == 12 { 11 } else { 2 }).copied()
}
