use std::collections::HashMap;
use std::io;
use std::time::Duration;

use bollard::query_parameters::{BuildImageOptions, BuilderVersion};
use futures_util::{Stream, StreamExt as _, pin_mut};

use crate::{Auth, Engine, Reference, Result};

/// How long the engine may take until its first word: the whole context goes over before it.
const PATIENCE: Duration = Duration::from_hours(1);

/// What to build; the context comes apart from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The name that the image gets; `None` leaves it with its id alone.
    pub name: Option<Reference>,
    /// The Dockerfile's path inside the context.
    pub dockerfile: String,
    pub args: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    /// The stage to stop at.
    pub target: Option<String>,
    /// `linux/arm64`; the engine's own when not given.
    pub platform: Option<String>,
    /// Asks the registry for a newer base image.
    pub pull: bool,
    pub no_cache: bool,
    pub cache_from: Vec<String>,
    /// The network of `RUN` instructions.
    pub network: Option<String>,
    /// `NAME:IP` lines for `/etc/hosts` during the build.
    pub extra_hosts: Vec<String>,
    /// Credentials of the registries that base images come from, by host.
    pub auth: Vec<(String, Auth)>,
}

/// What the engine tells during a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildLine {
    /// Instruction `number` of `of` begins.
    Step { number: u64, of: u64, instruction: String },
    /// A line of an instruction's own output, of a base image's pull, or of the engine.
    Output(String),
}

impl Engine {
    /// Builds an image with the classic builder out of a tar and returns its id. `tell` gets each line of the log.
    ///
    /// Dropping the future ends the build in the engine too.
    pub async fn build(
        &self,
        build: &Build,
        context: impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static,
        mut tell: impl FnMut(BuildLine) + Send,
    ) -> Result<String> {
        let deed = build
            .name
            .as_ref()
            .map_or_else(|| "build the image".to_owned(), |name| format!("build the image {name}"));
        let auth = build.auth.iter().map(|(host, auth)| (host.clone(), auth.credentials(host))).collect();
        let body = bollard::body_try_stream(context.map(|chunk| chunk.map(Into::into)));
        let docker = self.patient(PATIENCE);
        let answer = docker.build_image(options(build), Some(auth), Some(body));
        pin_mut!(answer);
        let mut lines = Lines::default();
        let mut id = None;
        while let Some(info) = answer.next().await {
            let info = info.map_err(|error| self.error(&deed, error))?;
            let text = info.stream.or_else(|| info.status.map(|status| format!("{status}\n")));
            for line in lines.push(text.as_deref().unwrap_or_default()) {
                tell(line);
            }
            id = info.aux.and_then(|aux| aux.id).or(id);
        }
        lines.rest().into_iter().for_each(&mut tell);
        id.ok_or_else(|| crate::Error::Lost { deed, reason: "it ended without an image's id".to_owned() })
    }
}

fn options(build: &Build) -> BuildImageOptions {
    let some = |pairs: &[(String, String)]| {
        (!pairs.is_empty()).then(|| pairs.iter().cloned().collect::<HashMap<String, String>>())
    };
    BuildImageOptions {
        dockerfile: build.dockerfile.clone(),
        t: build.name.as_ref().map(Reference::to_string),
        buildargs: some(&build.args),
        labels: some(&build.labels),
        target: build.target.clone().unwrap_or_default(),
        platform: build.platform.clone().unwrap_or_default(),
        pull: build.pull.then(|| "true".to_owned()),
        nocache: build.no_cache,
        cachefrom: (!build.cache_from.is_empty()).then(|| build.cache_from.clone()),
        networkmode: build.network.clone(),
        extrahosts: (!build.extra_hosts.is_empty()).then(|| build.extra_hosts.join(",")),
        rm: true,
        // Without it the containers of a failed instruction stay behind.
        forcerm: true,
        version: BuilderVersion::BuilderV1,
        ..BuildImageOptions::default()
    }
}

/// Puts pieces of the log together to lines: the engine ends its messages where it likes.
#[derive(Default)]
struct Lines {
    open: String,
}

impl Lines {
    fn push(&mut self, text: &str) -> Vec<BuildLine> {
        self.open.push_str(text);
        let Some(end) = self.open.rfind('\n') else { return Vec::new() };
        let rest = self.open.split_off(end + 1);
        let whole = std::mem::replace(&mut self.open, rest);
        whole.lines().filter_map(line).collect()
    }

    fn rest(self) -> Option<BuildLine> {
        line(&self.open)
    }
}

fn line(text: &str) -> Option<BuildLine> {
    let text = text.trim_end();
    if text.is_empty() {
        return None;
    }
    Some(step(text).unwrap_or_else(|| BuildLine::Output(text.to_owned())))
}

/// Reads `Step 2/7 : COPY demo-app /demo-app`.
fn step(text: &str) -> Option<BuildLine> {
    let (count, instruction) = text.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, of) = count.split_once('/')?;
    Some(BuildLine::Step {
        number: number.parse().ok()?,
        of: of.parse().ok()?,
        instruction: instruction.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> BuildLine {
        BuildLine::Output(text.to_owned())
    }

    #[test]
    fn lines_are_whole_however_the_engine_cuts_them() {
        let mut lines = Lines::default();
        assert_eq!(lines.push("Step 1/2 : FR"), []);
        let step = BuildLine::Step { number: 1, of: 2, instruction: "FROM scratch".to_owned() };
        assert_eq!(lines.push("OM scratch\n ---> \n\nmore"), [step, output(" --->")]);
        assert_eq!(lines.rest(), Some(output("more")));
    }

    #[test]
    fn what_only_looks_like_a_step_is_output() {
        for text in ["Step by step", "Step 1 : x", "Step a/b : x"] {
            assert_eq!(line(text), Some(output(text)));
        }
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let options = options(&Build { dockerfile: "Dockerfile".to_owned(), ..Build::default() });
        assert_eq!((options.t, options.buildargs, options.labels, options.pull), (None, None, None, None));
        assert!(options.rm && options.forcerm);
    }
}
