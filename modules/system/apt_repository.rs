use std::fs;

use rplay_module::{Action, Choice, Cx, Deed, Diff, DiffSide, Effect, Failure, InCheck, Params, Result};
use serde_json::{Value, json};

use crate::apt::cache::{self, Patience};

mod sources;

use sources::Sources;

/// Keeps a source of Debian packages in the lists of apt.
#[derive(Params)]
#[params(unbuilt("codename", "validate_certs"))]
pub(crate) struct AptRepositoryParams {
    /// The source, as a line of `sources.list`.
    repo: String,
    /// Whether it shall be there.
    #[param(default = "present")]
    state: State,
    /// The permissions of a file that is made, in octal.
    mode: Option<Value>,
    /// Whether the lists of packages are fetched when it changes.
    #[param(default = true, alias = "update-cache")]
    update_cache: bool,
    /// How often fetching the lists is tried.
    #[param(default = 5)]
    update_cache_retries: u32,
    /// The longest time between two tries, in seconds.
    #[param(default = 12)]
    update_cache_retry_max_delay: u64,
    /// The file for a fresh one, without its ending; omitted it is called after the source.
    filename: Option<String>,
    /// Only for Ansible, which needs a library that rplay does not.
    #[param(default = true)]
    #[expect(dead_code, reason = "nothing has to be installed")]
    install_python_apt: bool,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Present,
}

impl AptRepositoryParams {
    /// Returns apt's sources before and after.
    async fn sources(&self, cx: &Cx) -> Result<(Sources, Sources)> {
        if self.repo.is_empty() {
            return Err(Failure::new("Please set argument 'repo' to a non-empty value"));
        }
        if self.repo.starts_with("ppa:") {
            let message = format!("could not use {}: sources of Launchpad are not built yet", self.repo);
            return Err(
                Failure::new(message).hint("give the source's line, and its key with deb822_repository")
            );
        }
        self.bits()?;
        let before = Sources::read(cx).await?;
        let mut after = before.clone();
        let wanted = sources::wanted(&self.repo)
            .map_err(|line| Failure::new(format!("Invalid repository string: {line}")))?;
        match self.state {
            State::Present => after.add(&wanted, self.filename.as_deref()),
            State::Absent => after.remove(&wanted),
        }
        Ok((before, after))
    }

    fn bits(&self) -> Result<Option<u32>> {
        let Some(mode) = &self.mode else { return Ok(None) };
        let text = mode.as_str().map_or_else(|| mode.to_string(), str::to_owned);
        let bits = match mode {
            // A number has been read as octal already.
            Value::Number(number) => number.as_u64().and_then(|bits| u32::try_from(bits).ok()),
            _ => u32::from_str_radix(&text, 8).ok(),
        };
        match bits {
            Some(bits) => Ok(Some(bits & 0o7777)),
            None => Err(Failure::new(format!("mode must be in octal form: {text}"))),
        }
    }

    fn deed(&self, before: &Sources, after: &Sources) -> Deed {
        let (added, removed) = (after.beside(before), before.beside(after));
        let mut deed = Deed::new(
            before != after,
            json!({
                "repo": self.repo, "sources_added": added, "sources_removed": removed, "state": self.state.as_str(),
            }),
        );
        let side = |sources: &Sources, file: &String| {
            sources.text(file).map_or((DiffSide::Text(String::new()), "/dev/null".to_owned()), |text| {
                (DiffSide::Text(text), file.clone())
            })
        };
        deed.diff = added
            .iter()
            .chain(&removed)
            .map(|file| {
                let ((old, old_header), (new, new_header)) = (side(before, file), side(after, file));
                Diff {
                    before: old,
                    after: new,
                    before_header: Some(old_header),
                    after_header: Some(new_header),
                    prepared: None,
                }
            })
            .collect();
        deed
    }
}

pub(crate) struct AptRepository;

impl Action for AptRepository {
    type Params = AptRepositoryParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn foretell(&self, cx: &Cx, p: &AptRepositoryParams) -> Result<Deed> {
        let (before, after) = p.sources(cx).await?;
        Ok(p.deed(&before, &after))
    }

    async fn perform(&self, cx: &Cx, p: &AptRepositoryParams) -> Result<Deed> {
        let (before, after) = p.sources(cx).await?;
        if before == after {
            return Ok(p.deed(&before, &after));
        }
        after.write(&before, p.bits()?).inspect_err(|_| drop(before.write(&after, None)))?;
        if p.update_cache {
            let retries = p.update_cache_retries;
            let patience = Patience { retries, longest: p.update_cache_retry_max_delay };
            if let Some(said) = cache::fetch(cx, patience, None).await? {
                // A source that cannot be used must not break everything that comes after it.
                before.write(&after, None)?;
                return Err(Failure::new(format!(
                    "Failed to update apt cache after {retries} retries: {said}"
                )));
            }
        }
        Ok(p.deed(&before, &after))
    }
}

/// Takes away what is there no more.
fn remove(path: &str) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
