//! A proxy between rplay and the stand-in: it counts calls, and makes trouble on demand.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::classify::{Effect, Operation};
use crate::fault::{Listener, Rule, Trouble, refusal, throttling};
use crate::request::Request;

/// A running proxy; it ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    runtime: Option<Runtime>,
}

/// A call that went through.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counted from 1.
    pub number: usize,
    /// Since the proxy started.
    pub at: Duration,
    pub operation: Operation,
    /// As it came in.
    pub request: Request,
    /// `None` where the caller got no answer, or has none yet.
    pub status: Option<u16>,
    /// What the proxy did to it: `throttled`, `answer lost`.
    pub trouble: Option<&'static str>,
}

struct Shared {
    upstream: SocketAddr,
    start: Instant,
    rules: Vec<Rule>,
    calls: Vec<Call>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.operation.effect == Effect::Write { "WRITE" } else { "read" };
        let status = self.status.map_or("-".to_owned(), |status| status.to_string());
        let (seconds, service) = (self.at.as_secs_f64(), &self.operation.service);
        write!(
            f,
            "{:>4} {seconds:>8.3} {effect:<5} {service:<22} {} {status}",
            self.number, self.operation.action
        )?;
        self.trouble.map_or(Ok(()), |trouble| write!(f, " ({trouble})"))
    }
}

impl Proxy {
    /// Starts a proxy before a server on this machine, such as `http://127.0.0.1:4566`, on a free port.
    ///
    /// # Panics
    /// Where the upstream is no address or no port is free.
    pub fn start(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").trim_end_matches('/');
        let upstream = upstream.parse().expect("an upstream is http://ADDRESS:PORT");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        // Not by the runtime: the test may be running in one of its own.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be told not to block");
        let entered = runtime.enter();
        let listener = TcpListener::from_std(listener).expect("a listening socket");
        drop(entered);
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Shared { upstream, start: Instant::now(), rules: Vec::new(), calls: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        runtime.spawn(listen(listener, Arc::clone(&shared)));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// Returns what `AWS_ENDPOINT_URL` is set to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule; of several that match a call the first one that was added counts.
    pub fn add_rule(&self, rule: Rule) {
        lock(&self.shared).rules.push(rule);
    }

    pub fn clear_rules(&self) {
        lock(&self.shared).rules.clear();
    }

    /// Returns the calls so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared).calls.clone()
    }

    /// Returns the calls so far that change something, with those that were to and met trouble.
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.operation.effect == Effect::Write).collect()
    }

    /// Returns the names of the calls that change something: `ecs CreateCluster`.
    pub fn written(&self) -> Vec<String> {
        let name = |call: Call| format!("{} {}", call.operation.service, call.operation.action);
        self.writes().into_iter().map(name).collect()
    }

    /// Forgets the calls so far; rules stay, and go on counting.
    pub fn clear_calls(&self) {
        lock(&self.shared).calls.clear();
    }

    /// Returns the calls so far, one a line.
    pub fn log(&self) -> String {
        self.calls().iter().map(Call::to_string).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| serve(Arc::clone(&shared), request));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

type Response = hyper::Response<Full<Bytes>>;

/// The connection ends without an answer: hyper closes it when a service fails.
#[derive(Debug)]
struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hung up on purpose")
    }
}

impl std::error::Error for HangUp {}

async fn serve(shared: Arc<Mutex<Shared>>, request: hyper::Request<Incoming>) -> Result<Response, HangUp> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
    let call = looked_at(&parts, &body);
    let operation = Operation::of(&call);
    let (trouble, index) = note(&shared, operation.clone(), call);
    let answered = |response: &Response, trouble| {
        let mut shared = lock(&shared);
        if let Some(call) = shared.calls.get_mut(index) {
            (call.status, call.trouble) = (Some(response.status().as_u16()), trouble);
        }
    };
    let unanswered = |trouble| {
        if let Some(call) = lock(&shared).calls.get_mut(index) {
            call.trouble = Some(trouble);
        }
        HangUp
    };
    let tell = |listener: &Listener| {
        let call = lock(&shared).calls.get(index).cloned();
        if let Some(call) = call {
            listener(&call);
        }
    };
    let instead = match trouble {
        Trouble::Reset => return Err(unanswered("reset")),
        Trouble::Throttle => Some((throttling(operation.protocol), "throttled")),
        Trouble::Answer(status, body) => Some(((status, body), "answered by the proxy")),
        Trouble::Refuse(status, code, message) => {
            Some(((status, refusal(operation.protocol, &code, &message)), "refused by the proxy"))
        }
        Trouble::Delay(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Trouble::Tell(listener) => {
            tell(&listener);
            None
        }
        Trouble::TellAndReset(listener) => {
            tell(&listener);
            return Err(unanswered("reset"));
        }
        Trouble::Lose => {
            forward(&shared, parts, body).await.ok();
            return Err(unanswered("answer lost"));
        }
        Trouble::LoseAndTell(listener) => {
            forward(&shared, parts, body).await.ok();
            tell(&listener);
            return Err(unanswered("answer lost"));
        }
        Trouble::None => None,
    };
    if let Some(((status, body), trouble)) = instead {
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status.try_into().map_err(|_| HangUp)?;
        answered(&response, Some(trouble));
        return Ok(response);
    }
    let response =
        forward(&shared, parts, body).await.map_err(|_| unanswered("the upstream did not answer"))?;
    answered(&response, None);
    Ok(response)
}

fn looked_at(parts: &http::request::Parts, body: &Bytes) -> Request {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Request::new(parts.method.as_str(), &parts.uri.to_string(), headers, body.to_vec())
}

/// Writes the call down; returns what is to happen to it, and where it stands.
fn note(shared: &Mutex<Shared>, operation: Operation, request: Request) -> (Trouble, usize) {
    let mut shared = lock(shared);
    // Every rule counts the call; the first that strikes decides.
    let mut struck: Option<Trouble> = None;
    for rule in &mut shared.rules {
        if rule.strikes(&operation) && struck.is_none() {
            struck = Some(rule.trouble.clone());
        }
    }
    let index = shared.calls.len();
    let at = shared.start.elapsed();
    shared.calls.push(Call { number: index + 1, at, operation, request, status: None, trouble: None });
    (struck.unwrap_or_default(), index)
}

async fn forward(
    shared: &Mutex<Shared>,
    parts: http::request::Parts,
    body: Bytes,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let upstream = lock(shared).upstream;
    let stream = TcpStream::connect(upstream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = hyper::Request::from_parts(parts, Full::new(body));
    // The request goes on with its body as a whole, whatever it came in as.
    request.headers_mut().remove(http::header::TRANSFER_ENCODING);
    let (mut parts, body) = sender.send_request(request).await?.into_parts();
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    parts.headers.remove(http::header::CONNECTION);
    Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
}

#[cfg(test)]
mod tests;
