//! As much of HTTP/1.1 as a server of three pages needs: a request's head, and a response that closes the connection.

use std::fmt::Write as _;
use std::io::{self, Read};

/// A longer head is refused; browsers and load balancers send far less.
const LONGEST_HEAD: usize = 16 * 1024;

/// A request's first line; header fields are checked and dropped, no page depends on one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum BadRequest {
    /// The peer connected and said nothing: no answer, no log line.
    Silence,
    /// What it sent is no request; the reason goes into the answer.
    Malformed(&'static str),
    Io(io::Error),
}

/// Reads up to the empty line and parses what stands before it.
pub(crate) fn read(stream: &mut impl Read) -> Result<Request, BadRequest> {
    let mut head = Vec::new();
    let mut chunk = [0; 2048];
    loop {
        let count = stream.read(&mut chunk).map_err(BadRequest::Io)?;
        if count == 0 && head.is_empty() {
            return Err(BadRequest::Silence);
        }
        if count == 0 {
            return Err(BadRequest::Malformed("the request ends in its head"));
        }
        head.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            head.truncate(end);
            return parse(&head).map_err(BadRequest::Malformed);
        }
        if head.len() > LONGEST_HEAD {
            return Err(BadRequest::Malformed("the request's head is too long"));
        }
    }
}

/// Parses a head without its closing empty line.
fn parse(head: &[u8]) -> Result<Request, &'static str> {
    let text = str::from_utf8(head).map_err(|_| "the request's head is not UTF-8")?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("the first line is not \"METHOD TARGET VERSION\"");
    };
    if !matches!(version, "HTTP/1.0" | "HTTP/1.1") {
        return Err("the version is neither HTTP/1.0 nor HTTP/1.1");
    }
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return Err("the method is no word");
    }
    let path = path(target)?;
    let mut has_host = false;
    for line in lines {
        let name = line.split_once(':').ok_or("a header field has no colon")?.0;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("a header field's name is no token");
        }
        has_host |= name.eq_ignore_ascii_case("host");
    }
    if version == "HTTP/1.1" && !has_host {
        return Err("the Host field is missing");
    }
    Ok(Request { method: method.to_owned(), path: path.to_owned() })
}

/// Returns the path of `/path?query` or of `http://host/path?query`, which servers must take as well.
fn path(target: &str) -> Result<&str, &'static str> {
    let origin = match target.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        _ => target,
    };
    // What goes to the log must not be able to write a line of its own.
    if !origin.starts_with('/') || origin.chars().any(char::is_control) {
        return Err("the target is no path");
    }
    Ok(origin.split(['?', '#']).next().unwrap_or("/"))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What goes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Response {
    /// Returns a one-line answer in plain text.
    pub(crate) fn text(status: u16, line: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }

    /// Returns the bytes to send; a HEAD request gets the same head and no body.
    pub(crate) fn bytes(&self, with_body: bool) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Service Unavailable",
        };
        let mut text =
            format!("HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\n", self.status, self.content_type);
        // Writing to a String cannot fail.
        let _ = write!(text, "Content-Length: {}\r\nCache-Control: no-store\r\n", self.body.len());
        if self.status == 405 {
            text.push_str("Allow: GET, HEAD\r\n");
        }
        text.push_str("Connection: close\r\n\r\n");
        if with_body {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(mut text: &[u8]) -> Result<Request, &'static str> {
        match read(&mut text) {
            Ok(request) => Ok(request),
            Err(BadRequest::Malformed(reason)) => Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn get(path: &str) -> Request {
        Request { method: "GET".to_owned(), path: path.to_owned() }
    }

    #[test]
    fn a_request_is_its_method_and_path() {
        assert_eq!(parsed(b"GET /now HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"), Ok(get("/now")));
    }

    #[test]
    fn the_query_is_no_part_of_the_path() {
        assert_eq!(parsed(b"GET /now?x=/y HTTP/1.1\r\nhost: a\r\n\r\n"), Ok(get("/now")));
    }

    #[test]
    fn an_absolute_target_has_a_path_too() {
        assert_eq!(parsed(b"GET http://a.b/now HTTP/1.1\r\nHost: a.b\r\n\r\n"), Ok(get("/now")));
        assert_eq!(parsed(b"GET http://a.b HTTP/1.1\r\nHost: a.b\r\n\r\n"), Ok(get("/")));
    }

    #[test]
    fn old_clients_need_no_host() {
        assert_eq!(parsed(b"GET / HTTP/1.0\r\n\r\n"), Ok(get("/")));
        assert_eq!(parsed(b"GET / HTTP/1.1\r\n\r\n"), Err("the Host field is missing"));
    }

    #[test]
    fn a_head_in_pieces_is_read_whole() {
        let mut pieces = (&b"GET /n"[..]).chain(&b"ow HTTP/1.1\r"[..]).chain(&b"\nHost: a\r\n\r\nbody"[..]);
        assert_eq!(read(&mut pieces).expect("whole").path, "/now");
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_reason() {
        for (text, reason) in [
            (&b"hello\r\n\r\n"[..], "the first line is not \"METHOD TARGET VERSION\""),
            (b"GET  / HTTP/1.1\r\n\r\n", "the first line is not \"METHOD TARGET VERSION\""),
            (b"GET / HTTP/2.0\r\n\r\n", "the version is neither HTTP/1.0 nor HTTP/1.1"),
            (b"G\tT / HTTP/1.1\r\n\r\n", "the method is no word"),
            (b"GET now HTTP/1.1\r\n\r\n", "the target is no path"),
            (b"GET /a\nb HTTP/1.1\r\n\r\n", "the target is no path"),
            (b"GET / HTTP/1.1\r\nHost a\r\n\r\n", "a header field has no colon"),
            (b"GET / HTTP/1.1\r\n: a\r\n\r\n", "a header field's name is no token"),
            (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "a header field's name is no token"),
            (b"GET /\xff HTTP/1.1\r\n\r\n", "the request's head is not UTF-8"),
            (b"GET / HTTP/1.1\r\nHost: a", "the request ends in its head"),
        ] {
            assert_eq!(parsed(text), Err(reason), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn an_endless_head_is_cut_off() {
        let long = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(4 * LONGEST_HEAD));
        assert_eq!(parsed(long.as_bytes()), Err("the request's head is too long"));
    }

    #[test]
    fn a_peer_that_says_nothing_is_not_malformed() {
        assert!(matches!(read(&mut &b""[..]), Err(BadRequest::Silence)));
    }

    #[test]
    fn a_response_tells_its_length_and_closes() {
        let bytes = Response::text(405, "no").bytes(true);
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\
             Cache-Control: no-store\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\nno\n"
        );
        assert!(Response::text(200, "body").bytes(false).ends_with(b"\r\n\r\n"));
    }
}
