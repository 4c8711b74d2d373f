use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use rplay_docker_client::{Build, BuildLine, Engine, Image, Reference, Settings};
use rplay_module::{
    Action, Address, Cx, Deed, Effect, Failure, Foretold, InCheck, Params, Progress, ProgressStep, Result,
    unknown,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::context::Context;

/// The label that says what an image was made of.
const CONTENT_LABEL: &str = "rplay.content";
/// The tag that is made of what goes into the image.
const CONTENT_TAG: &str = "content";
/// As much of the hash as a tag shows.
const TAG_LENGTH: usize = 16;
/// How much goes to the engine at a time.
const CHUNK: usize = 64 * 1024;
/// How many lines of the log a failure shows.
const TAIL: usize = 25;

/// Builds an image out of a folder with a Dockerfile, unless there is one already that was made of the same.
///
/// What counts: every file that is sent, the Dockerfile, `args`, `labels`, `target` and `platform`. A newer base image
/// does not, nor does what a `RUN` instruction fetches: `force` builds all the same.
#[derive(Params)]
pub(crate) struct DockerBuildParams {
    /// The folder that is sent to the engine. Relative to the playbook's folder. What its `.dockerignore` names stays.
    path: PathBuf,
    /// The image's name: a repository without a tag; it may begin with a registry's host and port.
    name: String,
    /// The image's tag. `content` makes one of what goes into the image: the same sources have the same tag on every
    /// machine, and a tag says what is inside.
    #[param(default = "content")]
    tag: String,
    /// The Dockerfile, relative to `path`; it may be outside of it. An ignore file named after it (`Dockerfile` and
    /// `.dockerignore` in one word) counts in place of the folder's own.
    #[param(default = "Dockerfile")]
    dockerfile: PathBuf,
    /// Values for the Dockerfile's `ARG` instructions. They can be read from the image: no place for secrets.
    #[param(default)]
    args: BTreeMap<String, String>,
    /// Labels of the image, beside those in the Dockerfile.
    #[param(default)]
    labels: BTreeMap<String, String>,
    /// The stage to stop at. The last one when omitted.
    target: Option<String>,
    /// What to build for, such as `linux/arm64`. The engine's own when omitted.
    platform: Option<String>,
    /// Asks the registry for a newer base image when it builds.
    #[param(default = false)]
    pull: bool,
    /// Uses no layer of an earlier build when it builds.
    #[param(default = false)]
    nocache: bool,
    /// Builds even if the image is there.
    #[param(default = false)]
    force: bool,
    /// Images whose layers may be used.
    #[param(default)]
    cache_from: Vec<String>,
    /// The network of `RUN` instructions: `none`, `host` or a network's name. The engine's default when omitted.
    network: Option<String>,
    /// Names and their addresses, for `RUN` instructions.
    #[param(default)]
    extra_hosts: BTreeMap<String, String>,
    /// The engine: `unix://…` or `tcp://…`. `DOCKER_HOST` when omitted, else `unix:///var/run/docker.sock`.
    #[param(alias = "docker_url")]
    docker_host: Option<String>,
}

pub(crate) struct DockerBuild;

impl Action for DockerBuild {
    type Params = DockerBuildParams;
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Foretell;

    async fn needless(&self, cx: &Cx, p: &DockerBuildParams) -> Result<Option<Deed>> {
        if p.force {
            return Ok(None);
        }
        let plan = Plan::make(cx, p).await?;
        let image = plan.engine.image(&plan.name.to_string()).await?;
        let same = image.filter(|image| image.label(CONTENT_LABEL) == Some(plan.content.as_str()));
        Ok(same.map(|image| plan.deed(false, &image)))
    }

    async fn foretell(&self, cx: &Cx, p: &DockerBuildParams) -> Result<Deed> {
        let texts = [&p.name, &p.tag].into_iter().chain(p.args.values()).chain(p.labels.values());
        if texts.into_iter().any(|text| unknown::is_unknown(text)) {
            return Ok(Deed { changed: true, unknown: true, ..Deed::default() });
        }
        let plan = Plan::make(cx, p).await?;
        let id = unknown::marker(unknown::Cause::Created, &format!("docker.image {}: id", plan.name));
        cx.world()
            .foretell(Address::new("docker.image", plan.name.to_string()), Foretold::Created(id.clone()));
        Ok(plan.deed(true, &Image { id, ..Image::default() }))
    }

    async fn perform(&self, cx: &Cx, p: &DockerBuildParams) -> Result<Deed> {
        let plan = Plan::make(cx, p).await?;
        let id = plan.build(cx, p).await?;
        let image = plan.engine.image(&id).await?.unwrap_or_else(|| Image { id, ..Image::default() });
        Ok(plan.deed(true, &image))
    }
}

/// What is to be built, looked at but not begun.
struct Plan {
    engine: Engine,
    context: Arc<Context>,
    /// What the image is made of besides its files.
    recipe: Vec<u8>,
    /// The hash of recipe and files.
    content: String,
    name: Reference,
    platform: String,
}

impl Plan {
    async fn make(cx: &Cx, p: &DockerBuildParams) -> Result<Self> {
        if p.name.is_empty() || Reference::parse(&p.name).repository != p.name {
            let message =
                format!("could not use \"{}\" as an image's name: it is empty or has a tag", p.name);
            return Err(Failure::new(message).hint("give the tag as tag"));
        }
        let engine = Engine::connect(&Settings::of(p.docker_host.as_deref(), |name| cx.env(name))).await?;
        // Whoever builds on another kind of machine gets another image of the same files.
        let platform = p.platform.clone().unwrap_or_else(|| engine.platform().to_owned());
        let (root, dockerfile) = (cx.world().folder().join(&p.path), p.dockerfile.clone());
        let files = Arc::new(blocking(move || Context::read(&root, &dockerfile)).await??);
        let recipe = recipe(p, &files.dockerfile, &platform);
        let content = content(Arc::clone(&files), recipe.clone()).await?;
        let tag =
            if p.tag == CONTENT_TAG { content.chars().take(TAG_LENGTH).collect() } else { p.tag.clone() };
        let name = Reference::new(p.name.clone(), tag);
        Ok(Self { engine, context: files, recipe, content, name, platform })
    }

    async fn build(&self, cx: &Cx, p: &DockerBuildParams) -> Result<String> {
        let mut log = Log::new(cx, &self.name);
        let (body, sending) = send(Arc::clone(&self.context), &self.recipe);
        let built = self.engine.build(&self.request(p), body, |line| log.line(line)).await;
        let sent = sending.await.map_err(Failure::bug)?;
        match (built, sent) {
            // The engine gave up first: its own words say more.
            (Err(error), Err(lost)) if lost.kind() == io::ErrorKind::BrokenPipe => Err(log.failure(error)),
            (_, Err(error)) => Err(Failure::new(format!("could not send the context: {error}"))),
            (Err(error), Ok(_)) => Err(log.failure(error)),
            (Ok(id), Ok(content)) if content == self.content => Ok(id),
            (Ok(_), Ok(_)) => {
                self.engine.untag(&self.name).await?;
                let message = format!(
                    "could not build the image {}: its files changed while they were sent",
                    self.name
                );
                Err(Failure::new(message).hint("run it again"))
            }
        }
    }

    fn request(&self, p: &DockerBuildParams) -> Build {
        Build {
            name: Some(self.name.clone()),
            dockerfile: self.context.dockerfile.clone(),
            args: p.args.clone().into_iter().collect(),
            labels: p
                .labels
                .clone()
                .into_iter()
                .chain([(CONTENT_LABEL.to_owned(), self.content.clone())])
                .collect(),
            target: p.target.clone(),
            platform: p.platform.clone(),
            pull: p.pull,
            no_cache: p.nocache,
            cache_from: p.cache_from.clone(),
            network: p.network.clone(),
            extra_hosts: p.extra_hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect(),
            auth: Vec::new(),
        }
    }

    fn deed(&self, changed: bool, image: &Image) -> Deed {
        let mut deed = Deed::new(
            changed,
            json!({
                "name": self.name.to_string(),
                "repository": self.name.repository,
                "tag": self.name.tag,
                "image": self.name.to_string(),
                "id": image.id,
                "platform": self.platform,
            }),
        );
        // Only an image that went to a registry or came from one has a digest.
        if let Some(digest) = image.digest_in(&self.name.repository) {
            deed.result.insert("digest".to_owned(), Value::from(digest));
        }
        deed
    }
}

/// Returns what an image is made of besides its files, as bytes to hash.
fn recipe(p: &DockerBuildParams, dockerfile: &str, platform: &str) -> Vec<u8> {
    let recipe = json!({
        "dockerfile": dockerfile,
        "args": p.args,
        "labels": p.labels,
        "target": p.target,
        "platform": platform,
    });
    recipe.to_string().into_bytes()
}

/// Returns the hash of all that the image is made of.
async fn content(files: Arc<Context>, recipe: Vec<u8>) -> Result<String> {
    let hashed = blocking(move || {
        let mut hash = Hash(Sha256::new_with_prefix(recipe));
        files.write(&mut hash).map(|()| hash.text())
    });
    hashed.await?.map_err(|error| Failure::new(format!("could not read the context: {error}")))
}

/// Runs what reads files where it may take its time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(Failure::bug)
}

