//! One request over the network, and its failures in the words that Ansible's users know.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Certificate, Client, ClientBuilder, Identity, NoProxy, Proxy};
use rplay_module::{Cx, Failure, Result};
use url::Url;

use crate::Question;
use crate::exchange::Request;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Sends a request; the inner error is what Ansible would say of an answer that did not come.
pub(crate) async fn send(cx: &Cx, p: &Question, request: &Request) -> Result<Result<Answer, String>> {
    let mut url = request.url.clone();
    let mut headers = request.headers.clone();
    let reached = url.host_str().and_then(|host| cx.world().reach(host));
    if let Some(address) = reached {
        let authority = url.authority().parse().map_err(|_| Failure::bug("a host that is no header"))?;
        headers.entry(header::HOST).or_insert(authority);
        // Cannot fail: http addresses have a host and a port.
        let _ = (url.set_ip_host(address.ip()), url.set_port(Some(address.port())));
    }
    let client = client(cx, p, &url, reached.is_some())?;
    let mut building = client.request(request.method.clone(), url.clone()).headers(headers);
    if let Some(body) = &request.body {
        building = building.body(body.clone());
    }
    let response = match building.send().await {
        Ok(response) => response,
        Err(error) => return Ok(Err(words(&error, &url))),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    if p.decompress
        && headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding.as_bytes() == b"gzip")
    {
        return Err(Failure::new("the answer is compressed, and unpacking it is not built yet")
            .hint("do not ask for it with accept-encoding, or set decompress: false to keep it as it is"));
    }
    Ok(match response.bytes().await {
        Ok(body) => Ok(Answer {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default().to_owned(),
            headers,
            body: body.to_vec(),
        }),
        Err(error) => Err(words(&error, &url)),
    })
}

fn client(cx: &Cx, p: &Question, url: &Url, reached: bool) -> Result<Client> {
    let patience = Duration::from_secs(p.timeout);
    let builder = Client::builder()
        .http1_only()
        .http1_title_case_headers()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(patience)
        .read_timeout(patience)
        .no_proxy();
    let builder = if reached { builder } else { proxied(cx, p, builder)? };
    let builder = match &p.unix_socket {
        Some(socket) => builder.unix_socket(socket.clone()),
        None => builder,
    };
    let builder = if url.scheme() == "https" {
        trusting(p, builder)?
    } else {
        // Reading the system's certificates takes longer than a request on a local network.
        builder.tls_certs_only([])
    };
    builder.build().map_err(|error| Failure::new(format!("could not make a client: {}", chain(&error))))
}

fn proxied(cx: &Cx, p: &Question, mut builder: ClientBuilder) -> Result<ClientBuilder> {
    if !p.use_proxy {
        return Ok(builder);
    }
    let env = |name: &str| {
        let value = cx.env(name).or_else(|| cx.env(&name.to_uppercase()));
        value.filter(|value| !value.is_empty())
    };
    let exceptions = env("no_proxy").and_then(|list| NoProxy::from_string(&list));
    let wrong = |error: reqwest::Error| {
        Failure::new(format!("could not use the proxy of the environment: {}", chain(&error)))
    };
    if let Some(address) = env("http_proxy") {
        builder = builder.proxy(Proxy::http(address).map_err(wrong)?.no_proxy(exceptions.clone()));
    }
    if let Some(address) = env("https_proxy") {
        builder = builder.proxy(Proxy::https(address).map_err(wrong)?.no_proxy(exceptions));
    }
    Ok(builder)
}

fn trusting(p: &Question, mut builder: ClientBuilder) -> Result<ClientBuilder> {
    let wrong = |path: &Path, why: String| Failure::new(format!("could not read {}: {why}", path.display()));
    let read = |path: &Path| std::fs::read(path).map_err(|error| wrong(path, system_words(&error)));
    if let Some(path) = &p.ca_path {
        let found = Certificate::from_pem_bundle(&read(path)?).map_err(|error| wrong(path, chain(&error)))?;
        builder = builder.tls_certs_only(found);
    }
    if let Some(path) = &p.client_cert {
        let mut pem = read(path)?;
        if let Some(key) = &p.client_key {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        builder = builder.identity(Identity::from_pem(&pem).map_err(|error| wrong(path, chain(&error)))?);
    }
    Ok(if p.validate_certs { builder } else { builder.tls_danger_accept_invalid_certs(true) })
}

/// Says why there is no answer, as Python's `urllib` says it.
fn words(error: &reqwest::Error, url: &Url) -> String {
    if error.is_timeout() {
        let connecting = error.is_connect();
        return match (connecting, url.scheme()) {
            (true, _) => "Request failed: <urlopen error timed out>".to_owned(),
            (false, "https") => "Connection failure: The read operation timed out".to_owned(),
            (false, _) => "Connection failure: timed out".to_owned(),
        };
    }
    if error.is_connect() {
        return format!("Request failed: <urlopen error {}>", cause(error));
    }
    let text = chain(error);
    if text.contains("before message completed") || text.contains("end of file") {
        return "Connection failure: Remote end closed connection without response".to_owned();
    }
    format!("Connection failure: {}", cause(error))
}

/// Returns the system's number and words where the system is the cause.
fn cause(error: &reqwest::Error) -> String {
    let mut deepest = error.source();
    while let Some(error) = deepest {
        if let Some(system) = error.downcast_ref::<std::io::Error>() {
            if let Some(number) = system.raw_os_error() {
                return format!("[Errno {number}] {}", system_words(system));
            }
            let text = system.to_string();
            if let Some((_, reason)) = text.split_once("failed to lookup address information: ") {
                return format!("[Errno {}] {reason}", if reason.starts_with("Temporary") { -3 } else { -2 });
            }
        }
        deepest = error.source();
    }
    chain(error)
}

/// Returns the error with all that caused it, without the address, which may have a secret in it.
fn chain(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut deeper = error.source();
    while let Some(error) = deeper {
        // The layers of the client say nothing but that they are there.
        texts.extend(Some(error.to_string()).filter(|text| !text.starts_with("client error")));
        deeper = error.source();
    }
    if texts.is_empty() { "the request could not be made".to_owned() } else { texts.join(": ") }
}

/// Returns the system's own words for an error, without the number that Rust adds.
fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
