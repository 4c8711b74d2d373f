use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{BadRequest, Response};
use crate::settings::Settings;
use crate::{clock, http, pages};

/// Requests answered at once, and connections that may wait for their turn beyond that.
const WORKERS: usize = 16;
const WAITING: usize = 64;
/// A peer that is silent for longer holds a worker no more; it also bounds how long a stop takes.
const PATIENCE: Duration = Duration::from_secs(5);

struct Server {
    settings: Settings,
    count: AtomicU64,
}

/// Answers until `stopping` is true and `accept` ends, then finishes what was begun.
pub(crate) fn serve(listener: &TcpListener, settings: Settings, stopping: &AtomicBool) {
    let server = Server { settings, count: AtomicU64::new(0) };
    let (sender, receiver) = sync_channel::<TcpStream>(WAITING);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| server.work(&receiver));
        }
        while !stopping.load(Ordering::SeqCst) {
            // A connection reset before its turn: the listener itself is well, or `stopping` is true by now.
            let Ok((stream, _)) = listener.accept() else { continue };
            if let Err(TrySendError::Full(stream)) = sender.try_send(stream) {
                refuse(stream);
            }
        }
        // The workers end when the queue is empty.
        drop(sender);
    });
}

/// Tells a peer that came beyond the bounds so, without waiting for its request.
fn refuse(mut stream: TcpStream) {
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let _ = stream.write_all(&Response::text(503, "too many requests wait already").bytes(true));
}

impl Server {
    fn work(&self, queue: &Mutex<Receiver<TcpStream>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut stream) = next else { return };
            if let Err(error) = self.answer(&mut stream) {
                println!("{} connection lost: {error}", clock::now());
            }
        }
    }

    fn answer(&self, stream: &mut TcpStream) -> io::Result<()> {
        let begun = Instant::now();
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (line, response, with_body) = match http::read(stream) {
            Ok(request) => {
                let count = self.count(&request);
                let line = format!("{} {}", request.method, request.path);
                (line, pages::answer(&request, &self.settings, count), request.method != "HEAD")
            }
            Err(BadRequest::Silence) => return Ok(()),
            Err(BadRequest::Malformed(reason)) => ("-".to_owned(), Response::text(400, reason), true),
            Err(BadRequest::Io(error)) => return Err(error),
        };
        stream.write_all(&response.bytes(with_body))?;
        let micros = begun.elapsed().as_micros();
        let peer = stream.peer_addr().map_or_else(|_| "-".to_owned(), |address| address.ip().to_string());
        println!(
            "{} {line} {} {}.{:03}ms {peer}",
            clock::now(),
            response.status,
            micros / 1000,
            micros % 1000
        );
        close(stream)
    }

    /// A health check every few seconds is no visit: it is not counted.
    fn count(&self, request: &http::Request) -> u64 {
        let step = u64::from(request.path != "/_health");
        self.count.fetch_add(step, Ordering::Relaxed) + step
    }
}

/// Reads what the peer may still send, a little of it: closing a socket with unread bytes would reset the connection
/// and could take the answer with it.
fn close(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(64 * 1024), &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings = Settings::from(|_| None).expect("defaults");
        let stopping = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| serve(&listener, settings, &stopping));
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(text.as_bytes()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("answered and closed");
            stopping.store(true, Ordering::SeqCst);
            // One more connection ends the `accept` that the flag alone would not.
            drop(TcpStream::connect(address));
            answer
        })
    }

    #[test]
    fn a_request_over_a_socket_is_answered() {
        let answer = asked("GET /_health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    }

    #[test]
    fn a_malformed_request_gets_400() {
        assert!(asked("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }

    #[test]
    fn a_body_that_nobody_reads_does_not_lose_the_answer() {
        let body = "x".repeat(50_000);
        let answer = asked(&format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n{body}"));
        assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{answer}");
    }
}
