//! One request to the stand-in. It stands on loopback and answers small texts: a client library would be for nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request to make.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Whole lines, without their ends.
    pub(crate) headers: &'a [&'a str],
    pub(crate) body: &'a str,
}

/// Sends a request to a port of this machine and returns the answer's status and body.
pub(crate) async fn ask(port: u16, request: Request<'_>, patience: Duration) -> io::Result<(u16, String)> {
    match timeout(patience, exchange(port, request)).await {
        Ok(answer) => parse(&answer?).ok_or_else(|| io::Error::other("the answer is not HTTP")),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")),
    }
}

/// HTTP/1.0: the answer ends with the connection and has no chunks.
async fn exchange(port: u16, request: Request<'_>) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let Request { method, path, headers, body } = request;
    let mut text =
        format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_a_body() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello"), Some((200, "hello".to_owned())));
        assert_eq!(parse(b"HTTP/1.1 503\r\n\r\n"), Some((503, String::new())));
        assert_eq!(parse(b"hello"), None);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_and_not_a_wait() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port");
        let request = Request { method: "GET", path: "/", ..Request::default() };
        let error = ask(free.port(), request, Duration::from_secs(5)).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
