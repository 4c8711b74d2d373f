//! The other side: rplay on a host, which runs the modules that it is sent.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rplay_module::{
    Address, BoxFuture, Child, Cx, Exit, Failure, Foretold, Module, Outcome, Ownership, Progress, Realm,
    Result, Sandbox, Shared, World,
};
use serde_json::Value;

use super::jobs::{self, Job};
use super::settings::AgentProgram;
use super::staging::Staging;
use super::wire::{Answer, Begin, Order, Question, READY, Request};
use crate::child::Children;
use crate::run::Modules;
use crate::world::sandboxed;

/// What an agent is given by the program around it.
pub struct Agent {
    pub modules: Vec<Module>,
    pub environment: BTreeMap<String, String>,
    pub folder: PathBuf,
    pub now: fn() -> SystemTime,
    pub random: fn(&mut [u8]),
    /// Itself: what begins an asynchronous task.
    pub program: AgentProgram,
    pub input: Box<dyn BufRead + Send>,
    pub output: Box<dyn Write + Send>,
    /// Ends the program: whoever it works for has gone.
    pub leave: fn(u8),
}

/// What the agent's parts have in common.
struct Common {
    modules: Modules,
    environment: Arc<BTreeMap<String, String>>,
    folder: PathBuf,
    now: fn() -> SystemTime,
    random: fn(&mut [u8]),
    program: AgentProgram,
    shared: Shared,
    children: Children,
    output: Mutex<Box<dyn Write + Send>>,
    replies: Mutex<mpsc::Receiver<Value>>,
    /// Nobody is there to answer questions: an asynchronous task.
    alone: bool,
}

/// What an agent reads, and how it ends the program.
type Ends = (Arc<Common>, Box<dyn BufRead + Send>, fn(u8));

impl Common {
    /// Returns what the parts of an agent share; without `replies` nobody is there to talk to.
    fn of(agent: Agent, replies: Option<mpsc::Receiver<Value>>) -> Ends {
        let alone = replies.is_none();
        let output = if alone { Box::new(io::sink()) } else { agent.output };
        let common = Self {
            modules: Modules::new(&agent.modules),
            environment: Arc::new(agent.environment),
            folder: agent.folder,
            now: agent.now,
            random: agent.random,
            program: agent.program,
            shared: Shared::default(),
            children: Children::default(),
            output: Mutex::new(output),
            replies: Mutex::new(replies.unwrap_or_else(|| mpsc::channel().1)),
            alone,
        };
        (Arc::new(common), agent.input, agent.leave)
    }
}

/// A request with the files that came with it.
struct Asked {
    request: Request,
    staging: io::Result<Option<Staging>>,
}

/// Serves until the controller has gone; returns the exit code.
pub async fn serve(agent: Agent) -> u8 {
    let (reply, replies) = mpsc::channel();
    let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let home = agent.environment.get("HOME").cloned();
    let (common, mut input, leave) = Common::of(agent, Some(replies));
    let children = common.children.clone();
    if common.write(format!("\n{READY} 1\n").as_bytes()).is_err() {
        return 1;
    }
    let listen = move || {
        while let Some(next) = receive(&mut input, home.as_deref()) {
            match next {
                Asked { request: Request::Reply { value }, .. } => drop(reply.send(value)),
                other => drop(ask.send(other)),
            }
        }
        // Nobody listens any more: what is still going on must not go on alone.
        children.kill_all();
        leave(0);
    };
    if std::thread::Builder::new().name("requests".to_owned()).spawn(listen).is_err() {
        return 1;
    }
    while let Some(Asked { request, staging }) = asked.recv().await {
        let answer = match staging {
            Ok(staging) => common.answer(request, staging).await,
            Err(error) => Answer::Refused {
                message: format!("could not receive what the task takes along: {error}"),
                errno: error.raw_os_error(),
            },
        };
        common.say(&answer);
    }
    0
}

