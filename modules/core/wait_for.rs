use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fancy_regex::Regex;
use rplay_module::{Action, Choice, Cx, Deed, Effect, Failure, InCheck, Params, Result};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::info::{path_info, system_words};
use crate::paths;

mod connections;

/// Waits until a port is open or closed, a file is there or gone, or a time is over.
#[derive(Params)]
pub(crate) struct WaitForParams {
    /// The name or address of the host whose port is meant.
    #[param(default = "127.0.0.1")]
    host: String,
    /// How long to wait at most, in seconds; without a port and a path, how long to wait.
    #[param(default = 300)]
    timeout: u64,
    /// How long one attempt to connect may take, in seconds.
    #[param(default = 5)]
    connect_timeout: u64,
    /// How long to wait before looking for the first time, in seconds.
    #[param(default = 0)]
    delay: u64,
    /// The port to look at; excludes `path`.
    port: Option<u16>,
    /// The states in which a connection counts as active, for `state: drained`.
    #[param(default = ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"])]
    active_connection_states: Vec<String>,
    /// The file to look at; excludes `port`.
    path: Option<PathBuf>,
    /// What has to be found in the file, or in what the port says.
    search_regex: Option<String>,
    /// What to wait for: a port that is open (`started`), closed (`stopped`) or without connections (`drained`), a file
    /// that is there (`present`) or gone (`absent`).
    #[param(default = "started")]
    state: State,
    /// Hosts whose connections do not count, for `state: drained`.
    exclude_hosts: Option<Vec<String>>,
    /// How long to wait between two looks, in seconds.
    #[param(default = 1)]
    sleep: u64,
    /// The message to fail with; omitted it says what was waited for.
    msg: Option<String>,
}

#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Drained,
    Present,
    Started,
    Stopped,
}

pub(crate) struct WaitFor;

impl Action for WaitFor {
    type Params = WaitForParams;
    /// A plan must not wait for what only the run will start.
    const EFFECT: Effect = Effect::Changes;
    const IN_CHECK: InCheck = InCheck::Skip;

    async fn perform(&self, cx: &Cx, p: &WaitForParams) -> Result<Deed> {
        let wait = Wait::new(cx, p)?;
        wait.sleep(p.delay).await;
        let found = wait.until_met().await?;
        Ok(wait.deed(&found))
    }
}

/// What to look at.
enum Target {
    Nothing,
    Port(u16),
    Path(String, PathBuf),
}

/// A wait that has begun.
struct Wait<'a> {
    cx: &'a Cx,
    p: &'a WaitForParams,
    target: Target,
    regex: Option<Regex>,
    start: SystemTime,
}

/// What the expression found: its groups in order, and those that have names.
#[derive(Default)]
struct Matched {
    groups: Vec<Value>,
    named: Map<String, Value>,
}

impl<'a> Wait<'a> {
    fn new(cx: &'a Cx, p: &'a WaitForParams) -> Result<Self> {
        let port = p.port.filter(|&port| port != 0);
        let path = p.path.as_deref().map(|path| paths::expand(cx, path)).filter(|path| !path.is_empty());
        let refuse = |message: &str| Err(Failure::new(message).field("elapsed", 0));
        if port.is_some() && path.is_some() {
            return refuse("port and path parameter can not both be passed to wait_for");
        }
        if path.is_some() && matches!(p.state, State::Stopped | State::Drained) {
            let state = p.state.as_str();
            return refuse(&format!(
                "state={state} should only be used for checking a port in the wait_for module"
            ));
        }
        if p.exclude_hosts.is_some() && p.state != State::Drained {
            return refuse("exclude_hosts should only be with state=drained");
        }
        if let Some(unknown) =
            p.active_connection_states.iter().find(|state| connections::code(state).is_none())
        {
            return refuse(&format!("unknown active_connection_state ({unknown}) defined"));
        }
        let target = match (port, path) {
            (Some(port), _) => Target::Port(port),
            (None, Some(path)) => Target::Path(path.clone(), cx.world().folder().join(path)),
            (None, None) => Target::Nothing,
        };
        Ok(Self { cx, p, target, regex: regex(p.search_regex.as_deref())?, start: cx.now() })
    }

