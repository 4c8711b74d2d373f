use std::io::Write;

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    Info,
    Warning,
    Error,
}

impl Gravity {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// A file that receives what the screen shows, without colours, each message with its time.
pub struct Log {
    file: Box<dyn Write + Send>,
    /// What stands before a message: the time, the process, the user.
    stamp: Box<dyn Fn() -> String + Send>,
    /// How many `-v` the log is written as if with.
    verbosity: u8,
}

impl Log {
    /// Returns a log that writes `stamp()` before each message.
    pub fn new(file: Box<dyn Write + Send>, stamp: Box<dyn Fn() -> String + Send>, verbosity: u8) -> Self {
        Self { file, stamp, verbosity }
    }

    pub(crate) fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Writes a message; a log that cannot be written is no reason to end a run.
    pub(crate) fn write(&mut self, gravity: Gravity, text: &str) {
        let text = text.trim_start_matches('\n');
        let _ = writeln!(self.file, "{} n=ansible {}| {text}", (self.stamp)(), gravity.word());
    }

    pub(crate) fn flush(&mut self) {
        let _ = self.file.flush();
    }
}
