//! Where a redirection leads, and what is taken along.

use reqwest::Method;
use reqwest::header::{self, HeaderName};

use crate::client::Answer;
use crate::exchange::Request;
use crate::{Follow, Question};

/// What to do after an answer that is no success.
pub(crate) enum Step {
    Follow(Box<Request>),
    Stay,
}

pub(crate) fn next(p: &Question, request: &Request, answer: &Answer) -> Step {
    let location = answer.headers.get(header::LOCATION).or_else(|| answer.headers.get("uri"));
    let redirection = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    let Some(location) = location.filter(|_| redirection && allowed(p, request, answer.status)) else {
        return Step::Stay;
    };
    let location = String::from_utf8_lossy(location.as_bytes()).replace(' ', "%20");
    match request.url.join(&location) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            let mut next = Request { url, ..request.clone() };
            adjust(p, request, answer.status, &mut next);
            Step::Follow(Box::new(next))
        }
        _ => Step::Stay,
    }
}

fn allowed(p: &Question, request: &Request, status: u16) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    match p.follow {
        Follow::All => true,
        Follow::None => false,
        Follow::Safe => reads,
        Follow::Urllib2 => reads || (request.method == Method::POST && matches!(status, 301..=303)),
    }
}

/// What browsers do, despite the standard: only 307 and 308 keep the method and the body.
fn adjust(p: &Question, request: &Request, status: u16, next: &mut Request) {
    let keeps = matches!(status, 307 | 308) && p.follow != Follow::Urllib2;
    if !keeps {
        next.body = None;
        for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::TRANSFER_ENCODING] {
            next.headers.remove(name);
        }
        let head = request.method == Method::HEAD;
        let turns_into_get = match (p.follow, status) {
            (Follow::Urllib2, _) => true,
            (_, 302 | 303) => !head,
            (_, 301) => request.method == Method::POST,
            _ => false,
        };
        if turns_into_get {
            next.method = Method::GET;
        }
    }
    for name in &p.unredirected_headers {
        if let Ok(name) = name.parse::<HeaderName>() {
            next.headers.remove(name);
        }
    }
    // Credentials are for the server they were given for; Ansible sends them along to any other.
    if next.url.origin() != request.url.origin() {
        next.headers.remove(header::AUTHORIZATION);
        next.headers.remove(header::COOKIE);
    }
}