    async fn sleep(&self, seconds: u64) {
        if seconds > 0 {
            self.cx.sleep(Duration::from_secs(seconds)).await;
        }
    }

    fn elapsed(&self) -> Duration {
        self.cx.now().duration_since(self.start).unwrap_or_default()
    }

    fn left(&self) -> Duration {
        Duration::from_secs(self.p.timeout).saturating_sub(self.elapsed())
    }

    async fn until_met(&self) -> Result<Matched> {
        if matches!(self.target, Target::Nothing) && self.p.state != State::Drained {
            self.sleep(self.p.timeout).await;
            return Ok(Matched::default());
        }
        while !self.left().is_zero() {
            if let Some(found) = self.look().await? {
                return Ok(found);
            }
            self.cx.sleep(Duration::from_secs(self.p.sleep).min(self.left())).await;
        }
        Err(self.fail(self.p.msg.clone().unwrap_or_else(|| self.timed_out())))
    }

    async fn look(&self) -> Result<Option<Matched>> {
        match (&self.target, self.p.state) {
            (_, State::Drained) => Ok(self.drained().await?.then(Matched::default)),
            (Target::Nothing, _) => Ok(None),
            (Target::Port(port), State::Absent | State::Stopped) => {
                Ok(self.connect(*port, self.connect_timeout()).await.is_none().then(Matched::default))
            }
            (Target::Path(_, real), State::Absent | State::Stopped) => {
                Ok((!real.exists()).then(Matched::default))
            }
            (Target::Port(port), State::Present | State::Started) => Ok(self.open_port(*port).await),
            (Target::Path(shown, real), State::Present | State::Started) => self.present(shown, real),
        }
    }

    fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.p.connect_timeout)
    }

    /// Connects; under `--sandbox` a load balancer is found by its DNS name.
    async fn connect(&self, port: u16, within: Duration) -> Option<TcpStream> {
        let host = self.p.host.as_str();
        let connecting = async {
            match self.cx.world().reach(host) {
                Some(address) => TcpStream::connect(address).await,
                None => TcpStream::connect((host, port)).await,
            }
        };
        timeout(within, connecting).await.ok()?.ok()
    }

    async fn open_port(&self, port: u16) -> Option<Matched> {
        let within = self.connect_timeout().min(whole_seconds(self.left()));
        let mut stream = self.connect(port, within).await?;
        let Some(regex) = &self.regex else { return Some(Matched::default()) };
        let mut said = Vec::new();
        let mut chunk = vec![0; 1024];
        while !self.left().is_zero() {
            let read = timeout(whole_seconds(self.left()), stream.read(&mut chunk)).await.ok()?.ok()?;
            said.extend_from_slice(chunk.get(..read)?);
            if regex.is_match(String::from_utf8_lossy(&said).as_ref()).unwrap_or(false) {
                // Ansible tells the groups only of what it finds in files.
                return Some(Matched::default());
            }
            if read == 0 {
                return None;
            }
        }
        None
    }

    fn present(&self, shown: &str, real: &Path) -> Result<Option<Matched>> {
        if let Err(error) = real.metadata() {
            if error.raw_os_error() == Some(NOT_THERE) {
                return Ok(None);
            }
            let message = format!("Failed to stat {shown}, {}", system_words(&error));
            return Err(self.fail(self.p.msg.clone().unwrap_or(message)));
        }
        let Some(regex) = &self.regex else { return Ok(Some(Matched::default())) };
        let Ok(bytes) = std::fs::read(real) else { return Ok(None) };
        Ok(matched(regex, &String::from_utf8_lossy(&bytes)))
    }

    async fn drained(&self) -> Result<bool> {
        let excluded = self.p.exclude_hosts.as_deref().unwrap_or_default();
        let ours = self.addresses(std::slice::from_ref(&self.p.host)).await?;
        let excluded = self.addresses(excluded).await?;
        let Target::Port(port) = self.target else {
            // Ansible's module makes a number of the port before anything else.
            return Err(Failure::broken_off(
                "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            ));
        };
        let states = &self.p.active_connection_states;
        Ok(connections::active(port, states, &ours, &excluded) == 0)
    }

    async fn addresses(&self, hosts: &[String]) -> Result<Vec<SocketAddr>> {
        let mut found = Vec::new();
        for host in hosts {
            let resolved = tokio::net::lookup_host((host.as_str(), 80)).await;
            found.extend(resolved.map_err(|error| self.fail(format!("could not find {host}: {error}")))?);
        }
        Ok(found)
    }

    fn fail(&self, message: String) -> Failure {
        Failure::timed_out(message).field("elapsed", self.elapsed().as_secs())
    }

    fn timed_out(&self) -> String {
        let host = &self.p.host;
        let searched = self.p.search_regex.as_deref().filter(|regex| !regex.is_empty());
        match (&self.target, self.p.state, searched) {
            (Target::Port(port), State::Drained, _) => {
                format!("Timeout when waiting for {host}:{port} to drain")
            }
            (Target::Nothing, _, _) => "Timeout when waiting".to_owned(),
            (Target::Port(port), State::Absent | State::Stopped, _) => {
                format!("Timeout when waiting for {host}:{port} to stop.")
            }
            (Target::Path(path, _), State::Absent | State::Stopped | State::Drained, _) => {
                format!("Timeout when waiting for {path} to be absent.")
            }
            (Target::Port(port), _, None) => format!("Timeout when waiting for {host}:{port}"),
            (Target::Port(port), _, Some(regex)) => {
                format!("Timeout when waiting for search string {regex} in {host}:{port}")
            }
            (Target::Path(path, _), _, None) => format!("Timeout when waiting for file {path}"),
            (Target::Path(path, _), _, Some(regex)) => {
                format!("Timeout when waiting for search string {regex} in {path}")
            }
        }
    }

    fn deed(&self, found: &Matched) -> Deed {
        let path = match &self.target {
            Target::Path(shown, _) => Some(shown),
            Target::Nothing | Target::Port(_) => None,
        };
        let mut deed = Deed::new(
            false,
            json!({
                "state": self.p.state.as_str(), "port": self.p.port, "path": path,
                "search_regex": self.p.search_regex, "match_groups": found.groups, "match_groupdict": found.named,
                "elapsed": self.elapsed().as_secs(),
            }),
        );
        // What is known of the file takes the place of the state that was asked for, as in every result with a path.
        if let Target::Path(_, real) = &self.target {
            deed.result.extend(path_info(real));
        }
        deed
    }
}

/// The system's number for a file that is not there.
const NOT_THERE: i32 = 2;

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

fn regex(text: Option<&str>) -> Result<Option<Regex>> {
    let Some(text) = text else { return Ok(None) };
    let compiled = Regex::new(&format!("(?m){text}"));
    compiled.map(Some).map_err(|error| Failure::new(format!("Invalid regular expression: {error}")))
}

fn matched(regex: &Regex, text: &str) -> Option<Matched> {
    let captures = regex.captures(text).ok()??;
    let group = |found: Option<fancy_regex::Match<'_>>| {
        found.map_or(Value::Null, |found| Value::from(found.as_str()))
    };
    let groups = (1..captures.len()).map(|at| group(captures.get(at))).collect();
    let named =
        regex.capture_names().flatten().map(|name| (name.to_owned(), group(captures.name(name)))).collect();
    Some(Matched { groups, named })
}

#[cfg(test)]
mod tests;
