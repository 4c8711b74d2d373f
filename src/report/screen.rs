use std::borrow::Cow;
use std::collections::HashSet;
use std::io;

use unicode_width::UnicodeWidthStr as _;

use crate::log::{Gravity, Log};
use crate::paint::{Paint, Palette};
use crate::settings::Settings;
use crate::sink::Sink;

/// Which of the two streams a line goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Out,
    Err,
}

/// The two streams, and what Ansible's `Display` knows: the width, the colours, what has been said already.
pub(crate) struct Screen {
    out: Sink,
    err: Sink,
    color: bool,
    color_stderr: bool,
    palette: Palette,
    columns: usize,
    said: HashSet<String>,
    log: Option<Log>,
}

impl Screen {
    pub(crate) fn new(settings: &Settings, out: Sink, err: Sink) -> Self {
        Self {
            out,
            err,
            color: settings.color,
            color_stderr: settings.color_stderr,
            palette: settings.palette.clone(),
            columns: settings.width.map_or(0, |width| usize::from(width).saturating_sub(1)).max(79),
            said: HashSet::new(),
            log: None,
        }
    }

    /// Writes from here on what the screen shows into a log as well.
    pub(crate) fn keep_log(&mut self, log: Log) {
        self.log = Some(log);
    }

    /// Writes to the log alone, where it is told more than the screen.
    pub(crate) fn log_detail(&mut self, verbosity: u8, text: impl FnOnce() -> String) {
        if let Some(log) = self.log.as_mut().filter(|log| log.verbosity() >= verbosity) {
            log.write(Gravity::Info, &text());
        }
    }

    /// Writes a text and its newline, unless it ends with one.
    pub(crate) fn line(&mut self, side: Side, paint: Option<Paint>, text: &str) {
        self.grave_line(side, paint, Gravity::Info, text);
    }

    /// Writes a line that is for the screen alone.
    pub(crate) fn screen_line(&mut self, side: Side, paint: Option<Paint>, text: &str) {
        let log = self.log.take();
        self.line(side, paint, text);
        self.log = log;
    }

    fn grave_line(&mut self, side: Side, paint: Option<Paint>, gravity: Gravity, text: &str) {
        let text =
            if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if let Some(log) = &mut self.log {
            log.write(gravity, text);
        }
        let (sink, color) = match side {
            Side::Out => (&self.out, self.color),
            Side::Err => {
                // What was said before stands before it, wherever both streams lead to.
                self.out.flush();
                (&self.err, self.color_stderr)
            }
        };
        match paint.filter(|_| color) {
            Some(paint) => sink.write_line(&self.palette.on(paint, text)),
            None => sink.write_line(text),
        }
    }

    /// Returns how wide lines are made.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the text in the colour, where stdout takes colours.
    pub(crate) fn painted(&self, paint: Paint, text: &str) -> String {
        if self.color { self.palette.on(paint, text) } else { text.to_owned() }
    }

    /// Writes a heading: an empty line, the text, stars to the edge of the screen.
    pub(crate) fn banner(&mut self, text: &str) {
        let text = text.trim();
        let stars = self.columns.saturating_sub(text.width()).max(3);
        self.line(Side::Out, None, &format!("\n{text} {}", "*".repeat(stars)));
    }

    /// Writes a message such as `[WARNING]: ..`, the first time it is said; one of several lines ends with an empty line.
    pub(crate) fn message(&mut self, side: Side, paint: Paint, kind: &str, text: &str) {
        let text = text.trim();
        let end = if text.contains('\n') { "\n\n" } else { "\n" };
        let text = format!("[{kind}]: {text}{end}");
        if self.said.insert(text.clone()) {
            let gravity = match paint {
                Paint::Error => Gravity::Error,
                Paint::Warn => Gravity::Warning,
                _ => Gravity::Info,
            };
            self.grave_line(side, Some(paint), gravity, &text);
        }
    }

    pub(crate) fn flush(&mut self) {
        self.out.flush();
        self.err.flush();
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// Whether the reader of stdout has gone away.
    pub(crate) fn closed(&self) -> bool {
        self.out.closed()
    }

    /// Returns the first error of stdout that is not a closed pipe.
    pub(crate) fn error(&self) -> io::Result<()> {
        self.out.error()
    }
}