/// Returns the context as it goes over, and what its hash was when all of it has gone.
fn send(
    context: Arc<Context>,
    recipe: &[u8],
) -> (impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static, JoinHandle<io::Result<String>>) {
    let (sender, receiver) = mpsc::channel(4);
    let mut pipe =
        Pipe { sender, waiting: Vec::with_capacity(CHUNK), hash: Hash(Sha256::new_with_prefix(recipe)) };
    let sending = spawn_blocking(move || match context.write(&mut pipe) {
        Ok(()) => Ok(pipe.hash.text()),
        Err(error) => {
            // Ends the request: half a context must not be built. Nobody may be there to hear it.
            let _ = pipe.sender.blocking_send(Err(io::Error::new(error.kind(), error.to_string())));
            Err(error)
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    (body, sending)
}

/// The end of the channel to the engine that a tar is written to.
struct Pipe {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
    waiting: Vec<u8>,
    hash: Hash,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK));
        self.hash.write_all(&chunk)?;
        let closed = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the engine took no more");
        self.sender.blocking_send(Ok(chunk)).map_err(closed)
    }
}

/// A hash of all that is written to it.
struct Hash(Sha256);

impl Hash {
    fn text(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The build's log, told as progress and kept for a failure.
struct Log<'a> {
    cx: &'a Cx,
    progress: Progress,
    lines: Vec<String>,
}

impl<'a> Log<'a> {
    fn new(cx: &'a Cx, name: &Reference) -> Self {
        let progress = Progress { headline: format!("building {name}"), ..Progress::default() };
        cx.progress(progress.clone());
        Self { cx, progress, lines: Vec::new() }
    }

    fn line(&mut self, line: BuildLine) {
        let steps = &mut self.progress.steps;
        match line {
            BuildLine::Step { number, of, instruction } => {
                if let Some(last) = steps.last_mut() {
                    "done".clone_into(&mut last.state);
                }
                self.lines.push(format!("Step {number}/{of} : {instruction}"));
                steps.push(ProgressStep {
                    label: instruction,
                    state: String::new(),
                    amount: Some((number, of)),
                });
            }
            BuildLine::Output(text) => {
                if let Some(last) = steps.last_mut() {
                    text.trim().clone_into(&mut last.state);
                }
                self.lines.push(text);
            }
        }
        self.cx.progress(self.progress.clone());
    }

    fn failure(&self, error: rplay_docker_client::Error) -> Failure {
        let failure = Failure::from(error);
        if self.lines.is_empty() {
            return failure;
        }
        let tail = self.lines.iter().skip(self.lines.len().saturating_sub(TAIL));
        let tail: String = tail.flat_map(|line| ["  ", line, "\n"]).collect();
        let screen = format!("{}\n{tail}", failure.message);
        failure.field("stdout", self.lines.join("\n")).screen(screen)
    }
}

#[cfg(test)]
mod tests;
