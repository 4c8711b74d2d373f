//! Agents that are at work: one a host and user, kept for as long as the run.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzEncoder;
use rplay_module::{Cx, Failure, FailureKind, Outcome, Result, World};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::dialogue::Dialogue;
use super::exec;
use super::place::Place;
use super::settings::AgentProgram;
use super::transport::Transport;
use super::wire::{Answer, Begin, Carried, Order, Question, READY, Request, WANTS};
use super::{shell, wire};
use crate::child::Children;
use crate::emit::Emitter;
use crate::hex::hex;

/// The agents of a run.
#[derive(Default)]
pub(crate) struct Connections {
    /// Those that nobody talks with just now, by the way to them.
    idle: Mutex<HashMap<String, Vec<Session>>>,
    program: OnceLock<Result<Arc<Shipped>>>,
    /// Is told how each host is reached.
    told: Option<Emitter>,
}

/// rplay itself, on its way to hosts.
struct Shipped {
    file: PathBuf,
    args: Vec<String>,
    hash: String,
    size: u64,
    /// Made for the first host that wants it.
    packed: OnceCell<Vec<u8>>,
}

/// One agent.
struct Session {
    dialogue: Dialogue,
}

/// What a call takes along.
pub(crate) struct Freight {
    pub(crate) order: Order,
    pub(crate) files: Vec<PathBuf>,
}

impl Connections {
    /// Makes those that tell how each host is reached, as Ansible does at `-vvv`.
    pub(crate) fn telling(emitter: Emitter) -> Self {
        Self { told: Some(emitter), ..Self::default() }
    }

    /// Runs a module on the host; `cx` is the controller's side of it.
    pub(super) async fn call(
        &self,
        children: &Children,
        place: &Place,
        cx: &Cx,
        freight: Freight,
    ) -> Result<Outcome> {
        let Freight { order, files } = freight;
        let answer =
            self.ask(children, place, Some(cx.world()), &Request::Call(Box::new(order)), &files).await?;
        match answer {
            Answer::Done { outcome } => Ok(*outcome),
            other => Err(unexpected(&other)),
        }
    }