/// Runs the one asynchronous task that stands on the input; its result goes to its file.
pub async fn serve_job(agent: Agent) -> u8 {
    let (common, mut input, _) = Common::of(agent, None);
    let mut text = Vec::new();
    let read = io::Read::read_to_end(&mut input, &mut text);
    let Some(job) = read.ok().and_then(|_| serde_json::from_slice::<Job>(&text).ok()) else { return 1 };
    let limit = Duration::from_secs(job.limit);
    let module = job.order.module.clone();
    let result = if let Ok(outcome) = tokio::time::timeout(limit, common.run(job.order.clone())).await {
        jobs::result(outcome, &module)
    } else {
        common.children.kill_all();
        serde_json::Map::from_iter([
            ("msg".to_owned(), Value::from("Timeout exceeded")),
            ("failed".to_owned(), Value::from(true)),
            ("child_pid".to_owned(), Value::from(std::process::id())),
        ])
    };
    if let Some(staged) = &job.staged {
        let _ = std::fs::remove_dir_all(staged);
    }
    u8::from(job.write(&result).is_err())
}

/// Reads the next request and the files that follow it; `None` at the end.
fn receive(input: &mut Box<dyn BufRead + Send>, home: Option<&str>) -> Option<Asked> {
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let Ok(mut request) = serde_json::from_slice::<Request>(&line) else { continue };
        let staging = match &mut request {
            Request::Call(order) | Request::Begin { order, .. } if !order.files.is_empty() => {
                let order = order.as_mut();
                let files = std::mem::take(&mut order.files);
                Staging::new(&order.remote_tmp, home).and_then(|staging| {
                    staging.unpack(&files, &mut order.args, input).map(|()| Some(staging))
                })
            }
            _ => Ok(None),
        };
        return Some(Asked { request, staging });
    }
}

impl Common {
    async fn answer(self: &Arc<Self>, request: Request, staging: Option<Staging>) -> Answer {
        match request {
            Request::Call(order) => {
                let outcome = self.run(*order).await;
                drop(staging);
                Answer::Done { outcome: Box::new(outcome) }
            }
            Request::Begin { order, job } => match self.begin(*order, &job, staging) {
                Ok((job, file)) => Answer::Begun { job, file },
                Err(failure) => Answer::Refused { message: failure.message, errno: None },
            },
            Request::Read { path } => {
                let home = self.environment.get("HOME").map(String::as_str);
                match std::fs::read(jobs::expanded(&path, home)) {
                    Ok(content) => Answer::Content { base64: STANDARD.encode(content) },
                    Err(error) => Answer::Refused { message: error.to_string(), errno: error.raw_os_error() },
                }
            }
            Request::Reply { .. } => Answer::Refused { message: "nothing was asked".to_owned(), errno: None },
        }
    }

    async fn run(self: &Arc<Self>, order: Order) -> Outcome {
        let Some(module) = self.modules.get(&order.module).copied() else {
            let message = format!("the rplay on the host does not know the module {}", order.module);
            return Outcome::failed(Failure::new(message));
        };
        let folder = self.entered(order.folder.as_ref().unwrap_or(&self.folder));
        let world = AgentWorld {
            common: Arc::clone(self),
            own: order.environment.into_iter().collect(),
            folder,
            sandbox: order.sandbox,
            reach: order.reach,
        };
        let cx = Cx::new(Arc::new(world), module.native);
        (module.pick)(&order.args).run(&cx, &order.args, order.mode).await
    }

    /// Returns the folder, or one that whoever one has become may enter: that of a user who was left behind need not be.
    fn entered(&self, folder: &Path) -> PathBuf {
        use rustix::fs::{Access, access};
        let open = |folder: &Path| access(folder, Access::READ_OK | Access::EXEC_OK).is_ok();
        if open(folder) {
            return folder.to_owned();
        }
        let home = self.environment.get("HOME").map(PathBuf::from).filter(|home| open(home));
        home.unwrap_or_else(std::env::temp_dir)
    }

