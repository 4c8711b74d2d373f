use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use rplay_event::{Progress, ProgressStep};

use super::Key;
use crate::sink::Sink;

/// Live lines on a terminal: a headline with its steps for each task on each host.
pub(crate) struct Bars {
    multi: MultiProgress,
    tasks: IndexMap<Key, Task>,
    /// Whether a thread keeps the spinners turning.
    turning: bool,
}

struct Task {
    headline: ProgressBar,
    steps: Vec<ProgressBar>,
    notes: HashSet<String>,
}

impl Bars {
    pub(crate) fn new(err: Sink, (width, height): (u16, u16), turning: bool) -> Self {
        let terminal = Terminal { err, width, height, frame: Mutex::default() };
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(terminal)));
        Self { multi, tasks: IndexMap::new(), turning }
    }

    pub(crate) fn update(&mut self, key: Key, progress: &Progress) {
        let Self { multi, tasks, turning } = self;
        let task = tasks.entry(key).or_insert_with(|| Task {
            headline: headline(multi, *turning),
            steps: Vec::new(),
            notes: HashSet::new(),
        });
        if let Some(note) = progress.note.as_ref().filter(|note| task.notes.insert((*note).clone())) {
            // An error would be the terminal's, which has ended then.
            multi.println(note).ok();
        }
        task.headline.set_message(progress.headline.clone());
        task.resize(progress.steps.len(), multi);
        for (bar, step) in task.steps.iter().zip(&progress.steps) {
            show(bar, step);
        }
    }

    pub(crate) fn done(&mut self, key: &Key) {
        if let Some(mut task) = self.tasks.shift_remove(key) {
            task.resize(0, &self.multi);
            remove(&task.headline, &self.multi);
        }
    }

    pub(crate) fn clear(&mut self) {
        let keys: Vec<Key> = self.tasks.keys().cloned().collect();
        for key in &keys {
            self.done(key);
        }
    }

    pub(crate) fn suspended(&self, print: impl FnOnce()) {
        self.multi.suspend(print);
    }
}

impl Task {
    fn resize(&mut self, count: usize, multi: &MultiProgress) {
        while self.steps.len() > count {
            if let Some(bar) = self.steps.pop() {
                remove(&bar, multi);
            }
        }
        while self.steps.len() < count {
            let last = self.steps.last().unwrap_or(&self.headline);
            let bar = multi.insert_after(last, ProgressBar::new_spinner());
            self.steps.push(bar);
        }
    }
}

fn headline(multi: &MultiProgress, turning: bool) -> ProgressBar {
    const TURN: Duration = Duration::from_millis(120);
    let bar = multi.add(ProgressBar::new_spinner());
    bar.set_style(style(if turning { "{spinner} {elapsed:>3} {wide_msg}" } else { "{spinner} {wide_msg}" }));
    if turning {
        bar.enable_steady_tick(TURN);
    }
    bar
}

fn show(bar: &ProgressBar, step: &ProgressStep) {
    match step.amount {
        Some((done, whole)) => {
            bar.set_style(style("    [{bar:24}] {percent:>3}% {wide_msg}"));
            bar.set_length(whole);
            bar.set_position(done);
        }
        None => bar.set_style(style("    {wide_msg}")),
    }
    // All of the text is in the part that is cut at the edge of the terminal: a line that wraps is not taken back whole.
    bar.set_message(format!("{} {}", step.label, step.state));
}

fn remove(bar: &ProgressBar, multi: &MultiProgress) {
    bar.finish_and_clear();
    multi.remove(bar);
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that the tests draw")
        .progress_chars("=> ")
}

/// The terminal on stderr, by the few sequences that all of them know.
struct Terminal {
    err: Sink,
    width: u16,
    height: u16,
    /// What is drawn next, written at once: a terminal that shows half a frame flickers.
    frame: Mutex<String>,
}

impl Terminal {
    fn put(&self, text: &str) {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn step(&self, count: usize, letter: char) {
        if count > 0 {
            self.put(&format!("\x1b[{count}{letter}"));
        }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("width", &self.width).finish_non_exhaustive()
    }
}

/// A terminal that goes away ends nothing: the run goes on without live lines.
impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.step(count, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.step(count, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.step(count, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.step(count, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame.lock().unwrap_or_else(PoisonError::into_inner));
        self.err.write(frame.as_bytes());
        self.err.flush();
        Ok(())
    }
}
