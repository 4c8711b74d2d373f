use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of the two streams: shared with the live lines, and quiet once its reader has gone away.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Mutex<Inner>>);

struct Inner {
    stream: Box<dyn Write + Send>,
    ended: Option<io::Error>,
}

impl Sink {
    pub(crate) fn new(stream: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Inner { stream, ended: None })))
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        self.lock().attempt(|stream| stream.write_all(bytes));
    }

    pub(crate) fn write_line(&self, line: &str) {
        self.lock().attempt(|stream| {
            stream.write_all(line.as_bytes())?;
            stream.write_all(b"\n")
        });
    }

    pub(crate) fn flush(&self) {
        self.lock().attempt(Write::flush);
    }

    /// Whether the reader has closed its end of the pipe.
    pub(crate) fn closed(&self) -> bool {
        self.lock().ended.as_ref().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    /// Returns what ended the stream, unless its reader closed it.
    pub(crate) fn error(&self) -> io::Result<()> {
        match &self.lock().ended {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(io::Error::new(error.kind(), error.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// A panic elsewhere leaves the stream usable: there is no half-done state in it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn attempt(&mut self, deed: impl FnOnce(&mut Box<dyn Write + Send>) -> io::Result<()>) {
        if self.ended.is_none() {
            self.ended = deed(&mut self.stream).err();
        }
    }
}