    fn begin(&self, order: Order, begin: &Begin, staging: Option<Staging>) -> Result<(String, String)> {
        let home = self.environment.get("HOME").map(String::as_str);
        let staged = staging.map(Staging::keep);
        Job::begin(&self.program, order, begin, home, staged)
    }

    fn say(&self, answer: &Answer) {
        if let Ok(mut line) = serde_json::to_vec(answer) {
            line.push(b'\n');
            // Whoever has gone is noticed where requests are read.
            let _ = self.write(&line);
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(bytes)?;
        output.flush()
    }

    /// Asks the controller; without one, or when it has gone, nothing is known.
    fn ask(&self, question: Question) -> Value {
        if self.alone {
            return Value::Null;
        }
        self.say(&Answer::Ask { question });
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        replies.recv().unwrap_or_default()
    }
}

/// The world of a module on a host: the host's own, but for what only the controller knows.
struct AgentWorld {
    common: Arc<Common>,
    own: BTreeMap<String, String>,
    folder: PathBuf,
    sandbox: Option<Sandbox>,
    reach: Vec<(String, SocketAddr)>,
}

impl World for AgentWorld {
    fn now(&self) -> SystemTime {
        (self.common.now)()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn env(&self, name: &str) -> Option<String> {
        if self.sandbox.is_some()
            && name.starts_with("AWS_")
            && !matches!(name, "AWS_REGION" | "AWS_DEFAULT_REGION")
        {
            return None;
        }
        self.own.get(name).or_else(|| self.common.environment.get(name)).cloned()
    }

    fn own_env(&self) -> Vec<String> {
        self.own.keys().cloned().collect()
    }

    fn random(&self, bytes: &mut [u8]) {
        (self.common.random)(bytes);
    }

    fn progress(&self, progress: Progress) {
        self.common.say(&Answer::Progress { progress });
    }

    fn warn(&self, message: String) {
        self.common.say(&Answer::Warn { message });
    }

    fn deprecate(&self, message: String) {
        self.common.say(&Answer::Deprecate { message });
    }

    fn secret(&self, text: &str) {
        self.common.say(&Answer::Secret { text: text.to_owned() });
    }

    fn spawn(&self, mut child: Child) -> BoxFuture<'static, Result<Exit>> {
        child.folder = Some(match child.folder {
            Some(folder) => self.folder.join(folder),
            None => self.folder.clone(),
        });
        let children = self.common.children.clone();
        let own = self.own.iter().map(|(name, value)| (name.clone(), value.clone()));
        let environment = sandboxed(&self.common.environment, own, self.sandbox.as_ref(), &child.env);
        Box::pin(async move { children.run(child, environment).await })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn shared(&self) -> &Shared {
        &self.common.shared
    }

    fn foretold(&self, address: &Address) -> Option<Foretold> {
        let told = self.common.ask(Question::Foretold { address: address.clone() });
        serde_json::from_value(told).ok().flatten()
    }

    fn foretell(&self, address: Address, what: Foretold) {
        self.common.ask(Question::Foretell { address, what });
    }

    fn owns(&self, address: &Address, realm: &Realm) -> bool {
        let question = Question::Owns { address: address.clone(), realm: realm.clone() };
        self.common.ask(question).as_bool().unwrap_or(false)
    }

    fn own(&self, address: &Address, realm: &Realm, stage: Ownership) {
        self.common.ask(Question::Own { address: address.clone(), realm: realm.clone(), stage });
    }

    fn token(&self, purpose: &str) -> String {
        let told = self.common.ask(Question::Token { purpose: purpose.to_owned() });
        told.as_str().unwrap_or_default().to_owned()
    }

    fn reach(&self, host: &str) -> Option<SocketAddr> {
        self.reach.iter().find(|(ending, _)| host.ends_with(ending.as_str())).map(|(_, address)| *address)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        self.sandbox.clone()
    }
}
