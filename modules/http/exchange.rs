//! One question, with the requests that authentication and redirections make of it.

use std::collections::HashMap;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use rplay_module::{Cx, Failure, Result};
use url::Url;

use crate::auth::{self, Credentials};
use crate::client::{self, Answer};
use crate::cookies::Cookies;
use crate::redirects::{self, Step};
use crate::{Question, refused};

/// How it ended.
#[derive(Debug)]
pub struct Asked {
    pub ended: Ended,
    pub cookies: Cookies,
}

#[derive(Debug)]
pub enum Ended {
    /// An answer in the 200s, and the address that gave it where that is another one than was asked.
    Success(Answer, Option<Url>),
    /// Any other answer, and what is wrong with it.
    Refusal(Answer, String),
    /// No answer, and why.
    Nothing(String),
}

/// A request to send.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
}

/// Asks, and follows where it is led.
///
/// # Errors
/// Where no request could be made at all.
pub async fn ask(cx: &Cx, p: &Question) -> Result<Asked> {
    let mut url = address(p)?;
    let credentials = auth::find(cx, p, &url);
    // Cannot fail: an address with a host can have these.
    let _ = (url.set_username(""), url.set_password(None));
    let mut headers = headers(p)?;
    if let Some(credentials) = credentials.as_ref().filter(|credentials| credentials.at_once) {
        put(&mut headers, "authorization", &credentials.header())?;
    }
    let method = Method::from_bytes(p.method.as_bytes()).map_err(|error| refused(p, error.to_string()))?;
    let request = Request { method, url, headers, body: p.body.as_ref().map(|body| body.bytes.clone()) };
    Walk { cx, p, credentials, cookies: Cookies::default(), visits: HashMap::new(), hops: 0 }
        .walk(request)
        .await
}

fn address(p: &Question) -> Result<Url> {
    let url = Url::parse(&p.url).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            refused(p, format!("unknown url type: '{}'", auth::masked(&p.url)))
        }
        error => refused(p, format!("{error}: '{}'", auth::masked(&p.url))),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        "ftp" => Err(refused(p, "ftp addresses are not built yet")),
        other => Err(refused(p, format!("unknown url type: {other}"))),
    }
}

/// Python sends these, and in this order the later ones win.
fn headers(p: &Question) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    put(&mut headers, "accept-encoding", "identity")?;
    put(&mut headers, "user-agent", &p.http_agent)?;
    put(&mut headers, "connection", "close")?;
    if p.force {
        put(&mut headers, "cache-control", "no-cache")?;
    } else if let Some(time) = p.modified_since.and_then(|time| Timestamp::try_from(time).ok()) {
        let time = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        put(&mut headers, "if-modified-since", &time)?;
    }
    if let Some(body) = &p.body {
        put(&mut headers, "content-type", &body.content_type)?;
    }
    for (name, value) in &p.headers {
        put(&mut headers, name, value)?;
    }
    Ok(headers)
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let name: HeaderName = name.parse().map_err(|_| Failure::new(format!("Invalid header name {name:?}")))?;
    let value: HeaderValue =
        value.parse().map_err(|_| Failure::new(format!("Invalid header value {value:?}")))?;
    headers.insert(name, value);
    Ok(())
}

/// More redirections than these are a loop, as Python sees it.
const MOST_HOPS: u32 = 10;
const MOST_VISITS: u32 = 4;

struct Walk<'a> {
    cx: &'a Cx,
    p: &'a Question,
    credentials: Option<Credentials>,
    cookies: Cookies,
    visits: HashMap<Url, u32>,
    hops: u32,
}

impl Walk<'_> {
    async fn walk(mut self, first: Request) -> Result<Asked> {
        let origin = first.url.origin();
        let mut request = first;
        let mut asked_again = false;
        loop {
            let answer = match self.send(&request).await? {
                Ok(answer) => answer,
                Err(message) => return Ok(self.ended(Ended::Nothing(message))),
            };
            if (200..300).contains(&answer.status) {
                let elsewhere = (self.hops > 0).then(|| request.url.clone());
                return Ok(self.ended(Ended::Success(answer, elsewhere)));
            }
            if answer.status == 401
                && !asked_again
                && request.url.origin() == origin
                && let Some(header) = self.authorization(&answer)?
            {
                put(&mut request.headers, "authorization", &header)?;
                asked_again = true;
                continue;
            }
            match redirects::next(self.p, &request, &answer) {
                Step::Follow(next) if self.may_follow(&next) => request = *next,
                Step::Follow(_) => {
                    let message = format!(
                        "HTTP Error {}: The HTTP server returned a redirect error that would lead to an infinite loop.\n\
                         The last 30x error message was:\n{}",
                        answer.status, answer.reason
                    );
                    return Ok(self.ended(Ended::Refusal(answer, message)));
                }
                Step::Stay => {
                    let message = format!("HTTP Error {}: {}", answer.status, answer.reason);
                    return Ok(self.ended(Ended::Refusal(answer, message)));
                }
            }
        }
    }

    fn ended(self, ended: Ended) -> Asked {
        Asked { ended, cookies: self.cookies }
    }

    fn may_follow(&mut self, next: &Request) -> bool {
        self.hops += 1;
        let visits = self.visits.entry(next.url.clone()).or_default();
        *visits += 1;
        *visits <= MOST_VISITS && self.hops <= MOST_HOPS
    }

    async fn send(&mut self, request: &Request) -> Result<Result<Answer, String>> {
        let mut request = request.clone();
        let host = request.url.host_str().unwrap_or_default().to_owned();
        if let Some(cookie) = self.cookies.header(&host, request.url.path())
            && !request.headers.contains_key(header::COOKIE)
        {
            put(&mut request.headers, "cookie", &cookie)?;
        }
        let sent = client::send(self.cx, self.p, &request).await?;
        if let Ok(answer) = &sent {
            for header in answer.headers.get_all(header::SET_COOKIE) {
                self.cookies.set(&host, request.url.path(), &String::from_utf8_lossy(header.as_bytes()));
            }
        }
        Ok(sent)
    }

    /// Returns what to answer a server that asks who is there.
    fn authorization(&self, answer: &Answer) -> Result<Option<String>> {
        let Some(credentials) = self.credentials.as_ref().filter(|credentials| !credentials.at_once) else {
            return Ok(None);
        };
        let schemes: Vec<String> = answer
            .headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .map(|challenge| String::from_utf8_lossy(challenge.as_bytes()).trim_start().to_lowercase())
            .collect();
        if schemes.iter().any(|scheme| scheme.starts_with("basic")) {
            return Ok(Some(credentials.header()));
        }
        if schemes.iter().any(|scheme| scheme.starts_with("digest")) {
            return Err(refused(self.p, "the server asks for digest authentication, which is not built yet"));
        }
        Ok(None)
    }
}