    /// Begins an asynchronous task on the host; returns its name and where its result will be.
    pub(crate) async fn begin(
        &self,
        children: &Children,
        place: &Place,
        freight: Freight,
        job: Begin,
    ) -> Result<(String, String)> {
        let request = Request::Begin { order: Box::new(freight.order), job };
        match self.ask(children, place, None, &request, &freight.files).await? {
            Answer::Begun { job, file } => Ok((job, file)),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns the content of a file on the host.
    pub(crate) async fn read(&self, children: &Children, place: &Place, path: &str) -> Result<Vec<u8>> {
        match self.ask(children, place, None, &Request::Read { path: path.to_owned() }, &[]).await? {
            Answer::Content { base64 } => {
                STANDARD.decode(base64).map_err(|_| Failure::bug("an agent sent what is no base64"))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Lets the agents of a way go.
    pub(crate) fn forget(&self, place: &Place) {
        let way = place.transport.key();
        self.idle().retain(|key, _| !key.starts_with(&way));
    }

    /// Ends the agents that work as a user, and waits until they have gone: an account at work cannot be removed.
    pub(crate) async fn leave(&self, user: &str) {
        let theirs: Vec<Session> = {
            let mut idle = self.idle();
            let keys: Vec<String> = idle.keys().filter(|key| Place::is_as(key, user)).cloned().collect();
            keys.iter().filter_map(|key| idle.remove(key)).flatten().collect()
        };
        for session in theirs {
            let _ = session.dialogue.finish(None).await;
        }
    }

    async fn ask(
        &self,
        children: &Children,
        place: &Place,
        world: Option<&dyn World>,
        request: &Request,
        files: &[PathBuf],
    ) -> Result<Answer> {
        let key = place.key();
        let kept = self.idle().get_mut(&key).and_then(Vec::pop);
        let was_kept = kept.is_some();
        let mut session = match kept {
            Some(session) => session,
            None => self.open(children, place).await?,
        };
        let mut asked = session.ask(place, world, request, files).await;
        // A kept agent may have gone meanwhile: the host was restarted. One that has not begun may be asked again.
        if was_kept && matches!(&asked, Err(Lost { begun: false, .. })) {
            session = self.open(children, place).await?;
            asked = session.ask(place, world, request, files).await;
        }
        match asked {
            Ok(answer) => {
                self.idle().entry(key).or_default().push(session);
                match answer {
                    Answer::Refused { message, errno } => {
                        let failure = Failure::new(message);
                        Err(match errno {
                            Some(errno) => failure.field("errno", errno),
                            None => failure,
                        })
                    }
                    answer => Ok(answer),
                }
            }
            Err(lost) => Err(lost.failure),
        }
    }

    async fn open(&self, children: &Children, place: &Place) -> Result<Session> {
        let mut attempt = 0;
        loop {
            match self.open_once(children, place).await {
                Err(failure) if failure.kind == FailureKind::Unreachable && attempt < place.retries() => {
                    tokio::time::sleep(Place::pause(attempt)).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn open_once(&self, children: &Children, place: &Place) -> Result<Session> {
        let program = self.program(&place.agent)?;
        let script = program.script(place);
        let mut dialogue =
            exec::begin(children, place, &script, place.environment(), self.told.as_ref()).await?;
        loop {
            let Some(line) = dialogue.line().await else {
                return Err(not_started(place, &mut dialogue).await);
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(machine) = line.strip_prefix(WANTS) {
                program.send(&mut dialogue, machine.trim()).await?;
            } else if line.starts_with(READY) {
                dialogue.connected();
                return Ok(Session { dialogue });
            }
            // Anything else is what the host tells whoever comes in.
        }
    }

    fn program(&self, agent: &AgentProgram) -> Result<Arc<Shipped>> {
        self.program.get_or_init(|| Shipped::of(agent).map(Arc::new)).clone()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Session>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shipped {
    fn of(agent: &AgentProgram) -> Result<Self> {
        let failed =
            |error: std::io::Error| Failure::new(format!("could not read {}: {error}", agent.file.display()));
        let mut file = File::open(&agent.file).map_err(failed)?;
        let (mut digest, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1024 * 1024]);
        loop {
            let read = file.read(&mut buffer).map_err(failed)?;
            if read == 0 {
                break;
            }
            digest.update(buffer.get(..read).unwrap_or_default());
            size += read as u64;
        }
        let digest = digest.finalize();
        let hash = hex(digest.get(..16).unwrap_or_default());
        Ok(Self { file: agent.file.clone(), args: agent.args.clone(), hash, size, packed: OnceCell::new() })
    }

    /// Returns the script that becomes the agent on a host, asking for the program where it is not there.
    fn script(&self, place: &Place) -> String {
        let args = self.args.iter().map(|arg| shell::quote(arg)).collect::<Vec<_>>().join(" ");
        let (size, hash) = (self.size, &self.hash);
        let here = match place.transport {
            Transport::Local => {
                let own = shell::quote(&self.file.display().to_string());
                format!("[ -x {own} ] && [ -r {own} ] && exec {own} {args}; ")
            }
            _ => String::new(),
        };
        let folder = shell::path(&place.remote_tmp);
        format!(
            "{here}d={folder}; (umask 77; mkdir -p \"$d\") 2>/dev/null; \
             if [ ! -d \"$d\" ] || [ ! -w \"$d\" ]; then d=/tmp/.rplay-$(id -u); \
             (umask 77; mkdir \"$d\") 2>/dev/null; [ -O \"$d\" ] || exit 98; fi; f=\"$d/rplay-{hash}\"; \
             if [ ! -x \"$f\" ]; then u='gzip -dc'; command -v gzip >/dev/null 2>&1 || u=cat; \
             printf '\\n{WANTS} %s %s\\n' \"${{u%% *}}\" \"$(uname -sm)\"; \
             (umask 77; read -r n && head -c \"$n\" | $u >\"$f.$$\") && [ \"$(wc -c <\"$f.$$\")\" -eq {size} ] && \
             chmod 700 \"$f.$$\" && mv -f \"$f.$$\" \"$f\" || exit 97; fi; exec \"$f\" {args}"
        )
    }

    /// Sends the program, `wanted` being how a host reads it and what it is: its length in a line, then its bytes.
    async fn send(&self, dialogue: &mut Dialogue, wanted: &str) -> Result<()> {
        let (reader, machine) = wanted.split_once(' ').unwrap_or_default();
        let own = format!("{} {}", own_system(), std::env::consts::ARCH);
        if machine != own {
            let message = format!("the host is {machine}, but this rplay was built for {own}");
            return Err(Failure::new(message).hint("run an rplay that was built for the host's machine"));
        }
        if reader != "gzip" {
            dialogue.write(format!("{}\n", self.size).as_bytes()).await?;
            return copy(&self.file, dialogue).await;
        }
        let packed = self.packed.get_or_try_init(|| packed(self.file.clone())).await?;
        dialogue.write(format!("{}\n", packed.len()).as_bytes()).await?;
        dialogue.write(packed).await
    }
}

/// Returns the file as gzip makes it when it is in a hurry: ssh alone would take longer, and for each host anew.
async fn packed(path: PathBuf) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| Failure::new(format!("could not read {}: {error}", path.display()));
    let file = File::open(&path).map_err(failed)?;
    let packing = tokio::task::spawn_blocking(move || {
        let mut packed = Vec::new();
        GzEncoder::new(file, Compression::fast()).read_to_end(&mut packed).map(|_| packed)
    });
    packing.await.map_err(Failure::bug)?.map_err(failed)
}

/// Returns what `uname -s` calls the system that this program runs on.
fn own_system() -> &'static str {
    if cfg!(target_os = "macos") { "Darwin" } else { "Linux" }
}

async fn copy(path: &Path, dialogue: &mut Dialogue) -> Result<()> {
    let failed = |error: std::io::Error| Failure::new(format!("could not read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok(());
        }
        dialogue.write(buffer.get(..read).unwrap_or_default()).await?;
    }
}

async fn not_started(place: &Place, dialogue: &mut Dialogue) -> Failure {
    let rc = dialogue.rc().await;
    if let Some(failure) = place.transport.refusal(rc, &dialogue.err) {
        return failure;
    }
    let said = String::from_utf8_lossy(&dialogue.err);
    let message = match rc {
        97 => "could not store rplay on the host".to_owned(),
        98 => "there is no folder on the host in which rplay can be stored".to_owned(),
        _ => "could not start rplay on the host".to_owned(),
    };
    Failure::new(format!("{message}: {}", said.trim_end())).field("rc", rc)
}

/// An agent that does not answer any more.
struct Lost {
    failure: Failure,
    /// It may have begun what it was asked for.
    begun: bool,
}

impl Session {
    async fn ask(
        &mut self,
        place: &Place,
        world: Option<&dyn World>,
        request: &Request,
        files: &[PathBuf],
    ) -> std::result::Result<Answer, Lost> {
        let unsent = |failure| Lost { failure, begun: false };
        self.say(request).await.map_err(unsent)?;
        for path in files {
            copy(path, &mut self.dialogue).await.map_err(unsent)?;
        }
        loop {
            let Some(line) = self.dialogue.line().await else { return Err(self.lost(place).await) };
            let Ok(answer) = serde_json::from_slice::<Answer>(&line) else { continue };
            match (answer, world) {
                (Answer::Ask { question }, Some(world)) => {
                    let reply = Request::Reply { value: reply(world, question) };
                    self.say(&reply).await.map_err(|failure| Lost { failure, begun: true })?;
                }
                (Answer::Warn { message }, Some(world)) => world.warn(message),
                (Answer::Deprecate { message }, Some(world)) => world.deprecate(message),
                (Answer::Secret { text }, Some(world)) => world.secret(&text),
                (Answer::Progress { progress }, Some(world)) => world.progress(progress),
                (
                    Answer::Done { .. }
                    | Answer::Begun { .. }
                    | Answer::Content { .. }
                    | Answer::Refused { .. },
                    _,
                ) => {
                    return serde_json::from_slice(&line)
                        .map_err(|error| Lost { failure: Failure::bug(error), begun: true });
                }
                (_, None) => {}
            }
        }
    }

    async fn say(&mut self, request: &Request) -> Result<()> {
        let mut line = serde_json::to_vec(request).map_err(Failure::bug)?;
        line.push(b'\n');
        self.dialogue.write(&line).await
    }

    async fn lost(&mut self, place: &Place) -> Lost {
        let rc = self.dialogue.rc().await;
        let refused = place.transport.refusal(rc, &self.dialogue.err);
        let begun = refused.is_none();
        let failure = refused.unwrap_or_else(|| {
            let said = String::from_utf8_lossy(&self.dialogue.err);
            Failure::new(format!("rplay on the host ended without an answer: {}", said.trim_end()))
                .field("rc", rc)
        });
        Lost { failure, begun }
    }
}

/// Answers what an agent cannot know.
fn reply(world: &dyn World, question: Question) -> Value {
    match question {
        Question::Owns { address, realm } => Value::from(world.owns(&address, &realm)),
        Question::Own { address, realm, stage } => {
            world.own(&address, &realm, stage);
            Value::Null
        }
        Question::Foretold { address } => serde_json::to_value(world.foretold(&address)).unwrap_or_default(),
        Question::Foretell { address, what } => {
            world.foretell(address, what);
            Value::Null
        }
        Question::Token { purpose } => Value::from(world.token(&purpose)),
    }
}

fn unexpected(answer: &Answer) -> Failure {
    Failure::bug(format!("an agent answered {answer:?}"))
}

/// Returns an order's freight: what is carried, and the files to read it from.
pub(crate) fn freight(mut order: Order, packed: Vec<(Carried, Vec<PathBuf>)>) -> Freight {
    let (carried, files): (Vec<wire::Carried>, Vec<_>) = packed.into_iter().unzip();
    order.files = carried;
    Freight { order, files: files.into_iter().flatten().collect() }
}
